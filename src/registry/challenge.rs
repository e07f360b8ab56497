//! What a registry asks for when it answers 401 (the `Bearer` parameters are those of the distribution specification's
//! token authentication), read as docker's client reads it (distribution, `registry/client/auth/challenge`): what comes
//! before an odd character counts. It also reads several challenges in one header, as RFC 9110 allows.

use std::collections::BTreeMap;

use http::header::{HeaderMap, WWW_AUTHENTICATE};

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
    let values = headers.get_all(WWW_AUTHENTICATE).iter();
    // Like docker's, whatever bytes are in it.
    let values: Vec<_> = values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    if !headers.contains_key(WWW_AUTHENTICATE) {
        return Err(ChallengeError::Missing);
    }
    let offered: Vec<Offer> = values.iter().flat_map(|value| offers(value)).collect();
    if offered.is_empty() {
        return Err(ChallengeError::Unreadable);
    }
    let basic =
        || offered.iter().any(|offer| offer.scheme.eq_ignore_ascii_case("basic")).then_some(Challenge::Basic);
    let named = |offer: &Offer| {
        let lacks = if offer.scheme.eq_ignore_ascii_case("bearer") { " without a realm" } else { "" };
        redact::outside(&offer.scheme) + lacks
    };
    let unsupported = || ChallengeError::Unsupported(offered.iter().map(named).collect());
    offered.iter().find_map(bearer).or_else(basic).ok_or_else(unsupported)
}

fn bearer(offer: &Offer) -> Option<Challenge> {
    let parameter = |name: &str| offer.parameters.get(name).cloned().filter(|value| !value.is_empty());
    if !offer.scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let scopes = parameter("scope").unwrap_or_default();
    Some(Challenge::Bearer {
        realm: parameter("realm")?,
        service: parameter("service"),
        scopes: scopes.split_whitespace().map(str::to_owned).collect(),
    })
}

/// One challenge; the names of its parameters are in small letters.
#[derive(Debug, Default)]
struct Offer {
    scheme: String,
    parameters: BTreeMap<String, String>,
}

/// The challenges in a header, up to the first character that is out of place.
fn offers(header: &str) -> Vec<Offer> {
    let mut offers: Vec<Offer> = Vec::new();
    let mut rest = header.trim_start_matches([' ', '\t', ',']);
    loop {
        let (word, behind) = token(rest);
        if word.is_empty() {
            return offers;
        }
        match (behind.strip_prefix('='), offers.last_mut()) {
            (Some(value), Some(offer)) => {
                let Some((value, behind)) = token_or_quoted(value) else { return offers };
                offer.parameters.insert(word.to_ascii_lowercase(), value);
                rest = behind.trim_start();
                match rest.strip_prefix(',') {
                    Some(next) => rest = next.trim_start_matches([' ', '\t', ',']),
                    None => return offers,
                }
            }
            (Some(_), None) => return offers,
            (None, _) => {
                offers.push(Offer { scheme: word.to_owned(), ..Offer::default() });
                rest = behind.trim_start_matches([' ', '\t', ',']);
            }
        }
    }
}

/// A token (RFC 9110, section 5.6.2) at the beginning of a text, and what is behind it.
fn token(text: &str) -> (&str, &str) {
    let is_token = |c: char| c.is_ascii_graphic() && !r#"()<>@,;:\"/[]?={}"#.contains(c);
    text.split_at(text.find(|c| !is_token(c)).unwrap_or(text.len()))
}

/// A token or a quoted string with its escapes undone; nothing if there is none, or if it has no end.
fn token_or_quoted(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (word, behind) = token(text);
        return (!word.is_empty()).then(|| (word.to_owned(), behind));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' => value.push(characters.next()?.1),
            c => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(values: &[&'static str]) -> Result<Challenge, ChallengeError> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers
                .append(WWW_AUTHENTICATE, http::HeaderValue::from_bytes(value.as_bytes()).expect("a header"));
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
        let other = r#"Bearer realm="https://r.example/token",service="café""#;
        assert_eq!(chosen(&[other]), bearer("https://r.example/token", Some("café"), &[]));
        let lacks = ChallengeError::Unsupported(vec!["Bearer without a realm".to_owned()]);
        assert_eq!(chosen(&[r#"Bearer service="r.example""#]), Err(lacks));
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
        assert_eq!(
            chosen(&[r#"Bearer realm="unterminated"#]),
            Err(ChallengeError::Unsupported(vec!["Bearer without a realm".into()]))
        );
        assert_eq!(chosen(&["\"x\""]), Err(ChallengeError::Unreadable));
    }

    #[test]
    fn what_comes_before_an_odd_character_counts_as_it_does_for_docker() {
        assert_eq!(chosen(&["Basic realm=/"]), Ok(Challenge::Basic));
        assert_eq!(chosen(&["Basic"]), Ok(Challenge::Basic));
        assert_eq!(chosen(&["basic realm=Sonatype Nexus"]), Ok(Challenge::Basic));
        assert_eq!(
            chosen(&[r#"Bearer realm="https://a.test/t",service=a.test,scope=repository:a/b:pull"#]),
            bearer("https://a.test/t", Some("a.test"), &["repository"])
        );
        assert_eq!(
            chosen(&[r#"Bearer realm="https://a.test/t", service="s" error=x"#]),
            bearer("https://a.test/t", Some("s"), &[])
        );
        assert_eq!(chosen(&[r#"Bearer realm="https://a.test/t","#]), bearer("https://a.test/t", None, &[]));
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
            Err(ChallengeError::Unsupported(vec!["Bearer without a realm".into()]))
        );
    }
}
