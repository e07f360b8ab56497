//! What is wanted: from `regcred.yaml`, or discovered. No network and no secret values; all problems
//! at once.

mod discover;
mod file;
mod find;
pub mod outline;
mod remote;
pub mod rotation;
mod secrets;
pub mod shard;
mod untrusted;
mod validate;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::env::Env;
use crate::files;
use crate::model::{Credential, CredentialId, Place, Problem, Shard, nearest};
use crate::registry::Endpoints;
use crate::sources::{self, Source, Spec};
use crate::systems::Places;
use crate::targets::github;

use discover::Asking;
pub use find::named;
use rotation::Rotation;
use untrusted::Reviewed;
pub use untrusted::{Refused, distrusting};
use validate::Judged;

/// What is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Desired {
    /// The credentials.
    pub credentials: Vec<Credential>,
    /// Their places.
    pub places: Places,
    /// Places that the run is not about: they are not read.
    pub others: Places,
    /// What a repository that is not trusted may not decide.
    pub refused: Vec<Refused>,
    /// The part that this is of what is declared, if it is not all of it.
    pub shard: Option<Shard>,
    /// Places of other shards that remember which value a rotation took out of use: nothing else is read there.
    pub guards: Places,
    /// What people should know about how it was found.
    pub notes: Vec<String>,
}

/// What to load.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The file, if one was named, or found elsewhere than in the folder.
    pub file: Option<PathBuf>,
    /// Which file it is, for people who did not name it.
    pub note: Option<String>,
    /// The stacks to restrict the run to.
    pub stacks: Vec<String>,
    /// The credential to restrict the run to.
    pub credential: Option<String>,
    /// What the addresses begin with that the run is about; empty means all.
    pub only: Vec<String>,
    /// The part to restrict the run to.
    pub shard: Option<Shard>,
}

/// What is wanted, where the values come from, and which registries are elsewhere than their names say.
#[derive(Debug)]
pub struct Loaded {
    /// What is wanted.
    pub desired: Desired,
    /// Where each credential's value comes from.
    pub sources: BTreeMap<CredentialId, Source>,
    /// Registries that are elsewhere than their names say.
    pub registries: Endpoints,
    /// How each credential is rotated, where the file says it.
    pub rotations: BTreeMap<CredentialId, Rotation>,
    /// The folder that relative paths mean.
    pub base: PathBuf,
}

/// The file that is used where none is named.
pub const DEFAULT_FILE: &str = "regcred.yaml";
/// What its schema is called, where that is beside it.
pub const SCHEMA_FILE: &str = "regcred.schema.json";

/// Loads what is wanted, in the folder `dir`.
///
/// # Errors
/// Everything that can be known to be wrong without a network.
pub fn load(request: &Request, env: &Env, dir: &Path) -> Result<Loaded, Vec<Problem>> {
    let (Declared { mut desired, specs, rotations, base, .. }, mut problems) =
        selected(request, env, dir, Asking::Environments)?;
    if let Some(reviewed) = Reviewed::of(env)? {
        reviewed.judge(&mut desired, &specs);
        // No login is made that was not judged.
        desired.guards = Places::default();
    }
    let registries = registries(env).unwrap_or_else(|found| {
        problems.extend(found);
        Endpoints::default()
    });
    let remarks = desired.places.environment(env);
    problems.extend(remarks.problems);
    let (mut located, mut refused) = (BTreeMap::new(), Vec::new());
    let wanted: BTreeSet<CredentialId> = desired.places.credentials().into_iter().cloned().collect();
    for credential in desired.credentials.iter_mut().filter(|credential| wanted.contains(&credential.id)) {
        let Some(spec) = specs.get(&credential.id) else { continue };
        match untrusted::locate(credential, spec, env, dir, &base) {
            Ok(source) => {
                credential.source = source.words();
                desired.notes.extend(source.notes().iter().cloned());
                located.insert(credential.id.clone(), source);
            }
            Err(found) => match found.iter().find(|problem| problem.is_untrusted()) {
                Some(why) => refused.push((credential.id.clone(), why.clone())),
                None => problems.extend(found),
            },
        }
    }
    refused.into_iter().for_each(|(id, why)| desired.refuse(&id, why));
    exclude_own_secrets(&mut desired, &located, env);
    desired.notes.extend(remarks.notes);
    let loaded = Loaded { desired, sources: located, registries, rotations, base };
    if problems.is_empty() { Ok(loaded) } else { Err(problems) }
}

