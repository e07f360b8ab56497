//! Signatures by keys on the curve P-521, which ring does not verify and some servers have, as Go and OpenSSL take them.

use ::p521::ecdsa::signature::hazmat::PrehashVerifier;
use ::p521::ecdsa::{DerSignature, VerifyingKey};
use ring::digest::{self, SHA256, SHA384, SHA512, digest};
use rustls::SignatureScheme;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id};

/// ECDSA on P-521 with one digest.
#[derive(Debug)]
struct P521(&'static digest::Algorithm, AlgorithmIdentifier);

/// An authority signs with any of these (`openssl req` with SHA-256 unless it is told otherwise), a handshake with the last.
static ALL: [&dyn SignatureVerificationAlgorithm; 3] = [
    &P521(&SHA256, alg_id::ECDSA_SHA256),
    &P521(&SHA384, alg_id::ECDSA_SHA384),
    &P521(&SHA512, alg_id::ECDSA_SHA512),
];

/// What another library verifies, and P-521 with it. It stays in memory: call it once.
pub(super) fn beside(other: WebPkiSupportedAlgorithms) -> WebPkiSupportedAlgorithms {
    let handshake = (SignatureScheme::ECDSA_NISTP521_SHA512, &ALL[2..]);
    WebPkiSupportedAlgorithms {
        all: [other.all, &ALL].concat().leak(),
        mapping: [other.mapping, &[handshake]].concat().leak(),
    }
}

impl SignatureVerificationAlgorithm for P521 {
    fn verify_signature(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let key = VerifyingKey::from_sec1_bytes(key).map_err(|_| InvalidSignature)?;
        let signature = DerSignature::try_from(signature).map_err(|_| InvalidSignature)?;
        let digest = digest(self.0, message);
        key.verify_prehash(digest.as_ref(), &signature).map_err(|_| InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_P521
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.1
    }
}
