//! Request bodies against their schemas. RunPod answers 422 with one line for each error; members that it does not know
//! are errors, those of v1 too. The words beyond `missing property` and `additional properties` are unconfirmed.

use regex_lite::Regex;
use serde_json::{Map, Value};

/// A member of an object.
pub(crate) struct Member {
    name: &'static str,
    shape: Shape,
    required: bool,
}

/// What a member's value may be.
pub(crate) enum Shape {
    /// Any text.
    Text,
    /// A text of at least one character.
    Filled,
    /// A text or null.
    Nullable,
    /// A whole number from this on.
    Integer(i64),
    Flag,
    Texts,
    /// Texts like `12.8`.
    Versions,
    /// An object of texts.
    TextMap,
    /// One of these texts.
    Choice(&'static [&'static str]),
    /// An object with these members and no others.
    Object(&'static [Member]),
    /// An object that nothing here looks into.
    AnyObject,
    /// A list that nothing here looks into, with at least one item.
    AnyList,
}

const fn may(name: &'static str, shape: Shape) -> Member {
    Member { name, shape, required: false }
}

const fn must(name: &'static str, shape: Shape) -> Member {
    Member { name, shape, required: true }
}

const PERSISTENT: &[Member] = &[must("size", Shape::Integer(10)), must("path", Shape::Text)];
const TEMPLATE_MOUNTS: &[Member] = &[may("persistent", Shape::Object(PERSISTENT))];
const CATEGORIES: &[&str] = &["CPU", "NVIDIA", "AMD"];
const FLASHBOOT: &[&str] = &["OFF", "FLASHBOOT", "PRIORITY_FLASHBOOT"];
const ACTIONS: &[&str] = &["start", "stop", "restart", "terminate"];

pub(crate) const CREATE_REGISTRY: &[Member] =
    &[must("name", Shape::Filled), must("username", Shape::Filled), must("password", Shape::Filled)];

pub(crate) const CREATE_TEMPLATE: &[Member] = &[
    must("name", Shape::Filled),
    must("image", Shape::Text),
    may("args", Shape::Text),
    may("disk", Shape::Integer(1)),
    may("env", Shape::TextMap),
    may("ports", Shape::Texts),
    may("registry", Shape::Nullable),
    may("allowedCudaVersions", Shape::Versions),
    may("category", Shape::Choice(CATEGORIES)),
    may("mounts", Shape::Object(TEMPLATE_MOUNTS)),
    may("public", Shape::Flag),
    may("serverless", Shape::Flag),
    may("startJupyter", Shape::Flag),
    may("startSsh", Shape::Flag),
];

pub(crate) const UPDATE_TEMPLATE: &[Member] = &[
    may("name", Shape::Filled),
    may("image", Shape::Text),
    may("args", Shape::Text),
    may("disk", Shape::Integer(1)),
    may("env", Shape::TextMap),
    may("ports", Shape::Texts),
    may("registry", Shape::Nullable),
    may("allowedCudaVersions", Shape::Versions),
    may("category", Shape::Choice(CATEGORIES)),
    may("mounts", Shape::Object(TEMPLATE_MOUNTS)),
    may("public", Shape::Flag),
    may("serverless", Shape::Flag),
    may("startJupyter", Shape::Flag),
    may("startSsh", Shape::Flag),
];

pub(crate) const UPDATE_ENDPOINT: &[Member] = &[
    may("name", Shape::Filled),
    may("image", Shape::Text),
    may("args", Shape::Text),
    may("disk", Shape::Integer(1)),
    may("env", Shape::TextMap),
    may("ports", Shape::Texts),
    may("registry", Shape::Nullable),
    may("cpu", Shape::AnyList),
    may("dataCenterIds", Shape::Texts),
    may("flashboot", Shape::Choice(FLASHBOOT)),
    may("gpu", Shape::AnyObject),
    may("networkVolumes", Shape::Texts),
    may("scaling", Shape::AnyObject),
    may("templateId", Shape::Text),
    may("timeout", Shape::Integer(i64::MIN)),
    may("workers", Shape::AnyObject),
];

pub(crate) const UPDATE_POD: &[Member] = &[
    may("name", Shape::Filled),
    may("image", Shape::Text),
    may("args", Shape::Text),
    may("disk", Shape::Integer(1)),
    may("env", Shape::TextMap),
    may("ports", Shape::Texts),
    may("registry", Shape::Nullable),
    may("globalNetworking", Shape::Flag),
    may("locked", Shape::Flag),
    may("mounts", Shape::AnyObject),
    may("templateId", Shape::Text),
];

