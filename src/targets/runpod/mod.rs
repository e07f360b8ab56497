//! RunPod: one registry auth per credential, and the templates, serverless endpoints and pods that point at it.
//!
//! An auth can be neither changed nor read back, so a new value is a new auth: made first, then everything that used
//! the earlier one points at it, and the earlier one goes when a fresh look shows that nothing uses it any more. The
//! name tells which credential it is of: `<name>-<first 8 digits of the fingerprint>`.
//!
//! This file says what is wanted and what was found; `diff.rs` holds the rules that compare the two.

mod address;
mod choice;
mod client;
mod diff;
mod error;
mod file;
mod pace;
mod pull;
pub mod read;
pub mod registry_auth;
mod retire;
mod undo;
mod validate;
pub mod verify;
mod wire;
pub mod write;

use std::collections::{BTreeMap, BTreeSet};

pub use choice::Choice;
pub use client::{Client, Say};
pub use error::RunpodError;
pub use registry_auth::{ContainerRegistryAuth, ContainerRegistryAuthCreateInput, ContainerRegistryAuths};
pub use wire::{Health, Releases, Rollout, Worker, Workers};

use super::{Look, Proof, Remarks, Scope, Setting, Site, StillUsing, Target, Terms, Validator, at_sites};
use crate::change::{Details, Finding, Input, Inputs, Operation as _, Options, Pull, Read, Receipt};
use crate::env::Env;
use crate::model::{Address, CredentialId, Fingerprint, Problem, Registry, RunpodItem};
use crate::redact;
use crate::yaml::{Node, Reader};

/// What the configuration wants in RunPod for one credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desired {
    /// The credential.
    pub credential: CredentialId,
    /// The registry that it is for: RunPod's auths name none, so the images tell what they are good for.
    pub registry: Registry,
    /// What the auth's name begins with.
    pub name: String,
    /// The names of the file's other credentials in RunPod, also of those that this run leaves out.
    pub others: BTreeSet<String>,
    /// The templates that are to use it.
    pub templates: Choice,
    /// The serverless endpoints: they do not follow their template.
    pub endpoints: Choice,
    /// The pods: nor do they.
    pub pods: Choice,
    /// Templates to make where they are not there.
    pub create: Vec<NewTemplate>,
    /// Whether plain http may go to another machine: the system is self-hosted without TLS.
    pub insecure: bool,
}

impl Desired {
    /// The name of the auth that holds the credential of this fingerprint.
    #[must_use]
    pub fn auth_name(&self, fingerprint: &Fingerprint) -> String {
        format!("{}-{fingerprint}", self.name)
    }

    /// Whether regcred made an auth of this name.
    #[must_use]
    pub fn made(&self, auth: &str) -> bool {
        Fingerprint::ends(auth, &self.name)
    }

    /// Whether an auth of this name may be of another credential of the file: it is in use there, or will be.
    #[must_use]
    pub fn is_anothers(&self, auth: &str) -> bool {
        self.others
            .iter()
            .filter_map(|name| auth.strip_prefix(name.as_str()))
            .any(|rest| rest.is_empty() || rest.strip_prefix('-').is_some_and(Fingerprint::is_shown))
    }

    /// The address of its auth.
    #[must_use]
    pub fn address(&self) -> Address {
        Address::Runpod { item: RunpodItem::Registry(self.name.clone()) }
    }

    /// The requests that writing it takes, roughly: the new auth, the end of the earlier one, and one for each user.
    fn cost(&self) -> usize {
        /// Users of a choice that only the account knows: some.
        const SOME: usize = 8;
        let users = Kind::ALL.map(|kind| match self.choice(kind) {
            Choice::All => SOME,
            Choice::Named(names) => names.len(),
        });
        2 + self.create.len() + users.iter().sum::<usize>()
    }

    /// Which of a kind are to use it.
    #[must_use]
    pub fn choice(&self, kind: Kind) -> &Choice {
        match kind {
            Kind::Template => &self.templates,
            Kind::Endpoint => &self.endpoints,
            Kind::Pod => &self.pods,
        }
    }
}

/// A template to make. The other settings are those that RunPod gives by default.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct NewTemplate {
    /// Its name; RunPod takes each once.
    pub name: String,
    /// The image, on the credential's registry.
    pub image: String,
    /// Arguments of the container's entry point.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub args: Option<String>,
    /// The container's disk in GB, at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk: Option<u32>,
    /// Environment variables; no secrets, which the file does not hold.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Whether it is for serverless workers instead of pods.
    pub serverless: bool,
}

/// What can point at an auth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A template: a snapshot for what is made from it later.
    Template,
    /// A serverless endpoint.
    Endpoint,
    /// A pod.
    Pod,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Template, Self::Endpoint, Self::Pod];

    /// The address of one, by its id.
    #[must_use]
    pub fn address(self, id: &str) -> Address {
        let id = id.to_owned();
        let item = match self {
            Self::Template => RunpodItem::Template(id),
            Self::Endpoint => RunpodItem::Endpoint(id),
            Self::Pod => RunpodItem::Pod(id),
        };
        Address::Runpod { item }
    }

    /// The API's word for several of them.
    #[must_use]
    pub(super) fn collection(self) -> &'static str {
        match self {
            Self::Template => "templates",
            Self::Endpoint => "serverless",
            Self::Pod => "pods",
        }
    }
}

