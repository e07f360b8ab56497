//! `regcred completions SHELL`: from the same tree of commands that reads the command line.

use clap::CommandFactory;

use super::session::Context;
use crate::cli::{Cli, CompletionsArgs};
use crate::error::Error;
use crate::report::ExitStatus;

pub(super) fn run(args: &CompletionsArgs, context: &Context<'_>) -> Result<ExitStatus, Error> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "regcred", &mut script);
    context.ui.data(&String::from_utf8_lossy(&script))?;
    Ok(ExitStatus::Done)
}
