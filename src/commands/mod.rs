//! One file per command, each reading as the pipeline.

mod age;
mod completions;
mod image;
mod init;
mod man;
mod owner;
mod permissions;
mod plan;
mod rbac;
mod remove;
mod report;
mod rotate;
mod schema;
mod session;
mod shard;
#[cfg(test)]
mod simulation;
mod sync;
mod verify;
mod version;

use crate::cli::{Cli, Command};
use crate::error::Error;
use crate::report::ExitStatus;
use session::Context;

/// Runs a command to its exit code.
///
/// # Errors
/// Why it ended before it could do anything.
pub async fn run(cli: &Cli, context: &Context<'_>) -> Result<ExitStatus, Error> {
    match &cli.command {
        Command::Plan(args) => plan::run(args, context).await,
        Command::Sync(args) => sync::run(args, context).await,
        Command::Rotate(args) => rotate::run(args, context).await,
        Command::Remove(args) => remove::run(args, context).await,
        Command::Verify(args) => verify::run(args, context).await,
        Command::Image(args) => image::run(args, context),
        Command::Init(args) => init::run(args, context).await,
        Command::Report(args) => report::run(args, context),
        Command::Rbac(args) => rbac::run(args, context),
        Command::Permissions(args) => permissions::run(args, context),
        Command::Schema => schema::run(context),
        Command::Completions(args) => completions::run(args, context),
        Command::Man(args) => man::run(args, context),
        Command::Version => version::run(context),
    }
}

pub use completions::{COMPLETE, complete};
pub use session::Context as RunContext;
pub use shard::shard;
