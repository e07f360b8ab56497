//! What is wanted in Kubernetes against what was found: the rules, pure.
//!
//! ```text
//! namespace   does not exist                          blocked
//!             is being deleted                        kept as it is
//! secret      absent                                  create
//!             two credentials for one registry        blocked
//!             a controller keeps it as it is          blocked unless --allow-replace
//!             of another type                         blocked; replace with --allow-replace
//!             something foreign in it that makes the
//!               kubelet read nothing                  blocked; replace with --allow-replace
//!             the same, with a finalizer or a
//!               controller                            blocked
//!             a login absent or another               update; immutable: as above
//!             a label absent or another               update
//!             a copy of it is left                    update: the copy goes
//!             absent, and a copy of it is left        create, with what the copy holds
//!             a key that keeps the kubelet from our
//!               login for Docker Hub                  update: ours goes under `docker.io`, too
//!             else                                    keep
//! account     names the secrets                       keep; what its pods try first is told
//!             its pods do not come to our login       blocked
//!             does not                                update: appended, others stay
//!             does not, and `attach: false`           kept as it is
//!             absent                                  update: waited for, never made
//! ```

use std::collections::{BTreeMap, BTreeSet};

use super::turn::{self, PLAIN_KEY, Rank, Turn};
use super::{
    Account, Change, Desired, How, KIND, MANAGED_BY, Namespace, ObjectRef, Observed, Operation, Scope,
    Secret, State,
};
use crate::change::{Action, Known, Options, Read, Reason};
use crate::model::{Address, CredentialId, Fingerprint, KubernetesItem, Problem, Registry};
use crate::redact;

/// The rows of every namespace.
#[must_use]
pub(super) fn diff(
    desired: &[Desired],
    observed: &Observed,
    known: &BTreeMap<CredentialId, Known>,
    options: &Options,
) -> Vec<Change> {
    let wanted = Wanted::of(desired, observed);
    let fingerprint = |id: &CredentialId| known.get(id).map(|known| known.fingerprint);
    let mut rows: Vec<Change> = wanted.unread.iter().map(|(at, unread)| unread.row(at)).collect();
    let mut secrets: BTreeMap<&ObjectRef, Change> = BTreeMap::new();
    for (at, secret) in &wanted.secrets {
        let Some(found) = observed.secrets.get(at) else { continue };
        let cure = turn::cure(at, secret, &wanted, observed, fingerprint);
        let content = secret.content(cure.as_deref(), fingerprint);
        let copied = observed.copies.contains(at);
        secrets.insert(at, secret.row(at, (found, copied), &content, options));
    }
    // What a secret holds once its row is done.
    let after = |at: &ObjectRef| match secrets.get(at).and_then(|row| row.operation.as_ref()) {
        Some(Operation::PutSecret { logins, how, .. }) => {
            let logins =
                logins.iter().filter_map(|(key, id)| Some((key.clone(), fingerprint(id)?))).collect();
            let found = observed.secrets.get(at)?.clone().ok()?.unwrap_or_default();
            Some(Ok(Some(found.with(&logins, *how == How::Replace))))
        }
        _ => turn::found(observed, at),
    };
    for (at, account) in &wanted.accounts {
        let Some(found) = observed.accounts.get(at) else { continue };
        let row = account.row(at, found);
        let names = turn::names(at, account, observed);
        let turn = turn::of_account(at, (account, &names), &wanted, fingerprint, after);
        rows.push(if row.reason == Reason::InSync { judged(row, &turn, &secrets) } else { row });
    }
    rows.extend(secrets.into_values());
    rows.into_iter().map(|row| Change { identity: identity(&row.address, observed), ..row }).collect()
}

/// A service account that names all that it is to name, by whether its pods come to it.
fn judged(row: Change, turn: &Turn, secrets: &BTreeMap<&ObjectRef, Change>) -> Change {
    let stopped = |change: &&Change| matches!(change.action, Action::Blocked | Action::Unread);
    let needed = secrets.values().filter(stopped).find(|secret| row.after.contains(&secret.address));
    let (action, reason) = match (turn.judged(), needed) {
        (Ok(()), _) if turn.rank == Rank::First => return row,
        (Ok(()), _) => (Action::Keep, Reason::Contested(turn.words())),
        (Err(_), Some(secret)) => (Action::Blocked, Reason::Depends(secret.address.clone())),
        (Err(_), None) => (Action::Blocked, Reason::Outranked(turn.words())),
    };
    Change { action, reason, ..row }
}

