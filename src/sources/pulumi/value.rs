//! What a value of a project file or a stack file is to Pulumi (`gopkg.in/yaml.v3`, `resolve.go`; `config/object.go`).
//!
//! Unquoted words that Go's library takes for numbers and dates by rules of its own (`0777` is 511, `08` is 8, `1e3` is 1000)
//! are not understood here: whoever needs such a value is told to quote it.

use std::borrow::Cow;
use std::fmt;

use serde::de::IgnoredAny;

use crate::yaml::{self, At, Document, Kind, Node, Scalar, Tag};

/// A value without quotes that is a number or a date by Go's rules.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unquoted;

impl fmt::Display for Unquoted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("is a number or a date without quotes: Pulumi may read it as another one")
    }
}

/// What to do about a value without quotes.
pub(super) fn quoted(key: &str) -> String {
    format!(r#"quote it: `{key}: "…"`"#)
}

enum Meaning<'a> {
    Nothing,
    Text(&'a str),
    /// A truth value, or a number that everybody writes in the same way.
    Word(Cow<'a, str>),
    Unclear,
}

/// The text of a value without parts, as `pulumi config get` prints it; of nothing it is empty.
pub(super) fn text(scalar: &Scalar) -> Result<Cow<'_, str>, Unquoted> {
    match meaning(scalar) {
        Meaning::Nothing => Ok(Cow::Borrowed("")),
        Meaning::Text(text) => Ok(Cow::Borrowed(text)),
        Meaning::Word(word) => Ok(word),
        Meaning::Unclear => Err(Unquoted),
    }
}

/// The text of a value that is one by type: not a number, not a date.
pub(super) fn string(node: &Node) -> Option<&str> {
    match meaning(node.scalar()?) {
        Meaning::Text(text) => Some(text),
        Meaning::Nothing | Meaning::Word(_) | Meaning::Unclear => None,
    }
}

/// True for nothing after the colon, `~`, `null` and the empty string.
pub(super) fn is_empty(node: &Node) -> bool {
    node.scalar().is_some_and(|scalar| text(scalar).is_ok_and(|text| text.is_empty()))
}

/// The ciphertext, if this is a secret: a map whose only key is `secure`, holding a string.
/// With a second key, or another type of value, it is an ordinary map (`config/object.go`).
pub(super) fn ciphertext(node: &Node) -> Option<&str> {
    match node.entries()? {
        [only] if &*only.key == "secure" => string(&only.value),
        _ => None,
    }
}

/// Whether there is a secret in this value, at any depth, that `test` holds for.
pub(super) fn any_ciphertext(node: &Node, test: &dyn Fn(&str) -> bool) -> bool {
    if let Some(ciphertext) = ciphertext(node) {
        return test(ciphertext);
    }
    match &node.kind {
        Kind::Scalar(_) => false,
        Kind::List(items) => items.iter().any(|item| any_ciphertext(item, test)),
        Kind::Map(entries) => entries.iter().any(|entry| any_ciphertext(&entry.value, test)),
    }
}

/// The document in a text that has to be JSON: what passes as that is read as the YAML that it is, too.
pub(super) fn json(text: &str) -> Result<Option<Document>, yaml::Error> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    serde_json::from_str::<IgnoredAny>(text).map_err(|error| syntax(&error))?;
    yaml::documents(text).next().transpose()
}

fn syntax(error: &serde_json::Error) -> yaml::Error {
    let message = error.to_string();
    let reason = message.split(" at line ").next().unwrap_or_default().to_owned();
    yaml::Error { at: At { line: error.line(), column: error.column().max(1) }, reason }
}

fn meaning(scalar: &Scalar) -> Meaning<'_> {
    match &scalar.tag {
        None if scalar.is_plain() => plain(&scalar.text),
        Some(Tag::Yaml(name)) if &**name != "str" => typed(name, &scalar.text),
        None | Some(_) => Meaning::Text(&scalar.text),
    }
}

