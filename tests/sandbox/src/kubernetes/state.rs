//! What clusters remember, as plain data, and how a test arranges and reads it.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::kubeconfig::Context;
use super::kubelet::{self, Tried};
use super::meanwhile::Meanwhile;
use super::rbac::{Grant, User};
use super::routes::Resource;

/// The type of a pull secret, and the one key that it has to have.
const PULL_SECRET: (&str, &str) = ("kubernetes.io/dockerconfigjson", ".dockerconfigjson");
/// What a test puts there was there before.
const LONG_AGO: &str = "2026-01-01T00:00:00Z";

/// Clusters, and the contexts of the kubeconfig that reaches them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Kubernetes {
    /// Name -> cluster.
    pub clusters: BTreeMap<String, Cluster>,
    /// Name -> cluster and user.
    pub contexts: BTreeMap<String, Context>,
    /// The one that a client uses that is not told.
    pub current_context: String,
}

impl Default for Kubernetes {
    /// One cluster `prod` as Run:ai leaves it: its own namespace and those of two projects.
    fn default() -> Self {
        let mut kubernetes = Self::empty();
        let prod = kubernetes.add_cluster("prod");
        prod.add_namespace("runai", &[]);
        prod.add_namespace("runai-team-a", &[("runai/queue", "team-a")]);
        prod.add_namespace("runai-team-b", &[("runai/queue", "team-b")]);
        kubernetes
    }
}

impl Kubernetes {
    /// No cluster, no context.
    #[must_use]
    pub fn empty() -> Self {
        Self { clusters: BTreeMap::new(), contexts: BTreeMap::new(), current_context: String::new() }
    }

    /// Puts a cluster there with the namespaces `default` and `kube-system`, and a context of the same name whose user
    /// `NAME-admin` may do everything. The first is the current context.
    pub fn add_cluster(&mut self, name: &str) -> &mut Cluster {
        let mut cluster = Cluster::default();
        cluster.add_namespace("default", &[]);
        cluster.add_namespace("kube-system", &[]);
        self.clusters.insert(name.to_owned(), cluster);
        let user = self.add_user(name, name, &format!("{name}-admin"));
        user.groups.push("system:masters".to_owned());
        if self.current_context.is_empty() {
            name.clone_into(&mut self.current_context);
        }
        self.cluster_mut(name)
    }

    /// Puts a user there that may nothing yet, and a context that logs in as it.
    ///
    /// # Panics
    ///
    /// Where there is no such cluster.
    pub fn add_user(&mut self, context: &str, cluster: &str, user: &str) -> &mut User {
        let token = format!("sandbox-token-of-{user}-0123456789");
        self.contexts.insert(context.to_owned(), Context::with_token(cluster, &token));
        let known = self.cluster_mut(cluster).tokens.entry(token).or_default();
        user.clone_into(&mut known.name);
        known
    }

    /// A cluster, to arrange.
    ///
    /// # Panics
    ///
    /// Where there is none of this name.
    pub fn cluster_mut(&mut self, name: &str) -> &mut Cluster {
        #[expect(clippy::unwrap_used, reason = "a test named something that it did not arrange")]
        self.clusters.get_mut(name).unwrap()
    }
}

/// A cluster.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Cluster {
    /// `gitVersion` of the server.
    pub version: String,
    /// Bearer token -> whom it stands for.
    pub tokens: BTreeMap<String, User>,
    /// Who may what.
    pub grants: Vec<Grant>,
    /// Name -> namespace.
    pub namespaces: BTreeMap<String, Namespace>,
    /// This many of the next `continue` tokens have expired (410): etcd compacts every five minutes.
    pub expired_continues: u32,
    /// The status with which a webhook refuses every new secret, in words that quote it.
    pub quoting_webhook: Option<u16>,
    /// This many secrets a ResourceQuota lets each namespace have.
    pub quota: Option<usize>,
    /// What others do between two requests of the client.
    pub meanwhile: Vec<Meanwhile>,
    /// The resourceVersion of the last write.
    pub revision: u64,
}

impl Default for Cluster {
    fn default() -> Self {
        Self {
            version: "v1.36.2".to_owned(),
            tokens: BTreeMap::new(),
            grants: Vec::new(),
            namespaces: BTreeMap::new(),
            expired_continues: 0,
            quoting_webhook: None,
            quota: None,
            meanwhile: Vec::new(),
            revision: 1000,
        }
    }
}

