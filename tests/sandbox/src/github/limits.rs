//! What GitHub takes of whoever a token is of: requests an hour, and the secondary limits (REST documentation, "Rate limits for
//! the REST API"). Whether they count in fixed or in moving windows is not said; these move, which is the stricter reading.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use http::Method;
use serde::{Deserialize, Serialize};

use super::error::Refusal;

/// Points of all requests in a minute; one that reads is a point, one that writes five.
const POINTS_A_MINUTE: usize = 900;
/// Requests that make content. Whether a secret is content is unconfirmed; here it is.
const WRITES_A_MINUTE: usize = 80;
const WRITES_AN_HOUR: usize = 500;

/// What was asked of late, by whom.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// How many requests were refused.
    pub refused: usize,
    asked: BTreeMap<String, VecDeque<(DateTime<Utc>, usize, bool)>>,
    /// When the hour of requests ends, and how many were made in it.
    hours: BTreeMap<String, (DateTime<Utc>, u64)>,
}

impl Limits {
    /// Counts a request.
    pub(super) fn take(
        &mut self,
        login: &str,
        method: &Method,
        now: DateTime<Utc>,
        an_hour: u64,
    ) -> Result<(), Refusal> {
        let hour = self.hour(login, now);
        hour.1 += 1;
        if hour.1 > an_hour {
            self.refused += 1;
            return Err(Refusal::primary_limit(login));
        }
        let makes = matches!(*method, Method::POST | Method::PUT | Method::PATCH);
        let points = if matches!(*method, Method::GET | Method::HEAD) { 1 } else { 5 };
        let asked = self.asked.entry(login.to_owned()).or_default();
        while asked.pop_front_if(|(time, ..)| *time + TimeDelta::hours(1) <= now).is_some() {}
        let since = |length: TimeDelta| asked.iter().rev().take_while(move |(time, ..)| *time + length > now);
        let made = |length: TimeDelta| since(length).filter(|(.., makes)| *makes).count();
        let minute = TimeDelta::minutes(1);
        let over = since(minute).map(|(_, points, _)| points).sum::<usize>() + points > POINTS_A_MINUTE
            || makes && (made(minute) >= WRITES_A_MINUTE || made(TimeDelta::hours(1)) >= WRITES_AN_HOUR);
        if over {
            self.refused += 1;
            return Err(Refusal::secondary_limit(Some(60)));
        }
        asked.push_back((now, points, makes));
        Ok(())
    }

    /// When somebody's hour ends, and how many requests were made in it.
    pub(super) fn hour(&mut self, login: &str, now: DateTime<Utc>) -> &mut (DateTime<Utc>, u64) {
        let new = (now + TimeDelta::hours(1), 0);
        let hour = self.hours.entry(login.to_owned()).or_insert(new);
        if hour.0 <= now {
            *hour = new;
        }
        hour
    }
}
