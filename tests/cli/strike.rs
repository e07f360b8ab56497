//! Faults at every request of a sync, from every start, in a fresh world each.
//!
//! A quick run of the tests takes a fixed sample of the pairs of request and fault, in which every request and every kind of
//! fault occurs; with `REGCRED_TEST_FULL=1` it takes them all.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

use regcred_sandbox::{Call, Door, Kind, World};

use crate::place::{Place, Ran, tell};

/// How many worlds there are beside each other, whatever the number of tests: they wait much longer than they compute.
const WORLDS: usize = 32;

/// A quick run takes one pair of so many.
const SHARE: usize = 9;

/// Whether everything is to be looked at, not a sample.
#[allow(clippy::disallowed_methods, reason = "how much is tested is said from outside")]
pub(crate) fn is_full() -> bool {
    std::env::var("REGCRED_TEST_FULL").is_ok_and(|value| value == "1")
}

/// How many worlds may still begin.
static FREE: (Mutex<usize>, Condvar) = (Mutex::new(WORLDS), Condvar::new());

/// Room for one world; dropped, it is free again.
struct Room;

impl Room {
    fn take() -> Self {
        let free = FREE.0.lock().unwrap_or_else(PoisonError::into_inner);
        *FREE.1.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner) -= 1;
        Self
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        *FREE.0.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        FREE.1.notify_one();
    }
}

/// Does every job once, side by side; a panic of one is the panic of all.
pub(crate) fn in_parallel<J: Sync>(jobs: &[J], work: impl Fn(&J) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..jobs.len().min(WORLDS) {
            scope.spawn(|| {
                while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let _room = Room::take();
                    work(job);
                }
            });
        }
    });
}

/// Where a sync starts from, and the token that it has to bring everywhere.
pub(crate) struct Start {
    pub(crate) what: &'static str,
    pub(crate) world: World,
    pub(crate) token: &'static str,
    /// Makes the place, with its configuration.
    pub(crate) configured: fn(World) -> Place,
}

impl Start {
    pub(crate) fn place(&self) -> Place {
        let mut place = (self.configured)(self.world.clone());
        place.set("DOCKER_HUB_TOKEN", self.token);
        place
    }
}

/// A fault, and the request that it strikes.
pub(crate) struct Pair<'a> {
    pub(crate) start: &'a Start,
    pub(crate) index: usize,
    pub(crate) kind: &'a Kind,
}

impl Pair<'_> {
    /// Where something went wrong, with what the run said.
    pub(crate) fn at(&self, place: &Place, ran: &Ran) -> String {
        let (what, index, kind) = (self.start.what, self.index, self.kind);
        let calls = place.sandbox.calls();
        let struck = calls.get(index).map_or("", |call| call.operation.as_str());
        format!("{what}: {kind:?} at request {index} ({struck})\n{}\n{}", ran.stdout, ran.stderr)
    }
}

/// The requests to which this kind of fault makes a difference: what is stale was written before.
pub(crate) fn changed_by(kind: &Kind, calls: &[Call]) -> Vec<usize> {
    let first_write = calls.iter().position(|call| call.is_write).unwrap_or(calls.len());
    let is_changed = |call: &&Call| *kind != Kind::StaleRead || !call.is_write && call.index > first_write;
    calls.iter().filter(is_changed).map(|call| call.index).collect()
}

/// The requests that this kind of fault strikes; another seed gives others.
pub(crate) fn sample(requests: &[usize], kind: &Kind, seed: usize) -> Vec<usize> {
    one_of(SHARE, requests, kind, seed)
}

