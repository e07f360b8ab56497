//! What the kubelet tries, as its own code answers it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use regcred_sandbox::kubernetes::kubelet::tries;
use serde_json::{Value, json};

/// A pull secret of a case: its name, its type and its bytes.
fn given(secret: &Value) -> (String, String, Vec<u8>) {
    let text = |name: &str| secret[name].as_str().unwrap_or_default().to_owned();
    let bytes = match secret["base64"].as_str() {
        Some(base64) => STANDARD.decode(base64).unwrap(),
        None => text("data").into_bytes(),
    };
    (text("name"), text("type"), bytes)
}

#[test]
fn every_case_is_answered_as_the_kubelets_own_code_answers_it() {
    let table: Value = serde_json::from_str(include_str!("../../../fixtures/kubelet.json")).unwrap();
    let (mut compared, mut faults) = (0, Vec::new());
    // Whether a name is one of an image is not the look-up's to judge.
    for case in table["cases"].as_array().unwrap().iter().filter(|case| case["error"] != "image") {
        let secrets: Vec<_> = case["secrets"].as_array().unwrap().iter().map(given).collect();
        let secrets =
            secrets.iter().map(|(name, kind, bytes)| (name.as_str(), kind.as_str(), bytes.as_slice()));
        let tried = |tried: regcred_sandbox::kubernetes::kubelet::Tried| {
            json!({
                "secret": tried.secret, "key": tried.key, "username": tried.username, "password": tried.password,
            })
        };
        let answer = match tries(case["image"].as_str().unwrap(), secrets) {
            Ok(steps) => {
                steps.into_iter().map(|step| step.into_iter().map(tried).collect::<Value>()).collect()
            }
            Err(_) => Value::from("secrets"),
        };
        let expected = if case["error"] == "secrets" { &case["error"] } else { &case["tries"] };
        if answer != *expected {
            faults
                .push(format!("{}: {}\n  ours {answer}\n  kubelet {expected}", case["what"], case["image"]));
        }
        compared += 1;
    }
    assert!(faults.is_empty(), "{} of {compared}\n{}", faults.len(), faults.join("\n"));
    assert!(compared >= 470, "{compared} were compared");
}
