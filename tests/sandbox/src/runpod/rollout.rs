//! Releases of an endpoint, and the workers that follow them one by one. In between, a worker that is started again pulls
//! with what its own release says.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::state::{Endpoint, RunPod};

/// When workers follow a change of their endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rollouts {
    /// With the change.
    #[default]
    AtOnce,
    /// One worker after this many requests for an endpoint's releases or workers, which show how it was before.
    Reads(u32),
    /// When a test says so.
    Held,
}

/// A change of an endpoint's container.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Release {
    /// Its id.
    pub id: String,
    /// The version that it made.
    pub version: u64,
    /// When.
    pub created_at: DateTime<Utc>,
    /// `{field, old, new}`.
    pub diff: Vec<Value>,
}

/// A worker.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Worker {
    /// Its id.
    pub id: String,
    /// `RUNNING`, `IDLE`, `INITIALIZING`, `THROTTLED` or `UNHEALTHY`.
    pub status: String,
    /// The version of the endpoint that it runs.
    pub version: u64,
    /// The image of that version.
    pub image: String,
    /// The registry auth of that version.
    pub registry: Option<String>,
}

impl Worker {
    /// An idle worker of the endpoint as it is now.
    pub(crate) fn of(endpoint: &Endpoint) -> Self {
        Self {
            id: format!("{}-{}-{}", endpoint.id, endpoint.version, endpoint.workers.len()),
            status: "IDLE".to_owned(),
            version: endpoint.version,
            image: endpoint.container.image.clone(),
            registry: endpoint.container.registry.clone(),
        }
    }
}

impl RunPod {
    /// Replaces one stale worker of this endpoint; false if there is none.
    pub fn advance_rollout(&mut self, endpoint: &str) -> bool {
        self.endpoint_mut(endpoint).is_some_and(Endpoint::replace_one)
    }

    /// Replaces every stale worker of every endpoint.
    pub fn finish_rollouts(&mut self) {
        for endpoint in &mut self.endpoints {
            while endpoint.replace_one() {}
        }
    }
}

impl Endpoint {
    /// Workers that do not run the latest version, whatever the API can tell.
    #[must_use]
    pub fn stale_workers(&self) -> usize {
        self.workers.iter().filter(|worker| worker.version != self.version).count()
    }

    /// Another version with this id and these changes; when workers follow is the world's to say.
    pub(crate) fn release(&mut self, id: String, diff: Vec<Value>, now: DateTime<Utc>, rollouts: Rollouts) {
        self.version += 1;
        self.looks = 0;
        self.releases.push(Release { id, version: self.version, created_at: now, diff });
        while rollouts == Rollouts::AtOnce && self.replace_one() {}
    }

    fn replace_one(&mut self) -> bool {
        let Some(position) = self.workers.iter().position(|worker| worker.version != self.version) else {
            return false;
        };
        let mut fresh = Worker::of(self);
        fresh.id = format!("{}-{}-{position}", self.id, self.version);
        self.workers[position] = fresh;
        true
    }

    /// Somebody has looked at the rollout.
    pub(crate) fn look(&mut self, rollouts: Rollouts) {
        let Rollouts::Reads(reads) = rollouts else { return };
        self.looks += 1;
        if self.looks >= reads {
            self.looks = 0;
            self.replace_one();
        }
    }

    /// By version, or by image on an endpoint without versions (documented).
    pub(crate) fn shows_stale(&self, worker: &Worker) -> bool {
        if self.legacy { worker.image != self.container.image } else { worker.version != self.version }
    }

    /// 1 on an endpoint without versions (documented).
    pub(crate) fn shown_version(&self) -> u64 {
        if self.legacy { 1 } else { self.version }
    }

    /// How far the latest version has come.
    pub(crate) fn rollout(&self) -> Value {
        let total = self.workers.len();
        let latest = self.workers.iter().filter(|worker| !self.shows_stale(worker)).count();
        json!({
            "inProgress": latest < total,
            "workersOnLatest": latest,
            "workersTotal": total,
            "percentOnLatest": (latest * 100).checked_div(total).unwrap_or(0),
        })
    }
}
