#!/usr/bin/env bash
# Runs regcred and leaves its result in the step summary. A plan also says whether there is something to do.
set -uo pipefail

report=$RUNNER_TEMP/regcred-$COMMAND.md
options=(--no-input --color never)
if [ -n "$STACK" ]; then options+=(--stack "$STACK"); fi
if [ -n "$FILE" ]; then options+=(--file "$FILE"); fi

status=0
case $COMMAND in
    plan)
        regcred plan --detailed-exitcode --markdown "${options[@]}" >"$report" || status=$?
        ;;
    sync | verify)
        if [ "$COMMAND" = sync ] && [ -n "$EXPECT" ]; then options+=(--expect "$EXPECT"); fi
        if [ "$COMMAND" = sync ] && [ -z "$EXPECT" ]; then options+=(--yes); fi
        printf '### regcred %s\n\n```text\n' "$COMMAND" >"$report"
        regcred "$COMMAND" "${options[@]}" | tee -a "$report"
        status=${PIPESTATUS[0]}
        printf '```\n\nEnded with %s.\n' "$status" >>"$report"
        ;;
    *)
        echo "::error::command is $COMMAND, not plan, sync or verify"
        exit 3
        ;;
esac

cat "$report" >>"$GITHUB_STEP_SUMMARY"
if [ "$COMMAND" != plan ]; then exit "$status"; fi

differences=false
if grep -Eq '^([0-9].*[ ,])?[1-9][0-9]* to (create|update|replace|delete)\b' "$report"; then differences=true; fi
{
    echo "differences=$differences"
    echo "digest=$(sed -n 's/^Digest `\([0-9a-f]*\)`.*/\1/p' "$report")"
    if [ -s "$report" ]; then echo "report=$report"; fi
} >>"$GITHUB_OUTPUT"

# What is blocked or could not be read is in the plan. It holds up nothing else, and sync and verify end with it.
case $status in
    0 | 2) ;;
    5) echo "::warning::the plan has places that are blocked or could not be read" ;;
    *) exit "$status" ;;
esac
