//! `regcred schema`: the JSON Schema of the file. A test holds it to the keys that are read.

use super::session::Context;
use crate::error::Error;
use crate::report::ExitStatus;

const SCHEMA: &str = include_str!("../../regcred.schema.json");

pub(super) fn run(context: &Context<'_>) -> Result<ExitStatus, Error> {
    context.ui.data(SCHEMA)?;
    Ok(ExitStatus::Done)
}
