//! The secret value is nowhere but where it belongs: canaries in every form, looked for in everything that a
//! run says, at the highest verbosity, in good runs and in bad ones, and in what other processes can see.

use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use regcred_sandbox::{Fault, Kind, Moment, Spelling, World};

use crate::place::{PASSPHRASE, Place, Ran, TOKEN, USER, tell};
use crate::strike::in_parallel;

/// A token in which every encoding changes something.
const CANARY: &str = "dckr_pat_c4nary\"\\&+/=%<>0123456789";
/// Long enough that only a broken test waits for it.
const LIMIT: Duration = Duration::from_secs(60);

/// A value in every form in which it could be written by accident, and its beginning.
pub(crate) fn forms(value: &str) -> Vec<String> {
    let aligned = [Spelling::Base64, Spelling::Base64Url, Spelling::Second, Spelling::Third];
    let other = Spelling::ALL.into_iter().filter(|spelling| !aligned.contains(spelling));
    let mut forms: Vec<String> = other.map(|spelling| spelling.write(value)).collect();
    forms.extend([
        value.chars().take(12).collect(),
        value.escape_debug().to_string(),
        STANDARD.encode(format!("{USER}:{value}")).trim_end_matches('=').to_owned(),
    ]);
    forms.extend((0..3).flat_map(|before| in_base64(value, before)));
    forms
}

/// The digits for the value in the base64 of a longer text, with so many bytes before it; of both alphabets.
fn in_base64(value: &str, before: usize) -> [String; 2] {
    let text = format!("{}{value}", "x".repeat(before));
    let own = (before * 8).div_ceil(6)..text.len() * 8 / 6;
    let digits = STANDARD_NO_PAD.encode(text)[own].to_owned();
    [digits.replace('+', "-").replace('/', "_"), digits]
}

/// Every form of every secret of a run.
fn canaries(place: &Place) -> Vec<String> {
    let env = place.sandbox.env();
    let secrets = [CANARY, TOKEN, PASSPHRASE, &env["GITHUB_TOKEN"], &env["AWS_SECRET_ACCESS_KEY"]];
    secrets.into_iter().flat_map(forms).collect()
}

/// The text holds none of them; how many lines were looked at.
#[track_caller]
pub(crate) fn clean(text: &str, canaries: &[String], what: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    for (number, line) in lines.iter().enumerate() {
        for canary in canaries {
            assert!(!line.contains(canary.as_str()), "{what}, line {number}: {canary} in {line}");
        }
    }
    lines.len()
}

#[track_caller]
pub(crate) fn clean_run(ran: &Ran, canaries: &[String], what: &str) -> usize {
    clean(&ran.stdout, canaries, what) + clean(&ran.stderr, canaries, what)
}

/// One stack and one repository, with the canary as a token that the registry takes.
fn place() -> Place {
    let mut world = World::default();
    world.registry.add_account(USER, CANARY);
    let mut place = Place::with_one_stack(world);
    place.set("DOCKER_HUB_TOKEN", CANARY);
    place.set("PULUMI_CONFIG_PASSPHRASE", PASSPHRASE);
    place.set("RUST_BACKTRACE", "full");
    place.set("RUST_LOG", "trace");
    place
}

const VERBOSITIES: [&[&str]; 5] = [&[], &["-v"], &["-vv"], &["-vvv"], &["--json", "-vvv"]];

const COMMANDS: [&[&str]; 5] =
    [&["plan"], &["plan", "--markdown"], &["sync", "--yes"], &["verify"], &["sync", "--yes", "--rewrite"]];

#[test]
fn no_command_says_a_secret_at_any_verbosity() {
    let lines = AtomicUsize::new(0);
    in_parallel(&VERBOSITIES, |verbosity| {
        let place = place();
        let canaries = canaries(&place);
        for command in COMMANDS {
            let markdown = command.contains(&"--markdown") && verbosity.contains(&"--json");
            let args: Vec<&str> = command.iter().chain(*verbosity).copied().collect();
            let ran = place.run(&args);
            assert!(markdown || ran.code == 0 || ran.code == 2, "{args:?}: {}", ran.stderr);
            lines.fetch_add(clean_run(&ran, &canaries, &args.join(" ")), Ordering::Relaxed);
        }
        let stored = place.sandbox.state().aws.secrets[0].value().unwrap().to_owned();
        assert!(stored.contains("c4nary"), "the canary went where it belongs");
    });
    enough(lines, "good");
}

