//! Pulumi's ciphertexts and salts.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| regcred_fuzz::targets::ciphertext(text));
