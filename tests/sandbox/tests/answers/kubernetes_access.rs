//! Kubernetes: who asks, and what the rules let them do.

use regcred_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::client::{Kubernetes, pull_secret, start, start_with};

const SECRETS: &str = "/api/v1/namespaces/runai/secrets";

/// A sandbox with a user `bob` who has these grants.
fn bob(grants: &[(Option<&str>, Value)]) -> Sandbox {
    start_with(|world| {
        world.kubernetes.add_user("bob", "prod", "bob");
        let prod = world.kubernetes.cluster_mut("prod");
        grants.iter().for_each(|(namespace, rules)| prod.grant("bob", *namespace, rules));
    })
}

fn as_bob(sandbox: &Sandbox) -> Kubernetes<'_> {
    Kubernetes { token: "sandbox-token-of-bob-0123456789", ..Kubernetes::new(sandbox) }
}

fn rule(resources: &[&str], verbs: &[&str]) -> Value {
    json!([{ "apiGroups": [""], "resources": resources, "verbs": verbs }])
}

#[test]
fn a_wrong_token_is_401_and_no_token_is_somebody_who_may_nothing() {
    let sandbox = start();
    let answer = Kubernetes { token: "nonsense", ..Kubernetes::new(&sandbox) }.get(SECRETS);
    assert_eq!(
        answer.json(),
        json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": "Unauthorized", "reason": "Unauthorized", "code": 401,
        })
    );
    let answer = Kubernetes { token: "", ..Kubernetes::new(&sandbox) }.get(SECRETS);
    assert_eq!(answer.status, 403);
    assert!(answer.message().contains("User \"system:anonymous\" cannot list resource \"secrets\""));
}

#[test]
fn a_refusal_names_the_verb_the_resource_the_namespace_and_the_object() {
    let sandbox = bob(&[]);
    let bob = as_bob(&sandbox);
    let answer = bob.put(&format!("{SECRETS}/x"), &pull_secret("x", &json!({})));
    assert_eq!(
        answer.json(),
        json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": "secrets \"x\" is forbidden: User \"bob\" cannot update resource \"secrets\" in API group \"\" in \
                        the namespace \"runai\"",
            "reason": "Forbidden", "details": { "name": "x", "kind": "secrets" }, "code": 403,
        })
    );
    let words = |answer: crate::client::Answer| answer.message();
    assert_eq!(
        words(bob.post(SECRETS, &pull_secret("x", &json!({})))),
        "secrets is forbidden: User \"bob\" cannot create resource \"secrets\" in API group \"\" in the namespace \"runai\""
    );
    assert_eq!(
        words(bob.get("/api/v1/namespaces?labelSelector=a")),
        "namespaces is forbidden: User \"bob\" cannot list resource \"namespaces\" in API group \"\" at the cluster scope"
    );
    assert_eq!(
        words(bob.get("/api/v1/namespaces/runai")),
        "namespaces \"runai\" is forbidden: User \"bob\" cannot get resource \"namespaces\" in API group \"\" in the \
         namespace \"runai\""
    );
    assert_eq!(words(bob.get("/apis/apps/v1")), "forbidden: User \"bob\" cannot get path \"/apis/apps/v1\"");
}

#[test]
fn the_rules_come_before_whether_there_is_anything() {
    let sandbox = bob(&[]);
    let path = "/api/v1/namespaces/nowhere/secrets/x";
    assert_eq!(as_bob(&sandbox).get(path).status, 403);
    assert_eq!(Kubernetes::new(&sandbox).get(path).status, 404);
}

#[test]
fn a_role_reaches_its_own_namespace_and_a_cluster_role_every_one() {
    let sandbox =
        bob(&[(Some("runai"), rule(&["secrets"], &["get"])), (None, rule(&["serviceaccounts"], &["*"]))]);
    let bob = as_bob(&sandbox);
    assert_eq!(bob.get(&format!("{SECRETS}/x")).status, 404);
    assert_eq!(bob.get("/api/v1/namespaces/default/secrets/x").status, 403);
    assert_eq!(bob.get("/api/v1/namespaces/default/serviceaccounts/default").status, 200);
    assert_eq!(bob.get("/api/v1/serviceaccounts").status, 200);
    // All secrets at once take a grant for the whole cluster.
    assert_eq!(bob.get("/api/v1/secrets").status, 403);
}

