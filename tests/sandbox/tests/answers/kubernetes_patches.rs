//! Kubernetes: what each kind of patch does to the pull secrets of a service account.

use regcred_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::client::{Kubernetes, start, start_with};

const ONE: &str = "/api/v1/namespaces/runai/serviceaccounts/default";

fn with_two() -> Sandbox {
    start_with(|world| {
        world.kubernetes.cluster_mut("prod").put_service_account(
            "runai",
            "default",
            &["existing-a", "existing-b"],
        );
    })
}

fn names(sandbox: &Sandbox) -> Vec<String> {
    sandbox.state().kubernetes.clusters["prod"].pull_secrets("runai", "default")
}

fn new() -> Value {
    json!({ "imagePullSecrets": [{ "name": "new" }] })
}

#[test]
fn a_strategic_or_merge_patch_with_one_pull_secret_wipes_the_others() {
    for kind in ["strategic-merge-patch", "merge-patch"] {
        let sandbox = with_two();
        assert_eq!(Kubernetes::new(&sandbox).patch(kind, ONE, &new()).status, 200);
        assert_eq!(names(&sandbox), ["new"], "{kind}");
    }
}

#[test]
fn a_forced_apply_wipes_the_others_too_and_one_that_is_not_forced_is_a_conflict() {
    let sandbox = with_two();
    let prod = Kubernetes::new(&sandbox);
    let mut body = new();
    (body["kind"], body["apiVersion"]) = ("ServiceAccount".into(), "v1".into());
    let path = format!("{ONE}?fieldManager=regcred");
    let answer = prod.patch("apply-patch", &path, &body);
    assert_eq!(answer.status, 409);
    assert!(answer.message().ends_with(": .imagePullSecrets"), "{}", answer.message());
    assert_eq!(names(&sandbox), ["existing-a", "existing-b"]);
    assert_eq!(prod.patch("apply-patch", &format!("{path}&force=true"), &body).status, 200);
    assert_eq!(names(&sandbox), ["new"]);
}

#[test]
fn a_json_patch_appends_and_appends_again_and_needs_the_list_to_be_there() {
    let append = json!([{ "op": "add", "path": "/imagePullSecrets/-", "value": { "name": "new" } }]);
    let sandbox = with_two();
    let prod = Kubernetes::new(&sandbox);
    prod.patch("json-patch", ONE, &append);
    prod.patch("json-patch", ONE, &append);
    assert_eq!(names(&sandbox), ["existing-a", "existing-b", "new", "new"]);
    let sandbox = start();
    let answer = Kubernetes::new(&sandbox).patch("json-patch", ONE, &append);
    assert_eq!(
        answer.json(),
        json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": "the server rejected our request due to an error in our request", "reason": "Invalid",
            "details": {}, "code": 422,
        })
    );
}

#[test]
fn a_json_patch_does_all_of_its_operations_or_none() {
    let sandbox = with_two();
    let prod = Kubernetes::new(&sandbox);
    let remove = json!({ "op": "remove", "path": "/imagePullSecrets/0" });
    let stale = json!({ "op": "test", "path": "/metadata/resourceVersion", "value": "1" });
    assert_eq!(prod.patch("json-patch", ONE, &json!([remove, stale])).status, 422);
    assert_eq!(names(&sandbox), ["existing-a", "existing-b"]);
    let copy = json!({ "op": "copy", "from": "/imagePullSecrets/1", "path": "/imagePullSecrets/0" });
    let replace = json!({ "op": "replace", "path": "/imagePullSecrets/1/name", "value": "x" });
    let label = json!({ "op": "add", "path": "/metadata/labels", "value": { "run.ai/x": "1" } });
    let relabel = json!({ "op": "move", "from": "/metadata/labels/run.ai~1x", "path": "/metadata/labels/y" });
    let patched = prod.patch("json-patch", ONE, &json!([copy, replace, label, relabel])).json();
    assert_eq!(names(&sandbox), ["existing-b", "x", "existing-b"]);
    assert_eq!(patched["metadata"]["labels"], json!({ "y": "1" }));
}

