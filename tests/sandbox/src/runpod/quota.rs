//! How many requests a user may make. Every answer to a user tells what is left, in the headers of the IETF's draft.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::error::Problem;
use crate::calls::Call;
use crate::message::Reply;
use crate::world::World;

/// This many requests in that time. A window begins with the first request after the one before has ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Quota {
    /// `minute`, `hour` or `day`.
    pub name: String,
    /// Requests.
    pub requests: u64,
    /// Length of the window in milliseconds; the headers say it in seconds, rounded up.
    pub window_ms: u64,
}

impl Quota {
    /// What the description publishes: 60 a minute, 3000 an hour, 50000 a day.
    #[must_use]
    pub fn published() -> Vec<Self> {
        Self::times(1)
    }

    /// The same numbers of requests with a "minute" that lasts so long, and hour and day in proportion.
    #[must_use]
    pub fn published_within(minute_ms: u64) -> Vec<Self> {
        let mut quotas = Self::published();
        quotas.iter_mut().for_each(|quota| quota.window_ms = quota.window_ms * minute_ms / 60_000);
        quotas
    }

    /// A hundred times what is published.
    #[must_use]
    pub fn generous() -> Vec<Self> {
        Self::times(100)
    }

    fn times(by: u64) -> Vec<Self> {
        [("minute", 60, 60_000), ("hour", 3000, 3_600_000), ("day", 50_000, 86_400_000)]
            .map(|(name, requests, window_ms)| Self {
                name: name.to_owned(),
                requests: requests * by,
                window_ms,
            })
            .to_vec()
    }
}

/// What a user has used of a quota.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Window {
    /// When it began.
    pub began: DateTime<Utc>,
    /// Requests since then.
    pub used: u64,
}

impl Window {
    /// Milliseconds until it ends; nothing if it has ended.
    fn left_ms(&self, quota: &Quota, now: DateTime<Utc>) -> u64 {
        let gone = u64::try_from((now - self.began).num_milliseconds()).unwrap_or(0);
        quota.window_ms.saturating_sub(gone)
    }
}

/// Counts a request, or refuses it without counting.
pub(crate) fn count(world: &mut World, user: &str) -> Result<(), Problem> {
    let now = world.clock.now();
    let runpod = &mut world.runpod;
    let windows = runpod.windows.entry(user.to_owned()).or_default();
    windows.resize_with(runpod.quotas.len(), Window::default);
    for (window, quota) in windows.iter_mut().zip(&runpod.quotas) {
        if window.left_ms(quota, now) == 0 {
            *window = Window { began: now, used: 0 };
        }
        if window.used >= quota.requests {
            return Err(Problem::rate_limited(&quota.name, seconds(window.left_ms(quota, now))));
        }
    }
    windows.iter_mut().for_each(|window| window.used += 1);
    Ok(())
}

fn seconds(ms: u64) -> u64 {
    ms.div_ceil(1000)
}

/// `RateLimit` and `RateLimit-Policy`, on answers to whom the key makes known; left out where there are no quotas, as for
/// exempt callers (documented).
pub(crate) fn with_headers(world: &World, token: Option<&str>, reply: Reply) -> Reply {
    let runpod = &world.runpod;
    let user = token.and_then(|token| runpod.keys.get(token)).map(|key| &key.user);
    let Some(windows) = user.and_then(|user| runpod.windows.get(user)).filter(|all| !all.is_empty()) else {
        return reply;
    };
    let now = world.clock.now();
    let both = || windows.iter().zip(&runpod.quotas);
    let left = |(window, quota): (&Window, &Quota)| {
        let (left, until) = (quota.requests.saturating_sub(window.used), seconds(window.left_ms(quota, now)));
        format!("\"{}\";r={left};t={until}", quota.name)
    };
    let policy = |(_, quota): (&Window, &Quota)| {
        format!("\"{}\";q={};w={}", quota.name, quota.requests, seconds(quota.window_ms))
    };
    reply
        .with("ratelimit", both().map(left).collect::<Vec<_>>().join(", "))
        .with("ratelimit-policy", both().map(policy).collect::<Vec<_>>().join(", "))
}

/// Requests that were answered 429 and sent again sooner than `Retry-After` had said.
#[must_use]
pub fn unwaited(calls: &[Call]) -> Vec<String> {
    let refused = calls.iter().filter(|call| call.status == Some(429));
    refused
        .filter_map(|call| {
            let ended = call.ended?;
            let wait: u64 = call.response_headers.get("retry-after")?.parse().ok()?;
            let again = calls.iter().find(|later| {
                let same = (&later.method, &later.path, &later.request_body);
                later.index > call.index && same == (&call.method, &call.path, &call.request_body)
            })?;
            let waited = again.started.saturating_sub(ended);
            (waited.as_secs_f64() < wait as f64)
                .then(|| format!("{} came again after {waited:?} instead of {wait} s", call.operation))
        })
        .collect()
}
