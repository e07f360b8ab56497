//! Daytona's REST API as far as regcred needs it: the registry list and the key's own description.

use std::time::Duration;

use chrono::DateTime;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use url::Url;

use super::Row;
use crate::change::Read;
use crate::env::Env;
use crate::http::{Http, HttpError, Request, Response, Retry, TRIES, after_fault, retry_after, segment};
use crate::model::{Login, Problem, Secret};
use crate::targets::Look;

/// A hundred rows with long names.
const BODY_CAP: usize = 1024 * 1024;
/// The longest wait that `retry-after` may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// Between two looks at an API that is still starting.
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

/// The variable that holds the key.
pub(super) const KEY: &str = "DAYTONA_API_KEY";
/// The variable that holds the API's address, and the address without it.
pub(super) const URL: &str = "DAYTONA_API_URL";
const DEFAULT_URL: &str = "https://app.daytona.io/api";

/// The address of the API, which ends with `/api`.
pub(super) fn address(env: &Env) -> String {
    env.filled(URL).unwrap_or(DEFAULT_URL).trim_end_matches('/').to_owned()
}

/// An API key and the organization that comes with it.
#[derive(Debug)]
pub struct Key(Secret);

impl Key {
    /// The key of `DAYTONA_API_KEY`.
    ///
    /// # Errors
    /// It is not set, or empty.
    pub fn find(env: &Env) -> Read<Self> {
        let value = env.filled(KEY).map(str::trim).filter(|value| !value.is_empty());
        value.map(|value| Self(Secret::new(value.to_owned()))).ok_or_else(|| {
            Problem::outside("no Daytona API key: DAYTONA_API_KEY is not set")
                .hint(
                    "make a key with the permission write:registries, and export DAYTONA_API_KEY".to_owned(),
                )
                .login(true)
        })
    }
}

/// A client of one Daytona API, in the organization of its key.
#[derive(Debug)]
pub struct Client {
    http: Http,
    base: Url,
    key: Key,
    insecure: bool,
}

/// A request to Daytona failed.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct DaytonaError {
    error: HttpError,
    /// How long the server said to wait.
    wait: Option<Duration>,
}

impl From<HttpError> for DaytonaError {
    fn from(error: HttpError) -> Self {
        Self { error, wait: None }
    }
}

impl DaytonaError {
    /// The status, if Daytona answered.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.error.status
    }

    /// Whether the server may only be starting: nobody listens yet, or a proxy has nobody to ask.
    fn is_of_a_start(&self) -> bool {
        match self.error.status {
            None => self.error.class == Retry::Safe,
            Some(status) => matches!(status, 502..=504),
        }
    }

    /// Whether the same request may help, if sending it twice does no harm.
    pub(super) fn may_pass(&self) -> bool {
        self.error.class != Retry::Never
    }

    /// Waits before the next try; false where the server asks for more than a run may wait.
    pub(super) async fn pause(&self, tried: u32) -> bool {
        let wait = self.wait.unwrap_or(after_fault(tried));
        if wait > LONGEST_WAIT {
            return false;
        }
        tracing::debug!(error = %self, ?wait, "trying again");
        sleep(wait).await;
        true
    }

    /// Whether it may have had its effect.
    pub(super) fn is_ambiguous(&self) -> bool {
        self.error.class == Retry::ObserveFirst
    }

    fn hint(&self) -> Option<String> {
        Some(match self.error.status? {
            401 => {
                "DAYTONA_API_KEY is not valid at DAYTONA_API_URL: make a new key, and export it".to_owned()
            }
            403 => "give the key write:registries, and delete:registries for --allow-delete".to_owned(),
            // Outside /api the server sends its dashboard, as a page and with 200.
            200..=299 | 404 => {
                "DAYTONA_API_URL ends with /api, such as https://app.daytona.io/api; if it does, run it again"
                    .to_owned()
            }
            429 => "run it again in a minute".to_owned(),
            300..=399 => "write the address that it redirects to into DAYTONA_API_URL".to_owned(),
            _ => return None,
        })
    }
}

impl From<DaytonaError> for Problem {
    fn from(error: DaytonaError) -> Self {
        let wrote = error.is_ambiguous();
        let login = error.status() == Some(401);
        let hint = error.hint().or_else(|| {
            let starts = error.is_of_a_start();
            starts.then(|| "if it is still starting: regcred sync --wait 2m".to_owned())
        });
        Problem::outside(error.to_string()).hints(hint).login(login).written(wrote)
    }
}

/// A row as it comes.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sent {
    id: String,
    name: String,
    url: String,
    username: String,
    updated_at: String,
}

impl From<Sent> for Row {
    fn from(sent: Sent) -> Self {
        let Sent { id, name, url, username, updated_at } = sent;
        // Daytona's own words are shown to people, and must not write over a terminal.
        let shown = |text: String| text.chars().filter(|c| !c.is_control()).collect::<String>();
        // Only the order of rows depends on it; one without a time comes first.
        let updated = DateTime::parse_from_rfc3339(&updated_at).map(|at| at.to_utc()).unwrap_or_default();
        Self { id, name: shown(name), url: shown(url), username: shown(username), updated }
    }
}

