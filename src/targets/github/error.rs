//! GitHub's refusals as words for people: what was asked, GitHub's own text, and what to do, made from what was answered.

use std::time::Duration;

use chrono::{DateTime, Utc};
use http::{HeaderMap, Method, StatusCode};

use super::client::{APP, shown, text};
use crate::model::Problem;
use crate::net::{NetError, Retry, TryError, header};
use crate::redact;

/// A request to GitHub failed.
#[derive(Debug, thiserror::Error)]
pub enum GithubError {
    /// GitHub answered with an error status.
    #[error("{method} {path}: {}", refusal.words(*status))]
    Status {
        /// The method.
        method: Method,
        /// The path.
        path: String,
        /// The status.
        status: StatusCode,
        /// What it said.
        refusal: Box<Refusal>,
    },
    /// GitHub said that it is asked too often, and to wait longer than this run is ready to.
    #[error("{method} {path}: rate limit reached, open again in {}s", wait.as_secs())]
    Limited {
        /// The method.
        method: Method,
        /// The path.
        path: String,
        /// How long it said to wait.
        wait: Duration,
    },
    /// No usable answer came.
    #[error("{method} {path}: {problem}")]
    Broken {
        /// The method.
        method: Method,
        /// The path.
        path: String,
        /// What happened, and whether it may have had its effect.
        problem: Box<Problem>,
    },
}

/// What GitHub says beside the status, as it may be shown.
#[derive(Debug, Default)]
pub struct Refusal {
    /// Its own words.
    pub message: String,
    /// What it would have accepted of a fine-grained token: `X-Accepted-GitHub-Permissions`.
    permissions: Option<String>,
    /// The scopes of a classic token, and those of which it needs one: `X-OAuth-Scopes`, `X-Accepted-OAuth-Scopes`.
    scopes: Option<(String, String)>,
    /// Where the token can be authorized for the organization's single sign-on: `X-GitHub-SSO`.
    sso: Option<String>,
    /// The version of a server of one's own: `X-GitHub-Enterprise-Version`.
    server: Option<String>,
    /// When it was said, by GitHub's clock.
    pub(super) date: Option<DateTime<Utc>>,
    /// Where the token came from.
    source: &'static str,
}

impl Refusal {
    /// Reads an answer.
    pub(super) fn read(message: String, headers: &HeaderMap, source: &'static str) -> Self {
        let said = |name: &str| text(headers, name).map(|value| redact::outside(&value));
        let scopes = said("x-oauth-scopes").zip(said("x-accepted-oauth-scopes"));
        Self {
            message,
            permissions: said("x-accepted-github-permissions").filter(|names| !names.is_empty()),
            scopes: scopes.filter(|(_, wanted)| !wanted.is_empty()),
            sso: text(headers, "x-github-sso").as_deref().and_then(authorization),
            server: said("x-github-enterprise-version"),
            date: header::date(headers),
            source,
        }
    }

    /// The status, and what it said, where that is more.
    fn words(&self, status: StatusCode) -> String {
        match self.message.as_str() {
            "" => status.to_string(),
            message if status.canonical_reason() == Some(message) => status.to_string(),
            message => format!("{status}: {message}"),
        }
    }

    fn hint(&self, status: StatusCode, path: &str) -> Option<String> {
        let Self { message, source, .. } = self;
        let says = |words: &str| message.to_lowercase().contains(words);
        match status {
            StatusCode::UNAUTHORIZED if *source == "gh auth token" => {
                Some(format!("the token from {source} is not valid: run gh auth login"))
            }
            StatusCode::UNAUTHORIZED if *source == APP => {
                Some("look at the App's id and its private key: they have to be of one App".to_owned())
            }
            StatusCode::UNAUTHORIZED => Some(format!(
                "the token from {source} is not valid: export {source} with another, or run gh auth login"
            )),
            StatusCode::FORBIDDEN => match &self.sso {
                Some(url) => Some(format!("authorize the token from {source} for SSO: {url}")),
                None if says("archived") => Some("unarchive the repository, or leave it out".to_owned()),
                None if says("by integration") && *source != APP => Some(format!(
                    "a workflow's own GITHUB_TOKEN cannot touch secrets: mint a token of a GitHub App with `secrets: write` and `variables: write`{}",
                    self.accepted()
                )),
                None if self.is_about_permissions() => Some(self.lacks(path)),
                // An allow list of addresses, a limit of a token's lifetime, a policy: its own words say what to do.
                None => None,
            },
            StatusCode::NOT_FOUND => Some(self.lacks(path)),
            _ => None,
        }
    }

