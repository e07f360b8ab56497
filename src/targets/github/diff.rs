//! What is wanted in GitHub against what was found: the rules, pure.
//!
//! ```text
//! all      the repository now has another owner      blocked
//! secret   absent                                    create
//!          marker of this credential, lists it,
//!            and not written since                   keep (recorded)
//!          marker of another credential              update
//!          written after the marker                  update (changed outside)
//!          seen by others than declared              update (an organization's secret)
//!          no marker                                 refresh; update (behind) if AWS's value is newer
//! marker   follows the secrets; none for a value that is not a recognized access token
//! ```

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, SecondsFormat, Utc};

use super::{Change, Desired, Found, Half, Marker, Observed, Operation, Place, split_repository};
use crate::change::{Action, Known, Options, Reason};
use crate::model::Address;
use crate::redact;
use crate::targets::Terms;

/// The rows of every place.
#[must_use]
pub(super) fn diff(desired: &[Desired], observed: &Observed, terms: &Terms<'_>) -> Vec<Change> {
    let Terms { known, options } = *terms;
    let rows = |desired: &Desired| {
        let found = observed.places.get(&desired.key())?;
        let known = known.get(&desired.credential)?;
        Some(PlaceDiff { desired, found, known, options }.rows())
    };
    let mut all: Vec<Change> =
        observed.all(desired).iter().filter_map(|place| rows(place)).flatten().collect();
    all.extend(observed.not_found(desired));
    all
}

fn blocked(row: Change, name: &str) -> Change {
    Change { action: Action::Blocked, reason: Reason::OtherOwner(name.to_owned()), operation: None, ..row }
}

pub(super) struct PlaceDiff<'a> {
    pub(super) desired: &'a Desired,
    pub(super) found: &'a Found,
    pub(super) known: &'a Known,
    pub(super) options: &'a Options,
}

