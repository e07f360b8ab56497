//! Proving that a registry accepts a credential: its challenge, the token service, the quota.

mod challenge;
pub mod endpoints;
pub mod login;
mod login_error;
mod quota;
mod realm;

pub use endpoints::{Endpoints, EndpointsError};
pub use login::{Login, Scheme, login};
pub use login_error::LoginError;
pub use quota::Quota;
pub use realm::UnsafeReason;
