"""Holds regcred's reader of YAML to libyaml and, where Go is there, to go-yaml.

    yaml_judge.py [--full] [--show]

Documents are made by a seeded generator, half of them are then broken in a few places. libyaml (through PyYAML) judges what
is YAML and what each value is; go-yaml, which Pulumi, Compose and kubectl read with, also judges merge keys and equal keys.
Counted are the documents that both take as the same, that only the judge takes (stricter), that only regcred takes (laxer),
and that both take as something else (other). Ends with 1 if stricter or other are more than they have been.
"""

import argparse
import collections
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

import yaml

from sandbox import programs

HERE = pathlib.Path(__file__).resolve().parent
SEED = "regcred"
# Documents, and the most that may be stricter or other: lower them when the reader gets better. What is left are broken tags
# and anchors, `#` after a closing quote, and a key that is nothing, which go-yaml drops where it wants a text.
QUICK, FULL = 40, 2000
ALLOWED = {QUICK: {"libyaml": (0, 0), "go-yaml": (0, 0)}, FULL: {"libyaml": (3, 0), "go-yaml": (3, 3)}}

WORDS = ["a", "b-c", "image", "config", "é", "x y", "nginx:1.27", "~", "null", "true", "0777", "1e3", "${TAG}", "<<x", "a#b"]
QUOTED = ["", "a", "it's", 'say "x"', "# no comment", ": ", "- a", "{{ x }}", "línea", "two  spaces", "\\d"]
MARKS = list("-:#[]{},&*!|>'\"%@`?~ \n\t") + ["\n\n", "\n  ", ": ", "- ", " #", "\ufeff", "---\n", "...\n", "<<: ", "\r\n"]
FORMS = [
    "version: 1\ncredentials:\n  hub:\n    to: { github: [{ repository: acme/api }] }\n",
    "config:\n  aws:region: us-east-2\n  infra:token:\n    secure: v1:abc:def\nencryptionsalt: v1:x\n",
    "x-a: &a\n  image: nginx\nservices:\n  web:\n    <<: *a\n    test: [\n      CMD,\n    ]\n",
    "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: a\n    image: \"nginx:1\n      27\"\n---\nkind: List\nitems: []\n",
    "on: push\njobs:\n  a:\n    steps:\n      - run: |\n          echo a\n\n          echo b\n      - run: >-\n          c\n          d\n",
    "a: [\n  x,\n  y\n]\nb: 'p\nq'\nc:\td\n",
]


class Writer:
    """A document of random values, each in a form of its own."""

    def __init__(self, rng):
        self.rng = rng
        self.anchors = []

    def document(self):
        return "\n".join(self.block(0, 3)) + self.rng.choice(["\n", "\n", "", "\n...\n"])

    def block(self, indent, depth):
        return (self.map if self.rng.random() < 0.7 else self.list)(indent, depth)

    def map(self, indent, depth):
        pad, lines = " " * indent, []
        if indent and self.anchors and self.rng.random() < 0.3:
            lines.append(f"{pad}<<: *{self.rng.choice(self.anchors)}")
        for number in range(self.rng.randint(1, 4)):
            key = self.rng.choice([f"k{number}", f"'k{number}'", f'"k {number}"', f"? k{number}\n{pad}"])
            lines += self.entry(f"{pad}{key}:", indent, depth)
        return lines

    def list(self, indent, depth):
        return [line for _ in range(self.rng.randint(1, 3)) for line in self.entry(" " * indent + "-", indent, depth)]

    def entry(self, head, indent, depth):
        step = indent + self.rng.choice([1, 2, 4])
        kind = self.rng.random()
        if depth and kind < 0.35:
            anchor = ""
            body = self.block(step, depth - 1)
            if self.rng.random() < 0.3 and not head.endswith("-") and not body[0].lstrip().startswith("- "):
                name = f"n{len(self.anchors)}"
                anchor, self.anchors = f" &{name}", [*self.anchors, name]
            return [head + anchor + self.comment(), *body]
        if kind < 0.45:
            lines = [" " * step + self.rng.choice(["text", "  more", "# none", ""]) for _ in range(3)]
            mark = self.rng.choice(["|", ">", "|-", ">+", "|+", ">-"])
            return [f"{head} {mark}", " " * step + "first", *lines]
        # libyaml takes a tab after a key alone.
        gap = self.rng.choice([" ", " ", "  ", "\t" if not head.endswith(("-", " :")) and "?" not in head else " "])
        return [head + gap + self.flow(indent, 2) + self.comment()]

    def flow(self, indent, depth):
        kind = self.rng.random()
        if depth and kind < 0.2:
            inner = [self.flow(indent, depth - 1) for _ in range(self.rng.randint(0, 3))]
            gap, end = self.rng.choice([("", ""), (" ", " "), ("\n" + " " * (indent + 1), "\n" + " " * indent)])
            return "[" + gap + ("," + (gap or " ")).join(inner) + end + "]"
        if depth and kind < 0.35:
            inner = [f"f{n}: {self.flow(indent, depth - 1)}" for n in range(self.rng.randint(0, 3))]
            return "{ " + ", ".join(inner) + " }"
        if kind < 0.55:
            return json.dumps(self.rng.choice(QUOTED), ensure_ascii=self.rng.random() < 0.5)
        if kind < 0.7:
            return "'" + self.rng.choice(QUOTED).replace("'", "''") + "'"
        if kind < 0.75:
            return self.rng.choice(["!!str 5", "!local x", "! y"])
        return self.rng.choice(WORDS)

    def comment(self):
        return self.rng.choice(["", "", "", " # a comment", "  "])


