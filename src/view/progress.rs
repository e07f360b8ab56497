//! How far a run is: a line on a terminal that says how many rows are done and about how long the others take.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::execute::Event;
use crate::model::Address;

/// Rows after which a rate is worth something.
const ENOUGH: usize = 5;
/// The shortest window of a limit.
const WINDOW: Duration = Duration::from_secs(60);
/// Rows up to which each that is done has a line of its own on a terminal; of more, the moving line has to do.
const FEW: usize = 40;

/// What is known of a run while it goes on.
#[derive(Debug)]
pub struct Progress {
    total: usize,
    /// How long each first part of the rows takes by the systems' own limits, in seconds.
    pace: Vec<usize>,
    started: usize,
    ended: usize,
    /// What was said of waits: once is enough.
    waits: BTreeSet<(Address, String)>,
}

impl Progress {
    /// Of a run of this many rows, whose equal parts take so long, in seconds, by the systems' own limits.
    #[must_use]
    pub fn new(total: usize, pace: Vec<usize>) -> Self {
        Self { total, pace, started: 0, ended: 0, waits: BTreeSet::new() }
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
        let left = self.left(elapsed);
        let left = left.map(|left| format!(", about {} left", rounded(left))).unwrap_or_default();
        format!("[{}/{}{left}] writing {address} …", self.ended, self.total)
    }

    /// How long the rest takes: at the rate so far, and by the limits, which a rate does not know.
    #[must_use]
    pub fn left(&self, elapsed: Duration) -> Option<Duration> {
        let rest = u32::try_from(self.total - self.ended).ok().filter(|rest| *rest > 0)?;
        let ended = u32::try_from(self.ended).ok().filter(|_| self.ended >= ENOUGH)?;
        let whole = self.limited(self.total);
        if whole == Duration::ZERO {
            return Some(elapsed * rest / ended);
        }
        // What it is behind the limits by, beyond what their windows hide, is its own slowness, and goes on.
        let late = elapsed.saturating_sub(self.limited(self.ended + 1));
        let slow = late.saturating_sub(WINDOW);
        Some((whole + late).saturating_sub(elapsed) + slow * rest / ended)
    }

    /// How long so many rows take by the limits.
    fn limited(&self, rows: usize) -> Duration {
        let part = (rows * self.pace.len().saturating_sub(1)).div_ceil(self.total.max(1));
        Duration::from_secs(self.pace.get(part).copied().unwrap_or_default() as u64)
    }
}

/// A time as people say it: `40 s`, `12 min`, `5 h 8 min`.
#[must_use]
pub fn rounded(time: Duration) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    match time.as_secs() {
        seconds if seconds < MINUTE => format!("{} s", seconds.max(1)),
        seconds if seconds <= 99 * MINUTE => format!("{} min", seconds.div_ceil(MINUTE)),
        seconds => format!("{} h {} min", seconds / HOUR, (seconds % HOUR) / MINUTE),
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
        let mut progress = Progress::new(total, Vec::new());
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
    fn the_rest_of_a_run_takes_what_the_limits_make_it_take() {
        // Ten rows an hour, of which thirty are to be written.
        let hours: Vec<usize> = (0..=30_usize).map(|rows| rows.saturating_sub(1) / 10 * 3600).collect();
        let mut progress = Progress { pace: hours, ..after(30, 16, 10) };
        let left =
            |progress: &Progress, minutes: u64| progress.left(Duration::from_secs(60 * minutes)).map(rounded);
        assert_eq!(left(&progress, 1), Some("1 h 59 min".to_owned()), "the first ten took a minute");
        assert_eq!(left(&progress, 50), Some("70 min".to_owned()), "it waits for the hour");
        for event in (0..10).map(is_done) {
            progress.note(&event, true);
        }
        assert_eq!(left(&progress, 61), Some("59 min".to_owned()));
        assert_eq!(rounded(Duration::from_secs(5 * 3600 + 8 * 60 + 59)), "5 h 8 min");
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
