//! GitHub's REST API as far as regcred needs it: octocrab sends, this adds what it lacks (redirects
//! of renamed repositories, errors with their permissions, retries that wait).

use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use http_body_util::{BodyExt, Limited};
use octocrab::service::middleware::base_uri::BaseUriLayer;
use octocrab::{AuthState, OctoBody, Octocrab, OctocrabBuilder};
use serde_json::Value;
use tower::{BoxError, Service};
use url::Url;

use super::error::{GithubError, Refusal, broken};
use super::installation::{Access, Installation};
use super::listing;
use super::pace::{Pace, Turn};
use crate::env::Env;
use crate::model::{Problem, Secret};
use crate::net::{Body, Http, Policy, Redirect, header, retry_after};
use crate::redact;

/// The variable that holds the API's address, and the address without it.
pub(super) const URL: &str = "GITHUB_API_URL";
const DEFAULT_URL: &str = "https://api.github.com";

/// The address of the API.
pub(super) fn address(env: &Env) -> String {
    env.filled(URL).unwrap_or(DEFAULT_URL).trim_end_matches('/').to_owned()
}

/// GitHub's largest answer here is a page of 100 repositories: some 700 KB, and more where their names are long.
const BODY_CAP: usize = 4 * 1024 * 1024;
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest wait that GitHub may ask for; beyond it the run fails with the time at which to try again.
const LONGEST_WAIT: Duration = Duration::from_secs(90);
/// The same for a run of so many places or more: it takes long by itself, and the hour's limit is sooner over than it is
/// begun anew.
const MANY: usize = 100;
const LONGEST_WAIT_OF_MANY: Duration = Duration::from_secs(3660);
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

/// A logged-in client of one GitHub instance, at the pace of its login's limits.
#[derive(Debug)]
pub struct Client {
    crab: Octocrab,
    http: Http,
    base: Url,
    login: Login,
    pace: Pace,
    longest_wait: Duration,
}

/// What takes a request of octocrab to GitHub.
pub(crate) trait Sends:
    Service<http::Request<OctoBody>, Response = http::Response<Body>, Error = BoxError, Future: Send>
    + Send
    + 'static
{
}

impl<S> Sends for S where
    S: Service<http::Request<OctoBody>, Response = http::Response<Body>, Error = BoxError, Future: Send>
        + Send
        + 'static
{
}

/// Where a client's tokens come from.
#[derive(Debug)]
enum Login {
    /// One for everything.
    Token(Secret, &'static str),
    /// One for each access, of a GitHub App.
    App(Box<Installation>),
}

/// Where the token of a GitHub App comes from, in words.
pub(super) const APP: &str = "the GitHub App";

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

impl Client {
    /// A client for the API at `base`: `https://api.github.com`, or a server's `…/api/v3`.
    ///
    /// # Errors
    /// If `base` is not an address.
    pub fn new(http: &Http, base: &str, token: &Token) -> Result<Self, Problem> {
        Self::with(http, base, Login::Token(token.value.clone(), token.source))
    }

    /// The same for one owner, of a GitHub App.
    pub(super) fn of_app(http: &Http, base: &str, installation: Installation) -> Result<Self, Problem> {
        Self::with(http, base, Login::App(Box::new(installation)))
    }

    fn with(http: &Http, base: &str, login: Login) -> Result<Self, Problem> {
        Self::over(http.patience(ANSWER_TIMEOUT), http, base, login)
    }

    /// One that sends by another service than the network.
    #[cfg(test)]
    pub(crate) fn by(service: impl Sends, http: &Http, token: &Token) -> Result<Self, Problem> {
        Self::over(service, http, DEFAULT_URL, Login::Token(token.value.clone(), token.source))
    }

    fn over(service: impl Sends, http: &Http, base: &str, login: Login) -> Result<Self, Problem> {
        let unusable = |error: &dyn std::error::Error| {
            Problem::outside(format!("GitHub's client cannot be set up: {error}"))
        };
        let base = Url::parse(base.trim_end_matches('/')).map_err(|error| unusable(&error))?;
        let uri = http::Uri::try_from(base.as_str()).map_err(|error| unusable(&error))?;
        let crab = OctocrabBuilder::new_empty()
            .with_service(service)
            .with_layer(&BaseUriLayer::new(uri))
            .with_auth(AuthState::None)
            .build()
            .map_err(|error| unusable(&error))?;
        let (http, pace) = (http.clone(), Pace::default());
        Ok(Self { crab, http, base, login, pace, longest_wait: LONGEST_WAIT })
    }

    /// The same for a run of so many places.
    #[must_use]
    pub(crate) fn of_run(self, places: usize) -> Self {
        let longest_wait = if places >= MANY { LONGEST_WAIT_OF_MANY } else { LONGEST_WAIT };
        Self { longest_wait, ..self }
    }

    /// Leaves to each of so many runs beside each other its part of the limits.
    pub(super) fn share(&self, runs: usize) {
        self.pace.share(runs);
    }

    /// Whether its limits are those of a GitHub App at one owner, and not shared with other owners.
    pub(super) fn is_app(&self) -> bool {
        matches!(self.login, Login::App(_))
    }

    /// Sends a GET.
    ///
    /// # Errors
    /// If GitHub refuses it, or no usable answer comes after the tries.
    pub async fn get(&self, path: &str) -> Result<Answer, GithubError> {
        self.send(&Method::GET, path, None).await
    }

    /// Sends a write. Every write of regcred may be repeated.
    ///
    /// # Errors
    /// If GitHub refuses it, or no usable answer comes after the tries.
    pub async fn write(&self, method: Method, path: &str, body: &Value) -> Result<Answer, GithubError> {
        self.send(&method, path, Some(body)).await
    }

