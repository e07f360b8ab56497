"""Judges every AWS request of regcred against botocore's service models, which AWS publishes and its own SDKs are made of.

    aws_models.py FILE_OR_FOLDER...

Reads logs of the sandbox (`*.calls.jsonl`, or what `regcred-sandbox --calls` wrote). Service and operation are taken from
the request as it was sent, not from what the sandbox made of it. Ends with 1 if a request is wrong, or if there is none.
"""

import collections
import json
import pathlib
import re
import sys
import urllib.parse

import botocore
import botocore.session

SERVICES = ("secretsmanager", "ecr", "sts", "kms")
# The sandbox's own tests send wrong requests on purpose, with other clients.
CLIENT = "aws-sdk-rust/"


class Models:
    def __init__(self):
        session = botocore.session.get_session()
        self.by_name = {name: session.get_service_model(name) for name in SERVICES}
        self.by_target = {
            model.metadata["targetPrefix"]: model
            for model in self.by_name.values()
            if "targetPrefix" in model.metadata
        }

    def versions(self):
        return ", ".join(f"{name} {model.api_version}" for name, model in self.by_name.items())


def judge(models, call):
    """The operation's name, and what is wrong with the request."""
    target = call["request_headers"].get("x-amz-target")
    service, operation, value, wrong = json_request(models, call, target) if target else query_request(models, call)
    if service is None:
        return operation, wrong
    if operation not in service.operation_names:
        return f"{service.service_name}:{operation}", [*wrong, "no such operation"]
    wrong += addressed(service, call)
    shape = service.operation_model(operation).input_shape
    if shape is None:
        wrong += ["members for an operation that has none"] if value else []
    elif value is not None:
        wrong += check(shape, value, "")
    return f"{service.service_name}:{operation}", wrong


def json_request(models, call, target):
    prefix, _, operation = target.rpartition(".")
    service = models.by_target.get(prefix)
    if service is None:
        return None, target, None, [f"no service has the target {prefix}"]
    wanted = f"application/x-amz-json-{service.metadata['jsonVersion']}"
    kind = call["request_headers"].get("content-type")
    wrong = [] if kind == wanted else [f"content-type is {kind}, not {wanted}"]
    try:
        value = json.loads(call["request_body"], parse_constant=lambda name: f"not JSON: {name}")
    except ValueError as error:
        return service, operation, None, [*wrong, f"body is not JSON: {error}"]
    return service, operation, value, wrong


def query_request(models, call):
    """The query protocol: a form, in which `Tags.member.1.Key` stands for a structure in a list."""
    pairs = urllib.parse.parse_qsl(call["request_body"], keep_blank_values=True, strict_parsing=bool(call["request_body"]))
    form = dict(pairs)
    wrong = ["a parameter is given twice"] if len(form) != len(pairs) else []
    operation, version = form.pop("Action", ""), form.pop("Version", "")
    services = [model for model in models.by_name.values() if model.metadata["protocol"] == "query"]
    known = [model for model in services if operation in model.operation_names]
    if not known:
        return None, operation or call["path"], None, ["neither a target nor an action that a service has"]
    service = known[0]
    if version != service.api_version:
        wrong.append(f"Version is {version}, not {service.api_version}")
    shape = service.operation_model(operation).input_shape
    return service, operation, unflatten(shape, form), wrong


def unflatten(shape, form):
    tree = {}
    for name, value in form.items():
        node = tree
        *parts, last = name.split(".")
        for part in parts:
            node = node.setdefault(part, {})
        node[last] = value
    return typed(shape, tree)


def typed(shape, node):
    """Texts of a form in the types of the model; what does not fit is left as it is, and found wrong later."""
    kind = shape.type_name if shape is not None else None
    if kind == "structure" and isinstance(node, dict):
        return {name: typed(shape.members.get(name), value) for name, value in node.items()}
    if kind == "list" and isinstance(node, dict) and set(node) == {"member"}:
        rows = node["member"]
        return [typed(shape.member, rows[key]) for key in sorted(rows, key=int)]
    if kind in ("integer", "long") and re.fullmatch(r"-?\d+", str(node)):
        return int(node)
    if kind == "boolean" and node in ("true", "false"):
        return node == "true"
    return node