#[test]
fn a_rule_with_names_lets_these_be_written_and_nothing_be_created() {
    let named = json!([{
        "apiGroups": [""], "resources": ["secrets"], "verbs": ["create", "update", "list"], "resourceNames": ["x"],
    }]);
    let sandbox = bob(&[(Some("runai"), named)]);
    let bob = as_bob(&sandbox);
    assert_eq!(bob.post(SECRETS, &pull_secret("x", &json!({}))).status, 403);
    assert_eq!(bob.put(&format!("{SECRETS}/x"), &pull_secret("x", &json!({}))).status, 404);
    assert_eq!(bob.put(&format!("{SECRETS}/y"), &pull_secret("y", &json!({}))).status, 403);
    assert_eq!(bob.get(SECRETS).status, 403);
    // A list of one name is a question about that name.
    assert_eq!(bob.get(&format!("{SECRETS}?fieldSelector=metadata.name%3Dx")).status, 200);
}

#[test]
fn a_printed_role_can_be_tried() {
    let sandbox = start_with(|world| {
        world.kubernetes.add_user("bob", "prod", "bob");
        let role = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
            "metadata": { "name": "regcred", "namespace": "runai" }, "rules": rule(&["secrets"], &["get", "create"]),
        });
        world.kubernetes.cluster_mut("prod").grant_role("bob", &role);
    });
    let bob = as_bob(&sandbox);
    assert_eq!(bob.post(SECRETS, &pull_secret("x", &json!({}))).status, 201);
    assert_eq!(bob.request("DELETE", &format!("{SECRETS}/x"), &Value::Null).status, 403);
}

#[test]
fn an_access_review_says_what_the_rules_say_and_writes_nothing() {
    let sandbox = bob(&[(Some("runai"), rule(&["secrets"], &["update"]))]);
    let bob = as_bob(&sandbox);
    let ask = |namespace: &str, verb: &str| {
        let attributes = json!({ "namespace": namespace, "verb": verb, "resource": "secrets" });
        let body = json!({
            "kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1",
            "spec": { "resourceAttributes": attributes },
        });
        let answer = bob.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", &body);
        assert_eq!(answer.status, 201);
        answer.json()["status"]["allowed"].as_bool().unwrap()
    };
    assert_eq!([ask("runai", "update"), ask("runai", "delete"), ask("", "update")], [true, false, false]);
    assert!(sandbox.calls().iter().all(|call| !call.is_write));
    let who = bob.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", &json!({})).json();
    assert_eq!(who["status"]["userInfo"]["username"], "bob");
}

#[test]
fn everybody_may_ask_for_the_version_and_the_resources() {
    let sandbox = bob(&[]);
    let bob = as_bob(&sandbox);
    let version = bob.get("/version").json();
    assert_eq!(
        (&version["major"], &version["minor"], &version["gitVersion"]),
        (&json!("1"), &json!("36"), &json!("v1.36.2"))
    );
    assert_eq!(bob.get("/readyz").text(), "ok");
    let group = bob.get("/apis/authorization.k8s.io/v1").json();
    assert_eq!(group["resources"][0]["kind"], "SelfSubjectAccessReview");
    assert_eq!(bob.get("/api/v1").json()["resources"].as_array().unwrap().len(), 3);
}

#[test]
fn a_path_that_nobody_serves_is_plain_text() {
    let sandbox = start();
    let answer = Kubernetes::new(&sandbox).get("/api/v1/namespaces/runai/nonsense");
    assert_eq!((answer.status, answer.text().as_str()), (404, "404 page not found\n"));
    assert_eq!(Kubernetes { cluster: "nowhere", ..Kubernetes::new(&sandbox) }.get("/version").status, 404);
}
