//! Patterns of policies: wildcards, and variables that stand for a part of the request.

/// One character of a pattern.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Symbol {
    /// `*`
    Any,
    /// `?`
    One,
    Char(char),
}

/// A pattern whose variables have been replaced.
pub(super) struct Pattern(Vec<Symbol>);

impl Pattern {
    /// Every character as it is, but for wildcards.
    pub(super) fn new(text: &str) -> Self {
        Self(text.chars().map(Symbol::wildcard).collect())
    }

    /// The text with its variables replaced by what `value` knows of them, whose characters are no
    /// wildcards. `${*}`, `${?}` and `${$}` are these characters (IAM user guide, "policy variables").
    ///
    /// # Errors
    /// The first variable that is not known.
    pub(super) fn with_variables(text: &str, value: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let (mut symbols, mut rest) = (Vec::new(), text);
        while let Some((before, after)) = rest.split_once("${") {
            symbols.extend(before.chars().map(Symbol::wildcard));
            let (name, after) = after.split_once('}').ok_or_else(|| format!("${{{after}"))?;
            match name {
                "*" | "?" | "$" => symbols.extend(name.chars().map(Symbol::Char)),
                _ => {
                    let value = value(name).ok_or_else(|| format!("${{{name}}}"))?;
                    symbols.extend(value.chars().map(Symbol::Char));
                }
            }
            rest = after;
        }
        symbols.extend(rest.chars().map(Symbol::wildcard));
        Ok(Self(symbols))
    }

    /// Whether the whole text is of this pattern.
    pub(super) fn matches(&self, text: &str) -> bool {
        matches(&self.0, text)
    }

    /// Whether it is, wildcards being nothing but characters.
    pub(super) fn equals(&self, text: &str, same: impl Fn(char, char) -> bool) -> bool {
        let plain = |symbol: &Symbol| match symbol {
            Symbol::Any => '*',
            Symbol::One => '?',
            Symbol::Char(c) => *c,
        };
        let mut text = text.chars();
        self.0.iter().all(|symbol| text.next().is_some_and(|c| same(plain(symbol), c)))
            && text.next().is_none()
    }

    /// As an ARN: each of its six parts by itself (IAM user guide, `ArnLike`). Nothing if it is none.
    pub(super) fn matches_arn(&self, arn: &str) -> Option<bool> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let patterns: Vec<&[Symbol]> = self.0.splitn(6, |symbol| *symbol == Symbol::Char(':')).collect();
        let both = patterns.len() == 6 && parts.len() == 6;
        both.then(|| patterns.iter().zip(parts).all(|(pattern, part)| matches(pattern, part)))
    }
}

impl Symbol {
    fn wildcard(c: char) -> Self {
        match c {
            '*' => Self::Any,
            '?' => Self::One,
            other => Self::Char(other),
        }
    }
}

fn matches(pattern: &[Symbol], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    // reached[i]: the pattern so far can stand for the first i characters.
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for symbol in pattern {
        if *symbol == Symbol::Any {
            let first = reached.iter().position(|reached| *reached).unwrap_or(reached.len());
            reached[first..].fill(true);
            continue;
        }
        for at in (0..text.len()).rev() {
            let same = *symbol == Symbol::One || *symbol == Symbol::Char(text[at]);
            reached[at + 1] = reached[at] && same;
        }
        reached[0] = false;
    }
    reached[text.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_of_the_whole_text() {
        let cases = [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "ac", true),
            ("a*c", "abcd", false),
            ("?", "", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("**b*", "ab", true),
            ("a", "b", false),
            ("", "a", false),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(Pattern::new(pattern).matches(text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_variables_value_is_no_pattern_and_one_that_is_not_known_is_named() {
        let value = |name: &str| (name == "aws:username").then(|| "a*".to_owned());
        let with = |text: &str| Pattern::with_variables(text, value);
        let pattern = with("user/${aws:username}-*${?}${$}").unwrap();
        assert!(pattern.matches("user/a*-x?$") && !pattern.matches("user/ab-x?$"));
        assert!(!pattern.matches("user/a*-xy$"));
        assert_eq!(with("x${aws:userid}").err().unwrap(), "${aws:userid}");
        assert_eq!(with("x${aws:username").err().unwrap(), "${aws:username");
    }

    #[test]
    fn each_part_of_an_arn_is_compared_by_itself() {
        let arn = "arn:aws:iam::123456789012:role/a:b";
        for (pattern, expected) in [
            ("arn:*:iam::*:role/*", Some(true)),
            ("arn:aws:iam::*:role/?:b", Some(true)),
            ("arn:aws:*:role/a:b:*", Some(false)),
            ("arn:*", None),
            ("*", None),
        ] {
            assert_eq!(Pattern::new(pattern).matches_arn(arn), expected, "{pattern}");
        }
    }

    #[test]
    fn wildcards_are_characters_where_texts_have_to_be_equal() {
        let same = |one: char, other: char| one == other;
        assert!(Pattern::new("a*?").equals("a*?", same));
        assert!(!Pattern::new("a*").equals("abc", same) && !Pattern::new("a").equals("ab", same));
        assert!(!Pattern::new("ab").equals("a", same));
    }
}
