//! What regcred made in clusters goes: the names in service accounts, and then the secrets with its label. Pure.
//!
//! ```text
//! account  names a secret that goes                update: that name is taken out, others stay
//! secret   regcred's label, only our logins in it  delete, after the accounts
//!          regcred's label, other logins, too      update: ours are taken out
//!          without the label                       keep; with --allow-delete ours are taken out
//! ```

use std::collections::{BTreeMap, BTreeSet};

use super::diff::{Wanted, WantedAccount, WantedSecret, is_ours};
use super::docker_config::registry;
use super::{Account, Change, Desired, KIND, Namespace, ObjectRef, Observed, Operation, Secret, State};
use crate::change::{Action, Options, Read, Reason};
use crate::redact;

/// The rows of every namespace.
#[must_use]
pub(super) fn undo(desired: &[Desired], observed: &Observed, options: &Options) -> Vec<Change> {
    let wanted = Wanted::of(desired, observed);
    let mut rows: Vec<Change> = wanted.unread.iter().map(|(at, unread)| unread.row(at)).collect();
    let mut secrets: BTreeMap<&ObjectRef, Change> = BTreeMap::new();
    for (at, secret) in &wanted.secrets {
        secrets.extend(observed.secrets.get(at).map(|found| (at, secret_row(at, secret, found, options))));
    }
    for (at, account) in &wanted.accounts {
        let Some(found) = observed.accounts.get(at) else { continue };
        let row = account_row(at, account, found, &secrets, options);
        if row.action != Action::Keep {
            for name in &account.secrets {
                let secret = ObjectRef { name: name.clone(), ..at.clone() };
                if let Some(secret) = secrets.get_mut(&secret).filter(|row| row.action == Action::Delete) {
                    secret.after.insert(row.address.clone());
                }
            }
        }
        rows.push(row);
    }
    rows.extend(secrets.into_values());
    rows
}

/// What the state of a namespace says of everything in it.
fn gone(namespace: Namespace) -> Option<Reason> {
    match namespace.state {
        State::There => None,
        State::Terminating => Some(Reason::Terminating),
        State::Absent => Some(Reason::Absent),
    }
}

fn secret_row(
    at: &ObjectRef,
    wanted: &WantedSecret<'_>,
    found: &Read<Option<Secret>>,
    options: &Options,
) -> Change {
    let credentials = wanted.logins.values().flatten().cloned().collect();
    let row = |action, reason| Change::new(at.secret(), credentials, action, reason);
    let found = match (found, gone(wanted.namespace)) {
        (Err(unreadable), _) => return row(Action::Unread, Reason::Unreadable(unreadable.clone())),
        (Ok(_), Some(reason)) => return row(Action::Keep, reason),
        (Ok(None), None) => return row(Action::Keep, Reason::Absent),
        (Ok(Some(found)), None) => found,
    };
    let (action, reason) = verdict(wanted, found, options);
    let operation = action.writes().then(|| Operation::TakeOut {
        at: at.clone(),
        keys: wanted.logins.keys().map(|registry| registry.docker_config_key().to_owned()).collect(),
        whole: action == Action::Delete,
        named: wanted.namespace.named,
    });
    Change { operation, ..row(action, reason) }
}

fn verdict(wanted: &WantedSecret<'_>, found: &Secret, options: &Options) -> (Action, Reason) {
    let theirs = |words: &str| (Action::Keep, Reason::Theirs(words.to_owned()));
    let is_wanted =
        |key: &String| registry(key).is_some_and(|registry| wanted.logins.contains_key(&registry));
    let (ours, others): (Vec<&String>, Vec<&String>) = found.logins.keys().partition(|key| is_wanted(key));
    let labelled = is_ours(Some(&found.labels));
    if found.kind != KIND {
        return (
            Action::Keep,
            Reason::Shared(format!(
                "stays: of the type {}, which regcred makes none of",
                redact::outside(&found.kind)
            )),
        );
    }
    if let Some(owner) = &found.owner {
        return (Action::Keep, Reason::Shared(format!("stays: written by {owner}")));
    }
    if !labelled && !options.allow_delete {
        return theirs("it does not have regcred's label");
    }
    if let Some(words) = &found.unreadable {
        return (Action::Blocked, Reason::Shared(format!("what else is in it is not known: {words}")));
    }
    if labelled && !found.others && others.is_empty() {
        return (Action::Delete, Reason::Made("pods that name it pull anonymously then".to_owned()));
    }
    if ours.is_empty() {
        return (Action::Keep, Reason::Shared("no login of regcred's is in it".to_owned()));
    }
    if found.immutable {
        return (Action::Blocked, Reason::Immutable("has other logins besides regcred's".to_owned()));
    }
    let words = "regcred's login is taken out, and what else is in it stays".to_owned();
    (Action::Update, Reason::Made(words))
}

fn account_row(
    at: &ObjectRef,
    wanted: &WantedAccount,
    found: &Read<Option<Account>>,
    secrets: &BTreeMap<&ObjectRef, Change>,
    options: &Options,
) -> Change {
    let row = |action, reason| Change::new(at.service_account(), wanted.credentials.clone(), action, reason);
    let found = match (found, gone(wanted.namespace)) {
        (Err(unreadable), _) => return row(Action::Unread, Reason::Unreadable(unreadable.clone())),
        (Ok(_), Some(reason)) => return row(Action::Keep, reason),
        (Ok(None), None) => return row(Action::Keep, Reason::Absent),
        (Ok(Some(found)), None) => found,
    };
    let named: BTreeSet<&String> =
        wanted.secrets.iter().filter(|name| found.secrets.contains(name)).collect();
    let left: Vec<&str> =
        wanted.left.iter().filter(|name| found.secrets.contains(name)).map(String::as_str).collect();
    if named.is_empty() && !left.is_empty() {
        let words = format!("goes on naming {}, as its manifest says (`attach: false`)", left.join(", "));
        return row(Action::Keep, Reason::Shared(words));
    }
    if named.is_empty() {
        return row(Action::Keep, Reason::Absent);
    }
    let secret = |name: &String| secrets.get(&ObjectRef { name: name.clone(), ..at.clone() });
    let goes = |name: &&&String| {
        secret(name).is_some_and(|secret| {
            let absent = secret.action == Action::Keep && secret.reason == Reason::Absent;
            secret.action == Action::Delete || absent && options.allow_delete
        })
    };
    let names: BTreeSet<String> = named.iter().filter(goes).map(|name| (*name).clone()).collect();
    if names.is_empty() {
        let words = named.into_iter().cloned().collect::<Vec<_>>().join(", ");
        return row(
            Action::Keep,
            Reason::Shared(format!("goes on naming {words}, which regcred does not delete")),
        );
    }
    let words = names.iter().cloned().collect::<Vec<_>>().join(", ");
    let reason = Reason::Made(format!("no longer names {words}; its pods pull anonymously then"));
    let operation = Operation::Detach { at: at.clone(), secrets: names, named: wanted.namespace.named };
    Change { operation: Some(operation), ..row(Action::Update, reason) }
}
