//! Pulumi, where a passphrase is not enough: AWS KMS, and the `pulumi` program.

use super::*;

/// The data key of the KMS stack, and the token encrypted with it (made by Python's `cryptography`).
const DATA_KEY: &str = "joupuR1XSp1+tc67P2MAGS31R6EE41yusanmrhCgYbw=";
const SEALED: &str =
    "v1:4V6uGmFlg7boZRtb:cfmKc6pyIgTDPFMxH7JX/njhmC47MElvvQbze1vTgMn+hyqb0D1tDHQv5L+zL5oJbO80xg==";
const KEY: &str = "arn:aws:kms:us-east-2:123456789012:key/k";

fn pulumi(stack: &str, script: &str) -> Place {
    project(Place::with_one_stack(World::default()), stack, script)
}

/// What `pulumi config --json --show-secrets` prints.
fn config(token: &str) -> String {
    format!(
        r#"cat <<'END'
{{
  "infra:dockerHubToken": {{"value": "{token}", "secret": true}},
  "infra:dockerHubUsername": {{"value": "{USER}", "secret": false}}
}}
END"#
    )
}

const CLOUD: &str = "config:\n  infra:dockerHubUsername: acme\n  infra:dockerHubToken: {secure: AAABANk=}\n";
const VAULT: &str = "secretsprovider: hashivault://k\nencryptedkey: AQ==\nconfig:\n  dockerHubUsername: acme\n  dockerHubToken: {secure: 'v1:AAAAAAAAAAAAAAAA:AAAA'}\n";
const ESC: &str = "environment: [acme/prod]\nconfig: {aws:region: us-east-2}\n";

#[test]
fn the_pulumi_program_is_asked_once_with_only_what_it_needs() {
    for (stack, vault) in [(CLOUD, false), (ESC, false), (VAULT, true)] {
        let mut place = pulumi(stack, &config(TOKEN));
        place.set("PULUMI_CONFIG_PASSPHRASE", PASSPHRASE);
        place.set("ANOTHER_PROGRAMS_OWN", "1");
        brings(&place, "", "from pulumi:infra/main");
        let seen = seen(&place, "pulumi");
        let asked: Vec<&str> = seen.lines().filter(|line| line.starts_with("args: ")).collect();
        let values = "args: config --json --show-secrets --non-interactive --stack main";
        let places = "args: config --json --non-interactive --stack main";
        // Where an environment's stack is, is asked without its secrets.
        assert_eq!(asked, if stack == ESC { vec![places, values] } else { vec![values] });
        for expected in
            ["PULUMI_ACCESS_TOKEN=pul-0123", "PULUMI_SKIP_UPDATE_CHECK=true", "TERM=dumb", "/repo/infra\n"]
        {
            assert!(seen.contains(expected), "no {expected} in {seen}");
        }
        for other in [
            "GITHUB_TOKEN",
            "AWS_SECRET_ACCESS_KEY",
            "PULUMI_CONFIG_PASSPHRASE",
            "ANOTHER_PROGRAMS_OWN",
            TOKEN,
        ] {
            assert!(!seen.contains(other), "{other} in {seen}");
        }
        assert_eq!(seen.contains("VAULT_TOKEN=hvs-0123"), vault, "{seen}");
    }
}

#[test]
fn what_follows_the_configuration_on_the_same_stream_is_not_read() {
    let script = config(TOKEN) + "\necho 'Warning: {the environment acme/prod} has diagnostics'";
    brings(&pulumi(ESC, &script), "", "from pulumi:infra/main");
}

#[test]
fn a_stack_is_asked_for_by_the_name_that_was_given_in_full() {
    let mut place = pulumi(CLOUD, &config(TOKEN));
    place.set("PULUMI_STACK", "acme/infra/main");
    place.run(&["plan"]).ends(0);
    assert!(seen(&place, "pulumi").contains("--stack acme/infra/main\n"));
}

#[test]
fn a_named_stack_without_a_file_may_be_configured_in_pulumi_cloud() {
    let mut place = pulumi(CLOUD, &config(TOKEN));
    place.set("PULUMI_STACK", "prod");
    brings(&place, "", "from pulumi:infra/prod");
    place.unset("PULUMI_ACCESS_TOKEN");
    refuses(&place, 3, &["there is no such file for stack `prod`", "pulumi stack init prod -C infra"]);
}