impl PlaceDiff<'_> {
    fn rows(&self) -> Vec<Change> {
        let mut rows =
            [(&self.desired.names.username, Half::Username), (&self.desired.names.token, Half::Token)]
                .map(|(name, half)| self.secret(name, half))
                .to_vec();
        rows.extend(self.marker(&rows));
        self.settled(rows)
    }

    /// The rows, blocked where the repository now has another owner.
    pub(super) fn settled(&self, rows: Vec<Change>) -> Vec<Change> {
        match self.other_owner() {
            Some(name) => rows.into_iter().map(|row| blocked(row, &name)).collect(),
            None => rows,
        }
    }

    /// The place by its present name.
    pub(super) fn place(&self) -> Place {
        let declared = &self.desired.place;
        let present = self.found.renamed.get(&declared.name()).and_then(|name| split_repository(name));
        match present {
            Some((owner, repo)) => {
                Place { owner: owner.to_owned(), repo: Some(repo.to_owned()), store: declared.store.clone() }
            }
            None => declared.clone(),
        }
    }

    /// The repository's present name, if its owner is not the declared one.
    fn other_owner(&self) -> Option<String> {
        let place = self.place();
        (!place.owner.eq_ignore_ascii_case(&self.desired.place.owner)).then(|| redact::outside(&place.name()))
    }

    /// The thing at an address, as GitHub tells it from others.
    fn identity(&self, address: &Address) -> Option<String> {
        let Address::Github { item, .. } = address else { return None };
        Some(self.place().address(item.clone()).to_string().to_lowercase())
    }

    pub(super) fn row(&self, address: Address, action: Action, reason: Reason) -> Change {
        let credentials = BTreeSet::from([self.desired.credential.clone()]);
        Change { identity: self.identity(&address), ..Change::new(address, credentials, action, reason) }
    }

    fn secret(&self, name: &str, half: Half) -> Change {
        let (action, reason) = self.writable(self.visible(name, self.secret_verdict(name)));
        let operation = action.writes().then(|| Operation::PutSecret {
            place: self.place(),
            name: name.to_owned(),
            credential: self.desired.credential.clone(),
            half,
            create_environment: self.found.environment_absent,
            record: self.recorded_in(),
            audience: self.desired.audience.clone(),
        });
        Change { operation, ..self.row(self.desired.place.secret(name), action, reason) }
    }

    fn secret_verdict(&self, name: &str) -> (Action, Reason) {
        let secrets = match &self.found.secrets {
            Err(unreadable) => return (Action::Unread, Reason::Unreadable(unreadable.clone())),
            Ok(secrets) => secrets,
        };
        match (secrets.get(name), self.record()) {
            (None, _) => (Action::Create, Reason::Absent),
            (Some(updated), Some(marker)) => self.recorded(name, *updated, marker),
            (Some(updated), None) => self.known.refresh(Some(*updated)),
        }
    }

    fn recorded(&self, name: &str, updated: DateTime<Utc>, marker: &Marker) -> (Action, Reason) {
        if marker.fingerprint != self.known.fingerprint {
            (Action::Update, Reason::Changed)
        } else if !marker.names.contains(name) {
            (Action::Update, Reason::NotRecorded)
        } else if !marker.covers(updated) {
            (Action::Update, Reason::ChangedOutside(updated.to_rfc3339_opts(SecondsFormat::Secs, true)))
        } else if self.options.rewrite {
            (Action::Update, Reason::Rewrite)
        } else {
            (Action::Keep, Reason::Recorded)
        }
    }

    /// A secret that would be kept is written again where others than declared see it.
    fn visible(&self, name: &str, (action, reason): (Action, Reason)) -> (Action, Reason) {
        let (Some(wanted), Some(found)) = (&self.desired.audience, self.found.audiences.get(name)) else {
            return (action, reason);
        };
        if matches!(action, Action::Keep | Action::Refresh) && wanted != found {
            (
                Action::Update,
                Reason::OtherAudience {
                    found: redact::outside(&found.to_string()),
                    wanted: wanted.to_string(),
                },
            )
        } else {
            (action, reason)
        }
    }

    /// The variable that holds a marker now, of whatever credential.
    fn recorded_in(&self) -> Option<String> {
        let found = self.found.marker.as_ref().ok()?.as_ref();
        found.map(|_| self.desired.names.marker.clone())
    }

    /// The marker, if this credential may have one and it could be read.
    fn record(&self) -> Option<&Marker> {
        self.found.marker.as_ref().ok()?.as_ref().filter(|_| self.known.kind.is_access_token())
    }

    /// An archived repository takes no writes.
    fn writable(&self, (action, reason): (Action, Reason)) -> (Action, Reason) {
        if action.writes() && self.found.archived {
            (Action::Blocked, Reason::Archived)
        } else {
            (action, reason)
        }
    }

    /// The marker's row: none where no record can or may be kept.
    fn marker(&self, secrets: &[Change]) -> Option<Change> {
        let address = self.desired.place.marker(&self.desired.names.marker);
        if !self.known.kind.is_access_token() {
            return None;
        }
        let marker = match (&self.found.secrets, &self.found.marker) {
            (Err(unreadable), _) => {
                return Some(self.row(address, Action::Unread, Reason::Unreadable(unreadable.clone())));
            }
            (Ok(_), Err(_)) => return None,
            (Ok(_), Ok(marker)) => marker,
        };
        match (secrets.iter().any(|row| row.action.writes()), marker) {
            (true, marker) => Some(self.follow(address, marker.is_some(), secrets)),
            (false, Some(_)) => Some(self.row(address, Action::Keep, Reason::InSync)),
            (false, None) => self.unrecorded(address, secrets),
        }
    }

    /// The record of what is written now and of what it vouched for already; not of what the run leaves out.
    fn follow(&self, address: Address, exists: bool, secrets: &[Change]) -> Change {
        let differs = secrets.iter().any(|row| row.action.writes() && row.action != Action::Refresh);
        let action = match (exists, differs) {
            (true, _) => Action::Update,
            (false, true) => Action::Create,
            (false, false) => Action::Refresh,
        };
        let left_out = |row: &&Change| row.action.writes() && !self.options.selects(&row.address);
        let all_left_out = secrets.iter().filter(|row| row.action.writes()).all(|row| left_out(&row));
        let recorded: Vec<&Change> = secrets.iter().filter(|row| all_left_out || !left_out(row)).collect();
        let written = recorded.iter().filter(|row| row.action.writes()).map(|row| row.address.clone());
        let operation = Operation::PutMarker {
            place: self.place(),
            name: self.desired.names.marker.clone(),
            fingerprint: self.known.fingerprint.full(),
            exists,
            names: self.names_of(&recorded),
            kept: self.kept(&recorded),
            written: written.collect(),
        };
        Change {
            after: recorded.iter().map(|row| row.address.clone()).collect(),
            operation: Some(operation),
            ..self.row(address, action, Reason::RecordFollows)
        }
    }

    /// When those of these secrets that stay as they are were written.
    fn kept(&self, rows: &[&Change]) -> BTreeMap<String, DateTime<Utc>> {
        let staying: Vec<&Change> = rows.iter().filter(|row| !row.action.writes()).copied().collect();
        let times = self.found.secrets.as_ref().ok();
        let time = |name: String| Some((name.clone(), *times?.get(&name)?));
        self.names_of(&staying).into_iter().filter_map(time).collect()
    }

    /// The names of the secrets of these rows.
    fn names_of(&self, rows: &[&Change]) -> Vec<String> {
        let names = &self.desired.names;
        let among =
            |name: &&String| rows.iter().any(|row| row.address == self.desired.place.secret(name.as_str()));
        [&names.token, &names.username].into_iter().filter(among).cloned().collect()
    }

    /// Nothing is written and there is no marker: the secrets may not be written.
    fn unrecorded(&self, address: Address, secrets: &[Change]) -> Option<Change> {
        let blocked = secrets.iter().find(|row| row.action == Action::Blocked)?;
        Some(self.row(address, Action::Blocked, blocked.reason.clone()))
    }
}
