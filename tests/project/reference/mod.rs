//! The reference is made from the program, and committed: what is committed is what would be made.
//!
//! After a change of the command line or of the schema: `REGCRED_TEST_WRITE=1 cargo test --test project reference`

mod commands;
mod file;

use crate::pages::{read, root};

const MADE: &str = "<!-- Made by: REGCRED_TEST_WRITE=1 cargo test --test project reference -->";

/// The committed page is this one; with `REGCRED_TEST_WRITE` set it is from now on.
#[track_caller]
#[allow(clippy::disallowed_methods, reason = "a person says that the page is to be written")]
fn held(page: &str, made: &str) {
    if std::env::var_os("REGCRED_TEST_WRITE").is_some() {
        std::fs::write(root(page), made).unwrap();
    }
    assert!(
        read(page) == made,
        "{page} is out of date: REGCRED_TEST_WRITE=1 cargo test --test project reference"
    );
}

/// A table of two columns or more; `|` in a cell is no border.
fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let cell = |text: &String| text.replace('|', "\\|").replace('\n', " ");
    let head: Vec<String> = head.iter().map(|&name| name.to_owned()).collect();
    let rows = rows.iter().map(|row| line(&row.iter().map(cell).collect::<Vec<_>>()));
    format!("{}|{}\n{}", line(&head), "---|".repeat(head.len()), rows.collect::<String>())
}

#[test]
fn the_page_of_commands_is_what_the_command_line_takes() {
    held("docs/reference/commands.md", &commands::page());
}

#[test]
fn the_page_of_the_file_is_what_the_schema_says() {
    held("docs/reference/file.md", &file::page());
}

#[test]
fn the_page_of_the_environment_has_each_variable_that_help_names() {
    let page = read("docs/reference/environment.md");
    let help = commands::help();
    let (_, environment) = help.split_once("Environment:").unwrap();
    let is_variable =
        |word: &&str| word.contains('_') && word.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    let words = environment.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let variables: Vec<&str> = words.filter(is_variable).collect();
    assert!(variables.len() > 20, "{variables:?}");
    for name in variables.iter().filter(|name| name.starts_with(|c: char| c != '_')) {
        assert!(page.contains(name), "{name}");
    }
}

#[test]
fn the_page_of_exit_codes_has_each_that_help_names() {
    let page = read("docs/reference/exit-codes.md");
    let help = commands::help();
    let codes: Vec<&str> = help
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|word| word.chars().all(|c| c.is_ascii_digit()))
        .collect();
    assert!(codes.len() >= 7, "{codes:?}");
    for code in codes {
        assert!(page.contains(&format!("\n| {code} | ")), "{code}");
    }
}
