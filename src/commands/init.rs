//! `regcred init`: what discovery finds, written down. No network and no secret.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::session::Context;
use crate::desired;
use crate::error::Error;
use crate::model::{Place, Problem};
use crate::report::ExitStatus;
use crate::view::init;

pub(super) fn run(context: &Context<'_>) -> Result<ExitStatus, Error> {
    let found = desired::found_here(context.env, context.dir).map_err(Error::Invalid)?;
    found.desired.notes.iter().for_each(|note| context.ui.say(&format!("note: {note}")));
    let name = context.common.file.clone().unwrap_or_else(|| PathBuf::from(desired::DEFAULT_FILE));
    write(&context.dir.join(&name), &init::file(&found)).map_err(|error| refused(&name, &error))?;
    context.ui.say(&format!("{} is written. Next: regcred plan", name.display()));
    Ok(ExitStatus::Done)
}

/// A file that is there stays as it is.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    OpenOptions::new().write(true).create_new(true).open(path)?.write_all(text.as_bytes())
}

fn refused(name: &Path, error: &std::io::Error) -> Error {
    let (message, hint) = match error.kind() {
        ErrorKind::AlreadyExists => ("is there already, and stays as it is".to_owned(), "regcred plan"),
        _ => (format!("cannot be written: {error}"), "regcred init --file OTHER"),
    };
    Error::Invalid(vec![Problem::input(message).at(Place::file(name)).hint(hint)])
}
