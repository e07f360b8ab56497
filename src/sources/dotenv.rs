//! `.env` files. What programs that read them disagree about is refused instead of guessed: `$`, which
//! some replace and some do not, and a name that is there twice.

use super::text;
use crate::model::Login;

/// The credential in the variables `username` and `token`.
///
/// # Errors
/// What is wrong with it, to follow the file's name. Never a part of a value.
pub(super) fn pair(content: &str, username: &str, token: &str) -> Result<Login, String> {
    let value = |name: &str| {
        let mut found = content.lines().filter_map(|line| assignment(line, name));
        match (found.next(), found.next()) {
            (Some(value), None) => plain(value.trim()).map_err(|flaw| format!("has a {name} that {flaw}")),
            (Some(_), Some(_)) => Err(format!("sets {name} twice")),
            (None, _) => Err(format!("does not set {name}")),
        }
    };
    text::checked(&value(username)?, &value(token)?)
}

/// What stands after `name=` or `export name=`.
fn assignment<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let line = line.trim_start();
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (key, value) = line.split_once('=')?;
    (key.trim() == name).then_some(value)
}

/// A value without its quotes, or without the comment after it.
fn plain(value: &str) -> Result<String, &'static str> {
    if let Some(rest) = value.strip_prefix('\'') {
        let (inner, after) = rest.split_once('\'').ok_or("has no closing quote on its line")?;
        return only_a_comment(after).map(|()| inner.to_owned());
    }
    let (inner, after) = match value.strip_prefix('"') {
        Some(rest) => rest.split_once('"').ok_or("has no closing quote on its line")?,
        None => (value.split_once(" #").map_or(value, |(value, _)| value).trim_end(), ""),
    };
    only_a_comment(after)?;
    if inner.contains(['$', '\\', '`']) {
        return Err("has $, \\ or ` in it, and is not in single quotes");
    }
    Ok(inner.to_owned())
}

fn only_a_comment(after: &str) -> Result<(), &'static str> {
    let after = after.trim_start();
    if after.is_empty() || after.starts_with('#') { Ok(()) } else { Err("goes on after its closing quote") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(line: &str) -> Result<String, String> {
        let content = format!("# a comment\n\nU=acme\n{line}\n");
        pair(&content, "U", "T").map(|login| login.token.expose().to_owned())
    }

    #[test]
    fn a_value_is_read_in_every_usual_spelling() {
        for line in [
            "T=s3cret",
            "export T=s3cret",
            "  T = s3cret",
            "T='s3cret'",
            "T=\"s3cret\" # not this",
            "T=s3cret # not this",
            "XT=other\nT=s3cret\r",
        ] {
            assert_eq!(token(line).as_deref(), Ok("s3cret"), "{line}");
        }
        assert_eq!(token("T='a$b#c\\'").as_deref(), Ok("a$b#c\\"));
        assert_eq!(token("T=a#b").as_deref(), Ok("a#b"));
    }

    #[test]
    fn what_programs_disagree_about_is_refused_without_the_value() {
        for (line, words) in [
            ("T=s3cret$HOME", "has a T that has $, \\ or ` in it"),
            ("T=\"s3cret\\n\"", "has a T that has $, \\ or ` in it"),
            ("T='s3cret", "no closing quote"),
            ("T='s3cret'x", "goes on after"),
            ("T=s3cret\nT=s3cret2", "sets T twice"),
            ("# T=s3cret", "does not set T"),
            ("T=", "gives an empty token"),
            ("T='s3cret '", "ends with a space"),
        ] {
            let error = token(line).expect_err("it is refused");
            assert!(error.contains(words) && !error.contains("s3cret"), "{line}: {error}");
        }
    }
}
