//! What regcred made in GitHub goes: the secrets that its record vouches for, and then the record. Pure.
//!
//! A secret without a record of regcred's, or written since by somebody, is somebody's own and stays. Of a password there is
//! no record.

use std::borrow::Cow;
use std::collections::BTreeSet;

use chrono::SecondsFormat;

use super::diff::PlaceDiff;
use super::{Change, Desired, Found, Marker, Observed, Operation};
use crate::change::{Action, Known, Options, Reason};
use crate::model::Problem;

/// The rows of every place.
#[must_use]
pub(super) fn undo(desired: &[Desired], observed: &Observed, options: &Options) -> Vec<Change> {
    let known = Known::nothing();
    let rows = |desired: &Desired, is_named: bool| {
        let found = observed.places.get(&desired.key())?;
        if !is_named && holds_nothing(desired, found) {
            return None;
        }
        let place = PlaceDiff { desired, found, known: &known, options };
        Some(place.settled(Undo(&place).rows()))
    };
    let all = observed.all(desired).into_iter();
    let all = all.filter_map(|place| rows(&place, matches!(place, Cow::Borrowed(_)))).flatten();
    all.chain(observed.not_found(desired)).collect()
}

/// Whether a place that was found has neither a record nor a secret of these names: nobody has to know of it.
fn holds_nothing(desired: &Desired, found: &Found) -> bool {
    let names = [&desired.names.username, &desired.names.token];
    matches!((&found.secrets, &found.marker), (Ok(secrets), Ok(None))
        if names.into_iter().all(|name| !secrets.contains_key(name)))
}

struct Undo<'a>(&'a PlaceDiff<'a>);

impl Undo<'_> {
    fn rows(&self) -> Vec<Change> {
        let PlaceDiff { desired, found, .. } = self.0;
        let at = desired.place.marker(&desired.names.marker);
        let marker = match (&found.secrets, &found.marker) {
            (Err(unreadable), _) | (_, Err(unreadable)) => return self.unread(unreadable),
            (Ok(_), Ok(marker)) => marker.as_ref(),
        };
        // What earlier `names:` of the file gave is in the record, too.
        let recorded = marker.iter().flat_map(|marker| &marker.names);
        let names: BTreeSet<&String> =
            [&desired.names.username, &desired.names.token].into_iter().chain(recorded).collect();
        let mut rows: Vec<Change> = names.into_iter().map(|name| self.secret(name, marker)).collect();
        let Some(_) = marker else { return rows };
        let gone = rows.iter().filter(|row| row.action.writes()).map(|row| row.address.clone()).collect();
        let reason = Reason::Made("records what regcred wrote here".to_owned());
        let operation = Operation::DeleteMarker { place: self.0.place(), name: desired.names.marker.clone() };
        let row = self.0.row(at, Action::Delete, reason);
        rows.push(Change { after: gone, operation: Some(operation), ..row });
        rows
    }

    fn unread(&self, unreadable: &Problem) -> Vec<Change> {
        let PlaceDiff { desired, .. } = self.0;
        let names = [&desired.names.username, &desired.names.token].map(|name| desired.place.secret(name));
        let all = names.into_iter().chain([desired.place.marker(&desired.names.marker)]);
        all.map(|at| self.0.row(at, Action::Unread, Reason::Unreadable(unreadable.clone()))).collect()
    }

    fn secret(&self, name: &str, marker: Option<&Marker>) -> Change {
        let PlaceDiff { desired, found, options, .. } = self.0;
        let at = desired.place.secret(name);
        let updated = found.secrets.as_ref().ok().and_then(|secrets| secrets.get(name));
        let Some(updated) = updated else { return self.0.row(at, Action::Keep, Reason::Absent) };
        let theirs = match marker.filter(|marker| marker.names.contains(name)) {
            None => Some("no record says that regcred wrote it".to_owned()),
            Some(marker) if !marker.covers(*updated) => {
                let time = updated.to_rfc3339_opts(SecondsFormat::Secs, true);
                Some(format!("changed outside at {time}, after regcred's last write"))
            }
            Some(_) => None,
        };
        if let Some(words) = theirs.filter(|_| !options.allow_delete) {
            return self.0.row(at, Action::Keep, Reason::Theirs(words));
        }
        let reason = Reason::Made("runs that log in with it fail, or pull anonymously, then".to_owned());
        let operation = Operation::DeleteSecret { place: self.0.place(), name: name.to_owned() };
        Change { operation: Some(operation), ..self.0.row(at, Action::Delete, reason) }
    }
}
