#!/usr/bin/env bash
# Runs regcred and leaves its result in the step summary. What machines need is read from files: GitHub takes masked
# values out of logs, and drops a job's output that holds one.
set -uo pipefail

refuse() { echo "::error::$1"; exit 3; }

# jq, but on Windows it ends lines with CR LF.
jq() { command jq "$@" | tr -d '\r'; }

# What sync and rotate carry out: exactly one of a digest, a plan and everything. Without one rotate shows its plan alone.
approved() {
    local given=(${EXPECT:+expect} ${PLAN:+plan} ${APPROVE:+approve}) digest
    case ${given[*]} in
        expect) digest=$EXPECT ;;
        plan) digest=$(jq -er '.digest | strings' "$PLAN") || refuse "the file in \`plan:\` is no document of regcred plan --json" ;;
        approve)
            [ "$APPROVE" = all ] || refuse "\`approve:\` knows one word: \`approve: all\`"
            options+=(--yes)
            return
            ;;
        "")
            if [ "$COMMAND" = rotate ]; then return; fi
            refuse "sync needs what was approved: \`plan:\` the file of the plan, or \`expect:\` its digest; \`approve: all\` carries out whatever there is to do"
            ;;
        *) refuse "$COMMAND takes one approval, and here are several (${given[*]}): leave all but one out" ;;
    esac
    [ -n "$digest" ] || refuse "the digest that was approved is empty"
    options+=(--expect="$digest")
}

# What a rotation is asked for. `from: stdin` reads the variable NEW_TOKEN.
asked() {
    if [ -n "$FROM" ]; then options+=(--from="$FROM"); fi
    if [ "$MINT" = true ]; then options+=(--mint); fi
    if [ -n "$OLD" ]; then options+=(--old="$OLD" --allow-delete); fi
    if [ -n "$DRAIN" ]; then options+=(--drain="$DRAIN"); fi
    if [ "$FROM" != stdin ]; then return; fi
    [ -n "$token" ] || refuse "\`from: stdin\` takes the variable NEW_TOKEN, which is empty"
    exec < <(printf '%s\n' "$token")
}

# Whether a plan was shown that nobody has approved yet; it is kept for the run that carries it out.
shown() {
    local digest
    [ -z "$EXPECT$PLAN$APPROVE" ] && [ "$status" = 3 ] || return
    digest=$(sed -n 's/.*regcred rotate.*--expect \([0-9a-f]\{12,64\}\).*/\1/p' "$said")
    [ -n "$digest" ] || return
    printf '{"digest":"%s"}\n' "$digest" >"$document"
    echo "plan=$document" >>"$GITHUB_OUTPUT"
}

# What a rotation stored in stack files under git, as a patch, if it did. They hold ciphertext; other sources do not.
stored() {
    local patch=$RUNNER_TEMP/regcred-stored.patch
    git diff --no-ext-diff --no-textconv --binary HEAD -- \
        ':(top,glob)**/Pulumi.*.yaml' ':(top,glob)**/Pulumi.*.yml' ':(top,glob)**/Pulumi.*.json' >"$patch"
    [ -s "$patch" ] || return
    echo "stored=$patch" >>"$GITHUB_OUTPUT"
}

rotated() {
    if shown; then
        echo "differences=true" >>"$GITHUB_OUTPUT"
        exit 0
    fi
    echo "differences=false" >>"$GITHUB_OUTPUT"
    if stored && [ "$status" = 5 ]; then
        echo "::warning::the old token stays on until what was stored is merged and rotate has run again"
        exit 0
    fi
}

# Plans each shard. One whose places cannot be read or written holds up no other: sync ends with it.
planned() {
    local plans=$RUNNER_TEMP/regcred-plans index ended plan
    rm -rf "$plans"
    mkdir -p "$plans"
    for ((index = 1; index <= SHARDS; index++)); do
        ended=0
        plan=$plans/shard-$index.json
        regcred plan --detailed-exitcode --json "${options[@]}" --shard "$index/$SHARDS" >"$plan" || ended=$?
        case $ended in
            0 | 2) continue ;;
            3 | 130) exit "$ended" ;;
        esac
        jq -e '[.proof[].ok] | all' "$plan" >/dev/null || exit "$ended"
        echo "::warning::the plan of shard $index has places that are blocked or could not be read"
    done
    merged "$plans"/shard-*.json
    jq -ers '"differences=\(map(.summary | .create + .update + .replace + .delete) | add > 0)"' "$plans"/shard-*.json \
        >>"$GITHUB_OUTPUT" || exit 1
    echo "plan=$plans" >>"$GITHUB_OUTPUT"
    exit 0
}

