//! A credential in environment variables: both halves or none. An empty variable counts as unset,
//! and people are told, because a workflow whose secret is missing sets it empty.

use super::{Kind, Source, text};
use crate::env::Env;
use crate::model::{CredentialId, Login, Problem, Secret, google_key, secret};

/// The variables' names.
pub(super) struct Names {
    username: String,
    token: String,
}

impl Names {
    /// The given names, or those that follow from the credential's: `docker-hub` gives
    /// `DOCKER_HUB_USERNAME` and `DOCKER_HUB_TOKEN`.
    pub(super) fn of(id: &CredentialId, names: &text::Names) -> Self {
        let stem = id.screaming();
        Self {
            username: names.username.clone().unwrap_or_else(|| format!("{stem}_USERNAME")),
            token: names.token.clone().unwrap_or_else(|| format!("{stem}_TOKEN")),
        }
    }

    pub(super) fn both(&self) -> [&str; 2] {
        [&self.username, &self.token]
    }
}

/// What the environment offers where nothing says that it has to.
pub(super) enum Offer {
    /// Both halves.
    Complete(Source),
    /// Neither; with a word about variables that are set and empty.
    Nothing(Vec<String>),
}

/// The credential, if the environment has it.
pub(super) fn offered(names: &Names, env: &Env) -> Result<Offer, Vec<Problem>> {
    if names.both().iter().all(|name| env.filled(name).is_none()) {
        let blank = names.both().into_iter().filter(|name| env.is_blank(name));
        return Ok(Offer::Nothing(
            blank.map(|name| format!("{name} is set, but empty: it counts as unset")).collect(),
        ));
    }
    let or = "or unset both, to read the credential from Pulumi";
    required(names, env).map(Offer::Complete).map_err(|problem| vec![problem.hint(or)])
}

/// The credential, which has to be in the environment.
pub(super) fn required(names: &Names, env: &Env) -> Result<Source, Problem> {
    let problem = |message: String, hint: String| Problem::input(message).hint(hint);
    let username = env.filled(&names.username).unwrap_or_default().to_owned();
    for name in names.both() {
        let Some(value) = env.filled(name) else {
            let state = if env.is_blank(name) { "is empty" } else { "is not set" };
            let other = names.both().into_iter().find(|other| *other != name && env.filled(other).is_some());
            let message = match other {
                Some(other) => format!("{other} is set, but {name} {state}"),
                None => format!("{name} {state}"),
            };
            let hint = match other {
                Some(_) => format!("export {name}"),
                None => format!("export {}", names.both().join(" and ")),
            };
            return Err(problem(message, hint));
        };
        let value = if name == names.token { google_key::trimmed(&username, value) } else { value };
        let fault = if name == names.token { google_key::fault(&username, value) } else { None };
        if let Some(flaw) = fault.map(str::to_owned).or_else(|| secret::flaw(value)) {
            return Err(problem(format!("{name} {flaw}"), format!("export {name} again without it")));
        }
    }
    let token = google_key::trimmed(&username, env.filled(&names.token).unwrap_or_default()).to_owned();
    let login = Login { username, token: Secret::new(token) };
    Ok(Source::new(Kind::Env(login), format!("env:{}", names.token)))
}
