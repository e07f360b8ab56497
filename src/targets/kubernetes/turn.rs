//! When it is our login's turn: whether the pods of a service account come to it, over all pull secrets that the account
//! names. Pure.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use super::diff::{Wanted, WantedAccount, WantedSecret};
use super::kubelet::{self, PullSecret, Try};
use super::{Held, KIND, ObjectRef, Observed, Secret, docker_config};
use crate::change::{Read, Reason};
use crate::model::registry::DOCKER_HUB;
use crate::model::{CredentialId, Fingerprint, Problem, Registry};
use crate::redact;

/// The key under which a login for Docker Hub is found like those of other registries.
pub(super) const PLAIN_KEY: &str = DOCKER_HUB;

/// When it is our turn; the worst comes last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// Ours is the first login that is tried, for every image of the registry.
    #[default]
    First,
    /// Others are tried before, and ours if the registry refuses them.
    After,
    /// A pull secret could not be read, and may have one that is tried before, or cost all of them.
    Unknown,
    /// Before ours a pull without a login is tried, which gets every public image.
    Anonymous,
    /// For some images ours is never tried.
    Never,
    /// Because of a pull secret that the kubelet cannot read, nothing is pulled at all.
    Nothing,
}

/// When it is a login's turn, and what decides it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) rank: Rank,
    /// What comes before it, in words.
    because: BTreeSet<String>,
    /// The credentials that wait for it.
    credentials: BTreeSet<CredentialId>,
}

impl Turn {
    /// The worse of two; what both say if they are alike.
    fn and(mut self, other: Self) -> Self {
        match other.rank.cmp(&self.rank) {
            Ordering::Less => self,
            Ordering::Greater => other,
            Ordering::Equal => {
                self.because.extend(other.because);
                self.credentials.extend(other.credentials);
                self
            }
        }
    }

    /// In words.
    pub(super) fn words(&self) -> String {
        let list = |names: Vec<&str>| names.join(" and ");
        let because = list(self.because.iter().map(String::as_str).collect());
        let ours = list(self.credentials.iter().map(|id| id.0.as_str()).collect());
        match self.rank {
            Rank::First => format!("its pods try {ours} first"),
            Rank::After => format!("its pods try {because} first, and {ours} if that is refused"),
            Rank::Unknown => format!("whether its pods try {ours} first is not known: {because}"),
            Rank::Anonymous => {
                format!(
                    "its pods pull public images without a login and not with {ours}: {because} names no user"
                )
            }
            Rank::Never if self.because.is_empty() => format!("its pods do not try {ours}"),
            Rank::Never => format!("its pods try {because}, and then not {ours}"),
            Rank::Nothing => format!("its pods pull no image: {because}"),
        }
    }

    /// Whether the pods come to ours; what is not known is not a fault.
    ///
    /// # Errors
    /// What keeps them from it.
    pub(super) fn judged(&self) -> Result<(), Problem> {
        if self.rank < Rank::Anonymous {
            return Ok(());
        }
        let reason = Reason::Outranked(self.words());
        Err(Problem::outside(reason.to_string()).hints(reason.hint()))
    }
}

/// The pull secrets that a pod has.
pub(super) struct Pulls {
    /// Those that are there, in the order of the service account.
    pub(super) secrets: Vec<PullSecret<Held>>,
    /// Those that could not be read, in words.
    pub(super) unread: BTreeSet<String>,
}

