//! What is in the secrets, and who names them.

use regcred_sandbox::kubernetes::{Deed, Meanwhile};
use regcred_sandbox::{Fault, Kind, Service};
use serde_json::{Value, json};

use super::{HUB, ONE, asked, assert_pulls, file, one, place, pull_secrets, sentence};
use crate::place::{OTHER_TOKEN, TOKEN, USER, written};

const PATCH_ACCOUNT: &str = "PATCH /api/v1/namespaces/{namespace}/serviceaccounts/{name}";
const PATCH_SECRET: &str = "PATCH /api/v1/namespaces/{namespace}/secrets/{name}";

fn entry(user: &str, password: &str) -> Value {
    json!({ "username": user, "password": password })
}

#[test]
fn a_pull_secret_reaches_its_namespace_and_service_account_and_a_second_run_writes_nothing() {
    let place = one();
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    ran.ends(0).says("2 applied, 2 proven by reading back");
    let mut requests = asked(&calls);
    requests[..3].sort();
    requests[6..].sort();
    assert_eq!(
        requests,
        [
            // Read, beside each other; and that there is no copy of the secret, because the secret is not there.
            "GET namespaces/default",
            "GET namespaces/default/secrets/docker-hub",
            "GET namespaces/default/serviceaccounts/default",
            "GET namespaces/default/secrets/docker-hub.before-replace",
            "POST namespaces/default/secrets",
            "PATCH namespaces/default/serviceaccounts/default",
            // Read back.
            "GET namespaces/default/secrets/docker-hub",
            "GET namespaces/default/serviceaccounts/default",
        ]
    );
    assert_pulls(&place, "default", TOKEN);
    assert_eq!(pull_secrets(&place, "default"), ["docker-hub"]);
    let again = place.sync();
    assert_eq!(written(&again), [""; 0]);
    assert_eq!(asked(&again).len(), 3, "a run with nothing to do");
}

#[test]
fn the_receipt_of_a_write_is_the_id_and_the_version_that_the_cluster_then_has() {
    let mut place = one();
    for again in [false, true] {
        let lines = place.run(&["sync", "--yes", "--json"]).ends(0).lines();
        let world = place.sandbox.snapshot();
        let cluster = &world.kubernetes.clusters["prod"];
        let written: Vec<_> = lines.iter().filter(|line| line["type"] == "apply_complete").collect();
        assert_eq!(written.len(), if again { 1 } else { 2 });
        for line in written {
            let namespace = &cluster.namespaces["default"];
            let (kind, things) = match line["address"].as_str().unwrap() {
                "kubernetes:prod/default/secret/docker-hub" => ("docker-hub", &namespace.secrets),
                _ => ("default", &namespace.service_accounts),
            };
            let metadata = &things[kind]["metadata"];
            assert!(metadata["uid"].is_string() && metadata["resourceVersion"].is_string(), "{metadata}");
            let receipt = json!({ "uid": metadata["uid"], "resource_version": metadata["resourceVersion"] });
            assert_eq!(line["receipt"], receipt);
        }
        place.change_token();
    }
    one().run(&["sync", "--yes", "-v"]).ends(0).complains("resource_version ");
}

#[test]
fn the_secret_is_what_kubectl_would_have_made_and_says_who_made_it() {
    let place = one();
    place.sync();
    let state = place.sandbox.state();
    let cluster = &state.kubernetes.clusters["prod"];
    let secret = cluster.secret("default", "docker-hub").unwrap();
    assert_eq!(secret["type"], "kubernetes.io/dockerconfigjson");
    assert_eq!(secret["metadata"]["labels"], json!({ "app.kubernetes.io/managed-by": "regcred" }));
    let mut expected = entry(USER, TOKEN);
    expected["auth"] =
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, format!("{USER}:{TOKEN}")).into();
    assert_eq!(cluster.docker_config("default", "docker-hub"), Some(json!({ "auths": { HUB: expected } })));
}

