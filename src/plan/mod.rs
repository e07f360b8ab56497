//! The plan: what this run would do, as a value. The same value is printed, digested and executed.
//!
//! [`plan`] takes values and returns a value: no IO, clock, environment or randomness. Each target
//! says what its own places need (`targets/*/diff.rs`); this module puts their answers in one order, and leaves alone what
//! depends on something blocked.

mod cost;
mod digest;
mod order;
mod summary;

use std::collections::{BTreeMap, BTreeSet};

pub use cost::Cost;
pub use summary::Summary;

use crate::change::{Action, Known, Options, Purpose, Reason};
use crate::desired::Desired;
use crate::model::{CredentialId, Fingerprint, Problem, Shard};
use crate::systems::{Clients, Observed, Operation};
use crate::targets::Terms;

/// One row.
pub type Change = crate::change::Change<Operation>;

/// What this run would do. Rows are sorted by address; none occurs twice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// What it is for.
    pub purpose: Purpose,
    /// The rows, keeps included.
    pub changes: Vec<Change>,
    /// The fingerprint of each credential that the rows carry.
    pub fingerprints: BTreeMap<CredentialId, Fingerprint>,
    /// What people should know beside the rows.
    pub notes: Vec<String>,
    /// How many rows `--only` left out.
    pub left_out: usize,
    /// How long the systems' own limits make it take, in seconds, where the logins that share them are known.
    pub paced: Option<usize>,
    /// The part that it is of what is declared, if it is not all of it.
    pub shard: Option<Shard>,
}

/// Computes the plan. Pure; the order of its inputs does not matter.
#[must_use]
pub fn plan(
    desired: &Desired,
    observed: &Observed,
    known: &BTreeMap<CredentialId, Known>,
    options: &Options,
) -> Plan {
    // What is refused comes first: of two rows of one address it is the one that stays.
    let refused = desired.refused.iter().flat_map(|refused| refused.rows(options));
    let terms = Terms { known, options };
    let wanted = match options.purpose {
        // A rotation to what the source gives is no other than a sync as far as places go.
        Purpose::Sync | Purpose::Rotate if is_of_the_source(known, options) => {
            let mut away = desired.guards.rotated_away(observed, known);
            away.extend(desired.places.rotated_away(observed, known));
            let rows = desired.places.diff(observed, &terms).into_iter();
            rows.map(|row| unless_away(row, &away)).collect()
        }
        Purpose::Sync | Purpose::Rotate => desired.places.diff(observed, &terms),
        Purpose::Remove => desired.places.undo(observed, options),
    };
    let all = order::merged(refused.chain(wanted).map(judged).collect());
    let total = all.len();
    let changes = order::settle(all, options);
    let mut notes = notes(desired, observed, known, options.purpose);
    notes.extend(advice(desired, observed, &changes, options));
    Plan {
        left_out: total - changes.len()
            + desired.others.unread_rows(&Problem::outside("is not read"), options).len(),
        purpose: options.purpose,
        shard: desired.shard,
        notes,
        fingerprints: known.iter().map(|(id, known)| (id.clone(), known.fingerprint)).collect(),
        changes,
        paced: None,
    }
}

/// What a repository that is not trusted may not decide could be read, and is blocked.
fn judged(row: Change) -> Change {
    match row.reason {
        Reason::Unreadable(problem) if problem.is_untrusted() => {
            Change { action: Action::Blocked, reason: Reason::Untrusted(problem), ..row }
        }
        _ => row,
    }
}

/// Whether the run has no other value than the source gave before.
fn is_of_the_source(known: &BTreeMap<CredentialId, Known>, options: &Options) -> bool {
    let kept = |known: &Known| options.old == Some(known.fingerprint);
    options.purpose == Purpose::Sync || known.values().all(kept)
}

/// A value that a rotation took out of use is put nowhere again, and nothing is made ready for it.
fn unless_away(row: Change, away: &BTreeMap<CredentialId, String>) -> Change {
    let day = row.credentials.iter().find_map(|id| away.get(id));
    match day.filter(|_| row.action.writes()) {
        Some(day) => {
            let reason = Reason::RotatedAway(day.clone());
            Change { action: Action::Blocked, reason, operation: None, ..row }
        }
        None => row,
    }
}

