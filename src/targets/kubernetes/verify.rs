//! Proving pull secrets: what was written is read back and judged as the kubelet would read it.

use std::collections::{BTreeMap, BTreeSet};

use super::diff::{Content, Fault, fault};
use super::login::Clients;
use super::read::{Fingerprints, Reader, state};
use super::{Client, ObjectRef, Operation, State};
use crate::change::{Finding, Read, Reason};
use crate::model::{CredentialId, Fingerprint, Problem, Registry};
use crate::targets::{Proof, Scope};

const MEANS: &str = "by reading it back";

/// Reads back what the rows wrote. Rows that were kept have been read in this run, and are proven by that. Where
/// nothing was written, rows that would write have nothing to prove.
pub async fn verify(proof: &Proof<'_, Operation>, clients: &Clients) -> Vec<Finding> {
    let kept = proof.rows.iter().filter(|row| *row.reason == Reason::InSync);
    let mut findings: Vec<Finding> =
        kept.map(|row| Finding::proof(row.address.clone(), MEANS, Ok(()))).collect();
    if proof.scope == Scope::All {
        return findings;
    }
    let mut written: BTreeMap<&str, Vec<&Operation>> = BTreeMap::new();
    for operation in proof.rows.iter().filter_map(|row| row.operation) {
        written.entry(&operation.at().context).or_default().push(operation);
    }
    let proofs = written.into_iter().filter_map(|(context, operations)| {
        let Some(Ok(client)) = clients.get(context) else { return None };
        Some(cluster(client, operations, proof.fingerprints, proof.concurrency))
    });
    findings.extend(futures::future::join_all(proofs).await.into_iter().flatten());
    findings
}

impl Operation {
    /// Where.
    #[must_use]
    pub fn at(&self) -> &ObjectRef {
        match self {
            Self::PutSecret { at, .. }
            | Self::Attach { at, .. }
            | Self::TakeOut { at, .. }
            | Self::Detach { at, .. } => at,
        }
    }

    pub(super) fn named(&self) -> bool {
        match self {
            Self::PutSecret { named, .. }
            | Self::Attach { named, .. }
            | Self::TakeOut { named, .. }
            | Self::Detach { named, .. } => *named,
        }
    }
}

async fn cluster(
    client: &Client,
    operations: Vec<&Operation>,
    fingerprints: &BTreeMap<CredentialId, Fingerprint>,
    concurrency: usize,
) -> Vec<Finding> {
    let registries: BTreeSet<Registry> = operations
        .iter()
        .filter_map(|operation| match operation {
            Operation::PutSecret { logins, .. } => Some(logins.keys()),
            _ => None,
        })
        .flatten()
        .filter_map(|key| super::docker_config::registry(key))
        .collect();
    let reader = Reader {
        client,
        registries: registries.iter().collect(),
        fingerprints: Fingerprints::default(),
        concurrency,
    };
    let (secrets, accounts): (Vec<&Operation>, Vec<&Operation>) =
        operations.into_iter().partition(|operation| matches!(operation, Operation::PutSecret { .. }));
    let (names, account_names) = (found_by_list(&secrets), found_by_list(&accounts));
    let (listed, listed_accounts) =
        tokio::join!(reader.listed("secrets", names), reader.listed("serviceaccounts", account_names));
    let all = |operations: &[&Operation]| operations.iter().map(|operation| operation.at().clone()).collect();
    let (held, attached) =
        tokio::join!(reader.secrets(all(&secrets), listed), reader.accounts(all(&accounts), listed_accounts));
    let unread = || Err(Problem::outside("was not read back"));
    let judge = |operation: &Operation| match operation {
        Operation::PutSecret { at, logins, labels, .. } => {
            let result = held.get(at).map_or_else(unread, |found| holds(found, logins, labels, fingerprints));
            Some(Finding::proof(at.secret(), MEANS, result))
        }
        Operation::Attach { at, secrets, .. } => {
            let result = attached.get(at).map_or_else(unread, |found| names_all(found, secrets));
            Some(Finding::proof(at.service_account(), MEANS, result))
        }
        // What is taken away is looked for by the next plan.
        Operation::TakeOut { .. } | Operation::Detach { .. } => None,
    };
    let mut findings = Vec::new();
    for operation in secrets.into_iter().chain(accounts) {
        let gone = matches!(held.get(operation.at()), Some(Ok(None)))
            || matches!(attached.get(operation.at()), Some(Ok(None)));
        if !gone || operation.named() || !is_going(client, &operation.at().namespace).await {
            findings.extend(judge(operation));
        }
    }
    findings
}

/// Whether a namespace that was found is being deleted by now: there is nothing to prove in it.
async fn is_going(client: &Client, namespace: &str) -> bool {
    matches!(state(client, namespace).await, Some(State::Absent | State::Terminating))
}

/// The names of things in namespaces that were found, and so may be many: they are listed at once.
fn found_by_list<'a>(operations: &[&'a Operation]) -> BTreeSet<&'a str> {
    operations
        .iter()
        .filter(|operation| !operation.named())
        .map(|operation| operation.at().name.as_str())
        .collect()
}

fn holds(
    found: &Read<Option<super::Secret>>,
    logins: &BTreeMap<String, CredentialId>,
    labels: &BTreeMap<String, String>,
    fingerprints: &BTreeMap<CredentialId, Fingerprint>,
) -> Result<(), Problem> {
    let secret = present(found)?;
    let known = |(key, id): (&String, &CredentialId)| Some((key.clone(), *fingerprints.get(id)?));
    let content = Content { logins: logins.iter().filter_map(known).collect(), labels: labels.clone() };
    let words = match fault(secret, &content) {
        None => return Ok(()),
        Some(Fault::OtherType(kind)) => format!("it has the type {kind}"),
        Some(Fault::Damage(words)) => format!("the kubelet reads nothing from it: {words}"),
        Some(Fault::Logins(words)) => format!("the kubelet finds {words} in it"),
        Some(Fault::Labels(words)) => format!("it is without the labels {words}"),
        Some(Fault::Copy(name)) => format!("its copy {name} is left"),
    };
    Err(otherwise(words))
}

fn names_all(found: &Read<Option<super::Account>>, secrets: &BTreeSet<String>) -> Result<(), Problem> {
    let account = present(found)?;
    match account.lacks(secrets) {
        None => Ok(()),
        Some(names) => Err(otherwise(account.and_writer(format!("it does not name {names}")))),
    }
}

fn present<T>(found: &Read<Option<T>>) -> Result<&T, Problem> {
    match found {
        Ok(Some(found)) => Ok(found),
        Ok(None) => Err(otherwise("it is not there".to_owned())),
        Err(unreadable) => Err(unreadable.clone()),
    }
}

fn otherwise(words: String) -> Problem {
    let hint = "somebody else changes it after regcred: look at `metadata.managedFields`, then run it again";
    Problem::outside(format!("read back right after the write, {words}")).hint(hint)
}
