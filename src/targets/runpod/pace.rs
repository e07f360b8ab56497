//! RunPod's quotas, as its answers tell them (`RateLimit`, `RateLimit-Policy`, `Retry-After`): a request goes out only
//! while every window has room for it, so that none is refused.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use tokio::time::Instant;

/// What a whole second may hide: the headers tell times in seconds, rounded down or up.
const SECOND: Duration = Duration::from_secs(1);
/// How long a window is taken to be where the policy does not tell it.
const MINUTE: Duration = Duration::from_secs(60);

/// RunPod's published quota of a minute, and how many requests of it reading takes (`RateLimit-Policy` in its API description).
const PER_MINUTE: usize = 60;
const READS: usize = 4;

/// How long this many requests take, in seconds: what is over a minute's quota waits for the next one.
pub(super) fn seconds(requests: usize) -> usize {
    requests.saturating_sub(PER_MINUTE - READS).div_ceil(PER_MINUTE) * 60
}

/// What is left of each window, and how many answers are still to come.
#[derive(Debug, Default)]
pub(super) struct Pace(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    windows: BTreeMap<String, Window>,
    under_way: u64,
    told: Option<Instant>,
}

/// One window of a quota.
#[derive(Debug)]
struct Window {
    /// Requests in each; nothing if it is not told.
    quota: Option<u64>,
    length: Duration,
    left: u64,
    ends: Instant,
    /// Whether no answer has told of it: the one before it has ended, and RunPod's own begins when it likes.
    guessed: bool,
}

