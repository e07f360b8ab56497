//! regcred puts one registry credential, once and provably, everywhere it is pulled with.
//!
//! A run is a pipeline of values, and the modules are its rooms, in this order:
//!
//! 1. [`desired`]: what is wanted, from `regcred.yaml` or discovered. No network, no secret values.
//! 2. [`sources`] and [`vault`]: where a credential's value comes from, and the only owner of it.
//! 3. [`systems`]: what the remote systems hold, read concurrently; an error is data.
//! 4. [`prove`]: the credential's own registry accepts it ([`registry`]), beside the reads.
//! 5. [`mod@plan`]: a pure function to the [`plan::Plan`]: the value that is printed, digested and executed.
//!    A rotation weaves its own rows into it ([`rotation`]).
//! 6. [`mod@execute`]: its rows, each after what it needs; a failure leaves alone only what depends on it.
//! 7. [`mod@verify`]: what is in place works.
//! 8. [`report`]: an outcome per address, and from them one exit code.
//!
//! [`commands`] are the pipeline with its words; [`view`] renders, [`ui`] prints, and nothing else does. [`targets`] holds the
//! systems, one folder each with the same file names, and [`systems`] their list. What they stand on: [`change`] (a row as
//! every target makes it), [`net`] (the one way out), `program` (the one way to start a program), [`yaml`], `docker_config`
//! and [`dotenv`] (one reader each), [`model`] (pure data), and below all [`redact`]: no secret gets out, and no text from
//! outside acts. A room uses only what is below it (ARCHITECTURE.md, "The floors").

pub mod aws;
pub mod change;
pub mod cli;
pub mod commands;
pub mod desired;
mod docker_config;
pub mod dotenv;
pub mod env;
pub mod error;
pub mod execute;
mod files;
pub mod fleet;
mod go;
pub mod image;
pub mod model;
pub mod net;
mod once;
pub mod plan;
mod program;
pub mod prove;
pub mod redact;
pub mod registry;
pub mod report;
pub mod rotation;
pub mod sources;
pub mod systems;
pub mod targets;
pub mod ui;
pub mod vault;
pub mod verify;
pub mod view;
pub mod yaml;

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Parser, ValueEnum};

use cli::{Cli, Color};
use commands::RunContext;
use env::Env;
use error::Error;
use model::Problem;
pub use program::forbid_core_dumps;
use report::ExitStatus;
use ui::{Settings, Ui, Verbosity};
use view::Again;

/// Runs the command line `args` in the folder `dir` to its exit code.
pub async fn run(args: impl IntoIterator<Item = OsString>, env: &Env, dir: &Path) -> ExitStatus {
    env.programs().listen();
    teach(env);
    let args: Vec<OsString> = args.into_iter().collect();
    args.iter().filter_map(|word| word.to_str()).for_each(redact::teach_tokens);
    if let Some(shell) = env.filled(commands::COMPLETE) {
        return commands::complete(shell, &args, env, dir).await;
    }
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(error) => return usage(&error, asked_color(&args)),
    };
    let ui = Arc::new(Ui::new(settings(&cli.common, env)));
    let heard = Arc::clone(&ui);
    env.programs().show(ui.can_ask(), move |line| heard.say(line));
    trace(cli.common.verbose, cli.common.color);
    let shard = commands::shard(&cli, env);
    let again = Again::new(cli.kept(shard.as_ref().ok().copied().flatten()));
    let entered = enter(dir, &cli.common);
    let dir = entered.as_deref().unwrap_or(dir);
    let context = RunContext { common: &cli.common, env, dir, ui: &ui, again: &again, shard: &shard };
    let ended = match &entered {
        Ok(_) => commands::run(&cli, &context).await,
        Err(problem) => Err(Error::Invalid(vec![problem.clone()])),
    };
    match ended {
        Ok(status) => status,
        Err(error) => {
            ui.idle();
            ui.errors(&context.problems(&error));
            error.status()
        }
    }
}

/// The folder to work in: this one, or the one that was asked for, which the process goes to.
fn enter(dir: &Path, common: &cli::Common) -> Result<PathBuf, Problem> {
    let Some(own) = &common.chdir else { return Ok(dir.to_owned()) };
    let entered = std::env::set_current_dir(dir.join(own)).and_then(|()| std::env::current_dir());
    entered.map_err(|error| Problem::input(format!("-C: {} cannot be entered: {error}", own.display())))
}

/// What the environment is known to hold is never shown, whoever repeats it.
fn teach(env: &Env) {
    let own = systems::secrets().chain(sources::SECRETS.iter().chain(sources::KEY_SERVICES).copied());
    let names = own.chain(aws::SECRETS.iter().copied()).filter(|name| !name.ends_with("_FILE"));
    env.values_of(&names.collect::<Vec<_>>()).for_each(redact::teach);
}

/// Help and version are data; anything else is a usage error, which clap would end with 2.
fn usage(error: &clap::Error, color: Color) -> ExitStatus {
    let text = redact::output(&error.render().ansi().to_string());
    // There is nobody left to tell if it cannot be printed.
    if error.use_stderr() {
        let _ = anstream::AutoStream::new(std::io::stderr(), color.into()).write_all(text.as_bytes());
        ExitStatus::Invalid
    } else {
        let _ = anstream::AutoStream::new(std::io::stdout(), color.into()).write_all(text.as_bytes());
        ExitStatus::Done
    }
}

/// The colour that a command line asks for, whatever else is wrong with it.
fn asked_color(args: &[OsString]) -> Color {
    let words: Vec<&str> =
        args.iter().filter_map(|word| word.to_str()).take_while(|word| *word != "--").collect();
    let joined = words.iter().find_map(|word| word.strip_prefix("--color="));
    let apart = || words.windows(2).find(|pair| pair[0] == "--color").map(|pair| pair[1]);
    joined.or_else(apart).and_then(|value| Color::from_str(value, true).ok()).unwrap_or(Color::Auto)
}

fn settings(common: &cli::Common, env: &Env) -> Settings {
    let verbosity = match (common.quiet, common.verbose) {
        (true, _) => Verbosity::Quiet,
        (false, 0) => Verbosity::Normal,
        (false, _) => Verbosity::Verbose,
    };
    Settings {
        verbosity,
        color: common.color.into(),
        no_input: common.no_input || common.json,
        dumb: env.get("TERM") == Some("dumb"),
    }
}

/// Diagnostics to stderr: our own at `-vv`, the libraries' too at `-vvv`. Libraries that print bodies
/// or headers stay at the level at which they do not.
fn trace(verbose: u8, color: Color) {
    let filter = match verbose {
        0 | 1 => return,
        2 => "regcred=debug",
        _ => {
            "regcred=trace,aws_config=debug,aws_runtime=info,octocrab=debug,kube=debug,reqwest=debug,hyper_util=info"
        }
    };
    let ansi = match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never,
    };
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(ansi)
        // It would say on stderr that stderr cannot be written, and panic.
        .log_internal_errors(false)
        .with_writer(|| redact::Writer::new(std::io::stderr()))
        .try_init();
}
