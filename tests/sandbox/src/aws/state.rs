//! What AWS remembers, as plain data.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::ids::{base32, mixed_case};
use super::regions::{opt_in_regions, partition};
use super::rename::rename_principal;

/// The default account.
const ACCOUNT: &str = "123456789012";

/// Every account and region at once.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Aws {
    /// Access key id -> who it is.
    pub access_keys: BTreeMap<String, AccessKey>,
    /// The access key that `Sandbox::env` exports.
    pub exported_key: String,
    /// Role ARN (with its path) -> role. Policies may only name what exists here, in `users`, or an account.
    pub roles: BTreeMap<String, Role>,
    /// ARNs of IAM users that exist beside those with access keys.
    pub users: Vec<String>,
    /// Secrets of all accounts and regions.
    pub secrets: Vec<Secret>,
    /// Pull-through cache rules of all accounts and regions.
    pub rules: Vec<Rule>,
    /// What keys of AWS KMS have encrypted: ciphertext in base64 -> what it is.
    pub wrapped: BTreeMap<String, Wrapped>,
    /// Opt-in regions that these accounts have not enabled: their endpoints refuse every token (documented).
    pub disabled_regions: Vec<String>,
    /// Account -> those of `disabled_regions` that it has enabled.
    pub enabled_regions: BTreeMap<String, Vec<String>>,
    /// Names of secrets that were deleted by force, and how many more requests to make one of that name are refused
    /// (documented: the name is free after a time, "use retry logic").
    pub held_names: BTreeMap<String, u32>,
    /// ECR does not find a secret in this many tries after it was made or restored (seen by users:
    /// entigolabs/entigo-infralib#1645).
    pub secret_visible_after: u32,
    /// Whether ECR reads the secret with the rights of whoever makes the rule, too. Unconfirmed on real AWS: the
    /// CloudFormation schema lists `secretsmanager:GetSecretValue` for the caller, IAM's reference does not.
    pub ecr_reads_as_caller: bool,
    /// `ValidatePullThroughCacheRule` fails with this text, whatever the secret holds.
    pub validation_failure: Option<String>,
    /// Checks the SigV4 signature, not only its form.
    pub verify_signatures: bool,
    /// Rules per registry and region; 50 and not adjustable on real AWS (ECR service quotas).
    pub rule_limit: usize,
    /// How many things were made so far; suffixes and session keys come from it, so that a run can be repeated.
    pub serial: u64,
}

/// Something that a key of AWS KMS has encrypted.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Wrapped {
    /// The key's ARN; it names the region.
    pub key: String,
    /// The encryption context, which has to be given again.
    pub context: BTreeMap<String, String>,
    /// What was encrypted, in base64.
    pub plaintext: String,
}

impl Default for Aws {
    fn default() -> Self {
        let user = format!("arn:aws:iam::{ACCOUNT}:user/regcred");
        let key = AccessKey::user(&user, "sandbox/secret/key/of/the/user/regcred00");
        let id = "AKIASANDBOXREGCRED00".to_owned();
        Self { access_keys: BTreeMap::from([(id.clone(), key)]), exported_key: id, ..Self::empty() }
    }
}

