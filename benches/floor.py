"""How fast a run can be at all: what is compared with, worked out from what has to wait for what, and from published limits."""

from dataclasses import dataclass

# GitHub's secondary limits (docs.github.com, "Rate limits for the REST API"): requests that create content, by one login.
WRITES_A_MINUTE, WRITES_AN_HOUR, POINTS_A_MINUTE = 80, 500, 900
# What regcred asks for at once, unless --concurrency says otherwise.
AT_ONCE = 16


@dataclass(frozen=True)
class Chain:
    """Requests of which each needs the answer to the one before."""

    run: str
    steps: tuple[str, ...]


# A registry's challenge names its token service; only that service judges the credential; and nothing is written before that.
PROOF = ("registry: challenge", "token service: login", "registry: quota, with the token")
CHAINS = [
    Chain(
        "cold",
        (
            *PROOF,
            "CreateSecret, without a value",
            "PutResourcePolicy: nobody else reads it from then on",
            "PutSecretValue",
            "CreatePullThroughCacheRule: it has the secret's ARN, and ECR reads the value",
            "ValidatePullThroughCacheRule: the proof of the place",
        ),
    ),
    Chain("in sync", PROOF),
    Chain(
        "changed",
        (
            *PROOF,
            "DELETE of GitHub's record: while the secrets change it vouches for nothing",
            "PUT of the secrets, for which the key can be read meanwhile",
            "POST of the record",
        ),
    ),
]


def seconds(chain, latency_ms):
    """So long the answers of a chain take."""
    return len(chain.steps) * latency_ms / 1000


def writes_at_github(count):
    """The seconds until the last of so many writes may begin: 80 at once in each minute, 500 in each hour."""
    last = count - 1
    return last // WRITES_AN_HOUR * 3600 + last % WRITES_AN_HOUR // WRITES_A_MINUTE * 60


def reads_at_github(count):
    """The same of requests that read, which are a point each."""
    return (count - 1) // POINTS_A_MINUTE * 60