/// The same for a run that needs no value: where it would come from is not looked at, as it may be gone already.
///
/// # Errors
/// Everything that can be known to be wrong without a network.
pub fn load_places(request: &Request, env: &Env, dir: &Path) -> Result<Loaded, Vec<Problem>> {
    let (Declared { mut desired, rotations, base, .. }, mut problems) =
        selected(request, env, dir, Asking::Environments)?;
    let remarks = desired.places.environment(env);
    problems.extend(remarks.problems);
    desired.notes.extend(remarks.notes);
    let (sources, registries) = (BTreeMap::new(), Endpoints::default());
    let loaded = Loaded { desired, sources, registries, rotations, base };
    if problems.is_empty() { Ok(loaded) } else { Err(problems) }
}

/// What is wanted, without a look at where the values come from: nothing if nothing is declared here.
///
/// # Errors
/// A configuration that is wrong, or cannot be read.
pub fn places(request: &Request, env: &Env, dir: &Path) -> Result<Desired, Vec<Problem>> {
    env.check()?;
    // Image names mean something without any configuration, too; not with one that is broken.
    let has_file = request.file.is_some() || files::is_taken(&dir.join(DEFAULT_FILE));
    if !has_file {
        find::misnamed(dir, Path::new("")).map_err(|problem| vec![problem])?;
    }
    if !has_file && !discover::is_meant(env, dir)? {
        return Ok(Desired::default());
    }
    let (declared, problems) = selected(request, env, dir, Asking::Nobody)?;
    if problems.is_empty() { Ok(declared.desired) } else { Err(problems) }
}

/// What a folder says by itself.
#[derive(Debug)]
pub struct Here {
    /// What is wanted; it may be nothing.
    pub desired: Desired,
    /// The folder of the Pulumi project and the stack that hold the credential; nothing where the
    /// environment does, or nobody.
    pub pulumi: Option<(String, String)>,
}

/// What the folder `dir` says by itself, whether it has a file or not.
///
/// # Errors
/// What is wrong with it.
fn found_here(env: &Env, dir: &Path) -> Result<Here, Vec<Problem>> {
    env.check()?;
    let id = discover::id();
    let elsewhere = sources::in_environment(&id, env)?;
    let mut notes = Vec::new();
    let (mut project, mut pulumi) = (sources::any_here(env, dir)?, None);
    if project.is_some() {
        match sources::project_here(&id, env, dir) {
            Ok(found) if elsewhere => project = Some(found),
            Ok(found) => {
                let folder = found.dir.strip_prefix(dir).unwrap_or(&found.dir).display().to_string();
                let folder = if folder.is_empty() { ".".to_owned() } else { folder };
                pulumi = Some((folder, sources::chosen_here(&found, env, dir)?));
                project = Some(found);
            }
            // Its stacks are there anyway.
            Err(problems) => notes.extend(problems.into_iter().map(|problem| noted(&problem, dir))),
        }
    }
    let mut desired = discover::places(project.as_ref(), env, dir, &[])?;
    desired.notes.extend(notes);
    Ok(Here { desired, pulumi })
}

/// A problem that keeps nothing from going on, as a note.
#[must_use]
pub fn noted(problem: &Problem, dir: &Path) -> String {
    let problem = problem.clone().seen_from(dir);
    match problem.advice() {
        Some(advice) => format!("{problem} ({advice})"),
        None => problem.to_string(),
    }
}

/// What is declared, and how.
struct Declared {
    desired: Desired,
    specs: BTreeMap<CredentialId, Spec>,
    rotations: BTreeMap<CredentialId, Rotation>,
    /// The folder that relative paths mean.
    base: PathBuf,
    is_file: bool,
}

/// What is declared of what the request selects, with what is wrong about the selection.
fn selected(
    request: &Request,
    env: &Env,
    dir: &Path,
    asking: Asking,
) -> Result<(Declared, Vec<Problem>), Vec<Problem>> {
    env.check()?;
    let mut declared = declared(request, env, dir)?;
    let Declared { desired, specs, is_file, .. } = &mut declared;
    env.withhold(secrets::of(specs));
    desired.notes.extend(request.note.clone());
    let problems = restrict(desired, request);
    // Discovery has judged the settings of the stacks that it found.
    if *is_file {
        discover::hold_back(desired, specs, env, dir, asking);
    }
    Ok((declared, problems))
}

