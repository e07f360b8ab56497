//! ECR: pull-through cache rules.

use regcred_sandbox::Sandbox;
use regcred_sandbox::aws::{Rule, service_linked_role};
use serde_json::{Value, json};

use crate::client::{ACCOUNT, Aws, AwsError, NAME, REGION, TOKEN, start, start_with, version};

fn deny_all_but(readers: &[&str]) -> String {
    json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Deny", "Principal": "*", "Action": "secretsmanager:GetSecretValue", "Resource": "*",
        "Condition": { "ArnNotLike": { "aws:PrincipalArn": readers } },
    }]})
    .to_string()
}

fn set_policy(sandbox: &Sandbox, policy: String) {
    sandbox.state().aws.secret_mut(ACCOUNT, REGION, NAME).unwrap().policy = Some(policy);
}

fn validate(aws: &Aws<'_>, prefix: &str) -> Value {
    aws.ecr("ValidatePullThroughCacheRule", &json!({ "ecrRepositoryPrefix": prefix })).unwrap()
}

fn put_value(aws: &Aws<'_>, letter: &str, value: &str) {
    let input = json!({ "SecretId": NAME, "SecretString": value, "ClientRequestToken": version(letter) });
    aws.secrets("PutSecretValue", &input).unwrap();
}

#[test]
fn the_first_rule_makes_the_service_linked_role_and_needs_the_right_to() {
    let sandbox = start();
    let aws = Aws::new(&sandbox);
    let arn = aws.make_secret();
    let deny = |denied: &[&str]| {
        let mut state = sandbox.state();
        let key = state.aws.access_keys.values_mut().next().unwrap();
        key.denied = denied.iter().map(|action| (*action).to_owned()).collect();
    };
    deny(&["iam:*"]);
    assert_eq!(aws.make_rule("main", &arn).unwrap_err().code, "AccessDeniedException");
    deny(&[]);
    aws.make_rule("main", &arn).unwrap();
    assert!(sandbox.state().aws.roles.contains_key(&service_linked_role(ACCOUNT)));
    deny(&["iam:*"]);
    aws.make_rule("dev", &arn).unwrap();
}

#[test]
fn an_unknown_prefix_is_an_error_and_not_an_empty_list() {
    let sandbox = start();
    let aws = Aws::new(&sandbox);
    let error =
        aws.ecr("DescribePullThroughCacheRules", &json!({ "ecrRepositoryPrefixes": ["nope"] })).unwrap_err();
    assert_eq!(error.code, "PullThroughCacheRuleNotFoundException");
    assert_eq!(
        aws.ecr("DescribePullThroughCacheRules", &json!({})).unwrap()["pullThroughCacheRules"],
        json!([])
    );
}

#[test]
fn rules_come_in_pages() {
    let sandbox = start_with(|world| {
        world.aws.rules = (0..7).map(|number| rule(&format!("stack-{number}"), REGION)).collect();
        world.aws.rules.push(rule("elsewhere", "eu-west-1"));
    });
    let aws = Aws::new(&sandbox);
    let (mut seen, mut input) = (Vec::new(), json!({ "maxResults": 3 }));
    loop {
        let page = aws.ecr("DescribePullThroughCacheRules", &input).unwrap();
        seen.extend(page["pullThroughCacheRules"].as_array().unwrap().clone());
        let Some(token) = page.get("nextToken") else {
            break;
        };
        input["nextToken"] = token.clone();
    }
    assert_eq!((seen.len(), sandbox.calls().len()), (7, 3));
}

fn rule(prefix: &str, region: &str) -> Rule {
    Rule {
        account: ACCOUNT.to_owned(),
        region: region.to_owned(),
        prefix: prefix.to_owned(),
        upstream_url: "registry-1.docker.io".to_owned(),
        ..Rule::default()
    }
}

#[test]
fn the_fifty_first_rule_of_a_region_is_refused() {
    let sandbox = start_with(|world| {
        world.aws.rules = (0..49).map(|number| rule(&format!("stack-{number}"), REGION)).collect();
    });
    let aws = Aws::new(&sandbox);
    let arn = aws.make_secret();
    aws.make_rule("fiftieth", &arn).unwrap();
    assert_eq!(aws.make_rule("fifty-first", &arn).unwrap_err().code, "LimitExceededException");
}

