//! Challenges of registries, and what their token services answer.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| regcred_fuzz::targets::challenge(text));
