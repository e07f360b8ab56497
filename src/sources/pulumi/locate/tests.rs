//! What people do wrong with the credential of a stack, and what they are told.

use super::super::sample::{SALT, key, said, secure, stack, stack_of};
use super::{CredentialKeys, DataKey, Located, Need, Stack, Way};
use crate::model::{Login, Problem};
use crate::sources::pulumi::{Passphrase, StackFile};

const TOKEN: &str = "dckr_pat_0123456789abcdefghijklmnopq";

fn salted(config: &str) -> String {
    format!("encryptionsalt: {SALT}\nconfig:\n{config}")
}

fn good() -> String {
    salted(&format!("  dockerHubUsername: acme\n  dockerHubToken:\n    secure: {}\n", secure(TOKEN)))
}

/// The credential in a file whose key can be had here.
fn locate(stack: &StackFile, keys: &CredentialKeys) -> Result<Located, Vec<Problem>> {
    match super::locate(stack, keys)? {
        Way::Here(located) => Ok(located),
        Way::Program(_) => panic!("it is for the program"),
    }
}

/// What the program has to be asked for.
fn asked(content: &str) -> Stack {
    let stack = stack(content).expect("the stack file is good");
    match super::locate(&stack, &CredentialKeys::default()).expect("it can be asked for") {
        Way::Program(stack) => *stack,
        Way::Here(_) => panic!("it is in the file"),
    }
}

fn open(content: &str, keys: &CredentialKeys) -> Result<Login, Vec<Problem>> {
    let stack = stack(content).expect("the stack file is good");
    locate(&stack, keys)?.open(&key())
}

/// What is said about a stack file; the token must not be in it.
fn told(content: &str) -> Vec<String> {
    let problems = open(content, &CredentialKeys::default()).expect_err("it is refused");
    let told: Vec<_> = problems.into_iter().map(said).collect();
    assert!(!told.concat().contains("dckr_pat"), "{told:?}");
    told
}

#[test]
fn a_credential_is_read_under_its_own_keys_an_alias_or_a_path() {
    let sealed = secure(TOKEN);
    let name = secure("acme");
    let own = CredentialKeys { username: "docker.user".to_owned(), token: "infra:docker.token".to_owned() };
    let usual = CredentialKeys::default();
    for (config, keys) in [
        (
            format!("  infra:dockerHubUsername: acme\n  infra:dockerHubToken: {{secure: '{sealed}'}}\n"),
            &usual,
        ),
        (
            format!(
                "  dockerHubUsername: {{secure: '{name}'}}\n  dockerHubAccessToken: {{secure: '{sealed}'}}\n"
            ),
            &usual,
        ),
        (format!("  docker: {{user: acme, token: {{secure: '{sealed}'}}}}\n"), &own),
    ] {
        let stack = stack(&salted(&config)).expect("it is good");
        assert!(keys.are_in(&stack), "{config}");
        let login = open(&salted(&config), keys).expect("it is good");
        assert_eq!((login.username.as_str(), login.token.expose()), ("acme", TOKEN), "{config}");
    }
}

#[test]
fn the_user_name_may_be_the_projects_and_the_token_may_not_be_in_plain_text_there_either() {
    let project = "name: infra\nconfig:\n  dockerHubUsername: acme\n  dockerHubToken: dckr_pat_x\n";
    let content = salted(&format!("  dockerHubToken: {{secure: '{}'}}\n", secure(TOKEN)));
    let keys = CredentialKeys::default();
    let stack = stack_of(project, &content).expect("it is good");
    assert_eq!(locate(&stack, &keys).expect("it is good").open(&key()).expect("it is good").username, "acme");

    let stack = stack_of(project, "").expect("it is good");
    let problems = locate(&stack, &keys).expect_err("it is refused");
    let told: Vec<_> = problems.into_iter().map(said).collect();
    assert_eq!(told.len(), 1);
    assert!(
        told[0].starts_with("Pulumi.yaml:4:3: `dockerHubToken` is in plain text, and must be encrypted"),
        "{told:?}"
    );
}

#[test]
fn a_token_in_plain_text_is_refused_with_the_command_that_mends_it() {
    let content = format!("config:\n  dockerHubUsername: acme\n  dockerHubToken: {TOKEN}\n");
    assert_eq!(
        told(&content),
        [
            "Pulumi.main.yaml:3:3: `dockerHubToken` is in plain text, and must be encrypted [pulumi config set --secret dockerHubToken --stack main -C infra (with a new token, if this file was ever committed or shared)]"
        ]
    );
}

