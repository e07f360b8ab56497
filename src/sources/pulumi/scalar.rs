//! What an unquoted word of a YAML file is, by the rules of the library that Pulumi reads with
//! (`gopkg.in/yaml.v3`, `resolve.go`), and the string that Pulumi makes of it (`config/object.go`).
//!
//! These rules are not YAML 1.2's: `0777` is 511 and `08` is 8, `1e3` is 1000, `yes` and `on` are strings.

use chrono::NaiveDate;

/// A value without parts.
#[derive(Clone, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Text(String),
    /// A date or a time, already in the form that Pulumi gives it as a string.
    Time(String),
}

/// The value does not have the type that its tag (`!!int`, …) says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TagMismatch;

impl Scalar {
    /// The text of the value, as `pulumi config get` prints it. Null is the empty string.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Uint(value) => value.to_string(),
            Self::Float(value) => float_text(*value),
            Self::Text(text) | Self::Time(text) => text.clone(),
        }
    }

    /// The value of a word; `tag` is the part after `!!`, or any other tag as written.
    pub(super) fn resolve(text: &str, quoted: bool, tag: Option<&str>) -> Result<Self, TagMismatch> {
        match tag {
            None if quoted => Ok(Self::Text(text.to_owned())),
            None => Ok(timestamp(text).unwrap_or_else(|| plain(text))),
            Some("timestamp") => timestamp(text).ok_or(TagMismatch),
            Some("float") => plain(text).into_float().ok_or(TagMismatch),
            Some(tag @ ("null" | "bool" | "int")) => {
                Some(plain(text)).filter(|value| value.tag() == tag).ok_or(TagMismatch)
            }
            // Base64 of raw bytes: no setting that is read here can be one.
            Some("binary") => Err(TagMismatch),
            Some(_) => Ok(Self::Text(text.to_owned())),
        }
    }

    fn tag(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Int(_) | Self::Uint(_) => "int",
            Self::Float(_) => "float",
            Self::Text(_) => "str",
            Self::Time(_) => "timestamp",
        }
    }

    fn into_float(self) -> Option<Self> {
        match self {
            Self::Float(_) => Some(self),
            #[expect(clippy::cast_precision_loss, reason = "Go's float64(v) rounds the same way")]
            Self::Int(value) => Some(Self::Float(value as f64)),
            _ => None,
        }
    }
}

fn plain(text: &str) -> Scalar {
    named(text).or_else(|| number(text)).unwrap_or_else(|| Scalar::Text(text.to_owned()))
}

fn named(text: &str) -> Option<Scalar> {
    Some(match text {
        "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
        "true" | "True" | "TRUE" => Scalar::Bool(true),
        "false" | "False" | "FALSE" => Scalar::Bool(false),
        ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Scalar::Float(f64::NEG_INFINITY),
        _ => return None,
    })
}

fn number(text: &str) -> Option<Scalar> {
    match text.as_bytes().first()? {
        b'.' => float(text),
        b'+' | b'-' | b'0'..=b'9' => {
            let digits = text.replace('_', "");
            integer(&digits).or_else(|| float(&digits))
        }
        _ => None,
    }
}

/// Go's `strconv.ParseInt(text, 0, 64)`, then `ParseUint`, which takes no sign.
fn integer(text: &str) -> Option<Scalar> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let magnitude = magnitude(unsigned)?;
    if negative {
        let value = -i128::from(magnitude);
        return i64::try_from(value).ok().map(Scalar::Int);
    }
    match i64::try_from(magnitude) {
        Ok(value) => Some(Scalar::Int(value)),
        Err(_) => (!text.starts_with('+')).then_some(Scalar::Uint(magnitude)),
    }
}

/// The digits after a sign: decimal, or by the prefix `0x`, `0o`, `0b`, or octal after a plain `0`.
fn magnitude(text: &str) -> Option<u64> {
    let (radix, digits) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &text[2..]),
        [b'0', b'o' | b'O', ..] => (8, &text[2..]),
        [b'0', b'b' | b'B', ..] => (2, &text[2..]),
        [b'0', _, ..] => (8, &text[1..]),
        _ => (10, text),
    };
    // `from_str_radix` alone would take a second sign.
    if !digits.bytes().all(|digit| digit.is_ascii_alphanumeric()) {
        return None;
    }
    u64::from_str_radix(digits, radix).ok()
}

