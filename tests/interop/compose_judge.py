"""Holds regcred's reading of `.env` files and of variables in Compose files to Docker Compose's own.

    compose_judge.py COMPOSE [--full]

COMPOSE is the program `docker-compose`. It and regcred get the same generated `.env` file. Each value that regcred is sure of has
to be Compose's; where regcred is sure of all of them, both have to see the same variables. Beside it lies a Compose file whose
images are made of the variables: each image that `regcred image --scan` tells has to be Compose's. 40 files, 600 with --full,
always the same ones. Ends with 1 if one differs.

What regcred leaves open (a value with `$`, a backslash or a quote that does not end, a variable that only a shell could set) is
counted. A file that Compose refuses as a whole is read by regcred as far as it goes, so that one line of somebody else's does
not hide a login; those are counted, too.
"""

import collections
import json
import pathlib
import random
import subprocess
import sys
import tempfile

from sandbox import programs

QUICK, FULL = 40, 600
NAMES = ["T", "REGISTRY", "tag_2", "U.v", "x-y", "é", "list[1]"]
WORDS = ["ghcr.io", "docker.io/acme", "a b", "1.27", "", "x#y", "x #y", "it's", 'say "x"', "é€", "%41", "a=b", "a:b", "\\d", "$", "$$", "a$T", "${T}", "${REGISTRY:-z}", "`id`", "\\", "\\\\", "\t", "{}", "[a]", "~", "!x", "#z", "a\nb", "-"]
AROUND = ["{}", "{}", "{}", " {}", "{} ", "'{}'", '"{}"', "'{}' # a comment", '"{}" # a comment', "{} # a comment", "'{}'x", '"{}', "{}'", '{}"', "\u00a0{}", '"{}"\r', "{}\r"]
LINES = ["", "# a comment", "  # T=b", "#T='", "T", "export T", "\t", "=a", "\ufeff", "a b=c", "T =", "T:", "export", "'", "T='a"]
MARKS = ["", "", "", ":-docker.io", "-docker.io", ":-", ":+set", "+set", ":?must", "?must", ":-${T}", ":-a/${REGISTRY:-b}"]


def variable(rng):
    name, word = rng.choice(NAMES), rng.choice(WORDS)
    mark = rng.choice(["=", "=", "=", "=", " = ", ":", ": ", "= "])
    return rng.choice(["", "", "", "export ", "  ", "export\t"]) + name + mark + rng.choice(AROUND).format(word)


def dotenv(rng):
    # Half of them have nothing that is unusual, so that many are good as a whole.
    if rng.random() < 0.5:
        lines = [f"{name}={rng.choice(['{}', chr(39) + '{}' + chr(39)]).format(rng.choice(WORDS[:7]))}" for name in rng.sample(NAMES, 4)]
    else:
        lines = [variable(rng) if rng.random() < 0.85 else rng.choice(LINES) for _ in range(rng.randint(1, 6))]
    text = rng.choice(["\n", "\n", "\r\n"]).join(lines) + rng.choice(["\n", ""])
    return ("\ufeff" if rng.random() < 0.05 else "") + text


def expression(rng):
    name = rng.choice(["T", "REGISTRY", "tag_2", "NOWHERE"])
    return rng.choice([f"${name}", f"${{{name}{rng.choice(MARKS)}}}", f"${{{name}{rng.choice(MARKS)}}}", f"$${name}"])


def images(rng):
    forms = ["{}/app", "acme/app:{}", "{}", "{}/acme/app:1", "ghcr.io/acme/app:v{}-slim"]
    return [rng.choice(forms).format(expression(rng)) for _ in range(4)]


def compose_file(written):
    return "services:\n" + "".join(f"  s{index}: {{ image: {json.dumps(image)} }}\n" for index, image in enumerate(written))