/// So many lines were looked at that something would have been seen.
fn enough(lines: AtomicUsize, runs: &str) {
    let lines = lines.into_inner();
    tell(&format!("leaks: {lines} lines of {runs} runs looked at"));
    assert!(lines > 500, "only {lines} lines were looked at");
}

#[test]
fn traces_name_the_requests_so_that_silence_is_not_what_keeps_secrets_in() {
    let place = place();
    let (ran, calls) = place.watch(&["sync", "--yes", "-vv"]);
    ran.ends(0).complains("/v2/").complains("operation=PutSecretValue").complains("/actions/secrets/");
    let lines: Vec<&str> = ran.stderr.lines().filter(|line| line.contains("answered")).collect();
    assert_eq!(lines.len(), calls.len(), "one line for each request\n{}", ran.stderr);
    for line in lines {
        let told = ["method=", "url=http://127.0.0.1:", "status="].iter().all(|part| line.contains(part));
        assert!(told, "{line}");
    }
}

/// What a panic says of a value beside the names of functions.
fn panic_with(value: impl std::fmt::Debug) -> String {
    let words: Result<(), _> = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| panic!("{value:?}")));
    *words.expect_err("it panics").downcast::<String>().expect("words")
}

#[test]
fn no_panic_says_a_secret_that_was_at_hand() {
    let place = place();
    let secret = || regcred::model::Secret::new(CANARY.to_owned());
    let resolved = || regcred::model::Login { username: USER.to_owned(), token: secret() };
    let mut vault = regcred::vault::Vault::default();
    vault.insert(regcred::model::CredentialId("docker-hub".to_owned()), resolved());
    let env = regcred::env::Env::from_iter([("DOCKER_HUB_USERNAME", USER), ("DOCKER_HUB_TOKEN", CANARY)]);
    let request = regcred::desired::Request { ..Default::default() };
    let loaded = regcred::desired::load(&request, &env, &place.repo()).expect("a configuration");
    let url: url::Url = "https://auth.docker.io/token".parse().unwrap();
    let request = regcred::net::Request::get(url).basic(USER, &secret()).bearer(&secret()).unwrap();
    let words = [
        panic_with(secret()),
        panic_with(resolved()),
        panic_with(vault),
        panic_with(env),
        panic_with(loaded.sources),
        panic_with(regcred::targets::kubernetes::docker_config::read(
            &serde_json::to_vec(
                &serde_json::json!({ "auths": { "ghcr.io": { "username": USER, "password": CANARY } } }),
            )
            .unwrap(),
        )),
        panic_with(regcred::targets::github::Token { value: secret(), source: "GITHUB_TOKEN" }),
        panic_with(request.form(&[("password", CANARY)])),
    ];
    let lines: usize = words.iter().map(|words| clean(words, &canaries(&place), "a panic")).sum();
    assert!(lines >= words.len(), "{words:?}");
}

#[test]
fn no_error_says_a_secret_whatever_goes_wrong_and_wherever() {
    let requests = place().sync().len();
    // Kinds that make the program wait are for the fault runs; what they say is said of a reset, too.
    let quick = |kind: &Kind| {
        !matches!(
            kind,
            Kind::TimeoutBefore
                | Kind::TimeoutAfter
                | Kind::SlowBody
                | Kind::Throttle { .. }
                | Kind::ThrottleUntil
                | Kind::Status(429)
        )
    };
    let kinds: Vec<Kind> = Kind::catalogue().into_iter().filter(quick).collect();
    let jobs: Vec<(usize, &Kind)> = (0..requests).zip(kinds.iter().cycle()).collect();
    let lines = AtomicUsize::new(0);
    in_parallel(&jobs, |(index, kind)| {
        let place = place();
        place.sandbox.fault(Fault::nth(*index, (*kind).clone()));
        let ran = place.run(&["sync", "--yes", "-vvv"]);
        let looked = clean_run(&ran, &canaries(&place), &format!("{kind:?} at {index}"));
        lines.fetch_add(looked, Ordering::Relaxed);
    });
    enough(lines, "broken");
}

#[test]
fn a_refused_credential_is_not_repeated() {
    let place = place();
    place.sandbox.state().registry.revoke(CANARY);
    for args in [&["sync", "--yes", "-vvv"][..], &["plan", "--json", "-vvv"]] {
        let ran = place.run(args);
        ran.ends(4);
        assert!(clean_run(&ran, &canaries(&place), "refused") > 0);
    }
}

