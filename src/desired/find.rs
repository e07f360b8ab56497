//! Which file is the configuration, where none is named: the folder's own, else that of a folder above it, as git finds a
//! repository.

use std::path::{Path, PathBuf};

use super::{DEFAULT_FILE, Request};
use crate::env::Env;
use crate::files;
use crate::model::{Place, Problem};

/// The variable that names it.
const VARIABLE: &str = "REGCRED_FILE";

impl Request {
    /// The same with the file that is meant. People are told of one that they did not name in the command.
    ///
    /// # Errors
    /// A folder above has one that somebody else could have put there.
    pub fn found(self, env: &Env, dir: &Path) -> Result<Self, Problem> {
        if self.file.is_some() {
            return Ok(self);
        }
        let found = match named(env) {
            Some(file) => Some((file, VARIABLE)),
            None => above(env, dir)?.map(|file| (file, "a folder above")),
        };
        let Some((file, whose)) = found else { return Ok(self) };
        let note = format!("the configuration is {} ({whose})", file.display());
        Ok(Self { file: Some(file), note: Some(note), ..self })
    }
}

/// The file that `REGCRED_FILE` names.
#[must_use]
pub fn named(env: &Env) -> Option<PathBuf> {
    env.filled(VARIABLE).map(PathBuf::from)
}

/// The file of the nearest folder above `dir` that has one, up to where git keeps the repository, or home; nothing if `dir`
/// has its own, or is in neither.
fn above(env: &Env, dir: &Path) -> Result<Option<PathBuf>, Problem> {
    let home = env.home();
    let is_last = |folder: &Path| folder.join(".git").exists() || Some(folder) == home.as_deref();
    if !dir.ancestors().any(is_last) {
        return Ok(None);
    }
    let mut up = PathBuf::new();
    for folder in dir.ancestors() {
        let file = folder.join(DEFAULT_FILE);
        if files::is_taken(&file) {
            return if folder == dir { Ok(None) } else { ours(&file, up.join(DEFAULT_FILE)).map(Some) };
        }
        misnamed(folder, &up)?;
        if is_last(folder) {
            break;
        }
        up.push("..");
    }
    Ok(None)
}

/// Refuses a file that is called as people may expect: it is not read, and without it more would be written than it declares.
/// `shown` is the folder as people see it.
pub(super) fn misnamed(folder: &Path, shown: &Path) -> Result<(), Problem> {
    const OTHERS: [&str; 4] = ["regcred.yml", "regcred.yaml", "regcred.json", "regcred.toml"];
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let is_other = |name: &String| {
        let plain = name.trim_start_matches('.').to_ascii_lowercase();
        name != DEFAULT_FILE && OTHERS.contains(&plain.as_str())
    };
    let Some(name) = names.filter(is_other).min() else { return Ok(()) };
    let message = format!("is not read: the file is called {DEFAULT_FILE}");
    let [from, to] = [name.as_str(), DEFAULT_FILE].map(|name| shown.join(name));
    let hint = format!("mv {} {}", from.display(), to.display());
    Err(Problem::input(message).at(Place::file(from)).hint(hint))
}

/// The file, if nobody but this user and the system's administrator can have written what it says: it decides which programs
/// are started, and where a credential goes.
#[cfg(unix)]
fn ours(file: &Path, shown: PathBuf) -> Result<PathBuf, Problem> {
    use std::os::unix::fs::MetadataExt;
    const ROOT: u32 = 0;
    const OTHERS_WRITE: u32 = 0o002;
    let problem = |why: String| {
        let name = shown.to_string_lossy();
        let name = shlex::try_quote(&name).unwrap_or("FILE".into());
        let hint = format!("if it is meant: regcred plan --file {name}");
        Problem::input(format!("is the nearest {DEFAULT_FILE}, and {why}")).at(Place::file(&shown)).hint(hint)
    };
    let found = file.metadata().map_err(|error| problem(format!("cannot be read: {error}")))?;
    let me = rustix::process::geteuid().as_raw();
    if ![me, ROOT].contains(&found.uid()) {
        return Err(problem(format!("belongs to another user (uid {})", found.uid())));
    }
    if found.mode() & OTHERS_WRITE != 0 {
        return Err(
            problem("everybody may write to it".to_owned()).hint(format!("chmod o-w {}", shown.display()))
        );
    }
    Ok(shown)
}

/// Where files have no such owner, every file of a folder above is taken.
#[cfg(not(unix))]
fn ours(_: &Path, shown: PathBuf) -> Result<PathBuf, Problem> {
    Ok(shown)
}
