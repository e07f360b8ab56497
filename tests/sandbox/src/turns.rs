//! Requests that wait for their turn, so that a test says in which order those of several programs are served.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

/// Lets the requests of one sandbox through, one by one. Dropped, it lets all through.
#[derive(Debug)]
pub struct Turns(pub(crate) Arc<Queue>);

/// What waits, and what is being served.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<oneshot::Sender<Turn>>,
    served: usize,
    open: bool,
}

impl Turns {
    /// Lets the request through that has waited longest, and waits until it is answered, or until whoever sent it has gone.
    /// False if none is waiting within `limit`.
    #[must_use]
    pub fn next(&self, limit: Duration) -> bool {
        let idle = |state: &mut State| state.waiting.is_empty();
        let (mut state, _) = self
            .0
            .changed
            .wait_timeout_while(self.0.lock(), limit, idle)
            .unwrap_or_else(PoisonError::into_inner);
        let Some(first) = state.waiting.pop_front() else { return false };
        state.served += 1;
        drop(state);
        // If whoever sent it has gone, also just now, the turn is dropped, and is over.
        drop(first.send(Turn(self.0.clone())));
        drop(self.0.changed.wait_while(self.0.lock(), |state| state.served > 0));
        true
    }
}

impl Drop for Turns {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.open = true;
        // A dropped sender lets its request go, too.
        state.waiting.clear();
    }
}

/// A request that is being served; dropped, it is answered, or nobody waits for it any more.
#[derive(Debug)]
pub(crate) struct Turn(Arc<Queue>);

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for its turn; nothing if requests wait no longer.
    pub(crate) async fn wait(&self) -> Option<Turn> {
        let (sender, turn) = oneshot::channel();
        {
            let mut state = self.lock();
            if state.open {
                return None;
            }
            state.waiting.push_back(sender);
        }
        self.changed.notify_all();
        turn.await.ok()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.lock().served -= 1;
        self.0.changed.notify_all();
    }
}
