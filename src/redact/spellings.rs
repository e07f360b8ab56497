//! In how many ways one secret can be written.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// As many characters of a secret, from its beginning, give it away.
const PREFIX: usize = 12;
/// The same, of a secret that is JSON.
const JSON_PREFIX: usize = 200;
/// A secret of this many characters is not one of regcred's words.
const UNMISTAKABLE: usize = 16;
/// A shorter secret leaves a gap that shows it.
pub(super) const SHORT: usize = 8;
/// A spelling that is shorter is in every text.
const LEAST: usize = 4;
/// A word of base64 or hexadecimal digits in a longer secret, such as a line of a key.
const PART: usize = 40;
/// What tokens of registries and of the systems begin with.
const TOKENS: [&str; 13] = [
    "dckr_pat_",
    "dckr_oat_",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "pul-",
    "rpa_",
    "dtn_",
    "cgr_",
];

/// What percent-encoding of a path segment leaves (RFC 3986, unreserved).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// What JavaScript's `encodeURIComponent` leaves.
const COMPONENT: &AsciiSet = &UNRESERVED.remove(b'!').remove(b'*').remove(b'\'').remove(b'(').remove(b')');
/// What Go's `url.PathEscape` leaves.
const GO_PATH: &AsciiSet =
    &UNRESERVED.remove(b'$').remove(b'&').remove(b'+').remove(b'=').remove(b':').remove(b'@');
/// What Python's `quote` leaves.
const PATH: &AsciiSet = &UNRESERVED.remove(b'/');

/// One way to write a secret.
#[derive(Clone, Debug)]
pub(super) struct Spelling {
    pub(super) text: String,
    /// As many bytes of it, from its beginning, give the secret away.
    pub(super) enough: usize,
    /// The same, where our own words stand; none where it could be one of regcred's words.
    pub(super) enough_behind: Option<usize>,
    /// Whether it stands within a longer word, which shows as much of the secret as it does.
    pub(super) in_word: bool,
    /// Whether a gap would show it.
    pub(super) short: bool,
}

impl Spelling {
    /// What gives the secret away.
    pub(super) fn beginning(&self) -> &str {
        &self.text[..self.enough]
    }
}

/// The words of a text that look like tokens.
pub(super) fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || "_-".contains(c)));
    // A short beginning may be that of somebody's name for a thing, but of none that is as long as a token.
    let least = |start: &str| if start.len() > SHORT { UNMISTAKABLE } else { PART };
    words.filter(move |word| TOKENS.iter().any(|start| word.starts_with(start) && word.len() >= least(start)))
}

type Encoder<'a> = &'a dyn Fn(&str) -> String;

/// Every spelling of a secret, alone.
pub(super) fn of(secret: &str) -> Vec<Spelling> {
    let mut all = alone(secret);
    for part in parts(secret) {
        all.extend(alone(&part));
    }
    all
}

/// The spellings of a secret behind its user name.
pub(super) fn of_login(username: &str, secret: &str) -> Vec<Spelling> {
    let pair = |secret: &str| format!("{username}:{secret}");
    let engines = [&STANDARD_NO_PAD as &dyn Encode, &URL_SAFE_NO_PAD];
    let encoders = engines.map(|engine| move |text: &str| aligned(engine, 0, &pair(text)));
    let mut all: Vec<Spelling> = encoders.iter().map(|encode| spelling(secret, encode, true)).collect();
    all.extend(twice(secret, 0, &pair));
    all.push(spelling(secret, &|text| hex::encode(pair(text)), true));
    all.push(spelling(secret, &|text| pair(text), false));
    all
}

/// In base64 within base64, as the `auth` of a Docker configuration is in a secret of Kubernetes.
fn twice(secret: &str, before: usize, whole: &dyn Fn(&str) -> String) -> Vec<Spelling> {
    let inner = |text: &str| aligned(&STANDARD_NO_PAD, before, &whole(text));
    let outer = [&STANDARD_NO_PAD as &dyn Encode, &URL_SAFE_NO_PAD].into_iter();
    let all = outer.flat_map(|engine| (0..3).map(move |before| (engine, before)));
    all.map(|(engine, before)| spelling(secret, &|text| aligned(engine, before, &inner(text)), true))
        .collect()
}

