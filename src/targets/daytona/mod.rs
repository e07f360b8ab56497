//! Daytona: one row of an organization's registry list, so that images, those without a registry in their names too, are
//! pulled with the credential. A row's password cannot be read back; its name records the credential's fingerprint.

mod client;
mod diff;
pub mod pull;
pub mod read;
pub mod stored;
pub mod verify;
pub mod write;

use chrono::{DateTime, Utc};
pub use client::{Client, DaytonaError, Key, Patience};
pub use diff::{diff, notes};

use crate::model::{Address, CredentialId, DaytonaItem};
use crate::plan::{Known, Read};
use crate::registry::Registry;

/// The variables that hold a key of Daytona: no program that a person names gets them.
pub const SECRETS: &[&str] = &["DAYTONA_API_KEY", "DAYTONA_JWT_TOKEN"];
/// Rows that an organization may have; one more is refused (Daytona's API server, as of 0.190).
pub const ROW_LIMIT: usize = 100;

/// The row that the configuration wants for one credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desired {
    /// The credential.
    pub credential: CredentialId,
    /// Its registry.
    pub registry: Registry,
    /// The row's name in the configuration, without the fingerprint.
    pub name: String,
}

impl Desired {
    /// The row's address.
    #[must_use]
    pub fn address(&self) -> Address {
        address(&self.name)
    }

    /// The name that Daytona sees: with the fingerprint's first 8 digits, unless the value may be a password, of which
    /// no fingerprint is published.
    #[must_use]
    pub fn recorded_name(&self, known: &Known) -> String {
        if known.kind.is_access_token() {
            format!("{}-{}", self.name, known.fingerprint)
        } else {
            self.name.clone()
        }
    }

    /// Whether regcred gave a row this name, for this or an earlier value.
    #[must_use]
    pub fn names(&self, name: &str) -> bool {
        let recorded = |rest: &str| {
            let digits = rest.strip_prefix('-').unwrap_or_default();
            digits.len() == 8 && digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
        };
        name.strip_prefix(self.name.as_str()).is_some_and(|rest| rest.is_empty() || recorded(rest))
    }
}

/// The address of a row: by its name in the configuration, or by its id where it is in none.
#[must_use]
pub fn address(name: &str) -> Address {
    Address::Daytona { item: DaytonaItem::Registry(name.to_owned()) }
}

/// A row of the registry list, as Daytona shows it: without the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Daytona's own name of it.
    pub id: String,
    /// What people call it; several may have one name.
    pub name: String,
    /// The registry, in the form in which Daytona stored it.
    pub url: String,
    /// The user name.
    pub username: String,
    /// The last write.
    pub updated: DateTime<Utc>,
}

/// What was found in the key's organization.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// The rows of the registry list.
    pub rows: Read<Vec<Row>>,
    /// Which key was used, where it could be told.
    pub key: Option<String>,
    /// The API's address.
    pub api: String,
}

impl Default for Observed {
    fn default() -> Self {
        Self { rows: Ok(Vec::new()), key: None, api: String::new() }
    }
}

/// One convergent operation in Daytona.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// The row has this name and url, and the credential's user name and value.
    PutRow {
        /// The row that is changed; none where it is made.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        /// The name, which records the fingerprint.
        name: String,
        /// The url to send.
        url: String,
        /// The credential.
        credential: CredentialId,
    },
    /// The row is gone.
    DeleteRow {
        /// Which row.
        id: String,
    },
}

impl Operation {
    /// Whether it writes the credential's value.
    #[must_use]
    pub fn carries_value(&self) -> bool {
        matches!(self, Self::PutRow { .. })
    }

    /// How many requests it takes, if nothing has to be tried again.
    #[must_use]
    pub fn requests(&self) -> usize {
        match self {
            // The list is read again afterwards: Daytona takes a second row for a registry without a word.
            Self::PutRow { id: None, .. } => 2,
            Self::PutRow { id: Some(_), .. } | Self::DeleteRow { .. } => 1,
        }
    }
}
