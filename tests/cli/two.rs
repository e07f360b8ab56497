//! Two syncs at once, and three and four. A scheduler serves one request at a time and says whose: of two, one run is stopped
//! at each of its requests while the other runs whole, both ways round; and there are seeded schedules that change at every
//! request, for two to four. Afterwards every place holds the value of one of them, no record vouches for another's value,
//! and the next sync, of any, puts everything in place and leaves nothing behind.
//!
//! Which of the requests that one run sends beside each other comes first is left to chance, as in all tests of this kind.

use std::process::{Child, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use regcred_sandbox::{Call, Sandbox, Turns, World};
use serde_json::Value;

use crate::place::{ONE_STACK, OTHER_TOKEN, Place, TOKEN, USER, tell};
use crate::strike::{in_parallel, is_full};
use crate::world::{assert_left_alone, broken, holds, values, watch_for};

const EARLIER: &str = "dckr_pat_sandbox-earlier89abcdefghij";
const PASSWORDS: &[&str] = &["correct-horse-battery", "another-horse-battery"];

/// A quick run takes one schedule of so many.
const SHARE: usize = 8;

/// How many seeded schedules each start of two gets.
const SEEDS: u64 = 16;

/// The same for three and four: there are too many orders to stop each run at each request.
const SEEDS_OF_MORE: u64 = 48;

/// What each runs.
const SYNC: &[&str] = &["sync", "--yes", "--json"];

/// What is configured, where the two start from, and their tokens.
pub(crate) struct Case {
    pub(crate) what: &'static str,
    pub(crate) start: fn() -> Place,
    pub(crate) tokens: &'static [&'static str],
}

impl Case {
    /// Where they start, with a registry that takes all of them.
    fn place(&self) -> Place {
        let place = (self.start)();
        for token in self.tokens {
            place.sandbox.state().registry.add_account(USER, token);
        }
        place
    }
}

/// A run whose requests wait for their turn.
pub(crate) struct Run {
    child: Child,
    sandbox: Sandbox,
    turns: Turns,
}

impl Run {
    pub(crate) fn start(place: &Place, args: &[&str], token: &str) -> Self {
        let sandbox = place.sandbox.beside().unwrap();
        let turns = sandbox.take_turns();
        let mut command = place.command(args);
        command.envs(sandbox.env()).env("DOCKER_HUB_TOKEN", token);
        if let Some(kubeconfig) = place.get("KUBECONFIG") {
            let path =
                format!("{kubeconfig}-{}", sandbox.url(regcred_sandbox::Door::Aws).replace([':', '/'], ""));
            sandbox.write_kubeconfig(path.as_ref()).unwrap();
            command.env("KUBECONFIG", path);
        }
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Self { child, sandbox, turns }
    }

    /// Serves its next request. False if the run is over.
    fn step(&mut self) -> bool {
        while !self.turns.next(Duration::from_millis(20)) {
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
        }
        true
    }

    fn end(mut self) -> (Output, Vec<Call>) {
        while self.step() {}
        let requests = self.sandbox.calls();
        drop(self.turns);
        (self.child.wait_with_output().unwrap(), requests)
    }
}

/// Whose request is served next.
pub(crate) type Word = Vec<usize>;

/// One of the two up to a request, the other one whole, and the first one again; a word that is over lets both end.
pub(crate) fn stopped(first: usize, requests: usize) -> Word {
    [vec![first; requests], vec![1 - first; 200]].concat()
}

/// A schedule of so many runs by a seed (xorshift).
pub(crate) fn seeded(seed: u64, runs: usize) -> Word {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 32).unwrap() % runs
    };
    (0..100 * runs).map(next).collect()
}

/// The runs in this order of requests.
fn interleave(case: &Case, place: &Place, word: &Word) -> Vec<Output> {
    let runs: Vec<Run> = case.tokens.iter().map(|token| Run::start(place, SYNC, token)).collect();
    served(runs, word)
}

/// The same of runs that have been started.
pub(crate) fn served(mut runs: Vec<Run>, word: &Word) -> Vec<Output> {
    for turn in word {
        // What is left of a word once its run is over is nobody's.
        runs[*turn].step();
    }
    runs.into_iter().map(|run| run.end().0).collect()
}

pub(crate) fn said(outputs: &[Output]) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    outputs.iter().map(|output| format!("{}{}\n", text(&output.stdout), text(&output.stderr))).collect()
}

