//! What an organization's secret would save where its repositories get one credential each by itself. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::{Desired, Github, Observed, Operation, Place, Store};
use crate::targets::Target;

/// From so many repositories on it is told.
const MANY: usize = 5;
/// The writes of one place: two secrets and the record.
const WRITES: usize = 3;

/// What is written for one credential at one owner.
#[derive(Default)]
struct Written<'a> {
    repositories: BTreeSet<String>,
    operations: Vec<&'a Operation>,
}

/// A word for each organization and credential.
#[must_use]
pub(super) fn advice(desired: &[Desired], observed: &Observed, operations: &[&Operation]) -> Vec<String> {
    let mut by_place: BTreeMap<(Place, &str), Vec<&Operation>> = BTreeMap::new();
    for operation in operations {
        let whose = match operation {
            Operation::PutSecret { credential, .. } => credential.0.as_str(),
            Operation::PutMarker { name, .. } => name,
            Operation::DeleteSecret { .. } | Operation::DeleteMarker { .. } => continue,
        };
        by_place.entry((operation.place().folded(), whose)).or_default().push(operation);
    }
    let organizations = organizations(desired, observed);
    let all = observed.all(desired);
    let mut written: BTreeMap<(String, &str), Written<'_>> = BTreeMap::new();
    for place in all.iter().filter(|place| place.place.store == Store::Actions) {
        let (Some(repo), owner) = (&place.place.repo, place.place.owner.to_lowercase()) else { continue };
        let own = [place.credential.0.as_str(), place.names.marker.as_str()]
            .into_iter()
            .filter_map(|whose| by_place.get(&(place.place.folded(), whose)))
            .flatten()
            .copied();
        let own: Vec<&Operation> = own.collect();
        if organizations.contains(&owner) && !own.is_empty() {
            let written = written.entry((owner, place.credential.0.as_str())).or_default();
            written.repositories.insert(repo.to_lowercase());
            written.operations.extend(own);
        }
    }
    let many = written.into_iter().filter(|(_, written)| written.repositories.len() >= MANY);
    many.map(|((owner, credential), written)| {
        let Written { repositories, operations } = written;
        let all = Github::seconds(&operations);
        let time = time(all.saturating_sub(Github::seconds(&operations[..WRITES])));
        format!(
            "github:{owner}: {credential} goes into {} repositories with {} writes; as a secret of the organization it is {WRITES}{time}: \
             - {{ organization: {owner}, visibility: private }}",
            repositories.len(),
            operations.len(),
        )
    })
    .collect()
}

/// The owners that are known to be organizations.
fn organizations(desired: &[Desired], observed: &Observed) -> BTreeSet<String> {
    let known = |desired: &&Desired| match desired.sought() {
        Some(sought) => {
            matches!(observed.searches.get(&sought), Some(Ok(found)) if found.of_organization)
        }
        None => observed.places.get(&desired.key()).is_some_and(|found| found.of_organization),
    };
    desired.iter().filter(known).map(|desired| desired.place.owner.to_lowercase()).collect()
}

/// What is saved of the time, if that is worth a word.
fn time(seconds: usize) -> String {
    match seconds {
        0 => String::new(),
        1..60 => format!(" and {seconds} s less"),
        _ => format!(" and {} min less", seconds.div_ceil(60)),
    }
}
