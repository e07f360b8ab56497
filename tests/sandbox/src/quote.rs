//! A server that repeats what it was sent in its words about an error: the secrets of a request, in one spelling.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, percent_encode_byte, utf8_percent_encode};
use serde::Serialize;
use serde_json::Value;

use crate::message::{Reply, Request, form};

/// What begins the words that repeat something.
const OPENING: &str = "you sent";
/// Headers that log in.
const HEADERS: [&str; 3] = ["authorization", "x-amz-security-token", "proxy-authorization"];
/// Fields that hold a secret, also of the JSON within a text.
const FIELDS: [&str; 8] = [
    "password",
    "accessToken",
    "token",
    "auth",
    "SecretString",
    "refresh_token",
    ".dockerconfigjson",
    "value",
];

/// How a secret is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Spelling {
    /// As it is.
    Raw,
    /// Its first 14 characters.
    Beginning,
    /// In base64.
    Base64,
    /// In base64, one byte behind the beginning of a text.
    Second,
    /// In base64, two bytes behind the beginning of a text.
    Third,
    /// In the base64 of URLs, without padding.
    Base64Url,
    /// In hexadecimal digits.
    Hex,
    /// In hexadecimal digits in capital letters.
    HexUpper,
    /// Percent-encoded.
    Percent,
    /// As in a web form.
    Form,
    /// As a text of JSON.
    Json,
    /// As a text of JSON in a text of JSON.
    JsonTwice,
    /// As a text of JSON, every character by its number.
    Unicode,
    /// As text of HTML.
    Html,
}

impl Spelling {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Raw,
        Self::Beginning,
        Self::Base64,
        Self::Second,
        Self::Third,
        Self::Base64Url,
        Self::Hex,
        Self::HexUpper,
        Self::Percent,
        Self::Form,
        Self::Json,
        Self::JsonTwice,
        Self::Unicode,
        Self::Html,
    ];

    /// A text in this spelling.
    #[must_use]
    pub fn write(self, text: &str) -> String {
        let json = |text: &str| {
            let quoted = Value::from(text).to_string();
            quoted[1..quoted.len() - 1].to_owned()
        };
        match self {
            Self::Raw => text.to_owned(),
            Self::Beginning => text.chars().take(14).collect(),
            Self::Base64 => STANDARD.encode(text),
            Self::Second => STANDARD.encode(format!("x{text}y")),
            Self::Third => STANDARD.encode(format!("xx{text}yy")),
            Self::Base64Url => URL_SAFE_NO_PAD.encode(text),
            Self::Hex => text.bytes().map(|byte| format!("{byte:02x}")).collect(),
            Self::HexUpper => text.bytes().map(|byte| format!("{byte:02X}")).collect(),
            Self::Percent => utf8_percent_encode(text, NON_ALPHANUMERIC).to_string(),
            Self::Form => text.bytes().map(in_form).collect(),
            Self::Json => json(text),
            Self::JsonTwice => json(&json(text)),
            Self::Unicode => text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect(),
            Self::Html => html(text),
        }
    }
}

fn html(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&#39;")
}

fn in_form(byte: u8) -> String {
    match byte {
        b' ' => "+".to_owned(),
        byte if byte.is_ascii_alphanumeric() || b"*-._".contains(&byte) => char::from(byte).to_string(),
        byte => percent_encode_byte(byte).to_owned(),
    }
}

/// Words that repeat the secrets of a request.
pub(crate) fn quoted(request: &Request, spelling: Spelling) -> String {
    let secrets: Vec<String> = secrets(request).iter().map(|secret| spelling.write(secret)).collect();
    format!("{OPENING} {}", secrets.join(" "))
}

/// The answer with other words: in a member of its JSON or an element of its XML.
pub(crate) fn reworded(mut reply: Reply, words: &str) -> Reply {
    let text = String::from_utf8_lossy(&reply.body).into_owned();
    reply.body = match serde_json::from_str::<Value>(&text) {
        Ok(mut body) => {
            reword(&mut body, words);
            body.to_string()
        }
        Err(_) => in_element(&text, words),
    }
    .into_bytes();
    reply
}

fn reword(body: &mut Value, words: &str) {
    for member in ["message", "Message", "detail"] {
        if let Some(text) = body.get_mut(member) {
            *text = words.into();
        }
    }
    if let Some(error) = body.get_mut("errors").and_then(|errors| errors.get_mut(0)) {
        error["message"] = words.into();
    }
}

fn in_element(text: &str, words: &str) -> String {
    let escaped = html(words);
    let split =
        text.split_once("<Message>").and_then(|(head, rest)| Some((head, rest.split_once("</Message>")?.1)));
    split.map_or(escaped.clone(), |(head, tail)| format!("{head}<Message>{escaped}</Message>{tail}"))
}

/// The secrets of a request, those of its body first.
fn secrets(request: &Request) -> Vec<String> {
    let body = String::from_utf8_lossy(&request.body);
    let mut found = match serde_json::from_str::<Value>(&body) {
        Ok(body) => of_value(&body),
        Err(_) => form(&body)
            .into_iter()
            .filter(|(name, _)| FIELDS.contains(&name.as_str()))
            .map(|(_, value)| value)
            .collect(),
    };
    let headers = HEADERS.iter().filter_map(|name| request.header(name));
    found.extend(headers.flat_map(of_header));
    found
}

/// What a header has behind the kind of login; a user name and a password one by one, too.
fn of_header(value: &str) -> Vec<String> {
    let credential = value.split_once(' ').map_or(value, |(_, credential)| credential).to_owned();
    let pair = STANDARD.decode(&credential).ok().and_then(|pair| String::from_utf8(pair).ok());
    let password = pair.as_ref().and_then(|pair| Some(pair.split_once(':')?.1.to_owned()));
    password.into_iter().chain(pair).chain([credential]).collect()
}

/// What the secret fields of a JSON value hold, inside out: `SecretString` has JSON in it, and a pull secret has it in
/// base64.
fn of_value(value: &Value) -> Vec<String> {
    match value {
        Value::Object(fields) => fields.iter().flat_map(|(name, value)| of_field(name, value)).collect(),
        Value::Array(items) => items.iter().flat_map(of_value).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

fn of_field(name: &str, value: &Value) -> Vec<String> {
    let Value::String(text) = value else { return of_value(value) };
    let decoded = STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let inner =
        [Some(text.clone()), decoded].into_iter().flatten().find_map(|text| serde_json::from_str(&text).ok());
    let mut found = inner.as_ref().map(of_value).unwrap_or_default();
    if FIELDS.contains(&name) {
        found.push(text.clone());
    }
    found
}
