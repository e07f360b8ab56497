"""Makes the container image of a program for two platforms, and looks at it as those do who pull it.

    image.py PROGRAM

skopeo brings the layout to Debian's docker-registry and back: every digest stays. What is in the image is listed, all of it. The
program then runs in it, in a chroot, as the user that the image names: with the certificates of the image alone, and as a pod
does, with a service account and `context: in-cluster`. That needs root; without it the runs are said to be left out.

PROGRAM is a build for this machine. The release's is static, by musl; here it is one with Debian's C library, linked statically. If
it is not static (a build of the tests), a stand-in is packed, and in the chroot the program has what it links to beside it.
"""

import contextlib
import http.server
import json
import os
import pathlib
import shutil
import ssl
import subprocess
import sys
import tarfile
import tempfile
import threading
import unittest
import urllib.error
import urllib.request

from sandbox import ROOT, TOKEN, Sandbox, home
from stage import free_port, listens, running, wait_for

USER = "65532:65532"
CERTIFICATES = "etc/ssl/certs/ca-certificates.crt"
CONTENTS = {
    "etc/",
    "etc/ssl/",
    "etc/ssl/certs/",
    CERTIFICATES,
    "usr/",
    "usr/local/",
    "usr/local/bin/",
    "usr/local/bin/regcred",
    "usr/share/",
    "usr/share/doc/",
    "usr/share/doc/ca-certificates/",
    "usr/share/doc/ca-certificates/copyright",
    "usr/share/doc/regcred/",
    "usr/share/doc/regcred/LICENSE-APACHE",
    "usr/share/doc/regcred/LICENSE-MIT",
    "work/",
}
# Where a kubelet mounts a pod's service account.
ACCOUNT = "var/run/secrets/kubernetes.io/serviceaccount"
CLUSTER_TOKEN = "sandbox-token-of-prod-admin-0123456789"
GITHUB = "version: 1\ncredentials: { docker-hub: { to: { github: [{ repository: acme/api }] } } }\n"
CLUSTER = """\
version: 1
credentials:
  docker-hub: { to: { kubernetes: [{ context: in-cluster, namespaces: [default], service-accounts: [default] }] } }
"""
PROGRAM = None


def run(*command, **options):
    ran = subprocess.run([str(word) for word in command], capture_output=True, text=True, cwd=ROOT, **options)
    if ran.returncode:
        raise AssertionError(f"{command} ended with {ran.returncode}\n{ran.stdout}{ran.stderr}")
    return ran.stdout.strip()


def made(folder, program, *more):
    return run("scripts/image", folder, f"amd64={program}", *more, "LICENSE-APACHE", "LICENSE-MIT")


