//! The server's refusals: a `Status` with a reason, details and a code.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::faults::Kind;
use crate::message::Reply;

/// An answer that is not what was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    status: u16,
    reason: &'static str,
    message: String,
    details: Value,
    /// Where to go on after an expired list.
    resume: Option<String>,
    /// Sent as plain text, without a `Status`.
    bare: bool,
    retry_after: Option<u64>,
}

/// One thing that is wrong with a field.
#[derive(Clone, Debug)]
pub(crate) struct Cause {
    pub(crate) reason: &'static str,
    pub(crate) field: String,
    pub(crate) message: String,
}

impl Cause {
    pub(crate) fn invalid(field: impl Into<String>, value: &str, words: impl AsRef<str>) -> Self {
        let message = format!("Invalid value: {}: {}", quoted(value), words.as_ref());
        Self { reason: "FieldValueInvalid", field: field.into(), message }
    }

    pub(crate) fn required(field: impl Into<String>, words: &str) -> Self {
        let colon = if words.is_empty() { "" } else { ": " };
        let message = format!("Required value{colon}{words}");
        Self { reason: "FieldValueRequired", field: field.into(), message }
    }

    pub(crate) fn forbidden(field: impl Into<String>, words: &str) -> Self {
        Self { reason: "FieldValueForbidden", field: field.into(), message: format!("Forbidden: {words}") }
    }

    fn words(&self) -> String {
        format!("{}: {}", self.field, self.message)
    }
}

/// As Go's `%q` writes it, as far as JSON does the same.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

impl Refusal {
    fn new(status: u16, reason: &'static str, message: impl Into<String>, details: Value) -> Self {
        Self {
            status,
            reason,
            message: message.into(),
            details,
            resume: None,
            bare: false,
            retry_after: None,
        }
    }

    /// What the mux in front of the API says, in plain text.
    pub(crate) fn no_such_page() -> Self {
        Self { bare: true, ..Self::new(404, "", "404 page not found\n", Value::Null) }
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized", Value::Null)
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message, Value::Null)
    }

    /// A webhook's refusal, in its own words.
    pub(crate) fn denied(status: u16, words: &str) -> Self {
        let reason = if status == 403 { "Forbidden" } else { "InternalError" };
        let message = format!("admission webhook \"policy.example.com\" denied the request: {words}");
        Self::new(status, reason, message, Value::Null)
    }

    pub(crate) fn not_found(resource: &str, name: &str) -> Self {
        let message = format!("{resource} {} not found", quoted(name));
        Self::new(404, "NotFound", message, json!({ "name": name, "kind": resource }))
    }

    pub(crate) fn already_exists(resource: &str, name: &str, before: &str) -> Self {
        let message = format!("{before}{resource} {} already exists", quoted(name));
        Self::new(409, "AlreadyExists", message, json!({ "name": name, "kind": resource }))
    }

    pub(crate) fn forbidden(resource: &str, name: &str, words: &str) -> Self {
        let subject = match (resource, name) {
            ("", _) => "forbidden".to_owned(),
            (_, "") => format!("{resource} is forbidden"),
            _ => format!("{resource} {} is forbidden", quoted(name)),
        };
        Self::new(403, "Forbidden", format!("{subject}: {words}"), details(resource, name))
    }

    /// Nothing new goes into a namespace that is on its way out.
    pub(crate) fn terminating(resource: &str, name: &str, namespace: &str) -> Self {
        let words =
            format!("unable to create new content in namespace {namespace} because it is being terminated");
        let mut refusal = Self::forbidden(resource, name, &words);
        refusal.details["causes"] = json!([{
            "reason": "NamespaceTerminating",
            "message": format!("namespace {namespace} is being terminated"),
            "field": "metadata.namespace",
        }]);
        refusal
    }

    pub(crate) fn conflict(resource: &str, name: &str, words: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {resource} {}: {words}", quoted(name));
        Self::new(409, "Conflict", message, details(resource, name))
    }

    /// A write that was prepared on something older than what is there.
    pub(crate) fn modified(resource: &str, name: &str) -> Self {
        let words =
            "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(resource, name, words)
    }

    /// Server-side apply: others own what would be set. Each is `"name" using v1`, and the field.
    pub(crate) fn field_conflict(conflicts: &[(String, String)]) -> Self {
        let words = match conflicts {
            [(owner, field)] => format!("1 conflict: conflict with {owner}: {field}"),
            _ => format!("{} conflicts: {}", conflicts.len(), by_owner(conflicts)),
        };
        let causes: Vec<Value> = conflicts
            .iter()
            .map(|(owner, field)| {
                let message = format!("conflict with {owner}");
                json!({ "reason": "FieldManagerConflict", "message": message, "field": field })
            })
            .collect();
        Self::new(409, "Conflict", format!("Apply failed with {words}"), json!({ "causes": causes }))
    }

    /// 422 with every cause; `kind` is empty where the body could not be read as one.
    pub(crate) fn invalid(kind: &str, name: &str, causes: &[Cause]) -> Self {
        let words: Vec<String> = causes.iter().map(Cause::words).collect();
        let words = if words.len() == 1 { words.concat() } else { format!("[{}]", words.join(", ")) };
        let message = format!("{kind} {} is invalid: {words}", quoted(name));
        let causes: Vec<Value> = causes
            .iter()
            .map(|cause| json!({ "reason": cause.reason, "message": cause.message, "field": cause.field }))
            .collect();
        let mut about = details(kind, name);
        about["causes"] = causes.into();
        Self::new(422, "Invalid", message, about)
    }

    /// A JSON patch that does not go through: the server keeps the reason to itself.
    pub(crate) fn unprocessable() -> Self {
        let message = "the server rejected our request due to an error in our request";
        Self::new(422, "Invalid", message, json!({}))
    }

    pub(crate) fn unsupported_media(accepted: &str) -> Self {
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {accepted}"
        );
        Self::new(415, "UnsupportedMediaType", message, Value::Null)
    }

    pub(crate) fn too_large() -> Self {
        Self::new(413, "RequestEntityTooLarge", "Request entity too large: limit is 3145728", Value::Null)
    }

    /// An error without a reason of its own, as Go's plain errors become.
    pub(crate) fn plain(message: &str) -> Self {
        Self::new(500, "", message, Value::Null)
    }

    /// A list whose first page is too old to be gone on with, and a token with which it can be gone on with anyway.
    pub(crate) fn expired(resume: String) -> Self {
        let message = "The provided continue parameter is too old to display a consistent list result. You can start a \
                       new list without the continue parameter, or use the continue token in this response to retrieve \
                       the remainder of the results. Continuing with the provided token results in an inconsistent list \
                       - objects that were created, modified, or deleted between the time the first chunk was returned \
                       and now may show up in the list.";
        Self { resume: Some(resume), ..Self::new(410, "Expired", message, Value::Null) }
    }

    fn internal(words: &str) -> Self {
        let details = json!({ "causes": [{ "message": words }] });
        Self::new(500, "InternalError", format!("Internal error occurred: {words}"), details)
    }

    /// Priority and fairness, in front of the API: plain text.
    fn too_many(retry_after: Option<u64>) -> Self {
        let message = "Too many requests, please try again later.\n";
        Self { bare: true, retry_after, ..Self::new(429, "", message, Value::Null) }
    }

    pub(crate) fn render(self) -> Reply {
        let reply = if self.bare {
            Reply::text(self.status, "text/plain; charset=utf-8", self.message.clone())
        } else {
            Reply::json(self.status, &self.body())
        };
        let reply = reply.with("x-content-type-options", "nosniff");
        self.retry_after.iter().fold(reply, |reply, seconds| reply.with("retry-after", seconds.to_string()))
    }

    fn body(&self) -> Value {
        let mut body = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "code": self.status,
        });
        if !self.reason.is_empty() {
            body["reason"] = self.reason.into();
        }
        if !self.details.is_null() {
            body["details"] = self.details.clone();
        }
        self.resume.iter().for_each(|token| body["metadata"]["continue"] = token.clone().into());
        body
    }
}

