//! The end of a rotation: every place is looked at again, and if each has the new token, the old one goes out of use.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use super::{Asked, Planned};
use crate::change::{Action, Finding, Receipt};
use crate::commands::session::{Context, Session};
use crate::commands::sync::tell;
use crate::execute::Event;
use crate::model::{Address, Problem};
use crate::plan::{Change, Plan};
use crate::prove;
use crate::registry::LoginError;
use crate::registry::hub::{Hub, Token};
use crate::report::{Outcome, Report};
use crate::rotation::{Step, is_record, records};
use crate::systems::Observed;
use crate::targets::Scope;
use crate::verify::verify;
use crate::view::Progress;

/// How often it is looked at what still uses the old token, at most.
const POLL: Duration = Duration::from_secs(30);

/// What came of the end.
#[derive(Default)]
pub(super) struct Ended {
    pub(super) findings: Vec<Finding>,
    pub(super) outcomes: BTreeMap<Address, Outcome>,
}

/// Looks at every place, and puts the old tokens out of use.
pub(super) async fn end(
    asked: &Asked<'_>,
    hub: Option<&Hub>,
    planned: &Planned,
    report: &Report,
    context: &Context<'_>,
) -> Ended {
    let Planned { session, rotation, .. } = planned;
    context.ui.begin("Proving every place …");
    let observed = session.looked_again(context).await;
    let again = session.planned_of(&observed);
    let findings = proven(session, &again, &observed, report, context).await;
    context.ui.idle();
    let mut ended = Ended { findings, ..Ended::default() };
    let steps: Vec<(&Address, &Step)> = rotation.ends().collect();
    let left = |place: &Address| {
        let left =
            |(address, _): &(&Address, &Step)| ((*address).clone(), Outcome::NotStarted(Some(place.clone())));
        steps.iter().map(left).collect::<BTreeMap<_, _>>()
    };
    if let Some((source, refused)) = refused(asked, session, report).await {
        ended.outcomes = left(&source);
        ended.outcomes.insert(source, Outcome::Failed(refused));
        return ended;
    }
    let (Some(hub), false) = (hub, steps.is_empty()) else { return ended };
    let spread = rotation.spread();
    let undone = |again: &Plan, is_later: bool| {
        without(asked.args.accept_unknown, &spread, again, report, &ended.findings, is_later)
    };
    if let Some(place) = undone(&again, false) {
        ended.outcomes = left(&place);
        return ended;
    }
    let mut outcomes = BTreeMap::new();
    for (address, step) in steps {
        let outcome =
            self::step(context, address, put_out(asked, hub, session, step, &undone, context)).await;
        outcomes.insert(address.clone(), outcome);
    }
    ended.outcomes = outcomes;
    ended
}

/// Whether the new token is refused by now, although it was proven before it was spread: another rotation beside this one
/// may have put it out of use.
async fn refused(asked: &Asked<'_>, session: &Session, report: &Report) -> Option<(Address, Problem)> {
    let source = Address::Source { credential: asked.credential.id.0.clone() };
    let wrote =
        report.outcomes.values().any(|outcome| matches!(outcome, Outcome::Applied | Outcome::Refreshed));
    let login = session.vault.get(&asked.credential.id).filter(|_| wrote && !asked.home.is_handed())?;
    let proof = prove::prove(&session.http, &session.registries, &asked.credential, login).await;
    let error = proof.err().filter(LoginError::is_refusal)?;
    let again =
        if asked.rotation.mint.is_some() { "regcred rotate --mint" } else { "regcred rotate --from stdin" };
    let message =
        format!("the new token worked and does not any more, so that every place needs another one: {error}");
    Some((source, Problem::outside(message).hint(again)))
}

/// Everything that is in place now is proven, whether this run wrote it or not.
async fn proven(
    session: &Session,
    again: &Plan,
    observed: &Observed,
    report: &Report,
    context: &Context<'_>,
) -> Vec<Finding> {
    let exists = |row: &Change| {
        row.action == Action::Keep
            && matches!(
                report.outcomes.get(&row.address),
                Some(Outcome::Applied | Outcome::Refreshed | Outcome::Unchanged)
            )
    };
    let (places, concurrency) = (&session.desired.places, context.concurrency());
    verify(again, places, &session.clients, observed, Scope::All, exists, concurrency).await
}

/// The first place that does not have the new token for certain. GitHub, whose lists may be old for a while, has answered
/// each write: what they say counts at a later look only.
fn without(
    accept_unknown: bool,
    plan: &Plan,
    again: &Plan,
    report: &Report,
    findings: &[Finding],
    is_later: bool,
) -> Option<Address> {
    let applied = |row: &&Change| {
        matches!(report.outcomes.get(&row.address), Some(Outcome::Applied | Outcome::Refreshed))
    };
    let is_recorded =
        |address: &Address| plan.changes.iter().filter(applied).any(|row| records(row, address));
    let done = |row: &Change| match report.outcomes.get(&row.address) {
        Some(Outcome::Applied | Outcome::Unchanged | Outcome::Skipped(_)) => true,
        Some(Outcome::Refreshed) => accept_unknown || is_record(row) || is_recorded(&row.address),
        _ => false,
    };
    let undone = plan.changes.iter().find(|row| !done(row));
    let differs = |row: &&Change| {
        let is_stale =
            !is_later && row.address.system() == "github" && report.outcomes.contains_key(&row.address);
        !is_stale && !matches!(row.action, Action::Keep | Action::Refresh)
    };
    let failed = findings.iter().find(|finding| finding.result.is_err());
    let undone = undone.map(|row| &row.address);
    let differs = again.changes.iter().find(differs).map(|row| &row.address);
    undone.or(differs).or(failed.map(|finding| &finding.address)).cloned()
}

