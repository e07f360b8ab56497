"""Runs the scripts of .github/actions/regcred as a runner would: install, plan, sync, rotate, verify, the comment and the pull
request of a rotation. Then looks at the workflows, for what no linter knows.

    workflow_action.py

regcred is the real one, against the sandbox, and so is git, with a repository on this machine to push to. `gh`, which needs
GitHub, is a stand-in that writes down what it was asked.
"""

import copy
import hashlib
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest
import zipfile

from sandbox import OTHER_TOKEN, PASSPHRASE, ROOT, TOKEN, Sandbox, example_project, home, new_world, programs

ACTION = ROOT / ".github" / "actions" / "regcred"
WORKFLOWS = ROOT / ".github" / "workflows"
FILE = """\
version: 1
credentials:
  docker-hub:
    to:
      aws: { stacks: { main: { region: us-east-2 }, dev: { region: us-east-2 } } }
"""
# What the action hands to the script where a workflow says nothing.
INPUTS = dict.fromkeys("STACK FILE CREDENTIAL TRUSTED PLAN EXPECT APPROVE SHARDS SHARD REPORTS FROM MINT OLD DRAIN".split(), "")
GH = """\
#!/bin/sh
printf '%s\\n' "$*" >>"$GH_LOG"
case $* in
    "release download"*) cp "${GH_ANSWER%/*}/$(printf '%s\\n' "$@" | sed -n '/^--pattern$/{n;p;}')" "$(printf '%s\\n' "$@" | sed -n '/^--dir$/{n;p;}')" ;;
    "attestation verify"*) exit "${GH_REFUSES:-0}" ;;
    *--paginate* | "pr list"*) cat "$GH_ANSWER" ;;
    "pr create"*) exit "${GH_REFUSES:-0}" ;;
esac
"""


class Runner(unittest.TestCase):
    world = None
    target = "x86_64-unknown-linux-musl"

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.sandbox = self.enterContext(Sandbox(self.folder / "sandbox", self.world))
        for name in ("output", "summary", "path", "gh.log", "answer"):
            (self.folder / name).touch()
        (self.folder / "regcred.yaml").write_text(FILE, encoding="utf-8")
        (self.folder / "bin").mkdir()
        self.program("gh", GH)
        self.env = home(self.folder) | self.sandbox.env
        self.env |= {
            "PATH": f"{self.folder / 'bin'}:{self.env['PATH']}",
            "DOCKER_HUB_USERNAME": "acme",
            "DOCKER_HUB_TOKEN": TOKEN,
            "RUNNER_TEMP": str(self.folder),
            "RUNNER_OS": "Linux",
            "RUNNER_ARCH": "X64",
            "GITHUB_OUTPUT": str(self.folder / "output"),
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary"),
            "GITHUB_PATH": str(self.folder / "path"),
            "GH_LOG": str(self.folder / "gh.log"),
            "GH_ANSWER": str(self.folder / "answer"),
        }

    def program(self, name, text):
        """One that is found before the real one."""
        path = self.folder / "bin" / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)

    def script(self, name, folder=None, **env):
        return subprocess.run([ACTION / name], cwd=folder or self.folder, env=self.env | env, capture_output=True, text=True)

    def regcred(self, command, folder=None, **inputs):
        (self.folder / "output").write_text("", encoding="utf-8")
        ran = self.script("run.sh", folder, COMMAND=command, **INPUTS | inputs)
        self.said = ran.stdout
        return ran.returncode, dict(line.split("=", 1) for line in self.text("output").splitlines())

    def rules(self):
        return self.sandbox.state()["aws"]["rules"]

    def text(self, name):
        return (self.folder / name).read_text(encoding="utf-8")

    def archive(self):
        """A release's archive, and its checksum."""
        top = f"regcred-0.1.0-{self.target}"
        if "windows" in self.target:
            path = self.folder / f"{top}.zip"
            with zipfile.ZipFile(path, "w") as packed:
                packed.write(ACTION / "run.sh", f"{top}/regcred.exe")
        else:
            path = self.folder / f"{top}.tar.xz"
            with tarfile.open(path, "w:xz") as tar:
                tar.add(ACTION / "run.sh", f"{top}/regcred")
        return path, hashlib.sha256(path.read_bytes()).hexdigest()


