#!/usr/bin/env python3
"""regcred beside what people use today (baseline.sh, baseline.py) and beside the floor (floor.py), with TLS, against the sandbox.

    speed.py [ROUNDS]        in an environment in which python has the packages of requirements.txt, and aws and gh are found

The sandbox delays each answer by the latency; there is no distance, and setting up a connection costs no latency. So the
figures compare, and promise nothing.
"""

import pathlib
import shutil
import sys
import tempfile

from floor import CHAINS, seconds
from measure import OTHER_TOKEN, ROOT, TOKEN, Sandbox, environment, median, programs, run, table, world_with

REGIONS = (
    "us-east-1 us-east-2 us-west-1 us-west-2 eu-west-1 eu-west-2 eu-west-3 eu-central-1 ap-northeast-1 ap-southeast-1".split()
)
LATENCIES = (0, 20, 100)
RUNS = ("cold", "in sync", "changed")


class Job:
    """Repositories, and a stack in each region."""

    def __init__(self, name, repositories, regions):
        self.name = name
        self.repositories = [f"acme/r{number:04}" for number in range(repositories)]
        self.stacks = {f"stack{number}": region for number, region in enumerate(regions)}

    def file(self):
        stacks = "".join(f"          {stack}: {{ region: {region} }}\n" for stack, region in self.stacks.items())
        repositories = "".join(f"        - {{ repository: {name} }}\n" for name in self.repositories)
        head = "version: 1\ncredentials:\n  docker-hub:\n    to:\n"
        return f"{head}      aws:\n        stacks:\n{stacks}      github:\n{repositories}"

    def places(self):
        return self.repositories + [f"{stack}={region}" for stack, region in self.stacks.items()]


class Stage:
    """The three programs before one sandbox."""

    def __init__(self, folder, sandbox, job):
        self.folder, self.sandbox, self.job = folder, sandbox, job
        self.commands = {
            "regcred": [programs() / "regcred", "sync", "--yes", "--quiet"],
            "shell": [ROOT / "benches" / "baseline.sh", *job.places()],
            "Python": [sys.executable, ROOT / "benches" / "baseline.py", *job.places()],
        }
        (folder / "regcred.yaml").write_text(job.file(), encoding="utf-8")
        self.world = world_with(sandbox.state(), len(job.repositories))

    def environment(self, program, token):
        env = environment(self.folder, self.sandbox, token)
        if program == "shell":
            host, key = env.pop("GITHUB_API_URL").removeprefix("https://"), env.pop("GITHUB_TOKEN")
            env |= {"GH_HOST": host, "GH_ENTERPRISE_TOKEN": key, "GH_CONFIG_DIR": str(self.folder / "gh"), "GH_NO_UPDATE_NOTIFIER": "1"}
            env["PATH"] = f"{pathlib.Path(sys.executable).parent}:{env['PATH']}"
        return env

    def runs(self, program, rounds):
        """By name, each the median of so many."""
        taken = {name: [] for name in RUNS}
        for _ in range(rounds):
            self.sandbox.replace(self.world)
            for name in RUNS:
                env = self.environment(program, OTHER_TOKEN if name == "changed" else TOKEN)
                taken[name].append(run(self.commands[program], self.folder, env, self.sandbox))
        return {name: median(each) for name, each in taken.items()}


def rows_of(taken, latency):
    """A row for each run and program, with how many times as long as regcred it took."""
    for name in RUNS:
        own = taken["regcred"][name]
        for program, runs in taken.items():
            each = runs[name]
            ratio = ("", "") if program == "regcred" else (f"{each.wall / own.wall:.0f} ×", f"{each.processor / own.processor:.0f} ×")
            figures = (f"{each.wall * 1000:.0f}", ratio[0], f"{each.processor * 1000:.0f}", ratio[1], f"{each.memory:.0f}")
            yield (name, latency, program, *figures, each.requests, each.writes)


def compared(job, rounds, shell_at):
    head = ("run", "latency, ms", "program", "wall, ms", "", "processor, ms", "", "memory, MiB", "requests", "writes")
    rows, own = [], {}
    for latency in LATENCIES:
        with tempfile.TemporaryDirectory() as name, Sandbox(pathlib.Path(name) / "sandbox", saves=False, flags=["--latency-ms", str(latency)], tls=True) as sandbox:
            stage = Stage(pathlib.Path(name), sandbox, job)
            counts = {"regcred": rounds, "Python": max(rounds // 2, 1)} | ({"shell": max(rounds // 4, 1)} if latency in shell_at else {})
            taken = {program: stage.runs(program, count) for program, count in counts.items()}
            rows += rows_of(taken, latency)
            own[latency] = taken["regcred"]
    print(f"### {job.name}\n")
    table(head, rows)
    return own


def beside_the_floor(own):
    """One place's runs by the latency that they cannot do without."""
    rows = []
    for latency in [latency for latency in LATENCIES if latency]:
        for chain in CHAINS:
            floor, wall = seconds(chain, latency), own[latency][chain.run].wall
            rows.append((chain.run, latency, len(chain.steps), f"{floor * 1000:.0f}", f"{wall * 1000:.0f}", f"{wall / floor:.2f} ×"))
    print("### One place, beside the floor\n")
    table(("run", "latency, ms", "dependent requests", "floor, ms", "wall, ms", "ratio"), rows)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    has_shell = bool(shutil.which("gh")) and (pathlib.Path(sys.executable).parent / "aws").exists()
    if not has_shell:
        print("NOT RUN: the shell script of today: there is no gh or no aws\n")
    one = compared(Job("One repository and one region", 1, REGIONS[:1]), rounds, LATENCIES if has_shell else ())
    beside_the_floor(one)
    # It takes more than a minute for each run, which a latency makes longer.
    compared(Job("50 repositories and 10 regions", 50, REGIONS), max(rounds // 3, 1), (0,) if has_shell else ())


if __name__ == "__main__":
    main()
