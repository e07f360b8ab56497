//! `accounts`: the accounts that stacks are put into, as a list, or in a file with one on each line.

use std::collections::BTreeMap;

use crate::aws::is_account;
use crate::model::Place;
use crate::yaml::{At, Kind, Node, Reader, Spanned};

/// How many digits an account has.
const DIGITS: usize = 12;

/// What begins a comment in the file of accounts.
const COMMENT: char = '#';

/// The accounts that a configuration lists.
#[derive(Debug)]
pub(super) struct Accounts {
    /// Where the key's value stands.
    pub(super) at: At,
    /// Their numbers, each once.
    pub(super) numbers: Vec<String>,
}

/// Reads the value of `accounts`; what is wrong goes to the reader.
pub(super) fn read(reader: &Reader, node: &Node) -> Accounts {
    let found = reader.found();
    let listed = if matches!(node.kind, Kind::List(_)) {
        let items = reader.list(node, "`accounts`").iter();
        let texts = items.filter_map(|item| reader.text(item, "an item of `accounts`"));
        texts.map(|text| (reader.place(text.at), text.value)).collect()
    } else {
        let name = reader.text(node, "`accounts`");
        name.and_then(|name| in_file(reader, &name)).unwrap_or_default()
    };
    if listed.is_empty() && reader.found() == found {
        let hint = "accounts: [\"123456789012\"], or the path of a file with an account on each line";
        reader.problem(node.at, "`accounts` lists none", Some(hint.to_owned()));
    }
    Accounts { at: node.at, numbers: judged(reader, listed) }
}

/// The lines of the file, but for comments and empty ones.
fn in_file(reader: &Reader, name: &Spanned<String>) -> Option<Vec<(Place, String)>> {
    if name.value.bytes().all(|byte| byte.is_ascii_digit()) {
        let message = "`accounts` is one number, neither a list nor the path of a file";
        reader.problem(name.at, message, Some(format!("accounts: [\"{:0>DIGITS$}\"]", name.value)));
        return None;
    }
    let (file, text) = reader.beside(name)?;
    let lines = text.trim_start_matches('\u{feff}').lines().enumerate();
    let entry = |(number, line): (usize, &str)| {
        let line = line.split(COMMENT).next().unwrap_or_default();
        let entry = line.trim();
        let column = line.chars().take_while(|c| c.is_whitespace()).count() + 1;
        (!entry.is_empty()).then(|| (Place::at(&file, number + 1, column), entry.to_owned()))
    };
    Some(lines.filter_map(entry).collect())
}

/// Those that can be accounts. One that is there twice may have been meant to be another.
fn judged(reader: &Reader, listed: Vec<(Place, String)>) -> Vec<String> {
    let mut known: BTreeMap<String, Place> = BTreeMap::new();
    let mut numbers = Vec::new();
    for (place, text) in listed {
        if !is_account(&text) {
            let (message, hint) = fault(&text);
            reader.problem_at(place, message, Some(hint));
        } else if let Some(first) = known.get(&text) {
            let message = format!("account {text} is here a second time: it is already at {first}");
            reader.problem_at(
                place,
                message,
                Some("leave it out, or write the one that was meant".to_owned()),
            );
        } else {
            known.insert(text.clone(), place);
            numbers.push(text);
        }
    }
    numbers
}

/// What is wrong, and what to write instead. Of a file only digits are repeated: it may be the wrong one, with anything in it.
fn fault(text: &str) -> (String, String) {
    const FEW: usize = 20;
    let length = text.len();
    if length > FEW || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        let hint = "write its number alone, such as \"123456789012\"; in a file one on each line, and a comment after #";
        return ("not an account of twelve digits".to_owned(), hint.to_owned());
    }
    let hint = if length < DIGITS {
        // YAML takes 012345678901 for a number, as spreadsheets do, and writes it without the zero.
        format!("if zeros at its beginning were lost, write it with them and in quotes: \"{text:0>DIGITS$}\"")
    } else {
        "write its twelve digits, such as \"123456789012\"".to_owned()
    };
    let digits = if length == 1 { "digit" } else { "digits" };
    (format!("`{text}` has {length} {digits}, and an account has twelve"), hint)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use zeroize::Zeroizing;

    use super::*;

    /// The accounts, and what is wrong with them, by place.
    fn of(value: &str, file: &'static str) -> (Vec<String>, Vec<String>) {
        let reader = Reader::new(Path::new("conf/regcred.yaml"), move |path| {
            assert_eq!(path, Path::new("conf/accounts.txt"));
            Ok(Zeroizing::new(file.to_owned()))
        });
        let root = reader.document(&format!("accounts: {value}\n")).expect("it is YAML");
        let fields = reader.map(&root, "the file", &["accounts"]).expect("it is a map");
        let numbers = fields.get("accounts").map(|node| read(&reader, node));
        let numbers = numbers.map(|accounts| accounts.numbers).unwrap_or_default();
        drop(fields);
        let told = |problem: &crate::model::Problem| format!("{}: {problem}", problem.hints.join(" "));
        (numbers, reader.into_problems().iter().map(told).collect())
    }

    #[test]
    fn accounts_are_a_list_or_the_lines_of_a_file_with_their_zeros() {
        let both = ["012345678901".to_owned(), "222222222222".to_owned()];
        for value in ["[012345678901, '222222222222']", "[\"012345678901\", 222222222222]"] {
            assert_eq!(of(value, ""), (both.to_vec(), Vec::new()), "{value}");
        }
        let file = "\u{feff}# production\r\n\r\n012345678901\r\n  222222222222 # web\n   # none\n";
        assert_eq!(of("accounts.txt", file), (both.to_vec(), Vec::new()));
    }

    #[test]
    fn each_fault_is_told_with_its_line_and_column_and_nothing_of_a_foreign_file_is_repeated() {
        let file = "111111111111\n  12345678901\naws_secret_access_key = wJalr\n111111111111\n";
        let (numbers, problems) = of("accounts.txt", file);
        assert_eq!(numbers, ["111111111111"]);
        let all = problems.join("\n");
        for words in [
            "conf/accounts.txt:2:3: `12345678901` has 11 digits",
            "\"012345678901\"",
            "conf/accounts.txt:3:1: not an account",
            "conf/accounts.txt:4:1: account 111111111111 is here a second time: it is already at conf/accounts.txt:1:1",
        ] {
            assert!(all.contains(words), "no {words} in {all}");
        }
        assert_eq!((problems.len(), all.contains("wJalr")), (3, false), "{all}");
    }

    #[test]
    fn no_accounts_and_one_that_is_no_list_are_refused() {
        for (value, file, words) in [
            ("[]", "", "lists none"),
            ("accounts.txt", "# nobody\n", "lists none"),
            ("123456789012", "", "accounts: [\"123456789012\"]"),
            ("12345678901", "", "accounts: [\"012345678901\"]"),
            ("{ a: b }", "", "a map, not text"),
            ("[1.23456789012e+11]", "", "not an account"),
        ] {
            let (numbers, problems) = of(value, file);
            assert!(numbers.is_empty() && problems.len() == 1, "{value}: {problems:?}");
            assert!(problems[0].contains(words), "{value}: {problems:?}");
        }
    }
}
