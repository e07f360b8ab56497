//! Run:ai clusters, and Google's keys, which people use there.

use regcred_sandbox::Door;
use regcred_sandbox::kubernetes::{Deed, Meanwhile};
use serde_json::json;

use super::{assert_pulls, file, login, place, pull_secrets};
use crate::place::{TOKEN, written};

fn labels(place: &crate::place::Place, namespace: &str) -> serde_json::Value {
    let state = place.sandbox.state();
    state.kubernetes.clusters["prod"].secret(namespace, "docker-hub").unwrap()["metadata"]["labels"].clone()
}

#[test]
fn a_secret_for_the_whole_cluster_is_where_run_ai_looks_with_old_and_new_labels() {
    let place = place(&file(&["context: prod, runai: cluster"]), |_| {});
    place.run(&["sync", "--yes"]).ends(0).says("clusterWideSecret").says("within a minute");
    assert_pulls(&place, "runai", TOKEN);
    assert_eq!(
        labels(&place, "runai"),
        json!({
            "app.kubernetes.io/managed-by": "regcred",
            "run.ai/cluster-wide": "true",
            "run.ai/resource": "docker-registry",
            "runai/cluster-wide": "true",
        })
    );
    place.sync_again();
}

#[test]
fn a_label_that_landed_at_the_wrong_indent_is_put_where_run_ai_reads_it() {
    let place = place(&file(&["context: prod, runai: cluster"]), |prod| {
        // What `kubectl create --validate=warn` makes of the documented YAML: a secret without any label.
        let auths = json!({ "auths": { super::HUB: { "username": "acme", "password": TOKEN } } });
        prod.put_pull_secret("runai", "docker-hub", &auths);
    });
    place.run(&["plan"]).ends(0).says("without the labels run.ai/cluster-wide=true");
    let calls = place.sync();
    assert_eq!(written(&calls).len(), 1);
    assert!(calls.iter().filter(|call| call.is_write).all(|call| call.request_json()["data"].is_null()));
    assert_eq!(labels(&place, "runai")["runai/cluster-wide"], "true");
    place.sync_again();
}

#[test]
fn a_secret_that_is_gone_before_its_labels_are_set_is_told_and_not_made_empty() {
    let place = place(&file(&["context: prod, runai: { projects: all }"]), |prod| {
        let auths = json!({ "auths": { super::HUB: { "username": "acme", "password": TOKEN } } });
        prod.put_pull_secret("runai-team-a", "docker-hub", &auths);
        let gone = Meanwhile::before(&["get"], "secrets", Deed::Delete);
        prod.meanwhile.push(gone.in_namespace("runai-team-a"));
    });
    place.run(&["sync", "--yes"]).ends(5).says("the secret is gone").says("run it again");
    assert!(place.sandbox.state().kubernetes.clusters["prod"].secret("runai-team-a", "docker-hub").is_none());
    place.sync();
    assert_pulls(&place, "runai-team-a", TOKEN);
    place.sync_again();
}

#[test]
fn projects_are_found_by_their_label_and_else_where_run_ai_puts_them() {
    let item = "context: prod, runai: { projects: [team-a, other, fallback] }, service-accounts: [default]";
    let place = place(&file(&[item]), |prod| {
        prod.add_namespace("elsewhere", &[("runai/queue", "other")]);
        prod.add_namespace("runai-fallback", &[]);
    });
    place.sync();
    for namespace in ["runai-team-a", "elsewhere", "runai-fallback"] {
        assert_pulls(&place, namespace, TOKEN);
        assert_eq!(pull_secrets(&place, namespace), ["docker-hub"]);
        assert_eq!(labels(&place, namespace)["run.ai/resource"], "docker-registry");
    }
    assert_eq!(login(&place, "runai-team-b"), None);
    place.sync_again();
}

#[test]
fn all_projects_are_those_whose_namespaces_say_so() {
    let place = place(&file(&["context: prod, runai: { projects: all }"]), |_| {});
    place.run(&["sync", "--yes"]).ends(0).says("credential asset");
    for namespace in ["runai-team-a", "runai-team-b"] {
        assert_pulls(&place, namespace, TOKEN);
    }
    assert_eq!(login(&place, "runai"), None);
    place.sync_again();
}

