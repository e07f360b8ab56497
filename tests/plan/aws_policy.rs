//! The policy that lets only ECR read.

use regcred::change::{Access, Action, ReasonKind};
use regcred::plan::Plan;
use regcred::targets::aws::policy::{self, Guard};
use regcred::targets::aws::{self, Exempt, Identity};
use serde_json::{Value, json};

use crate::case::*;
use crate::scenarios;

const SECRET_ARN: &str =
    "arn:aws:secretsmanager:us-east-2:123456789012:secret:ecr-pullthroughcache/docker-hub-AbCdEf";
const ROLE: &str = "arn:aws:iam::123456789012:role/deploy";

fn identity(arn: &str) -> Identity {
    Identity { account: ACCOUNT.to_owned(), arn: arn.to_owned() }
}

fn nobody_listed() -> Exempt {
    Exempt { listed: None, allowed: false }
}

fn guard<'a>(found: Option<&str>, exempt: &'a Exempt, identity: &'a Identity) -> Guard<'a> {
    Guard::new(found, exempt, identity, Some(SECRET_ARN)).unwrap()
}

fn merged(found: Option<&str>, exempt: &Exempt, identity: &Identity) -> String {
    guard(found, exempt, identity).merged()
}

fn judge(found: Option<&str>, exempt: &Exempt, identity: &Identity) -> policy::Verdict {
    guard(found, exempt, identity).verdict()
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// The policy that regcred puts, with one thing about our statement changed.
fn changed(change: impl FnOnce(&mut Value)) -> String {
    let mut document = parsed(&merged(None, &nobody_listed(), &identity(USER)));
    change(&mut document["Statement"][0]);
    document.to_string()
}

fn exempted(statement: &Value) -> Vec<String> {
    let list = statement["Condition"]["ArnNotLike"]["aws:PrincipalArn"].as_array().unwrap();
    list.iter().map(|item| item.as_str().unwrap().to_owned()).collect()
}

/// The plan where the secret is in place, and its policy is this.
fn plan_with(policy: &str) -> Plan {
    let mut case = Case::in_place();
    case.set_policy(Some(policy));
    case.plan()
}

/// Who may read, as the policy's row says.
fn access(plan: &Plan) -> &Access {
    row(plan, POLICY).access.as_ref().expect("the policy's row says who may read")
}

/// A foreign statement that lets `principals` read.
fn allow(principals: Value) -> Value {
    json!({
        "Sid": "Theirs", "Effect": "Allow", "Principal": { "AWS": principals },
        "Action": "secretsmanager:GetSecretValue", "Resource": "*",
    })
}

fn document(statements: &[Value]) -> String {
    json!({ "Version": "2012-10-17", "Statement": statements }).to_string()
}

#[test]
fn our_statement_denies_reading_to_all_but_ecr_and_its_maker_and_denies_nothing_else() {
    let document = parsed(&merged(None, &nobody_listed(), &identity(USER)));
    assert_eq!(
        document,
        json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Sid": "RegcredOnlyEcrPullThroughCacheReads",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "secretsmanager:GetSecretValue",
                "Resource": "*",
                "Condition": { "ArnNotLike": { "aws:PrincipalArn": [
                    "arn:aws:iam::123456789012:role/aws-service-role/pullthroughcache.ecr.amazonaws.com/AWSServiceRoleForECRPullThroughCache",
                    USER,
                ] } },
            }],
        })
    );
}

#[test]
fn an_assumed_role_is_exempted_with_and_without_a_path_and_never_by_the_end_of_its_name() {
    let caller = "arn:aws:sts::123456789012:assumed-role/deploy/session";
    let patterns = policy::patterns(caller);
    assert_eq!(patterns, [ROLE, "arn:aws:iam::123456789012:role/*/deploy"]);
    let document = parsed(&merged(None, &nobody_listed(), &identity(caller)));
    let exempted = exempted(&document["Statement"][0]);
    assert!(exempted.iter().all(|pattern| !pattern.contains("role/*deploy")), "{exempted:?}");
    assert!(patterns.iter().all(|pattern| exempted.contains(pattern)), "{exempted:?}");
}

#[test]
fn users_and_roles_by_their_iam_arn_are_exempted_as_they_are() {
    for arn in [USER, ROLE, "arn:aws:iam::123456789012:role/team/deploy", "arn:aws-cn:iam::1:role/x"] {
        assert_eq!(policy::patterns(arn), [arn]);
    }
}