/// What was found in the account of the key.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// The names of the auths, by id. Neither user nor value can be read.
    pub auths: Read<BTreeMap<String, String>>,
    /// What may point at them.
    pub users: BTreeMap<Kind, Read<Vec<User>>>,
}

impl Default for Observed {
    fn default() -> Self {
        Self { auths: Ok(BTreeMap::new()), users: BTreeMap::new() }
    }
}

impl Observed {
    /// Every one that could be read.
    pub fn each(&self) -> impl Iterator<Item = (Kind, &User)> {
        self.users.iter().flat_map(|(kind, users)| users.iter().flatten().map(|user| (*kind, user)))
    }
}

/// A template, endpoint or pod, as far as images and auths go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The image that it pulls, if RunPod tells it.
    pub image: Option<String>,
    /// The id of the auth that it pulls with.
    pub registry: Option<String>,
    /// Whether everybody may deploy it, for a template.
    pub public: bool,
    /// The cluster that a pod is part of: it cannot be changed by itself.
    pub cluster: Option<String>,
    /// Where the job API tells how a queue's endpoint is.
    pub health: Option<String>,
}

impl User {
    /// What people know it by.
    fn details(&self) -> Details {
        let name = Some(redact::outside(&self.name)).filter(|name| !name.is_empty());
        Details { id: None, name, image: self.image.as_deref().map(redact::outside) }
    }

    /// What it is called where no row of it is beside: by its address, its name and its image.
    fn called(&self, kind: Kind) -> String {
        match self.details().to_string().as_str() {
            "" => kind.address(&self.id).to_string(),
            known => format!("{} ({known})", kind.address(&self.id)),
        }
    }
}

/// One convergent operation in RunPod.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// There is an auth of this name, with the credential.
    CreateAuth {
        /// Its name, with the fingerprint's digits.
        name: String,
        /// The credential.
        credential: CredentialId,
    },
    /// There is a template of this name.
    CreateTemplate {
        /// What it is.
        template: NewTemplate,
        /// The auth that it points at.
        auth: Input,
    },
    /// It points at the auth.
    Point {
        /// What it is.
        kind: Kind,
        /// Its id.
        id: String,
        /// The auth.
        auth: Input,
    },
    /// The auth is gone, unless something may still use it; whatever lost it points at the current one.
    Retire {
        /// Its id.
        auth: String,
        /// The auth that takes its place.
        current: Input,
        /// Requests that the look before takes; nothing where another row takes the same one.
        #[serde(skip)]
        looks: usize,
    },
    /// It points at no auth, and pulls anonymously.
    Unpoint {
        /// What it is.
        kind: Kind,
        /// Its id.
        id: String,
    },
    /// The auth is gone, unless something uses it.
    Drop {
        /// Its id.
        auth: String,
    },
}

/// One row of the plan, of this target.
pub type Change = crate::change::Change<Operation>;

impl crate::change::Operation for Operation {
    fn values(&self) -> BTreeSet<&CredentialId> {
        if let Self::CreateAuth { credential, .. } = self { [credential].into() } else { BTreeSet::new() }
    }

    fn requests(&self) -> usize {
        match self {
            Self::CreateAuth { .. }
            | Self::CreateTemplate { .. }
            | Self::Point { .. }
            | Self::Unpoint { .. } => 1,
            // The lists, and the deletion.
            Self::Drop { .. } => Kind::ALL.len() + 1,
            // The deletion, and the lists after it.
            Self::Retire { looks, .. } => looks + 1 + Kind::ALL.len(),
        }
    }
}

/// RunPod.
pub struct Runpod;

