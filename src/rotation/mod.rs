//! What a rotation adds to a plan: where the new token is stored, and which tokens go out of use. Pure: the tokens are
//! listed and the source is known before.
//!
//! ```text
//! source      gives the new token           keep
//!             gives the old one             update; keep where somebody has to change it by hand
//! token       ours, of another value        update: switched off, after every place has the new one
//!             ours, never stored            delete: a rotation ended before that
//!             named with --old              the same as ours with --allow-delete, else blocked
//!             switched off long enough ago  delete
//! ```
//!
//! A token goes out of use last, and only if every place has the new one: what is blocked, unread or not known keeps it on.

mod tokens;

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::change::{Action, Details, Operation as _, Reason};
use crate::model::{Address, CredentialId, Fingerprint, Problem};
use crate::plan::{Change, Plan};
use crate::redact;
use crate::registry::hub::Token;

/// What a rotation is asked to do beside what a sync does.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The credential.
    pub credential: CredentialId,
    /// Where its value is read, as people write it.
    pub source: String,
    /// The new value's fingerprint; nothing as long as it is to be made.
    pub new: Option<Fingerprint>,
    /// The fingerprint of what the source gives now.
    pub present: Option<Fingerprint>,
    /// Whether the new value is among the tokens that Docker Hub lists, which a password is not.
    pub is_token: bool,
    /// Tokens that people named as old ones, by label or id.
    pub old: Vec<String>,
    /// Tokens that were switched off on this day or before are deleted.
    pub delete_until: Option<NaiveDate>,
    /// Whether the old tokens stay on.
    pub keep_old: bool,
    /// Whether a token that regcred did not make may go out of use.
    pub allow_delete: bool,
    /// Whether it is enough that a place was written where nobody can know what it holds.
    pub accept_unknown: bool,
}

/// Where the old value comes from, as far as the new one can be put there.
#[derive(Clone, Debug)]
pub enum Home {
    /// It gives the new value already.
    Settled,
    /// It gives the old one, and takes the new one.
    Takes,
    /// It gives the old one, and somebody has to change that.
    ByHand(Problem),
    /// It gives whatever it is handed.
    Handed,
}

/// What a row of a rotation does that is in no system.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// The new value goes to the source.
    Store,
    /// A token is switched off.
    Retire(Token),
    /// A token is deleted.
    Delete(Token),
}

/// The rows of a rotation, and what those do that are in no system.
#[derive(Clone, Debug, Default)]
pub struct Rotation {
    /// The whole plan.
    pub plan: Plan,
    /// What is done for these rows.
    pub steps: BTreeMap<Address, Step>,
}

/// Adds to a plan what a rotation does beside it. `waits` is what keeps old tokens on for now: a reason for each.
///
/// # Errors
/// `--old` names what is no token, several, or the new one.
pub fn rotation(
    plan: Plan,
    wish: &Wish,
    home: &Home,
    tokens: &[Token],
    waits: Option<Hold>,
) -> Result<Rotation, Vec<Problem>> {
    let judged = tokens::judged(tokens, wish)?;
    let source = Address::Source { credential: wish.credential.0.clone() };
    let mut rows = plan.changes;
    let stored = at_home(&source, wish, home);
    let stores = stored.as_ref().is_some_and(|row| row.action.writes());
    if stores {
        rows.iter_mut().filter(|row| row.carries_value()).for_each(|row| {
            row.after.insert(source.clone());
        });
    }
    let stop = depends(&rows);
    let lost = stop.clone().or_else(|| waits.clone().filter(|hold| hold.is_part).map(Hold::verdict));
    let obstacle = stop.or_else(|| unproven(&rows, wish)).or_else(|| waits.map(Hold::verdict));
    let places: Vec<Address> =
        rows.iter().map(|row| row.address.clone()).chain(stores.then_some(source.clone())).collect();
    let mut steps = BTreeMap::new();
    for (mut row, step) in judged {
        let kept_by = match &step {
            Some(Step::Retire(_)) => obstacle.as_ref(),
            Some(Step::Delete(_)) if row.reason == Reason::Lost => lost.as_ref(),
            _ => None,
        };
        match (&step, kept_by) {
            (_, Some((action, reason))) => (row.action, row.reason) = (*action, reason.clone()),
            (Some(step), None) => {
                steps.insert(row.address.clone(), step.clone());
            }
            (None, None) => {}
        }
        row.after.extend(places.iter().cloned());
        rows.push(row);
    }
    if let Some(row) = stored {
        if stores {
            steps.insert(row.address.clone(), Step::Store);
        }
        rows.push(row);
    }
    rows.sort_by(|one, other| one.address.cmp(&other.address));
    let mut notes = plan.notes;
    notes.extend(tokens::notes(tokens, wish));
    notes.extend(steps.values().filter_map(tokens::last_use));
    Ok(Rotation { plan: Plan { changes: rows, notes, ..plan }, steps })
}

