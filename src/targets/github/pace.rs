//! GitHub's limits for one token, and the fastest way to stay below them: a request goes out only while every window has room
//! for it, so that none is refused.
//!
//! What GitHub publishes (REST documentation, "Rate limits for the REST API"), and what its answers tell of the hour's
//! requests, other users of the token included. A window is counted from the answers: whatever GitHub's own begins with, it
//! then has no more in it.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{HeaderMap, Method};
use tokio::time::Instant;

use super::client::{number, text};
use crate::net::header;

/// A minute and an hour, with a second for what rounds and how clocks differ.
const MINUTE: Duration = Duration::from_secs(61);
const HOUR: Duration = Duration::from_secs(3601);
/// Requests that make content: whether a secret is content is not said, so it is taken for it.
const WRITES_A_MINUTE: usize = 80;
const WRITES_AN_HOUR: usize = 500;
/// A request that reads is a point, and one that writes five.
const POINTS_A_MINUTE: usize = 900;
const POINTS_OF_A_WRITE: usize = 5;
/// Requests at once.
const AT_ONCE: usize = 100;
/// How soon to look again where only answers that are still to come make room.
const SOON: Duration = Duration::from_millis(50);

/// How long so many requests that read take before the last of them may be sent, in seconds.
pub(super) fn seconds_of_reads(requests: usize) -> usize {
    windows(requests, POINTS_A_MINUTE) * seconds(MINUTE)
}

/// How long so many writes of one token take, in seconds.
pub(super) fn seconds_of_writes(writes: usize) -> usize {
    let (hours, rest) = (windows(writes, WRITES_AN_HOUR), writes.saturating_sub(1) % WRITES_AN_HOUR + 1);
    hours * seconds(HOUR) + windows(rest, WRITES_A_MINUTE) * seconds(MINUTE)
}

/// What so many requests are worth, of which some write.
pub(super) fn points(requests: usize, writes: usize) -> usize {
    requests + (POINTS_OF_A_WRITE - 1) * writes
}

/// How many windows are full before the last of so many.
fn windows(count: usize, most: usize) -> usize {
    count.saturating_sub(1) / most
}

fn seconds(length: Duration) -> usize {
    usize::try_from(length.as_secs()).unwrap_or(usize::MAX)
}

/// What a request takes of the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Weight {
    writes: usize,
    points: usize,
}

impl Weight {
    /// A deletion makes no content.
    fn of(method: &Method) -> Self {
        match *method {
            Method::GET | Method::HEAD => Self { writes: 0, points: 1 },
            Method::DELETE => Self { writes: 0, points: POINTS_OF_A_WRITE },
            _ => Self { writes: 1, points: POINTS_OF_A_WRITE },
        }
    }
}

/// What is left of each limit.
#[derive(Debug, Default)]
pub(super) struct Pace(Mutex<State>);

/// A request that is under way; once it is dropped, it has been answered or given up.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    pace: &'a Pace,
    weight: Weight,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.pace.state().ended(self.weight, Instant::now());
    }
}

/// A wait that a limit asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wait {
    pub(super) time: Duration,
    /// What is waited for.
    pub(super) limit: Limit,
}

/// A limit that was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    /// Of regcred's own making: what it sent within the window. The plan has told of it.
    Own(&'static str),
    /// What GitHub told: others may have used the token, too.
    Told,
}