class Layout(unittest.TestCase):
    """What anybody can see of the image. arm64 has a stand-in for the program, which is of no use here."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.other = cls.folder / "other"
        cls.other.write_text("for another processor", encoding="utf-8")
        cls.layout = cls.folder / "layout"
        cls.program = cls.other if libraries(PROGRAM) else PROGRAM
        cls.digest = made(cls.layout, cls.program, f"arm64={cls.other}")
        cls.version = json.loads(run("cargo", "metadata", "--no-deps", "--format-version", "1"))["packages"][0]["version"]
        port = free_port()
        storage = f"storage: {{ filesystem: {{ rootdirectory: {cls.folder / 'storage'} }} }}"
        file = cls.folder / "registry.yml"
        file.write_text(f"version: 0.1\nlog: {{ level: error }}\n{storage}\nhttp: {{ addr: 127.0.0.1:{port} }}\n", encoding="utf-8")
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        cls.enterClassContext(running(["docker-registry", "serve", file], **quiet))
        wait_for(lambda: listens(port), "docker-registry")
        cls.published = f"docker://127.0.0.1:{port}/regcred:{cls.version}"
        run("skopeo", "copy", "--all", "--dest-tls-verify=false", f"oci:{cls.layout}:{cls.version}", cls.published)

    def inspect(self, architecture, *more):
        chosen = ["--override-arch", architecture, "--override-os", "linux"]
        return json.loads(run("skopeo", *chosen, "inspect", "--tls-verify=false", *more, self.published))

    def blob(self, digest):
        return self.layout / "blobs" / "sha256" / digest.removeprefix("sha256:")

    def manifest(self, architecture):
        index = json.loads(self.blob(self.digest).read_text(encoding="utf-8"))
        return next(entry for entry in index["manifests"] if entry["platform"]["architecture"] == architecture)

    def test_the_same_input_gives_the_same_digest_and_another_program_another(self):
        self.assertEqual(made(self.folder / "again", self.program, f"arm64={self.other}"), self.digest)
        self.assertNotEqual(made(self.folder / "less", self.program), self.digest)

    def test_a_registry_has_it_under_the_digest_that_was_printed_and_gives_the_same_back(self):
        raw = subprocess.run(["skopeo", "inspect", "--raw", "--tls-verify=false", self.published], capture_output=True, check=True)
        self.assertEqual(raw.stdout, self.blob(self.digest).read_bytes())
        back = self.folder / "back"
        run("skopeo", "copy", "--all", "--src-tls-verify=false", self.published, f"oci:{back}:{self.version}")
        names = [{path.name for path in (folder / "blobs" / "sha256").iterdir()} for folder in (self.layout, back)]
        self.assertEqual(*names)

    def test_whoever_pulls_it_gets_the_image_of_the_own_platform_which_runs_one_program_as_nobody_in_particular(self):
        for architecture in ("amd64", "arm64"):
            seen = self.inspect(architecture)
            self.assertEqual((seen["Architecture"], seen["Os"]), (architecture, "linux"))
            config = self.inspect(architecture, "--config")["config"]
            self.assertEqual(config["User"], USER)
            self.assertEqual((config["Entrypoint"], config.get("Cmd")), (["/usr/local/bin/regcred"], None))
            labels = {name.removeprefix("org.opencontainers.image.") for name in seen["Labels"]}
            self.assertEqual(labels, {"created", "description", "licenses", "revision", "source", "title", "version"})
            self.assertEqual(seen["Labels"]["org.opencontainers.image.version"], self.version)
        digests = [self.inspect(architecture)["Digest"] for architecture in ("amd64", "arm64")]
        self.assertEqual(len(set(digests)), 1, "skopeo tells the digest of the index")

    def test_nothing_is_in_it_but_the_program_the_certificates_and_the_licences(self):
        layers = json.loads(self.blob(self.manifest("amd64")["digest"]).read_text(encoding="utf-8"))["layers"]
        self.assertEqual(len(layers), 1)
        with tarfile.open(self.blob(layers[0]["digest"])) as tar:
            entries = tar.getmembers()
            names = [entry.name + "/" * entry.isdir() for entry in entries]
            self.assertEqual(set(names), CONTENTS)
            self.assertEqual(len(names), len(CONTENTS))
            self.assertEqual({(entry.uid, entry.gid, entry.uname) for entry in entries}, {(0, 0, "")})
            self.assertEqual({entry.mode & 0o7022 for entry in entries}, {0}, "only root may write, and nothing is setuid")
            self.assertEqual(len({entry.mtime for entry in entries}), 1)
            self.assertGreater(tar.extractfile(CERTIFICATES).read().count(b"-----BEGIN CERTIFICATE-----"), 100)
            for entry in entries:
                if entry.isfile():
                    print(f"  {entry.size:>10}  {entry.name}")
        print(f"  {layers[0]['size']:>10}  compressed")


def answer(self):
    """Hands a request on to what is behind, and its answer back."""
    body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or None
    asked = urllib.request.Request(self.server.behind + self.path, body, dict(self.headers), method=self.command)
    try:
        given = urllib.request.urlopen(asked)
    except urllib.error.HTTPError as refused:
        given = refused
    with given:
        content = given.read()
        self.send_response(given.status)
        for name, value in given.headers.items():
            if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class Door(http.server.BaseHTTPRequestHandler):
    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def front(behind, certificate, key):
    """TLS before a server of this machine; its port."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Door)
    server.behind = behind
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def libraries(program):
    """What a program that is not static links to; nothing for one that is."""
    ran = subprocess.run(["ldd", str(program)], capture_output=True, text=True)
    words = ran.stdout.split() if ran.returncode == 0 else []
    return [pathlib.Path(word) for word in words if word.startswith("/")]


def as_root():
    """What comes before a command that needs root; nothing where nobody may be root."""
    if os.geteuid() == 0:
        return []
    return ["sudo", "-n"] if subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0 else None


