//! A credential that `docker login` keeps: in `DOCKER_AUTH_CONFIG`, in `config.json`, or in the store of a
//! credential helper, by docker's own rules (`cli/config/configfile` and `cli/config/credentials` of docker/cli, 28).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::{not_given, outside, text, unread};
use crate::docker_config::{self, Object};
use crate::env::Env;
use crate::files;
use crate::go::Base64;
use crate::model::{Login, Place, Problem, Registry};
use crate::program::{Program, ProgramError};

/// Helpers ask a local store; one that waits for a person is asked again on the next run.
const LIMIT: Duration = Duration::from_secs(30);
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
    Login(Login),
    /// In a helper's store.
    Helper { program: Program, registry: Registry },
}

/// Where the login is, with what people should know about the configuration.
pub(super) type Located = (Entry, Vec<String>);

/// Finds the registry's login: of `DOCKER_AUTH_CONFIG`, else of the helper for the registry, else of the
/// helper for all, else of the file.
pub(super) fn locate(registry: &Registry, env: &Env) -> Result<Located, Problem> {
    if let Some(text) = env.filled(VARIABLE) {
        let found = parsed(text.as_bytes(), |config| in_entries(&config.map("auths")?, registry));
        let found = found.map_err(|what| problem(None, &format!("{VARIABLE} {what}"), registry))?;
        if let Some(located) = found {
            return Ok(located);
        }
    }
    let path = path(env).ok_or_else(|| problem(None, "neither DOCKER_CONFIG nor HOME is set", registry))?;
    let here = |what: String| problem(Some(&path), &what, registry);
    let bytes = files::read(&path, files::MAX_CONFIG);
    let bytes = bytes.map_err(|error| here(format!("cannot be read: {error}")))?;
    parsed(&bytes, |config| in_file(config, registry, env)).map_err(here)
}

/// Whether `docker login` has left a login for the registry, as far as its own file shows it: a helper is not asked, but docker
/// keeps an entry beside what the helper has.
pub(super) fn is_logged_in(registry: &Registry, env: &Env) -> bool {
    let Ok((entry, _)) = locate(registry, env) else { return false };
    let listed = || {
        let bytes = files::read(&path(env)?, files::MAX_CONFIG).ok()?;
        parsed(&bytes, |config| Ok(config.map("auths")?.contains_key(registry.docker_config_key()))).ok()
    };
    matches!(entry, Entry::Login(_)) || listed() == Some(true)
}

fn path(env: &Env) -> Option<PathBuf> {
    let dir = env.filled("DOCKER_CONFIG").map(PathBuf::from);
    let dir = dir.or_else(|| Some(env.home()?.join(".docker")));
    Some(dir?.join("config.json"))
}