/// From the named file, else from `regcred.yaml` if there is one, else by discovery.
fn declared(request: &Request, env: &Env, dir: &Path) -> Result<Declared, Vec<Problem>> {
    let default = dir.join(DEFAULT_FILE);
    let file = match &request.file {
        Some(file) => Some(file.clone()),
        None => files::is_taken(&default).then(|| PathBuf::from(DEFAULT_FILE)),
    };
    let Some(file) = file else {
        find::misnamed(dir, Path::new("")).map_err(|problem| vec![problem])?;
        let (desired, specs) = discover::discover(env, dir, &request.stacks)?;
        let (rotations, base) = (BTreeMap::new(), dir.to_owned());
        return Ok(Declared { desired, specs, rotations, base, is_file: false });
    };
    env.check_file(&dir.join(&file)).map_err(|problem| vec![problem])?;
    let text = files::text(&dir.join(&file)).map_err(|error| {
        let place = Some(Place::file(&file));
        let name = file.to_string_lossy();
        let name = shlex::try_quote(&name).unwrap_or("FILE".into());
        let is_absent = error.kind() == std::io::ErrorKind::NotFound;
        let hint = is_absent.then(|| format!("regcred init --file {name}"));
        vec![Problem::input(format!("cannot be read: {error}")).at(place).hints(hint)]
    })?;
    let Judged { desired, specs, rotations } = validate::read(&file, &text, env, dir)?;
    let base = dir.join(file.parent().unwrap_or(Path::new("")));
    Ok(Declared { desired, specs, rotations, base, is_file: true })
}

/// Leaves only what `--credential`, `--stack`, `--only` and `--shard` name. Which shard a place is in depends on all that is
/// declared, so that it is in the same one whatever else is selected.
fn restrict(desired: &mut Desired, request: &Request) -> Vec<Problem> {
    let problems = unknown_names(desired, request);
    let all = request.shard.map(|shard| shard::keep(desired, shard));
    if let Some(name) = &request.credential {
        desired.credentials.retain(|credential| credential.id.0 == *name);
        desired.places.keep_credential(name);
    }
    if !request.stacks.is_empty() {
        desired.places.keep_stacks(&request.stacks);
        keep_used(desired);
    }
    if !request.only.is_empty() {
        desired.others = desired.places.take_others(&request.only);
        keep_used(desired);
    }
    if let Some(all) = all {
        keep_used(desired);
        shard::guard(desired, &all);
    }
    problems
}

/// The names that are selected and not declared, in any shard.
fn unknown_names(desired: &Desired, request: &Request) -> Vec<Problem> {
    let credentials: Vec<&str> =
        desired.credentials.iter().map(|credential| credential.id.0.as_str()).collect();
    let stacks = desired.places.stacks();
    let stacks: Vec<&str> = stacks.iter().map(String::as_str).collect();
    let missing = |what: &'static str, names: &[String], known: &[&str]| -> Vec<Problem> {
        let names = names.iter().filter(|name| !known.contains(&name.as_str()));
        names.map(|name| unknown_name(what, name, known)).collect()
    };
    let mut problems = missing("credential", request.credential.as_slice(), &credentials);
    problems.extend(missing("stack", &request.stacks, &stacks));
    problems
}

/// Leaves only the credentials that are wanted somewhere.
fn keep_used(desired: &mut Desired) {
    let used: BTreeSet<CredentialId> = desired.places.credentials().into_iter().cloned().collect();
    desired.credentials.retain(|credential| used.contains(&credential.id));
}

fn unknown_name(what: &str, name: &str, known: &[&str]) -> Problem {
    let hint = match (nearest(name, known), known) {
        (Some(near), _) => format!("did you mean {near}?"),
        (None, []) => format!("no {what} is declared"),
        (None, known) => format!("declared: {}", known.join(", ")),
    };
    Problem::input(format!("there is no {what} `{name}`")).hint(hint)
}

/// Registries that are elsewhere than their names say, from `REGCRED_REGISTRY_ENDPOINTS`.
fn registries(env: &Env) -> Result<Endpoints, Vec<Problem>> {
    const NAME: &str = "REGCRED_REGISTRY_ENDPOINTS";
    Endpoints::parse(env.filled(NAME).unwrap_or_default()).map_err(|errors| {
        let example = format!("{NAME}=docker.io=https://mirror.example.com");
        errors.0.iter().map(|error| Problem::input(format!("{NAME}: {error}")).hint(&*example)).collect()
    })
}

/// In a workflow that gets the credential from its environment, the repository's own secrets are
/// where it comes from: written back, a hand-edited secret would spread and then confirm itself.
fn exclude_own_secrets(desired: &mut Desired, sources: &BTreeMap<CredentialId, Source>, env: &Env) {
    let Some(repository) =
        env.filled("GITHUB_REPOSITORY").filter(|_| env.get("GITHUB_ACTIONS") == Some("true"))
    else {
        return;
    };
    let from_here = |place: &github::Desired| {
        place.reaches(repository) && sources.get(&place.credential).is_some_and(Source::is_environment)
    };
    if desired.places.github.iter().any(from_here) {
        desired.notes.push(format!(
            "github:{repository} is left alone: inside its own workflow the credential comes from its secrets"
        ));
        desired.places.github.retain_mut(|place| !from_here(place) || place.spares(repository));
    }
}
