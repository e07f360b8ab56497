"""Judges, with the models of Daytona's own client, every request that regcred sent to Daytona and every answer it got.

    daytona_client.py FOLDER...

Reads what the sandbox's library kept of tests (`*.calls.jsonl`). A body must be one that the client could have sent, with
every member that it has to have and none that it does not know. Ends with 1 if one is wrong, or if there is none.
"""

import collections
import json
import pathlib
import sys

from daytona_api_client.models.api_key_list import ApiKeyList
from daytona_api_client.models.create_docker_registry import CreateDockerRegistry
from daytona_api_client.models.docker_registry import DockerRegistry
from daytona_api_client.models.update_docker_registry import UpdateDockerRegistry

# Per operation, the body that is sent and the one that comes back. A list comes bare. The real server leaves `project` out
# of its answer to a change, against its own description: nothing to judge.
OPERATIONS = {
    "POST /docker-registry": (CreateDockerRegistry, DockerRegistry),
    "GET /docker-registry": (None, [DockerRegistry]),
    "PATCH /docker-registry/{id}": (UpdateDockerRegistry, None),
    "DELETE /docker-registry/{id}": (None, None),
    "GET /api-keys/current": (None, ApiKeyList),
}


def calls(names):
    for path in map(pathlib.Path, names):
        # The sandbox's own tests send what is wrong on purpose.
        found = [file for file in sorted(path.glob("*.calls.jsonl")) if not file.name.startswith("answers-")]
        for file in found:
            for line in file.read_text(encoding="utf-8").splitlines():
                if '"service":"daytona"' in line:
                    yield file.name, json.loads(line)


def fault(model, text):
    """Why a body is not of this model; nothing of the body itself."""
    try:
        value = json.loads(text)
    except ValueError:
        return "is not JSON"
    if isinstance(model, list):
        faults = (fault(model[0], json.dumps(each)) for each in value)
        return next((found for found in faults if found), None)
    try:
        read = model.from_dict(value)
    except ValueError as error:
        return f"{model.__name__}: {[(found['loc'], found['msg']) for found in error.errors(include_input=False)]}"
    return f"{model.__name__}: does not know {sorted(read.additional_properties)}" if read.additional_properties else None


def judge(call):
    if not call["path"].startswith("/api/"):
        # A base address that is wrong on purpose: the answer is the dashboard's page.
        return None
    if call["operation"] not in OPERATIONS:
        return "is not an operation of Daytona's"
    sent, answered = OPERATIONS[call["operation"]]
    if not sent and call["request_body"]:
        return "has a body"
    good = call["status"] and call["status"] < 300 and not call["fault"]
    return (sent and fault(sent, call["request_body"])) or (answered and good and fault(answered, call["response_body"]))


def main(names):
    judged, wrong = collections.Counter(), 0
    for file, call in calls(names):
        judged[call["operation"]] += 1
        found = judge(call)
        if found:
            wrong += 1
            print(f"{file} #{call['index']} {call['operation']}: {found}")
    for operation, count in sorted(judged.items()):
        print(f"{count:6} {operation}")
    print(f"{judged.total()} requests, {wrong} wrong")
    return 1 if wrong or not judged["POST /docker-registry"] or not judged["PATCH /docker-registry/{id}"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
