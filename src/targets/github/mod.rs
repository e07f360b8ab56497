//! GitHub: the user name and the token as two secrets of a repository, an environment, an organization or Dependabot,
//! and one variable beside them that records what was written, since secrets cannot be read back.

mod advice;
mod app;
mod audience;
mod client;
mod diff;
mod error;
mod file;
mod found;
mod installation;
mod listing;
mod login;
mod marker;
mod names;
mod notes;
mod pace;
mod pattern;
pub mod read;
mod runs;
mod selection;
mod token;
mod undo;
mod validate;
pub mod write;

use std::collections::{BTreeMap, BTreeSet};

pub use app::Named as App;
pub use audience::Audience;
use chrono::{DateTime, Utc};
pub use client::{Answer, Client, Token};
pub use error::GithubError;
pub use found::{Finding, Sought};
pub use login::Clients;
pub use marker::Marker;
pub use pattern::{Only, Pattern, Search};
pub use validate::split_repository;

use super::{Look, Proof, Remarks, Setting, Site, StillUsing, Target, Terms, Validator, endpoint};
use crate::change::{Inputs, Options, Read, Receipt};
use crate::env::{Env, Untrusted};
use crate::model::{Address, CredentialId, Fingerprint, GithubItem, Problem};
use crate::yaml::{Node, Reader};

/// What the configuration wants in one place of GitHub for one credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desired {
    /// The credential.
    pub credential: CredentialId,
    /// Where. Of what is looked for, only what is known before: the owner, maybe the repository, and the environment's pattern.
    pub place: Place,
    /// What is looked for; nothing where the place is named.
    pub search: Option<Search>,
    /// The names of the two secrets and the marker.
    pub names: Names,
    /// Whether to make the environment if it does not exist.
    pub create_environment: bool,
    /// Who sees an organization's secrets; nothing for those of a repository.
    pub audience: Option<Audience>,
    /// The GitHub App that does it; nothing for that of the environment, or whoever a token is of.
    pub app: Option<App>,
    /// Whether plain http may go to another machine: the system is self-hosted without TLS.
    pub insecure: bool,
}

impl Desired {
    /// Whether it is one or several repositories, and not an organization.
    fn is_of_repositories(&self) -> bool {
        self.place.repo.is_some() || self.search.is_some()
    }

    /// What tells it from all others: several credentials may be in one place, each with its own record.
    #[must_use]
    pub fn key(&self) -> (Place, String) {
        (self.place.clone(), self.names.marker.clone())
    }
}

/// The names in GitHub. GitHub compares them without regard to case and shows them in capitals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// The secret that holds the user name.
    pub username: String,
    /// The secret that holds the token.
    pub token: String,
    /// The variable that records what was written.
    pub marker: String,
}

impl Names {
    /// The names that follow from the credential's: `docker-hub` gives `DOCKER_HUB_USERNAME`,
    /// `DOCKER_HUB_TOKEN` and the marker `DOCKER_HUB_SYNC`.
    #[must_use]
    pub fn of(credential: &CredentialId) -> Self {
        let stem = credential.screaming();
        Self {
            username: format!("{stem}_USERNAME"),
            token: format!("{stem}_TOKEN"),
            marker: format!("{stem}_SYNC"),
        }
    }
}

/// One store of secrets in GitHub: each has its own public key and its own secrets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Place {
    /// The repository's owner, or the organization.
    pub owner: String,
    /// The repository; nothing for the organization's own secrets.
    pub repo: Option<String>,
    /// Which of its stores.
    pub store: Store,
}

/// The stores of a repository or an organization.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Store {
    /// What workflows see.
    Actions,
    /// What jobs of this environment see.
    Environment(String),
    /// What Dependabot's runs see: they do not get the Actions secrets.
    Dependabot,
}

