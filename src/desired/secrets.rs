//! The variables that hold secrets of a run: no program that a person names gets them.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::CredentialId;
use crate::sources::{self, Spec};
use crate::targets::{aws, daytona, github, kubernetes, runpod};

/// Those of every target and source, and those that any credential of the file is read from, selected or not.
pub(super) fn of(specs: &BTreeMap<CredentialId, Spec>) -> BTreeSet<String> {
    let known = [
        aws::SECRETS,
        daytona::SECRETS,
        github::SECRETS,
        kubernetes::SECRETS,
        runpod::SECRETS,
        sources::SECRETS,
    ];
    let named = specs.iter().flat_map(|(id, spec)| spec.variables(id));
    known.concat().into_iter().map(str::to_owned).chain(named).collect()
}