/// The thing at an address: several contexts may be of one cluster. A service account takes what each of them appends.
fn identity(address: &Address, observed: &Observed) -> Option<String> {
    let Address::Kubernetes { context, namespace, item: KubernetesItem::Secret(name) } = address else {
        return None;
    };
    Some(format!("{} {namespace} {name}", observed.servers.get(context)?))
}

/// Facts for people: labels that no namespace has, what Run:ai does with the secrets, and copies that are left.
#[must_use]
pub(super) fn notes(desired: &[Desired], observed: &Observed) -> Vec<String> {
    let mut notes: BTreeSet<String> =
        observed.copies.iter().filter_map(|at| copy_left(at, observed)).collect();
    for Desired { context, scope, .. } in desired {
        notes.extend(scope.note().map(|note| format!("kubernetes:{context}: {note}")));
        let found = observed.namespaces.get(&(context.clone(), scope.clone()));
        if let (Some(Ok(namespaces)), Some(selector)) = (found, scope.selector())
            && namespaces.is_empty()
        {
            notes.insert(format!("kubernetes:{context}: no namespace has the labels `{selector}`"));
        }
        notes.extend(guesses(scope, found).map(|name| {
            format!("kubernetes:{context}: no label says which namespace the project's is, so {name} is assumed: Run:ai's default")
        }));
    }
    notes.into_iter().collect()
}

/// Words about a copy beside the secret that it was made of. Whether anybody needs it is not for regcred to judge: the
/// secret does not say that it was made of it.
fn copy_left(at: &ObjectRef, observed: &Observed) -> Option<String> {
    observed.secrets.get(at)?.as_ref().ok()?.as_ref().filter(|found| found.copy.is_none())?;
    let ObjectRef { context, namespace, name } = at;
    let copy = super::replace::copy_name(name);
    let kubectl = super::error::kubectl(context);
    Some(format!(
        "{}: an interrupted run left the copy {copy}, which `regcred sync --allow-replace` deletes once it has made {name} \
         again; if nobody needs it: {kubectl} -n {namespace} delete secret {copy}",
        at.secret()
    ))
}

/// The namespaces of Run:ai's projects that no label tells.
fn guesses<'a>(
    scope: &Scope,
    found: Option<&'a Read<BTreeMap<String, Namespace>>>,
) -> impl Iterator<Item = &'a String> {
    let projects = matches!(scope, Scope::RunaiProjects(_));
    let found = found.and_then(|found| found.as_ref().ok()).into_iter().flatten();
    found.filter(move |(_, namespace)| projects && namespace.named).map(|(name, _)| name)
}

/// What is wanted, thing by thing: several credentials may share a secret, and several secrets a service account.
#[derive(Default)]
pub(super) struct Wanted<'a> {
    pub(super) secrets: BTreeMap<ObjectRef, WantedSecret<'a>>,
    pub(super) accounts: BTreeMap<ObjectRef, WantedAccount>,
    pub(super) unread: BTreeMap<ObjectRef, UnreadScope>,
}

pub(super) struct WantedSecret<'a> {
    pub(super) namespace: Namespace,
    pub(super) logins: BTreeMap<&'a Registry, BTreeSet<CredentialId>>,
    labels: BTreeMap<String, String>,
}

pub(super) struct WantedAccount {
    pub(super) namespace: Namespace,
    pub(super) secrets: BTreeSet<String>,
    /// The secrets that its own manifest is to name.
    pub(super) left: BTreeSet<String>,
    pub(super) credentials: BTreeSet<CredentialId>,
}

/// Namespaces that could not be looked for.
pub(super) struct UnreadScope {
    credentials: BTreeSet<CredentialId>,
    reason: Problem,
}

impl UnreadScope {
    pub(super) fn row(&self, at: &ObjectRef) -> Change {
        let reason = Reason::Unreadable(self.reason.clone());
        Change::new(at.secret(), self.credentials.clone(), Action::Unread, reason)
    }
}

impl<'a> Wanted<'a> {
    pub(super) fn of(desired: &'a [Desired], observed: &Observed) -> Self {
        let mut wanted = Self::default();
        for desired in desired {
            match observed.namespaces.get(&(desired.context.clone(), desired.scope.clone())) {
                Some(Ok(namespaces)) => {
                    namespaces.iter().for_each(|(name, namespace)| wanted.add(desired, name, *namespace));
                }
                Some(Err(reason)) => wanted.add_unread(desired, reason),
                None => {}
            }
        }
        wanted
    }

