//! What `regcred.yaml` means: its shape turned into places, with every rule that needs no network.
//! All problems are reported together.

mod aws;
mod daytona;
mod from;
mod github;
mod kubernetes;
mod runpod;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

pub(super) use aws::{is_account, is_role, region_fault};
pub(super) use github::split_repository;

use super::file::{self, File};
use super::node::{At, Reader, Spanned};
use super::{Desired, Insecure};
use crate::model::{Credential, CredentialId, Problem};
use crate::registry::Registry;
use crate::sources::Spec;

/// Reads and judges the file's text.
///
/// # Errors
/// Everything that is wrong with it, in the file's order.
pub(super) fn read(path: &Path, text: &str) -> Result<(Desired, BTreeMap<CredentialId, Spec>), Vec<Problem>> {
    let reader = Reader::new(path);
    let file = File::read(&reader, text);
    let mut validator = Validator { reader, desired: Desired::default(), specs: BTreeMap::new() };
    validator.version(file.version.as_ref());
    for credential in &file.credentials {
        validator.credential(credential);
    }
    validator.prefixes(&file);
    let problems = validator.reader.into_problems();
    if problems.is_empty() { Ok((validator.desired, validator.specs)) } else { Err(problems) }
}

struct Validator {
    reader: Reader,
    desired: Desired,
    specs: BTreeMap<CredentialId, Spec>,
}

impl Validator {
    fn refuse(&self, at: At, message: impl Into<String>, hint: impl Into<String>) {
        self.reader.problem(at, message, Some(hint.into()));
    }

    fn version(&self, version: Option<&Spanned<String>>) {
        if let Some(version) = version.filter(|version| version.value != "1") {
            self.refuse(version.at, format!("version {} is not known", version.value), "version: 1");
        }
    }

    fn credential(&mut self, declared: &file::Credential) {
        let id = CredentialId(declared.id.value.clone());
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !id.0.chars().all(legal) || !id.0.starts_with(|c: char| c.is_ascii_lowercase()) {
            self.refuse(
                declared.id.at,
                format!("`{id}` is not a credential's name"),
                "use a-z, 0-9 and -, such as docker-hub",
            );
        }
        let Some(registry) = self.registry(declared.registry.as_ref()) else { return };
        if let Some(spec) = self.spec(declared.from.as_ref()) {
            self.specs.insert(id.clone(), spec);
        }
        if let Some(places) = &declared.aws {
            self.aws(&id, &registry, places, declared.id.at);
        }
        if let Some(place) = &declared.daytona {
            self.daytona(&id, &registry, declared, place);
        }
        for place in &declared.github {
            self.github(&id, place);
        }
        for place in &declared.kubernetes {
            self.kubernetes(&id, &registry, place);
        }
        if let Some(place) = &declared.runpod {
            self.runpod(&id, &registry, place);
        }
        if declared.goes_nowhere() {
            self.refuse(
                declared.id.at,
                format!("credential `{id}` goes nowhere"),
                "add `to:` with aws, daytona, github, kubernetes or runpod",
            );
        }
        self.not_back(&id, declared);
        self.desired.credentials.push(Credential { id, registry, source: String::new() });
    }

    fn registry(&self, declared: Option<&Spanned<String>>) -> Option<Registry> {
        let Some(declared) = declared else { return "docker.io".parse().ok() };
        match declared.value.parse() {
            Ok(registry) => Some(registry),
            Err(error) => {
                self.refuse(declared.at, format!("{error}"), "name the registry's host, such as docker.io");
                None
            }
        }
    }
}

impl Insecure {
    /// The targets for which plain http to another machine is allowed.
    #[must_use]
    pub fn names(&self) -> BTreeSet<&'static str> {
        let Self { aws, daytona, github, runpod } = *self;
        let all = [(aws, "aws"), (daytona, "daytona"), (github, "github"), (runpod, "runpod")];
        all.into_iter().filter(|(on, _)| *on).map(|(_, name)| name).collect()
    }
}
