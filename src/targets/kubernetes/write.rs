//! Writing clusters. Every operation converges: what changes is named with the version that was read, so that nobody
//! else's write is lost; who comes second reads again.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use k8s_openapi::api::core::v1 as core;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use super::client::ApiRequest;
use super::diff::{is_ours, own_labels};
use super::docker_config;
use super::login::Clients;
use super::read::{account, config, encoded, get, has_others, state};
use super::replace::{copy_of, made_of};
use super::{Account, Client, How, KEY, KIND, KubeError, OLDER_KEY, ObjectRef, Observed, Operation, State};
use crate::change::{Inputs, Receipt};
use crate::model::{CredentialId, Login, Problem};
use crate::net::Wait;

/// How often a thing is read again because somebody else wrote it in between.
pub(super) const CONFLICTS: usize = 16;
/// How long a service account may take to appear: the controller makes `default` after its namespace.
const FOR_ACCOUNT: Wait = Wait {
    first: Duration::from_millis(200),
    longest: Duration::from_secs(2),
    total: Duration::from_secs(10),
};

/// The fields of a write's receipt: the id of what was written, and the version that it came to.
const UID: &str = "uid";
const VERSION: &str = "resource_version";

/// What writes to clusters.
pub struct Writer<'a> {
    clients: &'a Clients,
    observed: &'a Observed,
    /// One secret at a time is made again: what goes wrong with the first goes wrong with no other.
    replacing: Mutex<()>,
}

impl<'a> Writer<'a> {
    /// A writer that uses these clients, and knows the versions that were observed.
    #[must_use]
    pub fn new(clients: &'a Clients, observed: &'a Observed) -> Self {
        Self { clients, observed, replacing: Mutex::default() }
    }

    /// Executes one operation.
    ///
    /// # Errors
    /// If the cluster refuses a request or does not answer, if something is written over again and again by others, or
    /// if a service account does not appear within 10 s. A namespace that was found and is gone by now is harmless.
    pub async fn write(&self, operation: &Operation, inputs: &Inputs<'_>) -> Result<Receipt, Problem> {
        let (at, named) = (operation.at(), operation.named());
        let Some(Ok(client)) = self.clients.get(&at.context) else {
            return Err(Problem::outside(format!("no login for the cluster of {}", at.context)));
        };
        let site = Site { client, at, named, written: Cell::default() };
        match operation {
            Operation::PutSecret { logins, labels, how, .. } => {
                let logins = resolved(logins, inputs)?;
                let content = Content { logins: &logins, labels };
                match how {
                    How::Create => site.create(&content).await?,
                    How::Update => site.update(&content).await?,
                    How::Replace => {
                        let _alone = self.replacing.lock().await;
                        site.replace(&content).await?;
                    }
                }
            }
            Operation::Attach { secrets, .. } => {
                let observed = self.observed.accounts.get(at).and_then(|found| found.clone().ok().flatten());
                site.attach(secrets, observed, inputs).await?;
            }
            Operation::TakeOut { keys, whole, .. } => site.take_out(keys, *whole).await?,
            Operation::Detach { secrets, .. } => site.detach(secrets).await?,
        }
        Ok(site.written.take())
    }
}

fn resolved(
    logins: &BTreeMap<String, CredentialId>,
    inputs: &Inputs<'_>,
) -> Result<BTreeMap<String, Login>, Problem> {
    let login = |(key, id): (&String, &CredentialId)| Ok((key.clone(), inputs.login(id)?.clone()));
    logins.iter().map(login).collect()
}

fn by_key(logins: &BTreeMap<String, Login>) -> BTreeMap<&str, &Login> {
    logins.iter().map(|(key, login)| (key.as_str(), login)).collect()
}

/// What a secret has to hold.
pub(super) struct Content<'a> {
    logins: &'a BTreeMap<String, Login>,
    labels: &'a BTreeMap<String, String>,
}

