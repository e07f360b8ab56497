//! Finding and cutting what was taught.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::OnceLock;

use aho_corasick::AhoCorasick;

use super::spellings::{self, Spelling};
use super::unescape::Unescaped;

/// As many characters of a secret give it away where white space is between them.
const JOINED: usize = 12;
/// What stands for a secret.
const MASK: &str = "***";

/// Every secret of a run in all its spellings.
#[derive(Default)]
pub struct Scrubber {
    secrets: BTreeSet<String>,
    logins: BTreeSet<(String, String)>,
    /// Those that one beginning gives away, together.
    spellings: Vec<Vec<Spelling>>,
    /// Where in them a beginning is.
    beginnings: BTreeMap<String, usize>,
    /// Finds the beginnings; made when it is first needed after something was taught.
    finder: OnceLock<Option<AhoCorasick>>,
}

impl std::fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Scrubber({} secrets)", self.secrets.len())
    }
}

/// A part of a text that shows a secret.
struct Hit {
    range: Range<usize>,
    short: bool,
}

impl Scrubber {
    /// One that knows nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            secrets: BTreeSet::new(),
            logins: BTreeSet::new(),
            spellings: Vec::new(),
            beginnings: BTreeMap::new(),
            finder: OnceLock::new(),
        }
    }

    /// Learns a secret. An empty one is none.
    pub fn teach(&mut self, secret: &str) {
        if !secret.is_empty() && self.secrets.insert(secret.to_owned()) {
            self.learn(spellings::of(secret));
        }
    }

    /// Learns a secret, also together with its user name.
    pub fn teach_login(&mut self, username: &str, secret: &str) {
        self.teach(secret);
        if !secret.is_empty() && self.logins.insert((username.to_owned(), secret.to_owned())) {
            self.learn(spellings::of_login(username, secret));
        }
    }

    fn learn(&mut self, spellings: Vec<Spelling>) {
        self.finder = OnceLock::new();
        for spelling in spellings {
            let next = self.spellings.len();
            let index = *self.beginnings.entry(spelling.beginning().to_owned()).or_insert(next);
            if index == next {
                self.spellings.push(Vec::new());
            }
            let same = &mut self.spellings[index];
            if !same.iter().any(|known| known.text == spelling.text) {
                same.push(spelling);
            }
        }
    }

    /// The text without any secret; nothing where a gap would show one.
    pub(super) fn cut(&self, text: &str) -> Option<String> {
        let hits = self.hits(text, |spelling| Some(spelling.enough));
        if hits.iter().any(|hit| hit.short) { None } else { Some(masked(text, hits)) }
    }

    /// The text without secrets that are not regcred's words.
    pub(super) fn cut_unmistakable(&self, text: &str) -> String {
        masked(text, self.hits(text, |spelling| spelling.enough_behind))
    }

    /// Whether the end of the text may be the beginning of a secret.
    pub(super) fn may_go_on(&self, text: &str) -> bool {
        let ends_in = |secret: &str| {
            let beginnings = (1..secret.len()).filter_map(|end| secret.get(..end));
            beginnings.into_iter().any(|beginning| text.ends_with(beginning))
        };
        self.spellings.iter().flatten().any(|spelling| ends_in(&spelling.text))
    }

    /// What shows a secret in the text, or in what it is an escaped form of.
    fn hits(&self, text: &str, enough: impl Fn(&Spelling) -> Option<usize>) -> Vec<Hit> {
        let Some(finder) = self.finder() else { return Vec::new() };
        let mut hits = Vec::new();
        for view in Unescaped::all(text) {
            for found in finder.find_overlapping_iter(&view.bytes) {
                let start = found.start();
                for spelling in &self.spellings[found.pattern().as_usize()] {
                    let length = common(&view.bytes[start..], spelling.text.as_bytes());
                    // Words of a text may come to a short secret by themselves.
                    if view.joined && length < JOINED {
                        continue;
                    }
                    if enough(spelling).is_some_and(|enough| length >= enough) {
                        let range = view.origin(start..start + length);
                        let range = if spelling.in_word { whole_word(text, range) } else { range };
                        hits.push(Hit { range, short: spelling.short });
                    }
                }
            }
        }
        hits
    }

    fn finder(&self) -> Option<&AhoCorasick> {
        let beginnings = || self.spellings.iter().filter_map(|same| Some(same.first()?.beginning()));
        let make = || AhoCorasick::new(beginnings()).ok().filter(|_| !self.spellings.is_empty());
        self.finder.get_or_init(make).as_ref()
    }
}

/// How many bytes two texts have in common at their beginning.
fn common(one: &[u8], other: &[u8]) -> usize {
    one.iter().zip(other).take_while(|(one, other)| one == other).count()
}

/// The word of base64 digits around a part of it: the digits at its ends have bits of the secret, too.
fn whole_word(text: &str, range: Range<usize>) -> Range<usize> {
    let digit = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=-_".contains(byte);
    let bytes = text.as_bytes();
    let before = bytes[..range.start].iter().rev().take_while(|byte| digit(byte)).count();
    let behind = bytes[range.end..].iter().take_while(|byte| digit(byte)).count();
    range.start - before..range.end + behind
}

/// The text with a mask for every hit, one where they touch.
fn masked(text: &str, mut hits: Vec<Hit>) -> String {
    hits.sort_by_key(|hit| hit.range.start);
    let mut clean = String::with_capacity(text.len());
    let mut done = 0;
    for Hit { range, .. } in hits {
        let (start, end) = (text.floor_char_boundary(range.start), text.ceil_char_boundary(range.end));
        if start >= done && !(start == done && done > 0) {
            clean.push_str(&text[done..start]);
            clean.push_str(MASK);
        }
        done = done.max(end);
    }
    clean + &text[done..]
}
