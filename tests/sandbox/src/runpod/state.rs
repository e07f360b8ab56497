//! What RunPod remembers, as plain data.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::quota::{Quota, Window};
use super::rollout::{Release, Rollouts, Worker};

/// An account: keys, registry auths, and what points at them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct RunPod {
    /// API key -> whose it is and what it may do.
    pub keys: BTreeMap<String, Key>,
    /// The key that `Sandbox::env` exports.
    pub exported_key: String,
    /// Registry auths, in the order of their making.
    pub auths: Vec<Auth>,
    /// Templates, also those of others.
    pub templates: Vec<Template>,
    /// Serverless endpoints.
    pub endpoints: Vec<Endpoint>,
    /// Pods.
    pub pods: Vec<Pod>,
    /// What logs in to registries other than Docker Hub.
    pub elsewhere: Vec<Login>,
    /// How much each user may ask; none for an exempt caller.
    pub quotas: Vec<Quota>,
    /// User -> what is used of each quota.
    pub windows: BTreeMap<String, Vec<Window>>,
    /// When workers follow a change.
    pub rollouts: Rollouts,
    /// Which API answers.
    pub speaks: Api,
    /// A second auth of the same name is refused with 400. v1 and GraphQL say that names are unique, v2 says nothing
    /// (unconfirmed).
    pub unique_names: bool,
    /// This many reads after a write show what was before it (seen with GraphQL; unconfirmed for v2).
    pub stale_reads: u32,
    /// A running pod counts as a user of its former auth until it restarts (unconfirmed).
    pub pods_hold: bool,
    /// An endpoint without an auth has no member `registry`: the schema does not require it.
    pub omits_nulls: bool,
    /// Objects have a member that the description does not know.
    pub adds_members: bool,
    /// A single registry auth comes as `{"data":{"registry":…}}`, as RunPod's Terraform provider expects it too.
    pub wraps_registries: bool,
    /// Auths that are deleted and still listed for a while.
    pub ghosts: Vec<Ghost>,
    /// Requests after which somebody had no working auth any more.
    pub outages: Vec<String>,
    /// The last number an id was made of.
    pub last_id: u64,
}

impl Default for RunPod {
    fn default() -> Self {
        let key = "rpa_SANDBOX0123456789ABCDEFGHIJKLMNOP".to_owned();
        let keys = BTreeMap::from([(key.clone(), Key::full("user_acme"))]);
        Self { keys, exported_key: key, ..Self::empty() }
    }
}

impl RunPod {
    /// Nothing and nobody.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            keys: BTreeMap::new(),
            exported_key: String::new(),
            auths: Vec::new(),
            templates: Vec::new(),
            endpoints: Vec::new(),
            pods: Vec::new(),
            elsewhere: Vec::new(),
            quotas: Quota::generous(),
            windows: BTreeMap::new(),
            rollouts: Rollouts::AtOnce,
            speaks: Api::V2,
            unique_names: false,
            stale_reads: 0,
            pods_hold: false,
            omits_nulls: false,
            adds_members: false,
            wraps_registries: false,
            ghosts: Vec::new(),
            outages: Vec::new(),
            last_id: 0,
        }
    }

    /// The auth with this id.
    #[must_use]
    pub fn auth(&self, id: &str) -> Option<&Auth> {
        self.auths.iter().find(|auth| auth.id == id)
    }

    /// The auths with this name: more than one where names are not unique.
    #[must_use]
    pub fn auths_named(&self, name: &str) -> Vec<&Auth> {
        self.auths.iter().filter(|auth| auth.name == name).collect()
    }

    /// The template with this id or name.
    #[must_use]
    pub fn template(&self, id: &str) -> Option<&Template> {
        self.templates.iter().find(|template| template.id == id || template.name == id)
    }

    /// The endpoint with this id or name.
    #[must_use]
    pub fn endpoint(&self, id: &str) -> Option<&Endpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.id == id || endpoint.name == id)
    }

    /// The endpoint with this id or name, to change it.
    pub fn endpoint_mut(&mut self, id: &str) -> Option<&mut Endpoint> {
        self.endpoints.iter_mut().find(|endpoint| endpoint.id == id || endpoint.name == id)
    }

    /// The pod with this id or name.
    #[must_use]
    pub fn pod(&self, id: &str) -> Option<&Pod> {
        self.pods.iter().find(|pod| pod.id == id || pod.name == id)
    }
}

