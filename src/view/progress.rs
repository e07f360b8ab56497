//! How far a run is: a line on a terminal that says how many rows are done and about how long the others take.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::execute::Event;
use crate::model::Address;

/// Rows after which a rate is worth something.
const ENOUGH: usize = 5;
/// Rows up to which each that is done has a line of its own on a terminal; of more, the moving line has to do.
const FEW: usize = 40;

/// What is known of a run while it goes on.
#[derive(Debug)]
pub struct Progress {
    total: usize,
    started: usize,
    ended: usize,
    /// What was said of waits: once is enough.
    waits: BTreeSet<(Address, String)>,
}

impl Progress {
    /// Of a run of this many rows.
    #[must_use]
    pub fn new(total: usize) -> Self {
        Self { total, started: 0, ended: 0, waits: BTreeSet::new() }
    }

    /// Takes note of what happened. Whether people should have a line of it, on a terminal with the moving line or elsewhere.
    pub fn note(&mut self, event: &Event, moving: bool) -> bool {
        match event {
            Event::Started(_) => {
                self.started += 1;
                false
            }
            Event::Waiting(address, words) => self.waits.insert((address.clone(), words.clone())),
            Event::Applied(_, receipt) => {
                self.ended += 1;
                !moving || self.total <= FEW || receipt.note().is_some()
            }
            Event::Skipped(..) | Event::Failed(..) => {
                self.ended += 1;
                true
            }
        }
    }

    /// How many rows are being written.
    #[must_use]
    pub fn running(&self) -> usize {
        self.started - self.ended
    }

    /// The moving line, so long after the first row was started.
    #[must_use]
    pub fn line(&self, address: &Address, elapsed: Duration) -> String {
        let left = self.left(elapsed).map(|left| format!(", about {left} left")).unwrap_or_default();
        format!("[{}/{}{left}] writing {address} …", self.ended, self.total)
    }

    /// How long the rest takes at the rate so far.
    fn left(&self, elapsed: Duration) -> Option<String> {
        let rest = u32::try_from(self.total - self.ended).ok().filter(|rest| *rest > 0)?;
        let ended = u32::try_from(self.ended).ok().filter(|_| self.ended >= ENOUGH)?;
        Some(rounded(elapsed * rest / ended))
    }
}

/// A time as people say it: `40 s`, `12 min`.
fn rounded(time: Duration) -> String {
    const MINUTE: u64 = 60;
    match time.as_secs() {
        seconds if seconds < MINUTE => format!("{} s", seconds.max(1)),
        seconds => format!("{} min", seconds.div_ceil(MINUTE)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::Receipt;
    use crate::model::Problem;

    fn address(repo: usize) -> Address {
        format!("github:acme/r{repo}/actions/T").parse().expect("it is an address")
    }

    fn is_done(repo: usize) -> Event {
        Event::Applied(address(repo), Receipt::default())
    }

    /// This many rows are started, and that many of them done.
    fn after(total: usize, started: usize, done: usize) -> Progress {
        let mut progress = Progress::new(total);
        for event in (0..started).map(|repo| Event::Started(address(repo))) {
            progress.note(&event, true);
        }
        for event in (0..done).map(is_done) {
            progress.note(&event, true);
        }
        progress
    }

    #[test]
    fn the_moving_line_says_how_far_and_from_some_rows_on_how_long() {
        let line = |progress: &Progress, seconds| progress.line(&address(0), Duration::from_secs(seconds));
        assert_eq!(line(&after(960, 16, 0), 1), "[0/960] writing github:acme/r0/actions/T …");
        let progress = after(960, 20, 16);
        assert_eq!(line(&progress, 16), "[16/960, about 16 min left] writing github:acme/r0/actions/T …");
        assert_eq!(progress.running(), 4);
        assert_eq!(line(&after(10, 9, 9), 9), "[9/10, about 1 s left] writing github:acme/r0/actions/T …");
    }

    #[test]
    fn a_wait_is_told_once_and_many_that_are_done_only_where_no_line_moves() {
        let mut progress = after(960, 3, 0);
        let wait = Event::Waiting(address(0), "not visible yet".to_owned());
        assert!(progress.note(&wait, true) && !progress.note(&wait, true));
        assert!(!progress.note(&is_done(0), true), "960 lines help nobody");
        assert!(progress.note(&is_done(1), false), "a log has nothing else");
        assert!(progress.note(&Event::Failed(address(2), Problem::outside("no")), true));
        assert!(after(3, 1, 0).note(&is_done(0), true));
    }
}
