"""Holds regcred's reading of Docker configurations to docker's own.

    docker_configs_judge.py [--full]

The docker client, asked to pull by an engine that is a stand-in on a socket, says which login it takes from a generated
configuration (`X-Registry-Auth`). regcred reads the same file (`from: docker-config`) and proves the login at a registry that
is a stand-in, too, and says what it was given. Both have to be the same login, or regcred has to refuse (3) where docker has
none that could be put elsewhere: an identity or a registry token, half a login. 40 configurations, 600 with --full, always the
same ones. Ends with 1 if one differs.

Left out is what docker itself decides by chance (the order of Go's maps: two entries of one host with different logins, neither
under the registry's own key), and helpers that fail: docker then takes the file's login in silence, and regcred says that the
helper failed. A registry token in the file, which docker sends beside a helper's login, is not looked at there. An entry that docker cannot decode may cost it all others, by the same chance: there docker gets the
configuration without it, and regcred has to find the same in the whole one.
"""

import base64
import http.server
import json
import os
import pathlib
import random
import shutil
import socketserver
import subprocess
import sys
import tempfile
import threading

from sandbox import home, programs

HUB = "https://index.docker.io/v1/"
# The registry, the key that docker looks under, other keys that it takes for it, keys that it does not.
REGISTRIES = [
    ("docker.io", "alpine", HUB, [], ["docker.io", "index.docker.io", "https://index.docker.io/v1", "registry-1.docker.io"]),
    ("ghcr.io", "ghcr.io/a/b", "ghcr.io", ["https://ghcr.io", "https://ghcr.io/v2/", "http://ghcr.io/x", "ghcr.io/acme"], ["GHCR.IO", "ghcr.io:443", " ghcr.io"]),
    ("reg.example.com:5000", "reg.example.com:5000/a", "reg.example.com:5000", ["https://reg.example.com:5000/v2/"], ["reg.example.com"]),
]
USERS = ["acme", "acme+robot", "user@example.com", "ünïcode", "_token", "robot$ci"]
# None is a token of Docker Hub, which regcred sends to no other registry.
PASSWORDS = ["token-0123456789", "with:colons", "quote\"back\\slash", "<&>", "日本語🐳", "x" * 300, "%2F+/=", "\\u0041", "{}"]
HELPERS = {
    "fake": "echo '{\"ServerURL\":\"x\",\"Username\":\"helped\",\"Secret\":\"by-helper\"}'",
    "identity": "echo '{\"ServerURL\":\"x\",\"Username\":\"<token>\",\"Secret\":\"by-helper\"}'",
    "empty": "echo credentials not found in native keychain; exit 1",
}


class Quiet(http.server.BaseHTTPRequestHandler):
    def answer(self, status, headers=(), body=b"{}"):
        self.send_response(status)
        for name, value in [*headers, ("Content-Type", "application/json"), ("Content-Length", str(len(body)))]:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_):
        pass


class Engine(Quiet):
    """As much of an engine as a pull needs."""

    def any(self):
        if self.command == "POST":
            self.server.seen.append(self.headers.get("X-Registry-Auth"))
        self.answer(200, [("Api-Version", "1.41")])

    do_GET = do_HEAD = do_POST = any

    def address_string(self):
        return ""


class Registry(Quiet):
    """A registry that takes every login."""

    def do_GET(self):
        given = self.headers.get("Authorization")
        self.server.seen += [given] if given else []
        self.answer(200 if given else 401, [("WWW-Authenticate", 'Basic realm="registry"')])


class EngineServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


def serve(server):
    server.seen = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def text(value):
    """A text in JSON, in one of the ways that Go takes; bytes as they are."""
    if isinstance(value, bytes):
        return b'"' + value + b'"'
    return json.dumps(value, ensure_ascii=len(value) % 2 == 0).encode()


def object_(pairs):
    return b"{" + b", ".join(text(key) + b": " + value for key, value in pairs) + b"}"


