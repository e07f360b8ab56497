//! What the listeners and the test share.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};

use crate::calls::Call;
use crate::faults::{self, Fault, Kind};
use crate::gate::{Gate, Moment};
use crate::message::{Reply, Request};
use crate::server::{Asked, Command, Wanted, arrived};
use crate::turns::{Queue, Turn, Turns};
use crate::world::World;

/// Called with each finished call.
pub(crate) type Hook = Arc<dyn Fn(&Call) + Send + Sync>;

/// After the request with this index, a listener takes no further connection.
pub(crate) struct Refusal {
    pub(crate) after: usize,
    pub(crate) door: mpsc::UnboundedSender<Command>,
}

/// State, log and what is planned to go wrong.
pub(crate) struct Shared {
    world: Arc<Mutex<World>>,
    log: Mutex<Vec<Call>>,
    faults: Mutex<Vec<Fault>>,
    /// What was there when a fault was planned that answers with it.
    earlier: Mutex<World>,
    refusals: Mutex<Vec<Refusal>>,
    gates: Mutex<Vec<Gate>>,
    turns: Mutex<Option<Arc<Queue>>>,
    hook: Mutex<Option<Hook>>,
    latency_us: AtomicU64,
    started: Instant,
    arrivals: watch::Sender<usize>,
}

/// A test that panicked while it held the lock must not take the other tests' message away.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn new(world: Arc<Mutex<World>>) -> Self {
        Self {
            world,
            log: Mutex::default(),
            faults: Mutex::default(),
            earlier: Mutex::new(World::empty()),
            refusals: Mutex::default(),
            gates: Mutex::default(),
            turns: Mutex::default(),
            hook: Mutex::default(),
            latency_us: AtomicU64::new(0),
            started: Instant::now(),
            arrivals: watch::channel(0).0,
        }
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }

    /// The world itself, to be shared with another sandbox.
    pub(crate) fn same_world(&self) -> Arc<Mutex<World>> {
        self.world.clone()
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        lock(&self.log).clone()
    }

    pub(crate) fn clear_calls(&self) {
        lock(&self.log).clear();
        self.arrivals.send_replace(0);
    }

    pub(crate) fn arm(&self, fault: Fault) {
        if fault.is_stale() {
            let now = self.world().clone();
            *lock(&self.earlier) = now;
        }
        lock(&self.faults).push(fault);
    }

    /// What was there when a fault was planned that answers with it.
    pub(crate) fn earlier(&self) -> World {
        lock(&self.earlier).clone()
    }

    pub(crate) fn add_refusal(&self, refusal: Refusal) {
        lock(&self.refusals).push(refusal);
    }

    /// Takes no further connection where that is planned after this request, and waits until it is so.
    pub(crate) async fn refuse(&self, index: usize) {
        let planned = {
            let mut all = lock(&self.refusals);
            let position = all.iter().position(|refusal| refusal.after == index);
            position.map(|position| all.swap_remove(position))
        };
        let Some(Refusal { door, .. }) = planned else { return };
        let (done, refused) = oneshot::channel();
        let tell = move |result: io::Result<()>| drop(done.send(result));
        if door.send((Wanted::Refusing, Box::new(tell))).is_ok() {
            refused.await.ok();
        }
    }

    pub(crate) fn disarm(&self) {
        lock(&self.faults).clear();
    }

    pub(crate) fn add_gate(&self, gate: Gate) {
        lock(&self.gates).push(gate);
    }

    /// From now on requests wait for their turn.
    pub(crate) fn take_turns(&self) -> Turns {
        let queue = Arc::<Queue>::default();
        *lock(&self.turns) = Some(queue.clone());
        Turns(queue)
    }

    /// Waits until it is this request's turn, where requests take turns.
    pub(crate) async fn turn(&self) -> Option<Turn> {
        let queue = lock(&self.turns).clone()?;
        queue.wait().await
    }

    pub(crate) fn set_hook(&self, hook: Hook) {
        *lock(&self.hook) = Some(hook);
    }

    pub(crate) fn set_latency(&self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.latency_us.store(micros, Ordering::Relaxed);
    }

    /// Waits as long as the network is said to take. No sleep at all for nothing: tokio's timer rounds up to a
    /// millisecond.
    pub(crate) async fn delay(&self) {
        let latency = Duration::from_micros(self.latency_us.load(Ordering::Relaxed));
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
    }

    pub(crate) fn arrivals(&self) -> watch::Receiver<usize> {
        self.arrivals.subscribe()
    }

    /// Logs an arrived request and gives its index.
    pub(crate) fn begin(&self, asked: Asked, request: &Request) -> usize {
        let mut log = lock(&self.log);
        let index = log.len();
        log.push(arrived(index, asked, request, self.started.elapsed()));
        self.arrivals.send_replace(index + 1);
        index
    }

    /// The fault for this call, written into the log.
    pub(crate) fn strike(&self, index: usize) -> Option<Kind> {
        let mut log = lock(&self.log);
        let call = log.get_mut(index)?;
        let kind = faults::pick(&mut lock(&self.faults), call)?;
        call.fault = serde_json::to_string(&kind).ok();
        Some(kind)
    }

    pub(crate) fn note(&self, index: usize, violations: Vec<String>) {
        if let Some(call) = lock(&self.log).get_mut(index) {
            call.violations = violations;
        }
    }

    /// Waits at a gate, if one stands here.
    pub(crate) async fn pause(&self, index: usize, moment: Moment) {
        if let Some(gate) = self.take_gate(index, moment) {
            gate.pass().await;
        }
    }

    fn take_gate(&self, index: usize, moment: Moment) -> Option<Gate> {
        let mut gates = lock(&self.gates);
        let position = gates.iter().position(|gate| gate.is_at(index, moment))?;
        Some(gates.swap_remove(position))
    }

    /// Completes a call in the log and tells the hook.
    pub(crate) fn end(&self, index: usize, reply: &Reply, sent: bool) {
        let ended = self.started.elapsed();
        let call = lock(&self.log).get_mut(index).map(|call| {
            call.ended = sent.then_some(ended);
            call.status = sent.then_some(reply.status);
            call.response_headers =
                reply.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
            call.response_body.clone_from(&reply.body);
            call.clone()
        });
        let hook = lock(&self.hook).clone();
        if let (Some(call), Some(hook)) = (call, hook) {
            hook(&call);
        }
    }

    /// The sandbox's own pages, which no real system has and no log shows: `GET` and `PUT /_sandbox/state`, `GET` and
    /// `DELETE /_sandbox/calls`.
    pub(crate) fn inspect(&self, request: &Request) -> Option<Reply> {
        match (request.method.as_str(), request.path.as_str()) {
            ("PUT", "/_sandbox/state") => Some(self.replace_world(&request.body)),
            (_, "/_sandbox/state") => Some(Reply::serialized(&*self.world())),
            ("DELETE", "/_sandbox/calls") => {
                self.clear_calls();
                Some(Reply::empty(204))
            }
            (_, "/_sandbox/calls") => Some(Reply::serialized(&self.calls())),
            _ => None,
        }
    }

    fn replace_world(&self, json: &[u8]) -> Reply {
        match serde_json::from_slice(json) {
            Ok(world) => {
                *self.world() = world;
                Reply::empty(204)
            }
            Err(error) => Reply::text(400, "text/plain", error.to_string()),
        }
    }
}
