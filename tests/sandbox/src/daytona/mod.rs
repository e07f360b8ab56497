//! Daytona's API as far as its registry list goes, as its server 0.190 was seen to answer (with PostgreSQL and Redis; no
//! runner, so no pulls), and its choice of a row for an image, written from a description of that server's rules.

mod error;
mod matching;
mod state;
mod url;

use http::Method;
use serde_json::{Map, Value, json};

pub use matching::{looked_up_with, pulls_with};
pub use state::{ApiKey, Daytona, Row};

use crate::calls::Service;
use crate::faults::Kind;
use crate::message::{Reply, Request};
use crate::server::{Answer, Asked};
use crate::world::World;
use error::{Refusal, render};

/// Rows that an organization may have.
const ROW_LIMIT: usize = 100;
const LIST: &str = "/api/docker-registry";

type Outcome = Result<Reply, Refusal>;

pub(crate) fn asked(request: &Request) -> Asked {
    let is_write = !matches!(request.method, Method::GET | Method::HEAD | Method::OPTIONS);
    let path = request.path.strip_prefix("/api").unwrap_or(&request.path);
    let path = match path.strip_prefix("/docker-registry/") {
        Some(_) => "/docker-registry/{id}",
        None => path,
    };
    Asked { service: Service::Daytona, operation: format!("{} {path}", request.method), is_write }
}

pub(crate) fn answer(world: &mut World, request: &Request) -> Answer {
    // What is not there outside `/api` is the dashboard's (all-exceptions.filter.ts).
    if request.method == "GET" && !request.path.starts_with("/api/") {
        let page = Reply::text(200, "text/html", "<!doctype html><title>Daytona</title>");
        return page.into();
    }
    let violations = violations(request);
    let outcome = perform(world, request);
    let now = world.clock.now();
    let reply = outcome.unwrap_or_else(|refusal| render(&refusal, &request.path, now));
    Answer { reply: reply.with("x-daytona-api-version", &world.daytona.version), violations }
}

/// A fault's answer: of the server itself, or of the proxy before it.
pub(crate) fn refuse(world: &World, request: &Request, kind: &Kind) -> Reply {
    match kind {
        Kind::Status(502) => Reply::text(502, "text/html", "<html><h1>502 Bad Gateway</h1></html>"),
        Kind::Throttle { retry_after } => {
            let refusal = Refusal::new(429, "Too Many Requests", "ThrottlerException: Too Many Requests");
            let reply = render(&refusal, &request.path, world.clock.now());
            // Its throttler names the limit that was met, and no other.
            let told =
                |reply: Reply, seconds: &u64| reply.with("retry-after-authenticated", seconds.to_string());
            retry_after.iter().fold(reply, told)
        }
        Kind::Status(status) => render(&Refusal::of_status(*status), &request.path, world.clock.now()),
        _ => render(&Refusal::of_status(500), &request.path, world.clock.now()),
    }
}

/// What the API's description does not know of in a request. The server itself ignores it.
fn violations(request: &Request) -> Vec<String> {
    let known = ["name", "url", "username", "password", "project"];
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let unknown = |key: &&String| !known.contains(&key.as_str());
    let fields = body.as_object().into_iter().flat_map(Map::keys).filter(unknown);
    let mut violations: Vec<String> = fields.map(|key| format!("unknown field {key}")).collect();
    if !request.query.is_empty() {
        violations.push(format!("unknown query {}", request.query));
    }
    let json = request.header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
    if !request.body.is_empty() && !json {
        violations.push("a body that is not called JSON".to_owned());
    }
    violations
}

fn perform(world: &mut World, request: &Request) -> Outcome {
    let known = matches!(request.path.as_str(), LIST | "/api/api-keys/current") || row_id(request).is_some();
    if !known {
        let message = format!("Cannot {} {}", request.method, request.path);
        return Err(Refusal::new(404, "Not Found", message));
    }
    let key = authenticate(world, request)?;
    match (&request.method, request.path.as_str(), row_id(request)) {
        (&Method::GET, "/api/api-keys/current", _) => Ok(Reply::json(200, &current(&key))),
        (&Method::GET, LIST, _) => Ok(Reply::json(200, &list(world, &key))),
        (&Method::POST, LIST, _) => create(world, &key, request),
        (&Method::GET, _, Some(id)) => get(world, &key, &id),
        (&Method::PATCH, _, Some(id)) => update(world, &key, request, &id),
        (&Method::DELETE, _, Some(id)) => delete(world, &key, &id),
        (method, path, _) => Err(Refusal::new(404, "Not Found", format!("Cannot {method} {path}"))),
    }
}

/// The id of `/api/docker-registry/{id}`.
fn row_id(request: &Request) -> Option<String> {
    let segments = request.segments();
    let [api, list, id] = segments.as_slice() else { return None };
    (api == "api" && list == "docker-registry").then(|| id.clone())
}

/// The key decides the organization; a header that names another one is ignored.
fn authenticate(world: &World, request: &Request) -> Result<ApiKey, Refusal> {
    let header = request.header("authorization").unwrap_or_default();
    let key = header.strip_prefix("Bearer ").and_then(|key| world.daytona.keys.get(key));
    key.cloned().ok_or_else(|| Refusal::new(401, "Unauthorized", "Invalid credentials"))
}

fn permitted(key: &ApiKey, permission: &str) -> Result<(), Refusal> {
    if key.permissions.iter().any(|held| held == permission) {
        Ok(())
    } else {
        Err(Refusal::new(403, "Forbidden", "Access denied"))
    }
}

fn current(key: &ApiKey) -> Value {
    json!({
        "name": key.name, "value": "dtn_********************box", "createdAt": "2026-01-01T00:00:00.000Z",
        "permissions": key.permissions, "lastUsedAt": null, "expiresAt": key.expires_at, "userId": key.user,
    })
}

