//! A kube-apiserver, as far as pull secrets go: namespaces, secrets, service accounts and access reviews.
//!
//! The words are those of 1.36 (kubernetes/kubernetes: `apiserver/pkg/endpoints/handlers`, `registry/generic`,
//! `core/validation`). One listener has every cluster, each under `/k8s/clusters/{name}`, as Rancher serves them:
//!
//! ```no_run
//! use regcred_sandbox::kubernetes::{Deed, Meanwhile};
//! use regcred_sandbox::{Sandbox, World};
//! use serde_json::json;
//!
//! let mut world = World::default(); // a context and cluster `prod` with the namespaces of a Run:ai cluster
//! let prod = world.kubernetes.cluster_mut("prod");
//! prod.add_namespace("team-x", &[("pull", "yes")]);
//! prod.put_service_account("team-x", "default", &["theirs"]);
//! // Another controller writes the service account three times, each between the client's read and its write.
//! let rival = Meanwhile::before(&["update", "patch"], "serviceaccounts", Deed::AddPullSecret("rival".into()));
//! prod.meanwhile.push(rival.times(3));
//! // A context whose user may only read: real rules, as a Role has them.
//! world.kubernetes.add_user("prod-reader", "prod", "reader");
//! world.kubernetes.cluster_mut("prod").grant("reader", None, &json!([
//!     { "apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"] },
//! ]));
//! let sandbox = Sandbox::start(world)?;
//! sandbox.write_kubeconfig(std::path::Path::new("kubeconfig"))?; // every context; pass it on as KUBECONFIG
//! // … run the program …
//! let state = sandbox.state();
//! let prod = &state.kubernetes.clusters["prod"];
//! assert_eq!(prod.pull_secrets("team-x", "default"), ["theirs", "rival", "rival-2", "rival-3", "docker-hub"]);
//! assert!(prod.kubelet_login("team-x", "docker-hub", "https://index.docker.io/v1/").is_some());
//! // What its pods pull with: the first login, and the next one if the registry refuses that.
//! assert_eq!(prod.kubelet_tries("team-x", "default", "acme/api:1")?[0][0].secret, "docker-hub");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Without a certificate, `kubectl` sends no token and is `system:anonymous`, who may what a test grants it
//! (`grant("system:anonymous", None, …)`); its `get`, `patch`, `label`, `delete` and `apply --validate=false` work, while
//! what it sends as protobuf (`create secret`, `auth can-i`) is refused.
//!
//! Where it differs from the real one: bodies are JSON (no YAML, protobuf or CBOR); nothing can be watched; the pages
//! of a list come from the state as it is, not as it was at the first page; a repeated JSON key is not noticed; a
//! controller acts only where a test says so ([`Meanwhile`], [`Cluster::late_service_account`]).

mod apply;
mod deletion;
mod discovery;
mod error;
mod fields;
mod kubeconfig;
pub mod kubelet;
mod list;
mod meanwhile;
mod objects;
mod options;
mod patch;
mod rbac;
mod routes;
mod schema;
mod selector;
mod state;
mod validation;

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value, json};

pub use kubeconfig::Context;
pub use meanwhile::{Deed, Meanwhile};
pub use rbac::{Grant, Rule, User};
pub use state::{Cluster, Kubernetes, Namespace};

use crate::calls::Service;
use crate::faults::Kind;
use crate::message::{Reply, Request, http_date};
use crate::server::{Answer, Asked};
use crate::world::World;
use error::Refusal;
use routes::{Resource, Route};

type Outcome = Result<Reply, Refusal>;

/// One request on its way.
struct Visit<'w> {
    cluster: &'w mut Cluster,
    request: &'w Request,
    route: &'static Route,
    user: User,
    /// Empty at the cluster scope.
    namespace: String,
    /// Empty where the path names no object.
    name: String,
    query: BTreeMap<String, String>,
    now: String,
    /// For the `Warning` header.
    warnings: Vec<String>,
    /// For the log: what is accepted and has no effect.
    violations: Vec<String>,
}

impl Visit<'_> {
    fn resource(&self) -> Resource {
        self.route.resource
    }

    /// Who is written down in `managedFields`.
    fn manager(&self) -> String {
        let agent = self.request.header("user-agent").and_then(|agent| agent.split('/').next());
        let named = self.query.get("fieldManager").filter(|name| !name.is_empty());
        named.map(String::as_str).or(agent).unwrap_or("unknown").to_owned()
    }

    fn refused(&self, verb: &str) -> Refusal {
        let (user, resource) = (&self.user.name, self.resource());
        let place = if self.namespace.is_empty() {
            "at the cluster scope".to_owned()
        } else {
            format!("in the namespace {:?}", self.namespace)
        };
        let words =
            format!("User {user:?} cannot {verb} resource {:?} in API group \"\" {place}", resource.plural());
        Refusal::forbidden(resource.plural(), &self.name, &words)
    }
}

