//! Errors of clusters as words for people: verb, resource and name, the server's own text, and what to do.

use crate::model::Problem;
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
    #[error("{ask}: {cause}")]
    Broken {
        /// What was asked.
        ask: String,
        /// What happened.
        cause: String,
        /// Whether the login could not even be made.
        login: bool,
        /// Whether it may have had its effect.
        sent: bool,
        /// What to do about it.
        hint: Option<String>,
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

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let look =
            |context: &str| format!("look at it with: kubectl --context {} get namespaces", word(context));
        match self {
            Self::Status { code: 401, context, .. } => {
                Some(format!("log in to the cluster of context {context} again; {}", look(context)))
            }
            Self::Status { code: 403, context, .. } if !self.terminating() => Some(format!(
                "allow it: regcred rbac {0} | kubectl --context {0} apply -f -, and bind the roles to this user",
                word(context)
            )),
            Self::Broken { context, hint, .. } => hint.clone().or_else(|| Some(look(context))),
            Self::Status { .. } => None,
        }
    }
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
        let login = match &error {
            KubeError::Status { code, .. } => *code == 401,
            KubeError::Broken { login, .. } => *login,
        };
        let unanswered = matches!(error, KubeError::Broken { sent: true, .. });
        Problem::outside(error.to_string()).hints(error.hint()).login(login).written(unanswered)
    }
}

/// A request without an answer.
#[derive(Debug, Default)]
pub(super) struct Unsent {
    pub(super) cause: String,
    /// Whether the login is at fault.
    pub(super) login: bool,
    /// Whether it may have had its effect.
    pub(super) sent: bool,
    pub(super) hint: Option<String>,
}

impl From<String> for Unsent {
    fn from(cause: String) -> Self {
        Self { cause, ..Self::default() }
    }
}

/// Why a request was not sent or not answered.
pub(super) fn unsent(error: &kube::Error) -> TryError<Unsent> {
    if let Some(error) = NetError::within(error) {
        let hint = Some(error.hints.join("; ")).filter(|hint| !hint.is_empty());
        let unsent = Unsent { hint, ..error.to_string().into() };
        return match error.class {
            Retry::Safe => TryError::Unsent(unsent),
            Retry::Never => TryError::Final(unsent),
            Retry::ObserveFirst => TryError::Fault(Unsent { sent: true, ..unsent }),
        };
    }
    match error {
        kube::Error::Auth(_) => TryError::Final(Unsent {
            login: true,
            ..String::from("the login of the kubeconfig cannot be used").into()
        }),
        kube::Error::Service(inner) => TryError::Fault(Unsent { sent: true, ..chain(inner.as_ref()).into() }),
        other => TryError::Fault(Unsent { sent: true, ..chain(other).into() }),
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
