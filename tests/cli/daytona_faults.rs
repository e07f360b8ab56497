//! Daytona, killed at every request and with every fault at every request: the next run converges, and there is never a
//! second row.

use regcred_sandbox::{Fault, Kind, Service, World};

use crate::daytona::{assert_row, by_hand, place_in};
use crate::kill::kill_everywhere;
use crate::place::{OTHER_TOKEN, Place, TOKEN, USER};
use crate::strike::{Pair, Start, for_every_fault, strike_everywhere};
use crate::world::{Seen, watch_for};

fn starts() -> [Start; 3] {
    let start = |what, world, token| Start { what, world, token, configured: place_in };
    let hand = by_hand(&[("Quay", "quay.io", "carol"), ("Our hub", "docker.io", "bob")]);
    let place = place_in(World::default());
    place.sync();
    place.sandbox.state().registry.add_account(USER, OTHER_TOKEN);
    [
        start("daytona, empty list", World::default(), TOKEN),
        start("daytona, row by hand", hand, TOKEN),
        start("daytona, changed value", place.sandbox.snapshot(), OTHER_TOKEN),
    ]
}

/// At every instant there is at most one row for Docker Hub, and one that was there stays.
fn watched(place: &Place, start: &Start) -> Seen {
    let hub = |world: &World| world.daytona.registries.iter().filter(|row| row.url == "docker.io").count();
    let before = hub(&start.world);
    watch_for(&place.sandbox, None, move |world, _| {
        let rows = hub(world);
        if rows > 1 || rows < before { vec![format!("{rows} rows")] } else { Vec::new() }
    })
}

#[test]
fn killed_at_any_request_the_next_run_finishes_and_a_third_writes_nothing() {
    for start in starts() {
        let then = |place: &Place, _: &str| {
            place.run(&["sync", "--yes"]).ends(0);
            assert_row(&place.sandbox.state(), start.token);
            place.sync_again();
        };
        kill_everywhere(&start, 5, |place| watched(place, &start), then);
    }
}

/// The exit code is true of what is there.
fn judge(at: &str, code: i32, before: &World, after: &World, token: &str) {
    let rows = |world: &World| serde_json::to_string(&world.daytona.registries).unwrap();
    match code {
        0 => assert_row(after, token),
        1 | 4 => assert_eq!(rows(after), rows(before), "{at}: {code} means that nothing was written"),
        5 => {}
        other => panic!("{at}: exit code {other}"),
    }
}

fn strike(pair: &Pair<'_>) {
    let Pair { start, index, kind } = pair;
    let place = start.place();
    let seen = watched(&place, start);
    place.sandbox.fault(Fault::nth(*index, (*kind).clone()));
    let ran = place.run(&["sync", "--yes"]);
    let at = pair.at(&place, &ran);
    judge(&at, ran.code, &start.world, &place.sandbox.snapshot(), start.token);
    place.sandbox.clear_faults();
    place.run(&["sync", "--yes"]).ends(0);
    assert_row(&place.sandbox.state(), start.token);
    place.sync_again();
    assert_eq!(*seen.lock().unwrap(), [""; 0], "{at}");
}

fn a_sync_survives_at_every_request_to_daytona(kind: &Kind) {
    strike_everywhere(&starts(), kind, |call| call.service == Service::Daytona, strike);
}
for_every_fault!(a_sync_survives_at_every_request_to_daytona);

#[test]
fn a_row_whose_making_was_never_answered_is_found_and_not_made_again() {
    let place = place_in(World::default());
    place.sandbox.fault(Fault::on(Service::Daytona, "POST /docker-registry", Kind::TimeoutAfter));
    place.run(&["sync", "--yes"]).ends(0);
    assert_row(&place.sandbox.state(), TOKEN);
    let posts = place
        .sandbox
        .calls()
        .iter()
        .filter(|call| call.method == "POST" && call.service == Service::Daytona)
        .count();
    assert_eq!(posts, 1);
    place.sync_again();
}
