//! Actions variables of a repository, an environment or an organization.

use serde::Deserialize;
use serde_json::{Value, json};

use super::error::Refusal;
use super::place::Place;
use super::secrets::{Id, Page, check_name, time};
use super::state::{Variable, Visibility};
use super::{Outcome, Visit};
use crate::message::Reply;

/// Documented: 48 KB.
const SIZE_LIMIT: usize = 48 * 1024;

/// Pages of 10, at most 30 (documented; secrets have 30 and 100).
pub(crate) fn list(visit: &mut Visit<'_>) -> Outcome {
    let page = Page::of(visit, 10, 30);
    let base = visit.base.clone();
    let org = visit.param("org").to_owned();
    let rows: Vec<Value> =
        visit.variables()?.iter().map(|(name, variable)| row(name, variable, &base, &org)).collect();
    Ok(page.reply("variables", &rows))
}

pub(crate) fn get(visit: &mut Visit<'_>) -> Outcome {
    let name = visit.param("name").to_uppercase();
    let (base, org) = (visit.base.clone(), visit.param("org").to_owned());
    let variable = visit.variables()?.get(&name).ok_or_else(Refusal::not_found)?;
    Ok(Reply::json(200, &row(&name, variable, &base, &org)))
}

fn row(name: &str, variable: &Variable, base: &str, org: &str) -> Value {
    let mut row = json!({
        "name": name,
        "value": variable.value,
        "created_at": time(variable.created_at),
        "updated_at": time(variable.updated_at),
    });
    if let Some(visibility) = variable.visibility {
        row["visibility"] = json!(visibility);
        if visibility == Visibility::Selected {
            row["selected_repositories_url"] =
                format!("{base}/orgs/{org}/actions/variables/{name}/repositories").into();
        }
    }
    row
}

#[derive(Deserialize)]
struct Body {
    name: Option<String>,
    value: Option<String>,
    visibility: Option<Visibility>,
    selected_repository_ids: Option<Vec<Id>>,
}

impl Body {
    fn of(visit: &Visit<'_>) -> Result<Self, Refusal> {
        serde_json::from_value(visit.body.clone()).map_err(|error| Refusal::invalid(&error.to_string()))
    }

    fn selected(&self) -> Option<Vec<u64>> {
        self.selected_repository_ids.as_ref().map(|ids| ids.iter().filter_map(Id::number).collect())
    }
}

pub(crate) fn create(visit: &mut Visit<'_>) -> Outcome {
    let body = Body::of(visit)?;
    let selected = body.selected().unwrap_or_default();
    let name = body.name.ok_or_else(|| Refusal::invalid("\"name\" wasn't supplied."))?.to_uppercase();
    let value = body.value.ok_or_else(|| Refusal::invalid("\"value\" wasn't supplied."))?;
    check_name(&name)?;
    check_size(&value)?;
    if matches!(visit.place(), Place::Organization(_)) && body.visibility.is_none() {
        return Err(Refusal::invalid("\"visibility\" wasn't supplied."));
    }
    let now = visit.world.clock.second();
    let variables = visit.variables()?;
    if variables.contains_key(&name) {
        return Err(Refusal::new(409, "Already exists - Variable already exists"));
    }
    let variable =
        Variable { value, created_at: now, updated_at: now, visibility: body.visibility, selected };
    variables.insert(name, variable);
    Ok(Reply::json(201, &json!({})))
}

/// Changes what is given and leaves the rest.
pub(crate) fn update(visit: &mut Visit<'_>) -> Outcome {
    let body = Body::of(visit)?;
    let name = visit.param("name").to_uppercase();
    body.value.iter().try_for_each(|value| check_size(value))?;
    let now = visit.world.clock.second();
    let variables = visit.variables()?;
    let mut variable = variables.get(&name).cloned().ok_or_else(Refusal::not_found)?;
    variable.selected = body.selected().unwrap_or(variable.selected);
    variable.value = body.value.unwrap_or(variable.value);
    variable.visibility = body.visibility.or(variable.visibility);
    variable.updated_at = now;
    variables.remove(&name);
    variables.insert(body.name.map_or(name, |name| name.to_uppercase()), variable);
    Ok(Reply::empty(204))
}

fn check_size(value: &str) -> Result<(), Refusal> {
    if value.len() > SIZE_LIMIT {
        Err(Refusal::unprocessable("Variable value is too large. The limit is 48 KB."))
    } else {
        Ok(())
    }
}

pub(crate) fn delete(visit: &mut Visit<'_>) -> Outcome {
    let name = visit.param("name").to_uppercase();
    visit.variables()?.remove(&name).map(|_| Reply::empty(204)).ok_or_else(Refusal::not_found)
}
