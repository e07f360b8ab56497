//! What executing a plan costs.

use std::collections::BTreeMap;

use super::Change;
use crate::change::Operation as _;
use crate::model::Address;
use crate::systems::{self, Operation};

/// One dependent request over a wide-area network, in milliseconds: for the estimate only.
const ROUND_TRIP_MS: usize = 200;

/// What executing a plan costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Cost {
    /// Requests, if nothing has to be tried again.
    pub requests: usize,
    /// What they are worth in GitHub's points, of which it takes 900 a minute.
    pub points: usize,
    /// Seconds, estimated: the longest chain of dependent requests, or a system's own pace if that is longer.
    pub seconds: usize,
}

impl Cost {
    pub(super) fn of(changes: &[Change], paced: Option<usize>) -> Self {
        let operations = operations(changes);
        let chain = (longest_chain(changes) * ROUND_TRIP_MS).div_ceil(1000);
        Self {
            requests: operations.iter().map(|operation| operation.requests()).sum(),
            points: operations.iter().map(|operation| operation.points()).sum(),
            seconds: chain.max(paced.unwrap_or_else(|| systems::seconds(&operations))),
        }
    }
}

/// What is carried out, in the order of the rows.
pub(super) fn operations(changes: &[Change]) -> Vec<&Operation> {
    writes(changes).filter_map(|change| change.operation.as_ref()).collect()
}

fn writes(changes: &[Change]) -> impl Iterator<Item = &Change> {
    changes.iter().filter(|change| change.action.writes())
}

/// The requests of the longest chain of rows that wait for each other.
fn longest_chain(changes: &[Change]) -> usize {
    let rows: BTreeMap<&Address, &Change> = writes(changes).map(|change| (&change.address, change)).collect();
    rows.keys().map(|address| depth(address, &rows)).max().unwrap_or(0)
}

fn depth(address: &Address, rows: &BTreeMap<&Address, &Change>) -> usize {
    let Some(change) = rows.get(address) else { return 0 };
    let own = change.operation.as_ref().map_or(0, Operation::requests);
    own + change.after.iter().map(|before| depth(before, rows)).max().unwrap_or(0)
}
