//! Reading clusters: namespaces, pull secrets as the kubelet reads them, service accounts. Nothing here can write, and of a
//! value only its fingerprint goes on.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use futures::stream::{self, StreamExt};
use k8s_openapi::api::core::v1 as core;

use super::client::ApiRequest;
use super::login::Clients;
use super::{
    Account, Client, Desired, Held, KEY, KIND, KubeError, Namespace, ObjectRef, Observed, Scope, Secret,
    State, docker_config, kubelet, owner, replace, runai,
};
use crate::change::Read;
use crate::model::{Fingerprint, Login, Problem, Registry};
use crate::redact;

/// Reads everything that the rows need, at most `concurrency` requests at once per cluster. An error is data.
pub async fn observe(clients: &Clients, desired: &[Desired], concurrency: usize) -> Observed {
    let contexts: BTreeSet<&str> = desired.iter().map(|desired| desired.context.as_str()).collect();
    let reads = contexts.into_iter().filter_map(|context| {
        let client = clients.get(context)?;
        let here: Vec<&Desired> = desired.iter().filter(|desired| desired.context == context).collect();
        Some(async move {
            match client {
                Ok(client) => cluster(client, context, &here, concurrency).await,
                Err(unreadable) => unread(unreadable, &here),
            }
        })
    });
    let mut all = Observed::default();
    for found in futures::future::join_all(reads).await {
        let Observed { servers, namespaces, secrets, copies, accounts, others } = found;
        all.servers.extend(servers);
        all.namespaces.extend(namespaces);
        all.secrets.extend(secrets);
        all.copies.extend(copies);
        all.accounts.extend(accounts);
        all.others.extend(others);
    }
    all
}

/// A cluster that could not be logged in to: what is known by name is unread by name.
pub(super) fn unread(unreadable: &Problem, desired: &[&Desired]) -> Observed {
    let mut observed = Observed::default();
    for desired in desired {
        let named = desired.scope.named().map(|names| all_named(&names)).ok_or_else(|| unreadable.clone());
        for name in named.iter().flatten().map(|(name, _)| name) {
            let at = ObjectRef::new(&desired.context, name, &desired.secret);
            observed.secrets.insert(at, Err(unreadable.clone()));
            for account in &desired.service_accounts {
                let at = ObjectRef::new(&desired.context, name, account);
                observed.accounts.insert(at, Err(unreadable.clone()));
            }
        }
        observed.namespaces.insert((desired.context.clone(), desired.scope.clone()), named);
    }
    observed
}

fn all_named(names: &BTreeSet<String>) -> BTreeMap<String, Namespace> {
    let there = Namespace { named: true, state: State::There };
    names.iter().map(|name| (name.clone(), there)).collect()
}

/// One cluster: what has to be looked for is listed beside the namespaces, the rest is asked for by name.
async fn cluster(client: &Client, context: &str, desired: &[&Desired], concurrency: usize) -> Observed {
    let registries: BTreeSet<&Registry> = desired.iter().map(|desired| &desired.registry).collect();
    let reader = Reader { client, registries, concurrency };
    let scopes: BTreeSet<&Scope> = desired.iter().map(|desired| &desired.scope).collect();
    let looked_for = || desired.iter().filter(|desired| desired.scope.selector().is_some());
    let secrets: BTreeSet<&str> = looked_for().map(|desired| desired.secret.as_str()).collect();
    let accounts: BTreeSet<&str> =
        looked_for().flat_map(|desired| &desired.service_accounts).map(String::as_str).collect();
    let (namespaces, secrets, accounts) = tokio::join!(
        reader.namespaces(scopes),
        reader.listed("secrets", secrets),
        reader.listed("serviceaccounts", accounts)
    );
    let mut observed = Observed::default();
    let mut wanted: (BTreeSet<ObjectRef>, BTreeSet<ObjectRef>) = Default::default();
    for desired in desired {
        let Some(Ok(found)) = namespaces.get(&desired.scope) else { continue };
        for name in found.keys() {
            wanted.0.insert(ObjectRef::new(context, name, &desired.secret));
            let accounts =
                desired.service_accounts.iter().map(|account| ObjectRef::new(context, name, account));
            wanted.1.extend(accounts);
        }
    }
    let mut namespaces = namespaces;
    let (secrets, accounts, ()) = tokio::join!(
        reader.secrets(wanted.0, secrets),
        reader.accounts(wanted.1, accounts),
        reader.look_at_named(&mut namespaces)
    );
    observed.servers = [(context.to_owned(), client.base.clone())].into();
    observed.secrets = secrets;
    observed.accounts = accounts;
    observed.namespaces =
        namespaces.into_iter().map(|(scope, found)| ((context.to_owned(), scope.clone()), found)).collect();
    let named = named_beside(&observed);
    let (copies, others) = tokio::join!(reader.copies(desired, &observed.secrets), reader.others(named));
    (observed.copies, observed.others) = (copies, others);
    observed
}

