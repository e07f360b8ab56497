//! `regcred verify`: the credential and every place, proven; writes nothing.

use super::session::Context;
use crate::change::{Action, Reason};
use crate::cli::{Overrides, VerifyArgs};
use crate::desired;
use crate::error::Error;
use crate::report::{ExitStatus, Report};
use crate::systems;
use crate::targets::Scope;
use crate::verify::verify;
use crate::view::{human, json, page};

pub(super) async fn run(args: &VerifyArgs, context: &Context<'_>) -> Result<ExitStatus, Error> {
    context.tell_stream(answerable(args, context))?;
    let mut session = context.session_of_stream(Overrides::default(), None).await?;
    session.prove_or_end(context)?;
    let overdue = session.tell_ages(args.max_age, args.html.is_some(), context).await;
    let mut report = Report { overdue, ..Report::of_plan(&session.plan) };
    let exists = |change: &crate::plan::Change| {
        matches!(change.action, Action::Keep | Action::Update | Action::Refresh)
            && !matches!(change.reason, Reason::LeftToPulumi | Reason::LeftToManifest(_))
    };
    let findings = verify(
        &session.plan,
        &session.desired.places,
        &session.clients,
        &session.observed,
        Scope::All,
        exists,
        context.concurrency(),
    );
    report.findings = findings.await;
    report.pulls = session.desired.places.pulls(&args.image, &session.observed);
    let status = report.detailed_status();
    let shown = session.shown(context.again);
    context.page(args.html.as_deref(), || page::page(&shown, &report.findings))?;
    let text = if context.common.json {
        let findings =
            json::findings(&report.findings, context.again) + &json::pulls(&report.pulls, context.again);
        json::version(Some("verify"), session.plan.shard)
            + &json::planned(&shown)
            + &findings
            + &json::summary(&shown, &report, status as u8)
    } else {
        let layout = human::Layout { states: true, ..context.layout(true) };
        human::plan(&shown, layout)
            + &human::findings(&report.findings, context.again, context.said())
            + &human::pulls(&report.pulls, context.again, context.said())
            + &human::verified(&session.plan, &report, context.again, context.said())
    };
    context.ui.data(&text)?;
    context.tell_unread(&session);
    Ok(status)
}

/// Refuses a question about pulls where nothing is declared in a system that tells them.
fn answerable(args: &VerifyArgs, context: &Context<'_>) -> Result<(), Error> {
    if args.image.is_empty() {
        return Ok(());
    }
    let wanted = desired::places(&context.request()?, context.env, context.dir).map_err(Error::Invalid)?;
    if wanted.credentials.is_empty() && wanted.shard.is_none() {
        // The same words as without the question.
        context.load()?;
    }
    // They may be in another shard.
    if wanted.places.pullers().is_empty() && wanted.shard.is_none() {
        let message = format!(
            "--image asks how a system pulls: nothing of {} is declared, or selected",
            systems::telling().join(", ")
        );
        let names = args.image.iter().map(|name| shlex::try_quote(name).unwrap_or(name.into()));
        let names: Vec<_> = names.collect();
        let hint = format!("what a name means everywhere else: regcred image {}", names.join(" "));
        return Err(Error::invalid(message, Some(hint)));
    }
    Ok(())
}
