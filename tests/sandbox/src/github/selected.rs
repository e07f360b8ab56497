//! The repositories that get an organization's secret, where its visibility is `selected`.

use serde_json::Value;

use super::error::Refusal;
use super::secrets::{Id, Page, name};
use super::state::{Secret, Visibility};
use super::{Outcome, Visit, repositories};
use crate::message::Reply;

pub(crate) fn list(visit: &mut Visit<'_>) -> Outcome {
    let page = Page::of(visit, 30, 100);
    let ids = secret(visit)?.selected.clone();
    let github = &visit.world.github;
    let chosen = github.repositories.iter().filter(|(_, repository)| ids.contains(&repository.id));
    let rows: Vec<Value> =
        chosen.map(|(name, repository)| repositories::minimal(name, repository, true, &visit.base)).collect();
    Ok(page.reply("repositories", &rows))
}

/// Replaces the list, and leaves the value alone.
pub(crate) fn set(visit: &mut Visit<'_>) -> Outcome {
    let ids = visit.body.get("selected_repository_ids").cloned();
    let ids = ids.ok_or_else(|| Refusal::invalid("\"selected_repository_ids\" wasn't supplied."))?;
    let ids: Vec<Id> = serde_json::from_value(ids).map_err(|error| Refusal::invalid(&error.to_string()))?;
    selected(visit)?.selected = ids.iter().filter_map(Id::number).collect();
    Ok(Reply::empty(204))
}

pub(crate) fn add(visit: &mut Visit<'_>) -> Outcome {
    let id = id(visit)?;
    let secret = selected(visit)?;
    if !secret.selected.contains(&id) {
        secret.selected.push(id);
    }
    Ok(Reply::empty(204))
}

pub(crate) fn remove(visit: &mut Visit<'_>) -> Outcome {
    let id = id(visit)?;
    selected(visit)?.selected.retain(|selected| *selected != id);
    Ok(Reply::empty(204))
}

fn id(visit: &Visit<'_>) -> Result<u64, Refusal> {
    visit.param("repository_id").parse().map_err(|_| Refusal::not_found())
}

fn secret<'v>(visit: &'v mut Visit<'_>) -> Result<&'v mut Secret, Refusal> {
    let name = name(visit);
    let (store, _) = visit.store()?;
    store.secrets.get_mut(&name).ok_or_else(Refusal::not_found)
}

/// 409 when the visibility is another (documented).
fn selected<'v>(visit: &'v mut Visit<'_>) -> Result<&'v mut Secret, Refusal> {
    let secret = secret(visit)?;
    if secret.visibility == Some(Visibility::Selected) {
        return Ok(secret);
    }
    Err(Refusal::new(409, "Conflict"))
}
