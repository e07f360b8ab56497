//! A request that was read whole, and the answer to it: what every double works on.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use http::{HeaderMap, Method};
use hyper::body::Bytes;
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde_json::Value;

/// A request with its body.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// As sent, still percent-encoded.
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Path segments, decoded one by one, so that `%2F` inside a name does not split it.
    pub(crate) fn segments(&self) -> Vec<String> {
        self.path.split('/').filter(|part| !part.is_empty()).map(decode).collect()
    }

    /// The query, or a form body, as a map.
    pub(crate) fn query_map(&self) -> BTreeMap<String, String> {
        form(&self.query)
    }

    pub(crate) fn host(&self) -> &str {
        self.header("host").unwrap_or("127.0.0.1")
    }

    /// All headers with lower-case names; a repeated one is joined with a comma.
    pub(crate) fn header_map(&self) -> BTreeMap<String, String> {
        let mut map: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in &self.headers {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            map.entry(name.as_str().to_owned())
                .and_modify(|known| {
                    known.push_str(", ");
                    known.push_str(&value);
                })
                .or_insert(value);
        }
        map
    }
}

/// `a=1&b=x+y` as a map; the last of a repeated name wins.
pub(crate) fn form(text: &str) -> BTreeMap<String, String> {
    pairs(text).collect()
}

/// A time as HTTP writes it (RFC 9110, 5.6.7).
pub(crate) fn http_date(time: DateTime<Utc>) -> String {
    time.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// `a=1&a=2` as pairs.
pub(crate) fn pairs(text: &str) -> impl Iterator<Item = (String, String)> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decode(&name.replace('+', " ")), decode(&value.replace('+', " "))))
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// An answer, before faults are done to it.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn text(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::empty(status).with_body(content_type, body.into())
    }

    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::text(status, "application/json; charset=utf-8", body.to_string())
    }

    /// Anything that serialises; a value that does not is a fault of the sandbox and says so.
    pub(crate) fn serialized(value: &impl Serialize) -> Self {
        match serde_json::to_vec_pretty(value) {
            Ok(body) => Self::text(200, "application/json", body),
            Err(error) => Self::text(500, "text/plain", error.to_string()),
        }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn with_body(mut self, content_type: &str, body: Vec<u8>) -> Self {
        self.body = body;
        self.with("content-type", content_type)
    }
}
