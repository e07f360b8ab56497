//! GitHub's REST API as far as regcred needs it: octocrab sends, this adds what it lacks (redirects
//! of writes, errors with their permissions, retries that wait).

use std::num::NonZeroU32;
use std::time::Duration;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use http::{HeaderMap, Method, StatusCode};
use http_body_util::{BodyExt, Limited};
use octocrab::service::middleware::base_uri::BaseUriLayer;
use octocrab::{AuthState, Octocrab, OctocrabBuilder};
use secrecy::SecretString;
use serde_json::Value;
use url::Url;

use crate::env::Env;
use crate::model::{Problem, Secret};
use crate::net::{Http, NetError, Policy, Redirect, Retry, retry_after};
use crate::redact;

/// The variable that holds the API's address, and the address without it.
pub(super) const URL: &str = "GITHUB_API_URL";
const DEFAULT_URL: &str = "https://api.github.com";

/// GitHub takes some 80 content writes a minute (its REST documentation, "secondary rate limits");
/// the first 20 go out at once, the rest one a second.
pub(super) const BURST: u32 = 20;

/// The address of the API.
pub(super) fn address(env: &Env) -> String {
    env.filled(URL).unwrap_or(DEFAULT_URL).trim_end_matches('/').to_owned()
}

/// GitHub's largest answer here is a page of 100 secrets, some 20 KB.
const BODY_CAP: usize = 1024 * 1024;
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest wait that `retry-after` or the reset time may ask for; beyond it the run fails with the time at which to try
/// again.
const POLICY: Policy = Policy::STANDARD.longest(Duration::from_secs(90));
/// The wait where a limit comes without a time: at least a minute (GitHub's REST documentation, "Exceeding the rate limit").
const WITHOUT_TIME: Duration = Duration::from_secs(60);

/// A GitHub token and where it was found, for hints.
#[derive(Debug)]
pub struct Token {
    /// The token.
    pub value: Secret,
    /// `GITHUB_TOKEN`, `GH_TOKEN` or `gh auth token`.
    pub source: &'static str,
}

/// A logged-in client of one GitHub instance. Writes are paced: some 80 a minute and 500 an hour
/// are taken (GitHub's REST documentation, "secondary rate limits").
#[derive(Debug)]
pub struct Client {
    crab: Octocrab,
    base: Url,
    source: &'static str,
    per_minute: DefaultDirectRateLimiter,
    per_hour: DefaultDirectRateLimiter,
}

/// An answer of GitHub that is not an error.
#[derive(Debug)]
pub struct Answer {
    /// The headers.
    pub headers: HeaderMap,
    /// The JSON body; null where there is none.
    pub body: Value,
    /// Whether the request was redirected, as it is for a renamed repository.
    pub redirected: bool,
}

/// A request to GitHub failed.
#[derive(Debug, thiserror::Error)]
pub enum GithubError {
    /// GitHub answered with an error status.
    #[error("{method} {path}: {status} {message}")]
    Status {
        /// The method.
        method: Method,
        /// The path.
        path: String,
        /// The status.
        status: StatusCode,
        /// GitHub's own words, as they may be shown.
        message: String,
        /// What it would have accepted, from `X-Accepted-GitHub-Permissions`.
        permissions: Option<String>,
        /// Where the token came from.
        source_of_token: &'static str,
    },
    /// GitHub said that it is asked too often, and to wait longer than this run is ready to.
    #[error("{method} {path}: rate limit reached, open again in {}s", wait.as_secs())]
    Limited {
        /// The method.
        method: Method,
        /// The path.
        path: String,
        /// How long it said to wait.
        wait: Duration,
    },
    /// No usable answer came.
    #[error("{method} {path}: {cause}")]
    Broken {
        /// The method.
        method: Method,
        /// The path.
        path: String,
        /// What happened.
        cause: String,
        /// What to do about it.
        hint: Option<String>,
        /// Whether it may have had its effect.
        sent: bool,
    },
}

impl GithubError {
    /// The status, if GitHub answered.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Status { status, .. } => Some(*status),
            Self::Limited { .. } | Self::Broken { .. } => None,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Status { status, path, message, permissions, source_of_token, .. } => {
                status_hint(*status, path, message, permissions.as_deref(), source_of_token)
            }
            Self::Limited { wait, .. } => {
                Some(format!("run it again in {} minutes", wait.as_secs().div_ceil(60)))
            }
            Self::Broken { hint, .. } => hint.clone(),
        }
    }
}

