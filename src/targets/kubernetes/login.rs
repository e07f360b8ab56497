//! Logging in to clusters: the contexts of the kubeconfig, or the pod's own service account.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::PathBuf;

use kube::Config;
use kube::config::{AuthInfo, ExecInteractiveMode, KubeConfigOptions, Kubeconfig, KubeconfigError};
use secrecy::ExposeSecret;
use zeroize::Zeroizing;

use super::client::ANSWER_TIMEOUT;
use super::connector::{self, Unmade};
use super::error::{refused, word};
use super::{Client, Desired, IN_CLUSTER};
use crate::change::Read;
use crate::env::Env;
use crate::model::{Problem, nearest};
use crate::net::{Http, Proxy, header};

/// The clients of every context of a run, or why there is none.
#[derive(Debug, Default)]
pub struct Clients(BTreeMap<String, Read<Client>>);

impl Clients {
    /// Logs in to every declared context. Nothing is sent but by login plugins; nothing at all, and no file is read,
    /// where no cluster is declared.
    pub async fn prepare(desired: &[Desired], env: &Env, http: &Http) -> Self {
        let contexts: BTreeSet<&String> = desired.iter().map(|desired| &desired.context).collect();
        if contexts.is_empty() {
            return Self::default();
        }
        let kubeconfig = kubeconfig(env);
        let insecure =
            |context: &String| desired.iter().any(|desired| desired.insecure && desired.context == *context);
        let logins = contexts.into_iter().map(|context| {
            let kubeconfig = kubeconfig.clone();
            let insecure = insecure(context);
            let http = http.insecure(insecure).patience(ANSWER_TIMEOUT);
            async move { (context.clone(), log_in(context, kubeconfig, insecure, &http).await) }
        });
        Self(futures::future::join_all(logins).await.into_iter().collect())
    }

    /// The client of a context, or why there is none.
    #[must_use]
    pub fn get(&self, context: &str) -> Option<&Read<Client>> {
        self.0.get(context)
    }
}

fn unreadable(reason: impl Into<String>, hint: impl Into<String>) -> Problem {
    Problem::outside(reason).hint(hint).login(true)
}

/// The files of `KUBECONFIG`, the first of which wins, else `~/.kube/config`.
fn kubeconfig(env: &Env) -> Read<Kubeconfig> {
    let listed: Vec<PathBuf> = env
        .filled("KUBECONFIG")
        .map(|list| std::env::split_paths(list).filter(|path| !path.as_os_str().is_empty()).collect())
        .unwrap_or_default();
    let home = || env.filled("HOME").or_else(|| env.filled("USERPROFILE"));
    let paths = match (listed.is_empty(), home()) {
        (false, _) => listed,
        (true, Some(home)) => vec![PathBuf::from(home).join(".kube").join("config")],
        (true, None) => Vec::new(),
    };
    let unusable =
        |error: &KubeconfigError| unreadable(words(error), "export KUBECONFIG, or write ~/.kube/config");
    let (mut merged, mut missing) = (None, None);
    for path in paths {
        match Kubeconfig::read_from(&path) {
            // As kubectl does: of several files some may not be there.
            Err(KubeconfigError::ReadConfig(error, path)) if error.kind() == ErrorKind::NotFound => {
                missing.get_or_insert(KubeconfigError::ReadConfig(error, path));
            }
            read => {
                let before: Kubeconfig = merged.take().unwrap_or_default();
                let after = read.and_then(|next| before.merge(next));
                merged = Some(after.map_err(|error| unusable(&error))?);
            }
        }
    }
    match (merged, missing) {
        (None, Some(error)) => Err(unusable(&error)),
        (merged, _) => Ok(merged.unwrap_or_default()),
    }
}

/// The error in words. A parser's own could repeat a token of the file.
fn words(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::ReadConfig(error, path) => {
            format!("the kubeconfig {} cannot be read: {error}", path.display())
        }
        KubeconfigError::Parse(_) => "the kubeconfig is not valid YAML of its kind".to_owned(),
        other => format!("the kubeconfig cannot be used: {other}"),
    }
}

