//! What an object of its kind has to be (`apimachinery/pkg/api/validation`, `core/validation`).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use regex_lite::Regex;
use serde_json::{Map, Value};

use super::error::{Cause, Refusal};
use super::routes::Resource;

const SUBDOMAIN: &str = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
const LABEL_NAME: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const LABEL_VALUE: &str = "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?";
const DATA_KEY: &str = "[-._a-zA-Z0-9]+";
/// 1 MiB over all values of a secret.
const SECRET_LIMIT: usize = 1 << 20;
/// 256 KiB over all keys and values of annotations.
const ANNOTATIONS_LIMIT: usize = 256 * 1024;
const IMMUTABLE: &str = "field is immutable when `immutable` is set";

/// A new object, or one that an old one becomes.
pub(crate) fn check(resource: Resource, name: &str, old: Option<&Value>, new: &Value) -> Result<(), Refusal> {
    let mut causes = metadata(&new["metadata"]);
    if let Some(old) = old {
        causes.extend(metadata_update(&old["metadata"], &new["metadata"]));
    }
    if resource == Resource::Secrets {
        causes.extend(old.into_iter().flat_map(|old| secret_update(old, new)));
        causes.extend(secret(new));
    }
    if causes.is_empty() { Ok(()) } else { Err(Refusal::invalid(resource.kind(), name, &causes)) }
}

fn metadata(metadata: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    match metadata["name"].as_str() {
        None | Some("") => {
            causes.push(Cause::required("metadata.name", "name or generateName is required"));
        }
        Some(name) => {
            causes.extend(subdomain(name).iter().map(|words| Cause::invalid("metadata.name", name, words)));
        }
    }
    for (key, value) in members(&metadata["labels"]) {
        causes.extend(label_key(key).iter().map(|words| Cause::invalid("metadata.labels", key, words)));
        let value = value.as_str().unwrap_or_default();
        causes.extend(label_value(value).iter().map(|words| Cause::invalid("metadata.labels", value, words)));
    }
    let mut size = 0;
    for (key, value) in members(&metadata["annotations"]) {
        size += key.len() + value.as_str().map_or(0, str::len);
        // Annotations are compared without regard to case.
        let words = label_key(&key.to_lowercase());
        causes.extend(words.iter().map(|words| Cause::invalid("metadata.annotations", key, words)));
    }
    if size > ANNOTATIONS_LIMIT {
        causes.push(too_long("metadata.annotations", ANNOTATIONS_LIMIT));
    }
    causes
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

/// What the server itself writes cannot be changed.
fn metadata_update(old: &Value, new: &Value) -> Vec<Cause> {
    let fixed = ["name", "namespace", "uid", "creationTimestamp"];
    let changed = fixed.iter().filter(|field| old[**field] != new[**field]);
    changed
        .map(|field| {
            let value = new[*field].as_str().unwrap_or_default();
            Cause::invalid(format!("metadata.{field}"), value, "field is immutable")
        })
        .collect()
}

fn secret_update(old: &Value, new: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    if old["type"] != new["type"] {
        causes.push(Cause::invalid("type", new["type"].as_str().unwrap_or_default(), "field is immutable"));
    }
    if old["immutable"] == true {
        if new["immutable"] != true {
            causes.push(Cause::forbidden("immutable", IMMUTABLE));
        }
        if old["data"] != new["data"] {
            causes.push(Cause::forbidden("data", IMMUTABLE));
        }
    }
    causes
}

fn secret(secret: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let mut size = 0;
    for (key, value) in members(&secret["data"]) {
        causes.extend(
            data_key(key).into_iter().map(|words| Cause::invalid(format!("data[{key}]"), key, words)),
        );
        size += decoded(value).len();
    }
    if size > SECRET_LIMIT {
        causes.push(too_long("data", SECRET_LIMIT));
    }
    let required: &[(&str, bool)] = match secret["type"].as_str().unwrap_or_default() {
        "kubernetes.io/dockerconfigjson" => &[(".dockerconfigjson", true)],
        "kubernetes.io/dockercfg" => &[(".dockercfg", true)],
        "kubernetes.io/tls" => &[("tls.crt", false), ("tls.key", false)],
        "kubernetes.io/ssh-auth" => &[("ssh-privatekey", false)],
        _ => &[],
    };
    for (key, is_json) in required {
        match secret["data"].get(key) {
            None => causes.push(Cause::required(format!("data[{key}]"), "")),
            Some(value) if *is_json => {
                let wrong = not_an_object(&decoded(value));
                let cause =
                    |words| Cause::invalid(format!("data[{key}]"), "<secret contents redacted>", words);
                causes.extend(wrong.map(cause));
            }
            Some(_) => {}
        }
    }
    causes
}

fn data_key(key: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if key.len() > 253 {
        wrong.push("must be no more than 253 characters".to_owned());
    }
    if !matches(DATA_KEY, key) {
        wrong.push(format!(
            "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or \
             'KEY_NAME',  or 'key-name', regex used for validation is '{DATA_KEY}')"
        ));
    }
    match key {
        "." | ".." => wrong.push(format!("must not be '{key}'")),
        _ if key.starts_with("..") => wrong.push("must not start with '..'".to_owned()),
        _ => {}
    }
    wrong
}

fn decoded(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().unwrap_or_default()).unwrap_or_default()
}

