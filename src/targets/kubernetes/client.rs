//! The Kubernetes API as far as regcred needs it: kube logs in and sends, this adds limits, traces, retries that wait,
//! and errors that name verb and resource. No discovery and no OpenAPI: the paths are those of the core API.

use std::fmt;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use kube::client::Body;
use kube::core::Status;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::form_urlencoded;

use super::KubeError;
use super::error::{TERMINATING, unsent};
use super::plugin::Plugin;
use super::token_file::TokenFile;
use crate::change::Read;
use crate::model::Problem;
use crate::net::{MAX_PAGES, NetError, Policy, retry_after};
use crate::redact;

/// A page of 500 secrets of this kind is some 1 MB; one secret may have 1 MiB.
const BODY_CAP: usize = 32 * 1024 * 1024;
/// How long an answer may take.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// The wait after a refusal for its pace that names none.
const PAUSE: Duration = Duration::from_secs(1);
/// Whom the server writes down in `managedFields`.
pub(super) const MANAGER: &str = "regcred";
/// The largest page that kubectl asks for, too.
const PAGE: usize = 500;

/// What is asked of the API, as RBAC names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiRequest<'a> {
    /// The verb: get, list, create, patch, delete.
    pub verb: &'static str,
    /// The resource: secrets, serviceaccounts, namespaces.
    pub resource: &'static str,
    /// The namespace; nothing for all of them.
    pub namespace: Option<&'a str>,
    /// The name; nothing for all of them.
    pub name: Option<&'a str>,
}

impl ApiRequest<'_> {
    /// The path of the core API.
    fn path(&self) -> String {
        let mut path = "/api/v1".to_owned();
        if let Some(namespace) = self.namespace {
            path += &format!("/namespaces/{namespace}");
        }
        path += &format!("/{}", self.resource);
        if let Some(name) = self.name.filter(|_| !matches!(self.verb, "create" | "list")) {
            path += &format!("/{name}");
        }
        path
    }
}

impl fmt::Display for ApiRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        match (self.name, self.namespace) {
            (Some(name), Some(namespace)) => write!(f, " {namespace}/{name}"),
            (Some(name), None) => write!(f, " {name}"),
            (None, Some(namespace)) => write!(f, " in {namespace}"),
            (None, None) => Ok(()),
        }
    }
}

/// A logged-in client of one cluster.
pub struct Client {
    pub(super) kube: kube::Client,
    /// The API server's address.
    pub(super) base: String,
    /// The context, for hints.
    pub(super) context: String,
    /// What logs in each request, where not the connection does.
    pub(super) login: Option<Login>,
}

/// A login that may be another one at the next request.
pub(super) enum Login {
    Plugin(Plugin),
    File(TokenFile),
}

impl Login {
    async fn header(&self) -> Read<Option<HeaderValue>> {
        match self {
            Self::Plugin(plugin) => plugin.login().await.map(|given| given.header()),
            Self::File(file) => Ok(file.header()),
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({} at {})", self.context, self.base)
    }
}

type TryError = crate::net::TryError<KubeError>;

/// A page of a list.
#[derive(serde::Deserialize)]
struct Page<T> {
    #[serde(default = "Vec::new")]
    items: Vec<T>,
    #[serde(default)]
    metadata: PageMetadata,
}

#[derive(Default, serde::Deserialize)]
struct PageMetadata {
    #[serde(rename = "continue")]
    token: Option<String>,
}

impl Client {
    /// One thing; nothing if it is not there.
    ///
    /// # Errors
    /// If the server refuses it, or no usable answer comes after the tries.
    pub async fn get<T: DeserializeOwned>(&self, ask: ApiRequest<'_>) -> Result<Option<T>, KubeError> {
        match self.send(ask, &Method::GET, &[], None).await {
            Err(error) if error.code() == Some(404) => Ok(None),
            answer => Ok(Some(answer?)),
        }
    }

    /// Every thing that these parameters select (`labelSelector`, `fieldSelector`), page by page.
    ///
    /// # Errors
    /// As for [`Client::get`].
    pub async fn list<T: DeserializeOwned>(
        &self,
        ask: ApiRequest<'_>,
        select: (&str, &str),
    ) -> Result<Vec<T>, KubeError> {
        match self.pages(ask, select).await {
            // A list that took so long that its beginning is forgotten is begun once more.
            Err(error) if error.code() == Some(410) => self.pages(ask, select).await,
            list => list,
        }
    }

    async fn pages<T: DeserializeOwned>(
        &self,
        ask: ApiRequest<'_>,
        (parameter, value): (&str, &str),
    ) -> Result<Vec<T>, KubeError> {
        let limit = PAGE.to_string();
        let (mut all, mut token) = (Vec::new(), String::new());
        for _ in 0..MAX_PAGES {
            let mut query = vec![(parameter, value), ("limit", limit.as_str())];
            if !token.is_empty() {
                query.push(("continue", &token));
            }
            let page: Page<T> = self.send(ask, &Method::GET, &query, None).await?;
            all.extend(page.items);
            match page.metadata.token {
                Some(next) if !next.is_empty() => token = next,
                _ => return Ok(all),
            }
        }
        let cause = format!("the list has no end: {MAX_PAGES} pages were read");
        Err(self.broken(ask, Problem::outside(cause).written(true)))
    }

    fn broken(&self, ask: ApiRequest<'_>, problem: Problem) -> KubeError {
        KubeError::Broken { ask: ask.to_string(), problem, context: self.context.clone() }
    }

