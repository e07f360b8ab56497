//! The files of a repository, read in parallel, in an order that does not depend on it.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use ignore::{DirEntry, WalkBuilder, WalkState};

use super::finds::Finds;
use super::{FileKind, MAX_FILE};

/// Reads every file of a kind that is known, under the paths or named by them.
///
/// Hidden files are read, since workflows are; Git's own are not, nor what the repository's `.gitignore` leaves out. What
/// the machine's own Git settings leave out is read: the result is the same everywhere.
pub(super) fn read_all(paths: &[PathBuf]) -> BTreeMap<PathBuf, Finds> {
    let results = Mutex::new(BTreeMap::new());
    let mut names = paths.iter();
    let Some(first) = names.next() else { return BTreeMap::new() };
    let mut walk = WalkBuilder::new(first);
    for path in names {
        walk.add(path);
    }
    walk.hidden(false)
        .require_git(false)
        .git_global(false)
        .ignore(false)
        .filter_entry(|entry| entry.file_name() != ".git");
    walk.build_parallel().run(|| {
        Box::new(|entry| {
            if let Some((path, finds)) = visit(entry) {
                // A poisoned lock means that another thread has panicked, and this run with it.
                if let Ok(mut results) = results.lock() {
                    results.insert(path, finds);
                }
            }
            WalkState::Continue
        })
    });
    results.into_inner().unwrap_or_default()
}

fn visit(entry: Result<DirEntry, ignore::Error>) -> Option<(PathBuf, Finds)> {
    let entry = match entry {
        Ok(entry) => entry,
        Err(error) => return unreadable(&error),
    };
    let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
    // A path that the user named is followed, if it is a link.
    let named = entry.depth() == 0 && entry.path().is_file();
    if !is_file && !named {
        return None;
    }
    let finds = match FileKind::of(entry.path()) {
        Some(kind) => read_file(entry.path(), kind),
        None if named => skipped("by its name it is no Dockerfile and no YAML"),
        None => return None,
    };
    let path = entry.path();
    Some((path.strip_prefix("./").unwrap_or(path).to_owned(), finds))
}

fn read_file(path: &Path, kind: FileKind) -> Finds {
    match read_text(path) {
        Ok(text) => kind.read(&text),
        Err(reason) => skipped(&reason),
    }
}

fn read_text(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(|error| format!("it cannot be read: {error}"))?;
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(|error| format!("it cannot be read: {error}"))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(format!("it is larger than {} MiB", MAX_FILE / 1024 / 1024));
    }
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8".into())
}

fn skipped(reason: &str) -> Finds {
    let mut finds = Finds::default();
    finds.skip_rest(reason);
    finds
}

/// A folder that cannot be read is a finding, under its own path.
fn unreadable(error: &ignore::Error) -> Option<(PathBuf, Finds)> {
    match error {
        ignore::Error::WithPath { path, err } => {
            Some((path.clone(), skipped(&format!("it cannot be read: {err}"))))
        }
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => unreadable(err),
        _ => None,
    }
}
