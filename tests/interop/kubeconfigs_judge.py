"""Holds regcred's reading of kubeconfigs to kubectl's own.

    kubeconfigs_judge.py KUBECTL [--full]

kubectl and regcred get the same generated kubeconfig, and ask an API server that is a stand-in. It writes down what logs them
in: who they say that they are, for whom they act, by which path, and whether a client certificate was shown. Both have to
be the same; where kubectl asks nothing, because it cannot use the kubeconfig, regcred has to ask nothing, and to say why. 40
kubeconfigs, 400 with --full, always the same ones. Ends with 1 if one differs.

Left out is what regcred refuses on purpose (`auth-provider`), plain http, by which kubectl sends no login, and a user without
any login, for which kubectl asks a person.
"""

import http.server
import json
import pathlib
import random
import ssl
import subprocess
import sys
import tempfile
import threading

from sandbox import home, programs

HEADERS = ("Authorization", "Impersonate-User", "Impersonate-Group", "Impersonate-Uid")
V1, BETA, ALPHA = ("client.authentication.k8s.io/" + version for version in ("v1", "v1beta1", "v1alpha1"))


class Api(http.server.BaseHTTPRequestHandler):
    """An API server that has nothing."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        shown = self.connection.getpeercert() if isinstance(self.connection, ssl.SSLSocket) else None
        login = {name: self.headers.get_all(name) for name in HEADERS if self.headers.get(name)}
        self.server.seen.append((login, self.path.split("/api/")[0], bool(shown)))
        body = b'{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404,"message":"not found"}'
        self.send_response(404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def openssl(folder, *command):
    subprocess.run(["openssl", *command], cwd=folder, check=True, capture_output=True)


def certificates(folder):
    """An authority, the server's certificate, and a client's."""
    openssl(folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.crt", "-days", "2", "-subj", "/CN=ca")
    for name, extension in (("server", "subjectAltName=IP:127.0.0.1,DNS:k8s.example"), ("client", "extendedKeyUsage=clientAuth")):
        (folder / "extension").write_text(extension)
        openssl(folder, "req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-out", f"{name}.crt", "-days", "2", "-extfile", "extension")


class Registry(Api):
    """A registry that takes every login."""

    def do_GET(self):
        self.send_response(200 if self.headers.get("Authorization") else 401)
        self.send_header("WWW-Authenticate", 'Basic realm="registry"')
        self.send_header("Content-Length", "0")
        self.end_headers()


def serve(handler, context=None):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.seen = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def tls(folder):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=folder / "ca.crt")
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    return context


class Maker:
    def __init__(self, seed, folder, port):
        self.pick, self.folder, self.port = random.Random(seed), folder, port

    def chance(self, one_in):
        return self.pick.randrange(one_in) == 0

    def file(self, name):
        """A path to a file beside the kubeconfig."""
        return self.pick.choice([name, f"./{name}", str(self.folder / name)])

    def data(self, name):
        import base64
        return base64.b64encode((self.folder / name).read_bytes()).decode()

    def cluster(self):
        path = self.pick.choice(["", "", "/", "/k8s/clusters/c-1", "/k8s/clusters/c-1/"])
        cluster = {"server": f"https://127.0.0.1:{self.port}{path}"}
        cluster |= self.pick.choice([
            {"certificate-authority": self.file("ca.crt")},
            {"certificate-authority-data": self.data("ca.crt")},
            {"certificate-authority-data": self.data("ca.crt"), "certificate-authority": "/missing"},
            {"certificate-authority-data": self.data("ca.crt"), "tls-server-name": "k8s.example"},
            {"insecure-skip-tls-verify": True},
            {"certificate-authority": "missing.crt"},
            {"certificate-authority-data": self.data("ca.crt"), "insecure-skip-tls-verify": True},
        ])
        if self.chance(6):
            cluster |= self.pick.choice([{"proxy-url": ""}, {"disable-compression": True}, {"unknown": [1]}, {"extensions": []}])
        return cluster

    def token(self):
        return self.pick.choice(["abc.def-ghi", "abc.def-ghi", "eyJ.x.y", "a=b"])

    def plugin(self):
        exec_ = {"apiVersion": self.pick.choice([V1, V1, BETA, ALPHA]), "command": self.pick.choice(["./plugin", str(self.folder / "plugin"), "plugin"])}
        exec_["args"] = [self.pick.choice(["token", "token", "lasting", "ended", "nothing", "other", "certificate", "fails", "yaml"])]
        mode = self.pick.choice(["Never", "IfAvailable", "IfAvailable", None])
        if mode:
            exec_["interactiveMode"] = mode
        if self.chance(3):
            exec_["env"] = [{"name": "PLUGIN_TOKEN", "value": "from-its-environment"}]
        if self.chance(6):
            exec_ |= self.pick.choice([{"provideClusterInfo": True}, {"env": None}, {"installHint": "get it"}])
        return exec_

    def user(self):
        """What logs in."""
        user = {}
        kinds = self.pick.choice([["token"]] * 3 + [["file"]] * 2 + [["basic"], ["certificate"], ["exec"], ["exec"], ["exec"], ["token", "file"], ["token", "exec"], ["basic", "token"], ["basic", "exec"], ["certificate", "token"], ["certificate", "exec"]])
        for kind in kinds:
            user |= {
                "token": lambda: {"token": self.token()},
                "file": lambda: {"tokenFile": self.pick.choice([self.file("token"), self.file("token"), "missing"])},
                "basic": lambda: {"username": "someone", "password": "a pass:word"},
                "certificate": lambda: self.pick.choice([
                    {"client-certificate": self.file("client.crt"), "client-key": self.file("client.key")},
                    {"client-certificate-data": self.data("client.crt"), "client-key-data": self.data("client.key")},
                    {"client-certificate-data": self.data("client.crt"), "client-key": self.file("client.key")},
                ]),
                "exec": lambda: {"exec": self.plugin()},
            }[kind]()
        if self.chance(5):
            user |= self.pick.choice([{"as": "other"}, {"as": "other", "as-groups": ["a", "b"]}, {"as": "other", "as-uid": "7"}])
        return user

    def kubeconfig(self):
        """Its text, and the files of KUBECONFIG."""
        config = {"apiVersion": "v1", "kind": "Config", "current-context": "elsewhere"}
        config["clusters"] = [{"name": "c", "cluster": self.cluster()}]
        config["users"] = [{"name": "u", "user": self.user()}]
        context = {"cluster": "c", "user": "u"}
        if self.chance(4):
            context["namespace"] = "there"
        if self.chance(12):
            context |= self.pick.choice([{"cluster": "none"}, {"user": "none"}])
        config["contexts"] = [{"name": "it", "context": context}]
        odd = [
            lambda: config["users"].insert(0, {"name": "odd", "user": {"tokenFile": "missing", "token": "x"}}),
            lambda: config["users"].append({"name": "odd2", "user": {"exec": {"apiVersion": V1, "command": ""}}}),
            lambda: config["users"].append({"name": "odd3", "user": None}),
            lambda: config["contexts"].append({"name": "odd", "context": {"cluster": "none", "user": "none"}}),
            lambda: config["clusters"].append({"name": "odd", "cluster": {"server": ":::"}}),
            lambda: config.update({"preferences": {"colors": True}, "extensions": None, "more": 1}),
            lambda: (config.pop("apiVersion"), config.pop("kind")),
            lambda: config["users"].append({"name": "u", "user": {"token": "second"}}),
            lambda: config.update({"current-context": ""}),
        ]
        for number in self.pick.sample(range(len(odd)), self.pick.randrange(3)):
            odd[number]()
        return config


def run(command, folder, kubeconfig, cwd):
    env = {**home(folder), "KUBECONFIG": kubeconfig}
    env["PATH"] = f"{folder}:{env['PATH']}"
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)


def asked(server, command, *rest):
    """How the first request logged in, and what was said."""
    server.seen.clear()
    ran = run(command, *rest)
    return (server.seen[0] if server.seen else None), ran.stderr + ran.stdout


PLUGIN = """#!/bin/sh
token=${PLUGIN_TOKEN:-by-plugin}
version=$(echo "$KUBERNETES_EXEC_INFO" | sed 's/.*"apiVersion":"\\([^"]*\\)".*/\\1/')
say() { echo "{\\"apiVersion\\":\\"$version\\",\\"kind\\":\\"ExecCredential\\",\\"status\\":$1}"; }
case $1 in
    token) say "{\\"token\\":\\"$token\\"}" ;;
    lasting) say "{\\"token\\":\\"$token\\",\\"expirationTimestamp\\":\\"2099-01-01T00:00:00Z\\"}" ;;
    ended) say "{\\"token\\":\\"$token\\",\\"expirationTimestamp\\":\\"2001-01-01T00:00:00Z\\"}" ;;
    nothing) say "{}" ;;
    other) echo '{"apiVersion":"client.authentication.k8s.io/v0","kind":"ExecCredential","status":{"token":"x"}}' ;;
    certificate) say "$(cat FOLDER/certificate.json)" ;;
    yaml) printf 'apiVersion: %s\\nkind: ExecCredential\\nstatus:\\n  token: %s\\n' "$version" "$token" ;;
    fails) echo no >&2; exit 3 ;;
