//! Why a row has its action: a closed set of words.

use std::fmt;

use crate::model::{Address, Problem};

/// Why a row has its action. Values are never part of it; times are for people and stay out of the
/// plan's digest.
#[derive(Clone, Debug, PartialEq, Eq, strum::EnumDiscriminants)]
#[strum_discriminants(name(ReasonKind), derive(strum::EnumIter, strum::IntoStaticStr, PartialOrd, Ord))]
#[strum_discriminants(doc = "A reason without its particulars: what the digest and the tests know it by.")]
pub enum Reason {
    /// It is not there.
    Absent,
    /// It was read and is as declared.
    InSync,
    /// It cannot be read; our own record beside it says that it is as declared.
    Recorded,
    /// It cannot be read and there is no record of it.
    Unknown,
    /// The same, and it was written, at the time given, before the credential's present value was current in AWS.
    Behind(String),
    /// It is recorded, and `--rewrite` was given.
    Rewrite,
    /// The record is of another credential.
    Changed,
    /// The record does not list it.
    NotRecorded,
    /// It was written by somebody else after our record, at the time given.
    ChangedOutside(String),
    /// The record has to follow what is written in this run.
    RecordFollows,
    /// Other repositories of the organization see it than the declared ones.
    OtherAudience {
        /// Who sees it.
        found: String,
        /// Who is to see it.
        wanted: String,
    },
    /// It holds another value than the declared one.
    ValueDiffers,
    /// It exists without any value.
    NoValue,
    /// It is scheduled for deletion, on the day given, and is restored.
    PendingDeletion(String),
    /// The policy lacks our statement; the words say who will lose and keep access.
    Unrestricted(String),
    /// Our statement no longer keeps everybody else out.
    Weakened(String),
    /// Our statement exempts other principals than the declared ones; the words say who comes and who goes.
    Exemptions(String),
    /// A statement of other people, by its name, keeps ECR from reading.
    EcrShutOut(String),
    /// The rule reads another secret.
    OtherSecret,
    /// The rule's declared owner is Pulumi, and it is not there yet.
    LeftToPulumi,
    /// The rule is for another upstream.
    OtherUpstream(String),
    /// ECR cannot use a secret under a customer managed key.
    CustomerKey(String),
    /// The partition, by name, has no pull-through caches.
    NoCaches(&'static str),
    /// Replicas cannot be written; the primary's region is given.
    Replica(String),
    /// Another AWS service owns the secret.
    ManagedBy(String),
    /// A controller in the cluster, given in words, would write over what is written there.
    OwnedBy(String),
    /// A stack's own run does not change the shared value.
    OtherCredential,
    /// A setting of the stack's provider says where it goes, and regcred does not follow it; in words.
    OtherProvider(String),
    /// The login is for an account that the configuration does not allow.
    WrongAccount(String),
    /// The account and region have no room for another rule.
    RuleLimit(usize),
    /// The repository is archived, so read-only.
    Archived,
    /// A row that was made by hand, or was renamed, becomes the declared one.
    TakenOver {
        /// What it is called.
        name: String,
        /// Its user.
        username: String,
    },
    /// The row's url is one that no image name matches.
    NeverMatches(String),
    /// One more row for a registry: which of them is used is left to chance.
    SecondRow {
        /// What it is called.
        name: String,
        /// Its user.
        username: String,
        /// Whether it most likely is the one that is used when the plan is carried out.
        used: bool,
    },
    /// The organization's list has no room for another row.
    RowLimit(usize),
    /// It cannot be read back; its name holds the fingerprint of the credential that it was made of.
    Named,
    /// It uses no credential at all.
    Anonymous,
    /// It uses our auth, by this name, of an earlier credential.
    EarlierAuth(String),
    /// It uses an auth that regcred did not make, or that is gone; in words.
    OtherAuth(String),
    /// The auth, by this name, is of an earlier credential, and nothing is to use it any more.
    Superseded(String),
    /// The auth, by this name, is not regcred's.
    NotOurs(String),
    /// It is chosen, but not for this credential; the words say why.
    LeftAlone(String),
    /// It is part of the cluster given, and cannot be changed by itself.
    ClusterMember(String),
    /// There is nothing of this id or name.
    NotFound,
    /// The pull secret lacks these logins, or has others.
    Logins(String),
    /// The pull secret lacks these labels.
    Labels(String),
    /// The secret is of another type, which cannot be changed.
    OtherType(String),
    /// The secret lacks these logins, and its data cannot be changed.
    Immutable(String),
    /// Something foreign in the secret keeps the kubelet from reading any of it.
    Damaged(String),
    /// What cannot be changed in place is deleted and made again, for the reason given.
    Remade(String),
    /// Two credentials are for the same registry, in the same secret.
    TwoCredentials(String),
    /// Two rows want different things of one place; the words say which.
    OnePlace(String),
    /// The place belongs to somebody else by now: its present name.
    OtherOwner(String),
    /// The service account does not name these secrets.
    NotNamed(String),
    /// The service account does not exist yet.
    NoAccount,
    /// The namespace does not exist.
    NoNamespace,
    /// The namespace is being deleted.
    Terminating,
    /// regcred made it, and it goes; the words say what of, and what works no longer.
    Made(String),
    /// It stays when what regcred made goes, as regcred did not make it; in words.
    Theirs(String),
    /// It stays, for what else it is for; in words.
    Shared(String),
    /// It may not go as long as this uses it; in words.
    InUse(String),
    /// It goes by itself on the day given.
    Leaving(String),
    /// Something that it needs first is blocked, unread or left out.
    Depends(Address),
    /// The repository is not trusted, and this is not for it to decide.
    Untrusted(Problem),
    /// Reading failed.
    Unreadable(Problem),
}

/// What came of reading one thing: an error is data.
pub type Read<T> = Result<T, Problem>;

impl Reason {
    /// The reason's name without particulars.
    #[must_use]
    pub fn name(&self) -> &'static str {
        ReasonKind::from(self).into()
    }

