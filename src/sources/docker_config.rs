//! A credential that `docker login` keeps: in `DOCKER_AUTH_CONFIG`, in `config.json`, or in the store of a
//! credential helper (`cli/config/configfile` and `cli/config/credentials` of docker/cli).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{outside, text, unread};
use crate::env::Env;
use crate::model::{Place, Problem, Registry};
use crate::program::Program;
use crate::vault::Resolved;

/// Helpers ask a local store; one that waits for a person is asked again on the next run.
const PATIENCE: Duration = Duration::from_secs(30);
const VARIABLE: &str = "DOCKER_AUTH_CONFIG";
/// The user name by which helpers say that what follows is an identity token
/// (`docker-credential-helpers`, `credentials.go`).
const IDENTITY_USER: &str = "<token>";
/// What helpers print where they hold nothing (`docker-credential-helpers`, `error.go`).
const NOT_FOUND: &str = "credentials not found in native keychain";

/// A login of Docker's, found but not read.
#[derive(Clone)]
pub(super) enum Entry {
    /// In the configuration itself.
    Login(Resolved),
    /// In a helper's store.
    Helper { program: Program, registry: Registry },
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Config {
    auths: BTreeMap<String, Auth>,
    creds_store: String,
    cred_helpers: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Auth {
    auth: String,
    username: String,
    password: String,
    identitytoken: String,
    registrytoken: String,
}

/// Finds the registry's login: of `DOCKER_AUTH_CONFIG`, else of the helper for the registry, else of the
/// helper for all, else of the file.
pub(super) fn locate(registry: &Registry, env: &Env) -> Result<Entry, Problem> {
    if let Some(text) = env.filled(VARIABLE) {
        let login = parse(text).and_then(|config| config.login(registry));
        if let Some(resolved) = login.map_err(|what| problem(None, &format!("{VARIABLE} {what}")))? {
            return Ok(Entry::Login(resolved));
        }
    }
    let path = path(env).ok_or_else(|| problem(None, "neither DOCKER_CONFIG nor HOME is set"))?;
    let here = |what: &str| problem(Some(&path), what);
    let text = std::fs::read_to_string(&path).map(Zeroizing::new);
    let text = text.map_err(|error| here(&format!("cannot be read: {error}")))?;
    let config = parse(&text).map_err(|what| here(&what))?;
    if let Some(name) = config.helper(registry) {
        return helper(name, registry, env).map_err(|what| here(&what));
    }
    let login = config.login(registry).map_err(|what| here(&what))?;
    login
        .map(Entry::Login)
        .ok_or_else(|| here(&format!("has no login for {registry}")).hint(login_command(registry)))
}

fn path(env: &Env) -> Option<PathBuf> {
    let dir = env.filled("DOCKER_CONFIG").map(PathBuf::from);
    let dir = dir.or_else(|| Some(PathBuf::from(env.filled("HOME")?).join(".docker")));
    Some(dir?.join("config.json"))
}

/// Errors of the parser can repeat a part of the text.
fn parse(text: &str) -> Result<Config, String> {
    serde_json::from_str(text).map_err(|_| "is not the JSON of a Docker configuration".to_owned())
}

fn problem(path: Option<&Path>, what: &str) -> Problem {
    let hint = Some("docker login, or another source: from: env".to_owned());
    Problem::input(what).at(path.map(Place::file)).hints(hint)
}

fn login_command(registry: &Registry) -> String {
    match registry.is_docker_hub() {
        true => "docker login -u NAME".to_owned(),
        false => format!("docker login -u NAME {registry}"),
    }
}

fn means(key: &str, registry: &Registry) -> bool {
    Registry::parse(key).is_ok_and(|other| other == *registry)
}

impl Config {
    fn helper(&self, registry: &Registry) -> Option<&str> {
        let own = self.cred_helpers.iter().find(|(key, _)| means(key, registry));
        let name = own.map_or(&self.creds_store, |(_, name)| name);
        (!name.is_empty()).then_some(name)
    }

    fn login(&self, registry: &Registry) -> Result<Option<Resolved>, String> {
        let found = self.auths.iter().find(|(key, auth)| means(key, registry) && !auth.is_empty());
        found.map(|(_, auth)| auth.login(registry)).transpose()
    }
}

impl Auth {
    fn is_empty(&self) -> bool {
        let Self { auth, username, password, identitytoken, registrytoken } = self;
        [auth, username, password, identitytoken, registrytoken].into_iter().all(String::is_empty)
    }

    fn login(&self, registry: &Registry) -> Result<Resolved, String> {
        if !self.identitytoken.is_empty() {
            return Err(identity_token(registry));
        }
        if !self.registrytoken.is_empty() {
            return Err(format!(
                "has a registry token for {registry}: it is good for minutes, and nothing to spread"
            ));
        }
        let read = match self.auth.as_str() {
            "" => text::checked(&self.username, &self.password),
            auth => decode(auth),
        };
        read.map_err(|what| format!("{what} for {registry}"))
    }
}

/// `user:password` in base64; the user name holds no colon.
fn decode(auth: &str) -> Result<Resolved, String> {
    let damaged = || "has a damaged `auth`".to_owned();
    let bytes = Zeroizing::new(STANDARD.decode(auth).map_err(|_| damaged())?);
    let pair = std::str::from_utf8(&bytes).map_err(|_| damaged())?;
    let (username, password) = pair.split_once(':').ok_or_else(damaged)?;
    text::checked(username, password.trim_end_matches('\0'))
}

fn identity_token(registry: &Registry) -> String {
    format!(
        "has an identity token for {registry}: only the client that it was made for can use it, so it cannot be put anywhere else"
    )
}

fn helper(name: &str, registry: &Registry, env: &Env) -> Result<Entry, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if !name.chars().all(plain) {
        return Err("names a credential helper that cannot be a program's name".to_owned());
    }
    let program = Program {
        argv: vec![format!("docker-credential-{name}"), "get".to_owned()],
        dir: PathBuf::new(),
        env: env.without_own_secrets(),
        input: registry.docker_config_key().to_owned(),
        patience: PATIENCE,
    };
    Ok(Entry::Helper { program, registry: registry.clone() })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

impl Entry {
    /// Where the login is, for people.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Login(_) => "docker-config".to_owned(),
            Self::Helper { program, .. } => {
                format!("docker-config:{}", program.name().trim_start_matches("docker-credential-"))
            }
        }
    }

    /// The login itself.
    pub(super) async fn read(&self) -> Result<Resolved, Vec<Problem>> {
        let (program, registry) = match self {
            Self::Login(resolved) => return Ok(resolved.clone()),
            Self::Helper { program, registry } => (program, registry),
        };
        let hint = format!("{}, or another source: from: env", login_command(registry));
        let output = program
            .run()
            .await
            .map_err(|error| outside(unread(&format!("Docker's credential helper: {error}"), &hint)))?;
        let refused = |what: &str| {
            let message = format!("Docker's credential helper `{}` {what}", program.name());
            outside(unread(&message, &hint))
        };
        if output.stdout.trim_ascii() == NOT_FOUND.as_bytes() {
            return Err(refused(&format!("holds nothing for {registry}")));
        }
        if output.code != Some(0) {
            return Err(refused("failed"));
        }
        let answer: Answer = serde_json::from_slice(&output.stdout).map_err(|_| refused("gives no login"))?;
        let secret = Zeroizing::new(answer.secret);
        if answer.username == IDENTITY_USER {
            return Err(refused(&identity_token(registry)));
        }
        text::checked(&answer.username, &secret).map_err(|what| refused(&what))
    }
}