#[test]
fn everything_that_is_missing_is_told_at_once() {
    assert_eq!(
        told("config: {a: b}\n"),
        [
            "Pulumi.main.yaml: `dockerHubUsername` is not in the configuration of this stack [pulumi config set --plaintext dockerHubUsername NAME --stack main -C infra]",
            "Pulumi.main.yaml: `dockerHubToken` is not in the configuration of this stack [pulumi config set --secret dockerHubToken --stack main -C infra]",
        ]
    );
    assert_eq!(
        told("config:\n  dockerHubUsername:\n  dockerHubToken: ''\n"),
        [
            "Pulumi.main.yaml:2:3: `dockerHubUsername` is empty [pulumi config set --plaintext dockerHubUsername NAME --stack main -C infra]",
            "Pulumi.main.yaml:3:3: `dockerHubToken` is empty [pulumi config set --secret dockerHubToken --stack main -C infra]",
        ]
    );
    let keys = CredentialKeys { username: "docker.user".to_owned(), token: "t".to_owned() };
    let problems = open("", &keys).expect_err("it is empty");
    assert!(said(problems[0].clone()).contains("config set --plaintext --path docker.user NAME"));
}

#[test]
fn keys_are_case_sensitive() {
    let content = good().replace("dockerHubToken", "dockerhubToken");
    assert_eq!(told(&content).len(), 1);
    assert!(told(&content)[0].contains("`dockerHubToken` is not in the configuration"));
}

#[test]
fn a_key_that_may_be_in_an_environment_is_not_called_missing() {
    for line in ["environment: [acme/prod]", "environment: {imports: [a]}", "mainEnvironment: acme/prod"] {
        let content = format!("{}{line}\n", good().replace("dockerHubToken", "other"));
        let stack = asked(&content);
        assert_eq!(stack.need, Need::Environment { key: "dockerHubToken".to_owned() });
        assert_eq!(stack.place.line, Some(6));
        let plain = format!("config: {{dockerHubToken: x}}\n{line}\n");
        assert!(told(&plain)[0].contains("is in plain text"), "what is wrong here is told first");
        assert!(open(&format!("{}{line}\n", good()), &CredentialKeys::default()).is_ok());
    }
}

#[test]
fn a_token_that_is_not_a_text_is_refused() {
    for value in ["{secure: x, other: y}", "{secure: 5}", "[a]", "{a: {secure: x}}"] {
        let content = format!("config:\n  dockerHubUsername: acme\n  dockerHubToken: {value}\n");
        assert_eq!(
            told(&content),
            ["Pulumi.main.yaml:3:3: `dockerHubToken` must be text, not a list or a map"]
        );
    }
}

#[test]
fn a_number_that_pulumi_reads_by_its_own_rules_is_refused_without_it_where_it_is_needed() {
    let sealed = secure(TOKEN);
    let content = |name: &str, more: &str| {
        salted(&format!("  dockerHubUsername: {name}\n  dockerHubToken: {{secure: '{sealed}'}}\n{more}"))
    };
    for number in ["0777", "1e3", "2020-01-02", "012345678901"] {
        let told = told(&content(number, ""));
        assert_eq!(
            told,
            [
                "Pulumi.main.yaml:3:3: `dockerHubUsername` is a number or a date without quotes: Pulumi may read it as another one [quote it: `dockerHubUsername: \"…\"`]"
            ]
        );
        let login =
            open(&content(&format!("'{number}'"), &format!("  other: {number}\n")), &Default::default());
        assert_eq!(login.expect("a foreign key may be one").username, number);
    }
    let token = told(&salted("  dockerHubUsername: acme\n  dockerHubToken: 0777\n"));
    assert!(token[0].contains("`dockerHubToken` is in plain text, and must be encrypted"), "{token:?}");
    let error = stack("encryptionsalt: 1e3\n").expect_err("it is refused");
    let salt = "Pulumi.main.yaml:1:1: `encryptionsalt` is a number or a date without quotes: Pulumi may read it as another one [quote it]";
    assert_eq!(said(error), salt);
}

#[test]
fn secrets_of_a_provider_that_is_out_of_reach_are_for_the_program() {
    let config = |secret: &str| {
        format!("config:\n  dockerHubUsername: acme\n  dockerHubToken: {{secure: '{secret}'}}\n")
    };
    let sealed = secure(TOKEN);
    for (content, line, name) in [
        (
            format!("{}secretsprovider: hashivault://k\n", config(&sealed)),
            4,
            "HashiCorp Vault (`hashivault`)",
        ),
        (format!("secretsprovider: gcpkms://k\n{}", config(&sealed)), 1, "Google Cloud KMS (`gcpkms`)"),
        (
            format!("secretsprovider: azurekeyvault://k\n{}", config(&sealed)),
            1,
            "Azure Key Vault (`azurekeyvault`)",
        ),
        (config("AAABANk="), 3, "the Pulumi Cloud service"),
    ] {
        let stack = asked(&content);
        assert_eq!(stack.need.to_string(), format!("its secrets are encrypted with {name}"));
        assert_eq!(stack.place.line, Some(line), "{content}");
    }
}