impl Pulls {
    /// Those of these names in the namespace of `at`.
    pub(super) fn of<'a>(
        at: &ObjectRef,
        names: impl IntoIterator<Item = &'a String>,
        find: impl Fn(&ObjectRef) -> Option<Read<Option<Secret>>>,
    ) -> Self {
        let (mut secrets, mut unread) = (Vec::new(), BTreeSet::new());
        for name in names {
            match find(&ObjectRef { name: name.clone(), ..at.clone() }) {
                // The kubelet goes on without one that is not there.
                Some(Ok(None)) => {}
                Some(Ok(Some(secret))) => secrets.push(secret.pulls(name)),
                Some(Err(_)) | None => {
                    unread.insert(format!("the pull secret {} could not be read", redact::outside(name)));
                }
            }
        }
        Self { secrets, unread }
    }

    /// When it is the turn of a login for a registry.
    pub(super) fn turn(&self, registry: &Registry, id: &CredentialId, ours: Fingerprint) -> Turn {
        let turn = |rank, because| Turn { rank, because, credentials: [id.clone()].into() };
        let keys = self.secrets.iter().flat_map(|secret| secret.logins.iter().flatten()).map(|(key, _)| key);
        let mut parts: BTreeSet<String> =
            keys.filter_map(|key| kubelet::reach(key, registry.canonical())).collect();
        parts.insert(format!("{}/", registry.canonical()));
        let is_ours = |tried: &Try<'_, Held>| tried.login.fingerprints.get(registry) == Some(&ours);
        let of_part = |part: &String| {
            let steps = match kubelet::tries(part, &self.secrets) {
                Ok(steps) => steps,
                Err(unreadable) => return turn(Rank::Nothing, [unreadable.to_string()].into()),
            };
            let ours = steps.iter().position(|step| step.iter().any(is_ours));
            let before: Vec<Try<'_, Held>> = steps
                .into_iter()
                .take(ours.map_or(1, |ours| ours + 1))
                .flatten()
                .filter(|tried| !is_ours(tried))
                .collect();
            let anonymous = before.iter().any(|tried| !tried.login.named);
            let rank = match ours {
                None => Rank::Never,
                Some(_) if anonymous => Rank::Anonymous,
                Some(_) if !before.is_empty() => Rank::After,
                Some(_) => Rank::First,
            };
            let counts = |tried: &&Try<'_, Held>| rank != Rank::Anonymous || !tried.login.named;
            turn(rank, before.iter().filter(counts).map(words).collect())
        };
        let first = if self.unread.is_empty() {
            turn(Rank::First, BTreeSet::new())
        } else {
            turn(Rank::Unknown, self.unread.clone())
        };
        parts.iter().map(of_part).fold(first, Turn::and)
    }
}

/// A login by where it is.
pub(super) fn words(tried: &Try<'_, Held>) -> String {
    format!("`{}` of the pull secret {}", redact::outside(tried.key), redact::outside(tried.secret))
}

impl Secret {
    /// As the kubelet reads it.
    fn pulls(&self, name: &str) -> PullSecret<Held> {
        let broken = self.unreadable.as_ref().or_else(|| self.damage.values().next());
        let held = |(key, fingerprint): (&String, &Option<Fingerprint>)| {
            let fingerprints = docker_config::registry(key).zip(*fingerprint).into_iter().collect();
            (key.clone(), Held { named: fingerprint.is_some(), fingerprints })
        };
        let foreign = self.foreign.iter().map(|(key, held)| (key.clone(), held.clone()));
        let logins = broken.map_or_else(
            || Ok(self.logins.iter().map(held).chain(foreign).collect()),
            |words| Err(words.clone()),
        );
        PullSecret { name: name.to_owned(), logins }
    }

    /// The same with these logins, by their keys: they go under every key of their registries. One that is made again has
    /// nothing that the kubelet cannot read.
    pub(super) fn with(mut self, logins: &BTreeMap<String, Fingerprint>, is_remade: bool) -> Self {
        KIND.clone_into(&mut self.kind);
        if is_remade {
            self.damage.clear();
            self.unreadable = None;
        }
        for (key, fingerprint) in logins {
            let registry = docker_config::registry(key);
            let same = |other: &String| docker_config::registry(other) == registry;
            self.logins
                .iter_mut()
                .filter(|(other, _)| same(other))
                .for_each(|(_, login)| *login = Some(*fingerprint));
            self.logins.insert(key.clone(), Some(*fingerprint));
            self.damage.retain(|other, _| !same(other));
        }
        self
    }
}

