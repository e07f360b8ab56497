//! The variables that hold secrets of a run: no program that a person names gets them.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::CredentialId;
use crate::sources::{self, Spec};
use crate::systems;

/// Those of every target and source, and those that any credential of the file is read from, selected or not.
pub(super) fn of(specs: &BTreeMap<CredentialId, Spec>) -> BTreeSet<String> {
    let known = systems::secrets().chain(sources::SECRETS.iter().copied());
    let named = specs.iter().flat_map(|(id, spec)| spec.variables(id));
    known.map(str::to_owned).chain(named).collect()
}
