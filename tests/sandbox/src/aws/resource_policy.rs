//! Secrets Manager: resource policies, and what it does not take as one.

use serde::Deserialize;
use serde_json::{Value, json};

use super::auth::Caller;
use super::error::AwsError;
use super::policy::{self, Access, Policy};
use super::secrets_manager::{Use, find, reference};
use super::state::Aws;
use super::{Outcome, Visit};

/// The texts of the Secrets Manager guide ("Attach a permissions policy to a secret").
const UNSUPPORTED_PRINCIPAL: &str = "This resource policy contains an unsupported principal.";
const INVALID_SERVICE: &str = "This resource policy contains an invalid service principal.";
const BROAD: &str = "This resource policy grants broad access to your secret. Secrets Manager does not allow creating a \
                     resource policy that grants broad access to secrets.";
const LOCK_OUT: &str = "Your requested changes will not allow you to manage this secret in the future.";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Put {
    resource_policy: String,
    policy_name: Option<String>,
    #[serde(default)]
    block_public_policy: bool,
}

pub(crate) fn put(visit: &mut Visit<'_>) -> Outcome {
    let put: Put = visit.input()?;
    check_policy_name(put.policy_name.as_deref())?;
    let arn = find(visit, Use::Change)?.arn.clone();
    let policy = checked(&put.resource_policy, &visit.world.aws)?;
    if put.block_public_policy && policy.is_public() {
        return Err(AwsError::new("PublicPolicyException", BROAD));
    }
    if locks_out(&put.resource_policy, &visit.caller, &arn) {
        return Err(malformed(LOCK_OUT));
    }
    let now = visit.now;
    let secret = find(visit, Use::Change)?;
    secret.policy = Some(put.resource_policy);
    secret.changed = now;
    Ok(with_policy_name(reference(secret)))
}

fn check_policy_name(name: Option<&str>) -> Result<(), AwsError> {
    match name {
        None | Some("default") => Ok(()),
        Some(_) => Err(AwsError::invalid_parameter("You can only attach the default policy.")),
    }
}

fn with_policy_name(mut output: Value) -> Value {
    output["PolicyName"] = "default".into();
    output
}

fn malformed(message: &str) -> AwsError {
    AwsError::new("MalformedPolicyDocumentException", message)
}

/// Form and principals. Conditions are not looked into: an ARN there need not exist (unconfirmed, from IAM's rules).
fn checked(text: &str, aws: &Aws) -> Result<Policy, AwsError> {
    let policy = policy::parse(text).map_err(malformed)?;
    for (kind, name) in policy.principals() {
        match kind {
            "AWS" if !exists(name, aws) => return Err(malformed(UNSUPPORTED_PRINCIPAL)),
            "Service" if !is_service(name) => return Err(malformed(INVALID_SERVICE)),
            "AWS" | "Service" | "Federated" => {}
            _ => return Err(malformed(UNSUPPORTED_PRINCIPAL)),
        }
    }
    Ok(policy)
}

/// Whether IAM knows this principal. Unique ids (`AROA…`, `AIDA…`), which it shows for deleted ones, are not taken back.
fn exists(name: &str, aws: &Aws) -> bool {
    let is_account = |text: &str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    let root = name.strip_prefix("arn:aws:iam::").and_then(|rest| rest.strip_suffix(":root"));
    name == "*"
        || is_account(name)
        || root.is_some_and(is_account)
        || aws.roles.contains_key(name)
        || aws.users.iter().any(|user| user == name)
        || aws.access_keys.values().any(|key| key.arn == name || key.principal_arn == name)
}

fn is_service(name: &str) -> bool {
    name.ends_with(".amazonaws.com") || name.ends_with(".amazonaws.com.cn")
}

/// Whether the caller could not put a policy any more (documented for the console and ValidateResourcePolicy; that
/// PutResourcePolicy refuses it, and with which error, is unconfirmed).
fn locks_out(text: &str, caller: &Caller, arn: &str) -> bool {
    let access =
        |action| Access { action, resource: arn, principal: &caller.principal_arn, account: &caller.account };
    policy::denies(Some(text), &access("secretsmanager:PutResourcePolicy"))
        || policy::denies(Some(text), &access("secretsmanager:DeleteResourcePolicy"))
}

/// `ResourcePolicy` is absent, not empty, when there is none.
pub(crate) fn get(visit: &mut Visit<'_>) -> Outcome {
    let secret = find(visit, Use::Read)?;
    let mut output = reference(secret);
    secret.policy.iter().for_each(|policy| output["ResourcePolicy"] = policy.clone().into());
    Ok(with_policy_name(output))
}

pub(crate) fn delete(visit: &mut Visit<'_>) -> Outcome {
    let secret = find(visit, Use::Change)?;
    secret.policy = None;
    Ok(with_policy_name(reference(secret)))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Validate {
    secret_id: Option<String>,
    resource_policy: String,
}

/// Needs the permission to put a policy, too (documented).
pub(crate) fn validate(visit: &mut Visit<'_>) -> Outcome {
    let validate: Validate = visit.input()?;
    visit.caller.may("secretsmanager:PutResourcePolicy", validate.secret_id.as_deref().unwrap_or("*"))?;
    let arn = match validate.secret_id {
        Some(_) => find(visit, Use::Read)?.arn.clone(),
        None => "*".to_owned(),
    };
    let mut errors = Vec::new();
    match checked(&validate.resource_policy, &visit.world.aws) {
        Err(error) => return Err(error),
        Ok(policy) if policy.is_public() => {
            errors.push(json!({ "CheckName": "PUBLIC_POLICY", "ErrorMessage": BROAD }))
        }
        Ok(_) => {}
    }
    if locks_out(&validate.resource_policy, &visit.caller, &arn) {
        errors.push(json!({ "CheckName": "LOCKOUT_POLICY", "ErrorMessage": LOCK_OUT }));
    }
    Ok(json!({ "PolicyValidationPassed": errors.is_empty(), "ValidationErrors": errors }))
}
