//! Any text is an image reference or an error, and what is displayed means the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use regcred_fuzz::model::Reference;

fuzz_target!(|text: &str| {
    match Reference::parse(text) {
        Ok(reference) => {
            let displayed = reference.to_string();
            assert_eq!(Reference::parse(&displayed).as_ref(), Ok(&reference));
            // Go's bound is on the path alone; the familiar form is never the longer one.
            assert!(reference.familiar().len() <= displayed.len());
            assert!(reference.path().len() <= 255);
        }
        Err(error) => {
            assert!(!error.to_string().chars().any(char::is_control) && error.hint() != Some(String::new()))
        }
    }
});
