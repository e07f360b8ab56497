//! Killed anywhere, run again, it converges. For every request of a sync, found from its own call log, in a fresh
//! world each: the program is killed (SIGKILL) while the request is under way, before and after its effect; the next
//! run finishes, a third writes nothing, and at no instant in between was anybody without a working credential.

use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use regcred_sandbox::Moment;

use crate::place::{Place, tell, written};
use crate::refresh::PUT_SECRET;
use crate::strike::{Start, in_parallel, is_full};
use crate::world::{Seen, assert_holds, assert_values, broken, is_recorded, watch};

/// Runs a command and kills it at this request. Whether it came that far.
pub(crate) fn kill_at(place: &Place, args: &[&str], index: usize, moment: Moment) -> bool {
    place.sandbox.clear_calls();
    let mut pause = place.sandbox.pause_at(index, moment);
    let mut child = place.command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while !pause.wait(Duration::from_millis(100)) {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    true
}

/// Kills a sync at each of its requests, of which there are more than `least`, before and after its effect (a quick run of the
/// tests at some of them), in a place of its own each; `then` goes on from there. Nothing is ever seen to be
/// broken.
pub(crate) fn kill_everywhere(
    start: &Start,
    least: usize,
    watch: impl Fn(&Place) -> Seen + Sync,
    then: impl Fn(&Place, &str) + Sync,
) {
    let what = start.what;
    let requests = start.place().sync().len();
    assert!(requests > least, "{what}: only {requests} requests");
    let jobs: Vec<(usize, Moment)> =
        (0..requests).flat_map(|index| moments(index).iter().map(move |moment| (index, *moment))).collect();
    let killed = AtomicUsize::new(0);
    in_parallel(&jobs, |(index, moment)| {
        let place = start.place();
        let seen = watch(&place);
        let at = format!("{what}, request {index} {moment:?}");
        killed
            .fetch_add(usize::from(kill_at(&place, &["sync", "--yes"], *index, *moment)), Ordering::Relaxed);
        then(&place, &at);
        assert_eq!(*seen.lock().unwrap(), [""; 0], "{at}");
    });
    // Requests that go out side by side may come in another order, but never fewer of them.
    assert_eq!(killed.into_inner(), jobs.len(), "{what}: each of {requests} requests was reached");
    tell(&format!("killed: {what}: {} of {} pairs of request and moment", jobs.len(), 2 * requests));
}

/// When a run is killed at this request. A quick run does it at one of three, before the effect and after it in turn.
pub(crate) fn moments(index: usize) -> &'static [Moment] {
    match (index % 3, index % 2) {
        _ if is_full() => &[Moment::BeforeEffect, Moment::AfterEffect],
        (0, 0) => &[Moment::BeforeEffect],
        (0, _) => &[Moment::AfterEffect],
        _ => &[],
    }
}

/// The next run puts everything in place and a third writes nothing but what nobody can know.
pub(crate) fn finish(place: &Place, token: &str, at: &str) {
    let next = place.run(&["sync", "--yes"]);
    assert_eq!(next.code, 0, "{at}: the next run\n{}\n{}", next.stdout, next.stderr);
    settled(place, token);
}

/// Everything is in place. Of a token there is a record, and of anything else there is none.
fn settled(place: &Place, token: &str) {
    if token.starts_with("dckr_pat_") {
        assert_holds(&place.sandbox.state(), token);
        place.sync_again();
    } else {
        assert_values(&place.sandbox.state(), token);
        assert!(!is_recorded(&place.sandbox.state()));
        assert_eq!(written(&place.sync()), [PUT_SECRET; 2]);
        assert_values(&place.sandbox.state(), token);
    }
}

/// Where a sync of one stack and one repository starts from.
pub(crate) mod start {
    use regcred_sandbox::World;

    use crate::place::{OTHER_TOKEN, Place, TOKEN, USER};
    use crate::strike::Start;
    use crate::world::{ACCOUNT, NAME, REGION};

    const PASSWORD: &str = "correct-horse-battery";
    const OTHER_PASSWORD: &str = "another-horse-battery";

    fn start(what: &'static str, world: World, token: &'static str) -> Start {
        Start { what, world, token, configured: Place::with_one_stack }
    }

    pub(crate) fn bootstrap() -> Start {
        start("bootstrap", World::default(), TOKEN)
    }

    /// An empty secret of ours, and one half of the credential in GitHub without a record.
    pub(crate) fn half_made() -> Start {
        let mut world = World::default();
        let secret = world.aws.add_secret(ACCOUNT, REGION, NAME);
        secret.tags.insert("managed-by".to_owned(), "regcred".to_owned());
        let now = world.clock.now();
        let repository = world.github.repositories.get_mut("acme/api").unwrap();
        repository.actions.set("DOCKER_HUB_USERNAME", USER, now);
        start("half-made world", world, TOKEN)
    }

    /// Everything in place, and another token from now on.
    pub(crate) fn changed_value() -> Start {
        let place = Place::with_one_stack(World::default());
        place.sync();
        place.sandbox.state().registry.add_account(USER, OTHER_TOKEN);
        start("changed value", place.sandbox.snapshot(), OTHER_TOKEN)
    }

    /// The same with passwords, of which no record is kept.
    pub(crate) fn changed_password() -> Start {
        let mut world = World::default();
        world.registry.add_account(USER, PASSWORD);
        let mut place = Place::with_one_stack(world);
        place.set("DOCKER_HUB_TOKEN", PASSWORD);
        place.sync();
        place.sandbox.state().registry.add_account(USER, OTHER_PASSWORD);
        start("changed password", place.sandbox.snapshot(), OTHER_PASSWORD)
    }

    pub(crate) fn all() -> [Start; 4] {
        [bootstrap(), half_made(), changed_value(), changed_password()]
    }
}

fn next_run_finishes(start: &Start) {
    let then = |place: &Place, at: &str| {
        assert_eq!(broken(&place.sandbox.state(), Some(&start.world)), [""; 0], "{at}");
        finish(place, start.token, at);
    };
    kill_everywhere(start, 10, |place| watch(&place.sandbox), then);
}

#[test]
fn a_bootstrap_killed_at_any_request_is_finished_by_the_next_run() {
    next_run_finishes(&start::bootstrap());
}

#[test]
fn a_half_made_world_killed_at_any_request_is_finished_by_the_next_run() {
    next_run_finishes(&start::half_made());
}

#[test]
fn a_changed_value_killed_at_any_request_is_finished_by_the_next_run() {
    next_run_finishes(&start::changed_value());
}

#[test]
fn a_changed_password_killed_at_any_request_is_finished_by_the_next_run() {
    next_run_finishes(&start::changed_password());
}
