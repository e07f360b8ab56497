//! `regcred init`: a first `regcred.yaml`. It asks where somebody can be asked, else flags say what is in it, else what is
//! found here. No network and no secret.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::session::Context;
use crate::cli::InitArgs;
use crate::desired::outline::{self, Found, From, Outline, SOURCES};
use crate::desired::{self, DEFAULT_FILE, SCHEMA_FILE};
use crate::error::Error;
use crate::model::{CredentialId, Place, Problem, Registry};
use crate::report::ExitStatus;
use crate::sources;
use crate::systems::NAMES;
use crate::view::init;

pub(super) async fn run(args: &InitArgs, context: &Context<'_>) -> Result<ExitStatus, Error> {
    if !context.common.stack.is_empty() || !context.common.only.is_empty() {
        let message = "`--stack` and `--only` choose among a file's places, and `init` writes the file";
        return Err(Error::invalid(message, Some("leave out in the file what is not wanted".to_owned())));
    }
    // Where the next command reads.
    let named = context.common.file.clone().or_else(|| desired::named(context.env));
    let name = named.unwrap_or_else(|| PathBuf::from(DEFAULT_FILE));
    let path = context.dir.join(&name);
    // Before anything is asked.
    if path.symlink_metadata().is_ok() {
        return Err(refused(&name, &ErrorKind::AlreadyExists.into()));
    }
    let found = Found::look(context.env, context.dir).await;
    let outline = outline(args, context, &found)?;
    let schema = init::published_schema().unwrap_or_else(|| SCHEMA_FILE.to_owned());
    let text = init::file(&outline, &schema);
    let examples_too = init::file(&Outline { is_example: false, ..outline.clone() }, &schema);
    outline::check(&examples_too).map_err(Error::Invalid)?;
    write(&path, &text).map_err(|error| refused(&name, &error))?;
    tell(context, &name, &outline, &found);
    Ok(ExitStatus::Done)
}

/// By flags if there are any, else by answers if there is somebody to give them, else by what the folder says.
fn outline(args: &InitArgs, context: &Context<'_>, found: &Found) -> Result<Outline, Error> {
    let InitArgs { to, from, registry } = args;
    let has_flags = !to.is_empty() || from.is_some() || registry.is_some();
    let can_ask = !has_flags && context.ui.can_ask();
    let notes = match &found.here {
        Ok(here) => here.desired.notes.clone(),
        Err(problems) if has_flags || can_ask => {
            problems.iter().map(|problem| desired::noted(problem, context.dir)).collect()
        }
        Err(problems) => return Err(Error::Invalid(problems.clone())),
    };
    // Where flags say the places, what was not found is nothing to them.
    notes.iter().filter(|_| to.is_empty()).for_each(|note| context.ui.say(&format!("note: {note}")));
    if can_ask {
        return ask(context, found);
    }
    let mut problems = Vec::new();
    let registry = registry.as_deref().map_or_else(|| Ok(Registry::docker_hub()), parsed);
    let registry = told(registry, &mut problems).unwrap_or_else(Registry::docker_hub);
    let from = match from {
        Some(words) => {
            told(found.source(words).map_err(|problem| vec![flagged("--from", problem)]), &mut problems)
        }
        None => found_source(context, found, &registry),
    };
    let places = match to.as_slice() {
        [] => Ok(found.to(&registry)),
        words => found
            .places(words.iter().map(String::as_str))
            .map_err(|problems| problems.into_iter().map(|problem| flagged("--to", problem)).collect()),
    };
    let places = told(places, &mut problems).unwrap_or_default();
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    found.doubts(&places).iter().for_each(|doubt| context.ui.warn(doubt));
    Ok(found.outline(id(context, &registry), registry, from, places))
}

/// A hint that is an answer to a question, as the flag that gives it.
fn flagged(flag: &str, mut problem: Problem) -> Problem {
    let begins = |hint: &str, name: &str| hint == name || hint.starts_with(&format!("{name}="));
    let names = || NAMES.iter().copied().chain(SOURCES.iter().filter_map(|one| one.split('=').next()));
    for hint in problem.hints.iter_mut().filter(|hint| names().any(|name| begins(hint, name))) {
        *hint = format!("{flag} {hint}");
    }
    problem
}

fn found_source(context: &Context<'_>, found: &Found, registry: &Registry) -> Option<From> {
    found.from(registry, &id(context, registry), context.env)
}

/// The credential's name: `--credential`, else that of its registry.
fn id(context: &Context<'_>, registry: &Registry) -> CredentialId {
    let given = context.common.credential.clone().map(CredentialId);
    given.unwrap_or_else(|| outline::credential_id(registry))
}

