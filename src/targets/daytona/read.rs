//! Reading Daytona: the registry list and which key it is. Nothing here can write.

use chrono::{TimeDelta, Utc};

use super::{Client, Desired, KeyFacts, Observed};
use crate::change::Read;
use crate::model::Problem;
use crate::targets::Look;

/// A key that expires within this time is told.
const SOON: TimeDelta = TimeDelta::days(14);

/// Reads the list of the key's organization, if anything is declared there. An error is data.
pub async fn observe(client: &Read<Client>, desired: &[Desired], look: &Look<'_>) -> Observed {
    let client = match client {
        _ if desired.is_empty() => return Observed::default(),
        Ok(client) => client,
        Err(unreadable) => return Observed { rows: Err(unreadable.clone()), ..Observed::default() },
    };
    let api = client.api();
    match client.list_when_started(look).await.map_err(Problem::from) {
        // A server that does not tell what the key is does the job as well.
        Ok(list) => Observed { rows: Ok(list.rows), version: list.version, key: key(client).await, api },
        Err(unreadable) => Observed { rows: Err(unreadable), api, ..Observed::default() },
    }
}

/// What the server tells of the key, and of its end only if that is near.
async fn key(client: &Client) -> Option<KeyFacts> {
    let key = client.key().await.ok()?;
    let soon = Utc::now() + SOON;
    Some(KeyFacts { expires: key.expires.filter(|at| *at < soon), ..key })
}
