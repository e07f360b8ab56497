//! Logging in to AWS: one client set per session, over the one TLS stack.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::identity::IdentityCache;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};

use futures::future::join_all;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::connector::Connector;
use super::names::is_in_every_account;
use super::process::{Chain, is_silent};
use super::profile::{self, Profile};
use super::spelling::named;
use super::{Role, Session};
use crate::env::Env;
use crate::model::Problem;
use crate::net::{Http, Policy, Roots, header};
use crate::redact;

/// The file of certificates that stands instead of the system's, as for every AWS tool.
const BUNDLE: &str = "AWS_CA_BUNDLE";

/// How long a login may take in all: a person may have to open a browser.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(90);
/// The name of a session in which a role is assumed.
const SESSION: &str = "regcred";

/// The way out to AWS.
#[derive(Clone, Debug)]
pub struct Way {
    http: Http,
    env: Env,
}

impl Way {
    /// A way by this client, to where plain http may go if the target is `insecure`.
    #[must_use]
    pub fn new(http: &Http, env: &Env, insecure: bool) -> Self {
        let http = http.insecure(insecure).with_login_services();
        Self { http, env: env.clone() }
    }

    /// The SDK's HTTP client for a profile: `AWS_CA_BUNDLE` goes before the profile's own `ca_bundle`.
    fn connector(&self, profile: Option<&Profile>) -> Connector {
        let own = || self.env.filled(BUNDLE).map(|file| (BUNDLE.to_owned(), PathBuf::from(file)));
        Connector(match own().or_else(|| profile?.ca_bundle()) {
            Some((name, file)) => self.http.trusting(Arc::new(Roots::of_file(&name, file))),
            None => Ok(self.http.clone()),
        })
    }
}

/// How long the keys of a login are taken as they came. The SDK keeps those of a service's client itself; a provider that
/// assumes a role asks for them each time, and a fleet has many roles that are assumed with one login.
const KEPT: Duration = Duration::from_secs(60);

/// A login whose keys the scrubber learns when they come, and which are looked at before they become headers: the SDK takes
/// them for text that can. It is asked once for all who want it at the same time.
#[derive(Debug)]
struct Guarded {
    login: SharedCredentialsProvider,
    kept: Mutex<Option<(Instant, Result<Credentials, Failure>)>>,
}

/// Why a login failed, for everybody who asked.
#[derive(Clone, Debug, thiserror::Error)]
#[error(transparent)]
struct Failure(Arc<CredentialsError>);

impl Guarded {
    /// The same settings with such a login.
    fn login(config: SdkConfig) -> SdkConfig {
        let Some(login) = config.credentials_provider() else { return config };
        let guarded = SharedCredentialsProvider::new(Self { login, kept: Mutex::default() });
        config.into_builder().credentials_provider(guarded).build()
    }

    async fn keys(&self) -> Result<Credentials, Failure> {
        let mut kept = self.kept.lock().await;
        if let Some((at, keys)) = kept.as_ref().filter(|(at, _)| at.elapsed() < KEPT) {
            tracing::trace!(age = ?at.elapsed(), "the login that was just made");
            return keys.clone();
        }
        let keys = self.asked().await.map_err(|error| Failure(Arc::new(error)));
        *kept = Some((Instant::now(), keys.clone()));
        keys
    }

    async fn asked(&self) -> Result<Credentials, CredentialsError> {
        let keys = self.login.provide_credentials().await?;
        redact::teach(keys.secret_access_key());
        keys.session_token().into_iter().for_each(redact::teach);
        match fault(&keys) {
            Some(fault) => Err(CredentialsError::invalid_configuration(fault)),
            None => Ok(keys),
        }
    }
}

impl ProvideCredentials for Guarded {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async { self.keys().await.map_err(CredentialsError::provider_error) })
    }

    fn fallback_on_interrupt(&self) -> Option<Credentials> {
        self.login.fallback_on_interrupt()
    }
}

/// A login that cannot be, and why: told by whoever asks.
#[derive(Debug)]
struct Refused(Problem);

impl ProvideCredentials for Refused {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(Err(CredentialsError::invalid_configuration(self.0.clone())))
    }
}

