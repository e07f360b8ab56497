//! Putting the rows in one order, and leaving alone what cannot be reached.

use std::collections::{BTreeMap, BTreeSet};

use super::Change;
use crate::change::{Action, Operation as _, Options, Reason};
use crate::model::Address;
use crate::systems::Operation;

/// One row per address. Several stacks or credentials may ask for the same thing: they share its row. Where they ask for
/// different things, nothing is done.
pub(super) fn merged(rows: Vec<Change>) -> BTreeMap<Address, Change> {
    let mut merged: BTreeMap<Address, Change> = BTreeMap::new();
    for row in rows {
        match merged.get_mut(&row.address) {
            Some(first) => share(first, row),
            None => {
                merged.insert(row.address.clone(), row);
            }
        }
    }
    block_doubles(&mut merged);
    merged
}

fn share(first: &mut Change, row: Change) {
    let differs = first.action != row.action || !same(first.operation.as_ref(), row.operation.as_ref());
    first.stacks.extend(row.stacks);
    first.credentials.extend(row.credentials);
    first.after.extend(row.after);
    let stopped = |action| matches!(action, Action::Blocked | Action::Unread);
    if stopped(row.action) && !stopped(first.action) {
        // An obstacle to one of them is one to both.
        (first.action, first.reason, first.operation) = (row.action, row.reason, None);
    } else if differs && !stopped(first.action) {
        let names: Vec<&str> = first.credentials.iter().map(|id| id.0.as_str()).collect();
        let words = format!("{} want different things of this one place", names.join(" and "));
        block(first, words);
    }
}

/// Whether both do the same, whoever logs in for it.
fn same(one: Option<&Operation>, other: Option<&Operation>) -> bool {
    let value = |operation| serde_json::to_value(operation).ok();
    value(one) == value(other)
}

/// Blocks what would be written by two addresses.
fn block_doubles(rows: &mut BTreeMap<Address, Change>) {
    let mut things: BTreeMap<&str, Vec<&Address>> = BTreeMap::new();
    for (address, row) in &*rows {
        if let Some(identity) = &row.identity {
            things.entry(identity).or_default().push(address);
        }
    }
    let writes = |address: &&Address| rows.get(*address).is_some_and(|row| row.action.writes());
    let doubles = things.into_values().filter(|thing| thing.len() > 1 && thing.iter().any(writes));
    let doubles: Vec<Vec<Address>> = doubles.map(|thing| thing.into_iter().cloned().collect()).collect();
    for thing in doubles {
        for address in &thing {
            let others = thing.iter().filter(|other| *other != address).map(ToString::to_string);
            let words = format!("is the same place as {}", others.collect::<Vec<_>>().join(" and "));
            if let Some(row) = rows.get_mut(address).filter(|row| row.action != Action::Unread) {
                block(row, words);
            }
        }
    }
}

fn block(row: &mut Change, words: String) {
    (row.action, row.reason, row.operation) = (Action::Blocked, Reason::OnePlace(words), None);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::CredentialId;
    use crate::targets::runpod;

    /// A row of the one auth, for a stack, that makes an auth of this name.
    fn row(stack: &str, name: &str) -> Change {
        let (id, address) =
            (CredentialId("hub".to_owned()), "runpod:registry/hub".parse().expect("an address"));
        let made = runpod::Operation::CreateAuth { name: name.to_owned(), credential: id.clone() };
        let row = Change::new(address, [id].into(), Action::Create, Reason::Absent);
        Change { stacks: [stack.to_owned()].into(), operation: Some(Operation::Runpod(made)), ..row }
    }

    #[test]
    fn who_asks_for_the_same_shares_a_row_and_who_asks_for_something_else_blocks_it() {
        for (name, action) in [("a", Action::Create), ("b", Action::Blocked)] {
            let rows: Vec<Change> = merged(vec![row("dev", "a"), row("main", name)]).into_values().collect();
            let [row] = rows.as_slice() else { panic!("one address is one row: {rows:?}") };
            assert_eq!((row.action, row.operation.is_some()), (action, action == Action::Create));
            assert_eq!(row.stacks, ["dev".to_owned(), "main".to_owned()].into());
        }
    }
}
