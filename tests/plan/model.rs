//! What executing a plan does to the observed model, so that the next plan can be made without any system.

use std::collections::BTreeMap;

use regcred::model::Address;
use regcred::model::{CredentialId, Fingerprint};
use regcred::observe::Observed;
use regcred::plan::Plan;
use regcred::targets::Operation;
use regcred::targets::aws::{self, CURRENT, Container, Identity, Input, Rule, Secret, Session, policy};
use regcred::targets::github::{self, Marker};
use regcred::targets::kubernetes::{self, Account, How, KIND, docker_config};

use crate::case::at;

/// When the model's writes happen: later than anything else in the scenarios.
const NOW: i64 = 1_000_000;

/// Executes the plan's rows, each after what it waits for.
pub(crate) fn apply(plan: &Plan, observed: &mut Observed) {
    let mut waiting: Vec<_> = plan.changes.iter().filter(|change| change.action.writes()).collect();
    while !waiting.is_empty() {
        let before = waiting.len();
        let blocked: Vec<Address> = waiting.iter().map(|change| change.address.clone()).collect();
        waiting.retain(|change| {
            let ready = !change.after.iter().any(|address| blocked.contains(address));
            if ready {
                let operation = change.operation.as_ref().expect("a write has an operation");
                perform(operation, observed, &plan.fingerprints);
            }
            !ready
        });
        assert!(waiting.len() < before, "rows wait for each other: {blocked:?}");
    }
}

fn perform(
    operation: &Operation,
    observed: &mut Observed,
    fingerprints: &BTreeMap<CredentialId, Fingerprint>,
) {
    match operation {
        Operation::Aws(operation) => perform_aws(operation, &mut observed.aws),
        Operation::Github(operation) => perform_github(operation, &mut observed.github),
        Operation::Kubernetes(operation) => {
            perform_kubernetes(operation, &mut observed.kubernetes, fingerprints);
        }
    }
}

fn identity(observed: &aws::Observed, session: &Session) -> Identity {
    observed.identities[session].clone().expect("nothing is written without a login")
}

/// Every session that looks at the same account and region.
fn witnesses(observed: &aws::Observed, session: &Session) -> Vec<Session> {
    let here = identity(observed, session).account;
    let same = |(other, identity): &(&Session, &Result<Identity, _>)| {
        other.region == session.region && identity.as_ref().is_ok_and(|identity| identity.account == here)
    };
    observed.identities.iter().filter(same).map(|(other, _)| other.clone()).collect()
}

fn perform_aws(operation: &aws::Operation, observed: &mut aws::Observed) {
    match operation {
        aws::Operation::EnsurePolicy { session, secret, container, exempt } => {
            let identity = identity(observed, session);
            for witness in witnesses(observed, session) {
                let key = (witness, secret.clone());
                // A login that no place of this secret has did not read it.
                let Some(found) = observed.secrets.get_mut(&key) else { continue };
                let found = found.as_mut().expect("a place that is written was read");
                match container {
                    Container::Create => *found = Some(made(&identity, session, secret)),
                    Container::Restore => found.as_mut().unwrap().deleted = None,
                    Container::Exists => assert!(found.is_some()),
                }
                let text = observed.policies[&key].clone().ok().flatten();
                let merged = policy::merged(text.as_deref(), exempt, &identity);
                observed.policies.insert(key, Ok(Some(merged)));
            }
        }
        aws::Operation::MakeCurrent { session, secret, version, .. } => {
            for witness in witnesses(observed, session) {
                let Some(found) = observed.secrets.get_mut(&(witness, secret.clone())) else { continue };
                let versions =
                    &mut found.as_mut().unwrap().as_mut().expect("the policy's row made it").versions;
                versions.values_mut().for_each(|stages| {
                    stages.remove(CURRENT);
                });
                versions.entry(version.clone()).or_default().insert(CURRENT.to_owned());
            }
        }
        aws::Operation::CreateRule { session, prefix, upstream_url, credential_arn, .. } => {
            let arn = resolve(credential_arn, session, observed);
            for witness in witnesses(observed, session) {
                let rules = observed.rules.get_mut(&witness).unwrap().as_mut().unwrap();
                let rule = Rule { upstream_url: upstream_url.clone(), credential_arn: Some(arn.clone()) };
                assert!(rules.insert(prefix.clone(), rule).is_none(), "{prefix} was there already");
                assert!(rules.len() <= aws::RULE_LIMIT, "AWS takes no more than 50 rules");
            }
        }
        aws::Operation::UpdateRule { session, prefix, credential_arn } => {
            let arn = resolve(credential_arn, session, observed);
            for witness in witnesses(observed, session) {
                let rules = observed.rules.get_mut(&witness).unwrap().as_mut().unwrap();
                rules.get_mut(prefix).expect("an update is of something").credential_arn = Some(arn.clone());
            }
        }
    }
}

