//! The main story: an auth is made, everything points at it, a new token is a new auth, and the earlier one goes.

use super::*;
use regcred_sandbox::runpod::Rollouts;

const LISTS: [&str; 4] = ["GET /v2/pods", "GET /v2/registries", "GET /v2/serverless", "GET /v2/templates"];

fn operations(calls: &[Call]) -> Vec<&str> {
    let mut operations: Vec<&str> = asked(calls).into_iter().map(|call| call.operation.as_str()).collect();
    operations.sort_unstable();
    operations
}

#[test]
fn an_auth_is_made_everything_on_the_registry_points_at_it_and_a_second_run_only_reads() {
    let place = place(account());
    let calls = place.sync();
    assert_settled(&place.sandbox.state(), TOKEN);
    assert_eq!(asked(&calls).len(), 4 + 1 + 5, "lists, the auth, two templates, two endpoints and a pod");
    let calls = place.sync();
    assert_eq!(written(&calls), [""; 0]);
    assert_eq!(operations(&calls), LISTS);
}

#[test]
fn the_plan_says_what_it_would_do_and_writes_nothing() {
    let place = place(account());
    let (ran, calls) = place.watch(&["plan"]);
    ran.ends(0).says("+ create  registry/docker-hub-acme").says("pulls anonymously");
    ran.says("runpod: 2 of the chosen are left alone").says("It takes 6 requests");
    assert_eq!(written(&calls), [""; 0]);
    let (ran, _) = place.watch(&["plan", "-v"]);
    ran.says("left alone: its image is on ghcr.io");
}

#[test]
fn the_credential_has_logged_in_upstream_before_anything_is_written_and_a_refused_one_is_not() {
    let mut place = place(account());
    let calls = place.sync();
    let proof = calls.iter().position(|call| call.service == Service::Registry && call.status == Some(200));
    let first = calls.iter().position(|call| call.is_write).unwrap();
    assert!(proof.unwrap() < first);
    place.set("DOCKER_HUB_TOKEN", "dckr_pat_wrong");
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    ran.ends(4);
    assert_eq!(written(&calls), [""; 0]);
}

#[test]
fn a_new_token_is_a_new_auth_and_the_earlier_one_goes_after_everything_has_left_it() {
    let place = rotating();
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    ran.ends(0).says("± replace registry/docker-hub-acme");
    assert_settled(&place.sandbox.state(), OTHER_TOKEN);
    let writes = written(&calls);
    assert_eq!(writes.first(), Some(&"POST /v2/registries"));
    assert_eq!(writes.last(), Some(&"DELETE /v2/registries/{id}"));
    let patches: Vec<_> = asked(&calls).into_iter().filter(|call| call.method == "PATCH").collect();
    assert_eq!(patches.len(), 5);
    for call in patches {
        let body = call.request_json();
        assert_eq!(body.as_object().map(serde_json::Map::len), Some(1), "only the auth is changed: {body}");
    }
    place.sync_again();
}

#[test]
fn back_to_the_earlier_token_its_auth_is_made_anew_or_taken_if_it_is_still_there() {
    let mut place = rotating();
    place.sandbox.state().runpod.rollouts = Rollouts::Held;
    place.sync();
    assert_eq!(place.sandbox.state().runpod.auths.len(), 2, "the earlier one is still in use");
    place.set("DOCKER_HUB_TOKEN", TOKEN);
    let calls = place.sync();
    assert!(!written(&calls).contains(&"POST /v2/registries"), "{calls:#?}");
    assert_points(&place.sandbox.state(), TOKEN);
    place.sandbox.state().runpod.finish_rollouts();
    place.sync();
    assert_settled(&place.sandbox.state(), TOKEN);
}

#[test]
fn workers_that_still_run_with_the_earlier_auth_keep_it_until_a_later_run() {
    let place = rotating();
    place.sandbox.state().runpod.rollouts = Rollouts::Held;
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    ran.ends(0).says("1 skipped").complains("is not complete (0 of ").complains("the next run deletes it");
    assert!(!written(&calls).contains(&"DELETE /v2/registries/{id}"));
    assert_points(&place.sandbox.state(), OTHER_TOKEN);
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    ran.ends(0).says("- delete  registry/docker-hub-acme/").says("1 skipped");
    assert_eq!(written(&calls), [""; 0]);
    place.run(&["plan", "--detailed-exitcode"]).ends(2);
    place.sandbox.state().runpod.finish_rollouts();
    assert_eq!(written(&place.sync()), ["DELETE /v2/registries/{id}"]);
    assert_settled(&place.sandbox.state(), OTHER_TOKEN);
    place.sync_again();
}

#[test]
fn a_rollout_that_goes_on_by_itself_is_over_after_some_runs_and_the_earlier_auth_with_it() {
    let place = rotating();
    place.sandbox.state().runpod.rollouts = Rollouts::Reads(1);
    let mut runs = 0;
    while place.sandbox.state().runpod.auths.len() != 1 || runs == 0 {
        place.sync();
        runs += 1;
        assert!(runs < 6, "{:#?}", place.sandbox.state().runpod.auths);
    }
    assert!(runs > 1, "workers were stale at first");
    assert_settled(&place.sandbox.state(), OTHER_TOKEN);
}

