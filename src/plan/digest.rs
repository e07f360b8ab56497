//! The plan's digest: what `sync --expect` compares.

use ring::digest::{Context, SHA256};
use serde::Serialize;

use super::{Change, Plan};
use crate::change::Access;
use crate::model::{Address, CredentialId};
use crate::systems::Operation;

/// A row as the digest sees it: everything that decides what is written, nothing that moves by itself.
#[derive(Serialize)]
struct Row<'a> {
    address: &'a Address,
    credentials: Vec<&'a CredentialId>,
    stacks: Vec<&'a String>,
    action: &'static str,
    reason: &'static str,
    after: Vec<&'a Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    readers: Option<Vec<&'a str>>,
    operation: Option<&'a Operation>,
}

impl<'a> From<&'a Change> for Row<'a> {
    fn from(change: &'a Change) -> Self {
        let Change { address, identity: _, credentials, stacks, action, reason, .. } = change;
        let Change { after, details: _, access, operation, .. } = change;
        Row {
            address,
            credentials: credentials.iter().collect(),
            stacks: stacks.iter().collect(),
            action: action.word(),
            reason: reason.name(),
            after: after.iter().collect(),
            readers: access.as_ref().map(Access::whoever_runs),
            operation: operation.as_ref(),
        }
    }
}

pub(super) fn of(plan: &Plan) -> String {
    let rows: Vec<Row<'_>> = plan.changes.iter().map(Row::from).collect();
    let fingerprints: Vec<(&str, String)> =
        plan.fingerprints.iter().map(|(id, fingerprint)| (id.0.as_str(), fingerprint.full())).collect();
    let mut hash = Context::new(&SHA256);
    hash.update(b"regcred/plan/v1\n");
    // Serializing plain strings and lists cannot fail; an empty text would only ever refuse `--expect`.
    hash.update(&serde_json::to_vec(&(rows, fingerprints)).unwrap_or_default());
    hex::encode(hash.finish())
}
