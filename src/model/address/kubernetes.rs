//! `kubernetes:<context>/<namespace>/…`

use std::fmt;

use super::{Address, decoded, encoded};

/// The context that means the pod's own service account, unless the kubeconfig has one of this name.
pub const IN_CLUSTER: &str = "in-cluster";

/// A thing in a Kubernetes namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KubernetesItem {
    /// A pull secret.
    Secret(String),
    /// A service account, whose list of pull secrets names ours.
    ServiceAccount(String),
}

impl fmt::Display for KubernetesItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(name) => write!(f, "secret/{}", encoded(name)),
            Self::ServiceAccount(name) => write!(f, "serviceaccount/{}", encoded(name)),
        }
    }
}

pub(super) fn parse(rest: &str) -> Option<Address> {
    let parts: Vec<String> = rest.split('/').map(decoded).collect::<Option<_>>()?;
    let [context, namespace, kind, name] = parts.as_slice() else { return None };
    let item = match kind.as_str() {
        "secret" => KubernetesItem::Secret(name.clone()),
        "serviceaccount" => KubernetesItem::ServiceAccount(name.clone()),
        _ => return None,
    };
    Some(Address::Kubernetes { context: context.clone(), namespace: namespace.clone(), item })
}
