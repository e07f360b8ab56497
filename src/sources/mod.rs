//! Where a credential's value comes from. Locating a source needs no secret; reading it does, and
//! comes late.

mod aws_secret;
mod command;
mod docker_config;
mod env;
mod file;
mod here;
mod judge;
pub mod pulumi;
mod shared;
mod store;
mod text;

use std::path::Path;

pub use aws_secret::AwsSecret;
pub use here::{any_here, chosen_here, is_meant_here, project_here, stack_files};
pub use judge::known;
pub use shared::Shared;
pub use store::Keeper;
pub use text::Names;

use crate::env::Env;
use crate::model::{Class, Credential, CredentialId, Login, Problem, Registry, Secret};
use crate::program::ProgramError;
use pulumi::Project;

/// The variables that hold what the sources work with: no program that a person names gets them.
pub const SECRETS: &[&str] = &[
    "PULUMI_CONFIG_PASSPHRASE",
    "PULUMI_CONFIG_PASSPHRASE_FILE",
    "PULUMI_ACCESS_TOKEN",
    "DOCKER_HUB_TOKEN",
    "DOCKER_AUTH_CONFIG",
    "REGCRED_*KEY",
    "REGCRED_*PASSWORD",
    "REGCRED_*SECRET",
    "REGCRED_*TOKEN",
];

/// What the `pulumi` program decrypts with beside the variables above. A program that a person names gets them, as it may be
/// the client of that very service; no registry does.
pub const KEY_SERVICES: &[&str] =
    &["ARM_CLIENT_SECRET", "AZURE_CLIENT_SECRET", "GOOGLE_OAUTH_ACCESS_TOKEN", "VAULT_TOKEN"];

/// What the configuration says about a value's source.
#[derive(Clone, Debug)]
pub enum Spec {
    /// Nothing: the environment if it has both halves, else Pulumi.
    Default,
    /// The same, with the Pulumi project that discovery found.
    Here(Project),
    /// The environment, under other names if given.
    Env(Names),
    /// Pulumi, with what is left out found by the rules.
    Pulumi {
        /// The project: its folder, or its name.
        project: Option<String>,
        /// The stack.
        stack: Option<String>,
        /// The keys.
        keys: Names,
    },
    /// Standard input: two lines or JSON, or a person who is asked.
    Stdin,
    /// A file: two lines, JSON, or variables.
    File {
        /// The file, relative to the configuration.
        path: String,
        /// The names of its fields or variables.
        names: Names,
    },
    /// What `docker login` keeps.
    DockerConfig,
    /// A secret of AWS Secrets Manager.
    AwsSecret(AwsSecret),
    /// What a program prints.
    Command {
        /// The program and its arguments.
        run: Vec<String>,
        /// The user name, where the program prints the token only.
        username: Option<String>,
    },
}

impl Spec {
    /// The variables that it names for this credential.
    #[must_use]
    pub fn variables(&self, id: &CredentialId) -> Vec<String> {
        let names = match self {
            Self::Default | Self::Here(_) => env::Names::of(id, &Names::default()),
            Self::Env(names) => env::Names::of(id, names),
            _ => return Vec::new(),
        };
        names.both().map(str::to_owned).to_vec()
    }
}

/// A source that has been found to hold the value; nothing has been decrypted yet.
#[derive(Clone)]
pub struct Source {
    kind: Kind,
    words: String,
    notes: Vec<String>,
}

#[derive(Clone)]
enum Kind {
    Env(Login),
    Stdin {
        /// Whose token it is, where that is known.
        user: Option<String>,
    },
    /// What a person has typed.
    Typed(Login),
    File(file::File),
    Docker(Box<docker_config::Entry>),
    AwsSecret(AwsSecret),
    Command(Box<command::Command>),
    Pulumi {
        located: pulumi::Located,
        passphrase: Option<pulumi::Passphrase>,
    },
    PulumiProgram(Box<pulumi::Question>),
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("words", &self.words).finish_non_exhaustive()
    }
}

/// Nothing else is wrong.
fn one(problem: Problem) -> Vec<Problem> {
    vec![problem]
}

/// A program gave nothing.
fn not_given(message: &str, error: &ProgramError, hint: &str) -> Vec<Problem> {
    outside(unread(&format!("{message}: {error}"), hint).hints(error.hint()))
}

/// A program or a service failed, rather than that the input is wrong.
fn outside(problem: Problem) -> Vec<Problem> {
    let refused = problem.is_untrusted();
    vec![Problem { class: Class::Outside, ..problem }.untrusted(refused)]
}

/// A problem that is in no file.
fn unread(message: &str, hint: &str) -> Problem {
    Problem::input(message).hint(hint)
}

