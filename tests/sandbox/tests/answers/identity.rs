//! AWS: who is asking.

use regcred_sandbox::aws::Role;
use regcred_sandbox::{Door, Sandbox, World};
use serde_json::json;

use crate::client::{Aws, NAME, send, start, start_with};

const WHOAMI: &str = "Action=GetCallerIdentity&Version=2011-06-15";
const ROLE: &str = "arn:aws:iam::222222222222:role/teams/infra/regcred";

fn between(text: &str, tag: &str) -> String {
    let start = text.find(&format!("<{tag}>")).unwrap() + tag.len() + 2;
    text[start..text.find(&format!("</{tag}>")).unwrap()].to_owned()
}

#[test]
fn an_unsigned_request_is_refused() {
    let sandbox = start();
    let headers = [("x-amz-target", "secretsmanager.ListSecrets")];
    let answer = send(&sandbox.url(Door::Aws), "POST", "/", &headers, b"{}").unwrap();
    assert_eq!(answer.status, 403);
    assert!(answer.text().contains("MissingAuthenticationToken"));
}

#[test]
fn an_unknown_key_is_refused_in_each_protocols_words() {
    let sandbox = start();
    let aws = Aws { key: "AKIANOBODY", ..Aws::new(&sandbox) };
    let error = aws.secrets("ListSecrets", &json!({})).unwrap_err();
    assert_eq!((error.status, error.code.as_str()), (400, "UnrecognizedClientException"));
    let answer = aws.sts(WHOAMI);
    assert_eq!((answer.status, between(&answer.text(), "Code").as_str()), (403, "InvalidClientTokenId"));
}

#[test]
fn errors_from_the_front_door_carry_a_name_space_and_a_lower_case_message() {
    let sandbox = start();
    let headers = [("x-amz-target", "secretsmanager.ListSecrets")];
    let answer = send(&sandbox.url(Door::Aws), "POST", "/", &headers, b"{}").unwrap();
    assert_eq!(answer.json()["__type"], "com.amazon.coral.service#MissingAuthenticationTokenException");
    assert!(answer.json()["message"].is_string());
    assert!(answer.header("x-amzn-requestid").is_some());
}

#[test]
fn an_expired_session_says_so() {
    let sandbox = start_with(|world| world.aws.access_keys.values_mut().for_each(|key| key.expired = true));
    let aws = Aws::new(&sandbox);
    assert_eq!(aws.secrets("ListSecrets", &json!({})).unwrap_err().code, "ExpiredTokenException");
    assert_eq!(between(&aws.sts(WHOAMI).text(), "Code"), "ExpiredToken");
}

#[test]
fn a_wrong_signature_is_refused_where_signatures_are_checked() {
    let sandbox = Sandbox::start(World::default()).unwrap();
    let error = Aws::new(&sandbox).secrets("ListSecrets", &json!({})).unwrap_err();
    assert_eq!(error.code, "InvalidSignatureException");
}

#[test]
fn a_signature_for_another_service_is_refused() {
    let sandbox = start();
    let authorization = "AWS4-HMAC-SHA256 Credential=AKIASANDBOXREGCRED00/20261121/us-east-2/ecr/aws4_request, \
                         SignedHeaders=host, Signature=none";
    let headers = [("x-amz-target", "secretsmanager.ListSecrets"), ("authorization", authorization)];
    let answer = send(&sandbox.url(Door::Aws), "POST", "/", &headers, b"{}").unwrap();
    assert_eq!(answer.message(), "Credential should be scoped to correct service: 'secretsmanager'.");
}

#[test]
fn a_denied_action_is_refused_in_iams_words() {
    let sandbox = start_with(|world| {
        let key = world.aws.access_keys.values_mut().next().unwrap();
        key.denied = vec!["secretsmanager:Create*".to_owned()];
    });
    let error = Aws::new(&sandbox).secrets("CreateSecret", &json!({ "Name": NAME })).unwrap_err();
    assert_eq!((error.status, error.code.as_str()), (400, "AccessDeniedException"));
    assert_eq!(
        error.message,
        format!(
            "User: arn:aws:iam::123456789012:user/regcred is not authorized to perform: secretsmanager:CreateSecret on \
             resource: {NAME} because no identity-based policy allows the secretsmanager:CreateSecret action"
        )
    );
}

#[test]
fn a_region_that_is_not_enabled_refuses_every_token() {
    let sandbox = start();
    let aws = Aws { region: "me-south-1", ..Aws::new(&sandbox) };
    let error = aws.ecr("DescribePullThroughCacheRules", &json!({})).unwrap_err();
    assert_eq!(error.code, "UnrecognizedClientException");
    assert_eq!(error.message, "The security token included in the request is invalid.");
}

#[test]
fn an_assumed_role_acts_in_its_account_and_shows_without_its_path() {
    let sandbox = start_with(|world| {
        world.aws.roles.insert(ROLE.to_owned(), Role::default());
    });
    let answer = Aws::new(&sandbox)
        .sts(&format!("Action=AssumeRole&Version=2011-06-15&RoleArn={ROLE}&RoleSessionName=ci"));
    let text = answer.text();
    let (key, token) = (between(&text, "AccessKeyId"), between(&text, "SessionToken"));
    assert!(key.starts_with("ASIA"));
    let session = Aws { key: &key, token: Some(&token), ..Aws::new(&sandbox) };
    let identity = session.sts(WHOAMI).text();
    assert_eq!(between(&identity, "Arn"), "arn:aws:sts::222222222222:assumed-role/regcred/ci");
    session.secrets("CreateSecret", &json!({ "Name": NAME })).unwrap();
    assert_eq!(sandbox.state().aws.secrets[0].account, "222222222222");
    let without_token = Aws { token: None, ..session };
    assert_eq!(between(&without_token.sts(WHOAMI).text(), "Code"), "InvalidClientTokenId");
}

#[test]
fn a_role_that_does_not_exist_and_one_that_does_not_trust_look_the_same() {
    let sandbox = start_with(|world| {
        let role = Role { trusts: vec!["arn:aws:iam::999999999999:*".to_owned()], ..Role::default() };
        world.aws.roles.insert(ROLE.to_owned(), role);
    });
    for role in [ROLE, "arn:aws:iam::222222222222:role/nobody"] {
        let form = format!("Action=AssumeRole&Version=2011-06-15&RoleArn={role}&RoleSessionName=ci");
        let answer = Aws::new(&sandbox).sts(&form);
        assert_eq!((answer.status, between(&answer.text(), "Code").as_str()), (403, "AccessDenied"));
    }
}

#[test]
fn accounts_and_regions_do_not_see_each_other() {
    let sandbox = start();
    let here = Aws::new(&sandbox);
    here.make_secret();
    let there = Aws { region: "eu-west-1", ..Aws::new(&sandbox) };
    there.make_secret();
    assert_eq!(sandbox.state().aws.secrets.len(), 2);
    let list = there.secrets("ListSecrets", &json!({})).unwrap();
    assert_eq!(list["SecretList"].as_array().unwrap().len(), 1);
}
