//! Docker Hub: registry-1.docker.io, auth.docker.io and hub.docker.com behind one address.

mod state;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use http::Method;
use serde_json::{Value, json};

pub use state::{Account, Credential, CredentialKind, Plan, Registry, WINDOW_SECONDS};

use crate::calls::Service;
use crate::faults::Kind;
use crate::message::{Reply, Request};
use crate::server::Asked;
use crate::world::World;

const SERVICE: &str = "registry.docker.io";
const MANIFEST: &str = "application/vnd.oci.image.index.v1+json";
/// What Docker Hub says at the limit (docs.docker.com, "Docker Hub pull usage and limits").
const TOO_MANY: &str = "You have reached your pull rate limit. You may increase the limit by authenticating and upgrading: \
                        https://www.docker.com/increase-rate-limits";

pub(crate) fn asked(request: &Request) -> Asked {
    let method = &request.method;
    let (service, path) = match Page::of(request) {
        Page::Ping => (Service::Registry, "/v2/".to_owned()),
        Page::Manifest { .. } => (
            Service::Registry,
            "/v2/{name}/manifests/{reference}".to_owned(),
        ),
        Page::Token => (Service::Token, "/token".to_owned()),
        Page::HubLogin => (Service::Hub, "/v2/auth/token".to_owned()),
        Page::Unknown => (Service::Registry, request.path.clone()),
    };
    Asked {
        service,
        operation: format!("{method} {path}"),
        is_write: false,
    }
}

pub(crate) fn answer(world: &mut World, request: &Request) -> Reply {
    let now = world.clock.now();
    let registry = &mut world.registry;
    let reply = match Page::of(request) {
        Page::Ping => ping(registry, request),
        Page::Manifest { name } => manifest(registry, request, &name),
        Page::Token => token(registry, request, now),
        Page::HubLogin => hub_login(registry, request),
        Page::Unknown => Reply::text(404, "text/plain", "404 page not found\n"),
    };
    reply.with("docker-distribution-api-version", "registry/2.0")
}