/// A namespace and what is in it, objects as the API shows them (without `kind` and `apiVersion`).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Namespace {
    /// The namespace itself.
    pub object: Value,
    /// Name -> secret.
    pub secrets: BTreeMap<String, Value>,
    /// Name -> service account.
    pub service_accounts: BTreeMap<String, Value>,
    /// Service accounts that come into being after this many reads.
    pub late: BTreeMap<String, u32>,
}

impl Namespace {
    /// The objects of a kind; `None` for those that are not in namespaces.
    pub(crate) fn objects(&self, resource: Resource) -> Option<&BTreeMap<String, Value>> {
        match resource {
            Resource::Secrets => Some(&self.secrets),
            Resource::ServiceAccounts => Some(&self.service_accounts),
            _ => None,
        }
    }

    pub(crate) fn objects_mut(&mut self, resource: Resource) -> Option<&mut BTreeMap<String, Value>> {
        match resource {
            Resource::Secrets => Some(&mut self.secrets),
            Resource::ServiceAccounts => Some(&mut self.service_accounts),
            _ => None,
        }
    }

    pub(crate) fn is_terminating(&self) -> bool {
        self.object["status"]["phase"] == "Terminating"
    }
}

/// Arranging.
impl Cluster {
    /// Puts a namespace there with its service account `default`, as the controller does.
    pub fn add_namespace(&mut self, name: &str, labels: &[(&str, &str)]) {
        self.add_bare_namespace(name, labels);
        self.put_service_account(name, "default", &[]);
    }

    /// Puts a namespace there without any service account: the controller has not come by yet.
    pub fn add_bare_namespace(&mut self, name: &str, labels: &[(&str, &str)]) {
        let mut all = Map::new();
        all.insert("kubernetes.io/metadata.name".to_owned(), name.into());
        all.extend(labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).into())));
        let revision = self.next_revision();
        let object = json!({
            "metadata": {
                "name": name, "uid": uid(&format!("{revision}")), "resourceVersion": revision.to_string(),
                "creationTimestamp": LONG_AGO, "labels": all,
            },
            "spec": { "finalizers": ["kubernetes"] },
            "status": { "phase": "Active" },
        });
        self.namespaces.insert(name.to_owned(), Namespace { object, ..Namespace::default() });
    }

    /// Starts a namespace's deletion: what is in it stays for now, and nothing new gets in.
    pub fn terminate_namespace(&mut self, name: &str) {
        let revision = self.next_revision().to_string();
        if let Some(namespace) = self.namespaces.get_mut(name) {
            namespace.object["metadata"]["deletionTimestamp"] = LONG_AGO.into();
            namespace.object["metadata"]["resourceVersion"] = revision.into();
            namespace.object["status"]["phase"] = "Terminating".into();
        }
    }

    /// Takes a namespace away with everything in it.
    pub fn remove_namespace(&mut self, name: &str) {
        self.next_revision();
        self.namespaces.remove(name);
    }

    /// Puts a secret there, whatever was there before. Values in plain text.
    ///
    /// # Panics
    ///
    /// Where there is no such namespace; so do all that put something into one.
    pub fn put_secret(
        &mut self,
        namespace: &str,
        name: &str,
        kind: &str,
        data: &[(&str, &str)],
    ) -> &mut Value {
        let data: Map<String, Value> =
            data.iter().map(|(key, value)| ((*key).to_owned(), STANDARD.encode(value).into())).collect();
        self.put(Resource::Secrets, namespace, name, json!({ "type": kind, "data": data }))
    }

    /// Puts a pull secret there with this Docker config.
    pub fn put_pull_secret(&mut self, namespace: &str, name: &str, config: &Value) -> &mut Value {
        self.put_secret(namespace, name, PULL_SECRET.0, &[(PULL_SECRET.1, &config.to_string())])
    }

    /// Puts a service account there with these pull secrets, which need not exist.
    pub fn put_service_account(&mut self, namespace: &str, name: &str, secrets: &[&str]) -> &mut Value {
        let names: Vec<Value> = secrets.iter().map(|name| json!({ "name": name })).collect();
        let object = if names.is_empty() { json!({}) } else { json!({ "imagePullSecrets": names }) };
        self.put(Resource::ServiceAccounts, namespace, name, object)
    }

    /// A service account that its controller makes after it has been read this many times.
    pub fn late_service_account(&mut self, namespace: &str, name: &str, reads: u32) {
        #[expect(clippy::unwrap_used, reason = "a test named something that it did not arrange")]
        let namespace = self.namespaces.get_mut(namespace).unwrap();
        namespace.service_accounts.remove(name);
        namespace.late.insert(name.to_owned(), reads);
    }

    fn put(&mut self, resource: Resource, namespace: &str, name: &str, mut object: Value) -> &mut Value {
        let revision = self.next_revision().to_string();
        object["metadata"] = json!({
            "name": name, "namespace": namespace, "uid": uid(&revision), "resourceVersion": revision,
            "creationTimestamp": LONG_AGO,
        });
        let found = self.namespaces.get_mut(namespace).and_then(|namespace| namespace.objects_mut(resource));
        #[expect(clippy::unwrap_used, reason = "a test named something that it did not arrange")]
        let objects = found.unwrap();
        let slot = objects.entry(name.to_owned()).or_default();
        *slot = object;
        slot
    }

    pub(crate) fn next_revision(&mut self) -> u64 {
        self.revision += 1;
        self.revision
    }
}

