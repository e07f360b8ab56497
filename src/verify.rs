//! Proving what is in place, each system by its own means.

use std::collections::BTreeSet;

use crate::desired::Desired;
use crate::model::Address;
use crate::observe::{Clients, Observed};
use crate::plan::{Change, Plan};
use crate::report::Finding;
use crate::targets::{aws, daytona, kubernetes, runpod};

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
    desired: &Desired,
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
    // What runs in RunPod is looked at only when somebody asks for it: it takes a request for each endpoint.
    let seen = async {
        match (scope, &clients.runpod) {
            (Scope::All, Ok(client)) => {
                runpod::verify::verify(&rows, client, &observed.runpod, concurrency).await
            }
            _ => Vec::new(),
        }
    };
    let executed = scope == Scope::Touched;
    let (mut findings, made, in_clusters, seen) = tokio::join!(
        aws::verify::verify(&rows, &clients.aws, &observed.aws, concurrency),
        daytona::verify::verify(&rows, &clients.daytona, &desired.daytona),
        kubernetes::verify::verify(&rows, &clients.kubernetes, &plan.fingerprints, executed, concurrency),
        seen,
    );
    findings.extend(made.into_iter().chain(in_clusters).chain(seen));
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
