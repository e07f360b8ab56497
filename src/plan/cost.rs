//! What executing a plan costs.

use std::collections::BTreeMap;

use super::Change;
use crate::model::Address;
use crate::targets::Operation;

/// GitHub takes some 80 content writes a minute (its REST documentation, "secondary rate limits");
/// the first 20 go out at once, the rest one a second.
pub(crate) const GITHUB_BURST: usize = 20;
/// RunPod's published quota of a minute, and how many requests of it reading takes (`RateLimit-Policy` in its API description).
const RUNPOD_MINUTE: usize = 60;
const RUNPOD_READS: usize = 4;
/// One dependent request over a wide-area network, in milliseconds: for the estimate only.
const ROUND_TRIP_MS: usize = 200;

/// What executing a plan costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Cost {
    /// Requests, if nothing has to be tried again.
    pub requests: usize,
    /// Seconds, estimated: the longest chain of dependent requests, or GitHub's or RunPod's pace if that is longer.
    pub seconds: usize,
}

impl Cost {
    pub(super) fn of(changes: &[Change]) -> Self {
        let operations: Vec<&Operation> =
            writes(changes).filter_map(|change| change.operation.as_ref()).collect();
        let github = operations.iter().filter(|operation| matches!(operation, Operation::Github(_))).count();
        let runpod = operations.iter().filter(|operation| matches!(operation, Operation::Runpod(_)));
        let runpod: usize = runpod.map(|operation| operation.requests()).sum();
        let chain = longest_chain(changes) * ROUND_TRIP_MS;
        Self {
            requests: operations.iter().map(|operation| operation.requests()).sum(),
            seconds: chain
                .div_ceil(1000)
                .max(github.saturating_sub(GITHUB_BURST))
                .max(runpod_seconds(runpod)),
        }
    }
}

/// What is over a minute's quota waits for the next one.
fn runpod_seconds(requests: usize) -> usize {
    requests.saturating_sub(RUNPOD_MINUTE - RUNPOD_READS).div_ceil(RUNPOD_MINUTE) * 60
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
