//! Deployment environments.

use serde_json::{Value, json};

use super::error::Refusal;
use super::place::encode;
use super::secrets::{Page, time};
use super::state::Environment;
use super::{Outcome, Visit};
use crate::message::Reply;

pub(crate) fn list(visit: &mut Visit<'_>) -> Outcome {
    let page = Page::of(visit, 30, 100);
    let repository = repository_url(visit);
    let environments = &visit.repository()?.environments;
    let rows: Vec<Value> =
        environments.iter().map(|(name, environment)| row(name, environment, &repository)).collect();
    Ok(page.reply("environments", &rows))
}

pub(crate) fn get(visit: &mut Visit<'_>) -> Outcome {
    let (name, repository) = (visit.param("environment_name").to_owned(), repository_url(visit));
    let environment = visit.repository()?.environments.get(&name).ok_or_else(Refusal::not_found)?;
    Ok(Reply::json(200, &row(&name, environment, &repository)))
}

/// Makes it, or changes nothing here: protection rules are not kept.
pub(crate) fn put(visit: &mut Visit<'_>) -> Outcome {
    let (name, repository) = (visit.param("environment_name").to_owned(), repository_url(visit));
    if name.trim().is_empty() || name.len() > 255 {
        return Err(Refusal::unprocessable("Validation Failed"));
    }
    let created_at = visit.world.clock.second();
    let environments = &mut visit.repository()?.environments;
    let environment =
        environments.entry(name.clone()).or_insert(Environment { created_at, ..Environment::default() });
    Ok(Reply::json(200, &row(&name, environment, &repository)))
}

fn repository_url(visit: &Visit<'_>) -> String {
    format!("{}/repos/{}", visit.base, visit.full_name())
}

fn row(name: &str, environment: &Environment, repository: &str) -> Value {
    let url = format!("{repository}/environments/{}", encode(name));
    json!({
        "id": 161_088_068,
        "node_id": "MDExOkVudmlyb25tZW50MTYxMDg4MDY4",
        "name": name,
        "url": url,
        "html_url": url,
        "created_at": time(environment.created_at),
        "updated_at": time(environment.created_at),
        "protection_rules": [],
        "deployment_branch_policy": null,
    })
}
