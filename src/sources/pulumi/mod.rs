//! A credential in a Pulumi project, read natively: no `pulumi` program, no login, no network, no writes.
//!
//! The flow, from a folder to a credential:
//!
//! 1. [`Project::find`] or [`Project::open`] reads the project file (`project.rs`);
//! 2. [`Project::stacks`] or [`Project::stack`] reads stack files (`stack_file.rs`). Both kinds go through
//!    `file.rs` (bytes to text), `yaml.rs` or `json.rs` (text to a tree of `node.rs`, every value with its
//!    place), `scalar.rs` (what an unquoted word means to Pulumi), and `settings.rs` and `key.rs` (values by
//!    their full key, the project's behind the stack's);
//! 3. [`locate`] finds the two values of the credential and says everything that is wrong with them and with
//!    what decrypts them (`provider.rs`), still without any secret;
//! 4. [`Passphrase::read`] and [`Located::unlock`] make the key, which takes a while (`passphrase.rs`,
//!    `crypto.rs`);
//! 5. [`Located::open`] decrypts and checks the values.
//!
//! Settings that are not secret, such as `aws:region`, need only the first two steps (`aws.rs`).
//! [`Project::selected_stack`] tells which stack `pulumi stack select` chose (`workspace.rs`).
//!
//! Supported is the passphrase provider. For the others, [`locate`] names the provider that the file needs;
//! their way in is [`Provider`], which already tells what they are, and [`DataKey::from_bytes`].
//!
//! The rules are those of github.com/pulumi/pulumi at v3.259; the source of each is named beside it.

mod aws;
mod config_error;
mod credential_error;
mod crypto;
mod error;
mod file;
mod json;
mod key;
mod locate;
mod node;
mod passphrase;
mod project;
mod provider;
#[cfg(test)]
mod sample;
mod scalar;
mod settings;
mod stack_file;
mod timestamp;
mod workspace;
mod yaml;

pub use aws::AssumeRole;
pub use config_error::ConfigError;
pub use credential_error::CredentialError;
pub use crypto::{CryptoError, DataKey, EncryptionSalt, derive};
pub use error::FileError;
pub use key::{ConfigKey, KeyError};
pub use locate::{CredentialKeys, Located, Login, locate};
pub use passphrase::{Passphrase, PassphraseError};
pub use project::Project;
pub use provider::Provider;
pub use stack_file::{ConfigEntry, ConfigValue, StackFile};
