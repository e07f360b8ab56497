//! STS: the AWS Query protocol, a form in and XML out.

use serde_json::{Map, Value, json};

use super::auth::account_of;
use super::error::{AwsError, escape};
use super::ids::base32;
use super::policy::glob;
use super::state::{AccessKey, Role};
use super::{Outcome, Visit};
use crate::message::{Reply, Request, form};

/// The one of `AssumeRole`'s own errors whose name ends like this in XML, too (botocore's model).
pub(super) const REGION_DISABLED: &str = "RegionDisabledException";

/// The operation a form asks for.
pub(crate) fn action(request: &Request) -> String {
    fields(request).remove("Action").unwrap_or_else(|| "Unknown".to_owned())
}

/// The form's members as JSON, for the check against the model. Lists (`Tags.member.1.Key`) are left out.
pub(crate) fn input(request: &Request) -> Value {
    let members = fields(request)
        .into_iter()
        .filter(|(name, _)| name != "Action" && name != "Version" && !name.contains('.'));
    Value::Object(members.map(|(name, value)| typed(name, value)).collect::<Map<String, Value>>())
}

fn typed(name: String, value: String) -> (String, Value) {
    let number = if name == "DurationSeconds" { value.parse::<i64>().ok() } else { None };
    (name, number.map_or(Value::String(value), Value::from))
}

fn fields(request: &Request) -> std::collections::BTreeMap<String, String> {
    let body = String::from_utf8_lossy(&request.body);
    form(if body.is_empty() { &request.query } else { &body })
}

pub(crate) fn dispatch(mut visit: Visit<'_>) -> Outcome {
    match visit.operation.as_str() {
        "GetCallerIdentity" => Ok(caller_identity(&visit)),
        _ => assume_role(&mut visit),
    }
}

/// Needs no permission; a session's ARN has no path (documented).
fn caller_identity(visit: &Visit<'_>) -> Value {
    let id = format!("AIDA{}", base32(&visit.caller.arn, 17));
    json!({ "UserId": id, "Account": visit.caller.account, "Arn": visit.caller.arn })
}

fn assume_role(visit: &mut Visit<'_>) -> Outcome {
    let member = |name: &str| visit.input.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (role_arn, session) = (member("RoleArn"), member("RoleSessionName"));
    visit.caller.may("sts:AssumeRole", &role_arn)?;
    let aws = &mut visit.world.aws;
    // A role that does not exist and one that does not trust the caller, or only with another external id, look the same
    // (documented).
    let trusted = |trusts: &[String]| {
        trusts.is_empty() || trusts.iter().any(|who| glob(who, &visit.caller.principal_arn))
    };
    let given = visit.input.get("ExternalId").and_then(Value::as_str);
    let named = |role: &Role| role.external_id.as_deref().is_none_or(|id| given == Some(id));
    let role = aws.roles.get(&role_arn).filter(|role| trusted(&role.trusts) && named(role)).cloned();
    let Some(role) = role else {
        return Err(AwsError::access_denied(&visit.caller.arn, "sts:AssumeRole", &role_arn, ""));
    };
    // The account of the role has to have the region, too (IAM user guide, "Manage AWS STS in an AWS Region"; the words are in
    // turbot/steampipe-plugin-aws#1510).
    let account = account_of(&role_arn);
    if aws.is_disabled(account, &visit.region) {
        return Err(AwsError::front_door(
            403,
            REGION_DISABLED,
            format!(
                "STS is not activated in this region for account:{account}. Your account administrator can activate STS in this \
             region using the IAM Console."
            ),
        ));
    }
    let seed = format!("{role_arn}/{session}/{}", aws.next());
    let id = format!("ASIA{}", base32(&seed, 16));
    let mut key = AccessKey::session(
        &role_arn,
        &session,
        &base32(&format!("secret {seed}"), 32),
        &base32(&format!("token {seed}"), 32),
    );
    key.denied = role.denied;
    let output = assumed(&id, &key, &role_arn, &session, visit.now + chrono::Duration::hours(1));
    aws.access_keys.insert(id, key);
    Ok(output)
}

fn assumed(
    id: &str,
    key: &AccessKey,
    role: &str,
    session: &str,
    expires: chrono::DateTime<chrono::Utc>,
) -> Value {
    json!({
        "Credentials": {
            "AccessKeyId": id,
            "SecretAccessKey": key.secret,
            "SessionToken": key.session_token,
            "Expiration": expires.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        },
        "AssumedRoleUser": {
            "AssumedRoleId": format!("AROA{}:{session}", base32(role, 17)),
            "Arn": key.arn,
        },
    })
}

/// An answer in the Query protocol's wrapping.
pub(crate) fn render(operation: &str, output: &Value) -> Reply {
    let body = format!(
        "<{operation}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n<{operation}Result>{}</{operation}Result>\n\
         <ResponseMetadata><RequestId>00000000-0000-0000-0000-000000000000</RequestId></ResponseMetadata>\n\
         </{operation}Response>\n",
        xml(output)
    );
    Reply::text(200, "text/xml", body)
}

fn xml(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            members.iter().map(|(name, value)| format!("<{name}>{}</{name}>", xml(value))).collect()
        }
        Value::String(text) => escape(text),
        other => other.to_string(),
    }
}
