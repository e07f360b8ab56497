//! What git has in a repository although a rule leaves it out.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::env::Env;

/// git reads an index and some rules.
const LIMIT: Duration = Duration::from_secs(30);

/// Only names are asked for: no program of the repository's configuration runs, and it does not matter whose the folder is.
const COMMAND: [&str; 12] = [
    "git",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.excludesFile=",
    "-c",
    "safe.directory=*",
    "ls-files",
    "-z",
    "--cached",
    "--ignored",
    "--exclude-standard",
];

/// Whether a folder is in a repository, whose root ends the rules.
pub(super) fn is_in_repository(folder: &Path) -> bool {
    let Ok(folder) = folder.canonicalize() else { return false };
    folder.ancestors().any(|folder| folder.join(".git").exists())
}

/// The files of a folder that git has in spite of a rule.
///
/// # Errors
/// Why git does not say.
pub(super) fn in_spite_of_rules(folder: &Path, env: &Env) -> Result<Vec<PathBuf>, String> {
    // A hook's variables are about its own repository.
    let git = env.known_program(&COMMAND, &[]).within(folder).quiet().for_at_most(LIMIT);
    let output = match git.run_now() {
        Some(Ok(output)) if output.code == Some(0) => output,
        Some(Ok(output)) => return Err(git.failed(&output).to_string()),
        Some(Err(error)) => return Err(error.to_string()),
        None => return Err("git cannot be run".to_owned()),
    };
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.split('\0').filter(|name| !name.is_empty()).map(|name| folder.join(name)).collect())
}
