//! Secrets Manager: values and staging labels.

use regcred_sandbox::{Clock, Sandbox};
use serde_json::{Value, json};

use crate::client::{ACCOUNT, Aws, AwsError, NAME, REGION, start, version};

fn put(aws: &Aws<'_>, value: &str, letter: &str) -> Result<Value, AwsError> {
    let input = json!({ "SecretId": NAME, "SecretString": value, "ClientRequestToken": version(letter) });
    aws.secrets("PutSecretValue", &input)
}

/// Version letter -> labels, as DescribeSecret shows them.
fn stages(aws: &Aws<'_>) -> Value {
    aws.secrets("DescribeSecret", &json!({ "SecretId": NAME })).unwrap()["VersionIdsToStages"].clone()
}

fn with_values(sandbox: &Sandbox, letters: &[&str]) {
    let aws = Aws::new(sandbox);
    aws.secrets("CreateSecret", &json!({ "Name": NAME })).unwrap();
    letters.iter().for_each(|letter| drop(put(&aws, letter, letter).unwrap()));
}

#[test]
fn the_first_value_becomes_current_and_the_next_one_moves_the_labels() {
    let sandbox = start();
    with_values(&sandbox, &["a", "b", "c"]);
    let expected = json!({ version("c"): ["AWSCURRENT"], version("b"): ["AWSPREVIOUS"] });
    assert_eq!(stages(&Aws::new(&sandbox)), expected);
}

#[test]
fn the_same_value_under_the_same_token_changes_nothing() {
    let sandbox = start();
    with_values(&sandbox, &["a"]);
    let reply = put(&Aws::new(&sandbox), "a", "a").unwrap();
    assert_eq!(reply["VersionStages"], json!(["AWSCURRENT"]));
    assert_eq!(sandbox.state().aws.secret(ACCOUNT, REGION, NAME).unwrap().versions.len(), 1);
}

#[test]
fn an_earlier_value_put_again_is_ignored_and_current_does_not_move_back() {
    let sandbox = start();
    with_values(&sandbox, &["a", "b"]);
    let aws = Aws::new(&sandbox);
    let reply = put(&aws, "a", "a").unwrap();
    assert_eq!(reply["VersionStages"], json!(["AWSPREVIOUS"]));
    assert_eq!(aws.secrets("GetSecretValue", &json!({ "SecretId": NAME })).unwrap()["SecretString"], "b");
}

#[test]
fn another_value_under_a_used_token_is_refused() {
    let sandbox = start();
    with_values(&sandbox, &["a"]);
    let error = put(&Aws::new(&sandbox), "other", "a").unwrap_err();
    assert_eq!(error.code, "ResourceExistsException");
    assert!(error.message.starts_with("You can't use ClientRequestToken"));
}

fn move_current(aws: &Aws<'_>, to: &str, from: Option<&str>) -> Result<Value, AwsError> {
    let mut input = json!({ "SecretId": NAME, "VersionStage": "AWSCURRENT", "MoveToVersionId": version(to) });
    from.iter().for_each(|from| input["RemoveFromVersionId"] = version(from).into());
    aws.secrets("UpdateSecretVersionStage", &input)
}

#[test]
fn moving_current_without_naming_its_holder_is_refused_with_the_holders_id() {
    let sandbox = start();
    with_values(&sandbox, &["a", "b"]);
    let error = move_current(&Aws::new(&sandbox), "a", None).unwrap_err();
    assert_eq!(error.code, "InvalidParameterException");
    assert_eq!(
        error.message,
        format!(
            "The parameter RemoveFromVersionId can't be empty. Staging label AWSCURRENT is currently attached to version {}, \
             so you must explicitly reference that version in RemoveFromVersionId.",
            version("b")
        )
    );
}

#[test]
fn moving_current_from_a_version_that_does_not_hold_it_is_refused() {
    let sandbox = start();
    with_values(&sandbox, &["a", "b", "c"]);
    assert_eq!(
        move_current(&Aws::new(&sandbox), "a", Some("b")).unwrap_err().code,
        "InvalidParameterException"
    );
}

#[test]
fn moving_current_back_takes_previous_along() {
    let sandbox = start();
    with_values(&sandbox, &["a", "b"]);
    let aws = Aws::new(&sandbox);
    move_current(&aws, "a", Some("b")).unwrap();
    assert_eq!(stages(&aws), json!({ version("a"): ["AWSCURRENT"], version("b"): ["AWSPREVIOUS"] }));
}

#[test]
fn current_cannot_be_taken_away_and_a_version_must_exist_to_get_it() {
    let sandbox = start();
    with_values(&sandbox, &["a"]);
    let aws = Aws::new(&sandbox);
    let input =
        json!({ "SecretId": NAME, "VersionStage": "AWSCURRENT", "RemoveFromVersionId": version("a") });
    assert_eq!(
        aws.secrets("UpdateSecretVersionStage", &input).unwrap_err().code,
        "InvalidParameterException"
    );
    assert_eq!(move_current(&aws, "z", Some("a")).unwrap_err().code, "ResourceNotFoundException");
}

#[test]
fn a_value_put_as_pending_leaves_current_alone() {
    let sandbox = start();
    with_values(&sandbox, &["a"]);
    let aws = Aws::new(&sandbox);
    let mut input = json!({ "SecretId": NAME, "SecretString": "b", "ClientRequestToken": version("b") });
    input["VersionStages"] = json!(["AWSPENDING"]);
    aws.secrets("PutSecretValue", &input).unwrap();
    assert_eq!(stages(&aws), json!({ version("a"): ["AWSCURRENT"], version("b"): ["AWSPENDING"] }));
}

#[test]
fn a_version_without_labels_is_not_described_and_listed_only_on_request() {
    let sandbox = start();
    with_values(&sandbox, &["a", "b", "c"]);
    let aws = Aws::new(&sandbox);
    let count = |input: &Value| {
        aws.secrets("ListSecretVersionIds", input).unwrap()["Versions"].as_array().unwrap().len()
    };
    assert_eq!(stages(&aws).as_object().unwrap().len(), 2);
    assert_eq!(count(&json!({ "SecretId": NAME })), 2);
    assert_eq!(count(&json!({ "SecretId": NAME, "IncludeDeprecated": true })), 3);
}

#[test]
fn the_hundred_and_first_version_of_a_day_is_refused_and_the_next_day_replaces_an_old_one() {
    let sandbox = start();
    let aws = Aws::new(&sandbox);
    aws.secrets("CreateSecret", &json!({ "Name": NAME })).unwrap();
    let put = |number: u32| {
        let token = format!("{number:064}");
        aws.secrets(
            "PutSecretValue",
            &json!({ "SecretId": NAME, "SecretString": "x", "ClientRequestToken": token }),
        )
    };
    (0..100).for_each(|number| drop(put(number).unwrap()));
    assert_eq!(put(100).unwrap_err().code, "LimitExceededException");
    sandbox.state().clock = Clock { fixed: None, offset_ms: 25 * 3_600_000 };
    put(100).unwrap();
    assert_eq!(sandbox.state().aws.secret(ACCOUNT, REGION, NAME).unwrap().versions.len(), 100);
}
