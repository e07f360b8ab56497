"""Whether Pulumi reads a token that `regcred rotate` stores in a stack file, in each form of tests/fixtures/stack_files.json.

    stack_files_judge.py

The judges are not regcred's authors': pulumi-crypto makes salt and values and opens what stands in their place afterwards (a
data key of AWS KMS is used as a passphrase's key is), and libyaml reads both files. Ends with 1 if the token is not what it
opens to, or if more than that one value has changed.
"""

import base64
import concurrent.futures
import copy
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import yaml
from pulumi_crypto import PassphraseCipher
from pulumi_crypto.util import decrypt_string, encrypt_string

from sandbox import OTHER_TOKEN, ROOT, TOKEN, Sandbox, home, new_world

FORMS = ROOT / "tests" / "fixtures" / "stack_files.json"
# pulumi-crypto takes no other characters than those of Latin-1.
PHRASES = ["correct horse battery staple", "", " spaces \t around "]
TOKENS = [OTHER_TOKEN, "dckr_oat_7awgM4jG5SQvxcvmNzhKj8PQjxo", "p\u00e4ss:wort/with+more="]
FILE = """\
version: 1
credentials:
  docker-hub:
    from: { pulumi: { project: infra, stack: main } }
    to:
      aws: { stacks: { main: { region: us-east-2 } } }
"""
KMS_KEY = os.urandom(32)
WRAPPED = {"key": "arn:aws:kms:us-east-2:123456789012:key/k", "context": {}, "plaintext": base64.b64encode(KMS_KEY).decode()}


def changed_world(folder):
    """A world whose Docker Hub takes every one of the tokens, and whose KMS knows the data key."""
    world = new_world(folder)
    world["aws"]["wrapped"] = {"AQID": WRAPPED}
    credentials = world["registry"]["accounts"]["acme"]["credentials"]
    first = next(credential for credential in credentials if credential["secret"] == TOKEN)
    credentials += [copy.deepcopy(first) | {"secret": token} for token in TOKENS[1:]]
    return world


def rotated(folder, world, file, before, phrase, token):
    """What the file holds after a rotation by the command."""
    infra = folder / "infra"
    infra.mkdir()
    # A stack's file has the ending of its project's.
    (infra / f"Pulumi{pathlib.Path(file).suffix}").write_text('{"name": "infra", "runtime": "python"}', encoding="utf-8")
    (infra / file).write_bytes(before)
    (folder / "regcred.yaml").write_text(FILE, encoding="utf-8")
    with Sandbox(folder / "sandbox", world) as sandbox:
        env = home(folder) | sandbox.env | {"PULUMI_CONFIG_PASSPHRASE": phrase}
        command, words = ["regcred", "rotate", "--from", "stdin", "--yes"], f"acme\n{token}\n".encode()
        ran = subprocess.run(command, cwd=folder, env=env, input=words, capture_output=True)
    assert ran.returncode == 0, (ran.stdout + ran.stderr).decode()
    return (infra / file).read_bytes()


def values(data):
    """The value at each path of the first document, which is the only one that Pulumi reads."""

    def walk(node, path):
        if not isinstance(node, (dict, list)):
            return {path: node}
        items = node.items() if isinstance(node, dict) else enumerate(node)
        return {at: value for key, child in items for at, value in walk(child, (*path, key)).items()}

    return walk(next(yaml.load_all(data, Loader=yaml.CBaseLoader)), ())


def judge(world, form, phrase, token):
    text = "".join(form["lines"])
    cipher = None if "awskms://" in text else PassphraseCipher(phrase)
    key = cipher.key if cipher else KMS_KEY
    fill = {"<token>": TOKEN, "<other>": "another secret", "<user>": "acme"}
    for mark, plain in fill.items():
        text = text.replace(mark, encrypt_string(plain, key))
    before = text.replace("<salt>", cipher.salt_state if cipher else "").encode()
    with tempfile.TemporaryDirectory() as folder:
        after = rotated(pathlib.Path(folder), world, form.get("file", "Pulumi.main.yaml"), before, phrase, token)
    was, now = values(before), values(after)
    assert was.keys() == now.keys(), "keys have changed"
    (path,) = (path for path in was if was[path] != now[path])
    assert path[0] == "config" and path[1].endswith("dockerHubToken") and path[2:] == ("secure",), path
    assert decrypt_string(now[path], key) == token, "it opens to something else"
    old, new = was[path].encode(), now[path].encode()
    starts = (at for at in range(len(before)) if before.startswith(old, at))
    assert any(before[:at] + new + before[at + len(old) :] == after for at in starts), "another byte has changed"


def main():
    forms = json.loads(FORMS.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        world = changed_world(folder)
    turns = [(form, PHRASES[at % 3], TOKENS[at // 3 % 3]) for at, form in enumerate(forms)]
    wrong = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for turn in [(form["form"], pool.submit(judge, world, form, phrase, token)) for form, phrase, token in turns]:
            try:
                turn[1].result()
            except (AssertionError, ValueError) as error:
                wrong += 1
                print(f"{turn[0]}: {error}", file=sys.stderr)
    print(f"{len(forms)} stack files, {wrong} wrong: pulumi-crypto opens what the command stored, and nothing else has changed")
    return 1 if wrong or len(forms) < 23 else 0


if __name__ == "__main__":
    sys.exit(main())
