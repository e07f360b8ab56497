//! Who else writes: controllers that keep a secret as it is, and field managers.

use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, OwnerReference};

use super::client::MANAGER;
use crate::redact;

/// External Secrets puts it on every secret that it writes (its documentation, "ownership and deletion policy").
const MERGED: &str = "reconcile.external-secrets.io/managed";

/// What keeps a secret from being deleted and made again, in words: its finalizers, or its controller.
pub(super) fn keeps(secret: &Secret) -> Option<String> {
    let finalizers: Vec<String> =
        secret.metadata.finalizers.iter().flatten().map(|name| redact::outside(name)).collect();
    if !finalizers.is_empty() {
        return Some(format!("it has the finalizer {}", finalizers.join(" and ")));
    }
    of(secret).map(|owner| format!("{owner} writes it, and would put its own content back"))
}

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

/// The manifest that `kubectl apply` and Argo CD wrote last, where they do not apply on the server.
const APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// Whoever wrote before the server began to write managers down.
const NOBODY: &str = "before-first-apply";

/// Who else writes a service account's list of pull secrets: the field manager that wrote it last, if it is not ours. The server
/// takes the field from whoever wrote it before, and leaves it with all who applied the same. It writes no manager down for
/// an account that was made empty, as `default` is, before somebody applies it on the server (apimachinery,
/// `skipNonAppliedManager`): there the manifest tells that was applied last.
pub(super) fn writer(account: &ServiceAccount) -> Option<String> {
    let entries = account.metadata.managed_fields.iter().flatten();
    let has_list = |entry: &&ManagedFieldsEntry| {
        entry.fields_v1.as_ref().is_some_and(|fields| !fields.0["f:imagePullSecrets"].is_null())
    };
    let is_known = |name: &str| name != MANAGER && name != NOBODY;
    let others = entries.filter(has_list).filter(|entry| entry.manager.as_deref().is_some_and(is_known));
    let last = others.max_by_key(|entry| entry.time.as_ref().map(|time| time.0.to_string()));
    let manager = last.and_then(|last| last.manager.as_deref()).map(redact::outside);
    manager.or_else(|| applies_list(account).then(|| "kubectl or Argo CD".to_owned()))
}

/// Whether the manifest that was applied last has a list of its own.
fn applies_list(account: &ServiceAccount) -> bool {
    let manifest = account.metadata.annotations.as_ref().and_then(|annotations| annotations.get(APPLIED));
    let manifest = manifest.and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok());
    manifest.is_some_and(|manifest| !manifest["imagePullSecrets"].is_null())
}
