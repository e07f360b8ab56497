//! Secrets that have to be deleted and made again: nothing in them is lost, wherever the run ends.

use regcred_sandbox::kubernetes::{Cluster, Deed, Meanwhile};
use regcred_sandbox::{Fault, Kind, Moment, Service};
use serde_json::{Value, json};

use super::{HUB, ONE, asked, assert_pulls, file, place, sentence};
use crate::kill::{kill_at, moments};
use crate::place::{Place, TOKEN, USER, written};
use crate::strike::{in_parallel, sample};

const SYNC: [&str; 3] = ["sync", "--yes", "--allow-replace"];
const COPY: &str = "docker-hub.before-replace";
const CREATE: &str = "POST /api/v1/namespaces/{namespace}/secrets";

fn entry(user: &str, password: &str) -> Value {
    json!({ "username": user, "password": password })
}

/// An immutable secret with somebody's login, labels, an annotation, another key and an owner that only looks after it.
pub(super) fn old(prod: &mut Cluster) -> &mut Value {
    let config = json!({ "auths": { "quay.io": entry("robot", "r"), HUB: entry(USER, "old") } });
    let secret = prod.put_pull_secret("default", "docker-hub", &config);
    secret["immutable"] = true.into();
    secret["data"]["other"] = "aGVsbG8=".into();
    secret["metadata"]["labels"] = json!({ "team": "a" });
    secret["metadata"]["annotations"] = json!({ "note": "mine" });
    secret["metadata"]["ownerReferences"] =
        json!([{ "apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": "1" }]);
    secret
}

fn before() -> Place {
    place(ONE, |prod| {
        old(prod);
    })
}

#[test]
fn a_command_in_the_page_keeps_the_selection() {
    let place = before();
    place.run(&["plan", "--html", "page.html", "--only", "kubernetes:"]).ends(1);
    let page = std::fs::read_to_string(place.repo().join("page.html")).unwrap();
    assert!(page.contains("regcred sync --allow-replace --only kubernetes:"), "{page}");
}

/// What of the foreign parts is neither in the secret nor in its copy.
fn lost(cluster: &Cluster) -> Vec<&'static str> {
    let held = ["docker-hub", COPY].map(|name| (name, cluster.secret("default", name)));
    let anywhere = |has: &dyn Fn(&str, &Value) -> bool| {
        held.iter().any(|(name, secret)| secret.is_some_and(|secret| has(name, secret)))
    };
    let copied = |secret: &Value| {
        secret["metadata"]["annotations"]["regcred/copy-of"].as_str().unwrap_or("").to_owned()
    };
    let mut lost = Vec::new();
    let login = |name: &str, _: &Value| {
        let config = cluster.docker_config("default", name).unwrap_or_default();
        config["auths"]["quay.io"] == entry("robot", "r")
    };
    lost.extend((!anywhere(&login)).then_some("the login"));
    lost.extend((!anywhere(&|_, secret| secret["data"]["other"] == "aGVsbG8=")).then_some("the key"));
    lost.extend(
        (!anywhere(&|_, secret| secret["metadata"]["annotations"]["note"] == "mine"))
            .then_some("the annotation"),
    );
    let label = |_: &str, secret: &Value| {
        secret["metadata"]["labels"]["team"] == "a" || copied(secret).contains(r#""team":"a""#)
    };
    lost.extend((!anywhere(&label)).then_some("the label"));
    lost.extend(
        (!anywhere(&|_, secret| secret["metadata"]["ownerReferences"].is_array())).then_some("the owner"),
    );
    lost
}

/// Everything is in place, and no trace of the way is left.
fn assert_settled(place: &Place, at: &str) {
    assert_pulls(place, "default", TOKEN);
    let world = place.sandbox.snapshot();
    let cluster = &world.kubernetes.clusters["prod"];
    assert!(cluster.secret("default", COPY).is_none(), "{at}: the copy is left");
    assert_eq!(lost(cluster), [""; 0], "{at}");
    let secret = cluster.secret("default", "docker-hub").unwrap();
    assert_eq!(secret["metadata"]["labels"]["team"], "a", "{at}");
    assert_eq!(secret["metadata"]["annotations"], json!({ "note": "mine" }), "{at}");
    place.sync_again();
}

