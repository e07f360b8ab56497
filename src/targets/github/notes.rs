//! What people should know of GitHub beside the rows: renamed repositories, records that cannot be kept, and what was skipped
//! or not found of what is looked for. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::{Desired, Finding, Observed, Search};
use crate::redact;

/// So many names are told, and then how many more there are.
const TOLD: usize = 3;

/// The notes, each once.
#[must_use]
pub(super) fn notes(desired: &[Desired], observed: &Observed) -> Vec<String> {
    let mut notes = searches(desired, observed);
    let mut unrecorded: BTreeMap<(String, &str), BTreeSet<String>> = BTreeMap::new();
    for desired in observed.all(desired) {
        let Some(found) = observed.places.get(&desired.key()) else { continue };
        let place = format!("github:{}", desired.place.name());
        notes.extend(found.renamed.iter().map(|(old, new)| {
            let new = redact::outside(new);
            format!("github:{old} was renamed to {new}: write the new name in regcred.yaml")
        }));
        if let (Ok(_), Err(unreadable)) = (&found.secrets, &found.marker) {
            let key = (desired.names.marker.clone(), unreadable.message.as_str());
            unrecorded.entry(key).or_default().insert(place);
        }
    }
    // A server without variables is reported once.
    notes.extend(unrecorded.into_iter().map(|((marker, why), places)| {
        let places = few(places.iter().map(String::as_str));
        format!(
            "no record is kept in {places}, so the secrets there are written at each sync: {marker} ({why})"
        )
    }));
    notes.into_iter().collect()
}

/// The first names, and how many more there are.
fn few<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = names.len().saturating_sub(TOLD);
    let told = names.take(TOLD).collect::<Vec<_>>().join(", ");
    if more == 0 { told } else { format!("{told} and {more} more") }
}

/// What is looked for: what of it is skipped, and what is not found.
fn searches(desired: &[Desired], observed: &Observed) -> BTreeSet<String> {
    let mut notes = BTreeSet::new();
    let (mut archived, mut forks): (BTreeMap<String, BTreeSet<&str>>, BTreeMap<_, BTreeSet<&str>>) =
        (BTreeMap::new(), BTreeMap::new());
    for wanted in desired {
        let Some(search) = &wanted.search else { continue };
        let Some(Ok(found)) = wanted.sought().and_then(|sought| observed.searches.get(&sought)) else {
            continue;
        };
        let owner = &wanted.place.owner;
        // One that is named is not skipped.
        let is_named = |name: &str| {
            let repository = format!("{owner}/{name}");
            desired.iter().any(|other| {
                other.search.is_none()
                    && other.credential == wanted.credential
                    && other.place.name().eq_ignore_ascii_case(&repository)
            })
        };
        for (all, names) in [(&mut archived, &found.archived), (&mut forks, &found.forks)] {
            let skipped = names.iter().map(String::as_str).filter(|name| !is_named(name));
            all.entry(owner.to_lowercase()).or_default().extend(skipped);
        }
        notes.extend(nothing(wanted, search, found));
    }
    notes.extend(skipped(&archived, ("archived repository is", "archived repositories are")));
    notes.extend(skipped(&forks, ("fork is", "forks are")));
    notes
}

fn skipped<'a>(
    all: &'a BTreeMap<String, BTreeSet<&str>>,
    (one, several): (&'a str, &'a str),
) -> impl Iterator<Item = String> + 'a {
    all.iter().filter(|(_, names)| !names.is_empty()).map(move |(owner, names)| {
        let what = if names.len() == 1 { one } else { several };
        format!("github:{owner}: {} {what} skipped: {}", names.len(), few(names.iter().copied()))
    })
}

/// Words about what is looked for and is not there.
fn nothing(wanted: &Desired, search: &Search, found: &Finding) -> Option<String> {
    if !found.places.is_empty() || !found.unread.is_empty() {
        return None;
    }
    let owner = &wanted.place.owner;
    if let Some(environment) = wanted.seeks_environments().filter(|_| found.fit > 0) {
        let repositories = match found.fit {
            1 => "1 repository".to_owned(),
            several => format!("{several} repositories"),
        };
        return Some(match &wanted.place.repo {
            Some(_) => format!("github:{}: no environment fits `{environment}`", wanted.place.name()),
            None => {
                format!("github:{owner}: no environment of the {repositories} that fit is `{environment}`")
            }
        });
    }
    if !found.archived.is_empty() || !found.forks.is_empty() {
        return None;
    }
    let only =
        if search.only == super::Only::default() { String::new() } else { format!(" with {}", search.only) };
    let has = match &search.only.team {
        Some(team) => format!("the team {team} has {}", found.of),
        None => format!("{owner} has {}", found.of),
    };
    let near = found.near.as_ref().map(|near| format!(", and the nearest is {owner}/{near}"));
    let near = near.unwrap_or_default();
    Some(format!("github:{owner}: no repository fits {}{only}; {has}{near}", search.words(owner)))
}
