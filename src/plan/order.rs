//! Putting the rows in one order, and leaving alone what cannot be reached.

use std::collections::{BTreeMap, BTreeSet};

use super::Change;
use crate::change::{Action, Operation as _, Options, Reason};
use crate::model::Address;

/// One row per address. Several stacks or credentials may ask for the same thing: they share its row.
pub(super) fn merged(rows: Vec<Change>) -> BTreeMap<Address, Change> {
    let mut merged: BTreeMap<Address, Change> = BTreeMap::new();
    for row in rows {
        match merged.get_mut(&row.address) {
            Some(first) => {
                first.stacks.extend(row.stacks);
                first.credentials.extend(row.credentials);
                first.after.extend(row.after);
            }
            None => {
                merged.insert(row.address.clone(), row);
            }
        }
    }
    merged
}

/// The rows that the options select, with those blocked that need something which does not happen. A record comes along
/// with what it records: without it the next run could not know that it was written.
pub(super) fn settle(mut rows: BTreeMap<Address, Change>, options: &Options) -> Vec<Change> {
    let recorded = |row: &Change| {
        row.operation
            .as_ref()
            .is_some_and(|operation| operation.records().iter().any(|at| options.selects(at)))
    };
    let records: BTreeSet<Address> =
        rows.values().filter(|row| recorded(row)).map(|row| row.address.clone()).collect();
    let selected = |address: &Address| options.selects(address) || records.contains(address);
    loop {
        let blocked: Vec<(Address, Address)> = rows
            .values()
            .filter(|row| row.action.writes())
            .filter_map(|row| Some((row.address.clone(), obstacle(row, &rows, &selected)?)))
            .collect();
        if blocked.is_empty() {
            break;
        }
        for (address, obstacle) in blocked {
            if let Some(row) = rows.get_mut(&address) {
                row.action = Action::Blocked;
                row.reason = Reason::Depends(obstacle);
                row.operation = None;
            }
        }
    }
    rows.into_values().filter(|row| selected(&row.address)).collect()
}

/// The first thing that the row needs and that will not be there.
fn obstacle(
    row: &Change,
    rows: &BTreeMap<Address, Change>,
    selected: &impl Fn(&Address) -> bool,
) -> Option<Address> {
    let missing = |address: &&Address| {
        rows.get(*address).is_some_and(|needed| match needed.action {
            Action::Blocked | Action::Unread => true,
            Action::Keep => false,
            Action::Create | Action::Update | Action::Refresh | Action::Replace | Action::Delete => {
                !selected(address)
            }
        })
    };
    row.after.iter().find(missing).cloned()
}
