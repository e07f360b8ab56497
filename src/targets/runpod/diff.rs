//! What is wanted in RunPod against what was found: the rules, pure.
//!
//! ```text
//! auth      none of this fingerprint                     create; replace where there is an earlier one
//!           there is one                                 keep (recorded by its name)
//! template, chosen, its image on the registry            update, unless it uses this auth
//! endpoint, uses an earlier auth of ours, chosen or not  update: it follows; keep where its image is elsewhere
//! pod       chosen, its image elsewhere                  keep (left alone)
//!           part of a cluster                            blocked where it would be changed
//! template  declared in `create`, none of this name      create
//! retired   an earlier auth of regcred's                 delete, after all of these; keep while something stays on it
//!           another's, that nothing is to use any more   keep; delete with --allow-delete
//! ```

use std::collections::{BTreeMap, BTreeSet};

use super::write::ID;
use super::{Change, Choice, Desired, Kind, Observed, Operation, User};
use crate::change::{Action, Details, Input, Known, Options, Reason};
use crate::model::{Address, CredentialId, Problem, RunpodItem};
use crate::redact;

/// The rows of every credential.
#[must_use]
pub(super) fn diff(
    desired: &[Desired],
    observed: &Observed,
    known: &BTreeMap<CredentialId, Known>,
    options: &Options,
) -> Vec<Change> {
    let mut desired: Vec<&Desired> = desired.iter().collect();
    desired.sort_by(|one, other| one.credential.cmp(&other.credential));
    let known = desired.iter().filter_map(|desired| Some((*desired, known.get(&desired.credential)?)));
    let auths = match &observed.auths {
        Ok(auths) => auths,
        Err(unreadable) => return known.map(|(desired, _)| unread(desired, unreadable)).collect(),
    };
    let holders = known.map(|(desired, known)| Rotation::new(desired, known, auths)).collect();
    Account { holders, auths, observed, options }.rows()
}

/// Facts for people: what pulls anonymously, what is left alone, and templates that are not as the file says.
#[must_use]
pub(super) fn notes(desired: &[Desired], observed: &Observed) -> Vec<String> {
    let mut notes = Vec::new();
    let unchosen = |kind: Kind, user: &User| !desired.iter().any(|desired| desired.takes(kind, user));
    let anonymous: BTreeSet<String> = observed
        .each()
        .filter(|(kind, user)| *kind != Kind::Pod && user.registry.is_none() && unchosen(*kind, user))
        .filter(|(_, user)| desired.iter().any(|desired| desired.covers(user).is_ok()))
        .map(|(kind, user)| user.called(kind))
        .collect();
    if !anonymous.is_empty() {
        notes.push(format!(
            "pulled anonymously: {}; choose them in regcred.yaml to point them at the auth",
            anonymous.into_iter().collect::<Vec<_>>().join(", ")
        ));
    }
    let left = |user: &(Kind, &User)| {
        let chosen = desired.iter().any(|desired| desired.chooses(user.0, user.1));
        chosen && unchosen(user.0, user.1)
    };
    let left = observed.each().filter(left).count();
    if left > 0 {
        notes.push(format!(
            "runpod: {left} of the chosen are left alone; which, and why, is among the rows that stay (-v)"
        ));
    }
    let differing: BTreeSet<String> =
        desired.iter().flat_map(|desired| differing(desired, observed)).collect();
    notes.extend(differing);
    notes
}

/// Templates of the file that are there, and otherwise: they are pointed at the auth, and nothing else of them changes.
fn differing<'a>(desired: &'a Desired, observed: &'a Observed) -> impl Iterator<Item = String> {
    observed.each().filter_map(|(kind, user)| {
        let template = desired.declares(kind, user)?;
        let found = user.image.as_deref().filter(|image| *image != template.image)?;
        Some(format!(
            "{} has the image {}, not {} as in `create`: templates that are there are not changed",
            format_args!("{} ({})", kind.address(&user.id), redact::outside(&user.name)),
            redact::outside(found),
            template.image
        ))
    })
}

