#!/usr/bin/env bash
# Runs regcred and leaves its result in the step summary. What machines need is read from files: GitHub takes masked
# values out of logs, and drops a job's output that holds one.
set -uo pipefail

refuse() { echo "::error::$1"; exit 3; }

# What sync carries out: exactly one of a digest, a plan and everything.
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
        "") refuse "sync needs what was approved: \`plan:\` the file of the plan, or \`expect:\` its digest; \`approve: all\` carries out whatever there is to do" ;;
        *) refuse "sync takes one approval, and here are several (${given[*]}): leave all but one out" ;;
    esac
    [ -n "$digest" ] || refuse "the digest that was approved is empty"
    options+=(--expect="$digest")
}

case $COMMAND in plan | sync | verify) ;; *) refuse "\`command:\` is plan, sync or verify" ;; esac
report=$RUNNER_TEMP/regcred-$COMMAND.md
document=$RUNNER_TEMP/regcred-plan.json
# What an earlier step of the job left is not this run's.
rm -f "$report"
options=(--no-input --color never)
if [ -n "$STACK" ]; then options+=(--stack "$STACK"); fi
if [ -n "$FILE" ]; then options+=(--file "$FILE"); fi

if [ -n "$TRUSTED" ]; then
    [ "$COMMAND" = plan ] || refuse "\`trusted:\` is for plan, and this is $COMMAND: what is not trusted is not carried out"
    options+=(--untrusted --trusted "$TRUSTED")
fi

status=0
if [ "$COMMAND" = plan ]; then
    rm -f "$document"
    regcred plan --detailed-exitcode --json --markdown="$report" "${options[@]}" >"$document" || status=$?
else
    if [ "$COMMAND" = sync ]; then approved; fi
    printf '### regcred %s\n\n```text\n' "$COMMAND" >"$report"
    regcred "$COMMAND" "${options[@]}" | tee -a "$report"
    status=${PIPESTATUS[0]}
    printf '```\n\nEnded with %s.\n' "$status" >>"$report"
fi
if [ -s "$report" ]; then cat "$report" >>"$GITHUB_STEP_SUMMARY"; fi
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
