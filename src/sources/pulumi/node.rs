//! The tree that a YAML or JSON file is read into: Go's types, with the place of every value.
//!
//! Nothing here has a `Debug`: a node may hold a token that somebody left in plain text.

use std::path::Path;

use super::scalar::Scalar;
use crate::model::Place;

/// A line and a column, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct At {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl At {
    pub(super) fn in_file(self, file: &Path) -> Place {
        Place::at(file, self.line, self.column)
    }
}

/// One value of a file.
#[derive(Clone)]
pub(super) struct Node {
    pub(super) at: At,
    pub(super) kind: Kind,
}

/// What a value is.
#[derive(Clone)]
pub(super) enum Kind {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key of a map and its value.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) at: At,
    pub(super) value: Node,
}

impl Node {
    /// The value of `key`, if this is a map that has it.
    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        self.entries()?.iter().find(|entry| entry.key == key)
    }

    /// The entries, if this is a map.
    pub(super) fn entries(&self) -> Option<&[Entry]> {
        match &self.kind {
            Kind::Map(entries) => Some(entries),
            Kind::Scalar(_) | Kind::List(_) => None,
        }
    }

    /// The scalar, if this is one.
    pub(super) fn scalar(&self) -> Option<&Scalar> {
        match &self.kind {
            Kind::Scalar(scalar) => Some(scalar),
            Kind::List(_) | Kind::Map(_) => None,
        }
    }

    /// True for nothing after the colon, `~`, `null` and the empty string.
    pub(super) fn is_empty(&self) -> bool {
        self.scalar().is_some_and(|scalar| scalar.text().is_empty())
    }

    /// The ciphertext, if this is a secret: a map whose only key is `secure`, holding a string.
    /// With a second key, or another type of value, it is an ordinary map (`config/object.go`).
    pub(super) fn ciphertext(&self) -> Option<&str> {
        match self.entries()? {
            [only] if only.key == "secure" => only.value.string(),
            _ => None,
        }
    }

    /// The string, if this is one by type: not a number, not a date.
    pub(super) fn string(&self) -> Option<&str> {
        match self.scalar()? {
            Scalar::Text(text) => Some(text),
            _ => None,
        }
    }

    /// True if there is a secret in this value, at any depth.
    pub(super) fn any_ciphertext(&self, test: &dyn Fn(&str) -> bool) -> bool {
        if let Some(ciphertext) = self.ciphertext() {
            return test(ciphertext);
        }
        match &self.kind {
            Kind::Scalar(_) => false,
            Kind::List(items) => items.iter().any(|item| item.any_ciphertext(test)),
            Kind::Map(entries) => entries.iter().any(|e| e.value.any_ciphertext(test)),
        }
    }

    /// How many nodes there are in this one, itself included.
    pub(super) fn size(&self) -> usize {
        let inner: usize = match &self.kind {
            Kind::Scalar(_) => 0,
            Kind::List(items) => items.iter().map(Node::size).sum(),
            Kind::Map(entries) => entries.iter().map(|entry| entry.value.size()).sum(),
        };
        inner.saturating_add(1)
    }
}
