//! What can be wrong with the credential of a stack.

use super::crypto::CryptoError;
use super::error::with_sources;
use super::provider::Provider;
use super::value::{self, Unquoted};
use crate::model::{Place, Problem};

/// A credential that cannot be read from a stack. One variant is one finding about one key or one stack; no
/// variant holds a value.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// The key is nowhere.
    #[error("`{key}` is not in the configuration of this stack")]
    Missing {
        /// The stack file.
        place: Place,
        /// The key.
        key: String,
        /// The command that mends it.
        fix: Box<str>,
    },
    /// The key has no value.
    #[error("`{key}` is empty")]
    Empty {
        /// Where the key is.
        place: Place,
        /// The key.
        key: String,
        /// The command that mends it.
        fix: Box<str>,
    },
    /// The token is not encrypted.
    #[error("`{key}` is in plain text, and must be encrypted")]
    PlainToken {
        /// Where the key is.
        place: Place,
        /// The key.
        key: String,
        /// The command that mends it.
        fix: Box<str>,
    },
    /// A list or a map.
    #[error("`{key}` must be text, not a list or a map")]
    NotText {
        /// Where the key is.
        place: Place,
        /// The key.
        key: String,
    },
    /// A number or a date without quotes, which Pulumi reads by rules of its own.
    #[error("`{key}` {Unquoted}")]
    Unquoted {
        /// Where the key is.
        place: Place,
        /// The key.
        key: String,
        /// The command that mends it.
        fix: Box<str>,
    },
    /// The secrets need a provider that there is not.
    #[error("the secrets of stack `{stack}` are encrypted with {provider}")]
    Unsupported {
        /// The line that names the provider, else the first secret that is needed.
        place: Place,
        /// The stack.
        stack: String,
        /// What they need.
        provider: Box<Provider>,
        /// The command that mends it.
        fix: Box<str>,
    },
    /// `secretsprovider` or `encryptedkey` cannot be used.
    #[error("the secrets of stack `{stack}` need AWS KMS: {what}")]
    Kms {
        /// The line of the provider.
        place: Place,
        /// The stack.
        stack: String,
        /// What is wrong.
        what: Box<str>,
    },
    /// `encryptionsalt` is missing or damaged.
    #[error("stack `{stack}` has secrets of a passphrase, and no usable `encryptionsalt`")]
    Salt {
        /// The line of the salt, else the first secret that is needed.
        place: Place,
        /// The stack.
        stack: String,
        /// What is wrong with it, if it is there.
        #[source]
        source: Option<CryptoError>,
    },
    /// The passphrase does not open the stack.
    #[error("cannot unlock the secrets of stack `{stack}`")]
    Locked {
        /// The line of the salt.
        place: Place,
        /// The stack.
        stack: String,
        /// What to check.
        advice: String,
        /// Why.
        #[source]
        source: CryptoError,
    },
    /// One value does not decrypt.
    #[error("cannot decrypt `{key}`")]
    Damaged {
        /// Where the key is.
        place: Place,
        /// The key.
        key: String,
        /// The command that mends it.
        fix: Box<str>,
        /// Why.
        #[source]
        source: CryptoError,
    },
    /// The value holds white space.
    #[error("the value of `{key}` {flaw}")]
    Blank {
        /// Where the key is.
        place: Place,
        /// The key.
        key: String,
        /// What is wrong, without the value.
        flaw: Box<str>,
        /// The command that mends it.
        fix: Box<str>,
    },
}

impl CredentialError {
    /// Where it is.
    #[must_use]
    pub fn place(&self) -> &Place {
        match self {
            Self::Missing { place, .. }
            | Self::Empty { place, .. }
            | Self::PlainToken { place, .. }
            | Self::NotText { place, .. }
            | Self::Unquoted { place, .. }
            | Self::Unsupported { place, .. }
            | Self::Kms { place, .. }
            | Self::Salt { place, .. }
            | Self::Locked { place, .. }
            | Self::Damaged { place, .. }
            | Self::Blank { place, .. } => place,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Missing { fix, .. }
            | Self::Empty { fix, .. }
            | Self::Damaged { fix, .. }
            | Self::Blank { fix, .. } => Some(fix.to_string()),
            Self::PlainToken { fix, .. } => {
                Some(format!("{fix} (with a new token, if this file was ever committed or shared)"))
            }
            Self::Unquoted { key, .. } => Some(value::quoted(key)),
            Self::Unsupported { fix, .. } => Some(fix.to_string()),
            Self::Kms { .. } => {
                Some("restore `secretsprovider` and `encryptedkey` from version control".to_owned())
            }
            Self::Salt { .. } => Some("restore the line `encryptionsalt: …` from version control".to_owned()),
            Self::Locked { advice, .. } => Some(advice.clone()),
            Self::NotText { .. } => None,
        }
    }
}

impl From<CredentialError> for Problem {
    fn from(error: CredentialError) -> Self {
        Problem::input(with_sources(&error)).at(error.place().clone()).hints(error.hint())
    }
}
