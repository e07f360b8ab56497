//! `daytona:registry/<name>`

use std::fmt;

use super::{Address, decoded, encoded};

/// A thing in a Daytona organization.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DaytonaItem {
    /// A row of the registry list, by its name in the file, without the fingerprint that Daytona sees.
    Registry(String),
}

impl fmt::Display for DaytonaItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Registry(name) = self;
        write!(f, "registry/{}", encoded(name))
    }
}

pub(super) fn parse(rest: &str) -> Option<Address> {
    let name = rest.strip_prefix("registry/").filter(|name| !name.contains('/'))?;
    Some(Address::Daytona { item: DaytonaItem::Registry(decoded(name)?) })
}
