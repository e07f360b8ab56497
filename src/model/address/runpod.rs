//! `runpod:registry/<name>`, `runpod:template|endpoint|pod/<id>` and, for an earlier registry auth, `runpod:registry/<name>/<id>`

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
    /// A registry auth that another one takes the place of.
    Retired {
        /// Its name in the file.
        name: String,
        /// Its id: several may have been left behind.
        id: String,
    },
}

impl fmt::Display for RunpodItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registry(name) => write!(f, "registry/{}", encoded(name)),
            Self::Template(id) => write!(f, "template/{}", encoded(id)),
            Self::Endpoint(id) => write!(f, "endpoint/{}", encoded(id)),
            Self::Pod(id) => write!(f, "pod/{}", encoded(id)),
            Self::Retired { name, id } => write!(f, "registry/{}/{}", encoded(name), encoded(id)),
        }
    }
}

pub(super) fn parse(rest: &str) -> Option<Address> {
    let parts: Vec<String> = rest.split('/').map(decoded).collect::<Option<_>>()?;
    let item = match parts.as_slice() {
        [kind, name] => {
            let name = name.clone();
            match kind.as_str() {
                "registry" => RunpodItem::Registry(name),
                "template" => RunpodItem::Template(name),
                "endpoint" => RunpodItem::Endpoint(name),
                "pod" => RunpodItem::Pod(name),
                _ => return None,
            }
        }
        [kind, name, id] if kind == "registry" => RunpodItem::Retired { name: name.clone(), id: id.clone() },
        _ => return None,
    };
    Some(Address::Runpod { item })
}
