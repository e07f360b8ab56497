//! What regcred made in Daytona goes: the rows whose names hold a fingerprint. Pure.
//!
//! A row with the plain name may be somebody's own, or hold a password, of which no fingerprint is published: it stays.

use std::collections::BTreeSet;

use super::{Change, Desired, Observed, Operation, Row, address, stored};
use crate::change::{Action, Options, Reason};
use crate::model::{Address, Fingerprint};
use crate::redact;

/// The rows of the list for each declared registry.
#[must_use]
pub(super) fn undo(desired: &[Desired], observed: &Observed, options: &Options) -> Vec<Change> {
    desired.iter().flat_map(|desired| of(desired, observed, options)).collect()
}

fn of(desired: &Desired, observed: &Observed, options: &Options) -> Vec<Change> {
    let listed = match &observed.rows {
        Ok(listed) => listed,
        Err(unreadable) => {
            let reason = Reason::Unreadable(unreadable.clone());
            return vec![row(desired, desired.address(), Action::Unread, reason)];
        }
    };
    let mut rows: Vec<Change> = listed
        .iter()
        .filter(|listed| stored::meant(&listed.url).as_ref() == Some(&desired.registry))
        .map(|listed| judged(desired, listed, options))
        .collect();
    match rows.first_mut() {
        // The place has the address of the configuration, as for sync; further rows are told by their ids.
        Some(first) => first.address = desired.address(),
        None => rows.push(row(desired, desired.address(), Action::Keep, Reason::Absent)),
    }
    rows
}

fn judged(desired: &Desired, listed: &Row, options: &Options) -> Change {
    let [name, username] = [&listed.name, &listed.username].map(|text| redact::outside(text));
    let words = format!("the row `{name}` of user {username}");
    let at = address(&listed.id);
    if !Fingerprint::ends(&listed.name, &desired.name) && !options.allow_delete {
        let reason = Reason::Theirs(format!("{words} does not have the name that regcred gives"));
        return row(desired, at, Action::Keep, reason);
    }
    let reason = Reason::Made(format!("{words}; images of {} are pulled anonymously then", desired.registry));
    let operation = Some(Operation::DeleteRow { id: listed.id.clone(), behind: None });
    Change { operation, ..row(desired, at, Action::Delete, reason) }
}

fn row(desired: &Desired, address: Address, action: Action, reason: Reason) -> Change {
    Change::new(address, BTreeSet::from([desired.credential.clone()]), action, reason)
}
