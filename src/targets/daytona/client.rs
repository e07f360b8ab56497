//! Daytona's REST API as far as regcred needs it: the registry list and the key's own description.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::{Row, Version, stored};
use crate::change::Read;
use crate::env::Env;
use crate::model::{Login, Problem, Secret};
use crate::net::{
    Http, HttpError, Policy, Request, Response, Retry, TryError, Wait, header, is_loopback, segment,
};
use crate::targets::Look;

/// A hundred rows, whose names Daytona does not limit.
const BODY_CAP: usize = 16 * 1024 * 1024;
/// The wait after a refusal for its pace that names none.
const PAUSE: Duration = Duration::from_secs(1);
/// Between two looks at an API that is still starting.
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

/// The variable that holds the key.
pub(super) const KEY: &str = "DAYTONA_API_KEY";
/// The variable that holds the API's address, and the address without it.
pub(super) const URL: &str = "DAYTONA_API_URL";
const DEFAULT_URL: &str = "https://app.daytona.io/api";

/// The path of the API, where the address names none.
const PATH: &str = "/api";

/// The address of the API. What people leave out is put in: the scheme, and the path.
pub(super) fn address(env: &Env) -> String {
    let given = env.filled(URL).unwrap_or(DEFAULT_URL).trim().trim_end_matches('/');
    let with_scheme = match given.split_once("://") {
        Some(_) => given.to_owned(),
        None => format!("{}://{given}", scheme_of(given)),
    };
    match Url::parse(&with_scheme) {
        Ok(url) if url.path() == "/" && url.query().is_none() => format!("{with_scheme}{PATH}"),
        _ => with_scheme,
    }
}

/// Whether whoever runs regcred may be starting the server: Daytona's own runs.
fn is_self_hosted(url: &str) -> bool {
    !url.starts_with(DEFAULT_URL)
}

/// How a server is spoken to whose address has no scheme: this machine without TLS.
fn scheme_of(address: &str) -> &'static str {
    let here = Url::parse(&format!("http://{address}")).is_ok_and(|url| is_loopback(&url));
    if here { "http" } else { "https" }
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
        let value = value.ok_or_else(|| {
            Problem::outside("no Daytona API key: DAYTONA_API_KEY is not set")
                .hint(
                    "make a key with the permission write:registries, and export DAYTONA_API_KEY".to_owned(),
                )
                .login(true)
        })?;
        header::check("the key of DAYTONA_API_KEY", value)?;
        Ok(Self(Secret::new(value.to_owned())))
    }
}

/// A client of one Daytona API, in the organization of its key.
#[derive(Debug)]
pub struct Client {
    http: Http,
    base: Url,
    key: Key,
}

/// A request to Daytona failed.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct DaytonaError {
    #[from]
    error: HttpError,
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

    /// Whether the request was about one row.
    fn is_of_a_row(&self) -> bool {
        !self.error.page && self.error.url.contains("/docker-registry/")
    }

    /// Whether it may have had its effect.
    pub(super) fn is_ambiguous(&self) -> bool {
        self.error.class == Retry::ObserveFirst
            || self.error.method != Method::GET && self.error.status.is_some_and(|status| status < 300)
    }

    fn hint(&self) -> Option<String> {
        Some(match self.error.status? {
            400 if self.error.detail.contains(FULL) => {
                "delete a row; those count, too, that an operator made for the organization, and that the list does not show"
                    .to_owned()
            }
            401..=403 if self.error.page => {
                "something in front of Daytona refused it: run it from another address or without the proxy"
                    .to_owned()
            }
            401 => {
                "DAYTONA_API_KEY is not valid at DAYTONA_API_URL: make a new key, and export it".to_owned()
            }
            403 => "give the key write:registries, and delete:registries for --allow-delete".to_owned(),
            404 if self.is_of_a_row() => "somebody deleted the row meanwhile: run it again".to_owned(),
            200..=299 if self.error.method != Method::GET => {
                "something in front of Daytona answered in its place: run it from another address or without the proxy"
                    .to_owned()
            }
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
            let starts = error.is_of_a_start() && is_self_hosted(&error.error.url);
            starts.then(|| "if it is still starting: regcred sync --wait 2m".to_owned())
        });
        Problem::outside(error.to_string())
            .caused_by(error.error.causes)
            .hints(error.error.hints)
            .hints(hint)
            .login(login)
            .written(wrote)
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
        // One without a time comes first, and is not known to be behind anything.
        let updated = DateTime::parse_from_rfc3339(&updated_at).map(|at| at.to_utc()).unwrap_or_default();
        Self { id, name, url, username, updated }
    }
}

/// A key that expires within this time is reported.
const SOON: TimeDelta = TimeDelta::days(14);
/// What Daytona says of a list that takes no more rows.
const FULL: &str = "maximum number of registries";

/// The rows of an organization's list, and which server told them.
pub struct List {
    /// The rows.
    pub rows: Vec<Row>,
    /// The server's version, where it tells it.
    pub version: Option<Version>,
}

/// What Daytona tells of the key that asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFacts {
    /// What it is called.
    pub name: String,
    /// What it may do; none where that is not told.
    pub permissions: Option<Vec<String>>,
    /// When it expires, if that is near by the server's clock.
    pub expires: Option<DateTime<Utc>>,
}

/// What a row should be.
pub(super) struct Wanted<'a> {
    pub(super) name: &'a str,
    pub(super) url: &'a str,
    pub(super) login: &'a Login,
}

