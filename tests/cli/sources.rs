//! Where a credential can come from: every source gives the same one, none shows it, and each says in its own
//! words what is wrong with it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use regcred_sandbox::aws::Wrapped;
use regcred_sandbox::{Call, Service, World};

use crate::leak::{clean_run, forms};
use crate::place::{ONE_STACK, PASSPHRASE, Place, Ran, TOKEN, USER};
use crate::world::{ACCOUNT, REGION, assert_holds};

/// The data key of the KMS stack, and the token encrypted with it (made by Python's `cryptography`).
const DATA_KEY: &str = "joupuR1XSp1+tc67P2MAGS31R6EE41yusanmrhCgYbw=";
const SEALED: &str =
    "v1:4V6uGmFlg7boZRtb:cfmKc6pyIgTDPFMxH7JX/njhmC47MElvvQbze1vTgMn+hyqb0D1tDHQv5L+zL5oJbO80xg==";
const KEY: &str = "arn:aws:kms:us-east-2:123456789012:key/k";

/// One stack and one repository, with this `from:` and nothing in the environment.
fn place(from: &str) -> Place {
    let mut place = Place::with_one_stack(World::default());
    place.write("regcred.yaml", &ONE_STACK.replace("    to:", &format!("    from: {from}\n    to:")));
    place.unset("DOCKER_HUB_USERNAME");
    place.unset("DOCKER_HUB_TOKEN");
    place
}

/// A file that only its owner may read.
fn private(place: &Place, path: &str, text: &str) {
    place.write(path, text);
    mode(place, path, 0o600);
}

fn mode(place: &Place, path: &str, mode: u32) {
    std::fs::set_permissions(place.repo().join(path), std::fs::Permissions::from_mode(mode)).unwrap();
}

/// A program on `PATH` that writes its arguments, input and environment into `NAME.seen`, then does `script`.
fn program(place: &mut Place, name: &str, script: &str) {
    let seen = place.repo().join(format!("{name}.seen")).display().to_string();
    let text =
        format!("#!/bin/sh\n{{ echo \"args: $*\"; env; echo \"input: $(cat)\"; }} >> '{seen}'\n{script}\n");
    let file = format!("bin/{name}");
    place.write(&file, &text);
    mode(place, &file, 0o755);
    place.set("PATH", &format!("{}:/usr/bin:/bin", place.repo().join("bin").display()));
}

fn seen(place: &Place, name: &str) -> String {
    std::fs::read_to_string(place.repo().join(format!("{name}.seen"))).unwrap_or_default()
}

