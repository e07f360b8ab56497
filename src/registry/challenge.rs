//! What a registry asks for when it answers 401 (RFC 9110, section 11; the `Bearer` parameters are those of the
//! distribution specification's token authentication).

use http::header::{HeaderMap, WWW_AUTHENTICATE};
use http_auth::{ChallengeRef, parse_challenges};

use crate::redact;

/// The challenge that regcred answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// Fetch a token from the realm.
    Bearer {
        /// The token service's URL, as the registry wrote it.
        realm: String,
        /// The service to name there.
        service: Option<String>,
        /// The scopes to ask for, in the registry's order.
        scopes: Vec<String>,
    },
    /// Send user name and password to the registry itself.
    Basic,
}

/// Why no challenge can be answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ChallengeError {
    /// No `WWW-Authenticate` header at all.
    #[error("its 401 asks for no kind of login")]
    Missing,
    /// None that can be read.
    #[error("its 401 has a `WWW-Authenticate` header that cannot be read")]
    Unreadable,
    /// Only kinds that are not `Bearer` with a realm or `Basic`.
    #[error("it asks for a login of a kind that is not supported: {}", .0.join(", "))]
    Unsupported(Vec<String>),
}

/// The challenge to answer among all that were made, in one header or in several: `Bearer` before `Basic`, as a token
/// service limits what the registry itself gets to see.
pub(super) fn choose(headers: &HeaderMap) -> Result<Challenge, ChallengeError> {
    let values: Vec<&str> =
        headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok()).collect();
    if !headers.contains_key(WWW_AUTHENTICATE) {
        return Err(ChallengeError::Missing);
    }
    // One header that cannot be read does not hide the others.
    let offered: Vec<ChallengeRef<'_>> =
        values.into_iter().filter_map(|value| parse_challenges(value).ok()).flatten().collect();
    if offered.is_empty() {
        return Err(ChallengeError::Unreadable);
    }
    let basic =
        || offered.iter().any(|offer| offer.scheme.eq_ignore_ascii_case("basic")).then_some(Challenge::Basic);
    let unsupported =
        || ChallengeError::Unsupported(offered.iter().map(|offer| redact::outside(offer.scheme)).collect());
    offered.iter().find_map(bearer).or_else(basic).ok_or_else(unsupported)
}

fn bearer(offer: &ChallengeRef<'_>) -> Option<Challenge> {
    if !offer.scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let parameter = |name: &str| {
        let found = offer.params.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.to_unescaped()).filter(|value| !value.is_empty())
    };
    let scopes = parameter("scope").unwrap_or_default();
    Some(Challenge::Bearer {
        realm: parameter("realm")?,
        service: parameter("service"),
        scopes: scopes.split_whitespace().map(str::to_owned).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(values: &[&'static str]) -> Result<Challenge, ChallengeError> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(WWW_AUTHENTICATE, http::HeaderValue::from_static(value));
        }
        choose(&headers)
    }

    fn bearer(realm: &str, service: Option<&str>, scopes: &[&str]) -> Result<Challenge, ChallengeError> {
        let scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
        Ok(Challenge::Bearer { realm: realm.into(), service: service.map(Into::into), scopes })
    }

    #[test]
    fn the_challenges_of_real_registries_are_read() {
        let hub = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io""#;
        assert_eq!(chosen(&[hub]), bearer("https://auth.docker.io/token", Some("registry.docker.io"), &[]));
        let ghcr =
            r#"Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:user/image:pull""#;
        assert_eq!(
            chosen(&[ghcr]),
            bearer("https://ghcr.io/token", Some("ghcr.io"), &["repository:user/image:pull"])
        );
        let google = r#"Bearer realm="https://us-central1-docker.pkg.dev/v2/token",service="us-central1-docker.pkg.dev""#;
        let expected =
            bearer("https://us-central1-docker.pkg.dev/v2/token", Some("us-central1-docker.pkg.dev"), &[]);
        assert_eq!(chosen(&[google]), expected);
        assert_eq!(chosen(&[r#"Basic realm="Registry Realm""#]), Ok(Challenge::Basic));
    }

    #[test]
    fn bearer_is_preferred_in_one_header_and_in_several_whatever_the_order() {
        let token =
            r#"bearer Realm="https://a.test/t", SERVICE="s", scope="x:y:z  q:r:s", error="invalid_token""#;
        let expected = bearer("https://a.test/t", Some("s"), &["x:y:z", "q:r:s"]);
        assert_eq!(chosen(&[r#"Basic realm="r""#, token]), expected);
        assert_eq!(chosen(&[token, r#"Basic realm="r""#]), expected);
        assert_eq!(
            chosen(&[r#"Basic realm="r", Bearer realm="https://a.test/t",service="s",scope="x:y:z q:r:s""#]),
            expected
        );
        assert_eq!(
            chosen(&[r#"Bearer realm="https://a.test/t",service="s",scope="x:y:z q:r:s",Basic realm="r""#]),
            expected
        );
    }

    #[test]
    fn escapes_in_a_parameter_are_undone() {
        assert_eq!(
            chosen(&[r#"Bearer realm="https://a.test/\"t\"""#]),
            bearer(r#"https://a.test/"t""#, None, &[])
        );
    }

    #[test]
    fn a_header_that_cannot_be_read_does_not_hide_another() {
        assert_eq!(chosen(&[r#"Bearer realm="unterminated"#, r#"Basic realm="r""#]), Ok(Challenge::Basic));
        assert_eq!(chosen(&[r#"Bearer realm="unterminated"#]), Err(ChallengeError::Unreadable));
    }

    #[test]
    fn what_cannot_be_answered_is_named() {
        assert_eq!(chosen(&[]), Err(ChallengeError::Missing));
        assert_eq!(
            chosen(&["Negotiate, NTLM"]),
            Err(ChallengeError::Unsupported(vec!["Negotiate".into(), "NTLM".into()]))
        );
        assert_eq!(
            chosen(&[r#"Bearer service="s""#]),
            Err(ChallengeError::Unsupported(vec!["Bearer".into()]))
        );
    }
}
