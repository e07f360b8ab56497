"""Runs scripts/set-up: for a repository of the sandbox, and for what the sandbox has not (reviewers and branches of environments, the
subject of tokens, IAM) against stand-ins of `gh` and `aws` that keep it in a file and write down what they were asked.

    set_up.py
"""

import contextlib
import json
import os
import pathlib
import pty
import re
import subprocess
import sys
import tempfile
import unittest
import urllib.request

from sandbox import ROOT, Sandbox, home

ACCOUNT = "123456789012"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
START = {
    "gh": {"logged_in": True, "here": "acme/api", "admin": True, "oidc": {"use_default": True}, "rules": {}, "branches": [], "teams": {"acme/platform": 77}, "secrets": {}},
    "aws": {"logged_in": True, "providers": {}, "roles": {}, "refuses": []},
}
# What both stand-ins begin with. What they are asked is a line of the log; what is there is in the state.
COMMON = f"""\
#!{sys.executable} -IS
""" + """\
import json, os, sys
state_path = os.environ["STAND_IN_STATE"]
with open(state_path, encoding="utf-8") as file:
    state = json.load(file)
args = sys.argv[1:]
with open(os.environ["STAND_IN_LOG"], "a", encoding="utf-8") as log:
    print(json.dumps([os.path.basename(sys.argv[0]), *args]), file=log)
def done(answer=None):
    with open(state_path, "w", encoding="utf-8") as file:
        json.dump(state, file)
    if answer is not None:
        print(json.dumps(answer))
    sys.exit(0)
def fail(message, status=1):
    print(message, file=sys.stderr)
    sys.exit(status)
def option(name):
    return args[args.index(name) + 1] if name in args else None
"""
GH = COMMON + """\
mine = state["gh"]
if args[:2] == ["auth", "status"]:
    sys.exit(0 if mine["logged_in"] else 1)
method, body = option("--method") or "GET", option("--input")
body = open(body, "rb").read() if body else None
path = next(arg for arg in args[1:] if "/" in arg or arg == "user") if not body else next(arg for arg in args[1:] if arg.startswith("repos/"))
if "{owner}" in path:
    if not mine["here"]:
        fail("unable to expand placeholder in path: not a git repository (or any of the parent directories): .git")
    path = path.replace("{owner}/{repo}", mine["here"])
def forward(body=body):
    # By hand: a client of HTTP takes Python longer to load than all the rest.
    import socket
    host, port = os.environ["GITHUB_API_URL"].removeprefix("http://").split(":")
    head = [f"{method} /{path} HTTP/1.1", f"Host: {host}:{port}", "Authorization: Bearer " + os.environ["GITHUB_TOKEN"], "User-Agent: GitHub CLI"]
    head += ["Accept: application/vnd.github+json", "X-GitHub-Api-Version: 2022-11-28", "Content-Type: application/json", f"Content-Length: {len(body or b'')}"]
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall("\\r\\n".join([*head, "Connection: close", "", ""]).encode() + (body or b""))
        answer = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
    head, _, text = answer.partition("\\r\\n\\r\\n")
    _, status, reason = head.partition("\\r\\n")[0].split(" ", 2)
    if int(status) >= 400:
        # gh prints the answer, too.
        print(text)
        fail(f"gh: {reason} (HTTP {status})")
    return json.loads(text or "null")
short = path.partition("?")[0].split("/")[3:]
match short:
    case []:
        answer = forward()
        done(answer | {"permissions": {"admin": mine["admin"]}} if path.startswith("repos/") else answer)
    case ["actions", "oidc", "customization", "sub"]:
        done(mine["oidc"])
    case [_] if path.startswith("orgs/"):
        team = "/".join(path.split("/")[1::2])
        done({"id": mine["teams"][team]}) if team in mine["teams"] else fail("gh: Not Found (HTTP 404)")
    case ["environments", name] if method == "PUT":
        forward(None)
        given = json.loads(body or b"{}")
        rules = [{"type": "wait_timer", "wait_timer": given["wait_timer"]}] if given.get("wait_timer") else []
        if given.get("reviewers"):
            reviewers = [{"type": one["type"], "reviewer": {"id": one["id"]}} for one in given["reviewers"]]
            rules.append({"type": "required_reviewers", "prevent_self_review": given["prevent_self_review"], "reviewers": reviewers})
        mine["rules"][name] = {"protection_rules": rules, "deployment_branch_policy": given.get("deployment_branch_policy")}
        done()
    case ["environments", name]:
        done(forward() | mine["rules"].get(name, {}))
    case ["environments", name, "deployment-branch-policies"]:
        if method == "POST":
            mine["branches"].append(json.loads(body))
            done()
        done({"branch_policies": mine["branches"]}) if name in mine["rules"] else fail("gh: Not Found (HTTP 404)")
    case ["environments", name, "secrets"]:
        done({"secrets": [{"name": one} for one in mine["secrets"].get(name, [])]})
    case _:
        answer = forward()
        done(None if "--silent" in args else answer)
"""
AWS = COMMON + """\
mine = state["aws"]
if not mine["logged_in"]:
    fail("Unable to locate credentials. You can configure credentials by running \\"aws login\\".", 253)
def document(name):
    with open(option(name).removeprefix("file://"), encoding="utf-8") as file:
        return json.load(file)
operation, role = args[1], option("--role-name")
absent = f"An error occurred (NoSuchEntity) when calling the operation {operation}: it cannot be found."
if operation in mine["refuses"]:
    fail(f"An error occurred (AccessDenied) when calling the operation {operation}: not authorized", 254)
match operation:
    case "get-caller-identity":
        done({"Account": "123456789012", "Arn": "arn:aws:iam::123456789012:user/ops", "UserId": "AIDA"})
    case "get-open-id-connect-provider":
        found = mine["providers"].get(option("--open-id-connect-provider-arn"))
        done({"ClientIDList": found}) if found is not None else fail(absent, 254)
    case "create-open-id-connect-provider":
        mine["providers"]["arn:aws:iam::123456789012:oidc-provider/" + option("--url").removeprefix("https://")] = [option("--client-id-list")]
        done()
    case "add-client-id-to-open-id-connect-provider":
        mine["providers"][option("--open-id-connect-provider-arn")].append(option("--client-id"))
        done()
    case "create-role":
        mine["roles"][role] = {"trust": document("--assume-role-policy-document"), "policies": {}}
        done()
    case "wait":
        done()
    case "get-role":
        found = mine["roles"].get(role)
        done({"Role": {"Arn": "arn:aws:iam::123456789012:role/" + role, "AssumeRolePolicyDocument": found["trust"]}}) if found else fail(absent, 254)
    case "get-role-policy":
        found = mine["roles"].get(role, {"policies": {}})["policies"].get(option("--policy-name"))
        done({"PolicyDocument": found}) if found else fail(absent, 254)
    case "put-role-policy":
        mine["roles"][role]["policies"][option("--policy-name")] = document("--policy-document")
        done()
    case _:
        fail("no such operation", 252)
"""
READS = {"status", "get-caller-identity", "get-open-id-connect-provider", "get-role", "get-role-policy", "wait"}
GIVEN = ["--plan-app", "Iv23plan", "--sync-app", "Iv23sync", "--region", "us-east-2"]
RELEASE = ["--version", "0.1.0", "--sha256", "a" * 64]


