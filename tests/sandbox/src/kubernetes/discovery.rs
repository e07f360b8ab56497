//! Versions, health, and questions about oneself.

use serde_json::{Value, json};

use super::error::{Cause, Refusal};
use super::rbac::Asked;
use super::{Outcome, Visit, objects};
use crate::message::Reply;

pub(crate) fn version(visit: &mut Visit<'_>) -> Outcome {
    let version = &visit.cluster.version;
    let mut parts = version.trim_start_matches('v').split('.');
    let (major, minor) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let body = json!({
        "major": major, "minor": minor, "gitVersion": version, "gitTreeState": "clean", "gitCommit": "",
        "buildDate": "2026-01-01T00:00:00Z", "goVersion": "go1.25", "compiler": "gc", "platform": "linux/amd64",
    });
    Ok(Reply::json(200, &body))
}

pub(crate) fn healthy(_: &mut Visit<'_>) -> Outcome {
    Ok(Reply::text(200, "text/plain; charset=utf-8", "ok"))
}

pub(crate) fn versions(visit: &mut Visit<'_>) -> Outcome {
    let addresses = json!([{ "clientCIDR": "0.0.0.0/0", "serverAddress": visit.request.host() }]);
    let body = json!({ "kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": addresses });
    Ok(Reply::json(200, &body))
}

pub(crate) fn groups(_: &mut Visit<'_>) -> Outcome {
    let group = |name: &str| {
        let version = json!({ "groupVersion": format!("{name}/v1"), "version": "v1" });
        json!({ "name": name, "versions": [version], "preferredVersion": version })
    };
    let groups = [group("authentication.k8s.io"), group("authorization.k8s.io")];
    Ok(Reply::json(200, &json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups })))
}

pub(crate) fn resources(_: &mut Visit<'_>) -> Outcome {
    let resource = |name: &str, singular: &str, kind: &str, short: &[&str], verbs: &[&str]| {
        let mut resource = json!({ "name": name, "singularName": singular, "kind": kind });
        resource["namespaced"] = (kind != "Namespace").into();
        resource["verbs"] = json!(verbs);
        resource["shortNames"] = json!(short);
        resource
    };
    let all = ["create", "delete", "get", "list", "patch", "update"];
    let resources = [
        resource("namespaces", "namespace", "Namespace", &["ns"], &["get", "list"]),
        resource("secrets", "secret", "Secret", &[], &all),
        resource("serviceaccounts", "serviceaccount", "ServiceAccount", &["sa"], &all),
    ];
    let body = json!({ "kind": "APIResourceList", "groupVersion": "v1", "resources": resources });
    Ok(Reply::json(200, &body))
}

/// Of the groups that the reviews are in.
pub(crate) fn reviews(visit: &mut Visit<'_>) -> Outcome {
    let group = visit.request.segments().into_iter().rev().nth(1).unwrap_or_default();
    let (name, kind) = if group.starts_with("authorization") {
        ("selfsubjectaccessreviews", "SelfSubjectAccessReview")
    } else {
        ("selfsubjectreviews", "SelfSubjectReview")
    };
    let resource = json!({
        "name": name, "singularName": kind.to_lowercase(), "kind": kind, "namespaced": false, "verbs": ["create"],
    });
    let group = format!("{group}/v1");
    let body = json!({ "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group, "resources": [resource] });
    Ok(Reply::json(200, &body))
}

/// `SelfSubjectAccessReview`: everybody may ask what they may.
pub(crate) fn may_i(visit: &mut Visit<'_>) -> Outcome {
    let mut review = objects::body(visit.request)?;
    let attributes = review["spec"]["resourceAttributes"].clone();
    if !attributes.is_object() {
        let words = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
        let cause = Cause {
            reason: "FieldValueInvalid",
            field: "spec.resourceAttributes".to_owned(),
            message: format!("Invalid value: null: {words}"),
        };
        return Err(Refusal::invalid("SelfSubjectAccessReview.authorization.k8s.io", "", &[cause]));
    }
    let text = |name: &str| attributes[name].as_str().unwrap_or_default();
    let asked = Asked {
        verb: text("verb"),
        group: text("group"),
        resource: text("resource"),
        namespace: text("namespace"),
        name: text("name"),
    };
    let allowed = visit.cluster.allows(&visit.user, &asked);
    review["metadata"] = json!({ "creationTimestamp": null });
    review["status"] = json!({ "allowed": allowed });
    Ok(Reply::json(201, &review))
}

/// `SelfSubjectReview`: whom the server takes the client for.
pub(crate) fn who_am_i(visit: &mut Visit<'_>) -> Outcome {
    let user: Value = json!({ "username": visit.user.name, "groups": visit.user.groups });
    let body = json!({
        "kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1",
        "metadata": { "creationTimestamp": visit.now }, "status": { "userInfo": user },
    });
    Ok(Reply::json(201, &body))
}
