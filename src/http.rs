//! The one HTTP client: timeouts, retry classes, a cap on bodies, errors without secrets.
//!
//! Every system without an SDK of its own is spoken to through it. It follows no redirect by itself, so that a credential
//! goes only where its caller sends it, and it speaks plain http to the machine itself and to nobody else.

mod request;
mod response;
mod trace;
mod tries;

use std::error::Error;
use std::net::IpAddr;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use http::Method;
use url::{Host, Url};

use crate::redact;

pub use request::Request;
pub(crate) use request::segment;
pub use response::Response;
pub(crate) use trace::trace;
pub use tries::{TRIES, Trouble, after_fault, retry_after, tries};

/// How long a connection may take to be made.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long one try may take in all, from the connection to the last byte of the answer.
pub const TOTAL_TIMEOUT: Duration = Duration::from_secs(30);

/// How many bytes of an answer are read unless a request says otherwise.
pub const MAX_BODY: usize = 64 * 1024;

/// Query parameters whose values may be shown. Whatever is not listed may be a secret.
const SHOWN_PARAMETERS: [&str; 6] = ["service", "scope", "page", "per_page", "limit", "offset"];

/// What may be done after a failed request, known from where it failed and never from the text of the error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Retry {
    /// It had no effect, or reading twice does no harm: the same request may be sent again.
    Safe,
    /// It may have had its effect: look first.
    ObserveFirst,
    /// The same request would fail in the same way.
    Never,
}

/// A request that was not answered as its sender needs it.
#[derive(Debug, thiserror::Error)]
#[error("{method} {url}: {detail}")]
pub struct HttpError {
    /// The request's method.
    pub method: Method,
    /// The request's URL without what may be secret in it.
    pub url: String,
    /// What may be done now.
    pub class: Retry,
    /// The answer's status, if there was an answer.
    pub status: Option<u16>,
    /// What went wrong, in one line.
    pub detail: String,
    #[source]
    source: Option<Box<reqwest::Error>>,
}

/// The client. Cloning it shares its connections.
#[derive(Debug, Clone)]
pub struct Http {
    proxied: reqwest::Client,
    direct: reqwest::Client,
}

impl Http {
    /// Makes the client, with the proxies that the environment names for all hosts but this machine.
    ///
    /// # Errors
    /// [`HttpError`] if TLS cannot be set up (no readable root certificates).
    pub fn new() -> Result<Self, HttpError> {
        // An error means that a provider is installed already: by `main`, or by an earlier client.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Ok(Self { proxied: build(client())?, direct: build(client().no_proxy())? })
    }

    /// Sends a request and reads the answer, whatever its status. Requests that only read are tried up to
    /// [`TRIES`] times when no connection could be made or the answer was 502, 503 or 504.
    ///
    /// # Errors
    /// [`HttpError`] if there was no answer, or one that is too long.
    pub async fn send(&self, request: &Request) -> Result<Response, HttpError> {
        let again = if request.reads() { TRIES as usize - 1 } else { 0 };
        let backoff = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(200))
            .with_max_times(again)
            .with_jitter();
        let answered = (|| self.attempt(request)).retry(backoff).when(Failed::is_transient).await;
        answered.or_else(|failed| match failed {
            Failed::Busy(response) => Ok(response),
            Failed::Broken { error, .. } => Err(error),
        })
    }

    async fn attempt(&self, request: &Request) -> Result<Response, Failed> {
        if request.url.scheme() != "https" && !request.plain_http && !is_loopback(&request.url) {
            let detail = "plain http is refused for a host that is not this machine".into();
            return Err(Failed::broken(request.failed(Retry::Never, None, detail)));
        }
        let client = if is_loopback(&request.url) { &self.direct } else { &self.proxied };
        let mut built =
            client.request(request.method.clone(), request.url.clone()).headers(request.headers.clone());
        if let Some(body) = &request.body {
            built = built.body(body.to_vec());
        }
        let sent = built.send().await;
        let status = sent.as_ref().ok().map(|answer| answer.status().as_u16());
        trace(request.method.as_str(), request.url.as_str(), None, status);
        let answer = sent.map_err(|error| broken(request, error))?;
        let response = read(request, answer).await?;
        if matches!(response.status, 502..=504) { Err(Failed::Busy(response)) } else { Ok(response) }
    }
}

/// Why one try gave no answer that ends the request.
enum Failed {
    /// An answer that a second try may better.
    Busy(Response),
    /// No answer, or one that cannot be read.
    Broken { error: HttpError, unsent: bool },
}

impl Failed {
    fn broken(error: HttpError) -> Self {
        Self::Broken { error, unsent: false }
    }

    fn is_transient(&self) -> bool {
        match self {
            Self::Busy(_) => true,
            Self::Broken { unsent, .. } => *unsent,
        }
    }
}

/// Whether a URL's host is this machine: an address of the loopback network, `localhost` or a name under it (RFC 6761).
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    }
}

/// A URL as it may be shown: without user information and fragment, and with the values of known parameters only.
pub fn redacted(url: &Url) -> String {
    let mut text = format!("{}{}", url.origin().ascii_serialization(), url.path());
    for (index, (name, value)) in url.query_pairs().enumerate() {
        let shown = if SHOWN_PARAMETERS.contains(&name.as_ref()) { value.as_ref() } else { "…" };
        text.push(if index == 0 { '?' } else { '&' });
        text.push_str(&format!("{name}={shown}"));
    }
    redact::line(&text)
}

fn client() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(concat!("regcred/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TOTAL_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
}

fn build(builder: reqwest::ClientBuilder) -> Result<reqwest::Client, HttpError> {
    builder.build().map_err(|error| HttpError {
        method: Method::GET,
        url: "https:".into(),
        class: Retry::Never,
        status: None,
        detail: "the HTTP client cannot be made".into(),
        source: Some(Box::new(error)),
    })
}

/// What is at the bottom of an error: a name that does not resolve, a certificate that is not trusted.
fn innermost(error: &reqwest::Error) -> Option<String> {
    let mut cause = error.source()?;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    Some(redact::outside(&cause.to_string()))
}

fn broken(request: &Request, error: reqwest::Error) -> Failed {
    let unsent = error.is_connect();
    let class = if unsent || request.reads() { Retry::Safe } else { Retry::ObserveFirst };
    let detail = if error.is_timeout() {
        format!("no answer within {} seconds", if unsent { CONNECT_TIMEOUT } else { TOTAL_TIMEOUT }.as_secs())
    } else if unsent {
        match innermost(&error) {
            Some(cause) => format!("no connection could be made: {cause}"),
            None => "no connection could be made".into(),
        }
    } else {
        "the connection broke before the answer was complete".into()
    };
    let mut failed = request.failed(class, None, detail);
    // What kept a connection from being made is in the words already.
    failed.source = (!unsent).then(|| Box::new(error.without_url()) as _);
    Failed::Broken { error: failed, unsent }
}

async fn read(request: &Request, mut answer: reqwest::Response) -> Result<Response, Failed> {
    let status = answer.status().as_u16();
    let headers = std::mem::take(answer.headers_mut());
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| broken(request, error))? {
        if body.len() + chunk.len() > request.max_body {
            let detail = format!("the answer is longer than {} bytes", request.max_body);
            return Err(Failed::broken(request.failed(Retry::Never, Some(status), detail)));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Response { status, headers, body, method: request.method.clone(), url: redacted(&request.url) })
}
