//! Killed anywhere, and with every fault at every request: the report is true, the next run finishes, and at no instant
//! was a template, endpoint, worker or pod without a working auth (the sandbox looks after each request).

use std::time::Instant;

use super::*;
use crate::faults::{BOUND, judge_code};
use crate::kill::kill_everywhere;
use crate::strike::{Pair, Start, for_every_fault, strike_everywhere};
use crate::world::Seen;
use regcred_sandbox::runpod::Rollouts;
use regcred_sandbox::{Fault, Kind};
use serde_json::Value;

fn start(what: &'static str, world: World, token: &'static str) -> Start {
    Start { what, world, token, configured: place }
}

fn bootstrap() -> Start {
    start("runpod, bootstrap", account(), TOKEN)
}

fn rotation() -> Start {
    start("runpod, rotation", rotating().sandbox.snapshot(), OTHER_TOKEN)
}

/// Two generations that killed runs left, and everything on the older one; workers follow while they are looked at.
fn left_behind() -> Start {
    let mut world = rotating().sandbox.snapshot();
    world.runpod.add_auth("docker-hub-acme-00ff00ff", USER, TOKEN);
    world.runpod.rollouts = Rollouts::Reads(1);
    start("runpod, two generations", world, OTHER_TOKEN)
}

/// The next runs put everything in place; a rollout may take some.
fn finish(place: &Place, token: &str, at: &str) {
    let next = place.run(&["sync", "--yes"]);
    assert_eq!(next.code, 0, "{at}: the next run\n{}\n{}", next.stdout, next.stderr);
    assert_points(&place.sandbox.state(), token);
    for _ in 0..4 {
        if place.sandbox.state().runpod.auths.len() > 1 {
            place.sync();
        }
    }
    assert_settled(&place.sandbox.state(), token);
    place.sync_again();
    assert_eq!(place.sandbox.state().runpod.outages, [""; 0], "{at}");
}

fn next_run_finishes(start: &Start) {
    let then = |place: &Place, at: &str| {
        assert_eq!(place.sandbox.state().runpod.outages, [""; 0], "{at}");
        finish(place, start.token, at);
    };
    // The sandbox itself looks after each request.
    kill_everywhere(start, 10, |_| Seen::default(), then);
}

#[test]
fn a_bootstrap_killed_at_any_request_is_finished_by_the_next_run() {
    next_run_finishes(&bootstrap());
}

#[test]
fn a_rotation_killed_at_any_request_is_finished_by_the_next_run() {
    next_run_finishes(&rotation());
}

#[test]
fn two_generations_that_were_left_behind_killed_at_any_request_come_down_to_one() {
    next_run_finishes(&left_behind());
}

/// Everything that a run can change there.
fn content(world: &World) -> String {
    let runpod = &world.runpod;
    let parts = (&runpod.auths, &runpod.templates, &runpod.endpoints, &runpod.pods);
    let mut content = serde_json::to_value(parts).unwrap();
    // A look makes the workers of a rollout go on.
    for endpoint in content[2].as_array_mut().into_iter().flatten() {
        (endpoint["workers"], endpoint["looks"]) = (Value::Null, Value::Null);
    }
    content.to_string()
}

/// The exit code and the report say what is the case. `trusted`: RunPod has not said of an auth that is there that it is gone,
/// which is taken at its word, as its lists may be old for a while.
fn judge(at: &str, code: i32, lines: &[Value], before: &str, (after, token): (&World, &str), trusted: bool) {
    for line in lines.iter().filter(|line| line["type"] == "apply_complete" && line["skipped"].is_null()) {
        let address = line["address"].as_str().unwrap();
        let (kind, id) = address.strip_prefix("runpod:").unwrap().split_once('/').unwrap();
        let auth = match kind {
            "template" => after.runpod.template(id).and_then(|it| it.container.registry.as_deref()),
            "endpoint" => after.runpod.endpoint(id).and_then(|it| it.container.registry.as_deref()),
            "pod" => after.runpod.pod(id).and_then(|it| it.container.registry.as_deref()),
            _ => match id.split_once('/') {
                Some((_, gone)) => {
                    let is_gone = !trusted || after.runpod.auth(gone).is_none();
                    assert!(is_gone, "{at}: {address} is reported as deleted");
                    continue;
                }
                None => {
                    after.runpod.auths.iter().find(|auth| auth.password == token).map(|auth| auth.id.as_str())
                }
            },
        };
        assert!(holds(after, auth, token), "{at}: {address} is reported as done");
    }
    judge_code(at, code, lines, before, &content(after));
}

fn strike(pair: &Pair<'_>) {
    let Pair { start, index, kind } = pair;
    let place = start.place();
    let before = content(&place.sandbox.state());
    place.sandbox.fault(Fault::nth(*index, (*kind).clone()));
    let began = Instant::now();
    let ran = place.run(&["sync", "--yes", "--json"]);
    let at = pair.at(&place, &ran);
    assert!(began.elapsed() < BOUND, "{at}");
    let world = place.sandbox.snapshot();
    judge(&at, ran.code, &ran.lines(), &before, (&world, start.token), **kind != Kind::Status(404));
    assert_eq!(place.sandbox.state().runpod.outages, [""; 0], "{at}");
    place.sandbox.clear_faults();
    finish(&place, start.token, &at);
}

fn a_sync_survives_at_every_request_to_runpod(kind: &Kind) {
    strike_everywhere(&[bootstrap(), rotation()], kind, |call| call.service == Service::RunPod, strike);
}
for_every_fault!(a_sync_survives_at_every_request_to_runpod);
