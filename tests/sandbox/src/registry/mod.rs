//! Docker Hub: registry-1.docker.io, auth.docker.io and hub.docker.com behind one address.

mod hub;
mod lockout;
mod state;
mod token;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use http::Method;
use serde_json::{Value, json};

pub use hub::{Event, Hub, Rate, RetryHeader};
pub use lockout::{Failures, Lockout};
pub use state::{Account, Credential, CredentialKind, Plan, Registry, WINDOW_SECONDS};
pub use token::{Resource, Token};

use crate::calls::Service;
use crate::faults::Kind;
use crate::message::{Reply, Request, http_date, pairs};
use crate::server::{Answer, Asked};
use crate::world::World;
use lockout::Refusal;

const SERVICE: &str = "registry.docker.io";
/// What `expires_in` says, and holds.
const TOKEN_SECONDS: i64 = 300;
const MANIFEST: &str = "application/vnd.oci.image.index.v1+json";
/// What Docker Hub says at the limit (docs.docker.com, "Docker Hub pull usage and limits").
const TOO_MANY: &str = "You have reached your pull rate limit. You may increase the limit by authenticating and upgrading: \
                        https://www.docker.com/increase-rate-limits";

pub(crate) fn asked(request: &Request) -> Asked {
    let method = &request.method;
    let (service, path, is_write) = match Page::of(request) {
        Page::Ping => (Service::Registry, "/v2/", false),
        Page::Manifest { .. } => (Service::Registry, "/v2/{name}/manifests/{reference}", false),
        Page::Token => (Service::Token, "/token", false),
        Page::Hub(page) => (Service::Hub, page.path(), page.writes(method)),
        Page::Unknown => (Service::Registry, request.path.as_str(), false),
    };
    Asked { service, operation: format!("{method} {path}"), is_write }
}

pub(crate) fn answer(world: &mut World, request: &Request) -> Answer {
    let now = world.clock.now();
    let registry = &mut world.registry;
    let reply = match Page::of(request) {
        Page::Hub(page) => return hub::answer(world, request, &page),
        Page::Ping => ping(registry, request, now),
        Page::Manifest { name } => manifest(registry, request, &name, now),
        Page::Token => token_for(registry, request, now),
        Page::Unknown => Reply::text(404, "text/plain", "404 page not found\n"),
    };
    reply.with("docker-distribution-api-version", "registry/2.0").with("date", http_date(now)).into()
}

/// A fault's answer, in the shape of the service that was asked.
pub(crate) fn refuse(request: &Request, kind: &Kind) -> Reply {
    if matches!(Page::of(request), Page::Hub(_)) {
        return hub::refuse(kind);
    }
    match kind {
        Kind::Throttle { retry_after } => {
            let reply = error(429, "TOOMANYREQUESTS", TOO_MANY);
            retry_after.iter().fold(reply, |reply, seconds| reply.with("retry-after", seconds.to_string()))
        }
        Kind::Status(429) => error(429, "TOOMANYREQUESTS", TOO_MANY),
        Kind::Status(401) => error(401, "UNAUTHORIZED", "authentication required"),
        Kind::Status(403) => error(403, "DENIED", "requested access to the resource is denied"),
        Kind::Status(404) => error(404, "NAME_UNKNOWN", "repository name not known to registry"),
        Kind::Status(503) => error(503, "UNAVAILABLE", "service unavailable"),
        Kind::Status(status) => error(*status, "UNKNOWN", "internal error"),
        _ => error(500, "UNKNOWN", "internal error"),
    }
}

/// What is asked for.
enum Page {
    Ping,
    Manifest { name: String },
    Token,
    Hub(hub::Page),
    Unknown,
}

impl Page {
    fn of(request: &Request) -> Self {
        let segments = request.segments();
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        match (&request.method, parts.as_slice()) {
            (&Method::GET, ["token"]) => Self::Token,
            (&Method::GET, ["v2"]) => Self::Ping,
            (&Method::GET | &Method::HEAD, ["v2", name @ .., "manifests", _]) => {
                Self::Manifest { name: name.join("/") }
            }
            (method, parts) => hub::Page::of(method, parts).map_or(Self::Unknown, Self::Hub),
        }
    }
}

/// Somebody let in: a login, or nobody in particular, and what the token is good for.
struct Visitor {
    login: Option<String>,
    scopes: Vec<String>,
}

fn ping(registry: &mut Registry, request: &Request, now: DateTime<Utc>) -> Reply {
    match visitor(registry, request, now) {
        Some(_) => Reply::json(200, &json!({})),
        None => challenge(registry, request, ""),
    }
}

/// 401 with the way to a token; with Basic alone where the world says so, as private registries do.
fn challenge(registry: &Registry, request: &Request, more: &str) -> Reply {
    let how = if registry.basic_only {
        "Basic realm=\"Registry\"".to_owned()
    } else {
        let host = registry.token_host.as_deref().unwrap_or(request.host());
        // Under its real name it is behind TLS.
        let scheme = if host.starts_with("127.0.0.1") { "http" } else { "https" };
        format!("Bearer realm=\"{scheme}://{host}/token\",service=\"{SERVICE}\"{more}")
    };
    error(401, "UNAUTHORIZED", "authentication required").with("www-authenticate", how)
}