    fn add(&mut self, desired: &'a Desired, name: &str, namespace: Namespace) {
        let Desired { credential, registry, context, scope, secret, service_accounts, .. } = desired;
        let place = self
            .secrets
            .entry(ObjectRef::new(context, name, secret))
            .or_insert_with(|| WantedSecret { namespace, logins: BTreeMap::new(), labels: BTreeMap::new() });
        place.namespace = place.namespace.and(namespace);
        place.logins.entry(registry).or_default().insert(credential.clone());
        place.labels.extend(scope.labels());
        for account in service_accounts {
            let at = ObjectRef::new(context, name, account);
            let place = self.accounts.entry(at).or_insert_with(|| WantedAccount {
                namespace,
                secrets: BTreeSet::new(),
                left: BTreeSet::new(),
                credentials: BTreeSet::new(),
            });
            place.namespace = place.namespace.and(namespace);
            let names = if desired.attach { &mut place.secrets } else { &mut place.left };
            names.insert(secret.clone());
            place.credentials.insert(credential.clone());
        }
    }

    fn add_unread(&mut self, desired: &Desired, reason: &Problem) {
        let at = ObjectRef::new(&desired.context, UNKNOWN, &desired.secret);
        let unread = UnreadScope { credentials: BTreeSet::new(), reason: reason.clone() };
        self.unread.entry(at).or_insert(unread).credentials.insert(desired.credential.clone());
    }
}

/// The namespace in the address of what could not be looked for.
const UNKNOWN: &str = "?";

impl Namespace {
    /// The same namespace, come to by two items: it has to be there if either names it, and the worst that either knows of
    /// it is so.
    fn and(self, other: Self) -> Self {
        Self { named: self.named || other.named, state: self.state.max(other.state) }
    }

    /// What its state says of everything in it.
    fn verdict(self) -> Option<(Action, Reason)> {
        match self.state {
            State::There => None,
            State::Terminating => Some((Action::Keep, Reason::Terminating)),
            State::Absent => Some((Action::Blocked, Reason::NoNamespace)),
        }
    }
}

/// What a secret has to hold: the credentials' fingerprints by the key of their registry, and labels.
#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    pub(super) logins: BTreeMap<String, Fingerprint>,
    /// Why a login is under a second key, in words.
    pub(super) second: Option<String>,
    pub(super) labels: BTreeMap<String, String>,
}

/// How a secret falls short of its content.
pub(super) enum Fault {
    OtherType(String),
    Damage(String),
    Logins(String),
    Labels(String),
    /// It is as it should be, and a copy of it is left, by this name.
    Copy(String),
}

/// The first fault of a secret, as the kubelet and the declared labels see it.
pub(super) fn fault(found: &Secret, content: &Content) -> Option<Fault> {
    if found.kind != KIND {
        return Some(Fault::OtherType(found.kind.clone()));
    }
    if let Some(words) = &found.unreadable {
        return Some(Fault::Damage(words.clone()));
    }
    // A broken entry for a registry that goes into this very secret is mended by writing it.
    let ours: BTreeSet<Registry> =
        content.logins.keys().filter_map(|key| super::docker_config::registry(key)).collect();
    let foreign = |key: &str| super::docker_config::registry(key).is_none_or(|other| !ours.contains(&other));
    if let Some((_, damage)) = found.damage.iter().find(|(key, _)| foreign(key)) {
        return Some(Fault::Damage(damage.clone()));
    }
    let lacking = |login| lacking(found, login, content.second.as_deref());
    let logins: Vec<String> = content.logins.iter().filter_map(lacking).collect();
    if !logins.is_empty() {
        return Some(Fault::Logins(logins.join(", ")));
    }
    let differs = |label: &(&String, &String)| found.labels.get(label.0).is_none_or(|value| value != label.1);
    let labels: Vec<String> =
        content.labels.iter().filter(differs).map(|(name, value)| format!("{name}={value}")).collect();
    match (labels.is_empty(), &found.copy) {
        (false, _) => Some(Fault::Labels(labels.join(", "))),
        (true, copy) => copy.clone().map(Fault::Copy),
    }
}

