//! Pods. A cluster's members show only when asked for, and cannot be changed here.

use serde_json::{Map, Value, json};

use super::endpoints::time;
use super::error::Problem;
use super::seed::members;
use super::state::{Pod, PodStatus};
use super::{Outcome, Visit, completed};
use crate::message::Reply;

pub(crate) fn list(visit: &mut Visit<'_>) -> Outcome {
    let all = visit.query.get("includeClusterPods").is_some_and(|value| value == "true");
    let shown = visit.world.runpod.pods.iter_mut().filter(|pod| all || pod.cluster.is_none());
    let rows: Vec<Map<String, Value>> = shown.map(read).collect();
    let rows: Vec<Value> = rows.into_iter().map(|row| completed(visit.world, row)).collect();
    Ok(Reply::json(200, &json!({ "pods": rows })))
}

pub(crate) fn get(visit: &mut Visit<'_>) -> Outcome {
    let row = read(find(visit)?);
    Ok(Reply::json(200, &completed(visit.world, row)))
}

/// Takes effect at the pod's next start; where the world says so, it uses its former auth until then.
pub(crate) fn update(visit: &mut Visit<'_>) -> Outcome {
    own(visit, "modified")?;
    let body = visit.body_with_template(false)?;
    visit.check_registry()?;
    let (lag, holds) = (visit.world.runpod.stale_reads, visit.world.runpod.pods_hold);
    let pod = find(visit)?;
    let before = pod.container.registry.clone();
    pod.container.apply(&body, lag);
    if holds && pod.status == PodStatus::Running && pod.holds.is_none() && before != pod.container.registry {
        pod.holds = before;
    }
    if let Some(name) = body["name"].as_str() {
        name.clone_into(&mut pod.name);
    }
    pod.locked = body["locked"].as_bool().unwrap_or(pod.locked);
    let row = row(pod, pod.container.registry.clone());
    Ok(Reply::json(200, &completed(visit.world, row)))
}

/// 409 for what the pod's state does not allow (documented).
pub(crate) fn act(visit: &mut Visit<'_>) -> Outcome {
    own(visit, "terminated")?;
    let action = visit.body["action"].as_str().unwrap_or_default().to_owned();
    let pod = find(visit)?;
    if !actions(pod.status).contains(&action.as_str()) {
        return Err(Problem::new(
            409,
            format!("action '{action}' is not valid for the pod's current status"),
        ));
    }
    pod.holds = None;
    pod.status = if action == "stop" { PodStatus::Exited } else { PodStatus::Running };
    let (id, row) = (pod.id.clone(), row(pod, pod.container.registry.clone()));
    if action == "terminate" {
        visit.world.runpod.pods.retain(|pod| pod.id != id);
        return Ok(Reply::empty(204));
    }
    Ok(Reply::json(200, &completed(visit.world, row)))
}

fn find<'v>(visit: &'v mut Visit<'_>) -> Result<&'v mut Pod, Problem> {
    let mut all = visit.world.runpod.pods.iter_mut();
    all.find(|pod| pod.id == visit.id).ok_or_else(|| Problem::not_found("pod"))
}

fn own(visit: &mut Visit<'_>, what: &str) -> Result<(), Problem> {
    match find(visit)?.cluster {
        Some(_) => {
            let detail = format!("Pod belongs to a cluster and cannot be {what} via the pod endpoints.");
            Err(Problem::new(409, detail))
        }
        None => Ok(()),
    }
}

fn actions(status: PodStatus) -> &'static [&'static str] {
    match status {
        PodStatus::Running => &["stop", "restart", "terminate"],
        PodStatus::Exited => &["start", "terminate"],
    }
}

fn read(pod: &mut Pod) -> Map<String, Value> {
    let registry = pod.container.read();
    row(pod, registry)
}

fn row(pod: &Pod, registry: Option<String>) -> Map<String, Value> {
    let runs = pod.status == PodStatus::Running;
    let mut row = pod.container.members(registry);
    row.extend(members(json!({
        "id": pod.id,
        "name": pod.name,
        "status": pod.status,
        "actions": actions(pod.status),
        "mounts": { "persistent": { "size": 20, "path": "/workspace" } },
        "gpu": { "id": "NVIDIA GeForce RTX 4090", "count": 1 },
        "cloud": "SECURE",
        "dataCenterId": "US-KS-2",
        "cudaVersion": "12.8",
        "ssh": { "proxy": null, "direct": null },
        "template": pod.template,
        "cost": if runs { 0.44 } else { 0.0 },
        "locked": pod.locked,
        "globalNetworking": { "enabled": false },
        "runtime": runs.then(|| json!({ "uptime": 3600 })),
        "createdAt": time(pod.created_at),
        "startedAt": time(pod.created_at),
    })));
    if let Some(cluster) = &pod.cluster {
        row.insert("cluster".to_owned(), json!({ "id": cluster, "rank": 0 }));
    }
    row
}
