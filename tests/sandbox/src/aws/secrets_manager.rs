//! Secrets Manager: secrets themselves. Versions and policies are next door.

use serde::Deserialize;
use serde_json::{Value, json};

use super::error::AwsError;
use super::ids::version_id;
use super::state::Secret;
use super::tags::Tag;
use super::{Outcome, Visit, deletion, resource_policy, seconds, tags, versions};
use crate::calls::Service;

/// The text that clients match on (aws-controllers-k8s/community#2969).
const NAME_PENDING_DELETION: &str =
    "You can't create this secret because a secret with this name is already scheduled for deletion.";
const MARKED_FOR_DELETION: &str =
    "You can't perform this operation on the secret because it was marked for deletion.";
const REPLICA: &str =
    "Operation not permitted on a replica secret. Call must be made in primary secret's region.";
const MANAGED_KEY: &str = "alias/aws/secretsmanager";

pub(crate) fn dispatch(mut visit: Visit<'_>) -> Outcome {
    let visit = &mut visit;
    match visit.operation.as_str() {
        "CreateSecret" => create(visit),
        "DescribeSecret" => describe(visit),
        "UpdateSecret" => update(visit),
        "DeleteSecret" => deletion::delete(visit),
        "RestoreSecret" => deletion::restore(visit),
        "TagResource" => tags::tag(visit),
        "UntagResource" => tags::untag(visit),
        "ListSecrets" => list(visit),
        "PutSecretValue" => versions::put(visit),
        "GetSecretValue" => versions::get(visit),
        "UpdateSecretVersionStage" => versions::move_stage(visit),
        "ListSecretVersionIds" => versions::list(visit),
        "PutResourcePolicy" => resource_policy::put(visit),
        "GetResourcePolicy" => resource_policy::get(visit),
        "DeleteResourcePolicy" => resource_policy::delete(visit),
        _ => resource_policy::validate(visit),
    }
}

/// What an operation does to the secret it names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// Reads what is there even while deletion is scheduled.
    Look,
    /// Reads or changes; refused while deletion is scheduled.
    Read,
    /// Changes; refused on a replica and on a secret of another service, too.
    Change,
}

/// Finds the secret named in the request, checking rights and state in AWS's order: identity, existence, resource
/// policy, state.
pub(crate) fn find<'v>(visit: &'v mut Visit<'_>, usage: Use) -> Result<&'v mut Secret, AwsError> {
    let id = visit.input.get("SecretId").and_then(Value::as_str).unwrap_or_default().to_owned();
    let action = visit.action(Service::SecretsManager);
    visit.caller.may(&action, &id)?;
    let Visit { world, caller, region, .. } = visit;
    let named = |secret: &&mut Secret| secret.region == *region && is_named(secret, &id, &caller.account);
    let secret = world.aws.secrets.iter_mut().find(named).ok_or_else(not_found)?;
    caller.may_on(&action, secret)?;
    check_state(secret, usage)?;
    Ok(secret)
}

fn check_state(secret: &Secret, usage: Use) -> Result<(), AwsError> {
    if usage != Use::Look && secret.deleted.is_some() {
        return Err(AwsError::invalid_request(MARKED_FOR_DELETION));
    }
    if usage == Use::Change && secret.is_replica() {
        return Err(AwsError::invalid_request(REPLICA));
    }
    match &secret.owning_service {
        Some(service) if usage == Use::Change => Err(AwsError::invalid_request(format!(
            "The secret is managed by {service}, and you must use that service to update it."
        ))),
        _ => Ok(()),
    }
}

/// By name, ARN, or an ARN without its six characters (documented: "Finding a secret from a partial ARN").
fn is_named(secret: &Secret, id: &str, account: &str) -> bool {
    if id.starts_with("arn:") {
        return secret.arn == id || secret.arn.rsplit_once('-').is_some_and(|(partial, _)| partial == id);
    }
    secret.account == account && secret.name == id
}

