//! `runpod:registry/<name>` and `runpod:template|endpoint|pod/<id>`

use std::fmt;

use super::{Address, decoded, encoded};

/// A thing in a RunPod account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RunpodItem {
    /// A registry auth, by its name in the file, without the fingerprint that RunPod sees.
    Registry(String),
    /// A template, by id.
    Template(String),
    /// A serverless endpoint, by id.
    Endpoint(String),
    /// A pod, by id.
    Pod(String),
}

impl fmt::Display for RunpodItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registry(name) => write!(f, "registry/{}", encoded(name)),
            Self::Template(id) => write!(f, "template/{}", encoded(id)),
            Self::Endpoint(id) => write!(f, "endpoint/{}", encoded(id)),
            Self::Pod(id) => write!(f, "pod/{}", encoded(id)),
        }
    }
}

pub(super) fn parse(rest: &str) -> Option<Address> {
    let (kind, name) = rest.split_once('/').filter(|(_, name)| !name.contains('/'))?;
    let name = decoded(name)?;
    let item = match kind {
        "registry" => RunpodItem::Registry(name),
        "template" => RunpodItem::Template(name),
        "endpoint" => RunpodItem::Endpoint(name),
        "pod" => RunpodItem::Pod(name),
        _ => return None,
    };
    Some(Address::Runpod { item })
}
