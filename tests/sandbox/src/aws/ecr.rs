//! ECR: pull-through cache rules, and how ECR comes by the credential.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::AwsError;
use super::regions::has_pull_through_cache;
use super::state::{Role, Rule, service_linked_role};
use super::{Outcome, Visit, credential, seconds};
use crate::calls::Service;

/// aws-controllers-k8s/community#2589.
const NEEDS_CREDENTIAL: &str =
    "The specified upstream registry requires authentication. Specify a valid Secrets Manager ARN";
/// pulumi/pulumi-aws#5714.
const NOTHING_TO_UPDATE: &str =
    "Invalid input: Please set either credential arn or role arn to update the credentials";

pub(crate) fn dispatch(mut visit: Visit<'_>) -> Outcome {
    let visit = &mut visit;
    check_region(&visit.region)?;
    visit.caller.may(&visit.action(Service::Ecr), "*")?;
    check_registry(visit)?;
    match visit.operation.as_str() {
        "DescribePullThroughCacheRules" => describe(visit),
        "CreatePullThroughCacheRule" => create(visit),
        "UpdatePullThroughCacheRule" => update(visit),
        "DeletePullThroughCacheRule" => delete(visit),
        _ => validate(visit),
    }
}

/// The error in a region without pull-through cache is unconfirmed.
fn check_region(region: &str) -> Result<(), AwsError> {
    if has_pull_through_cache(region) {
        return Ok(());
    }
    let message = format!("Pull through cache is not supported in {region}.");
    Err(AwsError::new("UnsupportedOperationException", message))
}

