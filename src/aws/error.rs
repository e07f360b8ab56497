//! AWS errors as words for people: the operation, the service's code and text, and what to do.

use crate::model::Problem;
use crate::net::NetError;
use crate::redact;
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::{ErrorMetadata, ProvideErrorMetadata};

use super::names::is_in_every_account;
use super::{LoginSource, Session};

/// A request to AWS failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{operation}: {cause}")]
pub struct AwsError {
    /// The operation, as IAM writes it: `secretsmanager:DescribeSecret`.
    pub operation: &'static str,
    /// The service's error code, if it answered.
    pub code: Option<String>,
    /// What happened.
    pub cause: String,
    /// Whether the login itself is at fault.
    pub login: bool,
    /// Whether the login is refused because the repository is not trusted.
    pub untrusted: bool,
    /// What to do about it.
    pub hints: Vec<String>,
    /// The SDK's chain of causes, the nearest first.
    pub causes: Vec<String>,
}

/// Codes by which AWS says that it does not accept the login (AWS general reference, "Common errors").
const LOGIN_CODES: &[&str] = &[
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];
/// Of these, those by which it says that it does not know the login: also the answer of a region that the login's account has
/// not enabled.
const UNKNOWN_CODES: [&str; 2] = ["InvalidClientTokenId", "UnrecognizedClientException"];
const DENIED_CODES: &[&str] = &["AccessDenied", "AccessDeniedException", "UnauthorizedOperation"];

impl AwsError {
    /// Reads the SDK's error.
    pub fn new<E, R>(operation: &'static str, error: &SdkError<E, R>, login: &LoginSource) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        R: std::fmt::Debug + 'static,
    {
        if let Some(service) = error.as_service_error() {
            let message = service.message().filter(|message| !message.is_empty());
            return Self::answered(operation, service.code(), message, login);
        }
        // A program that gives the login.
        if let Some(problem) = causes(error).find_map(|cause| cause.downcast_ref::<Problem>()) {
            let cause = format!("no AWS credentials: {problem}");
            return Self {
                operation,
                code: None,
                cause,
                login: true,
                untrusted: problem.is_untrusted(),
                hints: problem.hints.clone(),
                causes: problem.causes.clone(),
            };
        }
        let credentials = causes(error).any(|cause| cause.is::<CredentialsError>());
        let cause = causes(error).last().map_or_else(|| error.to_string(), words);
        // What kept a request from being sent knows best what to do.
        let unsent = NetError::within(error).filter(|unsent| !unsent.hints.is_empty());
        let hints = match unsent {
            Some(unsent) => unsent.hints.clone(),
            None if credentials => vec![credentials_hint(&cause, login)],
            None => Vec::new(),
        };
        // The chain lists every provider on a line of its own; the first line says it.
        let first = cause.lines().next().unwrap_or_default().trim_end_matches(" Attempted:");
        let cause = redact::outside(if credentials { first } else { &cause });
        let cause = if credentials { format!("no AWS credentials: {cause}") } else { cause };
        let mut causes: Vec<String> = causes(error).map(|cause| redact::outside(&words(cause))).collect();
        causes.dedup();
        Self { operation, code: None, cause, login: credentials, untrusted: false, hints, causes }
    }

    fn answered(
        operation: &'static str,
        code: Option<&str>,
        message: Option<&str>,
        login: &LoginSource,
    ) -> Self {
        let code = code.unwrap_or("error without a code");
        let refused = LOGIN_CODES.contains(&code);
        let words = message.unwrap_or_default();
        let hints = if is_clock(words) {
            vec![CLOCK.to_owned()]
        } else if refused {
            vec![login_hint(login, Some(code))]
        } else if code == "UnableToAccessSecretException" {
            vec![
                "look for a Deny in the secret's policy that keeps ECR's role out: aws secretsmanager get-resource-policy --secret-id NAME"
                    .to_owned(),
            ]
        } else if DENIED_CODES.contains(&code) {
            vec![denied_hint(operation, words)]
        } else {
            Vec::new()
        };
        let cause = match message {
            Some(message) => redact::outside(&format!("{code}: {message}")),
            None => redact::outside(code),
        };
        let (code, causes) = (Some(code.to_owned()), Vec::new());
        Self { operation, code, cause, login: refused, untrusted: false, hints, causes }
    }

    /// The same of a login that is good: it is known in another region, or to another service of this one. Then the region is
    /// what the account has not enabled.
    #[must_use]
    pub fn of_good_login(self, session: &Session, account: &str) -> Self {
        if !self.code.as_deref().is_some_and(|code| UNKNOWN_CODES.contains(&code)) {
            return self;
        }
        let Session { region, roles, .. } = session;
        let cause = format!("{region} is not enabled in account {account} ({})", self.cause);
        let mut hints = vec![
            format!("with a login for that account: {}", enable(region)),
            format!(
                "it can take hours until this says ENABLED: aws account get-region-opt-status --region-name {region}"
            ),
        ];
        // Roles are assumed by the service of a region, whose tokens are good in all (IAM user guide, "Manage AWS STS in an AWS
        // Region").
        if roles.is_empty() {
            hints.push(
                "if it says ENABLED now, the login's token is of STS's global endpoint: log in again with AWS_STS_REGIONAL_ENDPOINTS=regional"
                    .to_owned(),
            );
        }
        Self { cause, hints, login: false, ..self }
    }

    /// Whether the service answered with this code.
    #[must_use]
    pub fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }
}

