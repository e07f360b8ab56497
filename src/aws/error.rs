//! AWS errors as words for people: the operation, the service's code and text, and what to do.

use crate::model::Problem;
use crate::net::NetError;
use crate::redact;
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::LoginSource;

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
    /// What to do about it.
    pub hint: Option<String>,
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
                hint: problem.advice(),
                causes: Vec::new(),
            };
        }
        let credentials = causes(error).any(|cause| cause.is::<CredentialsError>());
        let cause = causes(error).last().map_or_else(|| error.to_string(), ToString::to_string);
        // What kept a request from being sent knows best what to do.
        let unsent = NetError::within(error).filter(|unsent| !unsent.hints.is_empty());
        let hint = unsent
            .map(|unsent| unsent.hints.join("; "))
            .or_else(|| credentials.then(|| login_hint(login, None)));
        // The chain lists every provider on a line of its own; the first line says it.
        let first = cause.lines().next().unwrap_or_default().trim_end_matches(" Attempted:");
        let cause = redact::outside(if credentials { first } else { &cause });
        let cause = if credentials { format!("no AWS credentials: {cause}") } else { cause };
        let causes = causes(error).map(|cause| redact::outside(&cause.to_string())).collect();
        Self { operation, code: None, cause, login: credentials, hint, causes }
    }

    fn answered(
        operation: &'static str,
        code: Option<&str>,
        message: Option<&str>,
        login: &LoginSource,
    ) -> Self {
        let code = code.unwrap_or("error without a code");
        let refused = LOGIN_CODES.contains(&code);
        let hint = if refused {
            Some(login_hint(login, Some(code)))
        } else if DENIED_CODES.contains(&code) {
            Some(format!("allow {operation} to this principal (README, \"IAM policy\")"))
        } else {
            None
        };
        let cause = match message {
            Some(message) => redact::outside(&format!("{code}: {message}")),
            None => redact::outside(code),
        };
        Self { operation, code: Some(code.to_owned()), cause, login: refused, hint, causes: Vec::new() }
    }

    /// Whether the service answered with this code.
    #[must_use]
    pub fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }
}

fn login_hint(login: &LoginSource, code: Option<&str>) -> String {
    let LoginSource { profile, region } = login;
    let again = match profile {
        Some(profile) => format!("aws sso login --profile {profile}, or renew that profile's keys"),
        None => {
            "log in (aws sso login, or export AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)"
                .to_owned()
        }
    };
    match code {
        Some("UnrecognizedClientException" | "InvalidClientTokenId") => {
            format!("{again}; if the login is right, the account may not have enabled {region}")
        }
        _ => again,
    }
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
            .hints(error.hint)
            .login(error.login)
            .written(unanswered)
    }
}
