"""Holds docs/permissions.md to the sandbox: what it lists is enough, and nothing in it is superfluous.

    permissions.py FOLDER

Every scenario runs with exactly the documented permissions and has to succeed; then once without each of them, and one
has to fail. For AWS all other actions of the services are forbidden, by botocore's models. FOLDER has the logs of the tests'
sandboxes: what regcred asked AWS for in any test has to be listed, too.
"""

import copy
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import botocore.session

from aws_models import CLIENT, Models, aws_calls, judge
from sandbox import OTHER_TOKEN, ROOT, TOKEN, Sandbox, home, new_world

PAGE = ROOT / "docs" / "permissions.md"
SERVICES = ("secretsmanager", "ecr", "sts", "kms")
# AWS lets everybody ask who they are ("No permissions are required to perform this operation").
FREE = {"sts:GetCallerIdentity"}
# Not an action of regcred's own requests: ECR makes its role with the caller's permission, at an account's first rule.
UNSEEN = {"iam:CreateServiceLinkedRole"}
ROLE = "arn:aws:iam::222222222222:role/regcred"
SECRET = "ecr-pullthroughcache/docker-hub"

AWS_FILE = """\
version: 1
credentials:
  docker-hub:
    to:
      aws: {{ stacks: {{ main: {{ region: us-east-2{role} }} }} }}
"""
GITHUB_FILE = """\
version: 1
credentials:
  docker-hub:
    to:
      github: [{{ {place} }}]
"""


class Run:
    """regcred in a folder of its own, with one sandbox's world going from step to step."""

    def __init__(self, folder, world, file):
        self.folder, self.world = pathlib.Path(folder), copy.deepcopy(world)
        (self.folder / "regcred.yaml").write_text(file, encoding="utf-8")

    def regcred(self, *args, token=TOKEN, said=None):
        """Its exit code; `said` is what it reads on standard input."""
        with Sandbox(self.folder / "sandbox", self.world) as sandbox:
            env = home(self.folder) | sandbox.env | {"DOCKER_HUB_USERNAME": "acme", "DOCKER_HUB_TOKEN": token}
            ran = subprocess.run(["regcred", *args], cwd=self.folder, env=env, capture_output=True, text=True, input=said)
            self.world = sandbox.state()
        if ran.returncode == 3:
            raise RuntimeError(f"regcred {' '.join(args)}: {ran.stderr}")
        self.said = ran.stdout
        return ran.returncode

    def synced(self, **options):
        return self.regcred("sync", "--yes", **options) == 0

    def rotated(self, **options):
        """Whether the other token took the place of the one that the source gives."""
        ran = self.regcred("rotate", "--from", "stdin", "--yes", said=f"acme\n{OTHER_TOKEN}\n", **options)
        return ran == 0 and OTHER_TOKEN in self.value(0)

    def value(self, number):
        """What a secret of AWS holds."""
        versions = self.world["aws"]["secrets"][number]["versions"]
        return next(version["string"] for version in versions if "AWSCURRENT" in version["stages"])

    def edit(self, old, new):
        file = self.folder / "regcred.yaml"
        text = file.read_text(encoding="utf-8")
        if old not in text:
            raise RuntimeError(f"{old} is not in {text}")
        file.write_text(text.replace(old, new), encoding="utf-8")


# --- AWS ---------------------------------------------------------------------------------------------------------------


def allow(world, actions):
    """Lets the caller and the role do these, and nothing else of the services."""
    session = botocore.session.get_session()
    every = {f"{name}:{op}" for name in SERVICES for op in session.get_service_model(name).operation_names}
    denied = sorted(every - set(actions) - FREE)
    world["aws"]["roles"][ROLE] = {"trusts": [], "denied": denied}
    for key in world["aws"]["access_keys"].values():
        key["denied"] = denied


def first_sync(run):
    return run.synced()


def token_changed_and_changed_back(run):
    return run.synced() and run.synced(token=OTHER_TOKEN) and run.synced()


def secret_scheduled_for_deletion(run):
    if not run.synced():
        return False
    run.world["aws"]["secrets"][0]["deleted"] = "2999-01-01T00:00:00Z"
    return run.synced()


def rule_on_another_secret(run):
    if not run.synced():
        return False
    run.world["aws"]["rules"][0]["credential_arn"] += "x"
    return run.synced()


def sync_with_a_role(run):
    return run.synced()


def rotation(run):
    """The secret is marked as well, so that a sync with the old token does not take the rotation back."""
    return run.synced() and run.rotated() and "regcred:rotated-from" in run.world["aws"]["secrets"][0]["tags"]


def rotation_taken_back(run):
    aws = run.world["aws"]
    run.edit("aws: {", f"aws: {{ readers: [\"{aws['access_keys'][aws['exported_key']]['principal_arn']}\"],")
    if not (run.synced() and run.rotated()):
        return False
    return run.regcred("rotate", "--from", "previous", "--yes", token=OTHER_TOKEN) == 0 and TOKEN in run.value(0)


