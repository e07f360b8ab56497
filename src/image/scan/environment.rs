//! The variables of a Compose file: Compose takes those of `.env` in the project's folder, or of the files that `--env-file`
//! names instead; `env_file:` is for the containers alone. The variables of the shell go before them and are not read here,
//! so that the answer is the same everywhere.

use std::path::{Path, PathBuf};

use super::Request;
use super::variables::{Value, Variables};
use super::walk::read_text;
use crate::dotenv::{self, Flaw};

/// The variables for a Compose file in a folder, or for one that another folder's file includes: those of the including one
/// go before its own (compose-go, `loader/include.go`). A file that a person names is read wherever it is; `.env` is not where
/// it links to a file outside what is scanned.
pub(super) fn of_compose(folders: &[&Path], request: &Request) -> Variables {
    let mut variables = Variables::of_compose();
    let beside = folders.iter().map(|folder| folder.join(".env")).filter(|file| file.exists());
    let files: Vec<PathBuf> = match &request.env_files[..] {
        [] => beside.collect(),
        named => named.to_vec(),
    };
    for file in files {
        let text = match is_within(&file, request) || !request.env_files.is_empty() {
            true => read_text(&file),
            false => Err("it links to a file outside what is scanned".to_owned()),
        };
        match text {
            Ok(text) => set_all(&mut variables, &text),
            Err(why) => {
                let name = file.file_name().unwrap_or_default().display();
                variables.leave_open(format!("`{name}`, whose variables are not known then: {why}"));
            }
        }
    }
    variables
}

/// Whether a file is below what is scanned, all links followed.
fn is_within(file: &Path, request: &Request) -> bool {
    let folder = |path: &PathBuf| {
        let path = path.canonicalize().ok()?;
        if path.is_dir() { Some(path) } else { path.parent().map(Path::to_owned) }
    };
    let real = file.canonicalize();
    real.is_ok_and(|real| request.paths.iter().filter_map(folder).any(|folder| real.starts_with(folder)))
}

/// Sets the variables of a file, of which each may be made of earlier ones.
fn set_all(variables: &mut Variables, text: &str) {
    for variable in dotenv::variables(text) {
        let value = match variable.value {
            Ok(value) => Value::Set(value.to_owned()),
            Err(Flaw::Replaced) if !variable.written.contains(['\\', '`']) => {
                let value = variables.expand(variable.written);
                if value.contains('$') { Value::Foreign } else { Value::Set(value) }
            }
            Err(_) => Value::Foreign,
        };
        variables.set(variable.name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(env: &str, text: &str) -> String {
        let mut variables = Variables::of_compose();
        set_all(&mut variables, env);
        variables.expand(text)
    }

    #[test]
    fn a_value_of_the_file_goes_before_the_default() {
        for (env, text, expected) in [
            ("R=ghcr.io", "${R:-docker.io}/a", "ghcr.io/a"),
            ("R=", "${R:-docker.io}/a", "docker.io/a"),
            ("R=", "${R-docker.io}a", "a"),
            ("R=ghcr.io", "${R?set it}/a", "ghcr.io/a"),
            ("R=ghcr.io", "${R:?set it}/a", "ghcr.io/a"),
            ("", "${R:?set it}/a", "${R:?set it}/a"),
            ("T=2", "${R:-ghcr.io/x:${T}}", "ghcr.io/x:2"),
            ("T=2", "a${T:+:$T}", "a:2"),
            ("R=one\nR=two", "$R", "two"),
            ("export R='ghcr.io' # ours", "$R/a", "ghcr.io/a"),
            ("R=ghcr.io\nI=${R}/a", "$I:1", "ghcr.io/a:1"),
            ("I=\"${R:-ghcr.io}/a\"", "$I:1", "ghcr.io/a:1"),
            ("I=${CI_REGISTRY}/a", "$I:1", "${I}:1"),
            ("I=${CI_REGISTRY}/a", "${I:-x}", "${I:-x}"),
            ("R=\"open", "${R:-docker.io}/a", "${R:-docker.io}/a"),
            ("R='two\nlines'", "${R:-docker.io}/a", "${R:-docker.io}/a"),
            ("R=ghcr.io", "$$R/a", "$R/a"),
        ] {
            assert_eq!(expanded(env, text), expected, "{env}: {text}");
        }
    }
}