fn unread(desired: &Desired, unreadable: &Problem) -> Change {
    let credentials = BTreeSet::from([desired.credential.clone()]);
    Change::new(desired.address(), credentials, Action::Unread, Reason::Unreadable(unreadable.clone()))
}

/// A credential with the auths that are regcred's.
struct Rotation<'a> {
    desired: &'a Desired,
    /// The name of the auth of the present value, and its id if it is there.
    name: String,
    current: Option<&'a str>,
    /// Ids and names of the earlier ones, and of others of the same name.
    earlier: BTreeMap<&'a str, &'a str>,
}

impl<'a> Rotation<'a> {
    fn new(desired: &'a Desired, known: &Known, auths: &'a BTreeMap<String, String>) -> Self {
        let name = desired.auth_name(&known.fingerprint);
        // Two runs at once may have made two of one name: every later run takes the same of them.
        let current = auths.iter().find(|(_, other)| **other == name).map(|(id, _)| id.as_str());
        let earlier = auths
            .iter()
            .filter(|(id, other)| Some(id.as_str()) != current && (desired.made(other) || **other == name))
            .map(|(id, other)| (id.as_str(), other.as_str()))
            .collect();
        Self { desired, name, current, earlier }
    }

    fn row(&self, address: Address, action: Action, reason: Reason) -> Change {
        Change::new(address, BTreeSet::from([self.desired.credential.clone()]), action, reason)
    }

    /// The auth's own row.
    fn auth(&self) -> Change {
        let (action, reason) = match (self.current, self.earlier.is_empty()) {
            (Some(_), _) => (Action::Keep, Reason::Named),
            (None, true) => (Action::Create, Reason::Absent),
            (None, false) => (Action::Replace, Reason::Changed),
        };
        let operation = action.writes().then(|| Operation::CreateAuth {
            name: self.name.clone(),
            credential: self.desired.credential.clone(),
        });
        let details = Details { id: self.current.map(redact::outside), ..Details::default() };
        Change { operation, details, ..self.row(self.desired.address(), action, reason) }
    }

    /// The present auth's id, now or once it is made.
    fn input(&self) -> Input {
        match self.current {
            Some(id) => Input::Known(id.to_owned()),
            None => Input::Ref { address: self.desired.address(), field: ID },
        }
    }

    /// A row that waits for the auth.
    fn then(&self, address: Address, action: Action, reason: Reason, operation: Operation) -> Change {
        Change {
            after: BTreeSet::from([self.desired.address()]),
            operation: Some(operation),
            ..self.row(address, action, reason)
        }
    }

    /// Why something on an earlier auth does not follow, in words: the credential was for another registry then, and
    /// the present auth does not cover its image.
    fn stays(&self, user: &User) -> Option<String> {
        let earlier = user.registry.as_deref().is_some_and(|auth| self.earlier.contains_key(auth));
        if earlier && user.image.is_some() { self.desired.covers(user).err() } else { None }
    }

    /// The row of something that is to use the auth.
    fn pointed(&self, kind: Kind, user: &User, reason: Option<Reason>) -> Change {
        let address = kind.address(&user.id);
        let Some(reason) = reason else { return self.row(address, Action::Keep, Reason::InSync) };
        if let Some(cluster) = &user.cluster {
            return self.row(address, Action::Blocked, Reason::ClusterMember(redact::outside(cluster)));
        }
        let operation = Operation::Point { kind, id: user.id.clone(), auth: self.input() };
        self.then(address, Action::Update, reason, operation)
    }
}

/// Everything in the account.
struct Account<'a> {
    holders: Vec<Rotation<'a>>,
    auths: &'a BTreeMap<String, String>,
    observed: &'a Observed,
    options: &'a Options,
}