    fn is_about_permissions(&self) -> bool {
        let words = ["Resource not accessible by", "Must have admin rights", "Must be an organization owner"];
        let policy = ["IP allow list", "lifetime", "forbids access", "enterprise"];
        let named = self.permissions.is_some() && !policy.iter().any(|words| self.message.contains(words));
        named || words.iter().any(|words| self.message.contains(words))
    }

    fn accepted(&self) -> String {
        self.permissions.as_ref().map(|wanted| format!(" (GitHub accepts: {wanted})")).unwrap_or_default()
    }

    fn lacks(&self, path: &str) -> String {
        let Self { source, scopes, .. } = self;
        if let Some((has, wanted)) = scopes {
            let has = if has.is_empty() { "none" } else { has };
            return format!(
                "the token from {source} may lack access: its scopes are {has}, and one of {wanted} is needed; its owner has to be an administrator"
            );
        }
        let owner = if path.starts_with("/orgs/") { "organization" } else { "repository" };
        if *source == APP {
            return format!(
                "give the GitHub App the {owner} permissions `secrets: write` and `variables: write`{}, have its owner accept them, and let it see the repository",
                self.accepted()
            );
        }
        format!(
            "the token from {source} may lack access: it needs the {owner} permissions `secrets: write` and `variables: write`{}",
            self.accepted()
        )
    }
}

/// The address in `required; url=https://github.com/orgs/ORG/sso?authorization_request=…` (GitHub's documentation,
/// "Authenticating to the REST API", "personal access tokens and SAML SSO").
fn authorization(header: &str) -> Option<String> {
    let url = header.strip_prefix("required")?.split_once("url=")?.1.trim();
    url.starts_with("https://").then(|| redact::outside(url))
}

impl GithubError {
    /// The status, if GitHub answered.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Status { status, .. } => Some(*status),
            Self::Limited { .. } | Self::Broken { .. } => None,
        }
    }

    /// The version of a server that has no variables (GitHub Enterprise Server's release notes, 3.8).
    pub(super) fn without_variables(&self) -> Option<&str> {
        let Self::Status { refusal, .. } = self else { return None };
        let version = refusal.server.as_deref()?;
        let mut numbers = version.trim_start_matches(|c: char| !c.is_ascii_digit()).split('.');
        let mut number = || numbers.next()?.parse::<u32>().ok();
        (number()?, number()?).lt(&(3, 8)).then_some(version)
    }

    /// Whether the token may not do what was asked: not an outage, a limit, a policy or something in between.
    pub(super) fn is_about_rights(&self) -> bool {
        matches!(self, Self::Status { status: StatusCode::FORBIDDEN, refusal, .. } if refusal.sso.is_none() && refusal.is_about_permissions())
    }

    /// What was answered cannot be used.
    pub(super) fn unusable(method: &Method, path: &str, problem: Problem) -> Self {
        Self::Broken { method: method.clone(), path: shown(path), problem: Box::new(problem) }
    }
}

impl From<GithubError> for Problem {
    fn from(error: GithubError) -> Self {
        let message = error.to_string();
        match error {
            GithubError::Status { status, path, refusal, .. } => Self::outside(message)
                .hints(refusal.hint(status, &path))
                .login(status == StatusCode::UNAUTHORIZED),
            GithubError::Limited { wait, .. } => Self::outside(message)
                .hint(format!("run it again in {} minutes", wait.as_secs().div_ceil(60))),
            GithubError::Broken { problem, .. } => Self { message, ..*problem },
        }
    }
}

