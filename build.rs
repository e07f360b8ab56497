//! Which commit this is, for `regcred --version`: of a package without its repository, only the version is known.

use std::process::Command;

fn main() {
    let git = |args: &[&str]| {
        let output = Command::new("git").args(args).output().ok().filter(|output| output.status.success())?;
        Some(String::from_utf8(output.stdout).ok()?.trim().to_owned()).filter(|text| !text.is_empty())
    };
    // A package that lies in somebody's repository is not a commit of theirs.
    let is_ours = git(&["ls-files", "--error-unmatch", "build.rs"]).is_some();
    let version = env!("CARGO_PKG_VERSION");
    let commit = git(&["log", "-1", "--format=%h %cs", "--abbrev=9"]).filter(|_| is_ours);
    let version = commit.map_or_else(|| version.to_owned(), |commit| format!("{version} ({commit})"));
    println!("cargo::rustc-env=REGCRED_VERSION={version}");
    println!("cargo::rerun-if-changed=build.rs");
    for path in ["HEAD", "logs/HEAD"] {
        if let Some(path) = git(&["rev-parse", "--git-path", path]).filter(|_| is_ours) {
            println!("cargo::rerun-if-changed={path}");
        }
    }
}
