//! What `regcred.yaml` means: its shape turned into places, with every rule that needs no network.
//! All problems are reported together.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::file::{self, File};
use super::names::{github_fault, is_region, nearest_region, prefix_fault, secret_fault, stack_prefix};
use super::node::{At, Reader, Spanned};
use super::{Desired, Insecure};
use crate::model::{Credential, CredentialId, Problem};
use crate::registry::Registry;
use crate::sources::Spec;
use crate::targets::aws::{self, Role, RuleOwner, Session};
use crate::targets::github::{self, Names, Place, Store};

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
        self.specs.insert(id.clone(), spec(declared.from.as_ref()));
        if let Some(places) = &declared.aws {
            self.aws(&id, &registry, places, declared.id.at);
        }
        for place in &declared.github {
            self.github(&id, place);
        }
        if declared.aws.is_none() && declared.github.is_empty() {
            self.refuse(
                declared.id.at,
                format!("credential `{id}` goes nowhere"),
                "add `to:` with aws or github",
            );
        }
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

    fn aws(&mut self, id: &CredentialId, registry: &Registry, declared: &file::Aws, at: At) {
        let Some(upstream) = registry.ecr_upstream() else {
            let known = "docker.io, ghcr.io, registry.gitlab.com, *.azurecr.io, cgr.dev";
            self.refuse(
                at,
                format!("ECR has no pull-through cache with a credential for {registry}"),
                format!("one of: {known}"),
            );
            return;
        };
        if declared.stacks.is_empty() {
            self.refuse(declared.at, "`aws` names no stacks", "stacks: { main: { region: us-east-2 } }");
        }
        let secret = declared
            .secret
            .as_ref()
            .map_or_else(|| format!("{}{id}", aws::SECRET_NAME_PREFIX), |secret| secret.value.clone());
        if let (Some(declared), Some(fault)) = (&declared.secret, secret_fault(&secret)) {
            self.refuse(
                declared.at,
                format!("secret name `{secret}` {fault}"),
                format!("secret: {}{id}", aws::SECRET_NAME_PREFIX),
            );
        }
        for principal in declared.provisioners.iter().chain(&declared.readers).flatten() {
            if !principal.value.starts_with("arn:") || principal.value.contains('*') {
                let hint = "arn:aws:iam::123456789012:role/deploy";
                self.refuse(
                    principal.at,
                    format!("`{}` is not the ARN of one principal", principal.value),
                    hint,
                );
            }
        }
        self.desired.insecure.aws |= declared.insecure;
        let texts = |list: &Vec<Spanned<String>>| list.iter().map(|item| item.value.clone()).collect();
        let stacks: Vec<aws::Stack> =
            declared.stacks.iter().filter_map(|stack| self.stack(stack, upstream.0)).collect();
        let shares = |other: &&aws::Desired| {
            let session = |stack: &aws::Stack| stacks.iter().any(|own| own.session == stack.session);
            other.secret == secret && other.stacks.iter().any(session)
        };
        if let Some(other) = self.desired.aws.iter().find(shares) {
            let message = format!("secret `{secret}` is already that of credential `{}`", other.credential);
            self.refuse(
                declared.secret.as_ref().map_or(at, |secret| secret.at),
                message,
                "give each credential a `secret:` of its own",
            );
        }
        self.desired.aws.push(aws::Desired {
            credential: id.clone(),
            registry: registry.clone(),
            secret,
            provisioners: declared.provisioners.as_ref().map(texts),
            readers: declared.readers.as_ref().map(texts),
            stacks,
        });
    }

    fn stack(&self, declared: &file::Stack, upstream: &str) -> Option<aws::Stack> {
        let name = &declared.name.value;
        let prefix = declared.prefix.as_ref().map_or_else(
            || stack_prefix(name, upstream),
            |prefix| prefix.value.trim_end_matches('/').to_owned(),
        );
        if let Some(fault) = prefix_fault(&prefix) {
            let at = declared.prefix.as_ref().map_or(declared.name.at, |prefix| prefix.at);
            self.refuse(at, format!("prefix `{prefix}` {fault}"), "prefix: a-z, 0-9, 2 to 30 characters");
        }
        let rules = match declared.rules.as_ref().map(|rules| (rules.value.as_str(), rules.at)) {
            None | Some(("regcred", _)) => RuleOwner::Regcred,
            Some(("pulumi", _)) => RuleOwner::Pulumi,
            Some((other, at)) => {
                self.refuse(at, format!("`rules: {other}` is not known"), "rules: regcred, or rules: pulumi");
                RuleOwner::Regcred
            }
        };
        let region = self.region(declared)?;
        let session = Session { region, profile: None, roles: self.role(declared).into_iter().collect() };
        Some(aws::Stack {
            name: name.clone(),
            session,
            accounts: self.account(declared).into_iter().collect(),
            prefix,
            rules,
        })
    }

    fn region(&self, declared: &file::Stack) -> Option<String> {
        let Some(region) = &declared.region else {
            let message = format!("stack `{}` has no region", declared.name.value);
            self.refuse(
                declared.name.at,
                message,
                format!("{}: {{ region: us-east-2 }}", declared.name.value),
            );
            return None;
        };
        match region_fault(&region.value) {
            Some((message, hint)) => {
                self.reader.problem(region.at, message, hint);
                None
            }
            None => Some(region.value.clone()),
        }
    }

    fn role(&self, declared: &file::Stack) -> Option<Role> {
        let role = declared.role.as_ref()?;
        if !is_role(&role.value) {
            self.refuse(
                role.at,
                format!("`{}` is not a role's ARN", role.value),
                "role: arn:aws:iam::123456789012:role/regcred",
            );
        }
        Some(Role { arn: role.value.clone(), external_id: None })
    }

    fn account(&self, declared: &file::Stack) -> Option<String> {
        let account = declared.account.as_ref()?;
        if !is_account(&account.value) {
            self.refuse(
                account.at,
                format!("`{}` is not an account of twelve digits", account.value),
                "account: \"123456789012\"",
            );
        }
        Some(account.value.clone())
    }

    fn github(&mut self, id: &CredentialId, declared: &file::Github) {
        if let Some(organization) = &declared.organization {
            self.refuse(
                organization.at,
                "organization secrets are not supported yet",
                "list the repositories instead",
            );
            return;
        }
        let Some(repository) = &declared.repository else {
            self.refuse(declared.at, "an item of `github` has no repository", "repository: owner/name");
            return;
        };
        let Some((owner, repo)) = split_repository(&repository.value) else {
            self.refuse(
                repository.at,
                format!("`{}` is not a repository", repository.value),
                "repository: owner/name",
            );
            return;
        };
        let place = Place { owner: owner.to_owned(), repo: repo.to_owned(), store: self.store(declared) };
        if self.desired.github.iter().any(|other| other.place == place && other.credential == *id) {
            self.refuse(declared.at, "the same place is listed twice", "leave one of them out");
        }
        let names = self.names(id, declared, &place.store);
        let taken = |other: &&github::Desired| {
            let same = |name: &String| [&names.username, &names.token].contains(&name);
            other.place == place
                && other.credential != *id
                && (same(&other.names.username) || same(&other.names.token))
        };
        if let Some(other) = self.desired.github.iter().find(taken) {
            let message = format!(
                "`{}` or `{}` is already a secret of credential `{}` here",
                names.username, names.token, other.credential
            );
            self.refuse(declared.at, message, "give each credential `names:` of its own");
        }
        if names.username == names.token {
            self.refuse(
                declared.at,
                format!("`{}` cannot hold both the user name and the token", names.token),
                "give the two different `names:`",
            );
        }
        self.desired.insecure.github |= declared.insecure;
        self.desired.github.push(github::Desired {
            credential: id.clone(),
            place,
            names,
            create_environment: declared.create_environment,
        });
    }

    fn store(&self, declared: &file::Github) -> Store {
        let store = declared.store.as_ref().map(|store| (store.value.as_str(), store.at));
        match (&declared.environment, store) {
            (None, None | Some(("actions", _))) => Store::Actions,
            (None, Some(("dependabot", _))) => Store::Dependabot,
            (Some(environment), None | Some(("actions", _))) => Store::Environment(environment.value.clone()),
            (Some(_), Some(("dependabot", at))) => {
                self.refuse(at, "Dependabot has no environments", "leave `environment` or `store` out");
                Store::Dependabot
            }
            (_, Some((other, at))) => {
                self.refuse(
                    at,
                    format!("`store: {other}` is not known"),
                    "store: actions, or store: dependabot",
                );
                Store::Actions
            }
        }
    }

    fn names(&self, id: &CredentialId, declared: &file::Github, store: &Store) -> Names {
        let default = Names::of(id);
        let named = |name: Option<&Spanned<String>>, default: String| match name {
            Some(name) => {
                if let Some(fault) = github_fault(&name.value) {
                    self.refuse(
                        name.at,
                        format!("`{}` {fault}", name.value),
                        "see GitHub's documentation, \"Naming your secrets\"",
                    );
                }
                name.value.to_ascii_uppercase()
            }
            None => default,
        };
        let marker = if *store == Store::Dependabot {
            format!("{}_DEPENDABOT", default.marker)
        } else {
            default.marker
        };
        Names {
            username: named(declared.username.as_ref(), default.username),
            token: named(declared.token.as_ref(), default.token),
            marker,
        }
    }

    /// Stacks that name the same prefix share its rule; two that come to it by their names collide.
    fn prefixes(&self, file: &File) {
        let declared =
            file.credentials.iter().filter_map(|credential| Some((credential, credential.aws.as_ref()?)));
        let stacks = declared
            .flat_map(|(credential, aws)| aws.stacks.iter().map(move |stack| (&credential.id.value, stack)));
        let mut seen: BTreeMap<(&Session, &str), (&String, &file::Stack)> = BTreeMap::new();
        for (id, stack) in stacks {
            let desired = self.desired.aws.iter().filter(|desired| desired.credential.0 == *id);
            let Some(placed) =
                desired.flat_map(|desired| &desired.stacks).find(|other| other.name == stack.name.value)
            else {
                continue;
            };
            let key = (&placed.session, placed.prefix.as_str());
            let Some((other_id, other)) = seen.insert(key, (id, stack)) else { continue };
            if other_id != id || stack.prefix.is_none() || other.prefix.is_none() {
                let message = format!(
                    "stacks `{}` and `{}` come to the same prefix `{}`",
                    other.name.value, stack.name.value, placed.prefix
                );
                self.refuse(
                    stack.name.at,
                    message,
                    format!("give `{}` a `prefix:` of its own", stack.name.value),
                );
            }
        }
    }
}

