//! `.env` files, as Docker Compose reads them. What Compose and other programs would make different values of is told as a
//! [`Flaw`] of that variable instead of guessed; the other variables are good.

use std::fmt;

/// A variable that a file sets. No `Debug`: its value may be a token.
#[derive(Clone)]
pub struct Variable<'t> {
    /// Its name.
    pub name: &'t str,
    /// Its value, if every program reads the same one.
    pub value: Result<&'t str, Flaw>,
    /// What is written for it, without quotes.
    pub written: &'t str,
}

/// Why a value is not clear; the words go on after the variable's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// A quote that does not end.
    Unclosed,
    /// Something follows the closing quote.
    Continued,
    /// Perhaps a reference to another variable, or an escape.
    Replaced,
    /// Without quotes, `#` at the beginning: a comment to some.
    Comment,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unclosed => "has no closing quote",
            Self::Continued => "continues after its closing quote",
            Self::Replaced => "has $, \\ or ` in it, and is not in single quotes",
            Self::Comment => "begins with #, and is not in quotes",
        })
    }
}

/// Every variable of `text`, in its order. Of two with one name, the later one counts for Compose.
#[must_use]
pub fn variables(text: &str) -> Vec<Variable<'_>> {
    let mut variables = Vec::new();
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    while !rest.is_empty() {
        let (line, below) = first_line(rest);
        rest = match name(line) {
            None => below,
            Some(name) => {
                // A value in quotes may end on a later line.
                let (_, behind) = rest.split_once(SEPARATORS).unwrap_or_default();
                let (written, flaw, below) = value(behind);
                let value = flaw.map_or(Ok(written), Err);
                if !name.is_empty() {
                    variables.push(Variable { name, value, written });
                }
                below
            }
        };
    }
    variables
}

/// `NAME=value` or `NAME: value`.
const SEPARATORS: [char; 2] = ['=', ':'];

/// White space within a line, as Compose has it.
const SPACES: [char; 7] = [' ', '\t', '\u{b}', '\u{c}', '\r', '\u{85}', '\u{a0}'];

/// The name in `NAME=…` and `export NAME=…`, perhaps an empty one; none on a line that sets nothing.
fn name(line: &str) -> Option<&str> {
    let (name, _) = line.split_once(SEPARATORS)?;
    let name = name.trim_start();
    let name = name.strip_prefix("export").filter(|rest| rest.starts_with(SPACES)).unwrap_or(name).trim();
    let good = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '[' | ']');
    name.chars().all(good).then_some(name)
}

/// What is written at the beginning of `text`, why its value is not clear, and what follows it.
fn value(text: &str) -> (&str, Option<Flaw>, &str) {
    let text = text.trim_start_matches(SPACES);
    if let Some(quote) = text.chars().next().filter(|first| matches!(first, '\'' | '"')) {
        return quoted(&text[1..], quote);
    }
    let (line, below) = first_line(text);
    let value = line.split_once(" #").map_or(line, |(value, _)| value).trim_end();
    let flaw = match value {
        _ if value.starts_with('#') => Some(Flaw::Comment),
        _ if value.contains(['$', '\\', '`']) => Some(Flaw::Replaced),
        _ => None,
    };
    (value, flaw, below)
}

fn quoted(text: &str, quote: char) -> (&str, Option<Flaw>, &str) {
    let escaped = |at: usize| text[..at].bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1;
    let Some((end, _)) = text.match_indices(quote).find(|(at, _)| !escaped(*at)) else {
        let (line, below) = first_line(text);
        return (line, Some(Flaw::Unclosed), below);
    };
    let (inner, behind) = (&text[..end], &text[end + 1..]);
    let (tail, below) = first_line(behind);
    let tail = tail.trim_start();
    if !tail.is_empty() && !tail.starts_with('#') {
        // To Compose, the next variable begins here.
        return (inner, Some(Flaw::Continued), behind);
    }
    let replaced = match quote {
        '"' => inner.contains(['$', '\\', '`']),
        _ => inner.contains("\\'"),
    };
    (inner, replaced.then_some(Flaw::Replaced), below)
}

