//! A credential as text: what a file, standard input, a program or a secret holds.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::model::google_key::{BASE64_KEY_USER, KEY_USER, fault, is_base64_key, is_key};
use crate::model::{Login, Secret, secret};

/// The names of the two halves in JSON, or of two variables, where they are not the usual ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The name of the user name.
    pub username: Option<String>,
    /// The name of the token.
    pub token: Option<String>,
}

const USERNAMES: &[&str] = &["username"];
/// What people call it; `accessToken` is ECR's own word.
const TOKENS: &[&str] = &["token", "accessToken", "password"];

/// The credential in a text: JSON, or two lines. With `username`, one line is the token. The key of a Google service
/// account is a credential by itself.
///
/// # Errors
/// What is wrong with it, to follow the name of where it came from. Never a part of the text.
pub(super) fn read(text: &str, names: &Names, username: Option<&str>) -> Result<Login, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if is_key(text.trim()) {
        return checked(username.unwrap_or(KEY_USER), text.trim());
    }
    if text.trim_start().starts_with('{') {
        return json(text, names, username);
    }
    let lines: Vec<&str> = text.trim_end_matches(['\r', '\n']).lines().collect();
    match (lines.as_slice(), username) {
        ([token], Some(username)) => checked(username, token),
        ([username, token], None) => checked(username, token),
        ([key], None) if is_base64_key(key) => checked(BASE64_KEY_USER, key),
        ([_], None) => Err("gives one line, and no user name".to_owned()),
        _ => {
            Err("gives neither two lines (user name, token) nor JSON with `username` and `token`".to_owned())
        }
    }
}

fn json(text: &str, names: &Names, username: Option<&str>) -> Result<Login, String> {
    // Its own errors can repeat a part of the text.
    let fields: BTreeMap<String, Value> =
        serde_json::from_str(text).map_err(|_| "gives text that is not valid JSON".to_owned())?;
    let field = |own: &Option<String>, usual: &[&str]| {
        let wanted: Vec<&str> = own.as_deref().map_or_else(|| usual.to_vec(), |own| vec![own]);
        let found = wanted.iter().find_map(|name| fields.get(*name)?.as_str());
        found.ok_or_else(|| format!("gives JSON without `{}` as text", wanted[0]))
    };
    let username = match username {
        Some(username) => username,
        None => field(&names.username, USERNAMES)?,
    };
    checked(username, field(&names.token, TOKENS)?)
}

/// Both halves, without white space that got in.
///
/// # Errors
/// As for [`read`].
pub(super) fn checked(username: &str, token: &str) -> Result<Login, String> {
    for (what, value) in [("user name", username), ("token", token)] {
        if value.is_empty() {
            return Err(format!("gives an empty {what}"));
        }
        if let Some(flaw) = secret::flaw(value) {
            return Err(format!("gives a {what} that {flaw}"));
        }
    }
    if let Some(fault) = fault(username, token) {
        return Err(format!("gives a token that {fault}"));
    }
    Ok(Login { username: username.to_owned(), token: Secret::new(token.to_owned()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn halves(text: &str, username: Option<&str>) -> Result<(String, String), String> {
        let login = read(text, &Names::default(), username)?;
        Ok((login.username, login.token.expose().to_owned()))
    }

    #[test]
    fn two_lines_and_json_are_the_same_credential() {
        let expected = Ok(("acme".to_owned(), "t0ken".to_owned()));
        for text in [
            "acme\nt0ken\n",
            "acme\r\nt0ken\r\n\n",
            "\u{feff}acme\nt0ken",
            r#"{"username": "acme", "token": "t0ken"}"#,
            r#" {"username": "acme", "accessToken": "t0ken", "more": 1}"#,
            r#"{"username": "acme", "password": "t0ken"}"#,
        ] {
            assert_eq!(halves(text, None), expected, "{text}");
        }
        assert_eq!(halves("t0ken\n", Some("acme")), expected);
        assert_eq!(halves(r#"{"token": "t0ken"}"#, Some("acme")), expected);
    }

    #[test]
    fn a_google_key_file_is_a_credential_by_itself() {
        let key = "{\n  \"type\": \"service_account\",\n  \"private_key\": \"-----BEGIN PRIVATE KEY-----\\nA\\n\",\n  \"client_email\": \"ci@acme\"\n}";
        let expected = Ok(("_json_key".to_owned(), key.to_owned()));
        assert_eq!(halves(key, None), expected);
        assert_eq!(
            halves(&format!("{key}\n"), None),
            expected,
            "as docker login reads it from standard input"
        );
        assert_eq!(halves(key, Some("_json_key")), expected);
        let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, key);
        assert_eq!(halves(&format!("{encoded}\n"), None), Ok(("_json_key_base64".to_owned(), encoded)));
    }

    #[test]
    fn names_that_are_given_are_the_only_ones_that_count() {
        let names = Names { username: Some("user".to_owned()), token: Some("pat".to_owned()) };
        let login = read(r#"{"user": "a", "pat": "b", "token": "c"}"#, &names, None).expect("it is good");
        assert_eq!((login.username.as_str(), login.token.expose()), ("a", "b"));
        let error = read(r#"{"username": "a", "token": "c"}"#, &names, None).expect_err("it is refused");
        assert_eq!(error, "gives JSON without `user` as text");
    }

    #[test]
    fn what_is_wrong_is_said_without_the_text() {
        for (text, words) in [
            ("", "neither two lines"),
            ("s3cret\n", "one line, and no user name"),
            ("acme\ns3cret\nmore\n", "neither two lines"),
            ("acme\ns3cret \n", "a token that ends with a space"),
            ("\ns3cret\n", "an empty user name"),
            ("{\"token\": s3cret}", "not valid JSON"),
            ("{\"username\": \"acme\", \"token\": 5}", "JSON without `token` as text"),
            ("{\"username\": \"acme\", \"token\": \"s3cret\\n\"}", "ends with a line break"),
        ] {
            let error = halves(text, None).expect_err("it is refused");
            assert!(error.contains(words) && !error.contains("s3cret"), "{text:?}: {error}");
        }
    }
}