impl Wanted<'_> {
    /// What of a row is not as wanted, if anything: as far as an answer shows it.
    pub(super) fn differs(&self, row: &Row) -> Option<&'static str> {
        if row.name != self.name {
            Some("name")
        } else if row.username != self.login.username {
            Some("user name")
        } else if stored::meant(&row.url) != stored::meant(self.url) {
            Some("url")
        } else {
            None
        }
    }

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
    /// If `base` is not an address.
    pub fn new(http: &Http, base: &str, key: Key) -> Read<Self> {
        let base = Url::parse(&format!("{}/", base.trim_end_matches('/')))
            .map_err(|error| Problem::outside(format!("DAYTONA_API_URL: {error}")))?;
        Ok(Self { http: http.clone(), base, key })
    }

    /// The API's address.
    #[must_use]
    pub fn api(&self) -> String {
        crate::net::redacted(&self.base).trim_end_matches('/').to_owned()
    }

    /// Every row of the organization's list, which comes in one piece.
    ///
    /// # Errors
    /// If Daytona refuses it, or no usable answer comes after the tries.
    pub async fn list(&self) -> Result<List, DaytonaError> {
        let answer = self.again(Method::GET, "docker-registry").await?;
        let rows = answer.json::<Vec<Sent>>()?.into_iter().map(Row::from).collect();
        Ok(List { rows, version: Version::of(&answer.headers) })
    }

    /// The same, waiting for an API that is still starting.
    pub(super) async fn list_when_started(&self, look: &Look<'_>) -> Result<List, DaytonaError> {
        let wait = Wait { first: BETWEEN_LOOKS, longest: BETWEEN_LOOKS, total: look.wait };
        let say = |error: &DaytonaError, limit| {
            (look.say)(&format!("Daytona is still starting, {limit}: {error}"));
        };
        wait.until(|| self.list(), DaytonaError::is_of_a_start, say).await
    }

    /// What the key is.
    ///
    /// # Errors
    /// If Daytona does not tell it.
    pub async fn key(&self) -> Result<KeyFacts, DaytonaError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Current {
            name: String,
            permissions: Option<Vec<String>>,
            expires_at: Option<String>,
        }
        let answer = self.once(Method::GET, "api-keys/current", None).await.map_err(TryError::into_error)?;
        let Current { name, permissions, expires_at } = answer.json()?;
        let expires = expires_at.and_then(|at| DateTime::parse_from_rfc3339(&at).ok()).map(|at| at.to_utc());
        let soon = header::date(&answer.headers).map(|now| now + SOON);
        let expires = expires.filter(|at| soon.is_some_and(|soon| *at < soon));
        Ok(KeyFacts { name, permissions, expires })
    }

    /// Makes a row. Daytona would make a second one, so it is sent once. What answers as done and is not a row may have
    /// been said by something before Daytona.
    pub(super) async fn create(&self, wanted: &Wanted<'_>) -> Result<Row, TryError<DaytonaError>> {
        self.send(Method::POST, "docker-registry", wanted).await
    }

    /// Changes a row, and gives the row that Daytona has then, as it says.
    pub(super) async fn update(&self, id: &str, wanted: &Wanted<'_>) -> Result<Row, DaytonaError> {
        let path = row_path(id);
        Policy::STANDARD.run(|| self.send(Method::PATCH, &path, wanted)).await
    }

    /// Sends a row; the answer is the row.
    async fn send(
        &self,
        method: Method,
        path: &str,
        wanted: &Wanted<'_>,
    ) -> Result<Row, TryError<DaytonaError>> {
        let answer = self.once(method, path, Some(wanted)).await?;
        answer.json().map(Sent::into).map_err(|error| TryError::Fault(DaytonaError::from(error)))
    }

    /// Removes a row; one that is gone already is removed.
    pub(super) async fn delete(&self, id: &str) -> Result<(), DaytonaError> {
        match self.again(Method::DELETE, &row_path(id)).await {
            Err(error) if error.status() == Some(404) => Ok(()),
            answer => answer.map(|_| ()),
        }
    }

    /// Sends what does no harm when it comes twice.
    async fn again(&self, method: Method, path: &str) -> Result<Response, DaytonaError> {
        Policy::STANDARD.run(|| self.once(method.clone(), path, None)).await
    }

    async fn once(
        &self,
        method: Method,
        path: &str,
        wanted: Option<&Wanted<'_>>,
    ) -> Result<Response, TryError<DaytonaError>> {
        let trouble = |error: HttpError| error.trouble(PAUSE).map(DaytonaError::from);
        // The base ends with `/` and the path is ours, so that joining cannot fail.
        let url = self.base.join(path).unwrap_or_else(|_| self.base.clone());
        let mut request = Request::new(method, url).bearer(&self.key.0).map_err(trouble)?.max_body(BODY_CAP);
        if let Some(wanted) = wanted {
            request = request.json(&wanted.body());
        }
        let answer = self.http.attempt(&request).await.map_err(trouble)?;
        if answer.is_success() {
            return Ok(answer);
        }
        Err(trouble(answer.error()))
    }
}

fn row_path(id: &str) -> String {
    format!("docker-registry/{}", segment(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_server_of_ones_own_is_said_to_be_starting_perhaps() {
        let said = |url: &str| {
            let error = HttpError {
                method: Method::GET,
                url: url.to_owned(),
                class: Retry::Safe,
                status: Some(502),
                detail: String::new(),
                hints: Vec::new(),
                causes: Vec::new(),
                wait: None,
                page: true,
            };
            Problem::from(DaytonaError::from(error)).hints
        };
        let wait = "if it is still starting: regcred sync --wait 2m";
        assert_eq!(said("https://daytona.example.com/api/docker-registry"), [wait]);
        assert_eq!(said("https://app.daytona.io/api/docker-registry"), [""; 0]);
    }
}