/// The same, in a quick run one of so many: over all kinds and seeds every one has its turn.
pub(crate) fn one_of(share: usize, requests: &[usize], kind: &Kind, seed: usize) -> Vec<usize> {
    let all = Kind::catalogue();
    let number = all.iter().position(|other| other == kind).expect("it is in the catalogue");
    // After their last write some runs read nothing.
    assert!(!requests.is_empty() || *kind == Kind::StaleRead, "{kind:?} strikes nothing");
    let share = if is_full() { 1 } else { share.min(requests.len()).max(1) };
    requests.iter().copied().skip((number + seed * all.len()) % share).step_by(share).collect()
}

/// One kind of fault at the wanted requests of an undisturbed sync from each start.
pub(crate) fn strike_everywhere(
    starts: &[Start],
    kind: &Kind,
    wanted: impl Fn(&Call) -> bool,
    strike: impl Fn(&Pair<'_>) + Sync,
) {
    for (seed, start) in starts.iter().enumerate() {
        let calls = start.place().sync();
        let requests = changed_by(kind, &calls).into_iter().filter(|index| wanted(&calls[*index]));
        let requests: Vec<usize> = requests.collect();
        let struck = sample(&requests, kind, seed);
        in_parallel(&struck, |index| strike(&Pair { start, index: *index, kind }));
        tell(&format!("faults: {}: {kind:?} at {} of {} requests", start.what, struck.len(), requests.len()));
    }
}

/// Runs a command that is refused a connection where its request with this index would go, until it says so.
pub(crate) fn run_refused(place: &Place, args: &[&str], index: usize, door: Door) -> (Ran, bool) {
    let earlier = place.sandbox.calls().len();
    place.sandbox.refuse_after(index, door).unwrap();
    let mut command = place.command(&[args, &["-vv"][..]].concat());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut stderr, mut is_refused) = (String::new(), false);
    let output = child.stdout.take().unwrap();
    let stdout = std::thread::spawn(move || std::io::read_to_string(output).unwrap());
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        let line = line.unwrap();
        if line.contains("not answered") {
            place.sandbox.set_reachable(door, true).unwrap();
            is_refused = true;
        }
        stderr += &(line + "\n");
    }
    let code = child.wait().unwrap().code().unwrap_or(-1);
    place.sandbox.set_reachable(door, true).unwrap();
    let ran = Ran { code, stdout: stdout.join().unwrap(), stderr };
    place.assert_true(&ran, earlier);
    (ran, is_refused)
}

/// One test for each kind of fault of the catalogue, of a function that takes one.
macro_rules! for_every_fault {
    ($survives:ident) => {
        crate::strike::for_every_fault! { $survives:
            error_500 = Kind::Status(500),
            error_503 = Kind::Status(503),
            error_429 = Kind::Status(429),
            error_401 = Kind::Status(401),
            error_403 = Kind::Status(403),
            error_404 = Kind::Status(404),
            error_409 = Kind::Status(409),
            throttled_with_a_time = Kind::Throttle { retry_after: Some(1) },
            throttled_without_a_time = Kind::Throttle { retry_after: None },
            throttled_until_a_time = Kind::ThrottleUntil,
            redirected_elsewhere = Kind::Redirect { elsewhere: true },
            redirected_to_itself = Kind::Redirect { elsewhere: false },
            no_answer_and_no_effect = Kind::TimeoutBefore,
            no_answer_after_the_effect = Kind::TimeoutAfter,
            reset_before_the_effect = Kind::ResetBefore,
            reset_after_the_effect = Kind::ResetAfter,
            half_an_answer = Kind::TruncatedBody,
            garbage_for_an_answer = Kind::GarbageBody,
            slow_answer = Kind::SlowBody,
            stale_read = Kind::StaleRead,
        }
    };
    ($survives:ident: $($name:ident = $kind:expr,)*) => {
        mod $survives {
            use regcred_sandbox::Kind;

            $(#[test]
            fn $name() {
                super::$survives(&$kind);
            })*

            #[test]
            fn with_every_fault_of_the_catalogue() {
                assert_eq!(Kind::catalogue(), [$($kind),*]);
            }
        }
    };
}
pub(crate) use for_every_fault;
