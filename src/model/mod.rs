//! Pure data: names, image references, registries, values and fingerprints. No IO, no SDK types.

pub mod address;
pub mod credential;
pub mod fingerprint;
pub mod google_key;
pub mod login;
mod nearest;
pub mod problem;
pub mod reference;
pub mod registry;
pub mod secret;
pub mod shard;
mod token_kind;

pub use address::{
    Address, AwsItem, DaytonaItem, GithubItem, HubItem, IN_CLUSTER, KubernetesItem, RunpodItem,
};
pub use credential::{Credential, CredentialId};
pub use fingerprint::{Fingerprint, next_version_id};
pub use login::Login;
pub use nearest::nearest;
pub use problem::{Class, Effect, Place, Problem};
pub use reference::{Reference, ReferenceError};
pub use registry::{Registry, RegistryError};
pub use secret::Secret;
pub use shard::Shard;
pub use token_kind::{IDENTITY_USER, TokenKind, token_kind};
