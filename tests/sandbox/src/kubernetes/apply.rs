//! Server-side apply.

use serde_json::Value;

use super::error::Refusal;
use super::{Outcome, Visit, fields, objects, present, rbac, schema};
use crate::message::Reply;

/// Creates or changes the object so that the fields of the body are the manager's. A list that is one field, as
/// `imagePullSecrets` is, is replaced as a whole.
pub(crate) fn apply(visit: &mut Visit<'_>) -> Outcome {
    let body = objects::parse(visit.request)?;
    let wanted = read(visit, &body)?;
    let old = visit.object().cloned();
    if old.is_none() && !rbac::may(visit, "create") {
        return Err(visit.refused("create"));
    }
    let new = merged(visit, old.clone().unwrap_or_default(), &wanted)?;
    let new = schema::settled(visit.resource(), new);
    let (status, object) = match old {
        None => (201, objects::insert(visit, new, "")?),
        Some(_) => (200, objects::update(visit, new, None)?),
    };
    Ok(Reply::json(status, &present(visit, &object)))
}

fn read(visit: &Visit<'_>, body: &Value) -> Result<Value, Refusal> {
    let kind = visit.resource().kind();
    if body["kind"] != kind || body["apiVersion"] != "v1" {
        return Err(Refusal::bad_request(format!(
            "Object 'Kind' or 'apiVersion' is missing, or not v1 {kind}"
        )));
    }
    if !body["metadata"]["managedFields"].is_null() {
        return Err(Refusal::bad_request("metadata.managedFields must be nil"));
    }
    let about =
        format!("failed to create typed patch object ({}/{}; /v1, Kind={kind})", visit.namespace, visit.name);
    let decoded = schema::decode(visit.resource(), body)
        .map_err(|words| Refusal::plain(&format!("{about}: {words}")))?;
    if let Some(unknown) = decoded.strict.first() {
        let field = unknown.trim_start_matches("unknown field ").trim_matches('"');
        return Err(Refusal::plain(&format!("{about}: .{field}: field not declared in schema")));
    }
    Ok(schema::folded(decoded.object))
}

fn merged(visit: &Visit<'_>, old: Value, wanted: &Value) -> Result<Value, Refusal> {
    let (manager, before, theirs) = (visit.manager(), fields::leaves(&old), fields::leaves(wanted));
    let mut owners = fields::owners(&old);
    if owners.is_empty() {
        // What nobody is known to have set, somebody has.
        fields::own(&mut owners, "before-first-apply", "Update", &visit.now).extend(before.keys().cloned());
    }
    let force = visit.query.get("force").is_some_and(|force| force == "true");
    let mut conflicts = Vec::new();
    for owner in owners.iter_mut().filter(|owner| !owner.is(&manager, "Apply")) {
        let is_taken =
            |path: &&fields::Path| theirs.get(*path).is_some_and(|value| before.get(*path) != Some(value));
        let taken: Vec<fields::Path> = owner.fields.iter().filter(is_taken).cloned().collect();
        let using = if owner.operation == "Update" { " using v1" } else { "" };
        let who = format!("{}{using}", Value::from(owner.manager.as_str()));
        conflicts.extend(taken.iter().map(|path| (who.clone(), fields::display(path))));
        owner.fields.retain(|path| !taken.contains(path));
    }
    if !conflicts.is_empty() && !force {
        return Err(Refusal::field_conflict(&conflicts));
    }
    let mut new = old;
    let mine = std::mem::take(fields::own(&mut owners, &manager, "Apply", &visit.now));
    // What was applied before and is not any more goes, unless somebody else has set it too.
    for path in mine.iter().filter(|path| !theirs.contains_key(*path)) {
        if owners.iter().all(|owner| !owner.fields.contains(path)) {
            fields::set(&mut new, path, None);
        }
    }
    theirs.iter().for_each(|(path, value)| fields::set(&mut new, path, Some(value)));
    fields::own(&mut owners, &manager, "Apply", &visit.now).extend(theirs.into_keys());
    fields::set_owners(&mut new, &owners);
    new["metadata"]["name"] = visit.name.clone().into();
    for given in ["uid", "resourceVersion"].iter().filter(|field| wanted["metadata"][**field].is_string()) {
        new["metadata"][*given] = wanted["metadata"][*given].clone();
    }
    Ok(new)
}
