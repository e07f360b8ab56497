//! `verify` in RunPod: what pulls anonymously is named, and what runs is shown as what it is, not as a proof.

use super::*;
use regcred_sandbox::runpod::Rollouts;

#[test]
fn endpoints_are_seen_with_their_rollout_and_health_and_never_called_proven() {
    let place = place(account());
    place.sync();
    let (ran, calls) = place.watch(&["verify"]);
    ran.ends(0).says("seen    runpod:endpoint/").says("rollout complete, workers 2");
    ran.says("health: workers").says("no proof of a pull").says("2 seen");
    assert!(!ran.stdout.contains("proven"), "{}", ran.stdout);
    assert_eq!(written(&calls), [""; 0]);
    let health = calls.iter().filter(|call| call.service == Service::RunPodJobs).count();
    assert_eq!(health, 2, "one for each queue that uses our auth");
}

#[test]
fn a_rollout_under_way_is_told_with_its_stale_workers() {
    let place = rotating();
    place.sandbox.state().runpod.rollouts = Rollouts::Held;
    place.sync();
    let (ran, _) = place.watch(&["verify"]);
    ran.ends(2).says("rollout under way, 0 of 2 workers on the latest release, 2 stale (2 idle)");
    ran.says("! extra   registry/docker-hub-acme/");
}

#[test]
fn a_worker_behind_a_load_balancer_is_not_woken_up_and_not_sent_the_key() {
    let mut world = World::default();
    world.runpod.add_endpoint("direct", "acme/direct:1").load_balanced();
    let place = place(world);
    place.sync();
    let (ran, calls) = place.watch(&["verify"]);
    ran.ends(0).says("no workers; no proof of a pull");
    assert!(calls.iter().all(|call| call.service != Service::RunPodJobs), "{calls:#?}");
}

#[test]
fn what_nobody_chooses_and_pulls_anonymously_is_named() {
    let place = place(account());
    place.write(
        "regcred.yaml",
        &FILE.replace("templates: all, endpoints: all, pods: all", "templates: [web]"),
    );
    place.sync();
    let (ran, _) = place.watch(&["verify"]);
    ran.ends(0)
        .says("pulled anonymously")
        .says("(worker, docker.io/acme/worker:1)")
        .says("(infer, acme/infer:1)")
        .says("(embed, ");
    assert!(!ran.stdout.contains("(other") && !ran.stdout.contains("(elsewhere"), "{}", ran.stdout);
}

#[test]
fn a_look_that_fails_is_told_and_is_no_failure_of_what_is_in_place() {
    let place = place(account());
    place.sync();
    let key = regcred_sandbox::runpod::Key::full("user_acme").with("jobs", "none");
    {
        let mut world = place.sandbox.state();
        let exported = world.runpod.exported_key.clone();
        world.runpod.keys.insert(exported, key);
    }
    place.run(&["verify"]).ends(0).says("rollout complete, workers 2; its health cannot be read");
}
