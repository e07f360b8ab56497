"""Opens, with libsodium, every sealed box that regcred sent to GitHub.

    sealed_boxes.py FILE_OR_FOLDER...

Reads worlds of the sandbox (`--state`), or what its library kept of tests (`*.boxes.jsonl`). Each box comes with the
scope's private key and with what the sandbox, which uses the same library as regcred, read in it: libsodium must read
the same. Ends with 1 if a box is wrong, or if there is none.
"""

import base64
import json
import pathlib
import sys

import nacl
import nacl.exceptions
import nacl.public


def boxes(names):
    for path in map(pathlib.Path, names):
        found = sorted([*path.glob("*.boxes.jsonl"), *path.glob("*.state.json")])
        # The sandbox's own tests seal boxes themselves.
        found = [file for file in found if not file.name.startswith("answers-")]
        for file in found if path.is_dir() else [path]:
            text = file.read_text(encoding="utf-8")
            if file.suffix == ".jsonl":
                rows = [json.loads(line) for line in text.splitlines()]
            else:
                rows = json.loads(text)["github"]["boxes"]
            yield from ((f"{file.name} #{number}", row) for number, row in enumerate(rows, 1))


def judge(box):
    """What is wrong with it, without its contents."""
    key = nacl.public.PrivateKey(base64.b64decode(box["private_key"], validate=True))
    sealed = base64.b64decode(box["encrypted_value"], validate=True)
    try:
        opened = nacl.public.SealedBox(key).decrypt(sealed)
    except (nacl.exceptions.CryptoError, nacl.exceptions.TypeError, nacl.exceptions.ValueError) as error:
        return f"libsodium does not open it: {error}"
    return None if opened == box["value"].encode() else "libsodium reads another value in it than the sandbox"


def main():
    judged, failed, sealed = 0, 0, set()
    for place, box in boxes(sys.argv[1:]):
        problem = judge(box)
        judged += 1
        # Each has a key pair of its own, so the same box twice is a copy of one, as tests make that go back in time.
        sealed.add(box["encrypted_value"])
        if problem:
            failed += 1
            print(f"{place}: {box['path']}: {problem}", file=sys.stderr)
    print(f"PyNaCl {nacl.__version__} with its libsodium")
    print(f"sealed boxes opened: {judged - failed} of {judged}; different: {len(sealed)}")
    if not judged:
        print("there was no box to open", file=sys.stderr)
    return 1 if failed or not judged else 0


if __name__ == "__main__":
    sys.exit(main())
