//! GitHub's REST API, as far as secrets and variables go; also under `/api/v3`, as on GitHub Enterprise Server.

mod apps;
mod environments;
mod error;
mod limits;
mod lists;
mod place;
mod repositories;
mod routes;
mod runs;
mod secrets;
mod selected;
mod state;
mod user;
mod variables;

use std::collections::BTreeMap;

use http::Method;
use serde_json::Value;

pub use apps::{App, Installation};
pub use limits::Limits;
pub use state::{
    Environment, GitHub, Organization, Repository, SealedBox, Secret, SecretStore, Token, TokenKind,
    Variable, Visibility, WorkflowRun,
};

use crate::calls::Service;
use crate::faults::Kind;
use crate::message::{Reply, Request, http_date};
use crate::server::Asked;
use crate::world::World;
use error::Refusal;
use routes::Route;

type Outcome = Result<Reply, Refusal>;

/// One request on its way: the parameters of its route by name, and the world.
struct Visit<'w> {
    world: &'w mut World,
    route: &'static Route,
    params: BTreeMap<&'static str, String>,
    query: BTreeMap<String, String>,
    body: Value,
    /// `http://host:port`, with `/api/v3` where the request came that way.
    base: String,
    token: String,
    /// The App that asks as itself, where the route is for one.
    app: String,
}

impl Visit<'_> {
    fn param(&self, name: &str) -> &str {
        self.params.get(name).map_or("", String::as_str)
    }

    fn token(&self) -> Token {
        self.world.github.tokens.get(&self.token).cloned().unwrap_or_default()
    }
}

pub(crate) fn asked(request: &Request) -> Asked {
    let (_, segments) = segments(request);
    let is_write = !matches!(request.method, Method::GET | Method::HEAD | Method::OPTIONS);
    let operation = match routes::find(&request.method, &segments) {
        Some((route, _)) => route.name.to_owned(),
        None => format!("{} {}", request.method, request.path),
    };
    Asked { service: Service::GitHub, operation, is_write }
}

pub(crate) fn answer(world: &mut World, request: &Request) -> Reply {
    let token = bearer(request);
    let reply = perform(world, request, &token).unwrap_or_else(|refusal| refusal.render());
    finish(world, &token, reply)
}

/// Answers without a listener, for a test with a clock of its own: the request has its whole body.
#[must_use]
pub fn ask(world: &mut World, request: http::Request<Vec<u8>>) -> http::Response<Vec<u8>> {
    let (parts, body) = request.into_parts();
    let (path, query) = (parts.uri.path().to_owned(), parts.uri.query().unwrap_or_default().to_owned());
    let request = Request { method: parts.method, path, query, headers: parts.headers, body: body.into() };
    let Reply { status, headers, body } = answer(world, &request);
    let mut response = http::Response::new(body);
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
    for (name, value) in headers {
        if let Ok(value) = http::HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// A fault's answer, in GitHub's shape.
pub(crate) fn refuse(world: &World, kind: &Kind) -> Reply {
    let date = http_date(world.clock.now());
    error::for_fault(kind).render().with("date", date)
}

fn perform(world: &mut World, request: &Request, token: &str) -> Outcome {
    // Documented: a request without a user agent is refused before anything else.
    if request.header("user-agent").is_none_or(str::is_empty) {
        return Err(Refusal::no_user_agent());
    }
    let (prefix, segments) = segments(request);
    let found = routes::find(&request.method, &segments);
    let is_apps = found.as_ref().is_some_and(|(route, _)| route.is_apps());
    let app = if is_apps { apps::who(world, token)? } else { String::new() };
    if !is_apps {
        authenticate(world, token, &request.method)?;
    }
    let (route, params) = found.ok_or_else(Refusal::not_found)?;
    if has_no_variables(world.github.server.as_deref())
        && segments.iter().any(|segment| segment == "variables")
    {
        return Err(Refusal::not_found());
    }
    let base = format!("http://{}{prefix}", request.host());
    let body = parse(request)?;
    let mut visit =
        Visit { world, route, params, query: request.query_map(), body, base, token: token.to_owned(), app };
    if is_apps {
        return (route.handler)(&mut visit);
    }
    place::resolve(&mut visit, &segments)?;
    let accepted = route.accepted();
    place::authorize(&visit).map_err(|refusal| refusal.accepting(&accepted))?;
    let reply = (route.handler)(&mut visit).map_err(|refusal| refusal.accepting(&accepted))?;
    Ok(if accepted.is_empty() { reply } else { reply.with("x-accepted-github-permissions", accepted) })
}

/// A server of one's own before 3.8.
fn has_no_variables(server: Option<&str>) -> bool {
    let numbers = |version: &str| version.split('.').map(str::parse).collect::<Result<Vec<u32>, _>>();
    server.is_some_and(|version| numbers(version).is_ok_and(|numbers| numbers < vec![3, 8]))
}

fn authenticate(world: &mut World, token: &str, method: &Method) -> Result<(), Refusal> {
    let (limit, now) = (world.github.rate_limit, world.clock.now());
    if token.is_empty() {
        return Err(Refusal::requires_authentication());
    }
    let known = world.github.tokens.get_mut(token).filter(|token| apps::is_good(token, now));
    let known = known.ok_or_else(Refusal::bad_credentials)?;
    known.used += 1;
    match &mut world.github.limits {
        Some(limits) => limits.take(&known.login, method, now, limit),
        None if known.used > limit => Err(Refusal::primary_limit(&known.login)),
        None => Ok(()),
    }
}

/// The body as JSON; some writes have none.
fn parse(request: &Request) -> Result<Value, Refusal> {
    if request.body.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(&request.body).map_err(|_| Refusal::new(400, "Problems parsing JSON"))
}

/// `/api/v3` or nothing, and the decoded segments after it.
fn segments(request: &Request) -> (&'static str, Vec<String>) {
    let mut segments = request.segments();
    if segments.starts_with(&["api".to_owned(), "v3".to_owned()]) {
        segments.drain(..2);
        return ("/api/v3", segments);
    }
    ("", segments)
}

/// `Bearer X`, `token X`, or the password of Basic, which `git` and old tools use.
fn bearer(request: &Request) -> String {
    let header = request.header("authorization").unwrap_or_default();
    let (scheme, value) = header.split_once(' ').unwrap_or(("", header));
    match scheme.to_lowercase().as_str() {
        "bearer" | "token" => value.trim().to_owned(),
        _ => String::new(),
    }
}

/// The headers that every answer has.
fn finish(world: &mut World, token: &str, reply: Reply) -> Reply {
    let now = world.clock.now();
    let limit = world.github.rate_limit;
    let token = world.github.tokens.get(token);
    let used = token.map_or(0, |token| token.used);
    let (ends, used) = match (&mut world.github.limits, token) {
        (Some(limits), Some(token)) => *limits.hour(&token.login, now),
        _ => (now + chrono::TimeDelta::hours(1), used),
    };
    let server = world.github.server.iter().cloned();
    server
        .fold(reply, |reply, version| reply.with("x-github-enterprise-version", version))
        .with("date", http_date(now))
        .with("x-github-media-type", "github.v3; format=json")
        .with("x-github-request-id", "0000:000000:0000000:0000000:00000000")
        .with("x-ratelimit-limit", limit.to_string())
        .with("x-ratelimit-remaining", limit.saturating_sub(used).to_string())
        .with("x-ratelimit-used", used.to_string())
        .with("x-ratelimit-reset", ends.timestamp().to_string())
        .with("x-ratelimit-resource", "core")
}
