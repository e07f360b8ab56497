//! Executing a plan: each row as soon as what it waits for is done, independent rows beside each
//! other. The executor makes no decisions; a failure leaves alone only what depends on it.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{FuturesUnordered, StreamExt};
use tokio::sync::watch;

use crate::change::{Inputs, Operation, Receipt};
use crate::model::{Address, Effect, Problem};
use crate::plan::{Change, Plan};
use crate::report::Outcome;
use crate::systems::Writers;
use crate::vault::Vault;

/// What happens while executing, for whoever watches.
#[derive(Clone, Debug)]
pub enum Event {
    /// A row has been started.
    Started(Address),
    /// A row waits for something, in words.
    Waiting(Address, String),
    /// A row is done, and gave this.
    Applied(Address, Receipt),
    /// A row could not be done, and the run works without it; in words.
    Skipped(Address, Problem),
    /// A row failed.
    Failed(Address, Problem),
}

/// How far one row is.
enum State {
    Waiting,
    Running,
    Done(Receipt),
    Failed,
    /// It needs nothing to be done, and so does what depends on it.
    Skipped,
}

/// The rows that are still to be started. With thousands of them, a look at all after each one takes too long.
struct Queue<'a> {
    /// How many rows of this run each row still waits for.
    waits: BTreeMap<&'a Address, usize>,
    /// Which rows wait for a row.
    waiting: BTreeMap<&'a Address, Vec<&'a Address>>,
    /// Those that wait for nothing more.
    ready: BTreeSet<&'a Address>,
}

impl<'a> Queue<'a> {
    fn of(rows: &BTreeMap<&'a Address, &'a Change>) -> Self {
        let mut queue = Self { waits: BTreeMap::new(), waiting: BTreeMap::new(), ready: BTreeSet::new() };
        for (address, change) in rows {
            let before: Vec<&Address> =
                change.after.iter().filter_map(|before| Some(*rows.get_key_value(before)?.0)).collect();
            if before.is_empty() {
                queue.ready.insert(address);
            }
            queue.waits.insert(address, before.len());
            before.into_iter().for_each(|before| queue.waiting.entry(before).or_default().push(address));
        }
        queue
    }

    /// The next row that waits for nothing.
    fn next(&mut self) -> Option<&'a Address> {
        self.ready.pop_first()
    }

    /// A row is done.
    fn done(&mut self, address: &Address) {
        for waiting in self.waiting.remove(address).unwrap_or_default() {
            let Some(waits) = self.waits.get_mut(waiting) else { continue };
            *waits -= 1;
            if *waits == 0 {
                self.ready.insert(waiting);
            }
        }
    }
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
    let mut queue = Queue::of(&rows);
    let mut running = FuturesUnordered::new();
    loop {
        while running.len() < concurrency.max(1) && !*stop.borrow() {
            let Some(change) = queue.next().and_then(|address| rows.get(address)) else { break };
            states.insert(&change.address, State::Running);
            event(Event::Started(change.address.clone()));
            running.push(run(change, writers, vault, receipts(change, &states), event));
        }
        let Some((change, result)) = running.next().await else { break };
        let (state, outcome) = match result {
            Ok(receipt) => {
                event(Event::Applied(change.address.clone(), receipt.clone()));
                queue.done(&change.address);
                (State::Done(receipt), Outcome::Applied)
            }
            Err(failure) if failure.effect == Effect::Harmless => {
                event(Event::Skipped(change.address.clone(), failure.clone()));
                (State::Skipped, Outcome::Skipped(failure))
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
) -> (&'a Change, Result<Receipt, Problem>) {
    let say = |words: String| event(Event::Waiting(change.address.clone(), words));
    let result = match &change.operation {
        Some(operation) => {
            let inputs = Inputs { logins: vault.only(&operation.values()), receipts, say: &say };
            writers.write(operation, &inputs).await
        }
        None => Err(Problem::outside("the plan says that it changes, but not how")),
    };
    (change, result)
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
            let skipped = before.filter(|before| matches!(states.get(before), Some(State::Skipped)));
            let outcome = match skipped {
                Some(before) => Outcome::Skipped(Problem::outside(format!("{before} was skipped"))),
                None => Outcome::NotStarted(before.cloned()),
            };
            Some(((*address).clone(), outcome))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::{Action, Reason};
    use crate::env::Env;
    use crate::net::Http;
    use crate::systems::{Observed, Places};
    use crate::targets::Setting;

    fn address(name: &str) -> Address {
        format!("kubernetes:prod/ci/secret/{name}").parse().expect("an address")
    }

    /// A row after others, without an operation, so that carrying it out fails.
    fn row(name: &str, after: &[&str]) -> Change {
        let after = after.iter().map(|name| address(name)).collect();
        Change { after, ..Change::new(address(name), BTreeSet::new(), Action::Create, Reason::Absent) }
    }

    #[test]
    fn a_row_is_ready_once_all_that_it_waits_for_is_done() {
        let (first, second, last) = (row("a", &[]), row("b", &[]), row("c", &["a", "b", "in-place"]));
        let rows = [&first, &second, &last].map(|row| (&row.address, row)).into();
        let mut queue = Queue::of(&rows);
        assert_eq!(
            [queue.next(), queue.next(), queue.next()],
            [Some(&first.address), Some(&second.address), None]
        );
        queue.done(&first.address);
        assert_eq!(queue.next(), None);
        queue.done(&second.address);
        assert_eq!([queue.next(), queue.next()], [Some(&last.address), None]);
    }

    #[tokio::test]
    async fn a_failure_is_one_and_leaves_alone_only_what_depends_on_it() {
        let (env, places) = (Env::default(), Places::default());
        let http = Http::new(&env).expect("a client");
        let clients =
            places.log_in(&Setting { env: &env, http: &http, base: std::path::Path::new("") }).await;
        let observed = Observed::default();
        let plan = Plan { changes: vec![row("a", &[]), row("b", &["a"]), row("c", &[])], ..Plan::default() };
        let (_stop, stopped) = watch::channel(false);
        let writers = Writers::new(&clients, &observed);
        let outcomes = execute(&plan, &writers, &Vault::default(), 2, stopped, &|_| {}).await;
        let problem = Problem::outside("the plan says that it changes, but not how");
        let wanted = [
            (address("a"), Outcome::Failed(problem.clone())),
            (address("b"), Outcome::NotStarted(Some(address("a")))),
            (address("c"), Outcome::Failed(problem)),
        ];
        assert_eq!(outcomes, wanted.into());
    }
}
