//! Proving cache rules: ECR reads the secret and logs in upstream with it.

use std::collections::BTreeMap;

use futures::stream::{self, StreamExt};

use super::{Observed, Operation, Session, read};
use crate::aws::{Client, Clients};
use crate::change::Finding;
use crate::model::{Address, AwsItem, Problem};
use crate::redact;
use crate::targets::Proof;

/// Has ECR validate the cache rules among the rows.
pub async fn verify(proof: &Proof<'_, Operation>, clients: &Clients, observed: &Observed) -> Vec<Finding> {
    let clients = by_place(clients, observed);
    let proofs = proof.rows.iter().filter_map(|change| {
        let Address::Aws { account, region, item: AwsItem::CacheRule(prefix) } = change.address else {
            return None;
        };
        let client = *clients.get(&(account.as_deref()?, region.as_str()))?;
        let address = change.address.clone();
        Some(async move { Finding::proof(address, "by ECR", prove(client, prefix).await) })
    });
    stream::iter(proofs).buffer_unordered(proof.concurrency.max(1)).collect().await
}

/// A client that is logged in, for each account and region.
fn by_place<'a>(clients: &'a Clients, observed: &'a Observed) -> BTreeMap<(&'a str, &'a str), &'a Client> {
    let place = |(session, client): (&'a Session, &'a Client)| {
        let identity = observed.identities.get(session)?.as_ref().ok()?;
        Some(((identity.account.as_str(), session.region.as_str()), client))
    };
    clients.iter().filter_map(place).collect()
}

async fn prove(client: &Client, prefix: &str) -> Result<(), Problem> {
    let validation = read::validate(client, prefix).await?;
    if validation.valid {
        return Ok(());
    }
    let words =
        validation.failure.map_or_else(|| "ECR gave no reason".to_owned(), |words| redact::outside(&words));
    let failure = Problem::outside(format!("ECR cannot log in with the secret: {words}"));
    Err(failure.hints([
        "if something was just changed, wait a minute, then: regcred verify".to_owned(),
        "the value itself is never read; to write it again, under another version's id: regcred sync --rewrite"
            .to_owned(),
        "if that does not help, compare the secret's policy with docs/aws.md, \"Who may read\"".to_owned(),
    ]))
}
