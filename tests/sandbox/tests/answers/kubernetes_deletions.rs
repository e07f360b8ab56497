//! Kubernetes: deleting secrets, with preconditions and finalizers.

use serde_json::{Value, json};

use crate::client::{Kubernetes, pull_secret, start, start_with};
use crate::kubernetes_secrets::{config, refusal};

const LIST: &str = "/api/v1/namespaces/runai/secrets";
const ONE: &str = "/api/v1/namespaces/runai/secrets/docker-hub";

#[test]
fn a_delete_tells_what_it_deleted_and_keeps_to_its_preconditions() {
    let sandbox = start();
    let prod = Kubernetes::new(&sandbox);
    let made = prod.post(LIST, &pull_secret("docker-hub", &config())).json();
    let uid = made["metadata"]["uid"].as_str().unwrap();
    let delete =
        |preconditions: Value| prod.request("DELETE", ONE, &json!({ "preconditions": preconditions }));
    let refused = delete(json!({ "uid": "another" }));
    let message = format!(
        "Operation cannot be fulfilled on secrets \"docker-hub\": the UID in the precondition (another) does not match the \
         UID in record ({uid}). The object might have been deleted and then recreated"
    );
    assert_eq!(refusal(&refused), (409, "Conflict".to_owned(), message));
    assert_eq!(delete(json!({ "resourceVersion": "1" })).status, 409);
    let deleted =
        delete(json!({ "uid": uid, "resourceVersion": made["metadata"]["resourceVersion"] })).json();
    assert_eq!(
        deleted,
        json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
            "details": { "name": "docker-hub", "kind": "secrets", "uid": uid },
        })
    );
    assert_eq!(delete(Value::Null).status, 404);
}

#[test]
fn a_finalizer_holds_a_deleted_secret_and_its_name() {
    let sandbox = start_with(|world| {
        let secret = world.kubernetes.cluster_mut("prod").put_pull_secret("runai", "docker-hub", &config());
        secret["metadata"]["finalizers"] = json!(["example.com/hold"]);
    });
    let prod = Kubernetes::new(&sandbox);
    let marked = prod.request("DELETE", ONE, &Value::Null).json();
    assert_eq!(marked["kind"], "Secret");
    assert!(marked["metadata"]["deletionTimestamp"].is_string());
    let again = prod.post(LIST, &pull_secret("docker-hub", &config()));
    assert_eq!(refusal(&again).2, "object is being deleted: secrets \"docker-hub\" already exists");
    prod.patch("merge-patch", ONE, &json!({ "metadata": { "finalizers": null } }));
    assert_eq!(prod.get(ONE).status, 404);
}
