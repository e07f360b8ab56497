"""Holds what `regcred image --scan` finds to the tools that own the files.

    scan_judge.py [--full] [--kubectl PROGRAM]

Dockerfiles: BuildKit's own parser (PyPI `dockerfile`) says which instructions there are, with which words and flags.
Kustomizations: `kubectl kustomize` says which images the objects have in the end; without --kubectl they are left out. Files are
made by a seeded generator, 40 of each, 400 with --full, always the same ones. Ends with 1 if one differs.
"""

import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile

import dockerfile
import yaml

from sandbox import programs

SEED = "regcred"
QUICK, FULL = 40, 400
BASES = ["alpine:3", "ghcr.io/acme/base:1", "localhost:5000/x", "debian", "quay.io/a/b@sha256:" + "a" * 64]


def scanned(folder):
    """The images that are found in a folder."""
    command = [programs() / "regcred", "image", "--scan", folder, "--format", "json", "--quiet"]
    env = {"PATH": "/usr/bin:/bin", "HOME": folder}
    ran = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    if ran.returncode != 0:
        raise RuntimeError(f"exit {ran.returncode}: {ran.stderr}")
    return {json.loads(line)["input"] for line in ran.stdout.splitlines()}


class Dockerfile:
    """A Dockerfile in some of the many ways to write one."""

    def __init__(self, rng):
        self.rng = rng
        self.escape = rng.choice("\\\\\\`")
        self.lines = ["# escape=`"] if self.escape == "`" else []
        self.stages = []

    def text(self):
        self.lines += self.rng.choice([[], ["# FROM comment"], [""]])
        for index in range(self.rng.randint(1, 3)):
            self.stage(index)
            for _ in range(self.rng.randint(0, 4)):
                self.lines += self.rng.choice([self.copy, self.run, self.here, self.label])()
        return self.rng.choice(["\n", "\n", "\r\n"]).join(self.lines) + self.rng.choice(["\n", ""])

    def name(self):
        return self.rng.choice([*BASES, *self.stages])

    def broken(self, *words):
        """The words, perhaps on several lines, with what may stand between them."""
        if self.rng.random() < 0.5:
            return [" ".join(words)]
        lines = [f"{word} {self.escape}" for word in words[:-1]] + [words[-1]]
        if self.rng.random() < 0.5:
            lines.insert(1, self.rng.choice(["# FROM between", "", "  # COPY --from=between"]))
        return lines

    def stage(self, index):
        words = [self.rng.choice(["FROM", "from", "From"])]
        words += self.rng.choice([[], ["--platform=linux/amd64"]])
        words.append(self.name())
        if self.rng.random() < 0.6:
            name = f"stage{index}"
            words += [self.rng.choice(["AS", "as"]), name]
            self.stages.append(name)
        self.lines += self.broken(*words)

    def copy(self):
        start = self.rng.choice([["COPY"], ["copy"], ["ONBUILD", "COPY"]])
        return self.broken(*start, *self.rng.choice([[], ["--chown=1:1"]]), f"--from={self.name()}", "/a", "/b")

    def run(self):
        mount = self.rng.choice(["type=bind,from={},target=/x", "from={},target=/x", "type=cache,target=/c,from={}"])
        return self.broken(self.rng.choice(["RUN", "run"]), "--mount=" + mount.format(self.name()), "true")

    def here(self):
        mark, dash, quote = "EOF", self.rng.choice(["", "-"]), self.rng.choice(["", "'", '"'])
        start = self.rng.choice(["RUN <<", "COPY <<"]) + f"{dash}{quote}{mark}{quote}"
        end = "\t" * (dash == "-") + mark
        return [start + (" /x" if start.startswith("COPY") else ""), "FROM inside", "COPY --from=inside /a /b", end]

    def label(self):
        return self.rng.choice([['LABEL a="FROM no" b=\'--from=no\''], ["ENV FROM=no"], ["CMD [\"--from=no\"]"]])


def by_buildkit(text):
    """The images of a Dockerfile, its structure being what BuildKit's parser says."""
    commands = dockerfile.parse_string(text)
    froms = [command for command in commands if command.cmd.lower() == "from"]
    named = {command.value[2].lower() for command in froms if len(command.value) == 3}
    found, so_far = set(), set()
    for command in commands:
        name = (command.sub_cmd or command.cmd).lower()
        if name == "from":
            if command.value[0].lower() not in so_far:
                found.add(command.value[0])
            so_far |= {word.lower() for word in command.value[2:3]}
        # The parser keeps the flags of what ONBUILD holds only in the line.
        line = command.original.split() if command.sub_cmd else []
        flags = [*command.flags, *(word for word in line if word.startswith("--"))]
        for flag in flags if name in ("copy", "run") else []:
            fields = flag.removeprefix("--mount=").split(",") if name == "run" else [flag.removeprefix("--")]
            sources = [field.removeprefix("from=") for field in fields if field.startswith("from=")]
            found |= {source for source in sources if source.lower() not in named}
    return found


