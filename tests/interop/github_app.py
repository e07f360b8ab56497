"""Reads, with PyJWT, what regcred said to GitHub as a GitHub App.

    github_app.py FOLDER

Reads what the sandbox's library kept of tests (`*.assertions.jsonl`). Each has to be signed with the App's key, name the App,
and be good for ten minutes at most, from a minute back (GitHub's documentation, "Generating a JSON Web Token (JWT) for a GitHub
App"). Ends with 1 if one is wrong, or if there is none.
"""

import json
import pathlib
import sys

import jwt
from cryptography.hazmat.primitives.serialization import load_pem_public_key


def judge(row):
    """What is wrong with it."""
    text = f"-----BEGIN RSA PUBLIC KEY-----\n{row['public_key']}\n-----END RSA PUBLIC KEY-----\n"
    key = load_pem_public_key(text.encode())
    unchecked = {"verify_exp": False, "verify_iat": False, "require": ["iat", "exp", "iss"]}
    try:
        claims = jwt.decode(row["assertion"], key, algorithms=["RS256"], issuer=row["id"], options=unchecked)
    except jwt.PyJWTError as error:
        return f"PyJWT does not take it: {error}"
    if not all(type(claims[name]) is int for name in ("iat", "exp")):
        return "its times are not whole seconds"
    back, ahead = row["now"] - claims["iat"], claims["exp"] - row["now"]
    if not (50 <= back <= 75 and 0 < ahead <= 600):
        return f"it is from {back} s before and good for {ahead} s"
    return None


def main():
    rows = [
        (file.name, json.loads(line))
        for file in sorted(pathlib.Path(sys.argv[1]).glob("*.assertions.jsonl"))
        for line in file.read_text(encoding="utf-8").splitlines()
    ]
    wrong = [(name, problem) for name, row in rows if (problem := judge(row))]
    for name, problem in wrong:
        print(f"{name}: {problem}", file=sys.stderr)
    print(f"PyJWT {jwt.__version__}: {len(rows) - len(wrong)} of {len(rows)} as GitHub wants them")
    return 1 if wrong or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
