"""The clients that people have, `aws` and `gh`, read back what regcred wrote, and write what regcred then has to find in
order or not.

Both talk to the sandbox, with TLS: gh speaks nothing else.
"""

import json
import pathlib
import subprocess
import sys

from sandbox import OTHER_TOKEN, TOKEN
from stage import LIMIT_S, NAME, REGION, USER, stage


class Clients:
    def __init__(self, stage, env):
        self.stage, self.env, self.checks = stage, env, 0

    def run(self, *command, text=None):
        ran = subprocess.run(command, env=self.env, input=text, capture_output=True, text=True, timeout=LIMIT_S)
        if ran.returncode != 0:
            raise SystemExit(f"{' '.join(command[:4])} ended with {ran.returncode}\n{ran.stdout}\n{ran.stderr}")
        return ran.stdout

    def aws(self, service, operation, *args):
        out = self.run(str(pathlib.Path(sys.executable).parent / "aws"), service, operation, *args, "--output", "json")
        return json.loads(out) if out.strip() else {}

    def secret(self, operation, *args):
        return self.aws("secretsmanager", operation, "--secret-id", NAME, *args)

    def gh(self, *args, text=None):
        return self.run("gh", *args, text=text)

    def check(self, what, good, found=""):
        self.checks += 1
        print(f"  {'ok' if good else 'WRONG'}  {what}")
        if not good:
            raise SystemExit(f"{what}: {found}")

    def mended(self, what, words, rows):
        """The plan says so, the next run mends it, and the run after that writes nothing."""
        plan = self.stage.regcred("plan")
        self.check(f"{what}: the plan says `{words}`", words in plan, plan)
        changes = json.loads(self.stage.regcred("plan", "--json"))["changes"]
        writes = [row["address"].rsplit("/", 1)[-1] for row in changes if row["action"] not in ("keep",)]
        self.check(f"{what}: it would write {', '.join(rows)}", sorted(writes) == sorted(rows), writes)
        self.stage.regcred("sync", "--yes")
        self.in_sync(what)

    def in_sync(self, what):
        said = self.stage.regcred("sync", "--yes")
        self.check(f"{what}: then nothing is left to do", "No changes" in said, said)

    def later(self):
        """A minute passes for the sandbox: two clocks may differ by two seconds without that being drift."""
        world = self.stage.sandbox.state()
        world["clock"]["offset_ms"] += 60_000
        self.stage.sandbox.replace(world)


def read_back(clients):
    value = json.loads(clients.secret("get-secret-value")["SecretString"])
    clients.check("aws reads the two keys of the value", value == {"username": USER, "accessToken": TOKEN}, value.keys())
    described = clients.secret("describe-secret")
    clients.check("aws sees our tag", {"Key": "managed-by", "Value": "regcred"} in described["Tags"], described)
    policy = json.loads(clients.secret("get-resource-policy")["ResourcePolicy"])
    clients.check("aws sees one Deny", [part["Effect"] for part in policy["Statement"]] == ["Deny"], policy)
    [rule] = clients.aws("ecr", "describe-pull-through-cache-rules")["pullThroughCacheRules"]
    clients.check("aws sees the rule on the secret", rule["credentialArn"] == described["ARN"], rule)
    valid = clients.aws("ecr", "validate-pull-through-cache-rule", "--ecr-repository-prefix", "main-docker-hub")
    clients.check("aws has ECR validate the rule", valid["isValid"] is True, valid)
    listed = [line.split()[0] for line in clients.gh("secret", "list", "-R", "acme/api").splitlines()]
    clients.check("gh lists both secrets", listed == ["DOCKER_HUB_TOKEN", "DOCKER_HUB_USERNAME"], listed)
    record = json.loads(clients.gh("api", "repos/acme/api/actions/variables/DOCKER_HUB_SYNC"))["value"]
    clients.check("gh reads the record of both", record.endswith("DOCKER_HUB_TOKEN,DOCKER_HUB_USERNAME"), record)
    return described


def write(clients, described):
    [version] = [version for version, stages in described["VersionIdsToStages"].items() if "AWSCURRENT" in stages]
    value = json.dumps({"username": USER, "accessToken": TOKEN}, separators=(",", ":"))
    stored = clients.secret("get-secret-value")["SecretString"]
    clients.secret("put-secret-value", "--secret-string", stored, "--client-request-token", version)
    clients.in_sync("aws puts our own version again")
    clients.secret("put-secret-value", "--secret-string", value.replace(TOKEN, OTHER_TOKEN))
    clients.mended("aws puts another value", "holds another value", [NAME.rsplit("/", 1)[-1]])
    clients.secret("delete-resource-policy")
    clients.mended("aws deletes the policy", "everybody else in the account loses read access", [NAME.rsplit("/", 1)[-1]])
    clients.aws("ecr", "delete-pull-through-cache-rule", "--ecr-repository-prefix", "main-docker-hub")
    clients.mended("aws deletes the rule", "absent", ["main-docker-hub"])
    clients.secret("delete-secret", "--recovery-window-in-days", "7")
    clients.mended("aws schedules the deletion", "scheduled for deletion", [NAME.rsplit("/", 1)[-1]] * 2)
    clients.later()
    clients.gh("secret", "set", "DOCKER_HUB_TOKEN", "-R", "acme/api", text="by hand")
    clients.mended("gh sets the token", "changed outside", ["DOCKER_HUB_TOKEN", "DOCKER_HUB_SYNC"])
    opened = clients.stage.sandbox.state()["github"]["repositories"]["acme/api"]["actions"]["secrets"]["DOCKER_HUB_TOKEN"]["value"]
    clients.check("the token is ours again", opened == TOKEN)
    clients.gh("secret", "delete", "DOCKER_HUB_USERNAME", "-R", "acme/api")
    clients.mended("gh deletes the user name", "absent", ["DOCKER_HUB_USERNAME", "DOCKER_HUB_SYNC"])


def main():
    with stage(tls=True) as place:
        env = place.env | {
            "AWS_DEFAULT_REGION": REGION,
            "GH_HOST": place.env["GITHUB_API_URL"].removeprefix("https://"),
            "GH_ENTERPRISE_TOKEN": place.env["GITHUB_TOKEN"],
            "GH_CONFIG_DIR": str(place.folder / "gh"),
            "GH_NO_UPDATE_NOTIFIER": "1",
            "NO_COLOR": "1",
        }
        env.pop("GITHUB_TOKEN")
        clients = Clients(place, env)
        place.regcred("sync", "--yes")
        write(clients, read_back(clients))
        versions = [clients.gh("--version").splitlines()[0], clients.run(str(pathlib.Path(sys.executable).parent / "aws"), "--version")]
    print(f"{versions[0]}; {versions[1].strip()}")
    print(f"checks passed: {clients.checks}")


if __name__ == "__main__":
    main()
