//! Registry auths: made, listed and deleted, never changed and never read back.

use serde_json::{Value, json};

use super::error::Problem;
use super::seed::members;
use super::state::{Auth, Ghost};
use super::{Outcome, Visit, completed};
use crate::message::Reply;
use crate::world::World;

pub(crate) fn list(visit: &mut Visit<'_>) -> Outcome {
    let shown = shown(visit.world);
    let rows: Vec<Value> = shown.iter().map(|auth| row(visit.world, auth)).collect();
    Ok(Reply::json(200, &json!({ "registries": rows })))
}

pub(crate) fn get(visit: &mut Visit<'_>) -> Outcome {
    let shown = shown(visit.world);
    let auth = shown.iter().find(|auth| auth.id == visit.id).ok_or_else(|| Problem::not_found("registry"))?;
    Ok(Reply::json(200, &single(visit.world, auth)))
}

/// What reads show: what is there, less what is not seen yet, and what is deleted and still seen.
fn shown(world: &mut World) -> Vec<Auth> {
    let runpod = &mut world.runpod;
    let mut shown = Vec::new();
    for auth in &mut runpod.auths {
        if auth.hidden_reads == 0 {
            shown.push(auth.clone());
        }
        auth.hidden_reads = auth.hidden_reads.saturating_sub(1);
    }
    for ghost in &mut runpod.ghosts {
        shown.push(ghost.auth.clone());
        ghost.reads = ghost.reads.saturating_sub(1);
    }
    runpod.ghosts.retain(|ghost| ghost.reads > 0);
    shown
}

pub(crate) fn create(visit: &mut Visit<'_>) -> Outcome {
    let text = |name: &str| visit.body[name].as_str().unwrap_or_default().to_owned();
    let (name, username, password) = (text("name"), text("username"), text("password"));
    let runpod = &mut visit.world.runpod;
    if runpod.unique_names && !runpod.auths_named(&name).is_empty() {
        return Err(Problem::new(400, format!("registry name '{name}' already exists")));
    }
    let id = runpod.next_id();
    let auth = Auth { id, name, username, password, hidden_reads: runpod.stale_reads };
    runpod.auths.push(auth.clone());
    Ok(Reply::json(201, &single(visit.world, &auth)))
}

/// Refused while a pod uses it, a cluster's member too. What else refers to it loses the reference without a word
/// (documented).
pub(crate) fn delete(visit: &mut Visit<'_>) -> Outcome {
    let runpod = &mut visit.world.runpod;
    let auth = runpod.auth(&visit.id).cloned().ok_or_else(|| Problem::not_found("registry"))?;
    let uses = |used: &Option<String>| used.as_deref() == Some(auth.id.as_str());
    if runpod.pods.iter().any(|pod| uses(&pod.container.registry) || uses(&pod.holds)) {
        return Err(Problem::new(400, "Registry credential is in use by a pod and cannot be deleted"));
    }
    runpod.remove_auth(&auth.id);
    if runpod.stale_reads > 0 {
        runpod.ghosts.push(Ghost { auth, reads: runpod.stale_reads });
    }
    Ok(Reply::empty(204))
}

fn single(world: &World, auth: &Auth) -> Value {
    let row = row(world, auth);
    if world.runpod.wraps_registries { json!({ "data": { "registry": row } }) } else { row }
}

fn row(world: &World, auth: &Auth) -> Value {
    completed(world, members(json!({ "id": auth.id, "name": auth.name })))
}