/// The newest first.
fn list(world: &World, key: &ApiKey) -> Value {
    let mut rows = mine(world, key);
    rows.sort_by_key(|row| std::cmp::Reverse(row.created_at));
    rows.into_iter().map(|row| row.shown(true)).collect()
}

fn mine<'w>(world: &'w World, key: &ApiKey) -> Vec<&'w Row> {
    let own = |row: &&Row| row.organization == key.organization && row.registry_type == "organization";
    world.daytona.registries.iter().filter(own).collect()
}

/// The place of a row that the key's organization sees.
fn position(world: &World, key: &ApiKey, id: &str) -> Result<usize, Refusal> {
    let own = |row: &Row| {
        row.id == id && row.organization == key.organization && row.registry_type == "organization"
    };
    let missing = || Refusal::new(404, "Not Found", format!("Docker registry with ID {id} not found"));
    world.daytona.registries.iter().position(own).ok_or_else(missing)
}

fn get(world: &World, key: &ApiKey, id: &str) -> Outcome {
    let at = position(world, key, id)?;
    Ok(Reply::json(200, &world.daytona.registries[at].shown(true)))
}

/// The fields of a body that are there to be stored.
struct Fields {
    name: String,
    url: String,
    username: String,
    password: String,
    project: Option<String>,
}

/// Reads a body as the server's validation does: names in the order of the fields, joined by a comma.
fn fields(request: &Request, password_needed: bool) -> Result<Fields, Refusal> {
    let invalid = || Refusal::new(400, "Bad Request", "Invalid JSON in request body");
    let body: Value = serde_json::from_slice(&request.body).map_err(|_| invalid())?;
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    let mut faults = Vec::new();
    match text("name") {
        None => faults.push("name must be a string"),
        Some(name) if !is_safe(&name) => {
            faults.push("name must not contain HTML tags, URLs, or control characters");
        }
        Some(_) => {}
    }
    if !text("url").is_some_and(|url| url::is_url(&url)) {
        faults.push("url must be a URL address");
    }
    for (field, fault, needed) in [
        ("username", "username must be a string", true),
        ("password", "password must be a string", password_needed),
        ("project", "project must be a string", false),
    ] {
        let given = !body[field].is_null();
        if (needed || given) && text(field).is_none() {
            faults.push(fault);
        }
    }
    if !faults.is_empty() {
        return Err(Refusal::new(400, "Bad Request", faults.join(", ")));
    }
    // Its database takes none, and its validation does not look.
    if body.get("project").is_some_and(Value::is_null) {
        return Err(Refusal::of_status(500));
    }
    let held = |name: &str| text(name).unwrap_or_default();
    Ok(Fields {
        name: held("name"),
        url: held("url"),
        username: held("username"),
        password: held("password"),
        project: text("project"),
    })
}

/// No tags, no links, and of the ASCII control characters only those of blank space; an empty name is taken.
fn is_safe(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let tagged =
        name.split('<').skip(1).any(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/'));
    let controls = name.chars().any(|c| c.is_ascii_control() && !"\t\n\r".contains(c));
    !(LINKS.iter().any(|link| lower.contains(link)) || controls || tagged)
}

const LINKS: [&str; 16] = [
    "http://",
    "https://",
    "ftp://",
    "ftps://",
    "sftp://",
    "ssh://",
    "ws://",
    "wss://",
    "file://",
    "ldap://",
    "ldaps://",
    "javascript:",
    "data:",
    "mailto:",
    "tel:",
    "www.",
];

/// Makes a row, however many there are for the same registry or of the same name.
fn create(world: &mut World, key: &ApiKey, request: &Request) -> Outcome {
    permitted(key, "write:registries")?;
    let fields = fields(request, true)?;
    // Those count, too, that the list does not show.
    let rows = world.daytona.registries.iter().filter(|row| row.organization == key.organization);
    if rows.count() >= ROW_LIMIT {
        let message = "You have reached the maximum number of registries";
        return Err(Refusal::new(400, "Bad Request", message));
    }
    let url = url::stored(&fields.url, world.daytona.keeps_urls);
    let now = world.clock.now();
    let id = world.daytona.next_id();
    let row = Row {
        id,
        organization: key.organization.clone(),
        name: fields.name,
        url,
        username: fields.username,
        password: fields.password,
        project: fields.project.unwrap_or_default(),
        registry_type: "organization".to_owned(),
        created_at: now,
        updated_at: now,
    };
    let shown = row.shown(true);
    world.daytona.registries.push(row);
    Ok(Reply::json(201, &shown))
}

/// Changes a row. PostgreSQL writes a changed row behind the others: a table without an order then gives it last.
fn update(world: &mut World, key: &ApiKey, request: &Request, id: &str) -> Outcome {
    permitted(key, "write:registries")?;
    let at = position(world, key, id)?;
    let fields = fields(request, false)?;
    let url = url::stored(&fields.url, world.daytona.keeps_urls);
    let mut row = world.daytona.registries.remove(at);
    row.name = fields.name;
    row.url = url;
    row.username = fields.username;
    if !fields.password.is_empty() {
        row.password = fields.password;
    }
    let told = fields.project.is_some();
    row.project = fields.project.unwrap_or(row.project);
    row.updated_at = world.clock.now();
    let shown = row.shown(told);
    world.daytona.registries.push(row);
    Ok(Reply::json(200, &shown))
}

fn delete(world: &mut World, key: &ApiKey, id: &str) -> Outcome {
    permitted(key, "delete:registries")?;
    let at = position(world, key, id)?;
    world.daytona.registries.remove(at);
    Ok(Reply::empty(204))
}
