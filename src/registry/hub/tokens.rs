//! Tokens: listed, made, named, switched off, deleted.

use std::sync::PoisonError;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::label::retired;
use super::{BODY_CAP, Hub, HubError, Label, Whose, send};
use crate::model::{CredentialId, Fingerprint, Secret};
use crate::net::{MAX_PAGES, Request, Response, segment};

/// Tokens on one page of a list.
const PAGE: usize = 100;
/// What only pulls of public images need.
const PUBLIC: &str = "*/*/public";

/// A token as Docker Hub lists it, without its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its id.
    pub id: String,
    /// What it is called, in whatever words.
    pub label: String,
    /// Whether it is switched on. An expired one is, too.
    pub is_active: bool,
    /// When it was made.
    pub created_at: Option<DateTime<Utc>>,
    /// When it ends, if ever.
    pub expires_at: Option<DateTime<Utc>>,
    /// The last login with it.
    pub last_used: Option<DateTime<Utc>>,
}

impl Token {
    /// Whether its label says that it is this value of this credential.
    #[must_use]
    pub fn is_of(&self, credential: &CredentialId, fingerprint: &Fingerprint) -> bool {
        Label::read(&self.label).is_some_and(|label| label.is_of(credential, fingerprint))
    }
}

/// The same as it comes: of an account and of an organization under different names.
#[derive(Deserialize)]
struct Listed {
    #[serde(alias = "uuid")]
    id: String,
    #[serde(alias = "token_label", default)]
    label: String,
    is_active: bool,
    created_at: Option<String>,
    expires_at: Option<String>,
    #[serde(alias = "last_used_at")]
    last_used: Option<String>,
}

impl From<Listed> for Token {
    fn from(listed: Listed) -> Self {
        let time = |text: Option<String>| Some(DateTime::parse_from_rfc3339(&text?).ok()?.to_utc());
        let Listed { id, label, is_active, created_at, expires_at, last_used } = listed;
        let [created_at, expires_at, last_used] = [created_at, expires_at, last_used].map(time);
        Self { id, label, is_active, created_at, expires_at, last_used }
    }
}

/// A token to be made.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// What it will be called until its fingerprint is known.
    pub label: &'a Label,
    /// What it pulls: repositories, `ORGANIZATION/*`, or `*/*/public`. A personal token pulls everything that the account
    /// may, or public images only.
    pub pulls: &'a [String],
    /// When it ends, if ever; it cannot be changed later.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A token that was made. Nobody can read its value again.
#[derive(Debug)]
pub struct Minted {
    /// Its id.
    pub id: String,
    /// The value.
    pub token: Secret,
}

#[derive(Deserialize)]
struct Page {
    next: Option<String>,
    results: Vec<Listed>,
}

#[derive(Deserialize)]
struct Made {
    #[serde(alias = "uuid")]
    id: String,
    token: String,
}

impl Hub {
    /// All tokens: of any state, made by whomever.
    ///
    /// # Errors
    /// [`HubError`]; a list that has no end.
    pub async fn tokens(&self) -> Result<Vec<Token>, HubError> {
        let mut tokens = Vec::new();
        for number in 1..=MAX_PAGES {
            let query = format!("page={number}&page_size={PAGE}");
            let url = at(&self.base, &self.list(), Some(&query));
            let page: Page = self.ask(Method::GET, url, None).await?.json().map_err(HubError::from)?;
            let is_last = page.next.is_none() || page.results.is_empty();
            tokens.extend(page.results.into_iter().map(Token::from));
            if is_last {
                return Ok(tokens);
            }
        }
        Err(HubError::Forbidden { detail: format!("its list has more than {MAX_PAGES} pages") })
    }

    /// Makes a token that only pulls. It is sent once: whatever came of a request without an answer is known by the label.
    ///
    /// # Errors
    /// [`HubError::Full`], [`HubError::Unclear`] and others.
    pub async fn mint(&self, wanted: &Wanted<'_>) -> Result<Minted, HubError> {
        let label = wanted.label.to_string();
        let mut body = match &self.whose {
            Whose::Account => json!({ "token_label": label, "scopes": [scope(wanted.pulls)] }),
            Whose::Organization(_) => {
                let resource = |path: &String| json!({ "type": "TYPE_REPO", "path": path, "scopes": ["scope-image-pull"] });
                let resources: Vec<Value> = wanted.pulls.iter().map(resource).collect();
                json!({ "label": label, "resources": resources })
            }
        };
        if let Some(end) = wanted.expires_at {
            body["expires_at"] = end.to_rfc3339_opts(SecondsFormat::Secs, true).into();
        }
        let answer = self
            .ask(Method::POST, at(&self.base, &self.list(), None), Some(&body))
            .await
            .map_err(HubError::of_making)?;
        let made: Made = answer.json().map_err(|error| HubError::from(error).of_making())?;
        Ok(Minted { id: made.id, token: Secret::new(made.token) })
    }

