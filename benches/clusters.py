#!/usr/bin/env python3
"""A credential in every namespace of a cluster: wall time beside the floor, memory, requests; and a plan of 20,000 rows.

The floor is what the latency alone takes: the pages of the longest list, the writes of 16 at a time (a secret and its service
account each), and the pages of reading back.
"""

import json
import math
import pathlib
import tempfile

from floor import AT_ONCE
from measure import OTHER_TOKEN, TOKEN, Sandbox, environment, programs, run, table

PAGE, LATENCY_MS = 500, 20
FILE = """version: 1
credentials:
  docker-hub:
    to: { kubernetes: [{ context: prod, selector: pull=yes, service-accounts: [default] }] }
"""
SYNC = ("sync", "--yes", "--quiet")


def world(sandbox, namespaces):
    """So many namespaces with the label, each with its default service account."""
    world = sandbox.state()
    known = world["kubernetes"]["clusters"]["prod"]["namespaces"]
    like = json.dumps(known["default"])
    for number in range(namespaces):
        name = f"team-{number:05}"
        made = json.loads(like.replace('"default"', json.dumps(name)))
        made["object"]["metadata"]["labels"]["pull"] = "yes"
        made["service_accounts"] = {"default": made["service_accounts"].pop(name)}
        made["service_accounts"]["default"]["metadata"]["name"] = "default"
        known[name] = made
    return world


def floors(namespaces):
    """Rounds of requests, by run. Each secret is read before it is changed."""
    pages, writes = math.ceil(namespaces / PAGE), math.ceil(2 * namespaces / AT_ONCE)
    return {"cold": pages + writes + pages, "in sync": pages, "changed": pages + writes + pages}


def measured(namespaces, latency, runs):
    with tempfile.TemporaryDirectory() as name, Sandbox(pathlib.Path(name) / "sandbox", saves=False, flags=["--latency-ms", str(latency)]) as sandbox:
        folder = pathlib.Path(name)
        (folder / "regcred.yaml").write_text(FILE, encoding="utf-8")
        sandbox.replace(world(sandbox, namespaces))
        for said, command, token in runs:
            yield said, run([programs() / "regcred", *command], folder, environment(folder, sandbox, token), sandbox)


def main():
    namespaces = 1000
    runs = [("cold", SYNC, TOKEN), ("in sync", SYNC, TOKEN), ("changed", SYNC, OTHER_TOKEN)]
    print(f"### {namespaces} namespaces and their service accounts, {LATENCY_MS} ms, {AT_ONCE} requests at once\n")
    rows = []
    for said, each in measured(namespaces, LATENCY_MS, runs):
        floor = floors(namespaces)[said] * LATENCY_MS
        rows.append((said, each.requests, each.writes, floor, f"{each.wall * 1000:.0f}", f"{each.memory:.0f}"))
    table(("run", "requests", "writes", "floor, ms", "wall, ms", "memory, MiB"), rows)
    print("### A plan of 20,000 rows\n")
    [(_, each)] = measured(10_000, 0, [("plan", ("plan",), TOKEN)])
    table(("requests", "processor, ms", "wall, ms", "memory, MiB"), [(each.requests, f"{each.processor * 1000:.0f}", f"{each.wall * 1000:.0f}", f"{each.memory:.0f}")])


if __name__ == "__main__":
    main()
