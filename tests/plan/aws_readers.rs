//! Who may read the secret, by what other people's statements say of it.

use regcred::change::{Access, Action, ReasonKind};
use regcred::plan::Plan;
use regcred::targets::aws::Identity;
use regcred::targets::aws::policy::ecr_role;
use serde_json::{Value, json};

use crate::case::*;
use crate::scenarios;

const DEAD: &str = "AROAEXAMPLEEXAMPLE000";
const DEPLOY: &str = "arn:aws:iam::123456789012:role/deploy";
const READ: &str = "secretsmanager:GetSecretValue";

/// The plan where regcred has made the secret and its policy, and other people have added these statements.
fn beside_ours(statements: &[Value]) -> Plan {
    case_beside_ours(statements).plan()
}

fn case_beside_ours(statements: &[Value]) -> Case {
    let mut case = Case::in_place();
    let mut policy = policy_of(&case);
    policy["Statement"].as_array_mut().unwrap().extend_from_slice(statements);
    case.set_policy(Some(&policy.to_string()));
    case
}

/// A secret that somebody else made, with this policy.
fn made_by_others(statements: &[Value]) -> Case {
    let mut case = Case::in_place();
    case.secret().ours = false;
    case.set_policy(Some(&json!({ "Version": "2012-10-17", "Statement": statements }).to_string()));
    case
}

fn policy_of(case: &Case) -> Value {
    serde_json::from_str(&case.policy().unwrap()).unwrap()
}

fn statement(effect: &str, principals: &Value, actions: &Value) -> Value {
    json!({ "Sid": "Theirs", "Effect": effect, "Principal": principals, "Action": actions, "Resource": "*" })
}

fn deny_all_but(principals: &[&str]) -> Value {
    json!({
        "Sid": "Theirs", "Effect": "Deny", "NotPrincipal": { "AWS": principals }, "Action": READ, "Resource": "*",
    })
}

fn ecr() -> String {
    ecr_role(&Identity { account: ACCOUNT.to_owned(), arn: USER.to_owned() })
}

fn access(plan: &Plan) -> &Access {
    row(plan, POLICY).access.as_ref().unwrap()
}

fn readers(plan: &Plan) -> Vec<&str> {
    access(plan).readers.iter().map(|reader| reader.name.as_str()).collect()
}

/// What is put in the place of a policy of other people, without our statement.
fn foreign_after(statements: &[Value]) -> Vec<Value> {
    let case = made_by_others(statements).applied();
    expect_still(&case.plan());
    let mut statements = policy_of(&case)["Statement"].as_array().unwrap().clone();
    statements.pop().unwrap();
    statements
}

#[test]
fn every_way_to_deny_ecr_blocks_the_row_and_names_the_statement() {
    let everybody = json!("*");
    let mut ways = vec![
        statement("Deny", &everybody, &json!("secretsmanager:Get*Value")),
        statement("Deny", &everybody, &json!(["s3:*", "SecretsManager:get?ecretValue"])),
        statement("Deny", &everybody, &json!("*")),
        statement("Deny", &json!({ "AWS": ecr() }), &json!(READ)),
        statement("Deny", &json!({ "AWS": ACCOUNT }), &json!(READ)),
        statement("Deny", &json!({ "AWS": format!("arn:aws:iam::{ACCOUNT}:root") }), &json!(READ)),
        deny_all_but(&[DEPLOY]),
        deny_all_but(&[DEPLOY, ACCOUNT]),
        deny_all_but(&[DEAD]),
    ];
    let conditions = [
        json!({ "StringNotEquals": { "aws:PrincipalArn": DEPLOY } }),
        json!({ "ArnNotLike": { "aws:PrincipalArn": ["arn:aws:iam::*:role/deploy", "arn:aws:iam::*:user/*"] } }),
        json!({ "StringNotEquals": { "aws:SourceAccount": ACCOUNT } }),
        json!({ "Null": { "aws:username": "true" } }),
        json!({ "StringLike": { "aws:PrincipalArn": "*${aws:PrincipalAccount}:role/aws-service-role/*" } }),
        json!({ "Bool": { "aws:PrincipalIsAWSService": false, "aws:ViaAWSService": "false" } }),
    ];
    ways.extend(conditions.map(|condition| {
        let mut deny = statement("Deny", &everybody, &json!(READ));
        deny["Condition"] = condition;
        deny
    }));
    let mut not_action = statement("Deny", &everybody, &json!(READ));
    not_action["NotAction"] = json!("secretsmanager:Describe*");
    not_action.as_object_mut().unwrap().remove("Action");
    ways.push(not_action);
    let mut resource = statement("Deny", &everybody, &json!(READ));
    resource["Resource"] = json!(format!("arn:aws:secretsmanager:*:{ACCOUNT}:secret:ecr-pullthroughcache/*"));
    ways.push(resource);
    for way in ways {
        let plan = beside_ours(std::slice::from_ref(&way));
        expect(&plan, POLICY, Action::Blocked, ReasonKind::EcrShutOut);
        let row = row(&plan, POLICY);
        assert!(row.reason.to_string().contains("statement Theirs"), "{way}");
        assert!(row.reason.hint().unwrap().contains("statement Theirs"), "{way}");
        assert!(!readers(&plan).contains(&"ECR"), "{way}");
    }
}