impl Source {
    fn new(kind: Kind, words: impl Into<String>) -> Self {
        Self { kind, words: words.into(), notes: Vec::new() }
    }

    /// A value that is there already, of this source.
    #[must_use]
    pub fn given(login: Login, words: &str) -> Self {
        Self::new(Kind::Typed(login), words)
    }

    /// The same source for a user who is known: a single line is the token.
    #[must_use]
    pub fn of_user(mut self, username: &str) -> Self {
        if let Kind::Stdin { user } = &mut self.kind {
            *user = Some(username.to_owned());
        }
        self
    }

    /// The user, where the value is read from standard input and the user is known.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        if let Kind::Stdin { user } = &self.kind { user.as_deref() } else { None }
    }

    /// The same credential in other stacks of its Pulumi project, as far as it can be read there.
    #[must_use]
    pub fn beside(&self, env: &Env, dir: &Path) -> Vec<Self> {
        let Kind::Pulumi { located, .. } = &self.kind else { return Vec::new() };
        let folder = located.file().parent().unwrap_or(Path::new(""));
        let Ok(Some(project)) = Project::find(folder) else { return Vec::new() };
        let names = project.stack_names().unwrap_or_default();
        let others = names
            .iter()
            .filter_map(|name| here::locate(&project, Some(name), &located.keys(), env, dir).ok());
        others.filter(|other| other.file().is_some_and(|file| Some(file) != self.file())).collect()
    }

    /// Whether the value is handed in at each run.
    #[must_use]
    pub fn is_handed(&self) -> bool {
        matches!(self.kind, Kind::Stdin { .. } | Kind::Typed(_))
    }

    /// The file that holds the value, and that a new one is written to.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match &self.kind {
            Kind::File(file) => Some(file.path()),
            Kind::Pulumi { located, .. } => Some(located.file()),
            _ => None,
        }
    }

    /// The source as people write it: `pulumi:infra/main`, `env:DOCKER_HUB_TOKEN`.
    #[must_use]
    pub fn words(&self) -> String {
        self.words.clone()
    }

    /// What people should know about how it was chosen, and how long it lasts.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Whether the value comes from environment variables.
    #[must_use]
    pub fn is_environment(&self) -> bool {
        matches!(self.kind, Kind::Env(_))
    }

    /// The program that gives the value, if one has to be started.
    #[must_use]
    pub fn program(&self) -> Option<&str> {
        match &self.kind {
            Kind::Docker(entry) => entry.program(),
            Kind::Command(_) => Some("the credential's command"),
            Kind::PulumiProgram(_) => Some("the `pulumi` program"),
            Kind::Env(_) | Kind::Stdin { .. } | Kind::Typed(_) => None,
            Kind::File(_) | Kind::AwsSecret(_) | Kind::Pulumi { .. } => None,
        }
    }

    /// Whether the value comes from standard input: a person has to be asked where that is a terminal.
    #[must_use]
    pub fn is_stdin(&self) -> bool {
        matches!(self.kind, Kind::Stdin { .. })
    }

    /// Takes what a person has typed.
    ///
    /// # Errors
    /// One of the two is empty, or has white space in it.
    pub fn typed(&mut self, username: &str, token: &Secret) -> Result<(), Problem> {
        let login = text::checked(username, token.expose());
        let login = login.map_err(|what| unread(&format!("standard input {what}"), "type it again"))?;
        self.kind = Kind::Typed(login);
        Ok(())
    }

    /// Reads the value of a credential, and judges it. What takes a processor long is done on a thread that may block, and
    /// once for all credentials that need it.
    ///
    /// # Errors
    /// A wrong passphrase, a damaged value, white space in it; a program or service that does not give it; a value that no
    /// login can carry.
    pub async fn value(&self, credential: &Credential, shared: &Shared) -> Result<Login, Vec<Problem>> {
        judge::judged(credential, self.read(shared).await?)
    }

    async fn read(&self, shared: &Shared) -> Result<Login, Vec<Problem>> {
        match &self.kind {
            Kind::Env(login) | Kind::Typed(login) => Ok(login.clone()),
            Kind::Stdin { user } => {
                let user = user.clone();
                off_thread(move || from_stdin(user.as_deref())).await?
            }
            Kind::File(file) => {
                let file = file.clone();
                off_thread(move || file.read()).await?
            }
            Kind::Docker(entry) => entry.read().await,
            Kind::AwsSecret(secret) => secret.read(shared.aws()).await,
            Kind::Command(command) => command.read().await,
            Kind::Pulumi { located, passphrase } => {
                let key = shared.key(located.lock(), passphrase.as_ref()).await?;
                located.open(&key)
            }
            Kind::PulumiProgram(question) => {
                let config = question.ask().await.map_err(outside)?;
                question.login(&config)
            }
        }
    }
}

