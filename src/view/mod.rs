//! Rendering plans, events and reports: for people, as JSON, as Markdown. Nothing here decides, and
//! nothing here prints: everything returns text.

mod again;
pub mod annotations;
pub mod fleet;
mod fold;
pub mod human;
pub mod images;
pub mod init;
pub mod json;
pub mod markdown;
pub mod page;
mod progress;

use std::collections::BTreeMap;

pub use again::Again;
pub use progress::{Progress, rounded};

use crate::change::{Known, Life, Receipt};
use crate::model::{Credential, CredentialId, Fingerprint};
use crate::plan::Plan;
use crate::prove::Proofs;
use crate::redact;

/// What is shown of a run: the plan and what it is about.
pub struct Shown<'a> {
    /// The declared credentials.
    pub credentials: &'a [Credential],
    /// What is known of their values.
    pub known: &'a BTreeMap<CredentialId, Known>,
    /// Their proofs upstream.
    pub proofs: &'a Proofs,
    /// The plan.
    pub plan: &'a Plan,
    /// How long their values have been in use and will be, where that was asked.
    pub lives: &'a BTreeMap<CredentialId, Life>,
    /// What the next command keeps of this run.
    pub again: &'a Again,
}

/// What a write gave, as it may be shown.
fn told(receipt: &Receipt) -> impl Iterator<Item = (&'static str, String)> {
    receipt.0.iter().map(|(name, value)| (*name, redact::outside(value)))
}

impl Shown<'_> {
    /// A credential's fingerprint, if its value was read and is not a password: whoever reads a log could guess at it.
    #[must_use]
    pub fn fingerprint(&self, id: &CredentialId) -> Option<Fingerprint> {
        let known = self.known.get(id).filter(|known| known.kind.is_access_token())?;
        (known.fingerprint != Fingerprint::default()).then_some(known.fingerprint)
    }

    /// How long a credential's value has been in use and will be, behind other words; nothing if that was not asked or is
    /// not known.
    #[must_use]
    pub fn life(&self, id: &CredentialId) -> String {
        self.lives
            .get(id)
            .map(Life::words)
            .filter(|words| !words.is_empty())
            .map_or_else(String::new, |words| format!("; {words}"))
    }

    /// The command that makes exactly the plan's changes: none while a credential is not proven, or a place could
    /// not be read.
    #[must_use]
    pub fn next(&self) -> Option<String> {
        let proven = self.proofs.values().all(Result::is_ok);
        let whole = proven && self.plan.summary().unread == 0;
        (self.plan.writes() && whole).then(|| {
            let digest = self.plan.digest();
            self.again.command(&format!("{} --expect {}", self.plan.purpose.command(), &digest[..12]))
        })
    }

    /// A credential's user name, if it was read.
    #[must_use]
    pub fn username(&self, id: &CredentialId) -> &str {
        self.known.get(id).map_or("?", |known| known.username.as_str())
    }
}
