"""Holds regcred's reading of the shared AWS configuration to botocore's.

    aws_profiles_judge.py [--full]

botocore and regcred get the same generated ~/.aws/config and ~/.aws/credentials, and ask a stand-in for STS who they are. It
writes down with which keys: those of the files, of a program, or of a role that it gave them before, which name the keys that
asked, the role and its external id. Both have to be the same; where botocore has no login regcred has to have none, and to say why.
40 configurations, 400 with --full, always the same ones. Ends with 1 if one differs.

Left out is what asks a person (SSO, `aws login`, a second factor), and sections whose meaning the two libraries' own parsers
tell differently: keys in capitals, a profile in the configuration without the word `profile`, and an
unknown profile beside keys of the environment, which count then. A profile with both a role and keys is refused by regcred,
because AWS tools differ in which they use.
"""

import hashlib
import http.server
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import threading
import urllib.parse

import botocore.exceptions
import botocore.session

from sandbox import home, programs

ROLES = [f"arn:aws:iam::{account}:role/{name}" for account, name in (("222222222222", "regcred"), ("333333333333", "path/deploy"))]


class Sts(http.server.BaseHTTPRequestHandler):
    """As much of STS as a login needs; every other request is refused."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        asked = dict(urllib.parse.parse_qsl(body))
        signed = self.headers.get("Authorization", "")
        key = signed.partition("Credential=")[2].partition("/")[0]
        action = asked.get("Action")
        if action == "GetCallerIdentity":
            self.server.seen.append(key)
            self.answer(action, "<Arn>arn:aws:iam::123456789012:user/x</Arn><UserId>A</UserId><Account>123456789012</Account>")
        elif action in ("AssumeRole", "AssumeRoleWithWebIdentity"):
            token = asked.get("WebIdentityToken", "")
            facts = "|".join([key, asked["RoleArn"], asked.get("ExternalId", ""), token])
            role = "ASIA" + hashlib.sha256(facts.encode()).hexdigest()[:16].upper()
            keys = f"<AccessKeyId>{role}</AccessKeyId><SecretAccessKey>a-secret-of-sts</SecretAccessKey><SessionToken>a-token-of-sts</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>"
            self.answer(action, f"<Credentials>{keys}</Credentials><AssumedRoleUser><Arn>arn:aws:sts::222222222222:assumed-role/x/y</Arn><AssumedRoleId>AROA:y</AssumedRoleId></AssumedRoleUser>")
        else:
            self.send(400, '{"__type":"AccessDeniedException","Message":"no"}', "application/x-amz-json-1.1")

    def answer(self, action, inner):
        xml = f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result>{inner}</{action}Result></{action}Response>'
        self.send(200, xml, "text/xml")

    def send(self, status, body, kind):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


class Maker:
    def __init__(self, seed, folder):
        self.pick, self.folder, self.odd = random.Random(seed), folder, set()

    def chance(self, one_in):
        return self.pick.randrange(one_in) == 0

    def keys(self, name):
        lines = [("aws_access_key_id", "AKIA" + "".join(c for c in name.upper() if c.isascii() and c.isalnum())), ("aws_secret_access_key", "a/b+c=")]
        return lines + [("aws_session_token", "token==")] if self.chance(5) else lines

    def role(self, source):
        lines = [("role_arn", self.pick.choice(ROLES)), source]
        if self.chance(3):
            lines.append(("external_id", self.pick.choice(["e-1", "12345", "with space"])))
        if self.chance(4):
            lines.append(("role_session_name", "mine"))
        if self.chance(6):
            lines.append(("duration_seconds", "900"))
        return lines

    def profile(self, name, others):
        """The settings of a profile that may lean on others."""
        kinds = ["keys"] * 3 + ["process", "web", "environment", "nothing", "half", "own"] + (["role"] * 6 if others else [])
        kind = self.pick.choice(kinds)
        lines = {
            "keys": lambda: self.keys(name),
            "process": lambda: [("credential_process", f"{self.folder / 'program'} {''.join(c for c in name if c.isascii() and c.isalnum())}")],
            "web": lambda: self.role(("web_identity_token_file", str(self.folder / "token"))),
            "environment": lambda: self.role(("credential_source", "Environment")),
            "nothing": lambda: [("output", "json")],
            "half": lambda: [("aws_access_key_id", "AKIAHALF")],
            "own": lambda: self.role(("source_profile", name)) + self.keys(name),
            "role": lambda: self.role(("source_profile", self.pick.choice([*others, *others, "nowhere"]))),
        }[kind]()
        if self.chance(3):
            lines.insert(0, ("region", self.pick.choice(["eu-west-1", "us-east-2"])))
        if kind in ("role", "nothing", "process") and self.chance(8):
            lines += self.keys(name + "x")
        return lines

    def written(self, header, lines):
        """A section, with the liberties that people take."""
        around = self.pick.choice([" = ", "=", " =", "= ", "\t=\t", ": ", ":"])
        end = self.pick.choice(["\n", "\n", "\r\n"])
        text = f"[{header}]{end}"
        if self.chance(4):
            text += f"# a comment = none{end}{end}"
        text += "".join(f"{key}{around}{value}{end}" for key, value in lines)
        if self.chance(6):
            text += f"s3 ={end}  addressing_style = path{end}"
        return text + end

    def named(self, name):
        """A name in the configuration: one that is not plain is in quotes, or is none."""
        plain = name if set(name) <= set("abcdefghijklmnopqrstuvwxyz.-_0123456789%é") else f'"{name}"'
        if plain != name and self.chance(8):
            self.odd.add(name)
            return name
        return self.pick.choice([f'"{name}"', name.replace(" ", "\\ ").replace("'", "\\'"), plain, plain, plain, plain])

    def files(self):
        """Both files, the profile that is asked for, and keys of the environment."""
        names = self.pick.sample(["default", "work", "base", "dev-2", "a.b-c_1", "my profile", "dév", "100%", "it's"], self.pick.randrange(1, 5))
        config, credentials = "", ""
        for position, name in enumerate(names):
            lines = self.profile(name, names[:position])
            place = self.pick.choice(["config", "config", "credentials", "both"])
            header = name if name == "default" else f"profile {self.named(name)}"
            if place in ("config", "both"):
                config += self.written(header, lines)
            if place == "credentials":
                credentials += self.written(name, lines)
            if place == "both" and "credential_process" not in dict(lines):
                credentials += self.written(name, self.keys(name + "c"))
        asked = self.pick.choice([*names, *names, None, "missing"])
        return config, credentials, asked, asked != "missing" and asked not in self.odd and self.chance(6)


def environment(folder, url, asked, has_keys, by_other):
    env = {**home(folder), "AWS_CONFIG_FILE": str(folder / "config"), "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials")}
    env |= {"AWS_ENDPOINT_URL": url, "AWS_EC2_METADATA_DISABLED": "true", "AWS_MAX_ATTEMPTS": "1", "AWS_REGION": "us-east-2", "AWS_DEFAULT_REGION": "us-east-2"}
    if asked:
        env["AWS_DEFAULT_PROFILE" if by_other else "AWS_PROFILE"] = asked
    if has_keys:
        env |= {"AWS_ACCESS_KEY_ID": "AKIAENVIRONMENT", "AWS_SECRET_ACCESS_KEY": "a-secret-of-it"}
    return env


def by_botocore(server, env):
    """The keys with which botocore asks who it is, or nothing and why."""
    server.seen.clear()
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(env)
    try:
        session = botocore.session.Session()
        session.create_client("sts").get_caller_identity()
        return server.seen[0], ""
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        return None, f"{type(error).__name__}: {error}"
    finally:
        os.environ.clear()
        os.environ.update(before)


def by_regcred(server, env, folder):
    server.seen.clear()
    login = {"HUB_USER": "u", "HUB_TOKEN": "dckr_pat_0123456789abcdefghijklmn"}
    ran = subprocess.run([programs() / "regcred", "plan", "--no-input"], cwd=folder / "project", env={**env, **login}, capture_output=True, text=True)
    return (server.seen[0] if server.seen else None), ran.stdout + ran.stderr


def prepare(folder, registry):
    project = folder / "project"
    project.mkdir()
    (project / "regcred.yaml").write_text(
        "version: 1\ncredentials:\n  it:\n    from: { env: { username: HUB_USER, token: HUB_TOKEN } }\n"
        "    to: { aws: { stacks: { main: { region: us-east-2 } } } }\n"
    )
    (folder / "token").write_text("a.web.token")
    program = folder / "program"
    program.write_text('#!/bin/sh\necho "{\\"Version\\":1,\\"AccessKeyId\\":\\"AKIAPROGRAM$1\\",\\"SecretAccessKey\\":\\"s\\"}"\n')
    program.chmod(0o755)
    return {"REGCRED_REGISTRY_ENDPOINTS": f"docker.io=http://127.0.0.1:{registry}"}


class Registry(Sts):
    """A registry that takes every login."""

    def do_GET(self):
        self.send_response(200 if self.headers.get("Authorization") else 401)
        self.send_header("WWW-Authenticate", 'Basic realm="registry"')
        self.send_header("Content-Length", "0")
        self.end_headers()


def serve(handler):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.seen = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def main():
    count = 400 if "--full" in sys.argv[1:] else 40
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        sts, registry = serve(Sts), serve(Registry)
        more = prepare(folder, registry.server_address[1])
        failed = logins = refused = 0
        for number in range(count):
            config, credentials, asked, has_keys = Maker(number, folder).files()
            (folder / "config").write_text(config, newline="")
            (folder / "credentials").write_text(credentials, newline="")
            env = environment(folder, f"http://127.0.0.1:{sts.server_address[1]}", asked, has_keys, number % 5 == 0)
            wanted, why = by_botocore(sts, env)
            found, said = by_regcred(sts, {**env, **more}, folder)
            logins += wanted is not None
            if "has both a role and keys" in said:
                refused += 1
            elif found != wanted:
                failed += 1
                print(f"{number}, profile {asked}, keys in the environment {has_keys}: botocore {wanted} {why}, regcred {found}\n{config}\n-- credentials\n{credentials}\n{said}", file=sys.stderr)
    print(f"botocore {botocore.__version__}: of {count} configurations regcred logs in {count - failed - refused} as botocore does; {logins} have a login, {refused} are refused for both a role and keys")
    return 1 if failed or not logins else 0


if __name__ == "__main__":
    sys.exit(main())
