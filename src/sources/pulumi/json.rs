//! JSON text to a [`Node`]. `serde_json` checks the syntax; this walk over checked text only adds the
//! places, and Go's types of numbers.

use std::collections::BTreeMap;

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
        let mut lines = BTreeMap::new();
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn document(text: &str) -> Node {
        let parsed = parse(text).unwrap_or_else(|error| panic!("{error:?} in {text:?}"));
        parsed.expect("the text is not empty")
    }

    /// The tree as `serde_json` has it, to compare with.
    fn plain(node: &Node) -> serde_json::Value {
        match &node.kind {
            Kind::List(items) => items.iter().map(plain).collect(),
            Kind::Map(entries) => {
                let pairs = entries.iter().map(|entry| (entry.key.clone(), plain(&entry.value)));
                serde_json::Value::Object(pairs.collect())
            }
            Kind::Scalar(Scalar::Null) => serde_json::Value::Null,
            Kind::Scalar(Scalar::Bool(value)) => (*value).into(),
            Kind::Scalar(Scalar::Int(value)) => (*value).into(),
            Kind::Scalar(Scalar::Float(value)) => (*value).into(),
            Kind::Scalar(other) => other.text().into(),
        }
    }

    fn any_json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            (-1e9..1e9).prop_map(|value: f64| (value + 0.5).into()),
            any::<String>().prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                prop::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    #[test]
    fn every_key_and_value_has_its_place() {
        let node = document("\n{\n  \"é\": {\"c\" : \"x\"}\n}\n");
        let inner = node.get("é").and_then(|entry| entry.value.get("c")).expect("c");
        assert_eq!(inner.at, At { line: 3, column: 9 });
        assert_eq!(inner.value.at, At { line: 3, column: 15 });
    }

    #[test]
    fn numbers_are_integers_where_they_can_be() {
        let node = document("[1, 1.0, 1e3, -5, 9223372036854775808]");
        let Kind::List(items) = &node.kind else { panic!("a list") };
        let texts: Vec<_> = items.iter().filter_map(|item| Some(item.scalar()?.text())).collect();
        assert_eq!(texts, ["1", "1", "1000", "-5", "9223372036854776000"]);
    }

    #[test]
    fn a_syntax_error_and_a_double_key_are_told_with_their_lines() {
        let error = parse("{\n  \"a\":\n}").err();
        let Some(TextError::Syntax { at, what }) = error else { panic!("{error:?}") };
        assert_eq!((at.line, what.as_str()), (3, "expected value"));
        let at = At { line: 2, column: 2 };
        let key = "a".to_owned();
        assert_eq!(parse("{\"a\":1,\n \"a\":2}").err(), Some(TextError::Duplicate { at, key, first: 1 }));
        assert!(parse(&"[".repeat(100_000)).is_err());
        assert!(parse("  \n").is_ok_and(|node| node.is_none()));
    }

    proptest! {
        #[test]
        fn the_tree_is_the_one_that_serde_json_reads(value in any_json()) {
            let compact = document(&value.to_string());
            prop_assert_eq!(plain(&compact), value.clone());
            let pretty = document(&format!("{value:#}"));
            prop_assert_eq!(plain(&pretty), value);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "[\\[\\]{}\",:1e.\\\\ untrue-]{0,40}") {
            let _ = parse(&text);
        }
    }
}
