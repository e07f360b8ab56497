//! Who is asking: the access key, its session, and what IAM says to them.

use super::Visit;
use super::error::AwsError;
use super::policy::{self, Access};
use super::signature::Authorization;
use super::state::{AccessKey, Aws, Secret};
use crate::calls::Service;
use crate::message::Request;

/// An authenticated caller.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) account: String,
    pub(crate) arn: String,
    pub(crate) principal_arn: String,
    pub(crate) denied: Vec<String>,
}

/// Caller and region, or the front door's refusal in the words of the "common errors" pages.
pub(crate) fn authenticate(
    aws: &Aws,
    request: &Request,
    service: Service,
) -> Result<(Caller, String), AwsError> {
    let Some(header) = request.header("authorization") else {
        return Err(missing(service));
    };
    let authorization = Authorization::parse(header).ok_or_else(incomplete)?;
    let key = aws.access_keys.get(&authorization.access_key).ok_or_else(|| unrecognized(service))?;
    // A region knows the logins of those accounts alone that have enabled it: "the security token included in the request is
    // invalid" (seen by users: aws/chalice#1445, aws-samples/aws-control-tower-securityhub-enabler#23; AWS's knowledge center,
    // "iam-validate-access-credentials", on STS).
    if aws.is_disabled(account_of(&key.arn), &authorization.region) {
        return Err(unrecognized(service));
    }
    if key.session_token.as_deref() != request.header("x-amz-security-token") {
        return Err(unrecognized(service));
    }
    if key.expired {
        return Err(expired(service));
    }
    if authorization.service != service.to_string() {
        return Err(wrong_scope(service));
    }
    if aws.verify_signatures && !authorization.is_valid(request, &key.secret) {
        return Err(mismatch(service));
    }
    Ok((caller(key), authorization.region))
}

fn caller(key: &AccessKey) -> Caller {
    Caller {
        account: account_of(&key.arn).to_owned(),
        arn: key.arn.clone(),
        principal_arn: key.principal_arn.clone(),
        denied: key.denied.clone(),
    }
}

/// The account in an ARN.
pub(crate) fn account_of(arn: &str) -> &str {
    arn.split(':').nth(4).unwrap_or_default()
}

impl Caller {
    /// What the identity's own policies say.
    pub(crate) fn may(&self, action: &str, resource: &str) -> Result<(), AwsError> {
        if !self.denied.iter().any(|pattern| policy::glob(&pattern.to_lowercase(), &action.to_lowercase())) {
            return Ok(());
        }
        let because = format!("because no identity-based policy allows the {action} action");
        Err(AwsError::access_denied(&self.arn, action, resource, &because))
    }

    /// What the secret's resource policy says: within an account only an explicit Deny matters (IAM's evaluation
    /// logic: identity and resource policies are a union there).
    pub(crate) fn may_on(&self, action: &str, secret: &Secret) -> Result<(), AwsError> {
        let access =
            Access { action, resource: &secret.arn, principal: &self.principal_arn, account: &self.account };
        if policy::denies(secret.policy.as_deref(), &access) {
            let because = "with an explicit deny in a resource-based policy";
            return Err(AwsError::access_denied(&self.arn, action, &secret.arn, because));
        }
        if self.account != secret.account && !policy::allows(secret.policy.as_deref(), &access) {
            let because = format!("because no resource-based policy allows the {action} action");
            return Err(AwsError::access_denied(&self.arn, action, &secret.arn, &because));
        }
        Ok(())
    }
}

impl Visit<'_> {
    /// `secretsmanager:CreateSecret` for the operation under way.
    pub(crate) fn action(&self, service: Service) -> String {
        format!("{service}:{}", self.operation)
    }
}

fn missing(service: Service) -> AwsError {
    let code = if service == Service::Sts {
        "MissingAuthenticationToken"
    } else {
        "MissingAuthenticationTokenException"
    };
    AwsError::front_door(403, code, "Request is missing Authentication Token")
}

fn incomplete() -> AwsError {
    AwsError::front_door(
        400,
        "IncompleteSignatureException",
        "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters.",
    )
}

pub(super) fn unrecognized(service: Service) -> AwsError {
    let message = "The security token included in the request is invalid.";
    match service {
        Service::Sts => AwsError::front_door(403, "InvalidClientTokenId", message),
        _ => AwsError::front_door(400, "UnrecognizedClientException", message),
    }
}

fn expired(service: Service) -> AwsError {
    let message = "The security token included in the request is expired";
    match service {
        Service::Sts => AwsError::front_door(403, "ExpiredToken", message),
        _ => AwsError::front_door(400, "ExpiredTokenException", message),
    }
}

fn wrong_scope(service: Service) -> AwsError {
    let message = format!("Credential should be scoped to correct service: '{service}'.");
    match service {
        Service::Sts => AwsError::front_door(403, "SignatureDoesNotMatch", message),
        _ => AwsError::front_door(400, "InvalidSignatureException", message),
    }
}

fn mismatch(service: Service) -> AwsError {
    let message = "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
                   Access Key and signing method. Consult the service documentation for details.";
    match service {
        Service::Sts => AwsError::front_door(403, "SignatureDoesNotMatch", message),
        _ => AwsError::front_door(400, "InvalidSignatureException", message),
    }
}
