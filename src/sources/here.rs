//! Which Pulumi project and which of its stacks hold the credential.

use std::path::{Path, PathBuf};

use super::pulumi::{
    Backend, CredentialKeys, FileError, Need, Passphrase, Project, Provider, Stack, StackFile, Way, chdir,
    locate as locate_in,
};
use super::{Kind, Source, in_environment};
use crate::env::{Env, Untrusted};
use crate::model::{CredentialId, Place, Problem};

/// Where a repository keeps its Pulumi project.
const FOLDERS: [&str; 3] = [".", "infra", "infrastructure"];

/// The Pulumi project of the folder `dir` in which a stack has the credential; any project will do if
/// the environment has it.
///
/// # Errors
/// No project, or none with the credential: then what each is missing.
pub fn project_here(id: &CredentialId, env: &Env, dir: &Path) -> Result<Project, Vec<Problem>> {
    let projects = projects(env, dir)?;
    let keys = CredentialKeys::default();
    let elsewhere = in_environment(id, env)?;
    let (mut incomplete, mut opaque) = (Vec::new(), None);
    for project in &projects {
        let stacks = project.stacks()?;
        if elsewhere || stacks.iter().any(|stack| keys.are_in(stack)) {
            return Ok(project.clone());
        }
        if stacks.iter().any(|stack| stack.environment().is_some()) {
            opaque.get_or_insert(project);
        }
        incomplete.extend(lacking(project, &stacks, &keys, env));
    }
    // What an environment of Pulumi ESC holds cannot be seen from here.
    if let Some(project) = opaque {
        return Ok(project.clone());
    }
    if incomplete.is_empty() {
        let [username, token] = super::variables(id);
        let message = format!(
            "{id} has no value: neither {username} and {token} are set, nor is there a Pulumi project in {}",
            FOLDERS.join(", ")
        );
        let hint = format!("export {username} and {token}, or say in the file where it is read: from: stdin");
        incomplete.push(Problem::input(message).hint(hint));
    }
    Err(incomplete)
}

/// The first Pulumi project of the folder `dir`, whatever it holds.
///
/// # Errors
/// One that cannot be read.
pub fn any_here(env: &Env, dir: &Path) -> Result<Option<Project>, Vec<Problem>> {
    Ok(projects(env, dir)?.into_iter().next())
}

/// The files of the stacks of this name in every Pulumi project of the folder `dir` and in `projects`, each by itself and
/// with its project: what is wrong with another file is nothing to it.
#[must_use]
pub fn stack_files(
    name: &str,
    env: &Env,
    dir: &Path,
    projects: &[&str],
) -> Vec<Result<(Project, StackFile), Problem>> {
    let mut folders: Vec<PathBuf> = FOLDERS.iter().chain(projects).map(|folder| dir.join(folder)).collect();
    folders.dedup();
    let file = |folder: &PathBuf| match open(folder, env) {
        Ok(project) => match project.stack_names() {
            Ok(names) if !names.iter().any(|other| other == name) => None,
            _ => Some(project.stack(name).map(|file| (project, file)).map_err(Problem::from)),
        },
        Err(FileError::NoProject { .. } | FileError::NotAProjectFile { .. }) => None,
        // Whether it has such a stack is not known.
        Err(error) => Some(Err(error.into())),
    };
    folders.iter().filter_map(file).collect()
}

/// Whether a folder without a file says anything about the credential: a project that is meant to hold it, or beside the
/// environment that does.
///
/// # Errors
/// What cannot be read, or is half of a credential.
pub fn is_meant_here(id: &CredentialId, env: &Env, dir: &Path) -> Result<bool, Vec<Problem>> {
    let elsewhere = in_environment(id, env)?;
    let keys = CredentialKeys::default();
    for project in projects(env, dir)? {
        let is_meant = |stack: &StackFile| keys.any_in(stack) || stack.environment().is_some();
        if elsewhere || project.stacks()?.iter().any(is_meant) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn projects(env: &Env, dir: &Path) -> Result<Vec<Project>, Vec<Problem>> {
    let mut projects = Vec::new();
    for folder in FOLDERS {
        // Messages name files as people see them from where they stand.
        let path = if folder == "." { dir.to_owned() } else { dir.join(folder) };
        match open(&path, env) {
            Ok(project) => projects.push(project),
            Err(FileError::NoProject { .. } | FileError::NotAProjectFile { .. }) => {}
            Err(error) => return Err(vec![error.into()]),
        }
    }
    Ok(projects)
}

/// The project of a folder. Of a repository that is not trusted, only its own files are read.
fn open(folder: &Path, env: &Env) -> Result<Project, FileError> {
    check_files(folder, env)?;
    let project = Project::open(folder)?;
    check_files(&project.stack_dir, env)?;
    Ok(project)
}

/// Refuses a folder that is not the repository's, or in which a file of Pulumi's is not.
fn check_files(folder: &Path, env: &Env) -> Result<(), FileError> {
    let Some(untrusted) = env.untrusted() else { return Ok(()) };
    let found = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let named =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"Pulumi."));
    let mut paths = std::iter::once(folder.to_owned()).chain(found.filter(named));
    paths.try_for_each(|path| untrusted.check(&path)).map_err(FileError::Refused)
}