#[test]
fn what_denies_others_or_something_else_leaves_ecr_its_access() {
    let mut ways = vec![
        statement("Deny", &json!({ "Service": "lambda.amazonaws.com" }), &json!(READ)),
        statement("Deny", &json!({ "AWS": [DEAD, "222222222222"] }), &json!(READ)),
        statement("Deny", &json!("*"), &json!("secretsmanager:*Policy")),
        deny_all_but(&["*"]),
    ];
    let conditions = [
        json!({ "ArnNotLike": { "aws:PrincipalArn": [format!("arn:aws:iam::{ACCOUNT}:role/aws-service-role/*"), USER] } }),
        json!({ "StringNotEquals": { "aws:PrincipalAccount": ACCOUNT } }),
        json!({ "Bool": { "aws:SecureTransport": "false" } }),
        json!({ "StringEquals": { "aws:SourceAccount": ACCOUNT } }),
        json!({ "ForAnyValue:StringNotEquals": { "aws:SourceAccount": ACCOUNT } }),
        json!({ "ArnLike": { "aws:PrincipalArn": "arn:aws:iam::*:user/${aws:username}x" }, "Null": { "aws:username": "false" } }),
    ];
    ways.extend(conditions.map(|condition| {
        let mut deny = statement("Deny", &json!("*"), &json!(READ));
        deny["Condition"] = condition;
        deny
    }));
    let mut not_action = statement("Deny", &json!("*"), &json!([]));
    not_action["NotAction"] = json!(["secretsmanager:Get*", "secretsmanager:Put*"]);
    not_action.as_object_mut().unwrap().remove("Action");
    ways.push(not_action);
    let mut resource = statement("Deny", &json!("*"), &json!(READ));
    resource["NotResource"] = json!("arn:aws:secretsmanager:*:123456789012:secret:ecr-pullthroughcache/*");
    resource.as_object_mut().unwrap().remove("Resource");
    ways.push(resource);
    for way in ways {
        let plan = beside_ours(std::slice::from_ref(&way));
        assert_eq!(row(&plan, POLICY).action, Action::Keep, "{way}");
        assert_eq!(readers(&plan).first(), Some(&"ECR"), "{way}: {}", access(&plan).words());
    }
}

#[test]
fn what_depends_on_the_request_is_said_and_is_no_obstacle() {
    let conditions = [
        (json!({ "StringNotEquals": { "aws:SourceVpce": "vpce-1" } }), "aws:SourceVpce"),
        (json!({ "NotIpAddress": { "aws:SourceIp": "10.0.0.0/8" } }), "aws:SourceIp"),
        (json!({ "ArnAlmost": { "aws:PrincipalArn": "*" } }), "ArnAlmost"),
        (
            json!({ "ArnNotLike": { "aws:PrincipalArn": "arn:aws:iam::*:role/${aws:PrincipalTag/team}" } }),
            "${aws:PrincipalTag/team}",
        ),
    ];
    for (condition, on) in conditions {
        let mut deny = statement("Deny", &json!("*"), &json!(READ));
        deny["Condition"] = condition;
        let plan = beside_ours(&[deny]);
        expect(&plan, POLICY, Action::Keep, ReasonKind::InSync);
        let unknown = &access(&plan).unknown;
        assert!(
            unknown[0].name == "ECR"
                && unknown[0].why.starts_with("statement Theirs")
                && unknown[0].why.contains(on),
            "{unknown:?}"
        );
        assert!(row(&plan, POLICY).is_news(), "a row that is kept is shown for it");
    }
    let plan = beside_ours(&[deny_all_but(&[&ecr(), ACCOUNT])]);
    assert!(access(&plan).words().contains("not known: ECR (statement Theirs: the name of the session"));
}