fn spec(from: Option<&file::From>) -> Spec {
    let value = |text: &Option<Spanned<String>>| text.as_ref().map(|text| text.value.clone());
    match from {
        None => Spec::Default,
        Some(file::From::Env { username, token }) => {
            Spec::Env { username: value(username), token: value(token) }
        }
        Some(file::From::Pulumi { project, stack, username, token }) => Spec::Pulumi {
            project: value(project),
            stack: value(stack),
            username: value(username),
            token: value(token),
        },
    }
}

/// What is wrong with a region, and what to write instead.
pub(super) fn region_fault(region: &str) -> Option<(String, Option<String>)> {
    if is_region(region) {
        return None;
    }
    let hint = nearest_region(region).map(|near| format!("did you mean {near}?"));
    Some((format!("`{region}` is not a region"), hint))
}

pub(super) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.chars().all(|c| c.is_ascii_digit())
}

pub(super) fn is_role(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    matches!(parts.as_slice(), ["arn", _, "iam", "", account, resource]
        if is_account(account) && resource.strip_prefix("role/").is_some_and(|name| !name.is_empty()))
}

/// `owner/name`, as GitHub allows them.
pub(super) fn split_repository(text: &str) -> Option<(&str, &str)> {
    let (owner, repo) = text.split_once('/')?;
    let legal =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    (legal(owner) && legal(repo) && repo != "." && repo != "..").then_some((owner, repo))
}

impl Insecure {
    /// The targets for which plain http to another machine is allowed.
    #[must_use]
    pub fn names(&self) -> BTreeSet<&'static str> {
        let Self { aws, github } = *self;
        [(aws, "aws"), (github, "github")].into_iter().filter(|(on, _)| *on).map(|(_, name)| name).collect()
    }
}
