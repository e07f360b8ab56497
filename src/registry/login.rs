//! The proof of a credential: its registry accepts it.
//!
//! Challenge, answer, and one request with what the answer gave: what `docker login` does. A token alone proves nothing,
//! since every token service gives one to anybody; so the credential always goes with the request for it, and a
//! registry that asks for no login proves nothing.

use chrono::{DateTime, Utc};
use http::Method;
use http::header::{HeaderMap, WWW_AUTHENTICATE};
use serde::Deserialize;
use url::Url;

use super::challenge::{Challenge, choose};
use super::endpoints::Endpoints;
use super::login_error::LoginError;
use super::quota::{self, Quota};
use super::realm;
use crate::model::{IDENTITY_USER, Registry, Secret};
use crate::net::{Http, Redirect, Request, Response, header};
use crate::redact;

/// How many redirects within its own origin a registry may answer with.
const MAX_REDIRECTS: usize = 3;

/// A login that the registry accepted, and what was learnt beside.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accepted {
    /// The account's pull limit; of Docker Hub only, and only if it could be read.
    pub quota: Option<Quota>,
    /// What is wrong with it although it was accepted.
    pub warning: Option<String>,
    /// What could not be learnt beside the proof, and why.
    pub note: Option<String>,
    /// When that was, by the registry's own clock.
    pub date: Option<DateTime<Utc>>,
}

/// Logs in to a registry, which writes nothing and spends no pull.
///
/// # Errors
/// [`LoginError`]: the registry refused the credential, could not be reached, answered as no registry does, named a token
/// service that the credential is not sent to, or asks for no login at all.
pub async fn login(
    http: &Http,
    endpoints: &Endpoints,
    registry: &Registry,
    username: &str,
    secret: &Secret,
) -> Result<Accepted, LoginError> {
    Door::of(http, endpoints, registry).await?.login(username, secret).await
}

/// A registry that has said what login it wants: it is asked without one, so that can be before there is a value.
pub struct Door<'a> {
    site: Site<'a>,
    trusted: Option<String>,
    challenge: Challenge,
    date: Option<DateTime<Utc>>,
}

impl<'a> Door<'a> {
    /// Asks the registry what login it wants, and what time it is.
    ///
    /// # Errors
    /// As those of [`login`] that do not depend on the credential.
    pub async fn of(
        http: &'a Http,
        endpoints: &Endpoints,
        registry: &'a Registry,
    ) -> Result<Self, LoginError> {
        let base = endpoints
            .base(registry)
            .ok_or_else(|| LoginError::protocol(registry, "its name is not a host that a URL can have"))?;
        let site = Site { http, registry, base };
        let answer = site.follow(Request::get(site.api("")?)).await?;
        match answer.status {
            401 => {
                let challenge = choose(&answer.headers).map_err(|error| site.protocol(error.to_string()))?;
                let (trusted, date) =
                    (endpoints.token_service().map(str::to_owned), header::date(&answer.headers));
                Ok(Self { site, trusted, challenge, date })
            }
            200..=299 => Err(LoginError::NothingProven { registry: registry.clone() }),
            _ => Err(site.unexpected(&answer)),
        }
    }

    /// Logs in.
    ///
    /// # Errors
    /// As those of [`login`](login()).
    pub async fn login(&self, username: &str, secret: &Secret) -> Result<Accepted, LoginError> {
        let attempt = Attempt { site: &self.site, trusted: self.trusted.as_deref(), username, secret };
        let accepted = match &self.challenge {
            Challenge::Basic => attempt.basic().await?,
            Challenge::Bearer { realm, service, scopes } => {
                let token = attempt.token(realm, service.as_deref(), scopes).await?;
                attempt.try_token(&token).await?
            }
        };
        Ok(Accepted { date: self.date, ..accepted })
    }
}

/// Who logs in where.
struct Attempt<'a> {
    site: &'a Site<'a>,
    trusted: Option<&'a str>,
    username: &'a str,
    secret: &'a Secret,
}

