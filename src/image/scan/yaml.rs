//! A value of a YAML file as the readers of images see it: what is nothing is not there.

use crate::yaml::{At, Kind, Node, Style};

/// A value of a document.
#[derive(Clone, Copy)]
pub(super) struct Value<'a>(pub(super) &'a Node);

impl<'a> Value<'a> {
    /// Where it stands; an alias is the value that it names.
    pub(super) fn at(&self) -> At {
        self.0.at
    }

    /// The text of a scalar.
    pub(super) fn text(&self) -> Option<&'a str> {
        self.0.text()
    }

    /// Whether this is a text whose lines are lines of the file.
    pub(super) fn is_literal(&self) -> bool {
        self.0.scalar().is_some_and(|scalar| scalar.style == Style::Literal)
    }

    /// Where in the file a spot of this text is: in a literal block at its own line, else where the text begins.
    pub(super) fn lines(&self) -> impl Fn(At) -> At + use<> {
        let (start, is_literal) = (self.at(), self.is_literal());
        // The block's position is that of its first line that is not empty.
        let text = self.text().unwrap_or_default();
        let empty = text.lines().take_while(|line| line.trim().is_empty()).count();
        move |inner| match is_literal {
            true => At {
                line: start.line + inner.line - 1 - empty.min(inner.line - 1),
                column: start.column + inner.column - 1,
            },
            false => start,
        }
    }

    pub(super) fn is_mapping(&self) -> bool {
        matches!(self.0.kind, Kind::Map(_))
    }

    pub(super) fn is_sequence(&self) -> bool {
        matches!(self.0.kind, Kind::List(_))
    }

    /// The values of a sequence; none of anything else.
    pub(super) fn items(&self) -> impl Iterator<Item = Value<'a>> + use<'a> {
        self.0.items().unwrap_or_default().iter().map(Value)
    }

    /// The value of a mapping's key.
    pub(super) fn get(&self, key: &str) -> Option<Value<'a>> {
        self.entries().find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    /// A mapping's keys and values; none of anything else.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'a str, Value<'a>)> + use<'a> {
        let entries = self.0.entries().unwrap_or_default().iter();
        entries.map(|entry| (&*entry.key, Value(&entry.value))).filter(|(_, value)| !value.0.is_null())
    }
}