impl Content<'_> {
    /// The data with the logins in it, encoded; nothing if that changes nothing.
    fn data(&self, found: &core::Secret) -> Result<Option<String>, Problem> {
        if self.logins.is_empty() {
            return Ok(None);
        }
        let merged = docker_config::merged(config(found), &by_key(self.logins)).map_err(unreadable)?;
        Ok(merged.changed.then(|| encoded(&merged.bytes)))
    }

    /// The change that makes it so, of this version; nothing if it is so.
    fn patch(&self, found: &core::Secret) -> Result<Option<Value>, Problem> {
        let labels = found.metadata.labels.clone().unwrap_or_default();
        let differs = |label: &(&String, &String)| labels.get(label.0) != Some(label.1);
        let labels: BTreeMap<_, _> = self.labels.iter().filter(differs).collect();
        let data = self.data(found)?;
        if labels.is_empty() && data.is_none() {
            return Ok(None);
        }
        let mut patch = json!({ "metadata": { "resourceVersion": found.metadata.resource_version } });
        if !labels.is_empty() {
            patch["metadata"]["labels"] = json!(labels);
        }
        if let Some(data) = data {
            patch["data"] = json!({ KEY: data });
        }
        Ok(Some(patch))
    }

    /// A new secret, with what an older one held.
    pub(super) fn object(&self, at: &ObjectRef, old: Option<&core::Secret>) -> Result<Value, Problem> {
        let mut labels = own_labels(self.labels);
        for (name, value) in old.and_then(|old| old.metadata.labels.as_ref()).into_iter().flatten() {
            labels.entry(name.clone()).or_insert_with(|| value.clone());
        }
        // Every login that can be read is carried on, whatever the type was; what cannot would cost the kubelet all.
        let kept = old.and_then(held).and_then(|held| docker_config::without_damage(&held));
        let kept = kept.as_ref().map(|kept| kept.as_slice());
        let merged = docker_config::merged(kept, &by_key(self.logins)).map_err(unreadable)?;
        let mut object = old.map_or_else(|| made_of(&core::Secret::default(), at), |old| made_of(old, at));
        object["type"] = KIND.into();
        object["metadata"]["labels"] = json!(labels);
        object["data"][KEY] = encoded(&merged.bytes).into();
        Ok(object)
    }

    /// Whether what is there can be brought up to date as it is.
    pub(super) fn fits(&self, found: &core::Secret) -> Result<bool, Problem> {
        let fits = found.type_.as_deref() == Some(KIND) && readable(found);
        Ok(fits && (found.immutable != Some(true) || self.patch(found)?.is_none()))
    }
}

/// The configuration in a secret of whatever type.
fn held(secret: &core::Secret) -> Option<Zeroizing<Vec<u8>>> {
    let older = || Some(docker_config::of_older(&secret.data.as_ref()?.get(OLDER_KEY)?.0));
    config(secret).map(|config| Zeroizing::new(config.to_vec())).or_else(older)
}

/// Written over, what cannot be read would be lost.
fn unreadable(words: String) -> Problem {
    Problem::outside(format!("the configuration in the secret now {words}")).hint("run it again")
}

/// Whether the kubelet can read every entry.
fn readable(secret: &core::Secret) -> bool {
    docker_config::read(config(secret).unwrap_or_default())
        .is_ok_and(|entries| entries.values().all(Result::is_ok))
}

/// What a write gave, of its answer.
fn receipt(answer: &Value) -> Receipt {
    let field = |name: &str| Some(answer["metadata"][name].as_str()?.to_owned());
    let fields = [(UID, field("uid")), (VERSION, field("resourceVersion"))];
    Receipt(fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect())
}

/// What a deletion says: only this version, which was read.
pub(super) fn precondition(found: &core::Secret) -> Value {
    let core::Secret { metadata, .. } = found;
    json!({
        "apiVersion": "v1", "kind": "DeleteOptions",
        "preconditions": { "uid": metadata.uid, "resourceVersion": metadata.resource_version },
    })
}

/// One thing in a namespace.
pub(super) struct Site<'a> {
    pub(super) client: &'a Client,
    pub(super) at: &'a ObjectRef,
    named: bool,
    /// What its last write gave.
    written: Cell<Receipt>,
}

