//! Docker configurations, as a pull secret and as a source.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| regcred_fuzz::targets::docker_config(text));
