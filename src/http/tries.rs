//! Trying a request again, for the systems that have a client of their own.

use std::fmt::Display;
use std::time::Duration;

use http::HeaderMap;
use http::header::RETRY_AFTER;

/// How often a request is tried in all.
pub const TRIES: u32 = 3;
/// The wait after a fault; doubled each time.
const AFTER_FAULT: Duration = Duration::from_millis(300);

/// Why one try gave no answer.
pub enum Trouble<E> {
    /// Another try would fail in the same way.
    Final(E),
    /// The server asks to wait.
    Wait(Duration, E),
    /// The connection or the server broke.
    Fault(E),
}

/// How long the server asks to wait, where it says so in seconds.
#[must_use]
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// The wait after the `tried`th try.
#[must_use]
pub fn after_fault(tried: u32) -> Duration {
    AFTER_FAULT * 2_u32.pow(tried.saturating_sub(1))
}

/// Tries until there is an answer, another try would be in vain, or [`TRIES`] were made.
///
/// # Errors
/// The last try's.
pub async fn tries<T, E: Display>(once: impl AsyncFn() -> Result<T, Trouble<E>>) -> Result<T, E> {
    let mut tried = 1;
    loop {
        let (wait, error) = match once().await {
            Ok(answer) => return Ok(answer),
            Err(Trouble::Final(error)) => return Err(error),
            Err(Trouble::Wait(wait, error)) => (wait, error),
            Err(Trouble::Fault(error)) => (after_fault(tried), error),
        };
        if tried == TRIES {
            return Err(error);
        }
        tried += 1;
        tracing::debug!(%error, ?wait, "trying again");
        tokio::time::sleep(wait).await;
    }
}
