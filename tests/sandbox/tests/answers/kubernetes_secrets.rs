//! Kubernetes: creating and replacing secrets, and what is refused.

use serde_json::{Value, json};

use crate::client::{Answer, Kubernetes, pull_secret, start, start_with};

const LIST: &str = "/api/v1/namespaces/runai/secrets";
const ONE: &str = "/api/v1/namespaces/runai/secrets/docker-hub";
const HUB: &str = "https://index.docker.io/v1/";

pub(crate) fn config() -> Value {
    json!({ "auths": { HUB: { "username": "acme", "password": "s3cret", "auth": "YWNtZTpzM2NyZXQ=" } } })
}

/// Reason and message of a refusal.
pub(crate) fn refusal(answer: &Answer) -> (u16, String, String) {
    let body = answer.json();
    assert_eq!(
        (&body["kind"], &body["status"], &body["code"]),
        (&json!("Status"), &json!("Failure"), &json!(answer.status))
    );
    (answer.status, body["reason"].as_str().unwrap_or_default().to_owned(), answer.message())
}

#[test]
fn a_created_secret_is_shown_with_what_the_server_adds_and_works_for_the_kubelet() {
    let sandbox = start();
    let prod = Kubernetes::new(&sandbox);
    let made = prod.post(LIST, &pull_secret("docker-hub", &config()));
    assert_eq!(made.status, 201);
    let made = made.json();
    assert_eq!((&made["kind"], &made["apiVersion"]), (&json!("Secret"), &json!("v1")));
    for added in ["uid", "resourceVersion", "creationTimestamp", "managedFields"] {
        assert!(!made["metadata"][added].is_null(), "{added}");
    }
    assert_eq!(prod.get(ONE).json(), made);
    let state = sandbox.state();
    let cluster = &state.kubernetes.clusters["prod"];
    assert_eq!(
        cluster.kubelet_login("runai", "docker-hub", HUB),
        Some(("acme".to_owned(), "s3cret".to_owned()))
    );
}

#[test]
fn the_kubelet_reads_auths_only_prefers_auth_and_gives_up_at_a_bad_one() {
    let sandbox = start_with(|world| {
        let prod = world.kubernetes.cluster_mut("prod");
        let entry = json!({ "auth": "YWNtZTpzM2NyZXQ" });
        prod.put_pull_secret("runai", "legacy", &json!({ HUB: entry }));
        prod.put_pull_secret(
            "runai",
            "both",
            &json!({ "auths": { HUB: { "username": "x", "auth": "YWNtZTpzM2NyZXQ" } } }),
        );
        prod.put_pull_secret(
            "runai",
            "bad",
            &json!({ "auths": { HUB: entry, "ghcr.io": { "auth": "%%%" } } }),
        );
        prod.put_secret("runai", "opaque", "Opaque", &[(".dockerconfigjson", &config().to_string())]);
    });
    let state = sandbox.state();
    let login = |name: &str| state.kubernetes.clusters["prod"].kubelet_login("runai", name, HUB);
    assert_eq!(login("both"), Some(("acme".to_owned(), "s3cret".to_owned())));
    assert_eq!([login("legacy"), login("bad"), login("opaque")], [None, None, None]);
}

#[test]
fn what_is_there_already_is_409_and_what_is_not_there_404() {
    let sandbox = start();
    let prod = Kubernetes::new(&sandbox);
    let body = pull_secret("docker-hub", &config());
    assert_eq!(
        refusal(&prod.put(ONE, &body)),
        (404, "NotFound".to_owned(), "secrets \"docker-hub\" not found".to_owned())
    );
    prod.post(LIST, &body);
    let again = prod.post(LIST, &body);
    assert_eq!(
        refusal(&again),
        (409, "AlreadyExists".to_owned(), "secrets \"docker-hub\" already exists".to_owned())
    );
    assert_eq!(again.json()["details"], json!({ "name": "docker-hub", "kind": "secrets" }));
}

