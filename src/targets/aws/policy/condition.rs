//! Conditions of statements, as far as a request's context is known.

use serde_json::Value;

use super::Told;
use super::pattern::Pattern;
use super::request::{Context, Request};

type Compare = fn(&Pattern, &str) -> Option<bool>;

/// An operator by its parts: `ForAnyValue:ArnNotLikeIfExists`.
struct Operator {
    compare: Compare,
    negated: bool,
    if_exists: bool,
    set: Set,
}

#[derive(PartialEq)]
enum Set {
    None,
    All,
    Any,
}

/// Whether one test of a condition holds: of a key's values one is enough, or none where the operator is
/// negated.
pub(super) fn holds(
    operator: &str,
    key: &str,
    values: &[String],
    request: &Request<'_>,
    pattern: impl Fn(&str) -> Result<Pattern, String>,
) -> Told {
    let context = request.context(key);
    if operator == "Null" {
        return is_null(&context, key, values);
    }
    let Some(operator) = Operator::parse(operator) else {
        return Told::depends(format!("the condition {operator} on {key}"));
    };
    let value = match context {
        Context::Unknown => return Told::depends(format!("the condition on {key}")),
        Context::Absent => return operator.of_nothing().into(),
        Context::Value(value) => value,
    };
    let one = |text: &String| match pattern(text) {
        Err(variable) => Told::Depends(variable),
        Ok(pattern) => (operator.compare)(&pattern, &value)
            .map_or_else(|| Told::depends(format!("the condition on {key}")), Told::from),
    };
    let any = Told::any(values.iter().map(one));
    if operator.negated { any.not() } else { any }
}

fn is_null(context: &Context, key: &str, values: &[String]) -> Told {
    let absent = match context {
        Context::Unknown => return Told::depends(format!("the condition on {key}")),
        Context::Absent => "true",
        Context::Value(_) => "false",
    };
    values.iter().any(|value| value.eq_ignore_ascii_case(absent)).into()
}

impl Operator {
    /// Nothing for numbers, dates, addresses and what is not known: no key whose value is known has them.
    fn parse(name: &str) -> Option<Self> {
        let (set, rest) = match name.split_once(':') {
            Some(("ForAllValues", rest)) => (Set::All, rest),
            Some(("ForAnyValue", rest)) => (Set::Any, rest),
            Some(_) => return None,
            None => (Set::None, name),
        };
        let base = rest.strip_suffix("IfExists").unwrap_or(rest);
        let plain = base.replacen("Not", "", 1);
        let compare: Compare = match plain.as_str() {
            "StringEquals" => |pattern, value| Some(pattern.equals(value, |one, other| one == other)),
            "StringEqualsIgnoreCase" | "Bool" => {
                |pattern, value| Some(pattern.equals(value, |one, other| one.eq_ignore_ascii_case(&other)))
            }
            "StringLike" => |pattern, value| Some(pattern.matches(value)),
            "ArnLike" | "ArnEquals" => Pattern::matches_arn,
            _ => return None,
        };
        let negated = plain != base;
        (base != "NotBool").then_some(Self { compare, negated, if_exists: base != rest, set })
    }

    /// What it says of a key that is not in the request (IAM user guide, "condition operators").
    fn of_nothing(&self) -> bool {
        match self.set {
            Set::Any => self.if_exists,
            Set::All => true,
            Set::None => self.if_exists || self.negated,
        }
    }
}

/// The values of a key: texts, numbers and booleans are compared as they are written.
pub(super) fn values(value: &Value) -> Vec<String> {
    match value {
        Value::Array(list) => list.iter().flat_map(values).collect(),
        Value::String(text) => vec![text.clone()],
        Value::Bool(_) | Value::Number(_) => vec![value.to_string()],
        Value::Null | Value::Object(_) => Vec::new(),
    }
}
