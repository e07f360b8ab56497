//! A stack file: `Pulumi.<stack>.yaml` with its configuration, encrypted values included.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::config_error::ConfigError;
use super::error::FileError;
use super::file;
use super::key::ConfigKey;
use super::project::Project;
use super::provider::{self, Provider};
use super::settings::{Setting, Settings};
use super::value::{self, Unquoted};
use crate::model::Place;
use crate::yaml::{Entry, Kind, Node};

/// A stack file that has been read, with the project's values behind its own.
///
/// Keys are given as people write them: `aws:region`, `dockerHubToken` for the project's own, or a path
/// into a value (`docker.token`). Case counts.
#[derive(Clone)]
pub struct StackFile {
    /// The stack's short name.
    pub stack: String,
    /// The file.
    pub file: PathBuf,
    /// The name of the project.
    pub project: String,
    /// The folder of the project file, where `pulumi` is run.
    pub project_dir: PathBuf,
    own: Arc<Settings>,
    defaults: Arc<Settings>,
    pub(super) secrets: provider::Shape,
    environment: Option<Place>,
}

impl fmt::Debug for StackFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StackFile")
            .field("stack", &self.stack)
            .field("file", &self.file)
            .field("own", &self.own)
            .finish_non_exhaustive()
    }
}

/// What a stack has under a key.
#[derive(Clone, Debug)]
pub struct ConfigEntry {
    /// Where the key is: in the stack file, or in the project file.
    pub place: Place,
    /// The value.
    pub value: ConfigValue,
}

/// The value of a key. `Debug` does not show it.
#[derive(Clone)]
pub enum ConfigValue {
    /// Nothing, `null`, or the empty text.
    Empty,
    /// A text, or a number or truth value as Pulumi turns it into text.
    Plain(String),
    /// A number or a date by Go's rules alone, such as `0777`.
    Unquoted,
    /// An encrypted text.
    Secure(String),
    /// A list or a map.
    Object,
}

impl fmt::Debug for ConfigValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "Empty",
            Self::Plain(_) => "Plain(***)",
            Self::Unquoted => "Unquoted",
            Self::Secure(_) => "Secure(***)",
            Self::Object => "Object",
        })
    }
}

impl StackFile {
    pub(super) fn read(
        project: &Project,
        stack: &str,
        file: PathBuf,
        defaults: Arc<Settings>,
    ) -> Result<Self, FileError> {
        let root = file::read(&file)?;
        let root = root.filter(|root| !value::is_empty(root));
        let not_a_map = |root: &&Node| root.entries().is_none();
        if let Some(root) = root.as_ref().filter(not_a_map) {
            return Err(FileError::NotAMap { place: root.at.in_file(&file), what: "the stack file" });
        }
        let own = settings(&file, &project.name, root.as_ref())?;
        Ok(Self {
            secrets: provider::Shape::read(&file, root.as_ref(), &own)?,
            environment: environment(root.as_ref()).map(|entry| entry.at.in_file(&file)),
            own: Arc::new(own),
            stack: stack.to_owned(),
            project: project.name.clone(),
            project_dir: project.dir.clone(),
            file,
            defaults,
        })
    }

    /// The stack with these settings, which are all that it has.
    pub(super) fn evaluated(self, settings: Arc<Settings>) -> Self {
        Self { own: settings, defaults: Arc::default(), environment: None, ..self }
    }

    /// The key in full. A text that cannot be a key is in no file either, so it is looked up as it is.
    pub(super) fn find(&self, key: &str) -> Option<(&Place, &Node)> {
        let exact = ConfigKey::in_project(&self.project, key);
        let path = ConfigKey::with_path(&self.project, key);
        [exact, path]
            .into_iter()
            .flatten()
            .find_map(|key| self.own.get(&key).or_else(|| self.defaults.get(&key)))
    }

