//! Pulumi's encryption of configuration values (`sdk/go/common/resource/config/crypt.go`,
//! `pkg/secrets/passphrase/manager.go`).
//!
//! - key: PBKDF2-HMAC-SHA256 of the passphrase and the salt, 1,000,000 rounds, 32 bytes
//! - value: `v1:<nonce>:<ciphertext>`, base64; AES-256-GCM, 12 bytes of nonce, no associated data
//! - `encryptionsalt`: `v1:<salt>:<value>`, where the value is `pulumi` encrypted: it shows a wrong passphrase
//!
//! A key management service hands out the same key of 32 bytes ([`DataKey::from_bytes`]), without a salt.

use std::fmt;
use std::num::NonZeroU32;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::error::Unspecified;
use ring::pbkdf2;
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::{Zeroize, Zeroizing};

use super::passphrase::Passphrase;
use crate::go::Base64;
use crate::model::Secret;

const ROUNDS: NonZeroU32 = NonZeroU32::new(1_000_000).unwrap();
const CHECK_TEXT: &[u8] = b"pulumi";

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
    /// There are no random bytes for a nonce.
    #[error("it cannot be encrypted: this machine gives no random bytes")]
    NoNonce,
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

fn decode(text: &str) -> Option<Vec<u8>> {
    Base64::Padded.decode(text).map(|bytes| bytes.to_vec())
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
/// Expensive: 1,000,000 rounds, about a second of a processor without SHA instructions. Call it once for each salt, on a thread
/// that may block.
///
/// # Errors
/// [`CryptoError::WrongPassphrase`].
pub fn derive(passphrase: &Passphrase, salt: &EncryptionSalt) -> Result<DataKey, CryptoError> {
    let mut key = Zeroizing::new([0; 32]);
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ROUNDS, &salt.salt, passphrase.bytes(), key.as_mut());
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

    /// A text, encrypted as Pulumi does it: with a nonce of its own.
    ///
    /// # Errors
    /// [`CryptoError::NoNonce`].
    pub fn encrypt(&self, text: &Secret) -> Result<String, CryptoError> {
        let mut nonce = [0; 12];
        SystemRandom::new().fill(&mut nonce).map_err(|Unspecified| CryptoError::NoNonce)?;
        self.seal(nonce, text.expose()).map_err(|Unspecified| CryptoError::NoNonce)
    }

    fn seal(&self, nonce: [u8; 12], text: &str) -> Result<String, Unspecified> {
        let mut sealed = Zeroizing::new(text.as_bytes().to_vec());
        let once = Nonce::assume_unique_for_key(nonce);
        let tag = self.cipher()?.seal_in_place_separate_tag(once, Aad::empty(), &mut sealed)?;
        sealed.extend(tag.as_ref());
        Ok(format!("v1:{}:{}", STANDARD.encode(nonce), STANDARD.encode(&*sealed)))
    }

    fn open(&self, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let mut bytes = Zeroizing::new(sealed.ciphertext.clone());
        let opened = self.cipher().and_then(|cipher| {
            let nonce = Nonce::assume_unique_for_key(sealed.nonce);
            Ok(cipher.open_in_place(nonce, Aad::empty(), &mut bytes)?.len())
        });
        // The tag stands behind the text.
        bytes.truncate(opened.map_err(|Unspecified| CryptoError::Authentication)?);
        Ok(bytes)
    }

    fn cipher(&self) -> Result<LessSafeKey, Unspecified> {
        UnboundKey::new(&AES_256_GCM, &*self.0).map(LessSafeKey::new)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Encrypts, always with the same nonce.
    pub(in crate::sources::pulumi) fn encrypt(key: &DataKey, text: &str) -> String {
        key.seal([5; 12], text).expect("a text can be encrypted")
    }

    fn key() -> DataKey {
        DataKey::from_bytes([7; 32])
    }

    fn error(ciphertext: &str) -> CryptoError {
        key().decrypt(ciphertext).expect_err("it is refused")
    }

    /// Made by Python's `cryptography`.
    #[test]
    fn values_of_another_implementation_are_decrypted() {
        for (text, ciphertext) in [
            ("dckr_pat_an-example", "v1:PI9IzAqdV9s24j7k:1ZLN1ZPZvzD1keFLDj//34oMVau4C3VhUxKZ5lH2/N/Wpg8="),
            ("", "v1:VFX8P7lM8dXKxJeS:2BO84ed/LwD998ztLjjSDw=="),
            ("naïve – ☕\n", "v1:Ff/PfwpwA4X4jNVP:YBe1cFsAaOTNeAre1fNSd4C13OYzidkWdu/+Ge5FHg=="),
        ] {
            let value = key().decrypt(ciphertext).expect("it is good");
            assert_eq!(value.expose(), text);
        }
        assert_eq!(error("v1:LwXUtonScMr7Aihf:e339Tr1DkzaXy7gPc2+qIk85"), CryptoError::NotText);
    }

    /// Made by Python's `hashlib` and `cryptography`. Nothing is trimmed or normalised.
    #[test]
    fn a_passphrase_of_another_implementation_unlocks_its_salt() {
        let salt = "v1:h46n+E3r+4E=:v1:QAaa1C+U467DbMx4:EFHVvHJvCANNzJwcnGjQegke/+TroQ==";
        let salt = EncryptionSalt::parse(salt).expect("it is good");
        let key = derive(&Passphrase::from(" pässword \n".to_owned()), &salt).expect("it is right");
        let value = key.decrypt("v1:LPJNul+wow4m6Dsq:gl06Hvpa2/ymt8A3YfVLbcuxkAsf");
        assert_eq!(value.expect("it is good").expose(), "hello");
    }

    #[test]
    fn line_breaks_and_unused_bits_in_base64_are_let_pass_as_by_go() {
        let broken = "v1:PI9IzAqdV9s2\n4j7k:1ZLN1ZPZvzD1keFLDj//34oMVau4C3VhUx\r\nKZ5lH2/N/Wpg9=";
        assert!(key().decrypt(broken).is_ok());
        assert_eq!(error("v1:VFX8P7lM8dXKxJeS:2BO84ed/LwD998ztLjjSDw"), CryptoError::Base64);
        assert_eq!(error("v1:VFX8P7lM8dXKxJeS:2BO84ed_LwD998ztLjjSDw=="), CryptoError::Base64);
    }

    #[test]
    fn a_malformed_value_is_told_by_what_is_wrong_with_it() {
        let good = encrypt(&key(), "x");
        let (nonce, body) = good[3..].split_once(':').expect("three parts");
        for (value, expected) in [
            (String::new(), CryptoError::Form),
            ("v1".to_owned(), CryptoError::Form),
            (format!("{good}:"), CryptoError::Form),
            (format!("v2:{nonce}:{body}"), CryptoError::Version),
            (format!(":{nonce}:{body}"), CryptoError::Version),
            (format!("v1:{nonce}:***"), CryptoError::Base64),
            (format!("v1:***:{body}"), CryptoError::Base64),
            (format!("v1::{body}"), CryptoError::Nonce),
            (format!("v1:{nonce}AAAA:{body}"), CryptoError::Nonce),
            (format!("v1:{nonce}:"), CryptoError::Authentication),
            (format!("v1:AAAAAAAAAAAAAAAA:{body}"), CryptoError::Authentication),
        ] {
            assert_eq!(error(&value), expected, "{value}");
        }
        let other = DataKey::from_bytes([8; 32]);
        assert_eq!(other.decrypt(&good).err(), Some(CryptoError::Authentication));
    }

    #[test]
    fn a_malformed_salt_is_not_taken_for_a_wrong_passphrase() {
        for (salt, expected) in [
            ("", CryptoError::Salt),
            ("v1:AAAA", CryptoError::Salt),
            ("v1:A:v1:AAAA:AAAA", CryptoError::Salt),
            ("v1:AAAA:v1:AAAA:AAAA", CryptoError::Salt),
            ("v1:AAAA:v2:AAAAAAAAAAAAAAAA:AAAA", CryptoError::Salt),
            ("v2:AAAA:v1:AAAAAAAAAAAAAAAA:AAAA", CryptoError::SaltVersion),
        ] {
            assert_eq!(EncryptionSalt::parse(salt).err(), Some(expected), "{salt}");
        }
    }

    #[test]
    fn keys_and_salts_are_not_shown() {
        let salt = EncryptionSalt::parse("v1:AAAA:v1:AAAAAAAAAAAAAAAA:AAAA");
        assert_eq!(format!("{:?} {salt:?}", key()), "DataKey(***) Ok(EncryptionSalt(…))");
    }

    proptest! {
        #[test]
        fn what_was_encrypted_comes_back_and_looks_different_each_time(text in any::<String>()) {
            let text = Secret::new(text);
            let [one, other] = [(); 2].map(|()| key().encrypt(&text).expect("it is encrypted"));
            prop_assert_ne!(&one, &other);
            for sealed in [one, other] {
                let value = key().decrypt(&sealed).expect("it is good");
                prop_assert_eq!(value.expose(), text.expose());
            }
        }

        #[test]
        fn no_text_makes_decryption_panic(
            text in any::<String>(),
            parts in "(v1|v2)?(:[A-Za-z0-9+/=\r\n]{0,24}){0,5}",
        ) {
            for value in [text, parts] {
                let _ = key().decrypt(&value);
                let _ = EncryptionSalt::parse(&value);
            }
        }
    }
}
