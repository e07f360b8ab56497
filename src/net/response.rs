//! What comes back.

use std::fmt;

use http::header::HeaderMap;
use http::{Method, StatusCode};

use super::{HttpError, Redirect, Retry, redacted, retry_after};
use crate::redact;

/// An answer of any status, read to its end. Its `Debug` form does not show the body, which may be a token.
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, never longer than the request allows.
    pub body: Vec<u8>,
    pub(super) method: Method,
    pub(super) url: String,
    pub(super) redirect: Option<Redirect>,
}

impl Response {
    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether the server had a fault, which another try may not meet.
    pub fn is_fault(&self) -> bool {
        matches!(self.status, 408 | 500..=599)
    }

    /// Where the answer redirects to.
    pub(crate) fn redirect(&self) -> Option<&Redirect> {
        self.redirect.as_ref()
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// [`HttpError`] if it is none of the expected form. The body itself is never repeated.
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, HttpError> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let detail = format!(
                "the answer is not the JSON that was expected (line {}, column {})",
                error.line(),
                error.column()
            );
            self.failed(Retry::Never, detail)
        })
    }

    /// The error that an answer with this status is.
    pub fn error(&self) -> HttpError {
        let class = match self.status {
            429 => Retry::Safe,
            408 | 500..=599 if matches!(self.method, Method::GET | Method::HEAD) => Retry::Safe,
            408 | 500..=599 => Retry::ObserveFirst,
            _ => Retry::Never,
        };
        self.failed(class, format!("{}: {}", self.status, self.detail()))
    }

    /// What the server says about the answer, as it may be shown; the status in words if it says nothing.
    pub fn detail(&self) -> String {
        match &self.redirect {
            Some(Redirect::Elsewhere(target)) => {
                return redact::outside(&format!("it redirects to {target}, where nothing is sent"));
            }
            Some(Redirect::Within(target)) => {
                return redact::outside(&format!("it redirects to {}", redacted(target)));
            }
            None => {}
        }
        let said = self.message().map(|text| redact::outside(&text)).filter(|text| !text.is_empty());
        let status = StatusCode::from_u16(self.status).ok();
        let reason = status.and_then(|status| status.canonical_reason()).unwrap_or("no reason given");
        said.unwrap_or_else(|| reason.to_lowercase())
    }

    fn message(&self) -> Option<String> {
        serde_json::from_slice(&self.body).ok().as_ref().and_then(message).map(str::to_owned)
    }

    fn failed(&self, class: Retry, detail: String) -> HttpError {
        HttpError {
            method: self.method.clone(),
            url: self.url.clone(),
            class,
            status: Some(self.status),
            detail,
            hints: Vec::new(),
            causes: Vec::new(),
            wait: retry_after(&self.headers),
        }
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({} {}: {}, {} bytes)", self.method, self.url, self.status, self.body.len())
    }
}

/// The message of an error as registries, token services and APIs write it.
fn message(body: &serde_json::Value) -> Option<&str> {
    let own = ["message", "details", "detail", "error_description", "error", "title"];
    let nested = body.get("errors").and_then(|errors| errors.get(0)).or_else(|| body.get("error"));
    own.iter()
        .find_map(|key| body.get(key)?.as_str())
        .or_else(|| nested.and_then(|inner| inner.as_str().or_else(|| inner.get("message")?.as_str())))
}
