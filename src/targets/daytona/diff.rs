//! What is wanted in Daytona against what was found: the rules, pure.
//!
//! ```text
//! row   none for the registry                      create; blocked where the list is full
//!       made by hand, renamed, or with a url that
//!         no image matches                         update (taken over)
//!       its name records another credential        update
//!       its user name is another                   update (changed outside)
//!       its name records this credential           keep (named)
//!       a value that may be a password             refresh; update (behind) if AWS's value is newer
//! more rows for the registry                       ours: as above; others: blocked
//!                                                  with --allow-delete: delete, after the first is right
//! ```

use std::collections::BTreeSet;

use chrono::{DateTime, SecondsFormat, Utc};

use super::{Change, Desired, KeyFacts, Observed, Operation, ROW_LIMIT, Row, address, stored};
use crate::change::{Action, Known, Options, Reason};
use crate::model::Address;
use crate::model::Fingerprint;
use crate::redact;
use crate::targets::Terms;

/// The rows of every place.
#[must_use]
pub(super) fn diff(desired: &[Desired], observed: &Observed, terms: &Terms<'_>) -> Vec<Change> {
    let Terms { known, options } = *terms;
    let rows = |desired: &Desired| {
        let known = known.get(&desired.credential)?;
        Some(PlaceDiff { desired, known, options }.rows(observed))
    };
    desired.iter().filter_map(rows).flatten().collect()
}

/// Facts for people: whose organization it is, and rows that are beside the point.
#[must_use]
pub(super) fn notes(desired: &[Desired], observed: &Observed) -> Vec<String> {
    let Ok(rows) = observed.rows.as_ref() else { return Vec::new() };
    if desired.is_empty() {
        return Vec::new();
    }
    let key = observed
        .key
        .as_ref()
        .map_or("the key".to_owned(), |key| format!("the key `{}`", redact::outside(&key.name)));
    let mut notes = vec![format!("daytona: {}, in the organization of {key}", observed.api)];
    let doubled = desired.iter().any(|place| seconds(place, rows).next().is_some());
    notes.extend(
        observed
            .key
            .iter()
            .flat_map(|facts| of_key(facts, doubled))
            .map(|words| format!("daytona: {key} {words}")),
    );
    for place in desired {
        let kept = kept(place, rows).map(|row| &row.id);
        for row in rows.iter().filter(|row| Some(&row.id) != kept) {
            notes.extend(beside(place, row));
        }
        if rows.iter().any(|row| Some(&row.id) == kept && stored::is_of_old_server(&row.url)) {
            notes.push(format!(
                "daytona: the row for {} is stored as servers before January 2026 do; if yours is newer, store it again: regcred sync --rewrite",
                place.registry
            ));
        }
    }
    notes
}

/// What a key cannot do, and when it ends, in words that follow its name.
fn of_key(facts: &KeyFacts, doubled: bool) -> Vec<String> {
    let lacks = |permission: &str| {
        facts.permissions.as_ref().is_some_and(|held| held.iter().all(|held| held != permission))
    };
    let mut words = Vec::new();
    if lacks("write:registries") {
        words.push("does not have the permission write:registries: it cannot change a row".to_owned());
    }
    if doubled && lacks("delete:registries") {
        words.push("does not have the permission delete:registries, which --allow-delete needs".to_owned());
    }
    let ends = |at: &DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    words.extend(facts.expires.map(|at| format!("expires at {}: make a new one before", ends(&at))));
    words
}

/// The rows for the place's registry beside the one that is the place.
fn seconds<'r>(place: &'r Desired, rows: &'r [Row]) -> impl Iterator<Item = &'r Row> {
    let kept = kept(place, rows).map(|row| &row.id);
    rows.iter().filter(move |row| Some(&row.id) != kept && stored::matches(&row.url, &place.registry))
}

/// A word about a row that is for the place's registry, but not for all of its images.
fn beside(place: &Desired, row: &Row) -> Option<String> {
    let Row { url, .. } = row;
    let [name, username, shown] = [&row.name, &row.username, url].map(|text| redact::outside(text));
    if stored::is_part_of(url, &place.registry) {
        return Some(format!(
            "daytona: the row `{name}` of user {username} is for {shown}: which of the two its images are pulled with is left to chance"
        ));
    }
    if Fingerprint::ends(&row.name, &place.name) && stored::meant(url).as_ref() != Some(&place.registry) {
        return Some(format!(
            "daytona: the row `{name}` has the name of one of ours and the url {shown}: somebody changed that, and it may still hold a value of {}; delete it in the dashboard",
            place.credential
        ));
    }
    let idle = stored::meant(url).as_ref() == Some(&place.registry) && !stored::matches(url, &place.registry);
    idle.then(|| {
        format!("daytona: the row `{name}` has the url {shown}, which no image name matches: delete it")
    })
}