fn by_owner(conflicts: &[(String, String)]) -> String {
    let mut lines: BTreeMap<&str, String> = BTreeMap::new();
    for (owner, field) in conflicts {
        let text = lines.entry(owner).or_insert_with(|| format!("conflicts with {owner}:"));
        text.push_str("\n- ");
        text.push_str(field);
    }
    lines.into_values().collect::<Vec<_>>().join("\n")
}

/// Name and kind, as far as there are any.
fn details(kind: &str, name: &str) -> Value {
    let mut details = Map::new();
    for (member, value) in [("name", name), ("kind", kind)] {
        if !value.is_empty() {
            details.insert(member.to_owned(), value.into());
        }
    }
    details.into()
}

/// What a planned fault looks like here.
pub(crate) fn for_fault(kind: &Kind, resource: &str, name: &str, forbidden: Refusal) -> Refusal {
    match kind {
        Kind::Throttle { retry_after } => Refusal::too_many(*retry_after),
        Kind::Status(401) => Refusal::unauthorized(),
        Kind::Status(403) => forbidden,
        Kind::Status(404) => Refusal::not_found(resource, name),
        Kind::Status(409) => Refusal::modified(resource, name),
        Kind::Status(429) => Refusal::too_many(Some(1)),
        Kind::Status(503) => Refusal::new(
            503,
            "ServiceUnavailable",
            "the server is currently unable to handle the request",
            Value::Null,
        ),
        Kind::Status(504) => Refusal::new(
            504,
            "Timeout",
            "Timeout: request did not complete within the allotted timeout",
            json!({}),
        ),
        Kind::Status(status) => {
            Refusal { status: *status, ..Refusal::internal("etcdserver: request timed out") }
        }
        _ => Refusal::internal("etcdserver: request timed out"),
    }
}