/// Go's `yamlStyleFloat`: `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`. Out of range is a string.
fn float(text: &str) -> Option<Scalar> {
    if !text.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte)) {
        return None; // Rust would also take `inf`, `nan` and `infinity`.
    }
    let value: f64 = text.parse().ok()?;
    value.is_finite().then_some(Scalar::Float(value))
}

/// A float as Go's `encoding/json` writes it: `1.0` is `1`, exponents only below 1e-6 and from 1e21.
fn float_text(value: f64) -> String {
    if !value.is_finite() {
        return if value.is_nan() {
            "NaN".to_owned()
        } else {
            format!("{}Inf", if value > 0.0 { '+' } else { '-' })
        };
    }
    let size = value.abs();
    if size == 0.0 || (1e-6..1e21).contains(&size) {
        return value.to_string();
    }
    let text = format!("{value:e}");
    if size >= 1e21 { text.replace('e', "e+") } else { text }
}

/// The four forms of Go's `allowedTimestampFormats`, as the string that Go prints for them.
fn timestamp(text: &str) -> Option<Scalar> {
    let (date, rest) = match text.find(['T', 't', ' ']) {
        Some(split) => (&text[..split], Some(&text[split..])),
        None => (text, None),
    };
    let date = date_of(date)?;
    let (clock, zone) = match rest {
        None => ("00:00:00".to_owned(), "+0000 UTC".to_owned()),
        Some(rest) => clock_and_zone(rest)?,
    };
    Some(Scalar::Time(format!("{} {clock} {zone}", date.format("%Y-%m-%d"))))
}

fn date_of(text: &str) -> Option<NaiveDate> {
    let mut parts = text.split('-');
    let year = digits(parts.next()?, 4..=4)?;
    let month = digits(parts.next()?, 1..=2)?;
    let day = digits(parts.next()?, 1..=2)?;
    if parts.next().is_some() {
        return None;
    }
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
}

/// `T12:30:00Z`, `t12:30:00+02:00` or ` 12:30:00`, which has no zone.
fn clock_and_zone(text: &str) -> Option<(String, String)> {
    let body = &text[1..];
    if text.starts_with(' ') {
        return Some((clock(body)?, "+0000 UTC".to_owned()));
    }
    let split = body.find(['Z', '+', '-'])?;
    Some((clock(&body[..split])?, zone(&body[split..])?))
}

fn clock(text: &str) -> Option<String> {
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, ""));
    let mut parts = whole.split(':');
    let mut part = |limit| {
        let value = digits(parts.next()?, 1..=2)?;
        (value < limit).then_some(value)
    };
    let (hour, minute, second) = (part(24)?, part(60)?, part(60)?);
    if parts.next().is_some() || (whole.len() < text.len() && digits(fraction, 1..=9).is_none()) {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let dot = if fraction.is_empty() { "" } else { "." };
    Some(format!("{hour:02}:{minute:02}:{second:02}{dot}{fraction}"))
}

/// Go prints an offset without a name twice. (For its own local offset it prints that zone's name, which
/// depends on the machine; this reader prints what a machine in UTC would.)
fn zone(text: &str) -> Option<String> {
    if text == "Z" {
        return Some("+0000 UTC".to_owned());
    }
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    if digits(hours, 2..=2)? > 24 || digits(minutes, 2..=2)? > 60 {
        return None;
    }
    let offset = format!("{}{hours}{minutes}", &text[..1]);
    Some(match offset.as_str() {
        "+0000" | "-0000" => "+0000 UTC".to_owned(),
        _ => format!("{offset} {offset}"),
    })
}

fn digits(text: &str, length: std::ops::RangeInclusive<usize>) -> Option<u32> {
    let good = length.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    good.then(|| text.parse().ok()).flatten()
}
