//! Logging in to AWS: one client set per session, over the one TLS stack.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_config::identity::IdentityCache;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use futures::future::join_all;

use super::process::Chain;
use super::trace::Traced;
use super::{Role, Session};
use crate::env::Env;

/// A request that has not been answered by then is tried again.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a login may take in all: a person may have to open a browser.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(90);
/// The name of a session in which a role is assumed.
const SESSION: &str = "regcred";
/// Tries of one request in all; waits between them grow from 300 ms.
const TRIES: u32 = 3;

/// The clients of one session.
#[derive(Clone, Debug)]
pub struct Client {
    /// Secrets Manager.
    pub secrets: aws_sdk_secretsmanager::Client,
    /// ECR.
    pub ecr: aws_sdk_ecr::Client,
    /// STS, for who is logged in.
    pub sts: aws_sdk_sts::Client,
    /// How the login was made, for hints.
    pub login: Login,
}

/// How a login was made: what to name in a hint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The profile, from the configuration or `AWS_PROFILE`.
    pub profile: Option<String>,
    /// The region.
    pub region: String,
}

/// The clients of every session of a run. Sessions that differ in nothing but the region share one
/// login.
#[derive(Debug, Default)]
pub struct Clients(BTreeMap<Session, Client>);

impl Clients {
    /// Prepares the clients. Nothing is sent except by the credential chain, when first needed.
    pub async fn prepare(sessions: &BTreeSet<Session>, env: &Env) -> Self {
        let key = |session: &Session| (session.profile.clone(), session.roles.clone());
        let distinct: BTreeMap<_, &Session> =
            sessions.iter().map(|session| (key(session), session)).collect();
        let logins = distinct.into_iter().map(async |(key, session)| (key, login(session, env).await));
        let logins: BTreeMap<_, SdkConfig> = join_all(logins).await.into_iter().collect();
        let profile = env.filled("AWS_PROFILE");
        let client = |session: &Session| {
            let shared = logins.get(&key(session))?;
            Some((session.clone(), client(shared, session, profile)))
        };
        Self(sessions.iter().filter_map(client).collect())
    }

    /// The client of a session.
    #[must_use]
    pub fn get(&self, session: &Session) -> Option<&Client> {
        self.0.get(session)
    }

    /// Every session with its client.
    pub fn iter(&self) -> impl Iterator<Item = (&Session, &Client)> {
        self.0.iter()
    }
}

fn client(shared: &SdkConfig, session: &Session, profile: Option<&str>) -> Client {
    let config = shared.to_builder().region(Region::new(session.region.clone())).build();
    Client {
        secrets: aws_sdk_secretsmanager::Client::new(&config),
        ecr: aws_sdk_ecr::Client::new(&config),
        sts: aws_sdk_sts::Client::new(&config),
        login: Login {
            profile: session.profile.clone().or_else(|| profile.map(str::to_owned)),
            region: session.region.clone(),
        },
    }
}

fn http() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https()
}

/// A login that is not a session's: what is left out comes from the SDK's own chain.
#[derive(Clone, Copy, Debug, Default)]
pub struct Access<'a> {
    /// The region.
    pub region: Option<&'a str>,
    /// The profile.
    pub profile: Option<&'a str>,
    /// The roles to assume, one after the other.
    pub roles: &'a [Role],
}

async fn login(session: &Session, env: &Env) -> SdkConfig {
    let Session { region, profile, roles } = session;
    sdk_config(&Access { region: Some(region), profile: profile.as_deref(), roles }, env).await
}

/// The SDK's settings for a login: one cache of the identity for every client that is made of them. Nothing is sent except
/// by the credential chain, when first needed; a program that gives the login is run here, since a request would not wait
/// for it.
pub async fn sdk_config(access: &Access<'_>, env: &Env) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .build();
    let retries =
        RetryConfig::standard().with_max_attempts(TRIES).with_initial_backoff(Duration::from_millis(300));
    // One for the service and for whatever the login asks: it reads the machine's root certificates.
    let http = http();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(Traced(http.clone()))
        .timeout_config(timeouts)
        .retry_config(retries)
        .identity_cache(IdentityCache::lazy().load_timeout(LOGIN_TIMEOUT).build());
    let region = access.region.map(|region| Region::new(region.to_owned()));
    if let Some(region) = &region {
        loader = loader.region(region.clone());
    }
    if let Some(profile) = access.profile {
        // The profile that a stack names is its login, as it is for Pulumi: the default chain would prefer keys of the
        // environment, which may be another account's.
        let base = ProviderConfig::default().with_region(region).with_http_client(Traced(http));
        let provider =
            ProfileFileCredentialsProvider::builder().profile_name(profile).configure(&base).build();
        loader = loader.profile_name(profile).credentials_provider(provider);
    }
    let chain = Chain::find(access.profile, env).await;
    if let Some(Chain { process, .. }) = &chain {
        // What is wrong with it is told by whoever asks next.
        let _ = process.provide_credentials().await;
        loader = loader.credentials_provider(process.clone());
    }
    let mut config = loader.load().await;
    for (role, session) in chain.into_iter().flat_map(|chain| chain.roles) {
        config = assume(config, &role, session.as_deref().unwrap_or(SESSION)).await;
    }
    for role in access.roles {
        config = assume(config, role, SESSION).await;
    }
    config
}

async fn assume(config: SdkConfig, role: &Role, session: &str) -> SdkConfig {
    let mut provider = AssumeRoleProvider::builder(role.arn.clone()).session_name(session).configure(&config);
    if let Some(region) = config.region() {
        provider = provider.region(region.clone());
    }
    if let Some(external_id) = &role.external_id {
        provider = provider.external_id(external_id.clone());
    }
    let provider = provider.build().await;
    config.into_builder().credentials_provider(SharedCredentialsProvider::new(provider)).build()
}
