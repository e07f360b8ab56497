//! `regcred schema`: the JSON Schema of the file. A test holds it to the keys that are read.

use super::session::Context;
use crate::error::Error;
use crate::report::ExitStatus;
use crate::view::init;

const SCHEMA: &str = include_str!("../../regcred.schema.json");
/// What it is called as long as the project has no address.
const UNPUBLISHED: &str = "https://github.com/OWNER/regcred/raw/HEAD/regcred.schema.json";

pub(super) fn run(context: &Context<'_>) -> Result<ExitStatus, Error> {
    let schema = match init::published_schema() {
        Some(address) => SCHEMA.replacen(UNPUBLISHED, &address, 1),
        None => SCHEMA.to_owned(),
    };
    context.ui.data(&schema)?;
    Ok(ExitStatus::Done)
}
