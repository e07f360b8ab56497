//! The images that a repository's files pull: Dockerfiles, Compose files, Kubernetes manifests, GitHub workflows and actions.
//!
//! What a file is follows from its name for Dockerfiles, and from what is in it for YAML. The files are those that git would
//! take into the repository, and has; what cannot be read is reported, and does not stop the rest.

mod builds;
mod compose;
mod dockerfile;
mod dockerfile_lines;
mod environment;
mod finds;
mod kubernetes;
mod kustomize;
mod links;
mod matrix;
mod names;
mod patches;
mod templates;
mod tracked;
mod variables;
mod walk;
mod workflow;
mod yaml;

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Context, Row};
use crate::env::Env;
use crate::model::Reference;
use crate::yaml::{Document, Error, Flaw};
use finds::{At, Finds, Found, Login, Skip};
use names::FileKind;
use variables::Variables;
use yaml::Value;

/// The largest file that is read, in bytes. Nobody writes a larger one of these kinds by hand.
pub const MAX_FILE: u64 = 4 * 1024 * 1024;

/// What YAML that names an image has somewhere in it.
const TRACES: [&str; 6] = ["mage", "container:", "docker://", "dockerfile_inline", "services:", "package:"];

/// What a scan of files has found, sorted by file and position.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scan {
    /// The images, in the order of files and lines.
    pub images: Vec<ImageRow>,
    /// What could not be read, and why.
    pub skipped: Vec<Skipped>,
    /// How many files of the kinds that are known were read.
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
    /// Why Daytona builds with it anonymously, although its registry list has the credential, and what to write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub daytona: Option<String>,
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

/// What to scan.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Files and folders.
    pub paths: Vec<PathBuf>,
    /// The files whose variables Compose files get, as with `docker compose --env-file`; none: `.env` beside each.
    pub env_files: Vec<PathBuf>,
}

/// Scans files and folders.
///
/// # Errors
/// [`ScanError`] with every path that does not exist.
pub fn scan(request: &Request, env: &Env, context: &Context) -> Result<Scan, ScanError> {
    let named = request.paths.iter().chain(&request.env_files);
    let missing: Vec<PathBuf> = named.filter(|path| !path.exists()).cloned().collect();
    if !missing.is_empty() {
        return Err(ScanError(missing));
    }
    let mut walked = walk::read_all(request, env);
    links::follow(&mut walked.files);
    let mut scan = Scan { files: walked.read, ..Scan::default() };
    for (file, finds) in walked.files {
        scan.add(&file, finds, context);
    }
    Ok(scan)
}

/// Scans one file's text by itself; what kind of file it is follows from its name.
pub fn scan_text(file: &Path, text: &str, context: &Context) -> Scan {
    let mut files = links::Files::new();
    let finds = FileKind::of(file).map(|kind| read(kind, text, &Variables::of_compose));
    files.extend(finds.map(|finds| (file.to_owned(), finds)));
    links::follow(&mut files);
    let mut scan = Scan { files: files.len(), ..Scan::default() };
    files.into_iter().for_each(|(file, finds)| scan.add(&file, finds, context));
    scan
}

impl Scan {
    fn add(&mut self, file: &Path, finds: Finds, context: &Context) {
        let Finds { found, skipped, unlisted, .. } = finds;
        let row = |found| ImageRow::new(file, found, context).built(unlisted, context);
        self.images.extend(found.into_iter().map(row));
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
        let row = match login {
            Login::Kubelet => pulled_by_kubelet(row, &image.name, context),
            _ if row.error.is_none() => pulled_with(row, login),
            _ => row,
        };
        let (anonymous, instead) = (row.anonymous_why.clone(), row.instead.clone());
        Self { file: file.to_owned(), line, column, place, row, anonymous, instead, daytona: None }
    }

