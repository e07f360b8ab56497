"""The same as benches/baseline.sh, as a good engineer writes it in Python: boto3 and PyGithub, one thread for each place, and no
process for each call. GitHub's secrets cannot be read back, so they are written on every run.

    USERNAME=… TOKEN=… baseline.py OWNER/REPO… STACK=REGION…

GITHUB_API_URL and GITHUB_TOKEN, AWS_ENDPOINT_URL and AWS's own variables say where and who.
"""

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor

import boto3
import botocore.config
import botocore.exceptions
import github

SECRET = "ecr-pullthroughcache/docker-hub"
ECR = "arn:aws:iam::*:role/aws-service-role/pullthroughcache.ecr.amazonaws.com/AWSServiceRoleForECRPullThroughCache"
AT_ONCE = 16


def in_region(session, region, stacks, value):
    config = botocore.config.Config(max_pool_connections=AT_ONCE, retries={"mode": "standard"})
    client = lambda service: session.client(service, region_name=region, config=config)
    manager, ecr = client("secretsmanager"), client("ecr")
    me = client("sts").get_caller_identity()["Arn"]
    try:
        arn = manager.describe_secret(SecretId=SECRET)["ARN"]
        if manager.get_secret_value(SecretId=SECRET)["SecretString"] != value:
            manager.put_secret_value(SecretId=SECRET, SecretString=value)
    except manager.exceptions.ResourceNotFoundException:
        arn = manager.create_secret(Name=SECRET)["ARN"]
        deny = {
            "Effect": "Deny", "Principal": "*", "Action": "secretsmanager:GetSecretValue", "Resource": "*",
            "Condition": {"ArnNotLike": {"aws:PrincipalArn": [ECR, me]}},
        }
        policy = {"Version": "2012-10-17", "Statement": [deny]}
        manager.put_resource_policy(SecretId=SECRET, ResourcePolicy=json.dumps(policy))
        manager.put_secret_value(SecretId=SECRET, SecretString=value)
    rules = ecr.get_paginator("describe_pull_through_cache_rules").paginate().build_full_result()
    there = {rule["ecrRepositoryPrefix"] for rule in rules["pullThroughCacheRules"]}
    for stack in stacks:
        if f"{stack}-docker-hub" not in there:
            ecr.create_pull_through_cache_rule(
                ecrRepositoryPrefix=f"{stack}-docker-hub", upstreamRegistryUrl="registry-1.docker.io",
                upstreamRegistry="docker-hub", credentialArn=arn,
            )


def in_repository(hub, name, username, token):
    repository = hub.get_repo(name, lazy=True)
    repository.create_secret("DOCKER_HUB_USERNAME", username)
    repository.create_secret("DOCKER_HUB_TOKEN", token)


def main():
    username, token = os.environ["USERNAME"], os.environ["TOKEN"]
    value = json.dumps({"username": username, "accessToken": token}, separators=(",", ":"))
    names, regions = [], {}
    for place in sys.argv[1:]:
        stack, is_stack, region = place.partition("=")
        if is_stack:
            regions.setdefault(region, []).append(stack)
        else:
            names.append(place)
    session = boto3.Session()
    hub = github.Github(
        base_url=os.environ["GITHUB_API_URL"], auth=github.Auth.Token(os.environ["GITHUB_TOKEN"]),
        seconds_between_requests=None, seconds_between_writes=None, pool_size=AT_ONCE,
    )
    with ThreadPoolExecutor(AT_ONCE) as pool:
        jobs = [pool.submit(in_region, session, region, stacks, value) for region, stacks in regions.items()]
        jobs += [pool.submit(in_repository, hub, name, username, token) for name in names]
        for job in jobs:
            job.result()


if __name__ == "__main__":
    main()