class Maker:
    def __init__(self, seed):
        self.pick = random.Random(seed)

    def chance(self, one_in):
        return self.pick.randrange(one_in) == 0

    def case(self, name):
        return self.pick.choice([name, name, name, name.capitalize(), name.upper()])

    def entry(self):
        """An entry's fields."""
        user, password = self.pick.choice(USERS), self.pick.choice(PASSWORDS)
        kind = self.pick.choice(["auth"] * 6 + ["plain", "plain", "both", "lines", "nul", "latin", "half", "surrogate"])
        encoded = base64.b64encode(f"{user}:{password}".encode()).decode()
        plain = [(self.case("username"), text(user)), (self.case("password"), text(password))]
        fields = {
            "auth": [(self.case("auth"), text(encoded))],
            "plain": plain,
            "both": [("username", text("other")), ("auth", text(encoded))],
            "lines": [("auth", text("\r\n".join([encoded[:9], encoded[9:], ""])))],
            "nul": [("auth", text(base64.b64encode(f"{user}:{password}\0\0".encode()).decode()))],
            "latin": [("auth", text(base64.b64encode(user.encode() + b":p\xe9\xe2\x82x").decode()))],
            "half": [plain[0], ("password", b'"p\xff\xe2\x82x"')],
            "surrogate": [plain[0], ("password", rb'"p\ud800q\ud83d\ude00\udc00"')],
        }[kind]
        if self.chance(6):
            fields = [(self.pick.choice(["identitytoken", "registrytoken"]), self.pick.choice([text("t"), b"null", b'""'])), *fields]
        if self.chance(5):
            fields = [*fields, (self.case("auth"), b"null"), ("email", text("a@b"))]
        if self.chance(5):
            fields = [("auth", text("b2xkOm9sZA==")), *fields]
        if self.chance(8):
            fields = [*fields, ("more", b"[" * 200 + b"]" * 200)]
        if self.chance(10):
            fields = self.pick.choice([[], [("username", text(user))], [("password", text(password))]])
        return b"null" if self.chance(12) else object_(fields)

    def broken(self):
        """An entry that docker cannot decode."""
        return object_([("auth", text(self.pick.choice(["*", "YTpiYw", "YQ==", "OmI=", "YTpi YTpi"])))])

    def configuration(self):
        """The image, its registry, the configuration, and the same without what docker cannot decode."""
        registry, image, own, same, others = self.pick.choice(REGISTRIES)
        entries = [(self.pick.choice(["quay.io", "https://gcr.io", "example.org/x"]), self.entry()) for _ in range(self.pick.randrange(3))]
        if self.chance(3):
            entries.append((self.pick.choice(others), self.entry()))
        if self.chance(4) and same:
            entries.append((self.pick.choice(same), self.entry()))
        elif not self.chance(5):
            for _ in range(self.pick.choice([1, 1, 1, 2])):
                entries.append((own, self.entry()))
            if same and self.chance(2):
                entries.insert(0, (self.pick.choice(same), self.entry()))
        broken = [("damaged.example", self.broken())] if self.chance(6) else []
        around = self.around(own)
        write = lambda entries: self.written(entries, around)
        state = self.pick.getstate()
        whole = write(broken + entries)
        self.pick.setstate(state)
        return registry, image, whole, write(entries) if broken else whole

    def around(self, own):
        """What else is in the file."""
        fields = []
        if self.chance(4):
            fields.append(("HttpHeaders", object_([("x", b'"\xe9"')])))
        if self.chance(5):
            fields.append(("plugins", object_([("a", b"{}")])))
        if self.chance(6):
            fields.append(("unknown", self.pick.choice([b"1e400", b"[" * 300 + b"]" * 300, rb'"\udead"'])))
        if self.chance(4):
            helper = self.pick.choice([*HELPERS, "missing", ""])
            fields.append((self.case("credsStore"), self.pick.choice([text(helper), text(helper), b"null"])))
        if self.chance(5):
            key = self.pick.choice([own, own, "docker.io", "quay.io"])
            fields.append((self.case("credHelpers"), object_([(key, text(self.pick.choice([*HELPERS, "missing", ""])))])))
        return fields

    def written(self, entries, around):
        middle = len(entries) // 2 if self.chance(4) else len(entries)
        fields = [(self.case("auths"), object_(entries[:middle])), *around]
        if entries[middle:]:
            fields.append((self.case("auths"), object_(entries[middle:])))
        if self.chance(9):
            fields.insert(0, ("auths", b"null"))
        if self.chance(20):
            fields.append(("auths", b"null"))
        return object_(fields) + self.pick.choice([b"", b"", b"\n", b" and more"])


