//! What was found, where nothing else was said.

use std::path::Path;

use super::machine::Machine;
use super::{Cluster, From, Outline, Site, To};
use crate::desired::{Here, found_here};
use crate::env::Env;
use crate::model::{CredentialId, Problem, Registry};
use crate::sources;

/// What is found here: in the folder, and on this machine. No program is started for the machine's, and no value is read.
#[derive(Debug)]
pub struct Found {
    /// What the folder says, or what is wrong with it.
    pub here: Result<Here, Vec<Problem>>,
    pub(super) machine: Machine,
}

impl Found {
    /// Looks around.
    pub async fn look(env: &Env, dir: &Path) -> Self {
        Self { here: found_here(env, dir), machine: Machine::read(env).await }
    }

    /// Where the credential is: in the environment, in Pulumi, in Docker's configuration, in this order.
    #[must_use]
    pub fn from(&self, registry: &Registry, id: &CredentialId, env: &Env) -> Option<From> {
        if sources::in_environment(id, env).unwrap_or(false) {
            return Some(From::Default { is_set: true });
        }
        let pulumi = self.here.as_ref().ok().and_then(|here| here.pulumi.clone());
        if let Some((project, stack)) = pulumi.filter(|_| registry.is_docker_hub()) {
            return Some(From::Pulumi { project: Some(project), stack: Some(stack) });
        }
        sources::in_docker_config(registry, env).then_some(From::DockerConfig)
    }

    /// Where the folder says that the credential goes.
    #[must_use]
    pub fn to(&self, registry: &Registry) -> Vec<To> {
        let mut all = self.all();
        all.retain(|to| !matches!(to, To::Aws(_)) || registry.ecr_upstream().is_some());
        all
    }

    pub(super) fn all(&self) -> Vec<To> {
        let Ok(here) = &self.here else { return Vec::new() };
        let places = &here.desired.places;
        let sites: Vec<Site> = places.aws.iter().flat_map(|place| &place.stacks).map(Site::from).collect();
        let repositories: Vec<String> = places.github.iter().map(|place| place.place.name()).collect();
        let aws = (!sites.is_empty()).then_some(To::Aws(sites));
        aws.into_iter().chain((!repositories.is_empty()).then_some(To::Github(repositories))).collect()
    }

    /// The systems that this machine has a login for. Others than whoever runs it there may have logged in: they are offered,
    /// and not taken by themselves.
    #[must_use]
    pub fn nearby(&self, registry: &Registry) -> Vec<To> {
        self.machine.systems(registry)
    }

    /// What was found, in words: each a kind of thing, with its names.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        for to in self.all() {
            match to {
                To::Aws(sites) => words.push(named("stack", sites.iter().map(|site| &*site.name))),
                To::Github(repositories) => {
                    words.push(named("repository", repositories.iter().map(String::as_str)));
                }
                To::Daytona | To::Kubernetes(_) | To::Runpod => {}
            }
        }
        let Machine { clusters, profiles, region, keys, .. } = &self.machine;
        words.push(named("context", clusters.iter().map(|cluster| &*cluster.context)));
        words.push(named("AWS profile", profiles.iter().map(|profile| &*profile.name)));
        words.push(named("AWS region", region.iter().map(String::as_str)));
        words.extend(keys.iter().map(|(name, _)| (*name).to_owned()));
        words.retain(|words| !words.is_empty());
        words
    }

    /// The file that says so. Where the folder names no place, it is every system as an example.
    #[must_use]
    pub fn outline(&self, id: CredentialId, registry: Registry, from: Option<From>, to: Vec<To>) -> Outline {
        let is_example = to.is_empty();
        let to = if is_example { self.examples(&registry) } else { to };
        Outline { id, registry, from: from.unwrap_or(From::Default { is_set: false }), to, is_example }
    }

    /// Every system, with what is found, else with words to replace.
    fn examples(&self, registry: &Registry) -> Vec<To> {
        let cluster = self.machine.cluster().cloned().unwrap_or_else(|| Cluster::new("CONTEXT", None));
        let region = self.machine.region.as_deref().unwrap_or("us-east-2");
        let aws = registry.ecr_upstream().map(|_| To::Aws(vec![Site::new("main", region, None)]));
        let others = [
            To::Daytona,
            To::Github(vec!["OWNER/REPOSITORY".to_owned()]),
            To::Kubernetes(vec![cluster]),
            To::Runpod,
        ];
        aws.into_iter().chain(others).collect()
    }
}

/// `contexts dev, prod`; of many only the first.
fn named<'a>(what: &str, names: impl Iterator<Item = &'a str>) -> String {
    const SHOWN: usize = 5;
    let names: Vec<&str> = names.collect();
    let more = match names.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let plural = match (names.len(), what.strip_suffix('y')) {
        (0, _) => return String::new(),
        (1, _) => what.to_owned(),
        (_, Some(stem)) => format!("{stem}ies"),
        _ => format!("{what}s"),
    };
    format!("{plural} {}{more}", names[..names.len().min(SHOWN)].join(", "))
}
