//! Label and field selectors of lists.

use serde_json::Value;

use super::error::Refusal;
use super::routes::Resource;

/// One requirement on a label.
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Missing(String),
}

impl Requirement {
    fn holds(&self, labels: &Value) -> bool {
        let value = |key: &str| labels[key].as_str();
        match self {
            Self::In(key, values) => {
                value(key).is_some_and(|value| values.iter().any(|known| known == value))
            }
            // What has no such label is not in the list either.
            Self::NotIn(key, values) => {
                value(key).is_none_or(|value| values.iter().all(|known| known != value))
            }
            Self::Exists(key) => value(key).is_some(),
            Self::Missing(key) => value(key).is_none(),
        }
    }
}

/// What a list is narrowed to.
pub(crate) struct Selector {
    labels: Vec<Requirement>,
    /// Path, value, and whether it has to be it.
    fields: Vec<(String, String, bool)>,
}

impl Selector {
    pub(crate) fn parse(resource: Resource, labels: &str, fields: &str) -> Result<Self, Refusal> {
        let labels = split(labels).into_iter().map(requirement).collect::<Result<_, _>>()?;
        let fields = split(fields).into_iter().map(|text| field(resource, text)).collect::<Result<_, _>>()?;
        Ok(Self { labels, fields })
    }

    pub(crate) fn is_everything(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    pub(crate) fn holds(&self, object: &Value) -> bool {
        let pointer = |path: &str| format!("/{}", path.replace('.', "/"));
        let is = |path: &str, value: &str| {
            object.pointer(&pointer(path)).and_then(Value::as_str).unwrap_or_default() == value
        };
        self.labels.iter().all(|requirement| requirement.holds(&object["metadata"]["labels"]))
            && self.fields.iter().all(|(path, value, wanted)| is(path, value) == *wanted)
    }
}

/// The one name that a field selector asks for: the rules go by it.
pub(crate) fn named(fields: &str) -> Option<String> {
    let mut names = split(fields).into_iter().filter_map(|text| {
        let (path, value) = text.split_once('=')?;
        (path == "metadata.name").then(|| value.trim_start_matches('=').to_owned())
    });
    names.next()
}

/// At the commas outside of parentheses.
fn split(text: &str) -> Vec<&str> {
    let mut depth = 0_i32;
    text.split(move |symbol| {
        depth += i32::from(symbol == '(') - i32::from(symbol == ')');
        symbol == ',' && depth == 0
    })
    .map(str::trim)
    .filter(|part| !part.is_empty())
    .collect()
}

fn requirement(text: &str) -> Result<Requirement, Refusal> {
    let unreadable = || Refusal::bad_request(format!("unable to parse requirement: {text}"));
    let owned = |key: &str| {
        let key = key.trim();
        if super::validation::label_key(key).is_empty() { Ok(key.to_owned()) } else { Err(unreadable()) }
    };
    if let Some((key, value)) = text.split_once("!=") {
        return Ok(Requirement::NotIn(owned(key)?, vec![value.trim().to_owned()]));
    }
    if let Some((key, value)) = text.split_once('=') {
        let value = value.strip_prefix('=').unwrap_or(value);
        return Ok(Requirement::In(owned(key)?, vec![value.trim().to_owned()]));
    }
    if let Some((head, list)) = text.split_once('(') {
        let list = list.strip_suffix(')').ok_or_else(unreadable)?;
        let values = list.split(',').map(|value| value.trim().to_owned()).collect();
        return match head.split_whitespace().collect::<Vec<_>>()[..] {
            [key, "in"] => Ok(Requirement::In(owned(key)?, values)),
            [key, "notin"] => Ok(Requirement::NotIn(owned(key)?, values)),
            _ => Err(unreadable()),
        };
    }
    match text.strip_prefix('!') {
        Some(key) => Ok(Requirement::Missing(owned(key)?)),
        None => Ok(Requirement::Exists(owned(text)?)),
    }
}

fn field(resource: Resource, text: &str) -> Result<(String, String, bool), Refusal> {
    let wrong = || Refusal::bad_request(format!("invalid selector: '{text}'; can't understand '{text}'"));
    let (path, value, wanted) = match text.split_once("!=") {
        Some((path, value)) => (path, value, false),
        None => {
            let (path, value) = text.split_once('=').ok_or_else(wrong)?;
            (path, value.strip_prefix('=').unwrap_or(value), true)
        }
    };
    let known = match resource {
        Resource::Secrets => ["metadata.name", "metadata.namespace", "type"].as_slice(),
        Resource::Namespaces => ["metadata.name", "status.phase"].as_slice(),
        _ => ["metadata.name", "metadata.namespace"].as_slice(),
    };
    if !known.contains(&path) {
        return Err(Refusal::bad_request(format!("field label not supported: {path}")));
    }
    Ok((path.to_owned(), value.to_owned(), wanted))
}
