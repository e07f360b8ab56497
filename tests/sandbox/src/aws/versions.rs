//! Secrets Manager: values and their staging labels.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::error::AwsError;
use super::ids::version_id;
use super::secrets_manager::{Use, find, reference};
use super::state::{Secret, Version};
use super::{Outcome, Visit, seconds};

/// More versions are not kept, unless they are younger than a day (documented: "Quotas").
const VERSION_LIMIT: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Put {
    client_request_token: Option<String>,
    secret_string: Option<String>,
    secret_binary: Option<String>,
    #[serde(default)]
    version_stages: Vec<String>,
}

pub(crate) fn put(visit: &mut Visit<'_>) -> Outcome {
    let put: Put = visit.input()?;
    let now = visit.now;
    let secret = find(visit, Use::Change)?;
    let id = put.client_request_token.unwrap_or_else(|| version_id(&format!("{}{now}", secret.arn)));
    put_value(secret, &id, put.secret_string, put.secret_binary, &put.version_stages, now)?;
    let version = secret.versions.iter().find(|version| version.id == id);
    let mut output = reference(secret);
    output["VersionId"] = id.into();
    output["VersionStages"] = version.map(|version| version.stages.clone()).unwrap_or_default().into();
    Ok(output)
}

/// A new version, unless the same is there under this id: then nothing at all happens, and `AWSCURRENT` stays where it
/// is (documented: "the operation succeeds but does nothing").
pub(crate) fn put_value(
    secret: &mut Secret,
    id: &str,
    string: Option<String>,
    binary: Option<String>,
    stages: &[String],
    now: DateTime<Utc>,
) -> Result<(), AwsError> {
    if string.is_some() == binary.is_some() {
        return Err(AwsError::invalid_parameter("You must provide either SecretString or SecretBinary."));
    }
    if let Some(version) = secret.versions.iter().find(|version| version.id == id) {
        return if version.string == string && version.binary == binary {
            Ok(())
        } else {
            Err(token_used(secret, id))
        };
    }
    make_room(secret, now)?;
    let first = secret.versions.is_empty();
    secret.versions.push(Version { id: id.to_owned(), string, binary, stages: Vec::new(), created: now });
    if stages.is_empty() || first {
        secret.move_label("AWSCURRENT", Some(id));
    }
    stages.iter().for_each(|stage| secret.move_label(stage, Some(id)));
    secret.changed = now;
    Ok(())
}

/// The first value of a secret that is being made.
pub(crate) fn add(
    secret: &mut Secret,
    id: &str,
    string: Option<String>,
    binary: Option<String>,
    now: DateTime<Utc>,
) {
    secret.versions.push(Version { id: id.to_owned(), string, binary, stages: Vec::new(), created: now });
    secret.move_label("AWSCURRENT", Some(id));
}

fn token_used(secret: &Secret, id: &str) -> AwsError {
    let message = format!(
        "You can't use ClientRequestToken {id} because that value is already in use for a version of secret {}.",
        secret.arn
    );
    AwsError::new("ResourceExistsException", message)
}

