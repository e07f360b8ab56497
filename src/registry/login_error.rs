//! Why a login proves nothing.

use super::realm::UnsafeReason;
use crate::model::Registry;
use crate::net::HttpError;

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
        matches!(self, Self::Refused { .. })
    }

    /// What to do about it, where that can be said.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Refused { registry, .. } if registry.is_docker_hub() => Some(
                "make a new access token at https://app.docker.com/settings/personal-access-tokens; \
                 of an organization access token the user name is the organization's"
                    .into(),
            ),
            Self::Refused { registry, .. } => Some(format!("try it by hand: docker login {registry}")),
            Self::Unreachable { source, .. } if !source.hints.is_empty() => Some(source.hints.join("; ")),
            Self::Unreachable { registry, .. } => {
                Some(format!("try it by hand: curl -sS https://{}/v2/", registry.api_host()))
            }
            Self::Protocol { .. } | Self::UnsafeRealm { .. } | Self::NothingProven { .. } => None,
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
                let detail = "it gave an answer that is not expected".into();
                Self::Protocol { registry, detail, source: Some(Box::new(error)) }
            }
        }
    }
}
