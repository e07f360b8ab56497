//! What the fuzzers look for, over the texts that they start from (`fuzz/seeds`) and over what those begin with.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

#[path = "../fuzz/src/targets/mod.rs"]
#[allow(unreachable_pub, reason = "the fuzzers are crates of their own")]
mod targets;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// Gives a target its seeds, whole and cut off at every so many characters.
fn over_seeds(name: &str) {
    let (_, target, step) = targets::ALL.iter().find(|(other, ..)| *other == name).expect("a target");
    let mut count = 0;
    for file in std::fs::read_dir(fuzz().join("seeds").join(name)).expect("seeds") {
        let text = std::fs::read_to_string(file.expect("a seed").path()).expect("a text");
        let ends = text.char_indices().map(|(at, _)| at).step_by(*step).chain([text.len()]);
        ends.for_each(|end| target(&text[..end]));
        count += 1;
    }
    assert!(count >= 5, "{name} has only {count} seeds");
}

#[test]
fn every_target_has_a_fuzzer_and_every_fuzzer_a_target() {
    let names: BTreeSet<String> = targets::ALL.iter().map(|(name, ..)| (*name).to_owned()).collect();
    let files = std::fs::read_dir(fuzz().join("fuzz_targets")).expect("fuzzers");
    let stem = |file: std::io::Result<std::fs::DirEntry>| {
        Some(file.ok()?.path().file_stem()?.to_string_lossy().into_owned())
    };
    assert_eq!(files.filter_map(stem).collect::<BTreeSet<_>>(), names);
    let manifest = std::fs::read_to_string(fuzz().join("Cargo.toml")).expect("a manifest");
    for name in names {
        assert!(manifest.contains(&format!("name = \"{name}\"\n")), "{name}");
    }
}

#[test]
fn any_text_is_a_reference_or_an_error_and_what_is_displayed_means_the_same() {
    over_seeds("reference");
}

#[test]
fn any_text_is_a_registry_or_an_error_and_each_name_of_a_registry_means_the_same_one() {
    over_seeds("registry");
}

#[test]
fn any_file_can_be_scanned_and_every_image_is_on_a_line_that_it_has() {
    over_seeds("scan");
}

#[test]
fn any_text_is_a_configuration_or_what_is_wrong_is_told() {
    over_seeds("configuration");
}

#[test]
fn any_two_texts_are_a_pulumi_project_and_its_stack_or_what_is_wrong_is_told() {
    over_seeds("pulumi");
}

#[test]
fn any_text_is_a_ciphertext_of_pulumi_or_none() {
    over_seeds("ciphertext");
}

#[test]
fn any_text_is_a_docker_configuration_or_none() {
    over_seeds("docker_config");
}

#[test]
fn any_text_is_a_kubeconfig_or_none_and_each_context_of_it_can_be_judged() {
    over_seeds("kubeconfig");
}

#[test]
fn any_text_has_variables_that_can_be_named() {
    over_seeds("dotenv");
}

#[test]
fn any_text_is_a_file_with_a_credential_or_what_is_wrong_is_told() {
    over_seeds("secret_file");
}

#[test]
fn any_text_is_a_record_or_an_address_or_none_and_what_is_displayed_means_the_same() {
    over_seeds("record");
}

#[test]
fn any_policy_with_our_statement_in_it_is_in_sync() {
    over_seeds("policy");
}

#[test]
fn any_challenge_ends_in_a_proof_or_an_error() {
    over_seeds("challenge");
}

#[test]
fn any_answer_of_any_system_is_read_planned_with_shown_and_written_to() {
    over_seeds("answers");
}

#[test]
fn any_profile_of_aws_is_a_login_or_it_is_said_why_not() {
    over_seeds("aws_profile");
}

#[test]
fn whatever_a_program_prints_is_taken_or_it_is_said_why_not_without_its_words() {
    over_seeds("program");
}
