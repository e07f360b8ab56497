//! `regcred plan`: what sync would do. Writes nothing but the report that was asked for.

use std::path::Path;

use super::session::{Context, Session};
use crate::cli::PlanArgs;
use crate::desired::distrusting;
use crate::env::Env;
use crate::error::Error;
use crate::report::{ExitStatus, Report};
use crate::view::{human, json, markdown, page};

pub(super) async fn run(args: &PlanArgs, context: &Context<'_>) -> Result<ExitStatus, Error> {
    let file = context.markdown_file(args.markdown.as_deref(), "plan --json --markdown=plan.md")?;
    let env = env(args, context)?;
    let context = &Context { env: &env, ..*context };
    let mut session = context.session(args.overrides, None).await?;
    session.tell_ages(None, args.html.is_some(), context).await;
    if let Some(file) = file {
        let text = markdown::plan(&session.shown(context.again));
        context.markdown(file, &text, "plan --markdown=OTHER")?;
    }
    context.page(args.html.as_deref(), || page::page(&session.shown(context.again), &[]))?;
    context.ui.data(&printed(args, context, &session))?;
    context.tell_unread(&session);
    session.check_proofs()?;
    let report = Report::of_plan(&session.plan);
    Ok(if args.detailed_exitcode { report.detailed_status() } else { report.status() })
}

/// The environment, with the repository if that is not trusted.
fn env(args: &PlanArgs, context: &Context<'_>) -> Result<Env, Error> {
    if !args.untrusted {
        return Ok(context.env.clone());
    }
    let (request, trusted) = (context.request()?, args.trusted.as_deref());
    distrusting(&request, trusted, context.env, context.dir).map_err(Error::Invalid)
}

fn printed(args: &PlanArgs, context: &Context<'_>, session: &Session) -> String {
    let shown = session.shown(context.again);
    if context.common.json {
        json::plan(&shown)
    } else if args.markdown.as_deref() == Some(Path::new("-")) {
        markdown::plan(&shown)
    } else {
        human::plan(&shown, context.layout(false)) + &human::plan_summary(&shown, context.said().width)
    }
}