/// Runs what may block beside everything else.
///
/// # Errors
/// The thread ended without giving anything.
async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Vec<Problem>> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| outside(unread("the thread that reads the credential ended", "run it again")))
}

fn from_stdin(user: Option<&str>) -> Result<Login, Vec<Problem>> {
    let refused = |what: &str| {
        let hint = "pipe in the user name and the token, a line each";
        one(unread(&format!("standard input {what}"), hint))
    };
    let content = std::io::read_to_string(std::io::stdin()).map(zeroize::Zeroizing::new);
    let content = content.map_err(|error| refused(&format!("cannot be read: {error}")))?;
    let whole = text::read(&content, &Names::default(), None);
    let alone = |what| user.ok_or(what).and_then(|user| text::read(&content, &Names::default(), Some(user)));
    whole.or_else(alone).map_err(|what| refused(&what))
}

/// Finds the source of a credential. `dir` is the working folder, `base` that of the configuration.
///
/// # Errors
/// Everything that is wrong with the source and can be known without decrypting it.
pub fn locate(
    credential: &Credential,
    spec: &Spec,
    env: &Env,
    dir: &Path,
    base: &Path,
) -> Result<Source, Vec<Problem>> {
    let id = &credential.id;
    let offered = || env::offered(&env::Names::of(id, &Names::default()), env);
    let default = pulumi::CredentialKeys::default();
    match spec {
        Spec::Env(names) => env::required(&env::Names::of(id, names), env).map_err(one),
        Spec::Default => match offered()? {
            env::Offer::Complete(source) => Ok(source),
            env::Offer::Nothing(notes) => {
                let project = here::project_here(id, env, dir)?;
                let source = here::locate(&project, None, &default, env, dir)?;
                Ok(Source { notes, ..source })
            }
        },
        Spec::Here(project) => match offered()? {
            env::Offer::Complete(source) => Ok(source),
            env::Offer::Nothing(notes) => {
                let source = here::locate(project, None, &default, env, dir)?;
                Ok(Source { notes, ..source })
            }
        },
        Spec::Pulumi { project, stack, keys } => {
            let project = here::named(project.as_deref(), env, base)?;
            here::locate(&project, stack.as_deref(), &pulumi_keys(keys), env, dir)
        }
        Spec::Stdin => Ok(Source::new(Kind::Stdin { user: None }, "stdin")),
        Spec::File { path, names } => {
            env.check_file(&base.join(path)).map_err(one)?;
            let file = file::locate(id, path, names, base).map_err(one)?;
            Ok(Source::new(Kind::File(file), format!("file:{path}")))
        }
        Spec::DockerConfig => {
            let (entry, notes) = docker_config::locate(&credential.registry, env).map_err(one)?;
            let words = entry.words();
            Ok(Source { kind: Kind::Docker(Box::new(entry)), words, notes })
        }
        Spec::AwsSecret(secret) => {
            let words = format!("aws-secret:{}/{}", secret.region, secret.secret);
            Ok(Source::new(Kind::AwsSecret(secret.clone()), words))
        }
        Spec::Command { run, username } => {
            let command = command::locate(run, username.as_deref(), env, base);
            let (words, notes) = (command.words(), command.notes());
            Ok(Source { kind: Kind::Command(Box::new(command)), words, notes })
        }
    }
}

/// Whether `docker login` has left a login for the registry, as far as can be seen without starting a program.
#[must_use]
pub fn in_docker_config(registry: &Registry, env: &Env) -> bool {
    docker_config::is_logged_in(registry, env)
}

/// The variables that hold a credential under its own names: user name and token.
#[must_use]
pub fn variables(id: &CredentialId) -> [String; 2] {
    env::Names::of(id, &Names::default()).both().map(str::to_owned)
}

/// Whether the environment has a credential under its own names.
///
/// # Errors
/// It has one half, or one with white space in it.
pub fn in_environment(id: &CredentialId, env: &Env) -> Result<bool, Vec<Problem>> {
    let offer = env::offered(&env::Names::of(id, &Names::default()), env)?;
    Ok(matches!(offer, env::Offer::Complete(_)))
}

fn pulumi_keys(names: &Names) -> pulumi::CredentialKeys {
    let default = pulumi::CredentialKeys::default();
    pulumi::CredentialKeys {
        username: names.username.clone().unwrap_or(default.username),
        token: names.token.clone().unwrap_or(default.token),
    }
}
