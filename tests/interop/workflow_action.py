"""Runs the scripts of .github/actions/regcred as a runner would: install, plan, sync, verify and the comment. Then looks at
the workflows, for what no linter knows.

    workflow_action.py

regcred is the real one, against the sandbox. `gh`, which needs GitHub, is a stand-in that writes down what it was asked.
"""

import hashlib
import json
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile
import unittest

from sandbox import ROOT, TOKEN, Sandbox, home, programs

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
INPUTS = {"STACK": "", "FILE": "", "TRUSTED": "", "PLAN": "", "EXPECT": "", "APPROVE": ""}
GH = """\
#!/bin/sh
printf '%s\\n' "$*" >>"$GH_LOG"
case $* in
    "release download"*) cp "$GH_ANSWER" "$(printf '%s\\n' "$@" | sed -n '/^--dir$/{n;p;}')" ;;
    *--paginate*) cat "$GH_ANSWER" ;;
esac
"""


class Runner(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.sandbox = self.enterContext(Sandbox(self.folder / "sandbox"))
        for name in ("output", "summary", "path", "gh.log", "answer"):
            (self.folder / name).touch()
        (self.folder / "regcred.yaml").write_text(FILE, encoding="utf-8")
        gh = self.folder / "bin" / "gh"
        gh.parent.mkdir()
        gh.write_text(GH, encoding="utf-8")
        gh.chmod(0o755)
        self.env = home(self.folder) | self.sandbox.env
        self.env |= {
            "PATH": f"{gh.parent}:{self.env['PATH']}",
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
        path = self.folder / "regcred-0.1.0-x86_64-unknown-linux-musl.tar.gz"
        with tarfile.open(path, "w:gz") as tar:
            tar.add(programs() / "regcred-sandbox", "regcred-0.1.0-x86_64-unknown-linux-musl/regcred")
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
        self.assertEqual(self.regcred("rotate; true")[0], 3)

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
            self.assertNotRegex(text, r"digest: \$\{\{ steps|outputs\.digest", name)
        self.assertIn("plan: ${{ runner.temp }}/approved/regcred-plan.json", self.texts["sync.yml"])

    def test_a_pull_requests_branch_is_not_trusted_and_brings_no_action_of_its_own(self):
        text = self.texts["plan.yml"]
        reviewed, branch = text.index("pull_request.base.sha"), text.index("path: branch")
        self.assertLess(reviewed, branch)
        self.assertEqual(re.findall(r"uses: \./.*", text), ["uses: ./.github/actions/regcred"])
        self.assertIn("directory: branch\n          trusted: ../regcred.yaml\n", text)

    def test_none_approves_what_nobody_has_seen(self):
        for name, text in self.texts.items():
            self.assertNotIn("approve:", text, name)

    def test_only_the_job_that_waits_for_a_review_may_write_secrets_and_a_lost_output_does_not_skip_it(self):
        for name, text in self.texts.items():
            jobs = re.split(r"\n  (?=[a-z-]+:\n)", text)
            for job in (job for job in jobs if "permission-secrets: write" in job):
                self.assertIn("\n    environment: regcred-sync\n", job, name)
        self.assertEqual(self.texts["sync.yml"].count("permission-secrets: write"), 1)
        self.assertIn("if: needs.plan.outputs.differences != 'false'", self.texts["sync.yml"])

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
        asked = {"VERSION": "0.1.0", "SHA256": checksum or right, "REPOSITORY": "acme/regcred", "GH_ANSWER": str(archive)}
        return self.script("install.sh", **asked | env)

    def test_the_release_of_that_checksum_is_put_on_the_path(self):
        ran = self.install()
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertTrue((pathlib.Path(self.text("path").strip()) / "regcred").exists())
        self.assertIn("release download v0.1.0 --repo acme/regcred", self.text("gh.log"))

    def test_another_checksum_installs_nothing(self):
        ran = self.install("0" * 64)
        self.assertEqual(ran.returncode, 3)
        self.assertIn("::error::", ran.stdout)
        self.assertEqual(self.text("path"), "")

    def test_a_runner_without_a_release_is_told(self):
        self.assertEqual(self.install("0" * 64, RUNNER_OS="Windows").returncode, 3)


if __name__ == "__main__":
    sys.exit(not unittest.main(exit=False).result.wasSuccessful())
