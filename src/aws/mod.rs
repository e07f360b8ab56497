//! AWS, for those who take a value from it and those who put one there: sessions, logins, errors, names.

mod connector;
mod error;
mod login;
mod names;
mod process;
mod profile;
mod spelling;

pub use error::AwsError;
pub use login::{Access, Client, Clients, LoginSource, Sdk, Way, sdk_config};
pub use names::{is_account, is_role, region_fault, uncached_partition};
pub use profile::{Named, profiles};

/// Variables that the SDK logs in with by itself. Programs keep them; nothing shows them.
pub const SECRETS: &[&str] =
    &["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN"];

/// A login and a region: what one client is made for. Equal sessions share their reads.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Session {
    /// The region, such as `us-east-2`.
    pub region: String,
    /// The profile of the shared AWS configuration, if not the default chain.
    pub profile: Option<String>,
    /// Roles to assume, each with the one before.
    pub roles: Vec<Role>,
}

impl Session {
    /// The partition, if it is one without pull-through caches: there is nothing to do there then, and nothing to ask.
    #[must_use]
    pub fn without_caches(&self) -> Option<&'static str> {
        uncached_partition(&self.region)
    }
}

/// A role to assume.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Role {
    /// Its ARN.
    pub arn: String,
    /// The external id that its trust policy wants.
    pub external_id: Option<String>,
    /// The name of the session, which a trust policy may want, too; `regcred` where nobody says.
    pub session_name: Option<String>,
}

impl Role {
    /// A role by its ARN alone.
    #[must_use]
    pub fn new(arn: impl Into<String>) -> Self {
        Self { arn: arn.into(), external_id: None, session_name: None }
    }
}