/// From this many namespaces on, a pull secret of one name is listed and not asked for in each.
const MANY: usize = 16;

/// What a list of all namespaces gave, by the name that was listed. Nothing where the login may not list, so that each
/// namespace is asked by itself.
pub(super) type Listed<T> = BTreeMap<String, Option<Read<BTreeMap<String, T>>>>;

pub(super) struct Reader<'a> {
    pub(super) client: &'a Client,
    /// The registries of which logins are looked at.
    pub(super) registries: BTreeSet<&'a Registry>,
    pub(super) concurrency: usize,
}

impl Reader<'_> {
    /// The namespaces of every scope.
    async fn namespaces<'s>(
        &self,
        scopes: BTreeSet<&'s Scope>,
    ) -> BTreeMap<&'s Scope, Read<BTreeMap<String, Namespace>>> {
        let reads = scopes.into_iter().map(|scope| async move { (scope, self.scope(scope).await) });
        futures::future::join_all(reads).await.into_iter().collect()
    }

    async fn scope(&self, scope: &Scope) -> Read<BTreeMap<String, Namespace>> {
        let Some(selector) = scope.selector() else {
            return Ok(all_named(&scope.named().unwrap_or_default()));
        };
        let ask = ApiRequest { verb: "list", resource: "namespaces", namespace: None, name: None };
        let listed: Result<Vec<core::Namespace>, _> =
            self.client.list(ask, ("labelSelector", &selector)).await;
        match (listed, scope) {
            (Ok(listed), Scope::RunaiProjects(projects)) => Ok(of_projects(listed, projects)),
            // Without the right to list, a project's namespace is where Run:ai puts it unless told otherwise.
            (Err(error), Scope::RunaiProjects(projects)) if error.code() == Some(403) => {
                Ok(of_projects(Vec::new(), projects))
            }
            (Ok(listed), _) => Ok(listed.into_iter().filter_map(found).collect()),
            (Err(error), _) => Err(error.into()),
        }
    }

    /// Every thing of these names, in all namespaces: a list with a field selector needs the right to list these names
    /// only.
    pub(super) async fn listed<T: serde::de::DeserializeOwned + Named>(
        &self,
        resource: &'static str,
        names: BTreeSet<&str>,
    ) -> Listed<T> {
        let reads = names.into_iter().map(|name| async move {
            let ask = ApiRequest { verb: "list", resource, namespace: None, name: Some(name) };
            let select = format!("metadata.name={name}");
            let listed: Result<Vec<T>, KubeError> = self.client.list(ask, ("fieldSelector", &select)).await;
            let by_namespace = |listed: Vec<T>| {
                listed.into_iter().filter_map(|thing| Some((thing.namespace()?.to_owned(), thing))).collect()
            };
            let read = match listed {
                Err(error) if error.code() == Some(403) => None,
                listed => Some(listed.map(by_namespace).map_err(Problem::from)),
            };
            (name.to_owned(), read)
        });
        futures::future::join_all(reads).await.into_iter().collect()
    }

    /// These secrets, from the lists, or else one by one.
    pub(super) async fn secrets(
        &self,
        wanted: BTreeSet<ObjectRef>,
        mut listed: Listed<core::Secret>,
    ) -> BTreeMap<ObjectRef, Read<Option<Secret>>> {
        let things = self.things("secrets", wanted, &mut listed).await;
        let mut secrets = BTreeMap::new();
        for (at, thing) in things {
            let secret = match thing {
                Ok(Some(secret)) => Ok(Some(self.secret(secret).await)),
                Ok(None) => Ok(None),
                Err(unreadable) => Err(unreadable),
            };
            secrets.insert(at, secret);
        }
        secrets
    }

    /// These service accounts, the same way.
    pub(super) async fn accounts(
        &self,
        wanted: BTreeSet<ObjectRef>,
        mut listed: Listed<core::ServiceAccount>,
    ) -> BTreeMap<ObjectRef, Read<Option<Account>>> {
        let things = self.things("serviceaccounts", wanted, &mut listed).await;
        things.into_iter().map(|(at, thing)| (at, thing.map(|thing| thing.as_ref().map(account)))).collect()
    }

    /// These pull secrets: one by one, but those that many namespaces have under one name are listed. Where they may not be
    /// listed they are not asked for in each namespace: whoever may see all of them may list them.
    async fn others(&self, wanted: BTreeMap<ObjectRef, bool>) -> BTreeMap<ObjectRef, Read<Option<Secret>>> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for (at, _) in wanted.iter().filter(|(_, found)| **found) {
            *counts.entry(&at.name).or_default() += 1;
        }
        let many = counts.into_iter().filter(|(_, count)| *count >= MANY).map(|(name, _)| name).collect();
        let mut listed = self.listed("secrets", many).await;
        for list in listed.values_mut().filter(|list| list.is_none()) {
            *list = Some(Err(Problem::outside("may not be listed")));
        }
        self.secrets(wanted.into_keys().collect(), listed).await
    }

    async fn things<T: serde::de::DeserializeOwned>(
        &self,
        resource: &'static str,
        wanted: BTreeSet<ObjectRef>,
        listed: &mut Listed<T>,
    ) -> BTreeMap<ObjectRef, Read<Option<T>>> {
        let mut things = BTreeMap::new();
        let mut one_by_one = Vec::new();
        for at in wanted {
            match listed.get_mut(&at.name) {
                Some(Some(Ok(found))) => {
                    let thing = found.remove(&at.namespace);
                    things.insert(at, Ok(thing));
                }
                Some(Some(Err(unreadable))) => {
                    things.insert(at, Err(unreadable.clone()));
                }
                Some(None) | None => one_by_one.push(at),
            }
        }
        let gets = one_by_one.into_iter().map(|at| async move {
            let read = self.client.get(get(resource, &at)).await.map_err(Problem::from);
            (at, read)
        });
        things.extend(stream::iter(gets).buffer_unordered(self.concurrency.max(1)).collect::<Vec<_>>().await);
        things
    }

    /// A secret as the plan needs it.
    pub(super) async fn secret(&self, secret: core::Secret) -> Secret {
        let mut seen = Secret {
            kind: secret.type_.clone().unwrap_or_else(|| "Opaque".to_owned()),
            immutable: secret.immutable.unwrap_or(false),
            owner: owner::of(&secret),
            kept: owner::keeps(&secret),
            copy: replace::copy_of(&secret).map(|name| redact::outside(name)),
            labels: secret.metadata.labels.clone().unwrap_or_default(),
            ..Secret::default()
        };
        let Some(key) = kubelet::data_key(&seen.kind) else { return seen };
        seen.others = has_others(&secret);
        let data = secret.data.as_ref().and_then(|data| data.get(key));
        match kubelet::read(&seen.kind, data.map(|data| data.0.as_slice()).unwrap_or_default()) {
            Ok(entries) => {
                for (key, entry) in entries {
                    self.entry(&mut seen, key, entry).await;
                }
            }
            Err(words) => seen.unreadable = Some(format!("its configuration {words}")),
        }
        seen
    }

    async fn entry(&self, seen: &mut Secret, key: String, entry: docker_config::Entry) {
        let ours = docker_config::registry(&key).filter(|registry| self.registries.contains(registry));
        // Whether it is mended by writing depends on what is declared for this secret.
        if let Err(words) = &entry {
            seen.damage.insert(key.clone(), format!("the entry `{}` {words}", redact::outside(&key)));
        }
        match (ours, entry) {
            (Some(registry), Ok(Some(login))) => {
                seen.logins.insert(key, fingerprint(&registry, login).await);
            }
            (Some(_), Ok(None) | Err(_)) => {
                seen.logins.insert(key, None);
            }
            (None, login) => {
                seen.others = true;
                let held = self.held(&key, login.ok().flatten()).await;
                seen.foreign.insert(key, held);
            }
        }
    }

    /// A login, by its fingerprint for each registry of which it is tried for some image.
    async fn held(&self, key: &str, login: Option<Login>) -> Held {
        let mut held = Held { named: login.is_some(), ..Held::default() };
        let Some(login) = login else { return held };
        for registry in &self.registries {
            if kubelet::reach(key, registry.canonical()).is_some() {
                let fingerprint = fingerprint(registry, login.clone()).await;
                held.fingerprints.extend(fingerprint.map(|fingerprint| ((*registry).clone(), fingerprint)));
            }
        }
        held
    }

    /// Whether the namespaces exist that are named, and are not being deleted: what is in one says nothing of that. Who may
    /// not ask is told by the write.
    async fn look_at_named(&self, namespaces: &mut BTreeMap<&Scope, Read<BTreeMap<String, Namespace>>>) {
        let named: BTreeSet<String> = namespaces
            .values()
            .flatten()
            .flatten()
            .filter(|(_, namespace)| namespace.named)
            .map(|(name, _)| name.clone())
            .collect();
        let looks = named.into_iter().map(|name| async move { (state(self.client, &name).await, name) });
        let states: Vec<_> = stream::iter(looks).buffer_unordered(self.concurrency.max(1)).collect().await;
        for (state, name) in states {
            for namespace in namespaces.values_mut().flatten().filter_map(|found| found.get_mut(&name)) {
                namespace.state = state.unwrap_or(namespace.state);
            }
        }
    }
}

