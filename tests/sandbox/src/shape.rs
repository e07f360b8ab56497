//! What a value may be: types, required members, lengths, patterns, known members. The models of AWS's services and the
//! description of Docker Hub's API are written in it.

use std::collections::BTreeMap;
use std::fmt;

use regex_lite::Regex;
use serde::Deserialize;
use serde_json::Value;

/// A value's shape, as it stands in a file.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Shape {
    #[serde(rename = "type")]
    kind: String,
    min: Option<i64>,
    max: Option<i64>,
    pattern: Option<String>,
    #[serde(rename = "enum", default)]
    values: Vec<String>,
    #[serde(default)]
    members: BTreeMap<String, Shape>,
    #[serde(default)]
    required: Vec<String>,
    member: Option<Box<Shape>>,
    value: Option<Box<Shape>>,
}

/// Something in a value that its shape does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) path: String,
    pub(crate) constraint: String,
    pub(crate) kind: ViolationKind,
}

/// In what way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ViolationKind {
    Constraint,
    Type,
    /// The real services ignore a member they do not know; it is a mistake anyway.
    Unknown,
}

impl Violation {
    pub(crate) fn is_refused(&self) -> bool {
        self.kind != ViolationKind::Unknown
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' failed to satisfy constraint: {}", self.path, self.constraint)
    }
}

impl Shape {
    /// What is wrong with a value; null counts as absent.
    pub(crate) fn errors(&self, value: &Value) -> Vec<Violation> {
        let mut found = Vec::new();
        self.check("", value, &mut found);
        found
    }

    /// Every pattern in it.
    #[cfg(test)]
    pub(crate) fn patterns(&self) -> Vec<&String> {
        let inner = self.members.values().chain(self.member.as_deref()).chain(self.value.as_deref());
        self.pattern.iter().chain(inner.flat_map(Self::patterns)).collect()
    }

    fn check(&self, path: &str, value: &Value, found: &mut Vec<Violation>) {
        if value.is_null() {
            return;
        }
        if !self.has_type_of(value) {
            found.push(violation(path, format!("Member must be of type {}", self.kind), ViolationKind::Type));
            return;
        }
        self.check_length(path, value, found);
        self.check_text(path, value, found);
        self.check_members(path, value, found);
        self.check_items(path, value, found);
    }

    fn has_type_of(&self, value: &Value) -> bool {
        match self.kind.as_str() {
            "string" | "blob" => value.is_string(),
            "integer" | "long" => value.is_i64(),
            "boolean" => value.is_boolean(),
            "timestamp" => value.is_number(),
            "list" => value.is_array(),
            _ => value.is_object(),
        }
    }

    fn check_length(&self, path: &str, value: &Value, found: &mut Vec<Violation>) {
        let Some(size) = size(value) else { return };
        let noun = if value.is_number() { "value" } else { "length" };
        if self.min.is_some_and(|min| size < min) {
            let min = self.min.unwrap_or_default();
            found.push(violation(
                path,
                format!("Member must have {noun} greater than or equal to {min}"),
                ViolationKind::Constraint,
            ));
        }
        if self.max.is_some_and(|max| size > max) {
            let max = self.max.unwrap_or_default();
            found.push(violation(
                path,
                format!("Member must have {noun} less than or equal to {max}"),
                ViolationKind::Constraint,
            ));
        }
    }

    fn check_text(&self, path: &str, value: &Value, found: &mut Vec<Violation>) {
        let Some(text) = value.as_str() else { return };
        if !self.values.is_empty() && !self.values.iter().any(|known| known == text) {
            let constraint = format!("Member must satisfy enum value set: [{}]", self.values.join(", "));
            found.push(violation(path, constraint, ViolationKind::Constraint));
        }
        if let Some(pattern) = &self.pattern
            && !matches_whole(pattern, text)
        {
            let constraint = format!("must satisfy regular expression '{pattern}'");
            found.push(violation(path, constraint, ViolationKind::Constraint));
        }
    }

    fn check_members(&self, path: &str, value: &Value, found: &mut Vec<Violation>) {
        let Some(object) = value.as_object() else {
            return;
        };
        if let Some(shape) = &self.value {
            object.iter().for_each(|(key, item)| shape.check(&join(path, key), item, found));
            return;
        }
        for name in self.required.iter().filter(|name| object.get(*name).is_none_or(Value::is_null)) {
            found.push(violation(
                &join(path, name),
                "Member must not be null".to_owned(),
                ViolationKind::Constraint,
            ));
        }
        for (name, item) in object {
            match self.members.get(name) {
                Some(shape) => shape.check(&join(path, name), item, found),
                None => found.push(violation(
                    &join(path, name),
                    "unknown member".to_owned(),
                    ViolationKind::Unknown,
                )),
            }
        }
    }

    fn check_items(&self, path: &str, value: &Value, found: &mut Vec<Violation>) {
        let (Some(items), Some(shape)) = (value.as_array(), &self.member) else {
            return;
        };
        for (position, item) in items.iter().enumerate() {
            shape.check(&format!("{path}.{}.member", position + 1), item, found);
        }
    }
}

fn violation(path: &str, constraint: String, kind: ViolationKind) -> Violation {
    Violation { path: path.to_owned(), constraint, kind }
}

/// Lengths count characters, as in the models; a number is its own size.
fn size(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => i64::try_from(text.chars().count()).ok(),
        Value::Array(items) => i64::try_from(items.len()).ok(),
        Value::Number(number) => number.as_i64(),
        _ => None,
    }
}

fn matches_whole(pattern: &str, text: &str) -> bool {
    Regex::new(&format!("^(?:{pattern})$")).is_ok_and(|regex| regex.is_match(text))
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
