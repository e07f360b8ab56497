//! What Go's standard library reads and Rust's crates do not: docker, the kubelet and Pulumi are written in Go, and a file
//! that they read is not a broken file.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

/// How deep Go's decoder goes (`maxNestingDepth` of `encoding/json`).
const MAX_DEPTH: usize = 10_000;

/// Which of Go's two encodings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Base64 {
    /// `base64.StdEncoding`.
    Padded,
    /// `base64.RawStdEncoding`.
    Unpadded,
}

impl Base64 {
    /// Skips line ends, and does not look at unused bits at the end.
    pub(crate) fn decode(self, text: &str) -> Option<Zeroizing<Vec<u8>>> {
        let padding = match self {
            Self::Padded => DecodePaddingMode::RequireCanonical,
            Self::Unpadded => DecodePaddingMode::RequireNone,
        };
        let config = GeneralPurposeConfig::new()
            .with_decode_padding_mode(padding)
            .with_decode_allow_trailing_bits(true);
        let line: Zeroizing<String> =
            Zeroizing::new(text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect());
        GeneralPurpose::new(&STANDARD, config).decode(&*line).ok().map(Zeroizing::new)
    }
}

/// Bytes as text, each that is not UTF-8 replaced, as Go does it where it writes JSON.
pub(crate) fn text(bytes: &[u8]) -> Zeroizing<String> {
    // As long as it can get: a text that grows leaves copies behind.
    let mut text = Zeroizing::new(String::with_capacity(bytes.len().saturating_mul(3)));
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    text
}

/// JSON of which serde reads what Go's decoder does: invalid UTF-8 and halves of surrogate pairs are replaced.
/// Nothing if it is nested deeper than Go goes.
pub(crate) fn json(bytes: &[u8]) -> Option<Zeroizing<String>> {
    let text = text(bytes);
    if depth(&text) > MAX_DEPTH {
        return None;
    }
    let mut whole = Zeroizing::new(String::with_capacity(text.len()));
    let mut rest = text.as_str();
    while let Some((before, escape)) = rest.find('\\').map(|at| rest.split_at(at)) {
        whole.push_str(before);
        let (length, written) = escaped(escape);
        whole.push_str(written);
        rest = &escape[length..];
    }
    whole.push_str(rest);
    Some(whole)
}

/// The length of the escape at the beginning of `text`, and what stands for it.
fn escaped(text: &str) -> (usize, &str) {
    let pair = || matches!(text.get(6..).and_then(unit), Some(0xdc00..=0xdfff));
    match unit(text) {
        Some(0xd800..=0xdbff) if pair() => (12, &text[..12]),
        Some(0xd800..=0xdfff) => (6, r"\ufffd"),
        _ => {
            let length = text.chars().take(2).map(char::len_utf8).sum();
            (length, &text[..length])
        }
    }
}

/// The code unit of an escape `\uXXXX`.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    let hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    hex.then(|| u16::from_str_radix(digits, 16).ok()).flatten()
}

/// How deep lists and objects are nested.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest, mut quoted) = (0_usize, 0, false);
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next()),
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => depth += 1,
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// Whether Go takes a key for a field, whose name is in ASCII: in any case, with the two letters beyond ASCII that fold
/// to one of it.
pub(crate) fn is_field(key: &str, name: &str) -> bool {
    let folded = |c: char| match c {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        c => c.to_ascii_lowercase(),
    };
    key.chars().map(folded).eq(name.chars().map(folded))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same inputs as through Go 1.19.
    #[test]
    fn a_text_is_read_as_go_reads_it() {
        let read = |bytes: &[u8]| serde_json::from_str::<String>(&json(bytes).unwrap()).ok();
        for (bytes, expected) in [
            (&br#""a\u00e9\n""#[..], "a\u{e9}\n"),
            (b"\"p\xe9q\xe2\x82\"", "p\u{fffd}q\u{fffd}\u{fffd}"),
            (b"\"\xed\xa0\x80\"", "\u{fffd}\u{fffd}\u{fffd}"),
            (br#""\ud83d\ude00""#, "\u{1f600}"),
            (br#""p\ud800q\udc00\ud800\u0041""#, "p\u{fffd}q\u{fffd}\u{fffd}A"),
            (br#""\ud800\ud83d\ude00\udc00\ud800""#, "\u{fffd}\u{1f600}\u{fffd}\u{fffd}"),
            (br#""\\ud800""#, "\\ud800"),
        ] {
            assert_eq!(read(bytes).as_deref(), Some(expected), "{bytes:?}");
        }
        for broken in [&br#""\u+123""#[..], b"\"\\\xe9\"", br#""\ud8""#, b"\"a\nb\"", b"\xff\"a\""] {
            assert_eq!(read(broken), None, "{broken:?}");
        }
    }

    #[test]
    fn nesting_is_followed_as_deep_as_go_follows_it() {
        let nested = |depth: usize| ["[".repeat(depth), "]".repeat(depth)].concat();
        assert!(json(nested(MAX_DEPTH).as_bytes()).is_some());
        assert!(json(nested(MAX_DEPTH + 1).as_bytes()).is_none());
        let text = format!("{{\"\\\"{}\": [1], \"b\": [2]}}", "[".repeat(MAX_DEPTH));
        assert!(json(text.as_bytes()).is_some(), "brackets in a text nest nothing");
    }

    #[test]
    fn base64_may_have_line_ends_and_unused_bits_and_is_padded_or_not() {
        let decoded = |base64: Base64, text| base64.decode(text).map(|bytes| bytes.to_vec());
        assert_eq!(decoded(Base64::Padded, "YT\r\npi\n"), Some(b"a:b".to_vec()));
        assert_eq!(decoded(Base64::Padded, "YTpiY="), None);
        assert_eq!(decoded(Base64::Padded, "YTpiYx=="), Some(b"a:bc".to_vec()));
        assert_eq!(decoded(Base64::Padded, "YTpiYw"), None);
        assert_eq!(decoded(Base64::Unpadded, "YTpiYw"), Some(b"a:bc".to_vec()));
        assert_eq!(decoded(Base64::Unpadded, "YTpiYw=="), None);
    }

    #[test]
    fn a_key_is_a_field_in_any_case() {
        for key in ["auths", "Auths", "AUTHS", "auth\u{17f}"] {
            assert!(is_field(key, "auths"), "{key}");
        }
        assert!(is_field("HTTPheaderS", "HttpHeaders"));
        assert!(!is_field("auth", "auths") && !is_field("a\u{fc}ths", "auths"));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic_and_json_stays_what_it_is(
            bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..64),
            escapes in r#"(\\|u|[dD][89abcdEF]|0|["{}\[\]é])*"#,
        ) {
            let _ = (json(&bytes), json(escapes.as_bytes()));
            let sound = serde_json::to_string(&escapes).unwrap();
            proptest::prop_assert_eq!(&**json(sound.as_bytes()).unwrap(), sound);
        }
    }
}