esac
"""


def prepare(folder):
    certificates(folder)
    (folder / "token").write_text("from-a-file\n")
    pair = {name: (folder / f"client.{end}").read_text() for name, end in (("clientCertificateData", "crt"), ("clientKeyData", "key"))}
    (folder / "certificate.json").write_text(json.dumps(pair))
    plugin = folder / "plugin"
    plugin.write_text(PLUGIN.replace("FOLDER", str(folder)))
    plugin.chmod(0o755)
    project = folder / "project"
    project.mkdir()
    (project / "regcred.yaml").write_text(
        "version: 1\ncredentials:\n  it:\n    from: { env: { username: HUB_USER, token: HUB_TOKEN } }\n"
        "    to: { kubernetes: [{ context: it, namespaces: [default], secret: pulls }] }\n"
    )
    return project


def main():
    kubectl, count = pathlib.Path(sys.argv[1]).resolve(), 400 if "--full" in sys.argv[2:] else 40
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        project = prepare(folder)
        server, registry = serve(Api, tls(folder)), serve(Registry)
        get = [kubectl, "--context", "it", "get", "--raw", "/api/v1/namespaces/default/secrets/pulls"]
        plan = ["env", "HUB_USER=u", "HUB_TOKEN=dckr_pat_0123456789abcdefghijklmn", f"REGCRED_REGISTRY_ENDPOINTS=docker.io=http://127.0.0.1:{registry.server_address[1]}", programs() / "regcred", "plan", "--no-input"]
        failed = asked_count = 0
        for number in range(count):
            config = Maker(number, folder, server.server_address[1]).kubeconfig()
            (folder / "kubeconfig").write_text(json.dumps(config))
            rest = folder, str(folder / "kubeconfig"), project
            wanted, words = asked(server, get, *rest)
            found, said = asked(server, plan, *rest)
            asked_count += wanted is not None
            if found != wanted:
                failed += 1
                print(f"{number}: kubectl {wanted}, regcred {found}\n{json.dumps(config)}\n{words}\n{said}", file=sys.stderr)
        version = run([kubectl, "version", "--client"], folder, "", folder).stdout.split("\n")[0]
    print(f"{version}: of {count} kubeconfigs regcred uses {count - failed} as kubectl does; {asked_count} lead to a server")
    return 1 if failed or not asked_count else 0


if __name__ == "__main__":
    sys.exit(main())
