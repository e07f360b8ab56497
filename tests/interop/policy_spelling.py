"""Holds the policies that regcred puts to a linter of IAM policies, parliament: known elements, actions, operators and keys.

    policy_spelling.py PAIRS

PAIRS is the file that iam_judge.cjs writes: policies of other people as they were, and with regcred's statement. Of that statement
parliament may have nothing to say, and of the whole nothing that it did not say before. Ends with 1 if it has.
"""

import json
import pathlib
import sys

import parliament

OURS = "RegcredOnlyEcrPullThroughCacheReads"


def findings(policy, statements):
    """What is wrong with some statements of a policy."""
    text = json.dumps({**policy, "Statement": statements})
    return {(finding.issue, str(finding.detail)) for finding in parliament.analyze_policy_string(text).findings}


def main():
    pairs = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
    wrong = 0
    for pair in pairs:
        before, after = pair["before"], pair["after"]
        ours = [statement for statement in after["Statement"] if statement["Sid"] == OURS]
        theirs = [statement for statement in after["Statement"] if statement["Sid"] != OURS]
        # The version is that of the others, whose texts may mean something else in a newer one.
        found = findings({**after, "Version": "2012-10-17"}, ours)
        if theirs:
            found |= findings(after, theirs) - findings(before, before["Statement"])
        wrong += bool(found) or len(ours) != 1
        if found:
            print(f"{sorted(found)}: {json.dumps(after)}")
    print(f"{len(pairs)} policies, {wrong} with something that parliament does not know")
    return 1 if wrong or not pairs else 0


if __name__ == "__main__":
    sys.exit(main())
