//! Secrets Manager: who may read a value, and which policies are taken.

use regcred_sandbox::Sandbox;
use regcred_sandbox::aws::{AccessKey, Role, service_linked_role};
use serde_json::{Value, json};

use crate::client::{ACCOUNT, Aws, AwsError, NAME, REGION, start, start_with};

fn only(readers: &[&str]) -> Value {
    deny("secretsmanager:GetSecretValue", &json!({ "ArnNotLike": { "aws:PrincipalArn": readers } }))
}

fn deny(action: &str, condition: &Value) -> Value {
    statement(
        &json!({ "Effect": "Deny", "Principal": "*", "Action": action, "Resource": "*", "Condition": condition }),
    )
}

fn statement(statement: &Value) -> Value {
    json!({ "Version": "2012-10-17", "Statement": [statement] })
}

fn put(aws: &Aws<'_>, policy: &str) -> Result<Value, AwsError> {
    aws.secrets("PutResourcePolicy", &json!({ "SecretId": NAME, "ResourcePolicy": policy }))
}

fn reads(aws: &Aws<'_>) -> bool {
    match aws.secrets("GetSecretValue", &json!({ "SecretId": NAME })) {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.code, "AccessDeniedException");
            assert!(
                error.message.ends_with("with an explicit deny in a resource-based policy"),
                "{}",
                error.message
            );
            false
        }
    }
}

/// A session of a role with a path, as single sign-on makes them.
const SSO_ROLE: &str =
    "arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0123";

fn with_session() -> Sandbox {
    let sandbox = start_with(|world| {
        world.aws.roles.insert(SSO_ROLE.to_owned(), Role::default());
        world
            .aws
            .access_keys
            .insert("ASIASESSION".to_owned(), AccessKey::session(SSO_ROLE, "ann", "secret", "token"));
    });
    Aws::new(&sandbox).make_secret();
    sandbox
}

fn session(sandbox: &Sandbox) -> Aws<'_> {
    Aws { key: "ASIASESSION", token: Some("token"), ..Aws::new(sandbox) }
}

#[test]
fn an_allow_restricts_nobody_in_the_same_account() {
    let sandbox = start();
    let aws = Aws::new(&sandbox);
    aws.make_secret();
    let allow = json!({
        "Effect": "Allow", "Principal": { "AWS": format!("arn:aws:iam::{ACCOUNT}:root") },
        "Action": "secretsmanager:DescribeSecret", "Resource": "*",
    });
    put(&aws, &statement(&allow).to_string()).unwrap();
    assert!(reads(&aws));
}

#[test]
fn a_deny_for_all_but_some_denies_the_rest_and_only_reading() {
    let sandbox = start();
    let aws = Aws::new(&sandbox);
    aws.make_secret();
    put(&aws, &only(&[&service_linked_role(ACCOUNT)]).to_string()).unwrap();
    assert!(!reads(&aws));
    assert!(aws.secrets("DescribeSecret", &json!({ "SecretId": NAME })).is_ok());
    put(&aws, &only(&["arn:aws:iam::123456789012:user/reg*"]).to_string()).unwrap();
    assert!(reads(&aws));
}

#[test]
fn a_sessions_principal_is_its_role_with_the_path_and_not_what_sts_shows() {
    let sandbox = with_session();
    let (owner, session) = (Aws::new(&sandbox), session(&sandbox));
    let cases = [
        ("arn:aws:iam::123456789012:role/*/AWSReservedSSO_Admin_0123", true),
        (SSO_ROLE, true),
        ("arn:aws:iam::123456789012:role/AWSReservedSSO_Admin_0123", false),
        ("arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Admin_0123/ann", false),
    ];
    for (exempt, expected) in cases {
        put(&owner, &only(&[exempt]).to_string()).unwrap();
        assert_eq!(reads(&session), expected, "{exempt}");
    }
}

#[test]
fn a_wildcard_in_an_arn_does_not_reach_over_a_colon() {
    let sandbox = with_session();
    put(&Aws::new(&sandbox), &only(&["arn:aws:iam:*Admin_0123"]).to_string()).unwrap();
    assert!(!reads(&session(&sandbox)));
}

#[test]
fn a_deny_on_the_source_account_hits_a_role_session_that_carries_none() {
    let sandbox = with_session();
    let condition = json!({ "StringNotEquals": { "aws:SourceAccount": ACCOUNT } });
    put(&Aws::new(&sandbox), &deny("secretsmanager:GetSecretValue", &condition).to_string()).unwrap();
    assert!(!reads(&session(&sandbox)));
    let optional = json!({ "StringEqualsIfExists": { "aws:SourceAccount": "000000000000" } });
    put(&Aws::new(&sandbox), &deny("secretsmanager:GetSecretValue", &optional).to_string()).unwrap();
    assert!(!reads(&session(&sandbox)));
}

#[test]
fn not_action_not_principal_and_lists_are_understood() {
    let sandbox = with_session();
    let owner = Aws::new(&sandbox);
    let document = json!({ "Version": "2012-10-17", "Statement": {
        "Effect": "Deny", "NotPrincipal": { "AWS": ["arn:aws:iam::123456789012:user/regcred", ACCOUNT] },
        "NotAction": ["secretsmanager:Describe*", "secretsmanager:*Policy"], "Resource": ["*"],
    }});
    put(&owner, &document.to_string()).unwrap();
    assert!(reads(&owner));
    assert!(!reads(&session(&sandbox)));
    assert!(session(&sandbox).secrets("DescribeSecret", &json!({ "SecretId": NAME })).is_ok());
}

