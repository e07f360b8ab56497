//! What the fuzzers look for, over the texts that they start from (`fuzz/seeds`) and over everything that those begin with.

use std::path::Path;

use regcred::image::Context;
use regcred::image::scan::scan_text;
use regcred::model::{Reference, Registry};

#[path = "../../fuzz/src/targets.rs"]
#[allow(unreachable_pub, reason = "the fuzzers are crates of their own")]
mod targets;

/// Gives a target its seeds, whole and cut off anywhere.
fn over_seeds(name: &str, target: fn(&str)) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(name);
    let mut count = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
        ends.for_each(|end| target(&text[..end]));
        count += 1;
    }
    assert!(count >= 10, "{name} has only {count} seeds");
}

#[test]
fn any_text_is_a_reference_or_an_error_and_what_is_displayed_means_the_same() {
    over_seeds("reference", targets::reference);
}

#[test]
fn any_text_is_a_registry_or_an_error_and_each_name_of_a_registry_means_the_same_one() {
    over_seeds("registry", targets::registry);
}

#[test]
fn any_file_can_be_scanned_and_every_image_is_on_a_line_that_it_has() {
    over_seeds("scan", targets::scan);
}
