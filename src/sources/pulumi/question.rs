//! The `pulumi` program, asked for what only it can read: secrets of Pulumi Cloud, Azure, Google Cloud and
//! Vault, Pulumi ESC environments, and configuration that is kept in Pulumi Cloud.
//!
//! It is asked once, for the whole configuration of a stack (one key derivation, one request), without a
//! terminal, with an environment that is listed here, and only where that can neither sign up for an account
//! (no login: see [`Backend`]) nor write the stack file (a stack of files without a salt gets one when its
//! secrets are shown). What it prints holds secrets, and is in no error.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroizing;

use super::backend::Backend;
use super::key::{ConfigKey, Step};
use super::locate::CredentialKeys;
use super::project::Project;
use super::provider::Provider;
use crate::env::Env;
use crate::model::{Login, Place, Problem, Secret, secret};
use crate::program::{Output, Program, ProgramError};
use crate::sources::store::put;

/// An environment of Pulumi ESC may have to be opened at several providers.
const LIMIT: Duration = Duration::from_secs(90);
const CLOUD: &str = "https://api.pulumi.com";
const OTHER_SOURCE: &str = "or export DOCKER_HUB_USERNAME and DOCKER_HUB_TOKEN instead";

/// What the program works with, whatever it decrypts.
const PULUMI_NEEDS: &[&str] = &[
    "PULUMI_ACCESS_TOKEN",
    "PULUMI_BACKEND_URL",
    "PULUMI_HOME",
    "PULUMI_CREDENTIALS_PATH",
    "PULUMI_CREDENTIAL_STORE",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "https_proxy",
    "http_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];
const PASSPHRASE: &[&str] = &["PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"];
const AWS: &[&str] = &["AWS_*"];
const AZURE: &[&str] = &["AZURE_*", "ARM_*", "IDENTITY_ENDPOINT", "IDENTITY_HEADER", "MSI_*"];
const GOOGLE: &[&str] = &["GOOGLE_*", "CLOUDSDK_*"];
const VAULT: &[&str] = &["VAULT_*"];

/// Why only the `pulumi` program can read a stack.
#[derive(Clone, Debug, PartialEq)]
pub enum Need {
    /// Its secrets are encrypted with a provider of which the key is out of reach.
    Provider(Provider),
    /// A key is not in its file, which names an environment of Pulumi ESC.
    Environment {
        /// The key.
        key: String,
    },
    /// It has no file here, so that it may be configured in Pulumi Cloud.
    Remote,
}

/// A stack to ask about.
#[derive(Clone, Debug)]
pub struct Stack {
    /// The name of the project.
    pub(super) project: String,
    /// The folder of the project file.
    pub(super) dir: PathBuf,
    /// The stack's short name.
    pub(super) name: String,
    /// Where its file says what it needs.
    pub(super) place: Place,
    /// What it needs.
    pub(super) need: Need,
    /// What decrypts the secrets in its file, if it has any.
    pub(super) provider: Provider,
    /// The keys of the credential.
    pub(super) keys: CredentialKeys,
}

/// A question to the program, ready to be put.
#[derive(Clone)]
pub struct Question {
    stack: Stack,
    program: Program,
}

/// The configuration of a stack, decrypted. It has no `Debug`.
pub struct Config(pub(super) BTreeMap<String, Entry>);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    #[serde(default)]
    pub(super) value: String,
    pub(super) object_value: Option<Value>,
    #[serde(default)]
    pub(super) secret: bool,
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Provider(provider) => write!(f, "its secrets are encrypted with {provider}"),
            Self::Environment { key } => {
                write!(
                    f,
                    "`{key}` is not in its file, and may come from the Pulumi ESC environment that is named here"
                )
            }
            Self::Remote => f.write_str("it has no file here, and may be configured in Pulumi Cloud"),
        }
    }
}

