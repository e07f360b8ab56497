//! Redirects, which lead only where the request went already: to the same scheme, host and port.

use http::HeaderMap;
use http::header::LOCATION;
use url::Url;

use super::redacted;

/// Where an answer redirects to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Redirect {
    /// To another place of the same server.
    Within(Url),
    /// To a server that nothing is sent to: as it may be shown.
    Elsewhere(String),
}

impl Redirect {
    /// Reads an answer; nothing if it does not redirect.
    pub(crate) fn read(from: &Url, status: u16, headers: &HeaderMap) -> Option<Self> {
        let moved = matches!(status, 301 | 302 | 303 | 307 | 308);
        let location = headers.get(LOCATION).filter(|_| moved)?.to_str().ok()?;
        let target = from.join(location).ok()?;
        Some(if target.origin() == from.origin() && target.has_host() {
            Self::Within(target)
        } else {
            Self::Elsewhere(redacted(&target))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_stays_with_scheme_host_and_port() {
        let from = Url::parse("https://api.example.com/repos/a/b?page=2").expect("a URL");
        let read = |status: u16, location: &str| {
            let headers = HeaderMap::from_iter([(LOCATION, location.parse().expect("a header"))]);
            Redirect::read(&from, status, &headers)
        };
        for within in [
            "/repositories/1",
            "https://api.example.com/repositories/1",
            "https://API.example.com:443/repositories/1",
        ] {
            let target = Url::parse("https://api.example.com/repositories/1").expect("a URL");
            assert_eq!(read(307, within), Some(Redirect::Within(target)), "{within}");
        }
        for (location, shown) in [
            ("http://api.example.com/x", "http://api.example.com/x"),
            ("https://api.example.com:8443/x", "https://api.example.com:8443/x"),
            ("https://user:s3cr3t@evil.example/x?token=s3cr3t", "https://evil.example/x?token=…"),
            ("//evil.example/x", "https://evil.example/x"),
            ("https://api.example.com./x", "https://api.example.com./x"),
            ("https://api.example.com@evil.example/x", "https://evil.example/x"),
        ] {
            assert_eq!(read(302, location), Some(Redirect::Elsewhere(shown.to_owned())), "{location}");
        }
        assert_eq!(read(200, "/x"), None);
    }
}
