//! AWS: one Secrets Manager secret per account and region, which only ECR may read, and the ECR
//! pull-through cache rules that reference it.
//!
//! This file says what is wanted and what was found; `diff.rs` holds the rules that compare the two.

mod accounts;
mod diff;
mod file;
mod fleet;
mod headroom;
mod names;
pub mod policy;
mod previous;
pub mod read;
mod shards;
mod sites;
mod undo;
mod validate;
pub mod verify;
pub mod write;

use std::collections::{BTreeMap, BTreeSet};

pub use names::{prefix_fault, stack_prefix};
pub use previous::previous;

use super::{Look, Proof, Remarks, Setting, Site, Target, Terms, Validator, endpoint};
use chrono::{DateTime, Utc};

use crate::aws::{Clients, Session, Way};
use crate::change::{Finding, Input, Inputs, Known, Options, Read, Receipt};
use crate::env::Env;
use crate::model::{CredentialId, Fingerprint, Problem, Registry};
use crate::yaml::{Node, Reader};

/// ECR reads only secrets under this name (Amazon ECR user guide, "Creating a pull through cache rule").
pub const SECRET_NAME_PREFIX: &str = "ecr-pullthroughcache/";
/// Rules per registry and region; not adjustable (Amazon ECR user guide, "Service quotas").
pub const RULE_LIMIT: usize = 50;
/// How long a deleted secret can be restored: the longest time that AWS takes (Secrets Manager's API reference,
/// `DeleteSecret`).
pub const RECOVERY_DAYS: i64 = 30;
/// The tag that marks what regcred made.
pub const MANAGED_BY: (&str, &str) = ("managed-by", "regcred");
/// The tag that says which version's value a rotation took out of use: a sync with that value is blocked.
pub const ROTATED_FROM: &str = "regcred:rotated-from";

/// What the configuration wants in AWS for one credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desired {
    /// The credential.
    pub credential: CredentialId,
    /// The registry that the rules pull from.
    pub registry: Registry,
    /// The secret's name, starting with [`SECRET_NAME_PREFIX`].
    pub secret: String,
    /// Principals that may read the secret beside ECR because they create rules; nothing if the
    /// file does not say (then whoever makes the policy is exempted once). `{account}` in them is the account of the secret.
    pub provisioners: Option<Vec<String>>,
    /// Principals that may read the secret for other reasons, written as those.
    pub readers: Option<Vec<String>>,
    /// Tags that the secret is made with, beside [`MANAGED_BY`]: an organization may allow none without them. Those of one
    /// that is there are left as they are.
    pub tags: BTreeMap<String, String>,
    /// The stacks that pull.
    pub stacks: Vec<Stack>,
    /// Whether plain http may go to another machine: the system is self-hosted without TLS.
    pub insecure: bool,
}

/// A Pulumi stack, as a place that pulls. One that the file puts into several accounts or regions is several of these, of one
/// name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stack {
    /// The stack's name.
    pub name: String,
    /// How to log in, and the region.
    pub session: Session,
    /// The accounts that the login may be for; empty means any.
    pub accounts: BTreeSet<String>,
    /// The accounts that it must not be for.
    pub forbidden: BTreeSet<String>,
    /// Why the stack is not touched, in words: a setting of its provider that regcred does not follow.
    pub untouched: Option<String>,
    /// The repository prefix of the stack's rule, without a trailing slash.
    pub prefix: String,
    /// Who makes the rule.
    pub rules: RuleOwner,
}

/// Who makes a stack's rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RuleOwner {
    /// regcred makes and repairs it.
    Regcred,
    /// The stack's Pulumi program does; regcred only looks.
    Pulumi,
}

/// What was found, per session.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// Who the session is logged in as.
    pub identities: BTreeMap<Session, Read<Identity>>,
    /// The declared secrets, by session and name.
    pub secrets: BTreeMap<(Session, String), Read<Option<Secret>>>,
    /// Their resource policies: the JSON text, or nothing where there is none.
    pub policies: BTreeMap<(Session, String), Read<Option<String>>>,
    /// All cache rules of the session's account and region, by prefix without a trailing slash.
    pub rules: BTreeMap<Session, Read<BTreeMap<String, Rule>>>,
}