def broken(text, rng):
    """The text after a few small accidents."""
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(text) + 1)
        lines = text.split("\n")
        line = rng.randrange(len(lines))
        accident = rng.randrange(5)
        if accident == 0:
            text = text[:at] + rng.choice(MARKS) + text[at:]
        elif accident == 1:
            text = text[:at] + text[at + 1:]
        elif accident == 2:
            lines.insert(rng.randrange(len(lines) + 1), lines[line])
            text = "\n".join(lines)
        elif accident == 3:
            lines[line] = " " * rng.randint(0, 4) + lines[line].lstrip(" ")
            text = "\n".join(lines)
        else:
            text = text[:at]
    return text


def made(count):
    for number in range(count):
        rng = random.Random(f"{SEED}-{number}")
        text = rng.choice(FORMS) if rng.random() < 0.25 else Writer(rng).document()
        yield text if number % 2 == 0 else broken(text, rng)


class Refused(Exception):
    pass


def libyaml(text):
    """The trees of a text's documents, by libyaml's parser and PyYAML's merge keys."""
    loader = yaml.CSafeLoader(text)
    documents = []
    try:
        while loader.check_node():
            documents.append(tree(loader, loader.get_node(), ()))
    except (yaml.YAMLError, UnicodeError) as error:
        raise Refused(str(error).replace("\n", " ")) from error
    finally:
        loader.dispose()
    return documents


def tree(loader, node, above):
    if id(node) in above:
        raise Refused("a value contains itself")
    above = (*above, id(node))
    if isinstance(node, yaml.ScalarNode):
        return [node.value, not node.style]
    if isinstance(node, yaml.SequenceNode):
        return {"list": [tree(loader, item, above) for item in node.value]}
    try:
        loader.flatten_mapping(node)
    except RecursionError as error:
        raise Refused("a value contains itself") from error
    scalars = [(key.value, value) for key, value in node.value if isinstance(key, yaml.ScalarNode)]
    return {"map": {key: tree(loader, value, above) for key, value in scalars}}


def answers_of_libyaml(texts):
    for text in texts:
        try:
            yield {"documents": libyaml(text)}
        except Refused as error:
            yield {"refused": str(error)}


def answers_of(program, texts):
    ran = subprocess.run([program], input=json.dumps(texts), stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(ran.stdout)


def go_yaml(folder):
    """The judge in Go, built from Debian's source of go-yaml; none if that or Go is not there."""
    source = pathlib.Path("/usr/share/gocode")
    go = shutil.which("go")
    if not go or not (source / "src/gopkg.in/yaml.v3").is_dir():
        return None
    program = pathlib.Path(folder) / "yaml_tree"
    env = {**os.environ, "GO111MODULE": "off", "GOPATH": str(source), "GOCACHE": f"{folder}/cache"}
    subprocess.run([go, "build", "-o", program, HERE / "yaml_tree.go"], check=True, env=env)
    return program


def verdict(ours, theirs):
    if "refused" in ours:
        return "both refuse" if "refused" in theirs else "stricter"
    if "refused" in theirs:
        return "laxer"
    return "same" if ours["documents"] == theirs["documents"] else "other"


def judged(name, texts, ours, theirs, show):
    """Counts, tells the differences, and says whether they are no more than they have been."""
    counts = collections.Counter()
    for text, mine, judges in zip(texts, ours, theirs):
        found = verdict(mine, judges)
        counts[found] += 1
        if found in ("stricter", "other") or (show and found == "laxer"):
            print(f"{name}, {found}: {text!r}\n  regcred: {json.dumps(mine)}\n  {name}: {json.dumps(judges)}")
    print(f"{name}: " + ", ".join(f"{counts[kind]} {kind}" for kind in ("same", "both refuse", "stricter", "laxer", "other")))
    allowed = ALLOWED[len(texts)][name]
    return all(found <= most for found, most in zip((counts["stricter"], counts["other"]), allowed))


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--full", action="store_true", help=f"{FULL} documents instead of {QUICK}")
    arguments.add_argument("--show", action="store_true", help="what only regcred takes, too")
    chosen = arguments.parse_args()
    texts = list(made(FULL if chosen.full else QUICK))
    ours = answers_of(programs() / "examples" / "yaml_tree", texts)
    good = judged("libyaml", texts, ours, answers_of_libyaml(texts), chosen.show)
    with tempfile.TemporaryDirectory() as folder:
        judge = go_yaml(folder)
        if judge is None:
            print("go-yaml: not judged, there is no Go or no golang-gopkg-yaml.v3-dev")
        else:
            # Pulumi's files and regcred.yaml are refused for a flaw, as by go-yaml.
            strict = [{"refused": mine["flaws"][0]} if mine.get("flaws") else mine for mine in ours]
            good &= judged("go-yaml", texts, strict, answers_of(judge, texts), chosen.show)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
