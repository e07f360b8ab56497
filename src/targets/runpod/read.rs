//! Reading RunPod: four lists, whatever is chosen, since anything may point at an earlier auth. Nothing here can write.

use std::collections::BTreeMap;

use super::{Client, Desired, Kind, Observed};
use crate::change::Read;
use crate::model::Problem;

/// Reads the account of the key, if anything is wanted there. An error is data.
pub async fn observe(client: &Read<Client>, desired: &[Desired]) -> Observed {
    if desired.is_empty() {
        return Observed::default();
    }
    let client = match client {
        Ok(client) => client,
        Err(unreadable) => {
            return Observed { auths: Err(unreadable.clone()), users: BTreeMap::new() };
        }
    };
    let users = |kind: Kind| async move { (kind, client.users(kind, &silent).await.map_err(Problem::from)) };
    let (auths, templates, endpoints, pods) =
        tokio::join!(client.auths(&silent), users(Kind::Template), users(Kind::Endpoint), users(Kind::Pod));
    Observed {
        auths: auths
            .map(|auths| auths.into_iter().map(|auth| (auth.id, auth.name)).collect())
            .map_err(Problem::from),
        users: [templates, endpoints, pods].into(),
    }
}

/// Reading has nobody to tell of a wait.
pub(super) fn silent(_: String) {}