/// Who a session is logged in as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The twelve digits.
    pub account: String,
    /// The caller's ARN, as STS tells it.
    pub arn: String,
}

impl Identity {
    /// The partition: `aws`, `aws-cn`, `aws-us-gov`.
    #[must_use]
    pub fn partition(&self) -> &str {
        self.arn.split(':').nth(1).unwrap_or("aws")
    }
}

/// A secret as `DescribeSecret` tells it: never its value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Secret {
    /// The full ARN, with its random suffix.
    pub arn: String,
    /// The KMS key, if it is not the managed one.
    pub kms_key: Option<String>,
    /// The stages of every version.
    pub versions: BTreeMap<String, BTreeSet<String>>,
    /// The day on which it was scheduled for deletion.
    pub deleted: Option<String>,
    /// The primary's region, if this is a replica or has any.
    pub primary_region: Option<String>,
    /// The AWS service that manages it.
    pub owning_service: Option<String>,
    /// Whether it carries our tag.
    pub ours: bool,
    /// The version whose value a rotation took out of use, by the tag [`ROTATED_FROM`].
    pub rotated_from: Option<String>,
    /// The day of its last change of any kind: no rotation was later.
    pub changed: String,
}

/// The stage that readers get.
pub const CURRENT: &str = "AWSCURRENT";

impl Secret {
    /// The version that readers get.
    #[must_use]
    pub fn current(&self) -> Option<&str> {
        let current = |stages: &BTreeSet<String>| stages.contains(CURRENT);
        self.versions.iter().find(|(_, stages)| current(stages)).map(|(id, _)| id.as_str())
    }
}

/// A pull-through cache rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The upstream's host.
    pub upstream_url: String,
    /// The secret it reads.
    pub credential_arn: Option<String>,
}

/// What has to happen before a secret can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Container {
    /// It is there.
    Exists,
    /// It is made, without a value.
    Create,
    /// It is taken back from its scheduled deletion.
    Restore,
}

/// Who is exempted from our Deny beside ECR.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Exempt {
    /// Exactly these principals; nothing if the file does not say: then whoever puts the statement.
    pub listed: Option<BTreeSet<String>>,
    /// Also the principals that the policy's Allow statements name, because regcred did not make
    /// the secret.
    pub allowed: bool,
}

/// One convergent operation in AWS.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// The secret exists and its policy holds our statement; other statements stay.
    EnsurePolicy {
        /// Where.
        #[serde(skip)]
        session: Session,
        /// The secret's name.
        secret: String,
        /// What has to happen first.
        container: Container,
        /// Tags that it is made with, beside [`MANAGED_BY`].
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        tags: BTreeMap<String, String>,
        /// Who may read beside ECR.
        exempt: Exempt,
    },
    /// The credential's version exists and carries [`CURRENT`].
    MakeCurrent {
        /// Where.
        #[serde(skip)]
        session: Session,
        /// The secret's name.
        secret: String,
        /// The credential.
        credential: CredentialId,
        /// Its version id.
        version: String,
        /// The version whose value goes out of use, which the secret is marked with first.
        #[serde(skip_serializing_if = "Option::is_none")]
        rotated_from: Option<String>,
    },
    /// The rule exists for the upstream and reads the secret.
    CreateRule {
        /// Where.
        #[serde(skip)]
        session: Session,
        /// The repository prefix.
        prefix: String,
        /// The upstream's name in the API.
        upstream: &'static str,
        /// The upstream's host.
        upstream_url: String,
        /// The secret.
        credential_arn: Input,
    },
    /// The rule, which exists, reads the secret.
    UpdateRule {
        /// Where.
        #[serde(skip)]
        session: Session,
        /// The repository prefix.
        prefix: String,
        /// The secret.
        credential_arn: Input,
    },
    /// The rule is gone, if it still reads this secret.
    DeleteRule {
        /// Where.
        #[serde(skip)]
        session: Session,
        /// The repository prefix.
        prefix: String,
        /// The secret.
        credential_arn: String,
    },
    /// The secret is scheduled for deletion, unless a rule of its account and region reads it.
    ScheduleDeletion {
        /// Where.
        #[serde(skip)]
        session: Session,
        /// The secret's ARN, with its random suffix: one of the same name that is made meanwhile stays.
        arn: String,
    },
}

