//! Logins to clusters, what they may, and what is said where they may not.

use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicUsize, Ordering};

use regcred::yaml;
use regcred_sandbox::kubernetes::{Context, Deed, Meanwhile};
use regcred_sandbox::{Fault, Kind, Moment, Service, World};
use serde_json::{Map, Value, json};

use super::{ONE, asked, assert_pulls, file, of_world, one, place, sentence, write_kubeconfig};
use crate::ends::{LIMIT, start};
use crate::leak::{clean_run, forms};
use crate::place::{ONE_STACK, OTHER_TOKEN, Place, TOKEN, USER};
use crate::strike::{in_parallel, sample};
use crate::world::assert_holds;

/// The default world, with a context `prod` whose user may do what these manifests say.
fn limited(text: &str, roles: &[Value]) -> Place {
    let mut world = World::default();
    world.kubernetes.add_user("prod", "prod", "deploy");
    let prod = world.kubernetes.cluster_mut("prod");
    prod.add_namespace("team-a", &[("pull", "yes")]);
    prod.add_namespace("team-b", &[("pull", "yes")]);
    prod.put_service_account("default", "builder", &["theirs"]);
    roles.iter().for_each(|role| prod.grant_role("deploy", role));
    of_world(text, world)
}

/// Manifests as data.
pub(super) fn manifests(text: &str) -> Vec<Value> {
    yaml::documents(text).map(|document| data(&document.unwrap().root)).collect()
}

fn data(node: &yaml::Node) -> Value {
    match &node.kind {
        yaml::Kind::Scalar(scalar) => (&*scalar.text).into(),
        yaml::Kind::List(items) => items.iter().map(data).collect(),
        yaml::Kind::Map(entries) => {
            let entries = entries.iter().map(|entry| (entry.key.to_string(), data(&entry.value)));
            Value::Object(entries.collect::<Map<_, _>>())
        }
    }
}

/// Two ways to come to namespaces, in one configuration.
const BOTH: [&str; 2] = [
    "context: prod, selector: pull=yes, service-accounts: [default]",
    "context: prod, namespaces: [default], secret: pulls, service-accounts: [builder]",
];

/// The roles without one verb of one rule.
fn narrowed(roles: &[Value]) -> Vec<(String, Vec<Value>)> {
    let mut narrowed = Vec::new();
    for (role, manifest) in roles.iter().enumerate() {
        for (rule, content) in manifest["rules"].as_array().unwrap().iter().enumerate() {
            for (verb, name) in content["verbs"].as_array().unwrap().iter().enumerate() {
                let mut fewer = roles.to_vec();
                fewer[role]["rules"][rule]["verbs"].as_array_mut().unwrap().remove(verb);
                narrowed.push((format!("{name} of {content}"), fewer));
            }
        }
    }
    narrowed
}

/// A bootstrap, a changed token and a look: everything that a role is needed for.
fn whole_story(mut place: Place) -> Result<(), String> {
    {
        let mut state = place.sandbox.state();
        state.registry.add_account(USER, OTHER_TOKEN);
        // Somebody else writes the service accounts in between, so that they are read again.
        for namespace in ["default", "team-a"] {
            let rival = Meanwhile::before(&["patch"], "serviceaccounts", Deed::Touch).in_namespace(namespace);
            state.kubernetes.cluster_mut("prod").meanwhile.push(rival);
        }
    }
    let first = place.run(&["sync", "--yes"]);
    place.set("DOCKER_HUB_TOKEN", OTHER_TOKEN);
    let second = place.run(&["sync", "--yes"]);
    let third = place.run(&["verify"]);
    for ran in [first, second, third] {
        if ran.code != 0 {
            return Err(format!("{}\n{}", ran.stdout, ran.stderr));
        }
    }
    Ok(())
}

