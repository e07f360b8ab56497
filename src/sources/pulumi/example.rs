//! The example project in `tests/fixtures/pulumi`, read as the program reads it. Its ciphertexts were made
//! by an independent implementation (Python's hashlib and cryptography).

use std::path::Path;

use super::{CredentialKeys, Lock, Passphrase, Project, Way, locate};

/// Cargo runs tests in the folder of the package.
fn example() -> Project {
    Project::find(Path::new("./tests/fixtures/pulumi/infra"))
        .expect("the project file is good")
        .expect("there is a project")
}

#[test]
fn the_example_project_gives_its_credential_to_who_knows_the_passphrase() {
    let project = example();
    assert_eq!(project.name, "infra");
    assert_eq!(project.file, Path::new("tests/fixtures/pulumi/infra/Pulumi.yaml"));
    let stack = project.stack("main").expect("the stack file is good");
    let way = locate(&stack, &CredentialKeys::default()).expect("the credential is there");
    let Way::Here(located) = way else { panic!("it is in the file") };
    let Lock::Passphrase(lock) = located.lock() else { panic!("a passphrase opens it") };

    let wrong = lock.unlock(&Passphrase::from("incorrect horse".to_owned()));
    let problem = wrong.expect_err("the passphrase is wrong");
    assert!(problem.message.ends_with("wrong passphrase"), "{problem}");
    assert_eq!(problem.place.and_then(|place| place.line), Some(1));

    let key = lock.unlock(&Passphrase::from("correct horse".to_owned()));
    let login = located.open(&key.expect("the passphrase is right"));
    let login = login.expect("the values are good");
    assert_eq!(login.username, "acme");
    assert_eq!(login.token.expose(), "dckr_pat_sandbox-0123456789abcdefghi");
}

#[test]
fn the_example_project_has_a_region_for_each_stack() {
    let stacks = example().stacks().expect("the stack files are good");
    let regions: Vec<_> = stacks
        .iter()
        .map(|stack| (stack.stack.as_str(), stack.plain("aws:region").expect("a text")))
        .collect();
    let some = |region: &str| Some(region.to_owned());
    assert_eq!(regions, [("dev", some("us-west-2")), ("main", some("us-east-2"))]);
    let keys = CredentialKeys::default();
    let holders: Vec<_> = stacks.iter().filter(|stack| keys.are_in(stack)).collect();
    assert_eq!(holders.len(), 1);
}
