//! Logging in to clusters: the contexts of the kubeconfig, or the pod's own service account.

use std::collections::{BTreeMap, BTreeSet};

use kube::Config;
use kube::config::{AuthInfo, KubeConfigOptions, Kubeconfig};
use secrecy::ExposeSecret;
use zeroize::Zeroizing;

use super::client::{ANSWER_TIMEOUT, Login};
use super::connector;
use super::error::look;
use super::kubeconfig::Files;
use super::plugin::Plugin;
use super::token_file::TokenFile;
use super::{Client, Desired};
use crate::change::Read;
use crate::env::Env;
use crate::files;
use crate::model::{IN_CLUSTER, Problem};
use crate::net::header;
use crate::net::{Http, Proxy};
use crate::redact;

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
        let kubeconfig = Files::read(env);
        let insecure =
            |context: &String| desired.iter().any(|desired| desired.insecure && desired.context == *context);
        let logins = contexts.into_iter().map(|context| {
            let kubeconfig = kubeconfig.clone();
            let insecure = insecure(context);
            let http = http.insecure(insecure).patience(ANSWER_TIMEOUT);
            async move { (context.clone(), log_in(context, kubeconfig, insecure, env, &http).await) }
        });
        Self(futures::future::join_all(logins).await.into_iter().collect())
    }

    /// The client of a context, or why there is none.
    #[must_use]
    pub fn get(&self, context: &str) -> Option<&Read<Client>> {
        self.0.get(context)
    }
}

pub(super) fn unreadable(reason: impl Into<String>, hint: impl Into<String>) -> Problem {
    Problem::outside(reason).hint(hint).login(true)
}

async fn log_in(
    context: &str,
    kubeconfig: Read<Files>,
    insecure: bool,
    env: &Env,
    http: &Http,
) -> Read<Client> {
    let (mut config, proxy) = config(context, kubeconfig).await?;
    check_transport(context, &config, insecure)?;
    check_proxy(&config, proxy.as_ref(), http)?;
    // Before a plugin is heard.
    known_secrets(&config.auth_info).for_each(|secret| redact::teach(&secret));
    let login = authenticate(context, &mut config.auth_info, env).await?;
    let base = address(&config.cluster_url.to_string());
    let kube = connector::client(config, http, proxy).map_err(|problem| {
        let message =
            format!("the cluster of {context} cannot be reached: {}", redact::outside(&problem.message));
        Problem { message, ..problem }.hint(look(context)).login(true)
    })?;
    Ok(Client { kube, base, context: context.to_owned(), login })
}

/// An API server's address, alike however it is spelled: the same cluster by two contexts is one place.
fn address(server: &str) -> String {
    let spelled = url::Url::parse(server).map_or_else(|_| server.to_owned(), |url| url.to_string());
    spelled.trim_end_matches('/').to_owned()
}

/// A shorter setting is a word.
const SHORTEST: usize = 8;

/// What a kubeconfig holds to log in with, and what it hands to a login plugin.
fn known_secrets(auth: &AuthInfo) -> impl Iterator<Item = Zeroizing<String>> {
    let file = auth.token_file.as_ref().and_then(|path| files::text(path.as_ref()).ok());
    let settings = auth.auth_provider.iter().flat_map(|provider| &provider.config);
    let plugin = auth.exec.iter().flat_map(|exec| exec.env.iter().flatten());
    let plugin = plugin.filter_map(|pair| Some((pair.get("name")?, pair.get("value")?)));
    let secret = |name: &str| {
        let name = name.to_lowercase();
        ["token", "secret", "password", "key"].iter().any(|word| name.contains(word))
    };
    let settings = settings.chain(plugin).filter(|(name, value)| secret(name) && value.len() >= SHORTEST);
    let held = [&auth.token, &auth.password, &auth.client_key_data].into_iter().flatten();
    let held = held.map(|secret| secret.expose_secret().to_owned());
    let pair = auth
        .username
        .iter()
        .zip(&auth.password)
        .map(|(name, word)| format!("{name}:{}", word.expose_secret()));
    let all = held
        .chain(file.map(|text| text.trim().to_owned()))
        .chain(settings.map(|(_, value)| value.clone()))
        .chain(pair);
    all.map(Zeroizing::new).collect::<Vec<_>>().into_iter()
}

/// Makes the user's stanza one that kube starts no program for and reads no file of: a token is read and a plugin is asked
/// by what is given back. As for client-go, a token's file counts before the token beside it, and any login before a plugin.
async fn authenticate(context: &str, user: &mut AuthInfo, env: &Env) -> Read<Option<Login>> {
    if user.auth_provider.as_ref().is_some_and(|provider| provider.config.contains_key("cmd-path")) {
        let message =
            format!("the user of context {context} logs in by `auth-provider`, which kubectl no longer has");
        return Err(unreadable(message, "use the cloud's login plugin: `exec:` in the kubeconfig"));
    }
    let file = user.token_file.take();
    if let Some(path) = &file {
        match files::text(path.as_ref()) {
            Ok(text) => user.token = Some(text.trim().to_owned().into()),
            // The token beside it is the one before the first that could be read.
            Err(_) if user.token.is_some() => {}
            Err(error) => {
                let message = format!("the token file {path} cannot be read: {error}");
                return Err(unreadable(message, "correct `tokenFile`"));
            }
        }
    }
    let exec = user.exec.take();
    user.token = user.token.take().filter(|token| !token.expose_secret().is_empty());
    if let Some(flaw) = user.token.as_ref().and_then(|token| header::fault(token.expose_secret())) {
        let message = format!("the token of context {context} {flaw}");
        return Err(unreadable(message, "correct it in the kubeconfig, or log in again"));
    }
    if let Some(path) = file
        && let Some(token) = user.token.take()
    {
        return Ok(Some(Login::File(TokenFile::new(path.into(), token.expose_secret()))));
    }
    let has_basic = user.username.is_some() || user.password.is_some();
    let has_certificate = user.client_certificate.is_some() || user.client_certificate_data.is_some();
    let asks = user.token.is_none() && !has_basic && !has_certificate;
    let Some(exec) = exec.filter(|_| asks) else { return Ok(None) };
    let plugin = Plugin::new(&exec, context, env)?;
    plugin.login().await?.into_connection(user);
    Ok(Some(Login::Plugin(plugin)))
}