pub(crate) fn asked(request: &Request) -> Asked {
    let (_, segments) = segments(request);
    let dry = request.query_map().get("dryRun").is_some_and(|value| value == "All");
    match routes::find(&request.method, &segments) {
        Some((route, _)) => Asked {
            service: Service::Kubernetes,
            operation: route.name.to_owned(),
            is_write: route.is_write() && !dry,
        },
        None => Asked {
            service: Service::Kubernetes,
            operation: format!("{} {}", request.method, request.path),
            is_write: !matches!(request.method, Method::GET | Method::HEAD),
        },
    }
}

pub(crate) fn answer(world: &mut World, request: &Request) -> Answer {
    let mut violations = Vec::new();
    let reply = perform(world, request, &mut violations).unwrap_or_else(Refusal::render);
    Answer { reply: finish(world, request, reply), violations }
}

/// A fault's answer, in the server's shape.
pub(crate) fn refuse(world: &mut World, request: &Request, kind: &Kind) -> Reply {
    let refusal = visit(world, request).map_or_else(
        |_| error::for_fault(kind, "", "", Refusal::unauthorized()),
        |visit| {
            let forbidden = visit.refused(visit.route.verb);
            error::for_fault(kind, visit.resource().plural(), &visit.name, forbidden)
        },
    );
    let reply = refusal.render();
    finish(world, request, reply)
}

fn perform(world: &mut World, request: &Request, violations: &mut Vec<String>) -> Outcome {
    let mut visit = visit(world, request)?;
    options::check(&mut visit)?;
    if options::is_dry(&visit) {
        // Everything is checked and nothing stays.
        let mut copy = visit.cluster.clone();
        let mut dry = Visit { cluster: &mut copy, ..visit };
        let result = (dry.route.handler)(&mut dry);
        *violations = std::mem::take(&mut dry.violations);
        result.map(|reply| warn(reply, &dry.warnings))
    } else {
        meanwhile::strike(&mut visit);
        let result = (visit.route.handler)(&mut visit);
        *violations = std::mem::take(&mut visit.violations);
        result.map(|reply| warn(reply, &visit.warnings))
    }
}

/// Who asks what of which cluster; refused where nobody may know, or the rules do not allow it.
fn visit<'w>(world: &'w mut World, request: &'w Request) -> Result<Visit<'w>, Refusal> {
    let (cluster, segments) = segments(request);
    let now = world.clock.now().format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let cluster = world.kubernetes.clusters.get_mut(&cluster).ok_or_else(Refusal::no_such_page)?;
    let user = rbac::authenticate(cluster, request)?;
    let Some((route, params)) = routes::find(&request.method, &segments) else {
        return Err(rbac::off_the_map(&user, request, &segments));
    };
    let param = |name: &str| params.get(name).cloned().unwrap_or_default();
    let query = request.query_map();
    let (mut namespace, mut name) = (param("namespace"), param("name"));
    if route.resource == Resource::Namespaces {
        // The server's own reading of this path: a namespace is in itself.
        namespace.clone_from(&name);
    }
    if route.verb == "list" {
        name = selector::named(query.get("fieldSelector").map_or("", String::as_str)).unwrap_or(name);
    }
    let visit = Visit {
        cluster,
        request,
        route,
        user,
        namespace,
        name,
        query,
        now,
        warnings: Vec::new(),
        violations: Vec::new(),
    };
    if rbac::may(&visit, visit.route.verb) { Ok(visit) } else { Err(visit.refused(visit.route.verb)) }
}

/// The cluster's name, and the decoded segments after it.
fn segments(request: &Request) -> (String, Vec<String>) {
    let mut segments = request.segments();
    if segments.len() < 3 || segments[..2] != ["k8s", "clusters"] {
        return (String::new(), segments);
    }
    let rest = segments.split_off(3);
    (segments.pop().unwrap_or_default(), rest)
}

/// RFC 7234's header, as the server writes it: 299, no agent, the text quoted.
fn warn(reply: Reply, warnings: &[String]) -> Reply {
    warnings.iter().fold(reply, |reply, text| {
        reply.with("warning", format!("299 - \"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
    })
}

/// The headers that every answer has.
fn finish(world: &World, request: &Request, reply: Reply) -> Reply {
    let id = state::uid(&format!("{} {} {}", request.method, request.path, request.query));
    let group = state::uid("flow control");
    reply
        .with("audit-id", id)
        .with("cache-control", "no-cache, private")
        .with("date", http_date(world.clock.now()))
        .with("x-kubernetes-pf-flowschema-uid", group.clone())
        .with("x-kubernetes-pf-prioritylevel-uid", group)
}

/// An object as it is sent: with its kind, or its metadata alone where the client asked for that.
fn present(visit: &Visit<'_>, object: &Value) -> Value {
    if wants_metadata(visit.request) {
        return json!({
            "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"],
        });
    }
    let mut object = object.clone();
    object["kind"] = visit.resource().kind().into();
    object["apiVersion"] = "v1".into();
    object
}

fn wants_metadata(request: &Request) -> bool {
    request.header("accept").is_some_and(|accept| accept.contains("as=PartialObjectMetadata"))
}
