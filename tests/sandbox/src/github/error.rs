//! GitHub's refusals: a message, a link and, since 2024, the status as text.

use serde_json::json;

use crate::faults::Kind;
use crate::message::Reply;

/// An answer that is not what was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    status: u16,
    message: String,
    headers: Vec<(&'static str, String)>,
    url: Option<String>,
}

impl Refusal {
    pub(crate) fn new(status: u16, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), headers: Vec::new(), url: None }
    }

    pub(crate) fn not_found() -> Self {
        Self::new(404, "Not Found")
    }

    /// 422 with the words that a check of the request body answers.
    pub(crate) fn unprocessable(message: impl Into<String>) -> Self {
        Self::new(422, message)
    }

    /// `Invalid request.` and the reason, as the schema check in front of the API writes it
    /// (github/rest-api-description#419, #1688).
    pub(crate) fn invalid(reason: &str) -> Self {
        Self::unprocessable(format!("Invalid request.\n\n{reason}"))
    }

    pub(crate) fn bad_credentials() -> Self {
        Self::new(401, "Bad credentials")
    }

    pub(crate) fn requires_authentication() -> Self {
        Self::new(401, "Requires authentication")
    }

    pub(crate) fn no_user_agent() -> Self {
        Self::new(
            403,
            "Request forbidden by administrative rules. Please make sure your request has a User-Agent header",
        )
    }

    pub(crate) fn primary_limit(login: &str) -> Self {
        Self::new(403, format!("API rate limit exceeded for user {login}."))
    }

    /// 403 with or without `retry-after`; both are documented.
    pub(crate) fn secondary_limit(retry_after: Option<u64>) -> Self {
        let mut refusal = Self::new(
            403,
            "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
        );
        refusal.headers.extend(retry_after.map(|seconds| ("retry-after", seconds.to_string())));
        refusal
    }

    /// Redirects to the repository's lasting address.
    pub(crate) fn moved(status: u16, url: String) -> Self {
        let message = if status == 301 { "Moved Permanently" } else { "Temporary Redirect" };
        let mut refusal = Self::new(status, message);
        refusal.headers.push(("location", url.clone()));
        refusal.url = Some(url);
        refusal
    }

    /// Says which permissions the endpoint wants (documented header).
    pub(crate) fn accepting(mut self, permissions: &str) -> Self {
        if !permissions.is_empty() {
            self.headers.push(("x-accepted-github-permissions", permissions.to_owned()));
        }
        self
    }

    pub(crate) fn render(self) -> Reply {
        let mut body = json!({
            "message": self.message,
            "documentation_url": "https://docs.github.com/rest",
            "status": self.status.to_string(),
        });
        self.url.into_iter().for_each(|url| body["url"] = url.into());
        self.headers
            .into_iter()
            .fold(Reply::json(self.status, &body), |reply, (name, value)| reply.with(name, value))
    }
}

/// What a planned fault looks like here.
pub(crate) fn for_fault(kind: &Kind) -> Refusal {
    match kind {
        Kind::Throttle { retry_after } => Refusal::secondary_limit(*retry_after),
        Kind::Status(401) => Refusal::bad_credentials(),
        Kind::Status(404) => Refusal::not_found(),
        Kind::Status(403) => Refusal::new(403, "Resource not accessible by personal access token"),
        Kind::Status(409) => Refusal::new(409, "Conflict"),
        Kind::Status(429) => Refusal { status: 429, ..Refusal::secondary_limit(None) },
        Kind::Status(503) => Refusal::new(503, "Service Unavailable"),
        Kind::Status(status) => Refusal::new(*status, "Server Error"),
        _ => Refusal::new(500, "Server Error"),
    }
}
