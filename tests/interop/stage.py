"""What the judges that run the program share: a sandbox, and a folder to run regcred in."""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import tempfile
import time
import urllib.request

ACCOUNT, REGION, NAME = "123456789012", "us-east-2", "ecr-pullthroughcache/docker-hub"
USER, TOKEN, OTHER = "acme", "dckr_pat_sandbox-0123456789abcdefghi", "dckr_pat_sandbox-zyxwvutsrqponmlkjihg"
LIMIT_S = 60

CONFIG = """\
version: 1
credentials:
  docker-hub:
    to:
      aws: { stacks: { main: { region: us-east-2 } } }
      github: [{ repository: acme/api }]
"""


def wait_for(ready, what):
    end = time.monotonic() + LIMIT_S
    while not ready():
        if time.monotonic() > end:
            raise SystemExit(f"{what} was not ready within {LIMIT_S} s")
        time.sleep(0.05)


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(command, **options):
    process = subprocess.Popen(command, **options)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(LIMIT_S)


class Stage:
    """regcred in a folder of its own, with an environment in which nothing of this machine is."""

    def __init__(self, binaries, folder, env):
        self.binary, self.folder, self.env = pathlib.Path(binaries) / "regcred", folder, env
        (folder / "regcred.yaml").write_text(CONFIG)

    def regcred(self, *args, code=0, token=TOKEN):
        env = {**self.env, "DOCKER_HUB_USERNAME": USER, "DOCKER_HUB_TOKEN": token}
        ran = subprocess.run([self.binary, *args], cwd=self.folder, env=env, capture_output=True, text=True, timeout=300)
        if ran.returncode != code:
            raise SystemExit(f"regcred {' '.join(args)} ended with {ran.returncode}, not {code}\n{ran.stdout}\n{ran.stderr}")
        return ran.stdout

    def state(self):
        """The sandbox's world."""
        with urllib.request.urlopen(f"{self.env['GITHUB_API_URL']}/_sandbox/state") as answer:
            return json.load(answer)


@contextlib.contextmanager
def stage(binaries):
    """A sandbox that accepts both tokens, and regcred pointed at it."""
    binaries = pathlib.Path(binaries).resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        with (folder / "env").open("w+") as out:
            command = [binaries / "regcred-sandbox", "--docker-hub-token", OTHER]
            with running(command, stdout=out):
                lines = folder / "env"
                wait_for(lambda: "REGCRED_REGISTRY_ENDPOINTS" in lines.read_text(), "the sandbox")
                exported = [line.removeprefix("export ").split("=", 1) for line in lines.read_text().splitlines() if "=" in line]
                env = {key: value.strip("'\"") for key, value in exported}
                none = str(folder / "none")
                env |= {"PATH": os.environ["PATH"], "HOME": name, "AWS_CONFIG_FILE": none, "AWS_SHARED_CREDENTIALS_FILE": none}
                yield Stage(binaries, folder, env)
