//! Templates. A change reaches nothing that was made from one before.

use serde_json::{Map, Value, json};

use super::error::Problem;
use super::seed::{members, template_settings};
use super::state::{Container, Lag, Template};
use super::{Outcome, Visit, completed};
use crate::message::Reply;

pub(crate) fn list(visit: &mut Visit<'_>) -> Outcome {
    let own = visit.world.runpod.templates.iter_mut().filter(|template| !template.foreign);
    let rows: Vec<Map<String, Value>> = own.map(row).collect();
    let rows: Vec<Value> = rows.into_iter().map(|row| completed(visit.world, row)).collect();
    Ok(Reply::json(200, &json!({ "templates": rows })))
}

/// Own ones and public ones.
pub(crate) fn get(visit: &mut Visit<'_>) -> Outcome {
    let readable = |template: &&mut Template| !template.foreign || template.is("public");
    let mut all = visit.world.runpod.templates.iter_mut().filter(readable);
    let row = all.find(|template| template.id == visit.id).map(row);
    drop(all);
    let row = row.ok_or_else(|| Problem::not_found("template"))?;
    Ok(Reply::json(200, &completed(visit.world, row)))
}

pub(crate) fn create(visit: &mut Visit<'_>) -> Outcome {
    visit.check_registry()?;
    check_name(visit, None)?;
    let body = visit.body.clone();
    let runpod = &mut visit.world.runpod;
    let mut template =
        Template { id: runpod.next_id(), settings: template_settings(), ..Template::default() };
    // The disk of a template that is made without one is unconfirmed.
    template.container.disk = 20;
    change(&mut template, &body, 0);
    let row = row(&mut template);
    runpod.templates.push(template);
    Ok(Reply::json(201, &completed(visit.world, row)))
}

/// Changes what is given and leaves the rest. Somebody else's is 404.
pub(crate) fn update(visit: &mut Visit<'_>) -> Outcome {
    let own = |template: &&Template| !template.foreign && template.id == visit.id;
    let id = visit.world.runpod.templates.iter().find(own).map(|template| template.id.clone());
    let id = id.ok_or_else(|| Problem::not_found("template"))?;
    visit.check_registry()?;
    check_name(visit, Some(&id))?;
    let runpod = &mut visit.world.runpod;
    let found = runpod.templates.iter_mut().find(|template| template.id == id);
    let template = found.ok_or_else(|| Problem::not_found("template"))?;
    change(template, &visit.body, runpod.stale_reads);
    let row = shown(template, template.container.registry.clone());
    Ok(Reply::json(200, &completed(visit.world, row)))
}

fn change(template: &mut Template, body: &Value, lag: u32) {
    template.container.apply(body, lag);
    for (name, value) in body.as_object().into_iter().flatten() {
        // `{}` leaves the mounts as they are (documented).
        let clears = name == "mounts" && value.as_object().is_some_and(Map::is_empty);
        if name == "name" {
            value.as_str().unwrap_or_default().clone_into(&mut template.name);
        } else if template.settings.contains_key(name) && !clears {
            template.settings.insert(name.clone(), value.clone());
        }
    }
}

/// "Creating a template with a name that already exists will fail" (docs.runpod.io; status and words are unconfirmed).
fn check_name(visit: &Visit<'_>, id: Option<&str>) -> Result<(), Problem> {
    let name = visit.body["name"].as_str();
    let other = |template: &&Template| Some(template.id.as_str()) != id && !template.foreign;
    let mut others = visit.world.runpod.templates.iter().filter(other);
    match others.find(|template| Some(template.name.as_str()) == name) {
        Some(_) => Err(Problem::new(400, "template name must be unique")),
        None => Ok(()),
    }
}

/// As a read shows it.
fn row(template: &mut Template) -> Map<String, Value> {
    let registry = template.container.read();
    shown(template, registry)
}

fn shown(template: &Template, registry: Option<String>) -> Map<String, Value> {
    let mut row = template.container.members(registry);
    row.insert("id".to_owned(), template.id.clone().into());
    row.insert("name".to_owned(), template.name.clone().into());
    row.extend(template.settings.clone());
    row
}

/// The names of RunPod's own fields in a release's differences: the description shows `template.imageName` and
/// `template.env`, the others are GraphQL's.
const FIELDS: [(&str, &str); 6] = [
    ("image", "template.imageName"),
    ("args", "template.dockerArgs"),
    ("disk", "template.containerDiskInGb"),
    ("ports", "template.ports"),
    ("env", "template.env"),
    ("registry", "template.containerRegistryAuthId"),
];

impl Container {
    /// The registry auth as a read shows it: for a while after a write, the one before.
    pub(crate) fn read(&mut self) -> Option<String> {
        match &mut self.lag {
            Some(lag) if lag.reads > 0 => {
                lag.reads -= 1;
                lag.registry.clone()
            }
            _ => self.registry.clone(),
        }
    }

    pub(crate) fn members(&self, registry: Option<String>) -> Map<String, Value> {
        members(json!({
            "image": self.image,
            "args": self.args,
            "disk": self.disk,
            "ports": self.ports,
            "env": self.env,
            "registry": registry,
        }))
    }

    /// Takes what the body has, and gives what is different after it. This many reads show the auth before.
    pub(crate) fn apply(&mut self, body: &Value, lag: u32) -> Vec<Value> {
        let before = self.members(self.registry.clone());
        let mut after = before.clone();
        for (name, _) in FIELDS {
            if let Some(value) = body.get(name) {
                after.insert(name.to_owned(), value.clone());
            }
        }
        let registry = self.registry.clone();
        // The body has been checked, so that it fits; one that does not changes nothing.
        if let Ok(changed) = serde_json::from_value::<Self>(Value::Object(after.clone())) {
            *self = changed;
        }
        if lag > 0 && self.registry != registry {
            self.lag = Some(Lag { registry, reads: lag });
        }
        let changed = FIELDS.iter().filter(|(name, _)| before.get(*name) != after.get(*name));
        changed
            .map(|(name, field)| json!({ "field": field, "old": before.get(*name), "new": after.get(*name) }))
            .collect()
    }
}

impl Visit<'_> {
    /// The body with the settings of its `templateId` under its own, applied once (documented).
    pub(crate) fn body_with_template(&self, serverless: bool) -> Result<Value, Problem> {
        let Some(id) = self.body["templateId"].as_str() else {
            return Ok(self.body.clone());
        };
        let readable = |template: &&Template| !template.foreign || template.is("public");
        let mut all = self.world.runpod.templates.iter().filter(readable);
        let template =
            all.find(|template| template.id == id).ok_or_else(|| Problem::not_found("template"))?;
        if template.is("serverless") != serverless {
            return Err(Problem::invalid(vec![format!("$.templateId: '{id}' is of the other kind")]));
        }
        let mut body = template.container.members(template.container.registry.clone());
        for (name, value) in self.body.as_object().into_iter().flatten() {
            match (body.get_mut(name), value) {
                (Some(Value::Object(env)), Value::Object(own)) => env.extend(own.clone()),
                _ => drop(body.insert(name.clone(), value.clone())),
            }
        }
        Ok(Value::Object(body))
    }
}