#[test]
fn a_template_of_the_file_is_made_with_its_settings_and_the_auth() {
    let mut place = place(account());
    place.write(
        "regcred.yaml",
        "version: 1
credentials:
  docker-hub:
    to:
      runpod:
        name: docker-hub-acme
        create:
          - name: api-gpu-worker
            image: acme/api-gpu-worker:latest
            args: python -u rp_handler.py
            disk: 10
            serverless: true
            env: { WORK_DIR: /tmp/work, BATCH_SIZE: 3, EMPTY: }
",
    );
    place.sync();
    {
        let world = place.sandbox.state();
        let made = world.runpod.template("api-gpu-worker").expect("it was made");
        assert!(holds(&world, made.container.registry.as_deref(), TOKEN));
        assert_eq!((made.container.args.as_str(), made.container.disk), ("python -u rp_handler.py", 10));
        assert_eq!(made.container.env["BATCH_SIZE"], "3");
        assert_eq!(made.container.env["EMPTY"], "");
        assert_eq!(made.settings["serverless"], true);
        assert_eq!(world.runpod.template("web").unwrap().container.registry, None, "nothing chooses it");
    }
    place.sync_again();
    place.change_token();
    place.sync();
    let world = place.sandbox.state();
    let made = world.runpod.template("api-gpu-worker").unwrap();
    assert!(holds(&world, made.container.registry.as_deref(), OTHER_TOKEN));
    assert_eq!(world.runpod.templates.iter().filter(|one| one.name == "api-gpu-worker").count(), 1);
}

#[test]
fn a_run_without_runpod_in_the_file_asks_nothing_of_it_and_needs_no_key() {
    let mut place = Place::with_one_stack(account());
    place.set("RUNPOD_API_URL", "https://rest.runpod.io/v1");
    let calls = place.sync();
    place.unset("RUNPOD_API_KEY");
    place.sync_again();
    assert!(calls.iter().all(|call| !matches!(call.service, Service::RunPod | Service::RunPodJobs)));
}

#[test]
fn a_stacks_own_run_leaves_runpod_alone() {
    let place = place(account());
    place.write(
        "regcred.yaml",
        &FILE.replace("    to:\n", "    to:\n      aws: { stacks: { main: { region: us-east-2 } } }\n"),
    );
    let (ran, calls) = place.watch(&["sync", "--yes", "--stack", "main"]);
    ran.ends(0);
    assert_eq!(asked(&calls).len(), 0);
}

#[test]
fn the_id_of_the_auth_is_told_when_it_is_made_and_as_long_as_it_is_there() {
    let row = |lines: &[serde_json::Value], kind: &str| {
        let is = |line: &&serde_json::Value| {
            line["type"] == kind && line["address"] == "runpod:registry/docker-hub-acme"
        };
        lines.iter().find(is).cloned().unwrap()
    };
    let (machine, person) = (place(account()), place(account()));
    let made = row(&machine.run(&["sync", "--yes", "--json"]).ends(0).lines(), "apply_complete");
    let id = machine.sandbox.state().runpod.auths[0].id.clone();
    assert_eq!(made["receipt"]["id"], *id);
    let stays = row(&machine.run(&["verify", "--json"]).ends(0).lines(), "planned_change");
    assert_eq!((&stays["action"], &stays["id"]), (&"keep".into(), &id.clone().into()));
    machine.run(&["plan", "-v"]).ends(0).says(&format!("id {id}: its name records this credential"));

    let ran = person.run(&["sync", "--yes", "-v"]);
    let id = person.sandbox.state().runpod.auths[0].id.clone();
    ran.ends(0).complains(&format!("done    runpod:registry/docker-hub-acme  id {id}"));
}

#[test]
fn rows_have_the_name_and_the_image_beside_the_id_in_text_json_and_markdown() {
    let place = place(account());
    let ran = place.run(&["plan", "--markdown=plan.md"]);
    ran.ends(0).says("web, acme/web:1: pulls anonymously").says("infer, acme/infer:1: pulls anonymously");
    let markdown = std::fs::read_to_string(place.repo().join("plan.md")).unwrap();
    assert!(markdown.contains("train, acme/train:1: pulls anonymously"), "{markdown}");
    let document = place.run(&["plan", "--json"]).ends(0).lines().remove(0);
    let rows = document["changes"].as_array().unwrap();
    let known = |row: &serde_json::Value| (row["name"].clone(), row["image"].clone());
    let known: Vec<_> = rows.iter().map(known).collect();
    assert!(known.contains(&("infer".into(), "acme/infer:1".into())), "{known:?}");
    assert!(known.contains(&(serde_json::Value::Null, serde_json::Value::Null)), "the auth is not there yet");
    place.run(&["remove", "--yes"]).ends(0);
    place.sync();
    place.run(&["remove", "--no-input"]).says("infer, acme/infer:1: uses docker-hub-acme-");
}

#[test]
fn what_machines_read_has_the_rows_and_what_was_seen() {
    let place = place(account());
    let lines = place.run(&["sync", "--yes", "--json"]).ends(0).lines();
    let done = |address: &str| {
        lines.iter().any(|line| line["type"] == "apply_complete" && line["address"] == address)
    };
    let template = place.sandbox.state().runpod.template("web").unwrap().id.clone();
    assert!(done("runpod:registry/docker-hub-acme") && done(&format!("runpod:template/{template}")));
    let lines = place.run(&["verify", "--json"]).ends(0).lines();
    let seen = lines.iter().filter(|line| line["type"] == "verify_complete" && line["state"].is_string());
    assert_eq!(seen.count(), 2, "two endpoints");
}
