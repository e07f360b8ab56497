//! Whose login pods really pull with: held to the sandbox's own reading of the kubelet, which its code's answers hold.

use regcred_sandbox::kubernetes::Cluster;
use serde_json::{Value, json};

use super::{HUB, ONE, asked, file, of_world, one, place, sentence};
use crate::place::{OTHER_TOKEN, Place, TOKEN, USER, written};

const IMAGES: [&str; 2] = ["alpine", "acme/api"];

/// A pull secret `old` with another login under this key, which the service account names first.
fn put_old(cluster: &mut Cluster, key: &str, then: &[&str]) {
    let config = json!({ "auths": { key: { "username": "bob", "password": "old" } } });
    cluster.put_pull_secret("default", "old", &config);
    let names: Vec<&str> = std::iter::once("old").chain(then.iter().copied()).collect();
    cluster.put_service_account("default", "default", &names);
}

/// Our login, as kubectl would file it.
fn put_ours(cluster: &mut Cluster) -> &mut Value {
    let config = json!({ "auths": { HUB: { "username": USER, "password": TOKEN } } });
    cluster.put_pull_secret("default", "docker-hub", &config)
}

/// The passwords that the kubelet tries for an image in the pods of a service account.
fn tried(place: &Place, account: &str, image: &str) -> Vec<String> {
    let state = place.sandbox.snapshot();
    let steps = state.kubernetes.clusters["prod"].kubelet_tries("default", account, image);
    steps.unwrap_or_default().into_iter().flatten().map(|tried| tried.password).collect()
}

/// Nothing is said to be proven of the service account.
#[track_caller]
fn assert_not_proven(stdout: &str) {
    let proven = stdout.lines().any(|line| line.starts_with("proven") && line.contains("serviceaccount"));
    assert!(!proven, "{stdout}");
}

#[test]
fn where_another_pull_secret_keeps_the_kubelet_from_our_login_a_sync_files_it_where_it_is_tried() {
    let (old, ours) = (["old"].as_slice(), ["old", TOKEN].as_slice());
    // The key in the other secret; what is tried for each image before the sync, and after it; what verify ends with before.
    for (key, before, after, code) in [
        ("docker.io", [old, old], [ours, ours], 2),
        ("docker.io/acme", [&[TOKEN][..], old], [&[TOKEN][..], ours], 2),
        ("*.io", [old, old], [&[TOKEN, "old"][..], &[TOKEN, "old"][..]], 2),
        (HUB, [ours, ours], [ours, ours], 0),
    ] {
        let place = place(ONE, |prod| {
            put_old(prod, key, &["docker-hub"]);
            put_ours(prod);
        });
        for (image, before) in IMAGES.iter().zip(before) {
            assert_eq!(tried(&place, "default", image), before, "{key}, {image}");
        }
        let ran = place.run(&["verify"]);
        assert_not_proven(&ran.ends(code).stdout);
        assert!(sentence(&ran).contains(&format!("`{key}` of the pull secret old")), "{key}: {}", ran.stdout);
        let calls = place.sync();
        assert_eq!(written(&calls).len(), usize::from(code == 2), "{key}");
        for (image, after) in IMAGES.iter().zip(after) {
            assert_eq!(tried(&place, "default", image), after, "{key}, {image}");
        }
        let ran = place.run(&["verify"]);
        ran.ends(0);
        if key != "*.io" {
            assert_not_proven(&ran.stdout);
            ran.says(&format!("its pods try `{key}` of the pull secret old first, and docker-hub if that"));
        }
        place.sync_again();
    }
}

#[test]
fn a_login_is_filed_twice_only_where_the_kubelet_needs_it() {
    for (key, keys) in [("quay.io", &[HUB][..]), ("docker.io", &["docker.io", HUB][..])] {
        let place = place(ONE, |prod| put_old(prod, key, &[]));
        place.sync();
        let state = place.sandbox.snapshot();
        let config = state.kubernetes.clusters["prod"].docker_config("default", "docker-hub").unwrap();
        assert_eq!(config["auths"].as_object().unwrap().keys().collect::<Vec<_>>(), keys, "{key}");
        place.sync_again();
    }
}

