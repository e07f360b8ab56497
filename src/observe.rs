//! Reading every system at once. Reading failures are data: one unreadable place hides no other.

use crate::desired::Desired;
use crate::plan::Read;
use crate::targets::{aws, daytona, github, kubernetes, runpod};

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// In AWS.
    pub aws: aws::Observed,
    /// In Daytona.
    pub daytona: daytona::Observed,
    /// In GitHub.
    pub github: github::Observed,
    /// In Kubernetes.
    pub kubernetes: kubernetes::Observed,
    /// In RunPod.
    pub runpod: runpod::Observed,
}

/// The logins of a run.
pub struct Clients {
    /// AWS, per session.
    pub aws: aws::config::Clients,
    /// Daytona, or why there is none.
    pub daytona: Read<daytona::Client>,
    /// GitHub, or why there is none.
    pub github: Read<github::Client>,
    /// Kubernetes, per context.
    pub kubernetes: kubernetes::login::Clients,
    /// RunPod, or why there is none.
    pub runpod: Read<runpod::Client>,
}

/// Reads what the desired places hold, at most `concurrency` places of a system at once. `patience` is for a Daytona that
/// is still starting.
pub async fn observe(
    clients: &Clients,
    desired: &Desired,
    concurrency: usize,
    patience: &daytona::Patience<'_>,
) -> Observed {
    let (aws, daytona, github, kubernetes, runpod) = tokio::join!(
        aws::read::observe(&clients.aws, &desired.aws, concurrency),
        daytona::read::observe(&clients.daytona, &desired.daytona, patience),
        github::read::observe(&clients.github, &desired.github, concurrency),
        kubernetes::read::observe(&clients.kubernetes, &desired.kubernetes, concurrency),
        runpod::read::observe(&clients.runpod, &desired.runpod),
    );
    Observed { aws, daytona, github, kubernetes, runpod }
}