#[test]
fn a_secret_is_copied_and_the_new_one_tried_out_before_the_old_one_is_deleted() {
    let place = before();
    let (ran, calls) = place.watch(&SYNC);
    ran.ends(0).says("deleted and made again");
    let of_secret = |call: &&regcred_sandbox::Call| call.operation.contains("/secrets") && call.index > 0;
    let steps: Vec<String> = calls
        .iter()
        .filter(of_secret)
        .map(|call| {
            format!(
                "{} {}",
                call.method,
                if call.path.contains("dryRun=All") {
                    "dry"
                } else if call.path.contains(COPY) {
                    "copy"
                } else {
                    ""
                }
            )
        })
        .collect();
    let made: Vec<&str> = steps.iter().map(|step| step.trim()).skip_while(|step| *step != "POST").collect();
    assert_eq!(
        made[..7],
        ["POST", "POST dry", "DELETE", "POST", "GET copy", "DELETE copy", "PATCH"],
        "{steps:?}"
    );
    assert_settled(&place, "after one run");
}

#[test]
fn a_replacement_killed_at_any_request_loses_nothing_and_the_next_run_finishes_it() {
    let requests = before().watch(&SYNC).1.len();
    assert!(requests > 12, "only {requests} requests");
    let jobs: Vec<(usize, Moment)> =
        (0..requests).flat_map(|index| moments(index).iter().map(move |moment| (index, *moment))).collect();
    in_parallel(&jobs, |(index, moment)| {
        let place = before();
        let at = format!("request {index} {moment:?}");
        assert!(kill_at(&place, &SYNC, *index, *moment), "{at}");
        assert_eq!(lost(&place.sandbox.snapshot().kubernetes.clusters["prod"]), [""; 0], "{at}");
        let next = place.run(&SYNC);
        assert_eq!(next.code, 0, "{at}\n{}\n{}", next.stdout, next.stderr);
        assert_settled(&place, &at);
    });
}

#[test]
fn a_replacement_that_was_interrupted_is_finished_without_allowing_another() {
    let requests = before().watch(&SYNC).1;
    let deleted = requests.iter().find(|call| call.method == "DELETE").unwrap().index;
    for index in deleted..requests.len() {
        let place = before();
        if !kill_at(&place, &SYNC, index, Moment::AfterEffect) {
            continue;
        }
        place.run(&["sync", "--yes"]).ends(0);
        assert_settled(&place, &format!("request {index}"));
    }
}

#[test]
fn a_copy_that_a_killed_run_left_beside_the_old_secret_is_told_until_it_is_gone() {
    let copied = before().watch(&SYNC).1.iter().find(|call| call.operation == CREATE).unwrap().index;
    let place = before();
    assert!(kill_at(&place, &SYNC, copied, Moment::AfterEffect));
    for args in [&["plan"][..], &["verify"], &["sync", "--yes"]] {
        let ran = place.run(args);
        let said = sentence(&ran) + &ran.stderr;
        assert!(said.contains(&format!("an interrupted run left the copy {COPY}")), "{args:?}: {said}");
        assert!(said.contains(&format!("kubectl --context prod -n default delete secret {COPY}")), "{said}");
    }
    place.run(&SYNC).ends(0);
    assert_settled(&place, "told");
    assert!(!sentence(&place.run(&["plan"])).contains("an interrupted run"));
}

