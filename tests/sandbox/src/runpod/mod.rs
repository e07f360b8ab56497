//! RunPod's REST API v2 (`api.runpod.io`), as far as registry auths and what points at them go, and the job API's
//! health page (`api.runpod.ai`) at the same address. After RunPod's own OpenAPI description of 2026-08.
//!
//! # Arranging
//!
//! ```
//! use regcred_sandbox::runpod::{Quota, Rollouts};
//! use regcred_sandbox::World;
//!
//! let mut world = World::default(); // one key, exported as RUNPOD_API_KEY; nothing in the account
//! let runpod = &mut world.runpod;
//! let old = runpod.add_auth("docker-hub-acme-0123abcd", "acme", "dckr_pat_sandbox-0123456789abcdefghi");
//! runpod.add_template("web", "acme/web:1").container.registry = Some(old.clone());
//! let endpoint = runpod.add_endpoint("infer", "acme/infer:1");
//! endpoint.container.registry = Some(old.clone());
//! endpoint.add_workers(2); // after `registry`: they have pulled with what is set
//! runpod.add_pod("train", "acme/train:1").container.registry = Some(old);
//! runpod.rollouts = Rollouts::Reads(1); // a worker is replaced with each look at releases or workers
//! runpod.quotas = Quota::published(); // 60 a minute, 3000 an hour, 50000 a day
//! assert_eq!(runpod.unserved(&world.registry), [""; 0]);
//! ```
//!
//! * `add_template`, `add_endpoint`, `add_pod` give `&mut` to a record whose fields are public; `…_from` make a snapshot
//!   of a template, as RunPod does. `settings` hold the members that have nothing to do with images.
//! * `Template::foreign` belongs to somebody else; `Pod::cluster` makes a member, listed only with
//!   `includeClusterPods=true` and not to be changed (409); `Endpoint::legacy` has no versions to tell stale workers by.
//! * [`Quota::published_within`] has the same quotas over a shorter time, so that a test does not wait for minutes. The
//!   default is a hundred times what is published: headers on every answer, and nobody has to wait.
//! * [`Rollouts`]: at once (the default), one worker for every so many looks at releases or workers, or held until
//!   [`RunPod::advance_rollout`] or [`RunPod::finish_rollouts`].
//! * `Key::with("templates", "read")` narrows a key: `registries`, `templates`, `serverless`, `pods`.
//! * `elsewhere` are logins of other registries; Docker Hub's are `world.registry`'s.
//! * Traps that are off by default, because the documentation is silent or contradicts itself: `unique_names`,
//!   `stale_reads`, `pods_hold`, `omits_nulls`, `adds_members`, `wraps_registries`. `speaks` makes it answer as the
//!   retired v1 or as GraphQL.
//!
//! # Looking
//!
//! * `world.runpod.outages`: every request after which a template, endpoint, worker or pod had no working auth, though
//!   it had one before. That is the invariant: a test asserts that it is empty. An auth works if it is there and logs in
//!   to the image's registry.
//! * [`RunPod::unserved`]: who is without a working auth now; an image of another registry needs none.
//! * [`unwaited`]: requests that were sent again sooner than a 429 had asked for.
//! * `Call::violations`: what the schema does not allow in a body (also answered with 422), and a key in a URL.
//!
//! Faults, pauses and evidence are those of all doubles: `Fault::on(Service::RunPod, "PATCH /v2/templates/{id}", …)`,
//! `pause_at`, and `REGCRED_SANDBOX_CALLS`. Operations are named as in RunPod's description; health is
//! [`Service::RunPodJobs`]. Creating and deleting endpoints, pods and templates is left to `state()`, except
//! `POST /v2/templates`.

mod auths;
mod check;
mod endpoints;
mod error;
mod health;
mod pods;
mod quota;
mod rollout;
mod routes;
mod seed;
mod served;
mod state;
mod templates;

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Map, Value};

pub use quota::{Quota, Window, unwaited};
pub use rollout::{Release, Rollouts, Worker};
pub use state::{
    Api, Auth, Container, Endpoint, EndpointKind, Ghost, Key, Lag, Login, Pod, PodStatus, RunPod, Template,
};

use crate::calls::Service;
use crate::faults::Kind;
use crate::message::{Reply, Request, http_date};
use crate::server::{Answer, Asked};
use crate::world::World;
use error::Problem;
use routes::{Found, Route};