#[test]
fn the_roles_that_are_printed_suffice_and_without_any_verb_of_them_something_is_refused() {
    let text = file(&BOTH);
    let printed = limited(&text, &[]).run(&["rbac"]);
    let roles = manifests(&printed.ends(0).stdout);
    assert_eq!(roles.iter().map(|role| &role["kind"]).collect::<Vec<_>>(), ["ClusterRole", "Role"]);
    whole_story(limited(&text, &roles)).unwrap();
    let narrowed = narrowed(&roles);
    assert!(narrowed.len() >= 10, "{narrowed:#?}");
    in_parallel(&narrowed, |(what, fewer)| {
        // Without the right to list by name each is asked by itself: that works with the Role's right to get.
        let listed = what.starts_with("\"list\"") && !what.contains("namespaces");
        // Copies have a test of their own, below.
        let spared = listed || what.contains(".before-replace");
        assert!(spared || whole_story(limited(&text, fewer)).is_err(), "not needed: {what}");
    });
}

#[test]
fn the_roles_for_replacing_suffice_for_it_and_each_verb_on_the_copy_is_needed() {
    let text = file(&["context: prod, namespaces: [default], service-accounts: [default]"]);
    let roles = manifests(&limited(&text, &[]).run(&["rbac", "--allow-replace"]).ends(0).stdout);
    let replaced = |roles: &[Value]| {
        let place = limited(&text, roles);
        super::replace::old(place.sandbox.state().kubernetes.cluster_mut("prod"));
        place.run(&["sync", "--yes", "--allow-replace"]).code == 0
    };
    assert!(replaced(&roles));
    let narrowed = narrowed(&roles);
    let of_copy: Vec<_> = narrowed.iter().filter(|(what, _)| what.contains(".before-replace")).collect();
    let verbs: Vec<&str> = of_copy.iter().filter_map(|(what, _)| what.split(' ').next()).collect();
    assert_eq!(verbs, ["\"get\"", "\"delete\""]);
    in_parallel(&of_copy, |(what, fewer)| assert!(!replaced(fewer), "not needed: {what}"));
}

#[test]
fn with_the_roles_that_are_printed_a_namespace_that_is_deleted_meanwhile_is_skipped() {
    let text = file(&BOTH[..1]);
    let roles = manifests(&limited(&text, &[]).run(&["rbac"]).ends(0).stdout);
    let place = limited(&text, &roles);
    let gone = Meanwhile::before(&["patch"], "serviceaccounts", Deed::RemoveNamespace);
    place.sandbox.state().kubernetes.cluster_mut("prod").meanwhile.push(gone.in_namespace("team-a"));
    place.run(&["sync", "--yes"]).ends(0).says("1 skipped");
    assert_pulls(&place, "team-b", TOKEN);
}

#[test]
fn without_the_right_to_list_names_in_all_namespaces_each_is_asked_by_itself() {
    let text = file(&BOTH[..1]);
    let roles = manifests(&limited(&text, &[]).run(&["rbac"]).stdout.replace(", list, ", ", "));
    let place = limited(&text, &roles);
    let calls = place.sync();
    assert!(asked(&calls).iter().any(|request| request == "GET namespaces/team-b/secrets/docker-hub"));
    assert_pulls(&place, "team-b", TOKEN);
    place.sync_again();
}

#[test]
fn a_refusal_names_verb_resource_and_namespace_and_the_command_that_mends_it() {
    let text = file(&["context: prod, namespaces: [default], service-accounts: [default]"]);
    let place = limited(&text, &[]);
    let ran = place.run(&["sync", "--yes"]);
    // Nothing at all could be done.
    ran.ends(1);
    let words = sentence(&ran);
    for part in [
        "get secrets default/docker-hub: 403",
        "User \"deploy\" cannot get resource \"secrets\" in API group \"\" in the namespace \"default\"",
        "cannot get resource \"serviceaccounts\"",
        "regcred rbac prod | kubectl --context prod apply -f -",
    ] {
        assert!(words.contains(part), "no {part:?} in\n{words}");
    }
}

#[test]
fn a_login_that_may_only_read_plans_and_fails_only_where_it_writes() {
    let rules = json!([{ "apiGroups": [""], "resources": ["secrets", "serviceaccounts"], "verbs": ["get"] }]);
    let role = json!({ "kind": "Role", "metadata": { "namespace": "default" }, "rules": rules });
    let place = limited(ONE, &[role]);
    place.run(&["plan"]).ends(0).says("1 to create, 1 to update");
    let ran = place.run(&["sync", "--yes"]);
    ran.ends(1).says("create secrets default/docker-hub: 403").says("not started");
}

