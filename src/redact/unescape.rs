//! What a text is an escaped form of, with the way back to the places of the text.

use std::ops::Range;

/// Escapes within escapes are undone so often: JSON in JSON in a URL.
const ROUNDS: u8 = 3;

/// A text after some rounds of undoing percent-encoding, backslashes and HTML's entities.
pub(super) struct Unescaped {
    pub(super) bytes: Vec<u8>,
    /// Whether its lines and words are joined: what encodes long texts breaks them.
    pub(super) joined: bool,
    /// What of the text each byte stands for.
    origins: Vec<Range<usize>>,
    left: u8,
}

impl Unescaped {
    /// The text itself.
    fn plain(text: &str) -> Self {
        Self {
            bytes: text.as_bytes().to_vec(),
            joined: false,
            origins: (0..text.len()).map(|at| at..at + 1).collect(),
            left: ROUNDS,
        }
    }

    /// The part of the text that a part of this is, which is not empty.
    pub(super) fn origin(&self, range: Range<usize>) -> Range<usize> {
        self.origins[range.start].start..self.origins[range.end - 1].end
    }

    /// The text, and what it is an escaped form of: in one way, whose escapes alone are undone, or in several.
    pub(super) fn all(text: &str) -> impl Iterator<Item = Self> {
        let ways: [&'static [u8]; 4] = [b"%\\&", b"%", b"\\", b"&"];
        let rounds = |way: &'static [u8]| {
            std::iter::successors(Self::plain(text).unescaped(way), move |view| view.unescaped(way))
        };
        let used = |way: &&[u8]| text.bytes().any(|byte| way.contains(&byte));
        let views = std::iter::once(Self::plain(text)).chain(ways.into_iter().filter(used).flat_map(rounds));
        views.flat_map(|view| {
            let joined = view.joined();
            std::iter::once(view).chain(joined)
        })
    }

    /// The same without white space; nothing where there is none.
    fn joined(&self) -> Option<Self> {
        if !self.bytes.iter().any(u8::is_ascii_whitespace) {
            return None;
        }
        let all = self.bytes.iter().copied().zip(self.origins.iter().cloned());
        let (bytes, origins) = all.filter(|(byte, _)| !byte.is_ascii_whitespace()).unzip();
        Some(Self { bytes, joined: true, origins, left: 0 })
    }

    /// After one more round; nothing where nothing is left to undo.
    fn unescaped(&self, way: &[u8]) -> Option<Self> {
        let mut next =
            Self { bytes: Vec::new(), joined: false, origins: Vec::new(), left: self.left.checked_sub(1)? };
        let (mut at, mut undone) = (0, false);
        while at < self.bytes.len() {
            let rest = &self.bytes[at..];
            let known = way.contains(&rest[0]).then(|| escape(rest)).flatten();
            let (bytes, length) = known.unwrap_or_else(|| (vec![rest[0]], 1));
            undone |= length > 1;
            let origin = self.origin(at..at + length);
            next.origins.extend(bytes.iter().map(|_| origin.clone()));
            next.bytes.extend(bytes);
            at += length;
        }
        undone.then_some(next)
    }
}

/// The escape that the bytes begin with: what it stands for, and its length.
fn escape(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    match bytes.first()? {
        b'%' => Some((vec![u8::try_from(digits(bytes.get(1..3)?, 16)?).ok()?], 3)),
        b'\\' => backslash(bytes),
        b'&' => entity(bytes),
        _ => None,
    }
}

fn backslash(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let byte = match bytes.get(1)? {
        b'u' => return unicode(bytes),
        b'x' => u8::try_from(digits(bytes.get(2..4)?, 16)?).ok()?,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        quoted @ (b'"' | b'\'' | b'\\' | b'/') => *quoted,
        _ => return None,
    };
    Some((vec![byte], if bytes[1] == b'x' { 4 } else { 2 }))
}

/// `\u0041`, a pair of them, or Rust's `\u{41}`.
fn unicode(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    if bytes.get(2) == Some(&b'{') {
        let length = bytes.iter().take(10).position(|byte| *byte == b'}')?;
        return Some((utf8(digits(&bytes[3..length], 16)?)?, length + 1));
    }
    let first = digits(bytes.get(2..6)?, 16)?;
    if !(0xd800..0xdc00).contains(&first) {
        return Some((utf8(first)?, 6));
    }
    let second = bytes.get(6..8).filter(|start| *start == b"\\u").and(bytes.get(8..12))?;
    let second = digits(second, 16)?.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
    Some((utf8(0x1_0000 + ((first - 0xd800) << 10) + second)?, 12))
}

fn entity(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let end = bytes.iter().take(12).position(|byte| *byte == b';')?;
    let byte = match &bytes[1..end] {
        b"amp" => b'&',
        b"lt" => b'<',
        b"gt" => b'>',
        b"quot" => b'"',
        b"apos" => b'\'',
        [b'#', b'x' | b'X', digit @ ..] => return Some((utf8(digits(digit, 16)?)?, end + 1)),
        [b'#', digit @ ..] => return Some((utf8(digits(digit, 10)?)?, end + 1)),
        _ => return None,
    };
    Some((vec![byte], end + 1))
}

fn digits(bytes: &[u8], radix: u32) -> Option<u32> {
    let all = bytes.iter().all(|byte| char::from(*byte).is_digit(radix));
    let text = std::str::from_utf8(bytes).ok().filter(|_| all)?;
    u32::from_str_radix(text, radix).ok()
}

fn utf8(code: u32) -> Option<Vec<u8>> {
    char::from_u32(code).map(|c| c.to_string().into_bytes())
}
