//! `regcred plan`: what sync would do. Writes nothing.

use super::session::Context;
use crate::cli::{Overrides, PlanArgs};
use crate::error::Error;
use crate::report::{ExitStatus, Report};
use crate::view::{human, json, markdown};

pub(super) async fn run(args: &PlanArgs, context: &Context<'_>) -> Result<ExitStatus, Error> {
    let mut session = context.session(Overrides::default(), None).await?;
    let shown = session.shown();
    let text = if context.common.json {
        json::plan(&shown)
    } else if args.markdown {
        markdown::plan(&shown)
    } else {
        let layout = context.layout(false);
        human::plan(&shown, layout) + &human::plan_summary(&session.plan)
    };
    context.ui.data(&text)?;
    session.check_proofs()?;
    let report = Report::of_plan(&session.plan);
    Ok(if args.detailed_exitcode { report.detailed_status() } else { report.status() })
}
