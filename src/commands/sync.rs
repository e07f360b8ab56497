//! `regcred sync`: prove, plan, ask, write the differences, prove the places.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::session::{Context, LONG, Session};
use crate::change::{Finding, Purpose};
use crate::cli::{Approval, SyncArgs};
use crate::error::Error;
use crate::execute::{Event, execute};
use crate::model::Address;
use crate::plan::{Change, Plan};
use crate::report::{ExitStatus, Outcome, Report};
use crate::systems::Writers;
use crate::targets::Scope;
use crate::verify::verify;
use crate::view::{Progress, human, json};

/// Into so many parts a run is taken to say how long the rest of it takes.
const PARTS: usize = 400;

pub(super) async fn run(args: &SyncArgs, context: &Context<'_>) -> Result<ExitStatus, Error> {
    let mut session = context.session_of_stream(args.overrides, args.wait).await?;
    session.prove_or_end(context)?;
    carry_out(&args.approval, context, &session).await
}

/// Shows the plan, asks, writes it, and proves what came of it.
pub(super) async fn carry_out(
    approval: &Approval,
    context: &Context<'_>,
    session: &Session,
) -> Result<ExitStatus, Error> {
    show_plan(context, session)?;
    if let Err(error) = consent(approval, context, session) {
        session.end_stream(context, error.status())?;
        return Err(error);
    }
    let cost = session.plan.cost();
    if cost.seconds >= LONG {
        context.ui.say(&human::cost(cost));
    }
    let stop = context.env.programs().leave_interrupts();
    let before = session.http.writes();
    let outcomes = write(context, session, &session.plan, stop.clone()).await;
    let mut report = Report::new(&session.plan, outcomes);
    report.wrote = session.http.writes() > before;
    tokio::select! {
        biased;
        () = interrupted(stop) => report.interrupted = true,
        findings = proven(context, session, &report) => report.findings = findings,
    }
    context.ui.idle();
    show_report(context, session, &report).map_err(|error| error.after(report.wrote))?;
    context.tell_unread(session);
    Ok(report.status())
}

async fn proven(context: &Context<'_>, session: &Session, report: &Report) -> Vec<Finding> {
    if session.plan.purpose == Purpose::Remove {
        return super::remove::proven(context, session, report).await;
    }
    let done = |change: &Change| {
        matches!(
            report.outcomes.get(&change.address),
            Some(Outcome::Applied | Outcome::Refreshed | Outcome::Unchanged)
        )
    };
    verify(
        &session.plan,
        &session.desired.places,
        &session.clients,
        &session.observed,
        Scope::Touched,
        done,
        context.concurrency(),
    )
    .await
}

pub(super) fn show_plan(context: &Context<'_>, session: &Session) -> Result<(), Error> {
    let shown = session.shown(context.again);
    if context.common.json {
        let begin = json::version(Some(session.plan.purpose.command()), session.plan.shard);
        return Ok(context.ui.data(&(begin + &json::planned(&shown)))?);
    }
    let layout = context.layout(false);
    context.ui.data(&human::plan(&shown, layout))?;
    Ok(())
}

/// A digest that was given is the approval; else `--yes`, else whoever sits at the terminal.
pub(super) fn consent(approval: &Approval, context: &Context<'_>, session: &Session) -> Result<(), Error> {
    let (digest, command) = (session.plan.digest(), session.plan.purpose.command());
    if let Some(expected) = &approval.expect {
        return if digest.starts_with(expected.as_str()) {
            Ok(())
        } else {
            Err(Error::Unexpected { expected: expected.clone(), digest, command })
        };
    }
    if approval.yes || !session.plan.writes() {
        return Ok(());
    }
    if context.common.json || !context.ui.can_ask() {
        return Err(Error::NoConsent { digest, command });
    }
    context.ui.data(&human::plan_counts(&session.plan, true))?;
    if context.ui.confirm("Make these changes?") { Ok(()) } else { Err(Error::Declined) }
}

/// Waits for an interrupt: what is written is reported, and not looked at again.
pub(super) async fn interrupted(mut stop: watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Writes the rows of a plan, which is the session's or a part of it.
pub(super) async fn write(
    context: &Context<'_>,
    session: &Session,
    plan: &Plan,
    stop: watch::Receiver<bool>,
) -> BTreeMap<Address, Outcome> {
    let writers = Writers::new(&session.clients, &session.observed);
    let rows = plan.changes.iter().filter(|change| change.action.writes()).count();
    let pace = plan.pace(&session.clients, rows.clamp(1, PARTS));
    let progress = Mutex::new(Progress::new(rows, pace));
    let (begun, lock) = (Instant::now(), || progress.lock().unwrap_or_else(PoisonError::into_inner));
    let tell = |event: Event| tell(context, &event, &mut lock(), begun.elapsed());
    let stopped = interrupted(stop.clone());
    tokio::select! {
        outcomes = execute(plan, &writers, &session.vault, context.concurrency(), stop, &tell) => outcomes,
        outcomes = async {
            stopped.await;
            let running = human::number(lock().running(), "write");
            context.ui.say(&format!("Stopping: finishing {running}. Interrupt again to end at once."));
            std::future::pending().await
        } => outcomes,
    }
}

pub(super) fn tell(context: &Context<'_>, event: &Event, progress: &mut Progress, elapsed: Duration) {
    let is_told = progress.note(event, context.ui.moves());
    if let Event::Started(address) | Event::Applied(address, _) | Event::Failed(address, _) = event {
        context.ui.busy(&progress.line(address, elapsed));
    }
    if context.common.json {
        // The next write of data says that it cannot be written.
        let _ = context.ui.data(&json::event(event, context.again));
    }
    let (reported, all) = (context.ui.moves() && !context.common.json, context.said().all);
    if let Some(line) = human::event(event, reported, all).filter(|_| is_told) {
        context.ui.say(&line);
    }
}

pub(super) fn show_report(context: &Context<'_>, session: &Session, report: &Report) -> Result<(), Error> {
    if context.common.json {
        let status = report.status() as u8;
        let lines = json::findings(&report.findings, context.again)
            + &json::summary(&session.shown(context.again), report, status);
        return Ok(context.ui.data(&lines)?);
    }
    let text = if session.plan.writes() {
        human::findings(&report.findings, context.again, context.said())
            + &human::report(&session.plan, report, context.again, context.said())
    } else {
        human::plan_summary(&session.shown(context.again), context.said().width)
    };
    context.ui.data(&text)?;
    Ok(())
}
