//! The one way out to the network. Every system is spoken to through it: registries, Daytona and RunPod as [`Http`] itself,
//! AWS's SDK, octocrab and kube by adaptors that make it their connector.
//!
//! So there is one place for what holds for all: proxies and certificates (from [`Env`], never from the process), plain
//! http to this machine only, no redirect to another server, limits of time and length, and a line of `-vv` for each try.

mod error;
mod guard;
pub(crate) mod header;
mod p521;
mod proxy;
mod redirect;
mod request;
mod response;
mod retry;
mod service;
mod trace;
mod trust;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::ClientConfig;
use url::Url;

pub use error::NetError;
pub(crate) use guard::check;
pub use guard::is_loopback;
pub(crate) use proxy::Proxy;
pub(crate) use redirect::Redirect;
pub use request::Request;
pub(crate) use request::segment;
pub use response::Response;
pub use retry::{Pace, Policy, Retry, TryError, Wait, retry_after};
pub(crate) use trust::{Roots, Verifier};

use crate::env::Env;
use crate::model::Problem;
use crate::redact;
use error::Way;
use proxy::Proxies;

/// How long a connection may take to be made.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long one try may take in all, from the connection to the last byte of the answer, unless a client asks for less.
pub const TOTAL_TIMEOUT: Duration = Duration::from_secs(30);

/// How many bytes of an answer are read unless a request says otherwise.
pub const MAX_BODY: usize = 64 * 1024;

/// How many pages a list may have: more than any real one, so that one without an end has one.
pub const MAX_PAGES: usize = 1000;

/// Query parameters whose values may be shown. Whatever is not listed may be a secret.
const SHOWN_PARAMETERS: [&str; 6] = ["service", "scope", "page", "per_page", "limit", "offset"];

/// The beginnings of the names of AWS's operations that change nothing; their method does not tell.
const READING_OPERATIONS: [&str; 8] =
    ["Assume", "BatchGet", "Decrypt", "Describe", "Get", "List", "Lookup", "Validate"];

/// The body of an answer that is still coming.
pub type Body = BoxBody<Bytes, NetError>;

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
    /// What to do about it.
    pub hints: Vec<String>,
    /// What caused it, the nearest first.
    pub causes: Vec<String>,
    /// How long the server asks to wait.
    pub wait: Option<Duration>,
    /// Whether it was answered by a page, as something in front of an API does.
    pub page: bool,
}

impl HttpError {
    /// What may be done about it, for a [`Policy`]. A server without a word of its own is asked again after `pause`.
    pub fn trouble(self, pause: Duration) -> TryError<Self> {
        match (self.status, self.class) {
            (Some(429), _) => TryError::Wait(self.wait.unwrap_or(pause), self),
            (_, Retry::Never) => TryError::Final(self),
            (None, Retry::Safe) => TryError::Unsent(self),
            _ => TryError::Fault(self),
        }
    }
}

/// The client. Cloning it shares its connections.
#[derive(Clone)]
pub struct Http {
    client: reqwest::Client,
    proxies: Arc<Proxies>,
    roots: Arc<Roots>,
    rules: Rules,
    /// How many requests that write were answered as done, by whatever client was made of the first.
    writes: Arc<AtomicUsize>,
    /// Says a word to whoever waits.
    say: Say,
}

type Say = Arc<dyn Fn(&str) + Send + Sync>;

/// What holds for the requests of one system.
#[derive(Clone, Copy, Debug)]
struct Rules {
    /// Whether plain http may go to another machine.
    insecure: bool,
    /// Whether the SDK's login services may be asked.
    login_services: bool,
    /// How long one try may take.
    patience: Duration,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Http({:?}, {:?})", self.proxies, self.rules)
    }
}

impl Http {
    /// Makes the client with the proxies and certificates that the environment names. No file is read before a server
    /// shows a certificate.
    ///
    /// # Errors
    /// The environment names a proxy that is none.
    pub fn new(env: &Env) -> Result<Self, Problem> {
        let rules = Rules { insecure: false, login_services: false, patience: TOTAL_TIMEOUT };
        let roots = Arc::new(Roots::of(env));
        let tls = trust::client_config(Arc::clone(&roots)).map_err(|error| unmade(&error))?;
        Self::made(Arc::new(Proxies::of(env)?), roots, rules, tls, None)
    }

    /// How many requests that write were answered as done so far, by this client and by all that were made of it.
    #[must_use]
    pub fn writes(&self) -> usize {
        self.writes.load(Ordering::Relaxed)
    }

    /// This client with the count of another, and its listener.
    fn counting(self, other: &Self) -> Self {
        Self { writes: Arc::clone(&other.writes), say: Arc::clone(&other.say), ..self }
    }

