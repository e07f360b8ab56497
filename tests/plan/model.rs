//! What executing a plan does to the observed model, so that the next plan can be made without any system.

use std::collections::BTreeMap;

use regcred::aws::Session;
use regcred::change::Input;
use regcred::model::Address;
use regcred::model::{CredentialId, Fingerprint};
use regcred::plan::Plan;
use regcred::systems::{Observed, Operation};
use regcred::targets::aws::{self, CURRENT, Container, Identity, Rule, Secret, policy::Guard};
use regcred::targets::daytona;
use regcred::targets::github::{self, Marker};
use regcred::targets::kubernetes::{self, Account, How, KIND, docker_config};
use regcred::targets::runpod;

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
        Operation::Daytona(operation) => perform_daytona(operation, &mut observed.daytona),
        Operation::Github(operation) => perform_github(operation, &mut observed.github),
        Operation::Kubernetes(operation) => {
            perform_kubernetes(operation, &mut observed.kubernetes, fingerprints);
        }
        Operation::Runpod(operation) => perform_runpod(operation, &mut observed.runpod),
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
        aws::Operation::EnsurePolicy { session, secret, container, exempt, .. } => {
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
                let arn = observed.secrets[&key].as_ref().unwrap().as_ref().map(|secret| secret.arn.as_str());
                let merged = Guard::new(text.as_deref(), exempt, &identity, arn).unwrap().merged();
                observed.policies.insert(key, Ok(Some(merged)));
            }
        }
        aws::Operation::MakeCurrent { session, secret, version, rotated_from, .. } => {
            for witness in witnesses(observed, session) {
                let Some(found) = observed.secrets.get_mut(&(witness, secret.clone())) else { continue };
                let found = found.as_mut().unwrap().as_mut().expect("the policy's row made it");
                if let Some(old) = rotated_from {
                    found.rotated_from = Some(old.clone());
                    "2026-11-29".clone_into(&mut found.changed);
                }
                let versions = &mut found.versions;
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
        aws::Operation::DeleteRule { session, prefix, credential_arn } => {
            for witness in witnesses(observed, session) {
                let rules = observed.rules.get_mut(&witness).unwrap().as_mut().unwrap();
                let rule = rules.remove(prefix).expect("what is deleted is there");
                assert_eq!(rule.credential_arn.as_ref(), Some(credential_arn));
            }
        }
        aws::Operation::ScheduleDeletion { session, arn } => {
            let rules = observed.rules[session].as_ref().unwrap();
            assert!(
                rules.values().all(|rule| rule.credential_arn.as_ref() != Some(arn)),
                "a rule reads {arn}"
            );
            let here = witnesses(observed, session);
            let all = observed.secrets.iter_mut().filter(|((witness, _), _)| here.contains(witness));
            let all = all.filter_map(|(_, found)| found.as_mut().ok()?.as_mut());
            all.filter(|secret| secret.arn == *arn).for_each(|secret| {
                assert_eq!(secret.deleted.replace("2027-01-01".to_owned()), None);
            });
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

fn perform_daytona(operation: &daytona::Operation, observed: &mut daytona::Observed) {
    let rows = observed.rows.as_mut().expect("a list that is written was read");
    match operation {
        daytona::Operation::PutRow { id, name, url, .. } => {
            let url = if url.contains("docker.io") { "docker.io" } else { url.trim_end_matches('/') };
            let row = daytona::Row {
                id: id.clone().unwrap_or_else(|| format!("new-{}", rows.len())),
                name: name.clone(),
                url: url.to_owned(),
                username: "acme".to_owned(),
                updated: at(NOW),
            };
            let others = rows.len();
            rows.retain(|other| other.id != row.id);
            assert_eq!(
                rows.len() < others,
                id.is_some(),
                "what is changed is there, and what is made is not"
            );
            rows.push(row);
            assert!(rows.len() <= daytona::ROW_LIMIT);
        }
        daytona::Operation::DeleteRow { id, .. } => rows.retain(|row| row.id != *id),
    }
}

fn perform_github(operation: &github::Operation, observed: &mut github::Observed) {
    match operation {
        github::Operation::PutSecret { place, name, create_environment, record, audience, .. } => {
            let there = observed.places.iter_mut().filter(|((at, _), _)| at == place);
            for ((_, marker), found) in there {
                if record.as_ref() == Some(marker) {
                    found.marker = Ok(None);
                }
                assert!(!found.archived, "an archived repository takes no writes");
                assert_eq!(*create_environment, found.environment_absent);
                found.secrets.as_mut().unwrap().insert(name.clone(), at(NOW));
                found.audiences.extend(audience.clone().map(|audience| (name.clone(), audience)));
            }
        }
        github::Operation::DeleteSecret { place, name } => {
            for (_, found) in observed.places.iter_mut().filter(|((at, _), _)| at == place) {
                found.secrets.as_mut().unwrap().remove(name);
            }
        }
        github::Operation::DeleteMarker { place, name } => {
            observed.places.get_mut(&(place.clone(), name.clone())).unwrap().marker = Ok(None);
        }
        github::Operation::PutMarker { place, name, fingerprint, names, written, .. } => {
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
            let copied = observed.copies.remove(at);
            assert_eq!(found.is_none(), *how == How::Create || copied, "{at:?}");
            let secret = found.get_or_insert_default();
            secret.copy = None;
            if *how == How::Replace {
                assert_eq!(secret.kept, None, "{at:?}");
                secret.damage.clear();
                secret.unreadable = None;
            } else {
                assert!(!secret.immutable || logins.is_empty(), "immutable data is not changed in place");
            }
            if *how != How::Update {
                secret.kind = KIND.to_owned();
                let (name, maker) = kubernetes::MANAGED_BY;
                secret.labels.insert(name.to_owned(), maker.to_owned());
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
        kubernetes::Operation::TakeOut { at, keys, whole, .. } => {
            let found = observed.secrets.get_mut(at).unwrap().as_mut().unwrap();
            let secret = found.as_mut().expect("what is taken out is there");
            let gone: Vec<_> = keys.iter().map(|key| docker_config::registry(key)).collect();
            secret.logins.retain(|key, _| !gone.contains(&docker_config::registry(key)));
            secret.damage.retain(|key, _| !gone.contains(&docker_config::registry(key)));
            if *whole {
                assert!(!secret.others && secret.logins.is_empty(), "{at:?}: nothing foreign goes");
                *found = None;
            } else {
                assert!(!secret.immutable, "{at:?}");
            }
        }
        kubernetes::Operation::Detach { at, secrets, .. } => {
            let account = observed.accounts.get_mut(at).unwrap().as_mut().unwrap().as_mut().unwrap();
            account.secrets.retain(|name| !secrets.contains(name));
        }
    }
}

fn perform_runpod(operation: &runpod::Operation, observed: &mut runpod::Observed) {
    let auths = observed.auths.as_mut().expect("nothing is written to an account that was not read");
    match operation {
        runpod::Operation::CreateAuth { name, .. } => {
            assert!(!auths.values().any(|other| other == name), "{name} was there already");
            auths.insert(format!("made-{name}"), name.clone());
        }
        runpod::Operation::CreateTemplate { template, auth } => {
            let user = runpod::User {
                id: format!("made-{}", template.name),
                name: template.name.clone(),
                image: Some(template.image.clone()),
                registry: Some(auth_of(auth, observed)),
                ..runpod::User::default()
            };
            observed.users.get_mut(&runpod::Kind::Template).unwrap().as_mut().unwrap().push(user);
        }
        runpod::Operation::Point { kind, id, auth } => {
            let auth = auth_of(auth, observed);
            let users = observed.users.get_mut(kind).unwrap().as_mut().unwrap();
            let user = users.iter_mut().find(|user| user.id == *id).expect("what is changed is there");
            assert_eq!(user.cluster, None, "{id}: RunPod does not change it");
            user.registry = Some(auth);
        }
        runpod::Operation::Unpoint { kind, id } => {
            let users = observed.users.get_mut(kind).unwrap().as_mut().unwrap();
            let user = users.iter_mut().find(|user| user.id == *id).expect("what is changed is there");
            assert_eq!(user.cluster, None, "{id}: RunPod does not change it");
            user.registry = None;
        }
        runpod::Operation::Drop { auth } => {
            let using = observed.each().find(|(_, user)| user.registry.as_ref() == Some(auth));
            assert_eq!(using, None, "{auth} is used");
            assert!(observed.users.values().all(Result::is_ok), "{auth}: a list was not read");
            assert!(observed.auths.as_mut().unwrap().remove(auth).is_some(), "{auth} is there");
        }
        runpod::Operation::Retire { auth, current, .. } => {
            assert_ne!(auth_of(current, observed), *auth);
            let using = observed.each().find(|(_, user)| user.registry.as_ref() == Some(auth));
            assert_eq!(using, None, "{auth} is used");
            assert!(observed.users.values().all(Result::is_ok), "{auth}: a list was not read");
            assert!(observed.auths.as_mut().unwrap().remove(auth).is_some(), "{auth} is there");
        }
    }
}

/// The id of an auth that is there.
fn auth_of(input: &Input, observed: &runpod::Observed) -> String {
    let auths = observed.auths.as_ref().unwrap();
    let id = match input {
        Input::Known(id) => id.clone(),
        Input::Ref { address, field } => {
            assert_eq!(*field, runpod::write::ID);
            let base = address.item().replacen("registry/", "made-", 1);
            auths.keys().find(|id| id.starts_with(&format!("{base}-"))).expect("it was just made").clone()
        }
    };
    assert!(auths.contains_key(&id), "{id} is there");
    id
}