#[test]
fn rbac_asks_which_cluster_where_several_are_declared_and_needs_no_network() {
    let text = file(&["context: prod, namespaces: [a]", "context: \"eks:us/dev\", namespaces: [b]"]);
    let place = place(&text, |_| {});
    let (ran, calls) = place.watch(&["rbac"]);
    ran.ends(3).complains("several clusters are declared").complains("regcred rbac eks:us/dev");
    assert_eq!(calls.len(), 0);
    place.run(&["rbac", "prod"]).ends(0).says("namespace: \"a\"");
    place.run(&["rbac", "eks:us/dev"]).ends(0).says("namespace: \"b\"").says("--context eks:us/dev");
    place.run(&["rbac", "staging"]).ends(3).complains("the context `staging` is not declared");
    place.write("regcred.yaml", ONE_STACK);
    place.run(&["rbac"]).ends(3).complains("no cluster is declared");
}

#[test]
fn a_cluster_that_cannot_be_logged_in_to_costs_its_own_rows_and_no_others() {
    let text = file(&["context: prod, namespaces: [default]"])
        .replace("    to:\n", "    to:\n      aws: { stacks: { main: { region: us-east-2 } } }\n");
    type Spoiled = fn(&mut Place);
    let spoil: [(Spoiled, &str); 5] = [
        (|place| place.unset("KUBECONFIG"), "cannot be read"),
        (|place| place.edit("kubeconfig", "\"prod\"", "\"prdo\""), "did you mean prdo?"),
        (|place| place.edit("kubeconfig", "sandbox-token-of-prod-admin", "wrong"), "401"),
        (|place| place.write("kubeconfig", "users: [{name: x, user: {token: s3cret"), "is not valid YAML"),
        (
            |place| place.edit("kubeconfig", "http://127.0.0.1", "http://cluster.invalid"),
            "is not this machine",
        ),
    ];
    in_parallel(&spoil, |(spoil, words)| {
        let mut place = place(&text, |_| {});
        spoil(&mut place);
        let (ran, calls) = place.watch(&["sync", "--yes"]);
        let said = sentence(ran.ends(5));
        assert!(
            said.contains(*words) && said.contains("hint:") && !said.contains("s3cret"),
            "{words}: {said}"
        );
        assert!(calls.iter().any(|call| call.service == Service::Ecr && call.is_write), "{words}");
        // With nothing else to do it is no login at all.
        place.run(&["sync", "--yes", "--only", "kubernetes:"]).ends(4);
    });
}

#[test]
fn of_several_kubeconfigs_those_that_do_not_exist_are_passed_over() {
    let mut place = one();
    let path = place.repo().join("kubeconfig").display().to_string();
    for list in [format!("/nonexistent:{path}"), format!("{path}:/nonexistent")] {
        place.set("KUBECONFIG", &list);
        place.run(&["plan"]).ends(0).says("1 to create");
    }
    place.set("KUBECONFIG", "/nonexistent:/nonexistent-too");
    place.run(&["plan"]).says("the kubeconfig /nonexistent cannot be read");
}

#[test]
fn plain_http_to_another_machine_is_spoken_only_where_the_item_says_insecure() {
    let place = place(&file(&["context: prod, namespaces: [default]"]), |_| {});
    place.edit("kubeconfig", "http://127.0.0.1", "http://cluster.invalid");
    place.run(&["plan"]).says("spoken to without TLS").says("insecure: true");
    place.edit("regcred.yaml", "context: prod,", "context: prod, insecure: true,");
    let ran = place.run(&["plan"]);
    assert!(!ran.stdout.contains("spoken to without TLS"), "{}", ran.stdout);
}

