//! A Docker configuration as a pull secret holds it: read as the kubelet reads it, written as `kubectl create secret
//! docker-registry` writes it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serializer;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::docker_config::{self, Object};
use crate::go::{self, Base64};
use crate::model::{Login, Registry};
use crate::redact;

const AUTHS: &str = "auths";
const HEADERS: &str = "HttpHeaders";

/// What is filed under one key: a login, nothing that names a user, or what the kubelet cannot read, in words. One
/// entry that it cannot read costs it the whole configuration.
pub type Entry = Result<Option<Login>, String>;

/// The entries of a configuration, by key, as the kubelet reads them (`pkg/credentialprovider/config.go`, 1.36). Without
/// `auths` there are none, whatever else is there.
///
/// # Errors
/// Why the kubelet reads nothing at all.
pub fn read(bytes: &[u8]) -> Result<BTreeMap<String, Entry>, String> {
    let text = docker_config::text(bytes)?;
    let config = object(&text)?;
    headers(&config)?;
    let mut entries: BTreeMap<String, Entry> =
        config.map(AUTHS)?.into_iter().map(|(key, value)| (key, entry(value))).collect();
    // One that another replaces is read anyway.
    for (key, value) in config.all(AUTHS)? {
        if let Err(words) = entry(value) {
            entries.insert(key, Err(words));
        }
    }
    Ok(entries)
}

/// The entries of a configuration of the older type, where they are all there is.
///
/// # Errors
/// Why the kubelet reads nothing at all.
pub(super) fn read_older(bytes: &[u8]) -> Result<BTreeMap<String, Entry>, String> {
    // Nothing may follow the object.
    object(&docker_config::text(bytes)?)?;
    read(&of_older(bytes))
}

fn object(text: &str) -> Result<Object<'_>, String> {
    // The parser's own words could repeat a part of the text.
    Object::whole(text).ok_or_else(|| "is not a JSON object".to_owned())
}

/// The kubelet looks at nothing in them, but reads them: texts by name.
fn headers(config: &Object<'_>) -> Result<(), String> {
    let text = |value: &RawValue| serde_json::from_str::<Option<String>>(value.get()).is_ok();
    let texts = config.map(HEADERS)?.into_values().all(text);
    texts.then_some(()).ok_or_else(|| format!("has `{HEADERS}` that are not text"))
}

fn entry(value: &RawValue) -> Entry {
    let entry = docker_config::Entry::of(value)?;
    entry.text("email")?;
    // Padded or not.
    let login = entry.login(|auth| match auth.trim().ends_with('=') {
        true => Base64::Padded,
        false => Base64::Unpadded,
    })?;
    Ok((!login.username.is_empty()).then_some(login))
}

/// The registry that a key of a configuration is for; nothing for a key with a path or a pattern, which is for a part of a
/// registry only or for several.
#[must_use]
pub fn registry(key: &str) -> Option<Registry> {
    Registry::parse(key).ok()
}

/// A configuration to write.
pub(super) struct Merged {
    pub(super) bytes: Zeroizing<Vec<u8>>,
    /// Whether it differs in meaning from what was there.
    pub(super) changed: bool,
}

/// The configuration with these logins in it, by key; whatever else is in `found` stays as it is written. A login also goes
/// under every other key that is there for the same registry: the kubelet would take an old one under `docker.io` and never
/// look under the usual key of Docker Hub.
///
/// # Errors
/// Why the kubelet reads nothing of what was found: there may be logins in it, which would be lost.
pub(super) fn merged(found: Option<&[u8]>, logins: &BTreeMap<&str, &Login>) -> Result<Merged, String> {
    let text = docker_config::text(found.unwrap_or_default())?;
    let config = object(&text)?;
    headers(&config)?;
    let mut auths = borrowed(config.map(AUTHS)?);
    let mut changed = found.is_none();
    for (key, login) in logins {
        let wanted = registry(key);
        let same = |other: &&String| wanted.is_some() && registry(other) == wanted;
        let mut keys: Vec<String> = auths.keys().filter(same).cloned().collect();
        keys.push((*key).to_owned());
        for key in keys {
            let old = auths.get(&key).map(AsRef::as_ref);
            let new = written(login, old);
            if old.is_none_or(|old| serde_json::from_str::<Value>(old.get()).ok() != Some(new.clone())) {
                auths.insert(key, Cow::Owned(to_raw_value(&new).map_err(|error| error.to_string())?));
                changed = true;
            }
        }
    }
    Ok(Merged { bytes: assembled(&config, |_| true, &auths)?, changed })
}