class Plan(Runner):
    def test_a_plan_tells_its_digest_and_that_there_is_something_to_do_and_draws_it(self):
        status, outputs = self.regcred("plan")
        self.assertEqual((status, outputs["differences"]), (0, "true"))
        self.assertRegex(outputs["digest"], "^[0-9a-f]{64}$")
        self.assertIn("```mermaid", self.text("summary"))
        self.assertIn(outputs["digest"], self.text("summary"))

    def test_the_plan_that_was_approved_is_carried_out_and_then_there_is_nothing_to_do(self):
        _, outputs = self.regcred("plan")
        self.assertEqual(self.regcred("sync", EXPECT=outputs["digest"])[0], 0)
        self.assertIn("Ended with 0", self.text("summary"))
        status, outputs = self.regcred("plan")
        self.assertEqual((status, outputs["differences"]), (0, "false"))
        self.assertEqual(self.regcred("verify")[0], 0)

    def test_another_plan_than_the_approved_one_is_refused(self):
        self.assertEqual(self.regcred("sync", EXPECT="0" * 64)[0], 3)
        self.assertIn("Ended with 3", self.text("summary"))

    def test_a_stacks_own_run_makes_that_stacks_rule_only(self):
        self.assertEqual(self.regcred("sync", STACK="dev", APPROVE="all")[0], 0)
        self.assertIn("dev-docker-hub", self.text("summary"))
        self.assertNotIn("main-docker-hub", self.text("summary"))

    def test_differences_fail_verify_and_a_refused_credential_fails_the_plan(self):
        self.assertEqual(self.regcred("verify")[0], 2)
        self.env["DOCKER_HUB_TOKEN"] = "dckr_pat_nobody-0123456789abcdefghijk"
        self.assertEqual(self.regcred("plan")[0], 4)

    def test_a_place_that_cannot_be_read_holds_up_nothing_else(self):
        (self.folder / "regcred.yaml").write_text(FILE + "      github: [{ repository: acme/api }]\n", encoding="utf-8")
        self.env["GITHUB_TOKEN"] = "nobody"
        status, outputs = self.regcred("plan")
        self.assertEqual((status, outputs["differences"]), (0, "true"))
        self.assertEqual(self.regcred("sync", EXPECT=outputs["digest"])[0], 5)

    def test_another_command_is_refused(self):
        self.assertEqual(self.regcred("remove; true")[0], 3)

    def test_the_plan_of_an_earlier_job_is_carried_out_from_its_file(self):
        _, outputs = self.regcred("plan")
        document = pathlib.Path(outputs["plan"]).rename(self.folder / "approved.json")
        self.assertEqual(json.loads(document.read_text(encoding="utf-8"))["digest"], outputs["digest"])
        self.assertEqual(self.regcred("sync", PLAN=str(document))[0], 0)
        self.assertEqual(len(self.rules()), 2)

    def test_without_an_approval_nothing_is_carried_out_and_it_says_what_to_write(self):
        self.assertEqual(self.regcred("sync")[0], 3)
        for word in ("`plan:`", "`expect:`", "`approve: all`"):
            self.assertIn(word, self.said)
        self.assertEqual(self.sandbox.calls(), [])

    def test_a_plan_without_a_digest_approves_nothing(self):
        empty = self.folder / "empty.json"
        for text in ("", "{}", '{"digest":null}', '{"digest":""}', "### regcred plan", '{"digest":"--yes"}'):
            empty.write_text(text, encoding="utf-8")
            self.assertEqual(self.regcred("sync", PLAN=str(empty))[0], 3, text)
        self.assertEqual(self.regcred("sync", PLAN=str(self.folder / "nothing.json"))[0], 3)
        self.assertEqual(self.regcred("sync", EXPECT="--yes")[0], 3)
        self.assertEqual(self.rules(), [])

    def test_everything_is_approved_by_its_own_word_alone(self):
        for word in ("true", "yes", "ALL", "all "):
            self.assertEqual(self.regcred("sync", APPROVE=word)[0], 3, word)
        self.assertEqual(self.rules(), [])
        self.assertEqual(self.regcred("sync", APPROVE="all")[0], 0)
        self.assertEqual(len(self.rules()), 2)

    def test_two_approvals_are_refused(self):
        _, outputs = self.regcred("plan")
        given = {"PLAN": outputs["plan"], "EXPECT": outputs["digest"], "APPROVE": "all"}
        for left in given:
            two = {name: value for name, value in given.items() if name != left}
            self.assertEqual(self.regcred("sync", **two)[0], 3, two)
            self.assertIn("one approval", self.said)
        self.assertEqual(self.rules(), [])

    def test_a_plan_that_ends_early_leaves_none_of_an_earlier_step(self):
        self.regcred("plan")
        (self.folder / "regcred.yaml").write_text("version: 2\n", encoding="utf-8")
        status, outputs = self.regcred("plan")
        self.assertEqual((status, outputs), (3, {}))
        self.assertFalse((self.folder / "regcred-plan.md").exists())

    def test_a_branch_that_is_not_reviewed_starts_nothing(self):
        mark, base = self.folder / "mark", self.folder / "base"
        base.mkdir()
        (self.folder / ".git").mkdir()
        (base / ".git").mkdir()
        command = f"    from: {{ command: [touch, {mark}] }}\n    to:"
        (self.folder / "regcred.yaml").write_text(FILE.replace("    to:", command), encoding="utf-8")
        status, outputs = self.regcred("plan", TRUSTED="base/regcred.yaml")
        self.assertEqual((status, outputs), (3, {}), "the base is a part of the branch")
        branch = self.folder / "branch"
        branch.mkdir()
        (self.folder / "regcred.yaml").rename(branch / "regcred.yaml")
        (self.folder / ".git").rename(branch / ".git")
        status, outputs = self.regcred("plan", folder=branch, TRUSTED="../base/regcred.yaml")
        self.assertEqual((status, outputs["differences"]), (0, "false"))
        self.assertIn("blocked or could not be read", self.said)
        self.assertIn("would be started", self.text("summary"))
        self.assertFalse(mark.exists())
        self.regcred("plan", folder=branch)
        self.assertTrue(mark.exists(), "a trusted plan starts it")
        for other in ("sync", "verify"):
            self.assertEqual(self.regcred(other, folder=branch, TRUSTED="../base/regcred.yaml", APPROVE="all")[0], 3)

    def test_the_token_is_in_no_output(self):
        self.regcred("plan")
        self.regcred("sync", APPROVE="all")
        self.assertNotIn(TOKEN, self.text("summary") + self.text("output"))