impl Attempt<'_> {
    async fn basic(&self) -> Result<Accepted, LoginError> {
        let answer =
            self.site.follow(Request::get(self.site.api("")?).basic(self.username, self.secret)).await?;
        self.accepted(&answer)?;
        Ok(Accepted::default())
    }

    /// The scopes to ask for: Docker Hub's quota is read with a token for the repository that it is read of.
    fn scopes(&self, asked: &[String]) -> Vec<String> {
        if self.site.registry.is_docker_hub() {
            vec![format!("repository:{}:pull", quota::REPOSITORY)]
        } else {
            asked.to_vec()
        }
    }

    /// Gets a token for the credential from the token service.
    async fn token(
        &self,
        realm: &str,
        service: Option<&str>,
        asked: &[String],
    ) -> Result<Secret, LoginError> {
        let realm = realm::check(self.site.registry, &self.site.base, realm, self.trusted).map_err(
            |(reason, realm)| LoginError::UnsafeRealm { registry: self.site.registry.clone(), realm, reason },
        )?;
        let scopes = self.scopes(asked);
        let answer = if self.username == IDENTITY_USER {
            self.exchange(&realm, service, &scopes).await?
        } else {
            self.ask(&realm, service, &scopes).await?
        };
        self.accepted(&answer)?;
        let token = answer.json::<TokenAnswer>().ok().and_then(TokenAnswer::token);
        token.ok_or_else(|| self.site.protocol("its token service accepted the login and gave no token"))
    }

    /// `GET` with the credential as `Basic`: every token service knows it.
    async fn ask(
        &self,
        realm: &Url,
        service: Option<&str>,
        scopes: &[String],
    ) -> Result<Response, LoginError> {
        let mut url = realm.clone();
        // A realm may have parameters of its own; with none to add, an empty query would be another URL.
        if service.is_some() || !scopes.is_empty() {
            url.query_pairs_mut()
                .extend_pairs(service.map(|service| ("service", service)))
                .extend_pairs(scopes.iter().map(|scope| ("scope", scope)));
        }
        self.site.follow(Request::get(url).basic(self.username, self.secret)).await
    }

    /// `POST` with the identity token as the refresh token of OAuth 2; services that do not know it answer 404.
    async fn exchange(
        &self,
        realm: &Url,
        service: Option<&str>,
        scopes: &[String],
    ) -> Result<Response, LoginError> {
        let scope = scopes.join(" ");
        let fields = [
            ("grant_type", Some("refresh_token")),
            ("service", service),
            ("client_id", Some("regcred")),
            ("scope", Some(scope.as_str()).filter(|scope| !scope.is_empty())),
            ("refresh_token", Some(self.secret.expose())),
        ];
        let fields: Vec<(&str, &str)> =
            fields.iter().filter_map(|(name, value)| Some((*name, (*value)?))).collect();
        let answer = self.site.follow(Request::new(Method::POST, realm.clone()).form(&fields)).await?;
        if answer.status == 404 { self.ask(realm, service, scopes).await } else { Ok(answer) }
    }

    /// Uses the token once: on Docker Hub to read the quota, elsewhere at the API's root, as `docker login` does.
    async fn try_token(&self, token: &Secret) -> Result<Accepted, LoginError> {
        let docker_hub = self.site.registry.is_docker_hub();
        let (method, path) = if docker_hub {
            (Method::HEAD, "ratelimitpreview/test/manifests/latest")
        } else {
            (Method::GET, "")
        };
        let request = Request::new(method, self.site.api(path)?).bearer(token);
        let request = request
            .map_err(|_| self.site.protocol("its token service gave a token that no header can carry"))?;
        let answer = self.site.follow(request).await;
        if docker_hub {
            return Ok(self.with_quota(answer));
        }
        self.accepted(&answer?)?;
        Ok(Accepted::default())
    }

    /// The login is proven by the token; whatever the quota's request gave is information.
    fn with_quota(&self, answer: Result<Response, LoginError>) -> Accepted {
        let mut login = Accepted::default();
        match answer {
            Ok(answer) if answer.is_success() || answer.status == 429 => {
                let quota = Quota::read(answer.status, &answer.headers);
                login.warning = quota
                    .is_used_up()
                    .then(|| "no pulls are left: pulls fail until the limit resets".to_owned());
                login.quota = Some(quota);
            }
            // The token service takes it, and this is what it is good for.
            Ok(answer) if matches!(answer.status, 401 | 403) => {
                login.warning = Some(format!(
                    "this token cannot pull public images ({} {}): give it the scope \"Public Repo Read-only\" or more, or make another",
                    answer.status,
                    refusal(&answer.headers)
                ));
            }
            Ok(answer) => {
                login.note = Some(format!("the pull limit could not be read: status {}", answer.status))
            }
            Err(error) => login.note = Some(format!("the pull limit could not be read: {error}")),
        }
        login
    }

    /// Sorts the answer to a request that carried the credential.
    fn accepted(&self, answer: &Response) -> Result<(), LoginError> {
        match answer.status {
            200..=299 => Ok(()),
            401 | 403 | 429 if is_lockout(&answer.detail()) => Err(self.locked_out(answer)),
            // OAuth 2 answers an invalid refresh token with 400 (RFC 6749, section 5.2).
            400 if self.username == IDENTITY_USER => Err(self.refused(answer)),
            401 | 403 | 451 if answer.page().is_some() && answer.status != 401 => Err(LoginError::Blocked {
                registry: self.site.registry.clone(),
                status: answer.status,
                page: answer.detail(),
            }),
            401 | 403 => Err(self.refused(answer)),
            429 => Err(LoginError::Busy { registry: self.site.registry.clone(), detail: answer.detail() }),
            _ => Err(self.site.unexpected(answer)),
        }
    }

    fn refused(&self, answer: &Response) -> LoginError {
        LoginError::Refused {
            registry: self.site.registry.clone(),
            status: answer.status,
            detail: answer.detail(),
            username: self.username.to_owned(),
        }
    }

    fn locked_out(&self, answer: &Response) -> LoginError {
        LoginError::LockedOut {
            registry: self.site.registry.clone(),
            status: answer.status,
            detail: answer.detail(),
            username: self.username.to_owned(),
            senders: Vec::new(),
        }
    }
}

