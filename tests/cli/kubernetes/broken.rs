//! Killed anywhere and with every fault anywhere, the next run converges; no pull secret of anybody is lost on the way.

use regcred_sandbox::{Fault, Kind, World};
use serde_json::json;

use super::{HUB, of_world};
use crate::kill::kill_everywhere;
use crate::place::{OTHER_TOKEN, Place, TOKEN, USER};
use crate::strike::{Pair, Start, for_every_fault, strike_everywhere};
use crate::world::{Seen, watch_for};

const TWO: &str = "version: 1
credentials:
  docker-hub:
    to:
      kubernetes:
        - { context: prod, namespaces: [default], service-accounts: [default] }
        - { context: prod, runai: { projects: all } }
";
const NAMESPACES: [&str; 3] = ["default", "runai-team-a", "runai-team-b"];

fn start(what: &'static str, world: World, token: &'static str) -> Start {
    Start { what, world, token, configured: |world| of_world(TWO, world) }
}

fn bootstrap() -> Start {
    let mut world = World::default();
    world.kubernetes.cluster_mut("prod").put_service_account("default", "default", &["theirs"]);
    start("cluster, bootstrap", world, TOKEN)
}

/// Everything in place, and another token from now on; foreign logins in one of the secrets.
fn changed() -> Start {
    let place = of_world(TWO, bootstrap().world);
    place.sync();
    let mut world = place.sandbox.snapshot();
    let config =
        json!({ "auths": { "quay.io": { "auth": "YTpi" }, HUB: { "username": USER, "password": TOKEN } } });
    world.kubernetes.cluster_mut("prod").put_pull_secret("default", "docker-hub", &config);
    world.registry.add_account(USER, OTHER_TOKEN);
    start("cluster, changed value", world, OTHER_TOKEN)
}

/// What somebody has lost between two looks.
fn lost(before: &World, now: &World) -> Vec<String> {
    let mut lost = Vec::new();
    let (before, now) = (&before.kubernetes.clusters["prod"], &now.kubernetes.clusters["prod"]);
    for namespace in NAMESPACES {
        let names = now.pull_secrets(namespace, "default");
        let gone = before.pull_secrets(namespace, "default").into_iter().find(|name| !names.contains(name));
        lost.extend(gone.map(|name| format!("the service account of {namespace} lost {name}")));
        if names.iter().filter(|name| *name == "docker-hub").count() > 1 {
            lost.push(format!("the service account of {namespace} names the secret twice"));
        }
        if names.contains(&"docker-hub".to_owned()) && now.secret(namespace, "docker-hub").is_none() {
            lost.push(format!("the service account of {namespace} names a secret that is not there"));
        }
        for key in [HUB, "quay.io"] {
            let login = |cluster: &regcred_sandbox::kubernetes::Cluster| {
                cluster.kubelet_login(namespace, "docker-hub", key)
            };
            if login(before).is_some() && login(now).is_none() {
                lost.push(format!("{namespace} lost its login for {key}"));
            }
        }
    }
    lost
}

fn watch(place: &Place) -> Seen {
    let fault =
        |now: &World, before: Option<&World>| before.map_or_else(Vec::new, |before| lost(before, now));
    watch_for(&place.sandbox, Some(place.sandbox.snapshot()), fault)
}

/// The next run puts everything in place and a third writes nothing.
fn finish(place: &Place, start: &Start, at: &str) {
    let next = place.run(&["sync", "--yes"]);
    assert_eq!(next.code, 0, "{at}: the next run\n{}\n{}", next.stdout, next.stderr);
    let world = place.sandbox.snapshot();
    let cluster = &world.kubernetes.clusters["prod"];
    for namespace in NAMESPACES {
        let login = cluster.kubelet_login(namespace, "docker-hub", HUB);
        assert_eq!(login, Some((USER.to_owned(), start.token.to_owned())), "{at}: {namespace}");
    }
    assert_eq!(cluster.pull_secrets("default", "default"), ["theirs", "docker-hub"], "{at}");
    place.sync_again();
}

#[test]
fn a_sync_of_a_cluster_killed_at_any_request_is_finished_by_the_next_run() {
    for start in [bootstrap(), changed()] {
        kill_everywhere(&start, 10, watch, |place, at| finish(place, &start, at));
    }
}

/// Every fault at every request: the run ends with a code that is true, and the next one converges.
fn strike(pair: &Pair<'_>) {
    let Pair { start, index, kind } = pair;
    let place = start.place();
    let seen = watch(&place);
    place.sandbox.fault(Fault::nth(*index, (*kind).clone()));
    let ran = place.run(&["sync", "--yes", "--json"]);
    let at = pair.at(&place, &ran);
    let lines = ran.lines();
    let summary = lines.last().unwrap();
    let count = |name: &str| summary[name].as_u64().unwrap_or_default();
    let bad: u64 = ["failed", "not_started", "blocked", "unread", "invalid"].map(count).iter().sum();
    match ran.code {
        0 => assert_eq!(bad, 0, "{at}"),
        5 => assert!(bad > 0, "{at}"),
        1 | 4 => assert_eq!(count("applied"), 0, "{at}"),
        other => panic!("{at}: exit code {other}"),
    }
    let world = place.sandbox.snapshot();
    for address in lines
        .iter()
        .filter(|line| line["type"] == "apply_complete")
        .filter_map(|line| line["address"].as_str())
    {
        let parts: Vec<&str> = address.split('/').collect();
        let [_, namespace, kind, _] = parts[..] else { panic!("{address}") };
        let cluster = &world.kubernetes.clusters["prod"];
        let there = match kind {
            "secret" => cluster
                .kubelet_login(namespace, "docker-hub", HUB)
                .is_some_and(|(_, token)| token == start.token),
            _ => cluster.pull_secrets(namespace, "default").contains(&"docker-hub".to_owned()),
        };
        assert!(there, "{at}: {address} is reported as done");
    }
    place.sandbox.clear_faults();
    finish(&place, start, &at);
    assert_eq!(*seen.lock().unwrap(), [""; 0], "{at}");
}

fn a_sync_of_a_cluster_survives_at_every_request(kind: &Kind) {
    strike_everywhere(&[bootstrap(), changed()], kind, |_| true, strike);
}
for_every_fault!(a_sync_of_a_cluster_survives_at_every_request);
