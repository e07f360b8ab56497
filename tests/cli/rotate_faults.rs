//! A rotation over every system, struck or killed at each of its requests: it ends in bounded time, says what is the case, a
//! clean run puts the rest in place, and at no instant is a place without a credential that Docker Hub accepts.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use regcred_sandbox::{Call, Door, Fault, Kind, Moment, World};
use serde_json::Value;

use crate::faults::{BOUND, judge_code};
use crate::kill::{kill_at, moments};
use crate::kubernetes::of_world;
use crate::place::{OTHER_TOKEN, Place, TOKEN, USER, tell, written};
use crate::rotate::{MINT, OLD_LABEL, PASSWORD, accepts, in_file, labels, owned, stored};
use crate::strike::{changed_by, for_every_fault, in_parallel, is_full, one_of, run_refused};
use crate::two::{Run, Word, said, seeded, served, stopped};
use crate::world::{Seen, holds, values, watch_for};

/// A place in each system.
const ALL: &str = "    to:
      aws: { stacks: { main: { region: us-east-2 } } }
      github: [{ repository: acme/api }]
      daytona: { name: docker-hub }
      kubernetes: [{ context: prod, namespaces: [default], service-accounts: [default] }]
      runpod: { name: docker-hub-acme, templates: all, endpoints: all }
";

/// Where a rotation starts from.
struct Story {
    what: &'static str,
    world: World,
    token: String,
    args: &'static [&'static str],
}

/// A rotation has many requests: of the pairs of request and fault a quick run takes one of so many, so that over all kinds
/// and both stories every second request is struck.
const SHARE: usize = 80;

/// Of the requests a quick run takes one of so many. For kills it is odd, so that they come before the effect and after it.
fn step(share: usize) -> usize {
    if is_full() { 1 } else { share }
}

/// A new token in a file, and the old one named.
const HANDED: &[&str] =
    &["rotate", "--from", "file=new", "--old", OLD_LABEL, "--allow-delete", "--yes", "--json"];
/// A new token that is made.
const MINTED: &[&str] = &["rotate", "--mint", "--yes", "--json"];

fn arranged(world: World, token: &str) -> Place {
    let mut place = of_world(
        &format!("version: 1\ncredentials:\n  docker-hub:\n    from: {{ file: token }}\n{MINT}{ALL}"),
        world,
    );
    place.unset("DOCKER_HUB_USERNAME");
    place.unset("DOCKER_HUB_TOKEN");
    place.write("token", &format!("{USER}\n{token}\n"));
    place.write("new", &format!("{USER}\n{OTHER_TOKEN}\n"));
    place.write("password", &format!("{PASSWORD}\n"));
    owned(&place, "token");
    owned(&place, "new");
    place
}

impl Story {
    fn place(&self) -> Place {
        arranged(self.world.clone(), &self.token)
    }
}

/// The requests of each story where nothing happens to it.
static WHOLE: LazyLock<Vec<Vec<Call>>> = LazyLock::new(|| {
    let whole = |story: &Story| {
        let (ran, calls) = story.place().watch(story.args);
        ran.ends(0);
        calls
    };
    STORIES.iter().map(whole).collect()
});

/// Everything is in place with a token that a person has made; and with one that regcred has.
static STORIES: LazyLock<[Story; 2]> = LazyLock::new(|| {
    let mut world = World::default();
    crate::runpod::populate(&mut world.runpod);
    world.registry.add_account(USER, PASSWORD);
    world.registry.add_account(USER, OTHER_TOKEN);
    let credentials = &mut world.registry.accounts.get_mut(USER).unwrap().credentials;
    credentials.iter_mut().find(|one| one.secret == TOKEN).unwrap().token.label = OLD_LABEL.to_owned();
    let place = arranged(world, TOKEN);
    place.sync();
    let handed =
        Story { what: "handed in", world: place.sandbox.snapshot(), token: TOKEN.to_owned(), args: HANDED };
    place.run(MINTED).ends(0);
    let token = stored(&place);
    let minted = Story { what: "made", world: place.sandbox.snapshot(), token, args: MINTED };
    [handed, minted]
});