impl Pace {
    /// Waits until there is room for a request, and takes it. Whoever is the first to wait long says so.
    ///
    /// # Errors
    /// The wait, if GitHub asks for one that is longer than `cap`.
    pub(super) async fn turn(
        &self,
        method: &Method,
        cap: Duration,
        say: impl Fn(String),
    ) -> Result<Turn<'_>, Duration> {
        let weight = Weight::of(method);
        loop {
            let taken = self.state().take(weight, Instant::now());
            let Some(wait) = taken else { return Ok(Turn { pace: self, weight }) };
            if wait.limit == Limit::Told && wait.time > cap {
                return Err(wait.time);
            }
            if wait.time > MINUTE && self.state().is_news(wait, Instant::now()) {
                say(wait.words());
            }
            tokio::time::sleep(wait.time).await;
        }
    }

    /// Takes note of what an answer tells of the hour's requests.
    pub(super) fn told(&self, headers: &HeaderMap) {
        self.state().learn(headers, Instant::now());
    }

    /// Leaves to each of so many runs beside each other its part of the limits, which are of one login.
    pub(super) fn share(&self, runs: usize) {
        self.state().share(runs);
    }

    /// Lets nothing go for so long.
    pub(super) fn pause(&self, time: Duration) {
        let mut state = self.state();
        let until = Instant::now() + time;
        state.paused = Some(state.paused.map_or(until, |paused| paused.max(until)));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wait {
    fn words(self) -> String {
        let minutes = self.time.as_secs().div_ceil(60);
        match self.limit {
            Limit::Own(limit) => format!("GitHub takes {limit}: it goes on in {minutes} min"),
            Limit::Told => format!("GitHub's limit is used up: it goes on in {minutes} min"),
        }
    }
}

#[derive(Debug)]
struct State {
    minute: Window,
    hour: Window,
    points: Window,
    at_once: usize,
    left: Option<Left>,
    paused: Option<Instant>,
    /// Until when a wait has been told.
    waits: Option<Instant>,
    /// Whether it is a server of one's own, which tells what limits it has.
    own_server: bool,
}

/// What GitHub told of the hour's requests.
#[derive(Clone, Copy, Debug)]
struct Left {
    requests: u64,
    ends: Instant,
}

impl Default for State {
    fn default() -> Self {
        Self {
            minute: Window::new(WRITES_A_MINUTE, MINUTE),
            hour: Window::new(WRITES_AN_HOUR, HOUR),
            points: Window::new(POINTS_A_MINUTE, MINUTE),
            at_once: 0,
            left: None,
            paused: None,
            waits: None,
            own_server: false,
        }
    }
}

impl State {
    fn share(&mut self, runs: usize) {
        let part = |most: usize| (most / runs.max(1)).max(1);
        self.minute.most = part(WRITES_A_MINUTE);
        self.hour.most = part(WRITES_AN_HOUR);
        self.points.most = part(POINTS_A_MINUTE).max(POINTS_OF_A_WRITE);
    }

    /// Takes room for a request; else how long to wait.
    fn take(&mut self, weight: Weight, now: Instant) -> Option<Wait> {
        let wait = self.wait(weight, now);
        if wait.is_none() {
            self.windows(weight).into_iter().for_each(|(window, taken)| window.under_way += taken);
            self.at_once += 1;
            self.left.iter_mut().for_each(|left| left.requests = left.requests.saturating_sub(1));
        }
        wait
    }

    /// Whether nobody has been told of this wait yet.
    fn is_news(&mut self, wait: Wait, now: Instant) -> bool {
        let news = self.waits.is_none_or(|told| told <= now);
        if news {
            self.waits = Some(now + wait.time);
        }
        news
    }

    fn wait(&mut self, weight: Weight, now: Instant) -> Option<Wait> {
        self.left = self.left.filter(|left| left.ends > now);
        self.paused = self.paused.filter(|until| *until > now);
        let used_up = self.left.filter(|left| left.requests == 0).map(|left| left.ends);
        let told = used_up.max(self.paused).map(|until| Wait { time: until - now, limit: Limit::Told });
        let crowd =
            (self.at_once >= AT_ONCE).then_some(Wait { time: SOON, limit: Limit::Own("100 at once") });
        let names = ["80 writes a minute", "500 writes an hour of one token", "900 points a minute"];
        let windows = self.windows(weight).into_iter().zip(names);
        let own = windows.filter_map(|((window, taken), limit)| {
            Some(Wait { time: window.wait(taken, now)?, limit: Limit::Own(limit) })
        });
        own.chain(told).chain(crowd).max_by_key(|wait| wait.time)
    }

    /// The windows that a request needs room in, and how much. A server of one's own has none of them.
    fn windows(&mut self, weight: Weight) -> Vec<(&mut Window, usize)> {
        if self.own_server {
            return Vec::new();
        }
        let Self { minute, hour, points, .. } = self;
        vec![(minute, weight.writes), (hour, weight.writes), (points, weight.points)]
    }

    fn ended(&mut self, weight: Weight, now: Instant) {
        self.at_once = self.at_once.saturating_sub(1);
        self.windows(weight).into_iter().for_each(|(window, taken)| window.ended(taken, now));
    }

    /// Answers overtake each other: until the hour ends what is left only goes down.
    fn learn(&mut self, headers: &HeaderMap, now: Instant) {
        self.own_server |= headers.contains_key("x-github-enterprise-version");
        if text(headers, "x-ratelimit-resource").is_some_and(|resource| resource != "core") {
            return;
        }
        let (Some(left), Some(reset)) =
            (number(headers, "x-ratelimit-remaining"), number(headers, "x-ratelimit-reset"))
        else {
            return;
        };
        let by_its_clock = header::date(headers).and_then(|date| u64::try_from(date.timestamp()).ok());
        let Some(seconds) = by_its_clock.and_then(|date| reset.checked_sub(date)) else { return };
        let ends = now + Duration::from_secs(seconds.min(HOUR.as_secs()) + 1);
        // What is under way is not in what was told.
        let requests = left.saturating_sub(self.at_once.saturating_sub(1) as u64);
        let known = self.left.filter(|known| ends <= known.ends + MINUTE);
        self.left = Some(match known {
            Some(known) => Left { requests: requests.min(known.requests), ends: ends.min(known.ends) },
            None => Left { requests, ends },
        });
    }
}

/// So much in any stretch of this length.
#[derive(Debug)]
struct Window {
    most: usize,
    length: Duration,
    under_way: usize,
    ended: VecDeque<(Instant, usize)>,
    /// The sum of what has ended.
    taken: usize,
}

impl Window {
    fn new(most: usize, length: Duration) -> Self {
        Self { most, length, under_way: 0, ended: VecDeque::new(), taken: 0 }
    }

    /// How long there is no room for so much.
    fn wait(&mut self, wanted: usize, now: Instant) -> Option<Duration> {
        while let Some((_, taken)) = self.ended.pop_front_if(|(end, _)| *end + self.length <= now) {
            self.taken -= taken;
        }
        let mut over = (self.taken + self.under_way + wanted).saturating_sub(self.most);
        if wanted == 0 || over == 0 {
            return None;
        }
        for (end, taken) in &self.ended {
            over = over.saturating_sub(*taken);
            if over == 0 {
                return Some(*end + self.length - now);
            }
        }
        Some(SOON)
    }

    fn ended(&mut self, taken: usize, now: Instant) {
        self.under_way = self.under_way.saturating_sub(taken);
        if taken > 0 {
            self.taken += taken;
            self.ended.push_back((now, taken));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITE: Weight = Weight { writes: 1, points: 5 };
    const READ: Weight = Weight { writes: 0, points: 1 };

    fn at(begin: Instant, seconds: u64) -> Instant {
        begin + Duration::from_secs(seconds)
    }

    /// How many requests go out at once, each answered at this time, until one has to wait, and for how long.
    fn burst(state: &mut State, weight: Weight, now: Instant) -> (usize, u64) {
        let mut sent = 0;
        loop {
            match state.take(weight, now) {
                None => state.ended(weight, now),
                Some(wait) => return (sent, wait.time.as_secs()),
            }
            sent += 1;
        }
    }

    fn told(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let date = ("date", "Sun, 29 Nov 2026 12:00:00 GMT");
        let pairs = pairs.iter().copied().chain([date]);
        pairs.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    /// 12:10 by GitHub's clock.
    const RESET: &str = "1795954200";

    #[test]
    fn eighty_writes_go_out_in_a_minute_and_five_hundred_in_an_hour() {
        let (mut state, begin) = (State::default(), Instant::now());
        let bursts: Vec<_> = (0..8).map(|minute| burst(&mut state, WRITE, at(begin, 61 * minute))).collect();
        assert_eq!(bursts[..6], [(80, 61); 6]);
        assert_eq!(bursts[6], (20, 3601 - 6 * 61), "the hour begins with the first of them");
        assert_eq!(burst(&mut state, READ, at(begin, 61 * 7)).0, 900, "reading goes on meanwhile");
        assert_eq!(burst(&mut state, WRITE, at(begin, 3601)).0, 80);
    }

    #[test]
    fn a_request_that_is_under_way_counts_until_it_is_answered_and_a_minute_longer() {
        let (mut state, begin) = (State::default(), Instant::now());
        (0..80).for_each(|_| assert_eq!(state.take(WRITE, begin), None));
        assert_eq!(state.take(WRITE, at(begin, 100)).unwrap().time, SOON, "none is answered");
        state.ended(WRITE, at(begin, 100));
        let wait = state.take(WRITE, at(begin, 100)).unwrap().time;
        assert_eq!(wait, MINUTE);
        assert_eq!(state.take(WRITE, at(begin, 161)), None);
    }

    #[test]
    fn deletions_take_points_and_no_writes() {
        let (mut state, begin) = (State::default(), Instant::now());
        assert_eq!(burst(&mut state, Weight::of(&Method::DELETE), begin), (180, 61));
        assert_eq!(points(6, 4), 6 + 4 * 4);
    }

    #[test]
    fn shards_of_one_login_keep_its_limits_together() {
        let (mut state, begin) = (State::default(), Instant::now());
        state.share(4);
        assert_eq!(burst(&mut state, WRITE, begin), (20, 61));
        state.share(256);
        assert_eq!(
            burst(&mut State { minute: Window::new(1, MINUTE), ..State::default() }, WRITE, begin).0,
            1
        );
        assert_eq!((state.minute.most, state.hour.most, state.points.most), (1, 1, 5));
    }

    #[test]
    fn what_others_have_used_of_the_hour_is_waited_for() {
        let (mut state, begin) = (State::default(), Instant::now());
        assert_eq!(state.take(READ, begin), None);
        state.learn(&told(&[("x-ratelimit-remaining", "2"), ("x-ratelimit-reset", RESET)]), begin);
        state.ended(READ, begin);
        assert_eq!(burst(&mut state, READ, begin), (2, 601));
        assert_eq!(state.take(READ, begin).unwrap().limit, Limit::Told);
        assert_eq!(state.take(READ, at(begin, 601)), None, "the hour is over");
    }

    #[test]
    fn an_answer_that_was_overtaken_gives_nothing_back_and_one_of_another_limit_says_nothing() {
        let (mut state, begin) = (State::default(), Instant::now());
        let left = |left| told(&[("x-ratelimit-remaining", left), ("x-ratelimit-reset", RESET)]);
        state.learn(&left("3"), begin);
        state.learn(&left("4"), begin);
        let search = [
            ("x-ratelimit-resource", "search"),
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", RESET),
        ];
        state.learn(&told(&search), begin);
        assert_eq!(burst(&mut state, READ, begin).0, 3);
    }

    #[test]
    fn a_server_of_ones_own_has_the_limits_that_it_tells() {
        let (mut state, begin) = (State::default(), Instant::now());
        state.learn(&told(&[("x-github-enterprise-version", "3.17.0")]), begin);
        for _ in 0..2000 {
            assert_eq!(state.take(WRITE, begin), None);
            state.ended(WRITE, begin);
        }
        state.learn(&told(&[("x-ratelimit-remaining", "7"), ("x-ratelimit-reset", RESET)]), begin);
        assert_eq!(burst(&mut state, WRITE, begin).0, 7);
    }

    #[test]
    fn a_time_is_that_of_the_last_request() {
        assert_eq!(
            [0, 1, 80, 81, 500, 501, 3000].map(seconds_of_writes),
            [0, 0, 0, 61, 366, 3601, 5 * 3601 + 366]
        );
        assert_eq!([1, 900, 901, 2000].map(seconds_of_reads), [0, 0, 61, 122]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_was_asked_for_is_kept_unless_it_is_too_long_and_said_once() {
        let (pace, said) = (Pace::default(), Mutex::new(Vec::new()));
        let say = |words| said.lock().unwrap().push(words);
        pace.pause(Duration::from_secs(300));
        let (get, short, long) = (&Method::GET, Duration::from_secs(90), Duration::from_secs(3600));
        assert_eq!(pace.turn(get, short, say).await.err(), Some(Duration::from_secs(300)));
        let begun = Instant::now();
        let (one, other) = tokio::join!(pace.turn(get, long, say), pace.turn(get, long, say));
        assert!(one.is_ok() && other.is_ok());
        assert_eq!(begun.elapsed(), Duration::from_secs(300));
        assert_eq!(*said.lock().unwrap(), ["GitHub's limit is used up: it goes on in 5 min"]);
    }
}
