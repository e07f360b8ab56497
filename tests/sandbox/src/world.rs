//! The state of every double, as plain data: a test arranges it, runs, and looks at it.

use std::time::Duration;

use chrono::{DateTime, SubsecRound, Utc};
use serde::{Deserialize, Serialize};

use crate::aws::Aws;
use crate::daytona::Daytona;
use crate::github::GitHub;
use crate::kubernetes::Kubernetes;
use crate::registry::Registry;
use crate::runpod::RunPod;

/// Everything that the doubles remember. `Clone` and serde make a snapshot of it.
///
/// The default has one AWS user in account 123456789012, one organization `acme` with the repositories `acme/api` and
/// `acme/web`, one Kubernetes cluster `prod`, one Docker Hub account `acme` and one RunPod key; nothing in any store yet.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct World {
    /// What time it is in all of them.
    pub clock: Clock,
    /// Secrets Manager, ECR and STS.
    pub aws: Aws,
    /// Registry lists, by the organizations of its keys.
    pub daytona: Daytona,
    /// Repositories, organizations, their secrets and variables.
    pub github: GitHub,
    /// Clusters: namespaces, secrets and service accounts.
    pub kubernetes: Kubernetes,
    /// Docker Hub: accounts, tokens and pull limits.
    pub registry: Registry,
    /// RunPod: registry auths, templates, endpoints and pods.
    pub runpod: RunPod,
}

impl World {
    /// A world in which nobody has an account anywhere.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            clock: Clock::default(),
            aws: Aws::empty(),
            daytona: Daytona::empty(),
            github: GitHub::empty(),
            kubernetes: Kubernetes::empty(),
            registry: Registry::empty(),
            runpod: RunPod::empty(),
        }
    }
}

/// Real time, unless it is fixed or moved, so that no test has to sleep to see a later `updated_at`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Clock {
    /// Stands still at this instant.
    pub fixed: Option<DateTime<Utc>>,
    /// Added to the real or fixed time, in milliseconds.
    pub offset_ms: i64,
}

impl Clock {
    /// The world's time now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the clock of the remote systems")]
    pub fn now(&self) -> DateTime<Utc> {
        self.fixed.unwrap_or_else(Utc::now) + chrono::Duration::milliseconds(self.offset_ms)
    }

    /// Makes it later by `by`.
    pub fn advance(&mut self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.offset_ms = self.offset_ms.saturating_add(by);
    }

    /// Now in whole seconds: the precision of GitHub's times and of HTTP's `Date`.
    pub(crate) fn second(&self) -> DateTime<Utc> {
        self.now().trunc_subsecs(0)
    }
}