/// What nothing remembers is said before it is done.
const UNGUARDED: &str = "without a place in AWS nothing remembers that the old value was rotated away: a sync with it puts it back";

fn notes(
    desired: &Desired,
    observed: &Observed,
    known: &BTreeMap<CredentialId, Known>,
    purpose: Purpose,
) -> Vec<String> {
    let mut notes = desired.notes.clone();
    if desired.shard.is_some_and(|shard| shard.count() > 1) {
        notes.extend(desired.places.shared().into_iter().map(str::to_owned));
        notes.extend(desired.guards.blind(observed));
    }
    if purpose != Purpose::Remove {
        notes.extend(desired.places.notes(observed));
    }
    if purpose == Purpose::Rotate {
        let guarded = desired.places.guard_rotations() || desired.others.guard_rotations();
        let unguarded = (!guarded).then_some(UNGUARDED);
        notes.extend(desired.places.rotating().into_iter().chain(unguarded).map(str::to_owned));
    }
    notes.extend(known.iter().filter_map(|(id, known)| doubts(id, known)));
    notes
}

/// What could be declared otherwise, by what is about to be written.
fn advice(desired: &Desired, observed: &Observed, changes: &[Change], options: &Options) -> Vec<String> {
    let writes = changes.iter().filter(|change| change.action.writes() && options.purpose != Purpose::Remove);
    let operations: Vec<&Operation> = writes.filter_map(|change| change.operation.as_ref()).collect();
    desired.places.advice(observed, &operations)
}

/// A word about a value that is not a lasting token.
fn doubts(id: &CredentialId, known: &Known) -> Option<String> {
    if !known.kind.is_access_token() {
        return Some(format!(
            "{id} holds a {}, not a recognized access token: make a read-only one; no fingerprint of a password is published, so what cannot be read back is written at each sync",
            known.kind
        ));
    }
    known
        .kind
        .is_short_lived()
        .then(|| format!("{id} holds a {}, which stops working within a day", known.kind))
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
        Cost::of(&self.changes, self.paced)
    }

    /// The same plan, carried out with these logins.
    #[must_use]
    pub fn paced(self, clients: &Clients) -> Self {
        Self { paced: Some(clients.seconds(&cost::operations(&self.changes))), ..self }
    }

    /// About how long each first part of the rows that write takes by the systems' own limits, in seconds: of `parts` equal
    /// ones.
    #[must_use]
    pub fn pace(&self, clients: &Clients, parts: usize) -> Vec<usize> {
        let operations = cost::operations(&self.changes);
        let first = |part: usize| &operations[..(operations.len() * part).div_ceil(parts)];
        (0..=parts).map(|part| clients.seconds(first(part))).collect()
    }

    /// 64 hexadecimal digits over the sorted rows and the fingerprints: equal for equal plans,
    /// whoever makes them and whenever.
    #[must_use]
    pub fn digest(&self) -> String {
        digest::of(self)
    }

    /// The credentials that places hold of which nobody can know the value.
    #[must_use]
    pub fn unknown(&self) -> BTreeSet<CredentialId> {
        let unknown = self.changes.iter().filter(|change| change.action == Action::Refresh);
        unknown.flat_map(|change| change.credentials.clone()).collect()
    }

    /// Whether it is a shard that has nothing.
    #[must_use]
    pub fn is_elsewhere(&self) -> bool {
        self.shard.is_some() && self.changes.is_empty() && self.left_out == 0
    }

    /// Whether there is anything to do.
    #[must_use]
    pub fn writes(&self) -> bool {
        self.changes.iter().any(|change| change.action.writes())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_credentials_that_nobody_can_read_back_are_those_of_rows_that_are_refreshed() {
        let row = |name: &str, action: Action| {
            let address = format!("kubernetes:prod/ci/secret/{name}").parse().expect("an address");
            Change::new(address, BTreeSet::from([CredentialId(name.to_owned())]), action, Reason::Unknown)
        };
        let changes = vec![row("a", Action::Refresh), row("b", Action::Update), row("c", Action::Keep)];
        let plan = Plan { changes, ..Plan::default() };
        assert_eq!(plan.unknown(), BTreeSet::from([CredentialId("a".to_owned())]));
    }
}