#[test]
fn no_fault_at_any_request_of_a_replacement_loses_anything() {
    let calls = before().watch(&SYNC).1;
    let requests: Vec<usize> =
        calls.iter().filter(|call| call.service == Service::Kubernetes).map(|call| call.index).collect();
    let kinds = [
        Kind::Status(500),
        Kind::Status(403),
        Kind::ResetBefore,
        Kind::ResetAfter,
        Kind::TruncatedBody,
        Kind::GarbageBody,
    ];
    let mut jobs = Vec::new();
    for kind in &kinds {
        for (seed, forever) in [false, true].into_iter().enumerate() {
            jobs.extend(sample(&requests, kind, seed).into_iter().map(|index| (kind, index, forever)));
        }
    }
    in_parallel(&jobs, |(kind, index, forever)| {
        let place = before();
        let fault = Fault::nth(*index, (*kind).clone());
        place.sandbox.fault(if *forever { fault.forever() } else { fault });
        let ran = place.run(&SYNC);
        let at = format!("{kind:?} at {index}, for ever: {forever}\n{}\n{}", ran.stdout, ran.stderr);
        assert_eq!(lost(&place.sandbox.snapshot().kubernetes.clusters["prod"]), [""; 0], "{at}");
        place.sandbox.clear_faults();
        let next = place.run(&SYNC);
        assert_eq!(next.code, 0, "{at}\nthe next run\n{}\n{}", next.stdout, next.stderr);
        assert_settled(&place, &at);
    });
}

#[test]
fn a_server_that_does_not_take_the_new_secret_keeps_the_old_one_and_its_words_are_told() {
    for quota in [1, 2] {
        let place = before();
        place.sandbox.state().kubernetes.cluster_mut("prod").quota = Some(quota);
        let was =
            place.sandbox.snapshot().kubernetes.clusters["prod"].secret("default", "docker-hub").cloned();
        let (ran, calls) = place.watch(&SYNC);
        let said = sentence(&ran);
        assert!(said.contains("exceeded quota: team, requested: count/secrets=1"), "{said}");
        assert!(!said.contains("regcred rbac"), "{said}");
        assert!(!calls.iter().any(|call| call.method == "DELETE" && !call.path.contains(COPY)));
        let world = place.sandbox.snapshot();
        let cluster = &world.kubernetes.clusters["prod"];
        assert_eq!(cluster.secret("default", "docker-hub").cloned(), was, "{quota}");
        assert!(cluster.secret("default", COPY).is_none(), "{quota}");
    }
}

#[test]
fn where_the_new_secret_is_refused_all_the_same_the_old_one_is_put_back() {
    let place = before();
    let index = before().watch(&SYNC).1.iter().filter(|call| call.operation == CREATE).nth(2).unwrap().index;
    let words = "admission webhook \"policy.example.com\" denied the request: not now";
    place.sandbox.fault(Fault::nth(index, Kind::Say { status: 403, words: words.to_owned() }));
    let ran = place.run(&SYNC);
    let said = sentence(&ran);
    assert!(said.contains("denied the request: not now; what was there is put back"), "{said}");
    let world = place.sandbox.snapshot();
    let cluster = &world.kubernetes.clusters["prod"];
    let config = cluster.docker_config("default", "docker-hub").unwrap();
    assert_eq!(config["auths"][HUB], entry(USER, "old"));
    let secret = cluster.secret("default", "docker-hub").unwrap();
    assert_eq!(
        (&secret["immutable"], &secret["metadata"]["labels"]),
        (&json!(true), &json!({ "team": "a" }))
    );
    assert!(cluster.secret("default", COPY).is_none() && lost(cluster).is_empty());
}

#[test]
fn a_secret_with_a_finalizer_or_a_controller_is_not_made_again_even_when_told() {
    type Spoiled = fn(&mut Value);
    let cases: [(Spoiled, &str); 2] = [
        (
            |secret| secret["metadata"]["finalizers"] = json!(["example.com/keep"]),
            "and it has the finalizer example.com/keep",
        ),
        (
            |secret| secret["metadata"]["ownerReferences"][0]["controller"] = true.into(),
            "and ConfigMap owner writes it, and would put its own content back",
        ),
    ];
    for (spoil, words) in cases {
        let place = place(ONE, |prod| spoil(old(prod)));
        for args in [&SYNC[..], &["plan", "--allow-replace"]] {
            let (ran, calls) = place.watch(args);
            assert!(sentence(&ran).contains(words), "{}", ran.stdout);
            assert_eq!(written(&calls), [""; 0]);
        }
    }
}