    /// The row of an image in a Dockerfile that Daytona builds without its registry list, if it is `unlisted`.
    fn built(self, unlisted: bool, context: &Context) -> Self {
        let credential = self.row.credential.as_ref();
        if !unlisted || !credential.is_some_and(|id| context.in_daytona.contains(id)) {
            return self;
        }
        let full = Reference::parse(&self.row.input).ok().filter(|_| self.place == "FROM");
        let write = full.map_or("a FROM with its registry".to_owned(), |full| format!("FROM {full}"));
        let why = "Daytona builds it without any login, as no FROM of the file has a `/`";
        Self { daytona: Some(format!("{why}: write {write}")), ..self }
    }
}

/// The kubelet has a rule of its own for hosts that are not Docker Hub, and have neither a dot nor a port.
fn pulled_by_kubelet(row: Row, name: &str, context: &Context) -> Row {
    let image = Reference::parse(name).ok().filter(Reference::is_docker_hub_to_kubelet);
    let hub = context.credentials.iter().find(|(_, registry)| registry.is_docker_hub());
    let (Some(image), Some((id, _))) = (image, hub) else { return row };
    let why = format!("because the kubelet logs in at `{}` as at Docker Hub", image.domain());
    Row {
        credential: Some(id.clone()),
        why: Some(why),
        anonymous_why: None,
        instead: None,
        hint: None,
        ..row
    }
}

/// What a file says about the login goes before what the configuration has.
fn pulled_with(row: Row, login: Login) -> Row {
    match login {
        Login::Unsaid | Login::Kubelet => row,
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

/// Reads a file's text, in the order of its lines; `variables` are those of a Compose file.
fn read(kind: FileKind, text: &str, variables: &dyn Fn() -> Variables) -> Finds {
    let mut finds = match kind {
        FileKind::PerhapsDockerfile if !names::begins_as_dockerfile(text) => Finds::default(),
        FileKind::Dockerfile | FileKind::PerhapsDockerfile => {
            Finds { unlisted: !builds::gets_logins(text), ..dockerfile::read(text) }
        }
        FileKind::Kustomization => read_yaml(text, true, variables),
        FileKind::Chart => chart(),
        FileKind::Yaml if TRACES.iter().any(|trace| text.contains(trace)) => {
            read_yaml(text, false, variables)
        }
        FileKind::Yaml => Finds::default(),
    };
    finds.sort();
    finds
}

/// A Helm chart: what its templates and values make is not read.
fn chart() -> Finds {
    let mut finds = Finds::default();
    finds.skip_rest("it is a Helm chart: what `helm template` makes of its values can be scanned");
    finds
}

fn read_yaml(text: &str, is_kustomization: bool, variables: &dyn Fn() -> Variables) -> Finds {
    let mut finds = Finds::default();
    for document in crate::yaml::documents(text) {
        let before = finds.found.len();
        match document {
            Ok(document) if is_kustomization || kustomize::is_kustomization(Value(&document.root)) => {
                finds.kustomization = Some(kustomize::read(Value(&document.root)));
                patches::within(Value(&document.root), &mut finds);
                finds.in_pods(before);
            }
            Ok(document) => read_document(&document, variables, &mut finds),
            Err(Error { at, reason }) if templates::is_template(text) => {
                finds.skip(at, format!("it is a template: what it makes can be scanned ({reason})"));
            }
            Err(Error { at, reason }) => finds.skip(at, format!("it is not YAML: {reason}")),
        }
    }
    finds
}

fn read_document(document: &Document, variables: &dyn Fn() -> Variables, finds: &mut Finds) {
    let root = Value(&document.root);
    let before = finds.found.len();
    let read: &dyn Fn(Value<'_>, &mut Finds) = if workflow::is_workflow(root) {
        &workflow::read
    } else if workflow::is_action(root) {
        &workflow::read_action
    } else if kubernetes::is_manifest(root) {
        // kubectl takes the last of two equal keys.
        kubernetes::read(root, finds);
        return finds.in_pods(before);
    } else if patches::is_json(root) {
        &|root, finds| {
            patches::json(root, finds);
            finds.in_pods(before);
        }
    } else if compose::is_compose(root) {
        &|root, finds| compose::read(root, &variables(), finds)
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