/// What keeps a login from becoming headers.
fn fault(keys: &Credentials) -> Option<String> {
    let parts = [
        ("access key id", "AWS_ACCESS_KEY_ID", Some(keys.access_key_id())),
        ("secret access key", "AWS_SECRET_ACCESS_KEY", Some(keys.secret_access_key())),
        ("session token", "AWS_SESSION_TOKEN", keys.session_token()),
    ];
    parts.into_iter().find_map(|(what, variable, value)| {
        let fault = header::fault(value?)?;
        Some(format!("the {what} ({variable}, or the login's own) {fault}"))
    })
}

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
    pub login: LoginSource,
}

/// How a login was made: what to name in a hint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginSource {
    /// The profile, from the configuration or `AWS_PROFILE`.
    pub profile: Option<String>,
    /// The region.
    pub region: String,
    /// The region whose STS is asked for it.
    pub made_in: String,
}

/// The clients of every session of a run. Sessions that differ in nothing but the region share one login, and roles that are
/// assumed with the same login share that one.
#[derive(Debug, Default)]
pub struct Clients(BTreeMap<Session, Client>);

impl Clients {
    /// Prepares the clients. Nothing is sent except by the credential chain, when first needed.
    pub async fn prepare(way: &Way, sessions: &BTreeSet<Session>) -> Self {
        let regions = regions(sessions);
        let first = regions.iter().filter(|((_, roles), _)| roles.is_empty());
        let first = first.map(async |(&(profile, _), &region)| {
            let access = Access { region: Some(region), profile, roles: &[] };
            (profile, sdk_config(way, &access).await)
        });
        let first: BTreeMap<Option<&str>, Sdk> = join_all(first).await.into_iter().collect();
        let mut logins: BTreeMap<Login<'_>, SdkConfig> = BTreeMap::new();
        // In their order a login comes before those that are made with it.
        for (&(profile, roles), &region) in &regions {
            let config = match roles.split_last() {
                None => first.get(&profile).map(|sdk| sdk.config.clone()),
                Some((role, before)) => match logins.get(&(profile, before)) {
                    Some(config) => Some(assume(config.clone(), role, Some(region)).await),
                    None => None,
                },
            };
            logins.extend(config.map(|config| ((profile, roles), config)));
        }
        let profile = of_environment(&way.env);
        let client = |session: &Session| {
            let sdk = first.get(&session.profile.as_deref())?;
            let login = (session.profile.as_deref(), session.roles.as_slice());
            let config = logins.get(&login)?;
            let source = LoginSource {
                profile: session.profile.as_deref().or(profile).map(str::to_owned),
                region: session.region.clone(),
                made_in: (*regions.get(&login)?).to_owned(),
            };
            Some((session.clone(), client(sdk, config, source)))
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

/// A profile, and the roles that are assumed from there.
type Login<'a> = (Option<&'a str>, &'a [Role]);

/// Each login that sessions need, those on the way to it included, with the region in which it is made: its token is good in
/// all of them. One that every account has, where there is any: the service of another answers only if the account that asks
/// and that of the role have enabled it (IAM user guide, "Manage AWS STS in an AWS Region").
fn regions(sessions: &BTreeSet<Session>) -> BTreeMap<Login<'_>, &str> {
    let mut regions: BTreeMap<Login<'_>, &str> = BTreeMap::new();
    for Session { region, profile, roles } in sessions {
        for count in 0..=roles.len() {
            let known = regions.entry((profile.as_deref(), &roles[..count])).or_insert(region);
            // Sessions are in the order of their regions.
            if is_in_every_account(region) && !is_in_every_account(known) {
                *known = region;
            }
        }
    }
    regions
}

fn client(sdk: &Sdk, config: &SdkConfig, login: LoginSource) -> Client {
    let config = config.to_builder().region(Region::new(login.region.clone())).build();
    Client {
        secrets: sdk.secrets(&config),
        ecr: aws_sdk_ecr::Client::new(&config),
        sts: aws_sdk_sts::Client::new(&config),
        login,
    }
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

/// The SDK's settings for a login.
pub struct Sdk {
    /// What every service's client is made of.
    pub config: SdkConfig,
    /// Where Secrets Manager is, if the SDK does not find that out itself.
    secrets_at: Option<String>,
}

impl Sdk {
    /// A client of Secrets Manager.
    #[must_use]
    pub fn secrets(&self, config: &SdkConfig) -> aws_sdk_secretsmanager::Client {
        let mut config = aws_sdk_secretsmanager::config::Builder::from(config);
        if let Some(address) = &self.secrets_at {
            config = config.endpoint_url(address);
        }
        aws_sdk_secretsmanager::Client::from_conf(config.build())
    }
}

/// The SDK's settings for a login: one cache of the identity for every client that is made of them. Nothing is sent except
/// by the credential chain, when first needed; a program that gives the login is run here, since a request would not wait
/// for it.
pub async fn sdk_config(way: &Way, access: &Access<'_>) -> Sdk {
    let Policy { tries, pace, .. } = Policy::STANDARD;
    let tries = u32::try_from(tries).unwrap_or(1);
    // The SDK's own way of trying again, which also mends a clock that is wrong.
    let retries = RetryConfig::standard().with_max_attempts(tries).with_initial_backoff(pace.first);
    // One for the service and for whatever the login asks.
    let no_file = profile::no_file(&way.env);
    let files = match &no_file {
        Some(_) => EnvConfigFiles::builder().with_contents(EnvConfigFileKind::Config, "").build(),
        None => profile::files(&way.env),
    };
    let asked = access.profile.or_else(|| of_environment(&way.env));
    let loaded = Profile::load(asked, &files).await;
    let fault = match &loaded {
        Ok(profile) => profile.fault(asked),
        Err(problem) => Some(problem.clone()),
    };
    let profile = loaded.ok();
    let http = way.connector(profile.as_ref());
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http.clone())
        .profile_files(files.clone())
        .timeout_config(TimeoutConfig::disabled())
        .retry_config(retries)
        .identity_cache(IdentityCache::lazy().load_timeout(LOGIN_TIMEOUT).build());
    let region = access.region.map(|region| Region::new(region.to_owned()));
    if let Some(region) = &region {
        loader = loader.region(region.clone());
    }
    if let Some(profile) = asked.map(named) {
        loader = loader.profile_name(profile);
    }
    if let Some(profile) = access.profile.map(named) {
        // The profile that a stack names is its login, as it is for Pulumi: the default chain would prefer keys of the
        // environment, which may be another account's.
        let base = ProviderConfig::default().with_region(region).with_http_client(http);
        let provider = ProfileFileCredentialsProvider::builder()
            .profile_files(files)
            .profile_name(profile)
            .configure(&base)
            .build();
        loader = loader.credentials_provider(provider);
    }
    // Keys of the environment are a login without any profile, unless one is named.
    let by_profile =
        access.profile.is_some() || is_silent(&EnvironmentVariableCredentialsProvider::new()).await;
    let fault = fault.filter(|_| by_profile);
    let chain = match &profile {
        Some(_) if fault.is_some() => None,
        Some(Profile(profiles)) => Chain::find(access.profile.is_some(), profiles, &way.env).await,
        None => None,
    };
    // Whatever is in the repository's own files of AWS's would decide where a request goes.
    let fault = profile::in_repository(&way.env).or(no_file).or(fault);
    if let Some(Chain { process, .. }) = &chain {
        // Whoever asks next says what is wrong with it.
        let _ = process.provide_credentials().await;
        loader = loader.credentials_provider(process.clone());
    }
    if let Some(problem) = fault {
        loader = loader.credentials_provider(Refused(problem));
    }
    let mut config = Guarded::login(loader.load().await);
    let first = chain.map(|chain| chain.roles).unwrap_or_default();
    for role in first.iter().chain(access.roles) {
        config = assume(config, role, None).await;
    }
    let secrets_at = profile.and_then(|profile| profile.secrets_manager(&way.env));
    Sdk { config, secrets_at }
}

/// The profile that the environment names: the first of these counts, as for the AWS CLI and for Go's SDK.
fn of_environment(env: &Env) -> Option<&str> {
    ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"].into_iter().find_map(|name| env.filled(name))
}

/// The same settings with the role, which is assumed in this region, or in that of the settings.
async fn assume(config: SdkConfig, role: &Role, region: Option<&str>) -> SdkConfig {
    let session = role.session_name.as_deref().unwrap_or(SESSION);
    let mut provider = AssumeRoleProvider::builder(role.arn.clone()).session_name(session).configure(&config);
    if let Some(region) = region.map(|name| Region::new(name.to_owned())).or(config.region().cloned()) {
        provider = provider.region(region);
    }
    if let Some(external_id) = &role.external_id {
        provider = provider.external_id(external_id.clone());
    }
    let provider = provider.build().await;
    let provider = SharedCredentialsProvider::new(provider);
    Guarded::login(config.into_builder().credentials_provider(provider).build())
}
