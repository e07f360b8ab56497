//! The tree.

use std::sync::Arc;

use super::At;

/// One value of a document. Copies are cheap: what several aliases name is kept once.
///
/// Nothing here has a `Debug`: a value may be a token that somebody left in plain text.
#[derive(Clone)]
pub struct Node {
    /// Where it stands; of what an alias names, there.
    pub at: At,
    /// What it is.
    pub kind: Kind,
}

/// What a value is.
#[derive(Clone)]
pub enum Kind {
    /// A value without parts.
    Scalar(Scalar),
    /// A list.
    List(Arc<[Node]>),
    /// A map: its own keys in their order, then those of its merge keys that it does not have itself.
    Map(Arc<[Entry]>),
}

/// A key of a map and its value.
#[derive(Clone)]
pub struct Entry {
    /// The key's text.
    pub key: Arc<str>,
    /// Where the key stands.
    pub at: At,
    /// The value.
    pub value: Node,
}

/// A value without parts, as it was written.
#[derive(Clone)]
pub struct Scalar {
    /// Its text, without quotes and escapes. Empty where nothing was written.
    pub text: Arc<str>,
    /// How it was written.
    pub style: Style,
    /// Its tag, if it has one that says something.
    pub tag: Option<Tag>,
}

/// How a scalar was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Without quotes: it may mean a number, a truth value, nothing.
    Plain,
    /// In single or double quotes.
    Quoted,
    /// A block after `|`: each of its lines is one of the file.
    Literal,
    /// A block after `>`.
    Folded,
}

/// What a tag says about a scalar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tag {
    /// A type of YAML's own, such as `int` of `!!int`.
    Yaml(Arc<str>),
    /// A type of some program.
    Other,
}

impl Node {
    /// The value of `key`, if this is a map that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries()?.iter().find(|entry| &*entry.key == key)
    }

    /// The entries, if this is a map.
    #[must_use]
    pub fn entries(&self) -> Option<&[Entry]> {
        match &self.kind {
            Kind::Map(entries) => Some(entries),
            Kind::Scalar(_) | Kind::List(_) => None,
        }
    }

    /// The items, if this is a list.
    #[must_use]
    pub fn items(&self) -> Option<&[Node]> {
        match &self.kind {
            Kind::List(items) => Some(items),
            Kind::Scalar(_) | Kind::Map(_) => None,
        }
    }

    /// The text, if this is a scalar that is not nothing.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.scalar().filter(|scalar| !scalar.is_null()).map(|scalar| &*scalar.text)
    }

    /// Whether this is nothing: `~`, `null`, or not written at all.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.scalar().is_some_and(Scalar::is_null)
    }

    /// The scalar, if this is one.
    #[must_use]
    pub fn scalar(&self) -> Option<&Scalar> {
        match &self.kind {
            Kind::Scalar(scalar) => Some(scalar),
            Kind::List(_) | Kind::Map(_) => None,
        }
    }
}

impl Scalar {
    /// Whether it is nothing: `~`, `null`, or not written at all.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.is_plain() && matches!(&*self.text, "" | "~" | "null" | "Null" | "NULL")
    }

    /// Whether its looks decide its type: it has no quotes, and no tag that makes it a text.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        let text = matches!(&self.tag, Some(Tag::Yaml(name)) if &**name == "str");
        self.style == Style::Plain && !text
    }
}
