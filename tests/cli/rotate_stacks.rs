//! Stack files in the forms that people and programs write them in, before and after a rotation by the command. The store's own
//! test goes through the same forms, and `tests/interop/stack_files_judge.py` reads what comes of them with Pulumi's algorithm
//! as others wrote it.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regcred::model::Secret;
use regcred::sources::pulumi::{DataKey, EncryptionSalt, Passphrase, derive};
use regcred_sandbox::World;
use regcred_sandbox::aws::Wrapped;
use serde_json::Value;

use crate::place::{ONE_STACK, OTHER_TOKEN, PASSPHRASE, Place, TOKEN, USER};
use crate::rotate::owned;
use crate::strike::in_parallel;
use crate::world::{REGION, secret};

/// Of the passphrase of all tests.
const SALT: &str = "v1:4aMQ8FLtudg=:v1:EbYDYA6UuXWko9MY:8Ip0YYFKl8+/d6WNg3OWBFt6QfQ2gg==";
const KMS_KEY: [u8; 32] = [7; 32];
/// More than a new file has.
const MODE: u32 = 0o664;

fn sealed(key: &DataKey, text: &str) -> String {
    key.encrypt(&Secret::new(text.to_owned())).unwrap()
}

/// A stack in AWS, nothing in it yet, with the credential in this stack file; and the new token in a file.
fn place(file: &str, content: &str) -> Place {
    let mut place = Place::bare(World::default());
    place.unset("DOCKER_HUB_USERNAME");
    place.unset("DOCKER_HUB_TOKEN");
    place.set("PULUMI_CONFIG_PASSPHRASE", PASSPHRASE);
    let from = "    from: { pulumi: { project: infra, stack: main } }\n    to:";
    let text = ONE_STACK.replace("    to:", from).replace("      github: [{ repository: acme/api }]\n", "");
    place.write("regcred.yaml", &text);
    // A stack's file has the ending of its project's.
    let ending = file.rsplit('.').next().unwrap();
    place.write(&format!("infra/Pulumi.{ending}"), r#"{"name": "infra", "runtime": "nodejs"}"#);
    place.write(&format!("infra/{file}"), content);
    let path = place.repo().join("infra").join(file);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(MODE)).unwrap();
    place.write("new", &format!("{USER}\n{OTHER_TOKEN}\n"));
    owned(&place, "new");
    let mut state = place.sandbox.state();
    state.registry.add_account(USER, OTHER_TOKEN);
    let key = "arn:aws:kms:us-east-2:123456789012:key/k".to_owned();
    let wrapped = Wrapped { key, context: BTreeMap::new(), plaintext: STANDARD.encode(KMS_KEY) };
    state.aws.wrapped.insert("AQID".to_owned(), wrapped);
    drop(state);
    place
}

/// What stands in the place of one of the old values, if every byte before and behind is as it was.
fn exchanged<'a>(before: &str, after: &'a str, old: &str) -> Option<&'a str> {
    before.match_indices(old).find_map(|(at, _)| {
        let new = after.strip_prefix(&before[..at])?.strip_suffix(&before[at + old.len()..])?;
        (!new.contains(char::is_whitespace)).then_some(new)
    })
}

fn rotated(form: &Value, of_passphrase: &DataKey) {
    let name = form["form"].as_str().unwrap();
    let lines = form["lines"].as_array().unwrap().iter().map(|line| line.as_str().unwrap());
    let content: String = lines.collect();
    let is_kms = content.contains("awskms://");
    let key = if is_kms { DataKey::from_bytes(KMS_KEY) } else { of_passphrase.clone() };
    let (old, other, user) = (sealed(&key, TOKEN), sealed(&key, "another secret"), sealed(&key, USER));
    let content = content.replace("<token>", &old).replace("<salt>", SALT);
    let content = content.replace("<other>", &other).replace("<user>", &user);
    let file = form["file"].as_str().unwrap_or("Pulumi.main.yaml");
    let place = place(file, &content);

    let ran = place.run(&["rotate", "--from", "file=new", "--yes"]);
    assert_eq!(ran.code, 0, "{name}:\n{}{}", ran.stdout, ran.stderr);
    let path = place.repo().join("infra").join(file);
    let after = std::fs::read_to_string(&path).unwrap();
    let new = exchanged(&content, &after, &old);
    let new = new.unwrap_or_else(|| panic!("{name}: not one value:\n{content}\n---\n{after}"));
    assert_eq!(key.decrypt(new).unwrap().expose(), OTHER_TOKEN, "{name}");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, MODE, "{name}");
    assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 2, "{name}: a file is left");

    // The value is where the next run finds it: in sync with what was spread, and so is a second rotation.
    let value = secret(&place.sandbox.state(), REGION).unwrap().value().unwrap().to_owned();
    assert!(value.contains(OTHER_TOKEN), "{name}");
    let ran = place.run(&["plan", "--detailed-exitcode"]);
    assert_eq!(ran.code, 0, "{name}:\n{}{}", ran.stdout, ran.stderr);
    ran.says("No changes");
    place.run(&["rotate", "--yes"]).ends(0).says("No changes");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), after, "{name}");
}

#[test]
fn one_value_of_a_stack_file_changes_and_no_other_byte_whatever_its_form_and_the_next_plan_is_in_sync() {
    let forms: Vec<Value> = serde_json::from_str(include_str!("../fixtures/stack_files.json")).unwrap();
    let is_kms = |form: &&Value| form["lines"].to_string().contains("awskms://");
    assert!(forms.len() >= 23 && forms.iter().filter(is_kms).count() >= 3);
    let passphrase = Passphrase::from(PASSPHRASE.to_owned());
    let key = derive(&passphrase, &EncryptionSalt::parse(SALT).unwrap()).unwrap();
    in_parallel(&forms, |form| rotated(form, &key));
}
