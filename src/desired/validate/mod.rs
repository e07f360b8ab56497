//! What `regcred.yaml` means: its shape turned into places, with every rule that needs no network.
//! All problems are reported together.

mod from;
mod rotation;

use std::collections::BTreeMap;
use std::path::Path;

use zeroize::Zeroizing;

use super::Desired;
use super::file::{self, File};
use super::rotation::Rotation;
use crate::env::Env;
use crate::files;
use crate::model::{Credential, CredentialId, Place, Problem, Registry};
use crate::sources::Spec;
use crate::systems::{Declared, Declaring, NAMES};
use crate::yaml::{At, Reader, Spanned};

/// What a file means.
pub(super) struct Judged {
    pub(super) desired: Desired,
    pub(super) specs: BTreeMap<CredentialId, Spec>,
    pub(super) rotations: BTreeMap<CredentialId, Rotation>,
}

/// Reads and judges the file's text, in a run in the folder `dir`.
///
/// # Errors
/// Everything that is wrong with it, in the file's order.
pub(super) fn read(path: &Path, text: &str, env: &Env, dir: &Path) -> Result<Judged, Vec<Problem>> {
    let reader = Reader::new(path, opener(env, dir));
    let mut validator = Validator {
        reader: &reader,
        desired: Desired::default(),
        declared: Declared::default(),
        specs: BTreeMap::new(),
        rotations: BTreeMap::new(),
    };
    let file = File::read(&reader, text);
    validator.version(file.version.as_ref());
    for credential in &file.credentials {
        validator.credential(credential);
    }
    let Validator { mut desired, declared, specs, rotations, .. } = validator;
    desired.places.finish(&declared, &reader);
    let is_empty = file.credentials.is_empty();
    drop(file);
    let mut problems = reader.into_problems();
    if problems.is_empty() && is_empty {
        let hint = "name one under `credentials:` (docs/reference/file.md), or remove the file: regcred then takes what it finds here";
        problems.push(Problem::input("declares no credentials").at(Place::file(path)).hint(hint));
    }
    if problems.is_empty() { Ok(Judged { desired, specs, rotations }) } else { Err(problems) }
}

/// How a file is opened that the configuration names, in a run in the folder `dir`.
fn opener(env: &Env, dir: &Path) -> impl Fn(&Path) -> Result<Zeroizing<String>, Problem> + use<> {
    let (env, dir) = (env.clone(), dir.to_owned());
    move |path| {
        let path = dir.join(path);
        env.check_file(&path)?;
        files::text(&path).map_err(|error| Problem::input(format!("cannot be read: {error}")))
    }
}

struct Validator<'r> {
    reader: &'r Reader,
    desired: Desired,
    declared: Declared,
    specs: BTreeMap<CredentialId, Spec>,
    rotations: BTreeMap<CredentialId, Rotation>,
}

impl Validator<'_> {
    fn refuse(&self, at: At, message: impl Into<String>, hint: impl Into<String>) {
        self.reader.problem(at, message, Some(hint.into()));
    }

    fn version(&self, version: Option<&Spanned<String>>) {
        if let Some(version) = version.filter(|version| version.value != "1") {
            self.refuse(version.at, format!("version {} is not known", version.value), "version: 1");
        }
    }

    fn credential(&mut self, declared: &file::Credential<'_>) {
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
            self.not_a_login(declared, &spec);
            self.specs.insert(id.clone(), spec);
        }
        let rotation = self.rotation(declared, &registry);
        if rotation != Rotation::default() {
            self.rotations.insert(id.clone(), rotation);
        }
        let found = self.reader.found();
        let somewhere = self.places(&id, &registry, declared);
        // Of a place that cannot be read, it was said why.
        if !somewhere && !declared.told && self.reader.found() == found {
            let (at, hint) = match declared.empty {
                Some(at) => (at, format!("write below `to:`, or uncomment there: {}", any_of(NAMES))),
                None => (declared.id.at, format!("add `to:` with {}", any_of(NAMES))),
            };
            self.refuse(at, format!("credential `{id}` goes nowhere"), hint);
        }
        self.not_back(&id, declared);
        let token_service = declared.token_service.as_ref().map(|host| self.host(host));
        self.desired.credentials.push(Credential { id, registry, token_service, source: String::new() });
    }

    /// What each target's part of the file means. Whether there is any.
    fn places(&mut self, id: &CredentialId, registry: &Registry, declared: &file::Credential<'_>) -> bool {
        let Some(to) = &declared.to else { return false };
        let (at, written) = (declared.id.at, declared.registry.as_ref());
        let declaring = Declaring { reader: self.reader, id, at, registry, written };
        self.desired.places.declare(&mut self.declared, &declaring, to)
    }

    /// A host, with or without a port.
    fn host(&self, declared: &Spanned<String>) -> String {
        let url = url::Url::parse(&format!("https://{}/", declared.value)).ok();
        let is_host = url.as_ref().is_some_and(|url| {
            url.path() == "/" && url.query().is_none() && url.username().is_empty() && url.has_host()
        });
        if !is_host || declared.value.contains(['/', '@', '?', '#']) {
            let message = format!("`token-service: {}` is not a host", declared.value);
            self.refuse(declared.at, message, "name the host alone, such as token-service: api.scaleway.com");
        }
        declared.value.to_ascii_lowercase()
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

/// `a, b or c`
fn any_of(names: &[&str]) -> String {
    match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}
