//! Health of an endpoint, as the job API tells it: which workers there are, and nothing about pulls.

use serde_json::{Map, Value, json};

use super::error::Problem;
use super::state::{Endpoint, EndpointKind};
use super::{Outcome, Visit};
use crate::message::Reply;

/// Documented are `idle` and `running`; the other workers are seen in the wild (unconfirmed).
pub(crate) fn queue(visit: &mut Visit<'_>) -> Outcome {
    let endpoint = find(visit, EndpointKind::Queue)?;
    let count = |status: &str| endpoint.workers.iter().filter(|worker| worker.status == status).count();
    let statuses = ["IDLE", "RUNNING", "INITIALIZING", "THROTTLED", "UNHEALTHY"];
    let workers: Map<String, Value> =
        statuses.iter().map(|status| (status.to_lowercase(), count(status).into())).collect();
    let jobs = json!({ "completed": 1, "failed": 0, "inProgress": 0, "inQueue": 0, "retried": 0 });
    Ok(Reply::json(200, &json!({ "jobs": jobs, "workers": workers })))
}

/// A worker's own answer; without a worker there is nobody to give one (the status is unconfirmed).
pub(crate) fn ping(visit: &mut Visit<'_>) -> Outcome {
    let endpoint = find(visit, EndpointKind::LoadBalancer)?;
    if endpoint.workers.is_empty() {
        return Err(Problem::new(502, "no worker is available"));
    }
    Ok(Reply::json(200, &json!({ "status": "healthy" })))
}

fn find<'v>(visit: &'v Visit<'_>, kind: EndpointKind) -> Result<&'v Endpoint, Problem> {
    let mut all = visit.world.runpod.endpoints.iter();
    all.find(|endpoint| endpoint.id == visit.id && endpoint.kind == kind)
        .ok_or_else(|| Problem::not_found("endpoint"))
}
