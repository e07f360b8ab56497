//! Stack files in the forms that people and programs write them in.

use std::path::Path;

use super::super::sample::{SALT, folder, key, secure};
use super::*;
use crate::sources::pulumi::{CredentialKeys, Located, Project, Way, locate};

const OLD: &str = "dckr_pat_0123456789abcdefghijklmnopq";
const NEW: &str = "dckr_pat_zyxwvutsrqponmlkjihgfedcba9";

fn located(dir: &Path, keys: &CredentialKeys) -> Located {
    let stack = Project::open(dir).expect("a project").stack("main").expect("the stack file is good");
    match locate(&stack, keys).expect("it is good") {
        Way::Here(located) => located,
        Way::Program(_) => panic!("it is for the program"),
    }
}

/// The file before and after, as the new token was stored; or why it was not.
fn stored(name: &str, content: &str, keys: &CredentialKeys) -> Result<(String, String), String> {
    // A stack's file has the ending of its project's.
    let project = if name.ends_with(".json") { "Pulumi.json" } else { "Pulumi.yaml" };
    let dir = folder(&[(project, r#"{"name": "infra", "runtime": "nodejs"}"#), (name, content)]);
    let found = located(dir.path(), keys);
    assert_eq!(found.open(&key()).expect("it opens").token.expose(), OLD);
    store(&found, &key(), &Secret::new(NEW.to_owned())).map_err(|problem| {
        let told = problem.message;
        assert_eq!(std::fs::read_to_string(dir.path().join(name)).expect("it is there"), content);
        assert!(!told.contains("dckr_pat"));
        told
    })?;
    let after = std::fs::read_to_string(dir.path().join(name)).expect("it is there");
    let opened = located(dir.path(), keys).open(&key()).expect("it opens");
    assert_eq!((opened.username.as_str(), opened.token.expose()), ("acme", NEW));
    Ok((content.to_owned(), after))
}

/// What stands in the place of the old value, if everything else is as before.
fn exchanged(before: &str, after: &str, old: &str) -> String {
    for (at, _) in before.match_indices(old) {
        let (start, end) = (&before[..at], &before[at + old.len()..]);
        let new = after.strip_prefix(start).and_then(|rest| rest.strip_suffix(end));
        if let Some(new) = new.filter(|new| !new.contains(char::is_whitespace)) {
            return new.to_owned();
        }
    }
    panic!("more than one value has changed:\n{before}\n---\n{after}");
}

/// The files in every form, with this ciphertext: `tests/cli/rotate_stacks.rs` and a judge go through the same with the
/// command.
fn forms(token: &str) -> Vec<(String, String, String)> {
    // Cargo runs tests in the folder of the package.
    let forms = std::fs::read_to_string("tests/fixtures/stack_files.json").expect("a table");
    let forms: Vec<serde_json::Value> = serde_json::from_str(&forms).expect("JSON");
    let text = |form: &serde_json::Value, key: &str| form[key].as_str().map(str::to_owned);
    let told = forms.iter().map(|form| {
        let lines = form["lines"].as_array().into_iter().flatten();
        let content: String = lines.filter_map(serde_json::Value::as_str).collect();
        let content = content.replace("<token>", token).replace("<salt>", SALT);
        let content =
            content.replace("<other>", &secure("another secret")).replace("<user>", &secure("acme"));
        let file = text(form, "file").unwrap_or_else(|| "Pulumi.main.yaml".to_owned());
        (text(form, "form").expect("a name"), file, content)
    });
    told.collect()
}

#[test]
fn one_value_changes_and_no_other_byte_whatever_the_form_of_the_file() {
    let sealed = secure(OLD);
    let forms = forms(&sealed);
    assert!(forms.len() >= 20);
    for (form, file, content) in forms {
        let told = stored(&file, &content, &CredentialKeys::default());
        let (before, after) = told.unwrap_or_else(|why| panic!("{form}: {why}"));
        let new = exchanged(&before, &after, &sealed);
        assert_eq!(key().decrypt(&new).expect(&form).expose(), NEW, "{form}");
        assert_eq!(before.matches('\n').count(), after.matches('\n').count(), "{form}");
    }
}

#[test]
fn a_value_under_a_path_is_exchanged_too() {
    let sealed = secure(OLD);
    let keys = CredentialKeys { username: "docker.user".to_owned(), token: "docker.token".to_owned() };
    let nested = format!(
        "encryptionsalt: {SALT}\nconfig:\n  other: {{token: {{secure: '{sealed}'}}}}\n  docker:\n    user: acme\n    token:\n      secure: {sealed}\n"
    );
    let (before, after) = stored("Pulumi.main.yaml", &nested, &keys).expect("it is stored");
    exchanged(&before, &after, &sealed);
    assert!(after.starts_with(&format!(
        "encryptionsalt: {SALT}\nconfig:\n  other: {{token: {{secure: '{sealed}'}}}}"
    )));
}

#[test]
fn what_cannot_be_exchanged_alone_is_refused_and_the_file_stays() {
    let sealed = secure(OLD);
    let (start, end) = sealed.split_at(20);
    let salt = format!("encryptionsalt: {SALT}\n");
    let why = "an anchor shares it with another key";
    for config in [
        format!("  dockerHubUsername: acme\n  a: &a {{secure: {sealed}}}\n  dockerHubToken: *a\n"),
        format!("  dockerHubUsername: acme\n  dockerHubToken: &a {{secure: {sealed}}}\n  z: *a\n"),
        format!("  dockerHubUsername: acme\n  dockerHubToken:\n    secure: \"{start}\\\n      {end}\"\n"),
    ] {
        let told =
            stored("Pulumi.main.yaml", &format!("{salt}config:\n{config}"), &CredentialKeys::default());
        assert!(told.as_ref().is_err_and(|told| told.ends_with(why)), "{config}: {told:?}");
    }
}

#[test]
fn a_file_that_changed_or_is_a_link_is_not_written() {
    let content = format!(
        "encryptionsalt: {SALT}\nconfig:\n  dockerHubUsername: acme\n  dockerHubToken:\n    secure: {}\n",
        secure(OLD)
    );
    let dir = folder(&[("Pulumi.yaml", "name: infra\n"), ("Pulumi.main.yaml", &content)]);
    let file = dir.path().join("Pulumi.main.yaml");
    let found = located(dir.path(), &CredentialKeys::default());
    let told = || store(&found, &key(), &Secret::new(NEW.to_owned())).expect_err("it is refused").message;
    std::fs::write(&file, content.replace("acme", "acme\n  more: 1")).expect("a file");
    assert!(told().ends_with("the file has changed since it was read"), "the key is elsewhere");
    std::fs::write(&file, content.replace(&secure(OLD), &secure("other"))).expect("a file");
    assert!(told().ends_with("the file has changed since it was read"), "the value is another");
    std::fs::rename(&file, dir.path().join("real")).expect("a move");
    std::fs::write(dir.path().join("real"), &content).expect("a file");
    std::os::unix::fs::symlink("real", &file).expect("a link");
    assert!(told().ends_with("it is a link, through which nothing is written"));
}