/// What is wrong with the login for one registry: absent under its own key, or another under any key that is for it.
fn lacking(
    found: &Secret,
    (key, fingerprint): (&String, &Fingerprint),
    second: Option<&str>,
) -> Option<String> {
    let registry = super::docker_config::registry(key)?;
    let filed = |other: &&String| super::docker_config::registry(other).as_ref() == Some(&registry);
    let stale = found
        .logins
        .keys()
        .filter(filed)
        .find(|key| found.logins.get(*key).copied().flatten() != Some(*fingerprint));
    match (found.logins.contains_key(key), stale) {
        (_, Some(stale)) if stale != key => {
            Some(format!("another login for {registry} under `{}`", redact::outside(stale)))
        }
        (true, Some(_)) => Some(format!("another login for {registry}")),
        (false, _) if key == PLAIN_KEY => {
            let why = second.map(|why| format!(", where the kubelet looks because of {why}"));
            Some(format!("no login for {registry} under `{key}`{}", why.unwrap_or_default()))
        }
        (false, _) => Some(format!("no login for {registry}")),
        (true, None) => None,
    }
}

impl WantedSecret<'_> {
    fn row(
        &self,
        at: &ObjectRef,
        (found, copied): (&Read<Option<Secret>>, bool),
        content: &Content,
        options: &Options,
    ) -> Change {
        let (mut action, mut reason, mut how) = self.verdict(found, content, options);
        if copied && how == Some(How::Create) {
            let copy = super::replace::copy_name(&at.name);
            (action, reason, how) = (Action::Create, Reason::PutBack(copy), Some(How::Replace));
        }
        let operation = how.map(|how| {
            let only_labels = matches!(reason, Reason::Labels(_) | Reason::Leftover(_));
            Operation::PutSecret {
                at: at.clone(),
                logins: if only_labels { BTreeMap::new() } else { self.keys(content.second.is_some()) },
                labels: self.labels.clone(),
                how,
                named: self.namespace.named,
            }
        });
        let credentials = self.logins.values().flatten().cloned().collect();
        Change { operation, ..Change::new(at.secret(), credentials, action, reason) }
    }

    fn verdict(
        &self,
        found: &Read<Option<Secret>>,
        content: &Content,
        options: &Options,
    ) -> (Action, Reason, Option<How>) {
        let found = match found {
            Err(unreadable) => return (Action::Unread, Reason::Unreadable(unreadable.clone()), None),
            Ok(found) => found,
        };
        if let Some((action, reason)) = self.namespace.verdict() {
            return (action, reason, None);
        }
        if let Some((registry, _)) = self.logins.iter().find(|(_, credentials)| credentials.len() > 1) {
            return (Action::Blocked, Reason::TwoCredentials(registry.to_string()), None);
        }
        let Some(found) = found else { return (Action::Create, Reason::Absent, Some(How::Create)) };
        let remade = |reason: Reason| {
            if let Some(words) = &found.kept {
                (Action::Blocked, Reason::Kept(format!("{reason}, and {words}")), None)
            } else if options.allow_replace {
                (Action::Replace, Reason::Remade(reason.to_string()), Some(How::Replace))
            } else {
                (Action::Blocked, reason, None)
            }
        };
        let owner = found.owner.as_ref().filter(|_| !options.allow_replace);
        match fault(found, content) {
            None => (Action::Keep, Reason::InSync, None),
            Some(Fault::Copy(name)) => (Action::Update, Reason::Leftover(name), Some(How::Update)),
            Some(Fault::OtherType(kind)) => remade(Reason::OtherType(kind)),
            Some(Fault::Damage(words)) => remade(Reason::Damaged(words)),
            Some(Fault::Logins(words)) if found.immutable => remade(Reason::Immutable(words)),
            Some(_) if owner.is_some() => {
                (Action::Blocked, Reason::OwnedBy(owner.cloned().unwrap_or_default()), None)
            }
            Some(Fault::Logins(words)) => (Action::Update, Reason::Logins(words), Some(How::Update)),
            Some(Fault::Labels(words)) => (Action::Update, Reason::Labels(words), Some(How::Update)),
        }
    }

    /// The credentials by their keys; that of Docker Hub under a second one if need be.
    fn keys(&self, twice: bool) -> BTreeMap<String, CredentialId> {
        let mut keys = BTreeMap::new();
        for (registry, credentials) in &self.logins {
            let Some(id) = credentials.first() else { continue };
            keys.insert(registry.docker_config_key().to_owned(), id.clone());
            if twice && registry.is_docker_hub() {
                keys.insert(PLAIN_KEY.to_owned(), id.clone());
            }
        }
        keys
    }

    /// What it has to hold; `second` says why the login for Docker Hub has to be under a second key, if it has.
    pub(super) fn content(
        &self,
        second: Option<&str>,
        fingerprint: impl Fn(&CredentialId) -> Option<Fingerprint>,
    ) -> Content {
        let keys = self.keys(second.is_some()).into_iter();
        let logins = keys.filter_map(|(key, id)| Some((key, fingerprint(&id)?))).collect();
        Content { logins, labels: self.labels.clone(), second: second.map(str::to_owned) }
    }
}