/// Whether something else than entries is in a configuration; also if that is not known.
#[must_use]
pub(super) fn has_others(found: &[u8]) -> bool {
    let text = docker_config::text(found).ok();
    let config = text.as_ref().and_then(|text| object(text).ok());
    config.is_none_or(|config| config.pairs().any(|(key, _)| !go::is_field(key, AUTHS)))
}

/// A configuration without the entries for some registries.
pub(super) struct Without {
    pub(super) bytes: Zeroizing<Vec<u8>>,
    /// Whether one was there.
    pub(super) changed: bool,
    /// Whether other entries are there.
    pub(super) others: bool,
}

/// The configuration without the entries for these registries, by their keys; whatever else is in it stays as it is written.
///
/// # Errors
/// Why the kubelet reads nothing of it.
pub(super) fn without(found: &[u8], keys: &BTreeSet<String>) -> Result<Without, String> {
    let text = docker_config::text(found)?;
    let config = object(&text)?;
    let gone: BTreeSet<Registry> = keys.iter().filter_map(|key| registry(key)).collect();
    let mut auths = borrowed(config.map(AUTHS)?);
    let before = auths.len();
    auths.retain(|key, _| registry(key).is_none_or(|registry| !gone.contains(&registry)));
    let (changed, others) = (auths.len() != before, !auths.is_empty());
    Ok(Without { bytes: assembled(&config, |_| true, &auths)?, changed, others })
}

/// The configuration without what the kubelet cannot read, which costs it the rest; nothing if it is not one.
#[must_use]
pub(super) fn without_damage(found: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let text = docker_config::text(found).ok()?;
    let config = object(&text).ok()?;
    let sound = headers(&config).is_ok();
    let auths = config.map(AUTHS).unwrap_or_default().into_iter().filter(|(_, value)| entry(value).is_ok());
    assembled(&config, |key| sound || !go::is_field(key, HEADERS), &borrowed(auths)).ok()
}

/// The content of a secret of the older type, where the entries are all there is.
#[must_use]
pub(super) fn of_older(entries: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new([&b"{\"auths\":"[..], entries, b"}"].concat())
}

type Auths<'a> = BTreeMap<String, Cow<'a, RawValue>>;

fn borrowed<'a>(auths: impl IntoIterator<Item = (String, &'a RawValue)>) -> Auths<'a> {
    auths.into_iter().map(|(key, value)| (key, Cow::Borrowed(value))).collect()
}

/// These `auths` beside everything else of a configuration that is kept.
fn assembled(
    config: &Object<'_>,
    kept: impl Fn(&str) -> bool,
    auths: &Auths<'_>,
) -> Result<Zeroizing<Vec<u8>>, String> {
    let auths = to_raw_value(auths).map_err(|error| error.to_string())?;
    let others = config.pairs().filter(|(key, _)| !go::is_field(key, AUTHS) && kept(key));
    let mut bytes = Zeroizing::new(Vec::new());
    let all = others.chain([(AUTHS, &*auths)]);
    let written = serde_json::Serializer::new(&mut *bytes).collect_map(all);
    written.map(|()| bytes).map_err(|error| error.to_string())
}