/// What a row is to be.
pub(super) struct Wanted<'a> {
    pub(super) name: &'a str,
    pub(super) url: &'a str,
    pub(super) login: &'a Login,
}

impl Wanted<'_> {
    /// Every field, also to change a row: left out, name, url and user name are refused, and a password stays as it is.
    fn body(&self) -> Value {
        json!({
            "name": self.name,
            "url": self.url,
            "username": self.login.username,
            "password": self.login.token.expose(),
        })
    }
}

impl Client {
    /// A client of the API at `base`, such as `https://app.daytona.io/api`.
    ///
    /// # Errors
    /// If `base` is no address.
    pub fn new(http: &Http, base: &str, key: Key, insecure: bool) -> Read<Self> {
        let base = Url::parse(&format!("{}/", base.trim_end_matches('/')))
            .map_err(|error| Problem::outside(format!("DAYTONA_API_URL: {error}")))?;
        Ok(Self { http: http.clone(), base, key, insecure })
    }

    /// The API's address.
    #[must_use]
    pub fn api(&self) -> String {
        crate::http::redacted(&self.base).trim_end_matches('/').to_owned()
    }

    /// Every row of the organization's list, which comes in one piece.
    ///
    /// # Errors
    /// If Daytona refuses it, or no usable answer comes after the tries.
    pub async fn list(&self) -> Result<Vec<Row>, DaytonaError> {
        let answer = self.again(Method::GET, "docker-registry", None).await?;
        Ok(answer.json::<Vec<Sent>>()?.into_iter().map(Row::from).collect())
    }

    /// The same, waiting for an API that is still starting.
    pub(super) async fn list_when_started(&self, look: &Look<'_>) -> Result<Vec<Row>, DaytonaError> {
        let end = Instant::now() + look.wait;
        let mut told = false;
        loop {
            let error = match self.list().await {
                Err(error) if error.is_of_a_start() && Instant::now() < end => error,
                answer => return answer,
            };
            if !told {
                (look.say)(&format!("waiting for Daytona: {error}"));
            }
            told = true;
            sleep(BETWEEN_LOOKS).await;
        }
    }

    /// What the key is called.
    ///
    /// # Errors
    /// If Daytona does not tell it.
    pub async fn key_name(&self) -> Result<String, DaytonaError> {
        #[derive(Deserialize)]
        struct Current {
            name: String,
        }
        let answer = self.once(Method::GET, "api-keys/current", None).await?;
        Ok(answer.json::<Current>()?.name)
    }

    /// Makes a row. Daytona makes a second one just as well, so it is sent once.
    pub(super) async fn create(&self, wanted: &Wanted<'_>) -> Result<(), DaytonaError> {
        self.once(Method::POST, "docker-registry", Some(wanted)).await.map(|_| ())
    }

    /// Changes a row.
    pub(super) async fn update(&self, id: &str, wanted: &Wanted<'_>) -> Result<(), DaytonaError> {
        self.again(Method::PATCH, &row_path(id), Some(wanted)).await.map(|_| ())
    }

    /// Removes a row; one that is gone already is removed.
    pub(super) async fn delete(&self, id: &str) -> Result<(), DaytonaError> {
        match self.again(Method::DELETE, &row_path(id), None).await {
            Err(error) if error.status() == Some(404) => Ok(()),
            answer => answer.map(|_| ()),
        }
    }

    /// Sends what does no harm when it comes twice. A read that a proxy has nobody for was repeated already.
    async fn again(
        &self,
        method: Method,
        path: &str,
        wanted: Option<&Wanted<'_>>,
    ) -> Result<Response, DaytonaError> {
        for tried in 1..TRIES {
            match self.once(method.clone(), path, wanted).await {
                Err(error) if method == Method::GET && matches!(error.status(), Some(502..=504)) => {
                    return Err(error);
                }
                Err(error) if error.may_pass() => {
                    if !error.pause(tried).await {
                        return Err(error);
                    }
                }
                answer => return answer,
            }
        }
        self.once(method, path, wanted).await
    }

    async fn once(
        &self,
        method: Method,
        path: &str,
        wanted: Option<&Wanted<'_>>,
    ) -> Result<Response, DaytonaError> {
        // The base ends with `/` and the path is ours, so that joining cannot fail.
        let url = self.base.join(path).unwrap_or_else(|_| self.base.clone());
        let mut request = Request::new(method, url).bearer(&self.key.0)?.max_body(BODY_CAP);
        if let Some(wanted) = wanted {
            request = request.json(&wanted.body());
        }
        if self.insecure {
            request = request.allow_plain_http();
        }
        let answer = self.http.send(&request).await?;
        if answer.is_success() {
            return Ok(answer);
        }
        let mut error = answer.error();
        let secrets = [Some(&self.key.0), wanted.map(|wanted| &wanted.login.token)];
        if secrets.into_iter().flatten().any(|secret| answer.repeats(secret.expose())) {
            error.detail = format!("{}: the answer repeats a secret, so it is not shown", answer.status);
        }
        Err(DaytonaError { error, wait: retry_after(&answer.headers) })
    }
}

fn row_path(id: &str) -> String {
    format!("docker-registry/{}", segment(id))
}