/// The row that is the place: one that images match before one that they do not, or only on an old server; ours before
/// others; else the one that
/// was written longest ago, which a table without an order most likely gives first.
fn kept<'r>(place: &Desired, rows: &'r [Row]) -> Option<&'r Row> {
    let rank = |row: &&Row| {
        let matched = stored::matches(&row.url, &place.registry);
        let old = stored::is_of_old_server(&row.url);
        (!matched, old, !place.names(&row.name), row.updated, row.id.clone())
    };
    rows.iter().filter(|row| stored::meant(&row.url).as_ref() == Some(&place.registry)).min_by_key(rank)
}

struct PlaceDiff<'a> {
    desired: &'a Desired,
    known: &'a Known,
    options: &'a Options,
}

impl PlaceDiff<'_> {
    fn rows(&self, observed: &Observed) -> Vec<Change> {
        let at = self.desired.address();
        let listed = match &observed.rows {
            Ok(listed) => listed,
            Err(unreadable) => {
                return vec![self.row(at, Action::Unread, Reason::Unreadable(unreadable.clone()), None)];
            }
        };
        let Some(kept) = kept(self.desired, listed) else {
            return vec![self.absent(at, listed.len())];
        };
        let (action, reason) = self.verdict(kept);
        let first = self.put(at, Some(kept), action, reason);
        let order = |row: &&Row| (row.updated, row.id.clone());
        // A row that is written comes behind the others.
        let before = |row: &&Row| first.operation.is_some() || order(row) < order(&kept);
        let used = seconds(self.desired, listed).min_by_key(order).filter(before).map(|row| &row.id);
        let second = |row| self.second(row, used == Some(&row.id));
        let seconds: Vec<Change> = seconds(self.desired, listed).map(second).collect();
        [vec![first], seconds].concat()
    }

    fn row(&self, address: Address, action: Action, reason: Reason, operation: Option<Operation>) -> Change {
        let credentials = BTreeSet::from([self.desired.credential.clone()]);
        Change { operation, ..Change::new(address, credentials, action, reason) }
    }

    fn absent(&self, at: Address, listed: usize) -> Change {
        if listed >= ROW_LIMIT {
            self.row(at, Action::Blocked, Reason::RowLimit(listed), None)
        } else {
            self.put(at, None, Action::Create, Reason::Absent)
        }
    }

    /// A row's change, with its operation if it writes.
    fn put(&self, at: Address, row: Option<&Row>, action: Action, reason: Reason) -> Change {
        let operation = action.writes().then(|| Operation::PutRow {
            id: row.map(|row| row.id.clone()),
            name: self.desired.recorded_name(self.known),
            url: stored::sent(&self.desired.registry).to_owned(),
            credential: self.desired.credential.clone(),
        });
        self.row(at, action, reason, operation)
    }

    fn verdict(&self, row: &Row) -> (Action, Reason) {
        let names_value = self.known.kind.is_access_token();
        if !stored::matches(&row.url, &self.desired.registry) {
            (Action::Update, Reason::NeverMatches(redact::outside(&row.url)))
        } else if !self.desired.names(&row.name) || names_value && row.name == self.desired.name {
            let [name, username] = [&row.name, &row.username].map(|text| redact::outside(text));
            (Action::Update, Reason::TakenOver { name, username })
        } else if row.name != self.desired.recorded_name(self.known) {
            (Action::Update, Reason::Changed)
        } else if row.username != self.known.username {
            let at = row.updated.to_rfc3339_opts(SecondsFormat::Secs, true);
            (Action::Update, Reason::ChangedOutside(at))
        } else if !names_value {
            // A row without a time that can be read is of no time.
            self.known.refresh(Some(row.updated).filter(|at| *at != DateTime::UNIX_EPOCH))
        } else if self.options.rewrite {
            (Action::Update, Reason::Rewrite)
        } else {
            (Action::Keep, Reason::Named)
        }
    }

    /// Another row for the same registry. Ours is kept right, so that it does not matter which one Daytona takes.
    fn second(&self, row: &Row, used: bool) -> Change {
        let reason = || {
            let [name, username] = [&row.name, &row.username].map(|text| redact::outside(text));
            Reason::SecondRow { name, username, used: used && !self.options.allow_delete }
        };
        let at = address(&row.id);
        if self.options.allow_delete {
            let behind = Some(self.desired.recorded_name(self.known));
            let operation = Operation::DeleteRow { id: row.id.clone(), behind };
            let gone = self.row(at, Action::Delete, reason(), Some(operation));
            return Change { after: BTreeSet::from([self.desired.address()]), ..gone };
        }
        if !self.desired.names(&row.name) {
            return self.row(at, Action::Blocked, reason(), None);
        }
        match self.verdict(row) {
            (Action::Keep, Reason::Named) => self.row(at, Action::Keep, reason(), None),
            (action, reason) => self.put(at, Some(row), action, reason),
        }
    }
}
