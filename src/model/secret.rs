//! Values that must not be seen: the access token, and the key that decrypts it.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroize;

use super::google_key;
use crate::redact;

/// A secret text, such as an access token.
///
/// There is no `Display`, `Serialize` or `PartialEq`: a secret can be neither printed, written to JSON
/// nor compared by accident. `Debug` prints `Secret(***)`. The memory is wiped when the value is dropped.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes over `value`; the buffer that it came in is wiped. From here on the scrubber knows it.
    #[must_use]
    pub fn new(value: String) -> Self {
        redact::teach(&value);
        Self::kept(value)
    }

    /// The same for a value that somebody else chose, which the scrubber learns unless it is short.
    #[must_use]
    pub fn foreign(value: String) -> Self {
        redact::teach_foreign(&value);
        Self::kept(value)
    }

    fn kept(mut value: String) -> Self {
        // `String::into_boxed_str` would shrink the buffer, and leave the text in the part given back.
        let exact: Box<str> = Box::from(value.as_str());
        value.zeroize();
        Self(SecretString::new(exact))
    }

    /// The text itself. Only for a wire boundary: a request body, an encryption, a hash; never for a
    /// message, a log line or an argument of another program.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self::new(value)
    }
}

/// What is wrong with `text` as a user name or token: white space or an invisible character, as they get in
/// when a value is pasted or read from a file. `None` if nothing is. The answer completes "the value …", and
/// tells a place and the character there, never any other part of the text.
#[must_use]
pub fn flaw(text: &str) -> Option<String> {
    // A key file has lines of its own.
    if google_key::is_key(text) {
        return None;
    }
    let begins = text.chars().next().filter(|first| is_blank(*first));
    let ends = text.chars().next_back().filter(|last| is_blank(*last));
    match (begins, ends) {
        (Some(first), Some(last)) => {
            Some(format!("begins with {} and ends with {}", name(first), name(last)))
        }
        (Some(first), None) => Some(format!("begins with {}", name(first))),
        (None, Some(last)) => Some(format!("ends with {}", name(last))),
        (None, None) => {
            let (index, inner) = text.chars().enumerate().find(|(_, inner)| is_blank(*inner))?;
            let position = index.saturating_add(1);
            Some(format!("contains {} at character {position}", name(inner)))
        }
    }
}

/// White space, and what web pages hide in text that is copied.
fn is_blank(character: char) -> bool {
    character.is_whitespace() || redact::is_hidden(character)
}

fn name(character: char) -> String {
    match character {
        ' ' => "a space".to_owned(),
        '\t' => "a tab".to_owned(),
        '\n' | '\r' => "a line break".to_owned(),
        other => format!("an invisible character (U+{:04X})", u32::from(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_gives_its_text_only_when_asked() {
        let secret = Secret::new("hunter2".to_owned());
        assert_eq!(secret.expose(), "hunter2");
        assert_eq!(secret.clone().expose(), "hunter2");
    }

    #[test]
    fn a_secret_is_redacted_wherever_debug_reaches_it() {
        let nested = Some(("token", Secret::from("hunter2".to_owned())));
        assert_eq!(format!("{nested:?}"), r#"Some(("token", Secret(***)))"#);
    }

    #[test]
    fn white_space_that_was_pasted_is_named_and_nothing_else_of_the_value_is() {
        let said = |text| flaw(text).unwrap_or_default();
        assert_eq!(said("dckr_pat_x"), "");
        assert_eq!(said("x\n"), "ends with a line break");
        assert_eq!(said("x\r\n"), "ends with a line break");
        assert_eq!(said("\tx"), "begins with a tab");
        assert_eq!(said(" x "), "begins with a space and ends with a space");
        assert_eq!(said("ab c"), "contains a space at character 3");
        assert_eq!(said("é\u{200b}c"), "contains an invisible character (U+200B) at character 2");
        assert_eq!(said("\u{feff}x"), "begins with an invisible character (U+FEFF)");
        assert_eq!(said("x\0"), "ends with an invisible character (U+0000)");
    }

    #[test]
    fn a_secret_is_known_from_the_moment_that_it_is_made_and_an_empty_one_is_none() {
        let _secret = Secret::new("kn0wn-at-once".to_owned());
        redact::teach("");
        assert_eq!(redact::outside("it is kn0wn-at-once"), "it is ***");
        let _foreign = ["e", "somebody-elses"].map(|value| Secret::foreign(value.to_owned()));
        assert_eq!(redact::outside("the end of somebody-elses"), "the end of ***");
    }
}
