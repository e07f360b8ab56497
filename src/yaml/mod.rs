//! The one reader of YAML: a tree in which every key and value knows where it stands.
//!
//! It takes what libyaml and go-yaml take, since the tools that own the files are built on these. Aliases and merge keys are
//! followed. What a plain word *means* is left to whoever uses it: a scalar keeps its text and how it was written. So are the
//! flaws that some owners of files forgive and others do not ([`Flaw`]).

mod build;
mod merge;
mod node;
mod reader;
mod word;

use std::fmt;
use std::path::Path;

use granit_parser::{Event, Marker, Options, Parser, ScanError, StrInput};

use crate::model::Place;
use build::Builder;
pub use node::{Entry, Kind, Node, Scalar, Style, Tag};
pub use reader::{Fields, Reader, Spanned};
pub use word::word;

/// Deeper than any configuration is nested; trees are walked and dropped recursively.
const MAX_DEPTH: usize = 200;
/// Values in one document, aliases counted as what they stand for.
const MAX_VALUES: usize = 500_000;

/// Line and column, both from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct At {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl At {
    /// This spot of `file`.
    #[must_use]
    pub fn in_file(self, file: &Path) -> Place {
        Place::at(file, self.line, self.column)
    }
}

impl From<&Marker> for At {
    fn from(marker: &Marker) -> Self {
        Self { line: marker.line(), column: marker.col().saturating_add(1) }
    }
}

/// Why a text is not YAML, or cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Where.
    pub at: At,
    /// Why, in the parser's words.
    pub reason: String,
}

impl Error {
    fn new(at: At, reason: &str) -> Self {
        Self { at, reason: reason.to_owned() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "is not valid YAML: {}", self.reason)
    }
}

impl From<ScanError> for Error {
    fn from(error: ScanError) -> Self {
        Self { at: error.marker().into(), reason: error.info() }
    }
}

/// Something that is YAML, but that not every owner of files wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// A key that its map already has. The later value is in the tree.
    Duplicate {
        /// The second key.
        at: At,
        /// The key.
        key: String,
        /// The line of the first.
        first: usize,
    },
    /// A list or a map as a key. It and its value are not in the tree.
    KeyForm {
        /// The key.
        at: At,
    },
}

impl Flaw {
    /// Where it is.
    #[must_use]
    pub fn at(&self) -> At {
        let (Self::Duplicate { at, .. } | Self::KeyForm { at }) = self;
        *at
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Duplicate { .. } => "delete one of the two lines",
            Self::KeyForm { .. } => "put it in quotes if it is text",
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duplicate { key, first, .. } => {
                write!(f, "the key `{key}` is here a second time: it is already on line {first}")
            }
            Self::KeyForm { .. } => f.write_str("a list or a map cannot be a key"),
        }
    }
}

/// One document of a text.
#[derive(Clone)]
pub struct Document {
    /// Where it begins: at its `---`, if it has one.
    pub at: At,
    /// Its value.
    pub root: Node,
    /// What not everybody takes, in the order of the text.
    pub flaws: Vec<Flaw>,
}

/// The documents of `text`, each read when it is asked for. After an error there is nothing more.
pub fn documents(text: &str) -> impl Iterator<Item = Result<Document, Error>> + use<'_> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut parser = Some(Parser::new_from_str_with_options(text, options()));
    std::iter::from_fn(move || {
        let document = next_document(parser.as_mut()?).transpose();
        if !matches!(document, Some(Ok(_))) {
            parser = None;
        }
        document
    })
}

/// What libyaml does where the standard has it otherwise.
fn options() -> Options {
    granit_parser::options! {
        bom_inside_document_as_content: true,
        block_scalar_eof_without_line_feed: true,
        emit_comments: false,
        // Above ours, which has words for it.
        flow_nesting_limit: 10 * MAX_DEPTH,
        block_nesting_limit: 10 * MAX_DEPTH,
    }
}

fn next_document<'t>(parser: &mut Parser<'t, StrInput<'t>>) -> Result<Option<Document>, Error> {
    let mut builder = Builder::default();
    let mut start = At { line: 1, column: 1 };
    while let Some(event) = parser.next_event() {
        let (event, span) = event?;
        match event {
            Event::DocumentStart(..) => start = At::from(&span.start),
            Event::DocumentEnd => return Ok(builder.finish(start)),
            _ => builder.take(event, span)?,
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
