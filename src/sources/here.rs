//! Which Pulumi project and which of its stacks hold the credential.

use std::path::Path;

use super::pulumi::{CredentialKeys, FileError, Passphrase, Project, StackFile, locate as locate_in};
use super::{Kind, Source, env};
use crate::env::Env;
use crate::model::{CredentialId, Place, Problem};

/// Where a repository keeps its Pulumi project.
const FOLDERS: [&str; 3] = [".", "infra", "infrastructure"];

/// The Pulumi project of the folder `dir` in which a stack has the credential; any project will do if
/// the environment has it.
///
/// # Errors
/// No project, or none with the credential: then what each is missing.
pub fn project_here(id: &CredentialId, env: &Env, dir: &Path) -> Result<Project, Vec<Problem>> {
    let projects = projects(dir)?;
    let keys = CredentialKeys::default();
    let elsewhere = matches!(env::offered(&env::Names::of(id, None, None), env)?, env::Offer::Complete(_));
    let mut incomplete = Vec::new();
    for project in &projects {
        let stacks = project.stacks()?;
        if elsewhere || stacks.iter().any(|stack| keys.are_in(stack)) {
            return Ok(project.clone());
        }
        incomplete.extend(lacking(project, &stacks, &keys));
    }
    if incomplete.is_empty() {
        incomplete.push(Problem {
            place: None,
            message: "no Pulumi project in ., infra/ or infrastructure/, and no regcred.yaml".to_owned(),
            hint: Some(
                "run regcred in the repository's folder, or name a configuration: regcred plan --file FILE"
                    .to_owned(),
            ),
        });
    }
    Err(incomplete)
}

fn projects(dir: &Path) -> Result<Vec<Project>, Vec<Problem>> {
    let mut projects = Vec::new();
    for folder in FOLDERS {
        // Messages name files as people see them from where they stand.
        let path = if folder == "." { dir.to_owned() } else { dir.join(folder) };
        match Project::open(&path) {
            Ok(project) => projects.push(project),
            Err(FileError::NoProject { .. } | FileError::NotAProjectFile { .. }) => {}
            Err(error) => return Err(vec![error.into()]),
        }
    }
    Ok(projects)
}

/// What keeps each stack from holding the credential; those that have neither half are not meant to.
fn lacking(project: &Project, stacks: &[StackFile], keys: &CredentialKeys) -> Vec<Problem> {
    let meant = stacks.iter().filter(|stack| keys.any_in(stack));
    let problems: Vec<Problem> =
        meant.flat_map(|stack| locate_in(stack, keys).err().unwrap_or_default()).collect();
    if !problems.is_empty() {
        return problems;
    }
    vec![Problem {
        place: Some(Place::file(&project.file)),
        message: format!("no stack of project `{}` has {} and {}", project.name, keys.username, keys.token),
        hint: Some(format!(
            "pulumi config set {} NAME --stack STACK && pulumi config set --secret {} --stack STACK",
            keys.username, keys.token
        )),
    }]
}

/// The project that the configuration names: a folder beside it, else a project's name; without one,
/// the project of the usual folders.
pub(super) fn named(name: Option<&str>, base: &Path) -> Result<Project, Vec<Problem>> {
    if let Some(folder) = name.map(|name| base.join(name)).filter(|folder| folder.is_dir()) {
        return Project::open(&folder).map_err(|error| vec![error.into()]);
    }
    let projects = projects(base)?;
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
            "project: FOLDER".to_owned()
        } else {
            format!("found: {}", names.join(", "))
        };
        vec![Problem { place: None, message, hint: Some(hint) }]
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
    let lookup = |name: &str| env.get(name).map(str::to_owned);
    let stack = choose(project, stack, keys, env, dir)?;
    let located = locate_in(&stack, keys);
    let passphrase = Passphrase::read(&lookup).map_err(|error| vec![Problem::from(error)]);
    let (located, passphrase) = match (located, passphrase) {
        (Ok(located), Ok(passphrase)) => (located, passphrase),
        (Err(problems), Err(more)) => return Err(problems.into_iter().chain(more).collect()),
        (Err(problems), Ok(_)) | (Ok(_), Err(problems)) => return Err(problems),
    };
    let words = format!("pulumi:{}/{}", project.name, stack.stack);
    Ok(Source { kind: Kind::Pulumi { located, passphrase }, words, notes: Vec::new() })
}

/// The stack that was named, `PULUMI_STACK`, the selected one, else the only one that has both halves.
fn choose(
    project: &Project,
    named: Option<&str>,
    keys: &CredentialKeys,
    env: &Env,
    dir: &Path,
) -> Result<StackFile, Vec<Problem>> {
    let explicit = named.or_else(|| env.filled("PULUMI_STACK"));
    if let Some(name) = explicit.map(short) {
        return project.stack(name).map_err(|error| vec![error.into()]);
    }
    let stacks = project.stacks()?;
    let lookup = |name: &str| env.get(name).map(str::to_owned);
    // A selected stack without either half is one that only pulls.
    let selected = project.selected_stack(&lookup, dir);
    let meant = stacks.iter().find(|stack| selected.as_ref() == Some(&stack.stack) && keys.any_in(stack));
    if let Some(stack) = meant {
        return Ok(stack.clone());
    }
    let complete: Vec<&StackFile> = stacks.iter().filter(|stack| keys.are_in(stack)).collect();
    match complete.as_slice() {
        [only] => Ok((*only).clone()),
        [] => Err(lacking(project, &stacks, keys)),
        several => Err(vec![ambiguous(project, several)]),
    }
}

/// `org/project/stack` names the same stack as `stack`.
fn short(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

fn ambiguous(project: &Project, stacks: &[&StackFile]) -> Problem {
    let names: Vec<&str> = stacks.iter().map(|stack| stack.stack.as_str()).collect();
    Problem {
        place: Some(Place::file(&project.file)),
        message: format!("several stacks hold the credential: {}", names.join(", ")),
        hint: Some(format!("name the one to use: export PULUMI_STACK={}", names[0])),
    }
}
