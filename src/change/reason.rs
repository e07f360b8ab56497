//! Why a row has its action: a closed set of words.

use crate::model::{Address, Problem};

/// Why a row has its action, with its words. Values are never part of it; times are for people and stay out of the
/// plan's digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, strum::EnumDiscriminants)]
#[strum_discriminants(name(ReasonKind), derive(strum::EnumIter, strum::IntoStaticStr, PartialOrd, Ord))]
#[strum_discriminants(doc = "A reason without its particulars: what the digest and the tests know it by.")]
pub enum Reason {
    /// It is not there.
    #[error("absent")]
    Absent,
    /// It was read and is as declared.
    #[error("in sync")]
    InSync,
    /// It cannot be read; our own record beside it says that it is as declared.
    #[error("recorded: not changed since regcred's last write")]
    Recorded,
    /// It cannot be read and there is no record of it.
    #[error("cannot be read back; written at each sync")]
    Unknown,
    /// The same, and it was written, at the time given, before the credential's present value was current in AWS.
    #[error("cannot be read back; written at {0}, before AWS had the current value")]
    Behind(String),
    /// It is recorded, and `--rewrite` was given.
    #[error("recorded, written again as asked")]
    Rewrite,
    /// The record is of another credential.
    #[error("the record is of another credential")]
    Changed,
    /// The record does not list it.
    #[error("the record does not list it")]
    NotRecorded,
    /// It was written by somebody else after our record, at the time given.
    #[error("changed outside at {0}, after regcred's last write")]
    ChangedOutside(String),
    /// The record has to follow what is written in this run.
    #[error("records what this run writes")]
    RecordFollows,
    /// Other repositories of the organization see it than the declared ones.
    #[error("seen by {found}, to be seen by {wanted}")]
    OtherAudience {
        /// Who sees it.
        found: String,
        /// Who is to see it.
        wanted: String,
    },
    /// It holds another value than the declared one.
    #[error("holds another value")]
    ValueDiffers,
    /// It exists without any value.
    #[error("has no value yet")]
    NoValue,
    /// It is scheduled for deletion, on the day given, and is restored.
    #[error("scheduled for deletion on {0}, restored")]
    PendingDeletion(String),
    /// The policy lacks our statement; the words say who will lose and keep access.
    #[error("{0}")]
    Unrestricted(String),
    /// Our statement no longer keeps everybody else out.
    #[error("{0}")]
    Weakened(String),
    /// Our statement exempts other principals than the declared ones; the words say who comes and who goes.
    #[error("{0}")]
    Exemptions(String),
    /// A statement of other people, by its name, keeps ECR from reading.
    #[error("{0}, which regcred did not make, keeps ECR from reading")]
    EcrShutOut(String),
    /// The rule reads another secret.
    #[error("reads another secret")]
    OtherSecret,
    /// The rule's declared owner is Pulumi, and it is not there yet.
    #[error("absent, and left to Pulumi")]
    LeftToPulumi,
    /// The rule is for another upstream.
    #[error("the prefix is taken by a rule for {0}")]
    OtherUpstream(String),
    /// ECR cannot use a secret under a customer managed key.
    #[error("encrypted with the customer managed key {0}, which ECR cannot use")]
    CustomerKey(String),
    /// The partition, by name, has no pull-through caches.
    #[error("AWS has no ECR pull-through caches in {0}")]
    NoCaches(&'static str),
    /// Replicas cannot be written; the primary's region is given.
    #[error("a replica; its primary is in {0}")]
    Replica(String),
    /// Another AWS service owns the secret.
    #[error("managed by {0}")]
    ManagedBy(String),
    /// A controller in the cluster, given in words, would write over what is written there.
    #[error("written by {0}, which writes its own content back")]
    OwnedBy(String),
    /// A stack's own run does not change the shared value.
    #[error("holds another credential, and a stack's own run does not change it")]
    OtherCredential,
    /// The value was taken out of use by a rotation, not later than the day given: a sync does not take that back.
    #[error("rotated away on {0}")]
    RotatedAway(String),
    /// A setting of the stack's provider says where it goes, and regcred does not follow it; in words.
    #[error("{0}")]
    OtherProvider(String),
    /// The login is for an account that the configuration does not allow.
    #[error("{0}")]
    WrongAccount(String),
    /// The account and region have no room for another rule.
    #[error("{0} of 50 rules of this account and region are used")]
    RuleLimit(usize),
    /// The repository is archived, so read-only.
    #[error("the repository is archived, so read-only")]
    Archived,
    /// A row that was made by hand, or was renamed, becomes the declared one.
    #[error("takes over the row `{name}` of user {username}, whose password cannot be read")]
    TakenOver {
        /// What it is called.
        name: String,
        /// Its user.
        username: String,
    },
    /// The row's url is one that no image name matches.
    #[error("no image name matches its url {0}")]
    NeverMatches(String),
    /// One more row for a registry: which of them is used is left to chance.
    #[error("a second row for the registry, `{name}` of user {username}{}", which(*.used))]
    SecondRow {
        /// What it is called.
        name: String,
        /// Its user.
        username: String,
        /// Whether it most likely is the one that is used when the plan is carried out.
        used: bool,
    },
    /// The organization's list has no room for another row.
    #[error("the organization has {0} rows, and Daytona takes 100")]
    RowLimit(usize),
    /// It cannot be read back; its name holds the fingerprint of the credential that it was made of.
    #[error("its name records this credential; the value cannot be read back")]
    Named,
    /// It uses no credential at all.
    #[error("pulls anonymously")]
    Anonymous,
    /// It uses our auth, by this name, of an earlier credential.
    #[error("uses {0}, of an earlier credential")]
    EarlierAuth(String),
    /// It uses an auth that regcred did not make, or that is gone; in words.
    #[error("uses {0}")]
    OtherAuth(String),
    /// The auth, by this name, is of an earlier credential, and nothing is to use it any more.
    #[error("{0}: nothing is to use it any more")]
    Superseded(String),
    /// The auth, by this name, is not regcred's.
    #[error("{0} is not regcred's")]
    NotOurs(String),
    /// It is chosen, but not for this credential; the words say why.
    #[error("left alone: {0}")]
    LeftAlone(String),
    /// It is part of the cluster given, and cannot be changed by itself.
    #[error("is part of the cluster {0}, and cannot be changed by itself")]
    ClusterMember(String),
    /// There is nothing of this id or name.
    #[error("nothing has this id or name")]
    NotFound,
    /// The pull secret lacks these logins, or has others.
    #[error("{0}")]
    Logins(String),
    /// The pull secret lacks these labels.
    #[error("without the labels {0}")]
    Labels(String),
    /// The secret is of another type, which cannot be changed.
    #[error("has the type {0}, which cannot be changed")]
    OtherType(String),
    /// The secret lacks these logins, and its data cannot be changed.
    #[error("{0}, and it is immutable")]
    Immutable(String),
    /// Something foreign in the secret keeps the kubelet from reading any of it.
    #[error("the kubelet reads no login from it: {0}")]
    Damaged(String),
    /// What cannot be changed in place is deleted and made again, for the reason given.
    #[error("{0}: deleted and made again")]
    Remade(String),
    /// What would have to be deleted and made again may not be, in words.
    #[error("{0}")]
    Kept(String),
    /// It is absent, and made of what a copy by this name holds.
    #[error("absent, and made of what it held, which an interrupted run left in {0}")]
    PutBack(String),
    /// A copy of it, by this name, is left of its being made again.
    #[error("its copy {0} is left of its being made again, and goes")]
    Leftover(String),
    /// Two credentials are for the same registry, in the same secret.
    #[error("two credentials for {0} are declared for this one secret")]
    TwoCredentials(String),
    /// Two rows want different things of one place; the words say which.
    #[error("{0}")]
    OnePlace(String),
    /// The place now belongs to somebody else: its present name.
    #[error("it is now {0}, of another owner")]
    OtherOwner(String),
    /// The service account does not name these secrets.
    #[error("does not name {0}")]
    NotNamed(String),
    /// The service account does not name these secrets, which its manifest is to do.
    #[error("does not name {0}, and is left to its manifest (`attach: false`)")]
    LeftToManifest(String),
    /// It is as declared, and others are tried before, or it is not known whether they are; in words.
    #[error("in sync; {0}")]
    Contested(String),
    /// It is as declared, and something else keeps the pods from pulling with it; in words.
    #[error("{0}")]
    Outranked(String),
    /// The service account does not exist yet.
    #[error("does not exist yet; regcred waits for it")]
    NoAccount,
    /// The namespace does not exist.
    #[error("the namespace does not exist")]
    NoNamespace,
    /// The namespace is being deleted.
    #[error("the namespace is being deleted, so it is left alone")]
    Terminating,
    /// regcred made it, and it goes; the words say what of, and what works no longer.
    #[error("{0}")]
    Made(String),
    /// It stays when what regcred made goes, as regcred did not make it; in words.
    #[error("stays: {0}")]
    Theirs(String),
    /// It stays, for what else it is for; in words.
    #[error("{0}")]
    Shared(String),
    /// It may not go as long as this uses it; in words.
    #[error("{0} uses it")]
    InUse(String),
    /// It goes by itself on the day given.
    #[error("scheduled for deletion on {0}")]
    Leaving(String),
    /// The source gives the token that goes out of use.
    #[error("gives the token that goes out of use, and gets the new one")]
    OldToken,
    /// The source gives the token that goes out of use, and somebody has to change that; in words.
    #[error("{}", .0.message)]
    ByHand(Problem),
    /// The token is switched off, which can be taken back.
    #[error("goes out of use: it is switched off, which can be taken back")]
    Retires,
    /// The token was made by a rotation that ended before it was stored.
    #[error("was made by a rotation that ended before it was stored; nobody has its value")]
    Lost,
    /// The token is out of use since the day given, for long enough.
    #[error("out of use since {0}")]
    OutOfUse(String),
    /// The token stays on until something is done; in words.
    #[error("stays on until {}", .0.message)]
    Waits(Problem),
    /// The token, by its label, was not made by regcred.
    #[error("`{0}` was not made by regcred")]
    ForeignToken(String),
    /// What this place holds cannot be known.
    #[error("stays on, as what {0} holds cannot be known")]
    Unproven(Address),
    /// Something that it needs first is blocked, unread or left out.
    #[error("needs {0} first")]
    Depends(Address),
    /// The repository is not trusted, and this is not for it to decide.
    #[error("{}", .0.message)]
    Untrusted(Problem),
    /// What another run printed, in its words.
    #[error("{words}")]
    Told {
        /// The words.
        words: String,
        /// What it said to do about it.
        hint: Option<String>,
    },
    /// Reading failed.
    #[error("{}", .0.message)]
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

    /// What is said of a row that is kept and yet is not as declared: it is somebody else's turn, or nobody's any more.
    #[must_use]
    pub fn set_aside(&self) -> Option<&'static str> {
        match self {
            Self::Terminating => Some("skipped"),
            Self::LeftToManifest(_) => Some("left to manifests"),
            _ => None,
        }
    }