fn plain(text: &str) -> Meaning<'_> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Meaning::Nothing,
        "true" | "True" | "TRUE" => Meaning::Word("true".into()),
        "false" | "False" | "FALSE" => Meaning::Word("false".into()),
        _ if is_decimal(text) => Meaning::Word(text.into()),
        _ if may_be_number(text) || may_be_date(text) => Meaning::Unclear,
        _ => Meaning::Text(text),
    }
}

/// A value with a tag of YAML's own, such as `!!int`, is what the tag says or is not understood.
fn typed<'a>(tag: &str, text: &'a str) -> Meaning<'a> {
    let meaning = plain(text);
    let same = match &meaning {
        Meaning::Nothing => tag == "null",
        Meaning::Word(word) if word.starts_with(['t', 'f']) => tag == "bool",
        Meaning::Word(word) => tag == if word.contains('.') { "float" } else { "int" },
        Meaning::Text(_) | Meaning::Unclear => false,
    };
    if same { meaning } else { Meaning::Unclear }
}

/// A number in the form that it is printed in: an integer of 64 bits, or a fraction that Go prints without an exponent.
fn is_decimal(text: &str) -> bool {
    let fraction = |number: f64| number.to_string() == text && (1e-6..1e21).contains(&number.abs());
    text.parse::<i64>().is_ok_and(|number| number.to_string() == text)
        || text.parse::<u64>().is_ok_and(|number| number.to_string() == text)
        || (text.contains('.') && text.parse().is_ok_and(fraction))
}

