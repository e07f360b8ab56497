//! What an item of `kubernetes` means: namespaces of a cluster, a secret in them, and who uses it.

use std::collections::BTreeSet;

use super::file::{Declared, Projects, Runai};
use super::names::{label_fault, object_fault, selector_fault};
use super::{Desired, Scope};
use crate::targets::Validator;
use crate::yaml::{At, Spanned};

impl Validator<'_, Desired> {
    pub(super) fn kubernetes(&mut self, declared: &Declared) {
        let (id, registry) = (self.id, self.registry);
        let scope = self.scope(declared);
        let Some(context) = &declared.context else {
            let hint = "context: NAME, as kubectl config get-contexts lists them; in a pod: in-cluster";
            self.refuse(declared.at, "an item of `kubernetes` names no context", hint);
            return;
        };
        let secret = match &declared.secret {
            Some(secret) => secret.clone(),
            None => Spanned { value: id.0.clone(), at: declared.at },
        };
        self.named(&secret, "a secret's name", object_fault);
        for account in &declared.service_accounts {
            self.named(account, "a service account's name", object_fault);
        }
        if !declared.attach && declared.service_accounts.is_empty() {
            let hint = "service-accounts: [NAME], whose manifests name the secret; or leave `attach` out";
            self.refuse(declared.at, "`attach: false` without `service-accounts`", hint);
        }
        let Some(scope) = scope else { return };
        let desired = Desired {
            credential: id.clone(),
            registry: registry.clone(),
            context: context.value.clone(),
            scope,
            secret: secret.value,
            service_accounts: declared.service_accounts.iter().map(|name| name.value.clone()).collect(),
            attach: declared.attach,
            insecure: declared.insecure,
        };
        self.collision(declared.at, &desired);
        self.desired.push(desired);
    }

    /// Exactly one of three says in which namespaces.
    fn scope(&self, declared: &Declared) -> Option<Scope> {
        match (&declared.namespaces, &declared.selector, &declared.runai) {
            (Some(names), None, None) => {
                let names = self.names_of(declared.at, "namespaces", names)?;
                Some(Scope::Named(names))
            }
            (None, Some(selector), None) => {
                if let Some(fault) = selector_fault(&selector.value) {
                    self.refuse(
                        selector.at,
                        format!("`{}` selects no labels: {fault}", selector.value),
                        "selector: team=a, or selector: \"team in (a, b)\"",
                    );
                }
                Some(Scope::Selector(selector.value.clone()))
            }
            (None, None, Some(Runai::Word(word))) if word.value == "cluster" => Some(Scope::RunaiCluster),
            (None, None, Some(Runai::Projects(Projects::Word(word)))) if word.value == "all" => {
                Some(Scope::RunaiAll)
            }
            (None, None, Some(Runai::Word(word) | Runai::Projects(Projects::Word(word)))) => {
                self.refuse(
                    word.at,
                    format!("`{}` is not known to `runai`", word.value),
                    "runai: cluster, runai: { projects: [NAME] }, or runai: { projects: all }",
                );
                None
            }
            (None, None, Some(Runai::Projects(Projects::Listed(names)))) => {
                let names = self.names_of(declared.at, "projects", names)?;
                Some(Scope::RunaiProjects(names))
            }
            (None, None, Some(Runai::Broken)) => None,
            (None, None, None) => {
                self.refuse(
                    declared.at,
                    "an item of `kubernetes` has no namespaces",
                    "namespaces: [default], selector: LABELS, or runai: cluster",
                );
                None
            }
            _ => {
                self.refuse(
                    declared.at,
                    "an item of `kubernetes` has one of `namespaces`, `selector` and `runai`",
                    "make it two items of the list",
                );
                None
            }
        }
    }

    fn names_of(&self, at: At, key: &str, names: &[Spanned<String>]) -> Option<BTreeSet<String>> {
        if names.is_empty() {
            self.refuse(at, format!("`{key}` is empty"), format!("{key}: [NAME]"));
            return None;
        }
        for name in names {
            self.named(name, "a namespace's name", label_fault);
        }
        Some(names.iter().map(|name| name.value.clone()).collect())
    }

    fn named(&self, name: &Spanned<String>, what: &str, fault: fn(&str) -> Option<&'static str>) {
        if let Some(fault) = fault(&name.value) {
            self.refuse(
                name.at,
                format!("`{}` is not {what}: it {fault}", name.value),
                "use a-z, 0-9 and - between them, such as docker-hub",
            );
        }
    }

    /// One secret holds one login for a registry, and a place is listed once.
    fn collision(&self, at: At, desired: &Desired) {
        let same = |other: &&Desired| {
            other.context == desired.context
                && other.secret == desired.secret
                && other.registry == desired.registry
                && other.scope.overlaps(&desired.scope)
        };
        match self.desired.iter().find(same) {
            Some(other) if other.credential == desired.credential && other.scope == desired.scope => {
                self.refuse(at, "the same place is listed twice", "leave one of them out");
            }
            Some(other) if other.credential != desired.credential => self.refuse(
                at,
                format!(
                    "secret `{}` holds credential `{}` for {} here already",
                    desired.secret, other.credential, desired.registry
                ),
                "give each credential a `secret:` of its own",
            ),
            _ => {}
        }
    }
}
