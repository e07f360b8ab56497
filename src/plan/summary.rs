//! How many rows there are of each kind.

use super::Change;
use crate::change::Action;

/// How many rows have each action.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Summary {
    /// Rows to create.
    pub create: usize,
    /// Rows to update.
    pub update: usize,
    /// Rows to write because nobody can know what they hold.
    pub refresh: usize,
    /// Rows to replace.
    pub replace: usize,
    /// Rows to delete.
    pub delete: usize,
    /// Rows that stay.
    pub keep: usize,
    /// Rows that must not change.
    pub blocked: usize,
    /// Rows that could not be read.
    pub unread: usize,
}

impl Summary {
    pub(super) fn of(changes: &[Change]) -> Self {
        let mut summary = Self::default();
        for change in changes {
            *match change.action {
                Action::Create => &mut summary.create,
                Action::Update => &mut summary.update,
                Action::Refresh => &mut summary.refresh,
                Action::Replace => &mut summary.replace,
                Action::Delete => &mut summary.delete,
                Action::Keep => &mut summary.keep,
                Action::Blocked => &mut summary.blocked,
                Action::Unread => &mut summary.unread,
            } += 1;
        }
        summary
    }
}