impl Reader<'_> {
    /// The secrets of which an interrupted run left a copy: of those that are absent, and of those that a run may have begun
    /// to make again. Who may not ask has left none.
    async fn copies(
        &self,
        desired: &[&Desired],
        secrets: &BTreeMap<ObjectRef, Read<Option<Secret>>>,
    ) -> BTreeSet<ObjectRef> {
        let began = |found: &Read<Option<Secret>>| match found {
            Ok(Some(secret)) => {
                secret.kind != KIND
                    || secret.immutable
                    || secret.unreadable.is_some()
                    || !secret.damage.is_empty()
            }
            Ok(None) => true,
            Err(_) => false,
        };
        let begun: Vec<&ObjectRef> =
            secrets.iter().filter(|(_, found)| began(found)).map(|(at, _)| at).collect();
        let copy = |at: &ObjectRef| ObjectRef { name: replace::copy_name(&at.name), ..at.clone() };
        let named: BTreeSet<String> = begun.iter().map(|at| replace::copy_name(&at.name)).collect();
        let looked_for = desired.iter().filter(|desired| desired.scope.selector().is_some());
        let many: BTreeSet<String> = looked_for.map(|desired| replace::copy_name(&desired.secret)).collect();
        let listed = named.intersection(&many).map(String::as_str).collect();
        let mut listed: Listed<core::Secret> = self.listed("secrets", listed).await;
        // One by one only where the configuration names the namespace.
        let wanted = begun.iter().map(|at| copy(at));
        let wanted = wanted.filter(|at| !matches!(listed.get(&at.name), Some(None | Some(Err(_))))).collect();
        let things = self.things("secrets", wanted, &mut listed).await;
        let is_copy = |at: &ObjectRef| {
            let found = things.get(&copy(at)).and_then(|thing| thing.as_ref().ok()?.as_ref());
            found.and_then(replace::original).is_some()
        };
        begun.into_iter().filter(|at| is_copy(at)).cloned().collect()
    }
}

