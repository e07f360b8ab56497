//! The images that a repository's files pull: Dockerfiles, Compose files, Kubernetes manifests, GitHub workflows and actions.
//!
//! What a file is follows from its name for Dockerfiles, and from what is in it for YAML. Files that `.gitignore` leaves out
//! are left out; what cannot be read is reported, and does not stop the rest.

mod compose;
mod dockerfile;
mod dockerfile_lines;
mod finds;
mod kubernetes;
mod matrix;
mod variables;
mod walk;
mod workflow;
mod yaml;

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Context, Row};
use crate::yaml::{Document, Error, Flaw};
use finds::{At, Finds, Found, Login, Skip};
use yaml::Value;

/// The largest file that is read, in bytes. Nobody writes a larger one of these kinds by hand.
pub const MAX_FILE: u64 = 4 * 1024 * 1024;

/// What YAML that names an image has somewhere in it.
const TRACES: [&str; 5] = ["image", "container:", "docker://", "dockerfile_inline", "services:"];

/// What a scan of files has found, sorted by file and position.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scan {
    /// The images, in the order of files and lines.
    pub images: Vec<ImageRow>,
    /// What could not be read, and why.
    pub skipped: Vec<Skipped>,
    /// How many files were read.
    pub files: usize,
}

/// An image name in a file, and what it means. Serialised, it is a line of `regcred image --scan --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImageRow {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The instruction or key that holds the name.
    pub place: String,
    /// What the name means.
    #[serde(flatten)]
    pub row: Row,
    /// Why it would be pulled without a credential; nothing if the file gives a login of its own.
    pub anonymous: Option<String>,
    /// The name of the same image that a credential is for.
    pub instead: Option<String>,
}

/// Something that was left out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Skipped {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1, if it is about one.
    pub line: Option<usize>,
    /// Why.
    pub reason: String,
}

/// Why nothing was scanned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no such file or folder: {}", listed(.0))]
pub struct ScanError(pub Vec<PathBuf>);

/// Scans files and folders.
///
/// # Errors
/// [`ScanError`] with every path that does not exist.
pub fn scan(paths: &[PathBuf], context: &Context) -> Result<Scan, ScanError> {
    let missing: Vec<PathBuf> = paths.iter().filter(|path| !path.exists()).cloned().collect();
    if !missing.is_empty() {
        return Err(ScanError(missing));
    }
    let mut scan = Scan::default();
    for (file, finds) in walk::read_all(paths) {
        scan.add(&file, finds, context);
    }
    Ok(scan)
}

/// Scans one file's text; what kind of file it is follows from its name.
pub fn scan_text(file: &Path, text: &str, context: &Context) -> Scan {
    let mut scan = Scan::default();
    if let Some(kind) = FileKind::of(file) {
        scan.add(file, kind.read(text), context);
    }
    scan
}

impl Scan {
    fn add(&mut self, file: &Path, finds: Finds, context: &Context) {
        let Finds { found, skipped } = finds;
        self.files += 1;
        self.images.extend(found.into_iter().map(|found| ImageRow::new(file, found, context)));
        self.skipped.extend(skipped.into_iter().map(|skip| Skipped::new(file, skip)));
    }

    /// The images that would be pulled without a credential.
    pub fn anonymous(&self) -> impl Iterator<Item = &ImageRow> {
        self.images.iter().filter(|image| image.row.is_anonymous())
    }

    /// The names that are not valid.
    pub fn invalid(&self) -> impl Iterator<Item = &ImageRow> {
        self.images.iter().filter(|image| image.row.error.is_some())
    }
}

impl ImageRow {
    fn new(file: &Path, found: Found, context: &Context) -> Self {
        let Found { at: At { line, column }, place, image, login } = found;
        let row = Row::new(&image.name, context).with_version(&image.version);
        let row = if row.error.is_none() { pulled_with(row, login) } else { row };
        let (anonymous, instead) = (row.anonymous_why.clone(), row.instead.clone());
        Self { file: file.to_owned(), line, column, place, row, anonymous, instead }
    }
}

/// What a file says about the login goes before what the configuration has.
fn pulled_with(row: Row, login: Login) -> Row {
    match login {
        Login::Unsaid => row,
        Login::Given => Row { anonymous_why: None, instead: None, ..row },
        // Without a credential there is nothing that the file could be given.
        Login::Missing { .. } if row.credential.is_none() => row,
        Login::Missing { why, hint } => {
            let (anonymous_why, hint) = (Some(why.to_owned()), Some(hint.to_owned()));
            Row { credential: None, anonymous_why, hint, ..row }
        }
    }
}

impl Skipped {
    fn new(file: &Path, skip: Skip) -> Self {
        Self { file: file.to_owned(), line: skip.at.map(|at| at.line), reason: skip.reason }
    }
}

/// The kinds of files that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FileKind {
    Dockerfile,
    Yaml,
}

impl FileKind {
    /// The kind that a file's name says it is.
    fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        let named = |base: &str| {
            name == base || name.starts_with(&format!("{base}.")) || name.ends_with(&format!(".{base}"))
        };
        // `Dockerfile.dockerignore` is a list of files.
        let ignore = name.ends_with(".dockerignore") || name.ends_with(".md");
        if (named("dockerfile") || named("containerfile")) && !ignore {
            Some(Self::Dockerfile)
        } else if name.ends_with(".yml") || name.ends_with(".yaml") {
            Some(Self::Yaml)
        } else {
            None
        }
    }

    /// Reads a file's text, in the order of its lines.
    fn read(self, text: &str) -> Finds {
        let mut finds = match self {
            Self::Dockerfile => dockerfile::read(text),
            Self::Yaml if TRACES.iter().any(|trace| text.contains(trace)) => read_yaml(text),
            Self::Yaml => Finds::default(),
        };
        finds.sort();
        finds
    }
}

fn read_yaml(text: &str) -> Finds {
    let mut finds = Finds::default();
    for document in crate::yaml::documents(text) {
        match document {
            Ok(document) => read_document(&document, &mut finds),
            Err(Error { at, reason }) if is_template(text) => {
                finds.skip(at, format!("it is a template: what it makes can be scanned ({reason})"));
            }
            Err(Error { at, reason }) => finds.skip(at, format!("it is not YAML: {reason}")),
        }
    }
    finds
}

/// Whether a text has a template's marks, other than the expressions of a workflow.
fn is_template(text: &str) -> bool {
    let marks = ["{%", "<%"].iter().any(|mark| text.contains(mark));
    marks || text.match_indices("{{").any(|(index, _)| !text[..index].ends_with('$'))
}

fn read_document(document: &Document, finds: &mut Finds) {
    let root = Value(&document.root);
    let read = if workflow::is_workflow(root) {
        workflow::read
    } else if workflow::is_action(root) {
        workflow::read_action
    } else if kubernetes::is_manifest(root) {
        // kubectl takes the last of two equal keys.
        return kubernetes::read(root, finds);
    } else if compose::is_compose(root) {
        compose::read
    } else {
        return;
    };
    match document.flaws.iter().find(|flaw| matches!(flaw, Flaw::Duplicate { .. })) {
        Some(flaw) => finds.skip(flaw.at(), format!("it cannot be used: {flaw}")),
        None => read(root, finds),
    }
}

fn listed(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}