#[test]
fn pulumi_is_not_asked_where_it_could_sign_up_or_write() {
    let ask = |stack: &str, backend: Option<&str>, words: &[&str]| {
        let mut place = pulumi(stack, &config(TOKEN));
        place.unset("PULUMI_ACCESS_TOKEN");
        if let Some(backend) = backend {
            place.set("PULUMI_BACKEND_URL", backend);
        }
        refuses(&place, 3, words);
        assert_eq!(seen(&place, "pulumi"), "", "it was asked");
    };
    let cloud = "its secrets are encrypted with the Pulumi Cloud service: there is no login to Pulumi";
    ask(CLOUD, None, &[cloud, "pulumi login"]);
    ask(CLOUD, Some("https://api.pulumi.com"), &[cloud]);
    ask(
        CLOUD,
        Some("s3://bucket"),
        &["the backend in use is `s3://`", "PULUMI_BACKEND_URL=https://api.pulumi.com"],
    );
    ask(ESC, Some("file://~"), &["infra/Pulumi.main.yaml:1:1", "may come from the Pulumi ESC environment"]);
    ask(&VAULT.replace("encryptedkey: AQ==\n", ""), Some("file://~"), &["`encryptedkey` is missing"]);
}

#[test]
fn what_the_pulumi_program_refuses_is_told_without_its_words() {
    for (end, words) in [
        ("exit 3", "Pulumi does not accept the login"),
        (
            "echo 'error: PULUMI_ACCESS_TOKEN must be set for login' >&2; exit 255",
            "does not accept the login",
        ),
        ("exit 6", "Pulumi has no such stack"),
        ("echo \"error: no stack named 'main' found\" >&2; exit 255", "Pulumi has no such stack"),
        ("echo 'error: incorrect passphrase' >&2; exit 1", "wrong passphrase"),
        ("echo 'error: could not decrypt configuration value: x' >&2; exit 1", "for another stack"),
        ("exit 1", "`pulumi config` ended with code 1"),
        ("exit 0", "`pulumi config` gives no configuration"),
    ] {
        let script = format!("echo '{TOKEN}'; {end}");
        refuses(&pulumi(CLOUD, &script), 1, &[words, "infra/Pulumi.main.yaml:3:3: stack `main`"]);
    }
    let place = pulumi(CLOUD, "");
    std::fs::remove_file(place.repo().join("bin/pulumi")).unwrap();
    refuses(&place, 1, &["the program `pulumi` is not on PATH", "https://www.pulumi.com/docs/install"]);
}

