//! Serverless endpoints, their releases and workers.

use serde_json::{Map, Value, json};

use super::error::Problem;
use super::rollout::{Release, Worker};
use super::state::{Endpoint, EndpointKind};
use super::{Outcome, Visit, completed};
use crate::message::Reply;

const STATUSES: [&str; 5] = ["RUNNING", "IDLE", "INITIALIZING", "THROTTLED", "UNHEALTHY"];

pub(crate) fn list(visit: &mut Visit<'_>) -> Outcome {
    let (base, omits) = (visit.base.clone(), visit.world.runpod.omits_nulls);
    let all = visit.world.runpod.endpoints.iter_mut();
    let rows: Vec<Map<String, Value>> = all
        .map(|endpoint| {
            let registry = endpoint.container.read();
            row(endpoint, registry, &base, omits)
        })
        .collect();
    let rows: Vec<Value> = rows.into_iter().map(|row| completed(visit.world, row)).collect();
    Ok(Reply::json(200, &json!({ "endpoints": rows })))
}

pub(crate) fn get(visit: &mut Visit<'_>) -> Outcome {
    let (base, omits) = (visit.base.clone(), visit.world.runpod.omits_nulls);
    let endpoint = find(visit)?;
    let registry = endpoint.container.read();
    let row = row(endpoint, registry, &base, omits);
    Ok(Reply::json(200, &completed(visit.world, row)))
}

/// What concerns the container makes a release, which workers follow later (documented).
pub(crate) fn update(visit: &mut Visit<'_>) -> Outcome {
    find(visit)?;
    let body = visit.body_with_template(true)?;
    visit.check_registry()?;
    let now = visit.world.clock.second();
    let runpod = &visit.world.runpod;
    let (lag, rollouts, omits) = (runpod.stale_reads, runpod.rollouts, runpod.omits_nulls);
    let (base, release) = (visit.base.clone(), visit.world.runpod.next_id());
    let endpoint = find(visit)?;
    let diff = endpoint.container.apply(&body, lag);
    if !diff.is_empty() {
        endpoint.release(release, diff, now, rollouts);
    }
    for (name, value) in body.as_object().into_iter().flatten() {
        if name == "name" {
            value.as_str().unwrap_or_default().clone_into(&mut endpoint.name);
        } else if endpoint.settings.contains_key(name) {
            endpoint.settings.insert(name.clone(), value.clone());
        }
    }
    let row = row(endpoint, endpoint.container.registry.clone(), &base, omits);
    Ok(Reply::json(200, &completed(visit.world, row)))
}

fn find<'v>(visit: &'v mut Visit<'_>) -> Result<&'v mut Endpoint, Problem> {
    let mut all = visit.world.runpod.endpoints.iter_mut();
    all.find(|endpoint| endpoint.id == visit.id).ok_or_else(|| Problem::not_found("endpoint"))
}

/// History and progress. A rollout that goes on by itself does so after the look.
pub(crate) fn releases(visit: &mut Visit<'_>) -> Outcome {
    let rollouts = visit.world.runpod.rollouts;
    let endpoint = find(visit)?;
    let rows: Vec<Value> =
        endpoint.releases.iter().rev().map(|release| release_row(endpoint, release)).collect();
    let body = json!({
        "endpointVersion": endpoint.shown_version(),
        "rollout": endpoint.rollout(),
        "releases": rows,
    });
    endpoint.look(rollouts);
    Ok(Reply::json(200, &body))
}

fn release_row(endpoint: &Endpoint, release: &Release) -> Value {
    let running = endpoint.workers.iter().filter(|worker| worker.version == release.version).count();
    json!({
        "id": release.id,
        "version": release.version,
        "source": "MANUAL",
        "buildId": null,
        "createdByUserId": null,
        "workerCount": running,
        "createdAt": time(release.created_at),
        "diff": release.diff,
    })
}

pub(crate) fn workers(visit: &mut Visit<'_>) -> Outcome {
    let rollouts = visit.world.runpod.rollouts;
    let endpoint = find(visit)?;
    let rows: Vec<Value> = endpoint.workers.iter().map(|worker| worker_row(endpoint, worker)).collect();
    let mut summary = Map::from_iter([("total".to_owned(), rows.len().into())]);
    for status in STATUSES {
        let count = endpoint.workers.iter().filter(|worker| worker.status == status).count();
        summary.insert(status.to_lowercase(), count.into());
    }
    let body = json!({ "endpointVersion": endpoint.shown_version(), "workers": rows, "summary": summary });
    endpoint.look(rollouts);
    Ok(Reply::json(200, &body))
}

fn worker_row(endpoint: &Endpoint, worker: &Worker) -> Value {
    json!({
        "id": worker.id,
        "status": worker.status,
        "isStale": endpoint.shows_stale(worker),
        "version": (!endpoint.legacy).then_some(worker.version),
        "gpuCount": 1,
        "image": worker.image,
        "uptimeSeconds": 3600,
        "gpuTypeId": "NVIDIA GeForce RTX 4090",
        "dataCenterId": "US-KS-2",
        "startedAt": time(endpoint.created_at),
    })
}

pub(crate) fn time(time: chrono::DateTime<chrono::Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn row(endpoint: &Endpoint, registry: Option<String>, base: &str, omits_null: bool) -> Map<String, Value> {
    let omitted = omits_null && registry.is_none();
    let mut row = endpoint.container.members(registry);
    if omitted {
        row.remove("registry");
    }
    row.insert("id".to_owned(), endpoint.id.clone().into());
    row.insert("name".to_owned(), endpoint.name.clone().into());
    row.insert("type".to_owned(), json!(endpoint.kind));
    row.insert("requestUrls".to_owned(), request_urls(endpoint, base));
    row.insert("createdAt".to_owned(), time(endpoint.created_at).into());
    row.extend(endpoint.settings.clone());
    row
}

/// On the real system these are at `api.runpod.ai`, another host than the API's own.
fn request_urls(endpoint: &Endpoint, base: &str) -> Value {
    let id = &endpoint.id;
    if endpoint.kind == EndpointKind::LoadBalancer {
        let base = format!("{base}/load-balancer/{id}");
        return json!({ "base": base, "health": format!("{base}/ping") });
    }
    let url = |tail: &str| format!("{base}/v2/{id}/{tail}");
    json!({
        "run": url("run"),
        "runSync": url("runsync"),
        "status": url("status/{job_id}"),
        "stream": url("stream/{job_id}"),
        "cancel": url("cancel/{job_id}"),
        "retry": url("retry/{job_id}"),
        "purgeQueue": url("purge-queue"),
        "health": url("health"),
    })
}