#[test]
fn a_namespace_that_is_gone_is_404_and_one_that_is_going_403_for_what_is_new() {
    let sandbox = start_with(|world| {
        let prod = world.kubernetes.cluster_mut("prod");
        prod.put_pull_secret("runai", "old", &config());
        prod.terminate_namespace("runai");
    });
    let prod = Kubernetes::new(&sandbox);
    let new = prod.post(LIST, &pull_secret("new", &config()));
    assert_eq!(
        refusal(&new),
        (
            403,
            "Forbidden".to_owned(),
            "secrets \"new\" is forbidden: unable to create new content in namespace runai because it is being terminated"
                .to_owned()
        )
    );
    assert_eq!(
        new.json()["details"]["causes"],
        json!([{
            "reason": "NamespaceTerminating", "message": "namespace runai is being terminated",
            "field": "metadata.namespace",
        }])
    );
    assert_eq!(prod.put(&format!("{LIST}/old"), &pull_secret("old", &json!({}))).status, 200);
    let gone = prod.post("/api/v1/namespaces/nowhere/secrets", &pull_secret("x", &config()));
    assert_eq!(refusal(&gone), (404, "NotFound".to_owned(), "namespaces \"nowhere\" not found".to_owned()));
    assert_eq!(gone.json()["details"]["kind"], "namespaces");
}

#[test]
fn the_type_cannot_be_changed_and_none_is_opaque() {
    let sandbox = start_with(|world| {
        world.kubernetes.cluster_mut("prod").put_secret("runai", "docker-hub", "Opaque", &[("a", "b")]);
    });
    let prod = Kubernetes::new(&sandbox);
    let answer = prod.put(ONE, &pull_secret("docker-hub", &config()));
    let message = "Secret \"docker-hub\" is invalid: type: Invalid value: \"kubernetes.io/dockerconfigjson\": field is immutable";
    assert_eq!(refusal(&answer), (422, "Invalid".to_owned(), message.to_owned()));
    assert_eq!(
        answer.json()["details"],
        json!({
            "name": "docker-hub", "kind": "Secret",
            "causes": [{
                "reason": "FieldValueInvalid", "field": "type",
                "message": "Invalid value: \"kubernetes.io/dockerconfigjson\": field is immutable",
            }],
        })
    );
    prod.post(LIST, &pull_secret("typed", &config()));
    let untyped = prod.put(&format!("{LIST}/typed"), &json!({ "metadata": { "name": "typed" } }));
    assert!(untyped.message().contains("type: Invalid value: \"Opaque\": field is immutable"));
}

#[test]
fn an_immutable_secret_keeps_its_data_and_stays_immutable_and_its_labels_change() {
    let sandbox = start_with(|world| {
        let secret = world.kubernetes.cluster_mut("prod").put_pull_secret("runai", "docker-hub", &config());
        secret["immutable"] = true.into();
    });
    let prod = Kubernetes::new(&sandbox);
    let answer = prod.put(ONE, &pull_secret("docker-hub", &json!({})));
    assert_eq!(
        refusal(&answer).2,
        "Secret \"docker-hub\" is invalid: [immutable: Forbidden: field is immutable when `immutable` is set, data: \
         Forbidden: field is immutable when `immutable` is set]"
    );
    let mut labelled = prod.get(ONE).json();
    labelled["metadata"]["labels"] = json!({ "run.ai/cluster-wide": "true" });
    assert_eq!(prod.put(ONE, &labelled).json()["metadata"]["labels"]["run.ai/cluster-wide"], "true");
}

#[test]
fn a_pull_secret_needs_its_key_with_a_json_object_and_nobody_asks_for_auths() {
    let sandbox = start();
    let prod = Kubernetes::new(&sandbox);
    let invalid = |body: &Value| {
        let message = prod.post(LIST, body).message();
        message.strip_prefix("Secret \"docker-hub\" is invalid: ").unwrap().to_owned()
    };
    let with = |encoded: &str| {
        json!({
            "metadata": { "name": "docker-hub" }, "type": "kubernetes.io/dockerconfigjson",
            "data": { ".dockerconfigjson": encoded },
        })
    };
    let mut missing = with("");
    missing["data"] = json!({ "dockerconfigjson": "e30=" });
    assert_eq!(invalid(&missing), "data[.dockerconfigjson]: Required value");
    let redacted = "data[.dockerconfigjson]: Invalid value: \"<secret contents redacted>\": ";
    assert_eq!(invalid(&with("")), format!("{redacted}unexpected end of JSON input"));
    assert_eq!(
        invalid(&with("W10=")),
        format!("{redacted}json: cannot unmarshal array into Go value of type map[string]interface {{}}")
    );
    assert_eq!(
        invalid(&with("eA==")),
        format!("{redacted}invalid character 'x' looking for beginning of value")
    );
    assert_eq!(prod.post(LIST, &pull_secret("no-auths", &json!({ HUB: { "auth": "eA==" } }))).status, 201);
}

