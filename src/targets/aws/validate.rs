//! What `aws` means: secrets, stacks, prefixes.

use std::collections::{BTreeMap, BTreeSet};

use super::file::{self, Declared};
use super::fleet::{ACCOUNT, example};
use super::names::{prefix_fault, secret_fault, stack_prefix, tag_fault};
use super::policy::is_principal;
use super::{Desired, RuleOwner};
use crate::aws::{Role, Session, is_account, is_role};
use crate::model::CredentialId;
use crate::targets::Validator;
use crate::targets::aws;
use crate::yaml::{Reader, Spanned};

impl Validator<'_, Desired> {
    pub(super) fn aws(&mut self, declared: &Declared) {
        let (id, registry, at) = (self.id, self.registry, self.at);
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
            if !is_principal(&example(&principal.value)) {
                let message = format!("`{}` is not the ARN of one role or user", principal.value);
                let hint =
                    "name each by itself, without `*`, `?` and `${…}`: arn:aws:iam::123456789012:role/deploy";
                self.refuse(principal.at, message, hint);
            }
        }
        for (key, value) in &declared.tags {
            if let Some(fault) = tag_fault(&key.value, &value.value) {
                self.refuse(
                    key.at,
                    format!("tag `{}` {fault}", key.value),
                    "tags: { cost-center: platform }",
                );
            }
        }
        let fits = self.fleet(declared);
        let texts = |list: &Vec<Spanned<String>>| list.iter().map(|item| item.value.clone()).collect();
        let stacks: Vec<aws::Stack> = declared
            .stacks
            .iter()
            .filter(|_| fits)
            .flat_map(|stack| self.stack(stack, declared, upstream.0))
            .collect();
        let sessions: BTreeSet<&Session> = stacks.iter().map(|stack| &stack.session).collect();
        let shares = |other: &&aws::Desired| {
            other.secret == secret && other.stacks.iter().any(|stack| sessions.contains(&stack.session))
        };
        if let Some(other) = self.desired.iter().find(shares) {
            let message = format!("secret `{secret}` is already that of credential `{}`", other.credential);
            self.refuse(
                declared.secret.as_ref().map_or(at, |secret| secret.at),
                message,
                "give each credential a `secret:` of its own",
            );
        }
        self.desired.push(aws::Desired {
            credential: id.clone(),
            registry: registry.clone(),
            secret,
            provisioners: declared.provisioners.as_ref().map(texts),
            readers: declared.readers.as_ref().map(texts),
            tags: declared.tags.iter().map(|(key, value)| (key.value.clone(), value.value.clone())).collect(),
            stacks,
            insecure: declared.insecure,
        });
    }

    /// A stack, in each account and region that it is put into.
    fn stack(&self, declared: &file::Stack, fleet: &Declared, upstream: &str) -> Vec<aws::Stack> {
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
        let profile = declared.profile.as_ref().map(|profile| profile.value.clone());
        let session = Session { region: String::new(), profile, roles: self.roles(declared) };
        let stack = aws::Stack {
            name: name.clone(),
            session,
            accounts: self.accounts(&declared.accounts),
            forbidden: self.accounts(&declared.forbidden),
            untouched: None,
            prefix,
            rules,
        };
        self.in_each_site(declared, fleet, &stack)
    }

    /// The roles, each assumed with the one before; external id and session name beside them are the last one's.
    fn roles(&self, declared: &file::Stack) -> Vec<Role> {
        let value = |text: &Option<Spanned<String>>| text.as_ref().map(|text| text.value.clone());
        let role = |role: &file::Role| Role {
            arn: role.arn.value.clone(),
            external_id: value(&role.external_id),
            session_name: value(&role.session_name),
        };
        let mut roles: Vec<Role> = declared.roles.iter().map(role).collect();
        for file::Role { arn, .. } in declared.roles.iter().filter(|role| !is_role(&example(&role.arn.value)))
        {
            let each = if arn.value.contains('{') { ACCOUNT } else { "123456789012" };
            self.refuse(
                arn.at,
                format!("`{}` is not a role's ARN", arn.value),
                format!("role: \"arn:aws:iam::{each}:role/regcred\""),
            );
        }
        let settings = [("external-id", &declared.external_id), ("session-name", &declared.session_name)];
        for (key, setting) in settings {
            if let (Some(setting), true) = (setting, roles.is_empty()) {
                self.refuse(
                    setting.at,
                    format!("`{key}` goes with `role`, which is missing"),
                    "add `role:`, or leave it out",
                );
            }
        }
        if let Some(last) = roles.last_mut() {
            last.external_id = value(&declared.external_id).or(last.external_id.take());
            last.session_name = value(&declared.session_name).or(last.session_name.take());
        }
        roles
    }

    fn accounts(&self, declared: &[Spanned<String>]) -> BTreeSet<String> {
        for account in declared.iter().filter(|account| !is_account(&account.value)) {
            self.refuse(
                account.at,
                format!("`{}` is not an account of twelve digits", account.value),
                "account: \"123456789012\"",
            );
        }
        declared.iter().map(|account| account.value.clone()).collect()
    }
}

/// Stacks that name the same prefix share its rule; two that come to it by their names collide.
pub(super) fn prefixes(reader: &Reader, declared: &[(CredentialId, Declared)], desired: &[Desired]) {
    let mut sites: BTreeMap<(&CredentialId, &str), Vec<&aws::Stack>> = BTreeMap::new();
    for place in desired {
        for stack in &place.stacks {
            sites.entry((&place.credential, &stack.name)).or_default().push(stack);
        }
    }
    let mut seen: BTreeMap<(&Session, &str), (&CredentialId, &file::Stack)> = BTreeMap::new();
    for (id, stack) in declared.iter().flat_map(|(id, aws)| aws.stacks.iter().map(move |stack| (id, stack))) {
        // Of two that collide in many sites it is told once.
        let mut told = BTreeSet::new();
        for placed in sites.get(&(id, stack.name.value.as_str())).into_iter().flatten() {
            let key = (&placed.session, placed.prefix.as_str());
            let Some((other_id, other)) = seen.insert(key, (id, stack)) else { continue };
            let collide = other_id != id || stack.prefix.is_none() || other.prefix.is_none();
            if !collide || !told.insert((other_id, &other.name.value)) {
                continue;
            }
            let message = format!(
                "stacks `{}` and `{}` come to the same prefix `{}`",
                other.name.value, stack.name.value, placed.prefix
            );
            let hint = format!("give `{}` a `prefix:` of its own", stack.name.value);
            reader.problem(stack.name.at, message, Some(hint));
        }
    }
}
