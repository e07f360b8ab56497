//! What RunPod refuses, in its own words.

use http::Method;
use serde_json::Value;

use super::wire::ErrorBody;
use crate::model::Problem;
use crate::net::{HttpError, Response, Retry};
use crate::redact;

/// A request to RunPod failed.
#[derive(Debug, thiserror::Error)]
pub enum RunpodError {
    /// RunPod answered with an error status.
    #[error("{method} {path}: {status} {words}")]
    Status {
        /// The method.
        method: Method,
        /// The path.
        path: String,
        /// The status.
        status: u16,
        /// RunPod's own words, as they may be shown.
        words: String,
    },
    /// Something in front of RunPod refused it: Cloudflare, a proxy, a firewall.
    #[error("{method} {path}: blocked before RunPod: {status} {words}")]
    Blocked {
        /// The method.
        method: Method,
        /// The path.
        path: String,
        /// The status.
        status: u16,
        /// What the page says.
        words: String,
    },
    /// Something answered in the shape of an API that regcred does not speak.
    #[error("{method} {path}: the answer ({status}) is one of {api}, not of RunPod's REST API v2")]
    OtherApi {
        /// The method.
        method: Method,
        /// The path.
        path: String,
        /// The status; a proxy in front of RunPod may have given it.
        status: u16,
        /// Which API has such answers.
        api: &'static str,
    },
    /// The key's quota is used up for longer than this run is ready to wait.
    #[error("{method} {path}: RunPod's quota is used up, open again in {seconds}s")]
    Limited {
        /// The method.
        method: Method,
        /// The path.
        path: String,
        /// How long it lasts.
        seconds: u64,
    },
    /// RunPod did what was asked, and the answer says otherwise.
    #[error("{method} {path}: the answer says {found}, not {wanted}")]
    Unchanged {
        /// The method.
        method: Method,
        /// The path.
        path: String,
        /// What it says now.
        found: String,
        /// What was asked for.
        wanted: String,
    },
    /// No usable answer came.
    #[error(transparent)]
    Broken(#[from] HttpError),
}

impl RunpodError {
    /// The status, if RunPod answered in its own shape.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Whether the request may have had its effect although no good answer came.
    #[must_use]
    pub fn may_have_worked(&self) -> bool {
        match self {
            Self::Status { status, .. } => *status >= 500,
            Self::Broken(error) => {
                error.class == Retry::ObserveFirst || error.status.is_some_and(|s| s < 300)
            }
            Self::OtherApi { status, .. } => *status >= 500 || *status < 300,
            Self::Unchanged { .. } => true,
            Self::Limited { .. } | Self::Blocked { .. } => false,
        }
    }

