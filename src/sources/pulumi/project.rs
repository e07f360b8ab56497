//! A Pulumi project: its file, its name, where its stack files are, and the values it gives to all of them
//! (`sdk/go/common/workspace/paths.go`, `project.go`).

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::FileError;
use super::file;
use super::settings::{Setting, Settings};
use super::stack_file::StackFile;
use super::value;
use super::workspace::clean;
use crate::files;
use crate::model::{Place, Problem};
use crate::yaml::{Entry, Kind, Node};

/// In the order in which Pulumi looks for them (`sdk/go/common/encoding/marshal.go`, `Exts`).
const PROJECT_FILES: [&str; 3] = ["Pulumi.json", "Pulumi.yaml", "Pulumi.yml"];

/// A project file that has been read.
#[derive(Clone, Debug)]
pub struct Project {
    /// The project's name, which is the namespace of its own configuration keys.
    pub name: String,
    /// The project file.
    pub file: PathBuf,
    /// The folder of the project file: where `pulumi` is run.
    pub dir: PathBuf,
    /// The folder of the stack files: `dir`, or `stackConfigDir` below it.
    pub stack_dir: PathBuf,
    /// `backend.url`, if the project names its backend.
    pub backend: Option<String>,
    defaults: Arc<Settings>,
}

impl Project {
    /// The project of the folder `start`: its own, or that of the nearest folder above it. A folder that may
    /// not be read counts as one without a project, as for Pulumi.
    ///
    /// # Errors
    /// A project file that is there and cannot be used: the first one found decides.
    pub fn find(start: &Path) -> Result<Option<Self>, FileError> {
        let above = std::path::absolute(start).map(|start| clean(&start)).unwrap_or_default();
        // `start` itself first, in the caller's spelling: messages then name files as the user does.
        std::iter::once(start)
            .chain(above.ancestors().skip(1))
            .find_map(project_file)
            .map(|file| Self::read(&file))
            .transpose()
    }

    /// The project of exactly this file or folder.
    ///
    /// # Errors
    /// No project file there, or one that cannot be used.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        if path.is_dir() {
            return match project_file(path) {
                Some(file) => Self::read(&file),
                None => Err(FileError::NoProject { place: Place::file(path) }),
            };
        }
        let named = path.file_name().and_then(OsStr::to_str);
        if named.is_some_and(|name| PROJECT_FILES.contains(&name)) {
            return Self::read(path);
        }
        Err(FileError::NotAProjectFile { place: Place::file(path) })
    }

    fn read(file: &Path) -> Result<Self, FileError> {
        let root = file::read(file)?;
        let root = root.filter(|root| root.entries().is_some());
        let root =
            root.ok_or_else(|| FileError::NotAMap { place: Place::file(file), what: "the project file" })?;
        let name = name(file, &root)?;
        let dir = file.parent().unwrap_or(Path::new("")).to_owned();
        Ok(Self {
            stack_dir: stack_dir(file, &root)?.map_or_else(|| dir.clone(), |below| dir.join(below)),
            backend: backend(&root),
            defaults: Arc::new(defaults(file, &name, &root)?),
            file: file.to_owned(),
            name,
            dir,
        })
    }

    /// The names of the stacks that have a file, sorted. A folder that is not there holds none.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn stack_names(&self) -> Result<Vec<String>, FileError> {
        let failed = |source| FileError::unreadable(&self.stack_dir, source);
        let listing = match listing(&self.stack_dir) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            listing => listing.map_err(failed)?,
        };
        let mut names = Vec::new();
        for item in listing {
            let item = item.map_err(failed)?;
            let name = item.file_name();
            let stack = name.to_str().and_then(|name| self.stack_of(name));
            names.extend(stack.filter(|_| !item.path().is_dir()).map(str::to_owned));
        }
        names.sort();
        Ok(names)
    }

    /// Every stack file, sorted by the stack's name.
    ///
    /// # Errors
    /// Every stack file that cannot be used.
    pub fn stacks(&self) -> Result<Vec<StackFile>, Vec<Problem>> {
        let names = self.stack_names().map_err(|error| vec![error.into()])?;
        let mut stacks = Vec::new();
        let mut problems = Vec::new();
        for name in names {
            match self.read_stack(&name) {
                Ok(stack) => stacks.push(stack),
                Err(error) => problems.push(error.into()),
            }
        }
        if problems.is_empty() { Ok(stacks) } else { Err(problems) }
    }

    /// The file of one stack. Unlike Pulumi, for which a stack without a file has an empty configuration,
    /// this refuses a name without a file: it is more likely a slip than a stack that needs nothing.
    ///
    /// # Errors
    /// No such file, or one that cannot be used.
    pub fn stack(&self, name: &str) -> Result<StackFile, FileError> {
        if !is_stack_name(name) {
            return Err(FileError::StackName { name: name.to_owned() });
        }
        let place = Place::file(self.stack_file(name));
        if !files::is_taken(&place.file) {
            let (have, dir) = (self.stack_names()?, Box::new(self.dir.clone()));
            return Err(FileError::NoSuchStack { place, stack: name.to_owned(), have, dir });
        }
        self.read_stack(name)
    }

    fn read_stack(&self, name: &str) -> Result<StackFile, FileError> {
        StackFile::read(self, name, self.stack_file(name), Arc::clone(&self.defaults))
    }

    /// The path of a stack's file; its ending is that of the project file (`paths.go`, `ProjectStackPath`).
    fn stack_file(&self, stack: &str) -> PathBuf {
        self.stack_dir.join(format!("Pulumi.{stack}.{}", self.ending()))
    }

    fn ending(&self) -> &str {
        self.file.extension().and_then(OsStr::to_str).unwrap_or_default()
    }

    fn stack_of<'a>(&self, file_name: &'a str) -> Option<&'a str> {
        file_name
            .strip_prefix("Pulumi.")?
            .strip_suffix(self.ending())?
            .strip_suffix('.')
            .filter(|stack| is_stack_name(stack))
    }
}

