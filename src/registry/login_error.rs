//! Why a login proves nothing.

use super::realm::UnsafeReason;
use crate::model::Registry;
use crate::net::HttpError;
use crate::redact;

/// Why a credential is not proven. Only [`LoginError::Refused`] says that it is wrong.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// The registry, or its token service, said no.
    #[error("{registry} refused the credential: {detail} (status {status})")]
    Refused {
        /// The registry.
        registry: Registry,
        /// 401 or 403; 400 for an identity token.
        status: u16,
        /// What it said, as it may be shown.
        detail: String,
        /// Whose login it was.
        username: String,
    },
    /// The registry said no, and lists the token as switched off.
    #[error("{registry} refused the credential: it is the token `{label}`, which is switched off")]
    Off {
        /// The registry.
        registry: Registry,
        /// What the token is called there, as it may be shown.
        label: String,
    },
    /// The account is locked after too many failed logins: even the right secret is refused for a while.
    #[error("{registry} has locked {username} after too many failed logins (status {status}): {detail}")]
    LockedOut {
        /// The registry.
        registry: Registry,
        /// The status, which says nothing: 401 or 429.
        status: u16,
        /// What it said, as it may be shown.
        detail: String,
        /// Whose login it was.
        username: String,
        /// Places that hold another value, which they probably send; nobody before the places were read.
        senders: Vec<String>,
    },
    /// It accepts no login for now, and does not say why.
    #[error("{registry} accepts no login for now (status 429): {detail}")]
    Busy {
        /// The registry.
        registry: Registry,
        /// What it said, as it may be shown.
        detail: String,
    },
    /// Something in front of it refuses whoever asks from here: another country, a firewall.
    #[error("{registry} cannot be used from here: {page} (status {status})")]
    Blocked {
        /// The registry.
        registry: Registry,
        /// The status.
        status: u16,
        /// What the page says.
        page: String,
    },
    /// There was no answer, or only that the server cannot answer now.
    #[error("{registry} cannot be reached now")]
    Unreachable {
        /// The registry.
        registry: Registry,
        /// The request that failed.
        #[source]
        source: Box<HttpError>,
    },
    /// There was an answer, but not of a registry.
    #[error("{registry} does not answer as a registry: {detail}")]
    Protocol {
        /// The registry.
        registry: Registry,
        /// What is wrong with the answer.
        detail: String,
        /// The request that it answers, where that says more.
        #[source]
        source: Option<Box<HttpError>>,
    },
    /// The registry names a token service that the credential is not sent to.
    #[error("{registry} names a token service that the credential is not sent to, {realm}: {reason}")]
    UnsafeRealm {
        /// The registry.
        registry: Registry,
        /// The token service, as it may be shown.
        realm: String,
        /// Why not.
        reason: UnsafeReason,
    },
    /// What another run printed of it, in its words.
    #[error("{words}")]
    Told {
        /// The words.
        words: String,
        /// Whether the registry said no.
        refused: bool,
    },
    /// The registry lets anybody in.
    #[error("{registry} asks for no login: nothing is proven")]
    NothingProven {
        /// The registry.
        registry: Registry,
    },
}

impl LoginError {
    /// Whether the registry said that the credential is wrong. Anything else says nothing about the credential.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::Off { .. } | Self::Told { refused: true, .. })
    }

    /// The same, of a token that is listed under this label as switched off, if the registry said no.
    #[must_use]
    pub fn of_a_token_that_is_off(self, label: &str) -> Self {
        match self {
            Self::Refused { registry, .. } => Self::Off { registry, label: redact::outside(label) },
            other => other,
        }
    }

    /// The same, with the places that probably send a dead secret, if that is what locks the account.
    #[must_use]
    pub fn sent_by(self, places: impl FnOnce() -> Vec<String>) -> Self {
        match self {
            Self::LockedOut { registry, status, detail, username, .. } => {
                Self::LockedOut { registry, status, detail, username, senders: places() }
            }
            other => other,
        }
    }

    /// What to do about it, where that can be said.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Refused { registry, username, .. } if registry.is_docker_hub() && username.contains('@') => Some(
                "the user name is the Docker ID, not the e-mail address: see https://app.docker.com/settings"
                    .into(),
            ),
            Self::Refused { registry, .. } if registry.is_docker_hub() => Some(
                "make a new access token at https://app.docker.com/settings/personal-access-tokens; \
                 with an organization's token, the user name is the organization's"
                    .into(),
            ),
            Self::Refused { registry, .. } => Some(format!("try it by hand: docker login {registry}")),
            Self::Off { .. } => Some(
                "switch it on at https://app.docker.com/settings/personal-access-tokens, and run this again".into(),
            ),
            Self::Unreachable { source, .. } if !source.hints.is_empty() => Some(source.hints.join("; ")),
            Self::Unreachable { registry, .. } => {
                Some(format!("try it by hand: curl -sS https://{}/v2/", registry.api_host()))
            }
            Self::LockedOut { senders, .. } => Some(format!(
                "stop what still sends an old token{}: each of its tries locks the account again; \
                 then wait 15 minutes, and run this again",
                probably(senders)
            )),
            Self::Busy { .. } => Some("wait some minutes, and run this again".into()),
            Self::Blocked { registry, .. } => {
                Some(format!("run it from another address: https://{} has not seen the login", registry.api_host()))
            }
            Self::UnsafeRealm { realm, reason: UnsafeReason::OtherSite, .. } => {
                let host = realm.trim_start_matches("https://").split('/').next().unwrap_or_default();
                Some(format!("if it is the registry's own, say so at the credential in regcred.yaml: token-service: {host}"))
            }
            Self::Protocol { .. } | Self::UnsafeRealm { .. } | Self::NothingProven { .. } | Self::Told { .. } => None,
        }
    }

    pub(super) fn protocol(registry: &Registry, detail: impl Into<String>) -> Self {
        Self::Protocol { registry: registry.clone(), detail: detail.into(), source: None }
    }

    /// Sorts a failed request: without an answer, or with one that says "not now", the registry was not reached.
    pub(super) fn from_http(registry: &Registry, error: HttpError) -> Self {
        let registry = registry.clone();
        match error.status {
            None | Some(408 | 429 | 500..=599) => Self::Unreachable { registry, source: Box::new(error) },
            Some(_) => {
                let detail = "it gave an unexpected answer".into();
                Self::Protocol { registry, detail, source: Some(Box::new(error)) }
            }
        }
    }
}

/// At most this many places are named.
const NAMED: usize = 3;

fn probably(senders: &[String]) -> String {
    let named = senders.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match senders.len().checked_sub(NAMED).filter(|more| *more > 0) {
        _ if senders.is_empty() => String::new(),
        None => format!(" (probably {named}, where another value is)"),
        Some(more) => format!(" (probably {named} or one of {more} more, where another value is)"),
    }
}