impl Stack {
    /// A stack of a project.
    #[must_use]
    pub fn new(
        project: &Project,
        name: &str,
        place: Place,
        need: Need,
        provider: Provider,
        keys: &CredentialKeys,
    ) -> Self {
        let (dir, name, keys) = (project.dir.clone(), name.to_owned(), keys.clone());
        Self { project: project.name.clone(), dir, name, place, need, provider, keys }
    }

    /// Its short name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Prepares the question. `full` is the stack's name with its organization, where it is known.
    ///
    /// # Errors
    /// There is no login, or the backend cannot have what is needed.
    pub fn question(self, full: &str, backend: &Backend, env: &Env) -> Result<Question, Problem> {
        self.check(backend)?;
        Ok(self.prepared(&["--show-secrets"], full, backend, env))
    }

    /// The settings of the stack without its secrets, now.
    ///
    /// # Errors
    /// There is no login, or the program gives none.
    pub(super) fn settings(self, full: &str, backend: &Backend, env: &Env) -> Result<Config, Problem> {
        self.check(backend)?;
        let question = self.prepared(&[], full, backend, env);
        match question.program.run_now() {
            Some(ran) => question.read(ran),
            None => {
                Err(question.stack.problem("`pulumi config` cannot be started", &question.without_secrets()))
            }
        }
    }

    fn prepared(self, flags: &[&str], full: &str, backend: &Backend, env: &Env) -> Question {
        let words =
            [&["pulumi", "config", "--json"], flags, &["--non-interactive", "--stack", full]].concat();
        let listed = [PULUMI_NEEDS, self.provider_needs(), backend_needs(backend)].concat();
        let own = [("PULUMI_SKIP_UPDATE_CHECK", "true"), ("TERM", "dumb")];
        let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let program = env.known_program(&words, &listed).within(&self.dir).with(own).for_at_most(LIMIT);
        Question { stack: self, program }
    }

    fn check(&self, backend: &Backend) -> Result<(), Problem> {
        let of_the_service = match (&self.need, &self.provider) {
            (Need::Environment { .. } | Need::Remote, _) | (_, Provider::Service) => true,
            (Need::Provider(_), _) => false,
        };
        match (backend, &self.provider) {
            (Backend::None, _) => Err(self.problem(
                "there is no login to Pulumi",
                &format!("pulumi login, or export PULUMI_ACCESS_TOKEN; {OTHER_SOURCE}"),
            )),
            (Backend::Files { scheme }, _) if of_the_service => Err(self.problem(
                &format!("the backend in use is `{scheme}://`, which does not have it"),
                &format!("export PULUMI_BACKEND_URL={CLOUD}; {OTHER_SOURCE}"),
            )),
            // The program would make a key and write it into the file.
            (_, Provider::Kms { encrypted_key, .. }) if encrypted_key.is_empty() => Err(self.problem(
                "`encryptedkey` is missing",
                "restore the line `encryptedkey: …` from version control",
            )),
            _ => Ok(()),
        }
    }

    /// What decrypts the secrets in the file works with.
    fn provider_needs(&self) -> &'static [&'static str] {
        match &self.provider {
            Provider::Passphrase { .. } => PASSPHRASE,
            // What it is encrypted with is not known here.
            Provider::None | Provider::SaltMissing if self.need == Need::Remote => PASSPHRASE,
            Provider::Kms { url, .. } => match url.split("://").next().unwrap_or_default() {
                "awskms" => AWS,
                "azurekeyvault" => AZURE,
                "gcpkms" => GOOGLE,
                _ => VAULT,
            },
            Provider::Service | Provider::SaltMissing | Provider::None => &[],
        }
    }

    fn problem(&self, what: &str, hint: &str) -> Problem {
        let message = format!("stack `{}`: {}: {what}", self.name, self.need);
        Problem::input(message).at(self.place.clone()).hint(hint)
    }
}

