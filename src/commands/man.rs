//! `regcred man DIR`: a page for the program and one for each command.

use std::io::{self, Write};
use std::path::Path;

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use super::session::Context;
use crate::cli::{Cli, ManArgs};
use crate::error::Error;
use crate::report::ExitStatus;

pub(super) fn run(args: &ManArgs, context: &Context<'_>) -> Result<ExitStatus, Error> {
    let dir = context.dir.join(&args.dir);
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    std::fs::create_dir_all(&dir).and_then(|()| pages(&command, &dir)).map_err(|error| {
        let hint = "name a folder that you may write to".to_owned();
        Error::invalid(format!("{} cannot be written: {error}", args.dir.display()), Some(hint))
    })?;
    context.ui.say(&format!("man {}/regcred.1", args.dir.display()));
    Ok(ExitStatus::Done)
}

fn pages(command: &Command, dir: &Path) -> io::Result<()> {
    let mut shown = command.get_subcommands().filter(|command| !command.is_hide_set());
    shown.try_for_each(|command| pages(command, dir))?;
    let man = Man::new(command.clone());
    page(&man, command, &mut std::fs::File::create(dir.join(man.get_filename()))?)
}

/// A page, with what `--help` says beside the flags in sections of its own.
fn page(man: &Man, command: &Command, to: &mut dyn Write) -> io::Result<()> {
    man.render_title(to)?;
    man.render_name_section(to)?;
    man.render_synopsis_section(to)?;
    man.render_description_section(to)?;
    man.render_options_section(to)?;
    if command.get_subcommands().next().is_some() {
        man.render_subcommands_section(to)?;
    }
    let more = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    sections(&more).to_writer(to)?;
    if command.get_version().is_some() {
        man.render_version_section(to)?;
    }
    Ok(())
}

/// Lines that begin at the margin and end in a colon are headings; the others stay as they are.
fn sections(text: &str) -> Roff {
    let mut roff = Roff::new();
    for block in text.split("\n\n") {
        let (heading, body) = block.split_once('\n').unwrap_or((block, ""));
        match heading.strip_suffix(':') {
            Some(heading) => roff.control("SH", [heading.to_uppercase().as_str()]),
            None => roff.text([roman(heading)]),
        };
        roff.control("nf", []);
        body.lines().for_each(|line| {
            roff.text([roman(line)]);
        });
        roff.control("fi", []);
    }
    roff
}
