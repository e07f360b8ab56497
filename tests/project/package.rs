//! What is published: the package without the weight of the tests, and an address that nobody invented.

use std::process::Command;

use crate::pages::{pages, read, root};

/// The files of the package.
fn packaged() -> Vec<String> {
    let list = Command::new(env!("CARGO"))
        .args(["package", "-p", "regcred", "--list", "--allow-dirty", "--offline"])
        .current_dir(root(""))
        .output()
        .expect("cargo runs");
    assert!(list.status.success(), "{}", String::from_utf8_lossy(&list.stderr));
    String::from_utf8(list.stdout).unwrap().lines().map(|path| path.replace('\\', "/")).collect()
}

#[test]
fn the_package_holds_what_the_program_is_built_from_and_no_tests() {
    let packaged = packaged();
    let own = ["Cargo.toml", "Cargo.toml.orig", "Cargo.lock", ".cargo_vcs_info.json", "build.rs"];
    let words = ["README.md", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT", "regcred.schema.json"];
    let known = |path: &str| {
        path.starts_with("src/")
            || own.contains(&path)
            || words.contains(&path)
            || path == "docs/permissions.md"
    };
    let other: Vec<&String> = packaged.iter().filter(|path| !known(path)).collect();
    assert!(other.is_empty(), "{other:?}");
    for needed in own[..3].iter().chain(&words).chain(&["src/main.rs", "build.rs", "docs/permissions.md"]) {
        assert!(packaged.iter().any(|path| path == needed), "the package lacks {needed}");
    }
    assert!(packaged.len() < 400, "{} files", packaged.len());
}

#[test]
fn the_package_holds_every_file_that_the_program_takes_text_from() {
    let packaged = packaged();
    let mut count = 0;
    for path in packaged.iter().filter(|path| path.ends_with(".rs")) {
        let source = read(path);
        let program = source.split("#[cfg(test)]").next().unwrap();
        for rest in program.split("include_str!(\"").skip(1) {
            let file = rest.split('"').next().unwrap().trim_start_matches("../");
            assert!(packaged.iter().any(|path| path.ends_with(file)), "{path} takes {file}");
            count += 1;
        }
    }
    assert!(count > 1, "{count} files");
}

#[test]
fn the_project_has_no_address_but_the_one_that_the_release_fills_in() {
    let files = ["Cargo.toml", "docs/book.toml", "src/lib.rs", "about.hbs"].map(str::to_owned);
    let mut count = 0;
    for path in pages().into_iter().chain(files) {
        let text = read(&path);
        let owners = ["github.com/", "uses: ", "repository: ", "--repo "].into_iter().flat_map(|before| {
            let after = text.split(before).skip(1).filter_map(|rest| rest.split_once("/regcred"));
            after.map(|(owner, _)| owner).filter(|owner| !owner.contains(['/', ' ', '\n']))
        });
        for owner in owners {
            assert_eq!(owner, "OWNER", "{path}: an address that nobody has");
            count += 1;
        }
    }
    assert!(count >= 5, "only {count} addresses were found");
    assert!(read("Cargo.toml").contains("repository = \"https://github.com/OWNER/regcred\"\n"));
    let release = read(".github/workflows/release.yml");
    let filled =
        release.find("run: scripts/address \"$GITHUB_REPOSITORY\"").expect("the release fills it in");
    assert!(filled < release.find("run: scripts/release-build").unwrap());
    assert!(filled < release.find("scripts/release --finish").unwrap());
}

#[test]
fn the_address_is_put_wherever_it_is_missing_and_nothing_else_is_changed() {
    let dir = tempfile::TempDir::new().unwrap();
    const IMAGE: &str = "deploy/kubernetes/base/kustomization.yaml";
    let texts = ["Cargo.toml", "docs/github-actions.md", "docs/faq.md", "scripts/install", IMAGE];
    for path in texts.into_iter().chain(["scripts/address"]) {
        std::fs::create_dir_all(dir.path().join(path).parent().unwrap()).unwrap();
        std::fs::copy(root(path), dir.path().join(path)).unwrap();
    }
    let program = dir.path().join("scripts/address");
    let put = |address: &str| Command::new(&program).arg(address).output().unwrap().status;
    for wrong in ["", "acme", "acme/", "https://github.com/acme/tool", "acme/tool|x", "a b/c"] {
        assert_eq!(put(wrong).code(), Some(2), "{wrong}");
    }
    assert!(put("Acme/tool").success());
    for path in texts {
        let now = std::fs::read_to_string(dir.path().join(path)).unwrap();
        // The name of an image has no capitals.
        let wanted = read(path).replace("ghcr.io/OWNER/regcred", "ghcr.io/acme/tool");
        assert_eq!(now, wanted.replace("OWNER/regcred", "Acme/tool"), "{path}");
    }
}
