//! What can be wrong with a setting that is not secret.

use super::value::{self, Unquoted};
use crate::model::{Place, Problem};

/// A setting that is there, and not in a form that can be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A secret where a plain text is needed.
    #[error("`{key}` is encrypted, and is needed in plain text")]
    Encrypted {
        /// Where the key is.
        place: Place,
        /// The key.
        key: String,
        /// The command that mends it.
        fix: String,
    },
    /// A list or map where a text is needed.
    #[error("`{key}` must be text, not a list or a map")]
    NotText {
        /// Where the key is.
        place: Place,
        /// The key.
        key: String,
    },
    /// A number or a date without quotes, which Pulumi reads by rules of its own.
    #[error("`{key}` {Unquoted}")]
    Unquoted {
        /// Where the key is.
        place: Place,
        /// The key.
        key: String,
    },
    /// A map, or a text that is not JSON, where a list is needed.
    #[error("`{key}` must be a list of text values")]
    NotAList {
        /// Where the key is.
        place: Place,
        /// The key.
        key: String,
    },
    /// A role to assume without its name.
    #[error("`{key}` must have a `roleArn`")]
    NoRole {
        /// Where the key is.
        place: Place,
        /// The key.
        key: String,
    },
}

impl ConfigError {
    /// Where it is.
    #[must_use]
    pub fn place(&self) -> &Place {
        match self {
            Self::Encrypted { place, .. }
            | Self::NotText { place, .. }
            | Self::Unquoted { place, .. }
            | Self::NotAList { place, .. }
            | Self::NoRole { place, .. } => place,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Encrypted { fix, .. } => Some(fix.clone()),
            Self::NotAList { key, .. } => Some(format!(r#"write it as `{key}: ["…"]`"#)),
            Self::Unquoted { key, .. } => Some(value::quoted(key)),
            Self::NotText { .. } | Self::NoRole { .. } => None,
        }
    }
}

impl From<ConfigError> for Problem {
    fn from(error: ConfigError) -> Self {
        Problem::input(error.to_string()).at(error.place().clone()).hints(error.hint())
    }
}