impl Aws {
    /// No keys, no roles, nothing made.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            access_keys: BTreeMap::new(),
            exported_key: String::new(),
            roles: BTreeMap::new(),
            held_names: BTreeMap::new(),
            users: Vec::new(),
            secrets: Vec::new(),
            rules: Vec::new(),
            wrapped: BTreeMap::new(),
            disabled_regions: opt_in_regions(),
            enabled_regions: BTreeMap::new(),
            secret_visible_after: 0,
            ecr_reads_as_caller: false,
            validation_failure: None,
            verify_signatures: true,
            rule_limit: 50,
            serial: 0,
        }
    }

    /// Whether an account has not enabled a region.
    pub(crate) fn is_disabled(&self, account: &str, region: &str) -> bool {
        let is = |regions: &[String]| regions.iter().any(|name| name == region);
        is(&self.disabled_regions) && !self.enabled_regions.get(account).is_some_and(|own| is(own))
    }

    /// Puts a secret without a value there, as another tool would have, and gives it for further arranging.
    pub fn add_secret(&mut self, account: &str, region: &str, name: &str) -> &mut Secret {
        let suffix = self.suffix(account, region, name);
        let partition = partition(region);
        let secret = Secret {
            account: account.to_owned(),
            region: region.to_owned(),
            name: name.to_owned(),
            arn: format!("arn:{partition}:secretsmanager:{region}:{account}:secret:{name}-{suffix}"),
            ..Secret::default()
        };
        self.secrets.push(secret);
        let last = self.secrets.len() - 1;
        &mut self.secrets[last]
    }

    /// The secret with this name.
    #[must_use]
    pub fn secret(&self, account: &str, region: &str, name: &str) -> Option<&Secret> {
        self.secrets.iter().find(|secret| secret.is(account, region, name))
    }

    /// The secret with this name, to change it behind the program's back.
    pub fn secret_mut(&mut self, account: &str, region: &str, name: &str) -> Option<&mut Secret> {
        self.secrets.iter_mut().find(|secret| secret.is(account, region, name))
    }

    /// The rule with this prefix.
    #[must_use]
    pub fn rule(&self, account: &str, region: &str, prefix: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.is(account, region, prefix))
    }

    /// The rule with this prefix, to change it behind the program's back.
    pub fn rule_mut(&mut self, account: &str, region: &str, prefix: &str) -> Option<&mut Rule> {
        self.rules.iter_mut().find(|rule| rule.is(account, region, prefix))
    }

    /// Deletes a role as IAM does: policies that named it as principal show its unique id from then on (documented).
    pub fn delete_role(&mut self, arn: &str) {
        if self.roles.remove(arn).is_none() {
            return;
        }
        let id = format!("AROA{}", base32(arn, 17));
        for policy in self.secrets.iter_mut().filter_map(|secret| secret.policy.as_mut()) {
            *policy = rename_principal(policy, arn, &id);
        }
    }

    /// The next serial number.
    pub(crate) fn next(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    fn suffix(&mut self, account: &str, region: &str, name: &str) -> String {
        let serial = self.next();
        mixed_case(&format!("{account}/{region}/{name}/{serial}"), 6)
    }
}

/// Who holds an access key, and what is forbidden to them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AccessKey {
    /// The secret access key.
    pub secret: String,
    /// For temporary keys (`ASIA…`): the token that must come along.
    pub session_token: Option<String>,
    /// As `GetCallerIdentity` shows it: the user, or `arn:aws:sts::…:assumed-role/NAME/SESSION`, without path.
    pub arn: String,
    /// `aws:PrincipalArn`: for a session the IAM role's ARN, with its path (documented).
    pub principal_arn: String,
    /// Forbidden actions, with `*` and `?`; everything else is allowed.
    pub denied: Vec<String>,
    /// The session is over.
    pub expired: bool,
}

impl AccessKey {
    /// A key of an IAM user who may do everything.
    #[must_use]
    pub fn user(arn: &str, secret: &str) -> Self {
        Self {
            secret: secret.to_owned(),
            arn: arn.to_owned(),
            principal_arn: arn.to_owned(),
            ..Self::default()
        }
    }

    /// A key of a session of this role.
    #[must_use]
    pub fn session(role_arn: &str, session: &str, secret: &str, token: &str) -> Self {
        let name = role_arn.rsplit('/').next().unwrap_or_default();
        let sts = role_arn.replacen(":iam:", ":sts:", 1);
        let head = sts.split(":role/").next().unwrap_or_default();
        Self {
            secret: secret.to_owned(),
            session_token: Some(token.to_owned()),
            arn: format!("{head}:assumed-role/{name}/{session}"),
            principal_arn: role_arn.to_owned(),
            ..Self::default()
        }
    }
}

/// An IAM role.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Role {
    /// Who may assume it, by `aws:PrincipalArn`, with `*`; empty means everybody.
    pub trusts: Vec<String>,
    /// The external id that its trust policy wants (`sts:ExternalId`); without one any is taken.
    pub external_id: Option<String>,
    /// Forbidden actions for its sessions, with `*` and `?`.
    pub denied: Vec<String>,
}

/// ARN of the role with which ECR reads an account's secrets, made by the account's first rule (ECR user guide,
/// "Amazon ECR service-linked role for pull through cache").
#[must_use]
pub fn service_linked_role(account: &str) -> String {
    format!(
        "arn:aws:iam::{account}:role/aws-service-role/pullthroughcache.ecr.amazonaws.com/\
         AWSServiceRoleForECRPullThroughCache"
    )
}