fn status_hint(
    status: StatusCode,
    path: &str,
    message: &str,
    permissions: Option<&str>,
    source: &str,
) -> Option<String> {
    let needs = permissions.map(|wanted| format!(" (GitHub accepts: {wanted})")).unwrap_or_default();
    match status {
        StatusCode::UNAUTHORIZED => {
            Some(format!("the token from {source} is not valid: export GITHUB_TOKEN, or run gh auth login"))
        }
        StatusCode::FORBIDDEN if message.contains("archived") => {
            Some("unarchive the repository, or leave it out".to_owned())
        }
        StatusCode::FORBIDDEN if message.contains("by integration") => Some(format!(
            "a workflow's own GITHUB_TOKEN cannot touch secrets: mint a token of a GitHub App with `secrets: write` and `variables: write`{needs}"
        )),
        StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => Some(format!(
            "the token from {source} may lack access: it needs the {} permissions `secrets: write` and `variables: write`{needs}",
            if path.starts_with("/orgs/") { "organization" } else { "repository" }
        )),
        _ => None,
    }
}

impl Client {
    /// A client for the API at `base`: `https://api.github.com`, or a server's `…/api/v3`.
    ///
    /// # Errors
    /// If `base` is no address.
    pub fn new(http: &Http, base: &str, token: &Token) -> Result<Self, Problem> {
        let unusable = |error: &dyn std::error::Error| {
            Problem::outside(format!("GitHub's client cannot be set up: {error}"))
        };
        let base = Url::parse(base.trim_end_matches('/')).map_err(|error| unusable(&error))?;
        let uri = http::Uri::try_from(base.as_str()).map_err(|error| unusable(&error))?;
        let token_of_octocrab = SecretString::from(token.value.expose().to_owned());
        let crab = OctocrabBuilder::new_empty()
            .with_service(http.patience(ANSWER_TIMEOUT))
            .with_layer(&BaseUriLayer::new(uri))
            .with_auth(AuthState::AccessToken { token: token_of_octocrab })
            .build()
            .map_err(|error| unusable(&error))?;
        let quota =
            |quota: Quota, burst: u32| quota.allow_burst(NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN));
        let rate = |rate: u32| NonZeroU32::new(rate).unwrap_or(NonZeroU32::MIN);
        Ok(Self {
            crab,
            base,
            source: token.source,
            per_minute: RateLimiter::direct(quota(Quota::per_minute(rate(60)), BURST)),
            per_hour: RateLimiter::direct(quota(Quota::per_hour(rate(100)), 400)),
        })
    }

    /// Sends a GET.
    ///
    /// # Errors
    /// If GitHub refuses it, or no usable answer comes after the tries.
    pub async fn get(&self, path: &str) -> Result<Answer, GithubError> {
        self.send(&Method::GET, path, None).await
    }

    /// Sends a write, at GitHub's pace. Every write of regcred may be repeated.
    ///
    /// # Errors
    /// If GitHub refuses it, or no usable answer comes after the tries.
    pub async fn write(&self, method: Method, path: &str, body: &Value) -> Result<Answer, GithubError> {
        self.per_minute.until_ready().await;
        self.per_hour.until_ready().await;
        self.send(&method, path, Some(body)).await
    }

    async fn send(&self, method: &Method, path: &str, body: Option<&Value>) -> Result<Answer, GithubError> {
        POLICY.run(|| self.follow(method, path, body)).await
    }

    /// Sends once, following the redirect of a renamed repository with method and body.
    async fn follow(&self, method: &Method, path: &str, body: Option<&Value>) -> Result<Answer, TryError> {
        let (status, headers, bytes) = self.once(method, path, body).await?;
        let from = Url::parse(&format!("{}{path}", self.base.as_str().trim_end_matches('/')));
        let redirect = from.ok().and_then(|from| Redirect::read(&from, status.as_u16(), &headers));
        let Some(Redirect::Within(target)) = redirect else {
            return self.judge(method, path, status, headers, &bytes);
        };
        let path = &target[url::Position::BeforePath..url::Position::AfterQuery];
        let (status, headers, bytes) = self.once(method, path, body).await?;
        let answer = self.judge(method, path, status, headers, &bytes)?;
        Ok(Answer { redirected: true, ..answer })
    }

    async fn once(
        &self,
        method: &Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, HeaderMap, Vec<u8>), TryError> {
        let broken = |error: &(dyn std::error::Error + 'static)| broken(method, path, error);
        let builder = http::request::Builder::new().method(method.clone()).uri(path);
        let request = self.crab.build_request(builder, body).map_err(|error| broken(&error))?;
        let answer = self.crab.execute(request).await.map_err(|error| broken(&error))?;
        let (parts, body) = answer.into_parts();
        let bytes = Limited::new(body, BODY_CAP).collect().await.map_err(|error| broken(error.as_ref()))?;
        Ok((parts.status, parts.headers, bytes.to_bytes().to_vec()))
    }

    fn judge(
        &self,
        method: &Method,
        path: &str,
        status: StatusCode,
        headers: HeaderMap,
        bytes: &[u8],
    ) -> Result<Answer, TryError> {
        let body = serde_json::from_slice::<Value>(bytes);
        if status.is_success() {
            let body = if bytes.is_empty() { Ok(Value::Null) } else { body };
            // Every answer that has something in it is an object.
            return match body {
                Ok(body @ (Value::Object(_) | Value::Null)) => {
                    Ok(Answer { headers, body, redirected: false })
                }
                _ => Err(TryError::Fault(GithubError::Broken {
                    method: method.clone(),
                    path: shown(path),
                    cause: "the answer is not a JSON object".to_owned(),
                    hint: None,
                    sent: true,
                })),
            };
        }
        let said = body.ok().and_then(|body| body["message"].as_str().map(redact::outside));
        let message = said.unwrap_or_default();
        if let Some(wait) = self.limit(status, &headers, &message) {
            let error = GithubError::Limited { method: method.clone(), path: shown(path), wait };
            return Err(TryError::Wait(wait, error));
        }
        let error = GithubError::Status {
            method: method.clone(),
            path: shown(path),
            status,
            message,
            permissions: text(&headers, "x-accepted-github-permissions").as_deref().map(redact::outside),
            source_of_token: self.source,
        };
        Err(if status.is_server_error() { TryError::Fault(error) } else { TryError::Final(error) })
    }

    /// How long to wait if the answer is about limits: 429, or a 403 that says so in its headers,
    /// or, for a secondary limit without any, in its words, because nothing else tells it from a
    /// missing permission.
    fn limit(&self, status: StatusCode, headers: &HeaderMap, message: &str) -> Option<Duration> {
        if !matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::FORBIDDEN) {
            return None;
        }
        if let Some(wait) = retry_after(headers) {
            return Some(wait);
        }
        if number(headers, "x-ratelimit-remaining") == Some(0) {
            let reset = number(headers, "x-ratelimit-reset").unwrap_or_default();
            let now = date(headers).map_or(0, |date| u64::try_from(date.timestamp()).unwrap_or_default());
            return Some(Duration::from_secs(reset.saturating_sub(now)));
        }
        let secondary = status == StatusCode::TOO_MANY_REQUESTS || message.contains("secondary rate limit");
        secondary.then_some(WITHOUT_TIME)
    }
}

