//! `regcred completions SHELL`: a script by which the shell asks this program, which knows the configuration. Nothing is
//! started and no network is needed for an answer.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use clap_complete::CompletionCandidate;
use clap_complete::engine::ArgValueCandidates;
use clap_complete::env::{EnvCompleter, Shells};

use super::session::Context;
use crate::change::Options;
use crate::cli::{Cli, CompletionsArgs};
use crate::desired::outline::{Found, SOURCES};
use crate::desired::{self, Desired, Request};
use crate::env::Env;
use crate::error::Error;
use crate::model::{Address, Problem};
use crate::redact;
use crate::report::ExitStatus;

/// The variable in which a shell's script names the shell.
pub const COMPLETE: &str = "REGCRED_COMPLETE";

pub(super) fn run(args: &CompletionsArgs, context: &Context<'_>) -> Result<ExitStatus, Error> {
    let mut script = Vec::new();
    // The values of the argument are the names of these shells.
    let shells = Shells::builtins();
    let shell =
        shells.completer(&args.shell.to_string()).ok_or_else(|| Error::invalid("no such shell", None))?;
    shell.write_registration(COMPLETE, "regcred", "regcred", "regcred", &mut script)?;
    context.ui.data(&String::from_utf8_lossy(&script))?;
    Ok(ExitStatus::Done)
}

/// Answers a shell's script: the words of a command line are behind the first `--`.
#[must_use]
pub async fn complete(shell: &str, args: &[OsString], env: &Env, dir: &Path) -> ExitStatus {
    env.programs().refuse();
    let words: Vec<OsString> = args.iter().skip_while(|word| *word != "--").skip(1).cloned().collect();
    let targets = targets(&words, env, dir).await;
    let answer = || -> Option<Vec<u8>> {
        let mut answer = Vec::new();
        let shells = Shells::builtins();
        let shell: &dyn EnvCompleter = shells.completer(shell)?;
        let mut command = with_names(&words, env, dir, targets);
        command.build();
        shell.write_complete(&mut command, words.clone(), Some(dir), &mut answer).ok()?;
        Some(answer)
    };
    // A shell that asks has no use for words about it.
    let printed = answer().and_then(|answer| std::io::stdout().write_all(&answer).ok());
    if printed.is_some() { ExitStatus::Done } else { ExitStatus::Failed }
}

/// The grammar, with the names that the configuration has where it takes one.
fn with_names(words: &[OsString], env: &Env, dir: &Path, targets: Vec<String>) -> clap::Command {
    let (words, env, dir) = (words.to_vec(), env.clone(), dir.to_owned());
    let names = std::sync::Arc::new(std::sync::LazyLock::new(move || Names::of(&words, &env, &dir)));
    let candidates = |pick: fn(&Names) -> &BTreeSet<String>| {
        let names = std::sync::Arc::clone(&names);
        ArgValueCandidates::new(move || offered(pick(&names)))
    };
    // What follows the `=` of a source is the user's own.
    let sources: Vec<String> =
        SOURCES.iter().map(|name| name.split_inclusive('=').next().unwrap_or(name).to_owned()).collect();
    let list = |names: Vec<String>| ArgValueCandidates::new(move || offered(&names));
    Cli::command()
        .mut_arg("stack", |arg| arg.add(candidates(|names| &names.stacks)))
        .mut_arg("only", |arg| arg.add(candidates(|names| &names.prefixes)))
        .mut_arg("credential", |arg| arg.add(candidates(|names| &names.credentials)))
        .mut_subcommand("init", |init| {
            let init = init.mut_arg("to", |arg| arg.add(list(targets)));
            init.mut_arg("from", |arg| arg.add(list(sources)))
        })
}

/// What a shell may show: it writes them to the terminal as they are.
fn offered<'a>(names: impl IntoIterator<Item = &'a String>) -> Vec<CompletionCandidate> {
    let shown = |name: &&String| redact::outside(name) == **name;
    names.into_iter().filter(shown).map(CompletionCandidate::new).collect()
}

/// What `init --to` takes in the folder that the words mean.
async fn targets(words: &[OsString], env: &Env, dir: &Path) -> Vec<String> {
    if !words.iter().any(|word| word == "init") {
        return Vec::new();
    }
    Found::look(env, &folder(words, dir)).await.choices()
}

/// A path that the words name by a flag.
fn path(words: &[OsString], name: &str) -> Option<PathBuf> {
    let matches = Cli::command().ignore_errors(true).try_get_matches_from(words).ok()?;
    matches.try_get_one::<PathBuf>(name).ok().flatten().cloned()
}

/// The folder that the words mean.
fn folder(words: &[OsString], dir: &Path) -> PathBuf {
    path(words, "chdir").map_or_else(|| dir.to_owned(), |own| dir.join(own))
}

/// The names of a configuration.
#[derive(Default)]
struct Names {
    stacks: BTreeSet<String>,
    prefixes: BTreeSet<String>,
    credentials: BTreeSet<String>,
}

impl Names {
    /// Those of the configuration that the words mean; none of one that is wrong.
    fn of(words: &[OsString], env: &Env, dir: &Path) -> Self {
        let dir = folder(words, dir);
        let request = Request { file: path(words, "file"), ..Request::default() }.found(env, &dir);
        let desired = request.ok().and_then(|request| desired::places(&request, env, &dir).ok());
        desired.as_ref().map(Self::declared).unwrap_or_default()
    }

    fn declared(desired: &Desired) -> Self {
        let credentials = desired.credentials.iter().map(|credential| credential.id.0.clone()).collect();
        Self { stacks: desired.places.stacks(), prefixes: prefixes(desired), credentials }
    }
}

/// What the addresses of the declared places begin with, as far as that is known without reading them.
fn prefixes(desired: &Desired) -> BTreeSet<String> {
    let rows = desired.places.unread_rows(&Problem::outside("is not read"), &Options::default());
    let begins = |address: &Address| {
        let (system, place) = (address.system(), address.place());
        let whole = (!place.is_empty() && !place.starts_with('?')).then(|| format!("{system}:{place}"));
        std::iter::once(format!("{system}:")).chain(whole)
    };
    rows.iter().flat_map(|row| begins(&row.address)).collect()
}
