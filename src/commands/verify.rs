//! `regcred verify`: the credential and every place, proven; writes nothing.

use super::session::Context;
use crate::cli::Liberties;
use crate::error::Error;
use crate::plan::Action;
use crate::report::{ExitStatus, Report};
use crate::verify::{Scope, verify};
use crate::view::{human, json};

pub(super) async fn run(context: &Context<'_>) -> Result<ExitStatus, Error> {
    let mut session = context.streamed(Liberties::default()).await?;
    session.prove_or_end(context)?;
    let mut report = Report::of_plan(&session.plan);
    let exists = |change: &crate::plan::Change| {
        matches!(change.action, Action::Keep | Action::Update)
            && !matches!(change.reason, crate::plan::Reason::LeftToPulumi)
    };
    let findings =
        verify(&session.plan, &session.clients, &session.observed, Scope::All, exists, context.concurrency());
    report.findings = findings.await;
    let status = report.detailed_status(true);
    let shown = session.shown();
    let text = if context.common.json {
        let findings = json::findings(&report.findings);
        json::version() + &json::planned(&shown) + &findings + &json::summary(&shown, &report, status as u8)
    } else {
        let layout = human::Layout { width: context.ui.width(), keeps: true };
        human::plan(&shown, layout)
            + &human::findings(&report.findings)
            + &human::report(&session.plan, &report)
    };
    context.ui.data(&text)?;
    Ok(status)
}
