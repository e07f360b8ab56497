//! What Docker Hub knows of an access token.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::state::Credential;

/// Name, rights and times of a token. One that a test puts there has neither, and may pull everything.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Token {
    /// What its owner calls it.
    pub label: String,
    /// Scopes of a personal token, such as `repo:read`.
    pub scopes: Vec<String>,
    /// What an organization's token is good for.
    pub resources: Vec<Resource>,
    /// Whose login made it.
    pub created_by: String,
    /// Switched off, which can be taken back.
    pub inactive: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends.
    pub expires_at: Option<DateTime<Utc>>,
    /// The last login with it.
    pub last_used: Option<DateTime<Utc>>,
}

/// One line of what an organization's token may do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Resource {
    /// `TYPE_REPO` or `TYPE_ORG`.
    #[serde(rename = "type")]
    pub kind: String,
    /// A repository, `ORG/*`, or `*/*/public` for the public ones; of `TYPE_ORG` the organization.
    pub path: String,
    /// Such as `scope-image-pull`.
    pub scopes: Vec<String>,
}

impl Resource {
    fn lets_pull(&self, repository: &str) -> bool {
        // Every repository here is public.
        let pattern = self.path.strip_suffix('*').is_some_and(|start| repository.starts_with(start));
        let named = self.path == "*/*/public" || self.path == repository || pattern;
        named && self.kind == "TYPE_REPO" && self.scopes.iter().any(|scope| scope == "scope-image-pull")
    }
}

impl Token {
    /// Whether it may pull from this repository.
    pub(crate) fn may_pull(&self, repository: &str) -> bool {
        self.resources.is_empty() || self.resources.iter().any(|resource| resource.lets_pull(repository))
    }
}

impl Credential {
    /// The token's id: of a UUID's form, and the same in every run.
    #[must_use]
    pub fn uuid(&self) -> String {
        let digest = hex(&Sha256::digest(format!("id of {}", self.secret)));
        let part = |from: usize, to: usize| digest.get(from..to).unwrap_or_default();
        format!("{}-{}-4{}-8{}-{}", part(0, 8), part(8, 12), part(12, 15), part(15, 18), part(18, 30))
    }

    /// A personal token as the API shows it: its value, once, is put there by whoever makes it.
    pub(crate) fn personal(&self) -> Value {
        let token = &self.token;
        json!({
            "uuid": self.uuid(), "client_id": "HUB", "creator_ip": "192.0.2.1", "creator_ua": "sandbox",
            "created_at": time(token.created_at), "last_used": token.last_used.map(time), "generated_by": "manual",
            "is_active": !token.inactive, "token": "", "token_label": token.label, "scopes": token.scopes,
            "expires_at": token.expires_at.map(time),
        })
    }

    /// An organization's token as a list shows it.
    pub(crate) fn organization(&self) -> Value {
        let token = &self.token;
        json!({
            "id": self.uuid(), "label": token.label, "created_by": token.created_by, "is_active": !token.inactive,
            "created_at": time(token.created_at), "expires_at": token.expires_at.map(time),
            "last_used_at": token.last_used.map(time),
        })
    }
}

/// The value of the nth token that is made: 27 characters behind the prefix, as in the documentation's example.
pub(crate) fn value(prefix: &str, nth: u64) -> String {
    let digest = hex(&Sha256::digest(format!("token {nth}")));
    format!("{prefix}{}", digest.get(..27).unwrap_or_default())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}