    /// Every setting of a namespace, the stack's before the project's.
    pub(super) fn settings<'a>(
        &'a self,
        namespace: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a Place, &'a Node)> {
        let inherited = self
            .defaults
            .of(namespace)
            .filter(move |(name, _)| self.own.of(namespace).all(|(own, _)| own != *name));
        self.own.of(namespace).chain(inherited).map(|(name, setting)| (name, &setting.place, &setting.value))
    }

    /// What is under a key: of the stack, else of the project. `None` if the key is in neither.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<ConfigEntry> {
        let (place, node) = self.find(key)?;
        let value = match (&node.kind, value::ciphertext(node)) {
            (_, Some(ciphertext)) => ConfigValue::Secure(ciphertext.to_owned()),
            (Kind::Scalar(_), None) if value::is_empty(node) => ConfigValue::Empty,
            (Kind::Scalar(scalar), None) => match value::text(scalar) {
                Ok(text) => ConfigValue::Plain(text.into_owned()),
                Err(Unquoted) => ConfigValue::Unquoted,
            },
            (Kind::List(_) | Kind::Map(_), None) => ConfigValue::Object,
        };
        let place = place.clone();
        Some(ConfigEntry { place, value })
    }

    /// Whether a key has a value, of any kind. An empty one does not count.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        let entry = self.entry(key);
        entry.is_some_and(|entry| !matches!(entry.value, ConfigValue::Empty))
    }

    /// Where a key is.
    #[must_use]
    pub fn position(&self, key: &str) -> Option<Place> {
        self.find(key).map(|(place, _)| place.clone())
    }

    /// The text of a key that is not a secret; `None` if it is absent or empty.
    ///
    /// # Errors
    /// An encrypted value, a number that has to be quoted, a list or a map.
    pub fn plain(&self, key: &str) -> Result<Option<String>, ConfigError> {
        let Some(ConfigEntry { place, value }) = self.entry(key) else {
            return Ok(None);
        };
        match value {
            ConfigValue::Empty => Ok(None),
            ConfigValue::Plain(text) => Ok(Some(text)),
            ConfigValue::Unquoted => Err(ConfigError::Unquoted { place, key: key.to_owned() }),
            ConfigValue::Secure(_) => Err(self.encrypted(place, key)),
            ConfigValue::Object => Err(ConfigError::NotText { place, key: key.to_owned() }),
        }
    }

    pub(super) fn encrypted(&self, place: Place, key: &str) -> ConfigError {
        ConfigError::Encrypted {
            place,
            key: key.to_owned(),
            fix: self.set_command("--plaintext", key, " VALUE"),
        }
    }

    /// The command that sets `key` in this stack.
    pub(super) fn set_command(&self, flag: &str, key: &str, value: &str) -> String {
        let path = if ConfigKey::has_path(key) { " --path" } else { "" };
        let (stack, chdir) = (&self.stack, chdir(&self.project_dir));
        format!("pulumi config set {flag}{path} {key}{value} --stack {stack}{chdir}")
    }

    /// The command that encrypts this stack's secrets with a passphrase.
    pub(super) fn change_provider_command(&self) -> String {
        let (stack, chdir) = (&self.stack, chdir(&self.project_dir));
        format!("pulumi stack change-secrets-provider passphrase --stack {stack}{chdir}")
    }

    /// What decrypts this stack's secrets, as the file shows it.
    #[must_use]
    pub fn provider(&self) -> Provider {
        self.secrets.provider()
    }

    /// Where the stack takes configuration from Pulumi ESC (`environment:`, `mainEnvironment:`), if it does:
    /// then a key that is not in the file is not necessarily missing.
    #[must_use]
    pub fn environment(&self) -> Option<&Place> {
        self.environment.as_ref()
    }
}

/// The words by which `pulumi` works in the folder of a project.
pub(in crate::sources) fn chdir(dir: &Path) -> String {
    match dir.display().to_string().as_str() {
        "" => String::new(),
        dir => format!(" -C {}", quoted(dir)),
    }
}

/// A word of a shell's command line.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+@%,:=".contains(c);
    if word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

fn settings(file: &Path, project: &str, root: Option<&Node>) -> Result<Settings, FileError> {
    let mut settings = Settings::default();
    let config = root.and_then(|root| root.get("config"));
    let Some(config) = config.filter(|config| !value::is_empty(&config.value)) else {
        return Ok(settings);
    };
    let entries = config
        .value
        .entries()
        .ok_or_else(|| FileError::NotAMap { place: config.at.in_file(file), what: "`config`" })?;
    for entry in entries {
        let setting = Setting::new(file, entry.at, entry.value.clone());
        settings.insert(project, &entry.key, setting)?;
    }
    Ok(settings)
}

fn environment(root: Option<&Node>) -> Option<&Entry> {
    ["environment", "mainEnvironment"]
        .iter()
        .filter_map(|key| root?.get(key))
        .find(|entry| !value::is_empty(&entry.value))
}

#[cfg(test)]
mod tests;
