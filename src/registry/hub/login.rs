//! Logging in to Docker Hub's API.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::{BODY_CAP, Hub, HubError, Whose, send};
use crate::model::{Login, Registry, Secret, token_kind};
use crate::net::{Http, Request, Response, header};
use crate::registry::login::is_lockout;

/// What a login gives.
#[derive(Deserialize)]
struct Given {
    access_token: Option<String>,
    token: Option<String>,
}

/// What the older call says to a password that is right, of an account with a second factor.
#[derive(Default, Deserialize)]
struct Asked {
    login_2fa_token: Option<String>,
}

impl Hub {
    /// Logs in with the password of an account. An access token is not sent.
    ///
    /// # Errors
    /// [`HubError`]: an access token, a wrong password, a second factor, single sign-on, a locked account.
    pub async fn log_in(http: &Http, base: &Url, login: &Login, whose: Whose) -> Result<Self, HubError> {
        let kind = token_kind(&Registry::docker_hub(), &login.username, &login.token);
        if kind.is_docker_token() {
            return Err(HubError::TokenLogin);
        }
        let (bearer, now) = bearer(http, base, login).await?;
        let (http, base, login) = (http.clone(), base.clone(), login.clone());
        Ok(Self { http, base, login, bearer: Mutex::new(bearer), whose, now })
    }

    /// Logs in once more, as what a login gives ends after ten minutes.
    pub(super) async fn log_in_again(&self) -> Result<(), HubError> {
        let (bearer, _) = bearer(&self.http, &self.base, &self.login).await?;
        *self.bearer.lock().unwrap_or_else(PoisonError::into_inner) = bearer;
        Ok(())
    }

    /// When the login was, by Docker Hub's own clock, if its answer said so.
    #[must_use]
    pub fn now(&self) -> Option<DateTime<Utc>> {
        self.now
    }
}

/// What a password gives, and when that was by the API's clock.
async fn bearer(http: &Http, base: &Url, login: &Login) -> Result<(Secret, Option<DateTime<Utc>>), HubError> {
    let body = json!({ "identifier": login.username, "secret": login.token.expose() });
    let answer = post(http, base, "v2/auth/token", &body).await?;
    let answer = if answer.status == 401 { second(http, base, login, answer).await? } else { answer };
    if !answer.is_success() {
        return Err(HubError::Other(Box::new(answer.error())));
    }
    let given: Given = answer.json().map_err(HubError::from)?;
    let bearer = given.access_token.or(given.token).filter(|token| !token.is_empty());
    let bearer = bearer.ok_or_else(|| HubError::Refused { detail: "it gave no token".to_owned() })?;
    Ok((Secret::foreign(bearer), header::date(&answer.headers)))
}

/// Why a login was refused. Where the words do not say it, the older call does, which alone is described to tell a second
/// factor from a wrong password.
async fn second(http: &Http, base: &Url, login: &Login, first: Response) -> Result<Response, HubError> {
    if let Some(error) = told(&first) {
        return Err(error);
    }
    let body = json!({ "username": login.username, "password": login.token.expose() });
    let answer = post(http, base, "v2/users/login", &body).await?;
    let asked: Asked = answer.json().unwrap_or_default();
    match answer.status {
        200..=299 => Ok(answer),
        _ if asked.login_2fa_token.is_some() => Err(HubError::SecondFactor),
        _ => Err(told(&answer).unwrap_or_else(|| HubError::Refused { detail: answer.detail() })),
    }
}

/// What the words of a refusal say, which no status does.
fn told(answer: &Response) -> Option<HubError> {
    let detail = answer.detail();
    let words = detail.to_ascii_lowercase();
    let says = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
    match () {
        () if is_lockout(&words) => Some(HubError::LockedOut { detail }),
        // docker/hub-tool knows the account with a second factor by "MFA enabled account".
        () if says(&["mfa", "second factor", "secondary authentication", "two-factor", "2fa"]) => {
            Some(HubError::SecondFactor)
        }
        () if says(&["single sign-on", "sso"]) => Some(HubError::SingleSignOn { detail }),
        () => None,
    }
}

/// A login changes nothing, so that it may be sent again where there was no answer.
async fn post(http: &Http, base: &Url, path: &str, body: &Value) -> Result<Response, HubError> {
    let url = super::tokens::at(base, path, None);
    let answer = send(http, &Request::new(Method::POST, url).json(body).max_body(BODY_CAP), true).await?;
    if answer.status != 401 && is_lockout(&answer.detail()) {
        return Err(HubError::LockedOut { detail: answer.detail() });
    }
    Ok(answer)
}