/// One row of the plan, of this target.
pub type Change = crate::change::Change<Operation>;

impl crate::change::Operation for Operation {
    fn values(&self) -> BTreeSet<&CredentialId> {
        if let Self::MakeCurrent { credential, .. } = self { [credential].into() } else { BTreeSet::new() }
    }

    fn requests(&self) -> usize {
        match self {
            Self::EnsurePolicy { container: Container::Create, .. } => 2,
            Self::EnsurePolicy { .. } => 3,
            Self::MakeCurrent { rotated_from, .. } => 2 + usize::from(rotated_from.is_some()),
            // The rule's validation comes after it.
            Self::CreateRule { .. } | Self::UpdateRule { .. } => 2,
            // What is deleted is looked at before.
            Self::DeleteRule { .. } | Self::ScheduleDeletion { .. } => 2,
        }
    }
}

/// Amazon Web Services.
pub struct Aws;

impl Target for Aws {
    const NAME: &'static str = "aws";
    const TITLE: &'static str = "AWS";
    const PROVEN: (&'static str, &'static str) = ("proven by ECR", "invalid at ECR");
    // What AWS itself takes stays: `aws eks get-token` and `aws ecr get-login-password` need it.
    const SECRETS: &'static [&'static str] = &[];

    type Declared = file::Declared;
    type Desired = Desired;
    type Client = Clients;
    type Observed = Observed;
    type Operation = Operation;
    type Writer<'a> = write::Writer<'a>;

    fn read(reader: &Reader, node: &Node) -> Vec<file::Declared> {
        file::read(reader, node).into_iter().collect()
    }

    fn validate(validator: &mut Validator<'_, Desired>, declared: &file::Declared) {
        validator.aws(declared);
    }

    fn finish(reader: &Reader, declared: &[(CredentialId, file::Declared)], desired: &mut [Desired]) {
        validate::prefixes(reader, declared, desired);
    }

    fn environment(desired: &[Desired], env: &Env) -> Remarks {
        let insecure = desired.iter().any(|desired| desired.insecure);
        let addresses =
            env.iter().filter(|(name, value)| name.starts_with("AWS_ENDPOINT_URL") && !value.is_empty());
        let problems = addresses.filter_map(|(name, value)| endpoint::fault(name, value, insecure)).collect();
        Remarks { problems, notes: Vec::new() }
    }

    fn is_insecure(desired: &Desired) -> bool {
        desired.insecure
    }

    /// A login is the stack's to name where the branch that was reviewed names the same.
    fn refuse(desired: &mut Vec<Desired>, trusted: &[Desired]) -> Vec<(Desired, Problem)> {
        sites::refuse(desired, trusted)
    }

    fn unread(desired: &[Desired], why: &Problem) -> Observed {
        let identities = read::sessions(desired).into_iter().map(|session| (session, Err(why.clone())));
        Observed { identities: identities.collect(), ..Observed::default() }
    }

    fn credential(desired: &Desired) -> &CredentialId {
        &desired.credential
    }

    fn stacks(desired: &[Desired]) -> BTreeSet<String> {
        desired.iter().flat_map(|place| &place.stacks).map(|stack| stack.name.clone()).collect()
    }

    fn keep_stacks(desired: &mut Vec<Desired>, stacks: &[String]) {
        for place in desired.iter_mut() {
            place.stacks.retain(|stack| stacks.contains(&stack.name));
        }
        desired.retain(|place| !place.stacks.is_empty());
    }

    fn apart(desired: &[Desired]) -> Vec<(Option<Site>, Desired)> {
        shards::apart(desired)
    }

    fn together(parts: Vec<Desired>) -> Vec<Desired> {
        shards::together(parts)
    }

    fn places(desired: &[Desired]) -> Option<String> {
        let stacks = desired.iter().flat_map(|place| &place.stacks);
        let regions: BTreeSet<&str> = stacks.map(|stack| stack.session.region.as_str()).collect();
        (!regions.is_empty())
            .then(|| format!("AWS in {}", regions.into_iter().collect::<Vec<_>>().join(", ")))
    }

    async fn log_in(desired: &[Desired], setting: &Setting<'_>) -> Clients {
        let way = Way::new(setting.http, setting.env, desired.iter().any(|place| place.insecure));
        Clients::prepare(&way, &read::sessions(desired)).await
    }

    async fn observe(clients: &Clients, desired: &[Desired], look: &Look<'_>) -> Observed {
        read::observe(clients, desired, look.concurrency).await
    }

    /// Asked in one region: the same value is written to all of them in one run.
    async fn current_since(
        clients: &Clients,
        desired: &[Desired],
        observed: &Observed,
        id: &CredentialId,
    ) -> Option<DateTime<Utc>> {
        let (session, name) = desired.iter().filter(|place| place.credential == *id).find_map(|place| {
            let sessions = place.stacks.iter().map(|stack| (stack.session.clone(), place.secret.clone()));
            sessions.into_iter().find(|key| matches!(observed.secrets.get(key), Some(Ok(Some(_)))))
        })?;
        read::current_since(clients.get(&session)?, &name).await
    }

    /// Asked in one region, too.
    async fn used_since(
        clients: &Clients,
        desired: &[Desired],
        observed: &Observed,
        id: &CredentialId,
        value: &Fingerprint,
    ) -> Option<DateTime<Utc>> {
        let holds = |key: &(Session, String)| {
            let secret = observed.secrets.get(key).and_then(|read| read.as_ref().ok()?.as_ref());
            secret.and_then(Secret::current).is_some_and(|version| value.is_version(&key.1, version))
        };
        let (session, name) = desired.iter().filter(|place| place.credential == *id).find_map(|place| {
            let mut keys = place.stacks.iter().map(|stack| (stack.session.clone(), place.secret.clone()));
            keys.find(holds)
        })?;
        read::used_since(clients.get(&session)?, &name, value).await
    }

    fn diff(desired: &[Desired], observed: &Observed, terms: &Terms<'_>) -> Vec<Change> {
        diff::diff(desired, observed, terms.known, terms.options)
    }

    const GUARDS_ROTATIONS: bool = true;

    fn guard(desired: &[Desired], id: &CredentialId) -> Option<Desired> {
        shards::guard(desired, id)
    }

    async fn look_at_guards(clients: &Clients, guards: &[Desired], observed: &mut Observed) {
        shards::look_at_guards(clients, guards, observed).await;
    }

    fn blind(guards: &[Desired], observed: &Observed) -> Vec<String> {
        shards::blind(guards, observed)
    }

    fn rotated_away(
        desired: &[Desired],
        observed: &Observed,
        known: &BTreeMap<CredentialId, Known>,
    ) -> BTreeMap<CredentialId, String> {
        diff::rotated_away(desired, observed, known)
    }

    fn undo(desired: &[Desired], observed: &Observed, options: &Options) -> Vec<Change> {
        undo::undo(desired, observed, options)
    }

    fn notes(desired: &[Desired], observed: &Observed) -> Vec<String> {
        diff::notes(desired, observed)
    }

    fn writer<'a>(clients: &'a Clients, observed: &'a Observed) -> write::Writer<'a> {
        write::Writer::new(clients, observed)
    }

    async fn write(
        writer: &Self::Writer<'_>,
        operation: &Operation,
        inputs: &Inputs<'_>,
    ) -> Result<Receipt, Problem> {
        writer.write(operation, inputs).await
    }

    async fn verify(
        clients: &Clients,
        _: &[Desired],
        observed: &Observed,
        proof: &Proof<'_, Operation>,
    ) -> Vec<Finding> {
        verify::verify(proof, clients, observed).await
    }
}
