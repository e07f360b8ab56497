//! "Only ECR may read the value", as a resource policy.
//!
//! An Allow restricts nobody in the same account, because identity policies allow as well (IAM's
//! evaluation logic); so our statement is a Deny of `secretsmanager:GetSecretValue` for every
//! principal that is not exempted. It denies nothing else, so that nobody is locked out of managing
//! the secret. Foreign statements stay; policies are compared by meaning.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Exempt, Identity};
use crate::redact;

/// The name of our statement.
pub const SID: &str = "RegcredOnlyEcrPullThroughCacheReads";
const ACTION: &str = "secretsmanager:GetSecretValue";
const PRINCIPAL_ARN: &str = "aws:PrincipalArn";

/// The role with which ECR reads the secret (Amazon ECR user guide, "service-linked role for pull
/// through cache"). It is named in a condition, where it need not exist yet: the first rule makes it.
#[must_use]
pub fn ecr_role(identity: &Identity) -> String {
    format!(
        "arn:{}:iam::{}:role/aws-service-role/pullthroughcache.ecr.amazonaws.com/AWSServiceRoleForECRPullThroughCache",
        identity.partition(),
        identity.account
    )
}

/// The patterns of `aws:PrincipalArn` by which a principal is exempted.
///
/// The ARN of an assumed role, as STS tells it, lacks the role's path, so both spellings are
/// listed; never `role/*name`, which another role's name could end with.
#[must_use]
pub fn patterns(principal: &str) -> Vec<String> {
    let parts: Vec<&str> = principal.splitn(6, ':').collect();
    match parts.as_slice() {
        [arn, partition, "sts", region, account, rest] => {
            match rest.split('/').collect::<Vec<_>>().as_slice() {
                ["assumed-role", name, ..] => ["role/", "role/*/"]
                    .map(|path| format!("{arn}:{partition}:iam:{region}:{account}:{path}{name}"))
                    .to_vec(),
                _ => vec![principal.to_owned()],
            }
        }
        _ => vec![principal.to_owned()],
    }
}

/// What is to be said of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Our statement is there and keeps everybody else out.
    InSync,
    /// Our statement is not there.
    Missing,
    /// Our statement lets others in, or denies more than reading.
    Weakened(String),
    /// Our statement exempts other principals than the declared ones.
    Exemptions(String),
}

/// Judges a policy's text. Where the file lists nobody, the statement may exempt any named
/// principals, since whoever made it is not known any more.
#[must_use]
pub fn judge(policy: Option<&str>, exempt: &Exempt, identity: &Identity) -> Verdict {
    let statements = statements(policy);
    let Some(ours) = statements.iter().find(|statement| is_ours(statement)) else {
        return Verdict::Missing;
    };
    let Some(found) = exempted(ours) else {
        return Verdict::Weakened(
            "our statement was changed and no longer keeps others from reading".to_owned(),
        );
    };
    if !found.contains(&ecr_role(identity)) {
        return Verdict::Weakened("our statement no longer exempts ECR's own role".to_owned());
    }
    match exempt.listed {
        None => broad(&found, identity),
        Some(_) => compare(&found, &wanted(policy, exempt, identity)),
    }
}

fn broad(found: &BTreeSet<String>, identity: &Identity) -> Verdict {
    match found.iter().find(|pattern| is_broad(pattern, identity)) {
        Some(pattern) => {
            let pattern = redact::outside(pattern);
            Verdict::Weakened(format!("our statement exempts {pattern}, which is more than one principal"))
        }
        None => Verdict::InSync,
    }
}

fn compare(found: &BTreeSet<String>, wanted: &BTreeSet<String>) -> Verdict {
    let names =
        |set: Vec<&String>| set.into_iter().map(|name| redact::outside(name)).collect::<Vec<_>>().join(", ");
    let extra: Vec<&String> = found.difference(wanted).collect();
    let lacking: Vec<&String> = wanted.difference(found).collect();
    match (extra.is_empty(), lacking.is_empty()) {
        (true, true) => Verdict::InSync,
        (false, _) => {
            Verdict::Exemptions(format!("also lets {} read, which the file does not list", names(extra)))
        }
        (true, false) => Verdict::Exemptions(format!("does not let {} read yet", names(lacking))),
    }
}

/// Whether a pattern stands for more than one principal of the account. A wildcard is fine only as
/// the whole of a role's path.
fn is_broad(pattern: &str, identity: &Identity) -> bool {
    let parts: Vec<&str> = pattern.splitn(6, ':').collect();
    let [_, _, service, _, account, resource] = parts.as_slice() else { return true };
    let resource = resource.strip_prefix("role/*/").unwrap_or(resource);
    !matches!(*service, "iam" | "sts") || *account != identity.account || resource.contains(['*', '?'])
}

