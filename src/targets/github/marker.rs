//! The marker variable: our record of what was written beside secrets that cannot be read back.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Duration, SecondsFormat, Utc};

use crate::model::Fingerprint;

/// How much later than our own last write GitHub may date a secret of it: `Date` headers and
/// `updated_at` both count whole seconds, on different machines.
const TOLERANCE: Duration = Duration::seconds(2);

/// `v1 <fingerprint> <time> <NAMES>`: which credential was written, when by GitHub's own clock, and
/// into which secrets. It holds no value; whoever can write variables can forge it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    /// The credential's fingerprint.
    pub fingerprint: Fingerprint,
    /// The `Date` of our last write.
    pub time: DateTime<Utc>,
    /// The secrets it vouches for.
    pub names: BTreeSet<String>,
}

impl Marker {
    /// Whether a secret written at `updated` was not touched after our own last write.
    #[must_use]
    pub fn covers(&self, updated: DateTime<Utc>) -> bool {
        updated <= self.time + TOLERANCE
    }

    /// Whether it vouches for all that another one does.
    #[must_use]
    pub(super) fn says(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
            && self.names.is_superset(&other.names)
            && self.covers(other.time)
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fingerprint, time, names } = self;
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let time = time.to_rfc3339_opts(SecondsFormat::Secs, true);
        write!(f, "v1 {} {time} {}", fingerprint.full(), names.join(","))
    }
}

/// The variable's text is not a marker of a version that we know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a marker of regcred")]
pub struct NotAMarker;

impl FromStr for Marker {
    type Err = NotAMarker;

    fn from_str(text: &str) -> Result<Self, NotAMarker> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let ["v1", fingerprint, time, names @ ..] = words.as_slice() else { return Err(NotAMarker) };
        let time = DateTime::parse_from_rfc3339(time).map_err(|_| NotAMarker)?.to_utc();
        let names = names.iter().flat_map(|word| word.split(',')).filter(|name| !name.is_empty());
        Ok(Self {
            fingerprint: Fingerprint::parse(fingerprint).ok_or(NotAMarker)?,
            time,
            names: names.map(str::to_owned).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marker(seconds: i64) -> Marker {
        Marker {
            fingerprint: Fingerprint::parse(&"ab".repeat(32)).unwrap(),
            time: DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap(),
            names: ["DOCKER_HUB_TOKEN", "DOCKER_HUB_USERNAME"].map(str::to_owned).into(),
        }
    }

    #[test]
    fn a_marker_survives_being_written_and_read() {
        let text = marker(0).to_string();
        assert_eq!(
            text,
            format!("v1 {} 2027-01-15T08:00:00Z DOCKER_HUB_TOKEN,DOCKER_HUB_USERNAME", "ab".repeat(32))
        );
        assert_eq!(text.parse(), Ok(marker(0)));
    }

    #[test]
    fn anything_else_is_no_marker() {
        for text in ["", "v2 x", "v1", "v1 abcd 2027-01-15T08:00:00Z A", "true"] {
            assert_eq!(text.parse::<Marker>(), Err(NotAMarker), "{text}");
        }
    }

    #[test]
    fn two_seconds_between_two_clocks_are_no_drift_and_three_are() {
        assert!(marker(0).covers(marker(2).time));
        assert!(!marker(0).covers(marker(3).time));
    }
}
