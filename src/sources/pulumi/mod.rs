//! A credential in a Pulumi project, read natively where that can be: no `pulumi` program, no login, no writes.
//!
//! The flow, from a folder to a credential:
//!
//! 1. [`Project::find`] or [`Project::open`] reads the project file (`project.rs`);
//! 2. [`Project::stacks`] or [`Project::stack`] reads stack files (`stack_file.rs`). Both kinds go through
//!    `file.rs` (bytes to a tree), `value.rs` (what an unquoted word means to Pulumi), and `settings.rs` and
//!    `key.rs` (values by their full key, the project's behind the stack's);
//! 3. [`locate`] finds the two values of the credential and says everything that is wrong with them and with
//!    what decrypts them (`provider.rs`), still without any secret;
//! 4. the [`Lock`] gives the key: a passphrase's takes a while ([`Passphrase::read`], `crypto.rs`), one of AWS
//!    KMS is a request (`kms.rs`);
//! 5. [`Located::open`] decrypts and checks the values.
//!
//! [`store`] puts a new token into the file: one value changes, and no other byte.
//!
//! What is not in the file, or is encrypted with a key that cannot be had here, the `pulumi` program is asked
//! for (`question.rs`), if there is a login for it (`backend.rs`).
//!
//! Settings that are not secret, such as `aws:region`, need only the first two steps (`aws.rs`).
//! [`Project::selected_stack`] tells which stack `pulumi stack select` chose (`workspace.rs`).
//!
//! The rules are those of github.com/pulumi/pulumi at v3.259; the source of each is named beside it.

mod aws;
mod backend;
mod config_error;
mod credential_error;
mod crypto;
mod environment;
mod error;
#[cfg(test)]
mod example;
mod file;
mod followed;
mod key;
mod kms;
mod locate;
mod lock;
mod passphrase;
mod project;
mod provider;
mod question;
#[cfg(test)]
mod sample;
mod settings;
mod stack_file;
mod store;
mod value;
mod workspace;

pub use aws::AssumeRole;
pub use backend::Backend;
pub use config_error::ConfigError;
pub use credential_error::CredentialError;
pub use crypto::{CryptoError, DataKey, EncryptionSalt, derive};
pub use error::FileError;
pub use followed::{ENVIRONMENT, Unfollowed};
pub use key::{ConfigKey, KeyError};
pub use kms::AwsKms;
pub use locate::{CredentialKeys, Located, Way, locate};
pub use lock::{Lock, PassphraseLock};
pub use passphrase::{Passphrase, PassphraseError};
pub use project::Project;
pub use provider::Provider;
pub use question::{Config, Need, Question, Stack};
pub(super) use stack_file::chdir;
pub use stack_file::{ConfigEntry, ConfigValue, StackFile};
pub use store::store;