/// Reading.
impl Cluster {
    /// A secret as the API shows it.
    #[must_use]
    pub fn secret(&self, namespace: &str, name: &str) -> Option<&Value> {
        self.namespaces.get(namespace)?.secrets.get(name)
    }

    /// A service account as the API shows it.
    #[must_use]
    pub fn service_account(&self, namespace: &str, name: &str) -> Option<&Value> {
        self.namespaces.get(namespace)?.service_accounts.get(name)
    }

    /// The names of a service account's pull secrets, in order; none where there is no such account.
    #[must_use]
    pub fn pull_secrets(&self, namespace: &str, account: &str) -> Vec<String> {
        let names = self
            .service_account(namespace, account)
            .and_then(|account| account["imagePullSecrets"].as_array());
        names.into_iter().flatten().filter_map(|item| item["name"].as_str()).map(str::to_owned).collect()
    }

    /// What a pull secret's Docker config says; `None` where there is none.
    #[must_use]
    pub fn docker_config(&self, namespace: &str, name: &str) -> Option<Value> {
        let encoded = self.secret(namespace, name)?["data"][PULL_SECRET.1].as_str()?;
        serde_json::from_slice(&STANDARD.decode(encoded).ok()?).ok()
    }

    /// User and password that the kubelet would find under this key of a pull secret; `None` where it finds none, or cannot
    /// read the secret.
    #[must_use]
    pub fn kubelet_login(&self, namespace: &str, name: &str, registry: &str) -> Option<(String, String)> {
        let (kind, bytes) = content(self.secret(namespace, name)?)?;
        kubelet::entries(&kind, &bytes)?.remove(registry)
    }

    /// What the kubelet tries for an image in the pods of a service account, step by step.
    ///
    /// # Errors
    /// The name of the pull secret that it cannot read, because of which it pulls nothing.
    pub fn kubelet_tries(
        &self,
        namespace: &str,
        account: &str,
        image: &str,
    ) -> Result<Vec<Vec<Tried>>, String> {
        let names = self.pull_secrets(namespace, account);
        let content = |name: &String| Some((name.clone(), content(self.secret(namespace, name)?)?));
        let secrets: Vec<_> = names.iter().filter_map(content).collect();
        let secrets =
            secrets.iter().map(|(name, (kind, bytes))| (name.as_str(), kind.as_str(), bytes.as_slice()));
        kubelet::tries(image, secrets)
    }
}

/// The type of a secret, and what is under the key of that type.
fn content(secret: &Value) -> Option<(String, Vec<u8>)> {
    let kind = secret["type"].as_str()?;
    let key = if kind == PULL_SECRET.0 { PULL_SECRET.1 } else { ".dockercfg" };
    let data = secret["data"][key].as_str().unwrap_or_default();
    Some((kind.to_owned(), STANDARD.decode(data).ok()?))
}

/// A UUID that follows from a text: no randomness in a double.
pub(crate) fn uid(seed: &str) -> String {
    let hex: String = Sha256::digest(seed).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-4{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}
