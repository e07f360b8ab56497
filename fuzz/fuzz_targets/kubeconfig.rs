//! Kubeconfigs and each of their contexts.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| regcred_fuzz::targets::kubeconfig(text));
