//! Reading AWS: who is logged in, the declared secrets and policies, and all cache rules. Nothing
//! here can write, and no value is ever read.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ecr::types::PullThroughCacheRule;
use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use aws_sdk_secretsmanager::types::SecretVersionsListEntry;
use chrono::{DateTime, Utc};
use futures::stream::{self, StreamExt};

use super::{Desired, Identity, MANAGED_BY, Observed, ROTATED_FROM, Rule, Secret, Session};
use crate::aws::{AwsError, Client, Clients};
use crate::change::Read;
use crate::model::{Fingerprint, Problem};
use crate::net::MAX_PAGES;

/// The largest page of rules (ECR's API reference, `DescribePullThroughCacheRules`).
const PAGE: i32 = 1000;

/// The largest page of versions. Those without a stage are not listed, and stages are 20 at most (Secrets Manager's API
/// reference, `ListSecretVersionIds`, and its quotas).
const VERSIONS: i32 = 100;
const CURRENT: &str = "AWSCURRENT";

/// The sessions that the desired places need.
#[must_use]
pub fn sessions(desired: &[Desired]) -> BTreeSet<Session> {
    let stacks = desired.iter().flat_map(|desired| &desired.stacks);
    let stacks = stacks.filter(|stack| stack.untouched.is_none());
    let sessions = stacks.map(|stack| &stack.session);
    sessions.filter(|session| session.without_caches().is_none()).cloned().collect()
}

/// Reads everything that the rows need, at most `concurrency` sessions at once. An error is data.
pub async fn observe(clients: &Clients, desired: &[Desired], concurrency: usize) -> Observed {
    let mut names: BTreeMap<&Session, BTreeSet<&str>> = BTreeMap::new();
    for desired in desired {
        for stack in desired.stacks.iter().filter(|stack| stack.untouched.is_none()) {
            names.entry(&stack.session).or_default().insert(&desired.secret);
        }
    }
    let reads = names.into_iter().filter_map(|(session, names)| {
        let client = clients.get(session)?;
        Some(async move { (session, session_state(client, session, names).await) })
    });
    let mut all = Observed::default();
    let mut states = stream::iter(reads).buffer_unordered(concurrency.max(1));
    let mut logins: BTreeMap<&Session, Result<Identity, AwsError>> = BTreeMap::new();
    while let Some((session, (login, state))) = states.next().await {
        logins.insert(session, login);
        all.secrets.extend(state.secrets);
        all.policies.extend(state.policies);
        all.rules.extend(state.rules);
    }
    all.identities = identities(logins);
    all
}

/// Who each session is logged in as. A login that is not known in one region and is in another is good: the region is not
/// enabled.
fn identities(logins: BTreeMap<&Session, Result<Identity, AwsError>>) -> BTreeMap<Session, Read<Identity>> {
    let login = |session: &Session| (session.profile.clone(), session.roles.clone());
    let good = logins.iter().filter_map(|(session, found)| Some((login(session), found.as_ref().ok()?)));
    let good: BTreeMap<_, String> = good.map(|(login, it)| (login, it.account.clone())).collect();
    let judged = |(session, found): (&Session, Result<Identity, AwsError>)| {
        let told = |error: AwsError| match good.get(&login(session)) {
            Some(account) => error.of_good_login(session, account),
            None => error,
        };
        (session.clone(), found.map_err(|error| told(error).into()))
    };
    logins.into_iter().map(judged).collect()
}

async fn session_state(
    client: &Client,
    session: &Session,
    names: BTreeSet<&str>,
) -> (Result<Identity, AwsError>, Observed) {
    let secrets = stream::iter(names).map(|name| async move {
        let key = (session.clone(), name.to_owned());
        let (secret, policy) = tokio::join!(secret(client, name), policy(client, name));
        (key, secret, policy)
    });
    let secrets = secrets.buffer_unordered(8).collect::<Vec<_>>();
    let (identity, rules, secrets) = tokio::join!(identity(client), rules(client), secrets);
    let account = identity.as_ref().ok().map(|identity| identity.account.as_str());
    let told = |error: AwsError| -> Problem {
        match account {
            Some(account) => error.of_good_login(session, account).into(),
            None => error.into(),
        }
    };
    let mut state = Observed::default();
    state.rules.insert(session.clone(), rules.map_err(told));
    for (key, secret, policy) in secrets {
        state.secrets.insert(key.clone(), secret.map_err(told));
        state.policies.insert(key, policy.map_err(told));
    }
    (identity, state)
}

async fn identity(client: &Client) -> Result<Identity, AwsError> {
    const OPERATION: &str = "sts:GetCallerIdentity";
    let answer = client.sts.get_caller_identity().send().await;
    let answer = answer.map_err(|error| AwsError::new(OPERATION, &error, &client.login))?;
    match (answer.account, answer.arn) {
        (Some(account), Some(arn)) => Ok(Identity { account, arn }),
        _ => Err(AwsError {
            operation: OPERATION,
            code: None,
            cause: "the answer names no account".to_owned(),
            login: false,
            untrusted: false,
            hints: Vec::new(),
            causes: Vec::new(),
        }),
    }
}

pub(super) async fn secret(client: &Client, name: &str) -> Result<Option<Secret>, AwsError> {
    match client.secrets.describe_secret().secret_id(name).send().await {
        Ok(answer) => Ok(Some(described(answer))),
        Err(error) => {
            let error = AwsError::new("secretsmanager:DescribeSecret", &error, &client.login);
            if error.is("ResourceNotFoundException") { Ok(None) } else { Err(error) }
        }
    }
}

