//! A file to begin with: for which registry, where the credential is read, where it goes.

mod found;
mod machine;
mod words;

pub use found::Found;
pub use words::{SOURCES, is_pattern, systems};

use std::collections::BTreeSet;
use std::path::Path;

use crate::aws::Session;
use crate::env::Env;
use crate::model::{CredentialId, Problem, Registry};
use crate::sources::{AwsSecret, Names, Spec};
use crate::targets::aws::Stack;

/// What the file says.
#[derive(Clone, Debug)]
pub struct Outline {
    /// The credential's name.
    pub id: CredentialId,
    /// The registry that it is for.
    pub registry: Registry,
    /// Where its value is read.
    pub from: From,
    /// Where it goes.
    pub to: Vec<To>,
    /// Whether that is an example, to be chosen from.
    pub is_example: bool,
}

/// Where a value is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    /// Where it is by default: in the environment, else in Pulumi.
    Default {
        /// Whether the environment has it.
        is_set: bool,
    },
    /// The environment.
    Env,
    /// Standard input.
    Stdin,
    /// What `docker login` keeps.
    DockerConfig,
    /// Pulumi.
    Pulumi {
        /// The project's folder.
        project: Option<String>,
        /// The stack.
        stack: Option<String>,
    },
    /// A file.
    File(String),
    /// A secret of AWS.
    AwsSecret {
        /// Its name or ARN.
        secret: String,
        /// Its region, where that is not in the ARN.
        region: Option<String>,
    },
    /// What a program prints: its name and arguments. Without any, it is left to be named.
    Command(Vec<String>),
}

impl From {
    /// The same as a file says it.
    ///
    /// # Errors
    /// A command that is not named.
    pub fn spec(self) -> Result<Spec, Problem> {
        Ok(match self {
            Self::Default { .. } => Spec::Default,
            Self::Env => Spec::Env(Names::default()),
            Self::Stdin => Spec::Stdin,
            Self::DockerConfig => Spec::DockerConfig,
            Self::Pulumi { project, stack } => Spec::Pulumi { project, stack, keys: Names::default() },
            Self::File(path) => Spec::File { path, names: Names::default() },
            Self::AwsSecret { secret, region } => {
                let region =
                    region.or_else(|| secret.split(':').nth(3).map(str::to_owned)).unwrap_or_default();
                Spec::AwsSecret(AwsSecret { secret, region, role: None, names: Names::default() })
            }
            Self::Command(run) if run.is_empty() => {
                return Err(Problem::input("the command is not named")
                    .hint("command='op read op://infra/docker-hub/token'"));
            }
            Self::Command(run) => Spec::Command { run, username: None },
        })
    }
}

/// Where a credential goes: a system, with its places.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum To {
    /// Stacks in AWS.
    Aws(Vec<Site>),
    /// Daytona's registry list.
    Daytona,
    /// Repositories, or patterns of their names.
    Github(Vec<String>),
    /// Namespaces of clusters.
    Kubernetes(Vec<Cluster>),
    /// RunPod's registry auth.
    Runpod,
}

/// A stack, with its login and the accounts that it may be in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Site {
    /// The stack's name.
    pub name: String,
    /// Its login.
    pub session: Session,
    /// The accounts that it may be in.
    pub accounts: BTreeSet<String>,
    /// The accounts that it may not be in.
    pub forbidden: BTreeSet<String>,
}

/// A namespace of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cluster {
    /// The context.
    pub context: String,
    /// The namespace.
    pub namespace: String,
}

impl Site {
    fn new(name: &str, region: &str, profile: Option<&str>) -> Self {
        let profile = profile.map(str::to_owned);
        let session = Session { region: region.to_owned(), profile, roles: Vec::new() };
        Self { name: name.to_owned(), session, accounts: BTreeSet::new(), forbidden: BTreeSet::new() }
    }
}

impl std::convert::From<&Stack> for Site {
    fn from(stack: &Stack) -> Self {
        Self {
            name: stack.name.clone(),
            session: stack.session.clone(),
            accounts: stack.accounts.clone(),
            forbidden: stack.forbidden.clone(),
        }
    }
}

impl Cluster {
    fn new(context: &str, namespace: Option<&str>) -> Self {
        Self { context: context.to_owned(), namespace: namespace.unwrap_or("default").to_owned() }
    }
}

/// The name of a registry's credential: of `ghcr.io` it is `ghcr`, of longer hosts all of the host.
#[must_use]
pub fn credential_id(registry: &Registry) -> CredentialId {
    if registry.is_docker_hub() {
        return super::discover::id();
    }
    let host = registry.canonical();
    let host = match host.split('.').collect::<Vec<_>>()[..] {
        [name, _] => name,
        _ => host,
    };
    let legal = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let name: String = host.chars().map(legal).collect();
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
    CredentialId(if begins { name } else { format!("registry-{name}") })
}

/// Judges a file that is not written yet: what is wrong with it, without places in it.
///
/// # Errors
/// What would be refused in the file.
pub fn check(text: &str) -> Result<(), Vec<Problem>> {
    let told = |problem: Problem| Problem { place: None, ..problem };
    // It names no other file.
    let (file, dir) = (Path::new(super::DEFAULT_FILE), Path::new(""));
    let judged = super::validate::read(file, text, &Env::default(), dir);
    judged.map(|_| ()).map_err(|problems| problems.into_iter().map(told).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_registry_gives_its_credential_a_name_that_the_file_takes() {
        let id = |text: &str| credential_id(&Registry::parse(text).expect("a registry")).0;
        assert_eq!(["docker.io", "ghcr.io", "quay.io"].map(id), ["docker-hub", "ghcr", "quay"]);
        assert_eq!(id("registry.gitlab.com"), "registry-gitlab-com");
        assert_eq!(id("10.0.0.1:5000"), "registry-10-0-0-1-5000");
        assert_eq!(id("localhost:5000"), "localhost-5000");
    }
}
