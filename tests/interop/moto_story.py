"""regcred's writes to Secrets Manager, judged by moto in the cases that it gets right: versions, stages, tokens, tags and
the policy's text. (It gets wrong, and is not asked: limits, malformed policies, creating a name that is pending deletion,
putting a new version after the current stage was moved, reading without naming a stage after that.)

The same story is told twice, with Secrets Manager played by moto and by the sandbox. regcred has to come to the end of it
with both, and after each step the two have to say the same of the secret.
"""

import contextlib
import json
import os
import pathlib
import subprocess
import sys

import botocore.exceptions
import botocore.session

import moto
from sandbox import OTHER_TOKEN, TOKEN
from stage import NAME, REGION, USER, free_port, listens, running, stage, wait_for

ROWS = [f"--only=aws:123456789012/{REGION}/{kind}/{NAME}" for kind in ("policy", "secret")]
SYNC = ("sync", "--yes", *ROWS)


class Story:
    def __init__(self, stage, client):
        self.stage, self.client, self.steps = stage, client, []

    def tell(self):
        absent = self.step("nothing is there")
        assert absent == {"absent": True}, absent
        self.sync("it is made, closed and filled")
        self.sync("a second run writes nothing", writes=False)
        self.sync("another token is a new version", token=OTHER_TOKEN)
        self.client.delete_resource_policy(SecretId=NAME)
        self.step("somebody deleted the policy")
        self.sync("it is closed again", token=OTHER_TOKEN)
        self.client.delete_secret(SecretId=NAME, RecoveryWindowInDays=7)
        self.step("somebody scheduled it for deletion")
        self.sync("it is restored", token=OTHER_TOKEN)
        self.sync("back to the first token, its version is current again")
        self.move_current_away()
        self.step("somebody moved the current stage")
        self.sync("it is moved back")
        self.client.delete_secret(SecretId=NAME, ForceDeleteWithoutRecovery=True)
        self.step("somebody deleted it for good")
        self.client.create_secret(Name=NAME)
        self.step("somebody made it again, without a value and without our tag")
        self.sync("it is taken over, closed and filled")
        self.client.delete_secret(SecretId=NAME, ForceDeleteWithoutRecovery=True)
        self.client.create_secret(Name=NAME, SecretString="by hand", ClientRequestToken="h" * 32)
        self.step("somebody made it with a value of their own")
        self.sync("it is closed and holds ours")
        return self.steps

    def move_current_away(self):
        stages = self.client.describe_secret(SecretId=NAME)["VersionIdsToStages"]
        holder = next(version for version, names in stages.items() if "AWSCURRENT" in names)
        other = next(version for version in stages if version != holder)
        self.client.update_secret_version_stage(
            SecretId=NAME, VersionStage="AWSCURRENT", MoveToVersionId=other, RemoveFromVersionId=holder
        )

    def sync(self, what, token=TOKEN, writes=True):
        said = self.stage.regcred(*SYNC, token=token)
        assert ("No changes" in said) == (not writes), f"{what}: {said}"
        found = self.step(what)
        assert json.loads(found["value"]) == {"username": USER, "accessToken": token}, f"{what}: another value is current"
        assert "Deny" in found["policy"], f"{what}: the secret is open"

    def step(self, what):
        """What Secrets Manager says of the secret; without times and the ARN's random end."""
        found = self.look()
        self.steps.append((what, found))
        return found

    def look(self):
        try:
            secret = self.client.describe_secret(SecretId=NAME)
        except self.client.exceptions.ResourceNotFoundException:
            return {"absent": True}
        found = {
            "stages": {version: sorted(names) for version, names in secret.get("VersionIdsToStages", {}).items()},
            "tags": sorted((tag["Key"], tag["Value"]) for tag in secret.get("Tags", [])),
            "pending deletion": "DeletedDate" in secret,
        }
        if "DeletedDate" not in secret:
            found["policy"] = self.client.get_resource_policy(SecretId=NAME).get("ResourcePolicy", "")
            # A secret without a value answers with an error.
            with contextlib.suppress(botocore.exceptions.ClientError):
                found["value"] = self.client.get_secret_value(SecretId=NAME, VersionStage="AWSCURRENT")["SecretString"]
        return found


def tell(endpoint):
    with stage() as place:
        if endpoint:
            place.env["AWS_ENDPOINT_URL_SECRETS_MANAGER"] = endpoint
        client = botocore.session.get_session().create_client(
            "secretsmanager",
            region_name=REGION,
            endpoint_url=endpoint or place.env["AWS_ENDPOINT_URL"],
            aws_access_key_id=place.env["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=place.env["AWS_SECRET_ACCESS_KEY"],
        )
        return Story(place, client).tell()


def main():
    port = free_port()
    server = [str(pathlib.Path(sys.executable).parent / "moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": {**os.environ, "MOTO_IAM_LOAD_MANAGED_POLICIES": "false"}}
    with running(server, **quiet):
        wait_for(lambda: listens(port), "moto")
        by_moto = tell(f"http://127.0.0.1:{port}")
    by_sandbox = tell(None)
    different = 0
    for (what, theirs), (_, ours) in zip(by_moto, by_sandbox, strict=True):
        same = theirs == ours
        different += not same
        print(f"  {'same' if same else 'DIFFERENT'}  {what}")
        for key in sorted(set(theirs) | set(ours)) if not same else ():
            if theirs.get(key) != ours.get(key):
                print(f"    {key}: moto says {theirs.get(key)!r}, the sandbox {ours.get(key)!r}", file=sys.stderr)
    print(f"moto {moto.__version__}: {len(by_moto)} steps, {different} on which the sandbox differs")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
