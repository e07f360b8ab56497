"""A sandbox and a regcred to run against it, for the checks of the documentation. Nothing of this machine gets in."""

import json
import os
import pathlib
import shutil
import ssl
import subprocess
import urllib.request

ROOT = pathlib.Path(__file__).parents[2]
PASSPHRASE = "correct horse"


def programs():
    """The folder of the built programs, as scripts/demo finds it; those of a release for scripts/bench."""
    return ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / os.environ.get("BUILD", "debug")


class Sandbox:
    """Serves until it is left; `world` is where it starts from, and `flags` are its own. To save a large world takes its time."""

    def __init__(self, folder, world=None, flags=(), tls=False, saves=True):
        self.folder = pathlib.Path(folder)
        self.world, self.flags, self.tls, self.saves = world, flags, tls, saves
        self.env = {}

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        state = self.folder / "state.json"
        if self.world is not None:
            state.write_text(json.dumps(self.world), encoding="utf-8")
        command = [programs() / "regcred-sandbox", "--docker-hub-token", OTHER_TOKEN]
        command += ["--state", state] if self.saves else []
        command += ["--kubeconfig", self.folder / "kubeconfig", *self.flags]
        command += ["--tls", self.folder / "authority.pem"] if self.tls else []
        # It prints them by their names.
        last = "SSL_CERT_FILE" if self.tls else "RUNPOD_API_URL"
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            name, _, value = line.removeprefix("export ").strip().partition("=")
            self.env[name] = value.strip("'")
            if name == last:
                return self
        raise RuntimeError("the sandbox did not start")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()

    def state(self):
        return self.page("state")

    def calls(self):
        """Every request so far."""
        return self.page("calls")

    def replace(self, world):
        self.page("state", "PUT", json.dumps(world).encode())

    def page(self, name, method="GET", body=None):
        trusted = ssl.create_default_context(cafile=self.env["SSL_CERT_FILE"]) if self.tls else None
        request = urllib.request.Request(f"{self.env['GITHUB_API_URL']}/_sandbox/{name}", body, method=method)
        with urllib.request.urlopen(request, context=trusted) as answer:
            text = answer.read()
            return json.loads(text) if text else None


# Tokens that the sandbox's Docker Hub accepts: its own, and one more.
TOKEN = "dckr_pat_sandbox-0123456789abcdefghi"
OTHER_TOKEN = "dckr_pat_sandbox-9876543210zyxwvutsrq"


def new_world(folder):
    """The world of a sandbox that nobody has used."""
    with Sandbox(folder) as sandbox:
        return sandbox.state()


def home(folder):
    """An environment without anything of this machine, and a home folder of its own."""
    home_folder = pathlib.Path(folder) / "home"
    home_folder.mkdir(parents=True, exist_ok=True)
    return {
        "PATH": f"{programs()}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home_folder),
        "AWS_CONFIG_FILE": str(home_folder / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home_folder / "none"),
        "GIT_CEILING_DIRECTORIES": str(folder),
        "GITHUB_REPOSITORY": "acme/api",
        "NO_COLOR": "1",
    }


def example_project(folder):
    """The Pulumi project that the documentation tells of: stacks main (with the credential) and dev."""
    shutil.copytree(ROOT / "tests" / "fixtures" / "pulumi" / "infra", pathlib.Path(folder) / "infra", dirs_exist_ok=True)
