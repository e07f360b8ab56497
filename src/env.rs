//! The environment, read once at the start and handed on: nothing else looks at it, so that tests
//! and callers decide what a run sees. (The AWS SDK reads its own variables itself.)

use std::collections::BTreeMap;
use std::fmt;

/// Variables that every program works with. What is not listed may be a secret.
const PROGRAMS_NEED: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_*",
    "TMPDIR",
    "XDG_*",
    "DBUS_SESSION_BUS_ADDRESS",
    "SYSTEMROOT",
    "APPDATA",
    "LOCALAPPDATA",
    "USERPROFILE",
];
/// Those that `git` and `gh` work with.
const GIT_NEEDS: &[&str] =
    &["GIT_*", "GH_CONFIG_DIR", "GH_HOST", "GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"];
/// Secrets that regcred itself is given: no program that a person names needs them from it.
const OWN_SECRETS: &[&str] = &[
    "PULUMI_CONFIG_PASSPHRASE",
    "PULUMI_CONFIG_PASSPHRASE_FILE",
    "PULUMI_ACCESS_TOKEN",
    "GITHUB_TOKEN",
    "GH_TOKEN",
    "GH_ENTERPRISE_TOKEN",
    "GITHUB_ENTERPRISE_TOKEN",
    "RUNPOD_API_KEY",
    "DAYTONA_API_KEY",
    "DOCKER_HUB_TOKEN",
    "DOCKER_AUTH_CONFIG",
];

/// Secrets that the AWS SDK reads by itself.
const AWS_SECRETS: &[&str] =
    &["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN"];

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
        self.for_program(GIT_NEEDS)
    }

    /// What a program gets of it: what every program needs, and the names in `also`. A name that ends
    /// with `*` is the beginning of names.
    pub fn for_program(&self, also: &[&str]) -> impl Iterator<Item = (&str, &str)> {
        let listed = |name: &str, entry: &&str| match entry.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == *entry,
        };
        self.iter().filter(move |(name, _)| PROGRAMS_NEED.iter().chain(also).any(|entry| listed(name, entry)))
    }

    /// What a program gets of it that a person names and regcred does not know: everything but the
    /// secrets of regcred itself.
    #[must_use]
    pub fn without_own_secrets(&self) -> Vec<(String, String)> {
        let theirs = self.iter().filter(|(name, _)| !OWN_SECRETS.contains(name));
        theirs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// The names of the secrets that regcred itself is given.
    pub fn own_secrets() -> impl Iterator<Item = &'static str> {
        OWN_SECRETS.iter().copied()
    }

    /// The values of every variable that is known to hold a secret.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        let names = OWN_SECRETS.iter().filter(|name| !name.ends_with("_FILE")).chain(AWS_SECRETS);
        names.filter_map(|name| self.get(name))
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
