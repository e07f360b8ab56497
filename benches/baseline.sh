#!/usr/bin/env bash
# What people use today: aws for every region, gh for every repository, one call after another. It cannot read GitHub's
# secrets back, so it writes them on every run; it proves nothing, and stops half-way at the first failure.
#
#   USERNAME=… TOKEN=… baseline.sh OWNER/REPO… STACK=REGION…
set -euo pipefail
secret=ecr-pullthroughcache/docker-hub
value=$(printf '{"username":"%s","accessToken":"%s"}' "$USERNAME" "$TOKEN")
role='arn:aws:iam::*:role/aws-service-role/pullthroughcache.ecr.amazonaws.com/AWSServiceRoleForECRPullThroughCache'

in_region() {
    local stack=$1
    # Version 1 of the command line reads the one, everything else the other.
    export AWS_DEFAULT_REGION=$2 AWS_REGION=$2
    me=$(aws sts get-caller-identity --query Arn --output text)
    if arn=$(aws secretsmanager describe-secret --secret-id "$secret" --query ARN --output text 2>/dev/null); then
        aws secretsmanager put-secret-value --secret-id "$secret" --secret-string "$value" >/dev/null
    else
        arn=$(aws secretsmanager create-secret --name "$secret" --secret-string "$value" --query ARN --output text)
    fi
    policy='{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"secretsmanager:GetSecretValue","Resource":"*",
        "Condition":{"ArnNotLike":{"aws:PrincipalArn":["'$role'","'$me'"]}}}]}'
    aws secretsmanager put-resource-policy --secret-id "$secret" --resource-policy "$policy" >/dev/null
    if ! aws ecr describe-pull-through-cache-rules --ecr-repository-prefixes "$stack-docker-hub" >/dev/null 2>&1; then
        aws ecr create-pull-through-cache-rule --ecr-repository-prefix "$stack-docker-hub" \
            --upstream-registry-url registry-1.docker.io --upstream-registry docker-hub --credential-arn "$arn" >/dev/null
    fi
}

for place in "$@"; do
    case $place in
        *=*) in_region "${place%%=*}" "${place#*=}" ;;
        *)
            printf %s "$USERNAME" | gh secret set DOCKER_HUB_USERNAME --repo "$place"
            printf %s "$TOKEN" | gh secret set DOCKER_HUB_TOKEN --repo "$place"
            ;;
    esac
done
