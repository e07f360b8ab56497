//! `regcred version`: what `--version` prints, for who types it as a command.

use clap::CommandFactory;

use super::session::Context;
use crate::cli::Cli;
use crate::error::Error;
use crate::report::ExitStatus;

pub(super) fn run(context: &Context<'_>) -> Result<ExitStatus, Error> {
    context.ui.data(&Cli::command().render_version())?;
    Ok(ExitStatus::Done)
}
