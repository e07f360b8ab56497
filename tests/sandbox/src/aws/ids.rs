//! Ids in AWS's alphabets, derived from what they are for, so that a run can be repeated.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

/// A UUID-shaped request id.
pub(crate) fn request_id(body: &[u8], now: DateTime<Utc>) -> String {
    let digest =
        Sha256::new().chain_update(body).chain_update(now.timestamp_micros().to_be_bytes()).finalize();
    uuid(&digest)
}

/// A version id for a request without `ClientRequestToken`.
pub(crate) fn version_id(seed: &str) -> String {
    uuid(&Sha256::digest(seed))
}

fn uuid(digest: &[u8]) -> String {
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// Letters and digits, in both cases as in real ARNs.
pub(crate) fn mixed_case(seed: &str, length: usize) -> String {
    pick(seed, length, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
}

/// The alphabet of AWS's unique ids.
pub(crate) fn base32(seed: &str, length: usize) -> String {
    pick(seed, length, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
}

fn pick(seed: &str, length: usize, alphabet: &[u8]) -> String {
    let digest = Sha256::digest(seed);
    digest.iter().take(length).map(|byte| char::from(alphabet[usize::from(*byte) % alphabet.len()])).collect()
}
