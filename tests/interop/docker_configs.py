"""Holds the pull secrets that regcred writes to those that kubectl makes.

    docker_configs.py

For users and passwords in which every encoding changes something, `regcred sync` writes pull secrets into a cluster of the
sandbox, and `kubectl create secret docker-registry --dry-run=client -o json` makes the same on its own: type, keys and Docker
configuration have to be equal in meaning. kubectl then reads regcred's out of the sandbox. Ends with 1 if one differs.
"""

import base64
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

from sandbox import Sandbox, home, new_world, programs

HUB = "https://index.docker.io/v1/"
KEY = json.dumps(
    {
        "type": "service_account",
        "project_id": "acme",
        "private_key": "-----BEGIN PRIVATE KEY-----\nMIIE<>&\u2028\"\\\n-----END PRIVATE KEY-----\n",
        "client_email": "ci@acme.iam.gserviceaccount.com",
    },
    indent=2,
)
# Registry in regcred's file, the server as kubectl wants it, user, password.
CASES = [
    ("docker.io", HUB, "acme", "dckr_pat_plain-0123456789"),
    ("docker.io", HUB, "acme", "with:colons:in:it"),
    ("docker.io", HUB, "acme", "quotes\"and'and`"),
    ("docker.io", HUB, "acme", "back\\slash\\n\\u0041"),
    ("docker.io", HUB, "acme", "<script>&amp;</script>"),
    ("docker.io", HUB, "acme", "per%20cent+plus=equals/"),
    ("docker.io", HUB, "acme", "$HOME${HOME}$(id)"),
    ("docker.io", HUB, "acme", "{\"auths\":{}}"),
    ("docker.io", HUB, "acme", "pässwörd-éß-日本語-🐳"),
    ("docker.io", HUB, "acme", "e\u0301-not-composed"),
    ("docker.io", HUB, "acme", "~!@#$%^&*()_+-=[]{}|;,.<>?"),
    ("docker.io", HUB, "acme", "x" * 4096),
    ("docker.io", HUB, "acme", "-n"),
    ("docker.io", HUB, "acme", "a"),
    ("docker.io", HUB, "user@example.com", "mail-as-a-name"),
    ("quay.io", "quay.io", "acme+robot", "A" * 64),
    ("harbor.example.com:8443", "harbor.example.com:8443", "robot$acme+ci", "Harbor<>&"),
    ("ghcr.io", "ghcr.io", "ünïcode", "ghp_0123456789abcdefghij"),
    ("eu.gcr.io", "eu.gcr.io", "_json_key", KEY),
    ("us-central1-docker.pkg.dev", "us-central1-docker.pkg.dev", "_json_key_base64", base64.b64encode(KEY.encode()).decode()),
]


def configuration():
    lines = ["version: 1", "credentials:"]
    for number, (registry, *_) in enumerate(CASES):
        place = "{ context: prod, namespaces: [default] }"
        lines += [f"  c{number}:", f"    registry: \"{registry}\"", "    from: env", f"    to: {{ kubernetes: [{place}] }}"]
    return "\n".join(lines) + "\n"


def world(folder):
    """Every user with its passwords, as accounts of the sandbox's registry."""
    world = new_world(folder)
    accounts = world["registry"]["accounts"]
    like = accounts["acme"]
    for _, _, user, password in CASES:
        account = accounts.setdefault(user.lower(), json.loads(json.dumps({**like, "credentials": []})))
        account["credentials"].append({**like["credentials"][0], "secret": password, "revoked": False})
    # kubectl sends no token without TLS, which the sandbox has not.
    rules = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]
    grant = {"subject": "system:anonymous", "namespace": None, "rules": rules}
    world["kubernetes"]["clusters"]["prod"]["grants"].append(grant)
    return world


def kubectl(*args, env):
    ran = subprocess.run(["kubectl", *args], env=env, capture_output=True, text=True)
    if ran.returncode:
        sys.exit(f"kubectl {args[0]}: {ran.stderr.strip()}")
    return ran.stdout


def expected(number, server, user, password, env):
    flags = [f"--docker-server={server}", f"--docker-username={user}", f"--docker-password={password}"]
    made = kubectl("create", "secret", "docker-registry", f"c{number}", *flags, "--dry-run=client", "-o", "json", env=env)
    return meaning(json.loads(made))


def meaning(secret):
    """Type and data, the Docker configuration parsed."""
    data = {key: base64.b64decode(value, validate=True) for key, value in secret["data"].items()}
    return secret["type"], {key: json.loads(value) for key, value in data.items()}


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        with Sandbox(folder / "sandbox", world(folder / "first")) as sandbox:
            (folder / "regcred.yaml").write_text(configuration(), encoding="utf-8")
            kubeconfig = folder / "sandbox" / "kubeconfig"
            env = {**home(folder / "home"), **sandbox.env, "KUBECONFIG": str(kubeconfig)}
            registry = sandbox.env["REGCRED_REGISTRY_ENDPOINTS"].partition("=")[2]
            env["REGCRED_REGISTRY_ENDPOINTS"] = ",".join(f"{host}={registry}" for host in sorted({case[0] for case in CASES}))
            for number, (_, _, user, password) in enumerate(CASES):
                env |= {f"C{number}_USERNAME": user, f"C{number}_TOKEN": password}
            for time in ["first", "second"]:
                command = [programs() / "regcred", "sync", "--yes"]
                ran = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
                if ran.returncode:
                    sys.exit(f"the {time} sync ended with {ran.returncode}\n{ran.stdout}\n{ran.stderr}")
            if "No changes." not in ran.stdout:
                sys.exit(f"the second sync wrote\n{ran.stdout}")
            failed = judge(sandbox.state()["kubernetes"]["clusters"]["prod"]["namespaces"]["default"]["secrets"], env)
    print(kubectl("version", "--client", env=env).splitlines()[0])
    print(f"pull secrets equal in meaning to kubectl's: {len(CASES) - failed} of {len(CASES)}")
    return 1 if failed else 0


def judge(secrets, env):
    failed = 0
    for number, (registry, server, user, password) in enumerate(CASES):
        wanted = expected(number, server, user, password, env)
        read = meaning(json.loads(kubectl("--context", "prod", "get", "secret", f"c{number}", "-o", "json", env=env)))
        if meaning(secrets[f"c{number}"]) != wanted or read != wanted:
            failed += 1
            print(f"c{number} ({registry}, {user}): not what kubectl makes", file=sys.stderr)
    return failed


if __name__ == "__main__":
    if not shutil.which("kubectl"):
        sys.exit("there is no kubectl")
    sys.exit(main())