/// What was wrong at any instant: a place that held a credential that Docker Hub takes, and does not; a place with a token that
/// nobody has logged in with; a source that gives a dead token.
fn watch(place: &Place) -> Seen {
    let accepted = |world: &World| -> BTreeSet<String> {
        let taken = |(_, value): &(String, Option<String>)| {
            value.as_ref().is_some_and(|value| world.registry.accepts(USER, value))
        };
        values(world).into_iter().filter(taken).map(|(name, _)| name).collect()
    };
    let before = accepted(&place.sandbox.state());
    assert!(before.len() > 5, "{before:?}");
    let source = place.repo().join("token");
    watch_for(&place.sandbox, None, move |world, _| {
        let now = accepted(world);
        let without = before.difference(&now).map(|name| format!("{name} pulls with nothing that works"));
        let unproven = values(world).into_iter().filter(|(_, value)| !is_proven(world, value.as_deref()));
        let unproven = unproven.map(|(name, _)| format!("{name} has a token that was not proven"));
        let dead = !world.registry.accepts(USER, &in_file(&source));
        without.chain(unproven).chain(dead.then(|| "the source gives a dead token".to_owned())).collect()
    })
}

/// Whether somebody has logged in with what a place holds; what is no token of Docker Hub's is not looked at.
fn is_proven(world: &World, value: Option<&str>) -> bool {
    let mut credentials = world.registry.accounts[USER].credentials.iter();
    credentials.all(|one| Some(one.secret.as_str()) != value || one.token.last_used.is_some())
}

/// Rows that are reported as done are.
fn assert_done(place: &Place, lines: &[Value], at: &str) {
    let (world, token) = (place.sandbox.snapshot(), stored(place));
    let is_off = |id: &str| {
        let credentials = &world.registry.accounts[USER].credentials;
        credentials.iter().all(|one| one.uuid() != id || one.token.inactive || one.revoked)
    };
    let done = lines.iter().filter(|line| line["type"] == "apply_complete" && line["skipped"].is_null());
    for address in done.filter_map(|line| line["address"].as_str()) {
        let is_true = match address.strip_prefix("hub:token/") {
            Some(id) => is_off(id),
            None => holds(&world, address, &token),
        };
        assert!(is_true, "{at}: {address} is reported as done");
    }
}

/// A clean run goes on, and another has nothing left to do: every place has what the source gives, and of the tokens that
/// the story is about one is on.
#[track_caller]
fn finish(place: &Place, story: &Story, at: &str) {
    let next = place.run(story.args);
    assert_eq!(next.code, 0, "{at}: the next run\n{}\n{}", next.stdout, next.stderr);
    let token = stored(place);
    assert!(accepts(place, &token), "{at}");
    for (name, value) in values(&place.sandbox.state()) {
        assert!(
            value.as_ref().is_none_or(|value| *value == token || !value.starts_with("dckr_")),
            "{name}: {at}"
        );
    }
    let on = |ours: &str| labels(place).iter().filter(|(label, on)| *on && label.starts_with(ours)).count();
    match story.args == HANDED {
        true => assert!(!accepts(place, TOKEN) && token == OTHER_TOKEN, "{at}"),
        false => assert_eq!(on("regcred docker-hub "), 1, "{at}: {:?}", labels(place)),
    }
    assert!(!labels(place).iter().any(|(label, _)| label.ends_with(" new")), "{at}: {:?}", labels(place));
    // That costs as much as any run: of all pairs it is asked after every third.
    static FINISHED: AtomicUsize = AtomicUsize::new(0);
    if is_full() && !FINISHED.fetch_add(1, Ordering::Relaxed).is_multiple_of(3) {
        return;
    }
    let (again, calls) = place.watch(&["sync", "--yes"]);
    assert_eq!((again.code, written(&calls)), (0, vec![]), "{at}\n{}\n{}", again.stdout, again.stderr);
}

fn content(place: &Place) -> String {
    let world = place.sandbox.state();
    let tokens: Vec<_> = world.registry.accounts[USER].credentials.iter().map(|one| &one.secret).collect();
    format!("{:?} {tokens:?} {}", values(&world), stored(place))
}

fn strike(story: &Story, index: usize, kind: &Kind) {
    let place = story.place();
    let seen = watch(&place);
    let before = content(&place);
    place.sandbox.fault(Fault::nth(index, kind.clone()));
    let started = Instant::now();
    let ran = place.run(story.args);
    let struck = place.sandbox.calls().get(index).map_or(String::new(), |call| call.operation.clone());
    let at =
        format!("{}: {kind:?} at request {index} ({struck})\n{}\n{}", story.what, ran.stdout, ran.stderr);
    assert!(started.elapsed() < BOUND, "{at}");
    // A stream that ends before the plan was carried out says why, and counts nothing.
    if ran.lines().last().is_some_and(|line| line["errors"].is_null()) {
        judge_code(&at, ran.code, &ran.lines(), &before, &content(&place));
    }
    assert!(matches!(ran.code, 0 | 1 | 4 | 5), "{at}");
    assert_done(&place, &ran.lines(), &at);
    place.sandbox.clear_faults();
    finish(&place, story, &at);
    assert_eq!(*seen.lock().unwrap(), [""; 0], "{at}");
}