    /// Whether the place holds another value than the credential's, so that whatever pulls with it logs in with that.
    #[must_use]
    pub fn is_other_value(&self) -> bool {
        matches!(
            self,
            Self::Changed
                | Self::ChangedOutside(_)
                | Self::ValueDiffers
                | Self::OtherCredential
                | Self::Behind(_)
                | Self::EarlierAuth(_)
        )
    }

    /// A command to run or a line to change, where there is one.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unreadable(problem)
            | Self::Untrusted(problem)
            | Self::ByHand(problem)
            | Self::Waits(problem) => problem.advice(),
            Self::Told { hint, .. } => hint.clone(),
            Self::ForeignToken(_) => Some("to switch it off anyway: regcred rotate --allow-delete".to_owned()),
            Self::Unproven(_) => {
                Some("if it was written by regcred last: regcred rotate --accept-unknown".to_owned())
            }
            Self::OtherCredential => Some("run a full sync, without --stack".to_owned()),
            Self::RotatedAway(_) => Some(
                "take the new token from its source, or take the old one back: regcred rotate --from previous"
                    .to_owned(),
            ),
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
            Self::Kept(_) => Some(
                "give the item another `secret:` in regcred.yaml, or have what keeps it taken away".to_owned(),
            ),
            Self::LeftToManifest(names) => {
                let names: Vec<String> = names.split(", ").map(|name| format!("{{ name: {name} }}")).collect();
                Some(format!("add to its manifest: imagePullSecrets: [{}]", names.join(", ")))
            }
            Self::Outranked(_) => Some(
                "correct that entry or take it out, or take its pull secret out of the service account's `imagePullSecrets`"
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
            Self::Theirs(_) => Some("to delete it anyway: regcred remove --allow-delete".to_owned()),
            Self::InUse(_) => Some("point it elsewhere or delete it, and run this again".to_owned()),
            Self::Archived => Some("unarchive the repository, or leave it out of regcred.yaml".to_owned()),
            _ => None,
        }
    }
}

/// Whether a second row is the one that is used.
fn which(used: bool) -> &'static str {
    if used {
        ", and most likely the one that is used: Daytona takes the one written longest ago"
    } else {
        ": Daytona uses whichever comes first"
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
