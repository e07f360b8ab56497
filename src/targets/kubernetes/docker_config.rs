//! A Docker configuration as a pull secret holds it: read as the kubelet reads it, written as `kubectl create secret
//! docker-registry` writes it.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::model::{Registry, Secret};

/// A user name and a password.
#[derive(Clone, Debug)]
pub struct Login {
    /// The user name.
    pub username: String,
    /// The password, or a token.
    pub password: Secret,
}

/// What is filed under one key: a login, nothing that names a user, or what the kubelet cannot read, in words. One
/// entry that it cannot read costs it the whole configuration.
pub type Entry = Result<Option<Login>, String>;

/// The entries of a configuration, by key, as the kubelet reads them (`pkg/credentialprovider/config.go`, 1.36). Without
/// `auths` there are none, whatever else is there.
///
/// # Errors
/// Why the kubelet reads nothing at all.
pub fn read(bytes: &[u8]) -> Result<BTreeMap<String, Entry>, String> {
    // The parser's own words could repeat a part of the text.
    let Ok(Value::Object(mut config)) = serde_json::from_slice(bytes) else {
        return Err("is not a JSON object".to_owned());
    };
    match config.remove("auths") {
        None | Some(Value::Null) => Ok(BTreeMap::new()),
        Some(Value::Object(auths)) => {
            Ok(auths.into_iter().map(|(key, value)| (key, entry(&value))).collect())
        }
        Some(_) => Err("has `auths` that are no object".to_owned()),
    }
}

fn entry(value: &Value) -> Entry {
    if value.is_null() {
        return Ok(None);
    }
    let fields = value.as_object().ok_or("is no object")?;
    let text = |name: &str| match fields.get(name) {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(text)) => Ok(text.as_str()),
        Some(_) => Err(format!("has a `{name}` that is no text")),
    };
    let (username, password, auth) = (text("username")?, text("password")?, text("auth")?);
    text("email")?;
    // `auth` wins over the other two.
    let (username, password) = if auth.is_empty() {
        (username.to_owned(), Secret::new(password.to_owned()))
    } else {
        decoded(auth).ok_or("has an `auth` that is not user:password in base64")?
    };
    Ok((!username.is_empty()).then_some(Login { username, password }))
}

/// Padded or not, and divided at the first colon; Go's decoder skips line ends.
fn decoded(auth: &str) -> Option<(String, Secret)> {
    let padded = auth.trim().ends_with('=');
    let lines: String = auth.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let bytes = if padded { STANDARD.decode(&lines) } else { STANDARD_NO_PAD.decode(&lines) };
    let pair = Zeroizing::new(String::from_utf8(bytes.ok()?).ok()?);
    let (username, password) = pair.split_once(':')?;
    Some((username.to_owned(), Secret::new(password.to_owned())))
}

/// The registry that a key of a configuration is for; nothing for a key with a path or a pattern, which is for a part of a
/// registry only or for several.
#[must_use]
pub fn registry(key: &str) -> Option<Registry> {
    Registry::parse(key).ok()
}

/// The configuration with these logins in it, by key; whatever else is in `found` stays. A login also goes under every
/// other key that is there for the same registry: the kubelet would take an old one under `docker.io` and never look
/// under the usual key of Docker Hub.
#[must_use]
pub fn merged(found: Option<&[u8]>, logins: &BTreeMap<&str, &Login>) -> Zeroizing<Vec<u8>> {
    let mut config = match found.map(serde_json::from_slice) {
        Some(Ok(Value::Object(config))) => config,
        _ => Map::new(),
    };
    let mut auths = match config.remove("auths") {
        Some(Value::Object(auths)) => auths,
        _ => Map::new(),
    };
    for (key, login) in logins {
        let wanted = registry(key);
        let same = |other: &&String| wanted.is_some() && registry(other) == wanted;
        let mut keys: Vec<String> = auths.keys().filter(same).cloned().collect();
        keys.push((*key).to_owned());
        for key in keys {
            let email = auths.get(&key).and_then(|entry| entry.get("email")).cloned();
            auths.insert(key, written(login, email));
        }
    }
    config.insert("auths".to_owned(), Value::Object(auths));
    Zeroizing::new(Value::Object(config).to_string().into_bytes())
}

/// The configuration without the entries that the kubelet cannot read, which cost it all the others; nothing if it is
/// no configuration.
#[must_use]
pub fn mended(found: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let Ok(Value::Object(mut config)) = serde_json::from_slice(found) else { return None };
    match config.get_mut("auths") {
        Some(Value::Object(auths)) => auths.retain(|_, value| entry(value).is_ok()),
        _ => drop(config.remove("auths")),
    }
    Some(Zeroizing::new(Value::Object(config).to_string().into_bytes()))
}

