//! `regcred image`: what image names mean for the configured credentials and caches. No network.

use std::io::BufRead;
use std::path::PathBuf;

use super::session::Context;
use crate::cli::ImageArgs;
use crate::desired::{self, Desired};
use crate::error::Error;
use crate::image::scan::scan;
use crate::image::{self, Row};
use crate::report::ExitStatus;
use crate::view::images;

pub(super) fn run(args: &ImageArgs, context: &Context<'_>) -> Result<ExitStatus, Error> {
    let desired = desired::places(&context.request(), context.env, context.dir).map_err(Error::Invalid)?;
    let known = known(&desired);
    if args.scan.is_empty() { names(args, context, &known) } else { files(&args.scan, context, &known) }
}

/// The declared credentials and caches. GitHub is left out: it says nothing about what pulls an image.
fn known(desired: &Desired) -> image::Context {
    let credentials =
        desired.credentials.iter().map(|credential| (credential.id.0.clone(), credential.registry.clone()));
    let stacks = desired.places.aws.iter().flat_map(|place| {
        place.stacks.iter().map(|stack| image::Stack {
            name: stack.name.clone(),
            account: Some(&stack.accounts)
                .filter(|accounts| accounts.len() == 1)
                .and_then(|accounts| accounts.first().cloned()),
            region: stack.session.region.clone(),
            prefix: stack.prefix.clone(),
            registry: place.registry.clone(),
        })
    });
    image::Context { credentials: credentials.collect(), stacks: stacks.collect() }
}

fn names(args: &ImageArgs, context: &Context<'_>, known: &image::Context) -> Result<ExitStatus, Error> {
    let inputs = inputs(&args.references)?;
    let rows: Vec<Row> = image::rows(&inputs, known).collect();
    let text = if context.common.json { images::rows_json(&rows) } else { images::rows(&rows) };
    context.ui.data(&text)?;
    Ok(status(rows.iter().any(|row| row.error.is_some())))
}

/// The names as given, those of standard input in place of `-`.
fn inputs(references: &[String]) -> Result<Vec<String>, Error> {
    let mut inputs = Vec::new();
    for reference in references {
        if reference != "-" {
            inputs.push(reference.clone());
            continue;
        }
        for line in std::io::stdin().lock().lines() {
            let line = line?;
            if !line.trim().is_empty() {
                inputs.push(line.trim().to_owned());
            }
        }
    }
    Ok(inputs)
}

fn files(paths: &[PathBuf], context: &Context<'_>, known: &image::Context) -> Result<ExitStatus, Error> {
    let found = scan(paths, known).map_err(|error| Error::invalid(error.to_string(), None))?;
    let text = if context.common.json { images::scan_json(&found) } else { images::scan(&found) };
    context.ui.data(&text)?;
    for skipped in &found.skipped {
        let line = skipped.line.map(|line| format!(":{line}")).unwrap_or_default();
        context.ui.warn(&format!("{}{line} was not read: {}", skipped.file.display(), skipped.reason));
    }
    context.ui.say(&images::scan_summary(&found));
    Ok(status(found.invalid().next().is_some()))
}

/// One bad name does not hide the others, but the run ends as invalid.
fn status(invalid: bool) -> ExitStatus {
    if invalid { ExitStatus::Invalid } else { ExitStatus::Done }
}
