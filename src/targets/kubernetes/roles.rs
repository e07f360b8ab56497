//! The smallest roles that suffice for what is declared, as manifests.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::Desired;
use super::error::word;
use crate::redact;

/// The contexts that are declared.
#[must_use]
pub fn contexts(desired: &[Desired]) -> BTreeSet<&str> {
    desired.iter().map(|desired| desired.context.as_str()).collect()
}

/// What is needed in one namespace, or in all of them.
#[derive(Default)]
struct Needs<'a> {
    secrets: BTreeSet<&'a str>,
    accounts: BTreeSet<&'a str>,
}

impl<'a> Needs<'a> {
    /// What is left of it beside a role for all namespaces.
    fn without(&self, everywhere: &Self) -> Self {
        Self {
            secrets: self.secrets.difference(&everywhere.secrets).copied().collect(),
            accounts: self.accounts.difference(&everywhere.accounts).copied().collect(),
        }
    }

    fn add(&mut self, desired: &'a Desired) {
        self.secrets.insert(&desired.secret);
        self.accounts.extend(desired.service_accounts.iter().map(String::as_str));
    }
}

/// The manifests of the roles that a sync of this context needs: a Role for each namespace that the configuration names, a
/// `ClusterRole` where namespaces have to be found.
#[must_use]
pub fn roles(desired: &[Desired], context: &str) -> String {
    let here = desired.iter().filter(|desired| desired.context == context);
    let (mut everywhere, mut named): (Needs<'_>, BTreeMap<String, Needs<'_>>) = Default::default();
    for desired in here {
        match desired.scope.named() {
            None => everywhere.add(desired),
            Some(names) => names.into_iter().for_each(|name| named.entry(name).or_default().add(desired)),
        }
    }
    let mut text = format!(
        "# The smallest roles for `regcred sync` on {}. `plan` and `verify` do without create and patch;\n\
         # `sync --allow-replace` and `remove` also delete secrets. To bind them to whoever runs it:\n",
        redact::line(context)
    );
    let context = redact::line(&word(context));
    let mut manifests = String::new();
    if !everywhere.secrets.is_empty() {
        let _ = writeln!(
            text,
            "#   kubectl --context {context} create clusterrolebinding regcred --clusterrole=regcred --user=NAME"
        );
        manifests += "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: { name: regcred }\nrules:\n";
        manifests += "  - { apiGroups: [\"\"], resources: [namespaces], verbs: [list] }\n";
        manifests += CREATE;
        manifests += &rules(&everywhere, &["get", "list", "patch"]);
    }
    for (namespace, needs) in &named {
        let needs = needs.without(&everywhere);
        if needs.secrets.is_empty() && needs.accounts.is_empty() {
            continue;
        }
        let _ = writeln!(
            text,
            "#   kubectl --context {context} -n {} create rolebinding regcred --role=regcred --user=NAME",
            redact::line(&word(namespace))
        );
        let _ = write!(
            manifests,
            "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {{ name: regcred, namespace: {} }}\nrules:\n",
            quoted(namespace)
        );
        manifests += if everywhere.secrets.is_empty() { CREATE } else { "" };
        manifests += &rules(&needs, &["get", "patch"]);
    }
    text + &manifests
}

/// A thing that is to be made has no name yet, so that `create` cannot be narrowed to one.
const CREATE: &str = "  - { apiGroups: [\"\"], resources: [secrets], verbs: [create] }\n";

/// A text as YAML, which JSON is.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn rules(needs: &Needs<'_>, verbs: &[&str]) -> String {
    let list = |names: &BTreeSet<&str>| names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
    let mut text = String::new();
    for (resource, names) in [("secrets", &needs.secrets), ("serviceaccounts", &needs.accounts)] {
        if !names.is_empty() {
            let _ = writeln!(
                text,
                "  - {{ apiGroups: [\"\"], resources: [{resource}], resourceNames: [{}], verbs: [{}] }}",
                list(names),
                verbs.join(", ")
            );
        }
    }
    text
}
