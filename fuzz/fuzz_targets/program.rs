//! What programs print.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| regcred_fuzz::targets::program(text));
