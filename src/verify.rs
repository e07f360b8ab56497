//! Proving what is in place: ECR reads the secret and logs in upstream with it.

use futures::stream::{self, StreamExt};

use crate::model::{Address, AwsItem};
use crate::plan::{Change, Plan};
use crate::report::Finding;
use crate::targets::Failure;
use crate::targets::aws::{self, config::Clients};

/// Which rules are proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All that exist.
    All,
    /// Those that this run touched, by themselves or by what they depend on.
    Touched,
}

/// Has ECR validate the plan's rules in `scope` for which `exists` holds.
pub async fn verify(
    plan: &Plan,
    clients: &Clients,
    observed: &aws::Observed,
    scope: Scope,
    exists: impl Fn(&Change) -> bool,
    concurrency: usize,
) -> Vec<Finding> {
    let rules = plan.changes.iter().filter(|change| exists(change) && concerns(plan, change, scope));
    let proofs = rules.filter_map(|change| {
        let Address::Aws { account, region, item: AwsItem::CacheRule(prefix) } = &change.address else {
            return None;
        };
        let client = client(clients, observed, account.as_deref()?, region)?;
        Some(async move { Finding { address: change.address.clone(), result: prove(client, prefix).await } })
    });
    let mut findings: Vec<Finding> =
        stream::iter(proofs).buffer_unordered(concurrency.max(1)).collect().await;
    findings.sort_by(|one, other| one.address.cmp(&other.address));
    findings
}

/// The client that is logged in to the account, in the region.
fn client<'a>(
    clients: &'a Clients,
    observed: &aws::Observed,
    account: &str,
    region: &str,
) -> Option<&'a aws::config::Client> {
    clients.iter().find_map(|(session, client)| {
        let identity = observed.identities.get(session)?.as_ref().ok()?;
        (identity.account == account && session.region == region).then_some(client)
    })
}

fn concerns(plan: &Plan, change: &Change, scope: Scope) -> bool {
    let touched = |address: &Address| {
        plan.changes.iter().any(|other| {
            other.address == *address
                && (other.action.writes() || other.after.iter().any(|before| writes(plan, before)))
        })
    };
    scope == Scope::All || change.action.writes() || change.after.iter().any(touched)
}

fn writes(plan: &Plan, address: &Address) -> bool {
    plan.changes.iter().any(|change| change.address == *address && change.action.writes())
}

async fn prove(client: &aws::config::Client, prefix: &str) -> Result<(), Failure> {
    let validation = aws::read::validate(client, prefix).await?;
    if validation.valid {
        return Ok(());
    }
    let words = validation.failure.unwrap_or_else(|| "ECR gave no reason".to_owned());
    let hint = "run regcred verify again in a minute; if it stays, compare the secret's policy with README, \"Who may read\"";
    let failure = Failure::new(format!("ECR cannot log in with the secret: {words}"));
    Err(Failure { hint: Some(hint.to_owned()), ..failure })
}