/// The error of a request without an answer: our own, which octocrab carries in its own.
pub(super) fn broken(
    method: &Method,
    path: &str,
    error: &(dyn std::error::Error + 'static),
) -> TryError<GithubError> {
    let unsent = NetError::within(error);
    let last = || std::iter::successors(Some(error), |error| error.source()).last();
    let problem = match unsent {
        Some(unsent) => Problem::outside(unsent.to_string())
            .hints(unsent.hints.clone())
            .caused_by(unsent.causes.clone())
            .written(unsent.class == Retry::ObserveFirst),
        None => {
            let words = last().map(|last| redact::outside(&last.to_string())).unwrap_or_default();
            Problem::outside(words).written(true)
        }
    };
    let broken = GithubError::unusable(method, path, problem);
    match unsent.map(|unsent| unsent.class) {
        Some(Retry::Safe) => TryError::Unsent(broken),
        Some(Retry::Never) => TryError::Final(broken),
        Some(Retry::ObserveFirst) | None => TryError::Fault(broken),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(
        status: u16,
        message: &str,
        headers: &[(&'static str, &str)],
        source: &'static str,
    ) -> Option<String> {
        let headers = headers
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().expect("a header")));
        let refusal = Refusal::read(message.to_owned(), &headers.collect(), source);
        refusal.hint(StatusCode::from_u16(status).expect("a status"), "/repos/acme/api/actions/secrets")
    }

    #[test]
    fn what_the_status_says_already_is_not_said_again() {
        let words = |status: StatusCode, message: &str| {
            Refusal::read(message.to_owned(), &HeaderMap::new(), "GH_TOKEN").words(status)
        };
        assert_eq!(words(StatusCode::NOT_FOUND, "Not Found"), "404 Not Found");
        assert_eq!(words(StatusCode::BAD_GATEWAY, ""), "502 Bad Gateway");
        assert_eq!(words(StatusCode::UNAUTHORIZED, "Bad credentials"), "401 Unauthorized: Bad credentials");
    }

    #[test]
    fn a_hint_is_made_from_what_github_answered() {
        let sso = "required; url=https://github.com/orgs/acme/sso?authorization_request=AB";
        let fine = ("x-accepted-github-permissions", "secrets=write");
        let classic = [("x-oauth-scopes", "read:org"), ("x-accepted-oauth-scopes", "repo")];
        for (status, message, headers, words) in [
            (
                403,
                "Resource protected by organization SAML enforcement.",
                &[("x-github-sso", sso), fine][..],
                Some(
                    "authorize the token from GH_TOKEN for SSO: https://github.com/orgs/acme/sso?authorization_request=AB",
                ),
            ),
            (
                403,
                "the `acme` organization has an IP allow list enabled, and your IP address is not",
                &[fine],
                None,
            ),
            (
                403,
                "The 'acme' organization forbids access via a fine-grained personal access tokens if the token's lifetime is greater than 366 days.",
                &[fine],
                None,
            ),
            (403, "Your enterprise's policy does not allow it", &[], None),
            (
                403,
                "Resource not accessible by personal access token",
                &[fine],
                Some("GitHub accepts: secrets=write"),
            ),
            (404, "Not Found", &classic, Some("its scopes are read:org, and one of repo is needed")),
            (403, "Must have admin rights to Repository.", &[], Some("may lack access")),
            (403, "Repository was archived so is read-only.", &[fine], Some("unarchive the repository")),
            (401, "Bad credentials", &[], Some("export GH_TOKEN with another")),
            (422, "Validation Failed", &[], None),
        ] {
            let hint = hint(status, message, headers, "GH_TOKEN");
            let fits = match (&hint, words) {
                (Some(hint), Some(words)) => hint.contains(words),
                (hint, words) => hint.is_none() && words.is_none(),
            };
            assert!(fits, "{message}: {hint:?}");
        }
    }
}