#[test]
fn a_prefix_is_a_rules_key_and_a_slash_at_its_end_means_nothing() {
    let sandbox = start();
    let aws = Aws::new(&sandbox);
    let arn = aws.make_secret();
    aws.make_rule("main", &arn).unwrap();
    for prefix in ["main", "main/"] {
        let error = aws.make_rule(prefix, &arn).unwrap_err();
        assert_eq!(error.code, "PullThroughCacheRuleAlreadyExistsException");
    }
    aws.make_rule("dev", &arn).unwrap();
}

fn create(aws: &Aws<'_>, input: &Value) -> AwsError {
    aws.ecr("CreatePullThroughCacheRule", input).unwrap_err()
}

#[test]
fn an_unknown_upstream_and_docker_hub_without_a_secret_get_the_same_error() {
    let sandbox = start();
    let aws = Aws::new(&sandbox);
    let unknown = create(&aws, &json!({ "ecrRepositoryPrefix": "x1", "upstreamRegistryUrl": "dhi.io" }));
    let bare =
        create(&aws, &json!({ "ecrRepositoryPrefix": "x1", "upstreamRegistryUrl": "registry-1.docker.io" }));
    assert_eq!(
        (unknown.code.as_str(), bare.code.as_str()),
        ("UnsupportedUpstreamRegistryException", "UnsupportedUpstreamRegistryException")
    );
    assert_eq!(
        bare.message,
        "The specified upstream registry requires authentication. Specify a valid Secrets Manager ARN"
    );
    let open = json!({ "ecrRepositoryPrefix": "k8s", "upstreamRegistryUrl": "registry.k8s.io" });
    assert_eq!(aws.ecr("CreatePullThroughCacheRule", &open).unwrap()["upstreamRegistry"], "k8s");
}

#[test]
fn a_secret_that_is_elsewhere_deleted_without_a_value_or_half_named_is_not_found() {
    let sandbox = start_with(|world| {
        world.aws.add_secret(ACCOUNT, "eu-west-1", NAME);
        world.aws.add_secret(ACCOUNT, REGION, "ecr-pullthroughcache/empty");
    });
    let aws = Aws::new(&sandbox);
    let arn = aws.make_secret();
    let elsewhere = sandbox.state().aws.secret(ACCOUNT, "eu-west-1", NAME).unwrap().arn.clone();
    let empty =
        sandbox.state().aws.secret(ACCOUNT, REGION, "ecr-pullthroughcache/empty").unwrap().arn.clone();
    let partial = arn.rsplit_once('-').unwrap().0;
    for wrong in [&elsewhere, &empty, partial] {
        assert_eq!(aws.make_rule("main", wrong).unwrap_err().code, "SecretNotFoundException", "{wrong}");
    }
    aws.secrets("DeleteSecret", &json!({ "SecretId": NAME })).unwrap();
    assert_eq!(aws.make_rule("main", &arn).unwrap_err().code, "SecretNotFoundException");
}

#[test]
fn a_secret_just_made_or_restored_is_not_found_at_first() {
    let sandbox = start_with(|world| world.aws.secret_visible_after = 2);
    let aws = Aws::new(&sandbox);
    let arn = aws.make_secret();
    let tries = || (0..3).map(|_| aws.make_rule("main", &arn).is_ok()).collect::<Vec<_>>();
    assert_eq!(tries(), [false, false, true]);
    aws.ecr("DeletePullThroughCacheRule", &json!({ "ecrRepositoryPrefix": "main" })).unwrap();
    aws.secrets("DeleteSecret", &json!({ "SecretId": NAME })).unwrap();
    aws.secrets("RestoreSecret", &json!({ "SecretId": NAME })).unwrap();
    assert_eq!(tries(), [false, false, true]);
}

#[test]
fn a_policy_that_denies_ecrs_own_role_makes_the_secret_unreadable() {
    let sandbox = start();
    let aws = Aws::new(&sandbox);
    let arn = aws.make_secret();
    set_policy(&sandbox, deny_all_but(&["arn:aws:iam::123456789012:user/regcred"]));
    assert_eq!(aws.make_rule("main", &arn).unwrap_err().code, "UnableToAccessSecretException");
    set_policy(&sandbox, deny_all_but(&[&service_linked_role(ACCOUNT)]));
    assert!(aws.make_rule("main", &arn).is_ok());
}

