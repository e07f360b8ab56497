//! Kubernetes: pull secrets in namespaces, and the service accounts that name them. Run:ai clusters are the same, with
//! namespaces and labels of their own.
//!
//! This file says what is wanted and what was found; `diff.rs` holds the rules that compare the two.

mod client;
mod connector;
mod diff;
pub mod docker_config;
mod error;
mod file;
#[cfg(test)]
mod foreign;
pub mod kubeconfig;
pub mod kubelet;
pub mod login;
mod names;
mod owner;
mod plugin;
mod pull;
pub mod read;
mod replace;
mod roles;
mod runai;
mod token_file;
mod turn;
mod undo;
mod usable;
mod validate;
pub mod verify;
pub mod write;

use std::collections::{BTreeMap, BTreeSet};

pub use client::{ApiRequest, Client};
pub use error::KubeError;
pub use roles::{contexts, roles};

use super::{Look, Proof, Setting, Site, Target, Terms, Validator, at_sites};
use crate::change::{Finding, Inputs, Options, Pull, Read, Receipt};
use crate::model::{Address, CredentialId, Fingerprint, KubernetesItem, Problem, Registry};
use crate::yaml::{Node, Reader};

/// The type of a pull secret. It is immutable (Kubernetes API reference, `Secret.type`).
pub const KIND: &str = "kubernetes.io/dockerconfigjson";
/// The key of a pull secret's data that the kubelet reads.
pub const KEY: &str = ".dockerconfigjson";
/// The same of the older type, `kubernetes.io/dockercfg`.
const OLDER_KEY: &str = ".dockercfg";
/// The label that marks what regcred made.
pub const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "regcred");

/// What the configuration wants in some namespaces of a cluster for one credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desired {
    /// The credential.
    pub credential: CredentialId,
    /// The registry that it logs in to.
    pub registry: Registry,
    /// The context of the kubeconfig.
    pub context: String,
    /// In which namespaces.
    pub scope: Scope,
    /// The pull secret's name. Several credentials may share one.
    pub secret: String,
    /// The service accounts whose pods pull with it.
    pub service_accounts: BTreeSet<String>,
    /// Whether regcred puts the secret into their lists; else their manifests are to name it.
    pub attach: bool,
    /// Whether the API server may be spoken to without TLS, or with a certificate that nobody checks.
    pub insecure: bool,
}

impl Desired {
    /// The requests that writing it takes, roughly: in each namespace one for the secret and one for each service account.
    fn cost(&self) -> usize {
        /// Namespaces of a scope that only the cluster knows: some.
        const SOME: usize = 8;
        let namespaces = match &self.scope {
            Scope::Named(names) | Scope::RunaiProjects(names) => names.len(),
            Scope::RunaiCluster => 1,
            Scope::Selector(_) | Scope::RunaiAll => SOME,
        };
        namespaces * (1 + self.service_accounts.len())
    }
}

/// Which namespaces.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// These.
    Named(BTreeSet<String>),
    /// Those with these labels.
    Selector(String),
    /// Run:ai's own namespace: from there it copies the secret into every project.
    RunaiCluster,
    /// The namespaces of these projects of Run:ai.
    RunaiProjects(BTreeSet<String>),
    /// The namespaces of all projects of Run:ai.
    RunaiAll,
}

/// A name in a namespace of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct ObjectRef {
    /// The context of the kubeconfig.
    pub context: String,
    /// The namespace.
    pub namespace: String,
    /// The name of the secret or of the service account.
    pub name: String,
}

impl ObjectRef {
    fn new(context: &str, namespace: &str, name: &str) -> Self {
        Self { context: context.to_owned(), namespace: namespace.to_owned(), name: name.to_owned() }
    }

    /// The address of the secret of this name.
    #[must_use]
    pub fn secret(&self) -> Address {
        self.address(KubernetesItem::Secret(self.name.clone()))
    }

    /// The address of the service account of this name.
    #[must_use]
    pub fn service_account(&self) -> Address {
        self.address(KubernetesItem::ServiceAccount(self.name.clone()))
    }