impl Place {
    /// `owner/name` of the repository, or the organization's name.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.repo {
            Some(repo) => format!("{}/{repo}", self.owner),
            None => self.owner.clone(),
        }
    }

    /// The same as GitHub compares it: without regard to case.
    #[must_use]
    pub fn folded(&self) -> Self {
        let store = match &self.store {
            Store::Environment(environment) => Store::Environment(environment.to_lowercase()),
            store => store.clone(),
        };
        Self {
            owner: self.owner.to_lowercase(),
            repo: self.repo.as_ref().map(|repo| repo.to_lowercase()),
            store,
        }
    }

    /// The address of a secret here.
    #[must_use]
    pub fn secret(&self, name: &str) -> Address {
        let name = name.to_owned();
        self.address(match &self.store {
            Store::Actions => GithubItem::Actions(name),
            Store::Environment(environment) => {
                GithubItem::Environment { environment: environment.clone(), name }
            }
            Store::Dependabot => GithubItem::Dependabot(name),
        })
    }

    /// The address of the marker: Dependabot has no variables, so its marker is the repository's.
    #[must_use]
    pub fn marker(&self, name: &str) -> Address {
        let name = name.to_owned();
        self.address(match &self.store {
            Store::Environment(environment) => {
                GithubItem::Environment { environment: environment.clone(), name }
            }
            Store::Actions | Store::Dependabot => GithubItem::Variable(name),
        })
    }

    fn address(&self, item: GithubItem) -> Address {
        Address::Github { owner: self.owner.clone(), repo: self.repo.clone(), item }
    }
}

/// What was found, per place.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// What was read, by [`Desired::key`].
    pub places: BTreeMap<(Place, String), Found>,
    /// What was looked for, and what that came to.
    pub searches: BTreeMap<Sought, Read<Finding>>,
}

/// What was found in one place.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The secrets there, with the time of their last write; their values cannot be read.
    pub secrets: Read<BTreeMap<String, DateTime<Utc>>>,
    /// Who sees an organization's secrets, for those of our names.
    pub audiences: BTreeMap<String, Audience>,
    /// The marker, or nothing where there is none.
    pub marker: Read<Option<Marker>>,
    /// Whether the repository is archived; only asked where something may have to be written.
    pub archived: bool,
    /// Whether its owner is known to be an organization; not asked by itself.
    pub of_organization: bool,
    /// Whether the place is an environment that does not exist yet, and may be made.
    pub environment_absent: bool,
    /// The present names of repositories that were renamed, by those that are declared.
    pub renamed: BTreeMap<String, String>,
}

/// Which half of the credential a secret holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Half {
    /// The user name.
    Username,
    /// The token.
    Token,
}

/// One convergent operation in GitHub.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// The secret holds this half of the credential.
    PutSecret {
        /// Where.
        place: Place,
        /// The secret's name.
        name: String,
        /// The credential.
        credential: CredentialId,
        /// Which half of it.
        half: Half,
        /// Whether the environment, which does not exist, is made first.
        create_environment: bool,
        /// The marker that is taken away first: it vouches for what was there until now.
        #[serde(skip_serializing_if = "Option::is_none")]
        record: Option<String>,
        /// Who sees it, in an organization.
        #[serde(skip_serializing_if = "Option::is_none")]
        audience: Option<Audience>,
    },
    /// The secret is gone.
    DeleteSecret {
        /// Where.
        place: Place,
        /// The secret's name.
        name: String,
    },
    /// The marker is gone.
    DeleteMarker {
        /// Where.
        place: Place,
        /// The variable's name.
        name: String,
    },
    /// The marker records the fingerprint, the names and the time of the last of these writes.
    PutMarker {
        /// Where.
        place: Place,
        /// The variable's name.
        name: String,
        /// The credential's fingerprint, in full.
        fingerprint: String,
        /// Whether it is there: a wrong record that cannot be replaced is worse than none.
        exists: bool,
        /// The secrets that it vouches for.
        names: Vec<String>,
        /// Those of them that are not written now, with the time of their last write: one that another run has
        /// written since is left out.
        #[serde(skip)]
        kept: BTreeMap<String, DateTime<Utc>>,
        /// The rows whose time of writing counts.
        written: Vec<Address>,
    },
}

impl Operation {
    /// How many requests of it make content.
    fn makes(&self) -> usize {
        match self {
            Self::PutSecret { create_environment, .. } => 1 + usize::from(*create_environment),
            Self::PutMarker { .. } => 1,
            Self::DeleteSecret { .. } | Self::DeleteMarker { .. } => 0,
        }
    }

    /// How many requests of it delete something. A marker is taken away once for both halves.
    fn deletes(&self) -> usize {
        match self {
            Self::PutSecret { half: Half::Token, record, .. } => usize::from(record.is_some()),
            Self::DeleteSecret { .. } | Self::DeleteMarker { .. } => 1,
            Self::PutSecret { half: Half::Username, .. } | Self::PutMarker { .. } => 0,
        }
    }

    /// Where it is done.
    #[must_use]
    pub fn place(&self) -> &Place {
        match self {
            Self::PutSecret { place, .. }
            | Self::DeleteSecret { place, .. }
            | Self::DeleteMarker { place, .. }
            | Self::PutMarker { place, .. } => place,
        }
    }
}

