//! Whatever bytes a pull secret holds: what is not ours in it stays for the kubelet what it was, or nothing is written.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::docker_config::{Entry, merged, of_older, read, registry, without_damage};
use crate::docker_config::{Object, text};
use crate::go;
use crate::model::{Login, Registry, Secret};

const HUB: &str = "https://index.docker.io/v1/";

/// A text between its quotes, as Go takes it: escapes, halves of pairs, bytes that are not UTF-8.
fn text_of(parts: &'static [&'static [u8]]) -> impl Strategy<Value = Vec<u8>> {
    vec(select(parts), 0..4).prop_map(|parts| [&b"\""[..], &parts.concat(), b"\""].concat())
}

fn any_text() -> impl Strategy<Value = Vec<u8>> {
    text_of(&[
        b"a",
        b":",
        b"\xc3\xa9",
        b"\xe9",
        b"\xed\xa0\x80",
        b"\xff",
        br"\u00e9",
        br"\ud800",
        br"\udc00",
        br"\ud83d\ude00",
        br"\\ud800",
        br#"\""#,
        br"\/",
        br"\n",
        br"\u0000",
    ])
}

fn any_key() -> impl Strategy<Value = Vec<u8>> {
    let names = ["ghcr.io", "quay.io", HUB, "docker.io", "DOCKER.IO", "docker.io/acme", "*.io", "gcr.io:443"];
    let escaped = br#""gh\u0063r.io""#.to_vec();
    prop_oneof![
        8 => select(names.to_vec()).prop_map(|name| format!("\"{name}\"").into_bytes()),
        1 => Just(escaped),
        1 => any_text(),
    ]
}

/// `user:password` in base64: padded or not, with unused bits, line ends, bytes that are not UTF-8; now and then none.
fn any_auth() -> impl Strategy<Value = Vec<u8>> {
    let auths = [
        "dTpw",
        "dTpwcA==",
        "dTpwcA",
        "dTpwcB==",
        "dTrp",
        "dTo=",
        "OnA=",
        "dTpw\\nOnA=",
        " dTpw",
        "dXA=",
        "*",
        "",
    ];
    select(auths.to_vec()).prop_map(|auth| format!("\"{auth}\"").into_bytes())
}

fn object(members: Vec<(Vec<u8>, Vec<u8>)>) -> Vec<u8> {
    let members: Vec<Vec<u8>> =
        members.into_iter().map(|(key, value)| [key, b" :".to_vec(), value].concat()).collect();
    [b"{".to_vec(), members.join(&b",\n"[..]), b"}".to_vec()].concat()
}

fn any_entry() -> impl Strategy<Value = Vec<u8>> {
    let member = prop_oneof![
        6 => (select(vec!["auth", "Auth", "AUTH"]), any_auth()),
        6 => (select(vec!["username", "u\u{17f}ername", "password", "Email"]), any_text()),
        1 => (select(vec!["auth", "username", "other"]), select(vec!["null", "1e400", "[{}]"]).prop_map(|value| value.into())),
    ];
    let member = member.prop_map(|(key, value)| (format!("\"{key}\"").into_bytes(), value));
    prop_oneof![
        12 => vec(member, 0..4).prop_map(object),
        1 => select(vec!["null", "\"text\"", "[]"]).prop_map(|value| value.into()),
    ]
}

fn any_entries() -> impl Strategy<Value = Vec<u8>> {
    vec((any_key(), any_entry()), 0..4).prop_map(object)
}