    fn address(&self, item: KubernetesItem) -> Address {
        Address::Kubernetes { context: self.context.clone(), namespace: self.namespace.clone(), item }
    }
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// The API server of each context that could be logged in to.
    pub servers: BTreeMap<String, String>,
    /// The namespaces that a scope of a context comes to.
    pub namespaces: BTreeMap<(String, Scope), Read<BTreeMap<String, Namespace>>>,
    /// The declared secrets.
    pub secrets: BTreeMap<ObjectRef, Read<Option<Secret>>>,
    /// The secrets of which there is a copy, which a run that was interrupted left: only those that are absent, or that such
    /// a run may have begun to make again.
    pub copies: BTreeSet<ObjectRef>,
    /// The declared service accounts.
    pub accounts: BTreeMap<ObjectRef, Read<Option<Account>>>,
    /// The other pull secrets that the declared service accounts name: the kubelet looks into all of them.
    pub others: BTreeMap<ObjectRef, Read<Option<Secret>>>,
}

/// A namespace that a scope comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Namespace {
    /// Whether the configuration names it, so that it has to be there; else it was found.
    pub named: bool,
    /// Whether it is there.
    pub state: State,
}

/// Whether a namespace is there; the worst comes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// It is, or nothing speaks against it.
    There,
    /// It is being deleted, and takes nothing new.
    Terminating,
    /// It does not exist.
    Absent,
}

/// A secret as it was found: never a value of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Secret {
    /// Its type.
    pub kind: String,
    /// Whether its data cannot be changed.
    pub immutable: bool,
    /// The controller that writes it, in words: what somebody else writes there lasts until its next turn.
    pub owner: Option<String>,
    /// What keeps it from being deleted and made again, in words.
    pub kept: Option<String>,
    /// The name of a copy of it, which a run that was interrupted left.
    pub copy: Option<String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The logins for the declared registries, by the key that they are filed under; nothing where the kubelet
    /// would find no user name there.
    pub logins: BTreeMap<String, Option<Fingerprint>>,
    /// The logins under all other keys.
    pub foreign: BTreeMap<String, Held>,
    /// Whether something else is in it: other entries, or anything that is not a login.
    pub others: bool,
    /// The entries that the kubelet cannot read, in words, by their key: each costs it the whole secret.
    pub damage: BTreeMap<String, String>,
    /// Why the kubelet reads nothing of it at all, in words.
    pub unreadable: Option<String>,
}

/// A login in a pull secret: never its value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Whether it names a user; one that names none is tried anyway, and is a pull without a login.
    pub named: bool,
    /// Its fingerprint as a login for each declared registry of which it may be tried for an image.
    pub fingerprints: BTreeMap<Registry, Fingerprint>,
}

/// A service account as it was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// The pull secrets that it names, in its order.
    pub secrets: Vec<String>,
    /// Its version, which a write has to name.
    pub version: String,
    /// Who else wrote its list of pull secrets last: a field manager.
    pub writer: Option<String>,
}

/// How a secret is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum How {
    /// It is made.
    Create,
    /// What is declared is put into it; everything else stays.
    Update,
    /// It is deleted and made again with all that it held, because what has to change is immutable.
    Replace,
}

/// One convergent operation in Kubernetes.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// The secret holds these logins and labels.
    PutSecret {
        /// Where.
        at: ObjectRef,
        /// The credentials, by the key of their registry. Empty where only labels differ.
        logins: BTreeMap<String, CredentialId>,
        /// The labels.
        labels: BTreeMap<String, String>,
        /// How.
        how: How,
        /// Whether the configuration names the namespace; one that was found may be gone by now.
        named: bool,
    },
    /// The service account names these secrets, after those that it names already.
    Attach {
        /// Where.
        at: ObjectRef,
        /// The secrets.
        secrets: BTreeSet<String>,
        /// Whether the configuration names the namespace.
        named: bool,
    },
    /// The secret has no login for these registries; one with nothing else in it, which regcred made, is gone.
    TakeOut {
        /// Where.
        at: ObjectRef,
        /// The keys of the registries.
        keys: BTreeSet<String>,
        /// Whether it goes as a whole.
        whole: bool,
        /// Whether the configuration names the namespace.
        named: bool,
    },
    /// The service account no longer names these secrets.
    Detach {
        /// Where.
        at: ObjectRef,
        /// The secrets.
        secrets: BTreeSet<String>,
        /// Whether the configuration names the namespace.
        named: bool,
    },
}

/// One row of the plan, of this target.
pub type Change = crate::change::Change<Operation>;

