//! What came of a run: one outcome per address, and from all of them one exit code.

use std::collections::{BTreeMap, BTreeSet};

use crate::change::Pull;
use crate::change::{Action, Finding, Reason};
use crate::model::{Address, Class, CredentialId, Effect, Problem};
use crate::plan::{Change, Plan};

/// What came of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was written.
    Applied,
    /// It was written, because nobody can know what it held.
    Refreshed,
    /// It was in place already.
    Unchanged,
    /// It is there, but nobody can know what it holds; the next sync writes it (only `plan` and `verify`).
    Unknown,
    /// It should be changed (only `plan` and `verify`, which write nothing).
    Differs,
    /// It could not be written, and the run works without it.
    Skipped(Problem),
    /// Writing failed.
    Failed(Problem),
    /// It was not started, because this one was not done; or because the run was interrupted.
    NotStarted(Option<Address>),
    /// It must not change.
    Blocked,
    /// It could not be read; whether the login was at fault.
    Unread {
        /// Whether the login itself failed.
        login: bool,
    },
}

/// What came of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What came of each row.
    pub outcomes: BTreeMap<Address, Outcome>,
    /// What was proven afterwards.
    pub findings: Vec<Finding>,
    /// The values that have been in use for longer than they may be (`verify`).
    pub overdue: BTreeSet<CredentialId>,
    /// How images that were asked about are pulled (`verify --image`).
    pub pulls: Vec<Pull>,
    /// Whether the run was interrupted.
    pub interrupted: bool,
    /// Whether a request that writes was answered as done, whatever came of its row.
    pub wrote: bool,
    /// Whether something is left alone because the repository is not trusted.
    pub untrusted: bool,
}

/// The exit codes: a contract (docs/reference/exit-codes.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum ExitStatus {
    /// Done, or nothing to do.
    Done = 0,
    /// Failed, and nothing was written.
    Failed = 1,
    /// There are differences (`plan --detailed-exitcode`, `verify`).
    Differences = 2,
    /// Usage or configuration is invalid, or the plan is not the expected one; nothing was written.
    Invalid = 3,
    /// The registry refused the credential, or no place could be logged in to; nothing was written.
    Refused = 4,
    /// Something is done or in sync, and something is not.
    Partial = 5,
    /// Interrupted.
    Interrupted = 130,
}

impl ExitStatus {
    /// The best ones first: of several runs the last of theirs is that of all. A failure counts more than differences.
    const BY_WEIGHT: [Self; 7] = [
        Self::Done,
        Self::Differences,
        Self::Failed,
        Self::Invalid,
        Self::Refused,
        Self::Partial,
        Self::Interrupted,
    ];

    /// That of a code; of one that regcred does not end with, as failed: a program that was killed has such.
    #[must_use]
    pub fn of(code: u8) -> Self {
        Self::BY_WEIGHT.into_iter().find(|status| *status as u8 == code).unwrap_or(Self::Failed)
    }

    /// The worse of two.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        let weight = |status: Self| Self::BY_WEIGHT.iter().position(|one| *one == status);
        if weight(other) > weight(self) { other } else { self }
    }
}

impl From<ExitStatus> for std::process::ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status as u8)
    }
}

impl Report {
    /// The report of a run that writes nothing: rows that would change differ.
    #[must_use]
    pub fn of_plan(plan: &Plan) -> Self {
        Self::new(plan, BTreeMap::new())
    }

    /// The report of an executed plan, from what came of its writing rows.
    #[must_use]
    pub fn new(plan: &Plan, executed: BTreeMap<Address, Outcome>) -> Self {
        let settled = plan.changes.iter().map(|change| (change.address.clone(), settled(change)));
        let mut outcomes: BTreeMap<Address, Outcome> = settled.collect();
        outcomes.extend(executed);
        for change in plan.changes.iter().filter(|change| change.action == Action::Refresh) {
            if let Some(outcome @ Outcome::Applied) = outcomes.get_mut(&change.address) {
                *outcome = Outcome::Refreshed;
            }
        }
        let untrusted = plan.changes.iter().any(|change| matches!(change.reason, Reason::Untrusted(_)));
        Self { outcomes, untrusted, ..Self::default() }
    }

