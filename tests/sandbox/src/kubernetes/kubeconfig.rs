//! The kubeconfig with which clients find the clusters.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::state::Kubernetes;

/// A context: a cluster, and how one logs in to it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Context {
    /// Name of the cluster.
    pub cluster: String,
    /// Where a client works that is not told.
    pub namespace: Option<String>,
    /// The user's stanza as a kubeconfig has it: `token`, `tokenFile`, `exec`, …
    pub user: Value,
}

impl Context {
    /// Logs in with a token.
    #[must_use]
    pub fn with_token(cluster: &str, token: &str) -> Self {
        Self { cluster: cluster.to_owned(), namespace: None, user: json!({ "token": token }) }
    }

    /// Logs in with the token that a command prints in an `ExecCredential`, as cloud providers' plugins do.
    #[must_use]
    pub fn with_command(cluster: &str, command: &str, args: &[&str]) -> Self {
        let exec = json!({
            "apiVersion": "client.authentication.k8s.io/v1", "command": command, "args": args,
            "interactiveMode": "Never",
        });
        Self { cluster: cluster.to_owned(), namespace: None, user: json!({ "exec": exec }) }
    }
}

impl Kubernetes {
    /// The kubeconfig with every context, for clusters behind `url`. JSON, which is YAML.
    #[must_use]
    pub fn kubeconfig(&self, url: &str) -> Value {
        let clusters: Vec<Value> = self
            .clusters
            .keys()
            .map(
                |name| json!({ "name": name, "cluster": { "server": format!("{url}/k8s/clusters/{name}") } }),
            )
            .collect();
        let users: Vec<Value> = self
            .contexts
            .iter()
            .map(|(name, context)| json!({ "name": format!("user-of-{name}"), "user": context.user }))
            .collect();
        let contexts: Vec<Value> = self.contexts.iter().map(|(name, context)| entry(name, context)).collect();
        json!({
            "apiVersion": "v1", "kind": "Config", "preferences": {}, "current-context": self.current_context,
            "clusters": clusters, "users": users, "contexts": contexts,
        })
    }
}

fn entry(name: &str, context: &Context) -> Value {
    let mut body = json!({ "cluster": context.cluster, "user": format!("user-of-{name}") });
    context.namespace.iter().for_each(|namespace| body["namespace"] = namespace.clone().into());
    json!({ "name": name, "context": body })
}