#[test]
fn where_ecr_reads_with_the_callers_rights_the_caller_must_be_exempted_too() {
    let sandbox = start_with(|world| world.aws.ecr_reads_as_caller = true);
    let aws = Aws::new(&sandbox);
    let arn = aws.make_secret();
    let reader = service_linked_role(ACCOUNT);
    set_policy(&sandbox, deny_all_but(&[&reader]));
    assert_eq!(aws.make_rule("main", &arn).unwrap_err().code, "UnableToAccessSecretException");
    set_policy(&sandbox, deny_all_but(&[&reader, "arn:aws:iam::123456789012:user/regcred"]));
    assert!(aws.make_rule("main", &arn).is_ok());
}

#[test]
fn a_secret_under_a_customer_managed_key_cannot_be_decrypted() {
    let sandbox = start();
    let aws = Aws::new(&sandbox);
    let arn = aws.make_secret();
    sandbox.state().aws.secret_mut(ACCOUNT, REGION, NAME).unwrap().kms_key_id = Some("alias/mine".to_owned());
    assert_eq!(aws.make_rule("main", &arn).unwrap_err().code, "UnableToDecryptSecretValueException");
}

#[test]
fn an_update_changes_the_secret_and_nothing_else_and_not_nothing() {
    let sandbox = start();
    let aws = Aws::new(&sandbox);
    let arn = aws.make_secret();
    aws.make_rule("main", &arn).unwrap();
    let update = |input: &Value| aws.ecr("UpdatePullThroughCacheRule", input);
    let error = update(&json!({ "ecrRepositoryPrefix": "main" })).unwrap_err();
    assert_eq!(error.code, "InvalidParameterException");
    assert_eq!(
        error.message,
        "Invalid input: Please set either credential arn or role arn to update the credentials"
    );
    let updated = update(&json!({ "ecrRepositoryPrefix": "main", "credentialArn": arn })).unwrap();
    assert!(updated["updatedAt"].is_number());
    let missing = update(&json!({ "ecrRepositoryPrefix": "nope", "credentialArn": arn })).unwrap_err();
    assert_eq!(missing.code, "PullThroughCacheRuleNotFoundException");
}

#[test]
fn a_rule_stays_on_its_arn_when_the_secret_is_made_again() {
    let sandbox = start();
    let aws = Aws::new(&sandbox);
    let old = aws.make_secret();
    aws.make_rule("main", &old).unwrap();
    aws.secrets("DeleteSecret", &json!({ "SecretId": NAME, "ForceDeleteWithoutRecovery": true })).unwrap();
    aws.make_secret();
    assert_eq!(
        sandbox.state().aws.rule(ACCOUNT, REGION, "main").unwrap().credential_arn.as_deref(),
        Some(old.as_str())
    );
    assert_eq!(validate(&aws, "main")["isValid"], false);
}

#[test]
fn validation_answers_200_whatever_it_finds() {
    let sandbox = start();
    let aws = Aws::new(&sandbox);
    let arn = aws.make_secret();
    aws.make_rule("main", &arn).unwrap();
    assert_eq!(validate(&aws, "main")["isValid"], true);
    sandbox.state().registry.revoke(TOKEN);
    let revoked = validate(&aws, "main");
    assert_eq!(revoked["isValid"], false);
    assert!(revoked["failure"].as_str().unwrap().contains("authentication"));
    put_value(&aws, "b", r#"{"username":"acme","password":"x"}"#);
    assert!(validate(&aws, "main")["failure"].as_str().unwrap().contains("accessToken"));
}

#[test]
fn validation_can_be_made_to_fail_with_any_text() {
    let sandbox = start();
    let aws = Aws::new(&sandbox);
    let arn = aws.make_secret();
    aws.make_rule("main", &arn).unwrap();
    sandbox.state().aws.validation_failure = Some("because".to_owned());
    assert_eq!(validate(&aws, "main")["failure"], "because");
}

#[test]
fn china_and_govcloud_have_no_rules() {
    let sandbox = start();
    for region in ["cn-north-1", "us-gov-west-1"] {
        let aws = Aws { region, ..Aws::new(&sandbox) };
        let error = aws.ecr("DescribePullThroughCacheRules", &json!({})).unwrap_err();
        assert_eq!(error.code, "UnsupportedOperationException");
    }
}