async fn log_in(context: &str, kubeconfig: Read<Kubeconfig>, insecure: bool, http: &Http) -> Read<Client> {
    let proxy = proxy(context, &kubeconfig)?;
    let mut config = config(context, kubeconfig).await?;
    check_transport(context, &config, insecure)?;
    check_token(context, &mut config)?;
    if let Some(exec) = &mut config.auth_info.exec {
        // Standard input may be where the credential comes from.
        if exec.interactive_mode != Some(ExecInteractiveMode::Always) {
            exec.interactive_mode = Some(ExecInteractiveMode::Never);
        }
        exec.drop_env = Some(Env::own_secrets().map(str::to_owned).collect());
    }
    let base = config.cluster_url.to_string().trim_end_matches('/').to_owned();
    let http = http.clone();
    // A login plugin is run here, and blocks.
    let made = tokio::task::spawn_blocking(move || connector::client(config, &http, proxy)).await;
    let look = || format!("look at it with: kubectl --context {} get namespaces", word(context));
    let kube = match made {
        Ok(Ok(kube)) => kube,
        Ok(Err(Unmade::Login(error))) => return Err(unreadable(refused(&error), look())),
        Ok(Err(Unmade::Other(error))) => {
            return Err(unreadable(format!("the cluster of {context} cannot be reached: {error}"), look()));
        }
        Err(_) => return Err(unreadable("the thread that logs in ended", "run it again")),
    };
    Ok(Client { kube, base, context: context.to_owned() })
}

/// Takes the line end off the token of a file, as client-go does and kube does not: such a token is no header. Only then
/// kube's own reading of a file that changes is lost, which a run is too short to need.
fn trim_token(auth: &mut AuthInfo) {
    let (None, Some(path)) = (&auth.token, &auth.token_file) else { return };
    // What cannot be read is told by kube.
    let Ok(text) = std::fs::read_to_string(path).map(Zeroizing::new) else { return };
    if text.trim() != text.as_str() {
        auth.token = Some(text.trim().to_owned().into());
    }
}

/// kube takes a token for text that a header can carry.
fn check_token(context: &str, config: &mut Config) -> Result<(), Problem> {
    let auth = &mut config.auth_info;
    trim_token(auth);
    let token = auth.token.as_ref().map(|token| token.expose_secret());
    let named = format!("the token of the kubeconfig for {context}");
    token.map_or(Ok(()), |token| header::check(&named, token))
}

/// The settings of a context.
async fn config(context: &str, kubeconfig: Read<Kubeconfig>) -> Read<Config> {
    let names: Vec<String> = match &kubeconfig {
        Ok(kubeconfig) => kubeconfig.contexts.iter().map(|context| context.name.clone()).collect(),
        Err(_) => Vec::new(),
    };
    if context == IN_CLUSTER && !names.iter().any(|name| name == context) {
        return Config::incluster().map_err(|error| {
            unreadable(format!("not in a pod of a cluster: {error}"), "name a context of the kubeconfig")
        });
    }
    let kubeconfig = kubeconfig?;
    if !names.iter().any(|name| name == context) {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let hint = match (nearest(context, &names), names.as_slice()) {
            (Some(near), _) => format!("did you mean {near}?"),
            (None, []) => "it has no contexts: export KUBECONFIG".to_owned(),
            (None, names) => format!("it has: {}", names.join(", ")),
        };
        return Err(unreadable(format!("the kubeconfig has no context `{context}`"), hint));
    }
    let options = KubeConfigOptions { context: Some(context.to_owned()), cluster: None, user: None };
    Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .map_err(|error| unreadable(words(&error), "correct it, or export KUBECONFIG"))
}

/// The proxy of a context's cluster, which counts whatever the environment says, as it does for kubectl.
fn proxy(context: &str, kubeconfig: &Read<Kubeconfig>) -> Read<Option<Proxy>> {
    let Ok(kubeconfig) = kubeconfig else { return Ok(None) };
    let named = kubeconfig.contexts.iter().find(|named| named.name == context);
    let named = named.and_then(|named| named.context.as_ref());
    let cluster =
        named.and_then(|named| kubeconfig.clusters.iter().find(|cluster| cluster.name == named.cluster));
    let proxy = cluster.and_then(|cluster| cluster.cluster.as_ref()?.proxy_url.as_deref());
    let proxy = proxy.filter(|proxy| !proxy.is_empty());
    let read = |address: &str| Proxy::read(&format!("`proxy-url` of the cluster of {context}"), address);
    proxy.map(read).transpose().map_err(|problem| problem.login(true))
}

/// A credential goes only to a server that is known to be the right one, unless the file says otherwise.
fn check_transport(context: &str, config: &Config, insecure: bool) -> Result<(), Problem> {
    let url = url::Url::parse(&config.cluster_url.to_string()).ok();
    let local = url.as_ref().is_some_and(crate::net::is_loopback);
    let plain = url.is_none_or(|url| crate::net::check(&url, insecure).is_err());
    let why = match (config.cluster_url.scheme_str(), config.accept_invalid_certs) {
        _ if !plain && (insecure || local) => return Ok(()),
        (Some("https"), false) => return Ok(()),
        (Some("https"), true) => "its certificate is not checked (`insecure-skip-tls-verify`)",
        _ => "it is spoken to without TLS",
    };
    let message =
        format!("the cluster of {context} is not this machine and {why}: the credential would be shown");
    Err(unreadable(
        message,
        "give its kubeconfig a certificate-authority, or say `insecure: true` at the item of `kubernetes`",
    ))
}
