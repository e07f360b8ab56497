//! What ends a run from outside: Ctrl-C, SIGTERM and SIGHUP mean the same.
//!
//! They are listened for from the start, by a thread of its own: a run that is the first process of a container would not
//! get them otherwise, and one that reads files or waits for a person would not look.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

use super::group::Groups;

/// The exit code of a run that was interrupted.
const INTERRUPTED: i32 = 130;

/// Who ends the run at an interrupt.
#[derive(Default)]
pub(super) struct Interrupts {
    /// Whether whoever writes to the systems does, after what is under way.
    graceful: AtomicBool,
    stop: watch::Sender<bool>,
}

impl Interrupts {
    /// Leaves the first interrupt to whoever watches: it turns true then.
    pub(super) fn leave(&self) -> watch::Receiver<bool> {
        self.graceful.store(true, Ordering::Relaxed);
        self.stop.subscribe()
    }

    /// Listens. The programs, which an interrupt would not reach, are ended first.
    ///
    /// # Errors
    /// There is no thread for it, or the system has no such signals: they end the run as they end any program.
    pub(super) fn listen(self: &Arc<Self>, groups: &Arc<Groups>) -> io::Result<()> {
        let (interrupts, groups) = (Arc::clone(self), Arc::clone(groups));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let mut signals = {
            let _inside = runtime.enter();
            Signals::new()?
        };
        let listen = async move {
            loop {
                let insists = signals.next().await;
                groups.end_all();
                interrupts.heard(insists);
            }
        };
        std::thread::Builder::new().name("interrupts".to_owned()).spawn(move || runtime.block_on(listen))?;
        Ok(())
    }

    /// `insists` is whether another one means: now.
    fn heard(&self, insists: bool) {
        let graceful = self.graceful.load(Ordering::Relaxed);
        if !graceful || (*self.stop.borrow() && insists) {
            // Nothing is being written, or whoever interrupts does not want to wait.
            std::process::exit(INTERRUPTED);
        }
        self.stop.send_replace(true);
    }
}

/// The signals, each with whether a second one means: now. A terminal that closes hangs up twice, once by itself and once by
/// its shell.
#[cfg(unix)]
struct Signals(Vec<(bool, tokio::signal::unix::Signal)>);

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let kinds =
            [(true, SignalKind::interrupt()), (true, SignalKind::terminate()), (false, SignalKind::hangup())];
        let ignored = ignored();
        let wanted = kinds.into_iter().filter(|(_, kind)| !is_among(&ignored, kind.as_raw_value()));
        wanted.map(|(insists, kind)| Ok((insists, signal(kind)?))).collect::<io::Result<_>>().map(Self)
    }

    async fn next(&mut self) -> bool {
        use std::task::Poll;
        std::future::poll_fn(|context| {
            let heard = self
                .0
                .iter_mut()
                .find_map(|(insists, signal)| signal.poll_recv(context).is_ready().then_some(*insists));
            heard.map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}

/// The signals that whoever started this run has it ignore (`nohup`, a script's `&`), as the bits of a number in hexadecimal.
/// Only Linux tells.
#[cfg(unix)]
fn ignored() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap_or_default().trim().to_owned()
}

#[cfg(unix)]
fn is_among(bits: &str, signal: i32) -> bool {
    u64::from_str_radix(bits, 16).is_ok_and(|bits| bits >> (signal - 1) & 1 == 1)
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> bool {
        // If it cannot be listened for, it ends the run as it ends any program.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        true
    }
}
