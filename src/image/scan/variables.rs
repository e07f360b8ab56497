//! `$NAME` and `${NAME:-default}`, as Dockerfiles and Compose files have them.

use std::collections::BTreeMap;

/// How deep defaults may be nested in defaults; nobody writes more, and a file may be made to.
const MAX_DEPTH: usize = 16;

/// The longest value that is put in, in bytes: longer than any image's name, and so short that variables that are made of each
/// other twice cannot fill the memory.
const MAX_VALUE: usize = 1024;

/// The longest text that values are put into, in bytes: a whole Dockerfile stands in a Compose file.
const MAX_TEXT: usize = 256 * 1024;

/// What is known about a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// The file gives it this value.
    Set(String),
    /// The file gives it none; whoever uses the file may.
    Unset,
    /// The tool that uses the file sets it.
    Foreign,
}

/// The rules of one kind of file, and its variables.
pub(super) struct Variables {
    values: BTreeMap<String, Value>,
    /// Why a file that may set any variable is not read.
    unread: Vec<String>,
    /// The character before a `$` that is none (`\` in a Dockerfile), and whether quotes are taken away.
    escape: Option<char>,
}

impl Variables {
    /// A Dockerfile's rules: quotes and an escape character.
    pub(super) fn of_dockerfile(escape: char) -> Self {
        Self { values: BTreeMap::new(), unread: Vec::new(), escape: Some(escape) }
    }

    /// A Compose file's rules: `$$` is a `$`, and quotes are text.
    pub(super) fn of_compose() -> Self {
        Self { values: BTreeMap::new(), unread: Vec::new(), escape: None }
    }

    pub(super) fn set(&mut self, name: &str, value: Value) {
        // A value of several lines is in no image's name, and would move the lines of a Dockerfile.
        let odd = matches!(&value, Value::Set(value) if value.len() > MAX_VALUE || value.contains('\n'));
        self.values.insert(name.to_owned(), if odd { Value::Foreign } else { value });
    }

    /// Leaves open what no other file says: one that may say it is not read.
    pub(super) fn leave_open(&mut self, why: String) {
        self.unread.push(why);
    }

    /// Why files of variables are not read.
    pub(super) fn unread(&self) -> impl Iterator<Item = &str> {
        self.unread.iter().map(String::as_str)
    }

    /// What is known of a variable. One that is set may be set otherwise by a file that is not read.
    fn value(&self, name: &str) -> &Value {
        match self.unread.is_empty() {
            true => self.values.get(name).unwrap_or(&Value::Unset),
            false => &Value::Foreign,
        }
    }

    /// A text with everything put in that the file says; what it does not say stays as it is, in braces.
    pub(super) fn expand(&self, text: &str) -> String {
        self.expand_nested(text, 0)
    }

    fn expand_nested(&self, text: &str, depth: usize) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        let mut quote = None;
        while let Some(c) = rest.chars().next() {
            rest = &rest[c.len_utf8()..];
            let single = quote == Some('\'');
            if Some(c) == self.escape && !single {
                let escaped = rest.chars().next();
                out.extend(escaped);
                rest = &rest[escaped.map_or(0, char::len_utf8)..];
            } else if self.escape.is_some() && matches!(c, '\'' | '"') && quote.is_none_or(|open| open == c) {
                quote = if quote.is_none() { Some(c) } else { None };
            } else if c == '$' && !single {
                rest = self.variable(rest, depth, &mut out);
            } else {
                out.push(c);
            }
        }
        out
    }

    /// Puts in the variable whose `$` was just read, and gives back what follows it.
    fn variable<'a>(&self, rest: &'a str, depth: usize, out: &mut String) -> &'a str {
        if self.escape.is_none() && rest.starts_with('$') {
            out.push('$');
            return &rest[1..];
        }
        if let Some(inner) = braced(rest) {
            match self.braced_value(inner, depth) {
                Some(value) if !self.is_full(out) => out.push_str(&value),
                _ => out.push_str(&format!("${{{inner}}}")),
            }
            return &rest[inner.len() + 2..];
        }
        let name = &rest[..name_length(rest)];
        match self.value(name) {
            Value::Set(value) if !self.is_full(out) => out.push_str(value),
            _ if name.is_empty() => out.push('$'),
            _ => out.push_str(&format!("${{{name}}}")),
        }
        &rest[name.len()..]
    }

    /// Whether a word of a Dockerfile, or a text of a Compose file, is longer than anything it could mean.
    fn is_full(&self, out: &str) -> bool {
        out.len() > if self.escape.is_some() { MAX_VALUE } else { MAX_TEXT }
    }

    /// The value of `NAME`, `NAME:-word`, `NAME-word`, `NAME:+word` or `NAME+word`, if the file says it.
    fn braced_value(&self, inner: &str, depth: usize) -> Option<String> {
        let (name, operation) = inner.split_at(name_length(inner));
        let value = self.value(name);
        let (colon, operation) = operation.strip_prefix(':').map_or((false, operation), |rest| (true, rest));
        let word = |rest: &str| (depth < MAX_DEPTH).then(|| self.expand_nested(rest, depth + 1));
        let is_set = match value {
            Value::Set(value) => !colon || !value.is_empty(),
            Value::Unset => false,
            Value::Foreign => return None,
        };
        match (operation.chars().next(), value) {
            _ if name.is_empty() => None,
            (None, Value::Set(value)) if !colon => Some(value.clone()),
            (Some('-'), Value::Set(value)) if is_set => Some(value.clone()),
            (Some('-'), _) => word(&operation[1..]),
            (Some('+'), _) if is_set => word(&operation[1..]),
            (Some('+'), _) => Some(String::new()),
            (Some('?'), Value::Set(value)) if is_set => Some(value.clone()),
            _ => None,
        }
    }
}

