//! What regcred made in RunPod goes: what uses an auth of regcred's is set to use none, then the auth is deleted. Pure.
//!
//! Templates that were made by `create:` stay: nothing tells them from others.

use std::collections::BTreeSet;

use super::{Change, Desired, Observed, Operation, User};
use crate::change::{Action, Options, Reason};
use crate::model::{Address, CredentialId, RunpodItem};
use crate::redact;

/// The rows of every credential. An auth that regcred did not make was never touched, whatever is allowed.
#[must_use]
pub(super) fn undo(desired: &[Desired], observed: &Observed, _: &Options) -> Vec<Change> {
    desired.iter().flat_map(|desired| of(desired, observed)).collect()
}

fn of(desired: &Desired, observed: &Observed) -> Vec<Change> {
    let row = |address, action, reason| Change::new(address, credentials(desired), action, reason);
    let unread = |unreadable: &crate::model::Problem| Reason::Unreadable(unreadable.clone());
    let auths = match &observed.auths {
        Ok(auths) => auths,
        Err(unreadable) => return vec![row(desired.address(), Action::Unread, unread(unreadable))],
    };
    let ours: Vec<(&String, &String)> = auths.iter().filter(|(_, name)| desired.made(name)).collect();
    if ours.is_empty() {
        return vec![row(desired.address(), Action::Keep, Reason::Absent)];
    }
    // Who uses them is not known while a list is unread.
    let lists = observed.users.iter().filter_map(|(kind, users)| Some((*kind, users.as_ref().err()?)));
    let mut rows: Vec<Change> =
        lists.map(|(kind, unreadable)| row(kind.address("*"), Action::Unread, unread(unreadable))).collect();
    let unlisted: BTreeSet<Address> = rows.iter().map(|row| row.address.clone()).collect();
    for (number, (id, name)) in ours.into_iter().enumerate() {
        let users: Vec<Change> = observed
            .each()
            .filter(|(_, user)| user.registry.as_ref() == Some(id))
            .map(|(kind, user)| unpointed(desired, kind, user, name))
            .collect();
        let retired = || RunpodItem::Retired { name: desired.name.clone(), id: id.clone() };
        let at = if number == 0 { desired.address() } else { Address::Runpod { item: retired() } };
        let after = users.iter().map(|user| user.address.clone()).chain(unlisted.clone()).collect();
        let auth = row(at, Action::Delete, Reason::Made(redact::outside(name)));
        rows.push(Change { after, operation: Some(Operation::Drop { auth: id.clone() }), ..auth });
        rows.extend(users);
    }
    rows
}

fn unpointed(desired: &Desired, kind: super::Kind, user: &User, auth: &str) -> Change {
    let row = |action, reason| Change {
        details: user.details(),
        ..Change::new(kind.address(&user.id), credentials(desired), action, reason)
    };
    if let Some(cluster) = &user.cluster {
        return row(Action::Blocked, Reason::ClusterMember(redact::outside(cluster)));
    }
    let reason = Reason::Made(format!("uses {}; pulls anonymously then", redact::outside(auth)));
    let operation = Operation::Unpoint { kind, id: user.id.clone() };
    Change { operation: Some(operation), ..row(Action::Update, reason) }
}

fn credentials(desired: &Desired) -> BTreeSet<CredentialId> {
    BTreeSet::from([desired.credential.clone()])
}