/// A secret.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Secret {
    /// Account.
    pub account: String,
    /// Region.
    pub region: String,
    /// Name.
    pub name: String,
    /// ARN with its six characters at the end, new for each creation.
    pub arn: String,
    /// Description.
    pub description: Option<String>,
    /// Absent for the AWS managed key `aws/secretsmanager`.
    pub kms_key_id: Option<String>,
    /// Oldest first.
    pub versions: Vec<Version>,
    /// Resource policy, as it was given.
    pub policy: Option<String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Set while deletion is scheduled: when it will happen.
    pub deleted: Option<DateTime<Utc>>,
    /// Set on a replica, and on a primary that has replicas.
    pub primary_region: Option<String>,
    /// On a primary.
    pub replicas: Vec<Replica>,
    /// The service that manages it.
    pub owning_service: Option<String>,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// When it was changed last.
    pub changed: DateTime<Utc>,
    /// How often ECR will still not find it.
    pub unseen_by_ecr: u32,
}

impl Secret {
    /// Whether it is this one.
    #[must_use]
    pub fn is(&self, account: &str, region: &str, name: &str) -> bool {
        self.account == account && self.region == region && self.name == name
    }

    /// Whether it is a replica: its primary is in another region.
    #[must_use]
    pub fn is_replica(&self) -> bool {
        self.primary_region.as_deref().is_some_and(|primary| primary != self.region)
    }

    /// The version with this staging label.
    #[must_use]
    pub fn staged(&self, label: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.stages.iter().any(|stage| stage == label))
    }

    /// The current value.
    #[must_use]
    pub fn value(&self) -> Option<&str> {
        self.staged("AWSCURRENT")?.string.as_deref()
    }

    /// Adds a version and makes it current, as `PutSecretValue` does.
    pub fn put(&mut self, id: &str, value: &str, at: DateTime<Utc>) {
        self.versions.push(Version {
            id: id.to_owned(),
            string: Some(value.to_owned()),
            created: at,
            ..Version::default()
        });
        self.move_label("AWSCURRENT", Some(id));
        self.changed = at;
    }

    /// Moves a label; with `AWSCURRENT`, `AWSPREVIOUS` follows to where it came from (documented).
    pub fn move_label(&mut self, label: &str, to: Option<&str>) {
        let from = self.staged(label).map(|version| version.id.clone());
        if from.as_deref() == to {
            return;
        }
        for version in &mut self.versions {
            version.stages.retain(|stage| stage != label);
            if Some(version.id.as_str()) == to {
                version.stages.push(label.to_owned());
            }
        }
        if label == "AWSCURRENT" && from.is_some() {
            self.move_label("AWSPREVIOUS", from.as_deref());
        }
    }
}

/// A value of a secret.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Version {
    /// 32 to 64 characters, chosen by the caller as `ClientRequestToken`.
    pub id: String,
    /// `SecretString`.
    pub string: Option<String>,
    /// `SecretBinary`, in base64.
    pub binary: Option<String>,
    /// Staging labels.
    pub stages: Vec<String>,
    /// When it was made.
    pub created: DateTime<Utc>,
}

/// A replica, as its primary shows it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Replica {
    /// Where it is.
    pub region: String,
    /// `InSync`, `Failed` or `InProgress`.
    pub status: String,
}

/// A pull-through cache rule.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Rule {
    /// Account.
    pub account: String,
    /// Region.
    pub region: String,
    /// `ecrRepositoryPrefix`, its key.
    pub prefix: String,
    /// `upstreamRegistryUrl`.
    pub upstream_url: String,
    /// `upstreamRegistry`.
    pub upstream: Option<String>,
    /// `upstreamRepositoryPrefix`.
    pub upstream_prefix: Option<String>,
    /// `credentialArn`.
    pub credential_arn: Option<String>,
    /// `customRoleArn`.
    pub custom_role_arn: Option<String>,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// When it was changed last; absent before.
    pub updated: Option<DateTime<Utc>>,
}

impl Rule {
    /// Whether it is this one; a slash at the end of a prefix means nothing (API reference).
    #[must_use]
    pub fn is(&self, account: &str, region: &str, prefix: &str) -> bool {
        self.account == account
            && self.region == region
            && self.prefix.trim_end_matches('/') == prefix.trim_end_matches('/')
    }
}
