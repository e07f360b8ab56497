"""Installs a release in each way that the documentation names, as if it were published.

    release.py [FOLDER]

FOLDER is what `scripts/release --dry-run` made. Without one the archives hold a stand-in for the program, so that the ways are
tried and no build is needed. A server on this machine has the files under the paths that GitHub has them under; `gh` is a stand-in.
"""

import contextlib
import functools
import hashlib
import http.server
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import tomllib
import unittest
import zipfile

ROOT = pathlib.Path(__file__).parents[2]
CARGO = tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))
VERSION = CARGO["workspace"]["package"]["version"]
TARGETS = re.findall(r"target: ([\w-]+),", (ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8"))
HERE = "x86_64-unknown-linux-musl"
SHELLS = ["_regcred", "regcred.bash", "regcred.elv", "regcred.fish", "regcred.ps1"]
MOST = 6 * 1024 * 1024
STAND_IN = """\
#!/bin/sh
case $1 in
    man) echo page >"$2/regcred.1" ;;
    *) echo "regcred VERSION $1" ;;
esac
"""
GH = """\
#!/bin/sh
echo "$*" >>"$GH_LOG"
case $1 in
    auth) exit "${GH_LOGGED_IN:-0}" ;;
    attestation) exit "${GH_VERIFIES:-0}" ;;
    release) cp "$GH_ANSWER/$(printf '%s\\n' "$@" | sed -n '/^--pattern$/{n;p;}')" "$(printf '%s\\n' "$@" | sed -n '/^--dir$/{n;p;}')" ;;
esac
"""
FOLDER = None


def archive(target):
    return f"regcred-{VERSION}-{target}" + (".zip" if "windows" in target else ".tar.xz")


def stand_in(folder):
    """What the workflow would have: each system's archive, and their checksums."""
    program, exe, licences = folder / "regcred", folder / "regcred.exe", folder / "LICENSES-OF-CRATES"
    for file in (program, exe):
        file.write_text(STAND_IN.replace("VERSION", VERSION), encoding="utf-8")
        file.chmod(0o755)
    licences.write_text("of all\n", encoding="utf-8")
    made = folder / "made"
    for target in TARGETS:
        command = [ROOT / "scripts" / "archive", made, target, exe if "windows" in target else program, licences]
        subprocess.run(command, check=True, capture_output=True)
    sums = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in sorted(made.iterdir())]
    (made / "SHA256SUMS").write_text("".join(sums), encoding="utf-8")
    return made


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@contextlib.contextmanager
def serving(folder):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/releases"
    finally:
        server.shutdown()
        server.server_close()


class Release(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.files = FOLDER or stand_in(folder)
        releases = folder / "server" / "releases"
        shutil.copytree(cls.files, releases / "download" / f"v{VERSION}")
        (releases / "latest").mkdir()
        (releases / "latest" / "download").symlink_to(releases / "download" / f"v{VERSION}")
        cls.published = releases / "download" / f"v{VERSION}"
        cls.address = cls.enterClassContext(serving(folder / "server"))

    def setUp(self):
        self.home = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        gh = self.home / "bin" / "gh"
        gh.parent.mkdir()
        gh.write_text(GH, encoding="utf-8")
        gh.chmod(0o755)
        self.env = {"PATH": f"{gh.parent}:/usr/bin:/bin", "HOME": str(self.home), "GH_LOG": str(self.home / "gh.log")}
        self.program = self.home / ".local" / "bin" / "regcred"

    def install(self, *args, **env):
        command = ["sh", str(ROOT / "scripts" / "install"), "--from", self.address, *args]
        return subprocess.run(command, env=self.env | env, capture_output=True, text=True, cwd=self.home)

    def assert_refuses(self, ran, words):
        self.assertNotEqual(ran.returncode, 0)
        self.assertIn(words, ran.stderr)
        self.assertFalse(self.program.exists())

    def test_every_archive_is_listed_with_its_checksum(self):
        listed = dict(reversed(line.split("  ")) for line in (self.files / "SHA256SUMS").read_text(encoding="utf-8").splitlines())
        for name, checksum in listed.items():
            self.assertEqual(hashlib.sha256((self.files / name).read_bytes()).hexdigest(), checksum)
        packed = {file.name for file in self.files.iterdir() if file.name.endswith((".tar.xz", ".zip"))}
        self.assertLessEqual(packed, listed.keys())
        self.assertEqual(packed, {archive(HERE)} if FOLDER else {archive(target) for target in TARGETS})

    def test_an_archive_has_the_program_completions_pages_and_licences_in_one_folder(self):
        for target in [HERE] if FOLDER else TARGETS:
            path = self.files / archive(target)
            if path.suffix == ".zip":
                names = zipfile.ZipFile(path).namelist()
            else:
                with tarfile.open(path) as tar:
                    names = tar.getnames()
            top = f"regcred-{VERSION}-{target}/"
            self.assertTrue(all(name.startswith(top) for name in names))
            inside = {name.removeprefix(top) for name in names}
            program = "regcred.exe" if "windows" in target else "regcred"
            wanted = {program, "README.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE", "LICENSES-OF-CRATES", "man/regcred.1"}
            self.assertLessEqual(wanted | {f"completions/{shell}" for shell in SHELLS}, inside)
            self.assertLess(path.stat().st_size, MOST)
            print(f"  {path.stat().st_size:>9}  {path.name}: {len(inside)} files")

    def test_the_script_installs_the_newest_one_and_says_what_it_verified(self):
        ran = self.install()
        self.assertEqual(ran.returncode, 0, ran.stderr)
        said = subprocess.run([self.program, "--version"], capture_output=True, text=True).stdout
        self.assertIn(f"regcred {VERSION}", said)
        self.assertIn("has the checksum that the release lists", ran.stderr)
        self.assertIn("its provenance is", ran.stderr)
        self.assertIn(f"{self.program.parent} is not on PATH", ran.stderr)
        asked = (self.home / "gh.log").read_text(encoding="utf-8")
        self.assertRegex(asked, rf"attestation verify \S+/{re.escape(archive(HERE))} --repo OWNER/regcred --signer-workflow OWNER/regcred/.github/")
        # Over one that is there, too.
        self.assertEqual(self.install("--version", f"v{VERSION}").returncode, 0)

    def test_a_folder_can_be_named_and_without_gh_it_says_that_nobody_verified_the_provenance(self):
        ran = self.install("--to", str(self.home / "own"), GH_LOGGED_IN="1")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertTrue((self.home / "own" / "regcred").exists())
        self.assertIn("its provenance was not verified", ran.stderr)

    def test_an_archive_without_the_listed_checksum_is_not_installed(self):
        path = self.published / archive(HERE)
        content = path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        try:
            self.assert_refuses(self.install(), "does not have the checksum")
        finally:
            path.write_bytes(content)

    def test_an_archive_without_provenance_is_not_installed(self):
        self.assert_refuses(self.install(GH_VERIFIES="1"), "has no provenance of OWNER/regcred")

    def test_a_version_that_is_not_there_and_a_word_that_it_does_not_know_are_said(self):
        self.assert_refuses(self.install("--version", "99.0.0"), "download/v99.0.0/SHA256SUMS cannot be read")
        self.assert_refuses(self.install("--version"), "--version wants a value")
        self.assert_refuses(self.install("--prefix", "/"), "unknown: --prefix")

    def test_binstall_finds_each_archive_and_the_program_in_it_by_the_metadata(self):
        # Its rules: https://github.com/cargo-bins/cargo-binstall/blob/main/SUPPORT.md
        package = CARGO["package"]
        metadata = package["metadata"]["binstall"]
        self.assertEqual(metadata.keys() - {"overrides"}, {"pkg-url", "pkg-fmt", "bin-dir"})
        self.assertLessEqual(metadata["overrides"].keys(), set(TARGETS))
        for target in TARGETS:
            rules = metadata | metadata["overrides"].get(target, {})
            ending = ".exe" if "windows" in target else ""
            words = {"repo": package["repository"], "version": VERSION, "target": target, "bin": "regcred", "binary-ext": ending}
            render = lambda text: re.sub(r"\{ (\S+) \}", lambda found: words[found[1]], text)
            self.assertEqual(render(rules["pkg-url"]), f"{package['repository']}/releases/download/v{VERSION}/{archive(target)}")
            self.assertEqual(rules["pkg-fmt"], "zip" if "windows" in target else "txz")
            path = self.files / archive(target)
            if path.exists():
                opened = zipfile.ZipFile(path).namelist() if ending else tarfile.open(path).getnames()
                self.assertIn(render(rules["bin-dir"]), opened)

    def test_the_action_installs_it(self):
        output = self.home / "path"
        output.touch()
        given = {"RUNNER_OS": "Linux", "RUNNER_ARCH": "X64", "RUNNER_TEMP": str(self.home), "GITHUB_PATH": str(output)}
        given |= {"VERSION": "", "SHA256": "", "REPOSITORY": "acme/regcred", "GITHUB_ACTION_PATH": str(ROOT)}
        script = ROOT / ".github" / "actions" / "regcred" / "install.sh"
        ran = subprocess.run([script], env=self.env | given | {"GH_ANSWER": str(self.files)}, capture_output=True, text=True)
        self.assertEqual(ran.returncode, 0, ran.stderr + ran.stdout)
        folder = pathlib.Path(output.read_text(encoding="utf-8").strip())
        self.assertIn(VERSION, subprocess.run([folder / "regcred", "--version"], capture_output=True, text=True).stdout)

    def test_the_program_is_there_at_once_and_what_is_in_it_is_listed(self):
        if not FOLDER:
            self.skipTest("without a build there is no program")
        self.assertEqual(self.install().returncode, 0)
        took = []
        for _ in range(20):
            start = time.perf_counter()
            subprocess.run([self.program, "--version"], capture_output=True, check=True)
            took.append(time.perf_counter() - start)
        print(f"  --version in {min(took) * 1000:.1f} ms, {self.program.stat().st_size} bytes")
        self.assertLess(min(took), 0.010)
        listed = json.loads((self.files / "regcred.cdx.json").read_text(encoding="utf-8"))
        self.assertEqual(listed["bomFormat"], "CycloneDX")
        names = {component["name"] for component in listed["components"]}
        self.assertLessEqual({"rustls", "kube", "octocrab", "aws-sdk-ecr"}, names)
        self.assertNotIn("proptest", names)
        self.assertNotIn(os.fsdecode(ROOT), json.dumps(listed), "paths of the machine that built it")


if __name__ == "__main__":
    if len(sys.argv) > 2:
        raise SystemExit(__doc__)
    FOLDER = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) == 2 else None
    sys.exit(not unittest.main(exit=False, argv=sys.argv[:1]).result.wasSuccessful())