/// The pull secrets that service accounts name beside the declared ones; whether each is in a namespace that was found,
/// of which there may be many.
fn named_beside(observed: &Observed) -> BTreeMap<ObjectRef, bool> {
    let named = |at: &ObjectRef| {
        let mut here = observed.namespaces.values().flatten().filter_map(|found| found.get(&at.namespace));
        here.any(|namespace| namespace.named)
    };
    let mut others = BTreeMap::new();
    for (at, account) in &observed.accounts {
        let Ok(Some(account)) = account else { continue };
        let beside = account.secrets.iter().map(|name| ObjectRef { name: name.clone(), ..at.clone() });
        let beside = beside.filter(|at| !observed.secrets.contains_key(at));
        others.extend(beside.map(|secret| (secret, !named(at))));
    }
    others
}

/// The Docker configuration in a secret.
pub(super) fn config(secret: &core::Secret) -> Option<&[u8]> {
    Some(&secret.data.as_ref()?.get(KEY)?.0)
}

/// Whether there is something in a secret beside the entries of its configuration.
pub(super) fn has_others(secret: &core::Secret) -> bool {
    let data = secret.data.iter().flatten().any(|(key, _)| key != KEY);
    data || docker_config::has_others(config(secret).unwrap_or_default())
}

/// Whether a namespace is there; nothing if that is not known.
pub(super) async fn state(client: &Client, name: &str) -> Option<State> {
    let ask = ApiRequest { verb: "get", resource: "namespaces", namespace: None, name: Some(name) };
    let found: Option<core::Namespace> = match client.get(ask).await {
        // A role for found namespaces has the right to list them and no other.
        Err(error) if error.code() == Some(403) => {
            let ask = ApiRequest { verb: "list", ..ask };
            let select = format!("metadata.name={name}");
            client.list(ask, ("fieldSelector", &select)).await.ok()?.pop()
        }
        found => found.ok()?,
    };
    Some(found.map_or(State::Absent, |namespace| phase(&namespace)))
}

