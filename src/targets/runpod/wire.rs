//! What RunPod's REST API v2 sends beside auths, after its own OpenAPI description. Members that are not named here may come
//! and go.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::User;

/// What a creation answers: the thing itself, or wrapped, as RunPod's own Terraform provider expects it too.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Created {
    Plain { id: String },
    Wrapped { data: BTreeMap<String, Identified> },
}

#[derive(Debug, Deserialize)]
pub(super) struct Identified {
    id: String,
}

impl Created {
    pub(super) fn id(self) -> Option<String> {
        match self {
            Self::Plain { id } => Some(id),
            Self::Wrapped { data } => data.into_values().next().map(|made| made.id),
        }
    }
}

/// A list of templates, endpoints or pods: one member holds it, whatever its name.
#[derive(Debug, Deserialize)]
pub(super) struct Users {
    #[serde(alias = "templates", alias = "endpoints", alias = "pods")]
    users: Vec<Member>,
}

impl Users {
    pub(super) fn into_users(self) -> Vec<User> {
        self.users.into_iter().filter(|member| !member.is_over()).map(User::from).collect()
    }
}

/// A template, endpoint or pod. `registry` and `image` may be left out of an endpoint.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Member {
    id: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    image: Option<String>,
    #[serde(default)]
    registry: Option<String>,
    #[serde(default)]
    public: bool,
    #[serde(default)]
    cluster: Option<Cluster>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default, rename = "type")]
    routing: Option<String>,
    #[serde(default)]
    request_urls: Option<RequestUrls>,
}

#[derive(Debug, Deserialize)]
struct Cluster {
    id: String,
}

#[derive(Debug, Deserialize)]
struct RequestUrls {
    health: Option<String>,
}

impl Member {
    /// A pod that is deleted for good pulls nothing any more.
    fn is_over(&self) -> bool {
        self.status.as_deref() == Some("TERMINATED")
    }

    /// The health page of a queue. Behind a load balancer it is the worker that answers: asked, it would be woken up,
    /// and would be sent the key.
    fn health(&self) -> Option<String> {
        let queue = self.routing.as_deref() != Some("LOAD_BALANCER");
        self.request_urls.as_ref().filter(|_| queue)?.health.clone()
    }
}

impl From<Member> for User {
    fn from(member: Member) -> Self {
        let health = member.health();
        let Member { id, name, image, registry, public, cluster, .. } = member;
        Self {
            id,
            name: name.unwrap_or_default(),
            image,
            registry,
            public,
            cluster: cluster.map(|cluster| cluster.id),
            health,
        }
    }
}

/// What a change of a template, endpoint or pod answers: the whole thing, of which only this counts.
#[derive(Debug, Deserialize)]
pub(super) struct Pointed {
    #[serde(default)]
    pub(super) registry: Option<String>,
}

/// `GET /v2/serverless/{id}/releases`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Releases {
    /// The endpoint's present version; nothing or 1 on an old endpoint without versions.
    #[serde(default)]
    pub endpoint_version: Option<u64>,
    /// How far the present version has come.
    pub rollout: Rollout,
}

impl Releases {
    /// Whether every worker runs the present version, as far as versions tell.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        !self.rollout.in_progress && self.rollout.workers_on_latest >= self.rollout.workers_total
    }

    /// Whether it is an old endpoint without versions: its stale workers are told by their image alone.
    #[must_use]
    pub fn is_legacy(&self) -> bool {
        self.endpoint_version.is_none_or(|version| version <= 1)
    }
}

/// How far an endpoint's present version has come.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rollout {
    /// Whether any worker still runs an older version.
    pub in_progress: bool,
    /// Workers that run the present version.
    pub workers_on_latest: u64,
    /// All workers.
    pub workers_total: u64,
}

/// `GET /v2/serverless/{id}/workers`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Workers {
    /// The workers that are there now; those that were scaled down are not told.
    pub workers: Vec<Worker>,
}

impl Workers {
    /// How many run an older configuration.
    #[must_use]
    pub fn stale(&self) -> usize {
        self.workers.iter().filter(|worker| worker.is_stale).count()
    }

    /// How many are in each state, by RunPod's words in small letters.
    #[must_use]
    pub fn by_status(&self) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for worker in &self.workers {
            *counts.entry(worker.status.to_lowercase()).or_default() += 1;
        }
        counts
    }
}

/// A worker of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Worker {
    /// `RUNNING`, `IDLE`, `INITIALIZING`, `THROTTLED`, `UNHEALTHY`.
    pub status: String,
    /// Whether it runs an older configuration.
    pub is_stale: bool,
}

/// The job API's health page of a queue. Which words it counts is not documented in full.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Health {
    /// Jobs by state.
    #[serde(default)]
    pub jobs: BTreeMap<String, u64>,
    /// Workers by state.
    #[serde(default)]
    pub workers: BTreeMap<String, u64>,
}

/// What v2 sends for an error: `application/problem+json`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ErrorBody {
    #[serde(default)]
    pub(super) title: Option<String>,
    #[serde(default)]
    pub(super) detail: Option<String>,
    #[serde(default)]
    pub(super) errors: Vec<String>,
}
