//! Request bodies against their schemas. RunPod answers 422 with one line for each error; members that it does not know
//! are errors, those of v1 too. The words beyond `missing property` and `additional properties` are unconfirmed.

use regex_lite::Regex;
use serde_json::{Map, Value};

/// An object: its members, and which of them have to be there. It has no others.
pub(crate) struct Schema {
    members: &'static [Member],
    required: &'static [&'static str],
}

/// A member of an object.
struct Member {
    name: &'static str,
    shape: Shape,
}

/// What a member's value may be.
enum Shape {
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
    /// An object that is looked into.
    Object(&'static Schema),
    /// An object that nothing here looks into.
    AnyObject,
    /// A list that nothing here looks into, with at least one item.
    AnyList,
}

const fn member(name: &'static str, shape: Shape) -> Member {
    Member { name, shape }
}

const PERSISTENT: Schema = Schema {
    members: &[member("size", Shape::Integer(10)), member("path", Shape::Text)],
    required: &["size", "path"],
};
const MOUNTS: Schema = Schema { members: &[member("persistent", Shape::Object(&PERSISTENT))], required: &[] };
const CATEGORIES: &[&str] = &["CPU", "NVIDIA", "AMD"];
const FLASHBOOT: &[&str] = &["OFF", "FLASHBOOT", "PRIORITY_FLASHBOOT"];
const ACTIONS: &[&str] = &["start", "stop", "restart", "terminate"];

const AUTH: &[Member] =
    &[member("name", Shape::Filled), member("username", Shape::Filled), member("password", Shape::Filled)];

const TEMPLATE: &[Member] = &[
    member("name", Shape::Filled),
    member("image", Shape::Text),
    member("args", Shape::Text),
    member("disk", Shape::Integer(1)),
    member("env", Shape::TextMap),
    member("ports", Shape::Texts),
    member("registry", Shape::Nullable),
    member("allowedCudaVersions", Shape::Versions),
    member("category", Shape::Choice(CATEGORIES)),
    member("mounts", Shape::Object(&MOUNTS)),
    member("public", Shape::Flag),
    member("serverless", Shape::Flag),
    member("startJupyter", Shape::Flag),
    member("startSsh", Shape::Flag),
];

const ENDPOINT: &[Member] = &[
    member("name", Shape::Filled),
    member("image", Shape::Text),
    member("args", Shape::Text),
    member("disk", Shape::Integer(1)),
    member("env", Shape::TextMap),
    member("ports", Shape::Texts),
    member("registry", Shape::Nullable),
    member("cpu", Shape::AnyList),
    member("dataCenterIds", Shape::Texts),
    member("flashboot", Shape::Choice(FLASHBOOT)),
    member("gpu", Shape::AnyObject),
    member("networkVolumes", Shape::Texts),
    member("scaling", Shape::AnyObject),
    member("templateId", Shape::Text),
    member("timeout", Shape::Integer(i64::MIN)),
    member("workers", Shape::AnyObject),
];

const POD: &[Member] = &[
    member("name", Shape::Filled),
    member("image", Shape::Text),
    member("args", Shape::Text),
    member("disk", Shape::Integer(1)),
    member("env", Shape::TextMap),
    member("ports", Shape::Texts),
    member("registry", Shape::Nullable),
    member("globalNetworking", Shape::Flag),
    member("locked", Shape::Flag),
    member("mounts", Shape::AnyObject),
    member("templateId", Shape::Text),
];

const ACTION: &[Member] = &[member("action", Shape::Choice(ACTIONS))];

pub(crate) static CREATE_REGISTRY: Schema =
    Schema { members: AUTH, required: &["name", "username", "password"] };
pub(crate) static CREATE_TEMPLATE: Schema = Schema { members: TEMPLATE, required: &["name", "image"] };
pub(crate) static UPDATE_TEMPLATE: Schema = Schema { members: TEMPLATE, required: &[] };
pub(crate) static UPDATE_ENDPOINT: Schema = Schema { members: ENDPOINT, required: &[] };
pub(crate) static UPDATE_POD: Schema = Schema { members: POD, required: &[] };
pub(crate) static POD_ACTION: Schema = Schema { members: ACTION, required: &["action"] };

/// What is wrong with a body; empty if nothing is.
pub(crate) fn errors(body: &Value, schema: &Schema) -> Vec<String> {
    let mut found = Vec::new();
    object("$", body, schema, &mut found);
    found
}

fn object(at: &str, value: &Value, schema: &Schema, found: &mut Vec<String>) {
    let Some(object) = value.as_object() else {
        return found.push(format!("{at}: got {}, want object", kind(value)));
    };
    let missing = schema.required.iter().copied().filter(|name| !object.contains_key(*name));
    listed(at, missing, ["missing property", "missing properties"], "", found);
    let known = |name: &str| schema.members.iter().any(|member| member.name == name);
    let unknown = object.keys().map(String::as_str).filter(|name| !known(name));
    listed(at, unknown, ["additional properties"; 2], " not allowed", found);
    for member in schema.members {
        if let Some(value) = object.get(member.name) {
            member.shape.check(&format!("{at}.{}", member.name), value, found);
        }
    }
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
        if let Self::Object(schema) = self {
            return object(at, value, schema, found);
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
                    found.push(format!("{at}[{index}]: '{text}' does not match pattern '^\\d+\\.\\d+$'"));
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