    /// Sends a DELETE.
    ///
    /// # Errors
    /// If GitHub refuses it, or no usable answer comes after the tries.
    pub async fn delete(&self, path: &str) -> Result<Answer, GithubError> {
        self.send(&Method::DELETE, path, None).await
    }

    async fn send(&self, method: &Method, path: &str, body: Option<&Value>) -> Result<Answer, GithubError> {
        self.policy().run(|| self.follow(method, path, body)).await
    }

    fn policy(&self) -> Policy {
        Policy::STANDARD.longest(self.longest_wait)
    }

    /// Sends with a token of its own, which is not this client's.
    pub(super) async fn ask_with(
        &self,
        token: &Secret,
        method: &Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, GithubError> {
        let asking = || async {
            let (status, headers, bytes) = self.once(method, path, body, token).await?;
            self.judge(method, path, status, headers, &bytes)
        };
        self.policy().run(asking).await
    }

    /// The token for a request. What kept it from being made has been tried again already.
    async fn token(&self, method: &Method, path: &str) -> Result<Secret, TryError> {
        match &self.login {
            Login::Token(token, _) => Ok(token.clone()),
            Login::App(installation) => {
                installation.token(self, Access::of(method, path)).await.map_err(TryError::Final)
            }
        }
    }

    fn source(&self) -> &'static str {
        match &self.login {
            Login::Token(_, source) => source,
            Login::App(_) => APP,
        }
    }

    /// Sends once, and reads where a renamed repository redirects to. A write is not redirected: it is sent to the name that
    /// was read, so that the repository was renamed since, and may be another owner's by now.
    async fn follow(&self, method: &Method, path: &str, body: Option<&Value>) -> Result<Answer, TryError> {
        let token = self.token(method, path).await?;
        let (status, headers, bytes) = self.paced(method, path, body, &token).await?;
        let from = Url::parse(&format!("{}{path}", self.base.as_str().trim_end_matches('/')));
        let redirect = from.ok().and_then(|from| Redirect::read(&from, status.as_u16(), &headers));
        let Some(Redirect::Within(target)) = redirect else {
            return self.judge(method, path, status, headers, &bytes);
        };
        if *method != Method::GET {
            let problem = Problem::outside("the repository now has another name, and maybe another owner")
                .hint("see who owns it: regcred plan");
            return Err(TryError::Final(GithubError::unusable(method, path, problem)));
        }
        let path = &target[url::Position::BeforePath..url::Position::AfterQuery];
        let (status, headers, bytes) = self.paced(method, path, body, &token).await?;
        let answer = self.judge(method, path, status, headers, &bytes)?;
        Ok(Answer { redirected: true, ..answer })
    }

    /// Sends once, when the limits have room for it.
    async fn paced(
        &self,
        method: &Method,
        path: &str,
        body: Option<&Value>,
        token: &Secret,
    ) -> Result<(StatusCode, HeaderMap, Vec<u8>), TryError> {
        let say = |words: String| self.http.say(&words);
        let limited = |wait| GithubError::Limited { method: method.clone(), path: shown(path), wait };
        let turn = self.pace.turn(method, self.longest_wait, say).await;
        let turn: Turn<'_> = turn.map_err(|wait| TryError::Final(limited(wait)))?;
        let answer = self.once(method, path, body, token).await;
        if let Ok((_, headers, _)) = &answer {
            self.pace.told(headers);
        }
        drop(turn);
        answer
    }

    async fn once(
        &self,
        method: &Method,
        path: &str,
        body: Option<&Value>,
        token: &Secret,
    ) -> Result<(StatusCode, HeaderMap, Vec<u8>), TryError> {
        let broken = |error: &(dyn std::error::Error + 'static)| broken(method, path, error);
        let mut bearer =
            HeaderValue::try_from(format!("Bearer {}", token.expose())).map_err(|error| broken(&error))?;
        bearer.set_sensitive(true);
        let builder =
            http::request::Builder::new().method(method.clone()).uri(path).header(AUTHORIZATION, bearer);
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
            // Every answer that has something in it is an object, but for a few lists.
            return match body {
                Ok(body @ Value::Array(_)) if listing::is_bare(path) => {
                    Ok(Answer { headers, body, redirected: false })
                }
                Ok(body @ (Value::Object(_) | Value::Null)) => {
                    Ok(Answer { headers, body, redirected: false })
                }
                _ => {
                    let problem = Problem::outside("the answer is not a JSON object");
                    Err(TryError::Fault(GithubError::unusable(method, path, problem)))
                }
            };
        }
        let said = body.ok().and_then(|body| body["message"].as_str().map(redact::outside));
        let message = said.unwrap_or_default();
        if let Some(wait) = self.limit(status, &headers, &message) {
            self.pace.pause(wait);
            let error = GithubError::Limited { method: method.clone(), path: shown(path), wait };
            return Err(TryError::Wait(wait, error));
        }
        let error = GithubError::Status {
            method: method.clone(),
            path: shown(path),
            status,
            refusal: Box::new(Refusal::read(message, &headers, self.source())),
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
            let now =
                header::date(headers).map_or(0, |date| u64::try_from(date.timestamp()).unwrap_or_default());
            return Some(Duration::from_secs(reset.saturating_sub(now)));
        }
        let secondary = status == StatusCode::TOO_MANY_REQUESTS || message.contains("secondary rate limit");
        secondary.then_some(WITHOUT_TIME)
    }
}

/// A path that regcred asked for, or the address that an answer redirects to, as it may be shown.
pub(super) fn shown(path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { redact::outside(path) }
}

type TryError = crate::net::TryError<GithubError>;

pub(super) fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

pub(super) fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    text(headers, name)?.trim().parse().ok()
}