impl Target for Runpod {
    const NAME: &'static str = "runpod";
    const TITLE: &'static str = "RunPod";
    const PROVEN: (&'static str, &'static str) = ("proven by reading back", "not as written");
    const SECRETS: &'static [&'static str] = &["RUNPOD_API_KEY"];

    type Declared = file::Declared;
    type Desired = Desired;
    type Client = Read<Client>;
    type Observed = Observed;
    type Operation = Operation;
    type Writer<'a> = Option<write::Writer<'a>>;

    fn read(reader: &Reader, node: &Node) -> Vec<file::Declared> {
        file::read(reader, node).into_iter().collect()
    }

    fn validate(validator: &mut Validator<'_, Desired>, declared: &file::Declared) {
        validator.runpod(declared);
    }

    /// What a run leaves out is still the file's: each is told the names of the others.
    fn finish(_: &Reader, _: &[(CredentialId, file::Declared)], desired: &mut [Desired]) {
        let names: BTreeSet<String> = desired.iter().map(|place| place.name.clone()).collect();
        for place in desired {
            place.others = names.iter().filter(|name| **name != place.name).cloned().collect();
        }
    }

    fn environment(desired: &[Desired], env: &Env) -> Remarks {
        // Only whoever uses RunPod is told: other programs read the variable, too.
        let used = !desired.is_empty();
        let fault = used.then(|| address::fault(&address::control_plane(env), insecure(desired))).flatten();
        Remarks { problems: fault.into_iter().collect(), notes: Vec::new() }
    }

    fn is_insecure(desired: &Desired) -> bool {
        desired.insecure
    }

    fn unread(_: &[Desired], why: &Problem) -> Observed {
        Observed { auths: Err(why.clone()), users: BTreeMap::new() }
    }

    fn credential(desired: &Desired) -> &CredentialId {
        &desired.credential
    }

    /// The account of the key.
    fn apart(desired: &[Desired]) -> Vec<(Option<Site>, Desired)> {
        at_sites(desired, |place| Site { name: Address::begin(Self::NAME, &[]), cost: place.cost() })
    }

    async fn log_in(desired: &[Desired], setting: &Setting<'_>) -> Read<Client> {
        if desired.is_empty() {
            return Err(Self::not_wanted());
        }
        let base = address::control_plane(setting.env);
        Client::log_in(&setting.http.insecure(insecure(desired)), &base, setting.env)
    }

    async fn observe(client: &Read<Client>, desired: &[Desired], _: &Look<'_>) -> Observed {
        read::observe(client, desired).await
    }

    fn diff(desired: &[Desired], observed: &Observed, terms: &Terms<'_>) -> Vec<Change> {
        diff::diff(desired, observed, terms.known, terms.options)
    }

    fn undo(desired: &[Desired], observed: &Observed, options: &Options) -> Vec<Change> {
        undo::undo(desired, observed, options)
    }

    fn notes(desired: &[Desired], observed: &Observed) -> Vec<String> {
        diff::notes(desired, observed)
    }

    fn seconds(operations: &[&Operation]) -> usize {
        pace::seconds(operations.iter().map(|operation| operation.requests()).sum())
    }

    fn writer<'a>(client: &'a Read<Client>, _: &'a Observed) -> Option<write::Writer<'a>> {
        client.as_ref().ok().map(write::Writer::new)
    }

    async fn write(
        writer: &Self::Writer<'_>,
        operation: &Operation,
        inputs: &Inputs<'_>,
    ) -> Result<Receipt, Problem> {
        writer.as_ref().ok_or_else(Self::no_login)?.write(operation, inputs).await
    }

    async fn verify(
        client: &Read<Client>,
        _: &[Desired],
        observed: &Observed,
        proof: &Proof<'_, Operation>,
    ) -> Vec<Finding> {
        match (proof.scope, client) {
            // It takes a request for each endpoint, so they are looked at only when somebody asks for it.
            (Scope::All, Ok(client)) => verify::verify(proof, client, observed).await,
            _ => Vec::new(),
        }
    }

    async fn still_using(client: &Read<Client>, desired: &[Desired], observed: &Observed) -> StillUsing {
        retire::still_using(client, desired, observed).await
    }

    const TELLS_PULLS: bool = true;

    fn pulls(images: &[String], desired: &[Desired], observed: &Observed) -> Vec<Pull> {
        pull::pulls(images, desired, observed)
    }
}

fn insecure(desired: &[Desired]) -> bool {
    desired.iter().any(|desired| desired.insecure)
}

#[cfg(test)]
impl Desired {
    /// Every template, by an auth of this name.
    fn sample(name: &str) -> Self {
        Self {
            credential: CredentialId("docker-hub".to_owned()),
            registry: Registry::docker_hub(),
            name: name.to_owned(),
            others: BTreeSet::new(),
            templates: Choice::All,
            endpoints: Choice::default(),
            pods: Choice::default(),
            create: Vec::new(),
            insecure: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_auth_is_ours_by_the_digits_at_its_end_and_a_day_is_no_such_digits() {
        let desired = Desired::sample("docker-hub");
        for ours in ["docker-hub-0123abcd", "docker-hub-12345678", "docker-hub-20261332"] {
            assert!(desired.made(ours), "{ours}");
        }
        for other in [
            "docker-hub",
            "docker-hub-",
            "docker-hub-0123ABCD",
            "docker-hub-0123abc",
            "docker-hub-0123abcde",
            "docker-hub-acme-0123abcd",
            "docker-hub-20260801",
            "docker-hub0123abcd",
            "other-0123abcd",
        ] {
            assert!(!desired.made(other), "{other}");
        }
    }

    #[test]
    fn two_choices_meet_where_both_choose_something() {
        let named = |names: &[&str]| Choice::Named(names.iter().map(|name| (*name).to_owned()).collect());
        assert!(Choice::All.meets(&Choice::All) && named(&["a", "b"]).meets(&named(&["b"])));
        assert!(Choice::All.meets(&named(&["a"])) && named(&["a"]).meets(&Choice::All));
        assert!(!Choice::All.meets(&Choice::default()) && !Choice::default().meets(&Choice::All));
        assert!(!named(&["a"]).meets(&named(&["b"])) && !Choice::default().meets(&Choice::default()));
    }
}