/// Carries out one step, told as any row is.
pub(super) async fn step(
    context: &Context<'_>,
    address: &Address,
    work: impl Future<Output = Result<(), Problem>>,
) -> Outcome {
    let progress = Mutex::new(Progress::new(1, Vec::new()));
    let begun = Instant::now();
    let say = |event: Event| {
        let mut progress = progress.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        tell(context, &event, &mut progress, begun.elapsed());
    };
    say(Event::Started(address.clone()));
    match work.await {
        Ok(()) => {
            say(Event::Applied(address.clone(), Receipt::default()));
            Outcome::Applied
        }
        Err(problem) => {
            say(Event::Failed(address.clone(), problem.clone()));
            Outcome::Failed(problem)
        }
    }
}

async fn put_out(
    asked: &Asked<'_>,
    hub: &Hub,
    session: &Session,
    step: &Step,
    undone: &impl Fn(&Plan, bool) -> Option<Address>,
    context: &Context<'_>,
) -> Result<(), Problem> {
    match step {
        Step::Store => Ok(()),
        Step::Delete(token) => {
            let tokens = hub.tokens().await?;
            let listed = tokens.iter().find(|listed| listed.id == token.id);
            if listed
                .is_some_and(|listed| (&listed.label, listed.is_active) != (&token.label, token.is_active))
            {
                return Err(Problem::outside("meanwhile another run has use for it, so it stays")
                    .hint("regcred rotate"));
            }
            Ok(hub.delete(&token.id).await?)
        }
        Step::Retire(token) => {
            let (observed, has_waited) = drained(asked, hub, session, token, context).await?;
            if let Some(place) = undone(&session.planned_of(&observed), has_waited) {
                let message = format!("meanwhile {place} has lost the new token, so the old one stays on");
                return Err(Problem::outside(message).hint("regcred rotate"));
            }
            retire(asked, hub, session, token).await
        }
    }
}

/// Switches a token off. If the new one is refused without it, it was the new one: it is switched on again.
async fn retire(asked: &Asked<'_>, hub: &Hub, session: &Session, token: &Token) -> Result<(), Problem> {
    let day = hub.now().map(|now| now.date_naive());
    let day = day.ok_or_else(|| {
        Problem::outside("Docker Hub's answers have no date, so none can be put into the label")
    })?;
    hub.retire(token, day).await?;
    let Some(login) = session.vault.get(&asked.credential.id) else { return Ok(()) };
    let proof = prove::prove(&session.http, &session.registries, &asked.credential, login).await;
    let Err(error) = proof else { return Ok(()) };
    if !error.is_refusal() {
        return Ok(());
    }
    hub.restore(token).await?;
    let message = "without it the new token is refused, so it is the new one: it was switched on again";
    Err(Problem::outside(message).hint("name the one that is to go out of use: regcred rotate --old LABEL"))
}

/// Waits until nothing is seen to use the token, for as long as was asked for. Gives what was there at the last look, and
/// whether it waited.
async fn drained(
    asked: &Asked<'_>,
    hub: &Hub,
    session: &Session,
    token: &Token,
    context: &Context<'_>,
) -> Result<(Observed, bool), Problem> {
    let limit = asked.args.drain.unwrap_or_default();
    let begun = Instant::now();
    let mut known = token.last_used;
    let (mut said, mut has_waited) = (BTreeSet::new(), false);
    loop {
        let used = last_used(hub, token).await?;
        let mut users: Vec<String> = (used > known).then(|| in_use(used)).into_iter().collect();
        known = known.max(used);
        let observed = session.looked_again(context).await;
        let using = session.desired.places.still_using(&session.clients, &observed).await;
        for unseen in using.unseen.iter().map(ToString::to_string).filter(|words| said.insert(words.clone()))
        {
            context.ui.warn(&unseen);
        }
        users.extend(using.words);
        let left = limit.saturating_sub(begun.elapsed());
        if users.is_empty() {
            return Ok((observed, has_waited));
        }
        if left.is_zero() {
            let message = format!("the old token may still be in use: {}", users.join("; "));
            return Err(Problem::outside(message).hint("wait for that: regcred rotate --drain 30m"));
        }
        context.ui.busy(&format!(
            "Waiting up to {} s for what may still use the old token: {}",
            left.as_secs(),
            users[0]
        ));
        tokio::time::sleep((limit / 10).min(POLL)).await;
        has_waited = true;
    }
}

fn in_use(last: Option<DateTime<Utc>>) -> String {
    let at = last.map(|last| format!(", last at {}", last.format("%Y-%m-%d %H:%M UTC"))).unwrap_or_default();
    format!("somebody has logged in with it since this run began{at}")
}

async fn last_used(hub: &Hub, token: &Token) -> Result<Option<DateTime<Utc>>, Problem> {
    let tokens = hub.tokens().await?;
    Ok(tokens.into_iter().find(|listed| listed.id == token.id).and_then(|listed| listed.last_used))
}
