"""A program measured against a sandbox: wall and processor time, peak memory, requests."""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "interop"))
os.environ.setdefault("BUILD", "release")

from sandbox import OTHER_TOKEN, TOKEN, Sandbox, home, programs  # noqa: E402

__all__ = ["OTHER_TOKEN", "ROOT", "TOKEN", "Run", "Sandbox", "environment", "median", "programs", "run", "table", "world_with"]
USER = "acme"


@dataclass
class Run:
    """Seconds, MiB, and requests."""

    wall: float
    processor: float
    memory: float
    requests: int
    writes: int


def environment(folder, sandbox, token=TOKEN):
    """One in which only the sandbox is, and the credential in the two variables that all the programs take."""
    own = home(folder) | sandbox.env | {"DOCKER_HUB_USERNAME": USER, "DOCKER_HUB_TOKEN": token}
    return own | {"USERNAME": USER, "TOKEN": token, "AWS_EC2_METADATA_DISABLED": "true"}


def run(command, folder, env, sandbox, ends_with=0):
    """Once, from the start of the process to its end."""
    sandbox.page("calls", "DELETE")
    with open(folder / "said", "w+", encoding="utf-8") as said:
        began = time.monotonic()
        process = subprocess.Popen(command, cwd=folder, env=env, stdout=said, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != ends_with:
            said.seek(0)
            sys.exit(f"{' '.join(map(str, command[:3]))} ended with {process.returncode}:\n{said.read()[-3000:]}")
    calls = sandbox.calls()
    # Those that it started and waited for are in the times; the memory is that of the largest.
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, len(calls), sum(call["is_write"] for call in calls))


def median(runs):
    """Each figure's own."""
    def middle(figure):
        return statistics.median(getattr(each, figure) for each in runs)

    return Run(middle("wall"), middle("processor"), middle("memory"), int(middle("requests")), int(middle("writes")))


def world_with(world, repositories):
    """This one with so many repositories, and with no limit of GitHub's: on a server of one's own, it is what the server tells."""
    world["github"] |= {"server": "3.17.0", "rate_limit": 10_000_000}
    like = world["github"]["repositories"]["acme/api"]
    for number in range(repositories):
        world["github"]["repositories"][f"acme/r{number:04}"] = {**json.loads(json.dumps(like)), "id": 5_000_000 + number}
    return world


def table(head, rows):
    """As Markdown."""
    line = lambda cells: "| " + " | ".join(map(str, cells)) + " |"
    rule = "|" + "|".join("---" if position == 0 else "--:" for position in range(len(head))) + "|"
    print("\n".join([line(head), rule, *map(line, rows), ""]), flush=True)
