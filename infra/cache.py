"""The parts of the program: the secret and the rule that regcred ensures, and what a stack owns beside them."""

import json
from typing import NamedTuple

import pulumi
import pulumi_aws as aws

SECRET_NAME = "ecr-pullthroughcache/docker-hub"
UPSTREAM = "registry-1.docker.io"
OWNERS = ("regcred", "pulumi")
# How long a cached image stays that is not refreshed. What is gone is fetched again at the next pull.
DAYS = 30


class SharedSecret(NamedTuple):
    """The secret by its ARN, which names the account and region that rule and registry have to be in."""

    arn: str

    @property
    def partition(self) -> str:
        return self.arn.split(":")[1]

    @property
    def region(self) -> str:
        return self.arn.split(":")[3]

    @property
    def account(self) -> str:
        return self.arn.split(":")[4]

    @property
    def registry(self) -> str:
        return f"{self.account}.dkr.ecr.{self.region}.amazonaws.com"


def shared_secret(name: str, stack: str) -> SharedSecret:
    """Looks the secret up; its value is not read. A missing one ends the run with the command that makes it."""
    try:
        return SharedSecret(aws.secretsmanager.get_secret(name=name).arn)
    except Exception as error:
        raise pulumi.RunError(
            f"cannot read the secret {name} in this stack's account and region: {error}\n"
            f"  It is shared by all stacks and no stack owns it. To make it, run: regcred sync --stack {stack}\n"
            "  Reading it needs secretsmanager:DescribeSecret and secretsmanager:GetResourcePolicy."
        ) from error


def rule_owner(configured: str | None) -> str:
    """Who makes this stack's cache rule: regcred (the default) or pulumi (with `rules: pulumi` in regcred.yaml)."""
    owner = configured or OWNERS[0]
    if owner not in OWNERS:
        raise pulumi.RunError(f"cacheRuleOwner is {owner!r}, not one of: {', '.join(OWNERS)}")
    return owner


def check_rule(prefix: str, secret: SharedSecret, stack: str) -> None:
    """Looks up the rule that regcred ensures, and ends the run if it is missing or reads another secret or registry."""
    command = f"regcred sync --stack {stack}"
    try:
        rule = aws.ecr.get_pull_through_cache_rule(ecr_repository_prefix=prefix)
    except Exception as error:
        raise pulumi.RunError(f"cannot read the cache rule {prefix}: {error}\n  To make it, run: {command}") from error
    for what, found, wanted in (
        ("the secret", rule.credential_arn, secret.arn),
        ("the registry", rule.upstream_registry_url, UPSTREAM),
    ):
        if found != wanted:
            raise pulumi.RunError(
                f"the cache rule {prefix} uses {what} {found or '(none)'}, not {wanted}\n  See what is wrong: regcred plan --stack {stack}"
            )


def own_rule(prefix: str, secret: SharedSecret) -> None:
    """Makes the rule a resource of this stack."""
    aws.ecr.PullThroughCacheRule(
        "docker-hub",
        ecr_repository_prefix=prefix,
        upstream_registry_url=UPSTREAM,
        credential_arn=secret.arn,
        # A prefix is taken until its rule is deleted, so a replacement cannot be made first.
        opts=pulumi.ResourceOptions(delete_before_replace=True),
    )


def days(configured: int | None) -> int:
    """How many days a cached image is kept."""
    value = DAYS if configured is None else configured
    if value < 1:
        raise pulumi.RunError(f"cacheDays is {value}; at least 1 is needed")
    return value


def creation_template(prefix: str, keep_days: int) -> None:
    """What ECR makes of each new repository under the prefix: without a lifecycle policy it would grow for ever.

    No tags and no key of our own: ECR then makes repositories only with a role of ours, and pulls fail without one.
    """
    expiry = {
        "rulePriority": 1,
        "description": f"cached more than {keep_days} days ago",
        "selection": {"tagStatus": "any", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": keep_days},
        "action": {"type": "expire"},
    }
    aws.ecr.RepositoryCreationTemplate(
        "cached-repositories",
        prefix=prefix,
        applied_fors=["PULL_THROUGH_CACHE"],
        description="Repositories of the pull-through cache",
        # The cache renews a tag when upstream moves it; immutable tags would stop that.
        image_tag_mutability="MUTABLE",
        lifecycle_policy=json.dumps({"rules": [expiry]}),
    )


def pull_policy(prefix: str, secret: SharedSecret) -> str:
    """The permissions to pull through the cache, which include making a repository and filling it at the first pull."""
    repositories = f"arn:{secret.partition}:ecr:{secret.region}:{secret.account}:repository/{prefix}/*"
    actions = [
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:BatchImportUpstreamImage",
        "ecr:CreateRepository",
        "ecr:GetDownloadUrlForLayer",
    ]
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": ["ecr:GetAuthorizationToken"], "Resource": "*"},
                {"Effect": "Allow", "Action": actions, "Resource": repositories},
            ],
        }
    )


def allow_pulls(role: str, prefix: str, secret: SharedSecret) -> None:
    """Lets a role pull through the cache."""
    aws.iam.RolePolicy("pull-through-cache", role=role, policy=pull_policy(prefix, secret))