pub(crate) const POD_ACTION: &[Member] = &[must("action", Shape::Choice(ACTIONS))];

/// What is wrong with a body; empty if nothing is.
pub(crate) fn errors(body: &Value, members: &[Member]) -> Vec<String> {
    let mut found = Vec::new();
    object("$", body, members, &mut found);
    found
}

fn object(at: &str, value: &Value, members: &[Member], found: &mut Vec<String>) {
    let Some(object) = value.as_object() else {
        return found.push(format!("{at}: got {}, want object", kind(value)));
    };
    let missing = members.iter().filter(|member| member.required && !object.contains_key(member.name));
    listed(at, missing.map(|member| member.name), ["missing property", "missing properties"], "", found);
    let unknown = object.keys().map(String::as_str).filter(|name| !known(members, name));
    listed(at, unknown, ["additional properties"; 2], " not allowed", found);
    for member in members {
        if let Some(value) = object.get(member.name) {
            member.shape.check(&format!("{at}.{}", member.name), value, found);
        }
    }
}

fn known(members: &[Member], name: &str) -> bool {
    members.iter().any(|member| member.name == name)
}

fn listed<'n>(
    at: &str,
    names: impl Iterator<Item = &'n str>,
    [one, several]: [&str; 2],
    end: &str,
    found: &mut Vec<String>,
) {
    let names: Vec<String> = names.map(|name| format!("'{name}'")).collect();
    if !names.is_empty() {
        let what = if names.len() == 1 { one } else { several };
        found.push(format!("{at}: {what} {}{end}", names.join(", ")));
    }
}

impl Shape {
    fn check(&self, at: &str, value: &Value, found: &mut Vec<String>) {
        if let Self::Object(members) = self {
            return object(at, value, members, found);
        }
        if !self.takes(value) {
            return found.push(format!("{at}: got {}, want {}", kind(value), self.name()));
        }
        match (self, value) {
            (Self::Filled, Value::String(text)) if text.is_empty() => {
                found.push(format!("{at}: minLength: got 0, want 1"));
            }
            (Self::Integer(least), value) if value.as_i64() < Some(*least) => {
                found.push(format!("{at}: minimum: got {value}, want {least}"));
            }
            (Self::Choice(choices), value) if !choices.iter().any(|choice| value == choice) => {
                found.push(format!("{at}: value must be one of '{}'", choices.join("', '")));
            }
            (Self::AnyList, Value::Array(items)) if items.is_empty() => {
                found.push(format!("{at}: minItems: got 0, want 1"));
            }
            (Self::Texts | Self::Versions, Value::Array(items)) => self.items(at, items, found),
            (Self::TextMap, Value::Object(entries)) => texts(at, entries, found),
            _ => {}
        }
    }

    fn takes(&self, value: &Value) -> bool {
        match self {
            Self::Text | Self::Filled | Self::Choice(_) => value.is_string(),
            Self::Nullable => value.is_string() || value.is_null(),
            Self::Integer(_) => value.is_i64() || value.is_u64(),
            Self::Flag => value.is_boolean(),
            Self::Texts | Self::Versions | Self::AnyList => value.is_array(),
            Self::TextMap | Self::Object(_) | Self::AnyObject => value.is_object(),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Text | Self::Filled | Self::Choice(_) => "string",
            Self::Nullable => "null or string",
            Self::Integer(_) => "integer",
            Self::Flag => "boolean",
            Self::Texts | Self::Versions | Self::AnyList => "array",
            Self::TextMap | Self::Object(_) | Self::AnyObject => "object",
        }
    }

    fn items(&self, at: &str, items: &[Value], found: &mut Vec<String>) {
        let pattern = matches!(self, Self::Versions).then(|| Regex::new(r"^\d+\.\d+$").ok()).flatten();
        for (index, item) in items.iter().enumerate() {
            match (item.as_str(), &pattern) {
                (None, _) => found.push(format!("{at}[{index}]: got {}, want string", kind(item))),
                (Some(text), Some(pattern)) if !pattern.is_match(text) => {
                    found.push(format!(
                        "{at}[{index}]: '{text}' does not match pattern '^\\d+\\.\\d+$'"
                    ));
                }
                _ => {}
            }
        }
    }
}

fn texts(at: &str, entries: &Map<String, Value>, found: &mut Vec<String>) {
    for (name, value) in entries.iter().filter(|(_, value)| !value.is_string()) {
        found.push(format!("{at}.{name}: got {}, want string", kind(value)));
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
