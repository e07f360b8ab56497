"""What the program owns, what it only reads, and what it says if something is missing."""

import json
import unittest

import pulumi

from tests.world import GET_RULE, GET_SECRET, RULE, SECRET, Account, run, statements

TEMPLATE = "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate"
RULE_TYPE = "aws:ecr/pullThroughCacheRule:PullThroughCacheRule"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"


class Program(unittest.TestCase):
    def test_the_secret_is_looked_up_and_never_owned_whatever_the_configuration(self):
        for config in ({}, {"cacheRuleOwner": "regcred"}, {"cacheRuleOwner": "pulumi"}, {"pullRole": "nodes"}):
            account = Account()
            run(account, **config)
            self.assertIn(GET_SECRET, account.looked_up)
            self.assertLessEqual(set(account.made), {TEMPLATE, RULE_TYPE, ROLE_POLICY}, config)

    def test_a_missing_secret_ends_the_run_with_the_command_that_makes_it_and_nothing_is_made(self):
        account = Account(secrets={})
        with self.assertRaisesRegex(pulumi.RunError, "regcred sync --stack dev"):
            run(account)
        self.assertEqual(account.made, {})

    def test_a_secret_that_cannot_be_read_is_told_with_the_cause(self):
        with self.assertRaisesRegex(pulumi.RunError, "ResourceNotFoundException"):
            run(Account(secrets={}))

    def test_by_default_the_rule_is_only_looked_up(self):
        account = Account()
        run(account)
        self.assertIn(GET_RULE, account.looked_up)
        self.assertNotIn(RULE_TYPE, account.made)

    def test_a_missing_rule_ends_the_run_with_the_command_that_makes_it(self):
        account = Account(rules={})
        with self.assertRaisesRegex(pulumi.RunError, "dev-docker-hub.*\n.*regcred sync --stack dev"):
            run(account)
        self.assertEqual(account.made, {})

    def test_a_rule_on_another_secret_or_registry_ends_the_run(self):
        for change in ({"credentialArn": SECRET + "x"}, {"credentialArn": ""}, {"upstreamRegistryUrl": "quay.io"}):
            with self.assertRaisesRegex(pulumi.RunError, "regcred plan --stack dev"):
                run(Account(rules={"dev-docker-hub": RULE | change}))

    def test_a_stack_can_own_its_rule(self):
        account = Account(rules={})
        run(account, cacheRuleOwner="pulumi")
        self.assertEqual(
            account.only(RULE_TYPE),
            {
                "ecrRepositoryPrefix": "dev-docker-hub",
                "upstreamRegistryUrl": "registry-1.docker.io",
                "credentialArn": SECRET,
            },
        )
        self.assertNotIn(GET_RULE, account.looked_up)

    def test_another_owner_is_refused_before_anything_is_made(self):
        account = Account()
        with self.assertRaisesRegex(pulumi.RunError, "terraform.*regcred, pulumi"):
            run(account, cacheRuleOwner="terraform")
        self.assertEqual(account.made, {})

    def test_the_registry_is_in_the_secrets_own_account_and_region(self):
        exports = run(Account())
        self.assertEqual(exports["cacheRegistry"], "123456789012.dkr.ecr.us-east-2.amazonaws.com/dev-docker-hub")

    def test_a_prefix_of_ones_own_is_used_everywhere(self):
        account = Account(rules={"team/hub": RULE})
        exports = run(account, ecrRepositoryPrefix="team/hub", pullRole="nodes")
        self.assertTrue(exports["cacheRegistry"].endswith("/team/hub"))
        self.assertEqual(account.only(TEMPLATE)["prefix"], "team/hub")
        self.assertIn("repository/team/hub/*", account.only(ROLE_POLICY)["policy"])

    def test_cached_images_expire(self):
        account = Account()
        run(account, cacheDays="7")
        template = account.only(TEMPLATE)
        (rule,) = json.loads(template["lifecyclePolicy"])["rules"]
        self.assertEqual(rule["selection"]["countNumber"], 7)
        self.assertEqual(rule["action"], {"type": "expire"})
        self.assertEqual(template["appliedFors"], ["PULL_THROUGH_CACHE"])

    def test_the_template_needs_no_role_of_ours(self):
        account = Account()
        run(account)
        # ECR refuses to make a repository with tags or a key where the template names no role.
        self.assertFalse({"resourceTags", "encryptionConfigurations", "customRoleArn"} & set(account.only(TEMPLATE)))

    def test_days_below_one_are_refused(self):
        with self.assertRaisesRegex(pulumi.RunError, "cacheDays"):
            run(Account(), cacheDays="0")

    def test_a_role_may_pull_make_repositories_and_fill_them_and_nothing_more(self):
        account = Account()
        exports = run(account, pullRole="nodes")
        given = account.only(ROLE_POLICY)
        self.assertEqual(given["role"], "nodes")
        self.assertEqual(given["policy"], exports["pullPolicy"])
        login, pull = statements(given["policy"])
        self.assertEqual(login["Action"], ["ecr:GetAuthorizationToken"])
        self.assertEqual(pull["Resource"], "arn:aws:ecr:us-east-2:123456789012:repository/dev-docker-hub/*")
        self.assertEqual(
            sorted(pull["Action"]),
            [
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:BatchImportUpstreamImage",
                "ecr:CreateRepository",
                "ecr:GetDownloadUrlForLayer",
            ],
        )
