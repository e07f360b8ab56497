//! How many requests the API takes in a minute. The number is unconfirmed; the headers are documented.

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::message::Reply;

/// The limit, and what of it is used.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Rate {
    /// Requests in a minute.
    pub limit: u64,
    /// How an answer of 429 says when to come again.
    pub retry: RetryHeader,
    /// Requests since the minute began.
    pub used: u64,
    /// When it began.
    pub began: DateTime<Utc>,
}

/// The two forms of the documentation, and none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RetryHeader {
    /// `Retry-After`, in seconds.
    #[default]
    Seconds,
    /// `X-Retry-After`, a time in seconds since 1970, as the description said until 2025.
    UnixTime,
    /// Neither.
    Missing,
}

impl Default for Rate {
    fn default() -> Self {
        Self { limit: 180, retry: RetryHeader::default(), used: 0, began: DateTime::default() }
    }
}

impl Rate {
    fn end(&self) -> DateTime<Utc> {
        self.began + Duration::minutes(1)
    }

    /// Counts a request, or gives the answer that it is one too many.
    pub(super) fn count(&mut self, now: DateTime<Utc>) -> Result<(), Reply> {
        if now >= self.end() {
            (self.began, self.used) = (now, 0);
        }
        if self.used < self.limit {
            self.used += 1;
            return Ok(());
        }
        let reply = Reply::json(429, &json!({ "detail": "Rate limit exceeded", "error": false }));
        let left = (self.end() - now).num_milliseconds().max(0);
        Err(match self.retry {
            RetryHeader::Seconds => reply.with("retry-after", (left / 1000 + 1).to_string()),
            RetryHeader::UnixTime => reply.with("x-retry-after", (self.end().timestamp() + 1).to_string()),
            RetryHeader::Missing => reply,
        })
    }

    pub(super) fn with_headers(&self, reply: Reply) -> Reply {
        reply
            .with("x-ratelimit-limit", self.limit.to_string())
            .with("x-ratelimit-remaining", self.limit.saturating_sub(self.used).to_string())
            .with("x-ratelimit-reset", self.end().timestamp().to_string())
    }
}
