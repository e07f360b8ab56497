//! hub.docker.com's API as far as access tokens go, by Docker's description of it (docker/docs,
//! `content/reference/api/hub/latest.yaml`). What is not in it is said where it is done; most words of errors are not.
//! Every request and answer is checked against `calls.json`.

mod audit;
mod calls;
mod login;
mod organization;
mod page;
mod personal;
mod rate;

use chrono::{DateTime, Utc};
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use audit::Event;
pub use rate::{Rate, RetryHeader};

use super::{Registry, claims, issue};
use crate::faults::Kind;
use crate::message::{Reply, Request, http_date};
use crate::server::Answer;
use crate::world::World;

/// What hub.docker.com remembers beside the accounts.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Hub {
    /// How many requests it takes.
    pub rate: Rate,
    /// The audit log of all organizations, the oldest first.
    pub audit: Vec<Event>,
    /// How many tokens were made.
    pub made: u64,
    /// Whether the time of a token's last use comes later than the use; how soon it comes is unconfirmed.
    pub lags: bool,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Page {
    Login,
    UsersLogin,
    SecondFactor,
    Personal,
    PersonalToken(String),
    Organization(String),
    OrganizationToken(String, String),
    Audit(String),
    AuditActions(String),
}

impl Page {
    /// The page of a request, if it is one of the API's.
    pub(crate) fn of(method: &Method, parts: &[&str]) -> Option<Self> {
        let name = |name: &str| name.to_owned();
        Some(match (method, parts) {
            (&Method::POST, ["v2", "auth", "token"]) => Self::Login,
            (&Method::POST, ["v2", "users", "login"]) => Self::UsersLogin,
            (&Method::POST, ["v2", "users", "2fa-login"]) => Self::SecondFactor,
            (&Method::GET | &Method::POST, ["v2", "access-tokens"]) => Self::Personal,
            (&Method::GET | &Method::PATCH | &Method::DELETE, ["v2", "access-tokens", id]) => {
                Self::PersonalToken(name(id))
            }
            (&Method::GET | &Method::POST, ["v2", "orgs", org, "access-tokens"]) => {
                Self::Organization(name(org))
            }
            (&Method::GET | &Method::PATCH | &Method::DELETE, ["v2", "orgs", org, "access-tokens", id]) => {
                Self::OrganizationToken(name(org), name(id))
            }
            (&Method::GET, ["v2", "auditlogs", account]) => Self::Audit(name(account)),
            (&Method::GET, ["v2", "auditlogs", account, "actions"]) => Self::AuditActions(name(account)),
            _ => return None,
        })
    }

    /// The path as the description writes it.
    pub(crate) fn path(&self) -> &'static str {
        match self {
            Self::Login => "/v2/auth/token",
            Self::UsersLogin => "/v2/users/login",
            Self::SecondFactor => "/v2/users/2fa-login",
            Self::Personal => "/v2/access-tokens",
            Self::PersonalToken(_) => "/v2/access-tokens/{uuid}",
            Self::Organization(_) => "/v2/orgs/{name}/access-tokens",
            Self::OrganizationToken(..) => "/v2/orgs/{org_name}/access-tokens/{access_token_id}",
            Self::Audit(_) => "/v2/auditlogs/{account}",
            Self::AuditActions(_) => "/v2/auditlogs/{account}/actions",
        }
    }

    /// Whether the request changes something: a login does not.
    pub(crate) fn writes(&self, method: &Method) -> bool {
        method != Method::GET && !matches!(self, Self::Login | Self::UsersLogin | Self::SecondFactor)
    }
}

type Outcome = Result<Reply, Reply>;

/// A request on its way: whose login it comes with is known to those who ask.
struct Visit<'w> {
    registry: &'w mut Registry,
    request: &'w Request,
    body: Value,
    now: DateTime<Utc>,
}

pub(crate) fn answer(world: &mut World, request: &Request, page: &Page) -> Answer {
    let now = world.clock.now();
    let registry = &mut world.registry;
    let operation = format!("{} {}", request.method, page.path());
    let mut violations = calls::request_violations(&operation, request);
    let reply = match registry.hub.rate.count(now) {
        Err(limited) => limited,
        Ok(()) => {
            let body = serde_json::from_slice(&request.body).unwrap_or_default();
            let mut visit = Visit { registry, request, body, now };
            let outcome = visit.perform(page);
            outcome.unwrap_or_else(|refused| refused)
        }
    };
    violations.extend(calls::answer_violations(&operation, &reply));
    let reply = world.registry.hub.rate.with_headers(reply).with("date", http_date(now));
    Answer { reply, violations }
}

/// A fault's answer.
pub(crate) fn refuse(kind: &Kind) -> Reply {
    match kind {
        Kind::Throttle { retry_after } => {
            let reply = error(429, "Rate limit exceeded");
            retry_after.iter().fold(reply, |reply, seconds| reply.with("retry-after", seconds.to_string()))
        }
        Kind::Status(429) => error(429, "Rate limit exceeded"),
        Kind::Status(401) => error(401, "unauthorized"),
        Kind::Status(403) => error(403, "forbidden"),
        Kind::Status(404) => error(404, "not found"),
        Kind::Status(409) => error(409, "conflict"),
        Kind::Status(status) => error(*status, "internal error"),
        _ => error(500, "internal error"),
    }
}

/// The shape of most errors: `message` with an empty `errinfo` (docker/hub-feedback#2438 quotes one).
fn error(status: u16, message: &str) -> Reply {
    Reply::json(status, &json!({ "message": message, "errinfo": {} }))
}

/// 400: what is wrong with a body.
fn invalid(field: &str, text: &str) -> Reply {
    let fields = if field.is_empty() { json!({}) } else { json!({ field: [text] }) };
    Reply::json(400, &json!({ "fields": fields, "text": text }))
}

impl Visit<'_> {
    fn perform(&mut self, page: &Page) -> Outcome {
        match page {
            Page::Login => self.login(),
            Page::UsersLogin => self.users_login(),
            Page::SecondFactor => self.second_factor(),
            Page::Personal => self.personal(),
            Page::PersonalToken(id) => self.personal_token(id),
            Page::Organization(name) => self.organization(name),
            Page::OrganizationToken(name, id) => self.organization_token(name, id),
            Page::Audit(account) => self.audit(account),
            Page::AuditActions(account) => self.audit_actions(account),
        }
    }

    fn text(&self, name: &str) -> String {
        self.body[name].as_str().unwrap_or_default().to_owned()
    }

    /// Whose bearer token comes with the request, which a password has made: of one that an access token has made, no token
    /// is shown or made (docker/hub-feedback#2478).
    fn owner(&self) -> Result<String, Reply> {
        let (login, means) = self.bearer()?;
        match means.as_str() {
            "password" => Ok(login),
            "oat" => Err(error(403, "token issued from organization access token is not allowed")),
            _ => Err(error(403, "token issued from personal access token is not allowed")),
        }
    }

    /// Login and what it was made with.
    fn bearer(&self) -> Result<(String, String), Reply> {
        let claims = claims(self.request, "hub", self.now).ok_or_else(|| error(401, "unauthorized"))?;
        let text = |name: &str| claims[name].as_str().unwrap_or_default().to_owned();
        Ok((text("login"), text("means")))
    }
}

/// What the description says a login is good for: ten minutes.
const LOGIN_SECONDS: i64 = 600;

fn login_token(login: &str, means: &str, now: DateTime<Utc>) -> String {
    issue("hub", &json!({ "login": login, "means": means }), LOGIN_SECONDS, now)
}
