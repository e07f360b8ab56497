//! Registries: what an image name means ([`reference`]), which registry a credential is for ([`name`]), and the proof that
//! the registry accepts it ([`login`]).

mod challenge;
pub mod endpoints;
pub mod login;
mod login_error;
pub mod name;
mod quota;
mod realm;
pub mod reference;
mod token_kind;

pub use endpoints::{Endpoints, EndpointsError};
pub use login::{Accepted, login};
pub use login_error::LoginError;
pub use name::{Registry, RegistryError};
pub use quota::Quota;
pub use realm::UnsafeReason;
pub use reference::{Reference, ReferenceError};
pub use token_kind::{TokenKind, token_kind};