#[test]
fn somebody_whom_our_statement_exempts_and_another_denies_is_kept_out() {
    let plan = beside_ours(&[statement("Deny", &json!({ "AWS": USER }), &json!("secretsmanager:*"))]);
    assert_eq!(
        access(&plan).words(),
        "may be read by ECR; kept out: user regcred (statement Theirs denies it)"
    );
}

#[test]
fn a_role_whose_path_is_not_known_may_be_the_one_that_a_statement_names() {
    let mut case = Case::in_place();
    let caller = "arn:aws:sts::123456789012:assumed-role/deploy/session".to_owned();
    case.desired.places.aws[0].readers = Some(vec![caller]);
    let deny = statement("Deny", &json!({ "AWS": "arn:aws:iam::123456789012:role/ci/deploy" }), &json!(READ));
    case.set_policy(Some(&json!({ "Version": "2012-10-17", "Statement": [deny] }).to_string()));
    let plan = case.plan();
    let unknown = "may be read by ECR; not known: role deploy (statement Theirs: the path of the role)";
    assert_eq!(access(&plan).words(), unknown);
}

#[test]
fn a_reader_of_another_account_needs_an_allow_too() {
    let other = "arn:aws:iam::222222222222:role/app";
    let mut case = Case::in_place();
    case.desired.places.aws[0].readers = Some(vec![other.to_owned()]);
    let kept_out = "role app of account 222222222222 (no statement allows another account's)";
    assert_eq!(access(&case.plan()).kept_out[0].to_string(), kept_out);
    let allow = statement("Allow", &json!({ "AWS": "222222222222" }), &json!(READ));
    case.set_policy(Some(&json!({ "Version": "2012-10-17", "Statement": [allow] }).to_string()));
    assert_eq!(readers(&case.plan()), ["ECR", "role app of account 222222222222"]);
}

