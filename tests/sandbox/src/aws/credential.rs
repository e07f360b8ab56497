//! ECR: how it comes by the credential of a rule, and whether that logs in.

use serde::Deserialize;

use super::Visit;
use super::error::AwsError;
use super::policy::{self, Access};
use super::state::{Secret, service_linked_role};

/// What keeps the credential from logging in, in the order in which ECR meets it.
pub(crate) fn failure(visit: &mut Visit<'_>, arn: &str) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Credential {
        username: String,
        access_token: String,
    }
    let text = match read(visit, arn) {
        Ok(text) => text,
        Err(error) => return Some(error.into_message()),
    };
    let Ok(credential) = serde_json::from_str::<Credential>(&text) else {
        return Some("The secret does not have the keys 'username' and 'accessToken'.".to_owned());
    };
    let now = visit.now;
    let accepted = visit.world.registry.login(&credential.username, &credential.access_token, now).is_ok();
    (!accepted).then(|| "The authentication to the upstream registry failed.".to_owned())
}

/// The secret's text as ECR reads it: as the service-linked role, in the rule's account and region. A secret pending
/// deletion, without a value, or named by a partial ARN counts as not found (which error each gets is unconfirmed).
pub(crate) fn read(visit: &mut Visit<'_>, arn: &str) -> Result<String, AwsError> {
    let Visit { world, caller, region, .. } = visit;
    let as_caller = world.aws.ecr_reads_as_caller;
    let here = |secret: &&mut Secret| {
        secret.arn == arn && secret.account == caller.account && secret.region == *region
    };
    let secret = world
        .aws
        .secrets
        .iter_mut()
        .find(here)
        .filter(|secret| secret.deleted.is_none())
        .ok_or_else(not_found)?;
    if secret.unseen_by_ecr > 0 {
        secret.unseen_by_ecr -= 1;
        return Err(not_found());
    }
    let action = "secretsmanager:GetSecretValue";
    let reader = service_linked_role(&caller.account);
    let access = Access { action, resource: &secret.arn, principal: &reader, account: &caller.account };
    if policy::denies(secret.policy.as_deref(), &access) {
        return Err(no_access());
    }
    if as_caller && caller.may(action, &secret.arn).and_then(|()| caller.may_on(action, secret)).is_err() {
        return Err(no_access());
    }
    if secret.kms_key_id.is_some() {
        return Err(no_decryption());
    }
    secret.value().map(str::to_owned).ok_or_else(not_found)
}

fn not_found() -> AwsError {
    AwsError::new(
        "SecretNotFoundException",
        "The ARN of the secret specified in the pull through cache rule was not found. Update the pull through cache \
         rule with a valid secret ARN and try again.",
    )
}

fn no_access() -> AwsError {
    AwsError::new(
        "UnableToAccessSecretException",
        "The secret is unable to be accessed. Verify the resource permissions for the secret and try again.",
    )
}

fn no_decryption() -> AwsError {
    AwsError::new(
        "UnableToDecryptSecretValueException",
        "The secret is accessible but is unable to be decrypted. Verify the resource permisisons and try again.",
    )
}
