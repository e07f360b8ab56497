//! `regcred report FILE…`: what shards or runs printed, as one report. It asks nobody, and writes nothing but the files that
//! were asked for.

use std::io::Read;
use std::path::Path;

use super::session::Context;
use crate::cli::ReportArgs;
use crate::error::Error;
use crate::files;
use crate::fleet::{Fleet, read};
use crate::model::{Place, Problem};
use crate::report::ExitStatus;
use crate::view::{fleet, human, json, page};

/// A run of thousands of rows prints some megabytes.
const LIMIT: u64 = 256 * 1024 * 1024;

pub(super) fn run(args: &ReportArgs, context: &Context<'_>) -> Result<ExitStatus, Error> {
    let markdown =
        context.markdown_file(args.markdown.as_deref(), "report --json --markdown=report.md FILE")?;
    let merged = merged(args, context)?;
    let layout = context.layout(false);
    if let Some(file) = markdown {
        let text = fleet::summary(&merged, context.again, layout);
        context.markdown(file, &text, "report --markdown=OTHER FILE")?;
    }
    let present = fleet::present(&merged);
    let shown = fleet::shown(&merged, &present, context.again);
    context.page(args.html.as_deref(), || page::page(&shown, &merged.report.findings))?;
    let text = if context.common.json {
        json::fleet(&merged, &fleet::shown(&merged, &merged.plan, context.again))
    } else if args.markdown.is_some() && markdown.is_none() {
        fleet::summary(&merged, context.again, layout)
    } else {
        fleet::people(&merged, context.again, layout, context.said())
    };
    context.ui.data(&text)?;
    if !context.common.json {
        context.ui.errors(&human::unread(&merged.plan));
    }
    Ok(merged.status)
}

/// What is in the files, all that is wrong with them at once.
fn merged(args: &ReportArgs, context: &Context<'_>) -> Result<Fleet, Error> {
    let (mut parts, mut problems) = (Vec::new(), Vec::new());
    for file in &args.files {
        let name = if file == Path::new("-") { Path::new("standard input") } else { file };
        let found = text(file, context).and_then(|text| read(name, &text));
        match found {
            Ok(found) => parts.extend(found),
            Err(problem) => problems.push(problem),
        }
    }
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    Fleet::of(parts).map_err(|problem| Error::Invalid(vec![problem]))
}

fn text(file: &Path, context: &Context<'_>) -> Result<String, Problem> {
    let unread = |error: std::io::Error| {
        let problem = Problem::input(format!("cannot be read: {error}")).at(Place::file(file));
        problem.hint("name the files that runs printed: regcred report FILE…")
    };
    if file != Path::new("-") {
        return files::text_within(&context.dir.join(file), LIMIT)
            .map(|text| text.to_string())
            .map_err(unread);
    }
    let mut text = String::new();
    std::io::stdin().lock().take(LIMIT + 1).read_to_string(&mut text).map_err(unread)?;
    let too_large = || std::io::Error::new(std::io::ErrorKind::FileTooLarge, "it is larger than 256 MiB");
    if text.len() as u64 > LIMIT { Err(unread(too_large())) } else { Ok(text) }
}
