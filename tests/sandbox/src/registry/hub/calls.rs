//! Requests and answers of hub.docker.com's API against `calls.json`: what Docker's description says of the calls that are
//! used here, rewritten. It knows more answers than the description, which leaves 403 and 429 out in places.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::Value;

use crate::message::{Reply, Request};
use crate::shape::Shape;

/// What is described of one call.
#[derive(Debug, Default, Deserialize)]
struct Call {
    body: Option<Shape>,
    #[serde(default)]
    query: Vec<String>,
    answers: BTreeMap<String, Option<Shape>>,
}

type Calls = BTreeMap<String, Call>;

/// What the description does not allow in a request.
pub(super) fn request_violations(operation: &str, request: &Request) -> Vec<String> {
    let Some(call) = calls().get(operation) else {
        return vec!["not described".to_owned()];
    };
    let mut found = body_violations(call.body.as_ref(), &request.body);
    let json = request.header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
    if !request.body.is_empty() && !json {
        found.push("a body that is not called JSON".to_owned());
    }
    let query = request.query_map();
    let unknown = query.keys().filter(|name| !call.query.contains(name));
    found.extend(unknown.map(|name| format!("unknown parameter {name}")));
    found
}

/// What the description does not allow in an answer: a fault of the sandbox.
pub(super) fn answer_violations(operation: &str, reply: &Reply) -> Vec<String> {
    let answers = calls().get(operation).map(|call| &call.answers);
    let found = match answers.and_then(|answers| answers.get(&reply.status.to_string())) {
        None => vec!["not described".to_owned()],
        Some(shape) => body_violations(shape.as_ref(), &reply.body),
    };
    found.into_iter().map(|text| format!("answer {}: {text}", reply.status)).collect()
}

fn body_violations(shape: Option<&Shape>, body: &[u8]) -> Vec<String> {
    match (shape, serde_json::from_slice(body)) {
        (None, _) if body.is_empty() => Vec::new(),
        (None, _) => vec!["a body where none is described".to_owned()],
        (Some(shape), Ok(Value::Object(object))) => {
            shape.errors(&Value::Object(object)).iter().map(ToString::to_string).collect()
        }
        (Some(_), _) => vec!["no JSON object".to_owned()],
    }
}

fn calls() -> &'static Calls {
    static CALLS: OnceLock<Calls> = OnceLock::new();
    // A damaged file shows as "not described" at once.
    CALLS.get_or_init(|| {
        let file: Value = serde_json::from_str(include_str!("calls.json")).unwrap_or_default();
        let whole = expanded(&file["calls"], &file["shapes"]);
        serde_json::from_value(whole).unwrap_or_default()
    })
}

/// With every `{"$": NAME}` replaced by the shape of that name.
fn expanded(value: &Value, shapes: &Value) -> Value {
    match value {
        Value::Object(object) => match object.get("$").and_then(Value::as_str) {
            Some(name) => expanded(&shapes[name], shapes),
            None => object.iter().map(|(name, inner)| (name.clone(), expanded(inner, shapes))).collect(),
        },
        Value::Array(items) => items.iter().map(|item| expanded(item, shapes)).collect(),
        other => other.clone(),
    }
}