/// Go drops underscores, then tries integers (`0x1f`, `0o17`, `0b101`, `0777`) and floats (`1e3`, `.5`, `-.inf`).
fn may_be_number(text: &str) -> bool {
    let text = text.replace('_', "").to_ascii_lowercase();
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(&text);
    let prefixed = ["0x", "0o", "0b"].iter().find_map(|prefix| unsigned.strip_prefix(prefix));
    let digits = |rest: &str| {
        let rest = rest.strip_prefix(['+', '-']).unwrap_or(rest);
        !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let float = unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.');
    prefixed.is_some_and(digits)
        || (float && unsigned.parse::<f64>().is_ok())
        || matches!(unsigned, ".inf" | ".nan")
}

/// `2020-1-2`, with or without a time behind it.
fn may_be_date(text: &str) -> bool {
    let date = text.split(['T', 't', ' ']).next().unwrap_or_default();
    let parts: Vec<&str> = date.split('-').collect();
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    matches!(lengths[..], [4, 1..=2, 1..=2]) && parts.into_iter().all(digits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn document(text: &str) -> Node {
        yaml::documents(text).next().expect("a document").expect("it is good").root
    }

    fn read(text: &str) -> Result<String, Unquoted> {
        let node = document(text);
        super::text(node.scalar().expect("a scalar")).map(Cow::into_owned)
    }

    #[test]
    fn a_plain_value_that_means_the_same_to_everybody_is_that_text() {
        for same in [
            "us-east-1",
            "8080",
            "-5",
            "0",
            "123456789012",
            "18446744073709551615",
            "4.2",
            "-0.000001",
            "1.2.3",
            "12:30",
            "1a2b3c",
            "yes",
            "off",
            "tRUE",
            "inf",
            "NaN",
            "0x",
            "0o8z",
            "2020",
            "2020-01-02-03",
            "02020-01-02",
            ".",
            "1e",
            "a_b",
        ] {
            assert_eq!(read(same).as_deref(), Ok(same), "{same}");
        }
        for (word, text) in [("True", "true"), ("FALSE", "false"), ("~", ""), ("NULL", ""), ("\"\"", "")] {
            assert_eq!(read(word).as_deref(), Ok(text), "{word}");
        }
    }

    #[test]
    fn a_value_that_needs_gos_rules_is_not_understood() {
        for word in [
            "0777",
            "08",
            "012345678901",
            "0o17",
            "0b101",
            "0b-1",
            "0x1F",
            "-0x1f",
            "+5",
            "1_000",
            "-0",
            "1e3",
            "1.0",
            "1.50",
            "0.0000001",
            ".5",
            ".1_5",
            "1e21",
            "1e400",
            ".inf",
            "-.INF",
            ".NaN",
            "18446744073709551616",
            "2020-01-02",
            "2020-1-2",
            "2020-01-02T03:04:05Z",
            "2020-01-02t3:4:5.120Z",
            "2020-01-02 03:04:05",
            "!!float 5",
            "!!int x",
            "!!timestamp x",
            "!!binary eA==",
            "!!int '0777'",
        ] {
            assert_eq!(read(word), Err(Unquoted), "{word}");
        }
    }

    #[test]
    fn quotes_and_tags_decide_before_the_looks() {
        for (word, text) in [
            ("'0777'", "0777"),
            ("\"1e3\"", "1e3"),
            ("!!str 0777", "0777"),
            ("!secret 0777", "0777"),
            ("! 5", "5"),
            ("!!int '5'", "5"),
            ("!!bool True", "true"),
            ("!!null ~", ""),
            ("|-\n  0777", "0777"),
        ] {
            assert_eq!(read(word).as_deref(), Ok(text), "{word}");
        }
    }

    #[test]
    fn only_a_text_can_be_a_secret() {
        let secret = |text| ciphertext(&document(text)).map(str::to_owned);
        assert_eq!(secret("{secure: v1:a:b}").as_deref(), Some("v1:a:b"));
        for none in ["{secure: 5}", "{secure: 0777}", "{secure: ~}", "{secure: a, b: c}", "{Secure: a}", "a"]
        {
            assert_eq!(secret(none), None, "{none}");
        }
    }

    #[test]
    fn json_that_is_none_is_told_with_its_place() {
        let error = json("{\n  \"a\":\n}").err().expect("it is refused");
        assert_eq!((error.at.line, error.reason.as_str()), (3, "expected value"));
        assert!(json("  \n").is_ok_and(|document| document.is_none()));
        assert!(json(&"[".repeat(100_000)).is_err());
        assert!(json("{a: 1}").is_err() && json("[1, ]").is_err());
    }

    /// The tree as `serde_json` has it, to compare with.
    fn plain_of(node: &Node) -> serde_json::Value {
        match &node.kind {
            Kind::List(items) => items.iter().map(plain_of).collect(),
            Kind::Map(entries) => {
                let pairs = entries.iter().map(|entry| (entry.key.to_string(), plain_of(&entry.value)));
                serde_json::Value::Object(pairs.collect())
            }
            Kind::Scalar(scalar) if scalar.style == yaml::Style::Quoted => (&*scalar.text).into(),
            // Exactly, which serde_json is only for integers.
            Kind::Scalar(scalar) if scalar.text.contains('.') => {
                scalar.text.parse::<f64>().expect("a number").into()
            }
            Kind::Scalar(scalar) => serde_json::from_str(&scalar.text).expect("a word of JSON"),
        }
    }

    fn any_json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            (-1e9..1e9).prop_map(|value: f64| (value + 0.5).into()),
            "[ -~\n\t\u{e9}\u{1f600}]*".prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                prop::collection::btree_map("[ -~\u{e9}]*", inner, 0..6)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_tree_of_a_json_text_is_the_one_that_serde_json_reads(value in any_json()) {
            for text in [value.to_string(), format!("{value:#}")] {
                let document = json(&text).expect("it is good").expect("it is not empty");
                prop_assert_eq!(plain_of(&document.root), value.clone());
            }
        }

        #[test]
        fn no_text_makes_the_reader_of_json_panic(text in "[\\[\\]{}\",:1e.\\\\ untrue-]{0,40}") {
            let _ = json(&text);
        }
    }
}