#[test]
fn values_are_base64_with_line_breaks_if_need_be() {
    let sandbox = start();
    let prod = Kubernetes::new(&sandbox);
    let body = |value: Value| json!({ "metadata": { "name": "x" }, "data": { "key": value } });
    let answer = prod.post(LIST, &body(json!("not base64")));
    let words = "Secret in version \"v1\" cannot be handled as a Secret: illegal base64 data at input byte 3";
    assert_eq!(refusal(&answer), (400, "BadRequest".to_owned(), words.to_owned()));
    assert!(prod.post(LIST, &body(json!("YQ"))).message().contains("illegal base64 data at input byte 0"));
    assert!(
        prod.post(LIST, &body(json!(7)))
            .message()
            .contains("json: cannot unmarshal number into Go struct field")
    );
    // GNU base64 wraps at 76 characters, and the server does not mind.
    assert_eq!(prod.post(LIST, &body(json!("YWFh\nYQ==\n"))).json()["data"]["key"], "YWFhYQ==");
}

#[test]
fn string_data_goes_over_data_and_is_never_shown() {
    let sandbox = start();
    let prod = Kubernetes::new(&sandbox);
    let body = json!({
        "metadata": { "name": "x" }, "data": { "a": "YQ==", "b": "YQ==" }, "stringData": { "b": "new", "c": "c" },
    });
    let made = prod.post(LIST, &body).json();
    assert_eq!(made["data"], json!({ "a": "YQ==", "b": "bmV3", "c": "Yw==" }));
    assert!(made["stringData"].is_null());
    assert_eq!(made["type"], "Opaque");
}

#[test]
fn a_label_at_the_wrong_indent_is_refused_when_strict_and_lost_with_a_warning_when_not() {
    let sandbox = start();
    let prod = Kubernetes::new(&sandbox);
    let mut body = pull_secret("docker-hub", &config());
    body["metadata"]["runai/cluster-wide"] = "true".into();
    body["metadata"]["labels"] = Value::Null;
    let strict = prod.post(&format!("{LIST}?fieldValidation=Strict"), &body);
    let words = "Secret in version \"v1\" cannot be handled as a Secret: strict decoding error: unknown field \
                 \"metadata.runai/cluster-wide\"";
    assert_eq!(refusal(&strict), (400, "BadRequest".to_owned(), words.to_owned()));
    let lax = prod.post(LIST, &body);
    assert_eq!(lax.status, 201);
    assert_eq!(lax.header("warning"), Some("299 - \"unknown field \\\"metadata.runai/cluster-wide\\\"\""));
    assert!(lax.json()["metadata"]["labels"].is_null());
    assert_eq!(sandbox.violations().len(), 1);
    body["metadata"]["name"] = "quiet".into();
    assert_eq!(prod.post(&format!("{LIST}?fieldValidation=Ignore"), &body).header("warning"), None);
    assert_eq!(prod.post(&format!("{LIST}?fieldValidation=Srict"), &body).status, 422);
}

#[test]
fn names_labels_and_keys_have_their_letters() {
    let sandbox = start();
    let prod = Kubernetes::new(&sandbox);
    let cases = [
        (
            json!({ "metadata": { "name": "Docker_Hub" } }),
            "metadata.name: Invalid value: \"Docker_Hub\": a lowercase RFC 1123 subdomain",
        ),
        (json!({ "metadata": {} }), "metadata.name: Required value: name or generateName is required"),
        (
            json!({ "metadata": { "name": "x", "labels": { "a b": "c" } } }),
            "metadata.labels: Invalid value: \"a b\": name part must consist",
        ),
        (
            json!({ "metadata": { "name": "x", "labels": { "a": "b c" } } }),
            "metadata.labels: Invalid value: \"b c\": a valid label must be",
        ),
        (
            json!({ "metadata": { "name": "x" }, "data": { "a/b": "" } }),
            "data[a/b]: Invalid value: \"a/b\": a valid config key",
        ),
    ];
    for (body, words) in cases {
        let answer = prod.post(LIST, &body);
        assert_eq!(answer.status, 422, "{body}");
        assert!(answer.message().contains(words), "{}", answer.message());
    }
}

