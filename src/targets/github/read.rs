//! Reading GitHub: which secrets there are and when they were written, and our marker. Nothing here
//! can write.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use futures::stream::{self, StreamExt};
use http::StatusCode;
use serde_json::Value;

use super::client::segment;
use super::{Client, Desired, Found, GithubError, Observed, Place, Store};
use crate::plan::{Read, Unreadable};

/// GitHub's largest page of secrets.
const PAGE: usize = 100;

impl Place {
    /// The API's path of the repository.
    #[must_use]
    pub(super) fn repository(&self) -> String {
        format!("/repos/{}/{}", segment(&self.owner), segment(&self.repo))
    }

    /// The API's path of the place's secrets.
    #[must_use]
    pub(super) fn secrets(&self) -> String {
        let repository = self.repository();
        match &self.store {
            Store::Actions => format!("{repository}/actions/secrets"),
            Store::Environment(name) => format!("{repository}/environments/{}/secrets", segment(name)),
            Store::Dependabot => format!("{repository}/dependabot/secrets"),
        }
    }

    /// The API's path of the variables among which the place's marker is.
    #[must_use]
    pub(super) fn variables(&self) -> String {
        let repository = self.repository();
        match &self.store {
            Store::Environment(name) => format!("{repository}/environments/{}/variables", segment(name)),
            Store::Actions | Store::Dependabot => format!("{repository}/actions/variables"),
        }
    }
}

/// Reads every declared place, at most `concurrency` at once. An error is data.
pub async fn observe(client: &Read<Client>, desired: &[Desired], concurrency: usize) -> Observed {
    let reads = desired.iter().map(|desired| async move {
        let found = match client {
            Ok(client) => place(client, desired).await,
            Err(unreadable) => unread(unreadable),
        };
        (desired.place.clone(), found)
    });
    let places = stream::iter(reads).buffer_unordered(concurrency.max(1)).collect::<Vec<_>>().await;
    Observed { places: places.into_iter().collect() }
}

fn unread(unreadable: &Unreadable) -> Found {
    Found {
        secrets: Err(unreadable.clone()),
        marker: Err(unreadable.clone()),
        archived: false,
        environment_absent: false,
        renamed: None,
    }
}

async fn place(client: &Client, desired: &Desired) -> Found {
    let (secrets, marker) = tokio::join!(secrets(client, &desired.place), marker(client, desired));
    let settled = matches!((&secrets, &marker), (Ok((list, _)), Ok(Some(marker)))
        if marker.names.iter().all(|name| list.contains_key(name)));
    let redirected = matches!(&secrets, Ok((_, true)));
    let mut found = Found {
        secrets: secrets.map(|(list, _)| list).map_err(|error| error.unreadable()),
        marker: marker.map_err(|error| error.unreadable()),
        archived: false,
        environment_absent: false,
        renamed: None,
    };
    // Only where something may have to be written does it matter whether that is possible.
    if !settled || redirected {
        repository(client, desired, &mut found).await;
    }
    found
}

/// All secrets with the time of their last write, and whether the repository was renamed.
async fn secrets(
    client: &Client,
    place: &Place,
) -> Result<(BTreeMap<String, DateTime<Utc>>, bool), GithubError> {
    let mut secrets = BTreeMap::new();
    for page in 1.. {
        let path = format!("{}?per_page={PAGE}&page={page}", place.secrets());
        let answer = client.get(&path).await?;
        let listed = answer.body["secrets"].as_array().map_or(&[][..], Vec::as_slice);
        secrets.extend(listed.iter().filter_map(named));
        let total = answer.body["total_count"].as_u64().unwrap_or_default();
        if listed.len() < PAGE || (page * PAGE) as u64 >= total {
            return Ok((secrets, answer.redirected));
        }
    }
    Ok((secrets, false))
}

fn named(secret: &Value) -> Option<(String, DateTime<Utc>)> {
    let updated = DateTime::parse_from_rfc3339(secret["updated_at"].as_str()?).ok()?;
    Some((secret["name"].as_str()?.to_owned(), updated.to_utc()))
}

/// The marker by its own name: listing variables would take a request for every 30 of them.
async fn marker(client: &Client, desired: &Desired) -> Result<Option<super::Marker>, GithubError> {
    let path = format!("{}/{}", desired.place.variables(), segment(&desired.names.marker));
    match client.get(&path).await {
        Ok(answer) => Ok(answer.body["value"].as_str().and_then(|text| text.parse().ok())),
        Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether the repository takes writes, what it is called now, and whether the environment is there.
async fn repository(client: &Client, desired: &Desired, found: &mut Found) {
    let Ok(answer) = client.get(&desired.place.repository()).await else { return };
    found.archived = answer.body["archived"].as_bool().unwrap_or(false);
    let name = answer.body["full_name"].as_str().unwrap_or_default();
    let declared = format!("{}/{}", desired.place.owner, desired.place.repo);
    found.renamed = (!name.is_empty() && !name.eq_ignore_ascii_case(&declared)).then(|| name.to_owned());
    if let Store::Environment(environment) = &desired.place.store
        && found.secrets.is_err()
    {
        absent_environment(client, desired, environment, found).await;
    }
}

async fn absent_environment(client: &Client, desired: &Desired, environment: &str, found: &mut Found) {
    let path = format!("{}/environments/{}", desired.place.repository(), segment(environment));
    let absent = client.get(&path).await.is_err_and(|error| error.status() == Some(StatusCode::NOT_FOUND));
    if !absent {
        return;
    }
    if desired.create_environment {
        found.environment_absent = true;
        found.secrets = Ok(BTreeMap::new());
        found.marker = Ok(None);
    } else {
        found.secrets = Err(Unreadable {
            reason: format!("the environment {environment} does not exist"),
            hint: Some(format!(
                "make it in the repository's settings, or add `create-environment: true` to {environment}"
            )),
            login: false,
        });
    }
}