    /// Makes a thing, and gives it as it is then.
    ///
    /// # Errors
    /// As for [`Client::get`].
    pub async fn create(&self, ask: ApiRequest<'_>, body: &Value) -> Result<Value, KubeError> {
        self.write(ask, &Method::POST, "application/json", body, &[]).await
    }

    /// Asks whether a thing could be made: everything is checked, and nothing stays.
    ///
    /// # Errors
    /// As for [`Client::get`].
    pub async fn try_create(&self, ask: ApiRequest<'_>, body: &Value) -> Result<(), KubeError> {
        self.write(ask, &Method::POST, "application/json", body, &[("dryRun", "All")]).await.map(drop)
    }

    /// Changes the fields of a thing that the body names, and gives it as it is then. With `metadata.resourceVersion` in it,
    /// only that version.
    ///
    /// # Errors
    /// As for [`Client::get`].
    pub async fn patch(&self, ask: ApiRequest<'_>, body: &Value) -> Result<Value, KubeError> {
        self.write(ask, &Method::PATCH, "application/merge-patch+json", body, &[]).await
    }

    /// Deletes a thing, if the preconditions of the body hold.
    ///
    /// # Errors
    /// As for [`Client::get`].
    pub async fn delete(&self, ask: ApiRequest<'_>, body: &Value) -> Result<(), KubeError> {
        let _: Value = self.send(ask, &Method::DELETE, &[], Some(("application/json", body))).await?;
        Ok(())
    }

    async fn write(
        &self,
        ask: ApiRequest<'_>,
        method: &Method,
        kind: &str,
        body: &Value,
        more: &[(&str, &str)],
    ) -> Result<Value, KubeError> {
        // A field that the server does not know is an error and not dropped in silence.
        let query = [&[("fieldManager", MANAGER), ("fieldValidation", "Strict")], more].concat();
        self.send(ask, method, &query, Some((kind, body))).await
    }

    /// Sends until there is an answer. Every write of regcred may be repeated: it names what it changes by version, or
    /// finds what is there.
    async fn send<T: DeserializeOwned>(
        &self,
        ask: ApiRequest<'_>,
        method: &Method,
        query: &[(&str, &str)],
        body: Option<(&str, &Value)>,
    ) -> Result<T, KubeError> {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        let path = format!("{}{}{query}", ask.path(), if query.is_empty() { "" } else { "?" });
        Policy::STANDARD.run(|| self.once(ask, method, &path, body)).await
    }

    async fn once<T: DeserializeOwned>(
        &self,
        ask: ApiRequest<'_>,
        method: &Method,
        path: &str,
        body: Option<(&str, &Value)>,
    ) -> Result<T, TryError> {
        let broken = |problem: Problem| self.broken(ask, problem);
        let cut = |words: String| TryError::Fault(broken(Problem::outside(words).written(true)));
        let mut request = http::Request::builder().method(method.clone()).uri(path);
        if let Some(login) = &self.login {
            let value = login.header().await;
            let value = value.map_err(|problem| TryError::Final(broken(problem.login(true))))?;
            request = value
                .into_iter()
                .fold(request, |request, value| request.header(header::AUTHORIZATION, value));
        }
        if let Some((kind, _)) = body {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        let bytes = body.map(|(_, value)| value.to_string().into_bytes()).unwrap_or_default();
        let request = request
            .header(header::ACCEPT, "application/json")
            .body(Body::from(bytes))
            .map_err(|error| TryError::Final(broken(Problem::outside(error.to_string()))))?;
        let answer = self.kube.send(request).await;
        let (head, body) = answer.map_err(|error| unsent(&error).map(broken))?.into_parts();
        let bytes = Limited::new(body, BODY_CAP).collect().await;
        let bytes = bytes.map_err(|error| {
            let words =
                NetError::within(error.as_ref()).map_or_else(|| error.to_string(), ToString::to_string);
            cut(words)
        })?;
        let bytes = bytes.to_bytes();
        if !head.status.is_success() {
            return Err(self.judge(ask, head.status, &head.headers, &bytes));
        }
        // The parser's words could repeat a value.
        serde_json::from_slice(&bytes)
            .map_err(|_| cut("the answer is not the JSON that was expected".to_owned()))
    }

    fn judge(&self, ask: ApiRequest<'_>, status: StatusCode, headers: &HeaderMap, bytes: &[u8]) -> TryError {
        let answer: Status = serde_json::from_slice(bytes).unwrap_or_default();
        let (kind, causes) = answer.details.map(|details| (details.kind, details.causes)).unwrap_or_default();
        let mut causes: Vec<String> = causes.into_iter().map(|cause| cause.reason).collect();
        if answer.message.contains("because it is being terminated") {
            causes.push(TERMINATING.to_owned());
        }
        let names_namespaces = answer.message.starts_with("namespaces ");
        let words = if answer.message.is_empty() {
            status.canonical_reason().unwrap_or("no reason given").to_lowercase()
        } else {
            redact::outside(&answer.message)
        };
        let error = KubeError::Status {
            ask: ask.to_string(),
            code: status.as_u16(),
            message: words,
            reason: answer.reason,
            kind: if names_namespaces { "namespaces".to_owned() } else { kind },
            causes,
            context: self.context.clone(),
        };
        match status.as_u16() {
            429 => TryError::Wait(retry_after(headers).unwrap_or(PAUSE), error),
            500.. => TryError::Fault(error),
            _ => TryError::Final(error),
        }
    }
}