/// A pull secret as it was found.
pub(super) fn found(observed: &Observed, at: &ObjectRef) -> Option<Read<Option<Secret>>> {
    observed.secrets.get(at).or_else(|| observed.others.get(at)).cloned()
}

/// The pull secrets of a service account, once it names what it is to name.
pub(super) fn names(at: &ObjectRef, wanted: &WantedAccount, observed: &Observed) -> Vec<String> {
    let found = observed.accounts.get(at).and_then(|found| found.as_ref().ok()?.as_ref());
    let mut names = found.map(|account| account.secrets.clone()).unwrap_or_default();
    let new: Vec<String> = wanted.secrets.iter().filter(|name| !names.contains(name)).cloned().collect();
    names.extend(new);
    names
}

/// When it is our turn in the pods of a service account that names these pull secrets, for everything that is declared for it.
pub(super) fn of_account(
    at: &ObjectRef,
    (account, names): (&WantedAccount, &[String]),
    wanted: &Wanted<'_>,
    fingerprint: impl Fn(&CredentialId) -> Option<Fingerprint>,
    find: impl Fn(&ObjectRef) -> Option<Read<Option<Secret>>>,
) -> Turn {
    let pulls = Pulls::of(at, names, find);
    let secrets = account.secrets.iter().map(|name| ObjectRef { name: name.clone(), ..at.clone() });
    let secrets = secrets.filter_map(|at| wanted.secrets.get(&at));
    let logins = secrets.flat_map(|secret| secret.single());
    let turns = logins.filter_map(|(registry, id)| Some(pulls.turn(registry, id, fingerprint(id)?)));
    turns.reduce(Turn::and).unwrap_or_default()
}

/// Why the login for Docker Hub in this secret has to be filed under `docker.io` as well, in words: a key in it, or in another
/// pull secret of a service account, keeps the kubelet from looking under the usual one.
pub(super) fn cure(
    at: &ObjectRef,
    secret: &WantedSecret<'_>,
    wanted: &Wanted<'_>,
    observed: &Observed,
    fingerprint: impl Fn(&CredentialId) -> Option<Fingerprint>,
) -> Option<String> {
    let (registry, id) = secret.single().find(|(registry, _)| registry.is_docker_hub())?;
    let ours = fingerprint(id)?;
    let find = |at: &ObjectRef| {
        let found = found(observed, at);
        let Some(secret) = wanted.secrets.get(at) else { return found };
        let logins = secret.content(None, &fingerprint).logins;
        Some(found?.map(|found| Some(found.unwrap_or_default().with(&logins, false))))
    };
    let first = ObjectRef { name: String::new(), ..at.clone() };
    let here = wanted
        .accounts
        .range(first..)
        .take_while(|(other, _)| (&other.context, &other.namespace) == (&at.context, &at.namespace));
    let lists =
        here.map(|(at, account)| names(at, account, observed)).filter(|names| names.contains(&at.name));
    let alone = std::iter::once(vec![at.name.clone()]);
    let turns = alone.chain(lists).map(|names| Pulls::of(at, &names, find).turn(registry, id, ours));
    let never = turns.filter(|turn| turn.rank == Rank::Never).reduce(Turn::and)?;
    let because: Vec<&str> = never.because.iter().map(String::as_str).collect();
    Some(because.join(" and "))
}

impl WantedSecret<'_> {
    /// What goes into it, of registries for which there is one credential.
    pub(super) fn single(&self) -> impl Iterator<Item = (&Registry, &CredentialId)> {
        let single = self.logins.iter().filter(|(_, credentials)| credentials.len() == 1);
        single.filter_map(|(registry, credentials)| Some((*registry, credentials.first()?)))
    }
}