fn name_length(text: &str) -> usize {
    let is_first = |c: char| c.is_ascii_alphabetic() || c == '_';
    if !text.starts_with(is_first) {
        return 0;
    }
    text.find(|c: char| !is_first(c) && !c.is_ascii_digit()).unwrap_or(text.len())
}

/// What stands between the braces that a text begins with.
fn braced(text: &str) -> Option<&str> {
    let mut depth = 0_usize;
    if !text.starts_with('{') {
        return None;
    }
    // As far as anybody writes: else every `${` of a file without a `}` is looked for to its end.
    for (index, c) in text.char_indices().take(MAX_VALUE) {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return Some(&text[1..index]),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dockerfile(text: &str) -> String {
        let mut variables = Variables::of_dockerfile('\\');
        variables.set("V", Value::Set("3".into()));
        variables.set("EMPTY", Value::Set(String::new()));
        variables.set("NONE", Value::Unset);
        variables.set("TARGETARCH", Value::Foreign);
        variables.expand(text)
    }

    #[test]
    fn what_the_file_says_is_put_in() {
        for (text, expected) in [
            ("alpine:$V", "alpine:3"),
            ("alpine:${V}-x", "alpine:3-x"),
            ("alpine:${V:-4}", "alpine:3"),
            ("alpine:${NONE:-4}", "alpine:4"),
            ("alpine:${OTHER-4}", "alpine:4"),
            ("alpine:${EMPTY:-4}", "alpine:4"),
            ("alpine:${EMPTY-4}", "alpine:"),
            ("alpine${V:+:$V}", "alpine:3"),
            ("alpine${NONE:+:x}", "alpine"),
            ("${A:-${B:-ghcr.io}}/x", "ghcr.io/x"),
            ("${V:?must be set}", "3"),
            ("\"alpine:$V\"", "alpine:3"),
            ("'alpine:$V'", "alpine:$V"),
            ("alpine:\\$V", "alpine:$V"),
        ] {
            assert_eq!(dockerfile(text), expected, "{text}");
        }
    }

    #[test]
    fn what_it_does_not_say_stays() {
        for (text, expected) in [
            ("alpine:$NONE", "alpine:${NONE}"),
            ("alpine:${OTHER}", "alpine:${OTHER}"),
            ("alpine:${NONE:?must be set}", "alpine:${NONE:?must be set}"),
            ("$TARGETARCH/alpine", "${TARGETARCH}/alpine"),
            ("${TARGETARCH:-x}", "${TARGETARCH:-x}"),
            ("${V%.*}", "${V%.*}"),
            ("a$", "a$"),
            ("a${", "a${"),
            ("a$7", "a$7"),
        ] {
            assert_eq!(dockerfile(text), expected, "{text}");
        }
    }

    #[test]
    fn in_compose_a_doubled_dollar_is_one_and_quotes_are_text() {
        let compose = |text: &str| Variables::of_compose().expand(text);
        assert_eq!(compose("a$$b"), "a$b");
        assert_eq!(compose("${X:-'q'}"), "'q'");
        assert_eq!(compose("api:${TAG}"), "api:${TAG}");
    }

    #[test]
    fn defaults_nested_without_end_are_left_alone() {
        let text = "${A:-".repeat(5_000) + &"}".repeat(5_000);
        assert!(Variables::of_compose().expand(&text).starts_with("${A:-"));
    }
}