#[test]
fn a_changed_token_is_written_over_the_old_one() {
    let mut place = one();
    place.sync();
    place.change_token();
    place.run(&["plan"]).ends(0).says("another login for docker.io");
    let calls = place.sync();
    assert_eq!(written(&calls), [PATCH_SECRET]);
    assert_pulls(&place, "default", OTHER_TOKEN);
    place.sync_again();
}

#[test]
fn the_other_pull_secrets_of_a_service_account_survive() {
    let place = place(ONE, |prod| {
        prod.put_service_account("default", "default", &["theirs", "theirs-too"]);
    });
    place.sync();
    assert_eq!(pull_secrets(&place, "default"), ["theirs", "theirs-too", "docker-hub"]);
    place.sync_again();
}

#[test]
fn the_pull_secrets_that_somebody_else_adds_between_our_read_and_our_write_survive() {
    let place = place(ONE, |prod| {
        prod.put_service_account("default", "default", &["theirs"]);
        let rival =
            Meanwhile::before(&["patch", "update"], "serviceaccounts", Deed::AddPullSecret("rival".into()));
        prod.meanwhile.push(rival.times(3));
    });
    let calls = place.sync();
    assert_eq!(pull_secrets(&place, "default"), ["theirs", "rival", "rival-2", "rival-3", "docker-hub"]);
    let patches: Vec<_> =
        calls.iter().filter(|call| call.operation == PATCH_ACCOUNT).filter_map(|call| call.status).collect();
    assert_eq!(patches, [409, 409, 409, 200]);
    place.sync_again();
}

#[test]
fn a_service_account_that_never_stands_still_is_a_failure_and_loses_nothing() {
    let place = place(ONE, |prod| {
        let rival = Meanwhile::before(&["patch", "update"], "serviceaccounts", Deed::Touch);
        prod.meanwhile.push(rival.times(1000));
        prod.put_service_account("default", "default", &["theirs"]);
    });
    place.run(&["sync", "--yes"]).ends(5).says("somebody else writes the service account again and again");
    assert_eq!(pull_secrets(&place, "default"), ["theirs"]);
    assert_pulls(&place, "default", TOKEN);
}

#[test]
fn what_else_is_in_a_secret_stays() {
    let place = place(ONE, |prod| {
        let config = json!({
            "HttpHeaders": { "x": "y" },
            "auths": { "quay.io": entry("robot", "r"), HUB: { "auth": "b2xkOm9sZA==", "email": "e@example.com" } },
        });
        let secret = prod.put_pull_secret("default", "docker-hub", &config);
        secret["data"]["other"] = "aGVsbG8=".into();
        secret["metadata"]["labels"] = json!({ "team": "a" });
        secret["metadata"]["annotations"] = json!({ "note": "mine" });
    });
    place.sync();
    assert_pulls(&place, "default", TOKEN);
    let state = place.sandbox.snapshot();
    let cluster = &state.kubernetes.clusters["prod"];
    let config = cluster.docker_config("default", "docker-hub").unwrap();
    assert_eq!(config["HttpHeaders"], json!({ "x": "y" }));
    assert_eq!(config["auths"]["quay.io"], entry("robot", "r"));
    assert_eq!(config["auths"][HUB]["email"], "e@example.com");
    let secret = cluster.secret("default", "docker-hub").unwrap();
    assert_eq!(secret["data"]["other"], "aGVsbG8=");
    assert_eq!(secret["metadata"]["labels"], json!({ "team": "a" }), "it is not of our making");
    assert_eq!(secret["metadata"]["annotations"], json!({ "note": "mine" }));
    place.sync_again();
}

