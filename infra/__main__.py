"""A stack's side of the pull-through cache: what it reads, what it owns, and the address to pull from.

The secret with the registry's credential is shared by all stacks of an account and region, so none of them may own it:
a second stack could not create it, and the first one destroyed would take it from the others. `regcred sync` makes it.
"""

import pulumi

import cache
from prefixes import stack_prefix

config = pulumi.Config()
stack = pulumi.get_stack()
prefix = config.get("ecrRepositoryPrefix") or stack_prefix(stack)

secret = cache.shared_secret(config.get("secretName") or cache.SECRET_NAME, stack)
if cache.rule_owner(config.get("cacheRuleOwner")) == "pulumi":
    cache.own_rule(prefix, secret)
else:
    cache.check_rule(prefix, secret, stack)
cache.creation_template(prefix, cache.days(config.get_int("cacheDays")))
if role := config.get("pullRole"):
    cache.allow_pulls(role, prefix, secret)

pulumi.export("cacheRegistry", secret.registry + "/" + prefix)
pulumi.export("pullPolicy", cache.pull_policy(prefix, secret))