const CLOCK: &str = "set this machine's clock: AWS accepts a signature for a few minutes only";

/// Whether a signature is of another time (AWS general reference, "Troubleshooting Signature Version 4").
fn is_clock(words: &str) -> bool {
    words.contains("Signature expired") || words.contains("Signature not yet current")
}

/// What to do about a refusal: the action that AWS names, which may be another than the one that was asked for, and who has
/// to allow it. AWS says which kind of policy denies (IAM user guide, "Troubleshoot access denied error messages").
fn denied_hint(operation: &str, words: &str) -> String {
    const GUARDS: [(&str, &str); 5] = [
        ("service control policy", "the service control policy of the organization"),
        ("resource control policy", "the resource control policy of the organization"),
        ("permissions boundary", "the permissions boundary of this principal"),
        ("session policy", "the policy of this session"),
        ("VPC endpoint policy", "the policy of the VPC endpoint"),
    ];
    let named =
        words.split("not authorized to perform: ").nth(1).and_then(|rest| rest.split_whitespace().next());
    let action = named.map_or(operation, |name| name.trim_end_matches(['.', ',']));
    let action = redact::outside(action);
    match GUARDS.into_iter().find(|(kind, _)| words.contains(kind)) {
        Some((_, guard)) if words.contains("explicit deny") && operation == "secretsmanager:CreateSecret" => {
            format!(
                "{guard} denies {action}, and no Allow can help: if it wants tags, give them in the file (aws: {{ tags: {{ KEY: VALUE }} }}), else ask its administrator"
            )
        }
        Some((_, guard)) if words.contains("explicit deny") => format!(
            "{guard} denies {action}, and no Allow can help: ask its administrator, or do it from where it is allowed"
        ),
        Some((_, guard)) => format!("also allow {action} in {guard}"),
        None if words.contains("explicit deny") => {
            format!(
                "a policy denies {action} by name, and no Allow can help: take that Deny out, or except this principal"
            )
        }
        None if action == "sts:AssumeRole" => {
            "allow sts:AssumeRole on the role to this principal, and let the role's trust policy name it"
                .to_owned()
        }
        None => format!("allow {action} to this principal; all that a login needs: regcred permissions aws"),
    }
}

/// What to do where the chain of logins ended.
fn credentials_hint(cause: &str, login: &LoginSource) -> String {
    let LoginSource { made_in, .. } = login;
    match () {
        () if is_clock(cause) => CLOCK.to_owned(),
        () if cause.contains("sts:AssumeRole") => denied_hint("sts:AssumeRole", cause),
        // The role's account is named (STS's API reference, `AssumeRole`).
        () if cause.starts_with("RegionDisabledException") && is_in_every_account(made_in) => {
            format!("activate STS for {made_in} in that account: IAM console, Account settings")
        }
        () if cause.starts_with("RegionDisabledException") => {
            format!("with a login for that account: {}", enable(made_in))
        }
        () => {
            let code = UNKNOWN_CODES.into_iter().find(|code| cause.starts_with(code));
            login_hint(login, code)
        }
    }
}

/// The command that enables a region in an account.
fn enable(region: &str) -> String {
    format!("aws account enable-region --region-name {region}")
}

fn login_hint(login: &LoginSource, code: Option<&str>) -> String {
    let LoginSource { profile, region, made_in } = login;
    let again = match profile {
        Some(profile) => format!("aws sso login --profile {profile}, or renew that profile's keys"),
        None => {
            "log in (aws sso login, or export AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)"
                .to_owned()
        }
    };
    // Who answered is the region, or the one in which the login is made.
    let closed = [made_in, region].into_iter().find(|region| !is_in_every_account(region));
    match closed.filter(|_| code.is_some_and(|code| UNKNOWN_CODES.contains(&code))) {
        Some(region) => {
            format!(
                "{again}; if the login is right, {region} is not enabled in its account: {}",
                enable(region)
            )
        }
        None => again,
    }
}

/// An error in words: what a service answered has no other form than Rust's own.
fn words(error: &(dyn std::error::Error + 'static)) -> String {
    let answered = error.downcast_ref::<ErrorMetadata>();
    let answered = answered.and_then(|answer| Some(format!("{}: {}", answer.code()?, answer.message()?)));
    answered.unwrap_or_else(|| error.to_string())
}

fn causes<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}

