//! The passphrase of the stack, from where Pulumi takes it (`pkg/secrets/passphrase/manager.go`,
//! `readPassphrase`).

use std::fmt;
use std::io;
use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::files;
use crate::model::{Place, Problem};

const VARIABLE: &str = "PULUMI_CONFIG_PASSPHRASE";
const FILE_VARIABLE: &str = "PULUMI_CONFIG_PASSPHRASE_FILE";

/// The passphrase. `Debug` does not show it; the memory is wiped when it is dropped.
#[derive(Clone)]
pub struct Passphrase {
    bytes: Zeroizing<Vec<u8>>,
    origin: Origin,
}

/// Where a passphrase was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Variable,
    File(PathBuf),
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(***)")
    }
}

/// There is no passphrase.
#[derive(Debug, thiserror::Error)]
pub enum PassphraseError {
    /// Neither variable is set.
    #[error("no passphrase: neither {VARIABLE} nor {FILE_VARIABLE} is set")]
    Unset,
    /// The file that the variable names cannot be read.
    #[error("the file that {FILE_VARIABLE} names cannot be read")]
    Unreadable {
        /// The file.
        place: Place,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl From<PassphraseError> for Problem {
    fn from(error: PassphraseError) -> Self {
        let (place, hint) = match &error {
            PassphraseError::Unset => (
                None,
                format!(
                    "set {VARIABLE} (to an empty value if the stack has an empty passphrase), or {FILE_VARIABLE} to a file that holds it"
                ),
            ),
            PassphraseError::Unreadable { place, .. } => {
                (Some(place.clone()), format!("correct {FILE_VARIABLE}, or set {VARIABLE}"))
            }
        };
        Problem::input(super::error::with_sources(&error)).at(place).hint(hint)
    }
}

impl Passphrase {
    /// The passphrase by Pulumi's rules. `PULUMI_CONFIG_PASSPHRASE` counts whenever it is set, even to
    /// nothing, and is taken as it is, white space included. Else the file that
    /// `PULUMI_CONFIG_PASSPHRASE_FILE` names, if that is not empty, without the white space around it.
    ///
    /// `env` looks a variable up. Nobody is asked for a passphrase here.
    ///
    /// # Errors
    /// Neither variable is set, or the file cannot be read.
    pub fn read(env: &dyn Fn(&str) -> Option<String>) -> Result<Self, PassphraseError> {
        if let Some(text) = env(VARIABLE) {
            return Ok(Self::new(text.into_bytes(), Origin::Variable));
        }
        let file = env(FILE_VARIABLE).filter(|file| !file.is_empty());
        let file = PathBuf::from(file.ok_or(PassphraseError::Unset)?);
        let bytes = files::read(&file, files::MAX_CONFIG)
            .map_err(|source| PassphraseError::Unreadable { place: Place::file(&file), source })?;
        Ok(Self::new(trimmed(&bytes).to_vec(), Origin::File(file)))
    }

    fn new(bytes: Vec<u8>, origin: Origin) -> Self {
        let bytes = Zeroizing::new(bytes);
        Self { bytes, origin }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What to check when this is not the right one.
    pub(super) fn advice(&self) -> String {
        match &self.origin {
            Origin::Variable => {
                format!("check {VARIABLE}: it is used exactly as it is set, white space included")
            }
            Origin::File(file) => format!("check {}, which {FILE_VARIABLE} names", file.display()),
        }
    }
}

impl From<String> for Passphrase {
    /// A passphrase that was read elsewhere, taken as it is.
    fn from(text: String) -> Self {
        Self::new(text.into_bytes(), Origin::Variable)
    }
}

/// Unicode white space, as Go's `strings.TrimSpace` takes it; of bytes that are not UTF-8, ASCII's only.
fn trimmed(bytes: &[u8]) -> &[u8] {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.trim().as_bytes(),
        Err(_) => bytes.trim_ascii(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Passphrase, PassphraseError> {
        Passphrase::read(&|name| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    fn bytes(variables: &[(&str, &str)]) -> Vec<u8> {
        read(variables).expect("there is a passphrase").bytes().to_vec()
    }

    fn file(content: &[u8]) -> (tempfile::TempDir, String) {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("phrase");
        std::fs::write(&path, content).expect("a file");
        let name = path.display().to_string();
        (dir, name)
    }

    #[test]
    fn the_variable_counts_as_it_is_even_if_it_is_empty() {
        let (_dir, name) = file(b"from the file");
        assert_eq!(bytes(&[(VARIABLE, " a \n"), (FILE_VARIABLE, &name)]), b" a \n");
        assert_eq!(bytes(&[(VARIABLE, ""), (FILE_VARIABLE, &name)]), b"");
    }

    #[test]
    fn the_file_counts_without_the_white_space_around_it() {
        let (_dir, name) = file("\u{a0}\u{2003} a b\t\r\n\u{85}".as_bytes());
        assert_eq!(bytes(&[(FILE_VARIABLE, &name)]), b"a b");
        let (_dir, name) = file(b" \xff\xfe \n");
        assert_eq!(bytes(&[(FILE_VARIABLE, &name)]), b"\xff\xfe");
        let (_dir, name) = file(b" \n");
        assert_eq!(bytes(&[(FILE_VARIABLE, &name)]), b"");
    }

    #[test]
    fn without_a_passphrase_both_variables_are_named() {
        for variables in [&[][..], &[(FILE_VARIABLE, "")][..]] {
            let problem = Problem::from(read(variables).expect_err("there is none"));
            assert!(problem.message.contains(VARIABLE) && problem.message.contains(FILE_VARIABLE));
            assert!(problem.hints.iter().any(|hint| hint.contains(FILE_VARIABLE)));
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let problem = Problem::from(read(&[(FILE_VARIABLE, "/nowhere/phrase")]).expect_err("no file"));
        assert!(problem.to_string().starts_with("/nowhere/phrase: the file that"), "{problem}");
        assert!(problem.message.contains("No such file"), "{problem}");
    }

    #[test]
    fn a_passphrase_is_not_shown() {
        let passphrase = Passphrase::from("horse".to_owned());
        assert_eq!(format!("{passphrase:?}"), "Passphrase(***)");
        assert!(!passphrase.advice().contains("horse"));
    }
}
