//! `regcred permissions`: what a login needs, from the page of the documentation that a test holds to what is enough.

use super::session::Context;
use crate::cli::PermissionsArgs;
use crate::desired;
use crate::error::Error;
use crate::report::ExitStatus;
use crate::systems;

const PAGE: &str = include_str!("../../docs/permissions.md");

pub(super) fn run(args: &PermissionsArgs, context: &Context<'_>) -> Result<ExitStatus, Error> {
    let declared = if args.systems.is_empty() { declared(context)? } else { args.systems.clone() };
    let wanted = |title: &str| {
        let name = title.split([':', ' ', '\n']).next().unwrap_or(title).to_lowercase();
        declared.is_empty() || declared.contains(&name) || !systems::NAMES.contains(&name.as_str())
    };
    let sections = PAGE.split("\n## ").skip(1).filter(|section| wanted(section));
    let text: String = sections.map(|section| format!("## {}\n\n", plain(section).trim_end())).collect();
    context.ui.data(text.trim_end())?;
    Ok(ExitStatus::Done)
}

/// The systems that the configuration names; none where there is none.
fn declared(context: &Context<'_>) -> Result<Vec<String>, Error> {
    let desired = desired::places(&context.request()?, context.env, context.dir).map_err(Error::Invalid)?;
    Ok(desired.places.systems().into_iter().map(str::to_owned).collect())
}

/// Without the marks of the test, and with links as words.
fn plain(section: &str) -> String {
    let lines = section.lines().filter(|line| !line.starts_with("<!--"));
    let mut text = lines.collect::<Vec<_>>().join("\n");
    while let Some((words, rest)) = text.split_once("](")
        && let (Some((before, words)), Some((_, after))) = (words.rsplit_once('['), rest.split_once(')'))
    {
        text = format!("{before}{words}{after}");
    }
    text
}