/// One row of the plan, of this target.
pub type Change = crate::change::Change<Operation>;

impl crate::change::Operation for Operation {
    fn values(&self) -> BTreeSet<&CredentialId> {
        if let Self::PutSecret { credential, .. } = self { [credential].into() } else { BTreeSet::new() }
    }

    fn points(&self) -> usize {
        pace::points(self.requests(), self.makes() + self.deletes())
    }

    fn records(&self) -> &[Address] {
        match self {
            Self::PutSecret { .. } | Self::DeleteSecret { .. } | Self::DeleteMarker { .. } => &[],
            Self::PutMarker { written, .. } => written,
        }
    }

    fn requests(&self) -> usize {
        match self {
            // The public key is fetched once for both halves; counted with the token.
            // So are the ids of the repositories that are to see it, and the marker is taken away once.
            Self::PutSecret { half: Half::Token, audience, record, .. } => {
                let named = match audience {
                    Some(Audience::Selected(names)) => names.len(),
                    Some(Audience::All | Audience::Private) | None => 0,
                };
                2 + named + usize::from(record.is_some())
            }
            // What is not written now is looked at again.
            Self::PutMarker { kept, .. } => 1 + usize::from(!kept.is_empty()),
            Self::PutSecret { half: Half::Username, .. }
            | Self::DeleteSecret { .. }
            | Self::DeleteMarker { .. } => 1,
        }
    }
}

/// How many requests of these operations make content.
fn made(operations: &[&Operation]) -> usize {
    operations.iter().map(|operation| operation.makes()).sum()
}

/// GitHub.
pub struct Github;

