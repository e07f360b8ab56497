#!/usr/bin/env bash
# Shows the report as one comment of the pull request: the first run makes it, later ones edit it.
set -euo pipefail

# Without a plan, the run ended before it had one, and has said why.
if [ ! -s "$REPORT" ]; then exit 0; fi
marker='<!-- regcred plan -->'
comments=repos/$GITHUB_REPOSITORY/issues/$NUMBER/comments
body=$RUNNER_TEMP/regcred-comment.md
# A comment takes 65,536 characters.
{ echo "$marker"; head -c 60000 "$REPORT"; } >"$body"

mine=".[] | select(.user.login == \"github-actions[bot]\" and (.body | startswith(\"$marker\"))) | .id"
ids=$(gh api --paginate "$comments" --jq "$mine")
first=${ids%%$'\n'*}
if [ -n "$first" ]; then
    gh api --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$first" --field "body=@$body" --silent
else
    gh api --method POST "$comments" --field "body=@$body" --silent
fi