# Runs one shard. What it prints is kept for the report of all, also if it is ended before its end; the log has what happens.
sharded() {
    local stream=$RUNNER_TEMP/shard-${SHARD%%/*}.jsonl
    echo "stream=$stream" >>"$GITHUB_OUTPUT"
    regcred "$COMMAND" --json "${options[@]}" >"$stream"
    exit
}

# Shows what runs printed as one report.
merged() {
    regcred report --color never --markdown="$report" "$@"
    local ended=$?
    if [ -s "$report" ]; then cat "$report" >>"$GITHUB_STEP_SUMMARY"; fi
    return "$ended"
}

# No program gets it by the environment.
token=${NEW_TOKEN:-}
unset NEW_TOKEN
case $COMMAND in plan | sync | rotate | verify | report) ;; *) refuse "\`command:\` is plan, sync, rotate, verify or report" ;; esac
report=$RUNNER_TEMP/regcred-$COMMAND.md
document=$RUNNER_TEMP/regcred-plan.json
said=$RUNNER_TEMP/regcred-said
# What an earlier step of the job left is not this run's.
rm -f "$report" "$said"
if [ "$COMMAND" = report ]; then
    merged "$REPORTS"/*.jsonl
    exit
fi
options=(--no-input --color never)
if [ -n "$STACK" ]; then options+=(--stack "$STACK"); fi
if [ -n "$FILE" ]; then options+=(--file "$FILE"); fi
if [ -n "$CREDENTIAL" ]; then options+=(--credential "$CREDENTIAL"); fi

if [ -n "$TRUSTED" ]; then
    [ "$COMMAND" = plan ] || refuse "\`trusted:\` is for plan, and this is $COMMAND: what is not trusted is not carried out"
    options+=(--untrusted --trusted "$TRUSTED")
fi

if [ -n "$SHARD" ]; then
    case $COMMAND in sync | verify) ;; *) refuse "\`shard:\` is for sync and verify, and this is $COMMAND" ;; esac
    options+=(--shard "$SHARD")
fi

status=0
if [ -n "$SHARDS" ]; then
    [ "$COMMAND" = plan ] || refuse "\`shards:\` is for plan, and this is $COMMAND: it takes one as \`shard:\`"
    [[ $SHARDS =~ ^[1-9][0-9]{0,2}$ ]] || refuse "\`shards:\` is a number from 1 to 256"
    planned
elif [ -n "$SHARD" ]; then
    if [ "$COMMAND" = sync ]; then approved; fi
    sharded
elif [ "$COMMAND" = plan ]; then
    rm -f "$document"
    regcred plan --detailed-exitcode --json --markdown="$report" "${options[@]}" >"$document" || status=$?
else
    case $COMMAND in sync | rotate) approved ;; esac
    if [ "$COMMAND" = rotate ]; then asked; fi
    exec 4>&2
    if [ "$COMMAND" = rotate ] && [ -z "$EXPECT$PLAN$APPROVE" ]; then exec 4>"$said"; fi
    printf '### regcred %s\n\n```text\n' "$COMMAND" >"$report"
    regcred "$COMMAND" "${options[@]}" 2>&4 | tee -a "$report"
    status=${PIPESTATUS[0]}
    if [ -e "$said" ]; then cat "$said" >&2; fi
    printf '```\n\nEnded with %s.\n' "$status" >>"$report"
fi
if [ -s "$report" ]; then cat "$report" >>"$GITHUB_STEP_SUMMARY"; fi
if [ "$COMMAND" = rotate ]; then rotated; fi
if [ "$COMMAND" != plan ]; then exit "$status"; fi

if [ -s "$document" ]; then
    differences='.summary | .create + .update + .replace + .delete > 0'
    jq -er '"differences=\('"$differences"')\ndigest=\(.digest)"' "$document" >>"$GITHUB_OUTPUT" || exit 1
    echo "plan=$document" >>"$GITHUB_OUTPUT"
fi
# What is blocked or could not be read is in the plan. It holds up nothing else, and sync and verify end with it.
case $status in
    0 | 2) ;;
    5) echo "::warning::the plan has places that are blocked or could not be read" ;;
    *) exit "$status" ;;
esac
