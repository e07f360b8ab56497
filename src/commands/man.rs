//! `regcred man DIR`: a page for the program and one for each command.

use clap::CommandFactory;

use super::session::Context;
use crate::cli::{Cli, ManArgs};
use crate::error::Error;
use crate::report::ExitStatus;

pub(super) fn run(args: &ManArgs, context: &Context<'_>) -> Result<ExitStatus, Error> {
    let dir = context.dir.join(&args.dir);
    let written = std::fs::create_dir_all(&dir).and_then(|()| clap_mangen::generate_to(Cli::command(), &dir));
    written.map_err(|error| {
        let hint = "name a folder that you may write to".to_owned();
        Error::invalid(format!("{} cannot be written: {error}", args.dir.display()), Some(hint))
    })?;
    context.ui.say(&format!("man {}/regcred.1", args.dir.display()));
    Ok(ExitStatus::Done)
}
