//! Every AWS request is held to the service's own model.

use serde_json::{Value, json};

use crate::client::{Aws, NAME, start, version};

#[test]
fn what_the_model_forbids_is_refused_and_kept_as_a_violation() {
    let sandbox = start();
    let aws = Aws::new(&sandbox);
    let arn = aws.make_secret();
    let too_short = json!({ "SecretId": NAME, "SecretString": "x", "ClientRequestToken": "short" });
    let too_long =
        json!({ "SecretId": NAME, "SecretString": "x".repeat(65_537), "ClientRequestToken": version("b") });
    let refused: [(&str, Value, &str); 4] = [
        ("PutSecretValue", too_short, "ValidationException"),
        ("PutSecretValue", too_long, "ValidationException"),
        ("DescribeSecret", json!({}), "ValidationException"),
        ("DescribeSecret", json!({ "SecretId": 5 }), "SerializationException"),
    ];
    for (operation, input, code) in refused {
        assert_eq!(aws.secrets(operation, &input).unwrap_err().code, code, "{operation}");
    }
    assert_eq!(aws.make_rule("Capital", &arn).unwrap_err().code, "InvalidParameterException");
    assert_eq!(aws.make_rule(&"x".repeat(31), &arn).unwrap_err().code, "InvalidParameterException");
    let foreign = "arn:aws:secretsmanager:us-east-2:123456789012:secret:other/docker-hub-AbCdEf";
    assert_eq!(aws.make_rule("main", foreign).unwrap_err().code, "InvalidParameterException");
    assert_eq!(sandbox.violations().len(), 7);
}

#[test]
fn a_member_that_the_model_does_not_have_is_ignored_and_kept_as_a_violation() {
    let sandbox = start();
    let aws = Aws::new(&sandbox);
    aws.make_secret();
    assert!(aws.secrets("DescribeSecret", &json!({ "SecretId": NAME, "SecretID": NAME })).is_ok());
    assert_eq!(
        sandbox.violations(),
        ["DescribeSecret: 'SecretID' failed to satisfy constraint: unknown member"]
    );
}

#[test]
fn a_secrets_name_has_only_the_documented_characters() {
    let sandbox = start();
    let error = Aws::new(&sandbox).secrets("CreateSecret", &json!({ "Name": "a b" })).unwrap_err();
    assert_eq!(error.code, "ValidationException");
    assert!(error.message.starts_with("Invalid name."));
}

#[test]
fn an_operation_that_is_not_there_is_named_unknown() {
    let sandbox = start();
    let error = Aws::new(&sandbox).secrets("RotateSecret", &json!({ "SecretId": NAME })).unwrap_err();
    assert_eq!(error.code, "UnknownOperationException");
}

#[test]
fn good_requests_leave_no_violation() {
    let sandbox = start();
    let aws = Aws::new(&sandbox);
    let arn = aws.make_secret();
    aws.make_rule("main-docker-hub", &arn).unwrap();
    assert!(sandbox.violations().is_empty());
}
