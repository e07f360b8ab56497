//! Proving a credential at its own registry before anything is written.

use std::collections::BTreeMap;

use crate::model::{Credential, CredentialId, Login};
use crate::net::Http;
use crate::registry::{Accepted, Endpoints, LoginError, login};

/// What came of each credential's login upstream.
pub type Proofs = BTreeMap<CredentialId, Result<Accepted, LoginError>>;

/// Logs in with one credential.
///
/// # Errors
/// If the registry refuses it, cannot be reached, or asks for it in an unsafe way.
pub async fn prove(
    http: &Http,
    endpoints: &Endpoints,
    credential: &Credential,
    value: &Login,
) -> Result<Accepted, LoginError> {
    let endpoints = endpoints.trusting(credential.token_service.as_deref());
    login(http, &endpoints, &credential.registry, &value.username, &value.token).await
}