def addressed(service, call):
    """What every request needs beside its body."""
    headers, wrong = call["request_headers"], []
    if (call["method"], call["path"]) != ("POST", "/"):
        wrong.append(f"sent as {call['method']} {call['path']}, not POST /")
    scope = re.search(r"Credential=[^/]+/\d{8}/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request", headers.get("authorization", ""))
    name = service.metadata.get("signingName") or service.metadata["endpointPrefix"]
    if scope is None:
        wrong.append("not signed with Signature Version 4")
    elif scope[2] != name:
        wrong.append(f"signed for the service {scope[2]}, not {name}")
    return wrong


TYPES = {
    "structure": dict, "map": dict, "list": list, "string": str, "character": str, "blob": str,
    "integer": int, "long": int, "float": (int, float), "double": (int, float), "timestamp": (int, float), "boolean": bool,
}


def check(shape, value, path):
    here = path or "the request"
    wanted = TYPES[shape.type_name]
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        return [f"{here} is {type(value).__name__}, not {shape.type_name}"]
    wrong = [f"{here} {problem}" for problem in limits(shape, value)]
    if shape.type_name == "structure":
        wrong += members(shape, value, path)
    elif shape.type_name == "list":
        for number, item in enumerate(value):
            wrong += check(shape.member, item, f"{path}[{number}]")
    elif shape.type_name == "map":
        for key, item in value.items():
            wrong += check(shape.key, key, f"{path} key") + check(shape.value, item, f"{path}.{key}")
    return wrong


def members(shape, value, path):
    def name_of(name):
        return f"{path}.{name}" if path else name

    wrong = [f"{name_of(name)} is required and missing" for name in shape.required_members if value.get(name) is None]
    for name, item in value.items():
        if name not in shape.members:
            wrong.append(f"{name_of(name)} is unknown to the model")
        elif item is not None:
            wrong += check(shape.members[name], item, name_of(name))
    return wrong


def limits(shape, value):
    size = value if isinstance(value, (int, float)) and not isinstance(value, bool) else None
    if isinstance(value, (str, list, dict)) and shape.type_name != "structure":
        size = len(value)
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if size is not None and low is not None and size < low:
        yield f"has size {size}, less than {low}"
    if size is not None and high is not None and size > high:
        yield f"has size {size}, more than {high}"
    if not isinstance(value, str):
        return
    values = shape.metadata.get("enum")
    if values and value not in values:
        yield f"is {value!r}, none of {', '.join(values)}"
    pattern = shape.metadata.get("pattern")
    if pattern and not re.fullmatch(python_pattern(pattern), value):
        yield f"does not match {pattern}"


def python_pattern(pattern):
    """The models are written for Java. Python has no Unicode classes: its own letters, digits and spaces stand for them."""
    for java, python in ((r"\p{L}", r"\w"), (r"\p{N}", r"\d"), (r"\p{Z}", r"\s")):
        pattern = pattern.replace(java, python)
    return pattern


def logs(names):
    for path in map(pathlib.Path, names):
        yield from sorted(path.glob("*calls.jsonl")) if path.is_dir() else [path]


def aws_calls(names):
    for log in logs(names):
        with log.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                call = json.loads(line)
                if call["service"] in SERVICES:
                    yield f"{log.name}:{number}", call


def main():
    models, judged, others, failed = Models(), collections.Counter(), 0, 0
    for place, call in aws_calls(sys.argv[1:]):
        if not call["request_headers"].get("user-agent", "").startswith(CLIENT):
            others += 1
            continue
        operation, wrong = judge(models, call)
        judged[operation] += 1
        failed += bool(wrong)
        for problem in wrong:
            print(f"{place}: {operation}: {problem}", file=sys.stderr)
    print(f"botocore {botocore.__version__} ({models.versions()})")
    for operation, count in sorted(judged.items()):
        print(f"  {count:>5}  {operation}")
    print(f"AWS requests judged: {judged.total()}; wrong: {failed}; left out, by other clients: {others}")
    if not judged:
        print("there was no request to judge", file=sys.stderr)
    return 1 if failed or not judged else 0


if __name__ == "__main__":
    sys.exit(main())
