//! Names of images and registries, and the files that have them.

use std::path::Path;

use regcred::image::Context;
use regcred::image::scan::scan_text;
use regcred::model::{Reference, Registry};

/// A text is an image reference or an error, and what is displayed means the same.
pub fn reference(text: &str) {
    match Reference::parse(text) {
        Ok(reference) => {
            let displayed = reference.to_string();
            assert_eq!(Reference::parse(&displayed).as_ref(), Ok(&reference));
            // Go's bound is on the path alone; the familiar form is never the longer one.
            assert!(reference.familiar().len() <= displayed.len());
            assert!(reference.path().len() <= 255);
        }
        Err(error) => {
            assert!(!error.to_string().chars().any(char::is_control) && error.hint() != Some(String::new()));
        }
    }
}

/// A text is a registry or an error, and each name of a registry means the same one.
pub fn registry(text: &str) {
    match Registry::parse(text) {
        Ok(registry) => {
            for name in [registry.canonical(), registry.api_host(), registry.docker_config_key()] {
                assert_eq!(Registry::parse(name).as_ref(), Ok(&registry));
            }
        }
        Err(error) => drop((error.to_string(), error.hint())),
    }
}

/// A file can be scanned: without a panic, without end, and with every image on a line that the file has.
pub fn scan(text: &str) {
    for file in [
        "Dockerfile",
        "a.yaml",
        "kustomization.yaml",
        "compose.yaml",
        ".github/workflows/a.yml",
        "action.yml",
    ] {
        for image in &scan_text(Path::new(file), text, &Context::default()).images {
            assert!(image.line >= 1 && image.line <= text.split(['\n', '\r']).count(), "{file}: {image:?}");
            assert!(image.column >= 1, "{file}: {image:?}");
        }
    }
}
