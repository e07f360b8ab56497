"""Opens the page of `regcred plan --html` in Chromium.

    page_in_browser.py PACKAGES CHROMIUM SHOTS

Of a sandbox with a thousand places, some of whose names are markup, regcred makes a page, and page_in_browser.cjs opens it with
the `playwright-core` of PACKAGES. Screen shots go to the folder SHOTS. Ends with 1 if something is wrong with the page.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

from sandbox import ROOT, Sandbox, new_world
from stage import Stage

PLACES = 1000
# A repository has two secrets and the record.
REPOSITORIES = PLACES // 3 + 1
HOSTILE = [
    "<script>document.title='hostile'</script>",
    "<img src=https://hostile.example.com/x onerror=\"document.title='hostile'\">",
]


def configuration():
    """Many repositories, and stacks whose names are markup."""
    lines = ["version: 1", "credentials:", "  docker-hub:", "    to:", "      aws:", "        stacks:"]
    for number, stack in enumerate(HOSTILE):
        lines.append(f"          {json.dumps(stack)}: {{ region: us-east-2, prefix: hostile{number} }}")
    lines.append("      github:")
    lines += [f"        - repository: acme/r{number}" for number in range(REPOSITORIES)]
    return "\n".join(lines) + "\n"


def world(folder):
    """One with the repositories."""
    world = new_world(folder)
    repositories = world["github"]["repositories"]
    for number in range(REPOSITORIES):
        repositories[f"acme/r{number}"] = {**repositories["acme/api"], "id": 5_000_000 + number}
    return world


def main():
    packages, chromium, shots = sys.argv[1:]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        with Sandbox(folder / "sandbox", world(folder / "first")) as sandbox:
            stage = Stage(folder, sandbox)
            (folder / "regcred.yaml").write_text(configuration(), encoding="utf-8")
            stage.regcred("plan", "--html", "page.html")
        judge = ROOT / "tests" / "interop" / "page_in_browser.cjs"
        command = ["node", judge, packages, chromium, folder / "page.html", shots, str(PLACES), *HOSTILE]
        return subprocess.run(command).returncode


if __name__ == "__main__":
    sys.exit(main())
