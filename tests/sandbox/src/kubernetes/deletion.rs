//! Deleting an object, with or without preconditions.

use serde_json::{Value, json};

use super::error::Refusal;
use super::{Outcome, Visit, present};
use crate::message::Reply;

pub(crate) fn delete(visit: &mut Visit<'_>) -> Outcome {
    let object = visit.object().cloned().ok_or_else(|| visit.not_found())?;
    let options: Value = serde_json::from_slice(&visit.request.body).unwrap_or_default();
    check(visit, &object["metadata"], &options["preconditions"])?;
    if object["metadata"]["finalizers"].is_array() {
        return Ok(mark(visit, object));
    }
    let name = visit.name.clone();
    visit.cluster.next_revision();
    visit.slot().into_iter().for_each(|objects| drop(objects.remove(&name)));
    let details =
        json!({ "name": name, "kind": visit.resource().plural(), "uid": object["metadata"]["uid"] });
    Ok(Reply::json(
        200,
        &json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details,
        }),
    ))
}

fn check(visit: &Visit<'_>, metadata: &Value, wanted: &Value) -> Result<(), Refusal> {
    let fields = [
        ("uid", "UID", "The object might have been deleted and then recreated"),
        ("resourceVersion", "ResourceVersion", "The object might have been modified"),
    ];
    for (field, name, guess) in fields {
        let (wanted, found) = (&wanted[field], &metadata[field]);
        if wanted.is_string() && wanted != found {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let words = format!(
                "the {name} in the precondition ({}) does not match the {name} in record ({}). {guess}",
                text(wanted),
                text(found)
            );
            return Err(Refusal::conflict(visit.resource().plural(), &visit.name, &words));
        }
    }
    Ok(())
}

/// With finalizers, it stays until they are taken off; the name is taken as long.
fn mark(visit: &mut Visit<'_>, mut object: Value) -> Reply {
    if object["metadata"]["deletionTimestamp"].is_null() {
        object["metadata"]["deletionTimestamp"] = visit.now.clone().into();
        object["metadata"]["deletionGracePeriodSeconds"] = 0.into();
        object = visit.store(object);
    }
    Reply::json(200, &present(visit, &object))
}