#[test]
fn foreign_statements_stay_as_they_were_and_in_their_order() {
    let theirs = [
        allow(json!(ROLE)),
        json!({ "Sid": "Other", "Effect": "Deny", "Principal": "*", "Action": "secretsmanager:DeleteSecret", "Resource": "*" }),
    ];
    let before = document(&theirs);
    let after = parsed(&merged(Some(&before), &nobody_listed(), &identity(USER)));
    assert_eq!(after["Statement"].as_array().unwrap()[..2], theirs);
    assert_eq!(after["Statement"].as_array().unwrap().len(), 3);
}

#[test]
fn our_own_older_statement_is_replaced_and_not_added_to() {
    let older = changed(|statement| statement["Effect"] = json!("Allow"));
    let after = parsed(&merged(Some(&older), &nobody_listed(), &identity(USER)));
    assert_eq!(after["Statement"].as_array().unwrap().len(), 1);
    assert_eq!(after["Statement"][0]["Effect"], "Deny");
}

#[test]
fn principals_that_iam_shows_as_dead_are_dropped_and_the_living_stay() {
    let before =
        document(&[allow(json!(["AROAEXAMPLEEXAMPLE000", ROLE])), allow(json!("AIDAEXAMPLEEXAMPLE000"))]);
    let after = parsed(&merged(Some(&before), &nobody_listed(), &identity(USER)));
    assert_eq!(after["Statement"].as_array().unwrap().len(), 2, "a statement of the dead only is left out");
    assert_eq!(after["Statement"][0]["Principal"]["AWS"], json!([ROLE]));
}

#[test]
fn a_policy_means_the_same_in_other_spellings() {
    let spellings: [fn(&mut Value); 6] = [
        |statement| statement["Principal"] = json!({ "AWS": "*" }),
        |statement| statement["Principal"] = json!({ "AWS": ["*"] }),
        |statement| statement["Action"] = json!(["SecretsManager:getSecretValue"]),
        |statement| statement["Resource"] = json!(["*"]),
        |statement| {
            statement["Condition"]["ArnNotLike"]["aws:PrincipalArn"].as_array_mut().unwrap().reverse()
        },
        |statement| {
            let list = statement["Condition"]["ArnNotLike"]["aws:PrincipalArn"].take();
            statement["Condition"] = json!({ "ArnNotEquals": { "AWS:principalarn": list } });
        },
    ];
    for (number, spelling) in spellings.into_iter().enumerate() {
        let verdict = judge(Some(&changed(spelling)), &nobody_listed(), &identity(USER));
        assert_eq!(verdict, policy::Verdict::InSync, "spelling {number}");
    }
    let mut single = parsed(&changed(|_| ()));
    single["Statement"] = single["Statement"][0].take();
    let single = single.to_string();
    assert_eq!(judge(Some(&single), &nobody_listed(), &identity(USER)), policy::Verdict::InSync, "{single}");
}

