//! Proving what is in place, each system by its own means.

use std::collections::BTreeSet;

use crate::model::Address;
use crate::observe::{Clients, Observed};
use crate::plan::{Change, Plan};
use crate::report::Finding;
use crate::targets::{aws, kubernetes};

/// Which rows are proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All that exist.
    All,
    /// Those that this run touched, by themselves or by what they depend on.
    Touched,
}

/// Proves the plan's rows in `scope` for which `exists` holds, at most `concurrency` of a system at
/// once. Rows whose system has nothing to prove them by are not among the findings.
pub async fn verify(
    plan: &Plan,
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
    let executed = scope == Scope::Touched;
    let (mut findings, in_clusters) = tokio::join!(
        aws::verify::verify(&rows, &clients.aws, &observed.aws, concurrency),
        kubernetes::verify::verify(&rows, &clients.kubernetes, &plan.fingerprints, executed, concurrency),
    );
    findings.extend(in_clusters);
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
