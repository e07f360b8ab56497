//! "Only ECR may read the value", as a resource policy.
//!
//! An Allow restricts nobody in the same account, because identity policies allow as well (IAM's
//! evaluation logic); so our statement is a Deny of `secretsmanager:GetSecretValue` for every
//! principal that is not exempted. It denies nothing else, so that nobody is locked out of managing
//! the secret. Foreign statements stay; policies are compared by meaning, and what foreign statements
//! mean for those who may read is evaluated by IAM's rules (`statement.rs`).

mod access;
mod condition;
mod document;
mod pattern;
mod principal;
mod request;
mod statement;
mod told;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use self::document::Document;
use self::principal::{Principal, is_broad};
pub use self::told::Told;
use super::{Exempt, Identity};
use crate::aws::is_account;
use crate::model::Problem;
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

/// Whether a text is the ARN of one role, user, assumed role or root user, and of no more.
#[must_use]
pub fn is_principal(text: &str) -> bool {
    text.starts_with("arn:")
        && !principal::is_pattern(text)
        && Principal::parse(text).is_some_and(|it| is_account(&it.account))
}

/// What there is to say of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Our statement is there and keeps everybody else out.
    InSync,
    /// Our statement is not there.
    Missing,
    /// Our statement lets others in, or denies more than reading.
    Weakened(String),
    /// Our statement exempts other principals than the declared ones: who comes and who goes.
    Exemptions(String),
    /// A statement of other people, by its name, keeps ECR from reading.
    EcrShutOut(String),
}

/// A secret's policy, and who is to read.
#[derive(Debug)]
pub struct Guard<'a> {
    found: Document,
    exempt: &'a Exempt,
    identity: &'a Identity,
    secret: Option<&'a str>,
}

impl<'a> Guard<'a> {
    /// The policy as it was found, in the account of `identity`, of the `secret` by its ARN, if there is one.
    ///
    /// # Errors
    /// If it is not a policy.
    pub fn new(
        found: Option<&str>,
        exempt: &'a Exempt,
        identity: &'a Identity,
        secret: Option<&'a str>,
    ) -> Result<Self, Problem> {
        Ok(Self { found: Document::parse(found)?, exempt, identity, secret })
    }

    /// Judges the policy. Where the file lists nobody, the statement may exempt any principals by name,
    /// since whoever made it is not known any more; a pattern that may stand for several is never in sync.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if let Some(sid) = self.shuts_ecr_out() {
            return Verdict::EcrShutOut(sid);
        }
        let Some(ours) = self.found.ours() else { return Verdict::Missing };
        let Some(found) = exempted(ours) else {
            let how = "regcred's statement was changed and no longer keeps others from reading";
            return Verdict::Weakened(format!("{how}: everybody else in the account loses access"));
        };
        let wanted = self.wanted();
        if !found.contains(&ecr_role(self.identity)) {
            let how = "regcred's statement no longer exempts ECR's own role";
            return Verdict::Weakened(format!("{how}: {}", self.change(&found, &wanted)));
        }
        let broad =
            found.iter().find(|pattern| !wanted.contains(*pattern) && is_broad(pattern, self.identity));
        match broad {
            Some(pattern) => Verdict::Weakened(format!(
                "regcred's statement exempts {}, which may be more than one principal: {}",
                redact::outside(pattern),
                self.change(&found, &wanted)
            )),
            None if self.exempt.listed.is_none() || found == wanted => Verdict::InSync,
            None => Verdict::Exemptions(self.change(&found, &wanted)),
        }
    }

    /// The policy's text with our statement in it, instead of an older one of regcred's; other statements as
    /// they were, but for the ids of deleted principals.
    #[must_use]
    pub fn merged(&self) -> String {
        self.found.with(statement(&self.wanted()))
    }

    /// The deleted principals that are left out when the policy is put, in words.
    #[must_use]
    pub fn left_out(&self) -> Option<String> {
        let dead = self.found.dead();
        let words = dead.iter().map(|(id, statement)| format!("{} ({statement})", redact::outside(id)));
        let words: Vec<String> = words.collect();
        (!words.is_empty()).then(|| {
            format!("deleted principals, which AWS no longer takes, are left out: {}", words.join(", "))
        })
    }

    /// Every pattern that our statement is to exempt.
    fn wanted(&self) -> BTreeSet<String> {
        let maker = self.exempt.listed.is_none().then(|| self.identity.arn.clone());
        let principals = self.readers().into_iter().chain(maker);
        let patterns = principals.flat_map(|principal| patterns(&principal));
        patterns.chain([ecr_role(self.identity)]).collect()
    }

    /// The principals beside ECR and the maker that keep access.
    fn readers(&self) -> BTreeSet<String> {
        let allowed = if self.exempt.allowed { self.allowed_readers() } else { BTreeSet::new() };
        self.exempt.listed.iter().flatten().cloned().chain(allowed).collect()
    }

    /// Who comes and who goes, by name.
    fn change(&self, found: &BTreeSet<String>, wanted: &BTreeSet<String>) -> String {
        let difference = |one: &BTreeSet<String>, other: &BTreeSet<String>| {
            let names: BTreeSet<String> = self.names(other).into_iter().collect();
            self.names(one).into_iter().filter(|name| !names.contains(name)).collect::<Vec<_>>().join(", ")
        };
        match (difference(wanted, found), difference(found, wanted)) {
            (comes, goes) if comes.is_empty() && goes.is_empty() => "the same may read".to_owned(),
            (comes, goes) if goes.is_empty() => format!("lets {comes} read"),
            (comes, goes) if comes.is_empty() => format!("no longer lets {goes} read"),
            (comes, goes) => format!("lets {comes} read, and no longer {goes}"),
        }
    }

    /// What people call the principals of exemptions, ECR first.
    fn names(&self, patterns: &BTreeSet<String>) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for name in patterns.iter().map(|pattern| self.title(pattern)) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names.sort_by_key(|name| name != "ECR");
        names
    }

    fn title(&self, pattern: &str) -> String {
        let principal = self.principal(pattern);
        principal
            .map_or_else(|| redact::outside(pattern), |principal| principal.title(&self.identity.account))
    }

    fn principal(&self, pattern: &str) -> Option<Principal> {
        let is_ecr = pattern == ecr_role(self.identity);
        Principal::parse(pattern).map(|principal| Principal { is_ecr, ..principal })
    }
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

/// The principals that regcred's statement exempts, if it still denies reading, and nothing else, to all others.
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

/// A string, or a list of strings, as a list.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(list) => list.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    }
}
