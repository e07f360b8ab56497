//! Who else writes to a cluster, and what it refuses: its own words, and no right for everybody.

use regcred_sandbox::kubernetes::{Deed, Meanwhile};
use regcred_sandbox::{Service, World};
use serde_json::{Value, json};

use super::{ONE, asked, assert_pulls, file, of_world, one, place, pull_secrets, sentence, write_kubeconfig};
use crate::place::{Place, TOKEN, written};

const LEFT: &str = "context: prod, namespaces: [default], service-accounts: [default], attach: false";

/// A service account whose list this manager wrote.
fn of_manager(manager: &str, list: &[&str]) -> Place {
    place(ONE, |prod| {
        let account = prod.put_service_account("default", "default", list);
        account["metadata"]["managedFields"] = json!([
            { "manager": "kubectl", "operation": "Update", "apiVersion": "v1", "time": "2026-03-01T00:00:00Z",
              "fieldsType": "FieldsV1", "fieldsV1": { "f:metadata": { "f:labels": {} } } },
            { "manager": manager, "operation": "Apply", "apiVersion": "v1", "time": "2026-02-01T00:00:00Z",
              "fieldsType": "FieldsV1", "fieldsV1": { "f:imagePullSecrets": {} } },
        ]);
    })
}

#[test]
fn whoever_else_writes_the_list_of_a_service_account_is_named_in_the_plan_and_by_verify() {
    let place = of_manager("argocd-controller", &["theirs"]);
    for args in [&["plan"][..], &["verify"]] {
        let said = sentence(&place.run(args));
        assert!(said.contains("does not name docker-hub; argocd-controller writes its list, too"), "{said}");
    }
    place.sync();
    let said = sentence(&place.run(&["plan", "-v"]));
    assert!(!said.contains("argocd"), "nobody else since our own write: {said}");
}

#[test]
fn a_manifest_that_is_applied_without_the_servers_writing_it_down_is_named() {
    // The server writes no manager down for an account that was made empty.
    let place = place(ONE, |prod| {
        let account = prod.put_service_account("default", "default", &["theirs"]);
        let manifest = json!({ "kind": "ServiceAccount", "imagePullSecrets": [{ "name": "theirs" }] });
        let applied = "kubectl.kubernetes.io/last-applied-configuration";
        account["metadata"]["annotations"] = json!({ applied: manifest.to_string() });
    });
    for args in [&["plan"][..], &["verify"]] {
        let said = sentence(&place.run(args));
        assert!(said.contains("does not name docker-hub; kubectl or Argo CD writes its list, too"), "{said}");
    }
    place.sync();
    assert!(!sentence(&place.run(&["plan", "-v"])).contains("Argo CD"));
}

#[test]
fn whoever_wrote_before_anything_was_written_down_is_nobody() {
    let place = place(ONE, |prod| {
        let account = prod.put_service_account("default", "default", &["theirs"]);
        account["metadata"]["managedFields"] = json!([
            { "manager": "before-first-apply", "operation": "Update", "apiVersion": "v1",
              "time": "2026-02-01T00:00:00Z", "fieldsType": "FieldsV1", "fieldsV1": { "f:imagePullSecrets": {} } },
        ]);
    });
    let said = sentence(&place.run(&["plan"]));
    assert!(said.contains("does not name docker-hub") && !said.contains("writes its list"), "{said}");
}

#[test]
fn whoever_writes_the_service_account_again_and_again_is_named() {
    let place = of_manager("kustomize-controller", &["theirs"]);
    let rival = Meanwhile::before(&["patch"], "serviceaccounts", Deed::Touch).times(1000);
    place.sandbox.state().kubernetes.cluster_mut("prod").meanwhile.push(rival);
    let said = sentence(place.run(&["sync", "--yes"]).ends(5));
    assert!(said.contains("again and again; kustomize-controller writes its list, too"), "{said}");
}

#[test]
fn a_service_account_that_is_left_to_its_manifest_is_never_written_and_what_to_add_is_printed() {
    let place = place(&file(&[LEFT]), |prod| {
        prod.put_service_account("default", "default", &["theirs"]);
    });
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    let said = sentence(ran.ends(0));
    assert!(said.contains("add to its manifest: imagePullSecrets: [{ name: docker-hub }]"), "{said}");
    assert_eq!(written(&calls), ["POST /api/v1/namespaces/{namespace}/secrets"]);
    assert_eq!(pull_secrets(&place, "default"), ["theirs"]);
    place
        .run(&["plan", "--detailed-exitcode"])
        .ends(2)
        .says("Nothing to write: 1 unchanged, 1 left to manifests.");
    let said = sentence(place.run(&["verify"]).ends(2));
    assert!(
        said.contains(
            "! differs serviceaccount/default does not name docker-hub, and is left to its manifest"
        ) && said.contains("Not in place: 1 differs")
            && !said.contains("proven kubernetes:prod/default/serviceaccount"),
        "{said}"
    );
    place.sandbox.state().kubernetes.cluster_mut("prod").put_service_account(
        "default",
        "default",
        &["docker-hub"],
    );
    place.run(&["verify"]).ends(0);
    assert_eq!(written(&place.sync()), [""; 0]);
    assert!(
        place
            .run(&["rbac"])
            .ends(0)
            .stdout
            .contains("resources: [serviceaccounts], resourceNames: [\"default\"], verbs: [get] }")
    );
}