impl Pace {
    /// Waits until there is room for a request, and takes it. Whoever is first to wait for a window says so.
    ///
    /// # Errors
    /// The wait, if it is longer than `cap`.
    pub(super) async fn turn(&self, cap: Duration, say: &(dyn Fn(String) + Sync)) -> Result<(), Duration> {
        loop {
            let Some((wait, first)) = self.state().take(Instant::now()) else { return Ok(()) };
            if wait > cap {
                return Err(wait);
            }
            if first {
                say(format!("RunPod's quota is used up; it goes on in {} s", wait.as_secs().max(1)));
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// Takes note of an answer, or that none came.
    pub(super) fn answered(&self, headers: Option<&HeaderMap>) {
        self.state().answered(headers, Instant::now());
    }

    /// Lets nothing go for so long.
    pub(super) fn pause(&self, wait: Duration) {
        let ends = Instant::now() + wait.max(SECOND);
        let window = Window { quota: None, length: MINUTE, left: 0, ends, guessed: false };
        self.state().windows.insert(String::new(), window);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes room for a request; else how long to wait, and whether nobody has been told of this wait yet.
    fn take(&mut self, now: Instant) -> Option<(Duration, bool)> {
        let Some(wait) = self.windows.values_mut().filter_map(|window| window.wait(now)).max() else {
            self.windows.values_mut().for_each(|window| window.left = window.left.saturating_sub(1));
            self.under_way += 1;
            return None;
        };
        let first = self.told.is_none_or(|told| told <= now);
        if first {
            self.told = Some(now + wait);
        }
        Some((wait, first))
    }

    fn answered(&mut self, headers: Option<&HeaderMap>, now: Instant) {
        self.under_way = self.under_way.saturating_sub(1);
        let listed = |name: &str| headers.map(|headers| members(headers, name)).unwrap_or_default();
        let policies = listed("ratelimit-policy");
        for (name, told) in listed("ratelimit") {
            let (Some(left), Some(ends)) = (told.get("r"), told.get("t")) else { continue };
            let policy = policies.get(&name);
            let number = |key: &str| policy.and_then(|policy| policy.get(key)).copied();
            self.learn(name, *left, now + bounded(*ends) + SECOND, number("q"), number("w"));
        }
    }

    /// RunPod has not seen yet what is still under way. Answers may overtake each other: within a window what is left
    /// only goes down, and the earliest of the ends has come the fastest. A guess holds only until an answer comes.
    fn learn(&mut self, name: String, left: u64, ends: Instant, quota: Option<u64>, length: Option<u64>) {
        let length = length.map_or(MINUTE, bounded);
        let left = left.saturating_sub(self.under_way);
        let mut window = Window { quota, length, left, ends, guessed: false };
        let same = |known: &&Window| !known.guessed && ends <= known.ends + SECOND;
        if let Some(known) = self.windows.get(&name).filter(same) {
            window.left = window.left.min(known.left);
            window.ends = window.ends.min(known.ends);
        }
        self.windows.insert(name, window);
    }
}

impl Window {
    /// How long there is no room; a window that has ended begins again.
    fn wait(&mut self, now: Instant) -> Option<Duration> {
        if now >= self.ends {
            self.left = self.quota.unwrap_or(u64::MAX);
            self.ends = now + self.length;
            self.guessed = true;
        }
        (self.left == 0).then(|| self.ends - now)
    }
}

/// This many seconds; a day for more, which no run waits for, and no clock runs over.
fn bounded(told: u64) -> Duration {
    Duration::from_secs(told.min(24 * 60 * 60))
}

/// The members of a structured list (RFC 9651) with their whole-number parameters: `"minute";r=0;t=12, "hour";r=5;t=9`.
fn members(headers: &HeaderMap, name: &str) -> BTreeMap<String, BTreeMap<String, u64>> {
    let texts = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let member = |text: &str| {
        let mut parts = text.split(';').map(str::trim);
        let name = parts.next()?.trim_matches('"').to_owned();
        let number = |part: &str| {
            let (key, value) = part.split_once('=')?;
            Some((key.trim().to_owned(), value.trim().parse().ok()?))
        };
        Some((name, parts.filter_map(number).collect()))
    };
    texts.flat_map(|text| text.split(',').filter_map(member).collect::<Vec<_>>()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(limit: &str) -> HeaderMap {
        let policy = "\"minute\";q=60;w=60, \"hour\";q=3000;w=3600";
        let pairs = [("ratelimit", limit), ("ratelimit-policy", policy)];
        pairs.into_iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    /// How many requests go out at once, until somebody has to wait, and for how long.
    fn burst(state: &mut State, now: Instant) -> (u64, Duration) {
        let mut sent = 0;
        loop {
            match state.take(now) {
                None => sent += 1,
                Some((wait, _)) => return (sent, wait),
            }
        }
    }

    #[test]
    fn no_more_go_out_than_the_window_has_room_for_and_what_is_under_way_counts() {
        let (mut state, now) = (State::default(), Instant::now());
        for _ in 0..4 {
            assert_eq!(state.take(now), None);
        }
        state.answered(Some(&headers("\"minute\";r=59;t=12, \"hour\";r=2800;t=1812")), now);
        assert_eq!(burst(&mut state, now), (56, Duration::from_secs(13)));
    }

    #[test]
    fn answers_that_overtake_each_other_do_not_give_room_back() {
        let (mut state, now) = (State::default(), Instant::now());
        (0..2).for_each(|_| assert_eq!(state.take(now), None));
        state.answered(Some(&headers("\"minute\";r=3;t=12")), now);
        state.answered(Some(&headers("\"minute\";r=4;t=12")), now);
        assert_eq!(burst(&mut state, now).0, 2);
    }

    #[test]
    fn a_window_that_ended_has_the_room_that_the_policy_tells() {
        let (mut state, now) = (State::default(), Instant::now());
        assert_eq!(state.take(now), None);
        state.answered(Some(&headers("\"minute\";r=0;t=12")), now);
        assert_eq!(burst(&mut state, now).0, 0);
        let later = now + Duration::from_secs(13);
        assert_eq!(burst(&mut state, later), (60, MINUTE));
    }

    #[test]
    fn what_runpod_says_of_its_window_goes_before_what_was_guessed() {
        let (mut state, now) = (State::default(), Instant::now());
        assert_eq!(state.take(now), None);
        state.answered(Some(&headers("\"hour\";r=0;t=12")), now);
        let later = now + Duration::from_secs(13);
        assert_eq!(state.take(later), None, "a new window is guessed");
        state.answered(Some(&headers("\"hour\";r=0;t=0")), later);
        assert_eq!(burst(&mut state, later), (0, SECOND), "RunPod's own has not turned yet");
        assert_eq!(state.take(later + SECOND), None);
        state.answered(Some(&headers("\"hour\";r=7;t=3599")), later + SECOND);
        assert_eq!(burst(&mut state, later + SECOND), (7, Duration::from_secs(3600)));
    }

    #[test]
    fn the_longest_window_that_is_used_up_counts() {
        let (mut state, now) = (State::default(), Instant::now());
        assert_eq!(state.take(now), None);
        state.answered(Some(&headers("\"minute\";r=0;t=12, \"hour\";r=0;t=1812")), now);
        assert_eq!(burst(&mut state, now), (0, Duration::from_secs(1813)));
    }

    #[test]
    fn a_window_that_ends_after_the_clock_is_one_that_ends_late() {
        let (mut state, now) = (State::default(), Instant::now());
        assert_eq!(state.take(now), None);
        state.answered(Some(&headers("\"minute\";r=0;t=9223372036854775807")), now);
        assert_eq!(burst(&mut state, now), (0, Duration::from_secs(24 * 60 * 60 + 1)));
        let policy = HeaderMap::from_iter([
            ("ratelimit".parse().unwrap(), "\"x\";r=0;t=0".parse().unwrap()),
            ("ratelimit-policy".parse().unwrap(), "\"x\";q=0;w=18446744073709551615".parse().unwrap()),
        ]);
        state.answered(Some(&policy), now);
        let later = now + Duration::from_secs(2);
        assert!(state.take(later).is_some());
    }

    #[test]
    fn one_of_all_who_wait_is_told() {
        let (mut state, now) = (State::default(), Instant::now());
        assert_eq!(state.take(now), None);
        state.answered(Some(&headers("\"minute\";r=0;t=12")), now);
        let told: Vec<bool> = (0..3).filter_map(|_| state.take(now).map(|(_, first)| first)).collect();
        assert_eq!(told, [true, false, false]);
    }

    #[test]
    fn without_the_headers_nobody_waits() {
        let (mut state, now) = (State::default(), Instant::now());
        (0..100).for_each(|_| assert_eq!(state.take(now), None));
        state.answered(Some(&HeaderMap::new()), now);
        state.answered(Some(&headers("nonsense;;=, \"minute\";r=x;t=1")), now);
        assert_eq!(state.take(now), None);
    }
}