/// A configuration: `auths` in any case and any number, other members of any kind, and what is none.
fn any_config() -> impl Strategy<Value = Vec<u8>> {
    let nested = [vec![b'['; 200], vec![b']'; 200]].concat();
    let auths = (
        select(vec!["auths", "auths", "Auths", "auth\u{17f}"]),
        prop_oneof![9 => any_entries(), 1 => Just(b"null".to_vec()), 1 => Just(b"[]".to_vec())],
    );
    let headers = (
        select(vec!["HttpHeaders", "httpheaders"]),
        prop_oneof![4 => vec((any_text(), any_text()), 0..2).prop_map(object), 1 => select(vec!["5", "{\"a\":1}"]).prop_map(|value| value.into())],
    );
    let other = (
        select(vec!["credsStore", "x", "x"]),
        prop_oneof![any_text(), Just(nested), Just(b"1e400".to_vec())],
    );
    let member = prop_oneof![5 => auths, 1 => headers, 2 => other];
    let member = member.prop_map(|(key, value)| (format!("\"{key}\"").into_bytes(), value));
    let whole = vec(member, 0..4).prop_map(object);
    let spoiled = (whole.clone(), select(vec![&b" more"[..], b"}", b"\xef\xbb\xbf", b",", b"\xff"]));
    prop_oneof![12 => whole, 1 => spoiled.prop_map(|(whole, more)| [whole, more.to_vec()].concat()), 1 => select(vec!["", " \n", "null", "[]", "\"a\""]).prop_map(|text| text.into())]
}

fn ours() -> Login {
    Login { username: "acme".to_owned(), token: Secret::new("dckr_pat_ours".to_owned()) }
}

/// What is read under each key that is not for our registry.
fn others(entries: &BTreeMap<String, Entry>) -> BTreeMap<String, Option<(String, String)>> {
    let foreign = entries.iter().filter(|(key, _)| registry(key) != Some(Registry::docker_hub()));
    let said = |login: &Login| (login.username.clone(), login.token.expose().to_owned());
    foreign.filter_map(|(key, entry)| Some((key.clone(), entry.as_ref().ok()?.as_ref().map(said)))).collect()
}

/// Every member but `auths`, as it is written.
fn rest(config: &[u8]) -> Vec<(String, String)> {
    let text = text(config).unwrap();
    let config = Object::whole(&text).unwrap();
    let pairs = config.pairs().filter(|(key, _)| !go::is_field(key, "auths"));
    pairs.map(|(key, value)| (key.to_owned(), value.get().to_owned())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_the_kubelet_reads_for_other_registries_is_the_same_after_a_sync_or_nothing_is_written(config in any_config()) {
        let (before, login) = (read(&config), ours());
        let written = merged(Some(&config), &[(HUB, &login)].into());
        prop_assert_eq!(written.is_ok(), before.is_ok());
        if let (Ok(before), Ok(written)) = (before, written) {
            let after = read(&written.bytes).unwrap();
            let kept = others(&after);
            prop_assert!(others(&before).iter().all(|(key, login)| kept.get(key) == Some(login)));
            prop_assert_eq!(rest(&config), rest(&written.bytes));
            for (key, entry) in after.iter().filter(|(key, _)| registry(key) == Some(Registry::docker_hub())) {
                let login = entry.as_ref().ok().and_then(Option::as_ref);
                prop_assert_eq!(login.map(|login| login.token.expose()), Some("dckr_pat_ours"), "{}", key);
            }
            prop_assert!(!merged(Some(&written.bytes), &[(HUB, &login)].into()).unwrap().changed);
        }
    }

    #[test]
    fn of_a_configuration_that_is_made_again_every_login_that_the_kubelet_reads_alone_stays(config in any_config()) {
        if let (Ok(before), Some(kept)) = (read(&config), without_damage(&config)) {
            let after = read(&kept).unwrap();
            prop_assert!(after.values().all(Result::is_ok));
            prop_assert!(others(&before).iter().all(|(key, login)| others(&after).get(key) == Some(login)));
        }
    }

    #[test]
    fn the_entries_of_the_older_type_are_those_of_the_new_one(entries in any_entries()) {
        let older = read(&[&b"{\"auths\":"[..], &entries, b"}"].concat());
        let moved = without_damage(&of_older(&entries)).unwrap();
        let after = read(&moved).unwrap();
        prop_assert!(others(&older.unwrap()).iter().all(|(key, login)| others(&after).get(key) == Some(login)));
    }
}
