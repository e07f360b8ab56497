//! A stop sign at one request, so that a test can look, or kill the process under test, while it is under way.

use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::timeout;

/// When a paused request is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Received; nothing done yet.
    BeforeEffect,
    /// Done; the answer not sent yet.
    AfterEffect,
}

/// The sandbox's side of a pause.
#[derive(Debug)]
pub(crate) struct Gate {
    index: usize,
    moment: Moment,
    reached: watch::Sender<bool>,
    released: watch::Receiver<bool>,
}

impl Gate {
    pub(crate) fn is_at(&self, index: usize, moment: Moment) -> bool {
        self.index == index && self.moment == moment
    }

    /// Says that the request is here and waits until it is let go. A dropped `Pause` lets go too.
    pub(crate) async fn pass(mut self) {
        self.reached.send_replace(true);
        // An error means that the other side is gone, which is a release.
        self.released.wait_for(|released| *released).await.ok();
    }
}

/// The test's side of a pause: dropped, it lets the request go.
#[derive(Debug)]
pub struct Pause {
    reached: watch::Receiver<bool>,
    release: watch::Sender<bool>,
    runtime: Handle,
}

impl Pause {
    /// Waits until the request is there; false after `limit`. For synchronous tests.
    pub fn wait(&mut self, limit: Duration) -> bool {
        let runtime = self.runtime.clone();
        runtime.block_on(self.reached(limit))
    }

    /// Waits until the request is there; false after `limit`.
    pub async fn reached(&mut self, limit: Duration) -> bool {
        matches!(timeout(limit, self.reached.wait_for(|reached| *reached)).await, Ok(Ok(_)))
    }

    /// Whether the request is there now.
    #[must_use]
    pub fn is_reached(&self) -> bool {
        *self.reached.borrow()
    }

    /// Lets the request go on.
    pub fn release(self) {
        self.release.send_replace(true);
    }
}

/// Both sides of a pause at the request with this index.
pub(crate) fn gate(index: usize, moment: Moment, runtime: Handle) -> (Gate, Pause) {
    let (reached_sender, reached) = watch::channel(false);
    let (release, released) = watch::channel(false);
    (Gate { index, moment, reached: reached_sender, released }, Pause { reached, release, runtime })
}
