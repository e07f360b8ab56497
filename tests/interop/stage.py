"""What the checks that run the program share: regcred in a folder of its own, beside a sandbox."""

import contextlib
import pathlib
import socket
import subprocess
import tempfile
import time

from sandbox import OTHER_TOKEN, TOKEN, Sandbox, home, programs

NAME, REGION, USER = "ecr-pullthroughcache/docker-hub", "us-east-2", "acme"
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
    """A folder with a configuration, an environment in which nothing of this machine is, and a sandbox."""

    def __init__(self, folder, sandbox):
        self.folder, self.sandbox = folder, sandbox
        self.env = home(folder) | sandbox.env
        (folder / "regcred.yaml").write_text(CONFIG)

    def regcred(self, *args, token=TOKEN):
        env = {**self.env, "DOCKER_HUB_USERNAME": USER, "DOCKER_HUB_TOKEN": token}
        command = [programs() / "regcred", *args]
        ran = subprocess.run(command, cwd=self.folder, env=env, capture_output=True, text=True, timeout=5 * LIMIT_S)
        if ran.returncode != 0:
            raise SystemExit(f"regcred {' '.join(args)} ended with {ran.returncode}\n{ran.stdout}\n{ran.stderr}")
        return ran.stdout


@contextlib.contextmanager
def stage(tls=False):
    """A sandbox that accepts both tokens, and regcred pointed at it."""
    with tempfile.TemporaryDirectory() as name, Sandbox(pathlib.Path(name) / "sandbox", tls=tls) as sandbox:
        yield Stage(pathlib.Path(name), sandbox)