impl Target for Github {
    const NAME: &'static str = "github";
    const TITLE: &'static str = "GitHub";
    const PROVEN: (&'static str, &'static str) = ("proven by reading back", "not as written");
    const SECRETS: &'static [&'static str] = &[
        "GITHUB_TOKEN",
        "GH_TOKEN",
        "GH_ENTERPRISE_TOKEN",
        "GITHUB_ENTERPRISE_TOKEN",
        "GITHUB_APP_PRIVATE_KEY",
        "GITHUB_APP_PRIVATE_KEY_FILE",
    ];

    type Declared = file::Declared;
    type Desired = Desired;
    type Client = Clients;
    type Observed = Observed;
    type Operation = Operation;
    type Writer<'a> = write::Writer<'a>;

    fn read(reader: &Reader, node: &Node) -> Vec<file::Declared> {
        file::all(reader, node)
    }

    fn validate(validator: &mut Validator<'_, Desired>, declared: &file::Declared) {
        validator.github(declared);
    }

    fn environment(desired: &[Desired], env: &Env) -> Remarks {
        let insecure = desired.iter().any(|desired| desired.insecure);
        let problems = endpoint::fault(client::URL, &client::address(env), insecure).into_iter().collect();
        Remarks { problems, notes: Vec::new() }
    }

    fn is_insecure(desired: &Desired) -> bool {
        desired.insecure
    }

    /// An App is the file's to name where the branch that was reviewed names the same.
    fn refuse(desired: &mut Vec<Desired>, trusted: &[Desired]) -> Vec<(Desired, Problem)> {
        let known: BTreeSet<_> = trusted.iter().filter_map(|place| place.app.as_ref()).collect();
        let why = |place: &Desired| match (&place.app, place.insecure) {
            (_, true) => Some("`github` says `insecure: true`".to_owned()),
            (Some(app), _) if !known.contains(app) => {
                Some(format!("the `app:` {} of `github` is not in the base branch", app.id))
            }
            _ => None,
        };
        let refused = desired.extract_if(.., |place| why(place).is_some());
        refused.map(|place| (place.clone(), Untrusted::refused(why(&place).unwrap_or_default()))).collect()
    }

    fn unread(desired: &[Desired], why: &Problem) -> Observed {
        let (searches, named): (Vec<&Desired>, _) = desired.iter().partition(|place| place.search.is_some());
        let searches = searches.into_iter().filter_map(|place| Some((place.sought()?, Err(why.clone()))));
        let named = named.into_iter().map(|place| (place.key(), read::unread(why)));
        Observed { places: named.collect(), searches: searches.collect() }
    }

    fn credential(desired: &Desired) -> &CredentialId {
        &desired.credential
    }

    /// A repository with its environments and stores, or an organization: GitHub compares names without regard to case. Where
    /// repositories are looked for, each goes by its name, those that are named, too: a search may find them.
    fn apart(desired: &[Desired]) -> Vec<(Option<Site>, Desired)> {
        /// Two secrets and the record.
        const COST: usize = 3;
        let seeks = read::seeks(desired);
        let site = |place: &Desired| Site { name: Self::begins(place).to_lowercase(), cost: COST };
        let apart = |place: &Desired| (!(seeks && place.is_of_repositories())).then(|| site(place));
        desired.iter().map(|place| (apart(place), place.clone())).collect()
    }

    const SHARED: Option<&'static str> = Some(
        "shards with one login share its limits at GitHub: another GitHub App makes them faster, another shard does not",
    );

    fn begins(desired: &Desired) -> String {
        let Place { owner, repo, .. } = &desired.place;
        let segments: Vec<&str> = std::iter::once(owner.as_str()).chain(repo.as_deref()).collect();
        Address::begin(Self::NAME, &segments)
    }

    fn places(desired: &[Desired]) -> Option<String> {
        match desired {
            [] => None,
            [one] => Some(format!("GitHub {}", one.words())),
            several if several.iter().any(|place| place.search.is_some()) => {
                Some("GitHub in many places".to_owned())
            }
            several => Some(format!("GitHub in {} places", several.len())),
        }
    }

    async fn log_in(desired: &[Desired], setting: &Setting<'_>) -> Clients {
        if desired.is_empty() { Clients::default() } else { Clients::log_in(desired, setting).await }
    }

    async fn observe(clients: &Clients, desired: &[Desired], look: &Look<'_>) -> Observed {
        read::observe(clients, desired, look).await
    }

    /// By the record, which a later write of the same value renews.
    async fn used_since(
        _: &Clients,
        desired: &[Desired],
        observed: &Observed,
        id: &CredentialId,
        value: &Fingerprint,
    ) -> Option<DateTime<Utc>> {
        let places = observed.all(desired).into_iter().filter(|place| place.credential == *id);
        let markers =
            places.filter_map(|place| observed.places.get(&place.key())?.marker.as_ref().ok()?.as_ref());
        markers.filter(|marker| marker.fingerprint == *value).map(|marker| marker.time).min()
    }

    fn diff(desired: &[Desired], observed: &Observed, terms: &Terms<'_>) -> Vec<Change> {
        diff::diff(desired, observed, terms)
    }

    fn undo(desired: &[Desired], observed: &Observed, options: &Options) -> Vec<Change> {
        undo::undo(desired, observed, options)
    }

    fn notes(desired: &[Desired], observed: &Observed) -> Vec<String> {
        notes::notes(desired, observed)
    }

    fn advice(desired: &[Desired], observed: &Observed, operations: &[&Operation]) -> Vec<String> {
        advice::advice(desired, observed, operations)
    }

    fn seconds(operations: &[&Operation]) -> usize {
        pace::seconds_of_writes(made(operations))
    }

    /// Of runs that share a login each gets its part.
    fn seconds_of(clients: &Clients, operations: &[&Operation]) -> usize {
        pace::seconds_of_writes(made(operations) * clients.runs())
    }

    /// The secrets and the record of each.
    fn reading(desired: &[Desired]) -> (usize, usize) {
        let requests = 2 * desired.len();
        (requests, pace::seconds_of_reads(requests))
    }

    /// An App's limits are of each owner that it is installed at.
    fn budget(clients: &Clients, operation: &Operation) -> String {
        let place = operation.place();
        let own = clients.of(place).is_ok_and(Client::is_app);
        if own { place.owner.to_lowercase() } else { String::new() }
    }

    fn writer<'a>(clients: &'a Clients, observed: &'a Observed) -> write::Writer<'a> {
        write::Writer::new(clients, observed)
    }

    async fn write(
        writer: &Self::Writer<'_>,
        operation: &Operation,
        inputs: &Inputs<'_>,
    ) -> Result<Receipt, Problem> {
        writer.write(operation, inputs).await
    }

    async fn still_using(clients: &Clients, desired: &[Desired], observed: &Observed) -> StillUsing {
        runs::still_using(clients, desired, observed).await
    }

    /// Secrets cannot be read back: their record is their only proof, and part of the plan.
    async fn verify(
        _: &Clients,
        _: &[Desired],
        _: &Observed,
        _: &Proof<'_, Operation>,
    ) -> Vec<crate::change::Finding> {
        Vec::new()
    }
}
