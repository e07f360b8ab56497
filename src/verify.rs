//! Proving what is in place, each system by its own means.

use std::collections::BTreeSet;

use crate::change::Finding;
use crate::model::Address;
use crate::plan::{Change, Plan};
use crate::systems::{Clients, Observed, Places, Proving};
use crate::targets::Scope;

/// Proves the plan's rows in `scope` for which `exists` holds, at most `concurrency` of a system at
/// once. Rows whose system has nothing to prove them by are not among the findings.
pub async fn verify(
    plan: &Plan,
    places: &Places,
    clients: &Clients,
    observed: &Observed,
    scope: Scope,
    exists: impl Fn(&Change) -> bool,
    concurrency: usize,
) -> Vec<Finding> {
    let touched = touched(plan);
    let concerns = |change: &Change| {
        scope == Scope::All
            || change.action.writes()
            || change.after.iter().any(|address| touched.contains(address))
    };
    let rows: Vec<&Change> =
        plan.changes.iter().filter(|change| exists(change) && concerns(change)).collect();
    let proving = Proving { rows, scope, fingerprints: &plan.fingerprints, concurrency };
    let mut findings = places.verify(clients, observed, &proving).await;
    findings.sort_by(|one, other| one.address.cmp(&other.address));
    findings
}

/// What this run wrote, and what waited for that.
fn touched(plan: &Plan) -> BTreeSet<&Address> {
    let written: BTreeSet<&Address> =
        plan.changes.iter().filter(|change| change.action.writes()).map(|change| &change.address).collect();
    let touches = |change: &&Change| {
        change.action.writes() || change.after.iter().any(|before| written.contains(before))
    };
    plan.changes.iter().filter(touches).map(|change| &change.address).collect()
}