fn alone(secret: &str) -> Vec<Spelling> {
    let plain: [Encoder<'_>; 17] = [
        &str::to_owned,
        &json,
        &|text| json(&json(text)),
        &|text| each(&json(text), |c| "<>&'".contains(c).then(|| format!("\\u{:04x}", u32::from(c)))),
        &|text| each(&json(text), |c| (!c.is_ascii()).then(|| unicode(c, false))),
        &|text| each(text, |c| Some(unicode(c, false))),
        &|text| each(text, |c| Some(unicode(c, true))),
        &|text| text.escape_debug().to_string(),
        &html,
        &|text| percent(text, NON_ALPHANUMERIC),
        &|text| lower(&percent(text, NON_ALPHANUMERIC)),
        &|text| percent(text, UNRESERVED),
        &|text| lower(&percent(text, UNRESERVED)),
        &|text| percent(text, COMPONENT),
        &|text| percent(text, GO_PATH),
        &|text| percent(text, PATH),
        &|text| url::form_urlencoded::byte_serialize(text.as_bytes()).collect(),
    ];
    let mut all: Vec<Spelling> = plain.iter().map(|encode| spelling(secret, encode, false)).collect();
    all.push(spelling(secret, &|text| hex::encode(text), true));
    all.push(spelling(secret, &|text| hex::encode_upper(text), true));
    for engine in [&STANDARD_NO_PAD as &dyn Encode, &URL_SAFE_NO_PAD] {
        for before in 0..3 {
            all.push(spelling(secret, &|text| aligned(engine, before, text), true));
        }
    }
    all.extend((0..3).flat_map(|before| twice(secret, before, &str::to_owned)));
    // Raw always counts, however short; of a derived one nothing may be left.
    let raw = all.first().map(|raw| raw.text.clone());
    all.retain(|spelling| Some(&spelling.text) == raw.as_ref() || spelling.enough >= LEAST);
    all
}

fn spelling(secret: &str, encode: &dyn Fn(&str) -> String, in_word: bool) -> Spelling {
    let length = secret.chars().count();
    let beginning = |most: usize| {
        // JSON begins as all JSON does.
        let most = if secret.starts_with(['{', '[']) { JSON_PREFIX } else { most };
        let end = secret.char_indices().nth(most).map_or(secret.len(), |(end, _)| end);
        encode(&secret[..end])
    };
    let text = encode(secret);
    // An encoding of a beginning may end in a digit of its own.
    let enough = |most| text.floor_char_boundary(common(&text, &beginning(most)));
    let token = length >= PREFIX && TOKENS.iter().any(|start| secret.starts_with(start));
    let behind = match (token, length) {
        (true, _) => Some(enough(PREFIX)),
        (false, UNMISTAKABLE..) => Some(enough(UNMISTAKABLE)),
        (false, _) => None,
    };
    Spelling { enough: enough(PREFIX), enough_behind: behind, short: length < SHORT, in_word, text }
}

/// How many bytes two texts have in common at their beginning.
fn common(one: &str, other: &str) -> usize {
    one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count()
}

/// What must not be seen of a secret by itself: lines of a key, also of one in JSON, in base64 or not.
fn parts(secret: &str) -> Vec<String> {
    let decoded = STANDARD.decode(secret.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let texts = match serde_json::from_str::<Value>(decoded.as_deref().unwrap_or(secret)) {
        Ok(value) => strings(&value),
        Err(_) => vec![secret.to_owned()],
    };
    let word = |c: char| c.is_ascii_alphanumeric() || "+/=_-".contains(c);
    let words = texts.iter().flat_map(|text| text.split(move |c| !word(c)));
    words.filter(|part| part.len() >= PART && *part != secret).map(str::to_owned).collect()
}

fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(strings).collect(),
        Value::Object(fields) => fields.values().flat_map(strings).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

fn each(text: &str, encode: impl Fn(char) -> Option<String>) -> String {
    text.chars().map(|c| encode(c).unwrap_or_else(|| c.to_string())).collect()
}

fn json(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn unicode(c: char, upper: bool) -> String {
    let digit = |unit: &mut u16| if upper { format!("\\u{unit:04X}") } else { format!("\\u{unit:04x}") };
    c.encode_utf16(&mut [0; 2]).iter_mut().map(digit).collect()
}

fn html(text: &str) -> String {
    each(text, |c| {
        let name = match c {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '"' => "&quot;",
            '\'' => "&#39;",
            _ => return None,
        };
        Some(name.to_owned())
    })
}

fn percent(text: &str, set: &'static AsciiSet) -> String {
    utf8_percent_encode(text, set).to_string()
}

/// The digits of percent-encoding in lower case.
fn lower(encoded: &str) -> String {
    let mut parts = encoded.split('%');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let (digits, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        format!("{text}%{}{rest}", digits.to_lowercase())
    })
}

trait Encode {
    fn encode(&self, bytes: &[u8]) -> String;
}

impl<T: Engine> Encode for T {
    fn encode(&self, bytes: &[u8]) -> String {
        Engine::encode(self, bytes)
    }
}

/// The digits that stand for `text` alone in the base64 form of a longer text, where it begins `before` bytes behind a
/// multiple of three.
fn aligned(engine: &dyn Encode, before: usize, text: &str) -> String {
    let bytes: Vec<u8> = std::iter::repeat_n(0, before).chain(text.bytes()).collect();
    let digits = engine.encode(&bytes);
    let first = (before * 8).div_ceil(6);
    let end = bytes.len() * 8 / 6;
    digits.get(first..end).unwrap_or_default().to_owned()
}
