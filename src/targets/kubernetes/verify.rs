//! Proving pull secrets: what was written is read back and judged as the kubelet would read it, over all pull secrets that
//! a service account names.

use std::collections::{BTreeMap, BTreeSet};

use super::diff::{Content, Fault, Wanted, fault};
use super::login::Clients;
use super::read::{Reader, state};
use super::turn::{self, Rank, Turn};
use super::{Client, Desired, ObjectRef, Observed, Operation, State};
use crate::change::{Finding, Read, Reason};
use crate::model::{Address, CredentialId, Fingerprint, Problem, Registry};
use crate::targets::{Proof, Scope};

const MEANS: &str = "by reading it back";

/// Reads back what the rows wrote. Rows that were kept have been read in this run, and are proven by that; a service account
/// only if its pods try our login first. Where nothing was written, rows that would write have nothing to prove.
pub async fn verify(
    proof: &Proof<'_, Operation>,
    clients: &Clients,
    desired: &[Desired],
    observed: &Observed,
) -> Vec<Finding> {
    let mut observed = observed.clone();
    let mut findings = Vec::new();
    if proof.scope == Scope::Touched {
        let mut written: BTreeMap<&str, Vec<&Operation>> = BTreeMap::new();
        for operation in proof.rows.iter().filter_map(|row| row.operation) {
            written.entry(&operation.at().context).or_default().push(operation);
        }
        let proofs = written.into_iter().filter_map(|(context, operations)| {
            let Some(Ok(client)) = clients.get(context) else { return None };
            let registries = desired.iter().filter(|desired| desired.context == context);
            let registries = registries.map(|desired| &desired.registry).collect();
            Some(cluster(client, operations, registries, proof))
        });
        for (proven, seen) in futures::future::join_all(proofs).await {
            findings.extend(proven);
            observed.secrets.extend(seen.secrets);
            observed.accounts.extend(seen.accounts);
        }
    }
    let turns = turns(desired, &observed, proof.fingerprints);
    let kept = proof.rows.iter().filter(|row| matches!(row.reason, Reason::InSync | Reason::Contested(_)));
    findings.extend(kept.map(|row| Finding::proof(row.address.clone(), MEANS, Ok(()))));
    let failed: BTreeSet<Address> = findings
        .iter()
        .filter(|finding| finding.result.is_err())
        .map(|finding| finding.address.clone())
        .collect();
    let done: BTreeSet<&Address> = proof.rows.iter().map(|row| row.address).collect();
    // That the pods do not come to our login is told with what differs in the secret: by the plan, by the failure to write it,
    // or by the proof of it.
    let told = |(turn, secrets): &(Turn, BTreeSet<Address>)| {
        let unwritten = || secrets.iter().any(|secret| failed.contains(secret) || !done.contains(secret));
        turn.judged().is_err() && (proof.scope == Scope::All || unwritten())
    };
    findings.retain(|finding| finding.result.is_err() || !turns.get(&finding.address).is_some_and(told));
    findings.into_iter().map(|finding| of_turn(turns.get(&finding.address), finding)).collect()
}

/// What was proven of a service account, by when it is our turn in its pods.
fn of_turn(turn: Option<&(Turn, BTreeSet<Address>)>, finding: Finding) -> Finding {
    match turn {
        Some((turn, _)) if finding.result.is_ok() && turn.rank != Rank::First => {
            let result = turn.judged();
            let state = result.is_ok().then(|| turn.words());
            Finding { result, state, ..finding }
        }
        _ => finding,
    }
}

/// When it is our turn in the pods of each service account, with the declared secrets that it is to name.
fn turns(
    desired: &[Desired],
    observed: &Observed,
    fingerprints: &BTreeMap<CredentialId, Fingerprint>,
) -> BTreeMap<Address, (Turn, BTreeSet<Address>)> {
    let wanted = Wanted::of(desired, observed);
    let mut turns = BTreeMap::new();
    for (at, account) in &wanted.accounts {
        if let Some(Ok(Some(found))) = observed.accounts.get(at) {
            let fingerprint = |id: &CredentialId| fingerprints.get(id).copied();
            let find = |at: &ObjectRef| turn::found(observed, at);
            let turn = turn::of_account(at, (account, &found.secrets), &wanted, fingerprint, find);
            let secrets =
                account.secrets.iter().map(|name| ObjectRef { name: name.clone(), ..at.clone() }.secret());
            turns.insert(at.service_account(), (turn, secrets.collect()));
        }
    }
    turns
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

/// What was written, and what was read back for it.
async fn cluster(
    client: &Client,
    operations: Vec<&Operation>,
    registries: BTreeSet<&Registry>,
    proof: &Proof<'_, Operation>,
) -> (Vec<Finding>, Observed) {
    let Proof { fingerprints, concurrency, .. } = *proof;
    let reader = Reader { client, registries, concurrency };
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
    (findings, Observed { secrets: held, accounts: attached, ..Observed::default() })
}

/// Whether a namespace that was found is being deleted: there is nothing to prove in it.
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
    let logins = logins.iter().filter_map(known).collect();
    let content = Content { logins, labels: labels.clone(), second: None };
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
