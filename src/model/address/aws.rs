//! `aws:<account>/<region>/…`

use std::fmt;

use super::{Address, decoded, encoded};

/// A thing in one AWS account and region.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AwsItem {
    /// The resource policy of a secret, by the secret's name.
    Policy(String),
    /// The secret and its current value, by name.
    Secret(String),
    /// A pull-through cache rule, by repository prefix.
    CacheRule(String),
}

impl fmt::Display for AwsItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(name) => write!(f, "secret/{name}"),
            Self::Policy(name) => write!(f, "policy/{name}"),
            Self::CacheRule(prefix) => write!(f, "cache-rule/{}", encoded(prefix)),
        }
    }
}

pub(super) fn parse(rest: &str) -> Option<Address> {
    let mut parts = rest.splitn(4, '/');
    let account = decoded(parts.next()?)?;
    let region = decoded(parts.next()?)?;
    let (kind, name) = (parts.next()?, parts.next().filter(|name| !name.is_empty())?);
    let item = match kind {
        "secret" => AwsItem::Secret(name.to_owned()),
        "policy" => AwsItem::Policy(name.to_owned()),
        "cache-rule" if !name.contains('/') => AwsItem::CacheRule(decoded(name)?),
        _ => return None,
    };
    Some(Address::Aws { account: (account != "?").then_some(account), region, item })
}
