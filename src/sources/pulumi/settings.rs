//! Configuration values by their full key, as one file has them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;
use std::fmt;
use std::path::Path;

use super::error::FileError;
use super::key::{ConfigKey, Step};
use super::value;
use crate::model::Place;
use crate::yaml::{At, Kind, Node};

/// A value and the place of its key.
#[derive(Clone)]
pub(super) struct Setting {
    pub(super) place: Place,
    pub(super) value: Node,
}

impl Setting {
    pub(super) fn new(file: &Path, at: At, value: Node) -> Self {
        Self { place: at.in_file(file), value }
    }
}

/// The values of one file. `Debug` shows the keys only: a value may be a token in plain text.
#[derive(Default)]
pub(super) struct Settings(BTreeMap<ConfigKey, Setting>);

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Settings {
    /// Adds the value of the key `text`. Pulumi takes a key with and without the project's name for the
    /// same setting, and then whichever of the two values Go's map happens to give last: refused.
    pub(super) fn insert(&mut self, project: &str, text: &str, setting: Setting) -> Result<(), FileError> {
        let key = ConfigKey::in_project(project, text).map_err(|_| FileError::KeyForm {
            place: setting.place.clone(),
            namespace: text.split(':').next().unwrap_or_default().to_owned(),
        })?;
        match self.0.entry(key) {
            Slot::Vacant(slot) => {
                slot.insert(setting);
                Ok(())
            }
            Slot::Occupied(slot) => Err(FileError::SameSetting {
                place: setting.place,
                key: slot.key().to_string(),
                first: slot.get().place.line.unwrap_or_default(),
            }),
        }
    }

    /// The value of exactly this key, else what its path leads to.
    pub(super) fn get(&self, key: &ConfigKey) -> Option<(&Place, &Node)> {
        if let Some(setting) = self.0.get(key) {
            return Some((&setting.place, &setting.value));
        }
        let (key, path) = key.split_path()?;
        let setting = self.0.get(&key)?;
        Some((&setting.place, follow(&setting.value, &path)?))
    }

    /// The values of a namespace, by name.
    pub(super) fn of<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = (&'a str, &'a Setting)> {
        let own = self.0.iter().filter(move |(key, _)| key.namespace == namespace);
        own.map(|(key, setting)| (key.name.as_str(), setting))
    }

    /// All values.
    pub(super) fn values(&self) -> impl Iterator<Item = &Setting> {
        self.0.values()
    }
}

/// A secret has nothing inside: `{secure: …}` is one value.
fn follow<'a>(value: &'a Node, path: &[Step]) -> Option<&'a Node> {
    path.iter().try_fold(value, |value, step| match (step, &value.kind) {
        (Step::Key(_), Kind::Map(_)) if value::ciphertext(value).is_some() => None,
        (Step::Key(key), Kind::Map(_)) => value.get(key).map(|entry| &entry.value),
        (Step::Index(index), Kind::List(items)) => items.get(*index),
        _ => None,
    })
}
