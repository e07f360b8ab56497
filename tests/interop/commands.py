"""Runs every command of the documentation, so that it does not drift.

    commands.py

Each ```sh block of README and docs runs, line by line and document by document, in a repository like the one it tells of and
against a sandbox of its own. regcred is the real one; programs that need an account, or hours, are stand-ins that do
nothing. Commands in the running text have to be ones that regcred's command line takes, and each configuration one that it
understands.
"""

import contextlib
import os
import pathlib
import pty
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading

from sandbox import PASSPHRASE, ROOT, Sandbox, example_project, home, programs

PAGES = ["README.md", "CONTRIBUTING.md", "infra/README.md", *sorted(str(page.relative_to(ROOT)) for page in (ROOT / "docs").rglob("*.md"))]
STAND_INS = ["aws", "cargo", "docker", "gh", "kubectl", "pulumi", "terraform"]
# Scripts that are run as they are. The others take minutes, and one of them runs this.
SCRIPTS = ["sync-pulumi-gh-docker.sh"]
# What a page tells to save before its commands.
FILES = ["regcred-plan.pem", "regcred-sync.pem"]
# Differences end these with 2.
MAY_DIFFER = re.compile(r"^regcred (verify|plan\b.*--detailed-exitcode)")


def lines_of(page):
    """The commands of a page's blocks; one that goes on in further lines is one."""
    text = (ROOT / page).read_text(encoding="utf-8")
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        command = ""
        for line in block.splitlines():
            command += line + "\n"
            if not command.endswith("\\\n") and is_whole(command):
                yield from [command.rstrip()] * bool(command.strip())
                command = ""


def is_whole(command):
    return subprocess.run(["bash", "-n", "-c", command], capture_output=True).returncode == 0


def script_of(lines, log):
    """A script that goes on whatever fails, and writes down how each line ended."""
    for number, line in enumerate(lines):
        # Its questions take no yes: without a terminal it writes what is found.
        yield re.sub(r"^regcred init\b", "</dev/null regcred init", line)
        yield f"echo {number} $? >>{shlex.quote(str(log))}"


def stage(folder):
    """The repository, its helper programs, and the environment to run in."""
    folder = pathlib.Path(folder)
    repository, stand_ins = folder / "repository", folder / "programs"
    for made in (repository / "scripts", stand_ins):
        made.mkdir(parents=True)
    example_project(repository)
    for name in STAND_INS:
        executable(stand_ins / name, "exit 0")
    for script in (ROOT / "scripts").iterdir():
        if script.name in SCRIPTS:
            shutil.copy(script, repository / "scripts")
        else:
            executable(repository / "scripts" / script.name, "exit 0")
    executable(stand_ins / "docker", "echo alpine:3")
    for name in FILES:
        (repository / name).touch()
    if not shutil.which("jq"):
        executable(stand_ins / "jq", 'python3 -c "import json, sys; print(json.load(sys.stdin)[\'digest\'])"')
    env = home(folder)
    passphrase = pathlib.Path(env["HOME"]) / ".pulumi-passphrase"
    passphrase.write_text(PASSPHRASE, encoding="utf-8")
    env |= {"PATH": f"{stand_ins}:{env['PATH']}", "PULUMI_CONFIG_PASSPHRASE_FILE": str(passphrase), "TERM": "dumb"}
    return repository, env


def executable(path, body):
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)


def run(script, repository, env, said):
    """Runs it on a terminal at which somebody says yes to every question."""
    keyboard, terminal = pty.openpty()
    os.write(keyboard, b"yes\n" * 20)
    drain = threading.Thread(target=copy, args=(keyboard, said), daemon=True)
    drain.start()
    ran = subprocess.Popen(
        ["bash", "-c", script], cwd=repository, env=env, stdin=terminal, stdout=terminal, stderr=terminal
    )
    ran.wait()
    os.close(terminal)
    drain.join()
    os.close(keyboard)


def copy(keyboard, said):
    # A terminal that nobody has open any more cannot be read.
    with contextlib.suppress(OSError):
        while chunk := os.read(keyboard, 65536):
            said.extend(chunk)


def judge_blocks(page):
    lines = list(lines_of(page))
    with tempfile.TemporaryDirectory() as folder, Sandbox(pathlib.Path(folder) / "sandbox") as sandbox:
        repository, env = stage(folder)
        log, said = pathlib.Path(folder) / "log", bytearray()
        run("\n".join(script_of(lines, log)), repository, env | sandbox.env, said)
        ended = dict(line.split() for line in log.read_text(encoding="utf-8").splitlines()) if log.exists() else {}
    for number, line in enumerate(lines):
        status = ended.get(str(number), "not run")
        if status != "0" and not (status == "2" and MAY_DIFFER.match(line)):
            yield f"{page}: `{line.strip()}` ended with {status}\n{said.decode(errors='replace')}"
    print(f"{page}: {len(lines)} lines run")


def judge_text(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    spans = (" ".join(span.split()) for span in re.findall(r"`(regcred\s[^`]+)`", text))
    commands = [part for span in spans for part in re.split(r" (?:&&|[|>]) ", span) if part.startswith("regcred ")]
    for command in commands:
        # Unknown commands and flags are refused before help is given; values that are missing are not.
        ran = subprocess.run(["regcred", *shlex.split(command)[1:], "--help"], env={"PATH": str(programs())}, capture_output=True, text=True)
        if ran.returncode:
            yield f"{page}: `{command}`: {ran.stderr}"
    print(f"{page}: {len(commands)} commands in the text")


def judge_files(page):
    """Every configuration that a page shows; `image` reads it and needs no network."""
    text = (ROOT / page).read_text(encoding="utf-8")
    files = re.findall(r"^```yaml\n(version: 1\n.*?)^```", text, re.DOTALL | re.MULTILINE)
    for number, file in enumerate(files, 1):
        command = ["regcred", "image", "alpine:3", "--file", "/dev/stdin"]
        ran = subprocess.run(command, input=file, env={"PATH": str(programs())}, capture_output=True, text=True)
        if ran.returncode:
            yield f"{page}: configuration {number}: {ran.stderr}"
    print(f"{page}: {len(files)} configurations")


def main():
    judges = (judge_blocks, judge_text, judge_files)
    wrong = [problem for page in PAGES for judge in judges for problem in judge(page)]
    for problem in wrong:
        print(problem, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
