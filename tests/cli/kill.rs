//! Killed anywhere, run again, it converges. For every request of a sync, found from its own call log, in a fresh
//! world each: the program is killed (SIGKILL) while the request is under way, before and after its effect; the next
//! run finishes, a third writes nothing, and at no instant in between was anybody without a working credential.

use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use regcred_sandbox::{Moment, World};

use crate::place::{OTHER_TOKEN, Place, TOKEN, USER};
use crate::world::{ACCOUNT, NAME, REGION, assert_holds, broken, watch};

/// How many worlds run beside each other: they wait more than they compute.
pub(crate) const THREADS: usize = 6;

/// Does every job once, several at a time; a panic of one is the panic of all.
pub(crate) fn in_parallel<J: Sync>(jobs: &[J], work: impl Fn(&J) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(job);
                }
            });
        }
    });
}

/// Runs a sync and kills it at this request. Whether it came that far.
fn kill_at(place: &Place, index: usize, moment: Moment) -> bool {
    place.sandbox.clear_calls();
    let mut pause = place.sandbox.pause_at(index, moment);
    let mut child =
        place.command(&["sync", "--yes"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while !pause.wait(Duration::from_millis(100)) {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    true
}

/// Kills the sync of a world at each of its requests.
fn kill_everywhere(what: &str, world: &World, token: &str) {
    let place = |world: &World| {
        let mut place = Place::with_one_stack(world.clone());
        place.set("DOCKER_HUB_TOKEN", token);
        place
    };
    let requests = place(world).sync().len();
    assert!(requests > 10, "{what}: only {requests} requests");
    let moments = [Moment::BeforeEffect, Moment::AfterEffect];
    let jobs: Vec<(usize, Moment)> =
        (0..requests).flat_map(|index| moments.map(|moment| (index, moment))).collect();
    let killed = AtomicUsize::new(0);
    in_parallel(&jobs, |(index, moment)| {
        let place = place(world);
        let seen = watch(&place.sandbox);
        let at = format!("{what}, request {index} {moment:?}");
        killed.fetch_add(usize::from(kill_at(&place, *index, *moment)), Ordering::Relaxed);
        assert_eq!(broken(&place.sandbox.state(), Some(world)), [""; 0], "{at}");
        let next = place.run(&["sync", "--yes"]);
        assert_eq!(next.code, 0, "{at}: the next run\n{}\n{}", next.stdout, next.stderr);
        assert_holds(&place.sandbox.state(), token);
        place.sync_again();
        assert_eq!(*seen.lock().unwrap(), [""; 0], "{at}");
    });
    // Requests that go out side by side may come in another order, but never fewer of them.
    assert_eq!(killed.into_inner(), jobs.len(), "{what}: each of {requests} requests was reached");
}

#[test]
fn a_bootstrap_killed_at_any_request_is_finished_by_the_next_run() {
    kill_everywhere("bootstrap", &World::default(), TOKEN);
}

#[test]
fn a_half_made_world_killed_at_any_request_is_finished_by_the_next_run() {
    let mut world = World::default();
    world.aws.add_secret(ACCOUNT, REGION, NAME).tags.insert("managed-by".to_owned(), "regcred".to_owned());
    let now = world.clock.now();
    world.github.repositories.get_mut("acme/api").unwrap().actions.set("DOCKER_HUB_USERNAME", USER, now);
    kill_everywhere("half-made", &world, TOKEN);
}

#[test]
fn a_changed_value_killed_at_any_request_is_finished_by_the_next_run() {
    let place = Place::with_one_stack(World::default());
    place.sync();
    place.sandbox.state().registry.add_account(USER, OTHER_TOKEN);
    kill_everywhere("changed value", &place.sandbox.snapshot(), OTHER_TOKEN);
}