/// Which API answers a request for v2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Api {
    /// REST v2.
    #[default]
    V2,
    /// REST v1, which was to end in November 2026.
    V1,
    /// GraphQL, which is to end in 2027.
    GraphQl,
}

/// An API key.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Key {
    /// Whose it is; quotas are counted by user.
    pub user: String,
    /// `registries`, `templates`, `serverless`, `pods`, `jobs` -> `none`, `read` or `write`. `*` stands for all that are
    /// not listed.
    pub permissions: BTreeMap<String, String>,
}

impl Key {
    /// May do everything.
    #[must_use]
    pub fn full(user: &str) -> Self {
        Self { user: user.to_owned(), permissions: BTreeMap::from([("*".to_owned(), "write".to_owned())]) }
    }

    /// Sets one permission.
    #[must_use]
    pub fn with(mut self, permission: &str, level: &str) -> Self {
        self.permissions.insert(permission.to_owned(), level.to_owned());
        self
    }

    pub(crate) fn has(&self, permission: &str, level: &str) -> bool {
        let given = self.permissions.get(permission).or_else(|| self.permissions.get("*"));
        given.is_some_and(|given| given == level || given == "write")
    }
}

/// A registry auth: a user and a password. For which registry follows from the images that are pulled with it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Auth {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Never shown by the real API.
    pub username: String,
    /// Never shown by the real API.
    pub password: String,
    /// This many reads do not show it yet.
    pub hidden_reads: u32,
}

/// An auth that is deleted and still shown to this many reads.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Ghost {
    /// What was deleted.
    pub auth: Auth,
    /// Reads.
    pub reads: u32,
}

/// A user and password that a registry other than Docker Hub accepts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Login {
    /// `ghcr.io`.
    pub host: String,
    /// User.
    pub username: String,
    /// Password.
    pub password: String,
}

/// What templates, endpoints and pods have in common.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Container {
    /// The image.
    pub image: String,
    /// Arguments of its entry point.
    pub args: String,
    /// Disk in GB.
    pub disk: u32,
    /// `8888/http`.
    pub ports: Vec<String>,
    /// Environment; often with secrets in it.
    pub env: BTreeMap<String, String>,
    /// The id of the registry auth.
    pub registry: Option<String>,
    /// What reads still show after a write.
    pub lag: Option<Lag>,
}

/// The registry auth that was there before, and how many more reads show it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Lag {
    /// As it was.
    pub registry: Option<String>,
    /// Reads.
    pub reads: u32,
}

/// A template: copied when something is made from it, and never looked at again.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Template {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What runs.
    pub container: Container,
    /// `mounts`, `serverless`, `public`, `category` and so on, as the API shows them.
    pub settings: Map<String, Value>,
    /// Somebody else's: can be read if public, not listed, not changed.
    pub foreign: bool,
}

/// How an endpoint takes requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EndpointKind {
    /// Jobs in a queue; the health page counts them.
    #[default]
    Queue,
    /// Straight to the workers; the health page is theirs.
    LoadBalancer,
}

/// A serverless endpoint.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Endpoint {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How it takes requests.
    pub kind: EndpointKind,
    /// What new workers run.
    pub container: Container,
    /// `gpu`, `workers`, `scaling` and so on, as the API shows them.
    pub settings: Map<String, Value>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Counts changes of the container.
    pub version: u64,
    /// The oldest first.
    pub releases: Vec<Release>,
    /// Active workers.
    pub workers: Vec<Worker>,
    /// Without versions: says version 1 for ever, and tells stale workers by their image only (documented), so that a
    /// changed auth does not show.
    pub legacy: bool,
    /// Looks at its rollout since a worker was replaced.
    pub looks: u32,
}

/// Where a pod is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PodStatus {
    /// Its container runs.
    #[default]
    Running,
    /// Stopped; pulls its image when it is started.
    Exited,
}

/// A pod.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Pod {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What runs at its next start.
    pub container: Container,
    /// Where it is in its life.
    pub status: PodStatus,
    /// The template that it was made from.
    pub template: Option<String>,
    /// The cluster that it is a member of.
    pub cluster: Option<String>,
    /// May not be stopped.
    pub locked: bool,
    /// The auth that it uses until it restarts, where that is another.
    pub holds: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}
