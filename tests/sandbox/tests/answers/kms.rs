//! KMS: what decrypts, and what does not.

use std::collections::BTreeMap;

use regcred_sandbox::Sandbox;
use regcred_sandbox::aws::Wrapped;
use serde_json::json;

use crate::client::{Aws, start_with};

const KEY: &str = "arn:aws:kms:us-east-2:123456789012:key/k";

fn wrapped() -> Sandbox {
    start_with(|world| {
        let context = BTreeMap::from([("stack".to_owned(), "main".to_owned())]);
        let wrapped = Wrapped { key: KEY.to_owned(), context, plaintext: "AAEC".to_owned() };
        world.aws.wrapped.insert("AQID".to_owned(), wrapped);
    })
}

#[test]
fn a_ciphertext_is_decrypted_in_its_region_and_with_its_context() {
    let sandbox = wrapped();
    let input = json!({ "CiphertextBlob": "AQID", "EncryptionContext": { "stack": "main" } });
    let output = Aws::new(&sandbox).kms("Decrypt", &input).unwrap();
    assert_eq!((output["Plaintext"].as_str(), output["KeyId"].as_str()), (Some("AAEC"), Some(KEY)));
    assert!(!sandbox.calls()[0].is_write);
}

#[test]
fn another_region_context_or_ciphertext_look_the_same() {
    let sandbox = wrapped();
    let good = json!({ "CiphertextBlob": "AQID", "EncryptionContext": { "stack": "main" } });
    let elsewhere = Aws { region: "us-west-2", ..Aws::new(&sandbox) };
    assert_eq!(elsewhere.kms("Decrypt", &good).unwrap_err().code, "InvalidCiphertextException");
    for input in [
        json!({ "CiphertextBlob": "AQID" }),
        json!({ "CiphertextBlob": "AQIE", "EncryptionContext": { "stack": "main" } }),
    ] {
        let error = Aws::new(&sandbox).kms("Decrypt", &input).unwrap_err();
        assert_eq!((error.status, error.code.as_str()), (400, "InvalidCiphertextException"));
    }
}

#[test]
fn whoever_may_not_decrypt_is_told_of_the_key() {
    let sandbox = wrapped();
    sandbox.state().aws.access_keys.values_mut().for_each(|key| key.denied.push("kms:*".to_owned()));
    let input = json!({ "CiphertextBlob": "AQID", "EncryptionContext": { "stack": "main" } });
    let error = Aws::new(&sandbox).kms("Decrypt", &input).unwrap_err();
    assert_eq!(error.code, "AccessDeniedException");
    assert!(error.message.contains("kms:Decrypt") && error.message.contains(KEY), "{}", error.message);
}
