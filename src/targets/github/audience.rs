//! Who sees an organization's secret.

use std::collections::BTreeSet;
use std::fmt;

/// Which repositories of an organization see its secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Audience {
    /// Every repository.
    All,
    /// Every private and internal one.
    Private,
    /// These, by name, in small letters: GitHub compares names without regard to case.
    Selected(BTreeSet<String>),
}

impl Audience {
    /// The API's word for it.
    #[must_use]
    pub fn visibility(&self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Private => "private",
            Self::Selected(_) => "selected",
        }
    }
}

impl fmt::Display for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("every repository"),
            Self::Private => f.write_str("every private repository"),
            Self::Selected(names) if names.is_empty() => f.write_str("no repository"),
            Self::Selected(names) => f.write_str(&names.iter().cloned().collect::<Vec<_>>().join(", ")),
        }
    }
}