fn a_rotation_survives_at_every_request(kind: &Kind) {
    for (seed, (story, calls)) in STORIES.iter().zip(&*WHOLE).enumerate() {
        let requests = changed_by(kind, calls);
        let struck = one_of(SHARE, &requests, kind, seed);
        in_parallel(&struck, |index| strike(story, *index, kind));
        tell(&format!(
            "rotation {}: {kind:?} at {} of {} requests",
            story.what,
            struck.len(),
            requests.len()
        ));
    }
}
for_every_fault!(a_rotation_survives_at_every_request);

/// Nothing was sent, so that it is sent again, whatever it is.
#[test]
fn a_rotation_that_is_refused_a_connection_at_any_request_tries_again_and_is_done() {
    for (story, calls) in STORIES.iter().zip(&*WHOLE) {
        let jobs: Vec<&Call> = calls.iter().step_by(step(61)).collect();
        let refused = AtomicUsize::new(0);
        in_parallel(&jobs, |call| {
            let place = story.place();
            let seen = watch(&place);
            let (ran, is_refused) = run_refused(&place, story.args, call.index, Door::of(call.service));
            refused.fetch_add(usize::from(is_refused), Ordering::Relaxed);
            let at = format!("{}: refused at {} ({})", story.what, call.index, call.operation);
            assert_eq!(ran.code, 0, "{at}\n{}\n{}", ran.stdout, ran.stderr);
            assert_done(&place, &ran.lines(), &at);
            finish(&place, story, &at);
            assert_eq!(*seen.lock().unwrap(), [""; 0], "{at}");
        });
        let refused = refused.into_inner();
        // Where requests go out side by side, none may be left for this listener.
        assert!(refused * 2 > jobs.len(), "{refused} of {}", jobs.len());
        tell(&format!("refused: rotation {}: {refused} of {} requests", story.what, calls.len()));
    }
}

#[test]
fn a_rotation_killed_at_any_request_goes_on_and_leaves_nobody_without() {
    for (story, calls) in STORIES.iter().zip(&*WHOLE) {
        let jobs: Vec<(usize, Moment)> = (0..calls.len())
            .flat_map(|index| moments(index).iter().map(move |moment| (index, *moment)))
            .step_by(step(7))
            .collect();
        in_parallel(&jobs, |(index, moment)| {
            let place = story.place();
            let seen = watch(&place);
            let at = format!("{}, request {index} {moment:?}", story.what);
            kill_at(&place, story.args, *index, *moment);
            finish(&place, story, &at);
            assert_eq!(*seen.lock().unwrap(), [""; 0], "{at}");
        });
        tell(&format!("killed: rotation {}: {} of {} pairs", story.what, jobs.len(), 2 * calls.len()));
    }
}

/// Two runs, served in turns: a rotation, and a second one or a sync whose file has the old token still.
fn beside(story: &Story, other: &[&str], word: &Word) {
    let place = story.place();
    place.write("before", &format!("{USER}\n{}\n", story.token));
    owned(&place, "before");
    let file = std::fs::read_to_string(place.repo().join("regcred.yaml")).unwrap();
    place.write("before.yaml", &file.replace("file: token", "file: before"));
    let runs = [story.args, other].map(|args| Run::start(&place, args, ""));
    let outputs = served(runs.into(), word);
    let at = format!("{} beside {other:?}\n{}", story.what, said(&outputs));
    assert!(outputs.iter().all(|output| matches!(output.status.code(), Some(0 | 1 | 4 | 5))), "{at}");
    // Whoever comes second may find its own token out of use: what the source gives then decides.
    finish(&place, story, &at);
}

#[test]
fn a_rotation_beside_another_one_or_a_sync_with_the_old_token_converges() {
    let sync: &[&str] = &["sync", "--yes", "--json", "--file", "before.yaml"];
    for story in STORIES.iter() {
        for other in [story.args, sync] {
            let requests = story.place().watch(story.args).1.len();
            let stops = (0..requests).step_by(step(80));
            let words: Vec<Word> = stops
                .flat_map(|index| [stopped(0, index), stopped(1, index)])
                .chain((0..if is_full() { 16 } else { 1 }).map(|seed| seeded(seed, 2)))
                .collect();
            in_parallel(&words, |word| beside(story, other, word));
            tell(&format!("beside each other: rotation {}: {} schedules", story.what, words.len()));
        }
    }
}