/// Each way in which our statement can stop to keep others out, or start to keep out too much.
#[expect(clippy::too_many_lines, reason = "a table with a row for each way")]
fn weakened() -> Vec<(&'static str, String)> {
    fn exempting(pattern: &str) -> String {
        changed(|statement| {
            let list = statement["Condition"]["ArnNotLike"]["aws:PrincipalArn"].as_array_mut().unwrap();
            list.push(json!(pattern));
        })
    }
    fn under(operator: &str) -> String {
        changed(|statement| {
            let condition = statement["Condition"].as_object_mut().unwrap();
            let keys = condition.remove("ArnNotLike").unwrap();
            condition.insert(operator.to_owned(), keys);
        })
    }
    vec![
        ("an empty list lets nobody out", under("ForAllValues:ArnNotLike")),
        ("one of several is enough", under("ForAnyValue:ArnNotEquals")),
        ("the effect", changed(|statement| statement["Effect"] = json!("Allow"))),
        ("one principal only", changed(|statement| statement["Principal"] = json!({ "AWS": USER }))),
        ("services only", changed(|statement| statement["Principal"] = json!({ "Service": "*" }))),
        ("more is denied", changed(|statement| statement["Action"] = json!("secretsmanager:*"))),
        (
            "something beside is denied",
            changed(|statement| {
                statement["Action"] =
                    json!(["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"]);
            }),
        ),
        ("nothing is denied", changed(|statement| statement["Action"] = json!([]))),
        (
            "no action",
            changed(|statement| {
                statement.as_object_mut().unwrap().remove("Action");
            }),
        ),
        (
            "all but an action",
            changed(|statement| {
                statement.as_object_mut().unwrap().remove("Action");
                statement["NotAction"] = json!("secretsmanager:GetSecretValue");
            }),
        ),
        (
            "all but a principal",
            changed(|statement| {
                statement.as_object_mut().unwrap().remove("Principal");
                statement["NotPrincipal"] = json!({ "AWS": USER });
            }),
        ),
        (
            "another resource",
            changed(|statement| statement["Resource"] = json!("arn:aws:secretsmanager:us-east-2:1:secret:x")),
        ),
        (
            "no condition",
            changed(|statement| {
                statement.as_object_mut().unwrap().remove("Condition");
            }),
        ),
        (
            "one more operator",
            changed(|statement| {
                statement["Condition"]["StringEquals"] = json!({ "aws:RequestedRegion": "eu-west-1" });
            }),
        ),
        (
            "one more key",
            changed(|statement| {
                statement["Condition"]["ArnNotLike"]["aws:SourceArn"] =
                    json!("arn:aws:iam::123456789012:role/x");
            }),
        ),
        (
            "the opposite operator",
            changed(|statement| {
                let keys = statement["Condition"]["ArnNotLike"].take();
                statement["Condition"] = json!({ "ArnLike": keys });
            }),
        ),
        (
            "an operator that lets the absent through",
            changed(|statement| {
                let keys = statement["Condition"]["ArnNotLike"].take();
                statement["Condition"] = json!({ "ForAllValues:ArnNotLike": keys });
            }),
        ),
        (
            "another key",
            changed(|statement| {
                let list = statement["Condition"]["ArnNotLike"]["aws:PrincipalArn"].take();
                statement["Condition"] = json!({ "ArnNotLike": { "aws:SourceArn": list } });
            }),
        ),
        (
            "ECR is locked out",
            changed(|statement| {
                statement["Condition"]["ArnNotLike"]["aws:PrincipalArn"] = json!([USER]);
            }),
        ),
        ("everybody", exempting("*")),
        ("everybody, as an ARN", exempting("arn:aws:iam::*:*")),
        ("every role", exempting("arn:aws:iam::123456789012:role/*")),
        ("every role with a path", exempting("arn:aws:iam::123456789012:role/*/*")),
        ("roles that end alike", exempting("arn:aws:iam::123456789012:role/*deploy")),
        ("roles that begin alike", exempting("arn:aws:iam::123456789012:role/deploy*")),
        ("one letter open", exempting("arn:aws:iam::123456789012:role/deplo?")),
        ("a policy variable", exempting("arn:aws:iam::123456789012:user/${aws:username}")),
        ("a tag of the principal", exempting("arn:aws:iam::123456789012:role/${aws:PrincipalTag/r}")),
        ("a variable after any path", exempting("arn:aws:iam::123456789012:role/*/${aws:PrincipalTag/r}")),
        ("any partition", exempting("arn:*:iam::123456789012:role/deploy")),
        ("another account", exempting("arn:aws:iam::222222222222:role/deploy")),
        ("another service", exempting("arn:aws:s3::123456789012:role/deploy")),
    ]
}

#[test]
fn every_way_of_weakening_our_statement_is_seen_and_mended() {
    for (how, policy) in weakened() {
        let plan = plan_with(&policy);
        let row = row(&plan, POLICY);
        assert_eq!(
            (row.action, ReasonKind::from(&row.reason)),
            (Action::Update, ReasonKind::Weakened),
            "{how}"
        );
        let mended = merged(Some(&policy), &nobody_listed(), &identity(USER));
        assert_eq!(judge(Some(&mended), &nobody_listed(), &identity(USER)), policy::Verdict::InSync, "{how}");
    }
}