    /// Gives a token another label.
    ///
    /// # Errors
    /// [`HubError`].
    pub async fn rename(&self, id: &str, label: &Label) -> Result<(), HubError> {
        self.change(id, &json!({ (self.label_key()): label.to_string() })).await
    }

    /// Switches a token off, which can be taken back; its label gets the day.
    ///
    /// # Errors
    /// [`HubError`].
    pub async fn retire(&self, token: &Token, day: NaiveDate) -> Result<(), HubError> {
        let label = retired(&token.label, day);
        self.change(&token.id, &json!({ (self.label_key()): label, "is_active": false })).await
    }

    /// Switches a token on again, as it was.
    ///
    /// # Errors
    /// [`HubError`].
    pub async fn restore(&self, token: &Token) -> Result<(), HubError> {
        self.change(&token.id, &json!({ (self.label_key()): token.label, "is_active": true })).await
    }

    /// Deletes a token for ever. One that is gone already is not an error.
    ///
    /// # Errors
    /// [`HubError`].
    pub async fn delete(&self, id: &str) -> Result<(), HubError> {
        match self.ask(Method::DELETE, self.one(id), None).await {
            Ok(_) | Err(HubError::Absent { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn change(&self, id: &str, body: &Value) -> Result<(), HubError> {
        self.ask(Method::PATCH, self.one(id), Some(body)).await.map(drop)
    }

    fn label_key(&self) -> &'static str {
        match self.whose {
            Whose::Account => "token_label",
            Whose::Organization(_) => "label",
        }
    }

    fn list(&self) -> String {
        match &self.whose {
            Whose::Account => "v2/access-tokens".to_owned(),
            Whose::Organization(name) => format!("v2/orgs/{}/access-tokens", segment(name)),
        }
    }

    fn one(&self, id: &str) -> Url {
        at(&self.base, &format!("{}/{}", self.list(), segment(id)), None)
    }

    /// Sends a request; anything but success is an error.
    async fn ask(&self, method: Method, url: Url, body: Option<&Value>) -> Result<Response, HubError> {
        let mut answer = self.sent(&method, &url, body).await?;
        if answer.status == 401 {
            self.log_in_again().await?;
            answer = self.sent(&method, &url, body).await?;
        }
        if answer.is_success() { Ok(answer) } else { Err(refusal(&answer)) }
    }

    /// Only what makes a token is not sent again where there was no answer.
    async fn sent(&self, method: &Method, url: &Url, body: Option<&Value>) -> Result<Response, HubError> {
        let request = Request::new(method.clone(), url.clone()).max_body(BODY_CAP);
        let bearer = self.bearer.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let request = body.into_iter().fold(request, Request::json).bearer(&bearer)?;
        send(&self.http, &request, *method != Method::POST).await
    }
}

/// The least scope that pulls it.
fn scope(pulls: &[String]) -> &'static str {
    if pulls.iter().all(|path| path == PUBLIC) { "repo:public_read" } else { "repo:read" }
}

/// Sorts a refusal by its status, and by its words where no status is documented.
fn refusal(answer: &Response) -> HubError {
    let detail = answer.detail();
    let words = detail.to_ascii_lowercase();
    match answer.status {
        403 if words.contains("token issued from") || words.contains("with personal access token") => {
            HubError::TokenLogin
        }
        400 | 403 | 409 | 422 if ["maximum", "limit", "too many"].iter().any(|word| words.contains(word)) => {
            HubError::Full { detail }
        }
        401 => HubError::Refused { detail },
        403 => HubError::Forbidden { detail },
        404 => HubError::Absent { detail },
        _ => HubError::Other(Box::new(answer.error())),
    }
}

/// An address of the API.
pub(super) fn at(base: &Url, path: &str, query: Option<&str>) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{path}", base.path()));
    url.set_query(query);
    url
}