def rotation_stored_in_the_secret_that_it_comes_from(run):
    if not run.synced():
        return False
    secrets = run.world["aws"]["secrets"]
    source = copy.deepcopy(secrets[0])
    secrets.append(source | {"name": "shared/hub", "arn": source["arn"].replace(SECRET, "shared/hub"), "policy": None})
    run.edit("    to:", "    from: { aws-secret: { secret: shared/hub, region: us-east-2 } }\n    to:")
    return run.rotated() and OTHER_TOKEN in run.value(1)


def looking(run):
    """Somebody else has synced; this login only looks."""
    keys = copy.deepcopy(run.world["aws"]["access_keys"])
    for key in run.world["aws"]["access_keys"].values():
        key["denied"] = []
    if not run.synced():
        raise RuntimeError("the world to look at could not be made")
    run.world["aws"]["access_keys"] = keys
    return run.regcred("plan", "--detailed-exitcode") == 0 and run.regcred("verify") == 0


def removing(run):
    """Somebody else has synced; this login takes it away."""
    keys = copy.deepcopy(run.world["aws"]["access_keys"])
    for key in run.world["aws"]["access_keys"].values():
        key["denied"] = []
    if not run.synced():
        raise RuntimeError("the world to take away could not be made")
    run.world["aws"]["access_keys"] = keys
    return run.regcred("remove", "--yes") == 0 and bool(run.world["aws"]["secrets"][0]["deleted"])


AWS = {
    "plan": [("", looking)],
    "sync": [
        ("", first_sync),
        ("", token_changed_and_changed_back),
        ("", secret_scheduled_for_deletion),
        ("", rule_on_another_secret),
        ("", rotation),
    ],
    "previous": [("", rotation_taken_back)],
    "store": [("", rotation_stored_in_the_secret_that_it_comes_from)],
    "remove": [("", removing)],
    "role": [(f', role: "{ROLE}"', sync_with_a_role)],
}

# Policies that are needed together with another. What is assumed may do what sync needs.
BESIDE = {"role": ["sync"], "previous": ["sync"], "store": ["sync", "aws_secret"]}


def documented_policies():
    """The actions of each JSON document, by the name that a comment above it gives."""
    text = PAGE.read_text(encoding="utf-8")
    found = re.findall(r"<!-- policy: (\w+) -->\s*```json\n(.*?)```", text, re.DOTALL)
    documents = {name: json.loads(document)["Statement"] for name, document in found}
    return {
        name: {action for statement in statements for action in as_list(statement["Action"])}
        for name, statements in documents.items()
    }


def as_list(value):
    return value if isinstance(value, list) else [value]


def aws_holds(world, scenarios, actions):
    for role, scenario in scenarios:
        with tempfile.TemporaryDirectory() as folder:
            run = Run(folder, world, AWS_FILE.format(role=role))
            allow(run.world, actions)
            if not scenario(run):
                return scenario.__name__.replace("_", " ")
    return None


def seen(folder):
    """What regcred asked AWS for in the tests. The sandbox's own tests ask for anything."""
    models = Models()
    calls = (call for log, call in aws_calls([folder]) if not log.startswith("answers-"))
    return {judge(models, call)[0] for call in calls if call["request_headers"].get("user-agent", "").startswith(CLIENT)}


def judge_aws(world, asked_for):
    policies = documented_policies()
    listed = {action for actions in policies.values() for action in actions}
    for action in sorted(asked_for - listed - FREE):
        yield f"regcred asks for {action}, which no policy lists"
    for name in sorted(policies.keys() - AWS.keys()):
        # Such as what one source of the credential needs.
        for action in sorted(policies[name] - asked_for):
            yield f"no test asked for {action}, which the policy {name!r} lists"
    if missing := sorted(AWS.keys() - policies.keys()):
        yield f"there is no policy for {', '.join(missing)}"
        return
    for name, scenarios in AWS.items():
        base = set().union(*(policies[beside] for beside in BESIDE.get(name, [])))
        listed = policies[name]
        if (failed := aws_holds(world, scenarios, listed | base)) is not None:
            yield f"the policy {name!r} is not enough for: {failed}"
        for action in sorted(listed - UNSEEN):
            if aws_holds(world, scenarios, (listed | base) - {action}) is None:
                yield f"the policy {name!r} would do without {action}"
        print(f"AWS, {name}: {len(listed)} actions, {len(scenarios)} scenarios")


FLEET = """\
version: 1
credentials:
  docker-hub:
    to:
      aws:
        accounts: ["222222222222", "333333333333"]
        regions: [us-east-2, eu-west-1]
        stacks: {{ main: {{ role: "arn:aws:iam::{{account}}:role/regcred"{external} }} }}
"""


def documented_trust():
    """Whom the trust policy of the page trusts, and with which external id."""
    text = PAGE.read_text(encoding="utf-8")
    (document,) = re.findall(r"<!-- trust: fleet -->\s*```json\n(.*?)```", text, re.DOTALL)
    (statement,) = json.loads(document)["Statement"]
    return statement["Principal"]["AWS"], statement["Condition"]["StringEquals"]["sts:ExternalId"]


