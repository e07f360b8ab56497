#!/usr/bin/env python3
"""A credential in every namespace of a cluster of the sandbox: wall time against the floor, memory, requests.

    clusters.py PROGRAMS NAMESPACES LATENCY_MS

The floor is what the latency alone takes: the pages of the longest list, the writes of 16 at a time (a secret and its service
account each), and the pages of reading back.
"""

import json
import math
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time
import urllib.request

PAGE, CONCURRENCY = 500, 16
FILE = """version: 1
credentials:
  docker-hub:
    to: { kubernetes: [{ context: prod, selector: pull=yes, service-accounts: [default] }] }
"""
TOKENS = ["dckr_pat_sandbox-0123456789abcdefghi", "dckr_pat_sandbox-9876543210zyxwvutsrq"]


def asked(url, method="GET", body=None):
    request = urllib.request.Request(url, method=method, data=body)
    with urllib.request.urlopen(request) as answer:
        return answer.read()


def start(programs, folder, latency):
    command = [programs / "regcred-sandbox", "--latency-ms", str(latency), "--kubeconfig", folder / "kubeconfig"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    env = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "DOCKER_HUB_USERNAME": "acme", "NO_COLOR": "1"}
    for line in process.stdout:
        name, _, value = line.removeprefix("export ").strip().partition("=")
        env[name] = value.strip("'")
        if name == "REGCRED_REGISTRY_ENDPOINTS":
            return process, env
    sys.exit("the sandbox did not start")


def world(page, namespaces):
    """So many namespaces with the label, each with its default service account."""
    world = json.loads(asked(page))
    account = world["registry"]["accounts"]["acme"]
    account["credentials"].append({**account["credentials"][0], "secret": TOKENS[1]})
    known = world["kubernetes"]["clusters"]["prod"]["namespaces"]
    like = json.dumps(known["default"])
    for number in range(namespaces):
        name = f"team-{number:05}"
        made = json.loads(like.replace('"default"', json.dumps(name)))
        made["object"]["metadata"]["labels"]["pull"] = "yes"
        made["service_accounts"] = {"default": made["service_accounts"].pop(name)}
        made["service_accounts"]["default"]["metadata"]["name"] = "default"
        known[name] = made
    return json.dumps(world).encode()


def run(programs, folder, env, base, token):
    asked(f"{base}/_sandbox/calls", "DELETE")
    began = time.monotonic()
    command = [programs / "regcred", "sync", "--yes", "--quiet"]
    process = subprocess.Popen(command, cwd=folder, env=env | {"DOCKER_HUB_TOKEN": token}, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - began
    if status:
        sys.exit(f"regcred ended with {os.waitstatus_to_exitcode(status)}")
    calls = [call for call in json.loads(asked(f"{base}/_sandbox/calls")) if call["service"] == "kubernetes"]
    return wall, usage.ru_maxrss / 1024, len(calls), sum(call["is_write"] for call in calls)


def main():
    programs, namespaces, latency = pathlib.Path(sys.argv[1]).absolute(), int(sys.argv[2]), int(sys.argv[3])
    pages = math.ceil(namespaces / PAGE)
    rounds = {
        "cold": pages + math.ceil(2 * namespaces / CONCURRENCY) + pages,
        "repeated": pages,
        # Each secret is read before it is changed.
        "changed": pages + math.ceil(2 * namespaces / CONCURRENCY) + pages,
    }
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "regcred.yaml").write_text(FILE, encoding="utf-8")
        process, env = start(programs, folder, latency)
        try:
            base = env["GITHUB_API_URL"]
            asked(f"{base}/_sandbox/state", "PUT", world(f"{base}/_sandbox/state", namespaces))
            print(f"A credential in {namespaces} namespaces and service accounts, {latency} ms latency, 16 requests at once")
            print(f"{'run':<10} {'requests':>9} {'writes':>7} {'floor ms':>9} {'wall ms':>8} {'MB':>5}")
            for name, token in [("cold", TOKENS[0]), ("repeated", TOKENS[0]), ("changed", TOKENS[1])]:
                wall, memory, requests, writes = run(programs, folder, env, base, token)
                floor = rounds[name] * latency
                print(f"{name:<10} {requests:>9} {writes:>7} {floor:>9} {wall * 1000:>8.0f} {memory:>5.0f}")
        finally:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    main()