def docker(engine, folder, image, configuration):
    """User and password that docker would send; nothing if these are not both there, or not what it would use."""
    (folder / "config.json").write_bytes(configuration)
    engine.seen.clear()
    command = ["docker", "--config", folder, "-H", f"unix://{engine.server_address}", "pull", image]
    ran = subprocess.run(command, env=environment(folder), capture_output=True, text=True)
    if not engine.seen:
        sys.exit(f"docker asked for no pull: {ran.stderr.strip()}")
    if "WARNING" in ran.stderr:
        sys.exit(f"docker does not read {configuration!r}: {ran.stderr.strip()}")
    login = json.loads(base64.urlsafe_b64decode(engine.seen[-1] or "e30="))
    both = login.get("username"), login.get("password")
    token = login.get("identitytoken") or (both[0] != "helped" and login.get("registrytoken"))
    return None if token or not all(both) else both


def regcred(registry, folder, name, configuration):
    """The same of regcred, with what it says."""
    (folder / "config.json").write_bytes(configuration)
    place = "to: { kubernetes: [{ context: none, namespaces: [default] }] }"
    (folder / "regcred.yaml").write_text(f"version: 1\ncredentials:\n  it:\n    registry: '{name}'\n    from: docker-config\n    {place}\n")
    registry.seen.clear()
    endpoint = f"{name}=http://127.0.0.1:{registry.server_address[1]}"
    env = {**environment(folder), "DOCKER_CONFIG": str(folder), "REGCRED_REGISTRY_ENDPOINTS": endpoint}
    ran = subprocess.run([programs() / "regcred", "plan"], cwd=folder, env=env, capture_output=True, text=True)
    if not registry.seen:
        return (None, ran.stderr) if ran.returncode == 3 or "credential helper" in ran.stderr else ("no login", ran.stderr)
    user, _, password = base64.b64decode(registry.seen[-1].removeprefix("Basic ")).decode().partition(":")
    return (user, password), ran.stderr


def environment(folder):
    env = home(folder)
    return {**env, "PATH": f"{folder}:{env['PATH']}", "KUBECONFIG": str(folder / "none")}


def main():
    count = 600 if "--full" in sys.argv[1:] else 40
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for name, script in HELPERS.items():
            helper = folder / f"docker-credential-{name}"
            helper.write_text(f"#!/bin/sh\n{script}\n")
            helper.chmod(0o755)
        engine = serve(EngineServer(str(folder / "engine"), Engine))
        registry = serve(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry))
        failed, logins = 0, 0
        for number in range(count):
            name, image, whole, sound = Maker(number).configuration()
            wanted = docker(engine, folder, image, sound)
            if wanted and name == "docker.io":
                wanted = wanted[0].lower(), wanted[1]
            found, said = regcred(registry, folder, name, whole)
            logins += bool(wanted)
            if found != wanted:
                failed += 1
                print(f"{number}, {name}: docker {wanted}, regcred {found}\n{whole!r}\n{said}", file=sys.stderr)
    version = subprocess.run(["docker", "--version"], capture_output=True, text=True).stdout.strip()
    print(f"{version}: of {count} configurations regcred reads {count - failed} as docker does; {logins} have a login")
    return 1 if failed or not logins else 0


if __name__ == "__main__":
    if not shutil.which("docker"):
        sys.exit("there is no docker")
    sys.exit(main())