/// What keeps each stack from holding the credential; those that have neither half are not meant to.
fn lacking(project: &Project, stacks: &[StackFile], keys: &CredentialKeys, env: &Env) -> Vec<Problem> {
    let meant = stacks.iter().filter(|stack| keys.any_in(stack));
    let problems: Vec<Problem> = meant
        .flat_map(|stack| {
            let problems = locate_in(stack, keys).err().unwrap_or_default();
            let more = if problems.is_empty() { None } else { passphrase(stack, env).err() };
            problems.into_iter().chain(more)
        })
        .collect();
    if !problems.is_empty() {
        return problems;
    }
    let there = chdir(&project.dir);
    vec![Problem::input(format!("no stack of project `{}` has {} and {}", project.name, keys.username, keys.token)).at(Place::file(&project.file)).hint(format!(
            "pulumi config set {} NAME --stack STACK{there} && pulumi config set --secret {} --stack STACK{there}",
            keys.username, keys.token
        ))]
}

/// The passphrase of a stack, if its file says that it needs one.
fn passphrase(stack: &StackFile, env: &Env) -> Result<Option<Passphrase>, Problem> {
    match stack.provider() {
        Provider::Passphrase { .. } => Ok(Some(Passphrase::read(&|name| env.get(name).map(str::to_owned))?)),
        Provider::Kms { .. } | Provider::Service | Provider::SaltMissing | Provider::None => Ok(None),
    }
}

/// The project that the configuration names: a folder beside it, else a project's name; without one,
/// the project of the usual folders.
pub(super) fn named(name: Option<&str>, env: &Env, base: &Path) -> Result<Project, Vec<Problem>> {
    if let Some(folder) = name.map(|name| base.join(name)).filter(|folder| folder.is_dir()) {
        return open(&folder, env).map_err(|error| vec![error.into()]);
    }
    let projects = projects(env, base)?;
    let names: Vec<String> = projects.iter().map(|project| project.name.clone()).collect();
    let wanted = |project: &Project| name.is_none_or(|name| project.name == name);
    projects.into_iter().find(wanted).ok_or_else(|| {
        let message = match name {
            Some(name) => {
                format!("there is no Pulumi project `{name}`: no such folder, and none of this name")
            }
            None => "no Pulumi project in ., infra/ or infrastructure/".to_owned(),
        };
        let hint = if names.is_empty() {
            "name its folder: from: { pulumi: { project: FOLDER } }".to_owned()
        } else {
            format!("found: {}", names.join(", "))
        };
        vec![Problem::input(message).hint(hint)]
    })
}

/// The credential in the project's right stack.
pub(super) fn locate(
    project: &Project,
    stack: Option<&str>,
    keys: &CredentialKeys,
    env: &Env,
    dir: &Path,
) -> Result<Source, Vec<Problem>> {
    let named = stack.or_else(|| env.filled("PULUMI_STACK"));
    let stack = match choose(project, named, keys, env, dir)? {
        Chosen::File(stack) => *stack,
        Chosen::Remote(stack) => {
            return ask(project, *stack, named, env, dir).map_err(|problem| vec![problem]);
        }
    };
    check_provider(project, &stack, env).map_err(|problem| vec![problem])?;
    let (way, passphrase) = (locate_in(&stack, keys), passphrase(&stack, env));
    let (way, passphrase) = match (way, passphrase) {
        (Ok(way), Ok(passphrase)) => (way, passphrase),
        (way, passphrase) => {
            let problems = way.err().unwrap_or_default().into_iter();
            return Err(problems.chain(passphrase.err()).collect());
        }
    };
    match way {
        Way::Here(located) => {
            let words = format!("pulumi:{}/{}", project.name, stack.stack);
            Ok(Source::new(Kind::Pulumi { located, passphrase }, words))
        }
        Way::Program(stack) => ask(project, *stack, named, env, dir).map_err(|problem| vec![problem]),
    }
}

