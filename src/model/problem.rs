//! What is wrong with the input, in the words a person reads: where, what, and what to do about it.

use std::fmt;
use std::path::PathBuf;

/// A spot in a file. Lines and columns count from 1, as editors do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The file, as the user would name it.
    pub file: PathBuf,
    /// The line, where it is known.
    pub line: Option<usize>,
    /// The column in characters, where it is known.
    pub column: Option<usize>,
}

impl Place {
    /// A whole file.
    #[must_use]
    pub fn file(file: impl Into<PathBuf>) -> Self {
        Self { file: file.into(), line: None, column: None }
    }

    /// A line and a column of a file.
    #[must_use]
    pub fn at(file: impl Into<PathBuf>, line: usize, column: usize) -> Self {
        Self { file: file.into(), line: Some(line), column: Some(column) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        [self.line, self.column].into_iter().flatten().try_for_each(|number| write!(f, ":{number}"))
    }
}

/// One thing that is wrong. Never holds the text of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it is, if it is in a file.
    pub place: Option<Place>,
    /// What is wrong: lower case, no period at the end.
    pub message: String,
    /// What to do: a command, or a line to change.
    pub hint: Option<String>,
}

impl Problem {
    /// The problem with its file named as people in the folder `dir` would.
    #[must_use]
    pub fn seen_from(mut self, dir: &std::path::Path) -> Self {
        if let Some(place) = &mut self.place
            && let Ok(relative) = place.file.strip_prefix(dir)
        {
            place.file = relative.to_owned();
        }
        // A command in a hint names folders, too; the folder itself need not be named.
        let dir = dir.display();
        let folders = [format!(" -C {dir}"), format!(" -C '{dir}'")];
        let shortened = |hint: String| {
            let hint = folders.iter().fold(hint, |hint, folder| without_word(&hint, folder));
            hint.replace(&format!("{dir}/"), "")
        };
        self.hint = self.hint.map(shortened);
        self
    }
}

/// The text without `word`, where that is not the beginning of a longer one.
fn without_word(text: &str, word: &str) -> String {
    let mut parts = text.split(word);
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let ends = part.chars().next().is_none_or(|next| " ),;".contains(next));
        kept.push_str(if ends { "" } else { word });
        kept.push_str(part);
    }
    kept
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(f, "{place}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for Problem {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_in_a_hint_names_no_folder_that_people_stand_in() {
        let seen = |hint: &str, dir: &str| {
            let problem = Problem { place: None, message: String::new(), hint: Some(hint.to_owned()) };
            problem.seen_from(std::path::Path::new(dir)).hint.unwrap_or_default()
        };
        assert_eq!(seen("pulumi a -C /r && pulumi b -C /r (or c)", "/r"), "pulumi a && pulumi b (or c)");
        assert_eq!(seen("pulumi a -C /r/infra", "/r"), "pulumi a -C infra");
        assert_eq!(seen("pulumi a -C /r-2", "/r"), "pulumi a -C /r-2");
        assert_eq!(seen("pulumi a -C '/my r'", "/my r"), "pulumi a");
        assert_eq!(seen("pulumi a -C '/my r/infra'", "/my r"), "pulumi a -C 'infra'");
    }

    #[test]
    fn a_problem_reads_like_a_compiler_message() {
        let problem = |place| Problem { place, message: "is empty".to_owned(), hint: None };
        let at = Place::at("infra/Pulumi.yaml", 3, 5);
        assert_eq!(problem(Some(at)).to_string(), "infra/Pulumi.yaml:3:5: is empty");
        let file = Place::file("Pulumi.yaml");
        assert_eq!(problem(Some(file)).to_string(), "Pulumi.yaml: is empty");
        assert_eq!(problem(None).to_string(), "is empty");
    }
}