    /// Whether the same request may go better the next time.
    #[must_use]
    pub(super) fn is_fault(&self) -> bool {
        match self {
            Self::Status { status, .. } | Self::OtherApi { status, .. } => *status >= 500 || *status == 408,
            Self::Broken(_) => true,
            Self::Limited { .. } | Self::Unchanged { .. } | Self::Blocked { .. } => false,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Status { status: 401, .. } => Some(
                "the key in RUNPOD_API_KEY is not valid: make one in RunPod's console under Settings, API Keys, and export it".to_owned(),
            ),
            Self::Status { status: 403, .. } => Some(
                "the key in RUNPOD_API_KEY is not allowed to do this: give it read and write access to registries, templates, serverless and pods".to_owned(),
            ),
            Self::Status { status: 402, .. } => {
                Some("add credit in RunPod's console under Billing".to_owned())
            }
            Self::Blocked { .. } => Some(
                "run it from another address or without the proxy: RunPod has not seen the request".to_owned(),
            ),
            Self::Status { status: 404, .. } => Some("it is gone, or not your own; to see what is there: regcred plan".to_owned()),
            Self::OtherApi { status, .. } if *status < 500 => {
                Some("export RUNPOD_API_URL=https://api.runpod.io, or unset it".to_owned())
            }
            Self::Limited { seconds, .. } => {
                Some(format!("run it again in {} minutes", seconds.div_ceil(60)))
            }
            Self::Status { .. } | Self::OtherApi { .. } | Self::Unchanged { .. } | Self::Broken(_) => None,
        }
    }
}

impl From<RunpodError> for Problem {
    fn from(error: RunpodError) -> Self {
        let wrote = error.may_have_worked();
        let login = matches!(
            error,
            RunpodError::Status { status: 401, .. } | RunpodError::OtherApi { status: 401, .. }
        );
        let (hints, causes) = match &error {
            RunpodError::Broken(broken) => (broken.hints.clone(), broken.causes.clone()),
            _ => (Vec::new(), Vec::new()),
        };
        Self::outside(error.to_string())
            .caused_by(causes)
            .hints(hints)
            .hints(error.hint())
            .login(login)
            .written(wrote)
    }
}

/// The error that an answer is.
pub(super) fn refused(method: &Method, path: &str, answer: &Response) -> RunpodError {
    let (method, path) = (method.clone(), path.to_owned());
    let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
    if let Some(api) = body.as_ref().and_then(other_api) {
        return RunpodError::OtherApi { method, path, status: answer.status, api };
    }
    // 404 and 5xx may be RunPod's own pages.
    if let (400..=403 | 405..=407 | 409..=499, Some(words)) = (answer.status, answer.page()) {
        return RunpodError::Blocked { method, path, status: answer.status, words };
    }
    let problem: ErrorBody = body.and_then(|body| serde_json::from_value(body).ok()).unwrap_or_default();
    let mut words = problem.detail.or(problem.title).unwrap_or_else(|| answer.detail());
    if !problem.errors.is_empty() {
        words = format!("{} {}", words, problem.errors.join("; "));
    }
    RunpodError::Status { method, path, status: answer.status, words: redact::outside(&words) }
}

/// Which older API has such answers: v1 has `{"error", "status"}` or `{"message"}` alone, and lists without a name;
/// GraphQL has `errors` with messages, and `data`, whatever the status.
pub(super) fn other_api(body: &Value) -> Option<&'static str> {
    let graphql = body["errors"][0]["message"].is_string() || body["data"]["myself"].is_object();
    let old = body["error"].is_string() || body.is_array();
    let bare = body["message"].is_string() && body["detail"].is_null();
    match (graphql, old || bare) {
        (true, _) => Some("the GraphQL API"),
        (false, true) => Some("REST v1, which has retired"),
        (false, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_older_apis_answer_is_a_fault_where_its_status_says_so_and_may_have_worked_where_none_was_refused() {
        let told = |status: u16| {
            let (method, path) = (Method::POST, "/v2/registries".to_owned());
            let error = RunpodError::OtherApi { method, path, status, api: "REST v1" };
            (error.is_fault(), error.may_have_worked(), error.hint().is_some())
        };
        assert_eq!(
            [200, 404, 502].map(told),
            [(false, true, true), (false, false, true), (true, true, false)]
        );
    }

    #[test]
    fn an_answer_of_an_older_api_is_told_from_one_of_v2() {
        for body in [json!({ "error": "pod not found", "status": 404 }), json!([]), json!({ "message": "x" })]
        {
            assert!(other_api(&body).unwrap().contains("v1"), "{body}");
        }
        let graphql = json!({ "errors": [{ "message": "x", "path": ["y"] }], "data": null });
        assert!(other_api(&graphql).unwrap().contains("GraphQL"));
        for body in [
            json!({ "title": "Not Found", "status": 404, "detail": "pod not found" }),
            json!({ "title": "x", "status": 422, "detail": "y", "errors": ["$: missing property 'x'"] }),
            json!({ "registries": [] }),
            json!({ "data": { "registry": { "id": "x" } } }),
        ] {
            assert_eq!(other_api(&body), None, "{body}");
        }
    }
}
