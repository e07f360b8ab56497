//! Secrets Manager: tags.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::secrets_manager::{Use, find};
use super::{Outcome, Visit};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Tag {
    pub(crate) key: String,
    #[serde(default)]
    pub(crate) value: String,
}

/// As descriptions list them.
pub(crate) fn shown(tags: &BTreeMap<String, String>) -> Value {
    tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect()
}

/// A secret was changed when it was "modified in any way" (documented: `LastChangedDate`).
pub(crate) fn tag(visit: &mut Visit<'_>) -> Outcome {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Input {
        tags: Vec<Tag>,
    }
    let input: Input = visit.input()?;
    let now = visit.now;
    let secret = find(visit, Use::Change)?;
    secret.changed = now;
    secret.tags.extend(input.tags.into_iter().map(|tag| (tag.key, tag.value)));
    Ok(Value::Object(Map::new()))
}

/// Taking away a tag that is not there is no error (documented).
pub(crate) fn untag(visit: &mut Visit<'_>) -> Outcome {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Input {
        tag_keys: Vec<String>,
    }
    let input: Input = visit.input()?;
    let now = visit.now;
    let secret = find(visit, Use::Change)?;
    secret.changed = now;
    input.tag_keys.iter().for_each(|key| drop(secret.tags.remove(key)));
    Ok(Value::Object(Map::new()))
}
