//! Every fault of the catalogue at every request of a sync, in a fresh world each: the run ends in bounded time, its
//! exit code and its report are true, nobody loses a credential, and the next run without faults converges.
//!
//! Where regcred waits on purpose, a sample of the requests has to do: a timeout costs 10 s per try (30 s at the
//! registry), and a secondary limit of GitHub without `retry-after` a minute. All else is complete.

use std::time::{Duration, Instant};

use regcred_sandbox::{Call, Fault, Kind, Service, World};
use serde_json::Value;

use crate::kill::in_parallel;
use crate::place::{Place, TOKEN};
use crate::world::{ACCOUNT, REGION, assert_holds, secret, watch};

/// Longer than any of the program's own limits, added up over one chain of requests.
const BOUND: Duration = Duration::from_secs(150);

/// Whether the program waits long for this on purpose.
fn is_slow(kind: &Kind, service: Service) -> bool {
    match kind {
        Kind::TimeoutBefore | Kind::TimeoutAfter => true,
        Kind::Throttle { retry_after: None } | Kind::Status(429) => service == Service::GitHub,
        _ => false,
    }
}

/// What is written where, as text: equal before and after if nothing was written.
fn content(world: &World) -> String {
    let github = serde_json::to_string(&world.github.repositories).unwrap();
    let aws = serde_json::to_string(&(&world.aws.secrets, &world.aws.rules)).unwrap();
    aws + &github
}

/// Whether the thing at an address is as the report says.
fn is_there(world: &World, address: &str) -> bool {
    let github = &world.github.repositories["acme/api"];
    match address.rsplit('/').next().unwrap_or_default() {
        "main-docker-hub" => world.aws.rule(ACCOUNT, REGION, "main-docker-hub").is_some(),
        "DOCKER_HUB_SYNC" => github.variables.contains_key("DOCKER_HUB_SYNC"),
        name @ ("DOCKER_HUB_TOKEN" | "DOCKER_HUB_USERNAME") => github.actions.value(name).is_some(),
        _ if address.contains("/policy/") => {
            secret(world, REGION).is_some_and(|secret| secret.policy.is_some())
        }
        _ => secret(world, REGION).is_some_and(|secret| secret.value().is_some()),
    }
}

/// The exit code and the report say what is the case.
fn judge(at: &str, code: i32, lines: &[Value], before: &str, after: &World) {
    let complete = lines.iter().filter(|line| line["type"] == "apply_complete");
    for address in complete.filter_map(|line| line["address"].as_str()) {
        assert!(is_there(after, address), "{at}: {address} is reported as done");
    }
    let summary = lines.last();
    let count = |name: &str| summary.map_or(0, |line| line[name].as_u64().unwrap_or_default());
    let bad: u64 = ["failed", "not_started", "blocked", "unread", "invalid"].map(count).iter().sum();
    match code {
        0 => assert_eq!(bad, 0, "{at}"),
        1 | 4 => assert_eq!(content(after), *before, "{at}: {code} means that nothing was written"),
        5 => assert!(bad > 0, "{at}: 5 without anything that failed"),
        other => panic!("{at}: exit code {other}"),
    }
    assert!(code == 0 || bad > 0 || summary.is_none_or(|line| line["exit"] == code), "{at}");
}

/// One fault at one request.
fn strike(index: usize, kind: &Kind) {
    let place = Place::with_one_stack(World::default());
    let seen = watch(&place.sandbox);
    let before = content(&place.sandbox.state());
    place.sandbox.fault(Fault::nth(index, kind.clone()));
    let started = Instant::now();
    let ran = place.run(&["sync", "--yes", "--json"]);
    let struck = place.sandbox.calls().get(index).map(|call| call.operation.clone()).unwrap_or_default();
    let at = format!("{kind:?} at request {index} ({struck})\n{}\n{}", ran.stdout, ran.stderr);
    assert!(started.elapsed() < BOUND, "{at}");
    judge(&at, ran.code, &ran.lines(), &before, &place.sandbox.snapshot());
    place.sandbox.clear_faults();
    let next = place.run(&["sync", "--yes"]);
    assert_eq!(next.code, 0, "{at}: the next run\n{}\n{}", next.stdout, next.stderr);
    assert_holds(&place.sandbox.state(), TOKEN);
    place.sync_again();
    assert_eq!(*seen.lock().unwrap(), [""; 0], "{at}");
}

/// The requests of an undisturbed sync.
fn requests() -> Vec<Call> {
    Place::with_one_stack(World::default()).sync()
}

#[test]
fn a_sync_survives_every_quick_fault_at_every_request() {
    let requests = requests();
    let every = |kind: Kind| requests.iter().map(move |call| (call.index, kind.clone(), call.service));
    let pairs = Kind::catalogue().into_iter().flat_map(every);
    let jobs: Vec<_> = pairs.filter(|(_, kind, service)| !is_slow(kind, *service)).collect();
    assert!(jobs.len() > 150, "{} pairs", jobs.len());
    in_parallel(&jobs, |(index, kind, _)| strike(*index, kind));
}

#[test]
fn a_sync_survives_the_faults_that_it_waits_for_at_one_read_and_one_write_of_each_system() {
    let requests = requests();
    let mut jobs = Vec::new();
    for kind in Kind::catalogue() {
        let mut sampled = Vec::new();
        for call in requests.iter().filter(|call| is_slow(&kind, call.service)) {
            if !sampled.contains(&(call.service, call.is_write)) {
                sampled.push((call.service, call.is_write));
                jobs.push((call.index, kind.clone()));
            }
        }
    }
    // The longest first, so that they run beside all the others.
    jobs.sort_by_key(|(_, kind)| matches!(kind, Kind::TimeoutBefore | Kind::TimeoutAfter));
    assert!(jobs.len() >= 12, "{} pairs", jobs.len());
    in_parallel(&jobs, |(index, kind)| strike(*index, kind));
}

/// A fault that does not go away is reported as what it is.
#[test]
fn a_system_that_stays_broken_costs_its_own_rows_and_no_others() {
    for (service, operation, code) in [
        (Service::Ecr, "CreatePullThroughCacheRule", 5),
        (Service::SecretsManager, "PutSecretValue", 5),
        (Service::GitHub, "PUT /repos/{owner}/{repo}/actions/secrets/{secret_name}", 5),
        (Service::Token, "GET /token", 1),
    ] {
        let place = Place::with_one_stack(World::default());
        let before = content(&place.sandbox.state());
        place.sandbox.fault(Fault::on(service, operation, Kind::Status(500)).forever());
        let ran = place.run(&["sync", "--yes", "--json"]);
        ran.ends(code);
        judge(operation, ran.code, &ran.lines(), &before, &place.sandbox.snapshot());
        place.sandbox.clear_faults();
        place.sync();
        place.sync_again();
    }
}