fn backend_needs(backend: &Backend) -> &'static [&'static str] {
    match backend {
        Backend::Files { scheme } => match scheme.as_str() {
            "s3" => AWS,
            "azblob" => AZURE,
            "gs" => GOOGLE,
            _ => &[],
        },
        Backend::Service | Backend::None => &[],
    }
}

impl Question {
    /// Asks the program.
    ///
    /// # Errors
    /// It is not there, takes too long, or refuses.
    pub async fn ask(&self) -> Result<Config, Problem> {
        self.read(self.program.run().await)
    }

    fn read(&self, ran: Result<Arc<Output>, ProgramError>) -> Result<Config, Problem> {
        let output = ran.map_err(|error| {
            let hint = match &error {
                ProgramError::Absent { .. } => {
                    format!("install it (https://www.pulumi.com/docs/install), {OTHER_SOURCE}")
                }
                _ => format!("{}, {OTHER_SOURCE}", self.without_secrets()),
            };
            self.stack.problem(&error.to_string(), &hint)
        })?;
        if output.code != Some(0) {
            let (what, hint) = self.refusal(&output);
            return Err(self.stack.problem(&what, &hint));
        }
        // What an environment has to say follows the configuration, on the same stream.
        let mut values = serde_json::Deserializer::from_slice(&output.stdout).into_iter();
        let config = values.next().and_then(Result::ok).map(Config);
        config.ok_or_else(|| {
            self.stack.problem("`pulumi config` gives no configuration", &self.without_secrets())
        })
    }

    /// Whether the program can put a new token where this one is.
    ///
    /// # Errors
    /// It comes from an environment of Pulumi ESC, which `pulumi config` does not write.
    pub fn storable(&self) -> Result<(), Problem> {
        match &self.stack.need {
            Need::Provider(_) | Need::Remote => Ok(()),
            Need::Environment { .. } => Err(self.stack.problem(
                "a new token cannot be stored there",
                &format!("pulumi env set ORG/ENVIRONMENT pulumiConfig.{} --secret", self.stack.keys.token),
            )),
        }
    }

    /// Lets the program store a new token, which it reads from its standard input.
    ///
    /// # Errors
    /// As for [`Question::storable`]; it is not there, takes too long, or refuses.
    pub async fn store(&self, token: &Secret) -> Result<(), Problem> {
        self.storable()?;
        let config = self.ask().await?;
        let key = self.stack.keys.token_key(|key| self.lookup(&config, key).is_some());
        let full = self.program.argv().last().map(String::as_str).unwrap_or_default();
        let path = ConfigKey::has_path(key).then_some("--path");
        let words = ["pulumi", "config", "set", "--secret"].into_iter().chain(path);
        let words = words.chain(["--non-interactive", key, "--stack", full]).map(str::to_owned);
        let program = self.program.clone().with_argv(words.collect());
        // What it gave is no longer so.
        self.program.forget();
        put(&program, token).await.map_err(|what| {
            let hint = format!("try it by hand: {}", program.argv().join(" "));
            self.stack.problem(&format!("`pulumi config set` did not store the new token: {what}"), &hint)
        })
    }

    /// The same question in a form that a person may ask.
    fn without_secrets(&self) -> String {
        let stack = self.program.argv().last().map(String::as_str).unwrap_or_default();
        format!("pulumi config --stack {stack}{}", super::stack_file::chdir(self.program.dir()))
    }