/// What is found in a configuration; what follows it in the text is not looked at. Errors of the parser can repeat a part
/// of the text.
fn parsed<T>(bytes: &[u8], find: impl FnOnce(&Object<'_>) -> Result<T, String>) -> Result<T, String> {
    let text = docker_config::text(bytes)?;
    find(&Object::first(&text).ok_or("is not the JSON of a Docker configuration")?)
}

fn problem(path: Option<&Path>, what: &str, registry: &Registry) -> Problem {
    Problem::input(what).at(path.map(Place::file)).hint(hint(registry))
}

fn hint(registry: &Registry) -> String {
    format!("{}, or another source: from: env", login_command(registry))
}

fn login_command(registry: &Registry) -> String {
    match registry.is_docker_hub() {
        true => "docker login -u NAME".to_owned(),
        false => format!("docker login -u NAME {registry}"),
    }
}

/// Docker asks the helper, and looks at the entries where that is not installed.
fn in_file(config: &Object<'_>, registry: &Registry, env: &Env) -> Result<Located, String> {
    let (auths, helper) = (config.map("auths")?, helper(config, registry, env)?);
    let asked = |program| (Entry::Helper { program, registry: registry.clone() }, Vec::new());
    match helper {
        Some(program) if program.is_on_path() => Ok(asked(program)),
        helper => match (in_entries(&auths, registry)?, helper) {
            (Some((entry, mut notes)), helper) => {
                let instead = "is not installed: the login in the file itself counts, as for docker";
                notes.extend(helper.map(|program| format!("{} {instead}", program.name())));
                Ok((entry, notes))
            }
            (None, Some(program)) => Ok(asked(program)),
            (None, None) => Err(nothing(&auths, registry)),
        },
    }
}

/// The entries of a configuration, by their keys.
type Auths<'a> = BTreeMap<String, &'a RawValue>;

/// The registry's login, of the entry under its own key, whatever that holds, else of one whose key has the same host
/// (`GetAuthConfig`, `ConvertToHostname`). Docker Hub's own key is not the name of a host.
fn in_entries(auths: &Auths<'_>, registry: &Registry) -> Result<Option<Located>, String> {
    let own = registry.docker_config_key();
    let same_host =
        |(key, value): (&String, &'_ &RawValue)| (host(key) == own).then(|| entry(value, registry));
    let found: Result<Vec<_>, String> = match auths.get(own) {
        Some(value) => Ok(vec![entry(value, registry)?]),
        None => auths.iter().filter_map(same_host).collect(),
    };
    let mut logins = found?.into_iter().flatten();
    let Some(login) = logins.next() else { return Ok(None) };
    if logins.any(|other| (&other.username, other.token.expose()) != (&login.username, login.token.expose()))
    {
        return Err(format!("has two logins for {registry}, and docker takes one at random"));
    }
    let unreadable = |(key, value): (&String, &&RawValue)| {
        let what = entry(value, registry).err().filter(|_| key != own)?;
        Some(format!(
            "docker's entry for {} {what}: because of it, docker may fail to read the others",
            host(key)
        ))
    };
    Ok(Some((Entry::Login(login), auths.iter().filter_map(unreadable).collect())))
}

/// Docker Hub has spellings that docker does not take, but others do.
fn nothing(auths: &Auths<'_>, registry: &Registry) -> String {
    let other = auths.keys().find(|key| Registry::parse(key).is_ok_and(|other| other == *registry));
    let other = other.filter(|key| *key != registry.docker_config_key());
    let why = other.map(|key| format!(": docker does not look under `{key}`"));
    format!("has no login for {registry}{}", why.unwrap_or_default())
}

/// The host that a key is for: of a URL, or else what comes before the first `/`.
fn host(key: &str) -> &str {
    let Some((_, rest)) = key.split_once("://").filter(|(scheme, _)| is_scheme(scheme)) else {
        return key.split('/').next().unwrap_or_default();
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    host.strip_suffix(':').unwrap_or(host)
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "+.-".contains(c))
}

/// The login in an entry; nothing if it is empty, as docker leaves it where a helper has the login.
fn entry(value: &RawValue, registry: &Registry) -> Result<Option<Login>, String> {
    let entry = docker_config::Entry::of(value)?;
    if !entry.text("identitytoken")?.is_empty() {
        return Err(identity_token(registry));
    }
    if !entry.text("registrytoken")?.is_empty() {
        return Err(format!(
            "has a registry token for {registry}: it works for minutes only, so regcred writes it nowhere"
        ));
    }
    let Login { username, token } = entry.login(|_| Base64::Padded)?;
    if username.is_empty() && token.expose().is_empty() {
        return Ok(None);
    }
    // Docker's buffer may be longer than what it decodes.
    let checked = text::checked(&username, token.expose().trim_matches('\0'));
    checked.map(Some).map_err(|what| format!("{what} for {registry}"))
}

fn identity_token(registry: &Registry) -> String {
    format!(
        "has an identity token for {registry}: only the client that it was made for can use it, so it cannot be put anywhere else"
    )
}

/// The helper that is named for the registry under its own key, else the one for all.
fn helper(config: &Object<'_>, registry: &Registry, env: &Env) -> Result<Option<Program>, String> {
    let own = config.map("credHelpers")?.get(registry.docker_config_key()).copied();
    let name: Option<String> = match own {
        Some(name) => serde_json::from_str(name.get())
            .map_err(|_| format!("names a credential helper for {registry} that is not text"))?,
        None => Some(config.text("credsStore")?),
    };
    let Some(name) = name.filter(|name| !name.is_empty()) else { return Ok(None) };
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if !name.chars().all(plain) {
        return Err("names a credential helper that cannot be a program's name".to_owned());
    }
    let helper = env.named_program(vec![format!("docker-credential-{name}"), "get".to_owned()]);
    Ok(Some(helper.reading(registry.docker_config_key()).for_at_most(LIMIT)))
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

    /// The program that has the login, if it is not here.
    pub(super) fn program(&self) -> Option<&str> {
        if let Self::Helper { program, .. } = self { Some(program.name()) } else { None }
    }

    /// The login itself.
    pub(super) async fn read(&self) -> Result<Login, Vec<Problem>> {
        let (program, registry) = match self {
            Self::Login(login) => return Ok(login.clone()),
            Self::Helper { program, registry } => (program, registry),
        };
        let hint = hint(registry);
        let failed = |error: &ProgramError| not_given("Docker's credential helper", error, &hint);
        let output = program.run().await.map_err(|error| failed(&error))?;
        let refused = |what: &str| {
            let message = format!("Docker's credential helper `{}` {what}", program.name());
            outside(unread(&message, &hint))
        };
        if output.stdout.trim_ascii() == NOT_FOUND.as_bytes() {
            return Err(refused(&format!("holds nothing for {registry}")));
        }
        if output.code != Some(0) {
            return Err(failed(&program.failed(&output)));
        }
        let answer: Answer = serde_json::from_slice(&output.stdout).map_err(|_| refused("gives no login"))?;
        let secret = Zeroizing::new(answer.secret);
        if answer.username == IDENTITY_USER {
            return Err(refused(&identity_token(registry)));
        }
        text::checked(&answer.username, &secret).map_err(|what| refused(&what))
    }
}