fn judge(case: &Case, at: &str, word: &Word) {
    let place = case.place();
    let seen = watch_for(&place.sandbox, None, broken);
    let outputs = interleave(case, &place, word);
    let codes: Vec<Option<i32>> = outputs.iter().map(|output| output.status.code()).collect();
    let at = format!("{at}: {codes:?}\n{}", said(&outputs));
    assert!(codes.iter().all(|code| matches!(code, Some(0 | 5))), "{at}");
    let after = place.sandbox.snapshot();
    for (name, value) in values(&after) {
        let good = value.as_deref().is_some_and(|value| case.tokens.contains(&value));
        assert!(good, "{at}: {name} holds {value:?}");
    }
    for token in case.tokens {
        place.sandbox.restore(after.clone());
        finish(&place, token, &at);
    }
    assert_eq!(*seen.lock().unwrap(), [""; 0], "{at}");
}

/// The next sync vouches for nothing that it does not hold, and puts everything in place.
fn finish(place: &Place, token: &'static str, at: &str) {
    let before = place.sandbox.snapshot();
    let next = place.run_with(&["sync", "--yes", "--json"], token);
    let at = format!("{at}\n--- then\n{}{}", next.stdout, next.stderr);
    assert_eq!(next.code, 0, "{at}");
    for kept in
        next.lines().iter().filter(|line| line["type"] == "planned_change" && line["action"] == "keep")
    {
        let address = kept["address"].as_str().unwrap_or_default();
        assert!(holds(&before, address, token), "{address} is vouched for\n{at}");
    }
    let after = place.sandbox.snapshot();
    for (name, value) in values(&after) {
        assert_eq!(value.as_deref(), Some(token), "{name}\n{at}");
    }
    assert_left_alone(&after, token, &at);
    let again = place.run_with(&["sync", "--yes", "--json"], token);
    let wrote = |line: &Value| {
        line["type"] == "planned_change"
            && !["keep", "refresh"].contains(&line["action"].as_str().unwrap_or_default())
    };
    let lines = again.lines();
    let writes: Vec<&Value> = lines.iter().filter(|line| wrote(line)).collect();
    assert!(again.code == 0 && writes.is_empty(), "once more: {writes:?}\n{at}");
}

/// Every schedule of a case, or a sample of them.
fn all_schedules(case: &Case) {
    let requests = |run: usize| {
        let place = case.place();
        Run::start(&place, SYNC, case.tokens[run]).end().1.len()
    };
    let stops = [0, 1].into_iter().flat_map(|first| {
        let at = move |stop| (format!("{}: {first} stops at {stop}", case.what), stopped(first, stop));
        (0..=requests(first)).map(at)
    });
    sample(case, stops.chain(seeds(case, SEEDS)).collect());
}

/// Seeded schedules of a case, or a sample of them.
fn seeded_schedules(case: &Case) {
    sample(case, seeds(case, SEEDS_OF_MORE).collect());
}

fn seeds(case: &Case, seeds: u64) -> impl Iterator<Item = (String, Word)> {
    (1..=seeds).map(|seed| (format!("{}: seed {seed}", case.what), seeded(seed, case.tokens.len())))
}

fn sample(case: &Case, all: Vec<(String, Word)>) {
    let share = if is_full() { 1 } else { SHARE };
    let taken: Vec<&(String, Word)> = all.iter().skip(case.what.len() % share).step_by(share).collect();
    let done = AtomicUsize::new(0);
    in_parallel(&taken, |(at, word)| {
        judge(case, at, word);
        done.fetch_add(1, Ordering::Relaxed);
    });
    let runs = case.tokens.len();
    tell(&format!("{runs} at once: {}: {} of {} schedules", case.what, done.into_inner(), all.len()));
}

/// One test for each start and its tokens.
macro_rules! at_once {
    ($schedules:ident: $($name:ident: $start:expr, $tokens:expr;)*) => {
        $(#[test]
        fn $name() {
            $schedules(&Case { what: stringify!($name), start: $start, tokens: $tokens });
        })*
    };
}

const TWO: &[&str] = &[TOKEN, OTHER_TOKEN];
const SAME: &[&str] = &[TOKEN, TOKEN];
const THREE: &[&str] = &[TOKEN, OTHER_TOKEN, "dckr_pat_sandbox-third6789abcdefghijkl"];
/// One of them runs twice.
const FOUR: &[&str] = &[TOKEN, OTHER_TOKEN, TOKEN, "dckr_pat_sandbox-third6789abcdefghijkl"];

