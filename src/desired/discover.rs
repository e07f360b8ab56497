//! Without a file: the Pulumi project says which stacks pull where, the git remote which repository.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{Desired, remote};
use crate::aws::{Role, Session, is_account, is_role, region_fault};
use crate::env::Env;
use crate::model::{Credential, CredentialId, Place as FilePlace, Problem, Registry};
use crate::sources::pulumi::{AssumeRole, ENVIRONMENT, Project, StackFile, Unfollowed};
use crate::sources::{self, Spec};
use crate::targets::aws::{self, RuleOwner, prefix_fault, stack_prefix};
use crate::targets::github::{self, Names, Place, Store};

const CREDENTIAL: &str = "docker-hub";

/// What the folder `dir` says by itself. A stack whose provider has a setting that is not followed is left out with a word,
/// unless it is named: then it is there, and not touched.
///
/// # Errors
/// No Pulumi project, none with the credential, or settings in it that cannot be right.
pub(super) fn discover(
    env: &Env,
    dir: &Path,
    named: &[String],
) -> Result<(Desired, BTreeMap<CredentialId, Spec>), Vec<Problem>> {
    if sources::any_here(env, dir)?.is_none() {
        let message = "nothing is declared here: there is no regcred.yaml, and no Pulumi project in ., infra/ or infrastructure/";
        return Err(vec![
            Problem::input(message).hint("regcred init").hint("or name a file: regcred plan --file FILE"),
        ]);
    }
    let project = sources::project_here(&id(), env, dir)?;
    let desired = places(Some(&project), env, dir, named)?;
    Ok((desired, BTreeMap::from([(id(), Spec::Here(project))])))
}

/// The credential of a folder that has no file.
pub(super) fn id() -> CredentialId {
    CredentialId(CREDENTIAL.to_owned())
}

/// The places that a Pulumi project, if there is one, and the git remotes say.
///
/// # Errors
/// Settings that cannot be right.
pub(super) fn places(
    project: Option<&Project>,
    env: &Env,
    dir: &Path,
    named: &[String],
) -> Result<Desired, Vec<Problem>> {
    let id = id();
    let mut found = Discovery { named, desired: Desired::default(), problems: Vec::new() };
    if let Some(project) = project {
        let stacks: Vec<_> =
            project.stacks()?.into_iter().map(|file| found.opened(file, project, env)).collect();
        found.stacks(&id, &stacks);
    }
    match remote::repository(env, dir) {
        Ok(repository) => found.repository(&id, repository),
        Err(problem) => found.problems.push(problem),
    }
    found.desired.credentials.push(Credential {
        id,
        registry: Registry::docker_hub(),
        token_service: None,
        source: String::new(),
    });
    if found.problems.is_empty() { Ok(found.desired) } else { Err(found.problems) }
}

/// Whether the folder `dir` says anything by itself.
///
/// # Errors
/// What it says cannot be read.
pub(super) fn is_meant(env: &Env, dir: &Path) -> Result<bool, Vec<Problem>> {
    sources::is_meant_here(&id(), env, dir)
}

struct Discovery<'a> {
    /// The stacks that were asked for by name.
    named: &'a [String],
    desired: Desired,
    problems: Vec<Problem>,
}

