//! Who set which field: `managedFields`, as far as server-side apply goes by it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::objects::members;

/// A field by the steps that lead to it, as `fieldsV1` has them: `f:data`, `f:.dockerconfigjson`.
pub(crate) type Path = Vec<String>;

/// Somebody who set fields, by writing (`Update`) or by applying (`Apply`).
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    pub(crate) manager: String,
    pub(crate) operation: String,
    pub(crate) time: String,
    pub(crate) fields: BTreeSet<Path>,
}

impl Owner {
    pub(crate) fn is(&self, manager: &str, operation: &str) -> bool {
        self.manager == manager && self.operation == operation
    }
}

/// Maps whose members are fields of their own; every other field, lists included, is one field as a whole. For
/// `imagePullSecrets` the API says so (`listType=atomic`); of the others, nobody here applies one.
const MAPS: &[&[&str]] = &[&["metadata", "labels"], &["metadata", "annotations"], &["data"]];
const WHOLE: &[&[&str]] = &[
    &["metadata", "finalizers"],
    &["metadata", "ownerReferences"],
    &["type"],
    &["immutable"],
    &["secrets"],
    &["imagePullSecrets"],
    &["automountServiceAccountToken"],
];

/// The fields of an object and what they hold.
pub(crate) fn leaves(object: &Value) -> BTreeMap<Path, Value> {
    let step = |name: &str| format!("f:{name}");
    let at = |path: &[&str]| path.iter().fold(object, |value, name| &value[*name]);
    let steps = |path: &[&str]| path.iter().map(|name| step(name)).collect::<Path>();
    let mut leaves = BTreeMap::new();
    for path in MAPS {
        for (key, value) in at(path).as_object().into_iter().flatten() {
            leaves.insert([steps(path), vec![step(key)]].concat(), value.clone());
        }
    }
    for path in WHOLE.iter().filter(|path| !at(path).is_null()) {
        leaves.insert(steps(path), at(path).clone());
    }
    leaves
}

/// Sets a field, or takes it away.
pub(crate) fn set(object: &mut Value, path: &Path, value: Option<&Value>) {
    let Some((last, before)) = path.split_last() else { return };
    let holder = before.iter().fold(object, |holder, step| {
        members(holder).entry(name(step)).or_insert_with(|| Value::Object(Map::new()))
    });
    match value {
        Some(value) => drop(members(holder).insert(name(last).to_owned(), value.clone())),
        None => drop(members(holder).remove(name(last))),
    }
}

fn name(step: &str) -> &str {
    step.strip_prefix("f:").unwrap_or(step)
}

/// `.data..dockerconfigjson`, as refusals write it.
pub(crate) fn display(path: &Path) -> String {
    path.iter().map(|step| format!(".{}", name(step))).collect()
}

pub(crate) fn owners(object: &Value) -> Vec<Owner> {
    let entries = object["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    let text = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
    entries
        .iter()
        .map(|entry| {
            let mut fields = BTreeSet::new();
            collect(&entry["fieldsV1"], &mut Vec::new(), &mut fields);
            let (manager, operation) = (text(entry, "manager"), text(entry, "operation"));
            Owner { manager, operation, time: text(entry, "time"), fields }
        })
        .collect()
}

fn collect(tree: &Value, path: &mut Path, fields: &mut BTreeSet<Path>) {
    for (step, below) in tree.as_object().into_iter().flatten() {
        path.push(step.clone());
        if below.as_object().is_some_and(Map::is_empty) {
            fields.insert(path.clone());
        }
        collect(below, path, fields);
        path.pop();
    }
}

/// Writes the owners down; one who owns nothing any more is left out.
pub(crate) fn set_owners(object: &mut Value, owners: &[Owner]) {
    let entries: Vec<Value> = owners.iter().filter(|owner| !owner.fields.is_empty()).map(entry).collect();
    let metadata = members(&mut object["metadata"]);
    if entries.is_empty() {
        metadata.remove("managedFields");
    } else {
        metadata.insert("managedFields".to_owned(), entries.into());
    }
}

fn entry(owner: &Owner) -> Value {
    let mut tree = Value::Object(Map::new());
    for path in &owner.fields {
        path.iter().fold(&mut tree, |tree, step| {
            members(tree).entry(step.clone()).or_insert_with(|| Value::Object(Map::new()))
        });
    }
    json!({
        "manager": owner.manager, "operation": owner.operation, "apiVersion": "v1", "time": owner.time,
        "fieldsType": "FieldsV1", "fieldsV1": tree,
    })
}

/// Writes down that `manager` made `new` of `old`: what changed is theirs, and nobody else's any more. Of a thing that was made
/// without fields the server writes down nobody before the first apply (apimachinery, `skipNonAppliedManager`).
pub(crate) fn record(old: Option<&Value>, new: &mut Value, manager: &str, now: &str) {
    if old.is_some_and(|old| owners(old).is_empty()) {
        return;
    }
    let (before, after) = (old.map(leaves).unwrap_or_default(), leaves(new));
    let changed: BTreeSet<Path> = after
        .iter()
        .filter(|(path, value)| before.get(*path) != Some(value))
        .map(|(path, _)| path.clone())
        .collect();
    let mut owners = old.map(owners).unwrap_or_default();
    for owner in &mut owners {
        owner.fields.retain(|path| after.contains_key(path) && !changed.contains(path));
    }
    if !changed.is_empty() {
        own(&mut owners, manager, "Update", now).extend(changed);
    }
    set_owners(new, &owners);
}

/// The fields of this owner, who is made where there is none.
pub(crate) fn own<'o>(
    owners: &'o mut Vec<Owner>,
    manager: &str,
    operation: &str,
    now: &str,
) -> &'o mut BTreeSet<Path> {
    let position = owners.iter().position(|owner| owner.is(manager, operation)).unwrap_or_else(|| {
        let (manager, operation) = (manager.to_owned(), operation.to_owned());
        owners.push(Owner { manager, operation, time: String::new(), fields: BTreeSet::new() });
        owners.len() - 1
    });
    now.clone_into(&mut owners[position].time);
    &mut owners[position].fields
}

/// The object without the times in `managedFields`: two that are alike but for these are the same.
pub(crate) fn without_times(object: &Value) -> Value {
    let mut object = object.clone();
    for entry in object["metadata"]["managedFields"].as_array_mut().into_iter().flatten() {
        entry["time"] = Value::Null;
    }
    object
}
