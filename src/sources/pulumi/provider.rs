//! Which secrets provider a stack file needs, by its shape alone
//! (`pkg/cmd/pulumi/stack/secrets.go`, `GetSecretsManager`).
//!
//! Not looked at, because the file does not show them: a stack whose configuration is kept in Pulumi Cloud,
//! `PULUMI_CLOUD_SECRET_OVERRIDE`, and the manager in a stack's state.

use std::fmt;
use std::path::Path;

use super::error::FileError;
use super::settings::Settings;
use super::value::{self, Unquoted};
use crate::model::Place;
use crate::yaml::Node;

/// What decrypts the secrets of a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Provider {
    /// A key that is derived from a passphrase and this salt.
    Passphrase {
        /// The text of `encryptionsalt`.
        salt: String,
    },
    /// A data key that a key management service has encrypted.
    Kms {
        /// The text of `secretsprovider`: `awskms://…`, `azurekeyvault://…`, `gcpkms://…`, `hashivault://…`.
        url: String,
        /// The text of `encryptedkey`, empty if it is missing.
        encrypted_key: String,
    },
    /// The service of Pulumi Cloud (or of a self-hosted one): decryption is a request to it.
    Service,
    /// Secrets of a passphrase, and the salt is not in the file.
    SaltMissing,
    /// There is no secret in the file.
    None,
}

impl fmt::Display for Provider {
    /// The provider by name, without the parameters of a URL.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passphrase { .. } | Self::SaltMissing => f.write_str("a passphrase"),
            Self::Kms { url, .. } => f.write_str(kms_name(url)),
            Self::Service => f.write_str("the Pulumi Cloud service"),
            Self::None => f.write_str("nothing"),
        }
    }
}

impl Provider {
    /// Whether it is one that Pulumi has.
    pub(super) fn is_known(&self) -> bool {
        !matches!(self, Self::Kms { url, .. } if kms_name(url) == UNKNOWN)
    }
}

const UNKNOWN: &str = "a provider that Pulumi does not have either";

fn kms_name(url: &str) -> &'static str {
    match url.split("://").next().unwrap_or_default() {
        "awskms" => "AWS KMS (`awskms`)",
        "azurekeyvault" => "Azure Key Vault (`azurekeyvault`)",
        "gcpkms" => "Google Cloud KMS (`gcpkms`)",
        "hashivault" => "HashiCorp Vault (`hashivault`)",
        _ => UNKNOWN,
    }
}

/// The parts of a stack file that decide the provider, with their places.
#[derive(Clone)]
pub(super) struct Shape {
    url: Option<(Place, String)>,
    key: Option<(Place, String)>,
    salt: Option<(Place, String)>,
    /// There are secrets, and whether any looks like `v1:…`, as Pulumi Cloud's never do.
    secrets: Option<bool>,
}

impl Shape {
    pub(super) fn read(file: &Path, root: Option<&Node>, own: &Settings) -> Result<Self, FileError> {
        let text = |key, what| match root {
            Some(root) => text(file, root, key, what),
            None => Ok(None),
        };
        let any = |test: &dyn Fn(&str) -> bool| own.values().any(|s| value::any_ciphertext(&s.value, test));
        Ok(Self {
            url: text("secretsprovider", "`secretsprovider`")?,
            key: text("encryptedkey", "`encryptedkey`")?,
            salt: text("encryptionsalt", "`encryptionsalt`")?,
            secrets: any(&|_| true).then(|| any(&|ciphertext| ciphertext.contains(':'))),
        })
    }

    pub(super) fn provider(&self) -> Provider {
        if let Some((_, url)) = self.cloud() {
            return Provider::Kms {
                url: url.clone(),
                encrypted_key: self.key.as_ref().map(|(_, key)| key.clone()).unwrap_or_default(),
            };
        }
        match (&self.salt, self.secrets) {
            (Some((_, salt)), _) => Provider::Passphrase { salt: salt.clone() },
            (None, Some(true)) => Provider::SaltMissing,
            (None, Some(false)) => Provider::Service,
            (None, None) => Provider::None,
        }
    }

    /// The line that decides, if there is one.
    pub(super) fn place(&self) -> Option<&Place> {
        self.cloud().or(self.salt.as_ref()).map(|(place, _)| place)
    }

    fn cloud(&self) -> Option<&(Place, String)> {
        let default = |url: &str| matches!(url, "default" | "passphrase");
        self.url.as_ref().filter(|(_, url)| !default(url))
    }
}

/// An empty text counts as none.
fn text(
    file: &Path,
    root: &Node,
    key: &str,
    what: &'static str,
) -> Result<Option<(Place, String)>, FileError> {
    let Some(entry) = root.get(key).filter(|entry| !value::is_empty(&entry.value)) else {
        return Ok(None);
    };
    let place = entry.at.in_file(file);
    match entry.value.scalar().map(value::text) {
        Some(Ok(text)) => Ok(Some((place, text.into_owned()))),
        Some(Err(Unquoted)) => Err(FileError::Unquoted { place, what }),
        None => Err(FileError::NotText { place, what }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::pulumi::sample::{SALT, stack};

    fn provider(content: &str) -> Provider {
        stack(content).expect("it is good").provider()
    }

    #[test]
    fn the_shape_of_the_file_decides_the_provider() {
        let salt = format!("encryptionsalt: {SALT}\n");
        let passphrase = Provider::Passphrase { salt: SALT.to_owned() };
        assert_eq!(provider(&salt), passphrase);
        for default in ["passphrase", "default", "''"] {
            assert_eq!(provider(&format!("secretsprovider: {default}\n{salt}")), passphrase);
        }
        let kms = Provider::Kms { url: "awskms://k".to_owned(), encrypted_key: "AQ==".to_owned() };
        assert_eq!(provider(&format!("{salt}secretsprovider: awskms://k\nencryptedkey: AQ==\n")), kms);
        assert_eq!(provider("config: {a: [{b: {secure: 'v1:x:y'}}]}\n"), Provider::SaltMissing);
        assert_eq!(provider("config: {a: [{b: {secure: AAAB}}]}\n"), Provider::Service);
        assert_eq!(provider("config: {a: {secure: x, b: y}}\n"), Provider::None);
    }

    #[test]
    fn a_provider_is_named_without_the_parameters_of_its_url() {
        for (url, name) in [
            ("awskms://alias/x?role=r", "AWS KMS (`awskms`)"),
            ("azurekeyvault://v/keys/k", "Azure Key Vault (`azurekeyvault`)"),
            ("gcpkms://projects/p", "Google Cloud KMS (`gcpkms`)"),
            ("hashivault://k", "HashiCorp Vault (`hashivault`)"),
            ("what", "a provider that Pulumi does not have either"),
        ] {
            assert_eq!(provider(&format!("secretsprovider: {url}\n")).to_string(), name);
        }
    }
}
