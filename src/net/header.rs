//! Values that become headers are looked at where they are read, so that whoever has to change one is told which it is;
//! and the clock of whoever answers.

use chrono::{DateTime, Utc};
use http::header::{DATE, HeaderMap};

use crate::model::{Problem, secret};

/// What keeps a token or key from being a header's value, or was pasted with it; nothing if all is well.
pub(crate) fn fault(value: &str) -> Option<String> {
    let fault = match value.chars().find(|c| !matches!(c, ' '..='~')) {
        None => return secret::flaw(value),
        Some('\n' | '\r') => "has a line break in it",
        Some(wrong) if wrong.is_control() => "has a control character in it",
        Some(_) => "has a character in it that is not ASCII",
    };
    Some(fault.to_owned())
}

/// Judges a value that `name` holds.
///
/// # Errors
/// It cannot be sent. The value itself is not repeated.
pub(crate) fn check(name: &str, value: &str) -> Result<(), Problem> {
    match fault(value) {
        None => Ok(()),
        Some(fault) => Err(Problem::outside(format!("{name} {fault}")).login(true)),
    }
}

/// The time of an answer by the server's own clock (RFC 9110, `Date`).
pub(crate) fn date(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    let text = headers.get(DATE)?.to_str().ok()?;
    DateTime::parse_from_rfc2822(text).ok().map(|date| date.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_header_can_carry_is_told_by_its_kind() {
        for (value, words) in [
            ("ghp_one\nghp_two", "has a line break in it"),
            ("one\rtwo", "has a line break in it"),
            ("\u{1b}[31mghp\u{1b}[0m", "has a control character in it"),
            ("s\u{e9}cret", "has a character in it that is not ASCII"),
        ] {
            assert_eq!(fault(value).as_deref(), Some(words));
            let problem = check("the token of GITHUB_TOKEN", value).expect_err("it is no header");
            assert_eq!(problem.message, format!("the token of GITHUB_TOKEN {words}"));
        }
        assert_eq!(fault("ghp_Ab~9"), None);
        assert_eq!(fault("Bearer ghp_x").as_deref(), Some("contains a space at character 7"));
    }
}
