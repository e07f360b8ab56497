//! Resource policies: reading, and deciding who is denied. As much of IAM's language as a secret's policy needs.

use std::collections::BTreeMap;

use serde::Deserialize;

/// One value or a list of them, as IAM's grammar allows everywhere.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Many<T> {
    One(T),
    List(Vec<T>),
}

impl<T> Default for Many<T> {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

impl<T> Many<T> {
    fn as_slice(&self) -> &[T] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::List(list) => list,
        }
    }
}

/// A policy document.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Policy {
    #[serde(rename = "Version")]
    _version: Option<String>,
    #[serde(rename = "Id")]
    _id: Option<String>,
    statement: Many<Statement>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
enum Effect {
    Allow,
    Deny,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Statement {
    #[serde(rename = "Sid")]
    _sid: Option<String>,
    effect: Effect,
    principal: Option<Principal>,
    not_principal: Option<Principal>,
    #[serde(default)]
    action: Many<String>,
    not_action: Option<Many<String>>,
    #[serde(default)]
    resource: Many<String>,
    not_resource: Option<Many<String>>,
    #[serde(default)]
    condition: BTreeMap<String, BTreeMap<String, Many<Scalar>>>,
}

/// Condition values may be written as booleans.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Scalar {
    Text(String),
    Bool(bool),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Principal {
    Everybody(String),
    ByKind(BTreeMap<String, Many<String>>),
}

/// Somebody doing something to a secret.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Access<'a> {
    pub(crate) action: &'a str,
    pub(crate) resource: &'a str,
    /// `aws:PrincipalArn`.
    pub(crate) principal: &'a str,
    pub(crate) account: &'a str,
}

/// Reads a document, or says in AWS's words what is wrong with its form.
pub(crate) fn parse(text: &str) -> Result<Policy, &'static str> {
    const SYNTAX: &str = "This resource policy contains a syntax error.";
    let policy: Policy = serde_json::from_str(text).map_err(|_| SYNTAX)?;
    let statements = policy.statement.as_slice();
    let complete = !statements.is_empty() && statements.iter().all(Statement::is_complete);
    if complete { Ok(policy) } else { Err(SYNTAX) }
}

/// Whether an explicit Deny hits this access. A document that IAM would not have taken denies nothing.
pub(crate) fn denies(policy: Option<&str>, access: &Access<'_>) -> bool {
    applies(policy, access, Effect::Deny)
}

/// Whether a statement allows it. Matters only across accounts.
pub(crate) fn allows(policy: Option<&str>, access: &Access<'_>) -> bool {
    applies(policy, access, Effect::Allow)
}

fn applies(policy: Option<&str>, access: &Access<'_>, effect: Effect) -> bool {
    let Some(Ok(policy)) = policy.map(parse) else {
        return false;
    };
    policy.statement.as_slice().iter().any(|statement| statement.effect == effect && statement.hits(access))
}

impl Policy {
    /// Whether everybody in the world is allowed something, without a condition.
    pub(crate) fn is_public(&self) -> bool {
        let open = |statement: &Statement| {
            statement.effect == Effect::Allow
                && statement.condition.is_empty()
                && statement.principal.as_ref().is_some_and(Principal::is_everybody)
        };
        self.statement.as_slice().iter().any(open)
    }

    /// What stands under `Principal` and `NotPrincipal`, by kind: `AWS`, `Service`, `Federated`.
    pub(crate) fn principals(&self) -> Vec<(&str, &str)> {
        let statements = self.statement.as_slice().iter();
        let principals =
            statements.flat_map(|statement| statement.principal.iter().chain(&statement.not_principal));
        principals.flat_map(Principal::names).collect()
    }
}

impl Statement {
    fn is_complete(&self) -> bool {
        let principal = self.principal.is_some() != self.not_principal.is_some();
        let action = self.action.as_slice().is_empty() == self.not_action.is_some();
        let resource = self.resource.as_slice().is_empty() == self.not_resource.is_some();
        principal && action && resource && self.condition.keys().all(|name| Operator::parse(name).is_some())
    }

    fn hits(&self, access: &Access<'_>) -> bool {
        self.names(access) && self.covers(access) && self.holds(access)
    }

    fn names(&self, access: &Access<'_>) -> bool {
        match (&self.principal, &self.not_principal) {
            (Some(principal), _) => principal.includes(access),
            (None, Some(excluded)) => !excluded.excepts(access),
            (None, None) => false,
        }
    }

    fn covers(&self, access: &Access<'_>) -> bool {
        let action = access.action.to_lowercase();
        let is_action = |pattern: &String| glob(&pattern.to_lowercase(), &action);
        let is_resource = |pattern: &String| glob(pattern, access.resource);
        let actions = match &self.not_action {
            Some(excluded) => !excluded.as_slice().iter().any(is_action),
            None => self.action.as_slice().iter().any(is_action),
        };
        actions
            && match &self.not_resource {
                Some(excluded) => !excluded.as_slice().iter().any(is_resource),
                None => self.resource.as_slice().iter().any(is_resource),
            }
    }

