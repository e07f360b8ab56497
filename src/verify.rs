//! Proving what is in place, each system by its own means.

use crate::desired::Desired;
use crate::model::Address;
use crate::observe::{Clients, Observed};
use crate::plan::{Change, Plan};
use crate::report::Finding;
use crate::targets::{aws, daytona, runpod};

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
    let rows: Vec<&Change> =
        plan.changes.iter().filter(|change| exists(change) && concerns(plan, change, scope)).collect();
    // What runs in RunPod is looked at only when somebody asks for it: it takes a request for each endpoint.
    let seen = async {
        match (scope, &clients.runpod) {
            (Scope::All, Ok(client)) => {
                runpod::verify::verify(&rows, client, &observed.runpod, concurrency).await
            }
            _ => Vec::new(),
        }
    };
    let (mut findings, made, seen) = tokio::join!(
        aws::verify::verify(&rows, &clients.aws, &observed.aws, concurrency),
        daytona::verify::verify(&rows, &clients.daytona, &desired.daytona),
        seen,
    );
    findings.extend(made.into_iter().chain(seen));
    findings.sort_by(|one, other| one.address.cmp(&other.address));
    findings
}

fn concerns(plan: &Plan, change: &Change, scope: Scope) -> bool {
    let touched = |address: &Address| {
        plan.changes.iter().any(|other| {
            other.address == *address
                && (other.action.writes() || other.after.iter().any(|before| writes(plan, before)))
        })
    };
    scope == Scope::All || change.action.writes() || change.after.iter().any(touched)
}

fn writes(plan: &Plan, address: &Address) -> bool {
    plan.changes.iter().any(|change| change.address == *address && change.action.writes())
}
