//! Values that become headers are looked at where they are read, so that whoever has to change one is told which it is.

use crate::model::Problem;

/// What keeps a value from being a header's, if anything does.
pub(crate) fn fault(value: &str) -> Option<&'static str> {
    let wrong = value.chars().find(|c| !matches!(c, ' '..='~'))?;
    Some(match wrong {
        '\n' | '\r' => "has a line break in it",
        wrong if wrong.is_control() => "has a control character in it",
        _ => "has a character in it that is not ASCII",
    })
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
            assert_eq!(fault(value), Some(words));
            let problem = check("the token of GITHUB_TOKEN", value).expect_err("it is no header");
            assert_eq!(problem.message, format!("the token of GITHUB_TOKEN {words}"));
        }
        assert_eq!(fault("ghp_Ab~ 9"), None);
    }
}
