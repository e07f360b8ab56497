//! Proving a credential at its own registry before anything is written.

use std::collections::BTreeMap;

use crate::model::{Credential, CredentialId};
use crate::net::Http;
use crate::registry::{Endpoints, Login, LoginError, login};
use crate::vault::Resolved;

/// What came of each credential's login upstream.
pub type Proofs = BTreeMap<CredentialId, Result<Login, LoginError>>;

/// Logs in with one credential.
///
/// # Errors
/// If the registry refuses it, cannot be reached, or asks for it in an unsafe way.
pub async fn prove(
    http: &Http,
    endpoints: &Endpoints,
    credential: &Credential,
    resolved: &Resolved,
) -> Result<Login, LoginError> {
    login(http, endpoints, &credential.registry, &resolved.username, &resolved.token).await
}
