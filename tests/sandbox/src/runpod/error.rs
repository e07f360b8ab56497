//! RunPod's refusals: `application/problem+json`, and the shapes of the two APIs before v2.

use http::StatusCode;
use serde_json::json;

use super::state::Api;
use crate::faults::Kind;
use crate::message::Reply;

/// An answer that is not what was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    status: u16,
    detail: String,
    errors: Vec<String>,
    headers: Vec<(&'static str, String)>,
}

impl Problem {
    pub(crate) fn new(status: u16, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), errors: Vec::new(), headers: Vec::new() }
    }

    /// `pod not found` (the description's own example).
    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(404, format!("{what} not found"))
    }

    /// 422 with one line for each thing that the schema does not allow.
    pub(crate) fn invalid(errors: Vec<String>) -> Self {
        Self { errors, ..Self::new(422, "Request validation failed.") }
    }

    pub(crate) fn method_not_allowed(allowed: &[&str]) -> Self {
        Self::new(405, "The requested method is not allowed for this path.").with("allow", allowed.join(", "))
    }

    /// The window that was exceeded, and when it ends.
    pub(crate) fn rate_limited(window: &str, retry_after: u64) -> Self {
        Self::new(429, format!("rate limit exceeded for the {window} window"))
            .with("retry-after", retry_after.to_string())
    }

    pub(crate) fn errors(&self) -> &[String] {
        &self.errors
    }

    fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(crate) fn render(self) -> Reply {
        let title = StatusCode::from_u16(self.status).ok().and_then(|status| status.canonical_reason());
        let mut body =
            json!({ "title": title.unwrap_or("Error"), "status": self.status, "detail": self.detail });
        if !self.errors.is_empty() {
            body["errors"] = json!(self.errors);
        }
        let reply = Reply::text(self.status, "application/problem+json", body.to_string());
        self.headers.into_iter().fold(reply, |reply, (name, value)| reply.with(name, value))
    }
}

/// What a planned fault looks like here.
pub(crate) fn for_fault(kind: &Kind) -> Problem {
    match kind {
        Kind::Throttle { retry_after: Some(seconds) } => Problem::rate_limited("minute", *seconds),
        Kind::Throttle { retry_after: None } | Kind::Status(429) => {
            Problem::new(429, "rate limit exceeded for the minute window")
        }
        Kind::Status(400) => Problem::new(400, "request could not be processed"),
        Kind::Status(401) => Problem::new(401, "invalid bearer token"),
        Kind::Status(403) => Problem::new(403, "access denied"),
        Kind::Status(404) => Problem::not_found("resource"),
        Kind::Status(409) => Problem::new(409, "request conflicts with the current state"),
        Kind::Status(status) => Problem::new(*status, "upstream request failed"),
        _ => Problem::new(500, "upstream request failed"),
    }
}

/// What one of the older APIs says to a request of v2; `None` for v2 itself.
///
/// v1: `{"error","status"}` (an observed answer). GraphQL: 200 with `errors`, whatever is wrong (runpod-python#391).
pub(crate) fn of_another_api(api: Api) -> Option<Reply> {
    match api {
        Api::V2 => None,
        Api::V1 => Some(Reply::json(404, &json!({ "error": "not found", "status": 404 }))),
        Api::GraphQl => Some(Reply::json(
            200,
            &json!({
                "errors": [{
                    "message": "Something went wrong. Please try again later or contact support.",
                    "extensions": { "code": "INTERNAL_SERVER_ERROR" },
                }],
                "data": null,
            }),
        )),
    }
}
