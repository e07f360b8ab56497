//! What has burned users of RunPod's auths, from end to end.

use super::*;
use regcred_sandbox::runpod::{Api, Key, Rollouts};
use regcred_sandbox::{Fault, Kind, Moment, Pause};
use std::process::{Child, Stdio};
use std::time::Duration;

/// Another key than the one that may do everything.
fn log_in_with(place: &Place, key: Key) {
    let mut world = place.sandbox.state();
    let exported = world.runpod.exported_key.clone();
    world.runpod.keys.insert(exported, key);
}

fn ids(place: &Place, name: &str) -> Vec<String> {
    place.sandbox.state().runpod.auths_named(name).iter().map(|auth| auth.id.clone()).collect()
}

#[test]
fn a_template_that_lost_its_auth_because_somebody_deleted_it_gets_the_present_one() {
    let place = place(account());
    place.sync();
    let mut state = place.sandbox.state();
    let auth = state.runpod.auths[0].id.clone();
    state.runpod.remove_auth(&auth);
    state.runpod.outages.clear();
    drop(state);
    place.sync();
    assert_settled(&place.sandbox.state(), TOKEN);
    place.sync_again();
}

#[test]
fn endpoints_and_pods_do_not_follow_their_template_and_are_pointed_themselves() {
    let mut world = World::default();
    world.runpod.add_template("web", "acme/web:1");
    world.runpod.add_endpoint_from("web", "infer").add_workers(1);
    world.runpod.add_pod_from("web", "train");
    let place = place(world);
    let calls = place.sync();
    let patched: Vec<&str> = written(&calls).into_iter().filter(|call| call.starts_with("PATCH")).collect();
    assert_eq!(patched.len(), 3, "{patched:?}");
    assert_settled(&place.sandbox.state(), TOKEN);
}

