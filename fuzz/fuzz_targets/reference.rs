//! Any text is an image reference or an error, and what is displayed means the same.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| regcred_fuzz::targets::reference(text));