/// Something that keeps old tokens on for now.
#[derive(Clone, Debug)]
pub struct Hold {
    /// What has to happen, and how.
    pub until: Problem,
    /// Whether nobody is there who could do it in this run: it is blocked then.
    pub is_alone: bool,
    /// Whether this run does not look at every place: one may have a token of which it seems that nobody has it.
    pub is_part: bool,
}

impl Hold {
    fn verdict(self) -> (Action, Reason) {
        (if self.is_alone { Action::Blocked } else { Action::Keep }, Reason::Waits(self.until))
    }
}

/// The row of the source; none where it is handed in.
fn at_home(address: &Address, wish: &Wish, home: &Home) -> Option<Change> {
    let (action, reason) = match home {
        Home::Handed => return None,
        Home::Settled => (Action::Keep, Reason::InSync),
        Home::Takes => (Action::Update, Reason::OldToken),
        Home::ByHand(problem) => (Action::Keep, Reason::ByHand(problem.clone())),
    };
    let details = Details { name: Some(redact::outside(&wish.source)), ..Details::default() };
    let row = Change::new(address.clone(), [wish.credential.clone()].into(), action, reason);
    Some(Change { details, ..row })
}

/// The first place that will not have the new value, as far as that is known before.
fn depends(rows: &[Change]) -> Option<(Action, Reason)> {
    let mut stopped = rows.iter().filter(|row| matches!(row.action, Action::Blocked | Action::Unread));
    stopped.next().map(|row| (Action::Blocked, Reason::Depends(row.address.clone())))
}

/// The first place of which nobody will know whether it has the new value.
fn unproven(rows: &[Change], wish: &Wish) -> Option<(Action, Reason)> {
    let unknown =
        |row: &&Change| row.action == Action::Refresh && !wish.accept_unknown && !recorded(rows, row);
    rows.iter().find(unknown).map(|row| (Action::Blocked, Reason::Unproven(row.address.clone())))
}

/// Whether what a row writes is known from then on: another row records it, or it is the record.
pub fn recorded(rows: &[Change], row: &Change) -> bool {
    is_record(row) || rows.iter().any(|other| other.action.writes() && records(other, &row.address))
}

/// Whether a row records what others write.
#[must_use]
pub fn is_record(row: &Change) -> bool {
    row.operation.as_ref().is_some_and(|operation| !operation.records().is_empty())
}

/// Whether a row records what is written to this address.
#[must_use]
pub fn records(row: &Change, address: &Address) -> bool {
    row.operation.as_ref().is_some_and(|operation| operation.records().contains(address))
}

impl Rotation {
    /// The rows that are in a system: what is spread.
    #[must_use]
    pub fn spread(&self) -> Plan {
        let mut plan = self.plan.clone();
        plan.changes.retain(|row| row.address.is_in_a_system());
        plan
    }

    /// What happens to tokens, in order.
    pub fn ends(&self) -> impl Iterator<Item = (&Address, &Step)> {
        self.steps.iter().filter(|(_, step)| **step != Step::Store)
    }

    /// Where the new value is stored, if it has to be.
    #[must_use]
    pub fn stored(&self) -> Option<&Address> {
        self.steps.iter().find(|(_, step)| **step == Step::Store).map(|(address, _)| address)
    }
}