fn error(status: u16, code: &str, message: &str) -> Reply {
    Reply::json(status, &json!({ "errors": [{ "code": code, "message": message, "detail": null }] }))
}

/// A token for an account, or for nobody when there is no `Authorization`: an answer of 200 does not prove a login
/// unless one was sent.
fn token_for(registry: &mut Registry, request: &Request, now: DateTime<Utc>) -> Reply {
    let asked = pairs(&request.query).filter(|(name, _)| name == "scope").map(|(_, scope)| scope);
    let (login, scopes) = match request.header("authorization") {
        None => (None, asked.collect()),
        Some(header) => {
            let Some((user, secret)) = basic(header) else { return not_let_in(registry, Refusal::Wrong) };
            let login = match registry.login(&user, &secret, now) {
                Ok(login) => login,
                Err(refusal) => return not_let_in(registry, refusal),
            };
            let granted = asked.filter(|scope| registry.grants(&user, &secret, scope)).collect();
            (Some(login), granted)
        }
    };
    let scopes: Vec<String> = scopes;
    let token = issue(SERVICE, &json!({ "login": login, "scopes": scopes }), TOKEN_SECONDS, now);
    let issued_at = now.format("%Y-%m-%dT%H:%M:%S%.9fZ").to_string();
    Reply::json(
        200,
        &json!({ "token": token, "access_token": token, "expires_in": TOKEN_SECONDS, "issued_at": issued_at }),
    )
}

/// auth.docker.io's own words (docker/hub-feedback#2383, #786).
fn not_let_in(registry: &Registry, refusal: Refusal) -> Reply {
    let (status, words) = match refusal {
        Refusal::Wrong => (401, "incorrect username or password"),
        Refusal::LockedOut => {
            (registry.lockout.status, "too many failed login attempts for username or IP address")
        }
    };
    Reply::json(status, &json!({ "details": words }))
}

/// Not a JWT, as the real ones are: nobody but whom it is for has to read it.
fn issue(audience: &str, claims: &Value, seconds: i64, now: DateTime<Utc>) -> String {
    let mut claims = claims.clone();
    claims["for"] = audience.into();
    claims["expires"] = (now.timestamp() + seconds).into();
    STANDARD.encode(claims.to_string())
}

/// What the bearer token of a request says, if it is for this audience and still valid.
fn claims(request: &Request, audience: &str, now: DateTime<Utc>) -> Option<Value> {
    claims_of(request.header("authorization")?.strip_prefix("Bearer ")?, audience, now)
}

fn claims_of(token: &str, audience: &str, now: DateTime<Utc>) -> Option<Value> {
    let claims: Value = serde_json::from_slice(&STANDARD.decode(token).ok()?).ok()?;
    (claims["for"] == audience && claims["expires"].as_i64()? > now.timestamp()).then_some(claims)
}

fn basic(header: &str) -> Option<(String, String)> {
    let text = String::from_utf8(STANDARD.decode(header.strip_prefix("Basic ")?.trim()).ok()?).ok()?;
    let (user, secret) = text.split_once(':')?;
    Some((user.to_owned(), secret.to_owned()))
}

/// Who comes with this request; `None` without a valid token.
fn visitor(registry: &mut Registry, request: &Request, now: DateTime<Utc>) -> Option<Visitor> {
    if registry.basic_only {
        let (user, secret) = basic(request.header("authorization")?)?;
        let login = registry.login(&user, &secret, now).ok()?;
        return Some(Visitor { login: Some(login), scopes: vec!["*".to_owned()] });
    }
    let claims = claims(request, SERVICE, now)?;
    let scopes = claims["scopes"].as_array()?.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    Some(Visitor { login: claims["login"].as_str().map(str::to_owned), scopes })
}

/// A manifest and the pull limit. HEAD costs nothing, GET costs a pull (documented).
fn manifest(registry: &mut Registry, request: &Request, name: &str, now: DateTime<Utc>) -> Reply {
    let scope = format!("repository:{name}:pull");
    let Some(visitor) = visitor(registry, request, now) else {
        return challenge(registry, request, &format!(",scope=\"{scope}\""));
    };
    if !visitor.scopes.iter().any(|granted| *granted == scope || granted == "*") {
        return challenge(registry, request, &format!(",scope=\"{scope}\",error=\"insufficient_scope\""));
    }
    let source = registry.source(visitor.login.as_deref());
    let plan = registry.plan_mut(visitor.login.as_deref());
    if plan.is_used_up() {
        return with_limits(error(429, "TOOMANYREQUESTS", TOO_MANY), plan.headers(&source));
    }
    if request.method == Method::GET {
        plan.count_pull();
    }
    let body = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "manifests": [] }).to_string();
    with_limits(Reply::text(200, MANIFEST, body), plan.headers(&source))
}

fn with_limits(reply: Reply, limits: Vec<(&'static str, String)>) -> Reply {
    limits.into_iter().fold(reply, |reply, (name, value)| reply.with(name, value))
}