SHARDS = 3
# Two regions and a repository: as many sites as shards.
FLEET = FILE.replace("dev: { region: us-east-2 }", "dev: { region: us-west-2 }") + "      github: [{ repository: acme/api }]\n"
# The real program, which is killed once it has begun to write.
KILLED = """\
#!/usr/bin/env python3
import subprocess, sys
with subprocess.Popen([{real!r}, *sys.argv[1:]], stdout=subprocess.PIPE, text=True) as ran:
    for line in ran.stdout:
        sys.stdout.write(line)
        if '"apply_start"' in line:
            break
    ran.kill()
sys.exit(137)
"""


class Fleet(Runner):
    def setUp(self):
        super().setUp()
        (self.folder / "regcred.yaml").write_text(FLEET, encoding="utf-8")
        self.reports = self.folder / "reports"
        self.reports.mkdir()

    def planned(self):
        status, outputs = self.regcred("plan", SHARDS=str(SHARDS))
        self.assertEqual(status, 0, self.said)
        return outputs

    def shard(self, index, plans, command="sync"):
        """A job of the matrix: what it has printed is uploaded, however it ended."""
        plan = {"PLAN": f"{plans}/shard-{index}.json"} if command == "sync" else {}
        status, outputs = self.regcred(command, SHARD=f"{index}/{SHARDS}", **plan)
        stream = pathlib.Path(outputs["stream"])
        stream.rename(self.reports / stream.name)
        return status

    def test_the_plans_of_all_shards_are_in_one_summary_and_carried_out_one_by_one(self):
        outputs = self.planned()
        self.assertEqual(outputs["differences"], "true")
        plans = pathlib.Path(outputs["plan"])
        names = sorted(plan.name for plan in plans.iterdir())
        self.assertEqual(names, [f"shard-{index}.json" for index in range(1, SHARDS + 1)])
        for plan in plans.iterdir():
            self.assertIn(json.loads(plan.read_text(encoding="utf-8"))["digest"], self.text("summary"))
        self.assertEqual(self.text("summary").count("### regcred plan"), 1)
        for index in range(1, SHARDS + 1):
            self.assertEqual(self.shard(index, plans), 0, self.said)
        self.assertEqual(self.regcred("report", REPORTS=str(self.reports))[0], 0, self.said)
        self.assertIn("Done:", self.said)
        self.assertEqual(self.planned()["differences"], "false")
        self.assertEqual([self.shard(index, plans, "verify") for index in range(1, SHARDS + 1)], [0] * SHARDS)

    def test_one_that_is_killed_or_never_began_is_named_and_a_second_run_finishes_it(self):
        plans = self.planned()["plan"]
        killed = self.folder / "killed"
        killed.mkdir()
        (killed / "regcred").write_text(KILLED.format(real=str(programs() / "regcred")), encoding="utf-8")
        (killed / "regcred").chmod(0o755)
        path = self.env["PATH"]
        self.env["PATH"] = f"{killed}:{path}"
        self.script("run.sh", COMMAND="sync", **INPUTS | {"SHARD": f"1/{SHARDS}", "PLAN": f"{plans}/shard-1.json"})
        self.env["PATH"] = path
        (self.folder / "shard-1.jsonl").rename(self.reports / "shard-1.jsonl")
        self.assertEqual(self.shard(2, plans), 0, self.said)
        status, _ = self.regcred("report", REPORTS=str(self.reports))
        self.assertEqual(status, 1, self.said)
        self.assertIn("cut off: shard 1 of 3", self.said)
        self.assertIn("missing: shard 3 of 3", self.said)
        self.assertIn("Ended with 1.", self.text("summary"))

        plans = self.planned()["plan"]
        for index in range(1, SHARDS + 1):
            self.assertEqual(self.shard(index, plans), 0, self.said)
        self.assertEqual(self.regcred("report", REPORTS=str(self.reports))[0], 0, self.said)
        self.assertEqual(self.planned()["differences"], "false")

    def test_a_shard_carries_out_no_other_shards_plan(self):
        plans = self.planned()["plan"]
        status, _ = self.regcred("sync", SHARD=f"1/{SHARDS}", PLAN=f"{plans}/shard-2.json")
        self.assertEqual(status, 3)
        self.assertEqual(self.rules(), [])

    def test_what_is_no_shard_and_what_has_none_is_refused(self):
        for shards in ("0", "257", "two", "4; true"):
            self.assertEqual(self.regcred("plan", SHARDS=shards)[0], 3, shards)
        self.assertEqual(self.regcred("sync", SHARD="1/3")[0], 3)
        self.assertIn("`approve: all`", self.said)
        for command in ("plan", "rotate"):
            self.assertEqual(self.regcred(command, SHARD="1/3")[0], 3)
        self.assertEqual(self.regcred("sync", SHARDS="3", APPROVE="all")[0], 3)
        self.assertEqual(self.rules(), [])