#[test]
fn nothing_foreign_is_lost_or_widened_when_the_dead_are_left_out() {
    let lambda = json!("lambda.amazonaws.com");
    let cases = [
        (
            statement("Allow", &json!({ "AWS": DEAD, "Service": lambda }), &json!(READ)),
            Some(statement("Allow", &json!({ "Service": lambda }), &json!(READ))),
        ),
        (
            statement("Allow", &json!({ "AWS": [DEAD, DEPLOY] }), &json!(READ)),
            Some(statement("Allow", &json!({ "AWS": [DEPLOY] }), &json!(READ))),
        ),
        (statement("Allow", &json!({ "AWS": DEAD }), &json!(READ)), None),
        (
            json!({ "Sid": "Theirs", "Effect": "Deny", "NotPrincipal": { "AWS": [DEAD, DEPLOY, ACCOUNT] },
                    "Action": "secretsmanager:DeleteSecret", "Resource": "*" }),
            Some(json!({ "Sid": "Theirs", "Effect": "Deny", "NotPrincipal": { "AWS": [DEPLOY, ACCOUNT] },
                         "Action": "secretsmanager:DeleteSecret", "Resource": "*" })),
        ),
        (
            json!({ "Sid": "Theirs", "Effect": "Deny", "NotPrincipal": { "AWS": DEAD },
                    "Action": "secretsmanager:DeleteSecret", "Resource": "*" }),
            Some(statement("Deny", &json!("*"), &json!("secretsmanager:DeleteSecret"))),
        ),
        (
            statement("Allow", &json!({ "AWS": DEAD, "CanonicalUser": "79a59d" }), &json!(READ)),
            Some(statement("Allow", &json!({ "CanonicalUser": "79a59d" }), &json!(READ))),
        ),
        (
            json!({ "Sid": "Theirs", "Effect": "Deny", "NotPrincipal": { "AWS": [DEAD], "Service": lambda },
                    "Action": "secretsmanager:DeleteSecret", "Resource": "*" }),
            Some(json!({ "Sid": "Theirs", "Effect": "Deny", "NotPrincipal": { "Service": lambda },
                         "Action": "secretsmanager:DeleteSecret", "Resource": "*" })),
        ),
    ];
    for (before, after) in cases {
        let plan = made_by_others(std::slice::from_ref(&before)).plan();
        let words = row(&plan, POLICY).reason.to_string();
        let goes = if after.is_none() { ", which is about nobody else and goes" } else { "" };
        assert!(words.ends_with(&format!("are left out: {DEAD} (in statement Theirs{goes})")), "{words}");
        assert_eq!(foreign_after(&[before]), after.into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn on_a_secret_of_other_people_those_keep_access_who_could_read_by_name() {
    let allows = |actions: Value| statement("Allow", &json!({ "AWS": DEPLOY }), &actions);
    let but = |actions: &str| json!({ "Sid": "Theirs", "Effect": "Allow", "Principal": { "AWS": DEPLOY }, "NotAction": actions, "Resource": "*" });
    let denied = statement("Deny", &json!({ "AWS": DEPLOY }), &json!(READ));
    let mut elsewhere = allows(json!(READ));
    elsewhere["Resource"] = json!("arn:aws:secretsmanager:us-east-2:123456789012:secret:other-AbCdEf");
    let cases: [(&str, Vec<Value>, bool); 7] = [
        ("a wildcard within the action", vec![allows(json!("secretsmanager:Get*Value"))], true),
        ("all but another action", vec![but("secretsmanager:PutSecretValue")], true),
        ("all but reading", vec![but(READ)], false),
        ("another action", vec![allows(json!("secretsmanager:DescribeSecret"))], false),
        ("another secret", vec![elsewhere], false),
        ("allowed and denied", vec![allows(json!(READ)), denied], false),
        ("everything", vec![allows(json!("*"))], true),
    ];
    for (how, statements, keeps) in cases {
        let case = made_by_others(&statements);
        assert_eq!(readers(&case.plan()).contains(&"role deploy"), keeps, "{how}");
        let exempted =
            policy_of(&case.applied())["Statement"].as_array().unwrap().last().unwrap().to_string();
        assert_eq!(exempted.contains(DEPLOY), keeps, "{how}");
        expect_still(&case.applied().plan());
    }
}

#[test]
fn the_digest_is_of_who_may_read_and_not_of_who_runs_it() {
    let digest = |case: &Case| case.plan().digest();
    let mut case = made_by_others(&[statement("Allow", &json!({ "AWS": DEPLOY }), &json!(READ))]);
    let before = digest(&case);
    for arn in ["arn:aws:sts::123456789012:assumed-role/ci/run", DEPLOY] {
        case.observed
            .aws
            .identities
            .insert(session(REGION), Ok(Identity { account: ACCOUNT.to_owned(), arn: arn.to_owned() }));
        assert_eq!(digest(&case), before, "{arn}");
    }
    let other = "arn:aws:iam::123456789012:role/other";
    let more = made_by_others(&[statement("Allow", &json!({ "AWS": [DEPLOY, other] }), &json!(READ))]);
    assert_ne!(digest(&more), before);
}

scenarios! {
    fn a_statement_that_keeps_ecr_out_is_named_and_blocks() -> Plan {
        let plan = beside_ours(&[deny_all_but(&[DEPLOY, USER])]);
        expect(&plan, POLICY, Action::Blocked, ReasonKind::EcrShutOut);
        plan
    }

    fn a_principal_that_somebody_added_to_our_statement_is_shown_by_name() -> Plan {
        let mut case = Case::in_place();
        let mut policy = policy_of(&case);
        let list = policy["Statement"][0]["Condition"]["ArnNotLike"]["aws:PrincipalArn"].as_array_mut().unwrap();
        list.push(json!("arn:aws:iam::123456789012:role/mallory"));
        case.set_policy(Some(&policy.to_string()));
        let plan = case.plan();
        expect(&plan, POLICY, Action::Keep, ReasonKind::InSync);
        let words = "may be read by ECR, role mallory, user regcred; the file lists no readers, so all of them stay";
        assert_eq!(access(&plan).words(), words);
        assert!(row(&plan, POLICY).is_news(), "it is shown though nothing is done");
        assert_ne!(plan.digest(), Case::in_place().plan().digest());
        plan
    }

    fn a_policy_that_is_none_is_unread_and_not_replaced() -> Plan {
        let mut case = Case::in_place();
        case.set_policy(Some("{\"Statement\":[1]}"));
        let plan = case.plan();
        expect(&plan, POLICY, Action::Unread, ReasonKind::Unreadable);
        plan
    }
}