#[test]
fn a_merge_patch_with_an_old_version_is_a_conflict() {
    let sandbox = with_two();
    let prod = Kubernetes::new(&sandbox);
    let read = prod.get(ONE).json();
    let mut patch = new();
    patch["metadata"] = json!({ "resourceVersion": read["metadata"]["resourceVersion"] });
    assert_eq!(prod.patch("merge-patch", ONE, &patch).status, 200);
    let stale = prod.patch("merge-patch", ONE, &patch);
    assert_eq!(stale.json()["reason"], "Conflict");
    assert!(
        stale
            .message()
            .starts_with("Operation cannot be fulfilled on serviceaccounts \"default\": the object has been")
    );
}

#[test]
fn only_the_secrets_list_of_a_service_account_merges_by_name() {
    let sandbox = start_with(|world| {
        let account = world.kubernetes.cluster_mut("prod").put_service_account("runai", "default", &[]);
        account["secrets"] = json!([{ "name": "a" }, { "name": "b" }]);
    });
    let prod = Kubernetes::new(&sandbox);
    let patch = json!({ "secrets": [{ "name": "b", "$patch": "delete" }, { "name": "c" }] });
    let merged = prod.patch("strategic-merge-patch", ONE, &patch).json();
    assert_eq!(merged["secrets"], json!([{ "name": "a" }, { "name": "c" }]));
    let replaced = prod.patch("merge-patch", ONE, &json!({ "secrets": [{ "name": "c" }] })).json();
    assert_eq!(replaced["secrets"], json!([{ "name": "c" }]));
}

#[test]
fn null_takes_a_label_away_and_an_empty_list_is_no_list() {
    let sandbox = with_two();
    let prod = Kubernetes::new(&sandbox);
    prod.patch("merge-patch", ONE, &json!({ "metadata": { "labels": { "a": "1", "b": "2" } } }));
    let patch = json!({ "metadata": { "labels": { "a": null } }, "imagePullSecrets": [] });
    let patched = prod.patch("merge-patch", ONE, &patch).json();
    assert_eq!(patched["metadata"]["labels"], json!({ "b": "2" }));
    assert!(patched["imagePullSecrets"].is_null());
}

#[test]
fn a_patch_that_makes_no_object_is_refused_with_all_of_it_quoted() {
    let sandbox = start_with(|world| {
        let prod = world.kubernetes.cluster_mut("prod");
        prod.put_secret("runai", "x", "Opaque", &[("token", "canary")]);
    });
    let prod = Kubernetes::new(&sandbox);
    let path = "/api/v1/namespaces/runai/secrets/x?fieldValidation=Strict";
    let answer = prod.patch("merge-patch", path, &json!({ "metadata": { "run.ai/x": "true" } }));
    assert_eq!((answer.status, answer.json()["reason"].clone()), (422, json!("Invalid")));
    assert!(answer.message().starts_with(" \"\" is invalid: patch: Invalid value: "), "{}", answer.message());
    assert!(answer.message().ends_with(": strict decoding error: unknown field \"metadata.run.ai/x\""));
    // The data is in it: a client that prints this prints the secret.
    assert!(answer.message().contains("Y2FuYXJ5"));
}

#[test]
fn what_the_server_writes_cannot_be_patched() {
    let sandbox = with_two();
    let answer = Kubernetes::new(&sandbox).patch("merge-patch", ONE, &json!({ "metadata": { "uid": "x" } }));
    assert_eq!(
        answer.message(),
        "ServiceAccount \"default\" is invalid: metadata.uid: Invalid value: \"x\": field is immutable"
    );
}

#[test]
fn only_known_patches_are_taken_and_only_of_what_is_there() {
    let sandbox = start();
    let prod = Kubernetes::new(&sandbox);
    assert_eq!(prod.request("PATCH", ONE, &new()).status, 415);
    let gone = prod.patch("merge-patch", "/api/v1/namespaces/runai/serviceaccounts/nobody", &new());
    assert_eq!(gone.message(), "serviceaccounts \"nobody\" not found");
    let forced = prod.patch("merge-patch", &format!("{ONE}?force=true"), &new());
    assert_eq!(
        forced.message(),
        "PatchOptions.meta.k8s.io \"\" is invalid: force: Forbidden: may not be specified for non-apply patch"
    );
}
