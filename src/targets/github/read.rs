//! Reading GitHub: which secrets there are and when they were written, and our marker. Nothing here
//! can write.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use futures::future;
use futures::stream::{self, StreamExt};
use http::{Method, StatusCode};
use serde_json::Value;

use super::{Audience, Client, Clients, Desired, Found, GithubError, Observed, Place, Store, found};
use crate::change::Read;
use crate::model::Problem;
use crate::net::{MAX_PAGES, segment};
use crate::targets::Look;

/// GitHub's largest page of secrets.
const PAGE: usize = 100;

impl Place {
    /// The API's path of the repository or the organization.
    #[must_use]
    pub(super) fn root(&self) -> String {
        match &self.repo {
            Some(repo) => format!("/repos/{}/{}", segment(&self.owner), segment(repo)),
            None => format!("/orgs/{}", segment(&self.owner)),
        }
    }

    /// The API's path of the place's secrets.
    #[must_use]
    pub(super) fn secrets(&self) -> String {
        let root = self.root();
        match &self.store {
            Store::Actions => format!("{root}/actions/secrets"),
            Store::Environment(name) => format!("{root}/environments/{}/secrets", segment(name)),
            Store::Dependabot => format!("{root}/dependabot/secrets"),
        }
    }

    /// The API's path of the variables among which the place's marker is.
    #[must_use]
    pub(super) fn variables(&self) -> String {
        let root = self.root();
        match &self.store {
            Store::Environment(name) => format!("{root}/environments/{}/variables", segment(name)),
            Store::Actions | Store::Dependabot => format!("{root}/actions/variables"),
        }
    }
}

/// Whether repositories are looked for.
pub(super) fn seeks(desired: &[Desired]) -> bool {
    desired.iter().any(|place| place.search.is_some() && place.place.repo.is_none())
}

/// Looks for what is not named, and reads every place of the shard, at most so many at once. An error is data.
pub async fn observe(clients: &Clients, desired: &[Desired], look: &Look<'_>) -> Observed {
    let concurrency = look.concurrency;
    if let Some(shard) = look.shard {
        clients.share(usize::from(shard.count()));
    }
    let searches = found::look(clients, desired, concurrency).await;
    let mut observed = Observed { places: BTreeMap::new(), searches };
    let shard = look.shard.filter(|_| seeks(desired));
    let is_here = |place: &Place| place.repo.is_none() || shard.is_none_or(|it| it.takes(&place.name()));
    let places = observed.all(desired).into_iter().filter(|desired| is_here(&desired.place));
    let reads = places.map(|desired| async move {
        // A list has told of what was found whether it takes writes and what it is called now.
        let is_known = matches!(desired, Cow::Owned(_));
        let found = match clients.at(desired.app.as_ref(), &desired.place) {
            Ok(client) => place(client, &desired, is_known).await,
            Err(unreadable) => unread(&unreadable),
        };
        (desired.key(), found)
    });
    let places: Vec<_> = stream::iter(reads).buffer_unordered(concurrency.max(1)).collect().await;
    observed.places.extend(places);
    observed
}

pub(super) fn unread(unreadable: &Problem) -> Found {
    Found {
        secrets: Err(unreadable.clone()),
        audiences: BTreeMap::new(),
        marker: Err(unreadable.clone()),
        archived: false,
        of_organization: false,
        environment_absent: false,
        renamed: BTreeMap::new(),
    }
}

async fn place(client: &Client, desired: &Desired, is_known: bool) -> Found {
    let (secrets, marker) = tokio::join!(secrets(client, desired), marker(client, desired));
    // What a record says of secrets is not known while it cannot be read.
    let (secrets, marker) = match marker {
        Ok(marker) => (secrets.map_err(Problem::from), marker),
        Err(unread) => (Err(secrets.map_or_else(Problem::from, |_| unread.clone())), Err(unread)),
    };
    let settled = matches!((&secrets, &marker), (Ok(read), Ok(Some(marker)))
        if marker.names.iter().all(|name| read.times.contains_key(name)));
    let redirected = secrets.as_ref().is_ok_and(|read| read.redirected);
    let audiences = secrets.as_ref().map(|read| read.audiences.clone()).unwrap_or_default();
    let renamed = secrets.as_ref().map(|read| read.renamed.clone()).unwrap_or_default();
    let mut found = Found {
        secrets: secrets.map(|read| read.times),
        audiences,
        marker,
        archived: false,
        of_organization: false,
        environment_absent: false,
        renamed,
    };
    // Only where something may have to be written does it matter whether that is possible.
    if desired.place.repo.is_some() && (redirected || !settled && !is_known) {
        repository(client, desired, &mut found).await;
    } else if is_known {
        environment(client, desired, &mut found).await;
    }
    found
}

