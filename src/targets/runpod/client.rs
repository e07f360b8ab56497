//! RunPod's REST API v2 as far as auths and what points at them go: typed, at the pace of the key's quota, with retries
//! of what may be repeated. The lists have no pages.

use std::time::Duration;

use http::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::Url;

use super::address;
use super::error::{other_api, refused};
use super::pace::Pace;
use super::wire::{Created, Pointed, Users};
use super::{ContainerRegistryAuth, ContainerRegistryAuthCreateInput, ContainerRegistryAuths};
use super::{Health, Kind, NewTemplate, Releases, RunpodError, User, Workers};
use crate::change::Read;
use crate::env::Env;
use crate::model::{Problem, Secret};
use crate::net::{Http, HttpError, Policy, Request, Response, TryError, header, retry_after};
use crate::redact;

/// The variable that holds the key.
pub(super) const KEY: &str = "RUNPOD_API_KEY";
/// A list has some 2 KB for each thing in it, and no pages.
const MAX_LIST: usize = 32 * 1024 * 1024;
/// Where the job API is, which tells an endpoint's health: another host than the control plane's.
const JOBS: &str = "api.runpod.ai";

/// Says a word about a wait for RunPod's quota.
pub type Say<'a> = &'a (dyn Fn(String) + Sync);

/// The longest wait for a quota; beyond it the run fails with the time at which to try again. A minute's quota is waited
/// for, an hour's is not.
const LONGEST_WAIT: Duration = Duration::from_secs(90);
pub(super) const POLICY: Policy = Policy::STANDARD.longest(LONGEST_WAIT);
/// The wait after a refusal that names no time: the shortest window of the quota.
const WITHOUT_TIME: Duration = Duration::from_secs(60);

/// A client that is logged in with a key. It needs nothing else of regcred:
///
/// ```no_run
/// use regcred::env::Env;
/// use regcred::targets::runpod::{Client, ContainerRegistryAuthCreateInput};
///
/// # async fn story() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::from_env(&Env::of_process())?;
/// let auth = ContainerRegistryAuthCreateInput {
///     name: "docker-hub-acme".to_owned(),
///     username: "acme".to_owned(),
///     password: std::env::var("DOCKER_HUB_TOKEN")?.into(),
/// };
/// let made = client.create_auth(&auth, &|_| {}).await?;
/// assert!(client.auths(&|_| {}).await?.named("docker-hub-acme").is_some());
/// client.delete_auth(&made.id, &|_| {}).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Client {
    http: Http,
    base: Url,
    key: Secret,
    pace: Pace,
}

impl Client {
    /// A client of the account that the environment names: with the key of `RUNPOD_API_KEY`, at RunPod or at
    /// `RUNPOD_API_URL`, by the environment's proxies and certificates. Nothing is asked yet.
    ///
    /// # Errors
    /// There is no key, or a variable names an address where no key goes.
    pub fn from_env(env: &Env) -> Read<Self> {
        let base = address::control_plane(env);
        if let Some(fault) = address::fault(&base, false) {
            return Err(fault);
        }
        Self::log_in(&Http::new(env)?, &base, env)
    }

    /// A client of the control plane at `base` with the key of `RUNPOD_API_KEY`. Nothing is asked yet.
    ///
    /// # Errors
    /// There is no key, or `base` is not an address.
    pub fn log_in(http: &Http, base: &str, env: &Env) -> Read<Self> {
        let unreadable = |reason: &str, hint: Option<&str>, login: bool| {
            Problem::outside(reason).hints(hint.map(str::to_owned)).login(login)
        };
        let Some(key) = env.filled(KEY).map(str::trim).filter(|key| !key.is_empty()) else {
            let hint = "export RUNPOD_API_KEY: RunPod's console has it under Settings, API Keys";
            return Err(unreadable("no key for RunPod: RUNPOD_API_KEY is not set", Some(hint), true));
        };
        header::check("the key of RUNPOD_API_KEY", key)?;
        let base =
            Url::parse(base).map_err(|_| unreadable("RUNPOD_API_URL is not an address", None, false))?;
        Ok(Self::new(http, base, Secret::new(key.to_owned())))
    }

    /// A client of the control plane at `base`, which ends before `/v2`.
    #[must_use]
    pub fn new(http: &Http, base: Url, key: Secret) -> Self {
        Self { http: http.clone(), base, key, pace: Pace::default() }
    }

    /// Every registry auth: `GET /v2/registries`.
    ///
    /// # Errors
    /// If RunPod refuses it, or no usable answer comes after the tries.
    pub async fn auths(&self, say: Say<'_>) -> Result<ContainerRegistryAuths, RunpodError> {
        self.get(&["registries"], say).await
    }

    /// Every template, endpoint or pod of one's own: `GET /v2/templates`, `/v2/serverless` or
    /// `/v2/pods?includeClusterPods=true`. Pods that are deleted for good are left out.
    ///
    /// # Errors
    /// If RunPod refuses it, or no usable answer comes after the tries.
    pub async fn users(&self, kind: Kind, say: Say<'_>) -> Result<Vec<User>, RunpodError> {
        let list: Users = self.get(&[kind.collection()], say).await?;
        Ok(list.into_users())
    }

