//! What an unquoted word of a YAML file is, by the rules of the library that Pulumi reads with
//! (`gopkg.in/yaml.v3`, `resolve.go`), and the string that Pulumi makes of it (`config/object.go`).
//!
//! These rules are not YAML 1.2's: `0777` is 511 and `08` is 8, `1e3` is 1000, `yes` and `on` are strings.

use super::timestamp;

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
            None => Ok(timestamp::text(text).map_or_else(|| plain(text), Self::Time)),
            Some("timestamp") => timestamp::text(text).map(Self::Time).ok_or(TagMismatch),
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
        b'.' if parts_digits(text) => float(&text.replace('_', "")),
        b'+' | b'-' | b'0'..=b'9' => {
            let digits = text.replace('_', "");
            integer(&digits).or_else(|| float(&digits)).or_else(|| signed_after_prefix(&digits))
        }
        _ => None,
    }
}

/// Whether every underscore is between digits, as Go's `ParseFloat` wants it.
fn parts_digits(text: &str) -> bool {
    let digit = |part: Option<u8>| part.is_some_and(|byte| byte.is_ascii_digit());
    let mut parts = text.split('_').peekable();
    while let Some(part) = parts.next() {
        let Some(next) = parts.peek() else { break };
        if !digit(part.bytes().next_back()) || !digit(next.bytes().next()) {
            return false;
        }
    }
    true
}

/// `0b-1` and `0o-7`: the library cuts the prefix off, and takes the rest for a number with its own sign.
fn signed_after_prefix(text: &str) -> Option<Scalar> {
    let (radix, rest) = match text.get(..2)? {
        "0b" => (2, &text[2..]),
        "0o" => (8, &text[2..]),
        _ => return None,
    };
    i64::from_str_radix(rest, radix).ok().map(Scalar::Int)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The type and text of an unquoted word. The expectations were checked against gopkg.in/yaml.v3 3.0.1.
    fn read(word: &str) -> String {
        let scalar = plain_or_time(word);
        format!("{} {}", scalar.tag(), scalar.text())
    }

    fn plain_or_time(word: &str) -> Scalar {
        Scalar::resolve(word, false, None).expect("there is no tag")
    }

    #[test]
    fn numbers_are_what_pulumi_takes_them_for() {
        let cases = [
            ("8080", "int 8080"),
            ("0777", "int 511"),
            ("08", "float 8"),
            ("012345678901", "float 12345678901"),
            ("0o17", "int 15"),
            ("0b101", "int 5"),
            ("0o-7", "int -7"),
            ("0x1F", "int 31"),
            ("-0x1f", "int -31"),
            ("+5", "int 5"),
            ("1_000", "int 1000"),
            ("9223372036854775808", "int 9223372036854775808"),
            ("+9223372036854775808", "float 9223372036854776000"),
            ("18446744073709551616", "float 18446744073709552000"),
            ("1e3", "float 1000"),
            ("1.0", "float 1"),
            ("1.50", "float 1.5"),
            (".5", "float 0.5"),
            (".1_5", "float 0.15"),
            ("1e21", "float 1e+21"),
            ("0.0000001", "float 1e-7"),
            ("-0.0", "float -0"),
            (".inf", "float +Inf"),
            ("-.INF", "float -Inf"),
            (".nan", "float NaN"),
        ];
        for (word, expected) in cases {
            assert_eq!(read(word), expected, "{word}");
        }
    }

    #[test]
    fn words_that_only_look_like_numbers_stay_text() {
        for word in [
            "1e400", "0x", "0b2", "1__", "--1", "+-1", "1.2.3", "12:30", "inf", "NaN", "._5", ".5_", "_1",
            ".", "-", "+", "1e", "0o8", "0x1g", "1a",
        ] {
            let expected = match word {
                "1__" => "int 1".to_owned(),
                word => format!("str {word}"),
            };
            assert_eq!(read(word), expected, "{word}");
        }
    }

    #[test]
    fn only_the_words_of_yaml_1_2_are_truth_values_and_null() {
        for (word, expected) in [
            ("true", "bool true"),
            ("FALSE", "bool false"),
            ("yes", "str yes"),
            ("off", "str off"),
            ("tRUE", "str tRUE"),
            ("~", "null "),
            ("", "null "),
            ("NULL", "null "),
            ("nULL", "str nULL"),
        ] {
            assert_eq!(read(word), expected, "{word}");
        }
    }

    #[test]
    fn quotes_and_tags_decide_before_the_looks() {
        let tagged = |word, quoted, tag| {
            Scalar::resolve(word, quoted, tag).map(|scalar| format!("{} {}", scalar.tag(), scalar.text()))
        };
        assert_eq!(tagged("0777", true, None), Ok("str 0777".to_owned()));
        assert_eq!(tagged("0777", false, Some("str")), Ok("str 0777".to_owned()));
        assert_eq!(tagged("0777", true, Some("int")), Ok("int 511".to_owned()));
        assert_eq!(tagged("5", false, Some("float")), Ok("float 5".to_owned()));
        assert_eq!(tagged("5", false, Some("!")), Ok("str 5".to_owned()));
        assert_eq!(tagged("x", false, Some("int")), Err(TagMismatch));
        assert_eq!(tagged("x", false, Some("float")), Err(TagMismatch));
        assert_eq!(tagged("x", false, Some("timestamp")), Err(TagMismatch));
        assert_eq!(tagged("eA==", false, Some("binary")), Err(TagMismatch));
    }
}