#[test]
fn attach_without_service_accounts_is_refused_with_its_line() {
    let place = place(&file(&["context: prod, namespaces: [default], attach: false"]), |_| {});
    place
        .run(&["plan"])
        .ends(3)
        .complains("`attach: false` without `service-accounts`")
        .complains("regcred.yaml:");
}

#[test]
fn a_quota_is_told_in_the_servers_own_words_and_no_right_is_advised_for_it() {
    let place = place(ONE, |prod| prod.quota = Some(0));
    let said = sentence(&place.run(&["sync", "--yes"]));
    let words =
        "exceeded quota: team, requested: count/secrets=1, used: count/secrets=0, limited: count/secrets=0";
    assert!(said.contains(words) && !said.contains("regcred rbac"), "{said}");
}

#[test]
fn a_service_account_that_waits_for_a_secret_which_was_refused_is_not_called_wrong() {
    let place = place(ONE, |prod| {
        prod.quota = Some(0);
        prod.put_service_account("default", "default", &["docker-hub"]);
    });
    let ran = place.run(&["sync", "--yes"]);
    let said = sentence(ran.ends(5));
    assert!(said.contains("1 in place, 1 failed.") && !said.contains("serviceaccount/default"), "{said}");
}

/// A context whose user has no login at all.
fn anonymous() -> Place {
    let mut place = one();
    place.sandbox.state().kubernetes.contexts.get_mut("prod").unwrap().user = json!({});
    write_kubeconfig(&mut place);
    place
}

#[test]
fn whoever_the_server_calls_anonymous_is_not_logged_in_and_no_right_is_advised_for_everybody() {
    let place = anonymous();
    for args in [&["sync", "--yes"][..], &["plan"], &["verify"]] {
        let ran = place.run(args);
        let said = sentence(&ran) + &ran.stderr;
        assert!(said.contains("User \"system:anonymous\" cannot get resource \"secrets\""), "{said}");
        assert!(said.contains("log in to the cluster of context prod again"), "{said}");
        assert!(!said.contains("regcred rbac"), "{said}");
    }
    place.run(&["sync", "--yes"]).ends(4);
}

#[test]
fn two_teams_who_apply_their_roles_to_one_namespace_take_nothing_from_each_other() {
    let roles = |item: &str| place(&file(&[item]), |_| {}).run(&["rbac"]).ends(0).stdout.clone();
    let name = |text: &str| text.split("name: ").nth(1).unwrap().split(',').next().unwrap().to_owned();
    let one = roles("context: prod, namespaces: [default], secret: one");
    let two = roles("context: prod, namespaces: [default], secret: two");
    assert_ne!(name(&one), name(&two));
    assert!(one.contains(&format!("rolebinding {0} --role={0} ", name(&one))), "{one}");
}

#[test]
fn with_the_printed_roles_a_plan_of_an_absent_secret_is_refused_nothing() {
    let mut world = World::default();
    world.kubernetes.add_user("prod", "prod", "deploy");
    let place = of_world(ONE, world);
    let rules: Vec<Value> = place
        .run(&["rbac"])
        .stdout
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- "))
        .map(regcred_rule)
        .collect();
    let role = json!({ "kind": "Role", "metadata": { "namespace": "default" }, "rules": rules });
    place.sandbox.state().kubernetes.cluster_mut("prod").grant_role("deploy", &role);
    let (ran, calls) = place.watch(&["plan"]);
    ran.ends(0).says("1 to create");
    let refused: Vec<_> =
        calls.iter().filter(|call| call.status == Some(403)).map(|call| &call.path).collect();
    assert_eq!(refused, [""; 0]);
    assert_eq!(asked(&calls).len(), 4, "{:?}", asked(&calls));
    place.sync();
    assert_pulls(&place, "default", TOKEN);
}

/// A rule as it is printed, as JSON: its words are quoted where they have to be.
fn regcred_rule(rule: &str) -> Value {
    let mut quoted = String::new();
    for part in rule.split_inclusive(['{', '}', '[', ']', ':', ',', ' ']) {
        let (word, mark) = part.split_at(part.len() - 1);
        let bare = !word.is_empty() && !word.starts_with('"') && !word.ends_with('"');
        quoted += &if bare { format!("\"{word}\"{mark}") } else { part.to_owned() };
    }
    serde_json::from_str(&quoted).unwrap_or_else(|error| panic!("{quoted}: {error}"))
}

#[test]
fn every_request_to_a_cluster_says_that_it_is_regcreds() {
    let (_, calls) = one().watch(&["sync", "--yes"]);
    for call in calls.iter().filter(|call| call.service == Service::Kubernetes) {
        let agent = call.request_headers.get("user-agent").map_or("", String::as_str);
        assert!(agent.starts_with("regcred/"), "{}: {agent:?}", call.path);
    }
}