    /// The same client with somebody who listens.
    #[must_use]
    pub fn telling(self, say: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self { say: Arc::new(say), ..self }
    }

    /// Says that something takes long.
    pub(crate) fn say(&self, words: &str) {
        (self.say)(words);
    }

    /// The same client for a target that may be declared `insecure`.
    #[must_use]
    pub fn insecure(&self, insecure: bool) -> Self {
        let rules = Rules { insecure, ..self.rules };
        Self { rules, ..self.clone() }
    }

    /// The same client with another limit of time for one try.
    #[must_use]
    pub(crate) fn patience(&self, patience: Duration) -> Self {
        let rules = Rules { patience, ..self.rules };
        Self { rules, ..self.clone() }
    }

    /// The same client for AWS's SDK, which asks its login services without TLS.
    #[must_use]
    pub(crate) fn with_login_services(&self) -> Self {
        let rules = Rules { login_services: true, ..self.rules };
        Self { rules, ..self.clone() }
    }

    /// A client that trusts others.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub(crate) fn trusting(&self, roots: Arc<Roots>) -> Result<Self, Problem> {
        let tls = trust::client_config(Arc::clone(&roots)).map_err(|error| unmade(&error))?;
        Ok(Self::made(Arc::clone(&self.proxies), roots, self.rules, tls, None)?.counting(self))
    }

    /// A client with TLS of its own, by a proxy of its own if there is one. What `roots` are is for words.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub(crate) fn speaking(
        &self,
        tls: ClientConfig,
        roots: Arc<Roots>,
        proxy: Option<Proxy>,
    ) -> Result<Self, Problem> {
        let proxies = proxy.map(|proxy| Arc::new(Proxies::only(proxy)));
        let proxies = proxies.unwrap_or_else(|| Arc::clone(&self.proxies));
        Ok(Self::made(proxies, roots, self.rules, tls, None)?.counting(self))
    }

    /// A client that reaches the server `host` under another name, which goes into the TLS greeting, too.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub(crate) fn naming(&self, tls: ClientConfig, roots: Arc<Roots>, host: String) -> Result<Self, Problem> {
        Ok(Self::made(Arc::default(), roots, self.rules, tls, Some(Alias(host)))?.counting(self))
    }

    /// The proxy on the way to a URL.
    pub(crate) fn proxy_to(&self, url: &Url) -> Option<&Proxy> {
        self.proxies.to(url)
    }

    /// The same client by this proxy alone.
    #[cfg(test)]
    pub(crate) fn through(&self, proxy: Proxy) -> Result<Self, Problem> {
        let tls = trust::client_config(self.roots()).map_err(|error| unmade(&error))?;
        self.speaking(tls, self.roots(), Some(proxy))
    }

    /// The authorities that this client trusts.
    pub(crate) fn roots(&self) -> Arc<Roots> {
        Arc::clone(&self.roots)
    }

    fn made(
        proxies: Arc<Proxies>,
        roots: Arc<Roots>,
        rules: Rules,
        tls: ClientConfig,
        alias: Option<Alias>,
    ) -> Result<Self, Problem> {
        let through = Arc::clone(&proxies);
        let mut client = reqwest::Client::builder();
        if let Some(alias) = alias {
            client = client.dns_resolver(Arc::new(alias));
        }
        let client = client
            .user_agent(concat!("regcred/", env!("CARGO_PKG_VERSION")))
            .tls_backend_preconfigured(tls)
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .proxy(reqwest::Proxy::custom(move |url| Some(through.to(url)?.url().clone())))
            .build()
            .map_err(|error| unmade(&error))?;
        Ok(Self { client, proxies, roots, rules, writes: Arc::default(), say: Arc::new(|_| ()) })
    }

    /// Sends a request and reads the answer, whatever its status. A request that reads is sent again while the server has
    /// a fault, any while no connection is made.
    ///
    /// # Errors
    /// [`HttpError`] if there was no answer, or one that is too long.
    pub async fn send(&self, request: &Request) -> Result<Response, HttpError> {
        let policy = Policy::STANDARD.resend(request.reads());
        let answered = policy.run(|| async {
            match self.attempt(request).await {
                Ok(answer) if answer.is_fault() => Err(TryError::Fault(Ok(answer))),
                Ok(answer) => Ok(answer),
                Err(error) => Err(error.trouble(Duration::ZERO).map(Err)),
            }
        });
        answered.await.or_else(|last| last)
    }

    /// Sends a request once and reads the answer, whatever its status.
    ///
    /// # Errors
    /// [`HttpError`] if there was no answer, or one that is too long.
    pub async fn attempt(&self, request: &Request) -> Result<Response, HttpError> {
        let mut sent = http::Request::new(Bytes::from(
            request.body.as_ref().map(|body| body.to_vec()).unwrap_or_default(),
        ));
        *sent.method_mut() = request.method.clone();
        *sent.headers_mut() = request.headers.clone();
        let answer = self.exchange_at(request.url.clone(), sent, None).await;
        let (head, body) = answer.map_err(|error| request.unanswered(error))?.into_parts();
        let status = head.status.as_u16();
        let body = Limited::new(body, request.max_body).collect().await;
        let body = body.map_err(|error| match error.downcast::<NetError>() {
            Ok(broken) => request.unanswered(*broken),
            Err(error) => {
                debug_assert!(error.is::<LengthLimitError>(), "the body has no other errors");
                let detail = format!("the answer is longer than {} bytes", request.max_body);
                request.failed(Retry::Never, Some(status), detail)
            }
        })?;
        let (method, url) = (request.method.clone(), redacted(&request.url));
        let redirect = Redirect::read(&request.url, status, &head.headers);
        Ok(Response { status, headers: head.headers, body: body.to_bytes().to_vec(), method, url, redirect })
    }

    /// Sends any library's request once. The answer's body is still to come.
    ///
    /// # Errors
    /// It is refused here, no answer came, or one that redirects to another server.
    pub(crate) async fn exchange(
        &self,
        request: http::Request<Bytes>,
        operation: Option<&str>,
    ) -> Result<http::Response<Body>, NetError> {
        let url = Url::parse(&request.uri().to_string())
            .map_err(|_| NetError::refused(Problem::input("the request's address is not a URL")))?;
        let answer = self.exchange_at(url.clone(), request, operation).await?;
        match Redirect::read(&url, answer.status().as_u16(), answer.headers()) {
            Some(Redirect::Elsewhere(target)) => Err(NetError::refused(
                Problem::outside(format!("it redirects to {target}, where nothing is sent"))
                    .hint(format!("if that is the right address, write it instead of {}", redacted(&url))),
            )),
            _ => Ok(answer),
        }
    }

    async fn exchange_at(
        &self,
        url: Url,
        request: http::Request<Bytes>,
        operation: Option<&str>,
    ) -> Result<http::Response<Body>, NetError> {
        let (head, body) = request.into_parts();
        let login = self.rules.login_services && guard::is_login(&url, &head.headers, &body);
        if !login {
            guard::leave(&url, self.rules.insecure, self.proxies.to(&url)).map_err(NetError::refused)?;
        }
        let mut sent = reqwest::Request::new(head.method.clone(), url.clone());
        *sent.headers_mut() = head.headers;
        *sent.timeout_mut() = Some(self.rules.patience);
        if !body.is_empty() {
            *sent.body_mut() = Some(body.into());
        }
        let answer = self.client.execute(sent).await;
        let status = answer.as_ref().ok().map(|answer| answer.status().as_u16());
        trace::trace(head.method.as_str(), &url, operation, status);
        if answer.as_ref().is_ok_and(|answer| answer.status().is_success()) && writes(&head.method, operation)
        {
            self.writes.fetch_add(1, Ordering::Relaxed);
        }
        let answer = answer.map_err(|error| NetError::of(&error, &self.way(&url)))?;
        let (http, answer) = (self.clone(), http::Response::<reqwest::Body>::from(answer));
        Ok(answer.map(|body| body.map_err(move |error| NetError::of(&error, &http.way(&url))).boxed()))
    }

    fn way<'a>(&'a self, url: &'a Url) -> Way<'a> {
        Way { url, proxy: self.proxies.to(url), roots: &self.roots, patience: self.rules.patience }
    }
}

/// Whether a request changes something, by its method or, where all have the same, by its operation.
fn writes(method: &Method, operation: Option<&str>) -> bool {
    match operation {
        Some(operation) => !READING_OPERATIONS.iter().any(|reading| operation.starts_with(reading)),
        None => !method.is_safe(),
    }
}

/// The server that every name stands for.
struct Alias(String);

impl Resolve for Alias {
    fn resolve(&self, _: Name) -> Resolving {
        let host = self.0.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host, 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

fn unmade(error: &dyn std::error::Error) -> Problem {
    Problem::outside(format!("the HTTP client cannot be made: {error}"))
}

/// A URL as it may be shown: without user information and fragment, and with the values of known parameters only.
pub fn redacted(url: &Url) -> String {
    let mut text = format!("{}{}", url.origin().ascii_serialization(), url.path());
    for (index, (name, value)) in url.query_pairs().enumerate() {
        let shown = if SHOWN_PARAMETERS.contains(&name.as_ref()) { value.as_ref() } else { "…" };
        text.push(if index == 0 { '?' } else { '&' });
        text.push_str(&format!("{name}={shown}"));
    }
    redact::line(&redact::without_secrets(&text))
}

#[cfg(test)]
mod tests;
