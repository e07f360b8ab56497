//! What can be wrong with a project file or a stack file.

use std::io;
use std::path::PathBuf;

use super::value::Unquoted;
use crate::model::{Place, Problem};

/// A project file or a stack file that cannot be used. One variant is one operation on one thing; no
/// variant holds a value of the file.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Opening or reading failed.
    #[error("the file cannot be read")]
    Unreadable {
        /// The file or the folder.
        place: Place,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is far larger than any of its kind.
    #[error("the file is larger than {} KiB", limit / 1024)]
    TooLarge {
        /// The file.
        place: Place,
        /// The largest size that is read, in bytes.
        limit: u64,
    },
    /// The bytes are not text.
    #[error("the file is not UTF-8 text")]
    NotUtf8 {
        /// The first bad byte.
        place: Place,
    },
    /// The text is not YAML, or not JSON.
    #[error("not valid {format}: {what}")]
    Syntax {
        /// Where the parser stopped.
        place: Place,
        /// `YAML` or `JSON`.
        format: &'static str,
        /// What the parser said.
        what: String,
    },
    /// One key is there twice in the same map.
    #[error("the key `{key}` is here a second time: it is already on line {first}")]
    DuplicateKey {
        /// The second key.
        place: Place,
        /// The key.
        key: String,
        /// The line of the first.
        first: usize,
    },
    /// One setting is there under two spellings of its key.
    #[error("`{key}` is the same setting as the one on line {first}")]
    SameSetting {
        /// The second spelling.
        place: Place,
        /// The key in full.
        key: String,
        /// The line of the first spelling.
        first: usize,
    },
    /// Something other than a map.
    #[error("{what} must be a map of keys and values")]
    NotAMap {
        /// Its place.
        place: Place,
        /// What it is called.
        what: &'static str,
    },
    /// A list or a map where a text is needed.
    #[error("{what} must be text")]
    NotText {
        /// Its place.
        place: Place,
        /// What it is called.
        what: &'static str,
    },
    /// A number or a date without quotes where a text is needed.
    #[error("{what} {Unquoted}")]
    Unquoted {
        /// Its place.
        place: Place,
        /// What it is called.
        what: &'static str,
    },
    /// The project has no name.
    #[error("the project file has no `name`")]
    NoName {
        /// The project file.
        place: Place,
    },
    /// `config` and `stackConfigDir` both name a folder.
    #[error("`config` and `stackConfigDir` both name the folder of the stack files")]
    TwoStackFolders {
        /// The key `config`.
        place: Place,
    },
    /// A configuration key with too many colons. Only its first part is kept: the rest may be a value that
    /// lost the space before it.
    #[error("a configuration key that begins with `{namespace}:` has too many colons")]
    KeyForm {
        /// The key.
        place: Place,
        /// The part before the first colon.
        namespace: String,
    },
    /// The file named as a project is not called like one.
    #[error("a Pulumi project file is called Pulumi.yaml, Pulumi.yml or Pulumi.json")]
    NotAProjectFile {
        /// The file.
        place: Place,
    },
    /// A folder without a project file.
    #[error("there is no Pulumi project here")]
    NoProject {
        /// The folder.
        place: Place,
    },
    /// A stack without a file.
    #[error("there is no such file for stack `{stack}`{}", among(have))]
    NoSuchStack {
        /// The file that it would have.
        place: Place,
        /// The stack that was asked for.
        stack: String,
        /// The stacks there are.
        have: Vec<String>,
        /// The folder of the project.
        dir: Box<PathBuf>,
    },
    /// The repository is not trusted, and this is not one of its own files.
    #[error("{0}")]
    Refused(Problem),
    /// A text that cannot be the name of a stack.
    #[error("`{name}` cannot be a stack's name: 1 to 100 letters, digits, `_`, `.` and `-`")]
    StackName {
        /// The name.
        name: String,
    },
}

fn among(have: &[String]) -> String {
    if have.is_empty() {
        return ", nor for any other".to_owned();
    }
    format!("; the stacks with a file are {}", have.join(", "))
}

impl FileError {
    /// Where it is.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::Unreadable { place, .. }
            | Self::TooLarge { place, .. }
            | Self::NotUtf8 { place }
            | Self::Syntax { place, .. }
            | Self::DuplicateKey { place, .. }
            | Self::SameSetting { place, .. }
            | Self::NotAMap { place, .. }
            | Self::NotText { place, .. }
            | Self::Unquoted { place, .. }
            | Self::NoName { place }
            | Self::TwoStackFolders { place }
            | Self::KeyForm { place, .. }
            | Self::NotAProjectFile { place }
            | Self::NoProject { place }
            | Self::NoSuchStack { place, .. } => Some(place),
            Self::StackName { .. } | Self::Refused(_) => None,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::DuplicateKey { .. } => "delete one of the two lines",
            Self::SameSetting { .. } => {
                "delete one of the two: which of them Pulumi takes changes from run to run"
            }
            Self::Unquoted { .. } => "quote it",
            Self::NoName { .. } => "add a line such as `name: infra`",
            Self::TwoStackFolders { .. } => "delete `config`, and keep `stackConfigDir`",
            Self::KeyForm { .. } => "write it as `namespace:name: value`, with a space before the value",
            Self::NotUtf8 { .. } => "save the file as UTF-8",
            Self::NoProject { .. } => "run in the folder of Pulumi.yaml, or below it",
            Self::NoSuchStack { stack, dir, .. } => {
                return Some(format!("pulumi stack init {stack}{}", super::stack_file::chdir(dir)));
            }
            Self::Unreadable { .. }
            | Self::TooLarge { .. }
            | Self::Syntax { .. }
            | Self::NotAMap { .. }
            | Self::NotText { .. }
            | Self::NotAProjectFile { .. }
            | Self::Refused(_)
            | Self::StackName { .. } => return None,
        };
        Some(hint.to_owned())
    }

    pub(super) fn unreadable(file: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::Unreadable { place: Place::file(file), source }
    }
}

impl From<FileError> for Problem {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Refused(problem) => problem,
            error => Problem::input(with_sources(&error)).at(error.place().cloned()).hints(error.hint()),
        }
    }
}

/// The message of an error and of its causes, joined by colons: `Display` alone never holds a cause.
pub(super) fn with_sources(error: &dyn std::error::Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        message = format!("{message}: {error}");
        cause = error.source();
    }
    message
}
