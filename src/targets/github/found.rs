//! What is looked for, and what it comes to: places as if they were declared one by one. Nothing here can write.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt};

use super::app::Named;
use super::listing::{self, Row};
use super::pattern::{Search, fits};
use super::{Change, Clients, Desired, Observed, Place, Store, split_repository};
use crate::change::{Action, Read, Reason};
use crate::model::{CredentialId, Problem, nearest};

/// The repository or environment in the address of what could not be looked for.
const UNKNOWN: &str = "?";

/// What tells a search from all others: who looks, where, and for what.
pub type Sought = (Option<Named>, Place, Search);

/// What a search came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finding {
    /// The places.
    pub places: BTreeSet<Place>,
    /// The repositories whose environments could not be read, and why.
    pub unread: BTreeMap<Place, Problem>,
    /// How many repositories the patterns fit, those aside that are skipped.
    pub fit: usize,
    /// How many repositories were looked through.
    pub of: usize,
    /// The archived repositories that are skipped, by name.
    pub archived: BTreeSet<String>,
    /// The forks that are skipped, by name.
    pub forks: BTreeSet<String>,
    /// The name that is most like what was looked for, where nothing was found.
    pub near: Option<String>,
    /// Whether the owner is known to be an organization.
    pub of_organization: bool,
}

impl Desired {
    /// What is looked for; nothing where the place is named.
    #[must_use]
    pub fn sought(&self) -> Option<Sought> {
        Some((self.app.clone(), self.place.clone(), self.search.clone()?))
    }
}

impl Observed {
    /// Every place by itself: first those that are named, then what was found of the others. A place that is named, or that
    /// an earlier item found, is not a second one.
    pub(super) fn all<'a>(&self, desired: &'a [Desired]) -> Vec<Cow<'a, Desired>> {
        let mut all: Vec<Cow<'a, Desired>> = Vec::new();
        let mut taken: BTreeSet<(&CredentialId, Place)> = BTreeSet::new();
        for named in desired.iter().filter(|desired| desired.search.is_none()) {
            taken.insert((&named.credential, named.place.folded()));
            taken.extend(self.present(named).map(|place| (&named.credential, place.folded())));
            all.push(Cow::Borrowed(named));
        }
        for wanted in desired {
            let Some(Ok(found)) = wanted.sought().and_then(|sought| self.searches.get(&sought)) else {
                continue;
            };
            for place in &found.places {
                if taken.insert((&wanted.credential, place.folded())) {
                    all.push(Cow::Owned(Desired { place: place.clone(), search: None, ..wanted.clone() }));
                }
            }
        }
        all
    }

    /// A place that is named, by the name that its repository has now.
    fn present(&self, named: &Desired) -> Option<Place> {
        let renamed = &self.places.get(&named.key())?.renamed;
        let (owner, repo) = split_repository(renamed.get(&named.place.name())?)?;
        Some(Place { owner: owner.to_owned(), repo: Some(repo.to_owned()), store: named.place.store.clone() })
    }

    /// The rows of what could not be looked for.
    pub(super) fn not_found(&self, desired: &[Desired]) -> Vec<Change> {
        let mut rows = Vec::new();
        for wanted in desired {
            let Some(found) = wanted.sought().and_then(|sought| self.searches.get(&sought)) else { continue };
            match found {
                Err(why) => rows.push(unread(wanted, &wanted.place, why)),
                Ok(found) => rows.extend(found.unread.iter().map(|(at, why)| unread(wanted, at, why))),
            }
        }
        rows
    }

    /// Who found a place, if it was found: the App that looked.
    pub(super) fn finders(&self) -> BTreeMap<Place, Option<Named>> {
        let found = self.searches.iter().filter_map(|((app, ..), found)| Some((app, found.as_ref().ok()?)));
        let of = |(app, found): (&Option<Named>, &Finding)| {
            found.places.iter().map(|place| (place.folded(), app.clone())).collect::<Vec<_>>()
        };
        found.flat_map(of).collect()
    }
}

/// One row for all that is not known of a search, at the token's secret.
fn unread(wanted: &Desired, at: &Place, why: &Problem) -> Change {
    let unknown = || UNKNOWN.to_owned();
    let repo = Some(at.repo.clone().unwrap_or_else(unknown));
    let store = match (&wanted.place.store, &at.repo) {
        (Store::Environment(_), Some(_)) => Store::Environment(unknown()),
        (store, _) => store.clone(),
    };
    let place = Place { repo, store, ..at.clone() };
    let credentials = BTreeSet::from([wanted.credential.clone()]);
    let reason = Reason::Unreadable(why.clone());
    Change::new(place.secret(&wanted.names.token), credentials, Action::Unread, reason)
}

/// A list: who asks for it, whose repositories, and of which team.
type List = (Option<Named>, String, Option<String>);

fn list_of(desired: &Desired) -> Option<List> {
    let search = desired.search.as_ref().filter(|search| !search.repositories.is_empty())?;
    Some((desired.app.clone(), desired.place.owner.to_lowercase(), search.only.team.clone()))
}

