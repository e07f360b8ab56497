//! Killed anywhere, and with every fault at every request: the report is true, the next run finishes, and at no instant
//! was a template, endpoint, worker or pod without a working auth (the sandbox looks after each request).

use std::time::Instant;

use super::*;
use crate::faults::{BOUND, WAITING, judge_code};
use crate::kill::{THREADS, at_every_request, in_parallel};
use crate::place::tell;
use crate::world::Seen;
use regcred_sandbox::runpod::Rollouts;
use regcred_sandbox::{Fault, Kind};
use serde_json::Value;

/// Where a sync starts from, and the token that it has to bring everywhere.
struct Start {
    what: &'static str,
    world: World,
    token: &'static str,
}

impl Start {
    fn bootstrap() -> Self {
        Self { what: "bootstrap", world: account(), token: TOKEN }
    }

    fn rotation() -> Self {
        Self { what: "rotation", world: rotating().sandbox.snapshot(), token: OTHER_TOKEN }
    }

    /// Two generations that killed runs left, and everything on the older one; workers follow while they are looked at.
    fn left_behind() -> Self {
        let mut world = rotating().sandbox.snapshot();
        world.runpod.add_auth("docker-hub-acme-00ff00ff", USER, TOKEN);
        world.runpod.rollouts = Rollouts::Reads(1);
        Self { what: "two generations", world, token: OTHER_TOKEN }
    }

    fn place(&self) -> Place {
        let mut place = place(self.world.clone());
        place.set("DOCKER_HUB_TOKEN", self.token);
        place
    }
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

fn kill_everywhere(start: &Start) {
    let then = |place: &Place, at: &str| {
        assert_eq!(place.sandbox.state().runpod.outages, [""; 0], "{at}");
        finish(place, start.token, at);
    };
    // The sandbox itself looks after each request.
    at_every_request(&format!("runpod, {}", start.what), 10, || start.place(), |_| Seen::default(), then);
}

#[test]
fn a_bootstrap_killed_at_any_request_is_finished_by_the_next_run() {
    kill_everywhere(&Start::bootstrap());
}

#[test]
fn a_rotation_killed_at_any_request_is_finished_by_the_next_run() {
    kill_everywhere(&Start::rotation());
}

#[test]
fn two_generations_that_were_left_behind_killed_at_any_request_come_down_to_one() {
    kill_everywhere(&Start::left_behind());
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

/// The exit code and the report say what is the case.
fn judge(at: &str, code: i32, lines: &[Value], before: &str, after: &World, token: &str) {
    for line in lines.iter().filter(|line| line["type"] == "apply_complete" && line["skipped"].is_null()) {
        let address = line["address"].as_str().unwrap();
        let (kind, id) = address.strip_prefix("runpod:").unwrap().split_once('/').unwrap();
        let auth = match kind {
            "template" => after.runpod.template(id).and_then(|it| it.container.registry.as_deref()),
            "endpoint" => after.runpod.endpoint(id).and_then(|it| it.container.registry.as_deref()),
            "pod" => after.runpod.pod(id).and_then(|it| it.container.registry.as_deref()),
            _ => match id.split_once('/') {
                Some((_, gone)) => {
                    assert!(after.runpod.auth(gone).is_none(), "{at}: {address} is reported as deleted");
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

/// A fault at a request.
struct Pair<'a> {
    start: &'a Start,
    index: usize,
    kind: Kind,
}

fn strike(pair: &Pair<'_>) {
    let Pair { start, index, kind } = pair;
    let place = start.place();
    let before = content(&place.sandbox.state());
    place.sandbox.fault(Fault::nth(*index, kind.clone()));
    let began = Instant::now();
    let ran = place.run(&["sync", "--yes", "--json"]);
    let struck = place.sandbox.calls().get(*index).map(|call| call.operation.clone()).unwrap_or_default();
    let at =
        format!("{}: {kind:?} at request {index} ({struck})\n{}\n{}", start.what, ran.stdout, ran.stderr);
    assert!(began.elapsed() < BOUND, "{at}");
    judge(&at, ran.code, &ran.lines(), &before, &place.sandbox.snapshot(), start.token);
    assert_eq!(place.sandbox.state().runpod.outages, [""; 0], "{at}");
    place.sandbox.clear_faults();
    finish(&place, start.token, &at);
}

/// Every request to RunPod of an undisturbed sync, with the faults of which `wanted` holds.
fn pairs(starts: &[Start], wanted: impl Fn(&Kind) -> bool) -> Vec<Pair<'_>> {
    let kinds: Vec<Kind> = Kind::catalogue().into_iter().filter(wanted).collect();
    let mut pairs = Vec::new();
    for start in starts {
        for call in start.place().sync().iter().filter(|call| call.service == Service::RunPod) {
            pairs.extend(kinds.iter().map(|kind| Pair { start, index: call.index, kind: kind.clone() }));
        }
    }
    pairs
}

/// Whether the program waits long for this on purpose: 30 s for an answer, a minute after a refusal without a time.
fn is_slow(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::TimeoutBefore | Kind::TimeoutAfter | Kind::Throttle { retry_after: None } | Kind::Status(429)
    )
}

#[test]
fn a_sync_survives_every_quick_fault_at_every_request() {
    let starts = [Start::bootstrap(), Start::rotation()];
    let pairs = pairs(&starts, |kind| !is_slow(kind));
    assert!(pairs.len() > 150, "{}", pairs.len());
    in_parallel(THREADS, &pairs, strike);
    tell(&format!("runpod: {} pairs of request and quick fault", pairs.len()));
}

#[test]
fn a_sync_survives_every_fault_that_it_waits_for_at_every_request() {
    let starts = [Start::rotation()];
    let pairs = pairs(&starts, is_slow);
    assert!(pairs.len() > 50, "{}", pairs.len());
    in_parallel(WAITING, &pairs, strike);
    tell(&format!("runpod: {} pairs of request and slow fault", pairs.len()));
}