    /// Makes a registry auth: `POST /v2/registries`. RunPod sees it once. After an error that
    /// [may have worked](RunpodError::may_have_worked), look first whether it is there.
    ///
    /// # Errors
    /// If RunPod refuses it, or no usable answer comes.
    pub async fn create_auth(
        &self,
        input: &ContainerRegistryAuthCreateInput,
        say: Say<'_>,
    ) -> Result<ContainerRegistryAuth, RunpodError> {
        let id = POLICY.resend(false).run(|| self.make_auth(input, say)).await?;
        Ok(ContainerRegistryAuth { id, name: input.name.clone() })
    }

    /// The same in one try, for whoever looks by itself whether it is there.
    pub(super) async fn make_auth(
        &self,
        input: &ContainerRegistryAuthCreateInput,
        say: Say<'_>,
    ) -> Result<String, TryError<RunpodError>> {
        self.created(&ApiRequest::new(Method::POST, &["registries"]).with(input), say).await
    }

    /// Makes a template and gives its id: `POST /v2/templates`. It is sent once, as an auth is.
    ///
    /// # Errors
    /// If RunPod refuses it, or no usable answer comes.
    pub(super) async fn make_template(
        &self,
        template: &NewTemplate,
        auth: &str,
        say: Say<'_>,
    ) -> Result<String, TryError<RunpodError>> {
        let mut body = serde_json::to_value(template).unwrap_or_default();
        body["registry"] = auth.into();
        let ask = ApiRequest::new(Method::POST, &["templates"]).with(&body);
        self.created(&ask, say).await
    }

    /// Points a template, endpoint or pod at an auth, and changes nothing else: `PATCH …/{id}` with `registry` alone.
    /// The answer is the whole thing, which has to say so. An endpoint's workers follow one by one, a pod at its next
    /// start.
    ///
    /// # Errors
    /// If RunPod refuses it (404 for what is not one's own, 409 for a pod of a cluster), no usable answer comes after the
    /// tries, or the answer names another auth.
    pub async fn point(
        &self,
        kind: Kind,
        id: &str,
        auth: Option<&str>,
        say: Say<'_>,
    ) -> Result<(), RunpodError> {
        let (path, body) = ([kind.collection(), id], json!({ "registry": auth }));
        let answer = self.send(&ApiRequest::new(Method::PATCH, &path).with(&body), say).await?;
        let pointed: Pointed = answer.json()?;
        if pointed.registry.as_deref() == auth {
            return Ok(());
        }
        Err(RunpodError::Unchanged {
            method: Method::PATCH,
            path: self.url(&path).path().to_owned(),
            found: pointed.registry.map_or_else(|| "no auth".to_owned(), |auth| redact::outside(&auth)),
            wanted: auth.unwrap_or("no auth").to_owned(),
        })
    }

    /// Deletes an auth: `DELETE /v2/registries/{id}`, 204. One that is gone already is deleted. RunPod refuses it (400)
    /// only for pods: templates that use it silently lose it, so look before.
    ///
    /// # Errors
    /// If RunPod refuses it, or no usable answer comes after the tries.
    pub async fn delete_auth(&self, id: &str, say: Say<'_>) -> Result<(), RunpodError> {
        match self.send(&ApiRequest::new(Method::DELETE, &["registries", id]), say).await {
            Err(error) if error.status() == Some(404) => Ok(()),
            answer => answer.map(|_| ()),
        }
    }

    /// How far an endpoint's present release has come: `GET /v2/serverless/{id}/releases`.
    ///
    /// # Errors
    /// If RunPod refuses it, or no usable answer comes after the tries.
    pub async fn releases(&self, id: &str, say: Say<'_>) -> Result<Releases, RunpodError> {
        self.get(&["serverless", id, "releases"], say).await
    }

    /// An endpoint's workers, each with whether it runs an older configuration: `GET /v2/serverless/{id}/workers`.
    ///
    /// # Errors
    /// If RunPod refuses it, or no usable answer comes after the tries.
    pub async fn workers(&self, id: &str, say: Say<'_>) -> Result<Workers, RunpodError> {
        self.get(&["serverless", id, "workers"], say).await
    }

    /// A queue's health page, which is on the job API's host and in no quota of the control plane. The key goes to no
    /// other host than RunPod's own; for an address elsewhere there is no answer.
    ///
    /// # Errors
    /// If it is refused, or no usable answer comes.
    pub async fn health(&self, url: &str) -> Result<Option<Health>, RunpodError> {
        let known = |url: &Url| {
            let jobs = url.scheme() == "https" && url.host_str() == Some(JOBS);
            jobs || url.origin() == self.base.origin()
        };
        let Some(url) = Url::parse(url).ok().filter(known) else { return Ok(None) };
        let path = url.path().to_owned();
        let answer = self.http.send(&self.request(Method::GET, url, NO_BODY)?).await?;
        if !answer.is_success() {
            return Err(refused(&Method::GET, &path, &answer));
        }
        Ok(Some(answer.json()?))
    }

