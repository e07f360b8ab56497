//! The environment, read once at the start and handed on: nothing else looks at it, so that tests
//! and callers decide what a run sees. (The AWS SDK reads its own variables itself.)

use std::collections::BTreeMap;
use std::fmt;

/// Variables that other programs work with. What is not listed may be a secret.
const PROGRAMS_NEED: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "TMPDIR",
    "DBUS_SESSION_BUS_ADDRESS",
    "GH_CONFIG_DIR",
    "GH_HOST",
    "GH_ENTERPRISE_TOKEN",
    "GITHUB_ENTERPRISE_TOKEN",
    "SYSTEMROOT",
    "APPDATA",
    "LOCALAPPDATA",
    "USERPROFILE",
];
const PROGRAMS_NEED_BEGINNING: &[&str] = &["LC_", "XDG_", "GIT_"];

/// The variables of a run. Any of them may be a secret, so its `Debug` form shows names only.
#[derive(Clone, Default)]
pub struct Env(BTreeMap<String, String>);

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Env {
    /// The variables of this process; those that are not text are left out.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    pub fn of_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self(std::env::vars_os().filter_map(text).collect())
    }

    /// A variable, even if it is empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A variable that is set and not empty.
    #[must_use]
    pub fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// Whether a variable is set, but empty: it counts as unset, and people are told.
    #[must_use]
    pub fn is_blank(&self, name: &str) -> bool {
        self.get(name).is_some_and(str::is_empty)
    }

    /// What `git` and `gh` get of it: what they need to find their own files, and no secret of ours.
    pub fn for_programs(&self) -> impl Iterator<Item = (&str, &str)> {
        let needed = |name: &str| {
            PROGRAMS_NEED.contains(&name)
                || PROGRAMS_NEED_BEGINNING.iter().any(|start| name.starts_with(start))
        };
        self.iter().filter(move |(name, _)| needed(name))
    }

    /// Every variable.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Env {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}
