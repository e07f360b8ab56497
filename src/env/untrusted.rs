//! A repository that nobody has reviewed (`--untrusted`): which files it may have a run read, and where those of the
//! branch that was reviewed are.

use std::path::{Path, PathBuf};

use crate::model::Problem;

/// What to do about anything that is refused.
const HINT: &str = "have it reviewed, and plan it where it is merged: regcred plan";

/// The repository of a run that does not trust it.
#[derive(Clone, Debug)]
pub(crate) struct Untrusted {
    /// The repository's folder, all links followed.
    root: PathBuf,
    /// The folder of its configuration, as paths of its files begin.
    here: PathBuf,
    /// The configuration of the branch that was reviewed.
    trusted: Option<PathBuf>,
}

impl Untrusted {
    /// The repository of the folder `dir`: it and what is above it, up to where git keeps it.
    pub(crate) fn new(dir: &Path, here: PathBuf, trusted: Option<PathBuf>) -> Self {
        let dir = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
        let root = dir.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(&dir).to_owned();
        Self { root, here, trusted }
    }

    /// Whether a file is in the repository, all links followed.
    pub(crate) fn holds(&self, path: &Path) -> bool {
        path.canonicalize().is_ok_and(|path| path.starts_with(&self.root))
    }

    /// Refuses a file that the repository has a run read and that is not its own. One that is not there cannot be read.
    pub(crate) fn check(&self, path: &Path) -> Result<(), Problem> {
        let Ok(real) = path.canonicalize() else { return Ok(()) };
        match real.strip_prefix(&self.root) {
            Ok(below) if !below.starts_with(".git") => Ok(()),
            _ => Err(Self::refused("is outside the repository").at(crate::model::Place::file(path))),
        }
    }

    /// The same file or folder of the branch that was reviewed.
    pub(crate) fn counterpart(&self, path: &Path) -> Option<PathBuf> {
        Some(self.trusted()?.parent()?.join(path.strip_prefix(&self.here).ok()?))
    }

    /// The configuration of the branch that was reviewed.
    pub(crate) fn trusted(&self) -> Option<&Path> {
        self.trusted.as_deref()
    }

    /// The repository may not have a run do this.
    pub(crate) fn refused(what: impl Into<String>) -> Problem {
        let what = what.into();
        Problem::outside(format!("{what}, and the repository is not trusted")).hint(HINT).untrusted(true)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_what_is_in_the_repository_after_every_link_is_its_own() {
        let dir = tempfile::tempdir().expect("a folder");
        let root = dir.path().join("repo");
        std::fs::create_dir_all(root.join("infra")).expect("a folder");
        std::fs::create_dir_all(root.join(".git")).expect("a folder");
        for file in ["outside", "repo/token", "repo/.git/config"] {
            std::fs::write(dir.path().join(file), "x").expect("a file");
        }
        symlink(dir.path().join("outside"), root.join("link")).expect("a link");
        symlink(dir.path(), root.join("infra/up")).expect("a link");
        symlink("token", root.join("own")).expect("a link");
        let untrusted = Untrusted::new(&root.join("infra"), root.join("infra"), None);
        for own in ["token", "own", "infra/../token", "nowhere"] {
            assert!(untrusted.check(&root.join(own)).is_ok(), "{own}");
        }
        for foreign in ["link", "infra/up/outside", "../outside", ".git/config", "infra/../.git/config"] {
            let problem = untrusted.check(&root.join(foreign)).expect_err(foreign);
            assert!(problem.message.contains("outside the repository"), "{foreign}");
        }
    }
}
