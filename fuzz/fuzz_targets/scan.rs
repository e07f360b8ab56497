//! Any file can be scanned.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| regcred_fuzz::targets::scan(text));