#[test]
fn a_key_in_our_own_secret_that_keeps_the_kubelet_from_our_login_is_seen_without_any_service_account() {
    let place = place(&file(&["context: prod, namespaces: [default]"]), |prod| {
        let entry = |password: &str| json!({ "username": USER, "password": password });
        let config = json!({ "auths": { "docker.*": entry("old"), HUB: entry(TOKEN) } });
        prod.put_pull_secret("default", "docker-hub", &config);
        prod.put_service_account("default", "pods", &["docker-hub"]);
    });
    assert_eq!(tried(&place, "pods", "alpine"), ["old"]);
    let ran = place.run(&["plan"]);
    assert!(
        sentence(ran.ends(0)).contains("because of `docker.*` of the pull secret docker-hub"),
        "{}",
        ran.stdout
    );
    place.sync();
    assert_eq!(tried(&place, "pods", "alpine"), [TOKEN, "old"]);
    place.sync_again();
}

#[test]
fn a_pull_secret_that_the_kubelet_cannot_read_is_named_as_what_keeps_pods_from_pulling() {
    let place = place(ONE, |prod| {
        prod.put_pull_secret("default", "old", &json!({ "auths": { "quay.io": { "auth": "*" } } }));
        prod.put_service_account("default", "default", &["old"]);
    });
    let words = "its pods pull no image: the pull secret old: the entry `quay.io` has an `auth` that is not";
    let first = place.run(&["sync", "--yes"]);
    assert!(sentence(first.ends(5)).contains(words), "{}", first.stdout);
    assert_not_proven(&first.stdout);
    assert_eq!(tried(&place, "default", "alpine"), [""; 0]);
    for command in [&["verify"][..], &["sync", "--yes"]] {
        let ran = place.run(command);
        assert!(sentence(ran.ends(5)).contains(words), "{}", ran.stdout);
        assert_not_proven(&ran.stdout);
    }
    place.sandbox.state().kubernetes.cluster_mut("prod").put_pull_secret(
        "default",
        "old",
        &json!({ "auths": {} }),
    );
    place.run(&["verify"]).ends(0);
    assert_eq!(tried(&place, "default", "alpine"), [TOKEN]);
}

#[test]
fn after_a_rotation_an_old_login_in_another_pull_secret_is_told_and_no_longer_hides_the_new_one() {
    let mut place = place(ONE, |prod| {
        let config = json!({ "auths": { "docker.io": { "username": USER, "password": TOKEN } } });
        prod.put_pull_secret("default", "old", &config);
        prod.put_service_account("default", "default", &["old"]);
    });
    place.sync();
    // It is the same login: whichever is tried, it is ours.
    place.run(&["verify"]).ends(0).says("proven  kubernetes:prod/default/serviceaccount/default");
    place.change_token();
    assert_eq!(tried(&place, "default", "alpine"), [TOKEN]);
    let before = place.run(&["verify"]);
    assert_not_proven(&before.ends(2).stdout);
    place.sync();
    assert_eq!(tried(&place, "default", "alpine"), [TOKEN, OTHER_TOKEN]);
    let after = place.run(&["verify"]);
    assert_not_proven(&after.ends(0).stdout);
    assert!(
        sentence(&after).contains("its pods try `docker.io` of the pull secret old first"),
        "{}",
        after.stdout
    );
}

#[test]
fn verify_fails_where_an_old_login_keeps_the_kubelet_from_ours_and_ours_cannot_be_filed_beside_it() {
    let place = place(ONE, |prod| {
        put_old(prod, "docker.io", &["docker-hub"]);
        put_ours(prod)["immutable"] = true.into();
    });
    for command in [&["verify"][..], &["sync", "--yes"]] {
        let ran = place.run(command);
        assert_ne!(ran.code, 0, "{}", ran.stdout);
        assert_not_proven(&ran.stdout);
        assert!(sentence(&ran).contains("because of `docker.io` of the pull secret old"), "{}", ran.stdout);
    }
    assert_eq!(tried(&place, "default", "alpine"), ["old"]);
}