/// Another account's registry cannot be named: no resource policy covers rules (undocumented, so refused here).
fn check_registry(visit: &Visit<'_>) -> Result<(), AwsError> {
    match visit.input.get("registryId").and_then(Value::as_str) {
        Some(registry) if registry != visit.caller.account => Err(AwsError::invalid_parameter(
            "Invalid parameter at 'registryId': not the registry of the caller",
        )),
        _ => Ok(()),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Describe {
    ecr_repository_prefixes: Option<Vec<String>>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

fn describe(visit: &mut Visit<'_>) -> Outcome {
    let input: Describe = visit.input()?;
    if let Some(prefixes) = &input.ecr_repository_prefixes {
        let rules: Result<Vec<Value>, AwsError> =
            prefixes.iter().map(|prefix| find(visit, prefix).map(|rule| row(rule))).collect();
        return Ok(json!({ "pullThroughCacheRules": rules? }));
    }
    let rows: Vec<Value> = mine(visit).map(row).collect();
    let start = input.next_token.as_deref().map_or(Ok(0), page_start)?;
    let end = (start + input.max_results.unwrap_or(100)).min(rows.len());
    let mut output = json!({ "pullThroughCacheRules": rows.get(start..end).unwrap_or_default() });
    if end < rows.len() {
        output["nextToken"] = STANDARD.encode(end.to_string()).into();
    }
    Ok(output)
}

fn page_start(token: &str) -> Result<usize, AwsError> {
    let bytes = STANDARD.decode(token).ok();
    let start = bytes.and_then(|bytes| String::from_utf8(bytes).ok()?.parse().ok());
    start.ok_or_else(|| AwsError::invalid_parameter("Invalid parameter at 'nextToken'"))
}

fn mine<'v>(visit: &'v Visit<'_>) -> impl Iterator<Item = &'v Rule> {
    let rules = visit.world.aws.rules.iter();
    rules.filter(|rule| rule.account == visit.caller.account && rule.region == visit.region)
}

/// An unknown prefix is an error, not an empty list (API reference).
fn find<'v>(visit: &'v mut Visit<'_>, prefix: &str) -> Result<&'v mut Rule, AwsError> {
    let Visit { world, caller, region, .. } = visit;
    world.aws.rule_mut(&caller.account, region, prefix).ok_or_else(|| {
        let message = format!(
            "The pull through cache rule with repository prefix '{prefix}' was not found in the registry with id '{}'.",
            caller.account
        );
        AwsError::new("PullThroughCacheRuleNotFoundException", message)
    })
}

/// A rule as every answer shows it: only members that have a value.
fn row(rule: &Rule) -> Value {
    let mut row = json!({
        "ecrRepositoryPrefix": rule.prefix,
        "upstreamRegistryUrl": rule.upstream_url,
        "registryId": rule.account,
        "createdAt": seconds(rule.created),
    });
    let optional = [
        ("upstreamRegistry", &rule.upstream),
        ("upstreamRepositoryPrefix", &rule.upstream_prefix),
        ("credentialArn", &rule.credential_arn),
        ("customRoleArn", &rule.custom_role_arn),
    ];
    for (name, value) in optional {
        value.iter().for_each(|value| row[name] = value.clone().into());
    }
    rule.updated.iter().for_each(|at| row["updatedAt"] = seconds(*at).into());
    row
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Create {
    ecr_repository_prefix: String,
    upstream_registry_url: String,
    upstream_registry: Option<String>,
    upstream_repository_prefix: Option<String>,
    credential_arn: Option<String>,
    custom_role_arn: Option<String>,
}

fn create(visit: &mut Visit<'_>) -> Outcome {
    let input: Create = visit.input()?;
    let upstream = upstream(&input.upstream_registry_url)?;
    if let Some(named) = &input.upstream_registry
        && named != upstream.name
    {
        return Err(unsupported("The specified upstream registry isn't supported."));
    }
    if upstream.needs_credential && input.credential_arn.is_none() {
        return Err(unsupported(NEEDS_CREDENTIAL));
    }
    check_room(visit, &input.ecr_repository_prefix)?;
    if let Some(arn) = &input.credential_arn {
        credential::read(visit, arn)?;
    }
    make_service_linked_role(visit)?;
    let rule = Rule {
        account: visit.caller.account.clone(),
        region: visit.region.clone(),
        prefix: input.ecr_repository_prefix,
        upstream_url: input.upstream_registry_url,
        upstream: Some(upstream.name.to_owned()),
        upstream_prefix: input.upstream_repository_prefix,
        credential_arn: input.credential_arn,
        custom_role_arn: input.custom_role_arn,
        created: visit.now,
        updated: None,
    };
    let output = row(&rule);
    visit.world.aws.rules.push(rule);
    Ok(output)
}

fn check_room(visit: &Visit<'_>, prefix: &str) -> Result<(), AwsError> {
    if visit.world.aws.rule(&visit.caller.account, &visit.region, prefix).is_some() {
        return Err(AwsError::new(
            "PullThroughCacheRuleAlreadyExistsException",
            format!(
                "A pull through cache rule with repository prefix '{prefix}' already exists for the private registry."
            ),
        ));
    }
    if mine(visit).count() >= visit.world.aws.rule_limit {
        return Err(AwsError::new(
            "LimitExceededException",
            "The operation did not succeed because it would have exceeded a service limit for your account.",
        ));
    }
    Ok(())
}

/// The first rule of an account makes it, with the caller's right to do so (documented).
fn make_service_linked_role(visit: &mut Visit<'_>) -> Result<(), AwsError> {
    let arn = service_linked_role(&visit.caller.account);
    if !visit.world.aws.roles.contains_key(&arn) {
        visit.caller.may("iam:Createservice_linked_role", &arn)?;
        visit.world.aws.roles.insert(arn, Role::default());
    }
    Ok(())
}

fn unsupported(message: &str) -> AwsError {
    AwsError::new("UnsupportedUpstreamRegistryException", message)
}

/// A registry that ECR can cache (user guide, "Considerations"; Chainguard's documentation).
struct Upstream {
    name: &'static str,
    needs_credential: bool,
}

fn upstream(url: &str) -> Result<Upstream, AwsError> {
    let (name, needs_credential) = match url {
        "registry-1.docker.io" => ("docker-hub", true),
        "ghcr.io" => ("github-container-registry", true),
        "registry.gitlab.com" => ("gitlab-container-registry", true),
        "cgr.dev" => ("chainguard", true),
        "public.ecr.aws" => ("ecr-public", false),
        "registry.k8s.io" => ("k8s", false),
        "quay.io" => ("quay", false),
        _ if url.ends_with(".azurecr.io") => ("azure-container-registry", true),
        _ if url.contains(".dkr.ecr.") => ("ecr", false),
        _ => {
            return Err(unsupported("The specified upstream registry isn't supported."));
        }
    };
    Ok(Upstream { name, needs_credential })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Update {
    ecr_repository_prefix: String,
    credential_arn: Option<String>,
    custom_role_arn: Option<String>,
}

fn update(visit: &mut Visit<'_>) -> Outcome {
    let input: Update = visit.input()?;
    if input.credential_arn.is_none() && input.custom_role_arn.is_none() {
        return Err(AwsError::invalid_parameter(NOTHING_TO_UPDATE));
    }
    find(visit, &input.ecr_repository_prefix)?;
    if let Some(arn) = &input.credential_arn {
        credential::read(visit, arn)?;
    }
    let now = visit.now;
    let rule = find(visit, &input.ecr_repository_prefix)?;
    rule.credential_arn = input.credential_arn.or(rule.credential_arn.take());
    rule.custom_role_arn = input.custom_role_arn.or(rule.custom_role_arn.take());
    rule.updated = Some(now);
    Ok(row(rule))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ByPrefix {
    ecr_repository_prefix: String,
}

fn delete(visit: &mut Visit<'_>) -> Outcome {
    let ByPrefix { ecr_repository_prefix: prefix } = visit.input()?;
    let output = row(find(visit, &prefix)?);
    let Visit { world, caller, region, .. } = visit;
    world.aws.rules.retain(|rule| !rule.is(&caller.account, region, &prefix));
    Ok(output)
}

/// Always HTTP 200 (API reference); the texts of `failure` are unconfirmed.
fn validate(visit: &mut Visit<'_>) -> Outcome {
    let ByPrefix { ecr_repository_prefix: prefix } = visit.input()?;
    let rule = find(visit, &prefix)?.clone();
    let failure = match visit.world.aws.validation_failure.clone() {
        Some(text) => Some(text),
        None => rule.credential_arn.as_ref().and_then(|arn| credential::failure(visit, arn)),
    };
    let mut output = row(&rule);
    output["isValid"] = failure.is_none().into();
    failure.into_iter().for_each(|text| output["failure"] = text.into());
    Ok(output)
}
