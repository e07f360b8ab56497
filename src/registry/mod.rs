//! Proving that a registry accepts a credential: its challenge, the token service, the quota. Docker Hub's access tokens.

mod challenge;
pub mod endpoints;
pub mod hub;
pub mod login;
mod login_error;
mod public;
mod quota;
mod realm;

pub use endpoints::{Endpoints, EndpointsError};
pub use login::{Accepted, Door, login};
pub use login_error::LoginError;
pub use public::is_public;
pub use quota::Quota;
pub use realm::UnsafeReason;