class Tree:
    """A base, components and overlays that replace each other's images."""

    def __init__(self, rng, folder):
        self.rng, self.folder = rng, pathlib.Path(folder)
        self.names = ["app", "nginx", "acme/web", "ghcr.io/acme/x"]

    def write(self, path, value):
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(value if isinstance(value, str) else yaml.safe_dump(value), encoding="utf-8")

    def image(self):
        return self.rng.choice(self.names) + self.rng.choice(["", ":1", ":1.2-x", "@sha256:" + "b" * 64])

    def deployment(self, name):
        spec = {"containers": [{"name": "a", "image": self.image()}, {"name": "b", "image": self.image()}]}
        if self.rng.random() < 0.5:
            spec["initContainers"] = [{"name": "i", "image": self.image()}]
        template = {"metadata": {"labels": {"a": "b"}}, "spec": spec}
        return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": {"template": template}}

    def entry(self):
        entry = {"name": self.rng.choice(self.names)}
        changes = {"newName": self.rng.choice(["localhost:5000/new", *self.names]), "newTag": self.rng.choice(["2", "v3"])}
        changes["digest"] = "sha256:" + "c" * 64
        for key in self.rng.sample(sorted(changes), self.rng.randint(1, 2)):
            entry[key] = changes[key]
        return entry

    def kustomization(self, path, kind, **keys):
        version = "v1alpha1" if kind == "Component" else "v1beta1"
        value = {"apiVersion": f"kustomize.config.k8s.io/{version}", "kind": kind, **keys}
        value["images"] = [self.entry() for _ in range(self.rng.randint(0, 3))]
        self.write(f"{path}/{self.rng.choice(['kustomization.yaml', 'kustomization.yml', 'Kustomization'])}", value)

    def make(self):
        """Writes the tree; gives the folders that are applied."""
        self.write("base/one.yaml", self.deployment("one"))
        self.write("base/two.yaml", self.deployment("two"))
        self.kustomization("base", "Kustomization", resources=["one.yaml", "./two.yaml"])
        self.write("component/three.yaml", self.deployment("three"))
        self.kustomization("component", "Component", resources=["three.yaml"])
        overlays = [f"overlays/{index}" for index in range(self.rng.randint(1, 3))]
        for index, overlay in enumerate(overlays):
            more = {"components": ["../../component"]} if index == 0 else {}
            self.write(f"{overlay}/own.yaml", self.deployment("own"))
            self.kustomization(overlay, "Kustomization", resources=["../../base", "own.yaml"], **more)
        return overlays


def by_kustomize(kubectl, folder, overlays):
    """The images of what is applied."""
    found = set()
    for overlay in overlays:
        ran = subprocess.run([kubectl, "kustomize", overlay], cwd=folder, capture_output=True, text=True, check=True)
        for document in yaml.safe_load_all(ran.stdout):
            spec = document["spec"]["template"]["spec"]
            found |= {container["image"] for key in ("containers", "initContainers") for container in spec.get(key, [])}
    return found


def compared(name, count, case):
    """Compares `count` cases; how many differ, of which the first few are shown."""
    different = 0
    for index in range(count):
        with tempfile.TemporaryDirectory() as folder:
            expected, found = case(random.Random(f"{SEED} {name} {index}"), folder)
            if expected != found:
                different += 1
                if different <= 3:
                    print(f"{name} {index}: missed {sorted(expected - found)}, wrong {sorted(found - expected)}")
    print(f"{name}: {count - different} of {count} the same")
    return different


def dockerfile_case(rng, folder):
    text = Dockerfile(rng).text()
    (pathlib.Path(folder) / "Dockerfile").write_bytes(text.encode())
    return by_buildkit(text), scanned(folder)


def kustomize_case(kubectl):
    def case(rng, folder):
        overlays = Tree(rng, folder).make()
        return by_kustomize(kubectl, folder, overlays), scanned(folder)

    return case


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--kubectl")
    arguments = parser.parse_args()
    count = FULL if arguments.full else QUICK
    different = compared("Dockerfiles, by BuildKit's parser", count, dockerfile_case)
    if arguments.kubectl:
        different += compared("kustomizations, by kubectl", count, kustomize_case(arguments.kubectl))
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
