//! The plan: what this run would do, as a value. The same value is printed, digested and executed.
//!
//! [`plan`] takes values and returns a value: no IO, clock, environment or randomness. Each target
//! says what its own places need (`targets/*/mod.rs`); this module puts their answers in one order,
//! decides which unknown values are rewritten, and leaves alone what depends on something blocked.

mod action;
mod cost;
mod digest;
mod order;
mod reason;

use std::collections::{BTreeMap, BTreeSet};

pub use action::{Action, Summary};
pub use cost::Cost;
pub use reason::{Read, Reason, ReasonKind};

use crate::desired::Desired;
use crate::model::{Address, CredentialId, Fingerprint};
use crate::observe::Observed;
use crate::registry::TokenKind;
use crate::targets::{Operation, aws, daytona, github, kubernetes, runpod};

/// One row of the plan: one remote thing and what happens to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The remote thing.
    pub address: Address,
    /// The credentials that it holds or serves.
    pub credentials: BTreeSet<CredentialId>,
    /// The stacks that it serves; empty for what belongs to no stack.
    pub stacks: BTreeSet<String>,
    /// What happens to it.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// What must be done (or in place) before.
    pub after: BTreeSet<Address>,
    /// How it is done. A row that is kept, blocked or unread has none.
    pub operation: Option<Operation>,
}

impl Change {
    /// Whether executing this row writes the credential's value.
    #[must_use]
    pub fn carries_value(&self) -> bool {
        self.action.writes() && self.operation.as_ref().is_some_and(Operation::carries_value)
    }
}

/// What this run would do. Rows are sorted by address; none occurs twice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// The rows, keeps included.
    pub changes: Vec<Change>,
    /// The fingerprint of each credential that the rows carry.
    pub fingerprints: BTreeMap<CredentialId, Fingerprint>,
    /// What people should know beside the rows.
    pub notes: Vec<String>,
    /// How many rows `--only` left out.
    pub left_out: usize,
}

/// What is known of a credential once its value has been read; never the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The user name, which is no secret.
    pub username: String,
    /// The value's fingerprint.
    pub fingerprint: Fingerprint,
    /// What kind of secret the value is. Of what is no recognised token, which may be a guessable
    /// password, no fingerprint is published.
    pub kind: TokenKind,
}

/// How this run was asked to plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// A stack's own run (`--stack`): what is missing is made, a shared value is never changed.
    pub stack_run: bool,
    /// Address prefixes to restrict the run to; empty means all.
    pub only: Vec<String>,
    /// Write values whose state is unknown, too.
    pub rewrite: bool,
    /// Delete what is in the way though it is not ours.
    pub allow_delete: bool,
    /// Delete and make again what cannot be changed in place.
    pub allow_replace: bool,
}

impl Options {
    /// Whether the run is about this address.
    #[must_use]
    pub fn selects(&self, address: &Address) -> bool {
        self.only.is_empty() || self.only.iter().any(|prefix| address.starts_with(prefix))
    }
}

/// Computes the plan. Pure; the order of its inputs does not matter.
#[must_use]
pub fn plan(
    desired: &Desired,
    observed: &Observed,
    known: &BTreeMap<CredentialId, Known>,
    options: &Options,
) -> Plan {
    // A value that cannot be read back is written along when the credential is written elsewhere: by
    // a row that will be done, not by one that is blocked or left out.
    let first = rows(desired, observed, known, options, &BTreeSet::new());
    let spreading = spreading(&order::settle(first, options));
    let all = rows(desired, observed, known, options, &spreading);
    let total = all.len();
    let changes = order::settle(all, options);
    Plan {
        left_out: total - changes.len(),
        notes: notes(desired, observed, known),
        fingerprints: known.iter().map(|(id, known)| (id.clone(), known.fingerprint)).collect(),
        changes,
    }
}

fn rows(
    desired: &Desired,
    observed: &Observed,
    known: &BTreeMap<CredentialId, Known>,
    options: &Options,
    spreading: &BTreeSet<CredentialId>,
) -> BTreeMap<Address, Change> {
    let aws = aws::diff(&desired.aws, &observed.aws, known, options);
    let daytona = daytona::diff(&desired.daytona, &observed.daytona, known, options, spreading);
    let github = github::diff(&desired.github, &observed.github, known, options, spreading);
    let kubernetes = kubernetes::diff(&desired.kubernetes, &observed.kubernetes, known, options);
    let runpod = runpod::diff(&desired.runpod, &observed.runpod, known, options);
    order::merged(aws.into_iter().chain(daytona).chain(github).chain(kubernetes).chain(runpod))
}

fn spreading(rows: &[Change]) -> BTreeSet<CredentialId> {
    rows.iter().filter(|row| row.carries_value()).flat_map(|row| row.credentials.clone()).collect()
}

fn notes(desired: &Desired, observed: &Observed, known: &BTreeMap<CredentialId, Known>) -> Vec<String> {
    let mut notes = desired.notes.clone();
    notes.extend(aws::notes(&desired.aws, &observed.aws));
    notes.extend(daytona::notes(&desired.daytona, &observed.daytona));
    notes.extend(github::notes(&desired.github, &observed.github));
    notes.extend(kubernetes::notes(&desired.kubernetes, &observed.kubernetes));
    notes.extend(runpod::notes(&desired.runpod, &observed.runpod));
    notes.extend(known.iter().filter_map(|(id, known)| doubts(id, known)));
    notes
}

/// A word about a value that is no lasting token.
fn doubts(id: &CredentialId, known: &Known) -> Option<String> {
    if !known.kind.is_access_token() {
        return Some(format!(
            "{id} holds a {}, not a recognised access token: make a read-only one; no fingerprint of a password is published in GitHub or Daytona, so what cannot be read back there stays unknown",
            known.kind
        ));
    }
    known
        .kind
        .is_short_lived()
        .then(|| format!("{id} holds a {}, which stops to work within a day", known.kind))
}

impl Plan {
    /// The counts per action.
    #[must_use]
    pub fn summary(&self) -> Summary {
        Summary::of(&self.changes)
    }

    /// What executing the plan costs: requests and a time estimate.
    #[must_use]
    pub fn cost(&self) -> Cost {
        Cost::of(&self.changes)
    }

    /// 64 hexadecimal digits over the sorted rows and the fingerprints: equal for equal plans,
    /// whoever makes them and whenever.
    #[must_use]
    pub fn digest(&self) -> String {
        digest::of(self)
    }

    /// Whether there is anything to do.
    #[must_use]
    pub fn writes(&self) -> bool {
        self.changes.iter().any(|change| change.action.writes())
    }
}
