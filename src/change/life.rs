//! How long a value has been in use, and how long it will be.

use chrono::{DateTime, Utc};

/// The days of a value: what is not known, or has not happened, is nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Life {
    /// Since when it is in use.
    pub since: Option<DateTime<Utc>>,
    /// The last login with it.
    pub last_used: Option<DateTime<Utc>>,
    /// When it ends.
    pub ends: Option<DateTime<Utc>>,
}

impl Life {
    /// The days that are known, in words.
    #[must_use]
    pub fn words(&self) -> String {
        let told = [("in use since", self.since), ("last used", self.last_used), ("ends", self.ends)];
        let told =
            told.into_iter().filter_map(|(what, time)| Some(format!("{what} {}", time?.format("%Y-%m-%d"))));
        told.collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_value_the_days_are_told_that_are_known() {
        let day = |text: &str| text.parse().ok();
        let (since, ends) = (day("2026-08-29T23:59:59Z"), day("2026-12-01T00:00:00Z"));
        assert_eq!(Life { since, last_used: None, ends }.words(), "in use since 2026-08-29, ends 2026-12-01");
        assert_eq!(Life { last_used: ends, ..Life::default() }.words(), "last used 2026-12-01");
        assert_eq!(Life::default().words(), "");
    }
}
