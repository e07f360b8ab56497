//! Login plugins of kubeconfigs (Kubernetes documentation, "client-go credential plugins"): programs that print an
//! `ExecCredential`. Each is started once for a login, and again when what it gave has ended.

use std::time::{Duration, SystemTime};

use http::HeaderValue;
use kube::config::{AuthInfo, ExecConfig, ExecInteractiveMode};
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use super::error::look;
use super::login::unreadable;
use crate::change::Read;
use crate::env::{Env, Untrusted};
use crate::model::Secret;
use crate::net::header;
use crate::program::{Program, ProgramError, has_passed};

/// A person may have to open a page in a browser and enter a code.
const LIMIT: Duration = Duration::from_secs(120);
/// A login plugin.
#[derive(Clone)]
pub(super) struct Plugin {
    program: Program,
    context: String,
    version: String,
    install_hint: Option<String>,
}

/// What it prints.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Printed {
    api_version: Option<String>,
    status: Option<Status>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    expiration_timestamp: Option<String>,
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
}

/// A login that it gave.
pub(super) struct Given {
    token: Option<Secret>,
    certificate: Option<(String, Secret)>,
    ends: Option<SystemTime>,
}

impl Plugin {
    /// The plugin that a user's stanza names, ready to be asked.
    pub(super) fn new(exec: &ExecConfig, context: &str, env: &Env) -> Read<Self> {
        let command = exec.command.clone().unwrap_or_default();
        let version = exec.api_version.clone().unwrap_or_default();
        let asks = match exec.interactive_mode {
            Some(ExecInteractiveMode::Never) => false,
            Some(ExecInteractiveMode::IfAvailable) | None => env.programs().can_ask(),
            Some(ExecInteractiveMode::Always) if env.programs().can_ask() => true,
            Some(ExecInteractiveMode::Always) => {
                let message = format!(
                    "the login plugin of context {context} asks a person, and regcred is not allowed to ask"
                );
                return Err(unreadable(message, "run it on a terminal"));
            }
        };
        let mut spec = json!({ "interactive": asks });
        if exec.provide_cluster_info {
            spec["cluster"] = serde_json::to_value(&exec.cluster).unwrap_or_default();
        }
        let info = json!({ "apiVersion": version, "kind": "ExecCredential", "spec": spec }).to_string();
        let argv = std::iter::once(command).chain(exec.args.iter().flatten().cloned()).collect();
        let own = exec.env.iter().flatten();
        let own = own.filter_map(|pair| Some((pair.get("name")?.clone(), pair.get("value")?.clone())));
        let info = ("KUBERNETES_EXEC_INFO".to_owned(), info);
        let program = env.named_program(argv).with(own.chain([info])).for_at_most(LIMIT);
        let program = if asks { program.asking() } else { program };
        Ok(Self { program, context: context.to_owned(), version, install_hint: exec.install_hint.clone() })
    }

    /// The login that it gives; a new one where that has ended.
    pub(super) async fn login(&self) -> Read<Given> {
        let given = self.ask().await?;
        if given.ends.is_some_and(has_passed) {
            self.program.forget();
            return self.ask().await;
        }
        Ok(given)
    }

    async fn ask(&self) -> Read<Given> {
        let output = self.program.succeed().await.map_err(|error| {
            if error.is_untrusted() {
                return Untrusted::refused("the login plugin of the kubeconfig would be started");
            }
            let install = self.install_hint.clone().filter(|_| matches!(error, ProgramError::Absent { .. }));
            let hint = install.unwrap_or_else(|| look(&self.context));
            unreadable(format!("the login plugin of the kubeconfig: {error}"), hint.trim())
                .hints(error.hint())
        })?;
        self.read(&output.stdout).map_err(|what| {
            let message = format!("the login plugin `{}` of the kubeconfig {what}", self.program.name());
            unreadable(message, "run it yourself, and compare what it prints with an ExecCredential")
        })
    }

    /// JSON or YAML, as client-go takes it. Never repeats a part of it.
    fn read(&self, printed: &[u8]) -> Result<Given, String> {
        let printed: Printed =
            serde_saphyr::from_slice(printed).map_err(|_| "prints no ExecCredential".to_owned())?;
        if printed.api_version.as_deref() != Some(&self.version) {
            return Err(format!(
                "prints another `apiVersion` than the {} that it was asked for",
                self.version
            ));
        }
        let status = printed.status.unwrap_or_default();
        let token = status.token.filter(|token| !token.is_empty()).map(Secret::foreign);
        let (certificate, key) = (status.client_certificate_data, status.client_key_data);
        let certificate = match (certificate, key.map(Secret::foreign)) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => return Err("gives only one of certificate and key".to_owned()),
        };
        if token.is_none() && certificate.is_none() {
            return Err("gives neither a token nor a certificate".to_owned());
        }
        if let Some(flaw) = token.as_ref().map(Secret::expose).and_then(header::fault) {
            return Err(format!("gives a token that {flaw}"));
        }
        let ends = status.expiration_timestamp.as_deref().map(chrono::DateTime::parse_from_rfc3339);
        let ends =
            ends.transpose().map_err(|_| "gives an expirationTimestamp that is not a time".to_owned())?;
        Ok(Given { token, certificate, ends: ends.map(SystemTime::from) })
    }
}

