//! One line of `-vv` for each request, whichever client sent it.

use url::Url;

use super::redacted;

/// Says what was asked and how it was answered: no header, no body, and nothing of the URL that may be secret.
/// `operation` is for systems in which the method and the path do not tell what is asked.
pub(super) fn trace(method: &str, url: &Url, operation: Option<&str>, status: Option<u16>) {
    let url = redacted(url);
    let operation = operation.map(tracing::field::display);
    match status {
        Some(status) => tracing::debug!(%method, %url, operation, status, "answered"),
        None => tracing::debug!(%method, %url, operation, "not answered"),
    }
}
