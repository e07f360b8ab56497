//! Controllers that keep a secret as it is.

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

use crate::redact;

/// External Secrets puts it on every secret that it writes (its documentation, "ownership and deletion policy").
const MERGED: &str = "reconcile.external-secrets.io/managed";

/// Who keeps a secret as it is, in words: its controller, or External Secrets where it merges into a secret that it does not own.
pub(super) fn of(secret: &Secret) -> Option<String> {
    let owners = secret.metadata.owner_references.iter().flatten();
    let mut controllers = owners.filter(|owner| owner.controller == Some(true)).map(|owner| {
        let OwnerReference { kind, name, .. } = owner;
        redact::outside(&format!("{kind} {name}"))
    });
    let labels = secret.metadata.labels.as_ref();
    let merged =
        || labels?.get(MERGED).filter(|value| *value == "true").map(|_| "External Secrets".to_owned());
    controllers.next().or_else(merged)
}
