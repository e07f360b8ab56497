//! The files of a repository, read in parallel, in an order that does not depend on it.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use ignore::{DirEntry, WalkBuilder, WalkState};

use super::finds::Finds;
use super::links::{Files, beside};
use super::names::FileKind;
use super::{MAX_FILE, Request, environment, tracked};
use crate::env::Env;
use crate::files;

/// What a walk has come to.
#[derive(Default)]
pub(super) struct Walked {
    pub(super) files: Files,
    /// How many of them were read.
    pub(super) read: usize,
}

/// Reads every file of a kind that is known, under the paths or named by them.
///
/// Hidden files are read, since workflows are; Git's own are not, nor what the repository's `.gitignore` leaves out and git
/// does not have. What the machine's own Git settings leave out is read: the result is the same everywhere.
pub(super) fn read_all(request: &Request, env: &Env) -> Walked {
    let walked = Mutex::new(Walked::default());
    for path in &request.paths {
        let is_in_repository = tracked::is_in_repository(path);
        walk(path, is_in_repository, |entry| {
            if let Some((path, finds)) = visit(entry, request) {
                add(&walked, path, finds);
            }
        });
        if is_in_repository && path.is_dir() {
            tracked_too(path, request, env, &walked);
        }
    }
    let mut walked = walked.into_inner().unwrap_or_default();
    read_included(&mut walked.files, request);
    walked
}

/// Reads Compose files that others include again, with the variables of those.
fn read_included(files: &mut Files, request: &Request) {
    let included = files.iter().flat_map(|(file, finds)| {
        finds.includes.iter().map(|path| (beside(file, path), file.clone())).collect::<Vec<_>>()
    });
    for (path, by) in included.collect::<BTreeMap<_, _>>() {
        let folders = [path.parent(), by.parent()].map(|folder| folder.unwrap_or(Path::new("")));
        if files.contains_key(&path) && folders[0] != folders[1] {
            let (_, finds) = read_within(&path, FileKind::Yaml, &folders, request);
            files.insert(path, finds);
        }
    }
}

/// Whether a file was read, and what was found in it.
type Visit = (bool, Finds);

/// A poisoned lock means that another thread has panicked, and this run with it.
fn add(walked: &Mutex<Walked>, path: PathBuf, (is_read, finds): Visit) {
    if let Ok(mut walked) = walked.lock() {
        let path = path.strip_prefix("./").map(Path::to_owned).unwrap_or(path);
        if walked.files.insert(path, finds).is_none() {
            walked.read += usize::from(is_read);
        }
    }
}

/// Rules end at the root of a repository; without one, only those of the folder count.
fn walk(path: &Path, is_in_repository: bool, visit: impl Fn(Result<DirEntry, ignore::Error>) + Sync) {
    let mut walk = WalkBuilder::new(path);
    walk.hidden(false)
        .require_git(is_in_repository)
        .parents(is_in_repository)
        .git_global(false)
        .ignore(false)
        .filter_entry(|entry| entry.file_name() != ".git");
    walk.build_parallel().run(|| {
        Box::new(|entry| {
            visit(entry);
            WalkState::Continue
        })
    });
}

fn tracked_too(folder: &Path, request: &Request, env: &Env, walked: &Mutex<Walked>) {
    match tracked::in_spite_of_rules(folder, env) {
        Ok(paths) => {
            for path in paths.into_iter().filter(|path| path.is_file() && !path.is_symlink()) {
                if let Some(kind) = FileKind::of(&path) {
                    let visit = read_file(&path, kind, request);
                    add(walked, path, visit);
                }
            }
        }
        Err(why) => {
            let why = format!("files that git has in spite of `.gitignore` are not known: {why}");
            add(walked, folder.to_owned(), skipped(&why));
        }
    }
}

fn visit(entry: Result<DirEntry, ignore::Error>, request: &Request) -> Option<(PathBuf, Visit)> {
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
    let visit = match FileKind::of(entry.path()) {
        Some(kind) => read_file(entry.path(), kind, request),
        None if named => skipped("its name is not that of a Dockerfile or of YAML"),
        None => return None,
    };
    Some((entry.path().to_owned(), visit))
}

fn read_file(path: &Path, kind: FileKind, request: &Request) -> Visit {
    let folder = path.parent().unwrap_or(Path::new(""));
    read_within(path, kind, &[folder], request)
}

fn read_within(path: &Path, kind: FileKind, folders: &[&Path], request: &Request) -> Visit {
    match read_text(path) {
        Ok(text) => (true, super::read(kind, &text, &|| environment::of_compose(folders, request))),
        Err(reason) => skipped(&reason),
    }
}

pub(super) fn read_text(path: &Path) -> Result<String, String> {
    let text = files::text_within(path, MAX_FILE).map_err(|error| match error.kind() {
        // What it is, and nothing of the system's.
        ErrorKind::FileTooLarge | ErrorKind::InvalidData | ErrorKind::InvalidInput => error.to_string(),
        _ => format!("it cannot be read: {error}"),
    })?;
    Ok(text.to_string())
}

fn skipped(reason: &str) -> Visit {
    let mut finds = Finds::default();
    finds.skip_rest(reason);
    (false, finds)
}

/// A folder that cannot be read is a finding, under its own path.
fn unreadable(error: &ignore::Error) -> Option<(PathBuf, Visit)> {
    match error {
        ignore::Error::WithPath { path, err } => {
            Some((path.clone(), skipped(&format!("it cannot be read: {err}"))))
        }
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => unreadable(err),
        _ => None,
    }
}
