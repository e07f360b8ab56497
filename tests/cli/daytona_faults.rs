//! Daytona, killed at every request and with every fault at every request: the next run converges, and there is never a
//! second row.

use regcred_sandbox::{Fault, Kind, Service, World};

use crate::daytona::{assert_row, by_hand, place_in};
use crate::kill::{THREADS, at_every_request, in_parallel};
use crate::place::{OTHER_TOKEN, Place, TOKEN, USER, tell};
use crate::world::{Seen, watch_for};

/// Where a sync starts from, and the token that it has to bring into the row.
struct Start {
    what: &'static str,
    world: World,
    token: &'static str,
}

impl Start {
    fn all() -> [Self; 3] {
        let empty = Self { what: "empty list", world: World::default(), token: TOKEN };
        let hand = by_hand(&[("Quay", "quay.io", "carol"), ("Our hub", "docker.io", "bob")]);
        let hand = Self { what: "row by hand", world: hand, token: TOKEN };
        let place = place_in(World::default());
        place.sync();
        place.sandbox.state().registry.add_account(USER, OTHER_TOKEN);
        let changed = Self { what: "changed value", world: place.sandbox.snapshot(), token: OTHER_TOKEN };
        [empty, hand, changed]
    }

    fn place(&self) -> Place {
        let mut place = place_in(self.world.clone());
        place.set("DOCKER_HUB_TOKEN", self.token);
        place
    }
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
    for start in Start::all() {
        let then = |place: &Place, _: &str| {
            place.run(&["sync", "--yes"]).ends(0);
            assert_row(&place.sandbox.state(), start.token);
            place.sync_again();
        };
        let what = format!("daytona, {}", start.what);
        at_every_request(&what, 5, || start.place(), |place| watched(place, &start), then);
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

#[test]
fn every_quick_fault_at_every_request_is_survived() {
    let mut count = 0;
    for start in Start::all() {
        let calls = start.place().sync();
        let quick = |kind: &Kind| !matches!(kind, Kind::TimeoutBefore | Kind::TimeoutAfter);
        let daytona = calls.iter().filter(|call| call.service == Service::Daytona);
        let jobs: Vec<(usize, Kind)> = daytona
            .flat_map(|call| Kind::catalogue().into_iter().filter(quick).map(|kind| (call.index, kind)))
            .collect();
        count += jobs.len();
        in_parallel(THREADS, &jobs, |(index, kind)| {
            let place = start.place();
            let seen = watched(&place, &start);
            place.sandbox.fault(Fault::nth(*index, kind.clone()));
            let ran = place.run(&["sync", "--yes"]);
            let at = format!("{}: {kind:?} at {index}\n{}\n{}", start.what, ran.stdout, ran.stderr);
            judge(&at, ran.code, &start.world, &place.sandbox.snapshot(), start.token);
            place.sandbox.clear_faults();
            place.run(&["sync", "--yes"]).ends(0);
            assert_row(&place.sandbox.state(), start.token);
            place.sync_again();
            assert_eq!(*seen.lock().unwrap(), [""; 0], "{at}");
        });
    }
    tell(&format!("faults: daytona: {count} pairs of request and quick fault"));
    assert!(count > 60, "{count} pairs");
}

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
