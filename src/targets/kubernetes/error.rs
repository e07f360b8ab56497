//! Errors of clusters as words for people: verb, resource and name, the server's own text, and what to do.

use crate::model::{IN_CLUSTER, Problem};
use crate::net::{NetError, Retry, TryError};
use crate::redact;

/// The cause of a refusal by which the namespace is being deleted.
pub(super) const TERMINATING: &str = "NamespaceTerminating";

/// A request to a cluster failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KubeError {
    /// The server answered with an error status.
    #[error("{ask}: {code} {message}")]
    Status {
        /// What was asked.
        ask: String,
        /// The status code.
        code: u16,
        /// The server's own words, as they may be shown.
        message: String,
        /// The machine's word for it: `NotFound`, `AlreadyExists`, `Conflict`, …
        reason: String,
        /// The kind of thing that it is about, such as `namespaces`.
        kind: String,
        /// The causes' own words for machines.
        causes: Vec<String>,
        /// The context, for hints.
        context: String,
    },
    /// No usable answer came.
    #[error("{ask}: {problem}")]
    Broken {
        /// What was asked.
        ask: String,
        /// What happened, whether the login is at fault, and whether the request may have had its effect.
        problem: Problem,
        /// The context, for hints.
        context: String,
    },
}

impl KubeError {
    /// The status, if the server answered.
    #[must_use]
    pub fn code(&self) -> Option<u16> {
        match self {
            Self::Status { code, .. } => Some(*code),
            Self::Broken { .. } => None,
        }
    }

    /// Whether the server answered with this reason.
    #[must_use]
    pub fn is(&self, wanted: &str) -> bool {
        matches!(self, Self::Status { reason, .. } if reason == wanted)
    }

    /// Whether it says that the whole namespace is not there.
    #[must_use]
    pub fn no_namespace(&self) -> bool {
        matches!(self, Self::Status { code: 404, kind, .. } if kind == "namespaces")
    }

    /// Whether it says that the namespace is being deleted (apiserver's `NamespaceLifecycle` admission).
    #[must_use]
    pub fn terminating(&self) -> bool {
        matches!(self, Self::Status { code: 403, causes, .. } if causes.iter().any(|cause| cause == TERMINATING))
    }

    /// Whether nobody is logged in: the server knows no such login, or took none and answered whoever asks (authenticator,
    /// `user.Anonymous`). Roles for that user would be everybody's.
    #[must_use]
    pub fn not_logged_in(&self) -> bool {
        match self {
            Self::Status { code, message, .. } => {
                *code == 401 || *code == 403 && message.contains("User \"system:anonymous\" cannot ")
            }
            Self::Broken { .. } => false,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Status { context, .. } if self.not_logged_in() => {
                vec![format!("log in to the cluster of context {context} again"), look(context)]
            }
            Self::Status { code: 403, ask, message, context, .. } if is_rbac(message) => {
                let more = if ask.starts_with("delete ") { " --allow-replace" } else { "" };
                vec![format!(
                    "allow it, and bind the roles to this user: regcred rbac {}{more} | {} apply -f -",
                    word(context),
                    kubectl(context)
                )]
            }
            Self::Broken { context, problem, .. } if problem.hints.is_empty() => vec![look(context)],
            Self::Broken { problem, .. } => problem.hints.clone(),
            Self::Status { .. } => Vec::new(),
        }
    }
}

/// Whether a refusal is one of the authorizer: quotas, admission and webhooks refuse what roles allow. (apiserver,
/// `responsewriters.Forbidden`.)
fn is_rbac(message: &str) -> bool {
    message.contains("User \"") && message.contains(" cannot ")
}

/// A command that shows what is wrong with a login or a connection.
pub(super) fn look(context: &str) -> String {
    format!("look at it with: {} get namespaces", kubectl(context))
}

/// kubectl, for a context: whoever reads of a pod's own cluster is not in that pod.
pub(super) fn kubectl(context: &str) -> String {
    if context == IN_CLUSTER { "kubectl".to_owned() } else { format!("kubectl --context {}", word(context)) }
}

/// A context as a word of a command.
pub(super) fn word(context: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=".contains(c);
    if context.chars().all(plain) {
        context.to_owned()
    } else {
        format!("'{}'", context.replace('\'', r"'\''"))
    }
}

impl From<KubeError> for Problem {
    fn from(error: KubeError) -> Self {
        let (message, hints, login) = (error.to_string(), error.hints(), error.not_logged_in());
        match error {
            KubeError::Status { .. } => Self::outside(message).hints(hints).login(login),
            KubeError::Broken { problem, .. } => Self { message, hints, ..problem },
        }
    }
}

/// Why a request was not sent or not answered.
pub(super) fn unsent(error: &kube::Error) -> TryError<Problem> {
    if let Some(error) = NetError::within(error) {
        let problem = Problem::outside(error.to_string()).hints(error.hints.clone());
        let problem = problem.caused_by(error.causes.clone());
        return match error.class {
            Retry::Safe => TryError::Unsent(problem),
            Retry::Never => TryError::Final(problem),
            Retry::ObserveFirst => TryError::Fault(problem.written(true)),
        };
    }
    let broken = |error| TryError::Fault(Problem::outside(chain(error)).written(true));
    match error {
        kube::Error::Auth(_) => TryError::Final(unmade(error)),
        kube::Error::Service(inner) => broken(inner.as_ref()),
        other => broken(other),
    }
}

/// Why there is no client, or no login.
pub(super) fn unmade(error: &kube::Error) -> Problem {
    match error {
        // Its words could repeat a part of the login.
        kube::Error::Auth(_) => Problem::outside("the login of the kubeconfig cannot be used").login(true),
        other => Problem::outside(chain(other)).login(true),
    }
}

/// An error with its causes, each once.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let mut words: Vec<String> = Vec::new();
    for cause in causes.map(ToString::to_string) {
        if !words.iter().any(|said| said.contains(&cause)) {
            words.push(cause);
        }
    }
    redact::outside(&words.join(": "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refusal_of_the_authorizer_is_answered_with_roles() {
        let refused = "secrets \"hub\" is forbidden: User \"ci\" cannot create resource \"secrets\"";
        let quota = "secrets \"hub\" is forbidden: exceeded quota: q, requested: count/secrets=1, used: 9, limited: 9";
        let webhook = "admission webhook \"policy.example\" denied the request: no User \"ci\" here";
        let down =
            "failed calling webhook \"policy.example\": Post \"https://policy/\": context deadline exceeded";
        assert!(is_rbac(refused));
        for message in [quota, webhook, down] {
            assert!(!is_rbac(message), "{message}");
        }
    }
}