def fleet_is_synced(world, external, caller=None, **less):
    """Whether a fleet is put in place by a login that may only assume roles, whose own permissions are those of sync."""
    policies = documented_policies()
    trusted, wanted = documented_trust()
    with tempfile.TemporaryDirectory() as folder:
        run = Run(folder, world, FLEET.format(external=external))
        allow(run.world, policies["sync"] - less.get("without", set()))
        may = copy.deepcopy(run.world["aws"]["roles"].pop(ROLE))
        for account in ("222222222222", "333333333333"):
            role = may | {"trusts": [trusted], "external_id": wanted}
            run.world["aws"]["roles"][ROLE.replace("222222222222", account)] = role
        allowed = copy.deepcopy(run.world)
        allow(allowed, policies["fleet"])
        for key, own in run.world["aws"]["access_keys"].items():
            own["denied"] = allowed["aws"]["access_keys"][key]["denied"]
            own["principal_arn"] = caller or trusted
        return run.synced() and len(run.world["aws"]["rules"]) == 4


def judge_fleet(world):
    """The trust policy of the page lets in whom it names, with its external id, and nobody else."""
    external = f", external-id: {documented_trust()[1]}"
    if not fleet_is_synced(world, external):
        yield "a fleet cannot be synced with the policies 'fleet' and 'sync' and the trust policy"
    if fleet_is_synced(world, ""):
        yield "the trust policy of a fleet would do without the external id"
    if fleet_is_synced(world, external, caller="arn:aws:iam::123456789012:role/other"):
        yield "the trust policy of a fleet lets another role in"
    for action in sorted(documented_policies()["sync"] & {"ecr:CreatePullThroughCacheRule", "secretsmanager:CreateSecret"}):
        if fleet_is_synced(world, external, without={action}):
            yield f"the roles of a fleet would do without {action}"
    print("AWS, fleet: 2 accounts in 2 regions, by their roles")


# --- GitHub ------------------------------------------------------------------------------------------------------------

PLACES = {
    "repository": "repository: acme/api",
    "environment": "repository: acme/api, environment: production",
    "create-environment": "repository: acme/api, environment: staging, create-environment: true",
    "environment-pattern": 'repository: acme/api, environment: "prod*"',
    "team": 'repositories: ["acme/*"], only: { team: platform }',
    "dependabot": "repository: acme/api, store: dependabot",
    "organization": "organization: acme, visibility: private",
}


def documented_permissions():
    """The rows of the table: the place, and the permissions as `name: level`."""
    github = PAGE.read_text(encoding="utf-8").split("\n## GitHub\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `([\w-]+)`[^|]*\|([^|]*)\|", github, re.MULTILINE)
    return {place: dict(re.findall(r"`(\w+): (\w+)`", cell)) for place, cell in rows}


def github_holds(world, place, permissions):
    with tempfile.TemporaryDirectory() as folder:
        run = Run(folder, world, GITHUB_FILE.format(place=PLACES[place]))
        # An environment has to be there; making one is another permission.
        run.world["github"]["repositories"]["acme/api"]["environments"] = {"production": new_environment(run.world)}
        run.world["github"]["organizations"] = {"acme": new_organization(run.world)}
        give(run.world, permissions)
        # A record that could not be written is no failure of sync, and no difference; the plan tells.
        if not (run.synced() and run.regcred("plan", "--json") == 0 and json.loads(run.said)["summary"]["refresh"] == 0):
            return False
        give(run.world, dict.fromkeys(permissions, "read"))
        if run.regcred("plan", "--detailed-exitcode") or run.regcred("verify"):
            raise RuntimeError(f"{place}: plan and verify do not do with read")
        return True


def give(world, permissions):
    token = world["github"]["tokens"][world["github"]["exported_token"]]
    token["permissions"] = {"metadata": "read"} | permissions


def new_environment(world):
    return {"id": 1, "secrets": new_store(world), "variables": {}}


def new_organization(world):
    teams = {"platform": ["acme/api"]}
    return {"id": 1, "teams": teams, "actions": new_store(world), "dependabot": new_store(world), "variables": {}}


def new_store(world):
    return copy.deepcopy(world["github"]["repositories"]["acme/web"]["actions"])


def judge_github(world):
    documented = documented_permissions()
    if set(documented) != set(PLACES):
        yield f"there are permissions for {sorted(documented)}, not {sorted(PLACES)}"
    for place in PLACES:
        listed = documented[place]
        if not github_holds(world, place, listed):
            yield f"the permissions of {place} are not enough"
        for name, level in listed.items():
            less = "read" if level == "write" else "none"
            if github_holds(world, place, listed | {name: less}):
                yield f"{place} would do with {name}: {less}"
        print(f"GitHub, {place}: {len(listed)} permissions")


def main():
    asked_for = seen(sys.argv[1])
    print(f"the tests' runs asked AWS for {len(asked_for)} actions")
    if not asked_for:
        print("there was no request to AWS", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        world = new_world(folder)
    wrong = [*judge_aws(world, asked_for), *judge_fleet(world), *judge_github(world)]
    for problem in wrong:
        print(f"{PAGE.name}: {problem}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