/// A path of ours, or the address that an answer redirects to, as it may be shown.
fn shown(path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { redact::outside(path) }
}

type TryError = crate::net::TryError<GithubError>;

/// The time of the answer by GitHub's own clock.
#[must_use]
pub(super) fn date(headers: &HeaderMap) -> Option<chrono::DateTime<chrono::Utc>> {
    let text = text(headers, "date")?;
    chrono::DateTime::parse_from_rfc2822(&text).ok().map(|date| date.to_utc())
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    text(headers, name)?.trim().parse().ok()
}

/// The error of a request without an answer: our own, which octocrab carries in its own.
fn broken(method: &Method, path: &str, error: &(dyn std::error::Error + 'static)) -> TryError {
    let unsent = NetError::within(error);
    let last = std::iter::successors(Some(error), |error| error.source()).last();
    let broken = GithubError::Broken {
        method: method.clone(),
        path: shown(path),
        cause: unsent.map_or_else(
            || last.map_or_else(String::new, |last| redact::outside(&last.to_string())),
            ToString::to_string,
        ),
        hint: unsent.map(|unsent| unsent.hints.join("; ")).filter(|hint| !hint.is_empty()),
        sent: unsent.is_none_or(|unsent| unsent.class == Retry::ObserveFirst),
    };
    match unsent.map(|unsent| unsent.class) {
        Some(Retry::Safe) => TryError::Unsent(broken),
        Some(Retry::Never) => TryError::Final(broken),
        Some(Retry::ObserveFirst) | None => TryError::Fault(broken),
    }
}
