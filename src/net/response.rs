//! What comes back.

use std::fmt;

use http::header::HeaderMap;
use http::{Method, StatusCode};

use super::{HttpError, Redirect, Retry, redacted, retry_after};
use crate::redact;

/// An answer of any status, read to its end. Its `Debug` form does not show the body, which may be a token.
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, never longer than the request allows.
    pub body: Vec<u8>,
    pub(super) method: Method,
    pub(super) url: String,
    pub(super) redirect: Option<Redirect>,
}

impl Response {
    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether the server had a fault, which another try may not meet.
    pub fn is_fault(&self) -> bool {
        matches!(self.status, 408 | 500..=599)
    }

    /// Where the answer redirects to.
    pub(crate) fn redirect(&self) -> Option<&Redirect> {
        self.redirect.as_ref()
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// [`HttpError`] if it does not have the expected form. Of the body only a page's title is ever repeated.
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, HttpError> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            let detail = match title(&String::from_utf8_lossy(&self.body)) {
                Some(title) => format!("a page came instead of JSON: {}", redact::outside(title)),
                None => {
                    format!("the answer is not the JSON that was expected (line {line}, column {column})")
                }
            };
            self.failed(Retry::Never, detail)
        })
    }

    /// The error that an answer with this status is.
    pub fn error(&self) -> HttpError {
        let class = match self.status {
            429 => Retry::Safe,
            408 | 500..=599 if matches!(self.method, Method::GET | Method::HEAD) => Retry::Safe,
            408 | 500..=599 => Retry::ObserveFirst,
            _ => Retry::Never,
        };
        self.failed(class, format!("{}: {}", self.status, self.detail()))
    }

    /// What the server says about the answer, as it may be shown; the status in words if it says nothing.
    pub fn detail(&self) -> String {
        match &self.redirect {
            Some(Redirect::Elsewhere(target)) => {
                return redact::outside(&format!("it redirects to {target}, where nothing is sent"));
            }
            Some(Redirect::Within(target)) => {
                return redact::outside(&format!("it redirects to {}", redacted(target)));
            }
            None => {}
        }
        let said = self.message().map(|text| redact::outside(&text)).filter(|text| !text.is_empty());
        let status = StatusCode::from_u16(self.status).ok();
        let reason = status.and_then(|status| status.canonical_reason()).unwrap_or("no reason given");
        said.unwrap_or_else(|| reason.to_lowercase())
    }

    fn message(&self) -> Option<String> {
        match serde_json::from_slice(&self.body) {
            Ok(body) => message(&body).map(str::to_owned),
            Err(_) => self.page(),
        }
    }

    /// The text of an answer that is not JSON: of something in front of an API, such as a firewall or a proxy.
    pub(crate) fn page(&self) -> Option<String> {
        if serde_json::from_slice::<serde::de::IgnoredAny>(&self.body).is_ok() {
            return None;
        }
        let text = String::from_utf8_lossy(&self.body);
        let text = title(&text).map_or_else(|| without_tags(&text), str::to_owned);
        let words: Vec<&str> = text.split_whitespace().collect();
        let text = redact::outside(&words.join(" ")).chars().take(PAGE).collect::<String>();
        (!text.is_empty()).then_some(text)
    }

    fn failed(&self, class: Retry, detail: String) -> HttpError {
        HttpError {
            method: self.method.clone(),
            url: self.url.clone(),
            class,
            status: Some(self.status),
            detail,
            hints: Vec::new(),
            causes: Vec::new(),
            wait: retry_after(&self.headers),
            page: self.page().is_some(),
        }
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({} {}: {}, {} bytes)", self.method, self.url, self.status, self.body.len())
    }
}

/// The message of an error as registries, token services and APIs write it.
fn message(body: &serde_json::Value) -> Option<&str> {
    let own = ["message", "details", "detail", "error_description", "error", "title", "text"];
    let nested = body.get("errors").and_then(|errors| errors.get(0)).or_else(|| body.get("error"));
    own.iter()
        .find_map(|key| body.get(key)?.as_str())
        .or_else(|| nested.and_then(|inner| inner.as_str().or_else(|| inner.get("message")?.as_str())))
}