PASSWORD = "open sesame-1234"
LABEL = "by hand"
STACK_FILE = pathlib.Path("infra", "Pulumi.main.yaml")
# The command that prints the password writes down what it is given.
ROTATED = """\
version: 1
credentials:
  docker-hub:
    from: { pulumi: { project: infra, stack: main } }
    mint: { login: { command: [owner], username: acme } }
    to:
      aws: { stacks: { main: { region: us-east-2 } } }
"""
OWNER = """\
#!/bin/sh
env >>"$GH_LOG.env"
printenv DOCKER_HUB_PASSWORD
"""


class Rotate(Runner):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as folder:
            cls.world = new_world(folder)
        credentials = cls.world["registry"]["accounts"]["acme"]["credentials"]
        old = next(credential for credential in credentials if credential["secret"] == TOKEN)
        credentials.append(copy.deepcopy(old) | {"secret": PASSWORD, "kind": "password"})
        old["token"]["label"] = LABEL

    def setUp(self):
        super().setUp()
        self.env = {name: value for name, value in self.env.items() if not name.startswith("DOCKER_HUB_TOKEN")}
        self.env |= {"GITHUB_ACTIONS": "true", "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE, "DOCKER_HUB_PASSWORD": PASSWORD}
        self.env |= {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_RUN_ID": "5", "BASE": "main"}
        self.program("owner", OWNER)
        self.remote = self.folder / "remote.git"
        self.git("init", "-q", "--bare", "-b", "main", self.remote)
        first = self.checkout()
        self.git("checkout", "-q", "-b", "main", folder=first)
        example_project(first)
        (first / "regcred.yaml").write_text(ROTATED, encoding="utf-8")
        self.git("add", ".", folder=first)
        self.git("-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-qm", "first", folder=first)
        self.git("push", "-q", "origin", "main", folder=first)

    def git(self, *args, folder=None):
        ran = subprocess.run(["git", *args], cwd=folder or self.folder, env=self.env, capture_output=True, text=True)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        return ran.stdout

    def checkout(self):
        """What a job of a workflow begins with."""
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        self.git("clone", "-q", self.remote, folder)
        return folder

    def branches(self):
        return self.git("for-each-ref", "--format=%(refname:short)", folder=self.remote).split()

    def rotated(self, folder=None, **inputs):
        """A plan, and a run of what it shows, in jobs of their own."""
        status, outputs = self.regcred("rotate", self.checkout(), **inputs)
        self.assertEqual((status, outputs["differences"]), (0, "true"), self.said)
        self.assertNotIn("stored", outputs)
        plan = pathlib.Path(outputs["plan"]).rename(self.folder / "approved.json")
        return self.regcred("rotate", folder or self.checkout(), PLAN=str(plan), **inputs)

    def pull_request(self, patch, **env):
        return self.script("pull-request.sh", self.checkout(), PATCH=str(patch), **env)

    def on(self):
        credentials = self.sandbox.state()["registry"]["accounts"]["acme"]["credentials"]
        return {one["secret"] for one in credentials if not (one["revoked"] or one["token"]["inactive"])}

    def test_a_rotation_on_a_runner_ends_in_a_pull_request_and_the_next_one_after_its_merge_retires_the_old_token(self):
        folder = self.checkout()
        before = (folder / STACK_FILE).read_bytes()
        status, outputs = self.rotated(folder, MINT="true", OLD=LABEL)
        self.assertEqual(status, 0, self.said)
        self.assertIn("::warning::the old token stays on", self.said)
        self.assertIn("Ended with 5", self.text("summary"))
        self.assertIn(TOKEN, self.on())
        # A sync of what is on main does not take it back, and says why.
        self.assertEqual(self.regcred("sync", self.checkout(), APPROVE="all")[0], 5)
        self.assertIn("rotated away on ", self.said)

        ran = self.pull_request(outputs["stored"])
        self.assertEqual(ran.returncode, 0, ran.stderr + ran.stdout)
        branch = next(branch for branch in self.branches() if branch != "main")
        self.assertRegex(branch, "^regcred/rotate-[0-9a-f]{12}$")
        self.assertIn(f"pr create --repo acme/api --base main --head {branch} --title", self.text("gh.log"))
        self.assertIn(f"`{STACK_FILE}`", self.text("gh.log"))
        self.assertEqual(self.git("diff", "--name-only", "main", branch, folder=self.remote).split(), [str(STACK_FILE)])
        after = self.git("show", f"{branch}:{STACK_FILE}", folder=self.remote).encode()
        self.assertEqual(after, (folder / STACK_FILE).read_bytes())
        self.assertEqual(sum(old != new for old, new in zip(before.splitlines(), after.splitlines(), strict=True)), 1)
        # The workflow knows its merge by the branch in the message.
        self.assertIn(branch, self.git("log", "-1", "--format=%s", branch, folder=self.remote))

        self.git("branch", "-f", "main", branch, folder=self.remote)
        status, outputs = self.rotated(OLD=LABEL)
        self.assertEqual((status, outputs.get("stored")), (0, None), self.said)
        self.assertNotIn(TOKEN, self.on())
        self.assertEqual(self.regcred("rotate", self.checkout())[1], {"differences": "false"})

    def test_a_token_that_is_handed_in_reaches_the_run_and_no_program_message_or_file(self):
        status, outputs = self.rotated(FROM="stdin", NEW_TOKEN=OTHER_TOKEN)
        self.assertEqual(status, 0, self.said)
        self.assertIn(OTHER_TOKEN, json.dumps(self.sandbox.state()["aws"]["secrets"]))
        self.assertEqual(self.pull_request(outputs["stored"]).returncode, 0)
        self.assertIn("DOCKER_HUB_PASSWORD=", self.text("gh.log.env"))
        patch = pathlib.Path(outputs["stored"]).read_text(encoding="utf-8")
        shown = [self.said, self.text("summary"), self.text("output"), self.text("gh.log"), self.text("gh.log.env"), patch]
        for token in (TOKEN, OTHER_TOKEN):
            self.assertNotIn(token, "".join(shown))

    def test_the_same_patch_makes_no_second_branch_or_pull_request(self):
        _, outputs = self.rotated(MINT="true")
        self.assertEqual(self.pull_request(outputs["stored"]).returncode, 0)
        branches = self.branches()
        (self.folder / "answer").write_text("https://github.com/acme/api/pull/7\n", encoding="utf-8")
        again = self.pull_request(outputs["stored"])
        self.assertEqual((again.returncode, again.stdout), (0, "https://github.com/acme/api/pull/7\n"))
        self.assertEqual(self.branches(), branches)
        self.assertEqual(self.text("gh.log").count("pr create"), 1)

    def test_where_a_workflow_may_open_none_the_branch_is_there_and_the_setting_is_named(self):
        _, outputs = self.rotated(MINT="true")
        ran = self.pull_request(outputs["stored"], GH_REFUSES="1")
        self.assertEqual(ran.returncode, 3)
        self.assertIn("Settings, Actions, General", ran.stdout)
        self.assertEqual(len(self.branches()), 2)

    def test_nothing_but_stack_files_gets_into_a_pull_request(self):
        folder = self.checkout()
        patch = self.folder / "patch"
        for file in ("regcred.yaml", "infra/Pulumi.yaml"):
            with (folder / file).open("a", encoding="utf-8") as text:
                text.write("# more\n")
            patch.write_text(self.git("diff", folder=folder), encoding="utf-8")
            self.git("checkout", "-q", ".", folder=folder)
            ran = self.pull_request(patch)
            self.assertEqual(ran.returncode, 3)
            self.assertIn(f"{file}, which is no stack file", ran.stdout)
        patch.write_text("", encoding="utf-8")
        self.assertEqual(self.pull_request(patch).returncode, 3)
        self.assertEqual(self.branches(), ["main"])

    def test_what_is_not_approved_is_shown_alone_and_what_cannot_be_is_refused(self):
        status, outputs = self.regcred("rotate", self.checkout(), MINT="true")
        self.assertEqual((status, outputs["differences"]), (0, "true"))
        self.assertIn("made once you say yes", self.text("summary"))
        self.assertEqual([call for call in self.sandbox.calls() if call["is_write"]], [])
        self.assertEqual(self.regcred("rotate", self.checkout(), MINT="true", EXPECT="0" * 64), (3, {"differences": "false"}))
        self.assertEqual(self.regcred("rotate", self.checkout(), FROM="stdin")[0], 3)
        self.assertIn("NEW_TOKEN, which is empty", self.said)
        self.assertEqual(self.regcred("rotate", self.checkout(), FROM="nowhere")[0], 3)
        self.assertEqual(self.regcred("rotate", self.checkout(), MINT="true", CREDENTIAL="ghcr")[0], 3)


class Workflows(unittest.TestCase):
    def setUp(self):
        self.texts = {file.name: file.read_text(encoding="utf-8") for file in WORKFLOWS.glob("*.yml")}

    def test_none_has_permissions_but_those_that_a_job_asks_for(self):
        for name, text in self.texts.items():
            self.assertIn("\npermissions: {}\n", text, name)

    def test_every_action_is_this_repositorys_or_pinned_by_digest_and_the_same_everywhere(self):
        pins = {}
        for name, text in self.texts.items():
            for used in re.findall(r"uses: (.*)", text):
                self.assertRegex(used, r"^\./|^[\w./-]+@[0-9a-f]{40} # v[0-9.]+$", name)
                action, _, digest = used.partition("@")
                self.assertEqual(pins.setdefault(action, digest), digest, name)

    def test_no_workflow_hands_on_a_digest_where_a_mask_can_take_it_away(self):
        for name, text in self.texts.items():
            self.assertNotRegex(text, r"(?m)^ +digest: \$\{\{ steps|outputs\.digest", name)
        self.assertIn("plan: ${{ runner.temp }}/approved/regcred-plan.json", self.texts["sync.yml"])

    def test_a_pull_requests_branch_is_not_trusted_and_brings_no_action_of_its_own(self):
        text = self.texts["plan.yml"]
        reviewed, action, branch = (text.index(word) for word in ("ref: ${{ github.event.pull_request.base.sha }}", "path: .regcred", "path: branch"))
        self.assertLess(reviewed, action)
        self.assertLess(action, branch)
        # Its own commit is the branch's, unless another repository calls it.
        own = "ref: ${{ job.workflow_repository != github.repository && job.workflow_sha || github.event.pull_request.base.sha }}"
        self.assertEqual(re.findall(r"ref: .*", text), ["ref: ${{ github.event.pull_request.base.sha }}", own])
        self.assertEqual(re.findall(r"uses: \./.*", text), ["uses: ./.regcred/.github/actions/regcred"])
        self.assertIn("directory: branch\n          trusted: ../regcred.yaml\n", text)

    def called(self):
        return {name: text for name, text in self.texts.items() if "\n  workflow_call:\n" in text}

    def test_a_workflow_that_another_repository_calls_takes_nothing_but_the_action_of_its_own_commit(self):
        self.assertEqual(sorted(self.called()), [f"{name}.yml" for name in ("fleet", "plan", "rotate", "sync", "verify")])
        checkout = (
            "          repository: ${{ job.workflow_repository || github.repository }}\n"
            "          ref: ${{ job.workflow_sha || github.sha }}\n"
            "          path: .regcred\n"
        )
        for name, text in self.called().items():
            for job in re.split(r"\n  (?=[a-z-]+:\n    )", text.partition("\njobs:\n")[2]):
                # What a job uses of this repository, and what it runs. A workflow is of the commit that calls it.
                own = [used for used in re.findall(r"(?:uses|run): (\S*\.github/\S+)", job) if not used.startswith("./.github/workflows/")]
                self.assertTrue(all(used.removeprefix("./").startswith(".regcred/.github/actions/regcred") for used in own), own)
                if own and name != "plan.yml":
                    self.assertIn(checkout, job[: job.index(own[0])], name)

    def test_what_is_called_has_typed_inputs_with_defaults_that_mean_the_same_everywhere_and_every_secret_that_it_reads(self):
        same = {}
        for name, text in self.called().items():
            call = text[text.index("\n  workflow_call:\n") : text.index("\npermissions: {}\n")]
            declared = re.findall(r"\n      ([\w-]+):\n        description: (.+)\n        (type: \w+\n        (?:default|required): .+|required: false)", call)
            for one, description, kind in declared:
                self.assertEqual(same.setdefault(one, (description, kind)), (description, kind), name)
            names = {one for one, _, _ in declared}
            jobs = text.partition("\njobs:\n")[2]
            self.assertEqual(set(re.findall(r"secrets\.(\w+)", jobs)) | set(re.findall(r"inputs\.([\w-]+)", jobs)), names, name)

    def test_one_release_is_installed_by_every_job_and_no_login_is_tried_without_a_name(self):
        install = (
            "          version: ${{ inputs.version || vars.REGCRED_VERSION }}\n"
            "          sha256: ${{ inputs.sha256 || vars.REGCRED_SHA256 }}\n"
            "          repository: ${{ vars.REGCRED_REPOSITORY || job.workflow_repository || github.repository }}\n"
        )
        for name, text in self.called().items():
            self.assertEqual(text.count(install), text.count("uses: ./.regcred/"), name)
            for job in re.split(r"\n  (?=[a-z-]+:\n    )", text):
                which = "sync" if "regcred-sync' }}" in job else "plan"
                login = f"      - if: inputs.{which}-role != '' || vars.REGCRED_AWS_ROLE != ''\n        uses: aws-actions/"
                self.assertEqual(job.count("uses: aws-actions/"), job.count(login), name)
            app = "      - id: app\n        if: vars.REGCRED_APP_CLIENT_ID != ''\n        uses: actions/create-github-app-token@"
            self.assertEqual(text.count("uses: actions/create-github-app-token@"), text.count(app), name)

    def test_none_approves_what_nobody_has_seen(self):
        for name, text in self.texts.items():
            self.assertNotIn("approve:", text, name)

    def test_only_the_job_that_waits_for_a_review_may_write_secrets_and_a_lost_output_does_not_skip_it(self):
        for name, text in self.texts.items():
            jobs = re.split(r"\n  (?=[a-z-]+:\n)", text)
            for job in (job for job in jobs if "permission-secrets: write" in job):
                self.assertIn("\n    environment: ${{ inputs.sync-environment || 'regcred-sync' }}\n", job, name)
        self.assertEqual(self.texts["sync.yml"].count("permission-secrets: write"), 1)
        self.assertIn("if: needs.plan.outputs.differences != 'false'", self.texts["sync.yml"])

    def test_every_shard_carries_out_its_own_plan_and_a_lost_output_skips_none(self):
        text = self.texts["fleet.yml"]
        self.assertIn("plan: ${{ runner.temp }}/approved/shard-${{ matrix.shard }}.json", text)
        self.assertIn("if: needs.plan.outputs.differences != 'false'", text)
        self.assertEqual(text.count("fail-fast: false"), text.count("matrix:"))
        jobs = {job.partition(":")[0]: job for job in re.split(r"\n  (?=[a-z-]+:\n)", text)}
        self.assertIn("\n    environment: ${{ inputs.sync-environment || 'regcred-sync' }}\n", jobs["sync"])
        # An output of a job without secrets holds no masked value.
        self.assertNotIn("secrets.", jobs["shards"])
        self.assertNotIn("secrets.", jobs["report"])
        self.assertIn("if: always()", jobs["report"])

    def test_only_the_job_that_has_no_secret_of_a_rotation_may_write_to_the_repository(self):
        jobs = re.split(r"\n  (?=[a-z-]+:\n)", self.texts["rotate.yml"])
        writing = [job for job in jobs if "contents: write" in job]
        self.assertEqual([job.partition(":")[0] for job in writing], ["pull-request"])
        self.assertNotIn("secrets.", writing[0])
        self.assertNotIn("environment:", writing[0])
        self.assertEqual(re.findall(r"^      ([\w-]+): write", writing[0], re.MULTILINE), ["contents", "pull-requests"])

    def test_a_forks_or_dependabots_pull_request_reaches_no_secret(self):
        self.assertIn("github.event.pull_request.user.login != 'dependabot[bot]'", self.texts["plan.yml"])
        self.assertNotIn("permission-secrets: write", self.texts["plan.yml"])
        self.assertIn("github.event.pull_request.head.repo.full_name == github.repository", self.texts["plan.yml"])
        for name, text in self.texts.items():
            self.assertNotIn("pull_request_target", text, name)
            self.assertNotIn("workflow_run", text, name)
            if "pull_request:" in text and name != "plan.yml":
                self.assertNotIn("secrets.", text, name)


class Comment(Runner):
    def comment(self, ids):
        (self.folder / "answer").write_text(ids, encoding="utf-8")
        (self.folder / "report.md").write_text("x" * 100_000, encoding="utf-8")
        ran = self.script(
            "comment.sh", NUMBER="7", REPORT=str(self.folder / "report.md"), GITHUB_REPOSITORY="acme/api"
        )
        self.assertEqual(ran.returncode, 0, ran.stderr)
        return self.text("gh.log").splitlines()[-1]

    def test_the_first_plan_makes_a_comment(self):
        self.assertIn("--method POST repos/acme/api/issues/7/comments", self.comment(""))

    def test_later_plans_edit_it(self):
        self.assertIn("--method PATCH repos/acme/api/issues/comments/11", self.comment("11\n12\n"))

    def test_it_fits_and_begins_with_what_it_is_found_by(self):
        self.comment("")
        body = self.text("regcred-comment.md")
        self.assertLess(len(body), 65_536)
        self.assertTrue(body.startswith("<!-- regcred plan -->\n"))

    def test_only_the_workflows_own_comment_is_edited(self):
        self.comment("")
        self.assertIn('.user.login == "github-actions[bot]"', self.text("gh.log").splitlines()[0])


    def test_without_a_plan_there_is_no_comment(self):
        ran = self.script("comment.sh", NUMBER="7", REPORT=str(self.folder / "none.md"), GITHUB_REPOSITORY="acme/api")
        self.assertEqual((ran.returncode, self.text("gh.log")), (0, ""))


class Install(Runner):
    def install(self, checksum=None, **env):
        archive, right = self.archive()
        asked = {"VERSION": "0.1.0", "SHA256": checksum or right, "GITHUB_ACTION_PATH": str(ROOT), "REPOSITORY": "acme/regcred", "GH_ANSWER": str(archive)}
        return self.script("install.sh", **asked | env)

    def installed(self):
        return pathlib.Path(self.text("path").strip()) / "regcred"

    def test_the_release_of_that_checksum_is_put_on_the_path(self):
        ran = self.install()
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertTrue(self.installed().exists())
        self.assertIn("release download v0.1.0 --repo acme/regcred", self.text("gh.log"))

    def test_another_checksum_installs_nothing(self):
        ran = self.install("0" * 64)
        self.assertEqual(ran.returncode, 3)
        self.assertIn("::error::", ran.stdout)
        self.assertEqual(self.text("path"), "")

    def listed(self, checksum=None):
        """The release's list."""
        archive, right = self.archive()
        (self.folder / "SHA256SUMS").write_text(f"{checksum or right}  {archive.name}\n", encoding="utf-8")

    def test_without_a_version_and_a_checksum_it_is_the_actions_own_release_by_its_attested_list(self):
        self.listed()
        ran = self.install(VERSION="", SHA256="")
        self.assertEqual(ran.returncode, 0, ran.stderr + ran.stdout)
        self.assertTrue(self.installed().exists())
        self.assertRegex(self.text("gh.log"), r"attestation verify \S+/SHA256SUMS --repo acme/regcred --signer-workflow ")

    def test_a_list_that_nobody_attests_and_an_archive_that_is_not_as_listed_install_nothing(self):
        self.listed()
        ran = self.install(VERSION="", SHA256="", GH_REFUSES="1")
        self.assertIn("has no provenance of acme/regcred", ran.stdout)
        self.listed("0" * 64)
        other = self.install(VERSION="", SHA256="")
        self.assertEqual((ran.returncode, other.returncode, self.text("path")), (3, 3, ""))

    def test_the_action_that_a_called_workflow_checks_out_belongs_to_the_release_of_its_commit(self):
        self.listed()
        ran = self.install(VERSION="", SHA256="", GITHUB_ACTION_PATH=str(ACTION))
        self.assertEqual(ran.returncode, 0, ran.stderr + ran.stdout)
        self.assertTrue(self.installed().exists())

    def test_an_action_that_was_copied_says_that_it_needs_a_version(self):
        action = self.folder / ".github" / "actions" / "regcred"
        action.mkdir(parents=True)
        for cargo in ("", '[package]\nname = "api"\n\n[workspace.package]\nversion = "0.1.0"\n'):
            (self.folder / "Cargo.toml").write_text(cargo, encoding="utf-8")
            ran = self.install(VERSION="", GITHUB_ACTION_PATH=str(action))
            self.assertEqual(ran.returncode, 3)
            self.assertIn("`version:` is missing", ran.stdout)

    def test_a_runner_without_a_release_is_told(self):
        for system, processor in (("Windows", "X86"), ("Linux", "ARM")):
            ran = self.install("0" * 64, RUNNER_OS=system, RUNNER_ARCH=processor)
            self.assertEqual(ran.returncode, 3)
            self.assertIn(f"there is no regcred for {system} on {processor}", ran.stdout)
            self.assertEqual(self.text("gh.log"), "")


class MacOS(Install):
    target = "aarch64-apple-darwin"

    def setUp(self):
        super().setUp()
        self.program("sha256sum", "#!/bin/sh\nexit 127\n")
        self.env |= {"RUNNER_OS": "macOS", "RUNNER_ARCH": "ARM64"}


# What a Windows runner has of this, https://github.com/actions/runner-images: Git's bash with its programs, and a jq that writes text
# as Windows does. Its tar takes the `D:` of a path for another machine, and Perl's shasum is not for this bash.
CYGPATH = """\
#!/bin/sh
[ "$1" = -w ] || exit 2
printf 'D:%s\\n' "$2" | tr / '\\\\'
"""
UNZIP = """\
#!/bin/sh
[ "$1 $2 $4" = "-q -o -d" ] || exit 2
exec python3 -m zipfile -e "$3" "$5"
"""
JQ = """\
#!/usr/bin/env bash
set -o pipefail
{real} "$@" | sed 's/$/\\r/'
"""


class Windows(Install):
    target = "x86_64-pc-windows-msvc"

    def setUp(self):
        super().setUp()
        self.program("cygpath", CYGPATH)
        self.program("unzip", UNZIP)
        self.program("jq", JQ.format(real=shutil.which("jq")))
        for name in ("tar", "shasum"):
            self.program(name, "#!/bin/sh\nexit 1\n")
        self.env |= {"RUNNER_OS": "Windows"}

    def installed(self):
        path = self.text("path").strip()
        self.assertRegex(path, r"^D:\\[^/]+\\regcred-0\.1\.0\\regcred-0\.1\.0-x86_64-pc-windows-msvc$")
        return pathlib.Path(path.removeprefix("D:").replace("\\", "/")) / "regcred.exe"

    def test_a_runner_on_arm_gets_the_program_for_x86_64(self):
        self.assertEqual(self.install(RUNNER_ARCH="ARM64").returncode, 0)
        self.assertTrue(self.installed().exists())

    def test_lines_that_jq_ends_as_windows_does_reach_no_output_and_no_digest(self):
        _, outputs = self.regcred("plan")
        self.assertEqual(outputs["differences"], "true")
        self.assertRegex(outputs["digest"], "^[0-9a-f]{64}$")
        self.assertEqual(self.regcred("sync", PLAN=outputs["plan"])[0], 0)
        self.assertEqual(len(self.rules()), 2)


if __name__ == "__main__":
    sys.exit(not unittest.main(exit=False).result.wasSuccessful())
