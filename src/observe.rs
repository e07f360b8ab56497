//! Reading every system at once. Reading failures are data: one unreadable place hides no other.

use crate::desired::Desired;
use crate::plan::Read;
use crate::targets::{aws, github, kubernetes};

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// In AWS.
    pub aws: aws::Observed,
    /// In GitHub.
    pub github: github::Observed,
    /// In Kubernetes.
    pub kubernetes: kubernetes::Observed,
}

/// The logins of a run.
pub struct Clients {
    /// AWS, per session.
    pub aws: aws::config::Clients,
    /// GitHub, or why there is none.
    pub github: Read<github::Client>,
    /// Kubernetes, per context.
    pub kubernetes: kubernetes::login::Clients,
}

/// Reads what the desired places hold, at most `concurrency` places of a system at once.
pub async fn observe(clients: &Clients, desired: &Desired, concurrency: usize) -> Observed {
    let (aws, github, kubernetes) = tokio::join!(
        aws::read::observe(&clients.aws, &desired.aws, concurrency),
        github::read::observe(&clients.github, &desired.github, concurrency),
        kubernetes::read::observe(&clients.kubernetes, &desired.kubernetes, concurrency),
    );
    Observed { aws, github, kubernetes }
}