/// The policy's text with our statement in it, in place of an older one of ours; other statements as
/// they were. Principals that IAM shows as dead (`AROA…`, `AIDA…`) are dropped: AWS refuses to store
/// them again, and they name nobody.
#[must_use]
pub fn merged(policy: Option<&str>, exempt: &Exempt, identity: &Identity) -> String {
    let ours = statement(&wanted(policy, exempt, identity));
    let mut kept: Vec<Value> =
        statements(policy).into_iter().filter(|statement| !is_ours(statement)).filter_map(living).collect();
    kept.push(ours);
    let parsed: Option<Value> = policy.and_then(|text| serde_json::from_str(text).ok());
    let mut document = parsed.filter(Value::is_object).unwrap_or_else(|| json!({ "Version": "2012-10-17" }));
    document["Statement"] = Value::Array(kept);
    document.to_string()
}

/// The principals that Allow statements name for reading: on a secret that regcred did not make,
/// they keep their access. Whole accounts, everybody and services cannot be exempted by name.
fn allowed_readers(policy: Option<&str>) -> BTreeSet<String> {
    statements(policy)
        .iter()
        .filter(|statement| statement["Effect"] == "Allow" && allows_reading(statement))
        .flat_map(|statement| texts(&statement["Principal"]["AWS"]))
        .filter(|principal| names_one(principal))
        .collect()
}

fn names_one(principal: &str) -> bool {
    principal.starts_with("arn:") && !principal.ends_with(":root") && !principal.contains('*')
}

fn allows_reading(statement: &Value) -> bool {
    let reads = |action: &String| {
        let action = action.to_ascii_lowercase();
        match action.strip_suffix('*') {
            Some(stem) => ACTION.to_ascii_lowercase().starts_with(stem),
            None => action == ACTION.to_ascii_lowercase(),
        }
    };
    statement.get("NotAction").is_some() || texts(&statement["Action"]).iter().any(reads)
}

/// Every pattern that our statement exempts.
fn wanted(policy: Option<&str>, exempt: &Exempt, identity: &Identity) -> BTreeSet<String> {
    let mut principals = readers(policy, exempt);
    if exempt.listed.is_none() {
        principals.insert(identity.arn.clone());
    }
    principals.iter().flat_map(|principal| patterns(principal)).chain([ecr_role(identity)]).collect()
}

/// The principals beside ECR and the creator that keep access.
#[must_use]
pub fn readers(policy: Option<&str>, exempt: &Exempt) -> BTreeSet<String> {
    let allowed = if exempt.allowed { allowed_readers(policy) } else { BTreeSet::new() };
    exempt.listed.iter().flatten().cloned().chain(allowed).collect()
}

fn statement(exempted: &BTreeSet<String>) -> Value {
    json!({
        "Sid": SID,
        "Effect": "Deny",
        "Principal": "*",
        "Action": ACTION,
        "Resource": "*",
        "Condition": { "ArnNotLike": { PRINCIPAL_ARN: exempted } },
    })
}

/// The statements of a policy; a single one may stand without a list.
fn statements(policy: Option<&str>) -> Vec<Value> {
    let document: Value = policy.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    match document.get("Statement") {
        Some(Value::Array(statements)) => statements.clone(),
        Some(statement @ Value::Object(_)) => vec![statement.clone()],
        _ => Vec::new(),
    }
}

fn is_ours(statement: &Value) -> bool {
    statement["Sid"] == SID
}

/// The principals that our statement exempts, if it still denies reading, and nothing else, to all others.
fn exempted(statement: &Value) -> Option<BTreeSet<String>> {
    let everybody = texts(&statement["Principal"]) == ["*"] || texts(&statement["Principal"]["AWS"]) == ["*"];
    let actions = texts(&statement["Action"]);
    let reading = !actions.is_empty() && actions.iter().all(|action| action.eq_ignore_ascii_case(ACTION));
    let fields = statement
        .as_object()?
        .keys()
        .all(|key| ["Sid", "Effect", "Principal", "Action", "Resource", "Condition"].contains(&key.as_str()));
    let everything = texts(&statement["Resource"]) == ["*"];
    let sound = statement["Effect"] == "Deny" && everybody && reading && fields && everything;
    let condition = statement["Condition"].as_object().filter(|condition| sound && condition.len() == 1)?;
    let keys = condition.get("ArnNotLike").or_else(|| condition.get("ArnNotEquals"))?.as_object()?;
    let (key, principals) = keys.iter().next().filter(|_| keys.len() == 1)?;
    let exempted = texts(principals).into_iter().collect();
    (key.eq_ignore_ascii_case(PRINCIPAL_ARN)).then_some(exempted)
}

/// The statement without dead principals; nothing if no principal is left.
fn living(mut statement: Value) -> Option<Value> {
    let Some(principals) = statement.pointer_mut("/Principal/AWS") else { return Some(statement) };
    let all = texts(principals);
    let alive: Vec<String> = all.iter().filter(|principal| !is_dead(principal)).cloned().collect();
    if alive.len() == all.len() {
        return Some(statement);
    }
    *principals = json!(alive);
    (!alive.is_empty()).then_some(statement)
}

/// What IAM shows in place of a role or user that was deleted (IAM user guide, "unique identifiers").
fn is_dead(principal: &str) -> bool {
    ["AROA", "AIDA"].iter().any(|prefix| principal.starts_with(prefix)) && !principal.contains(':')
}

/// A string, or a list of strings, as a list.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(list) => list.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    }
}
