//! Why a request was not sent or not answered, in words: the one place that reads the libraries' errors.

use std::error::Error;

use url::Url;

use super::{CONNECT_TIMEOUT, Proxy, Retry, Roots};
use crate::model::Problem;
use crate::redact;

/// Why a request has no answer. Other libraries carry it in their own errors; [`NetError::within`] finds it there.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{words}")]
pub struct NetError {
    /// What may be done now, if the request is one that writes.
    pub class: Retry,
    /// What happened.
    pub words: String,
    /// What to do about it.
    pub hints: Vec<String>,
    /// What the library says, the nearest first.
    pub causes: Vec<String>,
}

impl NetError {
    /// The error in another's chain of causes.
    pub(crate) fn within<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        causes(error).find_map(|cause| cause.downcast_ref())
    }

    /// Nothing was sent, and nothing will be.
    pub(crate) fn refused(problem: Problem) -> Self {
        Self { class: Retry::Never, words: problem.message, hints: problem.hints, causes: problem.causes }
    }

    /// Reads an error of a request that was on its way.
    pub(super) fn of(error: &reqwest::Error, on: &Way<'_>) -> Self {
        let unsent = error.is_connect();
        let tls_failed = causes(error).any(|cause| tls(cause).is_some());
        // Both sides would say the same to each other again.
        let class = match (unsent, tls_failed) {
            (true, true) => Retry::Never,
            (true, false) => Retry::Safe,
            (false, _) => Retry::ObserveFirst,
        };
        let through = on.proxy.map(|proxy| format!(" through the proxy {proxy}")).unwrap_or_default();
        let chain = causes(error).skip(1).map(|cause| redact::outside(&cause.to_string())).collect();
        let certificate = causes(error).find_map(tls).and_then(|cause| on.roots.refusal(cause));
        if let Some((words, hint)) = certificate {
            return Self {
                class: Retry::Never,
                words: format!("{}: {words}", host(on.url)),
                hints: hint.into_iter().collect(),
                causes: chain,
            };
        }
        let words = if error.is_timeout() {
            let limit = if unsent { CONNECT_TIMEOUT } else { on.patience };
            format!("no answer within {} seconds{through}", limit.as_secs())
        } else if unsent {
            match innermost(error) {
                Some(cause) => format!("no connection could be made{through}: {cause}"),
                None => format!("no connection could be made{through}"),
            }
        } else if error.is_builder() || error.is_request() && causes(error).nth(1).is_none() {
            "the request cannot be sent: its address or a header is not valid".to_owned()
        } else {
            "the connection broke before the answer was complete".to_owned()
        };
        Self { class, words, hints: Vec::new(), causes: chain }
    }
}

/// How a request went.
pub(super) struct Way<'a> {
    pub(super) url: &'a Url,
    pub(super) proxy: Option<&'a Proxy>,
    pub(super) roots: &'a Roots,
    pub(super) patience: std::time::Duration,
}

fn host(url: &Url) -> &str {
    url.host_str().unwrap_or_default()
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    // Of the error itself, not of the reference to it, which is one as well.
    std::iter::successors(Some(error), |error| (*error).source())
}

/// The TLS library's error, which I/O errors may hold without naming it as their cause.
fn tls<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let inner = || tls(cause.downcast_ref::<std::io::Error>()?.get_ref()?);
    cause.downcast_ref().or_else(inner)
}

/// What is at the bottom of an error: a name that does not resolve, a connection that is refused.
fn innermost(error: &reqwest::Error) -> Option<String> {
    Some(redact::outside(&causes(error).skip(1).last()?.to_string()))
}