#[test]
fn the_main_job_asks_nothing_of_clusters_and_needs_no_login_to_any() {
    let mut place = Place::with_one_stack(World::default());
    let requests = place.sync().len();
    let mut other = Place::with_one_stack(World::default());
    for place in [&mut place, &mut other] {
        place.set("KUBECONFIG", "/nonexistent");
    }
    let calls = other.sync();
    assert_eq!(calls.len(), requests);
    assert!(calls.iter().all(|call| call.service != Service::Kubernetes));
    assert_holds(&other.sandbox.state(), TOKEN);
}

/// A login plugin that writes down what it sees, and prints this.
fn plugin(place: &Place, script: &str) -> String {
    place.write(
        "bin/login",
        &format!("#!/bin/sh\nenv > \"{}\"\n{script}\n", place.repo().join("seen").display()),
    );
    let path = place.repo().join("bin/login");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

#[test]
fn a_login_plugin_of_the_kubeconfig_logs_in_and_gets_no_secret_of_regcreds() {
    let mut place = one();
    place.set("PULUMI_CONFIG_PASSPHRASE", "correct horse");
    let token = "sandbox-token-of-prod-admin-0123456789";
    let credential = json!({ "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": { "token": token } });
    let command = plugin(&place, &format!("echo '{credential}'"));
    place
        .sandbox
        .state()
        .kubernetes
        .contexts
        .insert("prod".to_owned(), Context::with_command("prod", &command, &[]));
    write_kubeconfig(&mut place);
    place.sync();
    assert_pulls(&place, "default", TOKEN);
    let seen = std::fs::read_to_string(place.repo().join("seen")).unwrap();
    assert!(seen.contains("KUBERNETES_EXEC_INFO="), "{seen}");
    for secret in [TOKEN, "correct horse", &place.sandbox.env()["GITHUB_TOKEN"]] {
        assert!(!seen.contains(secret), "{seen}");
    }
}

#[test]
fn a_token_file_may_end_with_a_newline() {
    let mut place = one();
    let path = place.repo().join("token");
    let user = json!({ "tokenFile": path.display().to_string() });
    let context = Context { cluster: "prod".to_owned(), namespace: None, user };
    place.sandbox.state().kubernetes.contexts.insert("prod".to_owned(), context);
    write_kubeconfig(&mut place);
    for end in ["\n", "\r\n", ""] {
        place.write("token", &format!("sandbox-token-of-prod-admin-0123456789{end}"));
        place.sync();
        assert_pulls(&place, "default", TOKEN);
    }
}

/// A service account's token lies in such a file, ends after an hour, and is renewed there by the kubelet.
#[test]
fn a_token_that_is_renewed_in_its_file_is_read_again_while_the_run_goes_on() {
    const FIRST: &str = "sandbox-token-of-prod-admin-0123456789";
    const SECOND: &str = "sandbox-token-of-prod-admin-9876543210";
    let mut place = one();
    let path = place.repo().join("token");
    let user = json!({ "tokenFile": path.display().to_string() });
    let context = Context { cluster: "prod".to_owned(), namespace: None, user };
    place.sandbox.state().kubernetes.contexts.insert("prod".to_owned(), context);
    write_kubeconfig(&mut place);
    place.write("token", FIRST);
    let reads = place.watch(&["plan"]).1.len();
    place.sandbox.clear_calls();
    let mut pause = place.sandbox.pause_at(reads, Moment::AfterEffect);
    let run = start(&mut place.command(&["sync", "--yes"]));
    assert!(pause.wait(LIMIT), "it wrote nothing");
    place.write("token", &format!("{SECOND}\n"));
    {
        let mut state = place.sandbox.state();
        let tokens = &mut state.kubernetes.cluster_mut("prod").tokens;
        let user = tokens.remove(FIRST).unwrap();
        tokens.insert(SECOND.to_owned(), user);
    }
    pause.release();
    let output = run.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
    assert_pulls(&place, "default", TOKEN);
}

#[test]
fn a_login_plugin_that_fails_is_told_without_what_it_printed() {
    let mut place = one();
    let command = plugin(&place, "echo t0ken-of-the-cluster; echo 'open a browser' >&2; exit 3");
    place
        .sandbox
        .state()
        .kubernetes
        .contexts
        .insert("prod".to_owned(), Context::with_command("prod", &command, &[]));
    write_kubeconfig(&mut place);
    let ran = place.run(&["sync", "--yes", "-vvv"]);
    ran.ends(4).complains("login: open a browser\n");
    let said = sentence(&ran);
    assert!(said.contains("/bin/login` exited with 3; "), "{said}");
    assert!(said.contains(" GITHUB_TOKEN ") && said.contains("withheld from it"), "{said}");
    assert_eq!(ran.stderr.matches("open a browser").count() + said.matches("open a browser").count(), 1);
    assert!(!ran.stdout.contains("t0ken") && !ran.stderr.contains("t0ken"), "{}\n{}", ran.stdout, ran.stderr);
}

#[test]
fn every_request_to_a_cluster_is_one_line_of_the_trace() {
    let place = one();
    let (ran, calls) = place.watch(&["sync", "--yes", "-vv"]);
    ran.ends(0).complains("/api/v1/namespaces/default/secrets");
    let lines = ran.stderr.lines().filter(|line| line.contains("answered")).count();
    assert_eq!(lines, calls.len(), "{}", ran.stderr);
}

#[test]
fn a_webhook_that_quotes_the_secret_is_told_without_it() {
    for status in [403, 500] {
        let place = place(ONE, |prod| prod.quoting_webhook = Some(status));
        let ran = place.run(&["sync", "--yes", "-vvv"]);
        let said = sentence(&ran);
        assert!(
            said.contains(&format!("create secrets default/docker-hub: {status} admission webhook")),
            "{said}"
        );
        assert!(said.contains("denied the request:") && said.contains("***"), "{said}");
        // How every configuration begins in base64.
        let opening = "eyJhdXRocyI6";
        assert!(
            !ran.stdout.contains(opening) && !ran.stderr.contains(opening),
            "{}\n{}",
            ran.stdout,
            ran.stderr
        );
    }
}

#[test]
fn no_run_against_a_cluster_says_a_secret_at_the_highest_verbosity_whatever_goes_wrong() {
    const CANARY: &str = "dckr_pat_c4nary\"\\&+/=%<>0123456789";
    let canaries: Vec<String> =
        [CANARY, "sandbox-token-of-prod-admin-0123456789"].into_iter().flat_map(forms).collect();
    let start = |old: bool| {
        let mut place = place(ONE, |prod| {
            if old {
                let config = json!({ "auths": { super::HUB: { "username": "acme", "password": "old-c4nary" }, "quay.io": { "auth": "old-c4nary" } } });
                prod.put_pull_secret("default", "docker-hub", &config);
            }
        });
        place.sandbox.state().registry.add_account(USER, CANARY);
        place.set("DOCKER_HUB_TOKEN", CANARY);
        place
    };
    let kinds =
        [Kind::Status(500), Kind::Status(403), Kind::ResetAfter, Kind::TruncatedBody, Kind::GarbageBody];
    let mut jobs = Vec::new();
    for old in [false, true] {
        let requests = start(old).watch(&["sync", "--yes", "--allow-replace"]).1.len();
        let requests: Vec<usize> = (0..requests).collect();
        for kind in &kinds {
            jobs.extend(
                sample(&requests, kind, usize::from(old)).into_iter().map(|index| (old, kind, index)),
            );
        }
    }
    let lines = AtomicUsize::new(0);
    in_parallel(&jobs, |(old, kind, index)| {
        let place = start(*old);
        place.sandbox.fault(Fault::nth(*index, (*kind).clone()).forever());
        for args in [&["sync", "--yes", "--allow-replace", "-vvv"][..], &["plan", "--json", "-vvv"]] {
            let ran = place.run(args);
            lines.fetch_add(clean_run(&ran, &canaries, &format!("{kind:?} at {index}")), Ordering::Relaxed);
            assert!(!ran.stdout.contains("old-c4nary") && !ran.stderr.contains("old-c4nary"));
        }
    });
    let lines = lines.into_inner();
    assert!(lines > 300, "only {lines} lines were looked at");
}
