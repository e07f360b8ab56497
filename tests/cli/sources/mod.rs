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

pub(crate) mod pulumi;
pub(crate) mod terminal;

use crate::leak::{clean_run, forms};
use crate::place::{ONE_STACK, PASSPHRASE, Place, Ran, TOKEN, USER};
use crate::world::{ACCOUNT, REGION, assert_holds};

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
pub(crate) fn program(place: &mut Place, name: &str, script: &str) {
    let seen = place.repo().join(format!("{name}.seen")).display().to_string();
    let text =
        format!("#!/bin/sh\n{{ echo \"args: $*\"; env; echo \"input: $(cat)\"; }} >> '{seen}'\n{script}\n");
    let file = format!("bin/{name}");
    place.write(&file, &text);
    mode(place, &file, 0o755);
    place.set("PATH", &format!("{}:/usr/bin:/bin", place.repo().join("bin").display()));
}

/// Gives a place a Pulumi project with this stack, and the program of this script; a login to Pulumi Cloud.
pub(crate) fn project(mut place: Place, stack: &str, script: &str) -> Place {
    place.unset("DOCKER_HUB_USERNAME");
    place.unset("DOCKER_HUB_TOKEN");
    place.write("infra/Pulumi.yaml", "name: infra\nruntime: python\n");
    place.write("infra/Pulumi.main.yaml", stack);
    place.set("PULUMI_ACCESS_TOKEN", "pul-0123");
    place.set("VAULT_TOKEN", "hvs-0123");
    program(&mut place, "pulumi", script);
    place
}

