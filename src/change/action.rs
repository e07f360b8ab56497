//! What can happen to a remote thing: a closed set.

/// What happens to a remote thing. Only the first five write.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize, strum::EnumIter,
)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It is not there and is made.
    Create,
    /// It is there and is changed in place.
    Update,
    /// What it holds cannot be known, so it is written at each sync; no difference.
    Refresh,
    /// It cannot be changed in place: a new one is made, then the old one goes.
    Replace,
    /// It is ours, nothing uses it, and it goes.
    Delete,
    /// It stays as it is.
    Keep,
    /// It should change but must not; it and what depends on it are left alone.
    Blocked,
    /// It could not be read, so nothing is done to it.
    Unread,
}

impl Action {
    /// Whether executing it writes.
    #[must_use]
    pub fn writes(self) -> bool {
        match self {
            Self::Create | Self::Update | Self::Refresh | Self::Replace | Self::Delete => true,
            Self::Keep | Self::Blocked | Self::Unread => false,
        }
    }

    /// The word that people and machines see.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Refresh => "refresh",
            Self::Replace => "replace",
            Self::Delete => "delete",
            Self::Keep => "keep",
            Self::Blocked => "blocked",
            Self::Unread => "unread",
        }
    }

    /// The sign before a row, legible without colour.
    #[must_use]
    pub fn symbol(self) -> char {
        match self {
            Self::Create => '+',
            Self::Update | Self::Refresh => '~',
            Self::Replace => '±',
            Self::Delete => '-',
            Self::Keep => '=',
            Self::Blocked => '!',
            Self::Unread => '?',
        }
    }
}
