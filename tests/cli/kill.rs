//! Killed anywhere, run again, it converges. For every request of a sync, found from its own call log, in a fresh
//! world each: the program is killed (SIGKILL) while the request is under way, before and after its effect; the next
//! run finishes, a third writes nothing, and at no instant in between was anybody without a working credential.

use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use regcred_sandbox::{Moment, World};

use crate::place::{OTHER_TOKEN, Place, TOKEN, USER, tell};
use crate::world::{ACCOUNT, NAME, REGION, Seen, assert_holds, assert_values, broken, is_recorded, watch};

/// How many worlds run beside each other: they wait more than they compute.
pub(crate) const THREADS: usize = 6;

/// Does every job once, so many at a time; a panic of one is the panic of all.
pub(crate) fn in_parallel<J: Sync>(threads: usize, jobs: &[J], work: impl Fn(&J) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads {
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

/// Kills a sync at each of its requests, of which there are more than `least`, before and after its effect, in a place of
/// its own each; `then` goes on from there. Nothing is ever seen to be broken.
pub(crate) fn at_every_request(
    what: &str,
    least: usize,
    start: impl Fn() -> Place + Sync,
    watch: impl Fn(&Place) -> Seen + Sync,
    then: impl Fn(&Place, &str) + Sync,
) {
    let began = Instant::now();
    let requests = start().sync().len();
    assert!(requests > least, "{what}: only {requests} requests");
    let moments = [Moment::BeforeEffect, Moment::AfterEffect];
    let jobs: Vec<(usize, Moment)> =
        (0..requests).flat_map(|index| moments.map(|moment| (index, moment))).collect();
    let killed = AtomicUsize::new(0);
    in_parallel(THREADS, &jobs, |(index, moment)| {
        let place = start();
        let seen = watch(&place);
        let at = format!("{what}, request {index} {moment:?}");
        killed.fetch_add(usize::from(kill_at(&place, *index, *moment)), Ordering::Relaxed);
        then(&place, &at);
        assert_eq!(*seen.lock().unwrap(), [""; 0], "{at}");
    });
    // Requests that go out side by side may come in another order, but never fewer of them.
    assert_eq!(killed.into_inner(), jobs.len(), "{what}: each of {requests} requests was reached");
    let (pairs, seconds) = (jobs.len(), began.elapsed().as_secs());
    tell(&format!("killed: {what}: {requests} requests, {pairs} pairs of request and moment in {seconds} s"));
}

/// The next run puts everything in place and a third writes nothing.
///
/// One thing a next run cannot know: if GitHub's secrets were written by a run that could not read their marker, nothing
/// tells them from secrets made by hand. They hold the right values, the run calls them unknown, and `--rewrite`
/// records them.
pub(crate) fn finish(place: &Place, token: &str, at: &str) {
    let next = place.run(&["sync", "--yes"]);
    assert_eq!(next.code, 0, "{at}: the next run\n{}\n{}", next.stdout, next.stderr);
    assert_values(&place.sandbox.state(), token);
    if !is_recorded(&place.sandbox.snapshot()) {
        assert!(next.stdout.contains("unknown: it cannot be read back"), "{at}\n{}", next.stdout);
        place.sync_again();
        place.run(&["sync", "--yes", "--rewrite"]).ends(0);
    }
    assert_holds(&place.sandbox.state(), token);
    place.sync_again();
}

/// Where a sync starts from, and the token that it has to bring everywhere.
pub(crate) struct Start {
    pub(crate) what: &'static str,
    pub(crate) world: World,
    pub(crate) token: &'static str,
}

impl Start {
    pub(crate) fn bootstrap() -> Self {
        Self { what: "bootstrap", world: World::default(), token: TOKEN }
    }

    /// An empty secret of ours, and one half of the credential in GitHub without a record.
    pub(crate) fn half_made() -> Self {
        let mut world = World::default();
        let secret = world.aws.add_secret(ACCOUNT, REGION, NAME);
        secret.tags.insert("managed-by".to_owned(), "regcred".to_owned());
        let now = world.clock.now();
        let repository = world.github.repositories.get_mut("acme/api").unwrap();
        repository.actions.set("DOCKER_HUB_USERNAME", USER, now);
        Self { what: "half-made world", world, token: TOKEN }
    }

    /// Everything in place, and another token from now on.
    pub(crate) fn changed_value() -> Self {
        let place = Place::with_one_stack(World::default());
        place.sync();
        place.sandbox.state().registry.add_account(USER, OTHER_TOKEN);
        Self { what: "changed value", world: place.sandbox.snapshot(), token: OTHER_TOKEN }
    }

    pub(crate) fn all() -> [Self; 3] {
        [Self::bootstrap(), Self::half_made(), Self::changed_value()]
    }

    pub(crate) fn place(&self) -> Place {
        let mut place = Place::with_one_stack(self.world.clone());
        place.set("DOCKER_HUB_TOKEN", self.token);
        place
    }
}

/// Kills the sync of a world at each of its requests.
fn kill_everywhere(start: &Start) {
    let Start { what, world, token } = start;
    let then = |place: &Place, at: &str| {
        assert_eq!(broken(&place.sandbox.state(), Some(world)), [""; 0], "{at}");
        place.run(&["sync", "--yes"]).ends(0);
        assert_holds(&place.sandbox.state(), token);
        place.sync_again();
    };
    at_every_request(what, 10, || start.place(), |place| watch(&place.sandbox), then);
}

#[test]
fn a_bootstrap_killed_at_any_request_is_finished_by_the_next_run() {
    kill_everywhere(&Start::bootstrap());
}

#[test]
fn a_half_made_world_killed_at_any_request_is_finished_by_the_next_run() {
    kill_everywhere(&Start::half_made());
}

#[test]
fn a_changed_value_killed_at_any_request_is_finished_by_the_next_run() {
    kill_everywhere(&Start::changed_value());
}
