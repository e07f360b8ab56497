//! Writing AWS. Every operation converges: repeated, or done by somebody else at the same time, it
//! ends in the same state.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_ecr::types::UpstreamRegistry;
use aws_sdk_secretsmanager::types::Tag;
use serde_json::json;

use super::policy::{Guard, Verdict};
use super::{
    CURRENT, Container, Exempt, Identity, MANAGED_BY, Observed, Operation, ROTATED_FROM, Session, read,
};
use crate::aws::{AwsError, Client, Clients};
use crate::change::{Inputs, Receipt};
use crate::model::{Login, Problem, next_version_id};
use crate::net::Wait;
use crate::redact;

/// The field of a receipt that holds a secret's ARN.
pub const ARN: &str = "arn";
/// The field of a rule's receipt that holds the ARN of the secret that it reads: rules have none of their own.
const CREDENTIAL_ARN: &str = "credential_arn";

/// How long something just made may stay invisible to ECR or Secrets Manager; seen to take some 10 s.
const SETTLING: Wait = Wait {
    first: Duration::from_millis(250),
    longest: Duration::from_secs(10),
    total: Duration::from_secs(60),
};
/// What Secrets Manager and ECR answer while they do not see something yet.
const NOT_YET: &[&str] =
    &["ResourceNotFoundException", "SecretNotFoundException", "UnableToAccessSecretException"];

/// What Secrets Manager answers where tags are refused: by a policy, or as there are 50 already (its API reference,
/// `TagResource`; AWS Organizations user guide, "Tag policies").
const NO_TAG: &[&str] = &[
    "AccessDeniedException",
    "InvalidParameterException",
    "InvalidRequestException",
    "LimitExceededException",
    "TagPolicyException",
];

/// How many ids are tried for a value: nobody by accident puts others under so many of them.
const IDS: usize = 5;

/// What writes to AWS.
pub struct Writer<'a> {
    clients: &'a Clients,
    observed: &'a Observed,
    /// Where this run has written a secret or its policy, which ECR may not see yet.
    written: Mutex<BTreeSet<Session>>,
}

impl<'a> Writer<'a> {
    /// A writer that uses these clients; who they are logged in as has been observed.
    #[must_use]
    pub fn new(clients: &'a Clients, observed: &'a Observed) -> Self {
        Self { clients, observed, written: Mutex::default() }
    }

    /// Executes one operation.
    ///
    /// # Errors
    /// If AWS refuses a request, does not answer, or does not see what was just made within 60 s.
    pub async fn write(&self, operation: &Operation, inputs: &Inputs<'_>) -> Result<Receipt, Problem> {
        match operation {
            Operation::EnsurePolicy { session, secret, container, tags, exempt } => {
                let (_, identity) = self.login(session)?;
                let site = self.site(session, inputs, true)?;
                let arn = self.arn(session, secret);
                let fresh = site.contain(secret, *container, tags).await?;
                site.ensure_statement((identity, arn), secret, fresh, exempt).await
            }
            Operation::MakeCurrent { session, secret, credential, version, rotated_from } => {
                let site = self.site(session, inputs, true)?;
                let note = match rotated_from {
                    Some(old) => site.mark_rotated(secret, old).await?,
                    None => None,
                };
                let receipt = site.make_current(secret, inputs.login(credential)?, version).await?;
                Ok(receipt.noted(note))
            }
            Operation::CreateRule { session, prefix, upstream, upstream_url, credential_arn } => {
                let site = self.site(session, inputs, false)?;
                let arn = inputs.resolve(credential_arn)?;
                site.create_rule(prefix, (upstream, upstream_url), &arn).await
            }
            Operation::UpdateRule { session, prefix, credential_arn } => {
                let site = self.site(session, inputs, false)?;
                site.update_rule(prefix, &inputs.resolve(credential_arn)?).await
            }
            Operation::DeleteRule { session, prefix, credential_arn } => {
                self.site(session, inputs, false)?.delete_rule(prefix, credential_arn).await
            }
            Operation::ScheduleDeletion { session, arn } => {
                self.site(session, inputs, false)?.schedule_deletion(arn).await
            }
        }
    }

