//! Who may read a secret after regcred has put its policy, for a judge: a JSON list of cases in (policy,
//! caller, and who the file lists), a list of answers out, each the policy and what regcred says of its
//! readers.

use std::collections::BTreeSet;
use std::io::{Error, Write, stdin, stdout};

use regcred::targets::aws::policy::{Guard, Verdict};
use regcred::targets::aws::{Exempt, Identity};
use serde_json::{Value, json};

fn main() -> Result<(), Error> {
    let cases: Vec<Value> = serde_json::from_reader(stdin())?;
    let answers: Vec<Value> = cases.iter().map(answer).collect();
    writeln!(stdout(), "{}", Value::from(answers))
}

fn answer(case: &Value) -> Value {
    let text = |key: &str| case[key].as_str().unwrap_or_default().to_owned();
    let identity = Identity { account: text("account"), arn: text("caller") };
    let listed = case["listed"]
        .as_array()
        .map(|list| list.iter().filter_map(Value::as_str).map(str::to_owned).collect::<BTreeSet<_>>());
    let exempt = Exempt { listed, allowed: case["ours"] == false };
    let (policy, secret) = (case["policy"].to_string(), text("secret"));
    match Guard::new(Some(&policy), &exempt, &identity, Some(&secret)) {
        Err(problem) => json!({ "refused": problem.message }),
        Ok(guard) => json!({
            "blocked": matches!(guard.verdict(), Verdict::EcrShutOut(_)),
            "access": guard.access(false),
            "policy": serde_json::from_str::<Value>(&guard.merged()).unwrap_or_default(),
        }),
    }
}