fn listing(dir: &Path) -> std::io::Result<std::fs::ReadDir> {
    let here = dir.as_os_str().is_empty();
    std::fs::read_dir(if here { Path::new(".") } else { dir })
}

/// `sdk/go/common/tokens/stack_name.go`.
fn is_stack_name(name: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    (1..=100).contains(&name.len()) && name.bytes().all(good)
}

fn project_file(dir: &Path) -> Option<PathBuf> {
    let dir = dir.strip_prefix(".").unwrap_or(dir);
    let mut files = PROJECT_FILES.iter().map(|name| dir.join(name));
    files.find(|file| std::fs::metadata(file).is_ok_and(|found| !found.is_dir()))
}

fn name(file: &Path, root: &Node) -> Result<String, FileError> {
    let entry = root.get("name").filter(|entry| !value::is_empty(&entry.value));
    let entry = entry.ok_or_else(|| FileError::NoName { place: Place::file(file) })?;
    string(file, entry, "`name`")
}

fn string(file: &Path, entry: &Entry, what: &'static str) -> Result<String, FileError> {
    let text = value::string(&entry.value).map(str::to_owned);
    text.ok_or_else(|| FileError::NotText { place: entry.at.in_file(file), what })
}

/// `stackConfigDir`, or the older `config` holding a text. Go joins the folder below the project's even if
/// it begins with a slash.
fn stack_dir(file: &Path, root: &Node) -> Result<Option<PathBuf>, FileError> {
    let old = root.get("config").filter(|entry| value::string(&entry.value).is_some());
    let new = root.get("stackConfigDir").filter(|entry| !value::is_empty(&entry.value));
    let dir = match (old, new) {
        (None, None) => return Ok(None),
        (Some(old), Some(_)) => {
            return Err(FileError::TwoStackFolders { place: old.at.in_file(file) });
        }
        (Some(entry), None) | (None, Some(entry)) => string(file, entry, "`stackConfigDir`")?,
    };
    Ok(Some(PathBuf::from(dir.trim_start_matches('/'))))
}

fn backend(root: &Node) -> Option<String> {
    let url = value::string(&root.get("backend")?.value.get("url")?.value)?;
    (!url.is_empty()).then(|| url.to_owned())
}

/// The values that the project gives to stacks that have none of their own.
fn defaults(file: &Path, project: &str, root: &Node) -> Result<Settings, FileError> {
    let entries = root.get("config").and_then(|entry| entry.value.entries());
    let mut defaults = Settings::default();
    for entry in entries.unwrap_or_default() {
        // A default is never encrypted: Pulumi takes `{secure: …}` here for a map.
        let value = default_of(&entry.value).filter(|value| value::ciphertext(value).is_none());
        let Some(value) = value else { continue };
        let setting = Setting::new(file, entry.at, value.clone());
        defaults.insert(project, &entry.key, setting)?;
    }
    Ok(defaults)
}

/// A text, number or list stands for itself; a map is a declaration with a `default` or a `value`
/// (`project.go`, `RewriteShorthandConfigValues`; `pkg/workspace/config.go`, `mergeConfig`).
fn default_of(node: &Node) -> Option<&Node> {
    match &node.kind {
        Kind::Scalar(_) | Kind::List(_) => (!value::is_empty(node)).then_some(node),
        Kind::Map(_) => ["default", "value"].iter().find_map(|key| node.get(key)).map(|entry| &entry.value),
    }
}

#[cfg(test)]
mod tests;
