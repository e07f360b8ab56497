//! Proving a credential at its own registry before anything is written.

use std::collections::BTreeMap;

use crate::model::{Credential, CredentialId, Login};
use crate::net::Http;
use crate::registry::{Accepted, Door, Endpoints, LoginError};

/// What came of each credential's login upstream.
pub type Proofs = BTreeMap<CredentialId, Result<Accepted, LoginError>>;

/// Asks a credential's registry what login it wants: no value is needed for that.
///
/// # Errors
/// If the registry cannot be reached, or asks for no login.
pub async fn ask<'a>(
    http: &'a Http,
    endpoints: &Endpoints,
    credential: &'a Credential,
) -> Result<Door<'a>, LoginError> {
    let endpoints = endpoints.trusting(credential.token_service.as_deref());
    Door::of(http, &endpoints, &credential.registry).await
}

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
    ask(http, endpoints, credential).await?.login(&value.username, &value.token).await
}