impl WantedAccount {
    fn row(&self, at: &ObjectRef, found: &Read<Option<Account>>) -> Change {
        let (action, reason) = self.verdict(found);
        let operation = action.writes().then(|| Operation::Attach {
            at: at.clone(),
            secrets: self.secrets.clone(),
            named: self.namespace.named,
        });
        let secret = |name: &String| ObjectRef::new(&at.context, &at.namespace, name).secret();
        Change {
            operation,
            after: self.secrets.iter().map(secret).collect(),
            ..Change::new(at.service_account(), self.credentials.clone(), action, reason)
        }
    }

    fn verdict(&self, found: &Read<Option<Account>>) -> (Action, Reason) {
        match (found, self.namespace.verdict()) {
            (Err(unreadable), _) => (Action::Unread, Reason::Unreadable(unreadable.clone())),
            (Ok(_), Some(verdict)) => verdict,
            (Ok(found), None) => self.lacking(found.as_ref()),
        }
    }

    fn lacking(&self, found: Option<&Account>) -> (Action, Reason) {
        let nothing = Account::default();
        let account = found.unwrap_or(&nothing);
        match (account.lacks(&self.secrets), account.lacks(&self.left)) {
            (Some(_), _) if found.is_none() => (Action::Update, Reason::NoAccount),
            (Some(names), _) => (Action::Update, Reason::NotNamed(account.and_writer(names))),
            (None, Some(names)) => (Action::Keep, Reason::LeftToManifest(names)),
            (None, None) => (Action::Keep, Reason::InSync),
        }
    }
}

impl Account {
    /// Which of these secrets it does not name.
    pub(super) fn lacks(&self, secrets: &BTreeSet<String>) -> Option<String> {
        let missing: Vec<&str> =
            secrets.iter().filter(|name| !self.secrets.contains(name)).map(String::as_str).collect();
        (!missing.is_empty()).then(|| missing.join(", "))
    }

    /// Words about its list, with who else writes it.
    pub(super) fn and_writer(&self, words: String) -> String {
        match &self.writer {
            Some(writer) => format!("{words}; {writer} writes its list, too"),
            None => words,
        }
    }
}

/// Whether labels say that regcred made it.
pub(super) fn is_ours(labels: Option<&BTreeMap<String, String>>) -> bool {
    labels.is_some_and(|labels| labels.get(MANAGED_BY.0).is_some_and(|maker| maker == MANAGED_BY.1))
}

/// The labels of a secret that regcred makes.
pub(super) fn own_labels(labels: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut labels = labels.clone();
    labels.insert(MANAGED_BY.0.to_owned(), MANAGED_BY.1.to_owned());
    labels
}

impl Scope {
    /// Whether two scopes come to the same namespace whatever the cluster holds.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        match (self.named(), other.named()) {
            (Some(one), Some(two)) => !one.is_disjoint(&two),
            _ => self == other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_meet_where_they_name_one_namespace_or_are_the_same() {
        let named = |names: &[&str]| Scope::Named(names.iter().map(|name| (*name).to_owned()).collect());
        let labels = |labels: &str| Scope::Selector(labels.to_owned());
        for (one, other, meet) in [
            (named(&["ci", "web"]), named(&["web"]), true),
            (named(&["ci"]), named(&["web"]), false),
            (named(&["runai"]), Scope::RunaiCluster, true),
            (labels("team=a"), labels("team=a"), true),
            (labels("team=a"), labels("team=b"), false),
            (labels("team=a"), named(&["ci"]), false),
            (Scope::RunaiAll, Scope::RunaiAll, true),
        ] {
            assert_eq!((one.overlaps(&other), other.overlaps(&one)), (meet, meet), "{one:?}, {other:?}");
        }
    }
}
