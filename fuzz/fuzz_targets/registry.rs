//! Any text is a registry or an error, and each name of a registry means the same one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use regcred_fuzz::model::Registry;

fuzz_target!(|text: &str| {
    match Registry::parse(text) {
        Ok(registry) => {
            for name in [registry.canonical(), registry.api_host(), registry.docker_config_key()] {
                assert_eq!(Registry::parse(name).as_ref(), Ok(&registry));
            }
        }
        Err(error) => drop((error.to_string(), error.hint())),
    }
});
