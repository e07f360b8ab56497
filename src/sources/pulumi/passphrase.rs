//! The passphrase of the stack, from where Pulumi takes it (`pkg/secrets/passphrase/manager.go`,
//! `readPassphrase`).

use std::fmt;
use std::io;
use std::path::PathBuf;

use zeroize::Zeroizing;

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
    #[error("cannot read the file that {FILE_VARIABLE} names")]
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
                    "set {VARIABLE} (to an empty text if the stack has an empty passphrase), or {FILE_VARIABLE} to a file that holds it"
                ),
            ),
            PassphraseError::Unreadable { place, .. } => {
                (Some(place.clone()), format!("correct {FILE_VARIABLE}, or set {VARIABLE}"))
            }
        };
        Self { place, message: super::error::with_sources(&error), hint: Some(hint) }
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
        let bytes = std::fs::read(&file)
            .map_err(|source| PassphraseError::Unreadable { place: Place::file(&file), source })?;
        let bytes = Zeroizing::new(bytes);
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