/// Since when the version of a secret that is current is there. Nothing without the right to list versions, or without any.
pub(super) async fn current_since(client: &Client, name: &str) -> Option<DateTime<Utc>> {
    let versions = versions(client, name).await?;
    let current =
        versions.iter().find(|version| version.version_stages().iter().any(|stage| stage == CURRENT));
    created(current?)
}

/// Since when the secret holds this value: that of a version may have been put anew under another id.
pub(super) async fn used_since(client: &Client, name: &str, value: &Fingerprint) -> Option<DateTime<Utc>> {
    let versions = versions(client, name).await?;
    let ours =
        versions.iter().filter(|version| version.version_id().is_some_and(|id| value.is_version(name, id)));
    ours.filter_map(created).min()
}

async fn versions(client: &Client, name: &str) -> Option<Vec<SecretVersionsListEntry>> {
    let answer = client.secrets.list_secret_version_ids().secret_id(name).max_results(VERSIONS).send().await;
    let answer = answer.inspect_err(|error| {
        let error = AwsError::new("secretsmanager:ListSecretVersionIds", error, &client.login);
        tracing::debug!(%error, "since when the secret has its value is not known");
    });
    answer.ok()?.versions
}

fn created(version: &SecretVersionsListEntry) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(version.created_date()?.secs(), 0)
}

fn described(answer: DescribeSecretOutput) -> Secret {
    let versions = answer.version_ids_to_stages.unwrap_or_default();
    let tags = answer.tags.unwrap_or_default();
    // Secrets Manager leaves the key out where it is the managed one; its alias means the same.
    let managed = |key: &String| key.ends_with("alias/aws/secretsmanager");
    Secret {
        arn: answer.arn.unwrap_or_default(),
        kms_key: answer.kms_key_id.filter(|key| !key.is_empty() && !managed(key)),
        versions: versions.into_iter().map(|(id, stages)| (id, stages.into_iter().collect())).collect(),
        deleted: answer.deleted_date.map(|date| day(date.secs())),
        primary_region: answer.primary_region,
        owning_service: answer.owning_service,
        ours: tags.iter().any(|tag| (tag.key(), tag.value()) == (Some(MANAGED_BY.0), Some(MANAGED_BY.1))),
        rotated_from: tags
            .iter()
            .find(|tag| tag.key() == Some(ROTATED_FROM))
            .and_then(|tag| tag.value())
            .map(str::to_owned),
        changed: answer.last_changed_date.map_or_else(String::new, |date| day(date.secs())),
    }
}

fn day(seconds: i64) -> String {
    chrono::DateTime::from_timestamp(seconds, 0)
        .map_or_else(String::new, |time| time.format("%Y-%m-%d").to_string())
}

pub(super) async fn policy(client: &Client, name: &str) -> Result<Option<String>, AwsError> {
    match client.secrets.get_resource_policy().secret_id(name).send().await {
        Ok(answer) => Ok(answer.resource_policy),
        Err(error) => {
            let error = AwsError::new("secretsmanager:GetResourcePolicy", &error, &client.login);
            if error.is("ResourceNotFoundException") { Ok(None) } else { Err(error) }
        }
    }
}

pub(super) async fn rules(client: &Client) -> Result<BTreeMap<String, Rule>, AwsError> {
    let operation = "ecr:DescribePullThroughCacheRules";
    let pages = client.ecr.describe_pull_through_cache_rules().max_results(PAGE).into_paginator();
    let (mut pages, mut rules) = (pages.send(), BTreeMap::new());
    for _ in 0..MAX_PAGES {
        let Some(page) = pages.next().await else { return Ok(rules) };
        let page = page.map_err(|error| AwsError::new(operation, &error, &client.login))?;
        rules.extend(page.pull_through_cache_rules.unwrap_or_default().into_iter().filter_map(found));
    }
    let cause = format!("the list has no end: {MAX_PAGES} pages were read");
    Err(AwsError {
        operation,
        code: None,
        cause,
        login: false,
        untrusted: false,
        hints: Vec::new(),
        causes: Vec::new(),
    })
}

/// One rule by its prefix; an unknown prefix is an error of ECR's, not an empty list.
pub(super) async fn rule(client: &Client, prefix: &str) -> Result<Option<Rule>, AwsError> {
    match client.ecr.describe_pull_through_cache_rules().ecr_repository_prefixes(prefix).send().await {
        Ok(answer) => {
            let rules = answer.pull_through_cache_rules.unwrap_or_default();
            Ok(rules.into_iter().filter_map(found).map(|(_, rule)| rule).next())
        }
        Err(error) => {
            let error = AwsError::new("ecr:DescribePullThroughCacheRules", &error, &client.login);
            if error.is("PullThroughCacheRuleNotFoundException") { Ok(None) } else { Err(error) }
        }
    }
}

fn found(rule: PullThroughCacheRule) -> Option<(String, Rule)> {
    let prefix = rule.ecr_repository_prefix?.trim_end_matches('/').to_owned();
    let upstream_url = rule.upstream_registry_url.unwrap_or_default();
    Some((prefix, Rule { upstream_url, credential_arn: rule.credential_arn }))
}

/// What ECR said of a rule: whether it could read the secret and log in with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validation {
    /// Whether it could.
    pub valid: bool,
    /// ECR's own words where it could not.
    pub failure: Option<String>,
}

/// Has ECR read the secret and log in upstream with it (`ValidatePullThroughCacheRule`).
///
/// # Errors
/// If ECR does not answer the question.
pub async fn validate(client: &Client, prefix: &str) -> Result<Validation, AwsError> {
    let answer = client.ecr.validate_pull_through_cache_rule().ecr_repository_prefix(prefix).send().await;
    let answer =
        answer.map_err(|error| AwsError::new("ecr:ValidatePullThroughCacheRule", &error, &client.login))?;
    Ok(Validation { valid: answer.is_valid, failure: answer.failure })
}