    /// A command to run or a line to change, where there is one.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unreadable(problem) | Self::Untrusted(problem) => problem.advice(),
            Self::OtherCredential => Some("run a full sync, without --stack".to_owned()),
            Self::LeftToPulumi => Some("run pulumi up for the stack".to_owned()),
            Self::Replica(region) => Some(format!("give the stack's `region: {region}`, or delete the replica")),
            Self::CustomerKey(_) => Some(
                "move it to the managed key: aws secretsmanager update-secret --secret-id NAME --kms-key-id ''".to_owned(),
            ),
            Self::NoCaches(_) => Some("leave the stack out of regcred.yaml".to_owned()),
            Self::OtherUpstream(_) => Some("give the stack another `prefix:` in regcred.yaml".to_owned()),
            Self::EcrShutOut(statement) => Some(format!(
                "except ECR's service-linked role from {statement}: aws secretsmanager get-resource-policy --secret-id NAME shows it"
            )),
            Self::RuleLimit(_) => {
                Some("let stacks share a rule: give them the same `prefix:` in regcred.yaml".to_owned())
            }
            Self::OtherProvider(_) => Some(
                "leave the stack out, or write its region and login into regcred.yaml (`profile:`, `role:`) and take the setting out of the stack; an `environment` may stay with a login or an `account:`"
                    .to_owned(),
            ),
            Self::WrongAccount(_) => Some("log in to the right account, or set the stack's `role:`".to_owned()),
            Self::SecondRow { .. } => Some("to remove it: regcred sync --allow-delete".to_owned()),
            Self::RowLimit(_) => Some("delete a row that nobody needs in Daytona's dashboard".to_owned()),
            Self::NotOurs(_) => {
                Some("to delete it once nothing uses it: regcred sync --allow-delete".to_owned())
            }
            Self::ClusterMember(_) => {
                Some("make the cluster again, or leave the pod out of regcred.yaml".to_owned())
            }
            Self::NotFound => Some("correct it in regcred.yaml, or leave it out".to_owned()),
            Self::OtherType(_) | Self::Immutable(_) | Self::Damaged(_) => Some(
                "give the item another `secret:` in regcred.yaml, or have it deleted and made again: regcred sync --allow-replace"
                    .to_owned(),
            ),
            Self::TwoCredentials(_) => {
                Some("give one of them another `secret:` in regcred.yaml".to_owned())
            }
            Self::OnePlace(_) => Some(
                "leave one of them out of regcred.yaml, or give each credential names of its own".to_owned(),
            ),
            Self::OtherOwner(name) => Some(format!(
                "if the credential is to go there, write {name} in regcred.yaml; else leave it out"
            )),
            Self::OwnedBy(_) => Some(
                "give the item another `secret:` in regcred.yaml, or let the owner leave it; to write there anyway: regcred sync --allow-replace"
                    .to_owned(),
            ),
            Self::NoNamespace => {
                Some("kubectl create namespace NAME, or correct the item in regcred.yaml".to_owned())
            }
            Self::Theirs(_) => Some("to delete it anyway: regcred remove --allow-delete".to_owned()),
            Self::InUse(_) => Some("point it elsewhere or delete it, and run this again".to_owned()),
            Self::Archived => Some("unarchive the repository, or leave it out of regcred.yaml".to_owned()),
            _ => None,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("absent"),
            Self::InSync => f.write_str("in sync"),
            Self::Recorded => f.write_str("recorded: not changed since regcred's last write"),
            Self::Unknown => f.write_str("cannot be read back; written at each sync"),
            Self::Behind(at) => {
                write!(f, "cannot be read back; written at {at}, before AWS had the current value")
            }
            Self::Rewrite => f.write_str("recorded, written again as asked"),
            Self::Changed => f.write_str("the record is of another credential"),
            Self::NotRecorded => f.write_str("the record does not list it"),
            Self::ChangedOutside(at) => write!(f, "changed outside at {at}, after regcred's last write"),
            Self::RecordFollows => f.write_str("records what this run writes"),
            Self::OtherAudience { found, wanted } => write!(f, "seen by {found}, to be seen by {wanted}"),
            Self::ValueDiffers => f.write_str("holds another value"),
            Self::NoValue => f.write_str("has no value yet"),
            Self::PendingDeletion(day) => write!(f, "scheduled for deletion on {day}, restored"),
            Self::Unrestricted(who) | Self::Weakened(who) | Self::Exemptions(who) => f.write_str(who),
            Self::EcrShutOut(statement) => {
                write!(f, "{statement}, which regcred did not make, keeps ECR from reading")
            }
            Self::OtherSecret => f.write_str("reads another secret"),
            Self::LeftToPulumi => f.write_str("absent, and left to Pulumi"),
            Self::OtherUpstream(url) => write!(f, "the prefix is taken by a rule for {url}"),
            Self::CustomerKey(key) => {
                write!(f, "encrypted with the customer managed key {key}, which ECR cannot use")
            }
            Self::NoCaches(partition) => write!(f, "AWS has no ECR pull-through caches in {partition}"),
            Self::Replica(region) => write!(f, "a replica; its primary is in {region}"),
            Self::OwnedBy(owner) => write!(f, "written by {owner}, which writes its own content back"),
            Self::ManagedBy(service) => write!(f, "managed by {service}"),
            Self::OtherCredential => {
                f.write_str("holds another credential, and a stack's own run does not change it")
            }
            Self::WrongAccount(words) | Self::OtherProvider(words) | Self::OnePlace(words) => {
                f.write_str(words)
            }
            Self::OtherOwner(name) => write!(f, "it is now {name}, of another owner"),
            Self::RuleLimit(used) => write!(f, "{used} of 50 rules of this account and region are used"),
            Self::Archived => f.write_str("the repository is archived, so read-only"),
            Self::TakenOver { name, username } => {
                write!(f, "takes over the row `{name}` of user {username}, whose password cannot be read")
            }
            Self::NeverMatches(url) => write!(f, "no image name matches its url {url}"),
            Self::SecondRow { name, username, used } => {
                write!(f, "a second row for the registry, `{name}` of user {username}")?;
                f.write_str(if *used {
                    ", and most likely the one that is used: Daytona takes the one written longest ago"
                } else {
                    ": Daytona uses whichever comes first"
                })
            }
            Self::RowLimit(rows) => write!(f, "the organization has {rows} rows, and Daytona takes 100"),
            Self::Named => f.write_str("its name records this credential; the value cannot be read back"),
            Self::Anonymous => f.write_str("pulls anonymously"),
            Self::EarlierAuth(name) => write!(f, "uses {name}, of an earlier credential"),
            Self::OtherAuth(words) => write!(f, "uses {words}"),
            Self::Superseded(name) => write!(f, "{name}: nothing is to use it any more"),
            Self::NotOurs(name) => write!(f, "{name} is not regcred's"),
            Self::LeftAlone(words) => write!(f, "left alone: {words}"),
            Self::ClusterMember(cluster) => {
                write!(f, "is part of the cluster {cluster}, and cannot be changed by itself")
            }
            Self::NotFound => f.write_str("nothing has this id or name"),
            Self::Logins(words) => f.write_str(words),
            Self::Labels(labels) => write!(f, "without the labels {labels}"),
            Self::OtherType(kind) => write!(f, "has the type {kind}, which cannot be changed"),
            Self::Immutable(words) => write!(f, "{words}, and it is immutable"),
            Self::Damaged(words) => write!(f, "the kubelet reads no login from it: {words}"),
            Self::Remade(words) => write!(f, "{words}: deleted and made again"),
            Self::TwoCredentials(registry) => {
                write!(f, "two credentials for {registry} are declared for this one secret")
            }
            Self::NotNamed(secrets) => write!(f, "does not name {secrets}"),
            Self::NoAccount => f.write_str("does not exist yet; regcred waits for it"),
            Self::NoNamespace => f.write_str("the namespace does not exist"),
            Self::Terminating => f.write_str("the namespace is being deleted, so it is left alone"),
            Self::Made(words) | Self::Shared(words) => f.write_str(words),
            Self::Theirs(words) => write!(f, "stays: {words}"),
            Self::InUse(user) => write!(f, "{user} uses it"),
            Self::Leaving(day) => write!(f, "scheduled for deletion on {day}"),
            Self::Depends(address) => write!(f, "needs {address} first"),
            Self::Unreadable(problem) | Self::Untrusted(problem) => f.write_str(&problem.message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_named_and_cannot_be_changed_says_what_to_do_about_it() {
        for (reason, hint) in [
            (Reason::NotFound, "correct it in regcred.yaml, or leave it out"),
            (
                Reason::OwnedBy("external-secrets".to_owned()),
                "give the item another `secret:` in regcred.yaml, or let the owner leave it; to write there anyway: \
                 regcred sync --allow-replace",
            ),
            (
                Reason::ClusterMember("train".to_owned()),
                "make the cluster again, or leave the pod out of regcred.yaml",
            ),
        ] {
            assert_eq!(reason.hint().as_deref(), Some(hint), "{reason}");
        }
        assert_eq!(Reason::InSync.hint(), None);
    }
}
