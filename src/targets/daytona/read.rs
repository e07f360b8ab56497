//! Reading Daytona: the registry list and which key it is. Nothing here can write.

use super::{Client, Desired, Observed};
use crate::change::Read;
use crate::model::Problem;
use crate::targets::Look;

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
        Ok(list) => {
            Observed { rows: Ok(list.rows), version: list.version, key: client.key().await.ok(), api }
        }
        Err(unreadable) => Observed { rows: Err(unreadable), api, ..Observed::default() },
    }
}
