//! Programs that are running, each with all that it has started: nothing of them outlives the run.

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};

/// The programs that are running.
#[derive(Default)]
pub(super) struct Groups {
    running: Mutex<BTreeSet<Running>>,
}

/// A program, by its process.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Running {
    id: i32,
    /// Whether it is the head of a group of its own.
    apart: bool,
}

/// A running program that is ended with its group when this is dropped.
pub(super) struct Guard {
    groups: Arc<Groups>,
    running: Option<Running>,
}

/// Whether a program gets a group of its own. On a terminal it stays in ours: elsewhere it could not ask a person, and an
/// interrupt from the keyboard reaches all of it anyway.
pub(super) fn apart() -> bool {
    cfg!(unix) && !std::io::stdin().is_terminal()
}

impl Groups {
    /// Takes in a program that has just been started, `apart` if as the head of a group.
    pub(super) fn guard(self: &Arc<Self>, id: Option<u32>, apart: bool) -> Guard {
        let id = id.and_then(|id| i32::try_from(id).ok());
        let running = id.map(|id| Running { id, apart });
        self.running().extend(running);
        Guard { groups: Arc::clone(self), running }
    }

    fn running(&self) -> std::sync::MutexGuard<'_, BTreeSet<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends all of them.
    pub(super) fn end_all(&self) {
        self.running().iter().copied().for_each(end);
    }
}

impl Guard {
    /// The program has ended by itself; what it leaves running is meant to (an agent).
    pub(super) fn ended(mut self) {
        self.forget().into_iter().for_each(bury);
    }

    fn forget(&mut self) -> Option<Running> {
        let running = self.running.take()?;
        self.groups.running().remove(&running);
        Some(running)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.forget().into_iter().for_each(end);
    }
}

#[cfg(unix)]
fn end(Running { id, apart }: Running) {
    use rustix::process::{Pid, Signal, kill_process, kill_process_group};
    if let Some(id) = Pid::from_raw(id) {
        // It may have ended meanwhile.
        let _ = if apart { kill_process_group(id, Signal::KILL) } else { kill_process(id, Signal::KILL) };
    }
}

#[cfg(not(unix))]
fn end(_program: Running) {}

/// Takes note of what a program left behind and has ended, too: as the first process of a container we inherit it, and it
/// would stay in the table of processes.
#[cfg(unix)]
fn bury(Running { id, apart }: Running) {
    use rustix::process::{Pid, WaitOptions, waitpgid};
    if let Some(group) = Pid::from_raw(id).filter(|_| apart) {
        while let Ok(Some(_)) = waitpgid(group, WaitOptions::NOHANG) {}
    }
}

#[cfg(not(unix))]
fn bury(_program: Running) {}