impl Site<'_> {
    pub(super) fn ask(&self, verb: &'static str, resource: &'static str) -> ApiRequest<'_> {
        ApiRequest { verb, ..get(resource, self.at) }
    }

    /// Makes it.
    pub(super) async fn make(&self, resource: &'static str, object: &Value) -> Result<(), KubeError> {
        let made = self.client.create(self.ask("create", resource), object).await?;
        self.written.set(receipt(&made));
        Ok(())
    }

    /// Changes it.
    pub(super) async fn patch(&self, resource: &'static str, patch: &Value) -> Result<(), KubeError> {
        let changed = self.client.patch(self.ask("patch", resource), patch).await?;
        self.written.set(receipt(&changed));
        Ok(())
    }

    /// Makes the secret; one that is there now is brought up to date instead.
    pub(super) async fn create(&self, content: &Content<'_>) -> Result<(), Problem> {
        let object = content.object(self.at, None)?;
        match self.make("secrets", &object).await {
            Err(error) if error.is("AlreadyExists") => self.update(content).await,
            Err(error) => Err(self.failed(error)),
            Ok(()) => Ok(()),
        }
    }

    pub(super) async fn update(&self, content: &Content<'_>) -> Result<(), Problem> {
        for _ in 0..CONFLICTS {
            let Some(found) = self.secret().await? else {
                if content.logins.is_empty() {
                    // Labels alone make no secret.
                    self.check_namespace().await?;
                    return Err(self.changed("the secret is gone"));
                }
                let object = content.object(self.at, None)?;
                match self.make("secrets", &object).await {
                    Err(error) if error.is("AlreadyExists") => continue,
                    Err(error) => return Err(self.failed(error)),
                    Ok(()) => return Ok(()),
                }
            };
            if found.type_.as_deref() != Some(KIND) {
                return Err(self.changed("the secret now has another type"));
            }
            let Some(patch) = content.patch(&found)? else { return self.finish(&found).await };
            if found.immutable == Some(true) && patch.get("data").is_some() {
                return Err(self.changed("the secret is now immutable"));
            }
            match self.patch("secrets", &patch).await {
                // Written or deleted in between.
                Err(error) if matches!(error.code(), Some(404 | 409)) => {}
                Err(error) => return Err(self.failed(error)),
                Ok(()) => return self.finish(&found).await,
            }
        }
        Err(self.changed("somebody else writes the secret again and again"))
    }

    /// Takes the logins out of the version that was read, or deletes it if nothing else is in it.
    async fn take_out(&self, keys: &BTreeSet<String>, whole: bool) -> Result<(), Problem> {
        for _ in 0..CONFLICTS {
            let Some(found) = self.secret().await? else { return Ok(()) };
            let left =
                docker_config::without(config(&found).unwrap_or_default(), keys).map_err(unreadable)?;
            let metadata = &found.metadata;
            let answer = if whole {
                if left.others || has_others(&found) || !is_ours(metadata.labels.as_ref()) {
                    return Err(self.changed("the secret now holds what regcred did not write"));
                }
                if copy_of(&found).is_some() {
                    self.finish(&found).await?;
                    continue;
                }
                self.client.delete(self.ask("delete", "secrets"), &precondition(&found)).await
            } else if left.changed {
                let data = json!({ KEY: encoded(&left.bytes) });
                let patch =
                    json!({ "metadata": { "resourceVersion": metadata.resource_version }, "data": data });
                self.patch("secrets", &patch).await
            } else {
                return Ok(());
            };
            match answer {
                // Written or deleted in between.
                Err(error) if matches!(error.code(), Some(404 | 409)) => {}
                Err(error) => return Err(self.failed(error)),
                Ok(()) => return Ok(()),
            }
        }
        Err(self.changed("somebody else writes the secret again and again"))
    }

    pub(super) async fn secret(&self) -> Result<Option<core::Secret>, Problem> {
        self.client.get(self.ask("get", "secrets")).await.map_err(|error| self.failed(error))
    }

    /// Appends what the account does not name yet to its whole list: the list is atomic, so a patch that named ours alone
    /// would take away the others.
    async fn attach(
        &self,
        secrets: &BTreeSet<String>,
        observed: Option<Account>,
        inputs: &Inputs<'_>,
    ) -> Result<(), Problem> {
        let (mut known, mut again) = (observed, String::new());
        for _ in 0..CONFLICTS {
            let found = match known.take() {
                Some(found) => found,
                None => self.account(inputs).await?,
            };
            if found.lacks(secrets).is_none() {
                return Ok(());
            }
            again = found.and_writer("somebody else writes the service account again and again".to_owned());
            let added = secrets.iter().filter(|name| !found.secrets.contains(name));
            let all: Vec<Value> =
                found.secrets.iter().chain(added).map(|name| json!({ "name": name })).collect();
            let patch = json!({ "metadata": { "resourceVersion": found.version }, "imagePullSecrets": all });
            match self.patch("serviceaccounts", &patch).await {
                Err(error) if matches!(error.code(), Some(404 | 409)) => {}
                Err(error) => return Err(self.failed(error)),
                Ok(()) => return Ok(()),
            }
        }
        Err(self.changed(&again))
    }

    /// Writes the list of the version that was read without these names; the others stay in their order.
    async fn detach(&self, secrets: &BTreeSet<String>) -> Result<(), Problem> {
        for _ in 0..CONFLICTS {
            let read = self.client.get::<core::ServiceAccount>(self.ask("get", "serviceaccounts")).await;
            let Some(found) = read.map_err(|error| self.failed(error))? else { return Ok(()) };
            let found = account(&found);
            let left: Vec<Value> = found
                .secrets
                .iter()
                .filter(|name| !secrets.contains(*name))
                .map(|name| json!({ "name": name }))
                .collect();
            if left.len() == found.secrets.len() {
                return Ok(());
            }
            let patch = json!({ "metadata": { "resourceVersion": found.version }, "imagePullSecrets": left });
            match self.patch("serviceaccounts", &patch).await {
                Err(error) if matches!(error.code(), Some(404 | 409)) => {}
                Err(error) => return Err(self.failed(error)),
                Ok(()) => return Ok(()),
            }
        }
        Err(self.changed("somebody else writes the service account again and again"))
    }

    /// The service account, as soon as it is there.
    async fn account(&self, inputs: &Inputs<'_>) -> Result<Account, Problem> {
        let checked = Cell::new(false);
        // What keeps it from coming to be; nothing while it only is not there yet.
        let ask = || async {
            let read = self.client.get::<core::ServiceAccount>(self.ask("get", "serviceaccounts")).await;
            if let Some(found) = read.map_err(|error| Some(self.failed(error)))? {
                return Ok(account(&found));
            }
            if !checked.replace(true) {
                self.check_namespace().await.map_err(Some)?;
            }
            Err(None)
        };
        let say = |_: &Option<Problem>, limit| {
            (inputs.say)(format!("the service account {} does not exist yet, {limit}", self.at.name));
        };
        let found = FOR_ACCOUNT.until(ask, Option::is_none, say).await;
        found.map_err(|fault| fault.unwrap_or_else(|| self.no_account()))
    }

    fn no_account(&self) -> Problem {
        let hint = format!(
            "{} -n {} create serviceaccount {}, or correct `service-accounts`",
            super::error::kubectl(&self.at.context),
            self.at.namespace,
            self.at.name
        );
        let cause = format!(
            "the service account {} does not exist after {} s",
            self.at.name,
            FOR_ACCOUNT.total.as_secs()
        );
        Problem::outside(cause).hint(hint)
    }

    /// What is not there may be of a namespace that is not.
    async fn check_namespace(&self) -> Result<(), Problem> {
        match state(self.client, &self.at.namespace).await {
            Some(State::Absent) => Err(self.gone("does not exist")),
            Some(State::Terminating) => Err(self.gone("is being deleted").harmless(true)),
            Some(State::There) | None => Ok(()),
        }
    }

    /// What the server says, judged by what it is about: a namespace that is being deleted needs nothing any more, nor one
    /// that was found and is gone.
    pub(super) fn failed(&self, error: KubeError) -> Problem {
        if error.terminating() {
            self.gone("is being deleted").harmless(true)
        } else if error.no_namespace() {
            self.gone("does not exist")
        } else {
            error.into()
        }
    }

    fn gone(&self, how: &str) -> Problem {
        let ObjectRef { context, namespace, .. } = self.at;
        let hint = format!("{} create namespace {namespace}", super::error::kubectl(context));
        Problem::outside(format!("the namespace {namespace} {how}"))
            .hints(self.named.then_some(hint))
            .harmless(!self.named)
    }

    pub(super) fn changed(&self, what: &str) -> Problem {
        Problem::outside(what).hint("run it again")
    }
}