#[test]
fn a_provider_that_cannot_be_used_is_named() {
    let config = |secret: &str| {
        format!("config:\n  dockerHubUsername: acme\n  dockerHubToken: {{secure: '{secret}'}}\n")
    };
    let sealed = secure(TOKEN);
    let kms = "the secrets of stack `main` need AWS KMS";
    let restore = "restore `secretsprovider` and `encryptedkey` from version control";
    for (provider, expected) in [
        (
            "secretsprovider: mine://k",
            "the secrets of stack `main` are encrypted with a provider that Pulumi does not have either [pulumi stack change-secrets-provider passphrase --stack main -C infra]".to_owned(),
        ),
        ("secretsprovider: awskms://k", format!("{kms}: `encryptedkey` is missing [{restore}]")),
        ("secretsprovider: awskms://k\nencryptedkey: '*'", format!("{kms}: `encryptedkey` is not base64 [{restore}]")),
        ("secretsprovider: awskms://k?x=1\nencryptedkey: AQ==", format!("{kms}: unknown query parameter `x` [{restore}]")),
    ] {
        let content = format!("{provider}\n{}", config(&sealed));
        assert_eq!(told(&content), [format!("Pulumi.main.yaml:1:1: {expected}")]);
    }
    assert_eq!(
        told(&config(&sealed)),
        [
            "Pulumi.main.yaml:3:3: stack `main` has secrets of a passphrase, and no usable `encryptionsalt` [restore the line `encryptionsalt: …` from version control]"
        ]
    );
}

#[test]
fn a_damaged_salt_is_told_before_any_passphrase_is_needed() {
    let content = good().replace(SALT, "v1:AAAA");
    assert_eq!(
        told(&content),
        [
            "Pulumi.main.yaml:1:1: stack `main` has secrets of a passphrase, and no usable `encryptionsalt`: the salt is damaged [restore the line `encryptionsalt: …` from version control]"
        ]
    );
}

#[test]
fn damaged_values_are_told_with_their_places() {
    let content = salted(
        "  dockerHubUsername: {secure: 'v1:AAAA'}\n  dockerHubToken: {secure: 'v1:AAAAAAAAAAAAAAAA:AAAA'}\n",
    );
    assert_eq!(
        told(&content),
        [
            "Pulumi.main.yaml:3:3: cannot decrypt `dockerHubUsername`: the encrypted value is damaged: it is not `v1:nonce:ciphertext` [pulumi config set --plaintext dockerHubUsername NAME --stack main -C infra]",
            "Pulumi.main.yaml:4:3: cannot decrypt `dockerHubToken`: the encrypted value is damaged, or was encrypted for another stack [pulumi config set --secret dockerHubToken --stack main -C infra]",
        ]
    );
    let stack = stack(&good()).expect("it is good");
    let located = locate(&stack, &CredentialKeys::default()).expect("it is good");
    assert!(located.open(&DataKey::from_bytes([4; 32])).is_err(), "the key of another stack");
}

#[test]
fn white_space_in_a_value_is_named_without_the_value() {
    for (text, flaw) in [
        (format!("{TOKEN}\n"), "ends with a line break"),
        (format!(" {TOKEN}"), "begins with a space"),
        ("dckr_pat_a b".to_owned(), "contains a space at character 11"),
    ] {
        let content = salted(&format!(
            "  dockerHubUsername: acme\n  dockerHubToken: {{secure: '{}'}}\n",
            secure(&text)
        ));
        assert_eq!(
            told(&content),
            [format!(
                "Pulumi.main.yaml:4:3: the value of `dockerHubToken` {flaw} [pulumi config set --secret dockerHubToken --stack main -C infra]"
            )]
        );
    }
    let empty =
        salted(&format!("  dockerHubUsername: ' acme'\n  dockerHubToken: {{secure: '{}'}}\n", secure("")));
    assert!(told(&empty)[0].contains("the value of `dockerHubUsername` begins with a space"));
    let empty = empty.replace("' acme'", "acme");
    assert!(told(&empty)[0].contains("`dockerHubToken` is empty"));
}

#[test]
fn nothing_shows_the_values_when_it_is_printed_for_debugging() {
    let plain = stack(&format!("config:\n  dockerHubToken: {TOKEN}\n")).expect("it is good");
    let entry = plain.entry("dockerHubToken").map(|entry| entry.value);
    let sealed = stack(&good()).expect("it is good");
    let located = locate(&sealed, &CredentialKeys::default()).expect("it is good");
    let login = located.open(&key()).expect("it is good");
    let passphrase = Passphrase::from(TOKEN.to_owned());
    let shown = format!("{plain:?} {entry:?} {sealed:?} {located:?} {login:?} {passphrase:?}");
    assert!(!shown.contains("dckr_pat") && !shown.contains("v1:"), "{shown}");
}
