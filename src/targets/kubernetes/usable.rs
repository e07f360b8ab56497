//! What kubectl refuses in a context's cluster and user before it asks anything (client-go, `clientcmd/validation.go` and
//! `rest/config.go`): a setting that would be ignored is reported instead.

use serde_json::Value;

use super::login::unreadable;
use crate::model::Problem;

/// The forms of an `ExecCredential` that kubectl takes. The first wants to be told whether a plugin may ask a person.
pub(super) const VERSIONS: [&str; 2] =
    ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"];

/// Judges the stanzas of a context.
///
/// # Errors
/// The first thing that kubectl would not use it for.
pub(super) fn check(context: &str, cluster: &Value, user: &Value) -> Result<(), Problem> {
    let fault = of_cluster(cluster).map(|fault| ("cluster", fault));
    match fault.or_else(|| of_user(user).map(|fault| ("user", fault))) {
        None => Ok(()),
        Some((what, fault)) => {
            let message =
                format!("the {what} of context {context} {fault}, which kubectl does not use either");
            Err(unreadable(message, "correct it in the kubeconfig"))
        }
    }
}

/// Whether a setting is there; an empty one is none.
pub(super) fn is_set(stanza: &Value, key: &str) -> bool {
    match &stanza[key] {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

fn of_cluster(cluster: &Value) -> Option<String> {
    let (data, file) = ("certificate-authority-data", "certificate-authority");
    if is_set(cluster, data) && is_set(cluster, file) {
        return Some(both(data, file));
    }
    let unchecked = cluster["insecure-skip-tls-verify"] == true;
    let authority = [data, file].into_iter().find(|key| is_set(cluster, key))?;
    unchecked.then(|| both("insecure-skip-tls-verify", authority))
}

fn of_user(user: &Value) -> Option<String> {
    let has = |key: &str| is_set(user, key);
    for key in ["client-certificate", "client-key"] {
        let data = format!("{key}-data");
        if has(key) && has(&data) {
            return Some(both(&data, key));
        }
    }
    let certificate = has("client-certificate") || has("client-certificate-data");
    if certificate && !has("client-key") && !has("client-key-data") {
        return Some("has a client certificate without its key".to_owned());
    }
    if has("token") && (has("username") || has("password")) {
        return Some("has both a token and a user name with a password".to_owned());
    }
    let impersonates = ["as-uid", "as-groups", "as-user-extra"].into_iter().find(|key| has(key));
    match impersonates.filter(|_| !has("as")) {
        Some(key) => Some(format!("has `{key}` without `as`")),
        None => has("exec").then(|| of_plugin(user)).flatten(),
    }
}

fn of_plugin(user: &Value) -> Option<String> {
    let exec = &user["exec"];
    let version = exec["apiVersion"].as_str().unwrap_or_default();
    if is_set(user, "auth-provider") {
        Some(both("exec", "auth-provider"))
    } else if !is_set(exec, "command") {
        Some("has an `exec` without `command`".to_owned())
    } else if !VERSIONS.contains(&version) {
        Some(format!("has an `exec` whose `apiVersion` is neither {}", VERSIONS.join(" nor ")))
    } else if version == VERSIONS[0] && !is_set(exec, "interactiveMode") {
        Some("has an `exec` without `interactiveMode`".to_owned())
    } else {
        let unnamed = exec["env"].as_array().into_iter().flatten().any(|pair| !is_set(pair, "name"));
        unnamed.then(|| "has an `exec` with a variable that has no name".to_owned())
    }
}

fn both(one: &str, other: &str) -> String {
    format!("has both `{one}` and `{other}`")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_kubectl_refuses_is_told_by_the_settings_that_exclude_each_other() {
        let ca = json!({ "certificate-authority": "/ca", "certificate-authority-data": "" });
        let exec = |extra: Value| {
            let mut exec = json!({ "apiVersion": "client.authentication.k8s.io/v1", "command": "x", "interactiveMode": "Never" });
            exec.as_object_mut()
                .zip(extra.as_object())
                .into_iter()
                .for_each(|(exec, extra)| exec.extend(extra.clone()));
            json!({ "exec": exec })
        };
        for (cluster, user, words) in [
            (ca.clone(), json!({ "token": "x", "tokenFile": "/t" }), None),
            (
                json!({ "certificate-authority": "/ca", "certificate-authority-data": "x" }),
                json!({}),
                Some("both `certificate-authority-data`"),
            ),
            (
                json!({ "certificate-authority": "/ca", "insecure-skip-tls-verify": true }),
                json!({}),
                Some("both `insecure-skip-tls-verify`"),
            ),
            (
                ca.clone(),
                json!({ "token": "x", "username": "u", "password": "p" }),
                Some("both a token and a user name"),
            ),
            (ca.clone(), json!({ "client-certificate": "/c" }), Some("without its key")),
            (
                ca.clone(),
                json!({ "client-certificate": "/c", "client-certificate-data": "c", "client-key": "/k" }),
                Some("both `client-certificate-data`"),
            ),
            (ca.clone(), json!({ "token": "x", "as-groups": ["a"] }), Some("`as-groups` without `as`")),
            (ca.clone(), exec(json!({})), None),
            (ca.clone(), exec(json!({ "interactiveMode": null })), Some("without `interactiveMode`")),
            (
                ca.clone(),
                exec(json!({ "apiVersion": "client.authentication.k8s.io/v1beta1", "interactiveMode": "" })),
                None,
            ),
            (
                ca.clone(),
                exec(json!({ "apiVersion": "client.authentication.k8s.io/v1alpha1" })),
                Some("is neither client.authentication.k8s.io/v1 nor"),
            ),
            (ca.clone(), exec(json!({ "command": "" })), Some("without `command`")),
            (ca.clone(), exec(json!({ "env": [{ "value": "x" }] })), Some("a variable that has no name")),
        ] {
            let said = check("prod", &cluster, &user).err().map(|problem| problem.message);
            let fits = match (&said, words) {
                (Some(said), Some(words)) => said.contains(words),
                (said, words) => said.is_none() && words.is_none(),
            };
            assert!(fits, "{cluster} {user}: {said:?}");
        }
    }
}
