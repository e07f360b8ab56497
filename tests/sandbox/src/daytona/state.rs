//! What Daytona remembers, as plain data.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Keys and the registry table.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Daytona {
    /// API key -> what it is.
    pub keys: BTreeMap<String, ApiKey>,
    /// The key that `Sandbox::env` exports.
    pub exported_key: String,
    /// The registry table of all organizations, in its own order: a row that is written again comes last.
    pub registries: Vec<Row>,
    /// Stores urls as they are sent, as servers before January 2026 did.
    pub keeps_urls: bool,
    /// What every answer calls the server's version.
    pub version: String,
    /// The last number that an id was made of.
    pub last_id: u64,
}

impl Default for Daytona {
    fn default() -> Self {
        let mut daytona = Self::empty();
        let key = "dtn_sandbox0123456789abcdef0123456789".to_owned();
        daytona.keys.insert(key.clone(), ApiKey::default());
        daytona.exported_key = key;
        daytona
    }
}

impl Daytona {
    /// No keys and no rows.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            keys: BTreeMap::new(),
            exported_key: String::new(),
            registries: Vec::new(),
            keeps_urls: false,
            version: "0.190.0".to_owned(),
            last_id: 0,
        }
    }

    /// Puts a row there that somebody made by hand, stored as it is, at this time.
    pub fn add_row(&mut self, name: &str, url: &str, username: &str, at: DateTime<Utc>) -> &mut Row {
        let id = self.next_id();
        let row = Row {
            id,
            name: name.to_owned(),
            url: url.to_owned(),
            username: username.to_owned(),
            password: "by hand".to_owned(),
            created_at: at,
            updated_at: at,
            ..Row::default()
        };
        self.registries.push(row);
        let last = self.registries.len() - 1;
        &mut self.registries[last]
    }

    /// The next row's id: of a UUID's form, and the same in every run.
    pub(crate) fn next_id(&mut self) -> String {
        self.last_id += 1;
        format!("0b5f8a1e-0000-4000-8000-{:012x}", self.last_id)
    }
}

/// An API key, which belongs to one organization.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct ApiKey {
    /// What it is called.
    pub name: String,
    /// Its organization.
    pub organization: String,
    /// Whose it is.
    pub user: String,
    /// What it may do; listing registries needs nothing.
    pub permissions: Vec<String>,
    /// When it expires.
    pub expires_at: Option<DateTime<Utc>>,
}

impl Default for ApiKey {
    fn default() -> Self {
        Self {
            name: "ci".to_owned(),
            organization: "acme".to_owned(),
            user: "octocat".to_owned(),
            permissions: ["write:registries", "delete:registries"].map(str::to_owned).into(),
            expires_at: None,
        }
    }
}

/// A row of the registry table.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Row {
    /// A UUID.
    pub id: String,
    /// Whose it is.
    pub organization: String,
    /// What people call it; not unique.
    pub name: String,
    /// As stored.
    pub url: String,
    /// The user name.
    pub username: String,
    /// In clear text, and never shown.
    pub password: String,
    /// A part of the registry's paths, for pushes.
    pub project: String,
    /// `organization`; others are the operators' own.
    pub registry_type: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last written.
    pub updated_at: DateTime<Utc>,
}

impl Default for Row {
    fn default() -> Self {
        Self {
            id: String::new(),
            organization: "acme".to_owned(),
            name: String::new(),
            url: "docker.io".to_owned(),
            username: String::new(),
            password: String::new(),
            project: String::new(),
            registry_type: "organization".to_owned(),
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
        }
    }
}

impl Row {
    /// As the API shows it; a change that names no project is answered without one.
    pub(crate) fn shown(&self, with_project: bool) -> Value {
        let time = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Millis, true);
        let mut row = json!({
            "id": self.id, "name": self.name, "url": self.url, "username": self.username,
            "registryType": self.registry_type, "createdAt": time(self.created_at), "updatedAt": time(self.updated_at),
        });
        if with_project {
            row["project"] = self.project.clone().into();
        }
        row
    }
}