at_once! { all_schedules:
    stack_made_with_two_tokens: stack, TWO;
    stack_changed_to_two_tokens: || changed(stack()), TWO;
    stack_made_with_one_token: stack, SAME;
    stack_changed_to_one_token: || changed(stack()), SAME;
    stack_made_with_two_passwords: stack, PASSWORDS;
    stack_without_one_half_mended_with_two_tokens: halved, TWO;
    daytona_made_with_two_tokens: daytona, TWO;
    daytona_changed_to_two_tokens: || changed(daytona()), TWO;
    daytona_made_with_one_token: daytona, SAME;
    daytona_changed_to_two_passwords: || changed(daytona()), PASSWORDS;
    kubernetes_made_with_two_tokens: kubernetes, TWO;
    kubernetes_changed_to_two_tokens: || changed(kubernetes()), TWO;
    kubernetes_made_with_one_token: kubernetes, SAME;
    kubernetes_changed_to_two_passwords: || changed(kubernetes()), PASSWORDS;
    runpod_made_with_two_tokens: runpod, TWO;
    runpod_changed_to_two_tokens: || changed(runpod()), TWO;
    runpod_made_with_one_token: runpod, SAME;
    runpod_changed_to_two_passwords: || changed(runpod()), PASSWORDS;
}

at_once! { seeded_schedules:
    stack_made_with_three_tokens: stack, THREE;
    stack_changed_to_three_tokens: || changed(stack()), THREE;
    stack_made_with_three_tokens_by_four: stack, FOUR;
    stack_changed_to_three_tokens_by_four: || changed(stack()), FOUR;
    daytona_made_with_three_tokens_by_four: daytona, FOUR;
    kubernetes_changed_to_three_tokens_by_four: || changed(kubernetes()), FOUR;
    runpod_made_with_three_tokens: runpod, THREE;
    runpod_changed_to_three_tokens_by_four: || changed(runpod()), FOUR;
}

/// A world in which no second passes: what happens at all happens in the same one.
fn world() -> World {
    let mut world = World::default();
    world.clock.fixed = Some(world.clock.now());
    world
}

fn stack() -> Place {
    let place = Place::bare(world());
    place.write("regcred.yaml", ONE_STACK);
    place
}

/// Everything in place with the first token an hour ago, and then half of it deleted in GitHub.
fn halved() -> Place {
    let place = stack();
    place.sync();
    let mut world = place.sandbox.state();
    world.clock.advance(Duration::from_secs(3600));
    world.github.repositories.get_mut("acme/api").unwrap().actions.secrets.remove("DOCKER_HUB_USERNAME");
    drop(world);
    place
}

fn daytona() -> Place {
    crate::daytona::place_in(world())
}

fn kubernetes() -> Place {
    crate::kubernetes::of_world(crate::kubernetes::ONE, world())
}

fn runpod() -> Place {
    let mut world = world();
    crate::runpod::populate(&mut world.runpod);
    let place = Place::bare(world);
    place.write("regcred.yaml", crate::runpod::FILE);
    place
}

/// The same after a sync with an earlier token.
fn changed(place: Place) -> Place {
    place.sandbox.state().registry.add_account(USER, EARLIER);
    place.run_with(&["sync", "--yes"], EARLIER).ends(0);
    place
}

/// The two of them write the secrets, and then the record, of which GitHub takes one.
#[test]
fn of_two_tokens_at_once_the_run_that_finds_the_others_record_says_so() {
    let case = Case { what: "a record", start: || changed(stack()), tokens: TWO };
    let lone = Run::start(&case.place(), SYNC, TOKEN).end().1;
    let record = lone.iter().position(|call| call.operation.starts_with("POST /repos")).unwrap();
    let place = case.place();
    let outputs = interleave(&case, &place, &stopped(0, record));
    let codes: Vec<Option<i32>> = outputs.iter().map(|output| output.status.code()).collect();
    assert_eq!(codes, [Some(5), Some(0)], "{}", said(&outputs));
    assert!(said(&outputs).contains("another run wrote another credential here at the same time"));
    for token in TWO {
        place.run_with(&["plan", "--detailed-exitcode"], token).ends(2);
    }
}

/// One half is kept by the first run; the other run writes both of them meanwhile.
#[test]
fn a_half_that_stays_as_it_is_is_not_vouched_for_after_another_run_wrote_it() {
    let case = Case { what: "one half", start: halved, tokens: TWO };
    let lone = Run::start(&case.place(), SYNC, TOKEN).end().1;
    let write = lone.iter().position(|call| call.operation.starts_with("DELETE /repos")).unwrap();
    let place = case.place();
    let outputs = interleave(&case, &place, &stopped(0, write));
    let repository = &place.sandbox.snapshot().github.repositories["acme/api"].actions;
    assert_eq!(repository.value("DOCKER_HUB_TOKEN"), Some(OTHER_TOKEN), "{}", said(&outputs));
    for token in TWO {
        let plan = &place.run_with(&["plan", "--json"], token).lines()[0];
        let rows = plan["changes"].as_array().unwrap();
        let row = rows.iter().find(|row| row["address"] == "github:acme/api/actions/DOCKER_HUB_TOKEN");
        assert_eq!(row.unwrap()["action"], "update", "{plan}");
    }
}
