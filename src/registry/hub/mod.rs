//! Access tokens at Docker Hub: listed, made, switched off and deleted (docker/docs, `content/reference/api/hub/latest.yaml`).
//!
//! Only the password of an account may do that: a login by an access token is refused, so it is not even tried. The password
//! is sent to log in, twice at most where it is refused. What it gives is good for ten minutes, so the password is kept in
//! memory for as long as the run takes.

mod error;
mod label;
mod login;
mod tokens;

use std::sync::Mutex;
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::header::{DATE, HeaderMap};
use url::Url;

pub use error::HubError;
pub use label::{Label, called, retired, retired_on};
pub use tokens::{Minted, Token, Wanted};

use super::login::is_lockout;
use crate::env::Env;
use crate::model::{Login, Problem, Secret};
use crate::net::{Http, Policy, Request, Response, retry_after};

/// The variable that holds the API's address, and the address without it.
const URL: &str = "DOCKER_HUB_API_URL";
const DEFAULT_URL: &str = "https://hub.docker.com";
/// A hundred tokens with long labels.
const BODY_CAP: usize = 1024 * 1024;
/// The limit counts by the minute: regcred reports a longer wait instead of waiting.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// The wait after a refusal for its pace that names none.
const PAUSE: Duration = Duration::from_secs(5);

/// Whose tokens they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The account's that logs in.
    Account,
    /// Those of an organization that the account owns.
    Organization(String),
}

/// The API with a login.
#[derive(Debug)]
pub struct Hub {
    http: Http,
    base: Url,
    login: Login,
    bearer: Mutex<Secret>,
    whose: Whose,
    now: Option<DateTime<Utc>>,
}

/// The address of the API.
///
/// # Errors
/// `DOCKER_HUB_API_URL` is not an address of https, or of this machine.
pub fn address(env: &Env) -> Result<Url, Problem> {
    let text = env.filled(URL).unwrap_or(DEFAULT_URL).trim_end_matches('/');
    let url = Url::parse(&format!("{text}/")).map_err(|_| Problem::input(format!("{URL} is not a URL")))?;
    crate::net::check(&url, false).map_err(|problem| Problem::input(format!("{URL}: {problem}")))?;
    Ok(url)
}

/// Sends a request, again where that does no harm, and waits where the server says how long. What comes back is its answer
/// of any status but 429 and those of a fault.
async fn send(http: &Http, request: &Request, repeatable: bool) -> Result<Response, HubError> {
    let policy = Policy::STANDARD.resend(repeatable).longest(LONGEST_WAIT);
    let answered = policy.run(|| async {
        let answer = http.attempt(request).await.map_err(|error| error.trouble(PAUSE))?;
        let is_limit = answer.status == 429 && !is_lockout(&answer.detail());
        if is_limit || answer.is_fault() {
            let mut error = answer.error();
            error.wait = wait(&answer.headers);
            return Err(error.trouble(PAUSE));
        }
        Ok(answer)
    });
    answered.await.map_err(HubError::from)
}

/// How long the API asks to wait: in seconds, or until a time by its own clock, as its description had it before.
fn wait(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let until = |name: &str| {
        let now = DateTime::parse_from_rfc2822(text(DATE.as_str())?).ok()?.timestamp();
        let end: i64 = text(name)?.trim().parse().ok()?;
        u64::try_from(end.saturating_sub(now)).ok().map(Duration::from_secs)
    };
    retry_after(headers).or_else(|| until("x-retry-after")).or_else(|| until("x-ratelimit-reset"))
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn a_wait_is_read_in_seconds_and_as_a_time_by_the_servers_clock() {
        let read = |pairs: &[(&'static str, &'static str)]| {
            let date = ("date", "Sun, 29 Nov 2026 12:00:00 GMT");
            let pairs = pairs
                .iter()
                .chain([&date])
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
            wait(&pairs.collect()).map(|wait| wait.as_secs())
        };
        assert_eq!(read(&[("retry-after", "7"), ("x-retry-after", "1795953605")]), Some(7));
        assert_eq!(read(&[("x-retry-after", "1795953605")]), Some(5));
        assert_eq!(read(&[("x-ratelimit-reset", "1795953620")]), Some(20));
        for none in ["1", "soon", "-5"] {
            assert_eq!(read(&[("x-retry-after", none)]), None, "{none}");
        }
    }

    #[test]
    fn the_address_is_docker_hubs_or_one_that_the_environment_names() {
        let of = |value: &str| address(&Env::from_iter([(URL, value)]));
        assert_eq!(address(&Env::default()).expect("it is good").as_str(), "https://hub.docker.com/");
        assert_eq!(of("http://127.0.0.1:1").expect("it is good").as_str(), "http://127.0.0.1:1/");
        assert!(of("http://hub.example.com").is_err() && of("hub").is_err());
    }
}
