//! JSON text to a [`Node`]. `serde_json` checks the syntax; this walk over checked text only adds the
//! places, and Go's types of numbers.

use std::collections::HashMap;

use serde::de::IgnoredAny;

use super::node::{At, Entry, Kind, Node};
use super::scalar::Scalar;
use super::yaml::TextError;

/// The document. `None` if the text is empty, as for YAML.
pub(super) fn parse(text: &str) -> Result<Option<Node>, TextError> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    // Also bounds the depth: serde_json refuses more than 128 levels.
    serde_json::from_str::<IgnoredAny>(text).map_err(|error| syntax(&error))?;
    let mut walk = Walk { rest: text, at: At { line: 1, column: 1 } };
    walk.value().map(Some)
}

fn syntax(error: &serde_json::Error) -> TextError {
    let message = error.to_string();
    let what = message.split(" at line ").next().unwrap_or_default();
    TextError::Syntax { at: At { line: error.line(), column: error.column().max(1) }, what: what.to_owned() }
}

struct Walk<'a> {
    rest: &'a str,
    at: At,
}

impl<'a> Walk<'a> {
    fn value(&mut self) -> Result<Node, TextError> {
        let start = self.peek();
        let at = self.at;
        let kind = match start {
            b'{' => self.map()?,
            b'[' => self.list()?,
            b'"' => Kind::Scalar(Scalar::Text(self.string())),
            _ => Kind::Scalar(self.word()),
        };
        Ok(Node { at, kind })
    }

    fn map(&mut self) -> Result<Kind, TextError> {
        let mut entries = Vec::new();
        let mut lines = HashMap::new();
        while self.enter(b'}') {
            let at = self.at;
            let key = self.string();
            if let Some(first) = lines.insert(key.clone(), at.line) {
                return Err(TextError::Duplicate { at, key, first });
            }
            self.peek();
            self.advance(1); // the colon
            let value = self.value()?;
            entries.push(Entry { key, at, value });
        }
        Ok(Kind::Map(entries))
    }

    fn list(&mut self) -> Result<Kind, TextError> {
        let mut items = Vec::new();
        while self.enter(b']') {
            items.push(self.value()?);
        }
        Ok(Kind::List(items))
    }

    /// Steps over the opening bracket or a comma; false, and over the end, where `close` stands.
    fn enter(&mut self, close: u8) -> bool {
        if self.peek() != close {
            self.advance(1);
        }
        let more = self.peek() != close;
        if !more {
            self.advance(1);
        }
        more
    }

    fn string(&mut self) -> String {
        let mut escaped = false;
        let end = self.rest.bytes().skip(1).position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        });
        let length = end.map_or(self.rest.len(), |end| end.saturating_add(2));
        serde_json::from_str(self.advance(length)).unwrap_or_default()
    }

    fn word(&mut self) -> Scalar {
        let ends = |byte: u8| matches!(byte, b',' | b'}' | b']') || byte.is_ascii_whitespace();
        let length = self.rest.bytes().position(ends).unwrap_or(self.rest.len());
        scalar(self.advance(length))
    }

    /// The next byte that is not white space; it becomes the next one to read.
    fn peek(&mut self) -> u8 {
        let blank = self.rest.len().saturating_sub(self.rest.trim_start().len());
        self.advance(blank);
        self.rest.bytes().next().unwrap_or_default()
    }

    fn advance(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length.min(self.rest.len()));
        self.rest = rest;
        for character in taken.chars() {
            self.at.column = self.at.column.saturating_add(1);
            if character == '\n' {
                self.at.line = self.at.line.saturating_add(1);
                self.at.column = 1;
            }
        }
        taken
    }
}

/// Go reads a number as an integer if it can (`config/object.go`, `json.Number`).
fn scalar(word: &str) -> Scalar {
    match word {
        "null" => Scalar::Null,
        "true" => Scalar::Bool(true),
        "false" => Scalar::Bool(false),
        number => match number.parse() {
            Ok(value) => Scalar::Int(value),
            Err(_) => Scalar::Float(number.parse().unwrap_or_default()),
        },
    }
}
