//! One TLS backend and one HTTP stack, and no C library for either: what `deny.toml` says too, held in every test run.
//! And the licences of what is released.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// Every crate in Cargo.lock with its versions, also those that only some platform or feature would build.
fn locked() -> BTreeMap<String, Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock");
    let text = std::fs::read_to_string(path).expect("the lock file is there");
    let value = |line: Option<&str>, name: &str| {
        let quoted = line?.strip_prefix(name)?.strip_prefix(" = ")?;
        Some(quoted.trim_matches('"').to_owned())
    };
    let mut crates: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in text.split("[[package]]\n").skip(1) {
        let mut lines = package.lines();
        let name = value(lines.next(), "name").expect("a package starts with its name");
        let version = value(lines.next(), "version").expect("and goes on with its version");
        crates.entry(name).or_default().push(version);
    }
    crates
}

/// Every crate that is built here, for the program or the tests, by name.
fn built() -> Vec<String> {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--workspace", "--locked", "--offline", "--prefix", "none", "--format", "{p}"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let text = String::from_utf8(tree.stdout).expect("cargo writes UTF-8");
    text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn there_is_one_version_of_the_tls_library_and_of_the_http_library() {
    let locked = locked();
    for (name, series) in [("rustls", "0.23."), ("hyper", "1."), ("http", "1."), ("reqwest", "0.13.")] {
        let versions = locked.get(name).map_or(&[][..], Vec::as_slice);
        assert!(matches!(versions, [one] if one.starts_with(series)), "{name} {series}: {versions:?}");
    }
}

#[test]
fn no_platform_and_no_feature_can_bring_openssl_in() {
    let locked = locked();
    assert!(locked.len() > 200, "the lock file was not read whole: {} crates", locked.len());
    for name in ["openssl", "openssl-sys", "native-tls", "hyper-tls", "boring", "s2n-tls"] {
        assert!(!locked.contains_key(name), "{name} is in Cargo.lock");
    }
}

#[test]
fn cryptography_of_tls_comes_from_ring_and_no_c_library_beside_it() {
    // The curve P-521, which ring lacks, comes from Rust. Cargo.lock names aws-lc too, for features of rustls that nobody here turns on.
    let built = built();
    let is_built = |name: &str| built.iter().any(|built| built == name);
    assert!(is_built("rustls") && is_built("ring"), "the tree was not read: {} crates", built.len());
    for name in ["aws-lc-rs", "aws-lc-sys", "rustls-openssl", "mbedtls", "cmake"] {
        assert!(!is_built(name), "{name} is built");
    }
}

fn text(path: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The texts between quotes in a list of a file, without its comments.
fn list(path: &str, name: &str) -> Vec<String> {
    let text = text(path);
    let list = text.split(&format!("{name} = [")).nth(1).and_then(|rest| rest.split(']').next()).unwrap();
    let lines: String = list.lines().filter_map(|line| line.split('#').next()).collect();
    lines.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn a_release_archive_has_the_licences_of_its_crates_for_every_system_that_it_is_built_for() {
    let accepted = list("about.toml", "accepted");
    assert!(accepted.len() > 5 && accepted == list("deny.toml", "allow"), "{accepted:?}");
    let release = text(".github/workflows/release.yml");
    let built = release.split("target: ").skip(1).filter_map(|rest| rest.split(',').next());
    assert_eq!(list("about.toml", "targets"), built.collect::<Vec<_>>());
    let build = text("scripts/release-build");
    let made = build.find("about.hbs -o \"$made/LICENSES-OF-CRATES\"").expect("the file is made");
    let packed =
        build.find("scripts/archive \"$folder\" \"$name\" \"$program\" \"$made/LICENSES-OF-CRATES\"");
    assert!(made < packed.expect("the file is packed"));
}

#[test]
fn licences_advisories_and_sources_are_checked_in_ci() {
    assert!(text(".github/workflows/ci.yml").contains("- run: cargo deny check\n"));
}