pub(super) fn get<'a>(resource: &'static str, at: &'a ObjectRef) -> ApiRequest<'a> {
    ApiRequest { verb: "get", resource, namespace: Some(&at.namespace), name: Some(&at.name) }
}

fn phase(namespace: &core::Namespace) -> State {
    let terminating = namespace.metadata.deletion_timestamp.is_some()
        || namespace.status.as_ref().is_some_and(|status| status.phase.as_deref() == Some("Terminating"));
    if terminating { State::Terminating } else { State::There }
}

fn found(namespace: core::Namespace) -> Option<(String, Namespace)> {
    let state = phase(&namespace);
    Some((namespace.metadata.name?, Namespace { named: false, state }))
}

/// The namespaces of these projects; one that no label tells is where Run:ai puts it by default.
fn of_projects(listed: Vec<core::Namespace>, projects: &BTreeSet<String>) -> BTreeMap<String, Namespace> {
    let mut missing = projects.clone();
    for namespace in &listed {
        if let Some(project) =
            namespace.metadata.labels.as_ref().and_then(|labels| labels.get(runai::PROJECT))
        {
            missing.remove(project);
        }
    }
    let defaults: BTreeSet<String> = missing.iter().map(|project| runai::namespace(project)).collect();
    let mut namespaces = all_named(&defaults);
    namespaces.extend(listed.into_iter().filter_map(found));
    namespaces
}

/// A service account as the plan needs it.
pub(super) fn account(account: &core::ServiceAccount) -> Account {
    let secrets = account.image_pull_secrets.iter().flatten().map(|secret| secret.name.clone());
    Account {
        secrets: secrets.collect(),
        version: account.metadata.resource_version.clone().unwrap_or_default(),
        writer: owner::writer(account),
    }
}

/// What lives in a namespace.
pub(super) trait Named {
    fn namespace(&self) -> Option<&str>;
}

impl Named for core::Secret {
    fn namespace(&self) -> Option<&str> {
        self.metadata.namespace.as_deref()
    }
}

impl Named for core::ServiceAccount {
    fn namespace(&self) -> Option<&str> {
        self.metadata.namespace.as_deref()
    }
}

/// Nothing if it could not be computed: it equals no other then.
async fn fingerprint(registry: &Registry, login: Login) -> Option<Fingerprint> {
    let (registry, Login { username, token }) = (registry.clone(), login.at(registry));
    tokio::task::spawn_blocking(move || Fingerprint::of(&registry, &username, &token)).await.ok()
}

/// Data as the API writes it: a secret from then on.
pub(super) fn encoded(bytes: &[u8]) -> String {
    let data = base64::engine::general_purpose::STANDARD.encode(bytes);
    redact::teach_foreign(&data);
    data
}