/// The settings of a context.
async fn config(context: &str, kubeconfig: Read<Files>) -> Read<(Config, Option<Proxy>)> {
    let has = |files: &Files| files.contexts().contains(&context);
    if context == IN_CLUSTER && !kubeconfig.as_ref().is_ok_and(has) {
        let config = Config::incluster().map_err(|error| {
            unreadable(format!("not in a pod of a cluster: {error}"), "name a context of the kubeconfig")
        });
        return Ok((config?, None));
    }
    let kubeconfig = kubeconfig?.context(context)?;
    let proxy = proxy(context, &kubeconfig)?;
    let options = KubeConfigOptions { context: Some(context.to_owned()), cluster: None, user: None };
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|error| {
        let words = format!("the kubeconfig cannot be used: {}", redact::outside(&error.to_string()));
        unreadable(words, "correct it, or export KUBECONFIG")
    })?;
    Ok((config, proxy))
}

/// The proxy of a context's cluster, which counts whatever the environment says, as it does for kubectl.
fn proxy(context: &str, kubeconfig: &Kubeconfig) -> Read<Option<Proxy>> {
    let cluster = kubeconfig.clusters.first().and_then(|cluster| cluster.cluster.as_ref());
    let proxy = cluster.and_then(|cluster| cluster.proxy_url.as_deref()).filter(|proxy| !proxy.is_empty());
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

/// Whoever stands between could show a certificate of its own where none is checked.
fn check_proxy(config: &Config, proxy: Option<&Proxy>, http: &Http) -> Result<(), Problem> {
    let url = url::Url::parse(&config.cluster_url.to_string()).ok().filter(|_| config.accept_invalid_certs);
    let Some(url) = url.filter(|url| !crate::net::is_loopback(url)) else { return Ok(()) };
    let host = url.host_str().unwrap_or_default();
    let (through, hint) = match (proxy, http.proxy_to(&url)) {
        (Some(own), _) => (own, "give its kubeconfig a certificate-authority".to_owned()),
        (None, Some(proxy)) => {
            (proxy, format!("give its kubeconfig a certificate-authority, or add {host} to NO_PROXY"))
        }
        (None, None) => return Ok(()),
    };
    let message = format!(
        "the certificate of {host} is not checked (`insecure-skip-tls-verify`): the credential would be shown to the proxy {through}"
    );
    Err(unreadable(message, hint))
}

#[cfg(test)]
mod tests {
    use kube::config::ExecConfig;

    use super::*;

    #[test]
    fn one_server_has_one_address_however_a_context_spells_it() {
        for spelled in ["https://K8s.Example:443", "https://k8s.example/", "HTTPS://k8s.example"] {
            assert_eq!(address(spelled), "https://k8s.example", "{spelled}");
        }
        assert_ne!(address("https://k8s.example:6443"), address("https://k8s.example"));
    }

    #[test]
    fn a_proxy_is_not_shown_what_goes_to_a_server_whose_certificate_is_not_checked() {
        let proxy = Proxy::read("`proxy-url`", "http://proxy.example:3128").expect("an address");
        let http = Http::new(&Env::default()).expect("a client");
        let mut config = Config::new("https://k8s.example:6443".parse().expect("an address"));
        assert!(check_proxy(&config, Some(&proxy), &http).is_ok());
        config.accept_invalid_certs = true;
        assert!(check_proxy(&config, None, &http).is_ok());
        let problem = check_proxy(&config, Some(&proxy), &http).expect_err("the proxy could read it");
        assert_eq!(
            problem.message,
            "the certificate of k8s.example is not checked (`insecure-skip-tls-verify`): the credential would be \
             shown to the proxy http://proxy.example:3128 (`proxy-url`)"
        );
    }

    #[test]
    fn what_a_kubeconfig_hands_to_a_plugin_is_a_secret_where_its_name_says_so() {
        let pair = |name: &str, value: &str| {
            [("name", name), ("value", value)].map(|(k, v)| (k.to_owned(), v.to_owned()))
        };
        let env =
            [pair("AAD_CLIENT_SECRET", "s3cret-of-a-plugin"), pair("AWS_PROFILE", "a-long-profile-name")];
        let exec = ExecConfig {
            env: Some(env.map(|pair| pair.into_iter().collect()).to_vec()),
            ..ExecConfig::default()
        };
        let user = AuthInfo { exec: Some(exec), ..AuthInfo::default() };
        let known: Vec<String> = known_secrets(&user).map(|secret| secret.to_string()).collect();
        assert_eq!(known, ["s3cret-of-a-plugin"]);
    }
}