fn written(login: &Login, email: Option<Value>) -> Value {
    let Login { username, password } = login;
    let pair = Zeroizing::new(format!("{username}:{}", password.expose()));
    let mut entry = json!({
        "username": username,
        "password": password.expose(),
        "auth": STANDARD.encode(pair.as_bytes()),
    });
    if let Some(email) = email {
        entry["email"] = email;
    }
    entry
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(username: &str, password: &str) -> Login {
        Login { username: username.to_owned(), password: Secret::new(password.to_owned()) }
    }

    /// What the kubelet finds under a key.
    fn found(config: &str, key: &str) -> Result<Option<(String, String)>, String> {
        let entries = read(config.as_bytes())?;
        let Some(entry) = entries.get(key) else { return Ok(None) };
        let login = entry.clone()?;
        Ok(login.map(|login| (login.username, login.password.expose().to_owned())))
    }

    fn pair(username: &str, password: &str) -> Result<Option<(String, String)>, String> {
        Ok(Some((username.to_owned(), password.to_owned())))
    }

    #[test]
    fn an_entry_is_read_as_the_kubelet_reads_it() {
        let entry = |fields: &str| found(&format!(r#"{{"auths":{{"ghcr.io":{fields}}}}}"#), "ghcr.io");
        assert_eq!(entry(r#"{"username":"a","password":"b"}"#), pair("a", "b"));
        assert_eq!(entry(r#"{"username":"x","password":"y","auth":"YTpiOmM="}"#), pair("a", "b:c"));
        assert_eq!(entry(r#"{"auth":"YTpiOmM"}"#), pair("a", "b:c"), "no padding");
        assert_eq!(entry(r#"{"auth":"YTpi\nOmM=\n"}"#), pair("a", "b:c"), "line ends");
        assert_eq!(entry(r#"{"auth":""}"#), Ok(None));
        assert_eq!(entry("{}"), Ok(None));
        for broken in [r#"{"auth":"YTpi*"}"#, r#"{"auth":"YQ=="}"#, r#"{"username":5}"#, r#""text""#] {
            assert!(entry(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn a_configuration_without_auths_gives_no_login() {
        let legacy = r#"{"https://eu.gcr.io":{"auth":"YTpi"}}"#;
        assert_eq!(found(legacy, "https://eu.gcr.io"), Ok(None));
        assert_eq!(found(r#"{"auths":null}"#, "x"), Ok(None));
        assert!(read(b"{\"auths\":[]}").is_err());
        assert!(read(b"[]").is_err());
    }

    #[test]
    fn a_login_goes_in_beside_everything_else_that_is_there() {
        let before = r#"{"HttpHeaders":{"a":"b"},"auths":{"ghcr.io":{"auth":"YTpi"},"https://index.docker.io/v1/":{"auth":"YTpi","email":"e@x"}}}"#;
        let ours = login("acme", "t");
        let key = "https://index.docker.io/v1/";
        let after = merged(Some(before.as_bytes()), &[(key, &ours)].into());
        let after: Value = serde_json::from_slice(&after).unwrap();
        assert_eq!(
            after,
            json!({
                "HttpHeaders": { "a": "b" },
                "auths": {
                    "ghcr.io": { "auth": "YTpi" },
                    key: { "username": "acme", "password": "t", "auth": "YWNtZTp0", "email": "e@x" },
                },
            })
        );
    }

    #[test]
    fn of_a_configuration_that_is_made_again_only_what_cannot_be_read_is_left_out() {
        let after = |before: &str| {
            let after = mended(before.as_bytes())?;
            Some(String::from_utf8(after.to_vec()).unwrap())
        };
        let before =
            r#"{"HttpHeaders":{"a":"b"},"auths":{"ghcr.io":{"auth":"YTpi"},"quay.io":{"auth":"*"}}}"#;
        let kept = r#"{"HttpHeaders":{"a":"b"},"auths":{"ghcr.io":{"auth":"YTpi"}}}"#;
        assert_eq!(after(before).as_deref(), Some(kept));
        assert_eq!(after(kept).as_deref(), Some(kept));
        assert_eq!(after(r#"{"a":1,"auths":[]}"#).as_deref(), Some(r#"{"a":1}"#));
        assert_eq!(after("no configuration"), None);
    }

    #[test]
    fn an_old_login_under_another_spelling_of_the_registry_is_not_left_to_shadow_the_new_one() {
        let before = r#"{"auths":{"docker.io":{"auth":"YTpi"},"index.docker.io":{},"docker.io/acme":{"auth":"YTpi"}}}"#;
        let ours = login("acme", "t");
        let after = merged(Some(before.as_bytes()), &[("https://index.docker.io/v1/", &ours)].into());
        let after = String::from_utf8(after.to_vec()).unwrap();
        for key in ["docker.io", "index.docker.io", "https://index.docker.io/v1/"] {
            assert_eq!(found(&after, key), pair("acme", "t"), "{key}");
        }
        assert_eq!(found(&after, "docker.io/acme"), pair("a", "b"), "for a part of it only: not ours");
    }
}
