//! The environment, read once at the start and handed on: nothing else looks at it, so that tests
//! and callers decide what a run sees. (The AWS SDK reads its own variables itself.)
//!
//! Whatever starts a program has the environment, so that what a program gets of it is decided here, and the programs of a
//! run are found here.

mod untrusted;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::model::Problem;
use crate::program::{Program, Programs};

pub(crate) use untrusted::Untrusted;

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
    // Windows
    "APPDATA",
    "COMSPEC",
    "HOMEDRIVE",
    "HOMEPATH",
    "LOCALAPPDATA",
    "PATHEXT",
    "PROGRAMDATA",
    "SYSTEMROOT",
    "TEMP",
    "TMP",
    "USERPROFILE",
];

/// The variables of a run. Any of them may be a secret, so its `Debug` form shows names only.
#[derive(Clone, Default)]
pub struct Env {
    variables: BTreeMap<String, String>,
    /// The variables meant for us that are not text.
    not_text: Vec<String>,
    /// What is known to be secret, once the configuration has been read. It is shared by every clone, so that none can be
    /// used that does not know it.
    secrets: Arc<Mutex<Option<BTreeSet<String>>>>,
    programs: Programs,
    untrusted: Option<Arc<Untrusted>>,
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

impl Env {
    /// The variables of this process. Those that are not text are left out, and remembered where they are meant for us.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    pub fn of_process() -> Self {
        let mut not_text = Vec::new();
        let mut text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            let name = name.into_string().ok()?;
            // Windows has `Path` and `SystemRoot`, and finds a variable in any spelling; here they are compared as they stand.
            let name = if cfg!(windows) { name.to_uppercase() } else { name };
            if value.to_str().is_none() && is_meant_for_us(&name) {
                not_text.push(name.clone());
            }
            Some((name, value.into_string().ok()?))
        };
        let env: Self = std::env::vars_os().filter_map(&mut text).collect();
        Self { not_text, ..env }
    }

    /// What is wrong with the variables that say where something goes, or log in there: without one that is not text it
    /// would be another place.
    ///
    /// # Errors
    /// Each that is not text.
    pub fn check(&self) -> Result<(), Vec<Problem>> {
        let problem = |name: &String| {
            Problem::input(format!("the variable {name} is not text (UTF-8)"))
                .hint(format!("export {name} again"))
        };
        let problems: Vec<Problem> = self.not_text.iter().map(problem).collect();
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// A variable, even if it is empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// A variable that is set and not empty.
    #[must_use]
    pub fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// The user's own folder, of which Windows has another name.
    #[must_use]
    pub fn home(&self) -> Option<PathBuf> {
        self.filled("HOME").or_else(|| self.filled("USERPROFILE")).map(PathBuf::from)
    }

    /// Whether a variable is set, but empty: it counts as unset, and people are told.
    #[must_use]
    pub fn is_blank(&self, name: &str) -> bool {
        self.get(name).is_some_and(str::is_empty)
    }

    /// The programs of this run.
    pub(crate) fn programs(&self) -> &Programs {
        &self.programs
    }

    /// The same for a repository that is not trusted: no program is started from now on.
    pub(crate) fn distrusting(&self, repository: Untrusted) -> Self {
        self.programs.refuse();
        Self { untrusted: Some(Arc::new(repository)), ..self.clone() }
    }

    /// The same for files that are trusted.
    pub(crate) fn trusting(&self) -> Self {
        Self { untrusted: None, ..self.clone() }
    }

    /// The repository that the run works in, if it is not trusted.
    pub(crate) fn untrusted(&self) -> Option<&Untrusted> {
        self.untrusted.as_deref()
    }

    /// Refuses a file that a repository has a run read and that is not its own, if the repository is not trusted.
    pub(crate) fn check_file(&self, path: &std::path::Path) -> Result<(), Problem> {
        self.untrusted().map_or(Ok(()), |untrusted| untrusted.check(path))
    }

    /// Says what is secret: the names of variables, in which a `*` stands for anything.
    pub(crate) fn withhold(&self, secrets: BTreeSet<String>) {
        // A user name may be in a variable that no program works without.
        let secrets = secrets.into_iter().filter(|name| !matches_any(PROGRAMS_NEED, name)).collect();
        *self.secrets.lock().unwrap_or_else(PoisonError::into_inner) = Some(secrets);
    }

    /// A program that regcred knows. It gets what every program needs and the variables in `also`, in which a `*` stands
    /// for anything but a secret of this run.
    pub(crate) fn known_program(&self, argv: &[&str], also: &[&str]) -> Program {
        let argv = argv.iter().map(|word| (*word).to_owned()).collect();
        Program::new(argv, self.listed(also), Vec::new(), &self.programs)
    }

    /// A program that a person names and regcred does not know. It gets everything but the secrets of this run, so that
    /// its own variables need not be listed: AWS's, a vault's.
    pub(crate) fn named_program(&self, argv: Vec<String>) -> Program {
        let Some(secrets) = self.secrets() else {
            return Program::new(argv, self.listed(&[]), Vec::new(), &self.programs);
        };
        let (withheld, given): (Vec<_>, Vec<_>) =
            self.iter().partition(|(name, _)| matches_any(&secrets, name));
        let withheld = withheld.into_iter().filter(|(_, value)| !value.is_empty());
        let withheld = withheld.map(|(name, _)| name.to_owned()).collect();
        Program::new(argv, owned(given), withheld, &self.programs)
    }

    fn listed(&self, also: &[&str]) -> Vec<(String, String)> {
        let secrets = self.secrets().unwrap_or_default();
        let is_listed = |(name, _): &(&str, &str)| {
            let is_meant = matches_any(also, name) && !matches_any(&secrets, name);
            also.contains(name) || matches_any(PROGRAMS_NEED, name) || is_meant
        };
        owned(self.iter().filter(is_listed))
    }

    fn secrets(&self) -> Option<BTreeSet<String>> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The values of the variables with these names, in which a `*` stands for anything.
    pub(crate) fn values_of<'a>(&'a self, names: &'a [&str]) -> impl Iterator<Item = &'a str> {
        self.iter().filter(move |(name, _)| matches_any(names, name)).map(|(_, value)| value)
    }

    /// Every variable.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

fn owned<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<(String, String)> {
    variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn matches_any<P: AsRef<str>>(patterns: impl IntoIterator<Item = P>, name: &str) -> bool {
    patterns.into_iter().any(|pattern| matches(pattern.as_ref(), name))
}

/// Whether a variable has this name, in which a `*` stands for anything.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        Some((start, end)) => {
            name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        }
        None => name == pattern,
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Env {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { variables, ..Self::default() }
    }
}

/// Whether a variable is one that regcred reads: by the beginnings of the systems' names, or by its own.
fn is_meant_for_us(name: &str) -> bool {
    const BEGINNINGS: [&str; 10] = [
        "AWS_",
        "DAYTONA_",
        "DOCKER_",
        "GH_",
        "GITHUB_",
        "KUBE",
        "PULUMI_",
        "REGCRED_",
        "RUNPOD_",
        "SSL_CERT_",
    ];
    let name = name.to_ascii_uppercase();
    BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
        || name.ends_with("_PROXY")
        || ["HOME", "USERPROFILE"].contains(&name.as_str())
}
