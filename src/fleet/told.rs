//! What regcred prints with `--json`, as it is read back: format 1. Fields that are not known are left alone, and those that
//! are not there are empty.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::change::Action;

/// A row of a plan.
#[derive(Debug, Deserialize)]
pub(super) struct Row {
    pub(super) address: String,
    pub(super) action: Action,
    #[serde(default)]
    pub(super) credentials: Vec<String>,
    #[serde(default)]
    pub(super) stacks: Vec<String>,
    #[serde(default)]
    pub(super) reason: String,
    #[serde(default)]
    pub(super) after: Vec<String>,
    pub(super) hint: Option<String>,
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) image: Option<String>,
}

/// What happened to a row, or what was found of a place.
#[derive(Debug, Deserialize)]
pub(super) struct Event {
    pub(super) address: Option<String>,
    pub(super) error: Option<String>,
    pub(super) hint: Option<String>,
    pub(super) skipped: Option<String>,
    pub(super) state: Option<String>,
    /// Only where it is about an image, and not about a place.
    pub(super) image: Option<String>,
    #[serde(default)]
    pub(super) unread: bool,
}

/// What a plan or the last line of a stream says of the whole.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Whole {
    pub(super) exit: Option<u8>,
    #[serde(default)]
    pub(super) changes: Vec<serde_json::Value>,
    #[serde(default)]
    pub(super) credentials: Vec<Credential>,
    #[serde(default)]
    pub(super) proof: BTreeMap<String, Proof>,
    pub(super) cost: Option<Cost>,
    #[serde(default)]
    pub(super) notes: Vec<String>,
    #[serde(default)]
    pub(super) errors: Vec<Wrong>,
    #[serde(default)]
    pub(super) not_started: usize,
    #[serde(default)]
    pub(super) digest: String,
}

/// A declared credential.
#[derive(Debug, Deserialize)]
pub(super) struct Credential {
    pub(super) name: String,
    pub(super) registry: String,
    #[serde(default)]
    pub(super) username: String,
    pub(super) fingerprint: Option<String>,
    #[serde(default)]
    pub(super) source: String,
    pub(super) in_use_since: Option<String>,
    pub(super) last_used_at: Option<String>,
    pub(super) expires_at: Option<String>,
}

/// Whether its registry took it.
#[derive(Debug, Deserialize)]
pub(super) struct Proof {
    pub(super) ok: bool,
    #[serde(default)]
    pub(super) refused: bool,
    pub(super) kind: Option<String>,
    pub(super) limit: Option<u64>,
    pub(super) remaining: Option<u64>,
    pub(super) window_s: Option<u64>,
    pub(super) warning: Option<String>,
    pub(super) note: Option<String>,
    pub(super) error: Option<String>,
}

/// What a plan costs.
#[derive(Debug, Deserialize)]
pub(super) struct Cost {
    pub(super) requests: usize,
    #[serde(default)]
    pub(super) points: usize,
    pub(super) seconds: usize,
}

/// Why there was no plan.
#[derive(Debug, Deserialize)]
pub(super) struct Wrong {
    pub(super) message: String,
    pub(super) place: Option<String>,
    pub(super) hint: Option<String>,
}
