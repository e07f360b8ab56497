//! Secrets Manager: making, describing, deleting, tagging.

use regcred_sandbox::aws::Replica;
use serde_json::json;

use crate::client::{ACCOUNT, Aws, NAME, REGION, start, start_with, version};

#[test]
fn a_name_pending_deletion_is_refused_with_the_text_clients_match_on() {
    let sandbox = start();
    let aws = Aws::new(&sandbox);
    aws.make_secret();
    aws.secrets("DeleteSecret", &json!({ "SecretId": NAME, "RecoveryWindowInDays": 7 })).unwrap();
    let error = aws.secrets("CreateSecret", &json!({ "Name": NAME })).unwrap_err();
    assert_eq!(error.code, "InvalidRequestException");
    let text =
        "You can't create this secret because a secret with this name is already scheduled for deletion.";
    assert_eq!((error.status, error.message.as_str()), (400, text));
}

#[test]
fn a_secret_pending_deletion_can_be_described_and_restored_and_nothing_else() {
    let sandbox = start();
    let aws = Aws::new(&sandbox);
    aws.make_secret();
    aws.secrets("DeleteSecret", &json!({ "SecretId": NAME })).unwrap();
    assert!(aws.secrets("DescribeSecret", &json!({ "SecretId": NAME })).unwrap()["DeletedDate"].is_number());
    let refused = [
        ("GetSecretValue", json!({})),
        ("PutSecretValue", json!({ "SecretString": "x", "ClientRequestToken": version("b") })),
        ("GetResourcePolicy", json!({})),
        ("PutResourcePolicy", json!({ "ResourcePolicy": "{}" })),
        ("TagResource", json!({ "Tags": [{ "Key": "a", "Value": "b" }] })),
        ("UpdateSecretVersionStage", json!({ "VersionStage": "X" })),
    ];
    for (operation, mut input) in refused {
        input["SecretId"] = NAME.into();
        let error = aws.secrets(operation, &input).unwrap_err();
        assert_eq!(error.code, "InvalidRequestException", "{operation}");
        assert!(error.message.contains("marked for deletion"), "{operation}");
    }
    aws.secrets("RestoreSecret", &json!({ "SecretId": NAME })).unwrap();
    assert!(
        aws.secrets("DescribeSecret", &json!({ "SecretId": NAME })).unwrap().get("DeletedDate").is_none()
    );
    assert!(aws.secrets("GetSecretValue", &json!({ "SecretId": NAME })).is_ok());
}

#[test]
fn a_secret_made_again_has_another_arn() {
    let sandbox = start();
    let aws = Aws::new(&sandbox);
    let first = aws.make_secret();
    aws.secrets("DeleteSecret", &json!({ "SecretId": NAME, "ForceDeleteWithoutRecovery": true })).unwrap();
    let second = aws.make_secret();
    assert_ne!(first, second);
    let suffix = second.rsplit('-').next().unwrap();
    assert!(suffix.len() == 6 && suffix.chars().all(|symbol| symbol.is_ascii_alphanumeric()));
}

#[test]
fn creating_again_with_the_same_token_and_value_is_no_error_and_with_another_value_is() {
    let sandbox = start();
    let aws = Aws::new(&sandbox);
    let create = |value: &str| {
        aws.secrets(
            "CreateSecret",
            &json!({ "Name": NAME, "SecretString": value, "ClientRequestToken": version("a") }),
        )
    };
    let first = create("one").unwrap();
    assert_eq!(create("one").unwrap(), first);
    assert_eq!(create("two").unwrap_err().code, "ResourceExistsException");
    assert_eq!(sandbox.state().aws.secrets.len(), 1);
}

#[test]
fn a_secret_can_be_made_without_a_value_and_then_has_no_versions() {
    let sandbox = start();
    let aws = Aws::new(&sandbox);
    let created =
        aws.secrets("CreateSecret", &json!({ "Name": NAME, "ClientRequestToken": version("a") })).unwrap();
    assert!(created.get("VersionId").is_none());
    let described = aws.secrets("DescribeSecret", &json!({ "SecretId": NAME })).unwrap();
    assert!(described.get("VersionIdsToStages").is_none());
    let error = aws.secrets("GetSecretValue", &json!({ "SecretId": NAME })).unwrap_err();
    assert_eq!(error.code, "ResourceNotFoundException");
    assert_eq!(
        error.message,
        "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT"
    );
}

#[test]
fn the_managed_key_is_not_described_and_a_customer_key_is() {
    let sandbox = start();
    let aws = Aws::new(&sandbox);
    let describe = |name: &str| aws.secrets("DescribeSecret", &json!({ "SecretId": name })).unwrap();
    for (name, key) in [("managed", "alias/aws/secretsmanager"), ("mine", "alias/mine")] {
        aws.secrets("CreateSecret", &json!({ "Name": name, "KmsKeyId": key })).unwrap();
    }
    assert!(describe("managed").get("KmsKeyId").is_none());
    assert_eq!(describe("mine")["KmsKeyId"], "alias/mine");
    aws.secrets("UpdateSecret", &json!({ "SecretId": "mine", "KmsKeyId": "" })).unwrap();
    assert!(describe("mine").get("KmsKeyId").is_none());
}

