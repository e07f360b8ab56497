//! `--untrusted`: what a repository that nobody has reviewed may not decide is taken out, each with its reason.

use std::collections::BTreeMap;
use std::path::Path;

use super::validate::{self, Judged};
use super::{DEFAULT_FILE, Desired, Request, discover};
use crate::change::{Change, Options};
use crate::env::{Env, Untrusted};
use crate::files;
use crate::model::{Credential, CredentialId, Place, Problem};
use crate::registry::is_public;
use crate::sources::{self, Source, Spec};
use crate::systems::{Operation, Places};

/// Places that are left alone, because a repository that is not trusted names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What is wanted.
    pub places: Places,
    /// Why nothing of it is contacted or started.
    pub why: Problem,
}

impl Refused {
    /// The rows of these places, none of which was read.
    #[must_use]
    pub fn rows(&self, options: &Options) -> Vec<Change<Operation>> {
        self.places.unread_rows(&self.why, options)
    }
}

impl Desired {
    /// Leaves a credential alone, with all its places.
    pub fn refuse(&mut self, id: &CredentialId, why: Problem) {
        let places = self.places.take_credential(id);
        self.refused.push(Refused { places, why });
        let refused = self.credentials.iter_mut().find(|credential| credential.id == *id);
        refused.into_iter().for_each(|credential| "not read".clone_into(&mut credential.source));
    }
}

/// The environment of a run in the folder `dir` that trusts nothing in its repository but what is the same in the
/// configuration `trusted`. That file may be absent where its branch has none: then its folder counts.
///
/// # Errors
/// A file that the repository itself could hold, or in no folder.
pub fn distrusting(
    request: &Request,
    trusted: Option<&Path>,
    env: &Env,
    dir: &Path,
) -> Result<Env, Vec<Problem>> {
    let folder = |file: &Path| dir.join(file).parent().unwrap_or(dir).to_owned();
    let here = request.file.as_deref().map_or_else(|| dir.to_owned(), folder);
    let repository = Untrusted::new(dir, here, trusted.map(|file| dir.join(file)));
    let Some(file) = trusted else { return Ok(env.distrusting(repository)) };
    let what = match folder(file) {
        folder if !folder.is_dir() => "its folder is not there",
        folder if repository.holds(&folder) || repository.holds(&dir.join(file)) => {
            "it is in the repository that is not trusted, where a branch can change it"
        }
        _ => return Ok(env.distrusting(repository)),
    };
    let hint = format!("check out the base branch next to the repository: --trusted ../base/{DEFAULT_FILE}");
    Err(vec![Problem::input(format!("--trusted: {what}")).at(Place::file(file)).hint(hint)])
}

/// What the branch that was reviewed wants.
#[derive(Default)]
pub(super) struct Reviewed {
    desired: Desired,
    specs: BTreeMap<CredentialId, Spec>,
}

impl Reviewed {
    /// That of the run, if it does not trust its repository.
    pub(super) fn of(env: &Env) -> Result<Option<Self>, Vec<Problem>> {
        let Some(repository) = env.untrusted() else { return Ok(None) };
        let Some(file) = repository.trusted() else { return Ok(Some(Self::default())) };
        let (desired, specs) = if file.is_file() {
            let text = files::text(file).map_err(|error| {
                vec![Problem::input(format!("cannot be read: {error}")).at(Place::file(file))]
            })?;
            let Judged { desired, specs, .. } = validate::read(file, &text, &env.trusting(), Path::new(""))?;
            (desired, specs)
        } else {
            let folder = file.parent().unwrap_or(Path::new(""));
            // A branch that declares nothing has reviewed nothing.
            discover::discover(&env.trusting(), folder, &[]).unwrap_or_default()
        };
        Ok(Some(Self { desired, specs }))
    }

    /// Takes out what the repository may not decide.
    pub(super) fn judge(&self, desired: &mut Desired, specs: &BTreeMap<CredentialId, Spec>) {
        let fault = |credential: &Credential| {
            let what = self.fault(credential, specs.get(&credential.id)?)?;
            Some((credential.id.clone(), Untrusted::refused(what)))
        };
        let faults: Vec<_> = desired.credentials.iter().filter_map(fault).collect();
        faults.into_iter().for_each(|(id, why)| desired.refuse(&id, why));
        let refused = desired.places.refuse(&self.desired.places).into_iter();
        desired.refused.extend(refused.map(|(places, why)| Refused { places, why }));
    }

    /// What a credential says that is not for the repository to say.
    fn fault(&self, credential: &Credential, spec: &Spec) -> Option<String> {
        let Credential { id, registry, token_service, .. } = credential;
        if !is_public(registry) {
            return Some(format!("{registry} is not one of the registries that everybody knows"));
        }
        if let Some(host) = token_service {
            return Some(format!("`token-service: {host}` would get the credential"));
        }
        let reviewed = self.specs.get(id);
        match spec {
            Spec::Env(_) if reviewed.map(|spec| spec.variables(id)) != Some(spec.variables(id)) => {
                let names = spec.variables(id).join(" and ");
                let own = Spec::Default.variables(id).join(" and ");
                (names != own).then(|| format!("the base branch does not read {names}"))
            }
            Spec::AwsSecret(secret) => {
                let role = secret.role.as_ref()?;
                let has =
                    |spec: &Spec| matches!(spec, Spec::AwsSecret(own) if own.role.as_ref() == Some(role));
                (!self.specs.values().any(has))
                    .then(|| "the `role:` of `aws-secret` is not in the base branch".to_owned())
            }
            _ => None,
        }
    }
}

/// The source of a credential. No program is started for a repository that is not trusted.
pub(super) fn locate(
    credential: &Credential,
    spec: &Spec,
    env: &Env,
    dir: &Path,
    base: &Path,
) -> Result<Source, Vec<Problem>> {
    let source = sources::locate(credential, spec, env, dir, base)?;
    match source.program().filter(|_| env.untrusted().is_some()) {
        Some(program) => Err(vec![Untrusted::refused(format!("{program} would be started"))]),
        None => Ok(source),
    }
}