/// The secrets of a place.
struct Secrets {
    /// When each was last written.
    times: BTreeMap<String, DateTime<Utc>>,
    /// Who sees those of our names, in an organization.
    audiences: BTreeMap<String, Audience>,
    /// The present names of repositories among those that see them, by the declared ones.
    renamed: BTreeMap<String, String>,
    /// Whether the repository was renamed.
    redirected: bool,
}

/// Who sees a secret.
struct Seen {
    by: Audience,
    /// The present names of repositories among them, by the declared ones.
    renamed: BTreeMap<String, String>,
}

impl From<Audience> for Seen {
    fn from(by: Audience) -> Self {
        Self { by, renamed: BTreeMap::new() }
    }
}

async fn secrets(client: &Client, desired: &Desired) -> Result<Secrets, GithubError> {
    let (listed, redirected) = list(client, &desired.place.secrets(), "secrets").await?;
    let ours = [&desired.names.username, &desired.names.token];
    let seen = listed.iter().filter_map(|secret| {
        let name = ours.into_iter().find(|name| secret["name"] == name.as_str())?;
        Some(async move { Ok((name.clone(), audience(client, desired, name, secret).await?)) })
    });
    let seen: Vec<(String, Option<Seen>)> = future::try_join_all(seen).await?;
    let times = listed.iter().filter(|secret| ours.into_iter().any(|name| secret["name"] == name.as_str()));
    let times = times
        .map(|secret| named(secret).ok_or_else(|| unusable(&desired.place.secrets(), TIMELESS.to_owned())));
    let times = times.collect::<Result<_, _>>()?;
    let mut secrets = Secrets { times, audiences: BTreeMap::new(), renamed: BTreeMap::new(), redirected };
    for (name, seen) in seen {
        let Some(Seen { by, renamed }) = seen else { continue };
        secrets.audiences.insert(name, by);
        secrets.renamed.extend(renamed);
    }
    Ok(secrets)
}

/// When each secret of a place was last written.
pub(super) async fn times(
    client: &Client,
    place: &Place,
) -> Result<BTreeMap<String, DateTime<Utc>>, GithubError> {
    let (listed, _) = list(client, &place.secrets(), "secrets").await?;
    Ok(listed.iter().filter_map(named).collect())
}

/// A whole list, page by page, and whether it was redirected.
async fn list(client: &Client, path: &str, what: &str) -> Result<(Vec<Value>, bool), GithubError> {
    pages(client, &format!("{path}?"), what, PAGE).await
}

/// The same of a path to whose end a parameter can be written, and with so many rows in a page.
pub(super) async fn pages(
    client: &Client,
    path: &str,
    what: &str,
    size: usize,
) -> Result<(Vec<Value>, bool), GithubError> {
    let mut all = Vec::new();
    for page in 1..=MAX_PAGES {
        let mut answer = client.get(&format!("{path}per_page={size}&page={page}")).await?;
        let total = answer.body["total_count"].as_u64().unwrap_or_default();
        let Value::Array(rows) = answer.body[what].take() else {
            return Err(unusable(path, format!("the answer has no list of {what}")));
        };
        let last = rows.len() < size || (page * size) as u64 >= total;
        all.extend(rows);
        if last {
            return Ok((all, answer.redirected));
        }
    }
    Err(unusable(path, format!("the list of {what} has no end: {MAX_PAGES} pages were read")))
}

fn unusable(path: &str, cause: String) -> GithubError {
    GithubError::unusable(&Method::GET, path, Problem::outside(cause))
}