    /// Where an operation writes; `secret` is whether it writes the secret or its policy.
    fn site<'s>(
        &'s self,
        session: &Session,
        inputs: &'s Inputs<'_>,
        secret: bool,
    ) -> Result<Site<'s>, Problem> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if secret {
            written.insert(session.clone());
        }
        let fresh = written.contains(session);
        Ok(Site { client: self.login(session)?.0, fresh, say: inputs.say })
    }

    /// The ARN of a secret that was there when the plan was made.
    fn arn(&self, session: &Session, secret: &str) -> Option<&str> {
        let found = self.observed.secrets.get(&(session.clone(), secret.to_owned()))?;
        found.as_ref().ok()?.as_ref().map(|secret| secret.arn.as_str())
    }

    fn login(&self, session: &Session) -> Result<(&Client, &Identity), Problem> {
        let client = self.clients.get(session);
        let identity = self.observed.identities.get(session).and_then(|identity| identity.as_ref().ok());
        client.zip(identity).ok_or_else(|| Problem::outside(format!("no login for {}", session.region)))
    }
}

struct Site<'a> {
    client: &'a Client,
    /// Whether this run has written the secret or its policy here.
    fresh: bool,
    say: &'a (dyn Fn(String) + Sync),
}

impl Site<'_> {
    /// Whether the secret was made by this run.
    async fn contain(
        &self,
        secret: &str,
        container: Container,
        tags: &BTreeMap<String, String>,
    ) -> Result<bool, AwsError> {
        match container {
            Container::Exists => Ok(false),
            Container::Restore => self.restore(secret).await,
            Container::Create => self.create(secret, tags).await,
        }
    }

    async fn ensure_statement(
        &self,
        (identity, arn): (&Identity, Option<&str>),
        secret: &str,
        fresh: bool,
        exempt: &Exempt,
    ) -> Result<Receipt, Problem> {
        // What is there is read again just before it is replaced, because a put replaces it whole.
        let found = if fresh {
            None
        } else {
            self.settled("the secret", || read::policy(self.client, secret)).await?
        };
        let guard = Guard::new(found.as_deref(), exempt, identity, arn)?;
        if guard.verdict() == Verdict::InSync {
            return Ok(Receipt::default());
        }
        let merged = guard.merged();
        self.settled("the secret", || self.put_policy(secret, &merged)).await?;
        Ok(Receipt::default())
    }

    /// Makes the secret without a value, so that there is none before the policy; whether it was us. The name of one that
    /// was deleted by force is held for some seconds, in which nobody sees it (Secrets Manager's API reference,
    /// `DeleteSecret`).
    async fn create(&self, secret: &str, tags: &BTreeMap<String, String>) -> Result<bool, AwsError> {
        let held = |error: &AwsError| {
            error.is("InvalidRequestException") && error.cause.contains("scheduled for deletion")
        };
        let say = |_: &AwsError, limit| (self.say)(format!("{secret} was deleted a moment ago, {limit}"));
        SETTLING.until(|| self.create_once(secret, tags), held, say).await
    }

    async fn create_once(&self, secret: &str, tags: &BTreeMap<String, String>) -> Result<bool, AwsError> {
        let declared = tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let tags = std::iter::once(MANAGED_BY).chain(declared);
        let tags = tags.map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
        let request = self.client.secrets.create_secret().name(secret).set_tags(Some(tags)).description(
            "Registry credential for ECR pull-through cache rules. Kept by regcred; Pulumi programs only reference it.",
        );
        match request.send().await {
            Ok(_) => Ok(true),
            Err(error) => {
                let error = AwsError::new("secretsmanager:CreateSecret", &error, &self.client.login);
                // Made in the meantime, by another run or by a request whose answer was lost.
                if error.is("ResourceExistsException") { Ok(false) } else { Err(error) }
            }
        }
    }

    async fn restore(&self, secret: &str) -> Result<bool, AwsError> {
        let answer = self.client.secrets.restore_secret().secret_id(secret).send().await;
        answer.map_err(|error| AwsError::new("secretsmanager:RestoreSecret", &error, &self.client.login))?;
        Ok(false)
    }

    async fn put_policy(&self, secret: &str, policy: &str) -> Result<(), AwsError> {
        let request = self.client.secrets.put_resource_policy().secret_id(secret).resource_policy(policy);
        let answer = request.send().await;
        answer
            .map_err(|error| AwsError::new("secretsmanager:PutResourcePolicy", &error, &self.client.login))?;
        Ok(())
    }

    /// Marks the secret with the version whose value goes out of use, before another is current: a run that is killed in
    /// between leaves the mark. A rotation is as good where tags are refused; it is said then.
    async fn mark_rotated(&self, secret: &str, old: &str) -> Result<Option<String>, AwsError> {
        let tag = || async {
            let tag = Tag::builder().key(ROTATED_FROM).value(old).build();
            let answer = self.client.secrets.tag_resource().secret_id(secret).tags(tag).send().await;
            answer
                .map_err(|error| AwsError::new("secretsmanager:TagResource", &error, &self.client.login))?;
            Ok(())
        };
        match self.settled("the secret", tag).await {
            Err(error) if NO_TAG.iter().any(|code| error.is(code)) => Ok(Some(format!(
                "a sync with the old value can take this back: no tag {ROTATED_FROM} ({error})"
            ))),
            answer => answer.map(|()| None),
        }
    }

    /// Puts the version, then moves the stage to it if that did not: a version that exists already
    /// (back to an earlier credential) is not put again by Secrets Manager, and the stage stays.
    async fn make_current(&self, secret: &str, value: &Login, version: &str) -> Result<Receipt, Problem> {
        let (put, version) = self.put_unused(secret, value, version).await?;
        if !put.stages.iter().any(|stage| stage == CURRENT) {
            self.move_current(secret, &version).await?;
        }
        Ok(Receipt([(ARN, put.arn)].into()))
    }

    /// Puts the value under this id, or, where a version of that id holds another value, under one that follows from it.
    async fn put_unused(
        &self,
        secret: &str,
        value: &Login,
        version: &str,
    ) -> Result<(Put, String), AwsError> {
        let (mut version, mut left) = (version.to_owned(), IDS);
        loop {
            left -= 1;
            match self.settled("the secret", || self.put_value(secret, value, &version)).await {
                Err(error) if left > 0 && error.is("ResourceExistsException") => {
                    version = next_version_id(&version);
                }
                answer => return Ok((answer?, version)),
            }
        }
    }

    async fn put_value(&self, secret: &str, value: &Login, version: &str) -> Result<Put, AwsError> {
        // ECR reads exactly these two keys (Amazon ECR user guide, "Storing your upstream registry credentials").
        let text = json!({ "username": value.username, "accessToken": value.token.expose() });
        let text = zeroize::Zeroizing::new(text.to_string());
        let request = self.client.secrets.put_secret_value().secret_id(secret);
        let answer = request.client_request_token(version).secret_string(text.as_str()).send().await;
        let answer = answer
            .map_err(|error| AwsError::new("secretsmanager:PutSecretValue", &error, &self.client.login))?;
        Ok(Put { arn: answer.arn.unwrap_or_default(), stages: answer.version_stages.unwrap_or_default() })
    }

    async fn move_current(&self, secret: &str, version: &str) -> Result<(), AwsError> {
        let found = read::secret(self.client, secret).await?.unwrap_or_default();
        let request = self.client.secrets.update_secret_version_stage();
        let request = request.secret_id(secret).version_stage(CURRENT).move_to_version_id(version);
        let answer = request.set_remove_from_version_id(found.current().map(str::to_owned)).send().await;
        answer.map_err(|error| {
            AwsError::new("secretsmanager:UpdateSecretVersionStage", &error, &self.client.login)
        })?;
        Ok(())
    }

    async fn create_rule(&self, prefix: &str, upstream: (&str, &str), arn: &str) -> Result<Receipt, Problem> {
        let created = self.settled("the secret", || self.put_rule(prefix, upstream, arn)).await;
        let error = match created {
            Ok(()) => return Ok(reads(arn)),
            Err(error) => error,
        };
        if !error.is("PullThroughCacheRuleAlreadyExistsException") {
            return Err(error.into());
        }
        // Made in the meantime, by another run or by a request whose answer was lost.
        match read::rule(self.client, prefix).await? {
            Some(rule) if !rule.upstream_url.eq_ignore_ascii_case(upstream.1) => {
                Err(Problem::outside(format!("{error}; it is for {}", redact::outside(&rule.upstream_url))))
            }
            Some(rule) if rule.credential_arn.as_deref() == Some(arn) => Ok(reads(arn)),
            _ => self.update_rule(prefix, arn).await,
        }
    }

    async fn put_rule(&self, prefix: &str, upstream: (&str, &str), arn: &str) -> Result<(), AwsError> {
        let request = self.client.ecr.create_pull_through_cache_rule().ecr_repository_prefix(prefix);
        let request =
            request.upstream_registry(UpstreamRegistry::from(upstream.0)).upstream_registry_url(upstream.1);
        let answer = request.credential_arn(arn).send().await;
        answer
            .map_err(|error| AwsError::new("ecr:CreatePullThroughCacheRule", &error, &self.client.login))?;
        Ok(())
    }

    async fn update_rule(&self, prefix: &str, arn: &str) -> Result<Receipt, Problem> {
        let update = || async {
            let request = self.client.ecr.update_pull_through_cache_rule();
            let answer = request.ecr_repository_prefix(prefix).credential_arn(arn).send().await;
            answer
                .map_err(|error| AwsError::new("ecr:UpdatePullThroughCacheRule", &error, &self.client.login))
        };
        self.settled("the secret", update).await?;
        Ok(reads(arn))
    }

    /// A rule that now reads another secret is somebody else's.
    async fn delete_rule(&self, prefix: &str, arn: &str) -> Result<Receipt, Problem> {
        match read::rule(self.client, prefix).await? {
            None => return Ok(Receipt::default()),
            Some(rule) if rule.credential_arn.as_deref() != Some(arn) => {
                return Err(Problem::outside("the rule now reads another secret").hint("run it again"));
            }
            Some(_) => {}
        }
        let answer =
            self.client.ecr.delete_pull_through_cache_rule().ecr_repository_prefix(prefix).send().await;
        match answer
            .map_err(|error| AwsError::new("ecr:DeletePullThroughCacheRule", &error, &self.client.login))
        {
            Err(error) if !error.is("PullThroughCacheRuleNotFoundException") => Err(error.into()),
            _ => Ok(Receipt::default()),
        }
    }

    /// Another rule may have come to read it since the plan was made.
    async fn schedule_deletion(&self, arn: &str) -> Result<Receipt, Problem> {
        let rules = read::rules(self.client).await?;
        let reads = |(_, rule): &(&String, &super::Rule)| rule.credential_arn.as_deref() == Some(arn);
        if let Some((prefix, _)) = rules.iter().find(reads) {
            let words = format!("the cache rule {} now uses it", redact::outside(prefix));
            return Err(Problem::outside(words).hint("run it again"));
        }
        let request = self.client.secrets.delete_secret().secret_id(arn);
        let answer = request.recovery_window_in_days(super::RECOVERY_DAYS).send().await;
        let Err(error) = answer else { return Ok(Receipt::default()) };
        // By a request whose answer was lost, or by another run.
        match read::secret(self.client, arn).await? {
            Some(secret) if secret.deleted.is_none() => {
                Err(AwsError::new("secretsmanager:DeleteSecret", &error, &self.client.login).into())
            }
            _ => Ok(Receipt::default()),
        }
    }

    /// Tries again while AWS does not see something that this run has just made.
    async fn settled<T, F>(&self, what: &str, request: impl Fn() -> F) -> Result<T, AwsError>
    where
        F: Future<Output = Result<T, AwsError>>,
    {
        // What has been there for longer is seen, or kept from whoever asks.
        let yet = |error: &AwsError| self.fresh && NOT_YET.iter().any(|code| error.is(code));
        let say = |error: &AwsError, limit| {
            (self.say)(format!("{what} is not visible to {} yet, {limit}", error.operation));
        };
        SETTLING.until(request, yet, say).await
    }
}

/// What a rule that reads this secret gives.
fn reads(arn: &str) -> Receipt {
    Receipt([(CREDENTIAL_ARN, arn.to_owned())].into())
}

/// What Secrets Manager answered to a put.
struct Put {
    arn: String,
    stages: Vec<String>,
}
