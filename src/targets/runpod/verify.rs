//! Looking at what runs: how far each endpoint's rollout is, and how its queue is. None of it proves that an image can be
//! pulled: a worker that cannot pull is just a worker that does not start.

use std::collections::BTreeMap;

use futures::stream::{self, StreamExt};

use super::read::silent;
use super::{Client, Kind, Observed, Operation, RunpodError, User};
use crate::change::{Finding, Reason};
use crate::redact;
use crate::targets::Proof;

/// Looks at the endpoints among the rows, but for those that are left alone.
pub async fn verify(proof: &Proof<'_, Operation>, client: &Client, observed: &Observed) -> Vec<Finding> {
    let endpoints = observed.each().filter(|(kind, _)| *kind == Kind::Endpoint);
    let endpoints: BTreeMap<_, &User> =
        endpoints.map(|(kind, user)| (kind.address(&user.id), user)).collect();
    let looks = proof.rows.iter().filter_map(|row| {
        let user = endpoints.get(row.address).filter(|_| !matches!(row.reason, Reason::LeftAlone(_)))?;
        let address = row.address.clone();
        Some(async move {
            Finding { state: Some(state(client, user).await), ..Finding::proof(address, "by RunPod", Ok(())) }
        })
    });
    stream::iter(looks).buffer_unordered(proof.concurrency.max(1)).collect().await
}

/// What an endpoint is doing, in words; what cannot be read is said as such.
async fn state(client: &Client, user: &User) -> String {
    let (rollout, health) = tokio::join!(rollout(client, user), health(client, user));
    let rollout = rollout.unwrap_or_else(|error| format!("its rollout cannot be read ({error})"));
    let health = health.unwrap_or_else(|error| Some(format!("its health cannot be read ({error})")));
    let words: Vec<String> = [Some(rollout), health].into_iter().flatten().collect();
    format!("{}; no proof of a pull", words.join("; "))
}

async fn rollout(client: &Client, user: &User) -> Result<String, RunpodError> {
    let releases = client.releases(&user.id, &silent).await?;
    let (latest, total) = (releases.rollout.workers_on_latest, releases.rollout.workers_total);
    if total == 0 {
        return Ok("no workers".to_owned());
    }
    if releases.is_complete() && !releases.is_legacy() {
        return Ok(format!("rollout complete, workers {total}"));
    }
    let workers = client.workers(&user.id, &silent).await?;
    let (stale, states) = (workers.stale(), counted(&workers.by_status()));
    Ok(if releases.is_complete() {
        format!("no versions, {stale} of {total} workers stale by their image ({states})")
    } else {
        format!(
            "rollout under way, {latest} of {total} workers on the latest release, {stale} stale ({states})"
        )
    })
}

async fn health(client: &Client, user: &User) -> Result<Option<String>, RunpodError> {
    let Some(url) = &user.health else { return Ok(None) };
    let health = client.health(url).await?;
    Ok(health.map(|health| {
        format!("health: workers {}, jobs {}", counted(&health.workers), counted(&health.jobs))
    }))
}

/// `1 idle, 2 running`; what there is none of is left out.
fn counted(counts: &BTreeMap<String, u64>) -> String {
    let words: Vec<String> = counts
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(name, count)| format!("{count} {}", redact::outside(name)))
        .collect();
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}
