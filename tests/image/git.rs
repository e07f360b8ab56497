//! Which files count is git's view.

use std::fs;
use std::path::Path;
use std::process::Command;

use regcred::env::Env;
use regcred::image::scan::{Request, Scan, scan};

use crate::context;

fn write(root: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

fn git(root: &Path, arguments: &[&str]) {
    let quiet = Command::new("git").args(arguments).current_dir(root).output().unwrap();
    assert!(quiet.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&quiet.stderr));
}

fn scanned(root: &Path) -> Scan {
    let env: Env = [("PATH".to_owned(), "/usr/bin:/bin".to_owned())].into_iter().collect();
    let request = Request { paths: vec![root.to_owned()], ..Request::default() };
    scan(&request, &env, &context()).unwrap()
}

fn images(scan: &Scan) -> Vec<&str> {
    scan.images.iter().map(|image| image.row.input.as_str()).collect()
}

#[test]
fn rules_end_at_the_root_of_a_repository() {
    let folder = tempfile::tempdir().unwrap();
    let repository = folder.path().join("work/repository");
    write(folder.path(), &[(".gitignore", "*\n"), ("work/repository/sub/Dockerfile", "FROM kept")]);
    git(&repository, &["init", "-q"]);
    assert_eq!(images(&scanned(&repository)), ["kept"]);
    assert_eq!(images(&scanned(&repository.join("sub"))), ["kept"]);
    fs::remove_dir_all(repository.join(".git")).unwrap();
    assert_eq!(images(&scanned(&repository)), ["kept"], "without a repository there is nobody's rule above");
}

#[test]
fn what_git_has_in_spite_of_a_rule_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let files = [
        (".gitignore", "build/\n*.local.yaml\n"),
        ("build/Dockerfile", "FROM tracked"),
        ("build/Dockerfile.other", "FROM left-out"),
        ("a.local.yaml", "services: { a: { image: left-out } }"),
        ("sub/b.local.yaml", "services: { b: { image: tracked-too } }"),
    ];
    write(root, &files);
    git(root, &["init", "-q"]);
    git(root, &["add", "-f", "build/Dockerfile", "sub/b.local.yaml"]);
    let scan = scanned(root);
    assert_eq!((images(&scan), scan.skipped.len(), scan.files), (vec!["tracked", "tracked-too"], 0, 2));
    assert_eq!(images(&scanned(&root.join("sub"))), ["tracked-too"]);
    fs::remove_file(root.join("build/Dockerfile")).unwrap();
    assert_eq!(images(&scanned(root)), ["tracked-too"], "a file that is gone is no file");
}

#[test]
fn a_repository_that_git_does_not_read_is_told() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[(".git/HEAD", "nothing"), ("Dockerfile", "FROM kept")]);
    let scan = scanned(folder.path());
    assert_eq!(images(&scan), ["kept"]);
    let start = "files that git has in spite of `.gitignore` are not known: `git`";
    assert!(scan.skipped[0].reason.starts_with(start), "{:?}", scan.skipped);
}
