//! Every fault of the catalogue at every request of a sync, from every start, in a fresh world each: the run ends in
//! bounded time, its exit code and its report are true, nobody loses a credential, and the next run without faults
//! converges.

use std::time::{Duration, Instant};

use regcred_sandbox::{Fault, Kind, Service, World};
use serde_json::Value;

use crate::kill::{finish, start};
use crate::place::{Place, TOKEN, USER};
use crate::strike::{Pair, for_every_fault, in_parallel, strike_everywhere};
use crate::world::{ACCOUNT, REGION, secret, watch};

/// Longer than any of the program's own limits, added up over one chain of requests: 10 s for an answer (30 s at the
/// registry), a minute after a secondary limit of GitHub without `retry-after`.
pub(crate) const BOUND: Duration = Duration::from_secs(150);

/// What is written where, as text: equal before and after if nothing was written.
fn content(world: &World) -> String {
    let github = serde_json::to_string(&world.github.repositories).unwrap();
    let aws = serde_json::to_string(&(&world.aws.secrets, &world.aws.rules)).unwrap();
    aws + &github
}

/// Whether the thing at an address is as the report says.
fn is_there(world: &World, address: &str, token: &str) -> bool {
    let github = &world.github.repositories["acme/api"];
    match address.rsplit('/').next().unwrap_or_default() {
        "main-docker-hub" => world.aws.rule(ACCOUNT, REGION, "main-docker-hub").is_some(),
        "DOCKER_HUB_SYNC" => github.variables.contains_key("DOCKER_HUB_SYNC"),
        "DOCKER_HUB_TOKEN" => github.actions.value("DOCKER_HUB_TOKEN") == Some(token),
        "DOCKER_HUB_USERNAME" => github.actions.value("DOCKER_HUB_USERNAME") == Some(USER),
        _ if address.contains("/policy/") => {
            secret(world, REGION).is_some_and(|secret| secret.policy.is_some())
        }
        _ => {
            secret(world, REGION).and_then(|secret| secret.value()).is_some_and(|value| value.contains(token))
        }
    }
}

/// The exit code and the report say what is the case.
fn judge(at: &str, code: i32, lines: &[Value], before: &str, after: &World, token: &str) {
    // A record that may not be kept is not there, and the run is as good without it.
    let done = |line: &&Value| line["type"] == "apply_complete" && line["skipped"].is_null();
    let complete = lines.iter().filter(done);
    for address in complete.filter_map(|line| line["address"].as_str()) {
        assert!(is_there(after, address, token), "{at}: {address} is reported as done");
    }
    let bad = judge_code(at, code, lines, before, &content(after));
    assert!(code == 0 || bad > 0 || lines.last().is_none_or(|line| line["exit"] == code), "{at}");
}

/// The exit code says what the summary and the content before and after say. How many rows the summary has that are not
/// done.
pub(crate) fn judge_code(at: &str, code: i32, lines: &[Value], before: &str, after: &str) -> u64 {
    let count = |name: &str| lines.last().map_or(0, |line| line[name].as_u64().unwrap_or_default());
    let bad: u64 = ["failed", "not_started", "blocked", "unread", "invalid"].map(count).iter().sum();
    match code {
        0 => assert_eq!(bad, 0, "{at}"),
        1 | 4 => assert_eq!(after, before, "{at}: {code} means that nothing was written"),
        5 => assert!(bad > 0, "{at}: 5 without anything that failed"),
        other => panic!("{at}: exit code {other}"),
    }
    bad
}

/// One fault at one request.
fn strike(pair: &Pair<'_>) {
    let Pair { start, index, kind } = pair;
    let place = start.place();
    let seen = watch(&place.sandbox);
    let before = content(&place.sandbox.state());
    place.sandbox.fault(Fault::nth(*index, (*kind).clone()));
    let started = Instant::now();
    let ran = place.run(&["sync", "--yes", "--json"]);
    let at = pair.at(&place, &ran);
    assert!(started.elapsed() < BOUND, "{at}");
    judge(&at, ran.code, &ran.lines(), &before, &place.sandbox.snapshot(), start.token);
    place.sandbox.clear_faults();
    finish(&place, start.token, &at);
    assert_eq!(*seen.lock().unwrap(), [""; 0], "{at}");
}

fn a_sync_survives_at_every_request(kind: &Kind) {
    strike_everywhere(&start::all(), kind, |_| true, strike);
}
for_every_fault!(a_sync_survives_at_every_request);

/// A fault that does not go away is reported as what it is.
#[test]
fn a_system_that_stays_broken_costs_its_own_rows_and_no_others() {
    let broken = [
        (Service::Ecr, "CreatePullThroughCacheRule", 5),
        (Service::SecretsManager, "PutSecretValue", 5),
        (Service::GitHub, "PUT /repos/{owner}/{repo}/actions/secrets/{secret_name}", 5),
        (Service::Token, "GET /token", 1),
    ];
    in_parallel(&broken, |(service, operation, code)| {
        let place = Place::with_one_stack(World::default());
        let before = content(&place.sandbox.state());
        place.sandbox.fault(Fault::on(*service, operation, Kind::Status(500)).forever());
        let ran = place.run(&["sync", "--yes", "--json"]);
        ran.ends(*code);
        judge(operation, ran.code, &ran.lines(), &before, &place.sandbox.snapshot(), TOKEN);
        place.sandbox.clear_faults();
        finish(&place, TOKEN, operation);
    });
}
