//! Which part of what is declared a run is about: `--shard`, else `REGCRED_SHARD`.

use super::session::Context;
use crate::cli::Cli;
use crate::env::Env;
use crate::error::Error;
use crate::model::shard::{INDEX, Part};
use crate::model::{Problem, Shard};

/// It says the same as `--shard`; empty it says nothing.
const VARIABLE: &str = "REGCRED_SHARD";

/// The part that the command line names, else the environment; nothing where the command is about all of it.
///
/// # Errors
/// The environment names one that there is not.
pub fn shard(cli: &Cli, env: &Env) -> Result<Option<Shard>, Problem> {
    if !cli.plans() {
        return Ok(None);
    }
    let of_environment = || {
        let text = env.filled(VARIABLE)?;
        let refused = |why: String| {
            Problem::input(format!("{VARIABLE} is `{text}`: {why}")).hint(format!("{VARIABLE}=1/4"))
        };
        Some(text.parse::<Part>().map_err(refused))
    };
    let part = cli.part().map(Ok).or_else(of_environment).transpose()?;
    part.map(|part| part.resolved(env.filled(INDEX))).transpose()
}

/// Refuses a part where there is none.
pub(super) fn whole(context: &Context<'_>) -> Result<(), Error> {
    let Some(shard) = context.shard()? else { return Ok(()) };
    let message = format!(
        "a rotation has no parts, and this is to be {}: an old token goes out of use only when every place is proven to \
         have the new one. Give the source the new token and sync each shard first",
        shard.words()
    );
    let problem = Problem::input(message).hint(format!("leave {VARIABLE} and --shard out"));
    Err(Error::Invalid(vec![problem]))
}