#[test]
fn a_finalizer_that_comes_between_the_plan_and_the_deletion_keeps_the_secret() {
    let place = before();
    // The second time that the secret is read it is for the write.
    let index = before()
        .watch(&SYNC)
        .1
        .iter()
        .filter(|call| call.path.ends_with("/secrets/docker-hub") && call.method == "GET")
        .nth(1)
        .unwrap()
        .index;
    let mut pause = place.sandbox.pause_at(index, Moment::BeforeEffect);
    let child = place.command(&SYNC).stdout(std::process::Stdio::piped()).spawn().unwrap();
    assert!(pause.wait(std::time::Duration::from_secs(60)));
    {
        let mut state = place.sandbox.state();
        let prod = state.kubernetes.cluster_mut("prod");
        let secret = prod.namespaces.get_mut("default").unwrap().secrets.get_mut("docker-hub").unwrap();
        secret["metadata"]["finalizers"] = json!(["example.com/keep"]);
    }
    drop(pause);
    let output = child.wait_with_output().unwrap();
    assert_ne!(output.status.code(), Some(0));
    let world = place.sandbox.snapshot();
    assert!(world.kubernetes.clusters["prod"].secret("default", "docker-hub").unwrap()["metadata"]["deletionTimestamp"].is_null());
}

#[test]
fn a_copy_that_holds_something_else_is_never_written_over() {
    let place = place(ONE, |prod| {
        old(prod);
        prod.put_secret("default", COPY, "Opaque", &[("mine", "x")]);
    });
    let ran = place.run(&SYNC);
    let said = sentence(&ran);
    assert!(
        said.contains("holds something else") && said.contains(&format!("delete secret {COPY}")),
        "{said}"
    );
    let world = place.sandbox.snapshot();
    assert_eq!(world.kubernetes.clusters["prod"].secret("default", COPY).unwrap()["data"]["mine"], "eA==");
}

#[test]
fn a_secret_that_changes_between_the_copy_and_the_deletion_is_copied_again() {
    let place = before();
    let touched = Meanwhile::before(&["delete"], "secrets", Deed::Touch).named("docker-hub");
    place.sandbox.state().kubernetes.cluster_mut("prod").meanwhile.push(touched);
    place.run(&SYNC).ends(0);
    let world = place.sandbox.snapshot();
    let cluster = &world.kubernetes.clusters["prod"];
    assert_eq!(lost(cluster), [""; 0]);
    assert_eq!(
        cluster.secret("default", "docker-hub").unwrap()["metadata"]["annotations"]["sandbox/touched"],
        "1"
    );
}

#[test]
fn secrets_are_made_again_one_after_the_other() {
    let place = place(&file(&["context: prod, selector: pull=yes"]), |prod| {
        for number in 0..6 {
            let namespace = format!("team-{number}");
            prod.add_namespace(&namespace, &[("pull", "yes")]);
            prod.put_secret(&namespace, "docker-hub", "Opaque", &[("other", "hello")]);
        }
    });
    let (ran, calls) = place.watch(&SYNC);
    ran.ends(0);
    let order: Vec<String> = asked(&calls)
        .into_iter()
        .filter(|request| !request.starts_with("GET"))
        .filter_map(|request| Some(request.split('/').nth(1)?.to_owned()))
        .collect();
    let mut runs = order.clone();
    runs.dedup();
    assert_eq!(runs.len(), 6, "{order:?}");
}

#[test]
fn a_plan_shows_what_would_be_made_again_and_prints_the_command_that_does_it() {
    let place = before();
    let ran = place.run(&["plan", "--allow-replace"]);
    ran.ends(0).says("deleted and made again");
    let commands = ran.commands();
    assert!(
        commands.iter().any(|command| command.contains(&"--expect".to_owned())
            && command.contains(&"--allow-replace".to_owned())),
        "{}",
        ran.stdout
    );
}
