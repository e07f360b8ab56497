//! Whether a file is in git as it stands: what the next run on another machine gets.

use std::path::Path;
use std::time::Duration;

use crate::env::Env;

/// git reads its own files.
const LIMIT: Duration = Duration::from_secs(10);
/// What says where git finds a repository and its configuration.
const NEEDS: &[&str] = &["GIT_CEILING_DIRECTORIES", "GIT_CONFIG*", "GIT_DIR", "GIT_WORK_TREE"];

/// How git has a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Not at all: no repository, or a file that it leaves out.
    Outside,
    /// As it stands.
    Committed,
    /// Otherwise than it stands.
    Changed,
    /// git does not say: it is not there, or refuses a folder of another user's.
    Unknown,
}

/// How git has this file.
pub(super) async fn state(file: &Path, env: &Env) -> State {
    let (Some(dir), Some(name)) = (file.parent(), file.file_name().and_then(|name| name.to_str())) else {
        return State::Outside;
    };
    let asked = async |words: &[&str]| {
        let argv = [&["git"], words, &["--", name]].concat();
        let git = env.known_program(&argv, NEEDS).within(dir).quiet().for_at_most(LIMIT);
        git.run().await.ok().and_then(|output| output.code)
    };
    match asked(&["ls-files", "--error-unmatch"]).await {
        Some(0) if asked(&["diff", "--quiet", "HEAD"]).await == Some(0) => State::Committed,
        Some(0) => State::Changed,
        Some(1) => State::Outside,
        _ if is_in_a_repository(dir, env) => State::Unknown,
        _ => State::Outside,
    }
}

/// Whether there is a repository that git could have found.
fn is_in_a_repository(dir: &Path, env: &Env) -> bool {
    let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    env.filled("GIT_DIR").is_some() || dir.ancestors().any(|folder| folder.join(".git").exists())
}