class SetUp(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.sandbox = self.enterContext(Sandbox(self.folder / "sandbox"))
        programs = self.folder / "bin"
        programs.mkdir()
        for name, text in (("gh", GH), ("aws", AWS)):
            (programs / name).write_text(text, encoding="utf-8")
            (programs / name).chmod(0o755)
        self.env = home(self.folder) | self.sandbox.env
        self.env |= {"STAND_IN_STATE": str(self.folder / "state.json"), "STAND_IN_LOG": str(self.folder / "log")}
        self.env["PATH"] = f"{programs}:{self.env['PATH']}"
        self.secrets = {name: f"value-of-{name.lower()}" for name in ("PULUMI_CONFIG_PASSPHRASE", "DAYTONA_API_KEY", "RUNPOD_API_KEY")}
        self.env |= self.secrets
        self.save(START)

    def save(self, state):
        (self.folder / "state.json").write_text(json.dumps(state), encoding="utf-8")

    @property
    def state(self):
        return json.loads((self.folder / "state.json").read_text(encoding="utf-8"))

    def arrange(self, system, **values):
        state = self.state
        state[system] |= values
        self.save(state)

    def run_it(self, *options, given=GIVEN):
        """How it ended, what it said, and what it wrote."""
        log = self.folder / "log"
        log.write_text("", encoding="utf-8")
        command = [ROOT / "scripts" / "set-up", *given, *options]
        ran = subprocess.run(command, cwd=self.folder, env=self.env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        self.assertEqual(ran.stdout, "")
        return ran.returncode, ran.stderr, self.writes(log)

    def writes(self, log):
        calls = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        for value in self.secrets.values():
            self.assertNotIn(value, log.read_text(encoding="utf-8"))
        return [call for call in calls if ("--method" in call if call[:2] == ["gh", "api"] else call[2] not in READS)]

    def at_a_terminal(self, answer):
        keyboard, terminal = pty.openpty()
        os.write(keyboard, f"{answer}\n".encode())
        (self.folder / "log").write_text("", encoding="utf-8")
        ran = subprocess.run([ROOT / "scripts" / "set-up", *GIVEN], cwd=self.folder, env=self.env, stdin=terminal, capture_output=True, text=True)
        os.close(terminal)
        os.close(keyboard)
        return ran.returncode, self.writes(self.folder / "log")

    def variables(self, environment=None):
        place = f"repos/acme/api/{f'environments/{environment}' if environment else 'actions'}/variables"
        request = urllib.request.Request(f"{self.env['GITHUB_API_URL']}/{place}", headers={"Authorization": f"Bearer {self.env['GITHUB_TOKEN']}", "User-Agent": "x"})
        with urllib.request.urlopen(request) as answer:
            return {one["name"]: one["value"] for one in json.load(answer)["variables"]}

    def page(self, name):
        """A policy of the page, as other tests find it."""
        text = (ROOT / "docs" / "permissions.md").read_text(encoding="utf-8")
        return json.loads(re.search(rf"<!-- policy: {name} -->\n```json\n(.*?)```", text, re.DOTALL)[1])

    def assert_refuses(self, words, *options, status=3, given=GIVEN):
        ended, said, writes = self.run_it("--yes", *options, given=given)
        self.assertEqual((ended, writes), (status, []), said)
        self.assertIn(words, said)
        return said

    def test_without_a_terminal_and_a_yes_it_shows_everything_and_writes_nothing(self):
        ended, said, writes = self.run_it()
        self.assertEqual((ended, writes), (3, []), said)
        for words in ("environment regcred-sync: approved by octocat", "branch main", "repo:acme/api:environment:regcred-plan", "ecr:CreatePullThroughCacheRule", "AWS_REGION: us-east-2"):
            self.assertIn(words, said)
        self.assertIn("hint: --yes", said)
        self.assertEqual(self.state, START)

    def test_the_first_run_makes_it_and_the_second_has_nothing_to_do(self):
        ended, said, writes = self.run_it("--yes", *RELEASE)
        self.assertEqual(ended, 0, said)
        self.assertEqual(said.count("done: "), len([write for write in writes if write[2] != "wait"]))
        self.assertEqual(self.variables(), {"AWS_REGION": "us-east-2", "REGCRED_VERSION": "0.1.0", "REGCRED_SHA256": "a" * 64})
        for which in ("plan", "sync"):
            role = f"arn:aws:iam::{ACCOUNT}:role/regcred-{which}"
            self.assertEqual(self.variables(f"regcred-{which}"), {"REGCRED_AWS_ROLE": role, "REGCRED_APP_CLIENT_ID": f"Iv23{which}"})
            made = self.state["aws"]["roles"][f"regcred-{which}"]
            self.assertEqual(made["policies"], {"regcred": self.page(which)})
            [statement] = made["trust"]["Statement"]
            self.assertEqual(statement["Principal"], {"Federated": PROVIDER})
            subject = {"token.actions.githubusercontent.com:sub": f"repo:acme/api:environment:regcred-{which}"}
            self.assertEqual(statement["Condition"], {"StringEquals": subject | {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}})
        self.assertEqual(self.state["aws"]["providers"], {PROVIDER: ["sts.amazonaws.com"]})
        rules = self.state["gh"]["rules"]
        self.assertEqual(rules["regcred-plan"], {"protection_rules": [], "deployment_branch_policy": None})
        self.assertEqual([one["reviewer"] for one in rules["regcred-sync"]["protection_rules"][0]["reviewers"]], [{"id": 583231}])
        self.assertEqual(rules["regcred-sync"]["deployment_branch_policy"], {"protected_branches": False, "custom_branch_policies": True})
        self.assertEqual([one["name"] for one in self.state["gh"]["branches"]], ["main"])

        before = self.state
        for options in ([*RELEASE, "--yes"], []):
            ended, said, writes = self.run_it(*options)
            self.assertEqual((ended, writes), (0, []), said)
            self.assertIn("No changes", said)
        self.assertEqual(self.state, before)

    def test_what_has_changed_is_the_only_write(self):
        self.run_it("--yes", *RELEASE)
        ended, said, [write] = self.run_it("--yes", "--version", "0.2.0", "--sha256", "a" * 64)
        self.assertEqual(ended, 0, said)
        self.assertIn("change the variable REGCRED_VERSION from 0.1.0 to 0.2.0", said)
        self.assertEqual(write[2:6], ["--silent", "--method", "PATCH", "repos/acme/api/actions/variables/REGCRED_VERSION"])
        self.assertEqual(self.variables()["REGCRED_VERSION"], "0.2.0")
        state = self.state
        state["aws"]["roles"]["regcred-sync"]["policies"]["regcred"]["Statement"].pop()
        self.save(state)
        ended, said, [write] = self.run_it("--yes")
        self.assertEqual((ended, write[2]), (0, "put-role-policy"), said)

    def test_a_run_that_was_broken_off_is_gone_on_with(self):
        self.arrange("aws", refuses=["put-role-policy"])
        ended, said, _ = self.run_it("--yes")
        self.assertEqual(ended, 1, said)
        self.assertIn("could not set the policy regcred of the role regcred-plan", said)
        self.assertIn("AccessDenied", said)
        self.assertIn("another run goes on from there", said)
        self.arrange("aws", refuses=[])
        ended, said, writes = self.run_it("--yes")
        self.assertEqual(ended, 0, said)
        self.assertNotIn("create-open-id-connect-provider", [write[2] for write in writes])
        self.assertEqual(self.run_it()[0], 0)

    def test_a_yes_at_the_terminal_does_it_and_no_other_word(self):
        self.assertEqual(self.at_a_terminal("y"), (3, []))
        ended, writes = self.at_a_terminal("yes")
        self.assertEqual(ended, 0)
        self.assertNotEqual(writes, [])

    def test_reviewers_a_timer_and_branches_that_somebody_has_set_stay(self):
        self.run_it("--yes", "--reviewer", "acme/platform")
        state = self.state
        [review] = state["gh"]["rules"]["regcred-sync"]["protection_rules"]
        self.assertEqual(review["reviewers"], [{"type": "Team", "reviewer": {"id": 77}}])
        review["prevent_self_review"] = True
        state["gh"]["rules"]["regcred-sync"]["protection_rules"].append({"type": "wait_timer", "wait_timer": 30})
        state["gh"]["branches"].append({"name": "release/*"})
        self.save(state)
        ended, said, writes = self.run_it("--yes")
        self.assertEqual((ended, writes), (0, []), said)
        self.assertIn("note: release/* may use regcred-sync, too", said)
        ended, said, [write] = self.run_it("--yes", "--reviewer", "octocat")
        self.assertEqual(ended, 0, said)
        timer, review = self.state["gh"]["rules"]["regcred-sync"]["protection_rules"]
        self.assertEqual((timer["wait_timer"], review["prevent_self_review"]), (30, True))
        self.assertEqual(sorted(one["reviewer"]["id"] for one in review["reviewers"]), [77, 583231])

    def test_secrets_are_named_with_the_command_that_asks_and_never_taken(self):
        self.arrange("gh", secrets={"regcred-plan": ["REGCRED_APP_PRIVATE_KEY"]})
        ended, said, writes = self.run_it("--yes")
        self.assertEqual(ended, 0, said)
        self.assertNotIn("gh secret set REGCRED_APP_PRIVATE_KEY --repo acme/api --env regcred-plan", said)
        self.assertIn("gh secret set REGCRED_APP_PRIVATE_KEY --repo acme/api --env regcred-sync <regcred-sync.pem\n", said)
        self.assertIn("gh secret set PULUMI_CONFIG_PASSPHRASE --repo acme/api --env regcred-plan ", said)
        self.assertNotIn("--body", said)
        self.assertFalse([write for write in writes if "secret" in write[1]])
        for value in self.secrets.values():
            self.assertNotIn(value, said)

    def test_the_subject_is_the_one_that_the_repositorys_tokens_have(self):
        for oidc, prefix in (
            ({"use_default": True, "use_immutable_subject": True, "sub_claim_prefix": "repo:acme@1/api@2"}, "repo:acme@1/api@2"),
            ({"use_default": True, "use_immutable_subject": True}, r"repo:acme@\d+/api@\d+"),
        ):
            self.arrange("gh", oidc=oidc)
            self.assertRegex(self.run_it()[1], f'sub": "{prefix}:environment:regcred-sync"')
        self.arrange("gh", oidc={"use_default": False, "include_claim_keys": ["actor"]})
        self.assert_refuses("has a subject of its own")

    def test_more_policies_are_given_to_the_role_that_needs_them(self):
        ended, said, _ = self.run_it("--yes", "--policy", "awskms", "--policy", "store")
        self.assertEqual(ended, 0, said)
        roles = self.state["aws"]["roles"]
        self.assertEqual(roles["regcred-plan"]["policies"].keys(), {"regcred", "regcred-awskms"})
        self.assertEqual(roles["regcred-sync"]["policies"]["regcred-store"], self.page("store"))
        self.assert_refuses("`fleet` is not a policy", "--policy", "fleet")

    def test_without_aws_it_is_not_asked(self):
        self.arrange("aws", logged_in=False)
        ended, said, writes = self.run_it("--yes", "--without-aws", given=GIVEN[:4])
        self.assertEqual(ended, 0, said)
        self.assertEqual({write[0] for write in writes}, {"gh"})
        self.assertNotIn('"aws"', (self.folder / "log").read_text(encoding="utf-8"))

    def test_a_provider_that_others_use_is_kept_and_gets_the_audience(self):
        self.arrange("aws", providers={PROVIDER: ["https://github.com/acme"]})
        self.assertEqual(self.run_it("--yes")[0], 0)
        self.assertEqual(self.state["aws"]["providers"], {PROVIDER: ["https://github.com/acme", "sts.amazonaws.com"]})

    def test_what_is_left_out_is_said(self):
        _, said, _ = self.run_it(given=[])
        for words in ("without --plan-app", "without --sync-app", "without --region"):
            self.assertIn(f"note: {words}", said)

    def test_it_refuses_with_what_to_do(self):
        self.arrange("gh", logged_in=False)
        self.assertIn("hint: gh auth login", self.assert_refuses("gh is not logged in"))
        self.arrange("gh", logged_in=True, here="")
        self.assertIn("hint: --repository OWNER/NAME", self.assert_refuses("there is no repository here"))
        self.assert_refuses("there is no repository acme/none", "--repository", "acme/none")
        self.arrange("gh", here="acme/api", admin=False)
        self.assert_refuses("does not administer acme/api")
        self.arrange("gh", admin=True)
        self.assert_refuses("there is no user nobody-of-that-name", "--reviewer", "nobody-of-that-name")
        self.arrange("aws", logged_in=False)
        self.assertIn("--without-aws", self.assert_refuses("aws is not logged in: Unable to locate credentials"))
        self.arrange("aws", logged_in=True, refuses=["get-role"])
        self.assert_refuses("aws iam get-role failed: An error occurred (AccessDenied)")
        self.arrange("aws", refuses=[], roles={"regcred-plan": {"trust": {"Version": "2012-10-17", "Statement": []}, "policies": {}}})
        self.assertIn("hint: --roles PREFIX", self.assert_refuses("the role regcred-plan is there"))
        self.assertEqual(self.run_it("--yes", "--roles", "api")[0], 0)
        self.assert_refuses("belong together", "--version", "0.1.0", status=2)
        self.assert_refuses("a value for `--region` is missing", "--region", status=2)
        self.assert_refuses("unknown option `--secret`", "--secret", status=2)


if __name__ == "__main__":
    sys.exit(not unittest.main(exit=False).result.wasSuccessful())