    /// Why it refused. Codes tell since v3.226; before, and for many reasons still, only the words do.
    fn refusal(&self, output: &Output) -> (String, String) {
        let said = Zeroizing::new(String::from_utf8_lossy(&output.stderr).into_owned());
        let dir = super::stack_file::chdir(self.program.dir());
        let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
        let (what, hint) = match output.code {
            Some(6) => ("Pulumi has no such stack", format!("pulumi stack ls{dir}")),
            _ if says(&["no stack named"]) => ("Pulumi has no such stack", format!("pulumi stack ls{dir}")),
            Some(3) => ("Pulumi does not accept the login", "pulumi login".to_owned()),
            _ if says(&["PULUMI_ACCESS_TOKEN must be set", "requires logging in"]) => {
                ("Pulumi does not accept the login", "pulumi login".to_owned())
            }
            _ if says(&["incorrect passphrase"]) => {
                ("wrong passphrase", "check PULUMI_CONFIG_PASSPHRASE".to_owned())
            }
            _ if says(&["passphrase must be set"]) => {
                ("no passphrase", "export PULUMI_CONFIG_PASSPHRASE".to_owned())
            }
            _ if says(&["could not decrypt", "failed to decrypt"]) => {
                ("a value is damaged, or was encrypted for another stack", self.without_secrets())
            }
            _ if says(&["does not support environments"]) => {
                ("the backend in use has no environments", format!("export PULUMI_BACKEND_URL={CLOUD}"))
            }
            code => {
                let code = code.map_or("a signal".to_owned(), |code| format!("code {code}"));
                return (format!("`pulumi config` ended with {code}"), self.without_secrets());
            }
        };
        (what.to_owned(), hint)
    }

    /// The credential in the configuration.
    ///
    /// # Errors
    /// For each of the two values: it is absent, is not text, has white space in it, or is not a secret though it
    /// has to be one.
    pub fn login(&self, config: &Config) -> Result<Login, Vec<Problem>> {
        let keys = &self.stack.keys;
        let token_key = keys.token_key(|key| self.lookup(config, key).is_some());
        match (self.value(config, &keys.username, false), self.value(config, token_key, true)) {
            (Ok(username), Ok(token)) => Ok(Login { username: username.expose().to_owned(), token }),
            (username, token) => Err([username.err(), token.err()].into_iter().flatten().collect()),
        }
    }

    fn value(&self, config: &Config, key: &str, must_be_secret: bool) -> Result<Secret, Problem> {
        let fix = match must_be_secret {
            true => format!("pulumi config set --secret {key} --stack {}", self.stack.name),
            false => format!("pulumi config set --plaintext {key} NAME --stack {}", self.stack.name),
        };
        let fix = format!("{fix}{}, or set it in the environment", super::stack_file::chdir(&self.stack.dir));
        let refused = |what: &str| self.stack.problem(&format!("`{key}` {what}"), &fix);
        let (text, is_secret) =
            self.lookup(config, key).ok_or_else(|| refused("is not in its configuration"))?;
        let text = Secret::new(text.ok_or_else(|| refused("must be text, not a list or a map"))?);
        if must_be_secret && !is_secret {
            return Err(refused("is in plain text, and must be a secret"));
        }
        if text.expose().is_empty() {
            return Err(refused("is empty"));
        }
        match secret::flaw(text.expose()) {
            Some(flaw) => Err(refused(&format!("has a value that {flaw}"))),
            None => Ok(text),
        }
    }

    /// The value of a key, or of a path into one, and whether it is a secret; the inner `None` is a list or a
    /// map.
    fn lookup(&self, config: &Config, key: &str) -> Option<(Option<String>, bool)> {
        let of = |entry: &Entry| (entry.object_value.is_none().then(|| entry.value.clone()), entry.secret);
        let exact = ConfigKey::in_project(&self.stack.project, key).ok();
        if let Some(entry) = exact.and_then(|key| config.0.get(&key.to_string())) {
            return Some(of(entry));
        }
        let (outer, path) = ConfigKey::with_path(&self.stack.project, key).ok()?.split_path()?;
        let entry = config.0.get(&outer.to_string())?;
        let inner = path.iter().try_fold(entry.object_value.as_ref()?, |value, step| match step {
            Step::Key(key) => value.get(key),
            Step::Index(index) => value.get(index),
        })?;
        Some((inner.as_str().map(str::to_owned), entry.secret))
    }
}
