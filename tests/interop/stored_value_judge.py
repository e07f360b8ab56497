"""Whether a token that regcred stores in a stack file is one that Pulumi reads.

    stored_value_judge.py PROGRAM

PROGRAM is the example `stored_value`. The judge is pulumi-crypto, which is not regcred's authors': it makes salt and value, and
opens what stands in their place afterwards. Ends with 1 if it cannot, or if more than one line has changed.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

from pulumi_crypto import PassphraseCipher

# pulumi-crypto takes no other characters than those of Latin-1.
PHRASES = ["correct horse battery staple", "", " spaces \t around "]
OLD = "dckr_pat_0123456789abcdefghijklmnopq"
NEW = ["dckr_pat_zyxwvutsrqponmlkjihgfedcba9", "dckr_oat_7awgM4jG5SQvxcvmNzhKj8PQjxo", "p\u00e4ss:wort/with+more="]
FORMS = [
    "encryptionsalt: {salt}\nconfig:\n  dockerHubUsername: acme\n  infra:dockerHubToken:\n    secure: {value}\n",
    "# ours\r\nencryptionsalt: '{salt}'\r\nconfig: {{dockerHubUsername: acme, dockerHubToken: {{secure: \"{value}\"}}}} # all\r\n",
    "config:\n  dockerHubToken: &t\n    secure: |-\n      {value}\n  dockerHubUsername: acme\nencryptionsalt: {salt}",
]
SECURE = re.compile(r"v1:[A-Za-z0-9+/=]+:[A-Za-z0-9+/=]+")


def judge(program, phrase, form, token):
    cipher = PassphraseCipher(phrase)
    before = form.format(salt=cipher.salt_state, value=cipher.encrypt(OLD))
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "Pulumi.main.yaml")
        file.write_bytes(before.encode())
        pathlib.Path(folder, "Pulumi.yaml").write_text("name: infra\nruntime: python\n", encoding="utf-8")
        environment = {"PATH": os.environ["PATH"], "HOME": folder, "PULUMI_CONFIG_PASSPHRASE": phrase}
        subprocess.run([program, folder, "main"], input=token.encode(), env=environment, check=True)
        after = file.read_bytes().decode()
    changed = [pair for pair in zip(before.split("\n"), after.split("\n")) if pair[0] != pair[1]]
    assert len(changed) == 1 and before.count("\n") == after.count("\n"), f"{len(changed)} lines have changed"
    old, new = (SECURE.findall(line)[-1] for line in changed[0])
    assert changed[0][0].replace(old, new) == changed[0][1], "more than the value has changed"
    assert cipher.decrypt(new) == token, "it opens to something else"


def main():
    (program,) = sys.argv[1:]
    pairs = list(zip(PHRASES, FORMS, NEW))
    for phrase, form, token in pairs:
        judge(program, phrase, form, token)
    print(f"{len(pairs)} stack files: pulumi-crypto opens what regcred stored, and nothing else has changed")


if __name__ == "__main__":
    main()
