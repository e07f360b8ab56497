"""A stack's repository prefix: the same rule as regcred's, held to the same cases (tests/fixtures/prefixes.json)."""

import hashlib
import re

# A prefix is at most 30 characters (ECR's API reference, PullThroughCacheRuleRepositoryPrefix); the suffix takes 11.
SUFFIX = "-docker-hub"
SLUG_LIMIT = 19
SLUG_HEAD = 12
SLUG_HASH = 6


def slug(stack: str) -> str:
    """The stack's name in lower case, words joined by one `-`; over 19 characters its first 12, `-` and 6 hexadecimal
    digits of the whole's SHA-256."""
    words = "-".join(re.findall("[a-z0-9]+", stack.lower()))
    if len(words) <= SLUG_LIMIT:
        return words
    return f"{words[:SLUG_HEAD]}-{hashlib.sha256(words.encode()).hexdigest()[:SLUG_HASH]}"


def stack_prefix(stack: str) -> str:
    """`main` gives `main-docker-hub`. Raises ValueError for a name without any letter or digit."""
    head = slug(stack)
    if not head:
        raise ValueError(f"the stack's name {stack!r} gives no repository prefix: set ecrRepositoryPrefix")
    return head + SUFFIX