#[test]
fn credentials_of_two_registries_share_one_secret() {
    let mut place = place(
        "version: 1
credentials:
  docker-hub:
    to: { kubernetes: [{ context: prod, namespaces: [default], secret: pulls, service-accounts: [default] }] }
  ghcr:
    registry: ghcr.io
    to: { kubernetes: [{ context: prod, namespaces: [default], secret: pulls, service-accounts: [default] }] }
",
        |_| {},
    );
    let registry = place.sandbox.url(regcred_sandbox::Door::Registry);
    place.set("REGCRED_REGISTRY_ENDPOINTS", &format!("docker.io={registry},ghcr.io={registry}"));
    place.set("GHCR_USERNAME", USER);
    place.set("GHCR_TOKEN", "ghp_0123456789abcdefghij");
    place.sandbox.state().registry.add_account(USER, "ghp_0123456789abcdefghij");
    let calls = place.sync();
    assert_eq!(written(&calls).len(), 2, "one secret and one service account");
    let state = place.sandbox.snapshot();
    let cluster = &state.kubernetes.clusters["prod"];
    let found = |key: &str| cluster.kubelet_login("default", "pulls", key).map(|(_, token)| token);
    assert_eq!(found(HUB).as_deref(), Some(TOKEN));
    assert_eq!(found("ghcr.io").as_deref(), Some("ghp_0123456789abcdefghij"));
    place.sync_again();
}

#[test]
fn a_login_under_another_spelling_of_docker_hub_which_the_kubelet_would_take_is_changed_along() {
    let old = entry(USER, "old");
    let place = place(ONE, |prod| {
        prod.put_pull_secret(
            "default",
            "docker-hub",
            &json!({ "auths": { "docker.io": old, "docker.io/acme": old } }),
        );
    });
    place.sync();
    let state = place.sandbox.snapshot();
    let cluster = &state.kubernetes.clusters["prod"];
    let found = |key: &str| cluster.kubelet_login("default", "docker-hub", key).map(|(_, token)| token);
    assert_eq!(found("docker.io").as_deref(), Some(TOKEN));
    assert_eq!(found(HUB).as_deref(), Some(TOKEN));
    assert_eq!(found("docker.io/acme").as_deref(), Some("old"), "a key with a path is for a part of it only");
    place.sync_again();
}

#[test]
fn a_configuration_without_auths_which_the_api_takes_and_the_kubelet_does_not_is_mended() {
    let place = place(ONE, |prod| {
        prod.put_pull_secret("default", "docker-hub", &json!({ HUB: { "auth": "YWNtZTp4" } }));
    });
    place.run(&["plan"]).ends(0).says("no login for docker.io");
    place.sync();
    assert_pulls(&place, "default", TOKEN);
    place.sync_again();
}

#[test]
fn a_foreign_entry_that_costs_the_kubelet_the_whole_secret_is_blocked_and_replaced_when_told() {
    let place = place(ONE, |prod| {
        let config = json!({ "auths": { "quay.io": { "auth": "*" }, HUB: entry(USER, TOKEN) } });
        prod.put_pull_secret("default", "docker-hub", &config);
    });
    let ran = place.run(&["sync", "--yes"]);
    assert!(sentence(ran.ends(1)).contains("the entry `quay.io` has an `auth` that is not user:password"));
    place.run(&["sync", "--yes", "--allow-replace"]).ends(0);
    assert_pulls(&place, "default", TOKEN);
    place.sync_again();
}

#[test]
fn a_secret_that_a_controller_writes_is_left_to_it_and_the_controller_is_named() {
    let place = place(ONE, |prod| {
        let config = json!({ "auths": { HUB: entry(USER, "an earlier token") } });
        let secret = prod.put_pull_secret("default", "docker-hub", &config);
        secret["metadata"]["ownerReferences"] = json!([{
            "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "name": "hub", "uid": "1", "controller": true
        }]);
    });
    let ran = place.run(&["sync", "--yes"]);
    assert!(sentence(ran.ends(1)).contains("written by ExternalSecret hub"), "{}", ran.stdout);
}

/// A pull secret with these bytes for its configuration.
fn put_bytes(cluster: &mut regcred_sandbox::kubernetes::Cluster, config: &[u8]) {
    let data = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, config);
    cluster.put_pull_secret("default", "docker-hub", &json!({}))["data"][".dockerconfigjson"] = data.into();
}