/// Drops the oldest version that has no label and is older than a day; without one, the limit is reached.
fn make_room(secret: &mut Secret, now: DateTime<Utc>) -> Result<(), AwsError> {
    if secret.versions.len() < VERSION_LIMIT {
        return Ok(());
    }
    let day_ago = now - chrono::Duration::hours(24);
    let old =
        secret.versions.iter().position(|version| version.stages.is_empty() && version.created < day_ago);
    let old = old.ok_or_else(|| {
        AwsError::new(
            "LimitExceededException",
            "You have exceeded the quota for the number of versions of a secret.",
        )
    })?;
    secret.versions.remove(old);
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Get {
    version_id: Option<String>,
    version_stage: Option<String>,
}

pub(crate) fn get(visit: &mut Visit<'_>) -> Outcome {
    let get: Get = visit.input()?;
    let secret = find(visit, Use::Read)?;
    let by_default = if get.version_id.is_none() { Some("AWSCURRENT".to_owned()) } else { None };
    let stage = get.version_stage.or(by_default);
    let wanted = |version: &&Version| {
        get.version_id.as_ref().is_none_or(|id| *id == version.id)
            && stage.as_ref().is_none_or(|stage| version.stages.contains(stage))
    };
    let version = secret
        .versions
        .iter()
        .find(wanted)
        .ok_or_else(|| no_value(get.version_id.as_deref(), stage.as_deref()))?;
    let mut output = reference(secret);
    output["VersionId"] = version.id.clone().into();
    output["VersionStages"] = version.stages.clone().into();
    output["CreatedDate"] = seconds(version.created).into();
    version.string.iter().for_each(|text| output["SecretString"] = text.clone().into());
    version.binary.iter().for_each(|bytes| output["SecretBinary"] = bytes.clone().into());
    Ok(output)
}

fn no_value(id: Option<&str>, stage: Option<&str>) -> AwsError {
    let what = match (id, stage) {
        (Some(id), _) => format!("VersionId: {id}"),
        (None, stage) => format!("staging label: {}", stage.unwrap_or("AWSCURRENT")),
    };
    AwsError::new(
        "ResourceNotFoundException",
        format!("Secrets Manager can't find the specified secret value for {what}"),
    )
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MoveStage {
    version_stage: String,
    remove_from_version_id: Option<String>,
    move_to_version_id: Option<String>,
}

pub(crate) fn move_stage(visit: &mut Visit<'_>) -> Outcome {
    let wish: MoveStage = visit.input()?;
    let now = visit.now;
    let secret = find(visit, Use::Change)?;
    check_move(secret, &wish)?;
    secret.move_label(&wish.version_stage, wish.move_to_version_id.as_deref());
    secret.changed = now;
    Ok(reference(secret))
}

/// A label that sits elsewhere has to be named where it sits: else somebody who moved it in between would be undone
/// unseen. The texts are AWS's. Moving a label to where it is already is taken as done (unconfirmed).
fn check_move(secret: &Secret, wish: &MoveStage) -> Result<(), AwsError> {
    let label = &wish.version_stage;
    let holder = secret.staged(label).map(|version| version.id.as_str());
    if let Some(target) = &wish.move_to_version_id
        && !secret.versions.iter().any(|version| version.id == *target)
    {
        let message =
            format!("Secrets Manager can't find the specified secret value for VersionId: {target}");
        return Err(AwsError::new("ResourceNotFoundException", message));
    }
    if wish.move_to_version_id.is_none() && label == "AWSCURRENT" {
        return Err(AwsError::invalid_parameter(format!(
            "You can only move staging label {label} to a different secret version. It can't be completely removed."
        )));
    }
    match (holder, wish.remove_from_version_id.as_deref()) {
        (Some(holder), None) if wish.move_to_version_id.as_deref() != Some(holder) => {
            Err(AwsError::invalid_parameter(format!(
                "The parameter RemoveFromVersionId can't be empty. Staging label {label} is currently attached to version \
                 {holder}, so you must explicitly reference that version in RemoveFromVersionId."
            )))
        }
        (holder, Some(named)) if holder != Some(named) => Err(AwsError::invalid_parameter(format!(
            "The staging label {label} is not attached to version {named}."
        ))),
        _ => Ok(()),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct List {
    #[serde(default)]
    include_deprecated: bool,
}

pub(crate) fn list(visit: &mut Visit<'_>) -> Outcome {
    let list: List = visit.input()?;
    let secret = find(visit, Use::Look)?;
    let shown =
        secret.versions.iter().filter(|version| list.include_deprecated || !version.stages.is_empty());
    let rows: Vec<Value> = shown.map(row).collect();
    let mut output = reference(secret);
    output["Versions"] = rows.into();
    Ok(output)
}

fn row(version: &Version) -> Value {
    json!({ "VersionId": version.id, "VersionStages": version.stages, "CreatedDate": seconds(version.created) })
}

/// `VersionIdsToStages`: only versions that have a label; left out when there is none.
pub(crate) fn stages(secret: &Secret) -> Option<Value> {
    let labelled = secret.versions.iter().filter(|version| !version.stages.is_empty());
    let map: Map<String, Value> =
        labelled.map(|version| (version.id.clone(), version.stages.clone().into())).collect();
    (!map.is_empty()).then_some(Value::Object(map))
}
