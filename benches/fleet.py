#!/usr/bin/env python3
"""A thousand repositories of an organization that are found by a pattern, on a server without limits: what the run
itself takes. How long GitHub's limits make it is worked out here and shown by a test on a simulated clock (src/commands/simulation.rs)."""

import pathlib
import tempfile

from floor import reads_at_github, writes_at_github
from measure import OTHER_TOKEN, TOKEN, Sandbox, environment, programs, run, table, world_with

REPOSITORIES = 1000
FILE = """version: 1
credentials:
  docker-hub:
    to:
      github: [{ repositories: ["acme/r*"] }]
"""


def main():
    print(f"### {REPOSITORIES} repositories by a pattern, 0 ms, TLS\n")
    rows = []
    with tempfile.TemporaryDirectory() as name, Sandbox(pathlib.Path(name) / "sandbox", saves=False, tls=True) as sandbox:
        folder = pathlib.Path(name)
        (folder / "regcred.yaml").write_text(FILE, encoding="utf-8")
        sandbox.replace(world_with(sandbox.state(), REPOSITORIES))
        for said, token in [("cold", TOKEN), ("in sync", TOKEN), ("changed", OTHER_TOKEN)]:
            command = [programs() / "regcred", "sync", "--yes", "--quiet"]
            each = run(command, folder, environment(folder, sandbox, token), sandbox)
            rows.append((said, each.requests, each.writes, f"{each.wall * 1000:.0f}", f"{each.processor * 1000:.0f}", f"{each.memory:.0f}"))
    table(("run", "requests", "writes", "wall, ms", "processor, ms", "memory, MiB"), rows)
    first, again = writes_at_github(3 * REPOSITORIES), reads_at_github(2 * REPOSITORIES)
    print(f"GitHub's own limits make that {first} s at least the first time, and {again} s in sync.\n")


if __name__ == "__main__":
    main()
