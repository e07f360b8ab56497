//! Pulumi's encryption of configuration values (`sdk/go/common/resource/config/crypt.go`,
//! `pkg/secrets/passphrase/manager.go`).
//!
//! - key: PBKDF2-HMAC-SHA256 of the passphrase and the salt, 1,000,000 rounds, 32 bytes
//! - value: `v1:<nonce>:<ciphertext>`, base64; AES-256-GCM, 12 bytes of nonce, no associated data
//! - `encryptionsalt`: `v1:<salt>:<value>`, where the value is `pulumi` encrypted: it shows a wrong passphrase
//!
//! A key management service hands out the same key of 32 bytes ([`DataKey::from_bytes`]), without a salt.

use std::fmt;

use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

use super::passphrase::Passphrase;
use crate::model::Secret;

const ROUNDS: u32 = 1_000_000;
const CHECK_TEXT: &[u8] = b"pulumi";

/// Go's `base64.StdEncoding`: padding is required, unused bits at the end are not looked at.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical)
        .with_decode_allow_trailing_bits(true),
);

/// Why a value or a salt cannot be used. No variant holds any of its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CryptoError {
    /// The check value of the salt does not open.
    #[error("wrong passphrase")]
    WrongPassphrase,
    /// The salt is not `v1:<salt>:<check value>`.
    #[error("the salt is damaged")]
    Salt,
    /// The salt's first part is not `v1`.
    #[error("the salt is of an unknown version")]
    SaltVersion,
    /// The value has not three parts.
    #[error("the encrypted value is damaged: it is not `v1:nonce:ciphertext`")]
    Form,
    /// The value's first part is not `v1`.
    #[error("the encrypted value is of an unknown version")]
    Version,
    /// A part of the value is not base64.
    #[error("the encrypted value is damaged: it is not base64")]
    Base64,
    /// The nonce has not 12 bytes.
    #[error("the encrypted value is damaged: its nonce has the wrong length")]
    Nonce,
    /// The value was altered, or encrypted with another key.
    #[error("the encrypted value is damaged, or was encrypted for another stack")]
    Authentication,
    /// The value is not text.
    #[error("the decrypted value is not UTF-8 text")]
    NotText,
}

/// `v1:<nonce>:<ciphertext>`, taken apart.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Sealed {
    nonce: [u8; 12],
    ciphertext: Vec<u8>,
}

impl Sealed {
    fn parse(text: &str) -> Result<Self, CryptoError> {
        let [version, nonce, ciphertext] = text.split(':').collect::<Vec<_>>()[..] else {
            return Err(CryptoError::Form);
        };
        if version != "v1" {
            return Err(CryptoError::Version);
        }
        let nonce = decode(nonce).ok_or(CryptoError::Base64)?;
        let ciphertext = decode(ciphertext).ok_or(CryptoError::Base64)?;
        let nonce = nonce.try_into().map_err(|_| CryptoError::Nonce)?;
        Ok(Self { nonce, ciphertext })
    }
}

/// Go skips line breaks within base64.
fn decode(text: &str) -> Option<Vec<u8>> {
    if text.contains(['\r', '\n']) {
        return BASE64.decode(text.replace(['\r', '\n'], "")).ok();
    }
    BASE64.decode(text).ok()
}

/// The `encryptionsalt` of a stack file. Two stacks with an equal one have the same key, given the same
/// passphrase.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EncryptionSalt {
    salt: Vec<u8>,
    check: Sealed,
}

impl fmt::Debug for EncryptionSalt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EncryptionSalt(…)")
    }
}

impl EncryptionSalt {
    /// Takes the text apart; cheap.
    ///
    /// # Errors
    /// [`CryptoError::Salt`] and [`CryptoError::SaltVersion`]. Unlike Pulumi, which calls a damaged check
    /// value a wrong passphrase, this tells the two apart.
    pub fn parse(text: &str) -> Result<Self, CryptoError> {
        let [version, salt, check] = text.splitn(3, ':').collect::<Vec<_>>()[..] else {
            return Err(CryptoError::Salt);
        };
        if version != "v1" {
            return Err(CryptoError::SaltVersion);
        }
        Ok(Self {
            salt: decode(salt).ok_or(CryptoError::Salt)?,
            check: Sealed::parse(check).map_err(|_| CryptoError::Salt)?,
        })
    }
}

/// The key that decrypts the values of a stack. `Debug` does not show it; the memory is wiped when it is
/// dropped.
#[derive(Clone)]
pub struct DataKey(Zeroizing<[u8; 32]>);

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(***)")
    }
}

/// The key of a passphrase, checked against the salt.
///
/// Expensive: 1,000,000 rounds, about 0.3 seconds of one processor. Call it once for each salt, on a thread
/// that may block.
///
/// # Errors
/// [`CryptoError::WrongPassphrase`].
pub fn derive(passphrase: &Passphrase, salt: &EncryptionSalt) -> Result<DataKey, CryptoError> {
    let mut key = Zeroizing::new([0; 32]);
    pbkdf2::pbkdf2_hmac::<Sha256>(passphrase.bytes(), &salt.salt, ROUNDS, key.as_mut());
    let key = DataKey(key);
    match key.open(&salt.check) {
        Ok(text) if *text == CHECK_TEXT => Ok(key),
        _ => Err(CryptoError::WrongPassphrase),
    }
}

impl DataKey {
    /// A key that a key management service has decrypted.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The text of an encrypted value.
    ///
    /// # Errors
    /// A value that is malformed, altered, or of another key; see [`CryptoError`].
    pub fn decrypt(&self, ciphertext: &str) -> Result<Secret, CryptoError> {
        let mut bytes = self.open(&Sealed::parse(ciphertext)?)?;
        match String::from_utf8(std::mem::take(&mut *bytes)) {
            Ok(text) => Ok(Secret::new(text)),
            Err(error) => {
                error.into_bytes().zeroize();
                Err(CryptoError::NotText)
            }
        }
    }

    fn open(&self, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let cipher = Aes256Gcm::new((&*self.0).into());
        cipher
            .decrypt(Nonce::from_slice(&sealed.nonce), sealed.ciphertext.as_slice())
            .map(Zeroizing::new)
            .map_err(|_| CryptoError::Authentication)
    }
}