#[test]
fn a_replace_with_an_old_version_is_a_conflict_and_one_without_a_version_goes_over_anything() {
    let sandbox = start();
    let prod = Kubernetes::new(&sandbox);
    let first = prod.post(LIST, &pull_secret("docker-hub", &config())).json();
    let mut second = first.clone();
    second["metadata"]["labels"] = json!({ "a": "b" });
    let second = prod.put(ONE, &second).json();
    assert_ne!(first["metadata"]["resourceVersion"], second["metadata"]["resourceVersion"]);
    let message = "Operation cannot be fulfilled on secrets \"docker-hub\": the object has been modified; please apply your \
                   changes to the latest version and try again";
    assert_eq!(refusal(&prod.put(ONE, &first)), (409, "Conflict".to_owned(), message.to_owned()));
    let unconditional = prod.put(ONE, &pull_secret("docker-hub", &config())).json();
    assert!(unconditional["metadata"]["labels"].is_null());
    assert_eq!(unconditional["metadata"]["uid"], first["metadata"]["uid"]);
}

#[test]
fn a_write_that_changes_nothing_keeps_the_version() {
    let sandbox = start();
    let prod = Kubernetes::new(&sandbox);
    let made = prod.post(LIST, &pull_secret("docker-hub", &config())).json();
    assert_eq!(prod.put(ONE, &made).json(), made);
}

#[test]
fn a_replace_of_what_was_deleted_meanwhile_is_a_conflict_where_it_carries_a_uid() {
    let sandbox = start();
    let prod = Kubernetes::new(&sandbox);
    let made = prod.post(LIST, &pull_secret("docker-hub", &config())).json();
    assert_eq!(prod.request("DELETE", ONE, &Value::Null).status, 200);
    let uid = made["metadata"]["uid"].as_str().unwrap();
    let answer = prod.put(ONE, &made);
    let message = format!(
        "Operation cannot be fulfilled on secrets \"docker-hub\": StorageError: invalid object, Code: 4, Key: \
         /registry/secrets/runai/docker-hub, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in \
         precondition: {uid}, UID in object meta: "
    );
    assert_eq!(refusal(&answer), (409, "Conflict".to_owned(), message));
}

#[test]
fn a_body_is_of_its_path() {
    let sandbox = start();
    let prod = Kubernetes::new(&sandbox);
    let mut body = pull_secret("docker-hub", &config());
    prod.post(LIST, &body);
    let wrong = |path: &str, body: &Value| refusal(&prod.put(path, body)).2;
    assert_eq!(
        wrong(&format!("{LIST}/other"), &body),
        "the name of the object (docker-hub) does not match the name on the URL (other)"
    );
    assert_eq!(
        wrong(ONE, &json!({})),
        "the name of the object (docker-hub based on URL) was undeterminable: name must be provided"
    );
    body["metadata"]["namespace"] = "default".into();
    assert_eq!(
        wrong(ONE, &body),
        "the namespace of the provided object does not match the namespace sent on the request"
    );
    body["kind"] = "ConfigMap".into();
    assert!(
        wrong(ONE, &body)
            .starts_with("ConfigMap in version \"v1\" cannot be handled as a Secret: converting")
    );
    let text = prod.send("POST", LIST, &[("content-type", "text/plain")], &body);
    assert_eq!((text.status, text.json()["reason"].clone()), (415, json!("UnsupportedMediaType")));
}

#[test]
fn a_new_object_brings_no_version() {
    let sandbox = start();
    let mut body = pull_secret("docker-hub", &config());
    body["metadata"]["resourceVersion"] = "7".into();
    let answer = Kubernetes::new(&sandbox).post(LIST, &body);
    let message = "resourceVersion should not be set on objects to be created";
    assert_eq!(refusal(&answer), (500, String::new(), message.to_owned()));
}

#[test]
fn a_dry_run_checks_and_writes_nothing() {
    let sandbox = start();
    let prod = Kubernetes::new(&sandbox);
    let path = format!("{LIST}?dryRun=All");
    assert_eq!(prod.post(&path, &pull_secret("docker-hub", &config())).status, 201);
    assert_eq!(prod.post(&path, &pull_secret("Docker Hub", &config())).status, 422);
    assert_eq!(prod.get(ONE).status, 404);
    assert!(sandbox.calls().iter().all(|call| !call.is_write));
}