fn first_line(text: &str) -> (&str, &str) {
    let (line, below) = text.split_once('\n').unwrap_or((text, ""));
    (line.trim_end_matches('\r'), below)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Vec<(&str, Result<&str, Flaw>)> {
        variables(text).into_iter().map(|variable| (variable.name, variable.value)).collect()
    }

    #[test]
    fn a_value_is_read_in_every_usual_spelling() {
        for line in [
            "T=value",
            "export T=value",
            "export\tT=value",
            "  T = value  ",
            "T: value",
            "T='value'",
            "T=\"value\" # not this",
            "T=value # not this",
            "\u{feff}T=value\r\n",
            "# T=other\n\nT=value",
        ] {
            assert_eq!(read(line), [("T", Ok("value"))], "{line}");
        }
        assert_eq!(read("T='a$b#c\\d'"), [("T", Ok("a$b#c\\d"))]);
        assert_eq!(read("T=a#b"), [("T", Ok("a#b"))]);
        assert_eq!(read("T=\nU=''"), [("T", Ok("")), ("U", Ok(""))]);
        assert_eq!(read("exported=1"), [("exported", Ok("1"))]);
    }

    #[test]
    fn a_quoted_value_may_have_several_lines() {
        assert_eq!(
            read("T='a\nU=b'\nV=\"c\nd\" # e\nW=f"),
            [("T", Ok("a\nU=b")), ("V", Ok("c\nd")), ("W", Ok("f"))]
        );
    }

    #[test]
    fn what_programs_disagree_about_is_told_and_the_rest_is_read() {
        for (line, flaw) in [
            ("T=a$HOME", Flaw::Replaced),
            ("T=\"a${HOME}\"", Flaw::Replaced),
            ("T=\"a\\n\"", Flaw::Replaced),
            ("T=\"a\\\"b\"", Flaw::Replaced),
            ("T='a\\'b'", Flaw::Replaced),
            ("T=`id`", Flaw::Replaced),
            ("T='a'x", Flaw::Continued),
            ("T=#a", Flaw::Comment),
        ] {
            let text = format!("{line}\nU=b");
            assert_eq!(read(&text), [("T", Err(flaw)), ("U", Ok("b"))], "{line}");
        }
        assert_eq!(read("T='a\nU=b"), [("T", Err(Flaw::Unclosed)), ("U", Ok("b"))]);
    }

    /// Where this reader and compose-go e70e961 differed; the lines are of its `dotenv/parser.go`.
    #[test]
    fn what_ends_a_value_ends_it_where_compose_says() {
        for (text, expected) in [
            // 174: a quote behind two backslashes is none that is escaped.
            ("T='a\\\\'\nU='b'", &[("T", Ok("a\\\\")), ("U", Ok("b"))][..]),
            ("T=\"a\\\\\"\nU=b", &[("T", Err(Flaw::Replaced)), ("U", Ok("b"))]),
            // 204: behind the closing quote the next variable begins.
            ("T='' U=b", &[("T", Err(Flaw::Continued)), ("U", Ok("b"))]),
            // 145 and 280: every white space before a value is left out.
            ("T=\u{a0}'a'\nU=\u{b}b", &[("T", Ok("a")), ("U", Ok("b"))]),
            ("T=\u{c} #a", &[("T", Err(Flaw::Comment))]),
            // 125: letters of every language, so that the second line is of the first one's value.
            ("\u{e9}[1]='\nT=a'", &[("\u{e9}[1]", Ok("\nT=a"))]),
            // 101: `export` before white space is not a name, so that there is none.
            ("export ='\nT=a'\nU=b", &[("U", Ok("b"))]),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn a_line_that_sets_nothing_is_no_variable() {
        for line in ["", "# a", "#T=a", "T", "=a", "a b=c", "{\"a\": 1}"] {
            assert_eq!(read(line), [], "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in any::<String>(), marks in "[A ='\"#$\\\\:\r\n\u{e9}]{0,40}") {
            let _ = (variables(&text), variables(&marks));
        }
    }
}
