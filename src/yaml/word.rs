//! Writing one word of YAML.

use std::fmt::Write as _;

/// What readers of YAML 1.1 and 1.2 take for something else than text, and what is read in more than one way.
const MEANINGS: [&str; 9] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];

/// A text as every reader of YAML takes it for that text, in one line, in a map and a list of either style, and in a comment:
/// plain where it cannot mean anything else, else in double quotes, with escapes for what is not a letter, a digit or ASCII.
#[must_use]
pub fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic()) || matches!(text, "." | "..");
    if begins && text.chars().all(plain) && !MEANINGS.contains(&&*text.to_lowercase()) {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            ' '..='~' => quoted.push(c),
            c if c.is_alphanumeric() => quoted.push(c),
            c => {
                let _ = write!(quoted, "\\U{:08X}", u32::from(c));
            }
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::yaml::{Node, documents};

    fn read(text: &str) -> Node {
        let documents: Vec<_> = documents(text).collect::<Result<_, _>>().expect("it is YAML");
        assert_eq!(documents.len(), 1, "{text}");
        assert!(documents[0].flaws.is_empty(), "{text}");
        documents[0].root.clone()
    }

    #[test]
    fn a_word_that_yaml_takes_for_something_else_is_quoted() {
        for plain in ["main", "us-east-2", "acme/api", ".", "..", "stack.1"] {
            assert_eq!(word(plain), plain);
        }
        for quoted in [
            "",
            "123456789012",
            "1.0",
            ".5",
            ".inf",
            "null",
            "Yes",
            "a: b",
            "-x",
            "a#b",
            "arn:aws:iam::1:role/r",
        ] {
            assert_eq!(word(quoted), format!("\"{quoted}\""));
        }
        assert_eq!(word("a\u{2028}b\n\"\u{1F600}é"), "\"a\\U00002028b\\U0000000A\\\"\\U0001F600é\"");
    }

    proptest! {
        #[test]
        fn whatever_a_text_is_its_word_is_read_as_it_and_breaks_out_of_nothing(
            text in prop_oneof![any::<String>(), "[\\PC\n\r\t\u{85}\u{2028}\u{2029}\u{FEFF}:#{}\\[\\],\"'\\\\ -]{0,20}"],
        ) {
            let word = word(&text);
            let file = format!("# {word}\n{word}: [{word}, {{ a: {word} }}]\nlast: x\n");
            let root = read(&file);
            let entries = root.entries().expect("a map");
            prop_assert_eq!(entries.len(), 2, "{}", file);
            prop_assert_eq!(&*entries[0].key, &*text);
            let items = entries[0].value.items().expect("a list");
            prop_assert_eq!(items[0].text(), Some(&*text));
            prop_assert_eq!(items[1].get("a").and_then(|entry| entry.value.text()), Some(&*text));
        }
    }
}