fn with_input(place: &Place, args: &[&str], input: &str) -> Ran {
    let mut child = place
        .command(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A full sync with this credential, at the highest verbosity, that does not say it.
#[track_caller]
fn brings(place: &Place, input: &str, source: &str) {
    let ran = with_input(place, &["sync", "--yes", "-vvv"], input);
    ran.ends(0).says(source);
    assert!(clean_run(&ran, &forms(TOKEN), source) > 10);
    assert_holds(&place.sandbox.state(), TOKEN);
}

/// It ends with this code before anything is written, and does not say the token.
#[track_caller]
fn refuses(place: &Place, code: i32, words: &[&str]) {
    let (ran, calls) = place.watch(&["plan", "-vvv"]);
    ran.ends(code);
    for words in words {
        ran.complains(words);
    }
    assert!(calls.iter().all(|call| !call.is_write));
    clean_run(&ran, &forms(TOKEN), "refused");
}

fn pair() -> String {
    format!("{USER}\n{TOKEN}\n")
}

fn docker_auth() -> String {
    STANDARD.encode(format!("{USER}:{TOKEN}"))
}

#[test]
fn standard_input_gives_two_lines_or_json() {
    brings(&place("stdin"), &pair(), "from stdin");
    let json = format!(r#"{{"username": "{USER}", "token": "{TOKEN}"}}"#);
    brings(&place("stdin"), &json, "from stdin");
    let ran = with_input(&place("stdin"), &["plan", "--no-input"], TOKEN);
    ran.ends(3).complains("standard input gives one line, and no user name");
    assert!(!ran.stderr.contains(TOKEN));
}

#[test]
fn a_file_gives_the_credential_if_nobody_else_may_read_it() {
    let from_file = place("{ file: secrets/hub }");
    private(&from_file, "secrets/hub", &pair());
    brings(&from_file, "", "from file:secrets/hub");
    mode(&from_file, "secrets/hub", 0o644);
    refuses(
        &from_file,
        3,
        &["secrets/hub", "others may read it (its mode is 0644)", "chmod 600 secrets/hub"],
    );

    let dotenv = place("{ file: { path: .env, token: HUB_PAT } }");
    private(&dotenv, ".env", &format!("DOCKER_HUB_USERNAME={USER}\nexport HUB_PAT='{TOKEN}'\n"));
    brings(&dotenv, "", "from file:.env");
    private(&dotenv, ".env", &format!("DOCKER_HUB_USERNAME={USER}\nHUB_PAT=\"{TOKEN}$X\"\n"));
    refuses(&dotenv, 3, &[".env", "HUB_PAT that has $"]);
}

#[test]
fn dockers_configuration_gives_what_it_keeps_in_either_place() {
    let config = |auth: &str| format!(r#"{{"auths": {{"https://index.docker.io/v1/": {auth}}}}}"#);
    let plain = config(&format!(r#"{{"auth": "{}"}}"#, docker_auth()));
    let mut in_file = place("docker-config");
    in_file.set("DOCKER_CONFIG", &in_file.repo().join("docker").display().to_string());
    in_file.write("docker/config.json", &plain);
    brings(&in_file, "", "from docker-config");
    in_file.write("docker/config.json", &config(r#"{"identitytoken": "x"}"#));
    refuses(
        &in_file,
        3,
        &["an identity token for docker.io: only the client that it was made for can use it"],
    );
    in_file.write("docker/config.json", &config(r#"{"registrytoken": "x"}"#));
    refuses(&in_file, 3, &["a registry token for docker.io"]);
    in_file.write("docker/config.json", "{}");
    refuses(&in_file, 3, &["docker/config.json: has no login for docker.io", "docker login -u NAME"]);
    in_file.set("DOCKER_AUTH_CONFIG", &plain);
    brings(&in_file, "", "from docker-config");
    in_file.set("DOCKER_AUTH_CONFIG", TOKEN);
    refuses(&in_file, 3, &["DOCKER_AUTH_CONFIG is not the JSON of a Docker configuration"]);
}

/// A place whose Docker configuration names a helper that does `script`.
fn with_helper(script: &str) -> Place {
    let mut place = place("docker-config");
    place.set("DOCKER_CONFIG", &place.repo().join("docker").display().to_string());
    place.set("PULUMI_CONFIG_PASSPHRASE", PASSPHRASE);
    // The store for all is not asked where the registry has its own; the empty entry is what Docker leaves.
    place.write(
        "docker/config.json",
        r#"{"credsStore": "other", "credHelpers": {"docker.io": "fake"}, "auths": {"https://index.docker.io/v1/": {}}}"#,
    );
    program(&mut place, "docker-credential-fake", script);
    place
}

#[test]
fn a_credential_helper_is_asked_without_secrets_and_gives_the_login() {
    let answer = format!(r#"echo '{{"ServerURL":"x","Username":"{USER}","Secret":"{TOKEN}"}}'"#);
    let place = with_helper(&answer);
    brings(&place, "", "from docker-config:fake");
    let seen = seen(&place, "docker-credential-fake");
    assert!(seen.contains("args: get\n") && seen.contains("input: https://index.docker.io/v1/"), "{seen}");
    assert!(!seen.contains(PASSPHRASE) && !seen.contains("GITHUB_TOKEN="), "{seen}");
}

#[test]
fn a_credential_helper_that_gives_no_login_is_named_and_not_quoted() {
    for (script, words) in [
        (format!("echo {TOKEN} >&2; echo {TOKEN}; exit 1"), "helper `docker-credential-fake` failed"),
        (format!("echo {TOKEN}"), "gives no login"),
        ("echo credentials not found in native keychain; exit 1".to_owned(), "holds nothing for docker.io"),
        (format!(r#"echo '{{"Username":"<token>","Secret":"{TOKEN}"}}'"#), "an identity token for docker.io"),
    ] {
        refuses(&with_helper(&script), 1, &[words, "docker login"]);
    }
    let place = with_helper("");
    std::fs::remove_file(place.repo().join("bin/docker-credential-fake")).unwrap();
    refuses(&place, 1, &["the program `docker-credential-fake` is not on PATH"]);
}

#[test]
fn a_command_gives_what_it_prints_and_gets_no_secret_of_regcreds() {
    let mut place = place("{ command: [vault-read, \"a b\", $HOME] }");
    place.set("VAULT_TOKEN", "theirs");
    place.set("PULUMI_ACCESS_TOKEN", "ours");
    program(&mut place, "vault-read", &format!("printf '%s\\n' {USER} '{TOKEN}'"));
    brings(&place, "", "from command:vault-read");
    let seen = seen(&place, "vault-read");
    assert!(seen.contains("args: a b $HOME\n"), "there is no shell: {seen}");
    assert!(seen.contains("VAULT_TOKEN=theirs") && !seen.contains("=ours"), "{seen}");
}

#[test]
fn a_command_that_prints_the_token_alone_needs_the_user_name() {
    let mut place = place("{ command: { run: [op, read], username: acme } }");
    program(&mut place, "op", &format!("echo '{TOKEN}'"));
    brings(&place, "", "from command:op");
    place.edit("regcred.yaml", ", username: acme", "");
    refuses(&place, 3, &["the credential's command `op` gives one line, and no user name", "`username:`"]);
    program(&mut place, "op", &format!("echo '{TOKEN}' >&2; exit 3"));
    refuses(&place, 1, &["the credential's command `op` ended with code 3"]);
    place.edit("regcred.yaml", "op, read", "no-such-program");
    refuses(&place, 1, &["the program `no-such-program` is not on PATH"]);
}

#[test]
fn a_token_of_ecr_is_said_to_work_for_twelve_hours() {
    let mut place = place("{ command: [aws, ecr, get-login-password] }");
    place.sandbox.state().registry.add_account("AWS", TOKEN);
    program(&mut place, "aws", &format!("echo '{TOKEN}'"));
    place.run(&["plan"]).ends(0).says("a token of ECR works for 12 hours").says("aws at docker.io");
}

#[test]
fn a_secret_of_aws_gives_the_credential_and_is_not_written_back_to_itself() {
    let place = place("{ aws-secret: { secret: shared/hub, region: us-east-2 } }");
    let value = format!(r#"{{"username": "{USER}", "accessToken": "{TOKEN}"}}"#);
    place.sandbox.state().aws.add_secret(ACCOUNT, REGION, "shared/hub").put(
        "v",
        &value,
        chrono::DateTime::UNIX_EPOCH,
    );
    brings(&place, "", "from aws-secret:us-east-2/shared/hub");
    place.edit("regcred.yaml", "secret: shared/hub", "secret: ecr-pullthroughcache/docker-hub");
    refuses(&place, 3, &["stack `main` would write this secret back to itself"]);
    place.edit("regcred.yaml", "secret: ecr-pullthroughcache/docker-hub", "secret: nowhere");
    refuses(&place, 1, &["the secret nowhere in us-east-2 cannot be read: secretsmanager:GetSecretValue"]);
    let denied =
        |key: &mut regcred_sandbox::aws::AccessKey| key.denied.push("secretsmanager:Get*".to_owned());
    place.sandbox.state().aws.access_keys.values_mut().for_each(denied);
    refuses(&place, 1, &["AccessDeniedException", "readers: [ARN]"]);
}

#[test]
fn what_is_wrong_with_a_source_is_told_with_its_place() {
    for (from, words) in [
        ("file", "regcred.yaml:4:11: `file` does not say what to read"),
        ("{ stdin: { x: 1 } }", "`stdin` takes nothing"),
        ("{ command: [] }", "`command` names no program"),
        ("{ command: { username: x } }", "`run` is missing in `command`"),
        ("{ file: { username: x } }", "`path` is missing in `file`"),
        ("{ aws-secret: { secret: x } }", "the secret's region is missing"),
        ("{ aws-secret: { secret: x, region: moon-1 } }", "moon-1"),
        ("{ aws-secret: { secret: x, region: us-east-2, role: r } }", "`r` is not a role's ARN"),
        ("{ docker: {} }", "unknown source `docker`"),
    ] {
        let (ran, calls) = place(from).watch(&["plan"]);
        ran.ends(3).complains(words);
        assert_eq!(calls.len(), 0);
    }
}

/// The Pulumi project of these files, and the program of this script; a login to Pulumi Cloud.
fn pulumi(stack: &str, script: &str) -> Place {
    let mut place = Place::with_one_stack(World::default());
    place.unset("DOCKER_HUB_USERNAME");
    place.unset("DOCKER_HUB_TOKEN");
    place.write("infra/Pulumi.yaml", "name: infra\nruntime: python\n");
    place.write("infra/Pulumi.main.yaml", stack);
    place.set("PULUMI_ACCESS_TOKEN", "pul-0123");
    place.set("VAULT_TOKEN", "hvs-0123");
    program(&mut place, "pulumi", script);
    place
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
        place.set("CLAUDECODE", "1");
        brings(&place, "", "from pulumi:infra/main");
        let seen = seen(&place, "pulumi");
        let asked: Vec<&str> = seen.lines().filter(|line| line.starts_with("args: ")).collect();
        assert_eq!(asked, ["args: config --json --show-secrets --non-interactive --stack main"]);
        for expected in
            ["PULUMI_ACCESS_TOKEN=pul-0123", "PULUMI_SKIP_UPDATE_CHECK=true", "TERM=dumb", "/repo/infra\n"]
        {
            assert!(seen.contains(expected), "no {expected} in {seen}");
        }
        for other in
            ["GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "PULUMI_CONFIG_PASSPHRASE", "CLAUDECODE", TOKEN]
        {
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
        let script = format!("echo '{TOKEN}'; echo '{TOKEN}' >&2; {end}");
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
        (name.clone(), "`dockerHubToken` is in no configuration of it"),
        (
            format!(
                r#"{name}, "infra:dockerHubToken": {{"value": "[]", "objectValue": [], "secret": true}}"#
            ),
            "must be a text",
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
fn kms(url: &str) -> Place {
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
    refuses(&place, 1, &["what it decrypts is no key of 32 bytes"]);
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
fn two_credentials_cannot_both_come_from_standard_input() {
    let place = place("stdin");
    let second =
        "  ghcr:\n    registry: ghcr.io\n    from: stdin\n    to: { github: [{ repository: acme/api }] }\n";
    let first = std::fs::read_to_string(place.repo().join("regcred.yaml")).unwrap();
    place.write("regcred.yaml", &(first + second));
    refuses(&place, 3, &["another credential is read from standard input already"]);
}

#[test]
fn a_missing_passphrase_is_told_beside_what_else_is_wrong() {
    let mut place = Place::with_pulumi();
    place.unset("PULUMI_CONFIG_PASSPHRASE");
    place.edit("infra/Pulumi.main.yaml", "  infra:dockerHubUsername: acme\n", "");
    let hint = "pulumi config set --plaintext dockerHubUsername NAME --stack main -C infra";
    refuses(&place, 3, &["no passphrase: neither", "`dockerHubUsername` is not in the configuration", hint]);
}

/// A terminal of its own for a run, by util-linux's `script`; what it shows.
fn on_a_terminal(place: &Place, args: &str, answers: &[(&str, &str)]) -> (i32, String) {
    let line = format!("tty > tty.name; exec '{}' {args}", env!("CARGO_BIN_EXE_regcred"));
    let own = place.command(&[]);
    let mut child = Command::new("script")
        .args(["-qec", &line, "/dev/null"])
        .current_dir(place.repo())
        .env_clear()
        .envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .env("SHELL", "/bin/sh")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut shown = Vec::new();
    for (prompt, answer) in answers {
        while !String::from_utf8_lossy(&shown).ends_with(prompt) {
            let byte = stdout.fill_buf().unwrap().first().copied();
            shown
                .push(byte.unwrap_or_else(|| panic!("no {prompt:?} in {}", String::from_utf8_lossy(&shown))));
            stdout.consume(1);
        }
        while prompt.contains("not shown") && echoes(place) {}
        writeln!(stdin, "{answer}").unwrap();
    }
    stdout.read_to_end(&mut shown).unwrap();
    (child.wait().unwrap().code().unwrap_or(-1), String::from_utf8_lossy(&shown).into_owned())
}

/// Whether the terminal still shows what is typed: the prompt is there a moment before that ends.
fn echoes(place: &Place) -> bool {
    let name = std::fs::read_to_string(place.repo().join("tty.name")).unwrap();
    let settings = Command::new("stty").args(["-a", "-F", name.trim()]).output().unwrap();
    !String::from_utf8_lossy(&settings.stdout).contains("-echo ")
}

#[test]
fn whoever_sits_at_the_terminal_is_asked_and_the_token_is_not_shown() {
    let asked = place("stdin");
    let prompts = [("User name of docker-hub: ", USER), ("Token of docker-hub (not shown): ", TOKEN)];
    let (code, shown) = on_a_terminal(&asked, "sync --yes", &prompts);
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains(USER) && !shown.contains(TOKEN), "{shown}");
    assert_holds(&asked.sandbox.state(), TOKEN);

    let (code, shown) = on_a_terminal(&asked, "plan --no-input", &[]);
    assert_eq!(code, 3, "{shown}");
    assert!(shown.contains("nobody may be asked"), "{shown}");
}