#[test]
fn what_is_wrong_with_a_pulumi_project_is_said_without_its_values() {
    let mut place = Place::with_pulumi();
    let canaries = canaries(&place);
    let ran = place.run(&["plan", "-vvv"]);
    assert!(clean_run(ran.ends(0), &canaries, "plan") > 5);
    place.set("PULUMI_CONFIG_PASSPHRASE", &format!("{PASSPHRASE}!"));
    let ran = place.run(&["plan", "-vvv"]);
    assert!(clean_run(ran.ends(3), &canaries, "a wrong passphrase") > 1);
    place.write(
        "infra/Pulumi.main.yaml",
        &format!("config:\n  infra:dockerHubUsername: acme\n  infra:dockerHubToken: {TOKEN}\n"),
    );
    let ran = place.run(&["plan", "-vvv"]);
    assert!(clean_run(ran.ends(3), &canaries, "a token in plain text") > 1);
    place.write("infra/Pulumi.main.yaml", &format!("config:\n  infra:dockerHubToken:{TOKEN}\n  - {TOKEN}\n"));
    let ran = place.run(&["plan", "-vvv"]);
    assert!(clean_run(ran.ends(3), &canaries, "a broken file") > 0);
}

#[test]
fn no_argument_list_holds_a_secret_at_any_request_of_a_sync() {
    let first = place();
    let requests = first.sync().len();
    let canaries = canaries(&first);
    let indexes: Vec<usize> = (0..requests).step_by(4).collect();
    let bytes = AtomicUsize::new(0);
    in_parallel(&indexes, |index| {
        let place = place();
        let mut pause = place.sandbox.pause_at(*index, Moment::BeforeEffect);
        let mut child =
            place.command(&["sync", "--yes"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        assert!(pause.wait(LIMIT), "request {index}");
        for process in family(child.id()) {
            let arguments = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
            bytes.fetch_add(arguments.len(), Ordering::Relaxed);
            clean(&String::from_utf8_lossy(&arguments), &canaries, "the argument list");
        }
        pause.release();
        assert!(child.wait().unwrap().success());
    });
    let bytes = bytes.into_inner();
    assert!(bytes > 100, "only {bytes} bytes were looked at");
}

/// A process and its children.
fn family(parent: u32) -> Vec<u32> {
    let list = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
    let children = list.split_whitespace().filter_map(|id| id.parse().ok());
    [parent].into_iter().chain(children).collect()
}

/// A program that writes its environment and arguments into a file, then says `words`.
fn spy(place: &Place, name: &str, words: &str) {
    let file = format!("bin/{name}");
    let script = format!(
        "#!/bin/sh\n{{ env; echo \"args: $*\"; }} >> \"$HOME/{name}.seen\"\nprintf '%s\\n' '{words}'\n"
    );
    place.write(&file, &script);
    let path = place.repo().join(file);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn programs_that_regcred_asks_get_no_secret_in_their_environment_or_arguments() {
    let mut place = Place::new();
    let home = place.repo().join("spied");
    std::fs::create_dir_all(&home).unwrap();
    let github = place.sandbox.env()["GITHUB_TOKEN"].clone();
    spy(&place, "git", "origin\tgit@github.com:acme/api.git (fetch)");
    spy(&place, "gh", &github);
    place.set("PATH", &format!("{}:/usr/bin:/bin", place.repo().join("bin").display()));
    place.set("HOME", &home.display().to_string());
    place.set("PULUMI_CONFIG_PASSPHRASE", PASSPHRASE);
    place.set("PULUMI_ACCESS_TOKEN", "pul-c4nary");
    place.unset("GITHUB_TOKEN");
    place.unset("GITHUB_REPOSITORY");
    place.run(&["plan"]).ends(0).says("github:acme/api").says("actions/DOCKER_HUB_TOKEN");
    let mut canaries = canaries(&place);
    canaries.push("pul-c4nary".to_owned());
    for name in ["git", "gh"] {
        let seen = std::fs::read_to_string(home.join(format!("{name}.seen"))).unwrap();
        assert!(seen.contains("args: ") && seen.contains("PATH="), "{seen}");
        assert!(clean(&seen, &canaries, name) > 2);
    }
}