class Compose:
    def __init__(self, program, folder):
        self.program, self.folder = pathlib.Path(program).resolve(), folder

    def run(self, *arguments):
        env = {"HOME": str(self.folder / "home"), "PATH": "/nowhere"}
        return subprocess.run([self.program, *arguments], cwd=self.folder / "project", env=env, capture_output=True)

    def version(self):
        return self.run("version", "--short").stdout.decode().strip()

    def variables(self):
        """What it has of the file, a line each as it prints them; nothing if it refuses the file."""
        ran = self.run("--file", "empty.yaml", "config", "--environment")
        # Of its own, and what has no name, which nothing can use.
        own = (b"COMPOSE_PROJECT_NAME=", b"HOME=", b"PATH=", b"PWD=", b"=")
        return None if ran.returncode else b"".join(line for line in ran.stdout.splitlines(keepends=True) if not line.startswith(own)).decode()

    def images(self):
        ran = self.run("config", "--format", "json", "--no-consistency")
        if ran.returncode:
            return None
        services = json.loads(ran.stdout)["services"]
        return {name: service.get("image", "").replace("$$", "$") for name, service in services.items()}


def scanned(folder):
    """What regcred says of the images, by their service; those that it does not know are missing."""
    ran = subprocess.run([programs() / "regcred", "image", "--scan", "compose.yaml", "--json"], cwd=folder / "project", env={"PATH": "/nowhere"}, capture_output=True, text=True)
    rows = [json.loads(line) for line in ran.stdout.splitlines()]
    rows = [row for row in rows if "place" in row]
    return {f"s{row['line'] - 2}": row["input"] + (row.get("version") or "") for row in rows}


def printed(values):
    return "".join(f"{name}={value}\n" for name, value in sorted(values.items(), key=lambda item: item[0].encode()))


def fault(values, theirs):
    """What regcred is sure of, and Compose has otherwise."""
    if None not in values.values():
        return None if printed(values) == theirs else f"all of it: {printed(values)!r}"
    for name, value in values.items():
        if value is not None and f"\n{name}={value}\n" not in "\n" + theirs:
            return f"{name}={value!r}"
    return None


def main():
    full, compose = "--full" in sys.argv[2:], sys.argv[1]
    rngs = [random.Random(f"regcred-{number}") for number in range(FULL if full else QUICK)]
    texts = [dotenv(rng) for rng in rngs]
    ran = subprocess.run([programs() / "examples" / "dotenv_values"], input=json.dumps(texts), capture_output=True, check=True, text=True)
    counts, failed = collections.Counter(), 0
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for name in ("home", "project"):
            (folder / name).mkdir()
        judge, project = Compose(compose, folder), folder / "project"
        (project / "empty.yaml").write_text("services: {}\n")
        for rng, text, values in zip(rngs, texts, json.loads(ran.stdout)):
            written = images(rng)
            (project / ".env").write_text(text, newline="")
            (project / "compose.yaml").write_text(compose_file(written))
            theirs = judge.variables()
            if theirs is None:
                counts["refused by Compose"] += 1
                continue
            counts["sure" if None not in values.values() else "left open in part"] += 1
            counts["values"] += sum(value is not None for value in values.values())
            wrong = fault(values, theirs)
            if wrong:
                failed += 1
                print(f"{text!r}: regcred {wrong}, Compose {theirs!r}", file=sys.stderr)
            right, ours = judge.images(), scanned(folder)
            if right is None:
                counts["files without images"] += 1
                continue
            counts["images"] += len(right)
            counts["images told"] += len(ours)
            for service, image in ours.items():
                known, open_end, _ = image.partition("${")
                if right.get(service, "") != image and not (open_end and right[service].startswith(known)):
                    failed += 1
                    print(f"{text!r}, {written[int(service[1:])]!r}: regcred {image!r}, Compose {right.get(service)!r}", file=sys.stderr)
        version = judge.version()
    print(f"Compose {version}: of {len(texts)} .env files {counts['sure']} are the same as a whole, {counts['left open in part']} where regcred is sure "
          f"({counts['values']} values), {counts['refused by Compose']} are refused by Compose; {counts['images told']} of {counts['images']} images are told; {failed} differ")
    return 1 if failed or not counts["sure"] or not counts["images told"] else 0


if __name__ == "__main__":
    sys.exit(main())