/// Who sees an organization's secret; nothing for one of a repository.
async fn audience(
    client: &Client,
    desired: &Desired,
    name: &str,
    secret: &Value,
) -> Result<Option<Seen>, GithubError> {
    let place = &desired.place;
    Ok(match (&place.repo, secret["visibility"].as_str()) {
        (None, Some("all")) => Some(Audience::All.into()),
        (None, Some("private")) => Some(Audience::Private.into()),
        (None, Some("selected")) => {
            let path = format!("{}/{}/repositories", place.secrets(), segment(name));
            let (repositories, _) = list(client, &path, "repositories").await?;
            let listed = repositories.iter().filter_map(|repository| {
                Some((repository["id"].as_u64()?, repository["name"].as_str()?.to_ascii_lowercase()))
            });
            Some(as_declared(client, desired, listed.collect()).await)
        }
        _ => None,
    })
}

/// These repositories, by id and name, see it; one that was renamed is called as it is declared.
async fn as_declared(client: &Client, desired: &Desired, mut listed: BTreeMap<u64, String>) -> Seen {
    let names: BTreeSet<String> = listed.values().cloned().collect();
    let mut renamed = BTreeMap::new();
    if let Some(Audience::Selected(declared)) = &desired.audience {
        for old in declared.difference(&names) {
            let path = format!("/repos/{}/{}", segment(&desired.place.owner), segment(old));
            let id = client.get(&path).await.ok().and_then(|answer| answer.body["id"].as_u64());
            if let Some(name) = id.and_then(|id| listed.get_mut(&id)) {
                let full = |name: &str| format!("{}/{name}", desired.place.owner);
                renamed.insert(full(old), full(name));
                old.clone_into(name);
            }
        }
    }
    Seen { by: Audience::Selected(listed.into_values().collect()), renamed }
}

/// A secret that is there is not taken for absent.
const TIMELESS: &str = "a secret has no time of its last write";

fn named(secret: &Value) -> Option<(String, DateTime<Utc>)> {
    let updated = DateTime::parse_from_rfc3339(secret["updated_at"].as_str()?).ok()?;
    Some((secret["name"].as_str()?.to_owned(), updated.to_utc()))
}

/// The marker by its own name: listing variables would take a request for every 30 of them.
///
/// # Errors
/// The inner one: no record can be kept there. The outer one: whether there is one could not be read.
async fn marker(client: &Client, desired: &Desired) -> Read<Read<Option<super::Marker>>> {
    let path = format!("{}/{}", desired.place.variables(), segment(&desired.names.marker));
    match client.get(&path).await {
        Ok(answer) => Ok(Ok(answer.body["value"].as_str().and_then(|text| text.parse().ok()))),
        Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => Ok(match error.without_variables() {
            Some(version) => Err(Problem::outside(format!(
                "GitHub Enterprise Server {version} has no variables; they came with 3.8"
            ))),
            None => Ok(None),
        }),
        Err(error) if error.is_about_rights() => Ok(Err(error.into())),
        Err(error) => Err(error.into()),
    }
}

/// Whether the repository takes writes, what it is called now, and whether the environment is there.
async fn repository(client: &Client, desired: &Desired, found: &mut Found) {
    let Ok(answer) = client.get(&desired.place.root()).await else { return };
    found.archived = answer.body["archived"].as_bool().unwrap_or(false);
    found.of_organization = answer.body["owner"]["type"] == "Organization";
    let name = answer.body["full_name"].as_str().unwrap_or_default();
    let same = name.eq_ignore_ascii_case(&desired.place.name());
    if !name.is_empty() && !same {
        found.renamed.insert(desired.place.name(), name.to_owned());
    }
    environment(client, desired, found).await;
}

/// Whether the environment is there, where its secrets cannot be read.
async fn environment(client: &Client, desired: &Desired, found: &mut Found) {
    if let Store::Environment(environment) = &desired.place.store
        && found.secrets.is_err()
    {
        absent_environment(client, desired, environment, found).await;
    }
}

async fn absent_environment(client: &Client, desired: &Desired, environment: &str, found: &mut Found) {
    let path = format!("{}/environments/{}", desired.place.root(), segment(environment));
    let absent = client.get(&path).await.is_err_and(|error| error.status() == Some(StatusCode::NOT_FOUND));
    if !absent {
        return;
    }
    if desired.create_environment {
        found.environment_absent = true;
        found.secrets = Ok(BTreeMap::new());
        found.marker = Ok(None);
    } else {
        found.secrets =
            Err(Problem::outside(format!("the environment {environment} does not exist")).hint(format!(
                "make it in the repository's settings, or add `create-environment: true` to {environment}"
            )));
    }
}