/// A fault's answer, in the registry's shape.
pub(crate) fn refuse(kind: &Kind) -> Reply {
    match kind {
        Kind::Throttle { retry_after } => {
            let reply = error(429, "TOOMANYREQUESTS", TOO_MANY);
            retry_after.iter().fold(reply, |reply, seconds| {
                reply.with("retry-after", seconds.to_string())
            })
        }
        Kind::Status(429) => error(429, "TOOMANYREQUESTS", TOO_MANY),
        Kind::Status(403) => error(403, "DENIED", "requested access to the resource is denied"),
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
    HubLogin,
    Unknown,
}

impl Page {
    fn of(request: &Request) -> Self {
        let segments = request.segments();
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        match (&request.method, parts.as_slice()) {
            (&Method::GET, ["token"]) => Self::Token,
            (&Method::GET, ["v2"]) => Self::Ping,
            (&Method::POST, ["v2", "auth", "token"]) => Self::HubLogin,
            (&Method::GET | &Method::HEAD, ["v2", name @ .., "manifests", _]) => Self::Manifest {
                name: name.join("/"),
            },
            _ => Self::Unknown,
        }
    }
}

/// Who somebody has shown to be: a login, or nobody in particular.
type Visitor = Option<String>;

fn ping(registry: &Registry, request: &Request) -> Reply {
    match visitor(registry, request) {
        Some(_) => Reply::json(200, &json!({})),
        None => challenge(registry, request, None),
    }
}

/// 401 with the way to a token; with Basic alone where the world says so, as private registries do.
fn challenge(registry: &Registry, request: &Request, scope: Option<&str>) -> Reply {
    let scope = scope
        .map(|scope| format!(",scope=\"{scope}\""))
        .unwrap_or_default();
    let how = if registry.basic_only {
        "Basic realm=\"Registry\"".to_owned()
    } else {
        format!(
            "Bearer realm=\"http://{}/token\",service=\"{SERVICE}\"{scope}",
            request.host()
        )
    };
    error(401, "UNAUTHORIZED", "authentication required").with("www-authenticate", how)
}

fn error(status: u16, code: &str, message: &str) -> Reply {
    Reply::json(
        status,
        &json!({ "errors": [{ "code": code, "message": message, "detail": null }] }),
    )
}

/// A token for an account, or for nobody when there is no `Authorization`: an answer of 200 is no proof of a login
/// unless one was sent.
fn token(registry: &Registry, request: &Request, now: DateTime<Utc>) -> Reply {
    let visitor = match basic(request) {
        None => None,
        Some((user, secret)) => match registry.login(&user, &secret) {
            Some(login) => Some(login),
            // auth.docker.io's own words (docker/hub-feedback#2383).
            None => {
                return Reply::json(401, &json!({ "details": "incorrect username or password" }));
            }
        },
    };
    let token = issue(visitor.as_deref());
    let issued_at = now.format("%Y-%m-%dT%H:%M:%S%.9fZ").to_string();
    Reply::json(
        200,
        &json!({ "token": token, "access_token": token, "expires_in": 300, "issued_at": issued_at }),
    )
}

/// Not a JWT, as the real ones are: nobody but the registry has to read it.
fn issue(login: Option<&str>) -> String {
    STANDARD.encode(json!({ "sandbox": SERVICE, "login": login }).to_string())
}

fn basic(request: &Request) -> Option<(String, String)> {
    let header = request.header("authorization")?.strip_prefix("Basic ")?;
    let text = String::from_utf8(STANDARD.decode(header.trim()).ok()?).ok()?;
    let (user, secret) = text.split_once(':')?;
    Some((user.to_owned(), secret.to_owned()))
}

/// Outer `None`: no valid token at all.
fn visitor(registry: &Registry, request: &Request) -> Option<Visitor> {
    if registry.basic_only {
        let (user, secret) = basic(request)?;
        return registry.login(&user, &secret).map(Some);
    }
    let token = request.header("authorization")?.strip_prefix("Bearer ")?;
    let claims: Value = serde_json::from_slice(&STANDARD.decode(token).ok()?).ok()?;
    (claims["sandbox"] == SERVICE).then(|| claims["login"].as_str().map(str::to_owned))
}

/// A manifest and the pull limit. HEAD costs nothing, GET costs a pull (documented).
fn manifest(registry: &mut Registry, request: &Request, name: &str) -> Reply {
    let Some(visitor) = visitor(registry, request) else {
        return challenge(registry, request, Some(&format!("repository:{name}:pull")));
    };
    let source = registry.source(visitor.as_deref());
    let plan = registry.plan_mut(visitor.as_deref());
    let limits = plan.headers(&source);
    if plan.is_used_up() {
        return with_limits(error(429, "TOOMANYREQUESTS", TOO_MANY), limits);
    }
    let body = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "manifests": [] }).to_string();
    if request.method == Method::GET {
        plan.count_pull();
    }
    let limits = plan.headers(&source);
    with_limits(Reply::text(200, MANIFEST, body), limits)
}

fn with_limits(reply: Reply, limits: Vec<(&'static str, String)>) -> Reply {
    limits
        .into_iter()
        .fold(reply, |reply, (name, value)| reply.with(name, value))
}

/// hub.docker.com's login with a token or password (docs.docker.com, "Docker Hub API", `POST /v2/auth/token`).
fn hub_login(registry: &Registry, request: &Request) -> Reply {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let member = |name: &str| body[name].as_str().unwrap_or_default();
    match registry.login(member("identifier"), member("secret")) {
        Some(login) => Reply::json(200, &json!({ "access_token": issue(Some(&login)) })),
        None => Reply::json(
            401,
            &json!({ "detail": "Incorrect authentication credentials" }),
        ),
    }
}
