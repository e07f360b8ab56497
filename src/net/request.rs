//! What is sent.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use url::Url;
use zeroize::Zeroizing;

use super::{HttpError, MAX_BODY, NetError, Retry, redacted};
use crate::model::Secret;
use crate::redact;

/// What a path segment may hold as it is (RFC 3986, unreserved).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// One segment of a path, percent-encoded.
#[must_use]
pub(crate) fn segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// One request. Its `Debug` form shows neither header values, nor the body, nor unknown query parameters.
pub struct Request {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Zeroizing<Vec<u8>>>,
    pub(super) max_body: usize,
}

impl Request {
    /// A request without headers or body.
    pub fn new(method: Method, url: Url) -> Self {
        Self { method, url, headers: HeaderMap::new(), body: None, max_body: MAX_BODY }
    }

    /// A `GET` request.
    pub fn get(url: Url) -> Self {
        Self::new(Method::GET, url)
    }

    /// Adds a header that is not a secret.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Adds `Authorization: Basic`.
    pub fn basic(mut self, username: &str, secret: &Secret) -> Self {
        redact::teach_login(username, secret.expose());
        let pair = Zeroizing::new(format!("{username}:{}", secret.expose()));
        let encoded = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
        // Base64 has no character that a header cannot carry.
        if let Ok(value) = HeaderValue::from_str(&encoded) {
            self.authorize(value);
        }
        self
    }

    /// Adds `Authorization: Bearer`.
    ///
    /// # Errors
    /// [`HttpError`] if the token has characters that a header cannot carry, such as a line end.
    pub fn bearer(mut self, token: &Secret) -> Result<Self, HttpError> {
        let text = Zeroizing::new(format!("Bearer {}", token.expose()));
        match HeaderValue::from_str(&text) {
            Ok(value) => {
                self.authorize(value);
                Ok(self)
            }
            Err(_) => Err(self.failed(
                Retry::Never,
                None,
                "the token has characters that no header can carry".into(),
            )),
        }
    }

    /// Sends these fields as a web form.
    pub fn form(mut self, fields: &[(&str, &str)]) -> Self {
        let encoded = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        self.body = Some(Zeroizing::new(encoded.into_bytes()));
        self
    }

    /// Sends a value as JSON.
    pub fn json(mut self, value: &impl Serialize) -> Self {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        // Plain data cannot fail to serialize.
        self.body = Some(Zeroizing::new(serde_json::to_vec(value).unwrap_or_default()));
        self
    }

    /// Reads an answer of up to this many bytes, instead of [`MAX_BODY`].
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// The URL that the request goes to.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The same request to another URL.
    pub fn at(&self, url: Url) -> Self {
        Self {
            method: self.method.clone(),
            url,
            headers: self.headers.clone(),
            body: self.body.clone(),
            max_body: self.max_body,
        }
    }

    /// Whether the request changes nothing.
    pub fn reads(&self) -> bool {
        self.method == Method::GET || self.method == Method::HEAD
    }

    fn authorize(&mut self, mut value: HeaderValue) {
        value.set_sensitive(true);
        self.headers.insert(AUTHORIZATION, value);
    }

    pub(super) fn failed(&self, class: Retry, status: Option<u16>, detail: String) -> HttpError {
        HttpError {
            method: self.method.clone(),
            url: redacted(&self.url),
            class,
            status,
            detail,
            hints: Vec::new(),
            causes: Vec::new(),
            wait: None,
            page: false,
        }
    }

    /// The error of a try without an answer.
    pub(super) fn unanswered(&self, error: NetError) -> HttpError {
        let NetError { class, words, hints, causes } = error;
        let class = if class == Retry::ObserveFirst && self.reads() { Retry::Safe } else { class };
        HttpError { hints, causes, ..self.failed(class, None, words) }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({} {})", self.method, redacted(&self.url))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_sent_as_a_header_that_libraries_do_not_show() {
        let request = || Request::get(Url::parse("https://api.example/").expect("a URL"));
        let token = Secret::new("s3cret-0123456789".to_owned());
        let basic = request().basic("acme", &token);
        let bearer = request().bearer(&token).expect("a header can carry it");
        let pair = format!("Basic {}", STANDARD.encode("acme:s3cret-0123456789"));
        for (request, value) in [(basic, pair.as_str()), (bearer, "Bearer s3cret-0123456789")] {
            let header = request.headers.get(AUTHORIZATION).expect("it has a login");
            assert_eq!((header.to_str().ok(), header.is_sensitive()), (Some(value), true));
        }
    }
}