impl crate::change::Operation for Operation {
    fn values(&self) -> BTreeSet<&CredentialId> {
        if let Self::PutSecret { logins, .. } = self { logins.values().collect() } else { BTreeSet::new() }
    }

    fn requests(&self) -> usize {
        match self {
            // What comes to be is read back, for many namespaces at once.
            Self::PutSecret { how: How::Create, .. } | Self::Attach { .. } => 1,
            Self::PutSecret { how: How::Update, .. } | Self::TakeOut { .. } | Self::Detach { .. } => 2,
            // Read, copied, tried, deleted, made; the copy read and deleted, and its name taken away.
            Self::PutSecret { how: How::Replace, .. } => 8,
        }
    }
}

/// Kubernetes, and Run:ai on it.
pub struct Kubernetes;

impl Target for Kubernetes {
    const NAME: &'static str = "kubernetes";
    const TITLE: &'static str = "Kubernetes";
    const PROVEN: (&'static str, &'static str) = ("proven by reading back", "not as written");
    const SECRETS: &'static [&'static str] = &[];

    type Declared = file::Declared;
    type Desired = Desired;
    type Client = login::Clients;
    type Observed = Observed;
    type Operation = Operation;
    type Writer<'a> = write::Writer<'a>;

    fn read(reader: &Reader, node: &Node) -> Vec<file::Declared> {
        reader.list(node, "`kubernetes`").iter().filter_map(|node| file::read(reader, node)).collect()
    }

    fn validate(validator: &mut Validator<'_, Desired>, declared: &file::Declared) {
        validator.kubernetes(declared);
    }

    fn is_insecure(desired: &Desired) -> bool {
        desired.insecure
    }

    fn unread(desired: &[Desired], why: &Problem) -> Observed {
        read::unread(why, &desired.iter().collect::<Vec<_>>())
    }

    fn credential(desired: &Desired) -> &CredentialId {
        &desired.credential
    }

    /// A cluster, by its context.
    fn apart(desired: &[Desired]) -> Vec<(Option<Site>, Desired)> {
        at_sites(desired, |place| Site { name: Self::begins(place), cost: place.cost() })
    }

    fn begins(desired: &Desired) -> String {
        Address::begin(Self::NAME, &[&desired.context])
    }

    fn places(desired: &[Desired]) -> Option<String> {
        let contexts: Vec<&str> = contexts(desired).into_iter().collect();
        (!contexts.is_empty()).then(|| format!("Kubernetes in {}", contexts.join(", ")))
    }

    async fn log_in(desired: &[Desired], setting: &Setting<'_>) -> login::Clients {
        login::Clients::prepare(desired, setting.env, setting.http).await
    }

    async fn observe(clients: &login::Clients, desired: &[Desired], look: &Look<'_>) -> Observed {
        read::observe(clients, desired, look.concurrency).await
    }

    fn diff(desired: &[Desired], observed: &Observed, terms: &Terms<'_>) -> Vec<Change> {
        diff::diff(desired, observed, terms.known, terms.options)
    }

    fn undo(desired: &[Desired], observed: &Observed, options: &Options) -> Vec<Change> {
        undo::undo(desired, observed, options)
    }

    /// KEP-2535, `KubeletEnsureSecretPulledImages`: beta and on since 1.35.
    const ROTATING: Option<&'static str> = Some(
        "Kubernetes: with a new value kubelets of 1.35 and later ask the registry again for images that their nodes have, so expect a burst of requests",
    );

    fn notes(desired: &[Desired], observed: &Observed) -> Vec<String> {
        diff::notes(desired, observed)
    }

    fn writer<'a>(clients: &'a login::Clients, observed: &'a Observed) -> write::Writer<'a> {
        write::Writer::new(clients, observed)
    }

    async fn write(
        writer: &Self::Writer<'_>,
        operation: &Operation,
        inputs: &Inputs<'_>,
    ) -> Result<Receipt, Problem> {
        writer.write(operation, inputs).await
    }

    async fn verify(
        clients: &login::Clients,
        desired: &[Desired],
        observed: &Observed,
        proof: &Proof<'_, Operation>,
    ) -> Vec<Finding> {
        verify::verify(proof, clients, desired, observed).await
    }

    const TELLS_PULLS: bool = true;

    fn pulls(images: &[String], desired: &[Desired], observed: &Observed) -> Vec<Pull> {
        pull::pulls(images, desired, observed)
    }
}