    /// How many rows have an outcome for which `matching` holds.
    pub fn count(&self, matching: impl Fn(&Outcome) -> bool) -> usize {
        self.outcomes.values().filter(|outcome| matching(outcome)).count()
    }

    /// Whether a row would change.
    #[must_use]
    pub fn differs(&self) -> bool {
        self.count(|outcome| *outcome == Outcome::Differs) > 0
    }

    /// The exit code that says it all: the first of the contract's table that applies.
    #[must_use]
    pub fn status(&self) -> ExitStatus {
        let good = |outcome: &Outcome| {
            matches!(
                outcome,
                Outcome::Applied
                    | Outcome::Refreshed
                    | Outcome::Unchanged
                    | Outcome::Unknown
                    | Outcome::Differs
                    | Outcome::Skipped(_)
            )
        };
        let locked_out = |outcome: &Outcome| matches!(outcome, Outcome::Unread { login: true });
        let unsure = |outcome: &Outcome| matches!(outcome, Outcome::Failed(failure) if failure.effect == Effect::Written);
        let (good, bad) = (self.count(good), self.count(|outcome| !good(outcome)));
        let disproven = self.findings.iter().any(|finding| finding.result.is_err());
        if self.interrupted {
            ExitStatus::Interrupted
        } else if self.untrusted {
            ExitStatus::Partial
        } else if bad > 0 && self.count(locked_out) == self.outcomes.len() {
            ExitStatus::Refused
        } else if bad > 0 && good == 0 && !self.wrote && self.count(unsure) == 0 {
            ExitStatus::Failed
        } else if bad > 0 || disproven {
            ExitStatus::Partial
        } else {
            ExitStatus::Done
        }
    }

    /// The same for `verify` and `plan --detailed-exitcode`, where differences count, and images that are pulled otherwise
    /// than their names mean. What nobody can know is no difference.
    #[must_use]
    pub fn detailed_status(&self) -> ExitStatus {
        let otherwise = self.pulls.iter().any(|pull| pull.result.is_err());
        match self.status() {
            ExitStatus::Done if otherwise || self.differs() || !self.overdue.is_empty() => {
                ExitStatus::Differences
            }
            status => status,
        }
    }
}

fn settled(change: &Change) -> Outcome {
    match (change.action, &change.reason) {
        (Action::Refresh, _) => Outcome::Unknown,
        (Action::Keep, Reason::Terminating) => Outcome::Skipped(Problem::outside(change.reason.to_string())),
        (Action::Keep, Reason::LeftToManifest(_)) => Outcome::Differs,
        (Action::Keep, _) => Outcome::Unchanged,
        (Action::Blocked, _) => Outcome::Blocked,
        (Action::Unread, Reason::Unreadable(unreadable)) => {
            Outcome::Unread { login: unreadable.class == Class::Login }
        }
        (Action::Unread, _) => Outcome::Unread { login: false },
        (Action::Create | Action::Update | Action::Replace | Action::Delete, _) => Outcome::Differs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_runs_the_worst_code_is_that_of_all_and_a_failure_is_worse_than_a_difference() {
        let worst = |codes: &[u8]| {
            codes.iter().map(|code| ExitStatus::of(*code)).fold(ExitStatus::Done, ExitStatus::worse) as u8
        };
        for (codes, expected) in [
            (&[][..], 0),
            (&[0, 2, 0], 2),
            (&[2, 1, 0], 1),
            (&[0, 5, 3, 4], 5),
            (&[4, 3, 1], 4),
            (&[0, 137], 1),
            (&[130, 5], 130),
        ] {
            assert_eq!(worst(codes), expected, "{codes:?}");
        }
    }
}