fn parsed(text: &str) -> Result<Registry, Vec<Problem>> {
    Registry::parse(text).map_err(|error| vec![Problem::input(error.to_string()).hints(error.hint())])
}

/// A value; what is wrong goes to the problems.
fn told<T>(result: Result<T, Vec<Problem>>, problems: &mut Vec<Problem>) -> Option<T> {
    result.map_err(|found| problems.extend(found)).ok()
}

/// Asks for the three parts, each with what is found.
fn ask(context: &Context<'_>, found: &Found) -> Result<Outline, Error> {
    context.ui.say("Enter takes what is in brackets. No secret is asked for, and none is written.\n");
    let registry = answer(context, "Registry", "docker.io", Registry::docker_hub(), parsed)?;
    let from = found_source(context, found, &registry);
    context.ui.say(&format!("\nWhere is the value read? One of\n  {}", SOURCES.join(", ")));
    let shown = from.as_ref().map_or("env, else pulumi", init::source);
    let one = |words: &str| found.source(words).map(Some).map_err(|problem| vec![problem]);
    let from = answer(context, "From", shown, from, one)?;
    let systems = outline::systems().collect::<Vec<_>>().join(", ");
    let words: String = found.words().iter().map(|words| format!("\n  Found here: {words}")).collect();
    context.ui.say(&format!("\nWhere does it go? One or more of\n  {systems}{words}"));
    let mut places = found.to(&registry);
    if places.is_empty() {
        places = found.nearby(&registry);
    }
    let shown = match places.as_slice() {
        [] => "decide later".to_owned(),
        places => init::places(places),
    };
    let several = |words: &str| {
        let words = words.split([',', ' ']).filter(|word| !word.is_empty());
        found.places(words)
    };
    let places = answer(context, "To", &shown, places, several)?;
    context.ui.say("");
    found.doubts(&places).iter().for_each(|doubt| context.ui.warn(doubt));
    Ok(found.outline(id(context, &registry), registry, from, places))
}

/// Asks until the answer can be read; nothing stands for what is shown.
fn answer<T>(
    context: &Context<'_>,
    question: &str,
    shown: &str,
    default: T,
    read: impl Fn(&str) -> Result<T, Vec<Problem>>,
) -> Result<T, Error> {
    loop {
        let words = context.ui.ask(&format!("{question} [{shown}]:")).map_err(|error| {
            context.ui.say("");
            match error.kind() {
                ErrorKind::UnexpectedEof => Error::Declined,
                _ => Error::invalid(format!("the terminal cannot be read: {error}"), None),
            }
        })?;
        match words.trim() {
            "" => return Ok(default),
            words => match read(words) {
                Ok(answer) => return Ok(answer),
                Err(problems) => context.ui.errors(&context.problems(&Error::Invalid(problems))),
            },
        }
    }
}

/// A file that is there stays as it is.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    OpenOptions::new().write(true).create_new(true).open(path)?.write_all(text.as_bytes())
}

fn refused(name: &Path, error: &std::io::Error) -> Error {
    let (message, hint) = match error.kind() {
        ErrorKind::AlreadyExists => ("is there already, and is not changed".to_owned(), "regcred plan"),
        _ => (format!("cannot be written: {error}"), "regcred init --file OTHER"),
    };
    Error::Invalid(vec![Problem::input(message).at(Place::file(name)).hint(hint)])
}

/// What to do with the file.
fn tell(context: &Context<'_>, name: &Path, outline: &Outline, found: &Found) {
    let schema = name.with_file_name(SCHEMA_FILE);
    if init::published_schema().is_none() && !context.dir.join(&schema).exists() {
        let schema = schema.display().to_string();
        let schema = shlex::try_quote(&schema).unwrap_or_default();
        context.ui.say(&format!("For completion in an editor: regcred schema > {schema}"));
    }
    let todo = match (&outline.from, outline.is_example) {
        (_, true) => {
            let near = init::systems(&found.nearby(&outline.registry));
            let near = if near.is_empty() { near } else { format!(".\nFound here: {near}") };
            let systems = init::systems(&outline.to);
            format!(
                "; it does not say yet where the credential goes.\nUncomment what you use of {systems}{near}"
            )
        }
        (From::Command(words), false) if words.is_empty() => {
            ".\nName your program in it, behind `command:`".to_owned()
        }
        (From::Default { is_set: false }, false) => {
            let [username, token] = sources::variables(&outline.id);
            format!(".\nSet {username} and {token}, or write `from:`")
        }
        _ => String::new(),
    };
    let next = context.again.command("plan");
    context.ui.say(&format!("{} is written{todo}. Next: {next}", name.display()));
}
