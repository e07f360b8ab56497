//! Every command with its flags, from clap's own description of them.

use clap::{Arg, Command, CommandFactory as _};
use regcred::cli::Cli;

use super::{MADE, table};

/// The command line, complete with usages.
fn program() -> Command {
    let mut program = Cli::command();
    program.build();
    program
}

/// What help says behind the flags.
pub(super) fn help() -> String {
    behind(&program()).unwrap_or_default()
}

fn behind(command: &Command) -> Option<String> {
    command.get_after_long_help().or(command.get_after_help()).map(ToString::to_string)
}

pub(super) fn page() -> String {
    let program = program();
    let commands: Vec<&Command> = program
        .get_subcommands()
        .filter(|command| !command.is_hide_set() && command.get_name() != "help")
        .collect();
    let list = commands.iter().map(|command| {
        let name = command.get_name();
        vec![format!("[`{name}`](#regcred-{name})"), about(command)]
    });
    let list = table(&["command", "what it does"], &list.collect::<Vec<_>>());
    let parts: String = commands.iter().map(|command| part(command)).collect();
    let common = flags(&program, |arg| arg.is_global_set());
    format!("# Commands\n\n{MADE}\n\n{list}\n## Flags of every command\n\n{common}{parts}")
}

fn part(command: &Command) -> String {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    let own =
        flags(command, |arg| !arg.is_global_set() && !["help", "version"].contains(&arg.get_id().as_str()));
    let own = if own.is_empty() { own } else { format!("\n{own}") };
    // The environment is the same for most, and has a page of its own.
    let examples =
        |text: String| text.split("\nEnvironment:").next().unwrap_or_default().trim_end().to_owned();
    let after = behind(command).map(examples);
    let after = after.map(|text| format!("\n```text\n{text}\n```\n")).unwrap_or_default();
    let name = command.get_name();
    format!("\n## regcred {name}\n\n{}.\n\n```text\n{usage}\n```\n{own}{after}", about(command))
}

fn about(command: &Command) -> String {
    command.get_about().expect("every command says what it does").to_string()
}

/// A table of the flags and arguments that are chosen; nothing if there is none.
fn flags(command: &Command, chosen: impl Fn(&Arg) -> bool) -> String {
    let shown = command.get_arguments().filter(|arg| !arg.is_hide_set() && chosen(arg));
    let rows: Vec<Vec<String>> = shown.map(|arg| vec![name(arg), meaning(arg)]).collect();
    if rows.is_empty() { String::new() } else { table(&["flag", "meaning"], &rows) }
}

fn name(arg: &Arg) -> String {
    let value = arg.get_value_names().filter(|_| arg.get_action().takes_values());
    let value = value.and_then(<[_]>::first).map(ToString::to_string);
    match (arg.get_long(), value) {
        (None, value) => {
            let short = arg.get_short().map(|short| format!("-{short} ")).unwrap_or_default();
            format!("`{short}{}`", value.unwrap_or_else(|| arg.get_id().to_string().to_uppercase()))
        }
        (Some(long), value) => {
            let short = arg.get_short().map(|short| format!("-{short}, ")).unwrap_or_default();
            let optional = arg.is_require_equals_set();
            let value = value.map(|value| if optional { format!("[={value}]") } else { format!(" {value}") });
            format!("`{short}--{long}{}`", value.unwrap_or_default())
        }
    }
}

fn meaning(arg: &Arg) -> String {
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let values: Vec<String> = arg
        .get_possible_values()
        .iter()
        .filter(|value| arg.get_action().takes_values() && !value.is_hide_set())
        .map(|value| format!("`{}`", value.get_name()))
        .collect();
    let values = if values.is_empty() { String::new() } else { format!(": {}", values.join(", ")) };
    let default: Vec<String> =
        arg.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
    let takes = arg.get_action().takes_values();
    let default = if default.is_empty() || !takes {
        String::new()
    } else {
        format!(" (default `{}`)", default.join(","))
    };
    format!("{help}{values}{default}")
}
