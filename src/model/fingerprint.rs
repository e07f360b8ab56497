//! A value's fingerprint: equal for equal credentials, slow to guess from, needing no key.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use argon2::{Algorithm, Argon2, Params, Version};
use ring::digest::{Context, SHA256, digest};

use super::{Registry, Secret};

/// The first byte of the input, so that a later scheme can never collide with this one.
const SCHEME: u8 = 1;
/// One salt for all: the fingerprint has to be the same on every machine, with no key to keep.
const SALT: &[u8] = b"regcred/fingerprint/v1";
/// 19 MiB, 2 passes, 1 lane: the OWASP password storage cheat sheet's second choice for Argon2id.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;

/// What can be shown and stored of a credential: Argon2id over registry, user name and token.
/// 64 hexadecimal digits; people see the first 8.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Whether a text is what is shown of a fingerprint: eight hexadecimal digits.
    #[must_use]
    pub fn is_shown(text: &str) -> bool {
        text.len() == 8 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    }

    /// Whether regcred made a name: `<stem>-` and what is shown of a fingerprint. A day (`-20260801`) is what people end
    /// names with, so it is taken for theirs.
    #[must_use]
    pub fn ends(name: &str, stem: &str) -> bool {
        let is_day = |digits: &str| {
            let century = digits.starts_with("19") || digits.starts_with("20");
            century && chrono::NaiveDate::parse_from_str(digits, "%Y%m%d").is_ok()
        };
        let digits = name.strip_prefix(stem).and_then(|rest| rest.strip_prefix('-'));
        digits.is_some_and(|digits| Self::is_shown(digits) && !is_day(digits))
    }

    /// The fingerprint of a value. To derive it takes some 30 ms and 19 MiB, so call it on a thread that may block; each value's
    /// is derived once in a process (a thousand namespaces mostly hold the same login), and remembered by a digest.
    #[must_use]
    pub fn of(registry: &Registry, username: &str, token: &Secret) -> Self {
        static KNOWN: Mutex<BTreeMap<Vec<u8>, Arc<OnceLock<Fingerprint>>>> = Mutex::new(BTreeMap::new());
        let mut input = zeroize::Zeroizing::new(vec![SCHEME]);
        for part in [registry.canonical(), username, token.expose()] {
            input.extend_from_slice(&(part.len() as u64).to_be_bytes());
            input.extend_from_slice(part.as_bytes());
        }
        let key = digest(&SHA256, &input).as_ref().to_vec();
        let known = Arc::clone(KNOWN.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default());
        *known.get_or_init(|| Self::derived(&input))
    }

    /// Never panics: the parameters are constants within Argon2's bounds.
    fn derived(input: &[u8]) -> Self {
        let mut digest = [0; 32];
        let params = Params::new(MEMORY_KIB, PASSES, 1, Some(digest.len())).unwrap_or_default();
        let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        if let Err(error) = hasher.hash_password_into(input, SALT, &mut digest) {
            unreachable!("constant Argon2 parameters were refused: {error}");
        }
        Self(digest)
    }

    /// All 64 hexadecimal digits.
    #[must_use]
    pub fn full(&self) -> String {
        hex::encode(self.0)
    }

    /// Reads the 64 digits back.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// The version id of the secret `name` in Secrets Manager that holds this credential: 64
    /// hexadecimal digits, the same in every region, sent as `ClientRequestToken` (32 to 64
    /// characters), so that `DescribeSecret` alone tells whether the value is current.
    #[must_use]
    pub fn version_id(&self, name: &str) -> String {
        /// Changes when the payload's JSON does.
        const PAYLOAD_FORMAT: u8 = 1;
        let mut hash = Context::new(&SHA256);
        hash.update(&[PAYLOAD_FORMAT]);
        hash.update(&(name.len() as u64).to_be_bytes());
        hash.update(name.as_bytes());
        hash.update(&self.0);
        hex::encode(hash.finish())
    }

    /// Whether a version of the secret `name` is this credential's: the first one, or one that took its place.
    #[must_use]
    pub fn is_version(&self, name: &str, id: &str) -> bool {
        id.get(..OWN_DIGITS) == Some(&self.version_id(name)[..OWN_DIGITS])
    }
}

/// How many digits of a version's id tell whose it is. What is behind them tells one from another.
const OWN_DIGITS: usize = 48;

/// The id of the version that takes the place of one that holds another value than its id says: a version's value cannot
/// be changed. It follows from the id alone, so that runs at once come to the same.
#[must_use]
pub fn next_version_id(id: &str) -> String {
    let own = id.get(..OWN_DIGITS).unwrap_or(id);
    let last = hex::encode(digest(&SHA256, id.as_bytes()));
    format!("{own}{}", &last[OWN_DIGITS..])
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0[..4]))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(registry: &str, username: &str, token: &str) -> Fingerprint {
        Fingerprint::of(&registry.parse().unwrap(), username, &Secret::new(token.to_owned()))
    }

    #[test]
    fn it_is_the_same_on_every_machine() {
        // Computed apart with argon2-cffi: see the inputs in `of`.
        let known = "d9995fb515c57c112d8c769613ac26fa6e03de0152c1f84fa435595ef954dc1f";
        assert_eq!(fingerprint("docker.io", "acme", "dckr_pat_x").full(), known);
    }

    #[test]
    fn moving_a_letter_from_user_to_token_changes_it() {
        assert_ne!(fingerprint("docker.io", "ab", "c"), fingerprint("docker.io", "a", "bc"));
    }

    #[test]
    fn it_survives_being_written_and_read_and_shows_eight_digits() {
        let fingerprint = fingerprint("docker.io", "acme", "t");
        assert_eq!(Fingerprint::parse(&fingerprint.full()), Some(fingerprint));
        assert_eq!(fingerprint.to_string().len(), 8);
        assert_eq!(Fingerprint::parse("3f9a12c4"), None);
    }

    #[test]
    fn a_name_that_ends_with_a_day_is_somebody_elses_and_any_other_eight_digits_are_a_fingerprints() {
        for (name, ours) in [("hub-0123abcd", true), ("hub-20261332", true), ("hub-20260801", false)] {
            assert_eq!(Fingerprint::ends(name, "hub"), ours, "{name}");
        }
    }

    #[test]
    fn a_version_id_belongs_to_one_secret_name() {
        let fingerprint = fingerprint("docker.io", "acme", "t");
        assert_ne!(fingerprint.version_id("a"), fingerprint.version_id("b"));
        assert_eq!(fingerprint.version_id("a").len(), 64);
        assert!(!fingerprint.is_version("b", &fingerprint.version_id("a")));
        assert!(!fingerprint.is_version("a", "a-short-one"));
    }

    #[test]
    fn every_version_that_takes_the_place_of_one_is_the_same_credentials_and_has_an_id_of_its_own() {
        let fingerprint = fingerprint("docker.io", "acme", "t");
        let first = fingerprint.version_id("a");
        let second = next_version_id(&first);
        let third = next_version_id(&second);
        for id in [&first, &second, &third] {
            assert!(fingerprint.is_version("a", id) && id.len() == 64, "{id}");
        }
        assert!(first != second && second != third && first != third);
    }
}
