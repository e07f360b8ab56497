//! `scripts/release X.Y.Z`: the version in every place that has it, and the changelog, as one commit with its tag.

use std::path::Path;
use std::process::{Command, Output};

use crate::pages::{read, root};

/// What has the version.
const FILES: [&str; 6] = [
    "Cargo.toml",
    "Cargo.lock",
    "fuzz/Cargo.lock",
    "deploy/kubernetes/base/kustomization.yaml",
    "CHANGELOG.md",
    "scripts/release",
];

fn in_folder(dir: &Path, program: &str, args: &[&str]) -> Output {
    Command::new(program)
        .args(args)
        .current_dir(dir)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .envs([("GIT_AUTHOR_NAME", "x"), ("GIT_AUTHOR_EMAIL", "x@example.com")])
        .envs([("GIT_COMMITTER_NAME", "x"), ("GIT_COMMITTER_EMAIL", "x@example.com")])
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"))
}

/// A repository with these files alone.
fn repository() -> tempfile::TempDir {
    let dir = tempfile::TempDir::new().unwrap();
    for path in FILES {
        std::fs::create_dir_all(dir.path().join(path).parent().unwrap()).unwrap();
        std::fs::copy(root(path), dir.path().join(path)).unwrap();
    }
    let changelog =
        "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- A thing.\n\n## [0.0.1] - 2026-01-01\n\n- Older.\n";
    std::fs::write(dir.path().join("CHANGELOG.md"), changelog).unwrap();
    for args in [&["init", "-q"][..], &["add", "."], &["commit", "-qm", "first"]] {
        assert!(in_folder(dir.path(), "git", args).status.success(), "{args:?}");
    }
    dir
}

/// What the script says to it, if it refuses.
fn release(dir: &Path, version: &str) -> Result<String, String> {
    let ran = in_folder(dir, "scripts/release", &[version]);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    if ran.status.success() { Ok(text(ran.stdout)) } else { Err(text(ran.stderr)) }
}

#[test]
fn one_command_writes_a_version_everywhere_with_the_changelog_and_tags_it() {
    let dir = repository();
    let dir = dir.path();
    let said = release(dir, "9.8.7").unwrap();
    assert!(said.contains("git push origin HEAD:main v9.8.7"), "{said}");
    let now = |path: &str| std::fs::read_to_string(dir.join(path)).unwrap();
    for path in &FILES[..4] {
        let changed: Vec<_> = read(path).lines().map(str::to_owned).collect();
        let changed: Vec<_> = now(path)
            .lines()
            .zip(changed)
            .filter(|(new, old)| new != old)
            .map(|(new, _)| new.to_owned())
            .collect();
        assert!(
            !changed.is_empty() && changed.iter().all(|line| line.contains("9.8.7")),
            "{path}: {changed:?}"
        );
        assert_eq!(changed.len(), if *path == "Cargo.lock" { 2 } else { 1 }, "{path}: {changed:?}");
    }
    let changelog = now("CHANGELOG.md");
    let head = changelog.split("### Added").next().unwrap();
    assert!(head.contains("## [Unreleased]\n\n## [9.8.7] - 20"), "{head}");
    let notes = in_folder(dir, "scripts/release", &["--notes", "9.8.7"]).stdout;
    assert_eq!(String::from_utf8(notes).unwrap().trim(), "### Added\n\n- A thing.");
    let tag = in_folder(dir, "git", &["log", "-1", "--format=%s %D"]).stdout;
    let tag = String::from_utf8(tag).unwrap();
    assert!(tag.starts_with("release: 9.8.7 ") && tag.contains("tag: v9.8.7"), "{tag}");
    assert_eq!(in_folder(dir, "git", &["status", "--porcelain"]).stdout, b"");
}

#[test]
fn what_cannot_be_a_release_is_refused_and_nothing_is_written() {
    let dir = repository();
    let dir = dir.path();
    let refused = |version: &str, words: &str| {
        let said = release(dir, version).unwrap_err();
        assert!(said.contains(words), "{version}: {said}");
        assert_eq!(in_folder(dir, "git", &["status", "--porcelain", "-uno"]).stdout, b"", "{version}");
    };
    refused("1.0", "is not a version such as 1.2.3");
    refused("0.0.9", "is before");
    release(dir, "9.8.7").unwrap();
    refused("9.8.7", "the tag v9.8.7 is there");
    refused("9.8.8", "CHANGELOG.md says nothing of Unreleased");
    std::fs::write(dir.join("new"), "").unwrap();
    refused("9.8.9", "there are changes that are not committed");
}

#[test]
fn the_deployment_and_the_program_have_one_version() {
    let version = env!("CARGO_PKG_VERSION");
    let deployed = read("deploy/kubernetes/base/kustomization.yaml");
    assert!(deployed.contains(&format!("newTag: {version} }}")), "{deployed}");
}