/// The header that logs in with a token.
pub(super) fn bearer(token: &Secret) -> Option<HeaderValue> {
    let bearer = Zeroizing::new(format!("Bearer {}", token.expose()));
    let mut value = HeaderValue::from_str(&bearer).ok()?;
    value.set_sensitive(true);
    Some(value)
}

impl Given {
    /// What logs in a request.
    pub(super) fn header(&self) -> Option<HeaderValue> {
        bearer(self.token.as_ref()?)
    }

    /// What logs in a connection.
    pub(super) fn into_connection(self, user: &mut AuthInfo) {
        use base64::Engine;
        use base64::engine::general_purpose::STANDARD;
        if let Some((certificate, key)) = self.certificate {
            user.client_certificate_data = Some(STANDARD.encode(certificate.as_bytes()));
            user.client_key_data = Some(STANDARD.encode(key.expose()).into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::usable::VERSIONS;
    use super::*;

    fn exec(text: &str) -> ExecConfig {
        serde_saphyr::from_str(text).expect("it is a stanza")
    }

    fn made(text: &str) -> Result<Plugin, String> {
        Plugin::new(&exec(text), "prod", &Env::default()).map_err(|problem| problem.to_string())
    }

    #[test]
    fn a_plugin_that_always_asks_is_refused_where_nobody_may_be_asked() {
        let text = "{ command: x, apiVersion: client.authentication.k8s.io/v1, interactiveMode: Always }";
        let error = made(text).err().expect("it is refused");
        assert!(error.contains("asks a person, and regcred is not allowed to ask"), "{error}");
    }

    #[test]
    fn a_plugin_that_waits_for_ever_is_ended_after_two_minutes_and_named() {
        let text = format!("{{ command: tail, args: [-f, /dev/null], apiVersion: {} }}", VERSIONS[0]);
        let env = Env::from_iter([("PATH", "/usr/bin:/bin")]);
        let mut plugin = Plugin::new(&exec(&text), "prod", &env).expect("it is good");
        assert_eq!(plugin.program.limit(), Duration::from_secs(120));
        plugin.program = plugin.program.for_at_most(Duration::ZERO);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let problem = runtime.block_on(plugin.login()).err().expect("it is ended");
        assert_eq!(
            problem.message,
            "the login plugin of the kubeconfig: `tail` did not end within 0 seconds, and was ended"
        );
        assert_eq!(problem.hints, [look("prod")]);
    }

    #[test]
    fn what_a_plugin_prints_is_taken_in_the_form_that_was_asked_for() {
        for version in VERSIONS {
            let plugin = made(&format!("{{ command: x, apiVersion: {version} }}")).expect("it is good");
            let read = |status: &str| {
                plugin.read(
                    format!("{{apiVersion: {version}, kind: ExecCredential, status: {status}}}").as_bytes(),
                )
            };
            let token =
                read("{token: abc, expirationTimestamp: '2022-05-02T18:36:00Z'}").expect("it is good");
            assert_eq!(token.header().expect("it has a token").to_str().ok(), Some("Bearer abc"));
            assert!(token.ends.is_some_and(has_passed));
            let both = read("{token: abc, clientCertificateData: c, clientKeyData: k}").expect("it is good");
            let mut user = AuthInfo::default();
            assert!(both.header().is_some() && both.ends.is_none());
            both.into_connection(&mut user);
            assert_eq!(user.client_certificate_data.as_deref(), Some("Yw=="));
            for (status, words) in [
                ("null", "gives neither a token nor a certificate"),
                ("{token: ''}", "gives neither a token nor a certificate"),
                ("{clientKeyData: k}", "gives only one of certificate and key"),
                ("{token: \"s3cret\\n\"}", "gives a token that has a line break in it"),
                ("{token: s3crét}", "gives a token that has a character in it that is not ASCII"),
                ("{token: a, expirationTimestamp: soon}", "gives an expirationTimestamp that is not a time"),
                ("[]", "prints no ExecCredential"),
            ] {
                assert_eq!(read(status).err().as_deref(), Some(words), "{status}");
            }
            let other = plugin.read(b"{apiVersion: v2, status: {token: a}}").err();
            assert!(other.is_some_and(|words| words.contains("another `apiVersion`")));
        }
    }

    #[test]
    fn what_a_plugin_gives_is_a_secret_from_then_on() {
        let plugin = made(&format!("{{ command: x, apiVersion: {} }}", VERSIONS[0])).expect("it is good");
        let status = "{token: c4nary-token, clientCertificateData: c, clientKeyData: c4nary-key}";
        let printed = format!("{{apiVersion: {}, status: {status}}}", VERSIONS[0]);
        plugin.read(printed.as_bytes()).map(drop).expect("it is good");
        assert_eq!(crate::redact::outside("c4nary-token and c4nary-key"), "*** and ***");
    }
}
