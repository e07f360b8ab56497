//! KMS: Decrypt, for what symmetric keys have encrypted. The ciphertext itself says which key that was, so that a
//! request names none (AWS KMS API reference, "Decrypt").

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::error::AwsError;
use super::{Outcome, Visit};
use crate::calls::Service;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Decrypt {
    ciphertext_blob: String,
    #[serde(default)]
    encryption_context: BTreeMap<String, String>,
}

pub(crate) fn dispatch(visit: &Visit<'_>) -> Outcome {
    let input: Decrypt = visit.input()?;
    let wrapped = visit.world.aws.wrapped.get(&input.ciphertext_blob);
    // A ciphertext of another region, one that is damaged and another context look the same (documented).
    let wrapped = wrapped.filter(|wrapped| wrapped.key.split(':').nth(3) == Some(visit.region.as_str()));
    let wrapped =
        wrapped.filter(|wrapped| wrapped.context == input.encryption_context).ok_or_else(invalid)?;
    visit.caller.may(&visit.action(Service::Kms), &wrapped.key)?;
    Ok(json!({
        "KeyId": wrapped.key,
        "Plaintext": wrapped.plaintext,
        "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
    }))
}

/// Real KMS sends no message with it.
fn invalid() -> AwsError {
    AwsError::new("InvalidCiphertextException", "")
}
