#!/usr/bin/env bash
# Brings the stack files that a rotation has changed to a branch, and opens a pull request. They hold ciphertext alone, and
# nothing else is brought.
set -euo pipefail

refuse() { echo "::error::$1"; exit 3; }

[ -s "$PATCH" ] || refuse "there is no patch of a rotation"
git apply --index --whitespace=nowarn "$PATCH"
mapfile -d '' -t files < <(git diff --cached --name-only -z)
for file in "${files[@]}"; do
    case ${file##*/} in
        Pulumi.*.yaml | Pulumi.*.yml | Pulumi.*.json) ;;
        *) refuse "the patch changes $file, which is no stack file" ;;
    esac
done

# The same patch has the same branch: a job that runs again makes no second one.
branch=regcred/rotate-$(git hash-object "$PATCH" | cut -c 1-12)
title="Store the rotated token ($branch)"
run=$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID
body="\`regcred rotate\` has stored the new token here, encrypted as the old one was, and [spread it]($run):

$(printf -- '- `%s`\n' "${files[@]}")

The old one stays on until this is merged, as a deploy of the old file would spread it again. Then \`rotate\` runs once more."

# gh hands the job's token to git: it is in no file and no argument.
remote() { git -c credential.helper= -c credential.helper='!gh auth git-credential' "$@"; }

author=(-c user.name='github-actions[bot]' -c user.email='41898282+github-actions[bot]@users.noreply.github.com')
if ! remote ls-remote --exit-code origin "refs/heads/$branch" >/dev/null; then
    git "${author[@]}" commit -q -m "$title"
    remote push -q origin "HEAD:refs/heads/$branch"
fi
open=$(gh pr list --repo "$GITHUB_REPOSITORY" --head "$branch" --state all --json url --jq '.[].url')
if [ -n "$open" ]; then
    echo "$open"
    exit
fi
gh pr create --repo "$GITHUB_REPOSITORY" --base "$BASE" --head "$branch" --title "$title" --body "$body" || refuse \
    "the branch $branch is there, and no pull request: allow that in Settings, Actions, General, or open it by hand"
