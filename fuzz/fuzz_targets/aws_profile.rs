//! The shared files of AWS.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| regcred_fuzz::targets::aws_profile(text));
