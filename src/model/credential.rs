//! What a credential is, apart from its value.

use std::fmt;

use super::Registry;

/// The name that the configuration gives a credential, such as `docker-hub`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct CredentialId(pub String);

impl CredentialId {
    /// The name's words in capitals, joined by underscores: `docker-hub` gives `DOCKER_HUB`.
    #[must_use]
    pub fn screaming(&self) -> String {
        let word = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
        self.0.chars().map(word).collect()
    }
}

impl fmt::Display for CredentialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A declared credential: which registry it is for and where its value comes from, not the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Its name in the configuration.
    pub id: CredentialId,
    /// The registry that it logs in to.
    pub registry: Registry,
    /// The host that may issue the registry's tokens, beside the registry's own.
    pub token_service: Option<String>,
    /// Where the value is read, as people write it: `pulumi:infra/main`, `env`.
    pub source: String,
}
