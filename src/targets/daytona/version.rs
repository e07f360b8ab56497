//! Which Daytona answered: rules differ by its version, which each of its answers carries.

use http::HeaderMap;

/// The answer's header with the server's version.
const HEADER: &str = "x-daytona-api-version";

/// A server's version, as far as rules depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(u32, u32);

impl Version {
    /// The first that looks an image without a host up with the organization's login for Docker Hub.
    pub const LOOKS_UP_SHORT_NAMES: Self = Self(0, 171);

    /// The version that an answer carries; none where it carries none, or that of a build without a number (`0.0.0-dev`).
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        Self::parse(headers.get(HEADER)?.to_str().ok()?)
    }

    /// The version of a text such as `0.190.0` or `v0.190.0`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.trim().trim_start_matches('v').split(['.', '-', '+']);
        let (major, minor) = (numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?);
        (major > 0 || minor > 0).then_some(Self(major, minor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_what_the_answer_says_and_a_build_without_a_number_has_none() {
        for (text, version) in [
            ("0.190.0", Some(Version(0, 190))),
            (" v0.171.0-rc.1 ", Some(Version(0, 171))),
            ("1.0", Some(Version(1, 0))),
            ("0.0.0-dev", None),
            ("main", None),
            ("", None),
        ] {
            assert_eq!(Version::parse(text), version, "{text}");
        }
        assert!(Version::parse("0.170.3").unwrap() < Version::LOOKS_UP_SHORT_NAMES);
        assert_eq!(Version::of(&HeaderMap::new()), None);
    }
}
