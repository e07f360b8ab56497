//! A secret value, which cannot be printed, compared or serialised by accident.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// A password or token. Its memory is overwritten when it is dropped.
pub struct Secret(SecretString);

impl Secret {
    /// Takes over a secret value.
    pub fn new(value: String) -> Self {
        Self(SecretString::from(value))
    }

    /// The value itself: only where it goes over a wire to the place it is meant for.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}
