//! The variables that hold secrets of a run: no program that a person names gets them, and no registry its logins.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws;
use crate::model::CredentialId;
use crate::sources::{self, Spec};
use crate::systems;

/// Whether a variable holds a login of regcred or of the job itself, and so not a registry's credential.
pub(super) fn is_login(name: &str) -> bool {
    let own = systems::secrets().chain(aws::SECRETS.iter().copied());
    let pulumis = sources::SECRETS.iter().copied().filter(|name| name.starts_with("PULUMI_"));
    let mut all = own.chain(pulumis).chain(sources::KEY_SERVICES.iter().copied());
    all.any(|login| login.eq_ignore_ascii_case(name)) || name.starts_with("ACTIONS_")
}

/// Those of every system and source, and those that any credential of the file is read from, selected or not.
pub(super) fn of(specs: &BTreeMap<CredentialId, Spec>) -> BTreeSet<String> {
    let named = specs.iter().flat_map(|(id, spec)| spec.variables(id));
    let known = systems::secrets().chain(sources::SECRETS.iter().copied());
    known.map(str::to_owned).chain(named).collect()
}