impl Account<'_> {
    fn rows(&self) -> Vec<Change> {
        let mut rows: Vec<Change> = self.holders.iter().map(Rotation::auth).collect();
        let users: Vec<(&User, Change)> =
            self.observed.each().filter_map(|(kind, user)| Some((user, self.told(kind, user)?))).collect();
        rows.extend(self.holders.iter().flat_map(|holder| self.absent(holder)));
        rows.extend(self.holders.iter().flat_map(|holder| self.unread(holder)));
        rows.extend(self.retired(&users, &rows));
        rows.extend(users.into_iter().map(|(_, row)| row));
        rows.extend(self.observed.each().flat_map(|(kind, user)| self.rivals(kind, user)));
        rows
    }

    /// The rows of the credentials that choose the same: one of them by its id, another one by its name, which only the
    /// account tells.
    fn rivals(&self, kind: Kind, user: &User) -> impl Iterator<Item = Change> {
        let taking = self.holders.iter().filter(move |holder| holder.desired.takes(kind, user));
        let auth = user.registry.as_deref();
        let rival = move |holder: &Rotation<'_>| holder.pointed(kind, user, self.moves(holder, auth));
        taking.skip(1).map(move |holder| Change { details: user.details(), ..rival(holder) })
    }

    /// The row of a template, endpoint or pod, with what people know it by.
    fn told(&self, kind: Kind, user: &User) -> Option<Change> {
        Some(Change { details: user.details(), ..self.user(kind, user)? })
    }

    /// The same without that. Whoever chooses it comes before whose earlier auth it uses.
    fn user(&self, kind: Kind, user: &User) -> Option<Change> {
        let auth = user.registry.as_deref();
        let taking = self.holders.iter().find(|holder| holder.desired.takes(kind, user));
        let holding = self.holders.iter().find(|holder| {
            auth.is_some_and(|auth| holder.current == Some(auth) || holder.earlier.contains_key(auth))
        });
        if let (Some(holder), None, Some(cluster)) = (taking, holding, &user.cluster)
            && !holder.desired.choice(kind).names(user)
        {
            let cluster = redact::outside(cluster);
            let words = format!("it is part of the cluster {cluster}, and cannot be changed by itself");
            return Some(holder.row(kind.address(&user.id), Action::Keep, Reason::LeftAlone(words)));
        }
        if let (None, Some(holder), Some(words)) = (taking, holding, holding.and_then(|it| it.stays(user))) {
            let words = format!("{words}, with the earlier auth");
            return Some(holder.row(kind.address(&user.id), Action::Keep, Reason::LeftAlone(words)));
        }
        if let Some(holder) = taking.or(holding) {
            return Some(holder.pointed(kind, user, self.moves(holder, auth)));
        }
        self.holders.iter().find_map(|holder| {
            let words = holder.desired.verdict(kind, user)?.err()?;
            Some(holder.row(kind.address(&user.id), Action::Keep, Reason::LeftAlone(words)))
        })
    }

    /// Why something that uses this auth has to be pointed at the holder's; nothing if it does already.
    fn moves(&self, holder: &Rotation<'_>, auth: Option<&str>) -> Option<Reason> {
        let Some(auth) = auth else { return Some(Reason::Anonymous) };
        if holder.current == Some(auth) {
            return None;
        }
        Some(match (holder.earlier.get(auth), self.auths.get(auth)) {
            (Some(name), _) => Reason::EarlierAuth(redact::outside(name)),
            (None, Some(name)) => Reason::OtherAuth(format!("{}, another auth", redact::outside(name))),
            (None, None) => Reason::OtherAuth(format!("{}, an auth that is gone", redact::outside(auth))),
        })
    }

    /// What is named and not there: templates to make, and slips.
    fn absent(&self, holder: &Rotation<'_>) -> Vec<Change> {
        let desired = holder.desired;
        let mut rows = Vec::new();
        for (kind, users) in &self.observed.users {
            let Ok(users) = users else { continue };
            let there = |name: &str| users.iter().any(|user| user.id == name || user.name == name);
            if let Choice::Named(names) = desired.choice(*kind) {
                let declared = |name: &str| {
                    *kind == Kind::Template && desired.create.iter().any(|template| template.name == name)
                };
                let missing = names.iter().filter(|name| !there(name) && !declared(name));
                rows.extend(
                    missing.map(|name| holder.row(kind.address(name), Action::Blocked, Reason::NotFound)),
                );
            }
            if *kind == Kind::Template {
                let new = desired.create.iter().filter(|template| !there(&template.name));
                rows.extend(new.map(|template| {
                    let operation =
                        Operation::CreateTemplate { template: template.clone(), auth: holder.input() };
                    holder.then(kind.address(&template.name), Action::Create, Reason::Absent, operation)
                }));
            }
        }
        rows
    }

    /// A list that could not be read, where something of it is chosen or may use an earlier auth.
    fn unread(&self, holder: &Rotation<'_>) -> Vec<Change> {
        let desired = holder.desired;
        let matters = |kind: Kind| {
            let created = kind == Kind::Template && !desired.create.is_empty();
            !desired.choice(kind).is_none() || created || !holder.earlier.is_empty()
        };
        let unread =
            self.observed.users.iter().filter_map(|(kind, users)| Some((*kind, users.as_ref().err()?)));
        unread
            .filter(|(kind, _)| matters(*kind))
            .map(|(kind, unreadable)| {
                holder.row(kind.address("*"), Action::Unread, Reason::Unreadable(unreadable.clone()))
            })
            .collect()
    }

    /// The auths that nothing is to use any more, each after everything that has to be done with what used it.
    fn retired(&self, users: &[(&User, Change)], others: &[Change]) -> Vec<Change> {
        let mut rows = Vec::new();
        let mut abandoned = BTreeSet::new();
        for holder in &self.holders {
            let earlier = holder.earlier.iter().map(|(id, name)| {
                let staying = users.iter().filter(|(user, row)| {
                    user.registry.as_deref() == Some(*id) && row.action == Action::Keep
                });
                if let Some(stays) = staying.map(|(_, row)| &row.address).min() {
                    let item =
                        RunpodItem::Retired { name: holder.desired.name.clone(), id: (*id).to_owned() };
                    let words = format!("{stays} goes on using {}", redact::outside(name));
                    return holder.row(Address::Runpod { item }, Action::Keep, Reason::LeftAlone(words));
                }
                let row = self.retire(holder, id, Reason::Superseded(redact::outside(name)), users, others);
                Change { action: Action::Delete, ..row }
            });
            rows.extend(earlier);
            // Two credentials may take each a part of what used it: it is the first one's row.
            for (id, name) in
                self.abandoned(holder, users).into_iter().filter(|(id, _)| abandoned.insert(*id))
            {
                let row = self.retire(holder, id, Reason::NotOurs(redact::outside(name)), users, others);
                rows.push(if self.options.allow_delete {
                    Change { action: Action::Delete, ..row }
                } else {
                    Change { action: Action::Keep, after: BTreeSet::new(), operation: None, ..row }
                });
            }
        }
        // One look before is enough for all that one auth takes the place of.
        let mut looked = BTreeSet::new();
        for row in &mut rows {
            if let Some(Operation::Retire { looks, .. }) = &mut row.operation
                && !looked.insert(row.credentials.clone())
            {
                *looks = 0;
            }
        }
        rows
    }

    fn retire(
        &self,
        holder: &Rotation<'_>,
        id: &str,
        reason: Reason,
        users: &[(&User, Change)],
        others: &[Change],
    ) -> Change {
        let item = RunpodItem::Retired { name: holder.desired.name.clone(), id: id.to_owned() };
        let matters = |(user, row): &&(&User, Change)| {
            let ours = row.credentials.contains(&holder.desired.credential) && row.action.writes();
            ours || (user.registry.as_deref() == Some(id) && row.action != Action::Keep)
        };
        let mut after: BTreeSet<Address> =
            users.iter().filter(matters).map(|(_, row)| row.address.clone()).collect();
        after.extend(others.iter().filter(|row| row.action == Action::Unread).map(|row| row.address.clone()));
        let operation =
            Operation::Retire { auth: id.to_owned(), current: holder.input(), looks: self.looks() };
        let mut row = holder.then(Address::Runpod { item }, Action::Delete, reason, operation);
        row.after.extend(after);
        row
    }

    /// The requests of a look: the lists, and one for each endpoint.
    fn looks(&self) -> usize {
        let endpoints = self.observed.each().filter(|(kind, _)| *kind == Kind::Endpoint).count();
        Kind::ALL.len() + endpoints
    }

    /// Auths that are not regcred's, and that nothing uses once this plan is done: those that it moves something away
    /// from. An auth of another credential of the file is that one's, in this run or not.
    fn abandoned(&self, holder: &Rotation<'_>, users: &[(&User, Change)]) -> Vec<(&str, &str)> {
        // Who uses what is not known then.
        if self.observed.users.values().any(Result::is_err) {
            return Vec::new();
        }
        let known = |id: &str| {
            self.holders.iter().any(|other| other.current == Some(id) || other.earlier.contains_key(id))
        };
        let moved = |id: &str| {
            users.iter().any(|(user, row)| {
                let ours = row.credentials.contains(&holder.desired.credential);
                user.registry.as_deref() == Some(id) && ours && row.action == Action::Update
            })
        };
        let stays = |id: &str| {
            self.observed.each().any(|(kind, user)| {
                let moves = |(_, row): &(&User, Change)| {
                    row.address == kind.address(&user.id) && row.action == Action::Update
                };
                user.registry.as_deref() == Some(id) && !users.iter().any(moves)
            })
        };
        self.auths
            .iter()
            .map(|(id, name)| (id.as_str(), name.as_str()))
            .filter(|(id, name)| !known(id) && !holder.desired.is_anothers(name) && moved(id) && !stays(id))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Fingerprint, Secret, TokenKind};

    /// An account with an auth of somebody else that a template uses, and one that nothing uses.
    fn account() -> Observed {
        let auths = [("old", "team-hub"), ("spare", "team-other")];
        let user = User {
            id: "t1".to_owned(),
            name: "train".to_owned(),
            image: Some("acme/train:2".to_owned()),
            registry: Some("old".to_owned()),
            ..User::default()
        };
        Observed {
            auths: Ok(auths.map(|(id, name)| (id.to_owned(), name.to_owned())).into()),
            users: BTreeMap::from([(Kind::Template, Ok(vec![user]))]),
        }
    }

    #[test]
    fn an_auth_that_nothing_is_moved_away_from_is_never_deleted() {
        let desired = Desired::sample("docker-hub-acme");
        let token = Secret::new("dckr_pat_0123456789abcdefghi".to_owned());
        let known = Known {
            username: "acme".to_owned(),
            fingerprint: Fingerprint::of(&desired.registry, "acme", &token),
            kind: TokenKind::DockerPersonal,
            current_since: None,
        };
        let known = BTreeMap::from([(desired.credential.clone(), known)]);
        let options = Options { allow_delete: true, ..Options::default() };
        let rows = diff(&[desired], &account(), &known, &options);
        let deleted = rows.into_iter().filter(|row| row.action == Action::Delete);
        let item = RunpodItem::Retired { name: "docker-hub-acme".to_owned(), id: "old".to_owned() };
        assert_eq!(deleted.map(|row| row.address).collect::<Vec<_>>(), [Address::Runpod { item }]);
    }

    #[test]
    fn a_template_that_is_not_as_the_file_has_it_is_told_of() {
        let new = super::super::NewTemplate {
            name: "train".to_owned(),
            image: "acme/train:3".to_owned(),
            args: None,
            disk: None,
            env: BTreeMap::new(),
            serverless: false,
        };
        let told = |image: &str| {
            let create = vec![super::super::NewTemplate { image: image.to_owned(), ..new.clone() }];
            notes(&[Desired { create, ..Desired::sample("docker-hub-acme") }], &account())
        };
        let words = "runpod:template/t1 (train) has the image acme/train:2, not acme/train:3 as in `create`: templates \
                     that are there are not changed";
        assert_eq!(told("acme/train:3"), [words]);
        assert_eq!(told("acme/train:2"), [""; 0]);
    }
}
