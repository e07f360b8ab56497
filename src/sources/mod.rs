//! Where a credential's value comes from. Locating a source needs no secret; reading it does, and
//! comes late.

mod env;
mod here;
pub mod pulumi;

use std::path::Path;

pub use here::project_here;

use crate::env::Env;
use crate::model::{CredentialId, Problem};
use crate::vault::Resolved;
use pulumi::Project;

/// What the configuration says about a value's source.
#[derive(Clone, Debug)]
pub enum Spec {
    /// Nothing: the environment if it has both halves, else Pulumi.
    Default,
    /// The same, with the Pulumi project that discovery found.
    Here(Project),
    /// The environment, under other names if given.
    Env {
        /// The variable of the user name.
        username: Option<String>,
        /// The variable of the token.
        token: Option<String>,
    },
    /// Pulumi, with what is left out found by the rules.
    Pulumi {
        /// The project: its folder, or its name.
        project: Option<String>,
        /// The stack.
        stack: Option<String>,
        /// The key of the user name.
        username: Option<String>,
        /// The key of the token.
        token: Option<String>,
    },
}

/// A source that has been found to hold the value; nothing has been decrypted yet.
#[derive(Clone, Debug)]
pub struct Source {
    kind: Kind,
    words: String,
    notes: Vec<String>,
}

#[derive(Clone, Debug)]
enum Kind {
    Env(Resolved),
    Pulumi { located: pulumi::Located, passphrase: pulumi::Passphrase },
}

impl Source {
    /// The source as people write it: `pulumi:infra/main`, `env:DOCKER_HUB_TOKEN`.
    #[must_use]
    pub fn words(&self) -> String {
        self.words.clone()
    }

    /// What people should know about how it was chosen.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Whether the value comes from environment variables.
    #[must_use]
    pub fn is_environment(&self) -> bool {
        matches!(self.kind, Kind::Env(_))
    }

    /// Reads the value. Pulumi's key derivation takes 0.3 s: on a thread that may block.
    ///
    /// # Errors
    /// A wrong passphrase, a damaged value, or white space in it.
    pub fn read(&self) -> Result<Resolved, Vec<Problem>> {
        match &self.kind {
            Kind::Env(resolved) => Ok(resolved.clone()),
            Kind::Pulumi { located, passphrase } => {
                let key = located.unlock(passphrase).map_err(|problem| vec![problem])?;
                let login = located.open(&key)?;
                Ok(Resolved { username: login.username, token: login.token })
            }
        }
    }
}

/// Finds the source of a credential. `dir` is the working folder, `base` that of the configuration.
///
/// # Errors
/// Everything that is wrong with the source and can be known without decrypting it.
pub fn locate(
    id: &CredentialId,
    spec: &Spec,
    env: &Env,
    dir: &Path,
    base: &Path,
) -> Result<Source, Vec<Problem>> {
    match spec {
        Spec::Env { username, token } => {
            let names = env::Names::of(id, username.as_deref(), token.as_deref());
            env::required(&names, env).map_err(|problem| vec![problem])
        }
        Spec::Default => match env::offered(&env::Names::of(id, None, None), env)? {
            env::Offer::Complete(source) => Ok(source),
            env::Offer::Nothing(notes) => {
                let project = here::project_here(id, env, dir)?;
                let source = here::locate(&project, None, &pulumi::CredentialKeys::default(), env, dir)?;
                Ok(Source { notes, ..source })
            }
        },
        Spec::Here(project) => match env::offered(&env::Names::of(id, None, None), env)? {
            env::Offer::Complete(source) => Ok(source),
            env::Offer::Nothing(notes) => {
                let source = here::locate(project, None, &pulumi::CredentialKeys::default(), env, dir)?;
                Ok(Source { notes, ..source })
            }
        },
        Spec::Pulumi { project, stack, username, token } => {
            let project = here::named(project.as_deref(), base)?;
            here::locate(&project, stack.as_deref(), &keys(username, token), env, dir)
        }
    }
}

fn keys(username: &Option<String>, token: &Option<String>) -> pulumi::CredentialKeys {
    let default = pulumi::CredentialKeys::default();
    pulumi::CredentialKeys {
        username: username.clone().unwrap_or(default.username),
        token: token.clone().unwrap_or(default.token),
    }
}
