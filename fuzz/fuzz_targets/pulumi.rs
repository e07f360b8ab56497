//! A Pulumi project and its stack.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| regcred_fuzz::targets::pulumi(text));
