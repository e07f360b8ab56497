//! Programs that are running, each with all that it has started: nothing of them outlives the run.

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// The exit code of a run that was interrupted.
#[cfg(unix)]
const INTERRUPTED: i32 = 130;

/// The process groups that are running.
#[derive(Default)]
#[cfg_attr(not(unix), expect(dead_code, reason = "there are no process groups elsewhere"))]
pub(super) struct Groups {
    running: Mutex<BTreeSet<i32>>,
    /// Whether whoever writes to the systems ends the run at an interrupt, after what is under way.
    graceful: AtomicBool,
    watched: OnceLock<()>,
}

/// A running program that is ended with its group when this is dropped.
pub(super) struct Guard {
    groups: Arc<Groups>,
    id: Option<i32>,
}

/// Whether a program gets a group of its own. On a terminal it stays in ours: elsewhere it could not ask a person, and an
/// interrupt from the keyboard reaches all of it anyway.
pub(super) fn apart() -> bool {
    cfg!(unix) && !std::io::stdin().is_terminal()
}

impl Groups {
    /// Leaves an interrupt to whoever writes: what is under way is finished first.
    pub(super) fn leave_interrupts(&self) {
        self.graceful.store(true, Ordering::Relaxed);
    }

    /// Takes in a program that has just been started as the head of a group.
    pub(super) fn guard(self: &Arc<Self>, id: Option<u32>) -> Guard {
        let id = id.filter(|_| apart()).and_then(|id| i32::try_from(id).ok());
        if let Some(id) = id {
            self.ids().insert(id);
            self.watch();
        }
        Guard { groups: Arc::clone(self), id }
    }

    fn ids(&self) -> std::sync::MutexGuard<'_, BTreeSet<i32>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end_all(&self) {
        self.ids().iter().copied().for_each(end);
    }

    /// From the first program on: what interrupts the run ends the programs first, which it would not reach.
    fn watch(self: &Arc<Self>) {
        #[cfg(unix)]
        self.watched.get_or_init(|| {
            let groups = Arc::clone(self);
            tokio::spawn(async move { groups.wait_for_signals().await });
        });
    }

    #[cfg(unix)]
    async fn wait_for_signals(&self) -> Option<()> {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupt = signal(SignalKind::interrupt()).ok()?;
        let mut terminate = signal(SignalKind::terminate()).ok()?;
        let mut hangup = signal(SignalKind::hangup()).ok()?;
        loop {
            let graceful = tokio::select! {
                _ = interrupt.recv() => self.graceful.load(Ordering::Relaxed),
                _ = terminate.recv() => false,
                _ = hangup.recv() => false,
            };
            self.end_all();
            if !graceful {
                // What would have ended the run by itself, had it no programs to end.
                std::process::exit(INTERRUPTED);
            }
        }
    }
}

impl Guard {
    /// The program has ended by itself; what it leaves running is meant to (an agent).
    pub(super) fn ended(mut self) {
        self.forget();
    }

    fn forget(&mut self) -> Option<i32> {
        let id = self.id.take()?;
        self.groups.ids().remove(&id);
        Some(id)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.forget().into_iter().for_each(end);
    }
}

#[cfg(unix)]
fn end(group: i32) {
    use rustix::process::{Pid, Signal, kill_process_group};
    if let Some(group) = Pid::from_raw(group) {
        // It may have ended meanwhile.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

#[cfg(not(unix))]
fn end(_group: i32) {}
