//! Any text is a registry or an error, and each name of a registry means the same one.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| regcred_fuzz::targets::registry(text));