#[test]
fn a_project_that_is_nowhere_is_blocked_by_the_name_of_its_namespace() {
    let place = place(&file(&["context: prod, runai: { projects: [nope] }"]), |_| {});
    place
        .run(&["sync", "--yes"])
        .ends(1)
        .says("kubernetes:prod/runai-nope")
        .says("the namespace does not exist");
}

/// A key file as Google gives it, with lines.
pub(super) const KEY: &str = "{
  \"type\": \"service_account\",
  \"project_id\": \"acme\",
  \"private_key_id\": \"0123456789abcdef\",
  \"private_key\": \"-----BEGIN PRIVATE KEY-----\\nMIIEvQ<>&\\u2028\\n-----END PRIVATE KEY-----\\n\",
  \"client_email\": \"ci@acme.iam.gserviceaccount.com\"
}";

/// A place whose credential is a Google key, kept so.
fn google(from: &str) -> crate::place::Place {
    let text = format!(
        "version: 1\ncredentials:\n  google:\n    registry: eu.gcr.io\n    from: {from}\n    to: {{ kubernetes: [{{ context: prod, runai: cluster }}] }}\n"
    );
    let mut place = place(&text, |_| {});
    let registry = place.sandbox.url(Door::Registry);
    place.set("REGCRED_REGISTRY_ENDPOINTS", &format!("eu.gcr.io={registry}"));
    place
}

fn private(place: &crate::place::Place, name: &str, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    place.write(name, text);
    std::fs::set_permissions(place.repo().join(name), std::fs::Permissions::from_mode(0o600)).unwrap();
}

fn held(place: &crate::place::Place) -> Option<(String, String)> {
    place.sandbox.state().kubernetes.clusters["prod"].kubelet_login("runai", "google", "eu.gcr.io")
}

#[test]
fn a_google_key_file_is_the_password_as_a_whole_under_the_registrys_own_key() {
    let place = google("{ file: key.json }");
    place.sandbox.state().registry.add_account("_json_key", KEY);
    private(&place, "key.json", &format!("{KEY}\n"));
    place.sync();
    assert_eq!(held(&place), Some(("_json_key".to_owned(), KEY.to_owned())));
    place.sync_again();
}

#[test]
fn a_google_key_with_lines_comes_through_the_environment_too() {
    let mut place = google("env");
    place.sandbox.state().registry.add_account("_json_key", KEY);
    place.set("GOOGLE_USERNAME", "_json_key");
    place.set("GOOGLE_TOKEN", KEY);
    place.sync();
    assert_eq!(held(&place), Some(("_json_key".to_owned(), KEY.to_owned())));
    place.sync_again();
}

#[test]
fn a_google_key_in_the_environment_may_have_the_final_newline_of_its_file() {
    let mut place = google("env");
    place.sandbox.state().registry.add_account("_json_key", KEY);
    place.set("GOOGLE_USERNAME", "_json_key");
    place.set("GOOGLE_TOKEN", &format!("{KEY}\n"));
    place.sync();
    assert_eq!(held(&place), Some(("_json_key".to_owned(), KEY.to_owned())));
    place.sync_again();
}

#[test]
fn a_google_key_in_base64_is_known_by_itself() {
    let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, KEY);
    let place = google("{ file: key.b64 }");
    place.sandbox.state().registry.add_account("_json_key_base64", &encoded);
    private(&place, "key.b64", &format!("{encoded}\n"));
    place.sync();
    assert_eq!(held(&place), Some(("_json_key_base64".to_owned(), encoded)));
}

#[test]
fn what_is_no_service_accounts_key_is_refused_before_anything_is_asked_of_a_cluster_and_without_its_text() {
    let mut place = google("env");
    place.set("GOOGLE_USERNAME", "_json_key");
    for key in [
        KEY.replace("service_account", "authorized_user"),
        "s3cret".to_owned(),
        KEY.replace("\"client", "\"c"),
    ] {
        place.set("GOOGLE_TOKEN", &key);
        let (ran, calls) = place.watch(&["sync", "--yes"]);
        ran.ends(3).complains("is not the JSON key of a Google service account");
        assert!(!ran.stderr.contains("s3cret") && !ran.stderr.contains("BEGIN"), "{}", ran.stderr);
        assert_eq!(written(&calls), [""; 0]);
    }
}
