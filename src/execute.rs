//! Executing a plan: each row as soon as what it waits for is done, independent rows beside each
//! other. The executor makes no decisions; a failure leaves alone only what depends on it.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{FuturesUnordered, StreamExt};
use tokio::sync::watch;

use crate::model::Address;
use crate::plan::{Change, Plan};
use crate::report::Outcome;
use crate::targets::{Failure, Inputs, Operation, Receipt, aws, daytona, github, runpod};
use crate::vault::Vault;

/// What happens while executing, for whoever watches.
#[derive(Clone, Debug)]
pub enum Event {
    /// A row has been started.
    Started(Address),
    /// A row waits for something, in words.
    Waiting(Address, String),
    /// A row is done.
    Applied(Address),
    /// A row could not be done, and the run is as good without it; in words.
    Skipped(Address, String),
    /// A row failed.
    Failed(Address, Failure),
}

/// What writes to each system; nothing where no login was possible (then no row needs it).
pub struct Writers<'a> {
    /// AWS.
    pub aws: aws::write::Writer<'a>,
    /// Daytona.
    pub daytona: Option<daytona::write::Writer<'a>>,
    /// GitHub.
    pub github: Option<github::write::Writer<'a>>,
    /// RunPod.
    pub runpod: Option<runpod::write::Writer<'a>>,
}

impl Writers<'_> {
    async fn write(&self, operation: &Operation, inputs: &Inputs<'_>) -> Result<Receipt, Failure> {
        let no_login = |system: &str| Failure::new(format!("no login for {system}"));
        match operation {
            Operation::Aws(operation) => self.aws.write(operation, inputs).await,
            Operation::Daytona(operation) => {
                let daytona = self.daytona.as_ref().ok_or_else(|| no_login("Daytona"))?;
                daytona.write(operation, inputs).await
            }
            Operation::Github(operation) => {
                let github = self.github.as_ref().ok_or_else(|| no_login("GitHub"))?;
                github.write(operation, inputs).await
            }
            Operation::Runpod(operation) => {
                let runpod = self.runpod.as_ref().ok_or_else(|| no_login("RunPod"))?;
                runpod.write(operation, inputs).await
            }
        }
    }
}

/// How far one row is.
enum State {
    Waiting,
    Running,
    Done(Receipt),
    Failed,
}

/// Executes the plan's writing rows, at most `concurrency` at once, and tells what came of each.
/// After `stop` turns true no further row is started; those running are finished.
pub async fn execute(
    plan: &Plan,
    writers: &Writers<'_>,
    vault: &Vault,
    concurrency: usize,
    stop: watch::Receiver<bool>,
    event: &(dyn Fn(Event) + Sync),
) -> BTreeMap<Address, Outcome> {
    let rows: BTreeMap<&Address, &Change> = plan
        .changes
        .iter()
        .filter(|change| change.action.writes())
        .map(|change| (&change.address, change))
        .collect();
    let mut states: BTreeMap<&Address, State> =
        rows.keys().map(|address| (*address, State::Waiting)).collect();
    let mut outcomes = BTreeMap::new();
    let mut running = FuturesUnordered::new();
    loop {
        let free = concurrency.max(1).saturating_sub(running.len());
        let ready = if *stop.borrow() { Vec::new() } else { ready(&rows, &states, free) };
        for change in ready {
            states.insert(&change.address, State::Running);
            event(Event::Started(change.address.clone()));
            running.push(run(change, writers, vault, receipts(change, &states), event));
        }
        let Some((change, result)) = running.next().await else { break };
        let (state, outcome) = match result {
            Ok(receipt) => {
                event(Event::Applied(change.address.clone()));
                (State::Done(receipt), Outcome::Applied)
            }
            Err(failure) if failure.harmless => {
                event(Event::Skipped(change.address.clone(), failure.to_string()));
                (State::Failed, Outcome::Skipped(failure))
            }
            Err(failure) => {
                event(Event::Failed(change.address.clone(), failure.clone()));
                (State::Failed, Outcome::Failed(failure))
            }
        };
        states.insert(&change.address, state);
        outcomes.insert(change.address.clone(), outcome);
    }
    outcomes.extend(not_started(&rows, &states));
    outcomes
}

async fn run<'a>(
    change: &'a Change,
    writers: &Writers<'_>,
    vault: &Vault,
    receipts: BTreeMap<Address, Receipt>,
    event: &(dyn Fn(Event) + Sync),
) -> (&'a Change, Result<Receipt, Failure>) {
    let say = |words: String| event(Event::Waiting(change.address.clone(), words));
    let inputs = Inputs { vault, receipts, say: &say };
    let result = match &change.operation {
        Some(operation) => writers.write(operation, &inputs).await,
        None => Err(Failure::new("the plan says that it changes, but not how")),
    };
    (change, result)
}

/// Waiting rows whose every prerequisite is done, or not part of this run's writes.
fn ready<'a>(
    rows: &BTreeMap<&'a Address, &'a Change>,
    states: &BTreeMap<&'a Address, State>,
    free: usize,
) -> Vec<&'a Change> {
    let done = |address: &Address| states.get(address).is_none_or(|state| matches!(state, State::Done(_)));
    let waiting = |change: &&&Change| matches!(states.get(&change.address), Some(State::Waiting));
    rows.values().filter(waiting).filter(|change| change.after.iter().all(done)).take(free).copied().collect()
}

/// The receipts of what the row waited for.
fn receipts(change: &Change, states: &BTreeMap<&Address, State>) -> BTreeMap<Address, Receipt> {
    let receipt = |address: &Address| match states.get(address) {
        Some(State::Done(receipt)) => Some((address.clone(), receipt.clone())),
        _ => None,
    };
    change.after.iter().filter_map(receipt).collect()
}

fn not_started(
    rows: &BTreeMap<&Address, &Change>,
    states: &BTreeMap<&Address, State>,
) -> Vec<(Address, Outcome)> {
    let unfinished: BTreeSet<&Address> = states
        .iter()
        .filter(|(_, state)| !matches!(state, State::Done(_)))
        .map(|(address, _)| *address)
        .collect();
    let waiting = states.iter().filter(|(_, state)| matches!(state, State::Waiting));
    waiting
        .filter_map(|(address, _)| {
            let before = rows.get(address)?.after.iter().find(|before| unfinished.contains(before));
            Some(((*address).clone(), Outcome::NotStarted(before.cloned())))
        })
        .collect()
}
