//! `regcred image`: what image names mean for the configured credentials and caches. No network.

use std::collections::BTreeMap;
use std::io::BufRead;

use super::session::Context;
use crate::cli::{FailOn, Format, ImageArgs};
use crate::desired::{self, Desired};
use crate::error::Error;
use crate::image::scan::{Request, Scan, scan};
use crate::image::{self, Row};
use crate::model::Problem;
use crate::redact;
use crate::report::ExitStatus;
use crate::targets::aws;
use crate::view::{annotations, images};

pub(super) fn run(args: &ImageArgs, context: &Context<'_>) -> Result<ExitStatus, Error> {
    let desired = desired::places(&context.request()?, context.env, context.dir).map_err(Error::Invalid)?;
    let known = known(&desired);
    if args.scan.is_empty() {
        names(args, context, &known)
    } else {
        files(args, context, &known, &desired.places.pullers())
    }
}

/// The declared credentials and caches. GitHub is left out: it says nothing about what pulls an image.
fn known(desired: &Desired) -> image::Context {
    let credentials =
        desired.credentials.iter().map(|credential| (credential.id.0.clone(), credential.registry.clone()));
    let stacks = desired.places.aws.iter().flat_map(caches);
    let in_daytona = desired.places.daytona.iter().map(|place| place.credential.0.clone());
    image::Context {
        credentials: credentials.collect(),
        stacks: stacks.collect(),
        in_daytona: in_daytona.collect(),
    }
}

/// The caches of a credential's stacks. One in several accounts has a name for each region, in which the account is left open.
fn caches(place: &aws::Desired) -> Vec<image::Stack> {
    let mut sites: BTreeMap<&str, BTreeMap<&str, Vec<&aws::Stack>>> = BTreeMap::new();
    for stack in &place.stacks {
        let regions = sites.entry(&stack.name).or_default();
        regions.entry(&stack.session.region).or_default().push(stack);
    }
    let cache = |name: String, stacks: &[&aws::Stack]| {
        let [stack, more @ ..] = stacks else { return None };
        let accounts = Some(&stack.accounts).filter(|accounts| accounts.len() == 1 && more.is_empty());
        Some(image::Stack {
            name,
            account: accounts.and_then(|accounts| accounts.first().cloned()),
            region: stack.session.region.clone(),
            prefix: stack.prefix.clone(),
            registry: place.registry.clone(),
        })
    };
    let named = |(name, regions): (&str, BTreeMap<&str, Vec<&aws::Stack>>)| {
        let one = regions.len() == 1;
        let name = move |region: &str| if one { name.to_owned() } else { format!("{name} in {region}") };
        regions.into_iter().filter_map(|(region, stacks)| cache(name(region), &stacks)).collect::<Vec<_>>()
    };
    sites.into_iter().flat_map(named).collect()
}

fn names(args: &ImageArgs, context: &Context<'_>, known: &image::Context) -> Result<ExitStatus, Error> {
    let inputs = inputs(&args.references)?;
    let rows: Vec<Row> = image::rows(&inputs, known).collect();
    let text = if context.common.json { images::rows_json(&rows) } else { images::rows(&rows) };
    context.ui.data(&text)?;
    let anonymous = rows.iter().any(Row::is_anonymous) && args.fail_on.contains(&FailOn::Anonymous);
    Ok(status(rows.iter().any(|row| row.error.is_some()), anonymous))
}

/// The names as given, those of standard input instead of `-`.
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

fn files(
    args: &ImageArgs,
    context: &Context<'_>,
    known: &image::Context,
    pullers: &[&str],
) -> Result<ExitStatus, Error> {
    let request = Request { paths: args.scan.clone(), env_files: args.env_file.clone() };
    let found =
        scan(&request, context.env, known).map_err(|error| Error::invalid(error.to_string(), None))?;
    print(&found, format(args, context)?, context)?;
    for skipped in &found.skipped {
        let line = skipped.line.map(|line| format!(":{line}")).unwrap_or_default();
        let file = redact::line(&skipped.file.display().to_string());
        context
            .ui
            .warn(&format!("{file}{line} was not read: {}", redact::outside(&skipped.reason.to_string())));
    }
    context.ui.say(&images::scan_summary(&found));
    if let Some(words) = images::ask_pullers(&found, pullers, context.again) {
        context.ui.say(&words);
    }
    if found.files == 0 {
        context.ui.errors(&[nothing_read()]);
        return Ok(ExitStatus::Failed);
    }
    let fails = |on: &FailOn| match on {
        FailOn::Anonymous => found.anonymous().next().is_some(),
        FailOn::Unknown => !found.skipped.is_empty(),
    };
    Ok(status(found.invalid().next().is_some(), args.fail_on.iter().any(fails)))
}

fn nothing_read() -> Problem {
    Problem::input("no file was read: none is a Dockerfile or YAML, or `.gitignore` excludes all of them")
        .hint("name the files: regcred image --scan FILE…")
}

fn format(args: &ImageArgs, context: &Context<'_>) -> Result<Format, Error> {
    match (args.format, context.common.json) {
        (None, false) => Ok(Format::Text),
        (None | Some(Format::Json), true) => Ok(Format::Json),
        (Some(format), false) => Ok(format),
        (Some(_), true) => Err(Error::invalid("--json and --format ask for two formats", None)),
    }
}

fn print(found: &Scan, format: Format, context: &Context<'_>) -> Result<(), Error> {
    match format {
        Format::Text => context.ui.data(&images::scan(found))?,
        Format::Json => context.ui.data(&images::scan_json(found))?,
        Format::Sarif => context.ui.data(&annotations::sarif(found))?,
        Format::Github => context.ui.commands(&annotations::github(found))?,
    }
    Ok(())
}

/// One bad name does not hide the others, but the run ends as invalid.
fn status(invalid: bool, fails: bool) -> ExitStatus {
    match (invalid, fails) {
        (true, _) => ExitStatus::Invalid,
        (false, true) => ExitStatus::Differences,
        (false, false) => ExitStatus::Done,
    }
}
