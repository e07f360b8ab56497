//! `regcred plan`: what sync would do. Writes nothing but the report that was asked for.

use std::path::Path;

use super::session::{Context, Session};
use crate::cli::PlanArgs;
use crate::desired::distrusting;
use crate::env::Env;
use crate::error::Error;
use crate::model::{Place, Problem};
use crate::report::{ExitStatus, Report};
use crate::view::{human, json, markdown, page};

pub(super) async fn run(args: &PlanArgs, context: &Context<'_>) -> Result<ExitStatus, Error> {
    let file = file(args, context)?;
    let env = env(args, context)?;
    let context = &Context { env: &env, ..*context };
    let mut session = context.session(args.overrides, None).await?;
    session.tell_ages(None, args.html.is_some(), context).await;
    if let Some(file) = file {
        context.ui.file(&context.dir.join(file), &markdown::plan(&session.shown(context.again))).map_err(
            |error| {
                let problem = Problem::input(format!("cannot be written: {error}")).at(Place::file(file));
                Error::Invalid(vec![problem.hint("regcred plan --markdown=OTHER")])
            },
        )?;
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

/// The file that the Markdown goes to; nothing where it is printed, or not wanted.
fn file<'a>(args: &'a PlanArgs, context: &Context<'_>) -> Result<Option<&'a Path>, Error> {
    let to = args.markdown.as_deref();
    if context.common.json && to.is_some_and(is_stdout) {
        let hint = Some("regcred plan --json --markdown=plan.md".to_owned());
        return Err(Error::invalid("--json and --markdown both print a document", hint));
    }
    Ok(to.filter(|to| !is_stdout(to)))
}

fn is_stdout(to: &Path) -> bool {
    to == Path::new("-")
}

fn printed(args: &PlanArgs, context: &Context<'_>, session: &Session) -> String {
    let shown = session.shown(context.again);
    if context.common.json {
        json::plan(&shown)
    } else if args.markdown.as_deref().is_some_and(is_stdout) {
        markdown::plan(&shown)
    } else {
        human::plan(&shown, context.layout(false)) + &human::plan_summary(&shown, context.said().width)
    }
}