type Outcome = Result<Reply, Problem>;

/// One request on its way.
struct Visit<'w> {
    world: &'w mut World,
    /// `{id}` of the path.
    id: String,
    query: BTreeMap<String, String>,
    body: Value,
    /// `http://host:port`.
    base: String,
}

impl Visit<'_> {
    /// The auth that a body refers to has to be there (the status and words for one that is not are unconfirmed).
    fn check_registry(&self) -> Result<(), Problem> {
        match self.body["registry"].as_str() {
            Some(id) if self.world.runpod.auth(id).is_none() => {
                Err(Problem::new(400, "container registry auth not found"))
            }
            _ => Ok(()),
        }
    }
}

pub(crate) fn asked(request: &Request) -> Asked {
    let (service, operation) = match routes::find(&request.method, &request.segments()) {
        Found::Route(route, _) => (route.service(), route.name.to_owned()),
        Found::Methods(_) | Found::Nothing => {
            (Service::RunPod, format!("{} {}", request.method, request.path))
        }
    };
    let is_write = !matches!(request.method, Method::GET | Method::HEAD | Method::OPTIONS);
    Asked { service, operation, is_write }
}

pub(crate) fn answer(world: &mut World, request: &Request) -> Answer {
    let mut violations = Vec::new();
    if request.query_map().contains_key("api_key") {
        violations.push("the key is in the URL".to_owned());
    }
    let before = served::working(world);
    let outcome = perform(world, request);
    if let Err(problem) = &outcome {
        violations.extend_from_slice(problem.errors());
    }
    served::record(world, &before, &asked(request).operation);
    let reply = outcome.unwrap_or_else(|problem| problem.render());
    Answer { reply: dated(world, quota::with_headers(world, bearer(request), reply)), violations }
}

/// A fault's answer, in RunPod's shape.
pub(crate) fn refuse(world: &World, kind: &Kind) -> Reply {
    dated(world, error::for_fault(kind).render())
}

fn dated(world: &World, reply: Reply) -> Reply {
    reply.with("date", http_date(world.clock.now()))
}

fn perform(world: &mut World, request: &Request) -> Outcome {
    if let Some(reply) = error::of_another_api(world.runpod.speaks) {
        return Ok(reply);
    }
    let key = authenticate(world, request)?;
    let (route, id) = match routes::find(&request.method, &request.segments()) {
        Found::Route(route, id) => (route, id),
        Found::Methods(allowed) => return Err(Problem::method_not_allowed(&allowed)),
        Found::Nothing => return Err(Problem::not_found("resource")),
    };
    if route.service() == Service::RunPod {
        quota::count(world, &key.user)?;
    }
    authorize(route, &key)?;
    let body = parse(route, request)?;
    let base = format!("http://{}", request.host());
    (route.handler)(&mut Visit { world, id, query: request.query_map(), body, base })
}

/// The token of `Authorization: Bearer …`; no other way is known to v2.
fn bearer(request: &Request) -> Option<&str> {
    let (scheme, token) = request.header("authorization")?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn authenticate(world: &World, request: &Request) -> Result<Key, Problem> {
    let token = bearer(request).ok_or_else(|| Problem::new(401, "missing bearer token"))?;
    // The words for a wrong key are unconfirmed.
    world.runpod.keys.get(token).cloned().ok_or_else(|| Problem::new(401, "invalid bearer token"))
}

fn authorize(route: &Route, key: &Key) -> Result<(), Problem> {
    let level = if route.is_write() { "write" } else { "read" };
    if key.has(route.needs, level) { Ok(()) } else { Err(Problem::new(403, "access denied")) }
}

/// The body, checked against its schema; `Null` where the operation takes none.
fn parse(route: &Route, request: &Request) -> Result<Value, Problem> {
    let Some(schema) = route.body else {
        return Ok(Value::Null);
    };
    let body: Value = serde_json::from_slice(&request.body)
        .map_err(|_| Problem::new(400, "request could not be processed"))?;
    let errors = check::errors(&body, schema);
    if errors.is_empty() { Ok(body) } else { Err(Problem::invalid(errors)) }
}

/// Puts a member there that no description knows yet, where the world says so.
fn completed(world: &World, mut row: Map<String, Value>) -> Value {
    if world.runpod.adds_members {
        row.insert("sandboxFuture".to_owned(), Value::from("a member of tomorrow"));
    }
    Value::Object(row)
}