impl From<AwsError> for Problem {
    fn from(error: AwsError) -> Self {
        let unanswered = error.code.is_none() && !error.login;
        Problem::outside(error.to_string())
            .caused_by(error.causes)
            .hints(error.hints)
            .login(error.login)
            .written(unanswered)
            .untrusted(error.untrusted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::Role;

    fn login(region: &str) -> LoginSource {
        LoginSource { profile: None, region: region.to_owned(), made_in: region.to_owned() }
    }

    fn hint(code: &str, message: &str) -> Option<String> {
        let login = login("us-east-2");
        let error = AwsError::answered("ecr:CreatePullThroughCacheRule", Some(code), Some(message), &login);
        error.hints.first().cloned()
    }

    #[test]
    fn a_hint_is_made_from_what_aws_answered() {
        const WHO: &str = "User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: ";
        for (code, message, words) in [
            (
                "AccessDeniedException",
                "iam:CreateServiceLinkedRole on resource: * because no identity-based policy allows the iam:CreateServiceLinkedRole action",
                "allow iam:CreateServiceLinkedRole to this principal",
            ),
            (
                "AccessDeniedException",
                "secretsmanager:TagResource on resource: x",
                "allow secretsmanager:TagResource",
            ),
            (
                "AccessDeniedException",
                "ecr:CreatePullThroughCacheRule with an explicit deny in a service control policy: arn:aws:organizations::1:policy/p",
                "the service control policy of the organization denies ecr:CreatePullThroughCacheRule, and no Allow can help",
            ),
            (
                "AccessDenied",
                "kms:Decrypt because no permissions boundary allows the kms:Decrypt action",
                "allow kms:Decrypt in the permissions boundary",
            ),
            (
                "AccessDenied",
                "x:Y with an explicit deny in an identity-based policy",
                "a policy denies x:Y by name",
            ),
            ("AccessDenied", "sts:AssumeRole on resource: arn:aws:iam::1:role/r", "trust policy"),
        ] {
            let said = hint(code, &format!("{WHO}{message}")).unwrap_or_default();
            assert!(said.contains(words), "{message}: {said}");
        }
        let clock = "Signature expired: 20261129T000000Z is now earlier than 20261129T010000Z";
        assert_eq!(hint("InvalidSignatureException", clock).as_deref(), Some(CLOCK));
        assert!(
            hint("AccessDenied", "no").is_some_and(|hint| hint.contains("ecr:CreatePullThroughCacheRule"))
        );
        assert_eq!(hint("ValidationException", "x"), None);
    }

    #[test]
    fn a_region_is_to_be_enabled_where_the_login_is_good_and_may_have_to_be_where_nobody_knows() {
        let unknown = |region: &str| {
            let message = Some("The security token included in the request is invalid.");
            AwsError::answered("sts:GetCallerIdentity", Some(UNKNOWN_CODES[0]), message, &login(region))
        };
        let command = "aws account enable-region --region-name af-south-1";
        let guess = &unknown("af-south-1").hints[0];
        assert!(guess.starts_with("log in ") && guess.ends_with(command), "{guess}");
        assert!(!unknown("us-east-2").hints[0].contains("enable"), "every account has it");
        let session = |roles| Session { region: "af-south-1".to_owned(), profile: None, roles };
        let own = unknown("af-south-1").of_good_login(&session(Vec::new()), "222222222222");
        assert!(own.hints[2].contains("AWS_STS_REGIONAL_ENDPOINTS"), "{own:?}");
        let role = Role::new("arn:aws:iam::222222222222:role/regcred");
        let known = unknown("af-south-1").of_good_login(&session(vec![role.clone()]), "222222222222");
        assert_eq!(known.hints.len(), 2, "its token is of a region");
        assert!(known.cause.starts_with("af-south-1 is not enabled in account 222222222222 ("), "{known}");
        assert!(!known.login && known.hints[0] == format!("with a login for that account: {command}"));
        let other = AwsError::answered("x:Y", Some("Throttling"), None, &login("af-south-1"));
        assert_eq!(other.clone().of_good_login(&session(vec![role]), "222222222222"), other);
    }

    #[test]
    fn a_role_whose_account_has_no_sts_in_the_region_of_the_login_is_told_with_what_there_is_to_do() {
        let cause = "RegionDisabledException: STS is not activated in this region for account:222222222222.";
        for (region, words) in [
            ("af-south-1", "aws account enable-region --region-name af-south-1"),
            ("us-east-2", "activate STS for us-east-2 in that account"),
        ] {
            let hint = credentials_hint(cause, &login(region));
            assert!(hint.contains(words), "{hint}");
        }
    }
}
