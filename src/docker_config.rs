//! A Docker configuration, read as Go reads it: docker's `config.json`, and what pull secrets hold. Who uses it, docker or
//! the kubelet, has rules of its own on top.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserializer;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::go::{self, Base64};
use crate::model::{Login, Secret};

/// A JSON object of a configuration: its pairs as they are written, so that what is foreign can be kept as it is.
#[derive(Default)]
pub(crate) struct Object<'a>(Vec<(String, &'a RawValue)>);

/// The text of a configuration, for [`Object`] to borrow from.
///
/// # Errors
/// Why Go reads nothing of it.
pub(crate) fn text(bytes: &[u8]) -> Result<Zeroizing<String>, String> {
    go::json(bytes).ok_or_else(|| "is nested too deeply".to_owned())
}

impl<'a> Object<'a> {
    /// Reads the whole text, as `json.Unmarshal` does; `null` and nothing at all are empty.
    pub(crate) fn whole(text: &'a str) -> Option<Self> {
        if text.trim_ascii().is_empty() {
            return Some(Self::default());
        }
        Self::of(serde_json::from_str(text).ok()?)
    }

    /// Reads the first value of the text, as `json.Decoder` does; what follows is not looked at.
    pub(crate) fn first(text: &'a str) -> Option<Self> {
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
        values.next().map_or_else(|| Some(Self::default()), |value| Self::of(value.ok()?))
    }

    fn of(value: &'a RawValue) -> Option<Self> {
        if value.get() == "null" {
            return Some(Self::default());
        }
        serde_json::Deserializer::from_str(value.get()).deserialize_map(Pairs).map(Self).ok()
    }

    /// Every pair, in order, with its key as it is written.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(key, value)| (key.as_str(), *value))
    }

    fn field(&self, name: &str) -> impl Iterator<Item = &'a RawValue> {
        self.pairs().filter(move |(key, _)| go::is_field(key, name)).map(|(_, value)| value)
    }

    /// A field with a text; the last one counts, and `null` leaves what was there.
    pub(crate) fn text(&self, name: &str) -> Result<String, String> {
        let mut text = String::new();
        for value in self.field(name) {
            let read: Option<String> =
                serde_json::from_str(value.get()).map_err(|_| format!("has a `{name}` that is not text"))?;
            text = read.unwrap_or(text);
        }
        Ok(text)
    }

    /// A field with a map: of equal keys the last one counts, and `null` empties it.
    pub(crate) fn map(&self, name: &str) -> Result<BTreeMap<String, &'a RawValue>, String> {
        let mut map = BTreeMap::new();
        for value in self.field(name) {
            if value.get() == "null" {
                map.clear();
            }
            map.extend(Self::part(name, value)?.0);
        }
        Ok(map)
    }

    /// Every pair of a field with a map, also those that do not count: Go reads them all.
    pub(crate) fn all(&self, name: &str) -> Result<Vec<(String, &'a RawValue)>, String> {
        let parts: Vec<Self> =
            self.field(name).map(|value| Self::part(name, value)).collect::<Result<_, _>>()?;
        Ok(parts.into_iter().flat_map(|Self(pairs)| pairs).collect())
    }

    fn part(name: &str, value: &'a RawValue) -> Result<Self, String> {
        Self::of(value).ok_or_else(|| format!("has `{name}`, which is not an object"))
    }
}

struct Pairs;

impl<'de> Visitor<'de> for Pairs {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(pairs)
    }
}

/// An entry of `auths`.
pub(crate) struct Entry<'a>(Object<'a>);

impl<'a> Entry<'a> {
    /// Takes an entry apart.
    pub(crate) fn of(value: &'a RawValue) -> Result<Self, String> {
        Object::of(value).map(Self).ok_or_else(|| "is not an object".to_owned())
    }

    /// A field with a text, empty where there is none.
    pub(crate) fn text(&self, name: &str) -> Result<String, String> {
        self.0.text(name)
    }

    /// The login in it, which may be empty: `auth`, else `username` and `password`.
    pub(crate) fn login(&self, encoding: impl FnOnce(&str) -> Base64) -> Result<Login, String> {
        let login =
            Login { username: self.text("username")?, token: Secret::foreign(self.text("password")?) };
        let auth = Zeroizing::new(self.text("auth")?);
        if auth.is_empty() {
            return Ok(login);
        }
        let damaged = "has an `auth` that is not user:password in base64";
        decoded(&auth, encoding(&auth)).ok_or_else(|| damaged.to_owned())
    }
}

fn decoded(auth: &str, encoding: Base64) -> Option<Login> {
    let pair = go::text(&encoding.decode(auth)?);
    let (username, password) = pair.split_once(':')?;
    Some(Login { username: username.to_owned(), token: Secret::foreign(password.to_owned()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Result<Vec<String>, String> {
        let object = Object::whole(text).ok_or("unreadable")?;
        Ok(object.map("auths")?.into_keys().collect())
    }

    #[test]
    fn a_map_is_gathered_from_every_spelling_of_its_name_and_null_empties_it() {
        let found = |text: &str| keys(text).unwrap();
        assert_eq!(found(r#"{"auths":{"a":1},"Auths":{"b":2},"AUTHS":{"a":3}}"#), ["a", "b"]);
        assert_eq!(found(r#"{"auths":{"a":1},"Auths":null,"x":{"c":1}}"#), [""; 0]);
        assert_eq!(found(r#"{"auths":null,"auths":{"a":1}}"#), ["a"]);
        for empty in ["", " \n", "null", "{}", r#"{"auths":null}"#, r#"{"auths":{}}"#] {
            assert_eq!(found(empty), [""; 0], "{empty}");
        }
        assert_eq!(keys(r#"{"auths":[]}"#), Err("has `auths`, which is not an object".to_owned()));
        for broken in ["[]", "{", "5", r#"{"a":1} x"#] {
            assert!(keys(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn of_a_stream_the_first_value_counts() {
        let found = |text| Object::first(text).map(|object| object.pairs().count());
        assert_eq!(found(r#"{"a":1} junk"#), Some(1));
        assert_eq!(found(""), Some(0));
        assert_eq!(found("null"), Some(0));
        assert_eq!(found("junk"), None);
        assert_eq!(found("[] {}"), None);
    }

    #[test]
    fn of_a_text_that_is_there_twice_the_last_one_counts_unless_it_is_null() {
        let text = |text| Object::whole(text).unwrap().text("auth");
        assert_eq!(text(r#"{"auth":"a","AUTH":"b","Auth":null}"#).as_deref(), Ok("b"));
        assert_eq!(text("{}").as_deref(), Ok(""));
        assert!(text(r#"{"auth":5,"auth":"b"}"#).is_err());
    }

    #[test]
    fn what_is_foreign_may_be_nested_as_deep_as_it_likes() {
        let deep = ["[".repeat(9_000), "]".repeat(9_000)].concat();
        let config = format!(r#"{{"x":{deep},"auths":{{"a":{deep}}}}}"#);
        assert_eq!(keys(&config), Ok(vec!["a".to_owned()]));
    }
}
