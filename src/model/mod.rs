//! Pure data: names, values and fingerprints. No IO, no SDK types.

pub mod address;
pub mod credential;
pub mod fingerprint;
pub mod google_key;
pub mod login;
pub mod problem;
pub mod secret;

pub use address::{Address, AwsItem, DaytonaItem, GithubItem, KubernetesItem, RunpodItem};
pub use credential::{Credential, CredentialId};
pub use fingerprint::Fingerprint;
pub use login::Login;
pub use problem::{Class, Effect, Place, Problem};
pub use secret::Secret;
