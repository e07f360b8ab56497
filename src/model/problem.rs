//! What is wrong with the input, in the words a person reads: where, what, and what to do about it.

use std::fmt;
use std::path::{Path, PathBuf};

use super::ReferenceError;
use crate::redact;

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
        // Of a folder as seen from itself no name is left.
        let file = if self.file.as_os_str().is_empty() { Path::new(".") } else { &self.file };
        f.write_str(&redact::line(&file.display().to_string()))?;
        [self.line, self.column].into_iter().flatten().try_for_each(|number| write!(f, ":{number}"))
    }
}

/// Who has to do something about a problem, which decides the exit code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Class {
    /// Whoever wrote the input: the configuration, a flag, a value.
    #[default]
    Input,
    /// Something outside failed: a program, a service, the network.
    Outside,
    /// A login failed, so that nothing of that place can be read or written.
    Login,
    /// The repository is not trusted (`--untrusted`), and this is not for it to decide.
    Untrusted,
}

/// What a failed write left behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Effect {
    /// Nothing was written.
    #[default]
    Nothing,
    /// It may have been written: no answer came. (What was answered as done is counted where requests leave.)
    Written,
    /// The run works without it: a record that may not be kept.
    Harmless,
}

/// One thing that is wrong: what failed, on what, why, and what to do. The one shape of an error that reaches people; what
/// belongs to one library or system alone becomes it where it is understood. Never holds the text of a secret. Each of its
/// texts is one line: what is named in it may have been made to look like more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problem {
    /// Where it is, if it is in a file.
    pub place: Option<Place>,
    /// What is wrong: lower case, no period at the end.
    pub message: String,
    /// What caused it, the nearest first; shown at `-v`.
    pub causes: Vec<String>,
    /// What to do: each a command, or a line to change.
    pub hints: Vec<String>,
    /// Who has to do something about it.
    pub class: Class,
    /// What is left behind, if it was a write.
    pub effect: Effect,
}

impl Problem {
    /// Something is wrong with the input.
    #[must_use]
    pub fn input(message: impl Into<String>) -> Self {
        Self { message: redact::line(&message.into()), ..Self::default() }
    }

    /// Something outside failed.
    #[must_use]
    pub fn outside(message: impl Into<String>) -> Self {
        Self { class: Class::Outside, ..Self::input(message) }
    }

    /// Says where it is, if that is known.
    #[must_use]
    pub fn at(self, place: impl Into<Option<Place>>) -> Self {
        Self { place: place.into().or(self.place), ..self }
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        self.hints([hint.into()])
    }

    /// Adds hints.
    #[must_use]
    pub fn hints(mut self, hints: impl IntoIterator<Item = String>) -> Self {
        self.hints.extend(hints.into_iter().map(|hint| redact::line(&hint)));
        self
    }

    /// Keeps a chain of causes.
    #[must_use]
    pub fn caused_by(mut self, causes: impl IntoIterator<Item = String>) -> Self {
        self.causes.extend(causes.into_iter().map(|cause| redact::line(&cause)));
        self
    }

    /// Keeps an error's chain of causes.
    #[must_use]
    pub fn because(self, error: &dyn std::error::Error) -> Self {
        let causes = std::iter::successors(error.source(), |cause| cause.source());
        self.caused_by(causes.map(|cause| redact::outside(&cause.to_string())))
    }

    /// Marks it as a failed login, where `failed` holds.
    #[must_use]
    pub fn login(self, failed: bool) -> Self {
        Self { class: if failed && !self.is_untrusted() { Class::Login } else { self.class }, ..self }
    }

    /// Marks it as what a repository that is not trusted may not decide, where `refused` holds.
    #[must_use]
    pub fn untrusted(self, refused: bool) -> Self {
        Self { class: if refused { Class::Untrusted } else { self.class }, ..self }
    }

    /// Whether it is what a repository that is not trusted may not decide.
    #[must_use]
    pub fn is_untrusted(&self) -> bool {
        self.class == Class::Untrusted
    }

    /// The same problem, after something may have been written, where `written` holds.
    #[must_use]
    pub fn written(self, written: bool) -> Self {
        Self { effect: if written { Effect::Written } else { self.effect }, ..self }
    }

    /// The same problem; where `harmless` holds, the run works anyway.
    #[must_use]
    pub fn harmless(self, harmless: bool) -> Self {
        Self { effect: if harmless { Effect::Harmless } else { self.effect }, ..self }
    }

    /// The hints in one text, if there are any.
    #[must_use]
    pub fn advice(&self) -> Option<String> {
        (!self.hints.is_empty()).then(|| self.hints.join("; "))
    }

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
        self.hints = self.hints.into_iter().map(shortened).collect();
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

impl From<&ReferenceError> for Problem {
    fn from(error: &ReferenceError) -> Self {
        Self::outside(format!("not the name of an image: {error}")).hints(error.hint())
    }
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
            let problem = Problem::input("").hint(hint);
            problem.seen_from(std::path::Path::new(dir)).hints.remove(0)
        };
        assert_eq!(seen("pulumi a -C /r && pulumi b -C /r (or c)", "/r"), "pulumi a && pulumi b (or c)");
        assert_eq!(seen("pulumi a -C /r/infra", "/r"), "pulumi a -C infra");
        assert_eq!(seen("pulumi a -C /r-2", "/r"), "pulumi a -C /r-2");
        assert_eq!(seen("pulumi a -C '/my r'", "/my r"), "pulumi a");
        assert_eq!(seen("pulumi a -C '/my r/infra'", "/my r"), "pulumi a -C 'infra'");
    }

    #[test]
    fn a_problem_reads_like_a_compiler_message() {
        let problem = |place| Problem::input("is empty").at(place);
        let at = Place::at("infra/Pulumi.yaml", 3, 5);
        assert_eq!(problem(Some(at)).to_string(), "infra/Pulumi.yaml:3:5: is empty");
        let file = Place::file("Pulumi.yaml");
        assert_eq!(problem(Some(file)).to_string(), "Pulumi.yaml: is empty");
        assert_eq!(problem(None).to_string(), "is empty");
    }
}
