//! Who asks, and what the rules let them do.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::Refusal;
use super::routes::Resource;
use super::{Cluster, Visit};
use crate::message::Request;

/// Somebody that a token stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct User {
    /// As refusals say it.
    pub name: String,
    /// `system:masters` may do everything.
    pub groups: Vec<String>,
}

/// A binding of rules to a user or group.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Grant {
    /// A user's or a group's name.
    pub subject: String,
    /// Where; `None` is everywhere, as a ClusterRoleBinding grants.
    pub namespace: Option<String>,
    /// What.
    pub rules: Vec<Rule>,
}

/// A `PolicyRule`, as Role and ClusterRole have it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// `""` is the core group; `*` is every group.
    pub api_groups: Vec<String>,
    /// Plurals, or `*`.
    pub resources: Vec<String>,
    /// Verbs, or `*`.
    pub verbs: Vec<String>,
    /// Only these objects; empty is all. A create has no name yet, so that no rule with names allows it.
    pub resource_names: Vec<String>,
}

impl Rule {
    fn allows(&self, asked: &Asked<'_>) -> bool {
        let has = |list: &[String], wanted: &str| list.iter().any(|item| item == wanted || item == "*");
        has(&self.api_groups, asked.group)
            && has(&self.resources, asked.resource)
            && has(&self.verbs, asked.verb)
            && (self.resource_names.is_empty() || self.resource_names.iter().any(|name| name == asked.name))
    }
}

/// What somebody wants to do, in the words of the rules.
pub(crate) struct Asked<'a> {
    pub(crate) verb: &'a str,
    pub(crate) group: &'a str,
    pub(crate) resource: &'a str,
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
}

impl Cluster {
    /// Grants rules, as JSON that a Role has them in, in one namespace or everywhere.
    ///
    /// # Panics
    ///
    /// Where they are not rules.
    pub fn grant(&mut self, subject: &str, namespace: Option<&str>, rules: &Value) {
        let rules = serde_json::from_value(rules.clone());
        #[expect(clippy::unwrap_used, reason = "a test wrote something that is no rule")]
        let rules: Vec<Rule> = rules.unwrap();
        let namespace = namespace.map(str::to_owned);
        self.grants.push(Grant { subject: subject.to_owned(), namespace, rules });
    }

    /// Grants what a Role or ClusterRole says: what a program prints for people can be tried with it.
    ///
    /// # Panics
    ///
    /// Where it is neither.
    pub fn grant_role(&mut self, subject: &str, role: &Value) {
        assert!(matches!(role["kind"].as_str(), Some("Role" | "ClusterRole")), "{role}");
        let namespace = role["metadata"]["namespace"].as_str().map(str::to_owned);
        self.grant(subject, namespace.as_deref(), &role["rules"]);
    }

    /// Whether some rule lets them.
    pub(crate) fn allows(&self, user: &User, asked: &Asked<'_>) -> bool {
        let is_theirs = |grant: &&Grant| grant.subject == user.name || user.groups.contains(&grant.subject);
        let reaches =
            |grant: &&Grant| grant.namespace.as_deref().is_none_or(|namespace| namespace == asked.namespace);
        user.groups.iter().any(|group| group == "system:masters")
            || self
                .grants
                .iter()
                .filter(is_theirs)
                .filter(reaches)
                .any(|grant| grant.rules.iter().any(|rule| rule.allows(asked)))
    }
}

/// A wrong token is 401; no token at all is `system:anonymous`, who may nothing unless somebody grants it.
pub(crate) fn authenticate(cluster: &Cluster, request: &Request) -> Result<User, Refusal> {
    let Some(header) = request.header("authorization") else {
        let groups = vec!["system:unauthenticated".to_owned()];
        return Ok(User { name: "system:anonymous".to_owned(), groups });
    };
    let token = header.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let user =
        token.and_then(|(_, token)| cluster.tokens.get(token.trim())).ok_or_else(Refusal::unauthorized)?;
    let mut user = user.clone();
    user.groups.push("system:authenticated".to_owned());
    Ok(user)
}

/// Whether the visitor may do this to what the path names.
pub(crate) fn may(visit: &Visit<'_>, verb: &str) -> bool {
    // Discovery, health and questions about oneself: `system:discovery`, `system:basic-user`.
    visit.resource() == Resource::None
        || visit.cluster.allows(
            &visit.user,
            &Asked {
                verb,
                group: "",
                resource: visit.resource().plural(),
                namespace: &visit.namespace,
                name: &visit.name,
            },
        )
}

/// A path that nobody serves: refused first where the user may not even know that.
pub(crate) fn off_the_map(user: &User, request: &Request, segments: &[String]) -> Refusal {
    if user.groups.iter().any(|group| group == "system:masters") {
        return Refusal::no_such_page();
    }
    let (verb, path) = (request.method.as_str().to_lowercase(), segments.join("/"));
    Refusal::forbidden("", "", &format!("User {:?} cannot {verb} path \"/{path}\"", user.name))
}