pub(crate) fn seen(place: &Place, name: &str) -> String {
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
    refuses(
        &place("{ file: . }"),
        3,
        &["error: .: cannot be read: it is a folder, not a file", "correct `from:`"],
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
    in_file.unset("DOCKER_AUTH_CONFIG");
    in_file.unset("DOCKER_CONFIG");
    in_file.unset("HOME");
    in_file.set("USERPROFILE", &in_file.repo().display().to_string());
    in_file.write(".docker/config.json", &plain);
    brings(&in_file, "", "from docker-config");
    in_file.set("DOCKER_AUTH_CONFIG", TOKEN);
    refuses(&in_file, 3, &["DOCKER_AUTH_CONFIG is not the JSON of a Docker configuration"]);
}

/// A place with this Docker configuration.
fn with_config(config: &[u8]) -> Place {
    let mut place = place("docker-config");
    place.set("DOCKER_CONFIG", &place.repo().join("docker").display().to_string());
    place.write("docker/config.json", "");
    std::fs::write(place.repo().join("docker/config.json"), config).unwrap();
    place
}

#[test]
fn dockers_configuration_is_read_as_docker_reads_it() {
    let auth = docker_auth();
    let wrapped = format!("{}\\r\\n{}\\n", &auth[..10], &auth[10..]);
    let hub = "https://index.docker.io/v1/";
    for config in [
        format!(r#"{{"Auths": {{"{hub}": {{"AUTH": "{auth}"}}}}}} and more"#),
        format!(r#"{{"auths": {{"quay.io": null, "{hub}": {{"auth": "{wrapped}", "email": null}}}}}}"#),
        format!(r#"{{"auths": {{"{hub}": {{"username": "{USER}", "password": "{TOKEN}"}}}}}}"#),
        format!(r#"{{"auths": {{"docker.io": {{"auth": "b2xkOm9sZA=="}}, "{hub}": {{"auth": "{auth}"}}}}}}"#),
        format!(r#"{{"auths": {{"{hub}": {{}}, "{hub}": {{"auth": "{auth}"}}}}, "credsStore": null}}"#),
        format!(
            r#"{{"auths": {{"{hub}": {{"auth": "{auth}"}}}}, "auths": {{"quay.io": {{}}}}, "x": "\ud800"}}"#
        ),
    ] {
        brings(&with_config(config.as_bytes()), "", "from docker-config");
    }
    let mut latin = b"{\"HttpHeaders\": {\"x\": \"\xe9\"}, ".to_vec();
    latin.extend(format!(r#""auths": {{"{hub}": {{"auth": "{auth}"}}}}}}"#).bytes());
    brings(&with_config(&latin), "", "from docker-config");
    for empty in ["", "null", r#"{"auths": null}"#, r#"{"auths": {"x": {}}, "Auths": null}"#] {
        refuses(&with_config(empty.as_bytes()), 3, &["docker/config.json: has no login for docker.io"]);
    }
}

#[test]
fn a_login_where_docker_does_not_look_is_not_taken_and_the_key_is_named() {
    for key in ["docker.io", "index.docker.io", "https://index.docker.io/v1"] {
        let config = format!(r#"{{"auths": {{"{key}": {{"auth": "{}"}}}}}}"#, docker_auth());
        let words = format!("has no login for docker.io: docker does not look under `{key}`");
        refuses(&with_config(config.as_bytes()), 3, &[&words, "docker login -u NAME"]);
    }
}

#[test]
fn an_entry_of_another_registry_that_docker_cannot_read_is_named_and_does_not_lose_the_login() {
    let config = format!(
        r#"{{"auths": {{"https://me:hunter2@quay.io/v2/": {{"auth": "*"}}, "https://index.docker.io/v1/": {{"auth": "{}"}}}}}}"#,
        docker_auth()
    );
    let place = with_config(config.as_bytes());
    let ran = place.run(&["plan"]);
    ran.ends(0).says("docker's entry for quay.io has an `auth` that is not user:password in base64");
    assert!(!ran.stdout.contains("hunter2"));
    brings(&place, "", "from docker-config");
    let own = r#"{"auths": {"https://index.docker.io/v1/": {"auth": "*"}}}"#;
    refuses(&with_config(own.as_bytes()), 3, &["has an `auth` that is not user:password in base64"]);
}

#[test]
fn a_helper_that_is_not_installed_leaves_the_login_of_the_file_and_is_named() {
    let config = format!(
        r#"{{"credsStore": "desktop", "auths": {{"https://index.docker.io/v1/": {{"auth": "{}"}}}}}}"#,
        docker_auth()
    );
    let place = with_config(config.as_bytes());
    place
        .run(&["plan"])
        .ends(0)
        .says("docker-credential-desktop is not installed: the login in the file itself");
    brings(&place, "", "from docker-config");
}

/// A place whose Docker configuration names a helper that does `script`.
fn with_helper(script: &str) -> Place {
    let mut place = place("docker-config");
    place.set("DOCKER_CONFIG", &place.repo().join("docker").display().to_string());
    place.set("PULUMI_CONFIG_PASSPHRASE", PASSPHRASE);
    // The store for all is not asked where the registry has its own; the empty entry is what Docker leaves.
    place.write(
        "docker/config.json",
        r#"{"credsStore": "other", "credHelpers": {"https://index.docker.io/v1/": "fake"}, "auths": {"https://index.docker.io/v1/": {}}}"#,
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
        (format!("echo {TOKEN}; exit 1"), "helper: `docker-credential-fake` exited with 1"),
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
    program(&mut place, "op", &format!("echo '{TOKEN}'; exit 3"));
    refuses(&place, 1, &["the credential's command: `op` exited with 3"]);
    place.edit("regcred.yaml", "op, read", "no-such-program");
    refuses(&place, 1, &["the program `no-such-program` is not on PATH"]);
}

#[test]
fn what_a_source_lacks_is_said_with_what_to_do_about_it() {
    refuses(
        &place("{ file: gone }"),
        3,
        &["gone: cannot be read", "make it, with the user name and the token"],
    );
    refuses(&place("pulumi"), 3, &["no Pulumi project in", "from: { pulumi: { project: FOLDER } }"]);
    let both = "export DOCKER_HUB_USERNAME and DOCKER_HUB_TOKEN";
    let ran = place("env").run(&["plan"]);
    ran.ends(3).complains("DOCKER_HUB_USERNAME is not set").complains(both);
    assert!(!ran.stderr.contains("Pulumi"), "it is not asked: {}", ran.stderr);
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
#[test]
fn two_credentials_cannot_both_come_from_standard_input() {
    let place = place("stdin");
    let second =
        "  ghcr:\n    registry: ghcr.io\n    from: stdin\n    to: { github: [{ repository: acme/api }] }\n";
    let first = std::fs::read_to_string(place.repo().join("regcred.yaml")).unwrap();
    place.write("regcred.yaml", &(first + second));
    refuses(&place, 3, &["another credential is read from standard input already"]);
}