scenarios! {
    fn a_missing_policy_is_made_and_who_loses_access_is_said() -> Plan {
        let mut case = Case::in_place();
        case.set_policy(None);
        let plan = case.plan();
        expect(&plan, POLICY, Action::Create, ReasonKind::Unrestricted);
        let words = row(&plan, POLICY).reason.to_string();
        assert_eq!(words, "everybody else in the account loses read access");
        assert_eq!(access(&plan).words(), "may be read by ECR, whoever runs sync (now user regcred)");
        expect(&plan, SECRET, Action::Keep, ReasonKind::InSync);
        plan
    }

    fn a_policy_of_other_people_gets_our_statement_beside_theirs() -> Plan {
        let plan = plan_with(&document(&[allow(json!(ROLE))]));
        expect(&plan, POLICY, Action::Update, ReasonKind::Unrestricted);
        plan
    }

    fn a_weakened_policy_is_mended() -> Plan {
        let plan = plan_with(&weakened()[0].1);
        expect(&plan, POLICY, Action::Update, ReasonKind::Weakened);
        plan
    }

    fn on_a_secret_that_regcred_did_not_make_those_who_could_read_keep_access() -> Plan {
        let mut case = Case::in_place();
        case.secret().ours = false;
        case.set_policy(Some(&document(&[allow(json!([ROLE, "arn:aws:iam::123456789012:root"]))])));
        let plan = case.plan();
        expect(&plan, POLICY, Action::Update, ReasonKind::Unrestricted);
        let words = row(&plan, POLICY).reason.to_string();
        assert!(words.contains("did not make"), "{words}");
        let kept_out = "; kept out: this account (statement Theirs allows it)";
        assert_eq!(access(&plan).words(), format!("may be read by ECR, role deploy, whoever runs sync (now user regcred){kept_out}"));
        let next = case.applied();
        let statements = parsed(&next.policy().unwrap())["Statement"].clone();
        assert_eq!(exempted(&statements[1]).iter().filter(|arn| *arn == ROLE).count(), 1);
        plan
    }

    fn on_a_secret_of_our_own_an_allow_of_others_does_not_open_it() -> Plan {
        let mut case = Case::in_place();
        case.set_policy(Some(&document(&[allow(json!(ROLE))])));
        let next = case.applied();
        let statements = parsed(&next.policy().unwrap())["Statement"].clone();
        assert!(!exempted(&statements[1]).contains(&ROLE.to_owned()));
        case.plan()
    }

    fn without_lists_another_persons_run_leaves_the_makers_exemption() -> Plan {
        let mut case = Case::in_place();
        let other = identity("arn:aws:sts::123456789012:assumed-role/ci/run");
        case.observed.aws.identities.insert(session(REGION), Ok(other));
        let plan = case.plan();
        expect(&plan, POLICY, Action::Keep, ReasonKind::InSync);
        plan
    }

    fn a_provisioner_or_reader_that_the_file_lists_is_let_in() -> Plan {
        let mut case = Case::in_place();
        case.desired.places.aws[0].provisioners = Some(vec![USER.to_owned()]);
        case.desired.places.aws[0].readers = Some(vec![ROLE.to_owned()]);
        let plan = case.plan();
        expect(&plan, POLICY, Action::Update, ReasonKind::Exemptions);
        assert_eq!(row(&plan, POLICY).reason.to_string(), "lets role deploy read");
        expect_still(&case.applied().plan());
        plan
    }

    fn a_principal_that_the_file_no_longer_lists_is_shut_out() -> Plan {
        let mut case = Case::in_place();
        case.desired.places.aws[0].readers = Some(vec![ROLE.to_owned(), USER.to_owned()]);
        let mut case = case.applied();
        case.desired.places.aws[0].readers = Some(vec![ROLE.to_owned()]);
        let plan = case.plan();
        expect(&plan, POLICY, Action::Update, ReasonKind::Exemptions);
        assert_eq!(row(&plan, POLICY).reason.to_string(), "no longer lets user regcred read");
        plan
    }

    fn an_empty_list_lets_only_ecr_in() -> Plan {
        let mut case = Case::empty();
        case.desired.places.aws[0].provisioners = Some(Vec::new());
        let next = case.applied();
        let statements = parsed(&next.policy().unwrap())["Statement"].clone();
        assert_eq!(exempted(&statements[0]), [policy::ecr_role(&identity(USER))]);
        expect_still(&next.plan());
        case.plan()
    }

    fn a_policy_that_is_in_place_stays_while_the_value_changes() -> Plan {
        let mut case = Case::in_place();
        case.hold_another();
        let plan = case.plan();
        expect(&plan, POLICY, Action::Keep, ReasonKind::InSync);
        assert!(matches!(row(&plan, SECRET).operation, Some(regcred::systems::Operation::Aws(aws::Operation::MakeCurrent { .. }))));
        plan
    }
}