/// Go's words for what is not a JSON object. `null` is one. That there are `auths` in it is not asked; what is nested deeply
/// or is not UTF-8 within a text is taken.
fn not_an_object(bytes: &[u8]) -> Option<String> {
    let first = bytes.trim_ascii_start().first();
    let found = match serde_json::from_slice::<serde::de::IgnoredAny>(bytes) {
        Ok(_) => match first {
            Some(b'{' | b'n') => return None,
            Some(b't' | b'f') => "bool",
            Some(b'"') => "string",
            Some(b'[') => "array",
            _ => "number",
        },
        Err(error) if error.is_eof() => return Some("unexpected end of JSON input".to_owned()),
        Err(error) => {
            let line =
                bytes.split(|byte| *byte == b'\n').nth(error.line().saturating_sub(1)).unwrap_or_default();
            let symbol = line.get(error.column().saturating_sub(1)).copied().unwrap_or(b'\n');
            let where_ =
                if error.line() == 1 && error.column() <= 1 { " looking for beginning of value" } else { "" };
            return Some(format!("invalid character {:?}{where_}", char::from(symbol)));
        }
    };
    Some(format!("json: cannot unmarshal {found} into Go value of type map[string]interface {{}}"))
}

fn too_long(field: &str, limit: usize) -> Cause {
    let message = format!("Too long: may not be more than {limit} bytes");
    Cause { reason: "FieldValueTooLong", field: field.to_owned(), message }
}

fn subdomain(name: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if name.len() > 253 {
        wrong.push("must be no more than 253 bytes".to_owned());
    }
    if !matches(SUBDOMAIN, name) {
        wrong.push(format!(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must \
             start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
             '{SUBDOMAIN}')"
        ));
    }
    wrong
}

/// What is wrong with a label's key: a name, with a DNS name and `/` before it where one likes.
pub(crate) fn label_key(key: &str) -> Vec<String> {
    let pattern = format!(
        "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric \
         character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{LABEL_NAME}')"
    );
    let (prefix, name) = match key.split('/').collect::<Vec<_>>()[..] {
        [name] => (None, name),
        [prefix, name] => (Some(prefix), name),
        _ => {
            return vec![format!(
                "a valid label key {pattern} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
            )];
        }
    };
    let mut wrong = Vec::new();
    match prefix {
        Some("") => wrong.push("prefix part must be non-empty".to_owned()),
        Some(prefix) => {
            wrong.extend(subdomain(prefix).into_iter().map(|words| format!("prefix part {words}")))
        }
        None => {}
    }
    if name.is_empty() {
        wrong.push("name part must be non-empty".to_owned());
    } else if name.len() > 63 {
        wrong.push("name part must be no more than 63 bytes".to_owned());
    }
    if !matches(LABEL_NAME, name) {
        wrong.push(format!("name part {pattern}"));
    }
    wrong
}

fn label_value(value: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if value.len() > 63 {
        wrong.push("must be no more than 63 bytes".to_owned());
    }
    if !matches(LABEL_VALUE, value) {
        wrong.push(format!(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must \
             start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for \
             validation is '{LABEL_VALUE}')"
        ));
    }
    wrong
}

fn matches(pattern: &str, text: &str) -> bool {
    Regex::new(&format!("^(?:{pattern})$")).is_ok_and(|regex| regex.is_match(text))
}
