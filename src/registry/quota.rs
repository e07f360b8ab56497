//! How many pulls Docker Hub allows an account, read without spending one.
//!
//! Docker Hub states the limits in headers of the manifest request, and does not count a `HEAD`
//! (<https://docs.docker.com/docker-hub/usage/pulls/>). The numbers have changed more than once and are never assumed.

use http::header::HeaderMap;

/// The repository whose manifest is asked for; Docker provides it for this.
pub(super) const REPOSITORY: &str = "ratelimitpreview/test";

/// Docker Hub's pull limit for the account of a credential.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quota {
    /// Pulls that the account may make in one window; nothing if Docker Hub states no limit.
    pub limit: Option<u64>,
    /// Pulls that are left of it now.
    pub remaining: Option<u64>,
    /// The window's length in seconds.
    pub window_s: Option<u64>,
}

impl Quota {
    /// Reads `ratelimit-limit: 200;w=21600` and `ratelimit-remaining: 197;w=21600` from an answer with this status.
    ///
    /// 429 means that nothing is left, whatever the headers say.
    pub fn read(status: u16, headers: &HeaderMap) -> Self {
        let (limit, window) = numbers(headers, "ratelimit-limit");
        let (remaining, remaining_window) = numbers(headers, "ratelimit-remaining");
        let remaining = if status == 429 { Some(0) } else { remaining };
        Self { limit, remaining, window_s: window.or(remaining_window) }
    }

    /// Whether Docker Hub states no limit: a paid account, or an image of a publisher who pays.
    pub fn is_unlimited(&self) -> bool {
        *self == Self::default()
    }

    /// Whether no pull is left in this window.
    pub fn is_used_up(&self) -> bool {
        self.remaining == Some(0)
    }
}

/// `200;w=21600` as its two numbers.
fn numbers(headers: &HeaderMap, name: &str) -> (Option<u64>, Option<u64>) {
    let value = headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = value.split(';').map(str::trim);
    let count = parts.next().and_then(|count| count.parse().ok());
    let window = parts.find_map(|part| part.strip_prefix("w=")).and_then(|seconds| seconds.parse().ok());
    (count, window)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, pairs: &[(&'static str, &'static str)]) -> Quota {
        let pairs = pairs.iter().map(|(name, value)| {
            (http::HeaderName::from_static(name), http::HeaderValue::from_static(value))
        });
        Quota::read(status, &pairs.collect())
    }

    #[test]
    fn the_limit_what_is_left_of_it_and_the_window_are_read() {
        let quota = read(200, &[("ratelimit-limit", "200;w=21600"), ("ratelimit-remaining", "197;w=21600")]);
        assert_eq!(quota, Quota { limit: Some(200), remaining: Some(197), window_s: Some(21_600) });
        assert!(!quota.is_unlimited() && !quota.is_used_up());
    }

    #[test]
    fn no_headers_mean_no_limit() {
        assert!(read(200, &[]).is_unlimited());
    }

    #[test]
    fn at_the_limit_nothing_is_left() {
        let quota = read(429, &[("ratelimit-limit", "200;w=21600")]);
        assert_eq!(quota, Quota { limit: Some(200), remaining: Some(0), window_s: Some(21_600) });
        assert!(read(429, &[]).is_used_up() && !read(429, &[]).is_unlimited());
    }

    #[test]
    fn a_header_of_another_form_is_left_out() {
        let quota = read(200, &[("ratelimit-limit", "many"), ("ratelimit-remaining", "5; foo=1; w=60")]);
        assert_eq!(quota, Quota { limit: None, remaining: Some(5), window_s: Some(60) });
        assert!(read(200, &[("ratelimit-limit", "-1;w=x")]).is_unlimited());
    }
}