#[test]
fn what_is_wrong_with_a_value_that_pulumi_gives_is_told_without_the_value() {
    let with = |entries: &str| pulumi(ESC, &format!("echo '{{{entries}}}'"));
    let name = format!(r#""infra:dockerHubUsername": {{"value": "{USER}"}}"#);
    let token = |secret: bool, value: &str| {
        format!(r#"{name}, "infra:dockerHubToken": {{"value": "{value}", "secret": {secret}}}"#)
    };
    for (entries, words) in [
        (token(false, TOKEN), "`dockerHubToken` is in plain text, and must be a secret"),
        (token(true, ""), "`dockerHubToken` is empty"),
        (token(true, &format!("{TOKEN} ")), "`dockerHubToken` has a value that ends with a space"),
        (name.clone(), "`dockerHubToken` is not in its configuration"),
        (
            format!(
                r#"{name}, "infra:dockerHubToken": {{"value": "[]", "objectValue": [], "secret": true}}"#
            ),
            "must be text",
        ),
    ] {
        refuses(
            &with(&entries),
            3,
            &[words, "pulumi config set --secret dockerHubToken --stack main -C infra"],
        );
    }
    let alias = format!(r#"{name}, "infra:dockerHubAccessToken": {{"value": "{TOKEN}", "secret": true}}"#);
    brings(&with(&alias), "", "from pulumi:infra/main");
}

#[test]
fn a_path_leads_into_a_value_that_pulumi_gives() {
    let nested = format!(
        r#"echo '{{"infra:docker": {{"value": "x", "objectValue": {{"user": "{USER}", "tokens": ["{TOKEN}"]}}, "secret": true}}}}'"#
    );
    let place = pulumi(ESC, &nested);
    let from =
        "from: { pulumi: { project: infra, stack: main, username: docker.user, token: 'docker.tokens[0]' } }";
    place.write("regcred.yaml", &ONE_STACK.replace("    to:", &format!("    {from}\n    to:")));
    brings(&place, "", "from pulumi:infra/main");
}

/// The example project with a data key of AWS KMS.
pub(crate) fn kms(url: &str) -> Place {
    let place = Place::with_one_stack(World::default());
    let wrapped = Wrapped {
        key: KEY.to_owned(),
        context: BTreeMap::from([("app".to_owned(), "infra".to_owned())]),
        plaintext: DATA_KEY.to_owned(),
    };
    place.sandbox.state().aws.wrapped.insert("AQID".to_owned(), wrapped);
    place.write("infra/Pulumi.yaml", "name: infra\n");
    let stack = format!(
        "secretsprovider: {url}\nencryptedkey: AQID\nconfig:\n  dockerHubUsername: acme\n  dockerHubToken: {{secure: '{SEALED}'}}\n"
    );
    place.write("infra/Pulumi.main.yaml", &stack);
    without_environment(place)
}

fn without_environment(mut place: Place) -> Place {
    place.unset("DOCKER_HUB_USERNAME");
    place.unset("DOCKER_HUB_TOKEN");
    place
}

fn decrypts(calls: &[Call]) -> usize {
    calls.iter().filter(|call| call.service == Service::Kms).count()
}

#[test]
fn a_data_key_of_aws_kms_is_decrypted_with_the_urls_region_and_context() {
    for url in [
        "awskms://alias/pulumi?region=us-east-2&context_app=infra&awssdk=v2",
        "awskms:///arn:aws:kms:us-east-2:123456789012:key/k?context_app=infra",
    ] {
        let place = kms(url);
        brings(&place, "", "from pulumi:infra/main");
        assert_eq!(decrypts(&place.sandbox.calls()), 1);
        assert_eq!(place.sandbox.violations(), [""; 0]);
    }
}

#[test]
fn a_key_of_aws_kms_that_is_refused_is_told_with_its_login() {
    let place = kms("awskms://alias/pulumi?region=us-east-2");
    refuses(
        &place,
        1,
        &[
            "infra/Pulumi.main.yaml:1:1",
            "need AWS KMS: kms:Decrypt: InvalidCiphertextException (region us-east-2)",
        ],
    );
    let place = kms("awskms://alias/pulumi?region=us-east-2&context_app=infra");
    place.sandbox.state().aws.access_keys.values_mut().for_each(|key| key.denied.push("kms:*".to_owned()));
    refuses(&place, 1, &["AccessDeniedException", "allow kms:Decrypt to this principal"]);
    let place = kms("awskms://alias/pulumi?region=us-east-2&context_app=infra");
    place.sandbox.state().aws.wrapped.get_mut("AQID").unwrap().plaintext = "AAEC".to_owned();
    refuses(&place, 1, &["what it decrypts is not a key of 32 bytes"]);
    place.sandbox.state().aws.wrapped.get_mut("AQID").unwrap().plaintext = STANDARD.encode([7; 32]);
    refuses(&place, 3, &["cannot decrypt `dockerHubToken`", "was encrypted for another stack"]);
}

#[test]
fn credentials_of_one_stack_share_one_key_and_one_question() {
    let two = |place: &Place| {
        let second = "  hub-again:\n    from: { pulumi: { project: infra, stack: main } }\n    to: { github: [{ repository: acme/api, names: { username: HUB_USER, token: HUB_TOKEN } }] }\n";
        let first =
            ONE_STACK.replace("    to:", "    from: { pulumi: { project: infra, stack: main } }\n    to:");
        place.write("regcred.yaml", &(first + second));
    };
    let by_kms = kms("awskms://alias/pulumi?region=us-east-2&context_app=infra");
    two(&by_kms);
    let (ran, calls) = by_kms.watch(&["plan"]);
    ran.ends(0);
    assert_eq!(decrypts(&calls), 1);
    let by_program = pulumi(CLOUD, &config(TOKEN));
    two(&by_program);
    by_program.run(&["plan"]).ends(0);
    assert_eq!(seen(&by_program, "pulumi").matches("args: ").count(), 1);
}
#[test]
fn a_missing_passphrase_is_told_beside_what_else_is_wrong() {
    let mut place = Place::with_pulumi();
    place.unset("PULUMI_CONFIG_PASSPHRASE");
    place.edit("infra/Pulumi.main.yaml", "  infra:dockerHubUsername: acme\n", "");
    let hint = "pulumi config set --plaintext dockerHubUsername NAME --stack main -C infra";
    refuses(&place, 3, &["no passphrase: neither", "`dockerHubUsername` is not in the configuration", hint]);
}
