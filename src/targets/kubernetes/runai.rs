//! What Run:ai expects: its namespaces and labels.
//!
//! Sources: Run:ai's documentation ("Credentials", self-hosted 2.2x), its older `runai/cluster-wide` recipe, and the
//! constants of KAI's project controller. Legacy and current labels are set together: each version reads its own.

use std::collections::{BTreeMap, BTreeSet};

use super::Scope;

/// Where Run:ai looks for secrets that are for every project.
const NAMESPACE: &str = "runai";
/// The label by which a namespace says which project it is of.
pub(super) const PROJECT: &str = "runai/queue";
/// What current versions read.
const RESOURCE: (&str, &str) = ("run.ai/resource", "docker-registry");
const CLUSTER_WIDE: (&str, &str) = ("run.ai/cluster-wide", "true");
/// What versions before 2.16 read.
const LEGACY_CLUSTER_WIDE: (&str, &str) = ("runai/cluster-wide", "true");

/// The namespace of a project that no label tells.
pub(super) fn namespace(project: &str) -> String {
    format!("runai-{project}")
}

impl Scope {
    /// The namespaces that the configuration names by itself.
    #[must_use]
    pub fn named(&self) -> Option<BTreeSet<String>> {
        match self {
            Self::Named(names) => Some(names.clone()),
            Self::RunaiCluster => Some([NAMESPACE.to_owned()].into()),
            Self::Selector(_) | Self::RunaiProjects(_) | Self::RunaiAll => None,
        }
    }

    /// The labels of the namespaces that have to be looked for.
    #[must_use]
    pub fn selector(&self) -> Option<String> {
        match self {
            Self::Named(_) | Self::RunaiCluster => None,
            Self::Selector(selector) => Some(selector.clone()),
            Self::RunaiProjects(projects) => {
                let projects: Vec<&str> = projects.iter().map(String::as_str).collect();
                Some(format!("{PROJECT} in ({})", projects.join(",")))
            }
            Self::RunaiAll => Some(PROJECT.to_owned()),
        }
    }

    /// The labels that the secret has to have there.
    #[must_use]
    pub fn labels(&self) -> BTreeMap<String, String> {
        let labels: &[(&str, &str)] = match self {
            Self::Named(_) | Self::Selector(_) => &[],
            Self::RunaiCluster => &[RESOURCE, CLUSTER_WIDE, LEGACY_CLUSTER_WIDE],
            Self::RunaiProjects(_) | Self::RunaiAll => &[RESOURCE],
        };
        labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    /// What people should know about it.
    pub(super) fn note(&self) -> Option<&'static str> {
        match self {
            Self::Named(_) | Self::Selector(_) => None,
            Self::RunaiCluster => Some(
                "Run:ai copies the secret into its projects within a minute, where its `clusterWideSecret` is on: the default, but off on OpenShift",
            ),
            Self::RunaiProjects(_) | Self::RunaiAll => Some(
                "Run:ai lists the secret as an existing one: its workloads use it by themselves once a credential asset is made from it, other pods once their service account names it (`service-accounts`)",
            ),
        }
    }
}