impl Discovery<'_> {
    /// The stack with what its environment gives. Where that is not given, it is a stack that is not followed.
    fn opened(&mut self, file: StackFile, project: &Project, env: &Env) -> StackFile {
        file.clone().opened(project, env).unwrap_or_else(|problem| {
            self.desired.notes.push(problem.to_string());
            file
        })
    }

    fn stacks(&mut self, id: &CredentialId, files: &[StackFile]) {
        let stacks: Vec<aws::Stack> = files.iter().filter_map(|file| self.stack(file)).collect();
        self.collisions(&stacks, files);
        let without: Vec<&str> =
            files.iter().filter(|file| !file.has("aws:region")).map(|file| file.stack.as_str()).collect();
        if !without.is_empty() {
            self.desired.notes.push(format!(
                "no cache rule for {}: no aws:region in the stack file or the project",
                without.join(", ")
            ));
        }
        if !stacks.is_empty() {
            self.desired.places.aws.push(aws::Desired {
                credential: id.clone(),
                registry: Registry::docker_hub(),
                secret: format!("{}{CREDENTIAL}", aws::SECRET_NAME_PREFIX),
                provisioners: None,
                readers: None,
                tags: BTreeMap::new(),
                stacks,
                insecure: false,
            });
        }
    }

    fn stack(&mut self, file: &StackFile) -> Option<aws::Stack> {
        let unfollowed = file.unfollowed().map(|found| untouched(&file.stack, &found));
        if let Some(words) = unfollowed.as_ref().filter(|_| !self.named.contains(&file.stack)) {
            self.desired.notes.push(format!("{words}: left out"));
            return None;
        }
        let region = self.plain(file, "aws:region")??;
        if let Some((message, hint)) = region_fault(&region) {
            self.problems.push(
                Problem::input(format!("aws:region: {message}")).at(file.position("aws:region")).hints(hint),
            );
        }
        let prefix = stack_prefix(&file.stack, "docker-hub");
        if let Some(fault) = prefix_fault(&prefix) {
            let message = format!("the stack's name gives the prefix `{prefix}`, which {fault}");
            let hint = Some("write a regcred.yaml that gives the stack a `prefix:`".to_owned());
            self.problems.push(Problem::input(message).at(FilePlace::file(&file.file)).hints(hint));
        }
        let profile = self.plain(file, "aws:profile")?;
        let session = Session { region, profile, roles: self.roles(file)? };
        Some(aws::Stack {
            name: file.stack.clone(),
            session,
            accounts: self.accounts(file, "aws:allowedAccountIds")?,
            forbidden: self.accounts(file, "aws:forbiddenAccountIds")?,
            untouched: unfollowed,
            prefix,
            rules: RuleOwner::Regcred,
        })
    }

    /// A plain setting; nothing if it is wrong, which is a problem then.
    #[expect(clippy::option_option, reason = "absent and wrong are different: the outer says wrong")]
    fn plain(&mut self, file: &StackFile, key: &str) -> Option<Option<String>> {
        file.plain(key).map_err(|error| self.problems.push(error.into())).ok()
    }

    fn roles(&mut self, file: &StackFile) -> Option<Vec<Role>> {
        let roles = file.assume_roles().map_err(|error| self.problems.push(error.into())).ok()?;
        let place = ["aws:assumeRoles", "aws:assumeRole"].into_iter().find_map(|key| file.position(key));
        for role in roles.iter().filter(|role| !is_role(&role.role_arn)) {
            let message = format!("aws:assumeRole: `{}` is not a role's ARN", role.role_arn);
            let hint = Some("arn:aws:iam::123456789012:role/NAME".to_owned());
            self.problems.push(Problem::input(message).at(place.clone()).hints(hint));
        }
        Some(
            roles
                .into_iter()
                .map(|AssumeRole { role_arn, external_id, session_name }| Role {
                    arn: role_arn,
                    external_id,
                    session_name,
                })
                .collect(),
        )
    }

    fn accounts(&mut self, file: &StackFile, key: &str) -> Option<BTreeSet<String>> {
        let accounts = file.list(key).map_err(|error| self.problems.push(error.into())).ok()?;
        for account in accounts.iter().filter(|account| !is_account(account)) {
            let message = format!("{key}: `{account}` is not an account of twelve digits");
            self.problems.push(Problem::input(message).at(file.position(key)));
        }
        Some(accounts.into_iter().collect())
    }

    /// Two stacks whose names come to the same prefix cannot both have it where they share a login and region.
    fn collisions(&mut self, stacks: &[aws::Stack], files: &[StackFile]) {
        let mut seen: BTreeMap<(&Session, &str), &str> = BTreeMap::new();
        for stack in stacks {
            let Some(other) = seen.insert((&stack.session, &stack.prefix), &stack.name) else { continue };
            let file = files.iter().find(|file| file.stack == stack.name);
            self.problems.push(
                Problem::input(format!(
                    "stacks `{other}` and `{}` come to the same prefix `{}`",
                    stack.name, stack.prefix
                ))
                .at(file.map(|file| FilePlace::file(&file.file)))
                .hint(format!("write a regcred.yaml that gives `{}` a `prefix:` of its own", stack.name)),
            );
        }
    }

    fn repository(&mut self, id: &CredentialId, repository: Option<(String, String)>) {
        let Some((owner, repo)) = repository else {
            self.desired.notes.push(
                "no GitHub repository: neither GITHUB_REPOSITORY nor a git remote on GitHub names one"
                    .to_owned(),
            );
            return;
        };
        self.desired.places.github.push(github::Desired {
            credential: id.clone(),
            place: Place { owner, repo: Some(repo), store: Store::Actions },
            names: Names::of(id),
            create_environment: false,
            audience: None,
            search: None,
            app: None,
            insecure: false,
        });
    }
}

/// Who may be asked about a stack that the file names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asking {
    /// Nobody: what an environment of Pulumi ESC gives is left aside.
    Nobody,
    /// The `pulumi` program, what a stack's environment gives.
    Environments,
}

/// Keeps stacks of the file from being touched whose Pulumi settings say that they are elsewhere than the file says.
pub(super) fn hold_back(
    desired: &mut Desired,
    specs: &BTreeMap<CredentialId, Spec>,
    env: &Env,
    dir: &Path,
    asking: Asking,
) {
    let projects: Vec<&str> = specs
        .values()
        .filter_map(|spec| match spec {
            Spec::Pulumi { project, .. } => project.as_deref(),
            _ => None,
        })
        .collect();
    // A stack that is in many accounts and regions is one in Pulumi.
    let mut known: BTreeMap<(String, bool, bool), Option<String>> = BTreeMap::new();
    for stack in desired.places.aws.iter_mut().flat_map(|place| &mut place.stacks) {
        // A login that the file names stands in for the stack's own; where only an environment could have one, so does the
        // account that it has to be for.
        let has_login = stack.session.profile.is_some() || !stack.session.roles.is_empty();
        let is_settled = has_login || !stack.accounts.is_empty() || asking == Asking::Nobody;
        let key = (stack.name.clone(), has_login, is_settled);
        if let Some(untouched) = known.get(&key) {
            stack.untouched.clone_from(untouched);
            continue;
        }
        let elsewhere = |project: &Project, file: StackFile| {
            let found = if is_settled { file.unfollowed() } else { file.unfollowed_with(project, env)? };
            let stands = |found: &Unfollowed| {
                (found.is_login && has_login) || (found.key == ENVIRONMENT && is_settled)
            };
            Ok(found.filter(|found| !stands(found)).map(|found| untouched(&stack.name, &found)))
        };
        let files = sources::stack_files(&stack.name, env, dir, &projects).into_iter();
        stack.untouched = files
            .map(|found| found.and_then(|(project, file)| elsewhere(&project, file)))
            .find_map(|found| match found {
                Err(problem) => Some(format!("its settings cannot be read: {}", problem.seen_from(dir))),
                Ok(words) => words,
            });
        known.insert(key, stack.untouched.clone());
    }
}

fn untouched(stack: &str, found: &Unfollowed) -> String {
    let Unfollowed { key, place, .. } = found;
    format!(
        "stack {stack} has `{key}` ({place}), which says where its AWS provider goes, and regcred does not follow it"
    )
}