/// Looks for everything that is not named: each list once, at most `concurrency` requests at once. An error is data.
pub(super) async fn look(
    clients: &Clients,
    desired: &[Desired],
    concurrency: usize,
) -> BTreeMap<Sought, Read<Finding>> {
    let mut wanted: BTreeMap<List, &Desired> = BTreeMap::new();
    for desired in desired {
        if let Some(list) = list_of(desired) {
            wanted.entry(list).or_insert(desired);
        }
    }
    let lists = wanted.into_iter().map(|(list, desired)| async move {
        let team = list.2.as_deref();
        let rows = match clients.at(desired.app.as_ref(), &desired.place) {
            Ok(client) => {
                let is_app = clients.is_app(desired.app.as_ref(), &desired.place);
                listing::repositories(client, &desired.place.owner, team, is_app).await
            }
            Err(why) => Err(why),
        };
        (list, rows)
    });
    let lists: BTreeMap<List, Read<Vec<Row>>> =
        stream::iter(lists).buffer_unordered(concurrency.max(1)).collect().await;
    let mut searches: BTreeMap<Sought, Read<Finding>> = BTreeMap::new();
    for desired in desired {
        let Some(sought) = desired.sought() else { continue };
        let found = match list_of(desired).and_then(|list| lists.get(&list)) {
            None => {
                Ok(Finding { fit: 1, of: 1, places: [desired.place.clone()].into(), ..Finding::default() })
            }
            Some(rows) => rows.as_ref().map(|rows| among(desired, rows)).map_err(Clone::clone),
        };
        let found = match (found, desired.seeks_environments()) {
            (Ok(found), Some(pattern)) => {
                Ok(environments(clients, desired, found, pattern, concurrency).await)
            }
            (found, _) => found,
        };
        searches.insert(sought, found);
    }
    searches
}

/// The repositories of a list that are looked for. Archived ones take no writes, and a fork is somebody else's.
fn among(desired: &Desired, rows: &[Row]) -> Finding {
    let Desired { place, search, .. } = desired;
    let mut found = Finding { of: rows.len(), ..Finding::default() };
    let Some(search) = search else { return found };
    found.of_organization = rows.iter().any(|row| row.of_organization);
    for row in rows.iter().filter(|row| search.takes(&row.name) && row.is(&search.only)) {
        if row.archived {
            found.archived.insert(row.name.clone());
        } else if row.fork {
            found.forks.insert(row.name.clone());
        } else {
            found.places.insert(Place { repo: Some(row.name.clone()), ..place.clone() });
        }
    }
    found.fit = found.places.len();
    if found.fit == 0 {
        let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        let wanted = search.repositories.iter().filter(|pattern| !pattern.out);
        let bare = wanted.map(|pattern| pattern.name.replace(['*', '?'], ""));
        found.near = bare.filter_map(|name| nearest(&name, &names)).map(str::to_owned).next();
    }
    found
}

/// The environments of these repositories that the pattern fits.
async fn environments(
    clients: &Clients,
    desired: &Desired,
    found: Finding,
    pattern: &str,
    concurrency: usize,
) -> Finding {
    let lists = found.places.iter().map(|place| async move {
        let names = match clients.at(desired.app.as_ref(), &desired.place) {
            Ok(client) => listing::environments(client, place).await,
            Err(why) => Err(why),
        };
        (place, names)
    });
    let lists: Vec<_> = stream::iter(lists).buffer_unordered(concurrency.max(1)).collect().await;
    let (mut places, mut unread) = (BTreeSet::new(), BTreeMap::new());
    for (place, names) in lists {
        let at = |name: String| Place { store: Store::Environment(name), ..place.clone() };
        match names {
            Ok(names) => places.extend(names.into_iter().filter(|name| fits(pattern, name)).map(at)),
            Err(why) => drop(unread.insert(place.clone(), why)),
        }
    }
    Finding { places, unread, ..found }
}

#[cfg(test)]
mod tests {
    use super::super::Names;
    use super::super::pattern::{Only, Pattern};
    use super::*;

    fn wanted(repo: Option<&str>, pattern: Option<&str>) -> Desired {
        let credential = CredentialId("docker-hub".to_owned());
        let search = pattern.map(|name| Search {
            repositories: vec![Pattern { out: false, name: name.to_owned() }],
            only: Only::default(),
        });
        let place = Place { owner: "acme".to_owned(), repo: repo.map(str::to_owned), store: Store::Actions };
        let names = Names::of(&credential);
        let (create_environment, audience, app, insecure) = (false, None, None, false);
        Desired { credential, place, search, names, create_environment, audience, app, insecure }
    }

    fn row(name: &str, archived: bool, fork: bool) -> Row {
        Row { name: name.to_owned(), archived, fork, ..Row::default() }
    }

    #[test]
    fn archived_repositories_and_forks_are_skipped_and_counted() {
        let rows = [row("svc-a", false, false), row("svc-old", true, true), row("svc-fork", false, true)];
        let found = among(&wanted(None, Some("svc-*")), &rows);
        let names: Vec<_> = found.places.iter().filter_map(|place| place.repo.as_deref()).collect();
        assert_eq!((names, found.fit, found.of), (vec!["svc-a"], 1, 3));
        assert_eq!(
            (found.archived, found.forks),
            (["svc-old".to_owned()].into(), ["svc-fork".to_owned()].into())
        );
    }

    #[test]
    fn where_nothing_fits_the_nearest_name_is_known() {
        let found = among(&wanted(None, Some("svcs-*")), &[row("svc-a", false, false)]);
        assert_eq!(found.near.as_deref(), Some("svc-a"));
    }

    #[test]
    fn a_place_that_is_named_or_found_before_is_not_a_second_one() {
        let desired = [wanted(None, Some("*")), wanted(Some("API"), None), wanted(None, Some("a*"))];
        let mut observed = Observed::default();
        for wanted in &desired {
            let found = among(wanted, &[row("api", false, false), row("app", false, false)]);
            observed.searches.extend(wanted.sought().map(|sought| (sought, Ok(found))));
        }
        let all: Vec<String> = observed.all(&desired).iter().map(|place| place.place.name()).collect();
        assert_eq!(all, ["acme/API", "acme/app"]);
    }
}
