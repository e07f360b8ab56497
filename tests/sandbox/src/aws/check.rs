//! Requests against the services' own models: types, required members, lengths, patterns, known members.
//!
//! `constraints.json` holds the input shapes of the operations used here, from botocore 1.44.5 (Apache-2.0) without
//! their documentation; patterns with Unicode classes (STS tags) are left out.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;

use regex_lite::Regex;
use serde::Deserialize;
use serde_json::Value;

use super::error::AwsError;
use crate::calls::Service;

#[derive(Debug, Default, Deserialize)]
struct Shape {
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

type Model = BTreeMap<String, BTreeMap<String, Shape>>;

/// Something in a request that the model does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    path: String,
    constraint: String,
    kind: ViolationKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ViolationKind {
    Constraint,
    Type,
    /// The real services ignore a member they do not know; it is a mistake all the same.
    Unknown,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' failed to satisfy constraint: {}", self.path, self.constraint)
    }
}

impl Violation {
    pub(crate) fn is_refused(&self) -> bool {
        self.kind != ViolationKind::Unknown
    }

    /// In each service's words: ECR has its own, the others those of the common validation layer.
    pub(crate) fn error(&self, service: Service) -> AwsError {
        match (self.kind, service) {
            (ViolationKind::Type, _) => AwsError::serialization(&self.to_string()),
            (_, Service::Ecr) => AwsError::invalid_parameter(format!(
                "Invalid parameter at '{}' failed to satisfy constraint: '{}'",
                self.path, self.constraint
            )),
            (_, Service::Sts) => AwsError::front_door(400, "ValidationError", self.sentence()),
            _ => AwsError::front_door(400, "ValidationException", self.sentence()),
        }
    }

    fn sentence(&self) -> String {
        format!("1 validation error detected: Value at {self}")
    }
}

/// What is wrong with this input, or an error for an operation that the model does not have.
pub(crate) fn check(service: Service, operation: &str, input: &Value) -> Result<Vec<Violation>, AwsError> {
    let shape =
        model().get(&service.to_string()).and_then(|operations| operations.get(operation)).ok_or_else(
            || AwsError::front_door(400, "UnknownOperationException", "This operation is not known here."),
        )?;
    let mut found = Vec::new();
    shape.check("", input, &mut found);
    Ok(found)
}

fn model() -> &'static Model {
    static MODEL: OnceLock<Model> = OnceLock::new();
    // A damaged file shows as "operation not known" at once; a test holds it to being whole.
    MODEL.get_or_init(|| serde_json::from_str(include_str!("constraints.json")).unwrap_or_default())
}

impl Shape {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(shape: &Shape) -> Vec<&String> {
        let inner = shape.members.values().chain(shape.member.as_deref()).chain(shape.value.as_deref());
        shape.pattern.iter().chain(inner.flat_map(patterns)).collect()
    }

    #[test]
    fn every_pattern_of_the_model_compiles() {
        let all: Vec<&String> = model().values().flat_map(BTreeMap::values).flat_map(patterns).collect();
        assert!(all.len() > 10);
        for pattern in all {
            assert!(Regex::new(pattern).is_ok(), "{pattern}");
        }
    }

    #[test]
    fn the_model_has_every_operation_used_here() {
        let counts: Vec<usize> =
            ["ecr", "kms", "secretsmanager", "sts"].iter().map(|name| model()[*name].len()).collect();
        assert_eq!(counts, [5, 1, 16, 2]);
    }
}