#[test]
fn a_principal_that_does_not_exist_is_refused_and_in_a_condition_it_is_not() {
    let sandbox = start();
    let aws = Aws::new(&sandbox);
    aws.make_secret();
    let reader = service_linked_role(ACCOUNT);
    let named = json!({ "Effect": "Allow", "Principal": { "AWS": reader }, "Action": "secretsmanager:GetSecretValue", "Resource": "*" });
    let error = put(&aws, &statement(&named).to_string()).unwrap_err();
    assert_eq!(error.code, "MalformedPolicyDocumentException");
    assert_eq!(error.message, "This resource policy contains an unsupported principal.");
    put(&aws, &only(&[&reader]).to_string()).unwrap();
    sandbox.state().aws.roles.insert(reader, Role::default());
    put(&aws, &statement(&named).to_string()).unwrap();
}

#[test]
fn a_deleted_principal_shows_as_an_id_that_cannot_be_put_back() {
    let sandbox = with_session();
    let aws = Aws::new(&sandbox);
    let named = json!({ "Effect": "Allow", "Principal": { "AWS": SSO_ROLE }, "Action": "secretsmanager:GetSecretValue", "Resource": "*" });
    put(&aws, &statement(&named).to_string()).unwrap();
    sandbox.state().aws.delete_role(SSO_ROLE);
    let shown = aws.secrets("GetResourcePolicy", &json!({ "SecretId": NAME })).unwrap();
    let text = shown["ResourcePolicy"].as_str().unwrap();
    assert!(text.contains("\"AROA"), "{text}");
    assert_eq!(
        put(&aws, text).unwrap_err().message,
        "This resource policy contains an unsupported principal."
    );
}

#[test]
fn bad_syntax_and_bad_services_are_refused_with_their_texts() {
    let sandbox = start();
    let aws = Aws::new(&sandbox);
    aws.make_secret();
    let unknown_operator =
        deny("secretsmanager:GetSecretValue", &json!({ "ArnAlmost": { "aws:PrincipalArn": "*" } }));
    for text in ["{not json", "{}", r#"{"Statement":[]}"#, &unknown_operator.to_string()] {
        let error = put(&aws, text).unwrap_err();
        assert_eq!(error.message, "This resource policy contains a syntax error.", "{text}");
    }
    let service =
        json!({ "Effect": "Allow", "Principal": { "Service": "ecr" }, "Action": "*", "Resource": "*" });
    let error = put(&aws, &statement(&service).to_string()).unwrap_err();
    assert_eq!(error.message, "This resource policy contains an invalid service principal.");
}

#[test]
fn a_policy_that_locks_its_author_out_is_refused() {
    let sandbox = start();
    let aws = Aws::new(&sandbox);
    aws.make_secret();
    let error = put(&aws, &deny("secretsmanager:*", &json!({})).to_string()).unwrap_err();
    assert_eq!(
        error.message,
        "Your requested changes will not allow you to manage this secret in the future."
    );
    assert!(sandbox.state().aws.secret(ACCOUNT, REGION, NAME).unwrap().policy.is_none());
}

#[test]
fn a_public_policy_is_refused_on_request_and_a_deny_for_everybody_is_not_public() {
    let sandbox = start();
    let aws = Aws::new(&sandbox);
    aws.make_secret();
    let block = |policy: &Value| {
        let input =
            json!({ "SecretId": NAME, "ResourcePolicy": policy.to_string(), "BlockPublicPolicy": true });
        aws.secrets("PutResourcePolicy", &input)
    };
    let open = statement(
        &json!({ "Effect": "Allow", "Principal": "*", "Action": "secretsmanager:GetSecretValue", "Resource": "*" }),
    );
    assert_eq!(block(&open).unwrap_err().code, "PublicPolicyException");
    assert!(put(&aws, &open.to_string()).is_ok());
    assert!(block(&only(&["arn:aws:iam::123456789012:role/x"])).is_ok());
}

#[test]
fn the_policy_comes_back_as_it_was_given_and_is_absent_when_there_is_none() {
    let sandbox = start();
    let aws = Aws::new(&sandbox);
    aws.make_secret();
    let get = || aws.secrets("GetResourcePolicy", &json!({ "SecretId": NAME })).unwrap();
    assert!(get().get("ResourcePolicy").is_none());
    let text = format!("  {}\n", only(&["arn:aws:iam::123456789012:role/x"]));
    put(&aws, &text).unwrap();
    assert_eq!(get()["ResourcePolicy"], text.as_str());
    aws.secrets("DeleteResourcePolicy", &json!({ "SecretId": NAME })).unwrap();
    assert!(get().get("ResourcePolicy").is_none());
}

#[test]
fn validation_passes_what_is_fine_and_names_what_is_not() {
    let sandbox = start();
    let aws = Aws::new(&sandbox);
    aws.make_secret();
    let validate = |policy: &Value| {
        aws.secrets(
            "ValidateResourcePolicy",
            &json!({ "SecretId": NAME, "ResourcePolicy": policy.to_string() }),
        )
        .unwrap()
    };
    assert_eq!(validate(&only(&["arn:aws:iam::123456789012:role/x"]))["PolicyValidationPassed"], true);
    let refused = validate(&deny("secretsmanager:*", &json!({})));
    assert_eq!(refused["PolicyValidationPassed"], false);
    assert_eq!(refused["ValidationErrors"].as_array().unwrap().len(), 1);
}