/// A registry's API.
struct Site<'a> {
    http: &'a Http,
    registry: &'a Registry,
    base: Url,
}

impl Site<'_> {
    /// Sends a request and follows redirects within its origin; to another origin, nothing is sent.
    async fn follow(&self, mut request: Request) -> Result<Response, LoginError> {
        for _ in 0..=MAX_REDIRECTS {
            let answer = self
                .http
                .send(&request)
                .await
                .map_err(|error| LoginError::from_http(self.registry, error))?;
            let target = match answer.redirect() {
                None => return Ok(answer),
                Some(Redirect::Within(target)) => target.clone(),
                Some(Redirect::Elsewhere(target)) => {
                    return Err(self.protocol(format!(
                        "it redirects to {}, where the credential is not sent",
                        redact::outside(target)
                    )));
                }
            };
            if !request.reads() {
                return Err(
                    self.protocol("its token service redirects a request that has the credential in it")
                );
            }
            request = request.at(target);
        }
        Err(self.protocol(format!("it redirects more than {MAX_REDIRECTS} times")))
    }

    fn unexpected(&self, answer: &Response) -> LoginError {
        LoginError::from_http(self.registry, answer.error())
    }

    fn protocol(&self, detail: impl Into<String>) -> LoginError {
        LoginError::protocol(self.registry, detail)
    }

    fn api(&self, path: &str) -> Result<Url, LoginError> {
        self.base
            .join(&format!("v2/{path}"))
            .map_err(|_| self.protocol("its endpoint is not the base of a URL"))
    }
}

/// A token service's answer: `token` is Docker's name for it, `access_token` that of OAuth 2.
#[derive(Deserialize)]
struct TokenAnswer {
    token: Option<String>,
    access_token: Option<String>,
}

impl TokenAnswer {
    fn token(self) -> Option<Secret> {
        let Self { token, access_token } = self;
        token
            .filter(|token| !token.is_empty())
            .or(access_token.filter(|token| !token.is_empty()))
            .map(Secret::foreign)
    }
}

/// Whether these are the words for an account that is locked: Docker Hub's token service says "too many failed login attempts
/// for username or IP address" (docker/hub-feedback#786), its API "… You have been locked out …" (#642). No status is promised.
pub(super) fn is_lockout(words: &str) -> bool {
    let words = words.to_ascii_lowercase();
    ["too many failed login", "too many login attempts", "locked out"].iter().any(|part| words.contains(part))
}

/// The word for a refusal in a challenge (RFC 6750, section 3): `insufficient_scope`.
fn refusal(headers: &HeaderMap) -> &'static str {
    let challenge = headers.get(WWW_AUTHENTICATE).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let challenge = challenge.unwrap_or_default();
    if challenge.contains("insufficient_scope") { "insufficient_scope" } else { "refused" }
}
