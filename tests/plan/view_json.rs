//! How the same rich plan looks to machines.

use regcred::view::json;

use crate::view::render;

#[test]
#[expect(clippy::too_many_lines, reason = "the document is as long as it is")]
fn machines_see_it_as_one_json_document() {
    let text = render(|shown, _| json::plan(shown));
    assert_eq!(text.lines().count(), 1);
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&value).unwrap(), @r#"
{
  "changes": [
    {
      "action": "unread",
      "address": "aws:?/eu-west-1/policy/ecr-pullthroughcache/docker-hub",
      "after": [],
      "credentials": [
        "docker-hub"
      ],
      "hint": "log in (aws sso login, or export AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)",
      "reason": "sts:GetCallerIdentity: ExpiredToken: The <security> token | included in the request is expired",
      "stacks": [
        "lab"
      ]
    },
    {
      "action": "unread",
      "address": "aws:?/eu-west-1/secret/ecr-pullthroughcache/docker-hub",
      "after": [],
      "credentials": [
        "docker-hub"
      ],
      "hint": "log in (aws sso login, or export AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)",
      "reason": "sts:GetCallerIdentity: ExpiredToken: The <security> token | included in the request is expired",
      "stacks": [
        "lab"
      ]
    },
    {
      "action": "unread",
      "address": "aws:?/eu-west-1/cache-rule/lab-docker-hub",
      "after": [],
      "credentials": [
        "docker-hub"
      ],
      "hint": "log in (aws sso login, or export AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)",
      "reason": "sts:GetCallerIdentity: ExpiredToken: The <security> token | included in the request is expired",
      "stacks": [
        "lab"
      ]
    },
    {
      "access": {
        "kept_out": [],
        "readers": [
          {
            "arn": "arn:aws:iam::123456789012:role/aws-service-role/pullthroughcache.ecr.amazonaws.com/AWSServiceRoleForECRPullThroughCache",
            "name": "ECR"
          },
          {
            "arn": "arn:aws:iam::123456789012:user/regcred",
            "name": "user regcred"
          }
        ],
        "statement": {
          "Action": "secretsmanager:GetSecretValue",
          "Condition": {
            "ArnNotLike": {
              "aws:PrincipalArn": [
                "arn:aws:iam::123456789012:role/aws-service-role/pullthroughcache.ecr.amazonaws.com/AWSServiceRoleForECRPullThroughCache",
                "arn:aws:iam::123456789012:user/regcred"
              ]
            }
          },
          "Effect": "Deny",
          "Principal": "*",
          "Resource": "*",
          "Sid": "RegcredOnlyEcrPullThroughCacheReads"
        },
        "unknown": []
      },
      "action": "keep",
      "address": "aws:123456789012/us-east-2/policy/ecr-pullthroughcache/docker-hub",
      "after": [],
      "credentials": [
        "docker-hub"
      ],
      "reason": "in sync",
      "stacks": [
        "main"
      ]
    },
    {
      "action": "update",
      "address": "aws:123456789012/us-east-2/secret/ecr-pullthroughcache/docker-hub",
      "after": [
        "aws:123456789012/us-east-2/policy/ecr-pullthroughcache/docker-hub"
      ],
      "credentials": [
        "docker-hub"
      ],
      "reason": "holds another value",
      "stacks": [
        "main"
      ]
    },
    {
      "action": "update",
      "address": "aws:123456789012/us-east-2/cache-rule/main-docker-hub",
      "after": [
        "aws:123456789012/us-east-2/secret/ecr-pullthroughcache/docker-hub"
      ],
      "credentials": [
        "docker-hub"
      ],
      "reason": "reads another secret",
      "stacks": [
        "main"
      ]
    },
    {
      "access": {
        "kept_out": [],
        "readers": [
          {
            "arn": "arn:aws:iam::123456789012:role/aws-service-role/pullthroughcache.ecr.amazonaws.com/AWSServiceRoleForECRPullThroughCache",
            "name": "ECR"
          },
          {
            "arn": "arn:aws:iam::123456789012:user/regcred",
            "name": "user regcred",
            "runner": true
          }
        ],
        "statement": {
          "Action": "secretsmanager:GetSecretValue",
          "Condition": {
            "ArnNotLike": {
              "aws:PrincipalArn": [
                "arn:aws:iam::123456789012:role/aws-service-role/pullthroughcache.ecr.amazonaws.com/AWSServiceRoleForECRPullThroughCache",
                "arn:aws:iam::123456789012:user/regcred"
              ]
            }
          },
          "Effect": "Deny",
          "Principal": "*",
          "Resource": "*",
          "Sid": "RegcredOnlyEcrPullThroughCacheReads"
        },
        "unknown": []
      },
      "action": "create",
      "address": "aws:123456789012/us-west-2/policy/ecr-pullthroughcache/docker-hub",
      "after": [],
      "credentials": [
        "docker-hub"
      ],
      "reason": "absent",
      "stacks": [
        "dev"
      ]
    },
    {
      "action": "create",
      "address": "aws:123456789012/us-west-2/secret/ecr-pullthroughcache/docker-hub",
      "after": [
        "aws:123456789012/us-west-2/policy/ecr-pullthroughcache/docker-hub"
      ],
      "credentials": [
        "docker-hub"
      ],
      "reason": "absent",
      "stacks": [
        "dev"
      ]
    },
    {
      "action": "blocked",
      "address": "aws:123456789012/us-west-2/cache-rule/dev-docker-hub",
      "after": [
        "aws:123456789012/us-west-2/secret/ecr-pullthroughcache/docker-hub"
      ],
      "credentials": [
        "docker-hub"
      ],
      "hint": "give the stack another `prefix:` in regcred.yaml",
      "reason": "the prefix is taken by a rule for ghcr.io",
      "stacks": [
        "dev"
      ]
    },
    {
      "action": "update",
      "address": "github:acme/api/actions/DOCKER_HUB_TOKEN",
      "after": [],
      "credentials": [
        "docker-hub"
      ],
      "reason": "the record is of another credential",
      "stacks": []
    },
    {
      "action": "update",
      "address": "github:acme/api/actions/DOCKER_HUB_USERNAME",
      "after": [],
      "credentials": [
        "docker-hub"
      ],
      "reason": "the record is of another credential",
      "stacks": []
    },
    {
      "action": "update",
      "address": "github:acme/api/variables/DOCKER_HUB_SYNC",
      "after": [
        "github:acme/api/actions/DOCKER_HUB_TOKEN",
        "github:acme/api/actions/DOCKER_HUB_USERNAME"
      ],
      "credentials": [
        "docker-hub"
      ],
      "reason": "records what this run writes",
      "stacks": []
    },
    {
      "action": "blocked",
      "address": "github:acme/web/actions/DOCKER_HUB_TOKEN",
      "after": [],
      "credentials": [
        "docker-hub"
      ],
      "hint": "unarchive the repository, or leave it out of regcred.yaml",
      "reason": "the repository is archived, so read-only",
      "stacks": []
    },
    {
      "action": "blocked",
      "address": "github:acme/web/actions/DOCKER_HUB_USERNAME",
      "after": [],
      "credentials": [
        "docker-hub"
      ],
      "hint": "unarchive the repository, or leave it out of regcred.yaml",
      "reason": "the repository is archived, so read-only",
      "stacks": []
    },
    {
      "action": "blocked",
      "address": "github:acme/web/variables/DOCKER_HUB_SYNC",
      "after": [],
      "credentials": [
        "docker-hub"
      ],
      "hint": "unarchive the repository, or leave it out of regcred.yaml",
      "reason": "the repository is archived, so read-only",
      "stacks": []
    }
  ],
  "cost": {
    "points": 21,
    "requests": 13,
    "seconds": 1
  },
  "credentials": [
    {
      "fingerprint": "abababab",
      "name": "docker-hub",
      "registry": "docker.io",
      "source": "pulumi:infra/main",
      "username": "acme"
    }
  ],
  "digest": "cc9ba6ee95a430f0f4ed47a32db94a2b32ee2dcde7a341978a60fcfcc2eedb2c",
  "format": 1,
  "notes": [
    "no cache rule for scratch: no aws:region in the stack file or the project",
    "cache rules used now: 1 of 50 in 123456789012/us-east-2, 1 of 50 in 123456789012/us-west-2"
  ],
  "proof": {
    "docker-hub": {
      "kind": "Docker personal access token",
      "limit": 200,
      "ok": true,
      "remaining": 197,
      "window_s": 21600
    }
  },
  "summary": {
    "blocked": 4,
    "create": 2,
    "delete": 0,
    "keep": 1,
    "refresh": 0,
    "replace": 0,
    "unread": 3,
    "update": 5
  }
}
"#);
}
