//! The smallest roles that suffice for what is declared, as manifests.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use ring::digest::{SHA256, digest};
use serde_json::json;

use super::Desired;
use super::error::{kubectl, word};
use super::replace::copy_name;
use crate::model::IN_CLUSTER;
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
    /// Those of the accounts that are only looked at.
    left: BTreeSet<&'a str>,
}

impl<'a> Needs<'a> {
    /// What is left of it beside a role for all namespaces.
    fn without(&self, everywhere: &Self) -> Self {
        Self {
            secrets: self.secrets.difference(&everywhere.secrets).copied().collect(),
            accounts: self.accounts.difference(&everywhere.accounts).copied().collect(),
            left: self.left.difference(&everywhere.left).copied().collect(),
        }
    }

    fn is_empty(&self) -> bool {
        self.secrets.is_empty() && self.accounts.is_empty() && self.left.is_empty()
    }

    fn add(&mut self, desired: &'a Desired) {
        self.secrets.insert(&desired.secret);
        let accounts = if desired.attach { &mut self.accounts } else { &mut self.left };
        accounts.extend(desired.service_accounts.iter().map(String::as_str));
    }
}

/// What the roles of a configuration are called. Two that give other rights have other names, so that of two teams who apply
/// theirs to one cluster none takes the other's away.
fn name(desired: &[&Desired], deletes: bool) -> String {
    let rights: BTreeSet<_> = desired
        .iter()
        .map(|Desired { secret, service_accounts, attach, scope, .. }| {
            (secret, service_accounts, attach, scope.named().is_some())
        })
        .collect();
    let bytes = digest(&SHA256, json!((rights, deletes)).to_string().as_bytes());
    format!("regcred-{}", hex::encode(&bytes.as_ref()[..4]))
}

/// The manifests of the roles that a sync of this context needs: a Role for each namespace that the configuration names, a
/// `ClusterRole` where namespaces have to be found. With `deletes` they also suffice to take secrets away.
#[must_use]
pub fn roles(desired: &[Desired], context: &str, deletes: bool) -> String {
    let here: Vec<&Desired> = desired.iter().filter(|desired| desired.context == context).collect();
    let name = name(&here, deletes);
    let (mut everywhere, mut named): (Needs<'_>, BTreeMap<String, Needs<'_>>) = Default::default();
    for desired in here {
        match desired.scope.named() {
            None => everywhere.add(desired),
            Some(names) => names.into_iter().for_each(|name| named.entry(name).or_default().add(desired)),
        }
    }
    let mut text = format!(
        "# The smallest roles for `regcred sync` on {}. `plan` and `verify` do without create and patch;\n\
         # {}\n\
         # Whether pods try another login first is known only where the other pull secrets of their service account may be\n\
         # read: for that, allow `get` of their names, too. To bind the roles to whoever runs it:\n",
        redact::line(context),
        match deletes {
            true => "They suffice for `sync --allow-replace` and `remove`, too.",
            false => "`sync --allow-replace` and `remove` also delete secrets: regcred rbac --allow-replace.",
        }
    );
    let writes: &[&str] = if deletes { &["patch", "delete"] } else { &["patch"] };
    let who = if context == IN_CLUSTER { "--serviceaccount=NAMESPACE:NAME" } else { "--user=NAME" };
    let kubectl = redact::line(&kubectl(context));
    let mut manifests = String::new();
    if !everywhere.secrets.is_empty() {
        let _ = writeln!(text, "#   {kubectl} create clusterrolebinding {name} --clusterrole={name} {who}");
        let _ = write!(
            manifests,
            "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{ name: {name} }}\nrules:\n"
        );
        manifests += "  - { apiGroups: [\"\"], resources: [namespaces], verbs: [list] }\n";
        manifests += CREATE;
        manifests += &rules(&everywhere, &["get", "list"], writes);
    }
    for (namespace, needs) in &named {
        let needs = needs.without(&everywhere);
        if needs.is_empty() {
            continue;
        }
        let _ = writeln!(
            text,
            "#   {kubectl} -n {} create rolebinding {name} --role={name} {who}",
            redact::line(&word(namespace))
        );
        let _ = write!(
            manifests,
            "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {{ name: {name}, namespace: {} }}\nrules:\n",
            quoted(namespace)
        );
        if everywhere.secrets.is_empty() {
            manifests += "  - { apiGroups: [\"\"], resources: [namespaces], verbs: [get] }\n";
            manifests += CREATE;
        }
        manifests += &rules(&needs, &["get"], writes);
    }
    text + &manifests
}

/// A thing that does not exist yet has no name, so that `create` cannot be narrowed to one.
const CREATE: &str = "  - { apiGroups: [\"\"], resources: [secrets], verbs: [create] }\n";

/// A text as YAML, which JSON is.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn rules(needs: &Needs<'_>, reads: &[&str], writes: &[&str]) -> String {
    let list = |names: &BTreeSet<&str>| names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
    let copies: BTreeSet<String> = needs.secrets.iter().map(|name| copy_name(name)).collect();
    let copies: BTreeSet<&str> = copies.iter().map(String::as_str).collect();
    // A copy is made, read and deleted, and never changed.
    let deletes: Vec<&str> = writes.iter().copied().filter(|verb| *verb != "patch").collect();
    let patch = [reads, &["patch"][..]].concat();
    let all = [
        ("secrets", &needs.secrets, [reads, writes].concat()),
        ("secrets", &copies, [reads, &deletes[..]].concat()),
        ("serviceaccounts", &needs.accounts, patch),
        ("serviceaccounts", &needs.left, reads.to_vec()),
    ];
    let mut text = String::new();
    for (resource, names, verbs) in all.iter().filter(|(_, names, _)| !names.is_empty()) {
        let _ = writeln!(
            text,
            "  - {{ apiGroups: [\"\"], resources: [{resource}], resourceNames: [{}], verbs: [{}] }}",
            list(names),
            verbs.join(", ")
        );
    }
    text
}