#[test]
fn a_pull_secret_that_may_not_be_read_is_said_to_be_unknown_and_is_no_error() {
    let mut world = regcred_sandbox::World::default();
    world.kubernetes.add_user("prod", "prod", "deploy");
    let prod = world.kubernetes.cluster_mut("prod");
    put_old(prod, "docker.io", &[]);
    prod.grant(
        "deploy",
        Some("default"),
        &json!([
            { "apiGroups": [""], "resources": ["secrets"], "verbs": ["create"] },
            { "apiGroups": [""], "resources": ["secrets"], "resourceNames": ["docker-hub"], "verbs": ["get", "patch"] },
            { "apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["get", "patch"] },
        ]),
    );
    let place = of_world(ONE, world);
    let words = "is not known: the pull secret old could not be read";
    for command in [&["sync", "--yes"][..], &["verify"]] {
        let ran = place.run(command);
        assert!(sentence(ran.ends(0)).contains(words), "{}", ran.stdout);
        assert_not_proven(&ran.stdout);
    }
    place.run(&["verify", "--image", "alpine"]).ends(2).says("whether that comes first is not known");
}

#[test]
fn the_other_pull_secrets_are_read_once_each_and_those_that_many_namespaces_have_are_listed() {
    let place = place(ONE, |prod| {
        put_old(prod, "quay.io", &["old", "gone"]);
        put_ours(prod);
    });
    let calls = asked(&place.watch(&["plan"]).1);
    let secrets =
        |name: &str| calls.iter().filter(|call| call.ends_with(&format!("/secrets/{name}"))).count();
    assert_eq!([secrets("old"), secrets("gone"), secrets("docker-hub")], [1, 1, 1]);
    assert_eq!(calls.len(), 5, "{calls:?}");
    let alone = one();
    alone.sync();
    assert_eq!(
        asked(&alone.watch(&["plan"]).1).len(),
        3,
        "nothing more is asked where an account has no other"
    );
}

/// A namespace for each of many teams, whose service accounts name a secret of their own as well.
fn crowd() -> Place {
    place(&file(&["context: prod, selector: pull=yes, service-accounts: [default]"]), |prod| {
        for number in 0..40 {
            let namespace = format!("team-{number:02}");
            prod.add_namespace(&namespace, &[("pull", "yes")]);
            let config = json!({ "auths": { HUB: { "username": "bob", "password": "old" } } });
            prod.put_pull_secret(&namespace, "old", &config);
            prod.put_service_account(&namespace, "default", &["old"]);
        }
    })
}

#[test]
fn what_is_alike_in_many_namespaces_is_read_by_a_list_and_told_in_a_line() {
    let place = crowd();
    place.sync();
    let (ran, calls) = place.watch(&["verify", "--image", "alpine"]);
    assert_eq!(asked(&calls).len(), 4, "namespaces, secrets, service accounts, and the others");
    let lines: Vec<&str> = ran.ends(2).stdout.lines().filter(|line| line.starts_with("differs")).collect();
    let line = "differs kubernetes:prod/team-00/serviceaccount/default and 39 more: alpine is pulled with another login, for \
                https://index.docker.io/v1/ of kubernetes:prod/team-00/secret/old, then for https://index.docker.io/v1/ of \
                kubernetes:prod/team-00/secret/docker-hub";
    assert_eq!(lines, [line]);
    ran.says("seen    kubernetes:prod/team-00/serviceaccount/default and 39 more: its pods try");
}

/// What `verify --image` says for every image and place, and what the sandbox's kubelet tries there.
#[test]
fn verify_says_for_each_service_account_which_logins_the_kubelet_tries_and_in_which_order() {
    let images = [
        "alpine",
        "acme/api:1",
        "docker.io/acme/api",
        "index.docker.io/library/alpine",
        "localhost/x",
        "Alpine/x",
        "ghcr.io/acme/api",
        "quay.io/acme/api",
        "registry-1.docker.io/library/alpine",
        "localhost:5000/x",
    ];
    let mut compared = 0;
    for key in
        ["docker.io", "docker.io/acme", "*.io", "docker.*", HUB, "ghcr.io", "quay.io/acme", "localhost"]
    {
        let place = place(
            &file(&[
                "context: prod, namespaces: [default], service-accounts: [default]",
                "context: prod, namespaces: [default], secret: alone",
            ]),
            |prod| put_old(prod, key, &[]),
        );
        place.sync();
        place.sandbox.state().kubernetes.cluster_mut("prod").put_service_account(
            "default",
            "pods",
            &["alone"],
        );
        let mut args = vec!["verify", "--json"];
        args.extend(images.iter().flat_map(|image| ["--image", image]));
        let lines = place.run(&args).lines();
        let said: Vec<&Value> = lines.iter().filter(|line| line["image"].is_string()).collect();
        assert_eq!(said.len(), images.len() * 2, "{key}");
        for line in said {
            let account =
                if line["place"].as_str().unwrap().ends_with("secret/alone") { "pods" } else { "default" };
            let image = line["image"].as_str().unwrap();
            let state = place.sandbox.snapshot();
            let tries = state.kubernetes.clusters["prod"].kubelet_tries("default", account, image).unwrap();
            let tries: Vec<Value> =
                tries.into_iter().flatten().map(|tried| json!([tried.secret, tried.key])).collect();
            let mut told: Vec<Value> = Vec::new();
            told.extend(line["row"].is_string().then(|| json!([line["row"], line["registry"]])));
            told.extend(
                line["then"].as_array().unwrap().iter().map(|then| json!([then["row"], then["registry"]])),
            );
            assert_eq!(told, tries, "{key}: {line}");
            let first =
                tries.first().map_or("none", |tried| if tried[0] == "old" { "other" } else { "ours" });
            assert_eq!(line["login"], first, "{key}: {line}");
            compared += 1;
        }
    }
    assert_eq!(compared, 8 * 10 * 2);
}

#[test]
fn an_image_on_a_host_that_the_kubelet_takes_for_docker_hub_is_said_to_be_pulled_otherwise_than_named() {
    let place = one();
    place.sync();
    let ran = place.run(&["verify", "--image", "localhost/x:1"]);
    assert!(sentence(ran.ends(2)).contains("the kubelet logs in there as at Docker Hub"), "{}", ran.stdout);
    let instead = |image: &str| {
        let lines = place.run(&["verify", "--json", "--image", image]).lines();
        let line = lines.iter().find(|line| line["image"] == image).unwrap().clone();
        (line["instead"].clone(), line["hint"].clone())
    };
    let (other, hint) = instead("localhost/x:1");
    assert_eq!(
        (&other, &hint),
        (&json!("localhost:443/x:1"), &json!("give the host a port: localhost:443/x:1"))
    );
    place.run(&["verify", "--image", "localhost:443/x:1"]).ends(0).says("is pulled anonymously");
    assert_eq!(instead("alpine:3").0, Value::Null, "no other name changes which login is tried");
    place.run(&["verify", "--image", "alpine:3"]).ends(0).says("is pulled with our login");
    place.run(&["verify", "--image", "quay.io/acme/api"]).ends(0).says("is pulled anonymously");
}

#[test]
fn a_login_that_is_filed_for_a_host_without_a_dot_is_not_taken_for_that_of_docker_hub() {
    let place = place(ONE, |prod| put_old(prod, "localhost", &[]));
    place.sync();
    let ran = place.run(&["verify", "--image", "localhost/x"]);
    ran.ends(0).says("localhost/x is pulled with another login, for localhost of");
}

#[test]
fn a_pull_secret_that_the_kubelet_cannot_read_makes_every_pull_a_refused_one() {
    let place = place(ONE, |prod| {
        prod.put_pull_secret("default", "old", &json!({ "auths": { "quay.io": { "auth": "*" } } }));
        prod.put_service_account("default", "default", &["old", "docker-hub"]);
        put_ours(prod);
    });
    let lines = place.run(&["verify", "--json", "--image", "alpine"]).lines();
    let line = lines.iter().find(|line| line["image"] == "alpine").unwrap();
    assert_eq!((&line["login"], &line["ok"]), (&json!("refused"), &json!(false)), "{line}");
    assert!(line["error"].as_str().unwrap().contains("the pull secret old: the entry `quay.io`"), "{line}");
}
