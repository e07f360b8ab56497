//! The three patches that change an object in place, and server-side apply beside them.

use serde_json::{Map, Value};

use super::error::{Cause, Refusal};
use super::objects::members;
use super::{Outcome, Visit, apply, objects, present, schema};
use crate::message::{Reply, Request};

const APPLY: &str = "application/apply-patch+yaml";
const JSON: &str = "application/json-patch+json";
const MERGE: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";

pub(crate) fn is_apply(request: &Request) -> bool {
    kind(request) == APPLY
}

fn kind(request: &Request) -> &str {
    request.header("content-type").and_then(|kind| kind.split(';').next()).unwrap_or_default().trim()
}

pub(crate) fn patch(visit: &mut Visit<'_>) -> Outcome {
    let kind = kind(visit.request).to_owned();
    if kind == APPLY {
        return apply::apply(visit);
    }
    if ![JSON, MERGE, STRATEGIC].contains(&kind.as_str()) {
        let accepted = format!("{JSON}, {MERGE}, {STRATEGIC}, {APPLY}, application/apply-patch+cbor");
        return Err(Refusal::unsupported_media(&accepted));
    }
    let patch = objects::parse(visit.request)?;
    let old = visit.object().ok_or_else(|| visit.not_found())?;
    let mut new = present(visit, old);
    if new["kind"] == "PartialObjectMetadata" {
        // What the client wants to see is not what the patch goes over.
        new = old.clone();
    }
    match kind.as_str() {
        JSON => operations(&mut new, &patch)?,
        MERGE => merge(&mut new, &patch),
        _ => strategic(&mut new, &patch, ""),
    }
    let new = read(visit, &new)?;
    let manager = visit.manager();
    let object = objects::update(visit, new, Some(&manager))?;
    Ok(Reply::json(200, &present(visit, &object)))
}

/// What came out has to be an object of its kind. Where it is not, the refusal quotes all of it, its data too: a
/// client that prints it prints the secret.
fn read(visit: &mut Visit<'_>, patched: &Value) -> Result<Value, Refusal> {
    let refuse =
        |words: String| Refusal::invalid("", "", &[Cause::invalid("patch", &patched.to_string(), words)]);
    let decoded = schema::decode(visit.resource(), patched).map_err(refuse)?;
    visit.settle_strictness(decoded.strict).map_err(refuse)?;
    Ok(schema::settled(visit.resource(), decoded.object))
}

/// RFC 7386: members are set, `null` takes one away, a list is replaced.
fn merge(target: &mut Value, patch: &Value) {
    let Some(changes) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    let target = members(target);
    for (name, change) in changes {
        if change.is_null() {
            target.remove(name);
        } else {
            merge(target.entry(name).or_insert(Value::Null), change);
        }
    }
}

/// As a merge, but for the lists that have a key: `secrets` of a service account by `name`, owners by `uid`,
/// finalizers as a set. `imagePullSecrets` of a service account has none, and is replaced.
fn strategic(target: &mut Value, patch: &Value, field: &str) {
    match patch {
        Value::Object(changes) if changes.get("$patch").is_some_and(|patch| patch == "replace") => {
            *target =
                Value::Object(changes.iter().filter(|(name, _)| *name != "$patch").map(owned).collect());
        }
        Value::Object(changes) => {
            let target = members(target);
            for (name, change) in changes {
                if let Some(list) = name.strip_prefix("$deleteFromPrimitiveList/") {
                    take_out(target, list, change);
                } else if name.starts_with('$') {
                    // The order of a list, or which keys stay: nothing here depends on it.
                } else if change.is_null() {
                    target.remove(name);
                } else {
                    strategic(target.entry(name).or_insert(Value::Null), change, name);
                }
            }
        }
        Value::Array(changes) => match (field, target.as_array_mut()) {
            ("secrets", Some(list)) => changes.iter().for_each(|change| keyed(list, change, "name")),
            ("ownerReferences", Some(list)) => changes.iter().for_each(|change| keyed(list, change, "uid")),
            ("finalizers", Some(list)) => {
                let new: Vec<Value> =
                    changes.iter().filter(|change| !list.contains(change)).cloned().collect();
                list.extend(new);
            }
            _ => *target = patch.clone(),
        },
        _ => *target = patch.clone(),
    }
}

fn owned((name, value): (&String, &Value)) -> (String, Value) {
    (name.clone(), value.clone())
}

fn take_out(target: &mut Map<String, Value>, list: &str, gone: &Value) {
    let gone = gone.as_array().cloned().unwrap_or_default();
    let list = target.get_mut(list).and_then(Value::as_array_mut);
    list.into_iter().for_each(|list| list.retain(|item| !gone.contains(item)));
}

fn keyed(list: &mut Vec<Value>, change: &Value, key: &str) {
    let found = list.iter().position(|item| item[key] == change[key]);
    match (found, change["$patch"] == "delete") {
        (Some(index), true) => drop(list.remove(index)),
        (Some(index), false) => strategic(&mut list[index], change, ""),
        (None, true) => {}
        (None, false) => list.push(change.clone()),
    }
}

/// RFC 6902. Any operation that cannot be done refuses all of them, and the server does not say which.
fn operations(target: &mut Value, patch: &Value) -> Result<(), Refusal> {
    let list = patch.as_array().ok_or_else(|| Refusal::bad_request("error decoding patch: not a list"))?;
    for operation in list {
        operate(target, operation).ok_or_else(Refusal::unprocessable)?;
    }
    Ok(())
}

fn operate(target: &mut Value, operation: &Value) -> Option<()> {
    let path = operation["path"].as_str()?;
    let from = || operation["from"].as_str();
    let value = || operation.get("value").cloned();
    match operation["op"].as_str()? {
        "add" => add(target, path, value()?),
        "remove" => take(target, path).map(drop),
        "replace" => target.pointer_mut(path).zip(value()).map(|(place, value)| *place = value),
        "test" => (target.pointer(path).unwrap_or(&Value::Null) == &value()?).then_some(()),
        "move" => take(target, from()?).and_then(|value| add(target, path, value)),
        "copy" => target.pointer(from()?).cloned().and_then(|value| add(target, path, value)),
        _ => None,
    }
}

fn add(target: &mut Value, path: &str, value: Value) -> Option<()> {
    let (parent, name) = path.rsplit_once('/')?;
    match target.pointer_mut(parent)? {
        Value::Object(members) => {
            members.insert(unescaped(name), value);
        }
        Value::Array(list) => {
            let index = if name == "-" { list.len() } else { name.parse().ok()? };
            (index <= list.len()).then(|| list.insert(index, value))?;
        }
        _ => return None,
    }
    Some(())
}

fn take(target: &mut Value, path: &str) -> Option<Value> {
    let (parent, name) = path.rsplit_once('/')?;
    match target.pointer_mut(parent)? {
        Value::Object(members) => members.remove(&unescaped(name)),
        Value::Array(list) => {
            let index = name.parse().ok().filter(|index| *index < list.len())?;
            Some(list.remove(index))
        }
        _ => None,
    }
}

fn unescaped(name: &str) -> String {
    name.replace("~1", "/").replace("~0", "~")
}
