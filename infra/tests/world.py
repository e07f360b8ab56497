"""Runs the program against an account that is a few dictionaries: no CLI, no network, no login."""

import json
import pathlib
import runpy

import pulumi
from pulumi.runtime import mocks

PROGRAM = pathlib.Path(__file__).parents[1] / "__main__.py"
SECRET = "arn:aws:secretsmanager:us-east-2:123456789012:secret:ecr-pullthroughcache/docker-hub-AbC123"
RULE = {"credentialArn": SECRET, "upstreamRegistryUrl": "registry-1.docker.io"}

GET_SECRET = "aws:secretsmanager/getSecret:getSecret"
GET_RULE = "aws:ecr/getPullThroughCacheRule:getPullThroughCacheRule"


class Account(pulumi.runtime.Mocks):
    """What can be looked up, by what it is asked with; what the program looked up and made."""

    def __init__(self, secrets=None, rules=None):
        self.found = {
            (GET_SECRET, "name"): {"ecr-pullthroughcache/docker-hub": {"arn": SECRET}} if secrets is None else secrets,
            (GET_RULE, "ecrRepositoryPrefix"): {"dev-docker-hub": RULE} if rules is None else rules,
        }
        self.made = {}
        self.looked_up = []

    def call(self, args):
        self.looked_up.append(args.token)
        for (token, key), things in self.found.items():
            if token == args.token:
                thing = things.get(args.args[key])
                return (thing, []) if thing else ({}, [("", f"no {args.args[key]} (ResourceNotFoundException)")])
        raise AssertionError(f"the program called {args.token}")

    def new_resource(self, args):
        # Not the stack itself, which is a resource too.
        if args.custom:
            self.made[args.typ] = args.inputs
        return f"{args.name}-id", args.inputs

    def only(self, typ):
        return self.made[typ]


@pulumi.runtime.test
def program():
    runpy.run_path(str(PROGRAM))


def run(account, stack="dev", **config):
    """Runs the program to its end and returns what it exports."""
    mocks.set_mocks(account, project="registry-cache", stack=stack)
    pulumi.runtime.set_all_config({f"registry-cache:{key}": value for key, value in config.items()})
    exports = {}
    export, pulumi.export = pulumi.export, exports.__setitem__
    try:
        program()
    finally:
        pulumi.export = export
    return exports


def statements(policy):
    return json.loads(policy)["Statement"]