#[test]
fn a_configuration_that_cannot_be_read_is_never_taken_for_an_empty_one() {
    for (config, words) in [
        (&br#"{"auths": {"quay.io": {"auth": "YTpi"}"#[..], "its configuration is not a JSON object"),
        (br#"{"auths": [{"auth": "YTpi"}]}"#, "its configuration has `auths`, which is not an object"),
        (
            br#"{"auths": {"quay.io": {}}, "HttpHeaders": 5}"#,
            "its configuration has `HttpHeaders`, which is not an object",
        ),
    ] {
        let place = place(ONE, |prod| put_bytes(prod, config));
        let (ran, calls) = place.watch(&["sync", "--yes"]);
        assert!(sentence(ran.ends(1)).contains(words), "{}", ran.stdout);
        assert!(!written(&calls).iter().any(|call| call.contains("secrets")), "{:?}", written(&calls));
        place.run(&["sync", "--yes", "--allow-replace"]).ends(0);
        assert_pulls(&place, "default", TOKEN);
        place.sync_again();
    }
}

#[test]
fn a_foreign_login_that_only_go_reads_stays_when_ours_is_written() {
    let deep = ["[".repeat(200), "]".repeat(200)].concat();
    let plain = r#""quay.io":{"username":"robot","password":"p"}"#;
    let cases: [(Vec<u8>, &str); 5] = [
        (
            b"{\"auths\":{\"quay.io\":{\"auth\":\"cm9ib3Q6cA==\",\"email\":\"\xe9\"}}}".into(),
            "\"email\":\"\u{fffd}\"",
        ),
        (
            br#"{"auths":{"quay.io":{"username":"robot","password":"\ud800"}}}"#.into(),
            r#""password":"\ufffd""#,
        ),
        (format!(r#"{{"auths":{{{plain}}},"auths":{{}}}}"#).into(), plain),
        (format!(r#"{{"Auths":{{{plain}}}}}"#).into(), plain),
        (format!(r#"{{"x":{deep},"auths":{{{plain}}}}}"#).into(), plain),
    ];
    for (config, kept) in cases {
        let place = place(ONE, |prod| put_bytes(prod, &config));
        place.sync();
        let state = place.sandbox.snapshot();
        let secret = state.kubernetes.clusters["prod"].secret("default", "docker-hub").unwrap();
        let data = secret["data"][".dockerconfigjson"].as_str().unwrap();
        let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, data).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains(kept) && text.contains(TOKEN), "{text}");
        place.sync_again();
    }
}

#[test]
fn the_logins_of_a_secret_of_the_older_type_go_on_in_the_new_one() {
    let older = json!({ "quay.io": entry("robot", "r"), HUB: entry(USER, "old"), "gcr.io": { "auth": "*" } });
    let place = place(ONE, |prod| {
        prod.put_secret(
            "default",
            "docker-hub",
            "kubernetes.io/dockercfg",
            &[(".dockercfg", &older.to_string())],
        );
    });
    place.run(&["sync", "--yes"]).ends(1).says("has the type kubernetes.io/dockercfg");
    place.run(&["sync", "--yes", "--allow-replace"]).ends(0);
    assert_pulls(&place, "default", TOKEN);
    let state = place.sandbox.snapshot();
    let theirs = state.kubernetes.clusters["prod"].kubelet_login("default", "docker-hub", "quay.io");
    assert_eq!(theirs, Some(("robot".to_owned(), "r".to_owned())));
    place.sync_again();
}

#[test]
fn a_broken_entry_for_a_registry_that_another_secret_declares_is_told_too() {
    let text = format!(
        "{ONE}  ghcr:\n    registry: ghcr.io\n    to: {{ kubernetes: [{{ context: prod, namespaces: [default] }}] }}\n"
    );
    let mut place = place(&text, |prod| {
        let config = json!({ "auths": { "ghcr.io": { "auth": "*" }, HUB: entry(USER, TOKEN) } });
        prod.put_pull_secret("default", "docker-hub", &config);
    });
    let registry = place.sandbox.url(regcred_sandbox::Door::Registry);
    place.set("REGCRED_REGISTRY_ENDPOINTS", &format!("docker.io={registry},ghcr.io={registry}"));
    place.set("GHCR_USERNAME", USER);
    place.set("GHCR_TOKEN", "ghp_0123456789abcdefghij");
    place.sandbox.state().registry.add_account(USER, TOKEN);
    let ran = place.run(&["plan"]);
    assert!(
        sentence(&ran).contains("the entry `ghcr.io` has an `auth` that is not user:password"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_secret_of_another_type_is_blocked_and_made_again_when_told_with_all_that_it_held() {
    let place = place(ONE, |prod| {
        let secret = prod.put_secret("default", "docker-hub", "Opaque", &[("other", "hello")]);
        secret["metadata"]["labels"] = json!({ "team": "a" });
        prod.put_service_account("default", "default", &["theirs"]);
    });
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    ran.ends(1).says("has the type Opaque, which cannot be changed").says("--allow-replace");
    assert_eq!(written(&calls), [""; 0]);
    place.run(&["sync", "--yes", "--allow-replace"]).ends(0).says("deleted and made again");
    assert_pulls(&place, "default", TOKEN);
    {
        let state = place.sandbox.state();
        let secret = state.kubernetes.clusters["prod"].secret("default", "docker-hub").unwrap();
        assert_eq!(secret["data"]["other"], "aGVsbG8=");
        assert_eq!(secret["metadata"]["labels"]["team"], "a");
    }
    assert_eq!(pull_secrets(&place, "default"), ["theirs", "docker-hub"]);
    place.sync_again();
}

#[test]
fn a_secret_that_is_made_again_keeps_every_foreign_login_that_can_be_read() {
    type Spoiled = fn(&mut Value);
    let spoil: [(&str, Spoiled); 3] = [
        ("another type", |secret| secret["type"] = "Opaque".into()),
        ("a foreign entry is broken", |_| {}),
        ("immutable and only our entry is broken", |secret| secret["immutable"] = true.into()),
    ];
    for (what, spoil) in spoil {
        let place = place(ONE, |prod| {
            let mut config = json!({ "auths": { "quay.io": entry("robot", "r"), HUB: entry(USER, "old") } });
            if what.contains("foreign") {
                config["auths"]["gcr.io"] = json!({ "auth": "*" });
            }
            if what.contains("our entry") {
                config["auths"][HUB] = json!({ "auth": "*" });
            }
            spoil(prod.put_pull_secret("default", "docker-hub", &config));
        });
        place.run(&["sync", "--yes", "--allow-replace"]).ends(0).says("deleted and made again");
        assert_pulls(&place, "default", TOKEN);
        let state = place.sandbox.snapshot();
        let cluster = &state.kubernetes.clusters["prod"];
        let theirs = cluster.kubelet_login("default", "docker-hub", "quay.io");
        assert_eq!(theirs, Some(("robot".to_owned(), "r".to_owned())), "{what}");
        place.sync_again();
    }
}

#[test]
fn an_immutable_secret_is_blocked_and_made_again_when_told_and_stays_immutable() {
    let place = place(ONE, |prod| {
        let config = json!({ "auths": { "quay.io": entry("robot", "r"), HUB: entry(USER, "old") } });
        prod.put_pull_secret("default", "docker-hub", &config)["immutable"] = true.into();
    });
    place.run(&["sync", "--yes"]).ends(1).says("another login for docker.io, and it is immutable");
    place.run(&["sync", "--yes", "--allow-replace"]).ends(0);
    assert_pulls(&place, "default", TOKEN);
    let state = place.sandbox.snapshot();
    let cluster = &state.kubernetes.clusters["prod"];
    assert_eq!(cluster.secret("default", "docker-hub").unwrap()["immutable"], true);
    assert_eq!(
        cluster.docker_config("default", "docker-hub").unwrap()["auths"]["quay.io"],
        entry("robot", "r")
    );
    place.sync_again();
}

#[test]
fn a_secret_that_somebody_makes_between_our_look_and_our_write_is_completed_and_not_lost() {
    let place = place(ONE, |prod| {
        let theirs = Deed::PutPullSecret(json!({ "auths": { "quay.io": entry("robot", "r") } }));
        prod.meanwhile.push(Meanwhile::before(&["create"], "secrets", theirs));
    });
    place.sync();
    assert_pulls(&place, "default", TOKEN);
    let state = place.sandbox.snapshot();
    let config = state.kubernetes.clusters["prod"].docker_config("default", "docker-hub").unwrap();
    assert_eq!(config["auths"]["quay.io"], entry("robot", "r"));
    place.sync_again();
}

#[test]
fn a_secret_that_changes_or_goes_between_our_read_and_our_write_is_read_again() {
    for deed in [Deed::Touch, Deed::Delete, Deed::Recreate] {
        let mut place = one();
        place.sync();
        place.change_token();
        let meanwhile = Meanwhile::before(&["patch"], "secrets", deed.clone());
        place.sandbox.state().kubernetes.cluster_mut("prod").meanwhile.push(meanwhile);
        place.sync();
        assert_pulls(&place, "default", OTHER_TOKEN);
        place.sync_again();
    }
}

#[test]
fn what_somebody_takes_away_right_after_the_write_is_told_by_the_proof() {
    let place = one();
    let gone = Meanwhile::before(&["get"], "secrets", Deed::Delete).named("docker-hub").times(2);
    place.sandbox.state().kubernetes.cluster_mut("prod").meanwhile.push(gone);
    let ran = place.run(&["sync", "--yes"]);
    ran.ends(5).says("it is not there").says("1 not as written");
    place.sync();
    assert_pulls(&place, "default", TOKEN);
}

#[test]
fn verify_proves_what_is_in_place_and_ends_with_2_where_it_is_not() {
    let place = one();
    place.sync();
    let (ran, calls) = place.watch(&["verify"]);
    ran.ends(0).says("proven  kubernetes:prod/default/secret/docker-hub by reading it back");
    assert_eq!(asked(&calls).len(), 3);
    place.sandbox.state().kubernetes.cluster_mut("prod").put_service_account(
        "default",
        "default",
        &["theirs"],
    );
    place.run(&["verify"]).ends(2).says("does not name docker-hub");
}

#[test]
fn a_service_account_that_comes_late_is_waited_for_and_that_is_said() {
    let place = place(ONE, |prod| {
        prod.late_service_account("default", "default", 3);
    });
    place.run(&["sync", "--yes"]).ends(0).complains("the service account default does not exist yet");
    assert_eq!(pull_secrets(&place, "default"), ["docker-hub"]);
    place.sync_again();
}

#[test]
fn a_service_account_that_never_comes_is_a_failure_with_the_command_that_makes_it() {
    let place = place(&file(&["context: prod, namespaces: [default], service-accounts: [builder]"]), |_| {});
    let ran = place.run(&["sync", "--yes"]);
    ran.ends(5).says("kubectl --context prod -n default create serviceaccount builder");
    assert_pulls(&place, "default", TOKEN);
}

#[test]
fn every_write_is_checked_strictly_and_none_is_accepted_without_effect() {
    let place = one();
    let calls = place.sync();
    let writes: Vec<_> = calls.iter().filter(|call| call.is_write).collect();
    assert_eq!(writes.len(), 2);
    assert!(writes.iter().all(|call| call.path.contains("fieldValidation=Strict")), "{writes:#?}");
}

#[test]
fn an_answer_that_is_lost_after_its_effect_is_asked_for_again_and_nothing_comes_twice() {
    for operation in ["POST /api/v1/namespaces/{namespace}/secrets", PATCH_ACCOUNT] {
        let place = one();
        place.sandbox.fault(Fault::on(Service::Kubernetes, operation, Kind::ResetAfter));
        place.sync();
        assert_pulls(&place, "default", TOKEN);
        assert_eq!(pull_secrets(&place, "default"), ["docker-hub"], "{operation}");
        place.sync_again();
    }
}
