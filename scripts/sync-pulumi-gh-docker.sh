#!/bin/sh
# The name that people know: Docker Hub's credential from Pulumi config to AWS and GitHub.
cd "$(dirname "$0")/.." && exec regcred sync "$@"
