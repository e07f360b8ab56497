//! Kubernetes: server-side apply of secrets.

use serde_json::{Value, json};

use crate::client::{Answer, Kubernetes, pull_secret, start, start_with};

const LIST: &str = "/api/v1/namespaces/runai/secrets";
const ONE: &str = "/api/v1/namespaces/runai/secrets/docker-hub";

fn body(config: &Value) -> Value {
    let mut body = pull_secret("docker-hub", config);
    (body["kind"], body["apiVersion"]) = ("Secret".into(), "v1".into());
    body
}

fn apply(prod: &Kubernetes<'_>, options: &str, body: &Value) -> Answer {
    prod.patch("apply-patch", &format!("{ONE}?fieldManager=regcred{options}"), body)
}

#[test]
fn an_apply_makes_what_is_not_there_and_does_nothing_the_second_time() {
    let sandbox = start();
    let prod = Kubernetes::new(&sandbox);
    let made = apply(&prod, "", &body(&json!({})));
    assert_eq!(made.status, 201);
    let owner = &made.json()["metadata"]["managedFields"][0];
    assert_eq!((&owner["manager"], &owner["operation"]), (&json!("regcred"), &json!("Apply")));
    assert_eq!(owner["fieldsV1"], json!({ "f:data": { "f:.dockerconfigjson": {} }, "f:type": {} }));
    let again = apply(&prod, "", &body(&json!({})));
    assert_eq!((again.status, again.json()), (200, made.json()));
}

#[test]
fn an_apply_over_what_another_client_made_is_a_conflict_until_it_is_forced() {
    let sandbox = start();
    let prod = Kubernetes::new(&sandbox);
    prod.post(&format!("{LIST}?fieldManager=kubectl-create"), &pull_secret("docker-hub", &json!({})));
    let answer = apply(&prod, "", &body(&json!({ "auths": {} })));
    assert_eq!(
        answer.json(),
        json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": "Apply failed with 1 conflict: conflict with \"kubectl-create\" using v1: .data..dockerconfigjson",
            "reason": "Conflict", "code": 409,
            "details": { "causes": [{
                "reason": "FieldManagerConflict", "message": "conflict with \"kubectl-create\" using v1",
                "field": ".data..dockerconfigjson",
            }] },
        })
    );
    assert_eq!(apply(&prod, "&force=true", &body(&json!({ "auths": {} }))).status, 200);
    assert_eq!(apply(&prod, "", &body(&json!({ "auths": { "x": {} } }))).status, 200);
}

#[test]
fn several_conflicts_are_listed_by_whose_they_are() {
    let sandbox = start();
    let prod = Kubernetes::new(&sandbox);
    let mut first = pull_secret("docker-hub", &json!({}));
    first["metadata"]["labels"] = json!({ "a": "1", "b": "1" });
    prod.post(&format!("{LIST}?fieldManager=helm"), &first);
    let mut second = body(&json!({}));
    second["metadata"]["labels"] = json!({ "a": "2", "b": "2" });
    assert_eq!(
        apply(&prod, "", &second).message(),
        "Apply failed with 2 conflicts: conflicts with \"helm\" using v1:\n- .metadata.labels.a\n- .metadata.labels.b"
    );
}

#[test]
fn what_is_not_applied_any_more_goes_and_what_others_set_stays() {
    let sandbox = start();
    let prod = Kubernetes::new(&sandbox);
    let mut labelled = body(&json!({}));
    labelled["metadata"]["labels"] = json!({ "mine": "1" });
    apply(&prod, "", &labelled);
    prod.patch(
        "merge-patch",
        &format!("{ONE}?fieldManager=other"),
        &json!({ "metadata": { "labels": { "theirs": "1" } } }),
    );
    let after = apply(&prod, "", &body(&json!({}))).json();
    assert_eq!(after["metadata"]["labels"], json!({ "theirs": "1" }));
}

#[test]
fn what_nobody_is_known_to_have_set_belongs_to_before_first_apply() {
    let sandbox = start_with(|world| {
        world.kubernetes.cluster_mut("prod").put_pull_secret("runai", "docker-hub", &json!({}));
    });
    let answer = apply(&Kubernetes::new(&sandbox), "", &body(&json!({ "auths": {} })));
    assert!(answer.message().contains("conflict with \"before-first-apply\" using v1"));
}

#[test]
fn an_apply_says_who_it_is_and_what_it_applies() {
    let sandbox = start();
    let prod = Kubernetes::new(&sandbox);
    let anonymous = prod.patch("apply-patch", ONE, &body(&json!({})));
    assert_eq!(
        anonymous.message(),
        "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch"
    );
    assert_eq!(apply(&prod, "", &pull_secret("docker-hub", &json!({}))).status, 400);
    let mut wrong = body(&json!({}));
    wrong["metadata"]["run.ai/x"] = "true".into();
    assert_eq!(
        apply(&prod, "", &wrong).message(),
        "failed to create typed patch object (runai/docker-hub; /v1, Kind=Secret): .metadata.run.ai/x: field not declared in \
         schema"
    );
}

#[test]
fn an_apply_that_makes_something_needs_create_beside_patch() {
    let sandbox = start_with(|world| {
        world.kubernetes.add_user("bob", "prod", "bob");
        let rules = json!([{ "apiGroups": [""], "resources": ["secrets"], "verbs": ["patch"] }]);
        world.kubernetes.cluster_mut("prod").grant("bob", Some("runai"), &rules);
    });
    let bob = Kubernetes { token: "sandbox-token-of-bob-0123456789", ..Kubernetes::new(&sandbox) };
    let answer = apply(&bob, "", &body(&json!({})));
    assert!(
        answer
            .message()
            .starts_with("secrets \"docker-hub\" is forbidden: User \"bob\" cannot create resource")
    );
}
