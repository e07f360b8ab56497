//! Why Docker Hub does not do what is asked, and what to do about it.

use std::time::Duration;

use crate::model::Problem;
use crate::net::{HttpError, Retry};

/// The page where a person does the same.
const PERSONAL: &str = "https://app.docker.com/settings/personal-access-tokens";

/// Why Docker Hub did not do it.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// An access token, or a login that one made.
    #[error("Docker Hub lets no login by an access token see or make tokens: it needs an account's password")]
    TokenLogin,
    /// The account has a second factor.
    #[error("Docker Hub asks this account for a second factor, which regcred does not have")]
    SecondFactor,
    /// The account's organization enforces single sign-on.
    #[error(
        "Docker Hub accepts no password of this account: its organization enforces single sign-on ({detail})"
    )]
    SingleSignOn {
        /// What it said, as it may be shown.
        detail: String,
    },
    /// User name or password is wrong.
    #[error("Docker Hub refused the login that is to make tokens: {detail}")]
    Refused {
        /// What it said, as it may be shown.
        detail: String,
    },
    /// The account is locked after too many failed logins.
    #[error("Docker Hub has locked the account after too many failed logins: {detail}")]
    LockedOut {
        /// What it said, as it may be shown.
        detail: String,
    },
    /// The account may not do that.
    #[error("Docker Hub does not let this account do that: {detail}")]
    Forbidden {
        /// What it said, as it may be shown.
        detail: String,
    },
    /// There is no such token or organization.
    #[error("Docker Hub does not have it: {detail}")]
    Absent {
        /// What it said, as it may be shown.
        detail: String,
    },
    /// There is no room for another token.
    #[error("Docker Hub makes no more tokens there: {detail}")]
    Full {
        /// What it said, as it may be shown.
        detail: String,
    },
    /// It was asked too often.
    #[error("Docker Hub accepts no more requests for now{}", in_words(.wait))]
    TooOften {
        /// How long it asks to wait, if it says so.
        wait: Option<Duration>,
    },
    /// There was no good answer to the request for a new token, so that it may have been made.
    #[error("whether Docker Hub has made the token is not known: {error}")]
    Unclear {
        /// What came instead.
        error: Box<HttpError>,
    },
    /// Anything else.
    #[error("{0}")]
    Other(Box<HttpError>),
}

impl From<HttpError> for HubError {
    fn from(error: HttpError) -> Self {
        match error.status {
            Some(429) => Self::TooOften { wait: error.wait },
            _ => Self::Other(Box::new(error)),
        }
    }
}

impl HubError {
    /// The same of a request that makes something: without a good answer it may have had its effect.
    pub(super) fn of_making(self) -> Self {
        match self {
            Self::Other(error) if error.class == Retry::ObserveFirst || is_read_badly(&error) => {
                Self::Unclear { error }
            }
            other => other,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::TokenLogin => format!("make the token by hand at {PERSONAL}, and hand it in"),
            Self::SecondFactor | Self::SingleSignOn { .. } => {
                format!("make the token by hand at {PERSONAL}, and hand it in; or use an account without it")
            }
            Self::Refused { .. } => "the user name is the Docker ID, and the password that of the account".into(),
            Self::LockedOut { .. } => {
                "stop what still sends an old token: each of its tries locks the account again; then wait 15 minutes"
                    .into()
            }
            Self::Forbidden { .. } => "tokens of an organization are made by its owners".into(),
            Self::Absent { .. } => "an organization is named as in its address, such as hub.docker.com/u/NAME".into(),
            Self::Full { .. } => "delete tokens that nobody uses; expired ones count, too, and those that were made and never stored go by: regcred rotate".into(),
            Self::TooOften { .. } => "run it again then".into(),
            Self::Unclear { .. } => "run it again: a token that was lost on the way is known by its label".into(),
            Self::Other(_) => return None,
        })
    }
}

/// Whether the answer said that it was done, and cannot be read.
fn is_read_badly(error: &HttpError) -> bool {
    error.status.is_some_and(|status| (200..300).contains(&status))
}

fn in_words(wait: &Option<Duration>) -> String {
    wait.map_or(String::new(), |wait| format!(": it asks to wait {} s", wait.as_secs()))
}

impl From<HubError> for Problem {
    fn from(error: HubError) -> Self {
        let wrote = matches!(error, HubError::Unclear { .. });
        let problem = Self::outside(error.to_string()).hints(error.hint()).written(wrote);
        match error {
            HubError::Other(error) | HubError::Unclear { error } => {
                problem.caused_by(error.causes).hints(error.hints)
            }
            _ => problem,
        }
    }
}
