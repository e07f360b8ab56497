//! What opens the secrets of a stack: a passphrase with its salt, or a key of AWS KMS.

use super::credential_error::CredentialError;
use super::crypto::{self, CryptoError, DataKey, EncryptionSalt};
use super::kms::AwsKms;
use super::passphrase::{Passphrase, PassphraseError};
use crate::model::{Place, Problem};

/// What opens the secrets of a stack. Two credentials with an equal one have the same key: open it once.
#[derive(Clone, PartialEq)]
pub enum Lock {
    /// A passphrase.
    Passphrase(PassphraseLock),
    /// AWS KMS.
    AwsKms(AwsKms),
}

/// The salt that a passphrase is used with.
#[derive(Clone)]
pub struct PassphraseLock {
    stack: String,
    place: Place,
    salt: EncryptionSalt,
}

impl PartialEq for PassphraseLock {
    fn eq(&self, other: &Self) -> bool {
        self.salt == other.salt
    }
}

impl PassphraseLock {
    /// Takes the salt apart.
    ///
    /// # Errors
    /// It is damaged.
    pub(super) fn read(stack: &str, place: &Place, salt: &str) -> Result<Self, CryptoError> {
        Ok(Self { stack: stack.to_owned(), place: place.clone(), salt: EncryptionSalt::parse(salt)? })
    }

    /// The key. Expensive, see [`derive`](super::derive): call it on a thread that may block.
    ///
    /// # Errors
    /// A wrong passphrase.
    pub fn unlock(&self, passphrase: &Passphrase) -> Result<DataKey, Problem> {
        crypto::derive(passphrase, &self.salt).map_err(|source| {
            Problem::from(CredentialError::Locked {
                place: self.place.clone(),
                stack: self.stack.clone(),
                advice: passphrase.advice(),
                source,
            })
        })
    }

    /// What to say where there is no passphrase.
    #[must_use]
    pub fn no_passphrase(&self) -> Problem {
        PassphraseError::Unset.into()
    }
}
