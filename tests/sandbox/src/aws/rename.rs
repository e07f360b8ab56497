//! What becomes of a resource policy when a principal that it names is deleted.

use serde_json::Value;

/// The policy with a principal replaced wherever it stands as one; conditions keep the ARN, as in IAM.
pub(crate) fn rename_principal(policy: &str, from: &str, to: &str) -> String {
    let Ok(mut document) = serde_json::from_str::<Value>(policy) else {
        return policy.to_owned();
    };
    let statements = document.get_mut("Statement").map(Value::take);
    let renamed: Vec<_> = match statements {
        Some(Value::Array(list)) => list,
        Some(one) => vec![one],
        None => Vec::new(),
    }
    .into_iter()
    .map(|statement| statement_renamed(statement, from, to))
    .collect();
    document["Statement"] = renamed.into();
    document.to_string()
}

fn statement_renamed(mut statement: Value, from: &str, to: &str) -> Value {
    for member in ["Principal", "NotPrincipal"] {
        if let Some(principal) = statement.get_mut(member) {
            let text = principal.to_string().replace(&format!("\"{from}\""), &format!("\"{to}\""));
            *principal = serde_json::from_str(&text).unwrap_or_default();
        }
    }
    statement
}