#[test]
fn a_secret_is_found_by_name_arn_and_partial_arn_in_its_region_only() {
    let sandbox = start();
    let aws = Aws::new(&sandbox);
    let arn = aws.make_secret();
    let partial = arn.rsplit_once('-').unwrap().0;
    for id in [NAME, &arn, partial] {
        assert_eq!(aws.secrets("DescribeSecret", &json!({ "SecretId": id })).unwrap()["ARN"], arn.as_str());
    }
    let elsewhere = Aws { region: "eu-west-1", ..Aws::new(&sandbox) };
    let error = elsewhere.secrets("DescribeSecret", &json!({ "SecretId": NAME })).unwrap_err();
    assert_eq!((error.status, error.code.as_str()), (400, "ResourceNotFoundException"));
}

#[test]
fn a_replica_refuses_writes_and_names_its_primary() {
    let sandbox = start_with(|world| {
        let secret = world.aws.add_secret(ACCOUNT, REGION, NAME);
        secret.primary_region = Some("us-west-2".to_owned());
    });
    let aws = Aws::new(&sandbox);
    let described = aws.secrets("DescribeSecret", &json!({ "SecretId": NAME })).unwrap();
    assert_eq!(described["PrimaryRegion"], "us-west-2");
    let input = json!({ "SecretId": NAME, "SecretString": "x", "ClientRequestToken": version("a") });
    let error = aws.secrets("PutSecretValue", &input).unwrap_err();
    assert_eq!(error.code, "InvalidRequestException");
    let text = "Operation not permitted on a replica secret. Call must be made in primary secret's region.";
    assert_eq!(error.message, text);
}

#[test]
fn a_primary_takes_writes_and_cannot_be_deleted() {
    let sandbox = start_with(|world| {
        let secret = world.aws.add_secret(ACCOUNT, REGION, NAME);
        secret.primary_region = Some(REGION.to_owned());
        secret.replicas = vec![Replica { region: "eu-west-1".to_owned(), status: "InSync".to_owned() }];
    });
    let aws = Aws::new(&sandbox);
    let described = aws.secrets("DescribeSecret", &json!({ "SecretId": NAME })).unwrap();
    assert_eq!(described["ReplicationStatus"][0]["Status"], "InSync");
    let input = json!({ "SecretId": NAME, "SecretString": "x", "ClientRequestToken": version("a") });
    aws.secrets("PutSecretValue", &input).unwrap();
    let error = aws.secrets("DeleteSecret", &json!({ "SecretId": NAME })).unwrap_err();
    assert_eq!(error.code, "InvalidRequestException");
}

#[test]
fn a_secret_of_another_service_cannot_be_changed() {
    let sandbox = start_with(|world| {
        world.aws.add_secret(ACCOUNT, REGION, NAME).owning_service = Some("rds".to_owned());
    });
    let aws = Aws::new(&sandbox);
    let described = aws.secrets("DescribeSecret", &json!({ "SecretId": NAME })).unwrap();
    assert_eq!(described["OwningService"], "rds");
    let input = json!({ "SecretId": NAME, "SecretString": "x", "ClientRequestToken": version("a") });
    assert_eq!(aws.secrets("PutSecretValue", &input).unwrap_err().code, "InvalidRequestException");
}

#[test]
fn tags_are_added_replaced_and_taken_away() {
    let sandbox = start();
    let aws = Aws::new(&sandbox);
    let tags = json!([{ "Key": "managed-by", "Value": "regcred" }, { "Key": "team", "Value": "infra" }]);
    aws.secrets("CreateSecret", &json!({ "Name": NAME, "Tags": tags })).unwrap();
    let changed = json!({ "SecretId": NAME, "Tags": [{ "Key": "team", "Value": "platform" }] });
    aws.secrets("TagResource", &changed).unwrap();
    aws.secrets("UntagResource", &json!({ "SecretId": NAME, "TagKeys": ["managed-by", "never-there"] }))
        .unwrap();
    let described = aws.secrets("DescribeSecret", &json!({ "SecretId": NAME })).unwrap();
    assert_eq!(described["Tags"], json!([{ "Key": "team", "Value": "platform" }]));
}

#[test]
fn tags_on_creation_need_the_right_to_tag() {
    let sandbox = start_with(|world| {
        let key = world.aws.access_keys.values_mut().next().unwrap();
        key.denied = vec!["secretsmanager:TagResource".to_owned()];
    });
    let aws = Aws::new(&sandbox);
    let tagged = json!({ "Name": NAME, "Tags": [{ "Key": "a", "Value": "b" }] });
    assert_eq!(aws.secrets("CreateSecret", &tagged).unwrap_err().code, "AccessDeniedException");
    assert!(aws.secrets("CreateSecret", &json!({ "Name": NAME })).is_ok());
}