fn made(identity: &Identity, session: &Session, name: &str) -> Secret {
    let arn = format!("arn:aws:secretsmanager:{}:{}:secret:{name}-New123", session.region, identity.account);
    Secret { arn, ours: true, ..Secret::default() }
}

fn resolve(input: &Input, session: &Session, observed: &aws::Observed) -> String {
    match input {
        Input::Known(arn) => arn.clone(),
        Input::Ref { address, field } => {
            assert_eq!(*field, aws::write::ARN);
            let Address::Aws { item: regcred::model::AwsItem::Secret(name), .. } = address else {
                panic!("a rule refers to {address}");
            };
            let secret = observed.secrets[&(session.clone(), name.clone())].as_ref().unwrap();
            secret.as_ref().expect("a reference is to what was just made").arn.clone()
        }
    }
}

fn perform_github(operation: &github::Operation, observed: &mut github::Observed) {
    match operation {
        github::Operation::PutSecret { place, name, create_environment, audience, .. } => {
            let there = observed.places.iter_mut().filter(|((at, _), _)| at == place);
            for found in there.map(|(_, found)| found) {
                assert!(!found.archived, "an archived repository takes no writes");
                assert_eq!(*create_environment, found.environment_absent);
                found.secrets.as_mut().unwrap().insert(name.clone(), at(NOW));
                found.audiences.extend(audience.clone().map(|audience| (name.clone(), audience)));
            }
        }
        github::Operation::PutMarker { place, name, fingerprint, names, written } => {
            assert!(!written.is_empty(), "a marker without a write has no time");
            let found = observed.places.get_mut(&(place.clone(), name.clone())).unwrap();
            found.environment_absent = false;
            found.marker = Ok(Some(Marker {
                fingerprint: regcred::model::Fingerprint::parse(fingerprint).unwrap(),
                time: at(NOW),
                names: names.iter().cloned().collect(),
            }));
        }
    }
}

fn perform_kubernetes(
    operation: &kubernetes::Operation,
    observed: &mut kubernetes::Observed,
    fingerprints: &BTreeMap<CredentialId, Fingerprint>,
) {
    match operation {
        kubernetes::Operation::PutSecret { at, logins, labels, how, .. } => {
            let found = observed.secrets.get_mut(at).unwrap().as_mut().unwrap();
            assert_eq!(found.is_none(), *how == How::Create, "{at:?}");
            let secret = found.get_or_insert_default();
            if *how == How::Replace {
                secret.damage = None;
            } else {
                assert!(!secret.immutable || logins.is_empty(), "immutable data is not changed in place");
            }
            if *how != How::Update {
                secret.kind = KIND.to_owned();
            }
            secret.labels.extend(labels.clone());
            for (key, credential) in logins {
                let registry = docker_config::registry(key);
                let mut keys: Vec<String> = secret
                    .logins
                    .keys()
                    .filter(|other| docker_config::registry(other) == registry)
                    .cloned()
                    .collect();
                keys.push(key.clone());
                secret.logins.extend(keys.into_iter().map(|key| (key, Some(fingerprints[credential]))));
            }
        }
        kubernetes::Operation::Attach { at, secrets, .. } => {
            let account = observed.accounts.get_mut(at).unwrap().as_mut().unwrap();
            let account = account.get_or_insert_with(Account::default);
            let new: Vec<String> =
                secrets.iter().filter(|name| !account.secrets.contains(name)).cloned().collect();
            assert!(!new.is_empty(), "{at:?} names them all");
            account.secrets.extend(new);
        }
    }
}