    async fn get<T: DeserializeOwned>(&self, path: &[&str], say: Say<'_>) -> Result<T, RunpodError> {
        Ok(self.send(&ApiRequest::new(Method::GET, path), say).await?.json()?)
    }

    /// Makes something, and gives its id if the answer tells it.
    async fn created<B: Serialize>(
        &self,
        ask: &ApiRequest<'_, B>,
        say: Say<'_>,
    ) -> Result<String, TryError<RunpodError>> {
        let answer = self.once(ask, say).await?;
        let made: Created = answer.json().map_err(|error| TryError::Fault(error.into()))?;
        made.id().ok_or_else(|| {
            TryError::Fault(RunpodError::Unchanged {
                method: ask.method.clone(),
                path: self.url(ask.path).path().to_owned(),
                found: "no id".to_owned(),
                wanted: "one".to_owned(),
            })
        })
    }

    /// Sends what may be repeated.
    async fn send<B: Serialize>(
        &self,
        ask: &ApiRequest<'_, B>,
        say: Say<'_>,
    ) -> Result<Response, RunpodError> {
        POLICY.run(|| self.once(ask, say)).await
    }

    /// Sends once, at the quota's pace.
    async fn once<B: Serialize>(
        &self,
        ask: &ApiRequest<'_, B>,
        say: Say<'_>,
    ) -> Result<Response, TryError<RunpodError>> {
        let url = self.url(ask.path);
        let path = url.path().to_owned();
        let limited = |wait: Duration| RunpodError::Limited {
            method: ask.method.clone(),
            path: path.clone(),
            seconds: wait.as_secs(),
        };
        self.pace.turn(LONGEST_WAIT, say).await.map_err(|wait| TryError::Final(limited(wait)))?;
        let request = self.request(ask.method.clone(), url, ask.body).map_err(TryError::Final)?;
        let answer = self.http.attempt(&request).await;
        self.pace.answered(answer.as_ref().ok().map(|answer| &answer.headers));
        let broken = |error: HttpError| error.trouble(WITHOUT_TIME).map(RunpodError::from);
        let answer = answer.map_err(broken)?;
        if answer.status == StatusCode::TOO_MANY_REQUESTS.as_u16() {
            let wait = retry_after(&answer.headers).unwrap_or(WITHOUT_TIME);
            // Whoever waits for its turn waits for this, too.
            self.pace.pause(wait.min(LONGEST_WAIT));
            return Err(match wait > LONGEST_WAIT {
                true => TryError::Final(limited(wait)),
                false => TryError::Wait(Duration::ZERO, limited(wait)),
            });
        }
        if !answer.is_success() {
            return Err(ask.trouble(refused(&ask.method, &path, &answer)));
        }
        // A deletion has no body.
        let body = if answer.body.is_empty() { Ok(Value::Null) } else { answer.json() };
        match other_api(&body.map_err(|error| TryError::Fault(error.into()))?) {
            Some(api) => {
                let (method, status) = (ask.method.clone(), answer.status);
                Err(ask.trouble(RunpodError::OtherApi { method, path, status, api }))
            }
            None => Ok(answer),
        }
    }

    fn request(
        &self,
        method: Method,
        url: Url,
        body: Option<&impl Serialize>,
    ) -> Result<Request, RunpodError> {
        let mut request = Request::new(method, url).bearer(&self.key)?.max_body(MAX_LIST);
        if let Some(body) = body {
            request = request.json(body);
        }
        Ok(request)
    }

    /// The URL of a path, its segments encoded.
    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        // A base that cannot have segments is not a web address, which the configuration refuses.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("v2").extend(path);
        }
        if path == [Kind::Pod.collection()] {
            url.set_query(Some("includeClusterPods=true"));
        }
        url
    }
}

const NO_BODY: Option<&Value> = None;

/// A request of the API. What it sends is written to JSON at once, so that no other copy of a secret is made.
struct ApiRequest<'a, B = Value> {
    method: Method,
    /// The segments behind `/v2`.
    path: &'a [&'a str],
    body: Option<&'a B>,
}

impl<'a> ApiRequest<'a> {
    fn new(method: Method, path: &'a [&'a str]) -> Self {
        Self { method, path, body: NO_BODY }
    }

    fn with<B>(self, body: &'a B) -> ApiRequest<'a, B> {
        ApiRequest { method: self.method, path: self.path, body: Some(body) }
    }
}

impl<B> ApiRequest<'_, B> {
    /// What may be done about an answer. What was to be made may be there, whatever the answer looks like.
    fn trouble(&self, error: RunpodError) -> TryError<RunpodError> {
        let made = self.method == Method::POST && error.may_have_worked();
        if made || error.is_fault() { TryError::Fault(error) } else { TryError::Final(error) }
    }
}
