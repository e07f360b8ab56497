//! The key of a Google service account: JSON of some lines, which is a password as a whole.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::{Zeroize, Zeroizing};

/// The user name that says that the password is such a key (Google's documentation, "Set up authentication for Docker").
pub const KEY_USER: &str = "_json_key";
/// The same for a key in base64.
pub const BASE64_KEY_USER: &str = "_json_key_base64";

/// What a key file has, and other JSON of Google's has not.
#[derive(serde::Deserialize)]
struct Key {
    #[serde(rename = "type")]
    kind: String,
    client_email: String,
    private_key: String,
}

/// Whether the text is a service account's key, with nothing before and behind it.
#[must_use]
pub fn is_key(text: &str) -> bool {
    // Other texts are not parsed at all.
    if !text.starts_with('{') || !text.ends_with('}') || !text.contains("service_account") {
        return false;
    }
    let Ok(mut key) = serde_json::from_str::<Key>(text) else { return false };
    let good = key.kind == "service_account"
        && !key.client_email.is_empty()
        && key.private_key.starts_with("-----BEGIN ");
    key.private_key.zeroize();
    good
}

/// Whether the text is such a key in base64, on one line.
#[must_use]
pub fn is_base64_key(text: &str) -> bool {
    let Ok(bytes) = STANDARD.decode(text).map(Zeroizing::new) else { return false };
    std::str::from_utf8(&bytes).is_ok_and(|text| is_key(text.trim()))
}

/// The password of a user without the white space around it, if it is a key: the file of one may end with a newline, and
/// no key begins or ends with any. Every other password is as it is.
#[must_use]
pub fn trimmed<'p>(username: &str, password: &'p str) -> &'p str {
    let inner = password.trim();
    if matches!(username, KEY_USER | BASE64_KEY_USER) || is_key(inner) { inner } else { password }
}

/// What is wrong with the password of a user, if the user's name says that it is a key.
#[must_use]
pub fn fault(username: &str, password: &str) -> Option<&'static str> {
    match username {
        KEY_USER if !is_key(password) => Some("is not the JSON key of a Google service account"),
        BASE64_KEY_USER if !is_base64_key(password) => {
            Some("is not the JSON key of a Google service account in base64")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "{\n  \"type\": \"service_account\",\n  \"project_id\": \"acme\",\n  \"private_key\": \"-----BEGIN PRIVATE KEY-----\\nAAAA\\n-----END PRIVATE KEY-----\\n\",\n  \"client_email\": \"ci@acme.iam.gserviceaccount.com\"\n}";

    #[test]
    fn a_key_is_known_by_what_is_in_it() {
        assert!(is_key(KEY));
        assert!(is_base64_key(&STANDARD.encode(KEY)));
        assert!(is_base64_key(&STANDARD.encode(format!("{KEY}\n"))));
        for (from, to) in [
            ("service_account", "authorized_user"),
            ("-----BEGIN", "BEGIN"),
            ("client_email", "email"),
            ("}", ""),
        ] {
            assert!(!is_key(&KEY.replace(from, to)), "{from}");
        }
        assert!(!is_key(&format!("{KEY}\n")), "what is around it is not part of it");
    }

    #[test]
    fn white_space_around_a_key_is_not_part_of_it_and_other_passwords_keep_theirs() {
        let lines = format!("{KEY}\n");
        assert_eq!(trimmed("_json_key", &lines), KEY);
        assert_eq!(trimmed("acme", &lines), KEY);
        assert_eq!(trimmed("_json_key_base64", "abc=\n"), "abc=");
        assert_eq!(trimmed("acme", "token\n"), "token\n");
    }

    #[test]
    fn only_users_whose_name_says_so_need_a_key() {
        assert_eq!(fault("_json_key", KEY), None);
        assert_eq!(fault("_json_key_base64", &STANDARD.encode(KEY)), None);
        assert_eq!(fault("acme", "token"), None);
        assert!(fault("_json_key", "token").is_some());
        assert!(fault("_json_key", &STANDARD.encode(KEY)).is_some());
        assert!(fault("_json_key_base64", KEY).is_some());
    }
}