class Run(unittest.TestCase):
    """The image, unpacked, and a machine that has nothing else."""

    @classmethod
    def setUpClass(cls):
        cls.as_root = as_root() if shutil.which("sudo") or os.geteuid() == 0 else None
        if cls.as_root is None and os.environ.get("CI") == "true":
            raise AssertionError("the program in its image: chroot needs root")
        if cls.as_root is None:
            raise unittest.SkipTest("NOT RUN: the program in its image: chroot needs root")

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        layout, self.root = self.folder / "layout", self.folder / "root"
        # What runs is not packed: that was looked at above.
        stand_in = self.folder / "stand-in"
        stand_in.touch()
        index = made(layout, stand_in)
        blob = layout / "blobs" / "sha256"
        read = lambda digest: json.loads((blob / digest.removeprefix("sha256:")).read_text(encoding="utf-8"))
        manifest = read(read(index)["manifests"][0]["digest"])
        with tarfile.open(blob / manifest["layers"][0]["digest"].removeprefix("sha256:")) as tar:
            tar.extractall(self.root)
        for file, place in [(PROGRAM, self.root / "usr/local/bin/regcred"), *((file, self.root / str(file)[1:]) for file in libraries(PROGRAM))]:
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, place)
        self.sandbox = self.enterContext(Sandbox(self.folder / "sandbox"))
        certificate, key = self.folder / "certificate.pem", self.folder / "key.pem"
        names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names, "-out", certificate, "-keyout", key)
        self.certificate = certificate.read_text(encoding="utf-8")
        self.front = lambda behind: self.enterContext(front(behind, certificate, key))

    def regcred(self, *args, **env):
        hub = {"DOCKER_HUB_USERNAME": "acme", "DOCKER_HUB_TOKEN": TOKEN}
        given = {name: self.sandbox.env[name] for name in ("REGCRED_REGISTRY_ENDPOINTS", "DOCKER_HUB_API_URL", "GITHUB_TOKEN")}
        given = [f"{name}={value}" for name, value in (hub | given | env).items()]
        chroot = ["/usr/sbin/chroot", f"--userspec={USER}", "--groups=", str(self.root), "/usr/local/bin/regcred", *args]
        # sudo hands no environment on. None of these values is real.
        ran = subprocess.run([*self.as_root, "/usr/bin/env", "-i", *given, *chroot], capture_output=True, text=True)
        return ran.returncode, ran.stdout + ran.stderr

    def configure(self, text):
        (self.root / "work" / "regcred.yaml").write_text(text, encoding="utf-8")
        return ["-C", "/work"]

    def test_it_runs_as_a_user_without_a_name_and_says_its_version(self):
        status, said = self.regcred("--version")
        self.assertEqual(status, 0, said)
        self.assertRegex(said, r"^regcred \d+\.\d+\.\d+")
        kind = "with libraries beside it, which the release's does not need" if libraries(PROGRAM) else "static, alone"
        print(f"  {said.strip()}: {kind}")

    def test_it_trusts_the_certificates_of_the_image_and_no_others(self):
        port = self.front(self.sandbox.env["GITHUB_API_URL"])
        server = {"GITHUB_API_URL": f"https://127.0.0.1:{port}"}
        place = self.configure(GITHUB)
        status, said = self.regcred("plan", *place, **server)
        self.assertEqual(status, 1, said)
        self.assertIn("not in the system's certificates", said)
        with (self.root / CERTIFICATES).open("a", encoding="utf-8") as bundle:
            bundle.write(self.certificate)
        status, said = self.regcred("plan", *place, **server)
        self.assertEqual(status, 0, said)
        self.assertIn("actions/DOCKER_HUB_TOKEN", said)

    def test_in_a_pod_it_logs_in_with_the_service_account_and_writes_the_pull_secret(self):
        account = self.root / ACCOUNT
        account.mkdir(parents=True)
        for name, text in (("token", CLUSTER_TOKEN), ("ca.crt", self.certificate), ("namespace", "regcred")):
            (account / name).write_text(text, encoding="utf-8")
        kubeconfig = json.loads((self.folder / "sandbox" / "kubeconfig").read_text(encoding="utf-8"))
        server = next(entry["cluster"]["server"] for entry in kubeconfig["clusters"] if entry["name"] == "prod")
        pod = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(self.front(server))}
        place = self.configure(CLUSTER)
        # A pod has the proxy of its company, too, which the cluster's own address does not go through.
        proxy = {"HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.0/8"}
        status, said = self.regcred("sync", "--yes", *place, **pod | proxy)
        self.assertEqual(status, 0, said)
        status, said = self.regcred("verify", *place, **pod)
        self.assertEqual(status, 0, said)
        self.assertIn("in-cluster", said)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    PROGRAM = pathlib.Path(sys.argv.pop()).resolve()
    sys.exit(not unittest.main(exit=False, verbosity=2).result.wasSuccessful())