/// A login as kubectl writes it, with the address that an older entry names.
fn written(login: &Login, old: Option<&RawValue>) -> Value {
    let Login { username, token } = login;
    redact::teach_login(username, token.expose());
    let pair = Zeroizing::new(format!("{username}:{}", token.expose()));
    let mut entry = json!({
        "username": username,
        "password": token.expose(),
        "auth": STANDARD.encode(pair.as_bytes()),
    });
    let email = old.and_then(|old| docker_config::Entry::of(old).ok()?.text("email").ok());
    if let Some(email) = email.filter(|email| !email.is_empty()) {
        entry["email"] = email.into();
    }
    entry
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Secret;

    fn login(username: &str, password: &str) -> Login {
        Login { username: username.to_owned(), token: Secret::new(password.to_owned()) }
    }

    /// What the kubelet finds under a key.
    fn found(config: &str, key: &str) -> Result<Option<(String, String)>, String> {
        let entries = read(config.as_bytes())?;
        let Some(entry) = entries.get(key) else { return Ok(None) };
        let login = entry.clone()?;
        Ok(login.map(|login| (login.username, login.token.expose().to_owned())))
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
        let after = merged(Some(before.as_bytes()), &[(key, &ours)].into()).unwrap();
        let after: Value = serde_json::from_slice(&after.bytes).unwrap();
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
            let after = without_damage(before.as_bytes())?;
            Some(String::from_utf8(after.to_vec()).unwrap())
        };
        let before =
            r#"{"HttpHeaders":{"a":"b"},"auths":{"ghcr.io":{"auth":"YTpi"},"quay.io":{"auth":"*"}}}"#;
        let kept = r#"{"HttpHeaders":{"a":"b"},"auths":{"ghcr.io":{"auth":"YTpi"}}}"#;
        assert_eq!(after(before).as_deref(), Some(kept));
        assert_eq!(after(kept).as_deref(), Some(kept));
        assert_eq!(after(r#"{"a":1,"auths":[]}"#).as_deref(), Some(r#"{"a":1,"auths":{}}"#));
        assert_eq!(after("no configuration"), None);
    }

    #[test]
    fn an_old_login_under_another_spelling_of_the_registry_is_not_left_to_shadow_the_new_one() {
        let before = r#"{"auths":{"docker.io":{"auth":"YTpi"},"index.docker.io":{},"docker.io/acme":{"auth":"YTpi"}}}"#;
        let ours = login("acme", "t");
        let after = merged(Some(before.as_bytes()), &[("https://index.docker.io/v1/", &ours)].into());
        let after = String::from_utf8(after.unwrap().bytes.to_vec()).unwrap();
        for key in ["docker.io", "index.docker.io", "https://index.docker.io/v1/"] {
            assert_eq!(found(&after, key), pair("acme", "t"), "{key}");
        }
        assert_eq!(found(&after, "docker.io/acme"), pair("a", "b"), "for a part of it only: not ours");
    }

    /// What Go's decoder takes and serde does not: none of it is lost, or taken for nothing.
    #[test]
    fn a_foreign_login_that_only_go_reads_is_read_and_stays() {
        let deep = ["[".repeat(200), "]".repeat(200)].concat();
        let ours = login("acme", "t");
        let cases: [(&[u8], &str); 7] = [
            (b"{\"auths\":{\"ghcr.io\":{\"username\":\"a\",\"password\":\"\xe9\"}}}", "\u{fffd}"),
            (br#"{"auths":{"ghcr.io":{"username":"a","password":"\ud800"}}}"#, "\u{fffd}"),
            (br#"{"auths":{"ghcr.io":{"auth":"YTrp"}}}"#, "\u{fffd}"),
            (br#"{"auths":{"ghcr.io":{"auth":"YTpiYx=="}}}"#, "bc"),
            (br#"{"auths":{"ghcr.io":{"auth":"YTpi"}},"auths":{"quay.io":{}}}"#, "b"),
            (br#"{"AuthS":{"ghcr.io":{"Auth":"YTpi"}}}"#, "b"),
            (&[br#"{"auths":{"ghcr.io":{"auth":"YTpi"}},"x":"#, deep.as_bytes(), b"}"].concat(), "b"),
        ];
        for (before, password) in cases {
            let kept = |bytes: &[u8]| read(bytes).unwrap().remove("ghcr.io").unwrap().unwrap().unwrap();
            assert_eq!(kept(before).token.expose(), password, "{before:?}");
            let after = merged(Some(before), &[("quay.io", &ours)].into()).unwrap();
            assert_eq!(kept(&after.bytes).token.expose(), password, "{before:?}");
            assert_eq!(kept(&without_damage(&after.bytes).unwrap()).token.expose(), password, "{before:?}");
            assert!(after.changed);
            assert!(!merged(Some(&after.bytes), &[("quay.io", &ours)].into()).unwrap().changed);
        }
    }

    #[test]
    fn what_is_there_and_cannot_be_read_is_not_taken_for_nothing() {
        let ours = login("acme", "t");
        let onto = |found: &[u8]| merged(Some(found), &[("quay.io", &ours)].into()).map(|_| ());
        for empty in ["", "{}", "null", r#"{"auths":null}"#] {
            assert_eq!(onto(empty.as_bytes()), Ok(()), "{empty}");
        }
        for (found, words) in [
            (r#"{"auths":{"ghcr.io":{"auth":"YTpi"}}"#, "is not a JSON object"),
            (r#"{"auths":{}} more"#, "is not a JSON object"),
            (r#"{"auths":["YTpi"]}"#, "has `auths`, which is not an object"),
            (r#"{"auths":{},"HttpHeaders":["a"]}"#, "has `HttpHeaders`, which is not an object"),
            (r#"{"auths":{},"httpheaders":{"a":1}}"#, "has `HttpHeaders` that are not text"),
        ] {
            assert_eq!(onto(found.as_bytes()), Err(words.to_owned()), "{found}");
            assert_eq!(read(found.as_bytes()).err().as_deref(), Some(words), "{found}");
        }
    }

    #[test]
    fn an_entry_that_another_takes_the_place_of_costs_all_the_same_until_it_is_gone() {
        for before in [
            r#"{"auths":{"ghcr.io":{"auth":"*"},"ghcr.io":{}}}"#,
            r#"{"auths":{"ghcr.io":{"auth":"*"}},"Auths":{"ghcr.io":{}}}"#,
            r#"{"auths":{"ghcr.io":{"auth":"*"}},"auths":null}"#,
        ] {
            assert!(found(before, "ghcr.io").is_err(), "{before}");
            let ours = login("acme", "t");
            let after = merged(Some(before.as_bytes()), &[("ghcr.io", &ours)].into()).unwrap();
            let after = String::from_utf8(after.bytes.to_vec()).unwrap();
            assert_eq!(found(&after, "ghcr.io"), pair("acme", "t"), "{before}");
        }
    }

    #[test]
    fn what_is_foreign_stays_as_it_is_written() {
        let before = r#"{"n": 1e400, "s":"\u00e9", "n":2, "auths":{"z":{ "x" : 0.10 }}}"#;
        let after = merged(Some(before.as_bytes()), &BTreeMap::new()).unwrap();
        assert_eq!(
            String::from_utf8(after.bytes.to_vec()).unwrap(),
            r#"{"n":1e400,"s":"\u00e9","n":2,"auths":{"z":{ "x" : 0.10 }}}"#
        );
    }

    #[test]
    fn a_login_is_taken_out_under_each_of_its_keys_and_whatever_else_is_there_stays_as_it_is_written() {
        let before = r#"{"n": 1e400, "auths":{"z":{ "x" : 0.10 },"docker.io":{},"https://index.docker.io/v1/":{"auth":"YTpi"},"docker.io/acme":{}}}"#;
        let keys = ["https://index.docker.io/v1/".to_owned()].into();
        let after = without(before.as_bytes(), &keys).unwrap();
        let text = String::from_utf8(after.bytes.to_vec()).unwrap();
        assert_eq!(text, r#"{"n":1e400,"auths":{"docker.io/acme":{},"z":{ "x" : 0.10 }}}"#);
        assert!(after.changed && after.others && has_others(before.as_bytes()));
        let again = without(&after.bytes, &keys).unwrap();
        assert!(!again.changed && again.bytes == after.bytes);
        let ours = without(br#"{"auths":{"docker.io":{}}}"#, &keys).unwrap();
        assert!(ours.changed && !ours.others && !has_others(&ours.bytes) && !has_others(b""));
        assert!(without(b"[]", &keys).is_err() && has_others(b"[]"));
    }

    #[test]
    fn of_headers_that_cost_the_kubelet_everything_a_new_configuration_has_none() {
        let without_damage =
            without_damage(br#"{"httpHeaders":5,"auths":{"ghcr.io":{"auth":"YTpi"}}}"#).unwrap();
        assert_eq!(&**without_damage, br#"{"auths":{"ghcr.io":{"auth":"YTpi"}}}"#);
    }
}