/// A rotation that has come to the deletion of the earlier auth, and waits.
fn before_the_deletion(place: &Place) -> (Child, Pause) {
    // The deletion comes before the three lists that are the end of the run.
    let requests = rotating().sync().len();
    place.sandbox.clear_calls();
    let mut pause = place.sandbox.pause_at(requests - 4, Moment::BeforeEffect);
    let child =
        place.command(&["sync", "--yes"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    assert!(pause.wait(Duration::from_secs(60)), "the deletion is reached");
    let last = place.sandbox.calls().last().unwrap().operation.clone();
    assert_eq!(last, "DELETE /v2/registries/{id}");
    (child, pause)
}

#[test]
fn an_auth_that_a_pod_still_uses_is_kept_and_the_pod_named() {
    let place = rotating();
    let earlier = place.sandbox.state().runpod.auths[0].id.clone();
    let (child, pause) = before_the_deletion(&place);
    place.sandbox.state().runpod.add_pod("late", "acme/late:1").container.registry = Some(earlier.clone());
    pause.release();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("(late, acme/late:1) uses it") && said.contains("kept"), "{said}");
    assert!(place.sandbox.state().runpod.auth(&earlier).is_some());
    place.sync();
    assert_settled(&place.sandbox.state(), OTHER_TOKEN);
}

#[test]
fn a_template_that_loses_its_auth_with_the_deletion_gets_the_present_one_in_the_same_run() {
    let place = rotating();
    let earlier = place.sandbox.state().runpod.auths[0].id.clone();
    let (mut child, pause) = before_the_deletion(&place);
    // Somebody points it back between the look and the deletion, and RunPod empties it without a word.
    place.sandbox.state().runpod.templates[0].container.registry = Some(earlier.clone());
    pause.release();
    assert!(child.wait().unwrap().success());
    let world = place.sandbox.snapshot();
    assert!(world.runpod.auth(&earlier).is_none());
    assert!(holds(&world, world.runpod.templates[0].container.registry.as_deref(), OTHER_TOKEN));
    let calls = place.sandbox.calls();
    assert_eq!(written(&calls).last(), Some(&"PATCH /v2/templates/{id}"));
    place.sync_again();
}

#[test]
fn what_comes_to_use_a_second_earlier_auth_while_the_first_one_goes_keeps_it_until_a_later_run() {
    let rotated = || {
        let place = rotating();
        let second = place.sandbox.state().runpod.add_auth("docker-hub-acme-12ef12ef", USER, TOKEN);
        (place, second)
    };
    let is_deletion = |call: &&Call| call.operation == "DELETE /v2/registries/{id}";
    let (place, _) = rotated();
    let calls = place.sync();
    assert_eq!(calls.iter().filter(is_deletion).count(), 2);
    let first = calls.iter().position(|call| is_deletion(&call)).unwrap();

    let (place, second) = rotated();
    place.sandbox.clear_calls();
    let mut pause = place.sandbox.pause_at(first, Moment::BeforeEffect);
    let mut child =
        place.command(&["sync", "--yes"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    assert!(pause.wait(Duration::from_secs(60)), "the first deletion is reached");
    let asked = place.sandbox.calls().last().unwrap().path.clone();
    let spared = match asked.ends_with(&second) {
        true => place.sandbox.state().runpod.auths[0].id.clone(),
        false => second,
    };
    // Somebody points it at the earlier auth that is still there: another auth than it had when the run looked.
    place.sandbox.state().runpod.templates[2].container.registry = Some(spared.clone());
    pause.release();
    assert!(child.wait().unwrap().success());
    let state = place.sandbox.snapshot();
    assert_eq!(state.runpod.templates[2].container.registry.as_ref(), Some(&spared));
    assert!(state.runpod.auth(&spared).is_some());
    assert_eq!(state.runpod.outages, [""; 0]);
}

#[test]
fn of_two_templates_that_lose_their_auth_the_second_is_mended_though_the_first_cannot_be() {
    let place = rotating();
    let earlier = place.sandbox.state().runpod.auths[0].id.clone();
    let (mut child, pause) = before_the_deletion(&place);
    for template in place.sandbox.state().runpod.templates.iter_mut().take(2) {
        template.container.registry = Some(earlier.clone());
    }
    place.sandbox.fault(Fault::on(Service::RunPod, "PATCH /v2/templates/{id}", Kind::Status(403)));
    pause.release();
    assert_eq!(child.wait().unwrap().code(), Some(5));
    let world = place.sandbox.snapshot();
    let mended = world
        .runpod
        .templates
        .iter()
        .take(2)
        .filter(|template| holds(&world, template.container.registry.as_deref(), OTHER_TOKEN));
    assert_eq!(mended.count(), 1);
    place.sync();
    assert_points_again(&place);
}

/// Everything is in place again; that somebody pulled anonymously in between was their doing.
#[track_caller]
fn assert_points_again(place: &Place) {
    place.sandbox.state().runpod.outages.clear();
    assert_settled(&place.sandbox.state(), OTHER_TOKEN);
}

#[test]
fn a_pod_that_holds_its_former_auth_until_it_restarts_keeps_that_auth() {
    let place = rotating();
    place.sandbox.state().runpod.pods_hold = true;
    let (ran, _) = place.watch(&["sync", "--yes"]);
    ran.ends(0).says("1 skipped").complains("in use by a pod");
    assert_points(&place.sandbox.state(), OTHER_TOKEN);
    place.sandbox.state().runpod.restart_pods();
    place.sync();
    assert_settled(&place.sandbox.state(), OTHER_TOKEN);
}

#[test]
fn a_pod_of_a_cluster_cannot_be_changed_so_its_auth_stays_and_that_is_said() {
    let place = rotating();
    place.sandbox.state().runpod.pods[0].cluster = Some("cluster_1".to_owned());
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    ran.ends(5).says("part of the cluster cluster_1");
    assert!(!written(&calls).iter().any(|call| call.starts_with("DELETE")));
    assert_eq!(place.sandbox.state().runpod.auths.len(), 2);
    assert_eq!(place.sandbox.state().runpod.outages, [""; 0]);
}

#[test]
fn auths_of_other_people_are_left_and_deleted_only_when_told_to() {
    let mut world = account();
    let theirs = world.runpod.add_auth("docker-hub-20260801", USER, TOKEN);
    let used = world.runpod.add_auth("in-use", USER, TOKEN);
    for template in &mut world.runpod.templates {
        template.container.registry = Some(theirs.clone());
    }
    world.runpod.add_template("private", "quay.io/acme/x:1").container.registry = Some(used.clone());
    for template in world.runpod.templates.iter_mut().filter(|one| one.name == "other") {
        template.container.registry = None;
    }
    let left = place(world.clone());
    let (ran, calls) = left.watch(&["sync", "--yes", "-v"]);
    ran.ends(0).says("is not regcred's").says("--allow-delete");
    assert!(!written(&calls).iter().any(|call| call.starts_with("DELETE")));
    let told = place(world);
    told.run(&["sync", "--yes", "--allow-delete"]).ends(0);
    let world = told.sandbox.snapshot();
    assert!(world.runpod.auth(&theirs).is_none(), "nothing uses it any more");
    assert!(world.runpod.auth(&used).is_some());
    assert_eq!(world.runpod.outages, [""; 0]);
}

#[test]
fn a_run_for_one_credential_does_not_delete_the_auth_of_another_one_of_the_file() {
    let mut world = account();
    let theirs = world.runpod.add_auth("ghcr-12ef12ef", USER, TOKEN);
    world.runpod.templates[0].container.registry = Some(theirs.clone());
    let place = place(world);
    let other = "  ghcr: { registry: ghcr.io, to: { runpod: { templates: all } } }\n";
    place.write("regcred.yaml", &format!("{FILE}{other}"));
    place.run(&["sync", "--yes", "--allow-delete", "--credential", "docker-hub"]).ends(0);
    assert!(place.sandbox.state().runpod.auth(&theirs).is_some());
}

#[test]
fn an_auth_that_another_run_made_in_the_meantime_is_taken_where_names_are_unique() {
    let place = place(account());
    place.sandbox.state().runpod.unique_names = true;
    // The first write is the auth's.
    let before = place.run(&["plan"]);
    before.ends(0);
    let reads = place.sandbox.calls().len();
    place.sandbox.clear_calls();
    let mut pause = place.sandbox.pause_at(reads, Moment::BeforeEffect);
    let child =
        place.command(&["sync", "--yes"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    assert!(pause.wait(Duration::from_secs(60)));
    let asked = place.sandbox.calls().last().unwrap().request_json();
    let name = asked["name"].as_str().expect("it is the auth's").to_owned();
    place.sandbox.state().runpod.add_auth(&name, USER, TOKEN);
    pause.release();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_settled(&place.sandbox.state(), TOKEN);
    place.sync_again();
}

#[test]
fn two_auths_of_one_name_come_down_to_one() {
    let place = place(account());
    place.sync();
    let mut state = place.sandbox.state();
    let name = state.runpod.auths[0].name.clone();
    let second = state.runpod.add_auth(&name, USER, TOKEN);
    state.runpod.templates[0].container.registry = Some(second);
    drop(state);
    place.sync();
    assert_eq!(ids(&place, &name).len(), 1);
    assert_settled(&place.sandbox.state(), TOKEN);
    place.sync_again();
}

#[test]
fn two_runs_at_once_and_one_after_them_come_to_the_same() {
    for unique in [false, true] {
        let place = rotating();
        place.sandbox.state().runpod.unique_names = unique;
        let run =
            || place.command(&["sync", "--yes"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let (mut one, mut two) = (run(), run());
        one.wait().unwrap();
        two.wait().unwrap();
        place.sync();
        place.sync();
        assert_settled(&place.sandbox.state(), OTHER_TOKEN);
        place.sync_again();
    }
}

#[test]
fn answers_that_leave_out_add_or_wrap_members_are_understood() {
    let place = rotating();
    {
        let mut state = place.sandbox.state();
        let runpod = &mut state.runpod;
        (runpod.omits_nulls, runpod.adds_members, runpod.wraps_registries) = (true, true, true);
    }
    place.sync();
    assert_settled(&place.sandbox.state(), OTHER_TOKEN);
    place.sync_again();
}

#[test]
fn reads_right_after_a_write_may_be_old_and_nobody_loses_an_auth_by_it() {
    let place = rotating();
    place.sandbox.state().runpod.stale_reads = 2;
    for _ in 0..4 {
        place.run(&["sync", "--yes"]).ends(0);
    }
    place.sandbox.state().runpod.stale_reads = 0;
    // What was hidden from a run may have been made twice.
    for _ in 0..3 {
        place.run(&["sync", "--yes"]).ends(0);
    }
    assert_settled(&place.sandbox.state(), OTHER_TOKEN);
}

#[test]
fn an_old_endpoint_without_versions_keeps_the_earlier_auth_while_it_has_workers() {
    let place = rotating();
    place.sandbox.state().runpod.endpoint_mut("infer").unwrap().legacy = true;
    place.run(&["sync", "--yes"]).ends(0).says("1 skipped").complains("has no versions");
    assert_points(&place.sandbox.state(), OTHER_TOKEN);
    place.sandbox.state().runpod.endpoint_mut("infer").unwrap().workers.clear();
    place.sync();
    assert_settled(&place.sandbox.state(), OTHER_TOKEN);
}

#[test]
fn an_old_endpoint_that_never_used_an_auth_of_ours_does_not_keep_the_earlier_one() {
    let place = rotating();
    place.sandbox.state().runpod.endpoint_mut("elsewhere").unwrap().add_workers(1).legacy = true;
    place.sync();
    assert_settled(&place.sandbox.state(), OTHER_TOKEN);
}

#[test]
fn an_endpoint_that_was_just_pointed_elsewhere_keeps_the_earlier_auth_until_its_workers_follow() {
    let place = rotating();
    let mut state = place.sandbox.state();
    let theirs = state.runpod.add_auth("by-hand", USER, TOKEN);
    state.runpod.rollouts = Rollouts::Held;
    // Its owner points it at another auth, and its two workers have not followed yet.
    let infer = state.runpod.endpoint_mut("infer").unwrap();
    (infer.container.registry, infer.version) = (Some(theirs), infer.version + 1);
    state.runpod.endpoint_mut("embed").unwrap().workers.clear();
    drop(state);
    place.write("regcred.yaml", &FILE.replace("endpoints: all", "endpoints: [embed]"));
    place.run(&["sync", "--yes"]).ends(0).says("1 skipped").complains("is not complete (0 of 2");
    assert_eq!(place.sandbox.state().runpod.outages, [""; 0]);
    place.sandbox.state().runpod.finish_rollouts();
    assert_eq!(written(&place.sync()), ["DELETE /v2/registries/{id}"]);
    assert_eq!(place.sandbox.state().runpod.outages, [""; 0]);
}

#[test]
fn an_answer_of_rest_v1_or_graphql_is_told_as_such() {
    for (api, words) in [(Api::V1, "REST v1, which has retired"), (Api::GraphQl, "the GraphQL API")] {
        let place = place(account());
        place.sandbox.state().runpod.speaks = api;
        let (ran, _) = place.watch(&["plan"]);
        ran.says(words).says("RUNPOD_API_URL=https://api.runpod.io");
        assert_ne!(ran.code, 0);
    }
}

#[test]
fn without_a_key_runpod_is_unread_and_the_rest_goes_on() {
    let mut place = place(account());
    place.write(
        "regcred.yaml",
        &FILE.replace("    to:\n", "    to:\n      github: [{ repository: acme/api }]\n"),
    );
    place.unset("RUNPOD_API_KEY");
    place.run(&["sync", "--yes"]).ends(5).says("RUNPOD_API_KEY is not set").says("export RUNPOD_API_KEY");
    let world = place.sandbox.snapshot();
    assert_eq!(world.github.repositories["acme/api"].actions.value("DOCKER_HUB_TOKEN"), Some(TOKEN));
}

#[test]
fn a_key_that_is_not_valid_is_a_login_that_failed() {
    let mut place = place(account());
    place.set("RUNPOD_API_KEY", "rpa_wrong");
    place.run(&["sync", "--yes"]).ends(4).says("the key in RUNPOD_API_KEY is not valid");
}

#[test]
fn a_key_that_may_not_read_the_pods_says_so_and_keeps_the_earlier_auth() {
    let place = rotating();
    log_in_with(&place, Key::full("user_acme").with("pods", "none"));
    place.run(&["sync", "--yes"]).ends(5).says("pod/*").says("is not allowed to do this");
    let world = place.sandbox.snapshot();
    assert_eq!(world.runpod.auths.len(), 2);
    let web = world.runpod.template("web").unwrap();
    assert!(holds(&world, web.container.registry.as_deref(), OTHER_TOKEN), "templates go on");
}

#[test]
fn a_key_that_only_reads_is_enough_for_plan_and_verify_and_not_for_sync() {
    let place = place(account());
    let reading = ["registries", "templates", "serverless", "pods", "jobs"];
    let key = reading.iter().fold(Key::full("user_acme"), |key, what| key.with(what, "read"));
    log_in_with(&place, key.with("*", "none"));
    place.run(&["plan"]).ends(0);
    place.run(&["verify"]).ends(2);
    let ran = place.run(&["sync", "--yes"]);
    ran.complains("403 access denied").says("read and write access");
    assert_ne!(ran.code, 0);
}

#[test]
fn only_one_template_is_pointed_and_the_next_full_run_does_the_rest() {
    let place = place(account());
    let web = place.sandbox.state().runpod.template("web").unwrap().id.clone();
    let only = format!("runpod:template/{web},runpod:registry/");
    let (ran, calls) = place.watch(&["sync", "--yes", "--only", &only]);
    ran.ends(0);
    assert_eq!(written(&calls).len(), 2);
    place.sync();
    assert_settled(&place.sandbox.state(), TOKEN);
}

#[test]
fn a_name_that_nothing_has_is_blocked_and_the_rest_goes_on() {
    let place = place(account());
    place.write("regcred.yaml", &FILE.replace("templates: all", "templates: [web, wroker]"));
    place.run(&["sync", "--yes"]).ends(5).says("template/wroker").says("nothing has this id or name");
    let world = place.sandbox.snapshot();
    assert!(holds(&world, world.runpod.template("web").unwrap().container.registry.as_deref(), TOKEN));
    assert_eq!(world.runpod.template("worker").unwrap().container.registry, None);
}

#[test]
fn no_message_repeats_the_token_or_the_key_whatever_runpod_says() {
    const CANARY: &str = "dckr_pat_c4nary\"\\&+/=%<>0123456789";
    let mut world = account();
    world.registry.add_account(USER, CANARY);
    for kind in [None, Some(Kind::Status(400)), Some(Kind::Status(500)), Some(Kind::GarbageBody)] {
        for verbosity in [&["-vvv"][..], &["--json", "-vvv"]] {
            let mut place = place(world.clone());
            place.set("DOCKER_HUB_TOKEN", CANARY);
            if let Some(kind) = &kind {
                place
                    .sandbox
                    .fault(Fault::on(Service::RunPod, "POST /v2/registries", kind.clone()).forever());
            }
            let ran = place.run(&[&["sync", "--yes"], verbosity].concat());
            let key = place.sandbox.env()["RUNPOD_API_KEY"].clone();
            for secret in [CANARY, key.as_str()].into_iter().flat_map(crate::leak::forms) {
                let said = [&ran.stdout, &ran.stderr].iter().any(|text| text.contains(&secret));
                assert!(!said, "{kind:?}: {secret} in\n{}\n{}", ran.stdout, ran.stderr);
            }
            assert!(ran.stderr.contains("/v2/registries"), "requests are traced");
            assert_eq!(place.sandbox.violations(), [""; 0], "no key in a URL");
        }
    }
}
