//! What this machine has: names of contexts, profiles and regions. No program is started, and nothing is a secret.

use super::{Cluster, Site, To};
use crate::aws::{self, Named};
use crate::env::Env;
use crate::model::Registry;
use crate::targets::kubernetes::kubeconfig::Files;

/// What this machine has.
#[derive(Debug, Default)]
pub(super) struct Machine {
    /// The contexts of the kubeconfig, the current one first.
    pub(super) clusters: Vec<Cluster>,
    /// Whether one of them is the current one, or the only one.
    pub(super) is_cluster_chosen: bool,
    /// The profiles of AWS.
    pub(super) profiles: Vec<Named>,
    /// The region of AWS that is set.
    pub(super) region: Option<String>,
    /// What says that there is a login: its name, and the system.
    pub(super) keys: Vec<(&'static str, To)>,
}

impl Machine {
    pub(super) async fn read(env: &Env) -> Self {
        let mut machine = Self::default();
        if let Ok(files) = Files::read(env) {
            machine.contexts(&files);
        }
        (machine.profiles, machine.region) = aws::profiles(env).await;
        let keys = [("DAYTONA_API_KEY", To::Daytona), ("RUNPOD_API_KEY", To::Runpod)];
        machine.keys = keys.into_iter().filter(|(name, _)| env.filled(name).is_some()).collect();
        machine
    }

    fn contexts(&mut self, files: &Files) {
        let current = files.current();
        let mut names: Vec<&str> = current.into_iter().chain(files.contexts()).collect();
        let mut seen = std::collections::BTreeSet::new();
        names.retain(|name| seen.insert(*name));
        self.is_cluster_chosen = current.is_some() || names.len() == 1;
        self.clusters = names.iter().map(|name| Cluster::new(name, files.namespace(name))).collect();
    }

    /// The cluster that is meant where none is named.
    pub(super) fn cluster(&self) -> Option<&Cluster> {
        self.clusters.first().filter(|_| self.is_cluster_chosen)
    }

    /// The systems that it has a login for, as far as can be told from here.
    pub(super) fn systems(&self, registry: &Registry) -> Vec<To> {
        let mut all: Vec<To> = self.keys.iter().map(|(_, to)| to.clone()).collect();
        all.extend(self.cluster().map(|cluster| To::Kubernetes(vec![cluster.clone()])));
        let region = self.region.as_ref().filter(|_| registry.ecr_upstream().is_some());
        all.extend(region.map(|region| To::Aws(vec![Site::new("main", region, None)])));
        all.sort();
        all
    }
}
