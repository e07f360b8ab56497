//! A configuration is one, or what is wrong with it is told.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| regcred_fuzz::targets::configuration(text));
