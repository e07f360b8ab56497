//! Faults at every request of a sync, from every start, in a fresh world each.
//!
//! A quick run of the tests takes a fixed sample of the pairs of request and fault, in which every request and every kind of
//! fault occurs; with `REGCRED_TEST_FULL=1` it takes them all.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

use regcred_sandbox::{Call, Kind, World};

use crate::place::{Place, Ran, tell};

/// How many worlds there are beside each other, whatever the number of tests: they wait much longer than they compute.
const WORLDS: usize = 32;

/// A quick run takes one pair of so many.
const SHARE: usize = 4;

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

/// The requests that this kind of fault strikes; another seed gives others.
pub(crate) fn sample(requests: &[usize], kind: &Kind, seed: usize) -> Vec<usize> {
    let number = Kind::catalogue().iter().position(|other| other == kind).expect("it is in the catalogue");
    assert!(!requests.is_empty(), "{kind:?} strikes nothing");
    let share = if is_full() { 1 } else { SHARE.min(requests.len()) };
    requests.iter().copied().skip((number + seed) % share).step_by(share).collect()
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
        let requests: Vec<usize> = calls.iter().filter(|call| wanted(call)).map(|call| call.index).collect();
        let struck = sample(&requests, kind, seed);
        in_parallel(&struck, |index| strike(&Pair { start, index: *index, kind }));
        tell(&format!("faults: {}: {kind:?} at {} of {} requests", start.what, struck.len(), requests.len()));
    }
}

/// One test for each kind of fault of the catalogue, of a function that takes one.
macro_rules! for_every_fault {
    ($survives:ident) => {
        crate::strike::for_every_fault! { $survives:
            error_500 = Kind::Status(500),
            error_503 = Kind::Status(503),
            error_429 = Kind::Status(429),
            error_403 = Kind::Status(403),
            throttled_with_a_time = Kind::Throttle { retry_after: Some(1) },
            throttled_without_a_time = Kind::Throttle { retry_after: None },
            no_answer_and_no_effect = Kind::TimeoutBefore,
            no_answer_after_the_effect = Kind::TimeoutAfter,
            reset_before_the_effect = Kind::ResetBefore,
            reset_after_the_effect = Kind::ResetAfter,
            half_an_answer = Kind::TruncatedBody,
            garbage_for_an_answer = Kind::GarbageBody,
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