pub(crate) fn not_found() -> AwsError {
    AwsError::new("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Create {
    name: String,
    client_request_token: Option<String>,
    description: Option<String>,
    kms_key_id: Option<String>,
    secret_string: Option<String>,
    secret_binary: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

fn create(visit: &mut Visit<'_>) -> Outcome {
    let create: Create = visit.input()?;
    visit.caller.may("secretsmanager:CreateSecret", &create.name)?;
    if !create.tags.is_empty() {
        // Documented: tags on creation need this permission as well.
        visit.caller.may("secretsmanager:TagResource", &create.name)?;
    }
    check_name(&create.name)?;
    if let Some(times) = visit.world.aws.held_names.get_mut(&create.name).filter(|times| **times > 0) {
        *times -= 1;
        return Err(AwsError::invalid_request(NAME_PENDING_DELETION));
    }
    if let Some(secret) = visit.world.aws.secret(&visit.caller.account, &visit.region, &create.name) {
        return create_again(secret, &create);
    }
    let now = visit.now;
    let visible_after = visit.world.aws.secret_visible_after;
    let secret = visit.world.aws.add_secret(&visit.caller.account, &visit.region, &create.name);
    secret.description = create.description;
    secret.kms_key_id = create.kms_key_id.filter(|key| !is_managed(key));
    secret.tags = create.tags.into_iter().map(|tag| (tag.key, tag.value)).collect();
    (secret.created, secret.changed) = (now, now);
    secret.unseen_by_ecr = visible_after;
    let mut output = reference(secret);
    if create.secret_string.is_some() || create.secret_binary.is_some() {
        let id = create.client_request_token.unwrap_or_else(|| version_id(&secret.arn));
        versions::add(secret, &id, create.secret_string, create.secret_binary, now);
        output["VersionId"] = id.into();
    }
    Ok(output)
}

/// The name is taken: by a secret that is going to be deleted, by the very same request before, or by another.
fn create_again(secret: &Secret, create: &Create) -> Outcome {
    if secret.deleted.is_some() {
        return Err(AwsError::invalid_request(NAME_PENDING_DELETION));
    }
    let token = create.client_request_token.as_deref();
    let same = secret.versions.iter().find(|version| {
        Some(version.id.as_str()) == token
            && version.string == create.secret_string
            && version.binary == create.secret_binary
    });
    let Some(version) = same else {
        let message = format!("The operation failed because the secret {} already exists.", secret.name);
        return Err(AwsError::new("ResourceExistsException", message));
    };
    let mut output = reference(secret);
    output["VersionId"] = version.id.clone().into();
    Ok(output)
}

fn check_name(name: &str) -> Result<(), AwsError> {
    let allowed = |symbol: char| symbol.is_ascii_alphanumeric() || "-/_+=.@!".contains(symbol);
    if name.chars().all(allowed) {
        return Ok(());
    }
    let message = "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!";
    Err(AwsError::front_door(400, "ValidationException", message))
}

/// The managed key is left out of descriptions (documented), so it is not kept at all.
fn is_managed(key: &str) -> bool {
    key.is_empty() || key == MANAGED_KEY || key.ends_with(&format!(":{MANAGED_KEY}"))
}

/// ARN and name, which nearly every answer has.
pub(crate) fn reference(secret: &Secret) -> Value {
    json!({ "ARN": secret.arn, "Name": secret.name })
}

fn describe(visit: &mut Visit<'_>) -> Outcome {
    find(visit, Use::Look).map(|secret| description(secret))
}

/// Only members that have a value (documented).
fn description(secret: &Secret) -> Value {
    let mut output = reference(secret);
    let optional = [
        ("Description", secret.description.clone().map(Value::from)),
        ("KmsKeyId", secret.kms_key_id.clone().map(Value::from)),
        ("DeletedDate", secret.deleted.map(|date| seconds(date).into())),
        ("PrimaryRegion", secret.primary_region.clone().map(Value::from)),
        ("OwningService", secret.owning_service.clone().map(Value::from)),
        ("Tags", (!secret.tags.is_empty()).then(|| tags::shown(&secret.tags))),
        ("VersionIdsToStages", versions::stages(secret)),
        ("ReplicationStatus", replicas(secret)),
    ];
    output["CreatedDate"] = seconds(secret.created).into();
    output["LastChangedDate"] = seconds(secret.changed).into();
    for (name, value) in optional {
        value.into_iter().for_each(|value| output[name] = value);
    }
    output
}

fn replicas(secret: &Secret) -> Option<Value> {
    let rows =
        secret.replicas.iter().map(|replica| json!({ "Region": replica.region, "Status": replica.status }));
    (!secret.replicas.is_empty()).then(|| rows.collect())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Update {
    client_request_token: Option<String>,
    description: Option<String>,
    kms_key_id: Option<String>,
    secret_string: Option<String>,
    secret_binary: Option<String>,
}

fn update(visit: &mut Visit<'_>) -> Outcome {
    let update: Update = visit.input()?;
    let now = visit.now;
    let secret = find(visit, Use::Change)?;
    if let Some(key) = update.kms_key_id {
        // Documented: an empty key goes back to the managed one.
        secret.kms_key_id = Some(key).filter(|key| !is_managed(key));
    }
    secret.description = update.description.or(secret.description.take());
    secret.changed = now;
    if update.secret_string.is_none() && update.secret_binary.is_none() {
        return Ok(reference(secret));
    }
    let id = update.client_request_token.unwrap_or_else(|| version_id(&format!("{}{now}", secret.arn)));
    versions::put_value(secret, &id, update.secret_string, update.secret_binary, &[], now)?;
    let mut output = reference(secret);
    output["VersionId"] = id.into();
    Ok(output)
}

/// All secrets of the account and region; filters are not supported here.
fn list(visit: &mut Visit<'_>) -> Outcome {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Input {
        #[serde(default)]
        include_planned_deletion: bool,
    }
    let input: Input = visit.input()?;
    visit.caller.may("secretsmanager:ListSecrets", "*")?;
    let mine = |secret: &&Secret| secret.account == visit.caller.account && secret.region == visit.region;
    let shown = |secret: &&Secret| input.include_planned_deletion || secret.deleted.is_none();
    let rows: Vec<Value> =
        visit.world.aws.secrets.iter().filter(mine).filter(shown).map(description).collect();
    Ok(json!({ "SecretList": rows }))
}