/// As many characters of a page say what it is.
const PAGE: usize = 200;

fn title(page: &str) -> Option<&str> {
    between(page, "<title>", "</title>").map(str::trim).filter(|title| !title.is_empty())
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    // The tags are ASCII, whose case does not change a text's length.
    let small = text.to_ascii_lowercase();
    let from = small.find(start)? + start.len();
    let length = small[from..].find(end)?;
    text.get(from..from + length)
}

/// What a browser would show, roughly: without tags, styles and scripts.
fn without_tags(text: &str) -> String {
    let mut rest = text;
    let mut shown = String::new();
    while let Some((before, tag)) = rest.split_once('<') {
        shown.push_str(before);
        shown.push(' ');
        let name: String =
            tag.chars().take_while(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
        let hidden = matches!(name.as_str(), "script" | "style");
        let end = if hidden { format!("</{name}") } else { ">".to_owned() };
        let after = tag.to_ascii_lowercase().find(&end).map_or("", |at| &tag[at + end.len()..]);
        rest = if hidden { after.split_once('>').map_or("", |(_, after)| after) } else { after };
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(body: &str) -> Option<String> {
        let (headers, body) = (HeaderMap::new(), body.as_bytes().to_vec());
        let url = "https://api.example/".to_owned();
        Response { status: 403, headers, body, method: Method::GET, url, redirect: None }.page()
    }

    #[test]
    fn what_a_server_says_of_a_refusal_is_told_and_the_status_in_words_where_it_says_nothing() {
        for (body, told) in [
            (r#"{"message":"no such repository"}"#, "no such repository"),
            (r#"{"details":"bad scope"}"#, "bad scope"),
            (r#"{"fields":{},"text":"no room"}"#, "no room"),
            (r#"{"errors":[{"code":"DENIED","message":"access denied"}]}"#, "access denied"),
            (r#"{"errors":["denied"]}"#, "denied"),
            (r#"{"error":{"message":"expired"}}"#, "expired"),
            ("<title>Blocked</title>", "Blocked"),
            (r#"{"id":1}"#, "forbidden"),
            ("", "forbidden"),
        ] {
            let (headers, body) = (HeaderMap::new(), body.as_bytes().to_vec());
            let url = "https://api.example/".to_owned();
            let answer = Response { status: 403, headers, body, method: Method::GET, url, redirect: None };
            assert_eq!(answer.detail(), told);
        }
    }

    #[test]
    fn a_page_where_json_was_expected_is_told_by_its_title_and_anything_else_by_its_place() {
        let error = |body: &str| {
            let (headers, body) = (HeaderMap::new(), body.as_bytes().to_vec());
            let url = "https://api.example/".to_owned();
            let answer = Response { status: 200, headers, body, method: Method::GET, url, redirect: None };
            answer.json::<Vec<String>>().expect_err("no list").detail
        };
        let page = "<html><title>Attention Required! | Cloudflare</title></html>";
        assert_eq!(error(page), "a page came instead of JSON: Attention Required! | Cloudflare");
        let cut = "the answer is not the JSON that was expected (line 1, column 5)";
        assert_eq!(error("[\"s3c"), cut);
    }

    #[test]
    fn a_page_in_the_place_of_an_answer_is_told_by_what_a_person_would_read() {
        for (body, text) in [
            ("error code: 1010\n", Some("error code: 1010")),
            (
                "<html><head><TITLE>Just a moment...</TITLE></head><body>x</body></html>",
                Some("Just a moment..."),
            ),
            (
                "<style>p {}</style><h1>403</h1><p>Not available in your <b>country</b></p>",
                Some("403 Not available in your country"),
            ),
            ("<script>if (a < b) {}</script >blocked", Some("blocked")),
            ("", None),
            ("<", None),
            (r#"{"message":"no"}"#, None),
            ("[]", None),
        ] {
            assert_eq!(page(body).as_deref(), text, "{body}");
        }
    }
}