/// Refuses a key service that a repository names which is not trusted, unless the branch that was reviewed names it for the
/// same stack: the service and the login to it are parts of its address.
fn check_provider(project: &Project, stack: &StackFile, env: &Env) -> Result<(), Problem> {
    let (Some(untrusted), Provider::Kms { url, .. }) = (env.untrusted(), stack.provider()) else {
        return Ok(());
    };
    let reviewed = untrusted.counterpart(&project.dir).and_then(|dir| Project::open(&dir).ok());
    let reviewed =
        reviewed.and_then(|project| project.stack(&stack.stack).ok()).map(|stack| stack.provider());
    if matches!(reviewed, Some(Provider::Kms { url: reviewed, .. }) if reviewed == url) {
        return Ok(());
    }
    let message = format!("the `secretsprovider` of stack `{}` is not that of the base branch", stack.stack);
    Err(Untrusted::refused(message).at(Place::file(&stack.file)))
}

/// The same from the `pulumi` program. It knows a stack by its full name best.
fn ask(
    project: &Project,
    stack: Stack,
    named: Option<&str>,
    env: &Env,
    dir: &Path,
) -> Result<Source, Problem> {
    if env.untrusted().is_some() {
        let message = format!("stack `{}` can only be read by the `pulumi` program", stack.name());
        return Err(Untrusted::refused(message));
    }
    let lookup = |name: &str| env.get(name).map(str::to_owned);
    let words = format!("pulumi:{}/{}", project.name, stack.name());
    let selected = project.selected_in_full(&lookup, dir).filter(|full| short(full) == stack.name());
    let full = named.map(str::to_owned).or(selected).unwrap_or_else(|| stack.name().to_owned());
    let question = stack.question(&full, &Backend::of(project, env), env)?;
    Ok(Source::new(Kind::PulumiProgram(Box::new(question)), words))
}

/// The stack that holds the credential.
enum Chosen {
    /// One with a file.
    File(Box<StackFile>),
    /// One without, which Pulumi Cloud may know.
    Remote(Box<Stack>),
}

/// The name of the stack that would be read, by the rules alone: nothing is looked at but files.
///
/// # Errors
/// No stack, or several.
pub fn chosen_here(project: &Project, env: &Env, dir: &Path) -> Result<String, Vec<Problem>> {
    let keys = CredentialKeys::default();
    Ok(match choose(project, env.filled("PULUMI_STACK"), &keys, env, dir)? {
        Chosen::File(stack) => stack.stack,
        Chosen::Remote(stack) => stack.name().to_owned(),
    })
}

/// The stack that was named, the selected one, else the only one that has both halves, else the only one with
/// an environment of Pulumi ESC.
fn choose(
    project: &Project,
    named: Option<&str>,
    keys: &CredentialKeys,
    env: &Env,
    dir: &Path,
) -> Result<Chosen, Vec<Problem>> {
    if let Some(name) = named {
        return by_name(project, name, keys, env).map_err(|error| vec![error.into()]);
    }
    let stacks = project.stacks()?;
    let lookup = |name: &str| env.get(name).map(str::to_owned);
    let selected = project.selected_stack(&lookup, dir);
    let is_selected = |stack: &&StackFile| selected.as_ref() == Some(&stack.stack);
    // A selected stack without either half is one that only pulls.
    let meant = stacks.iter().find(|stack| is_selected(stack) && keys.any_in(stack));
    let complete: Vec<&StackFile> = stacks.iter().filter(|stack| keys.are_in(stack)).collect();
    let opaque: Vec<&StackFile> = stacks.iter().filter(|stack| stack.environment().is_some()).collect();
    let candidates =
        match meant.or_else(|| opaque.iter().copied().find(is_selected).filter(|_| complete.is_empty())) {
            Some(selected) => vec![selected],
            None if complete.is_empty() => opaque,
            None => complete,
        };
    match candidates.as_slice() {
        [only] => Ok(Chosen::File(Box::new((*only).clone()))),
        [] => Err(lacking(project, &stacks, keys, env)),
        several => Err(vec![ambiguous(project, several)]),
    }
}

/// The named stack; one without a file may be configured in Pulumi Cloud, where there is a login to that.
fn by_name(project: &Project, name: &str, keys: &CredentialKeys, env: &Env) -> Result<Chosen, FileError> {
    match project.stack(short(name)) {
        Ok(stack) => Ok(Chosen::File(Box::new(stack))),
        Err(FileError::NoSuchStack { place, .. }) if Backend::of(project, env) == Backend::Service => {
            let stack = Stack::new(project, short(name), place, Need::Remote, Provider::None, keys);
            Ok(Chosen::Remote(Box::new(stack)))
        }
        Err(error) => Err(error),
    }
}

/// `org/project/stack` names the same stack as `stack`.
fn short(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

fn ambiguous(project: &Project, stacks: &[&StackFile]) -> Problem {
    let names: Vec<&str> = stacks.iter().map(|stack| stack.stack.as_str()).collect();
    Problem::input(format!("several stacks hold the credential: {}", names.join(", ")))
        .at(Place::file(&project.file))
        .hint(format!("name the one to use: export PULUMI_STACK={}", names[0]))
}