    /// All operators and all keys have to hold; of a key's values one is enough.
    fn holds(&self, access: &Access<'_>) -> bool {
        let tests = self.condition.iter().flat_map(|(name, keys)| keys.iter().map(move |test| (name, test)));
        tests.into_iter().all(|(name, (key, values))| {
            let values: Vec<String> = values.as_slice().iter().map(Scalar::text).collect();
            Operator::parse(name).is_some_and(|operator| operator.holds(context(key, access), &values))
        })
    }
}

impl Scalar {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Bool(value) => value.to_string(),
        }
    }
}

impl Principal {
    fn is_everybody(&self) -> bool {
        self.names().iter().any(|(kind, name)| *kind == "AWS" && *name == "*")
    }

    fn names(&self) -> Vec<(&str, &str)> {
        match self {
            Self::Everybody(name) => vec![("AWS", name)],
            Self::ByKind(kinds) => kinds
                .iter()
                .flat_map(|(kind, names)| names.as_slice().iter().map(|name| (kind.as_str(), name.as_str())))
                .collect(),
        }
    }

    /// Under `NotPrincipal` an account excepts only itself, not its users and roles (IAM user guide, `NotPrincipal`).
    fn excepts(&self, access: &Access<'_>) -> bool {
        self.names().iter().any(|(kind, name)| *kind == "AWS" && (*name == "*" || *name == access.principal))
    }

    /// A role, a user, their account or everybody. A principal has no wildcards but the lone `*` (IAM reference).
    fn includes(&self, access: &Access<'_>) -> bool {
        self.names().iter().any(|(kind, name)| {
            *kind == "AWS"
                && (*name == "*"
                    || *name == access.principal
                    || *name == access.account
                    || name.ends_with(&format!("::{}:root", access.account)))
        })
    }
}

/// The request's context; keys that it does not carry are `None`. A role session carries neither `aws:SourceArn` nor
/// `aws:SourceAccount` (Secrets Manager guide), so a Deny on their being different hits ECR.
fn context(key: &str, access: &Access<'_>) -> Option<String> {
    match key.to_lowercase().as_str() {
        "aws:principalarn" => Some(access.principal.to_owned()),
        "aws:principalaccount" | "aws:resourceaccount" => Some(access.account.to_owned()),
        "aws:viaawsservice" | "aws:principalisawsservice" => Some("false".to_owned()),
        "aws:securetransport" => Some("true".to_owned()),
        _ => None,
    }
}

/// A condition operator, such as `ArnNotLikeIfExists`.
#[derive(Clone, Copy)]
struct Operator {
    compare: fn(&str, &str) -> bool,
    negated: bool,
    if_exists: bool,
    is_null_test: bool,
}

impl Operator {
    fn parse(name: &str) -> Option<Self> {
        let base = name.strip_suffix("IfExists").unwrap_or(name);
        let plain = base.replacen("Not", "", 1);
        let compare: fn(&str, &str) -> bool = match plain.as_str() {
            "ArnLike" | "ArnEquals" => arn_like,
            "StringLike" => glob,
            "StringEquals" => |pattern, value| pattern == value,
            "StringEqualsIgnoreCase" | "Bool" | "Null" => {
                |pattern, value| pattern.eq_ignore_ascii_case(value)
            }
            _ => return None,
        };
        Some(Self { compare, negated: plain != base, if_exists: base != name, is_null_test: base == "Null" })
    }

    fn holds(self, value: Option<String>, patterns: &[String]) -> bool {
        if self.is_null_test {
            let absent = value.is_none().to_string();
            return patterns.iter().any(|pattern| pattern.eq_ignore_ascii_case(&absent));
        }
        // A key that is not in the request fails a test, and passes a negated one (IAM reference).
        let Some(value) = value else {
            return self.if_exists || self.negated;
        };
        patterns.iter().any(|pattern| (self.compare)(pattern, &value)) != self.negated
    }
}

/// `ArnLike`: each of the six parts by itself, so that a `*` does not reach over a colon (IAM reference).
fn arn_like(pattern: &str, arn: &str) -> bool {
    let (patterns, parts): (Vec<_>, Vec<_>) =
        (pattern.splitn(6, ':').collect(), arn.splitn(6, ':').collect());
    pattern == "*"
        || (patterns.len() == parts.len()
            && patterns.iter().zip(&parts).all(|(pattern, part)| glob(pattern, part)))
}

/// `*` for any text, `?` for one character.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    // reachable[i]: the pattern so far can have eaten the first i characters.
    let mut reachable = vec![false; text.len() + 1];
    reachable[0] = true;
    for symbol in pattern {
        if symbol == '*' {
            let first = reachable.iter().position(|reached| *reached).unwrap_or(text.len() + 1);
            (first..=text.len()).for_each(|position| reachable[position] = true);
        } else {
            for position in (0..text.len()).rev() {
                reachable[position + 1] = reachable[position] && (symbol == '?' || symbol == text[position]);
            }
            reachable[0] = false;
        }
    }
    reachable[text.len()]
}
