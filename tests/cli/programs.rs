//! The programs that a run starts: what each gets of the environment, how often it is started, and what is seen of it.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use regcred_sandbox::World;
use regcred_sandbox::aws::Role;
use regcred_sandbox::kubernetes::Context;
use serde_json::json;

use crate::ends::{SIGNALS, send};
use crate::place::{ONE_STACK, Place, TOKEN, USER};
use crate::source::with_code;
use crate::sources::terminal::on_a_terminal;
use crate::sources::{program, seen};

/// Long enough that only a broken test waits for it.
const LIMIT: Duration = Duration::from_secs(60);
const CLUSTER_TOKEN: &str = "sandbox-token-of-prod-admin-0123456789";

/// A credential of every source that starts a program or names a variable, and a target that does.
const ALL: &str = "\
version: 1
credentials:
  docker-hub:
    from: { command: [ask-vault] }
    to:
      aws: { stacks: { main: { region: us-east-2 } } }
      kubernetes: [{ context: prod, namespaces: [default] }]
  by-helper:
    from: docker-config
    to: { github: [{ repository: acme/api, names: { username: H_USER, token: H_TOKEN } }] }
  by-pulumi:
    from: { pulumi: { project: infra, stack: main } }
    to: { github: [{ repository: acme/api, names: { username: P_USER, token: P_TOKEN } }] }
  named:
    from: { env: { username: AWS_NAMED_USER, token: MY_GHCR_TOKEN } }
    to: { github: [{ repository: acme/api, names: { username: N_USER, token: N_TOKEN } }] }
  left-out:
    to: { github: [{ repository: acme/api, names: { username: L_USER, token: L_TOKEN } }] }
";

/// The variables that hold a secret in a run of [`ALL`].
fn secrets() -> Vec<String> {
    let listed = regcred::systems::secrets().chain(regcred::sources::SECRETS.iter().copied());
    let named = ["AWS_NAMED_USER", "MY_GHCR_TOKEN", "LEFT_OUT_USERNAME", "LEFT_OUT_TOKEN"];
    listed.chain(named).map(|name| name.replace('*', "OTHER_")).collect()
}

fn canary(name: &str) -> String {
    format!("c4nary-of-{name}-")
}

/// Every secret is set, and every program is there.
fn everything() -> Place {
    let mut place = Place::bare(World::default());
    place.write("regcred.yaml", ALL);
    for name in secrets() {
        place.set(&name, &canary(&name));
    }
    let docker = format!(r#"{{ "auths": {{}}, "proxies": {{ "x": "{}" }} }}"#, canary("DOCKER_AUTH_CONFIG"));
    place.set("DOCKER_AUTH_CONFIG", &docker);
    place.set("VAULT_TOKEN", "needed-by-the-vault");
    program(&mut place, "ask-vault", &format!("printf '%s\\n' {USER} {TOKEN}"));
    place.set("DOCKER_CONFIG", &place.repo().join("docker").display().to_string());
    place.write("docker/config.json", r#"{ "credsStore": "fake" }"#);
    let login = format!(r#"echo '{{"Username": "{USER}", "Secret": "{TOKEN}"}}'"#);
    program(&mut place, "docker-credential-fake", &login);
    place.write("infra/Pulumi.yaml", "name: infra\nruntime: python\n");
    place.write("infra/Pulumi.main.yaml", "secretsprovider: awskms://alias/x?context_app=infra\nencryptedkey: AQ==\nenvironment: [acme/prod]\nconfig: {}\n");
    let value = |value: &str, secret: bool| format!(r#"{{"value": "{value}", "secret": {secret}}}"#);
    let config = format!(
        r#"echo '{{"infra:dockerHubUsername": {}, "infra:dockerHubToken": {}}}'"#,
        value(USER, false),
        value(TOKEN, true)
    );
    program(&mut place, "pulumi", &config);
    with_process(&mut place, "[default]\n");
    let script = format!("echo '{}'", exec_credential(CLUSTER_TOKEN, None));
    with_plugin(
        &mut place,
        &script,
        json!({ "provideClusterInfo": true, "env": [{ "name": "GH_TOKEN", "value": "its-own" }] }),
    );
    place
}

/// The default profile's login is a program's.
fn with_process(place: &mut Place, profiles: &str) {
    let env = place.sandbox.env();
    let keys = json!({
        "Version": 1, "AccessKeyId": env["AWS_ACCESS_KEY_ID"], "SecretAccessKey": env["AWS_SECRET_ACCESS_KEY"],
        "SessionToken": env.get("AWS_SESSION_TOKEN"),
    });
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
        place.unset(name);
    }
    place.set("AWS_NEEDED", "by-aws");
    program(place, "ask-aws", &format!("echo 'enter the code' >&2; echo '{keys}'"));
    place.write("aws", &format!("{profiles}credential_process = ask-aws \"a b\" $AWS_NEEDED\n"));
    place.set("AWS_CONFIG_FILE", &place.repo().join("aws").display().to_string());
}

fn exec_credential(token: &str, ends: Option<&str>) -> serde_json::Value {
    let status = json!({ "token": token, "expirationTimestamp": ends });
    json!({ "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status })
}

/// The login to the cluster is a plugin's, with more keys in its stanza.
fn with_plugin(place: &mut Place, script: &str, more: serde_json::Value) {
    program(place, "ask-cluster", script);
    let mut context = Context::with_command("prod", "ask-cluster", &[]);
    let exec = context.user["exec"].as_object_mut().unwrap();
    exec.extend(more.as_object().unwrap().clone());
    with_user(place, context.user);
}

fn with_user(place: &mut Place, user: serde_json::Value) {
    let context = Context { cluster: "prod".to_owned(), namespace: None, user };
    place.sandbox.state().kubernetes.contexts.insert("prod".to_owned(), context);
    let path = place.repo().join("kubeconfig");
    place.sandbox.write_kubeconfig(&path).unwrap();
    place.set("KUBECONFIG", &path.display().to_string());
}

fn starts(place: &Place, name: &str) -> usize {
    seen(place, name).matches("args: ").count()
}

#[test]
fn no_program_gets_a_secret_of_the_run_and_each_is_asked_once_with_what_it_needs() {
    let place = everything();
    let ran = place.run(&["plan"]);
    for (name, needs) in [
        ("ask-vault", "VAULT_TOKEN=needed-by-the-vault"),
        ("docker-credential-fake", "AWS_NEEDED=by-aws"),
        ("ask-aws", "AWS_NEEDED=by-aws"),
        ("ask-aws", "args: a b by-aws\n"),
        ("ask-cluster", "AWS_NEEDED=by-aws"),
        ("ask-cluster", "GH_TOKEN=its-own\n"),
        ("ask-cluster", "/k8s/clusters/prod"),
        ("ask-cluster", "\"interactive\":false"),
        ("pulumi", "AWS_NEEDED=by-aws"),
        ("pulumi", "PULUMI_ACCESS_TOKEN=c4nary-of-PULUMI_ACCESS_TOKEN-\n"),
    ] {
        let seen = seen(&place, name);
        assert!(seen.contains(needs), "{name} has no {needs}\n{seen}\n{}\n{}", ran.stdout, ran.stderr);
        let asked: Vec<&str> = seen.lines().filter(|line| line.starts_with("args: ")).collect();
        let once: BTreeSet<&str> = asked.iter().copied().collect();
        assert_eq!(asked.len(), once.len(), "{name}\n{}", ran.stderr);
        for secret in secrets() {
            if (name, secret.as_str()) == ("pulumi", "PULUMI_ACCESS_TOKEN") {
                continue;
            }
            assert!(!seen.contains(&canary(&secret)), "{name} gets {secret}\n{seen}");
        }
    }
}

#[test]
fn git_and_gh_get_no_secret_of_the_run() {
    let mut place = Place::new();
    let tokens = <regcred::targets::github::Github as regcred::targets::Target>::SECRETS;
    for name in secrets().iter().filter(|name| !tokens.contains(&name.as_str())) {
        place.set(name, &canary(name));
    }
    for name in ["DOCKER_HUB_TOKEN", "GIT_DIR", "GIT_SECRET"] {
        place.set(name, &canary(name));
    }
    place.unset("GITHUB_TOKEN");
    place.unset("GITHUB_REPOSITORY");
    program(&mut place, "git", "printf 'origin\\tgit@github.com:acme/api.git (fetch)\\n'");
    program(&mut place, "gh", "echo a-token; echo not for people >&2");
    let ran = place.run(&["plan"]);
    assert!(!ran.stderr.contains("not for people"), "{}", ran.stderr);
    let git = std::fs::read_to_string(place.repo().join("git.seen")).unwrap();
    assert!(git.contains("args: remote -v\n") && git.contains(&canary("GIT_DIR")), "{git}");
    let gh = seen(&place, "gh");
    assert!(gh.contains("args: auth token --hostname 127.0.0.1\n"), "{gh}");
    assert_eq!((starts(&place, "gh"), starts(&place, "git")), (1, 1));
    for secret in secrets().iter().map(String::as_str).chain(["DOCKER_HUB_TOKEN", "GIT_SECRET"]) {
        assert!(!git.contains(&canary(secret)) && !gh.contains(&canary(secret)), "{secret}");
    }
}

#[test]
fn what_gh_or_a_variable_gives_is_refused_by_name_if_it_is_no_token() {
    let mut place = Place::with_one_stack(World::default());
    let token = place.sandbox.env()["GITHUB_TOKEN"].clone();
    place.unset("GITHUB_TOKEN");
    program(&mut place, "gh", &format!("echo {token}"));
    place.run(&["plan"]).ends(0);
    program(&mut place, "gh", "printf 'ghp_one\\nghp_two\\n'");
    place.run(&["plan"]).says("the token of gh auth token has a line break in it");
    place.set("GITHUB_TOKEN", "\u{1b}[31mghp_one");
    place.run(&["plan"]).says("the token of GITHUB_TOKEN has a control character in it");
    place.set("GH_ENTERPRISE_TOKEN", "ghp_é");
    place.run(&["plan"]).says("the token of GH_ENTERPRISE_TOKEN has a character in it that is not ASCII");
}

#[test]
fn a_token_of_github_is_never_sent_to_a_server() {
    let mut place = Place::with_one_stack(World::default());
    place.set("GITHUB_API_URL", "https://ghe.example.invalid/api/v3");
    program(&mut place, "gh", "exit 1");
    let ran = place.run(&["plan"]);
    let said = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let words = "no GitHub token for ghe.example.invalid: gh is not logged in there, and none of these is set: GH_ENTERPRISE_TOKEN, ";
    assert!(said.contains(words) && said.contains("gh auth login --hostname ghe.example.invalid"), "{said}");
    assert!(seen(&place, "gh").contains("args: auth token --hostname ghe.example.invalid\n"));
}

#[test]
fn what_is_withheld_is_said_when_a_program_fails() {
    let mut place = everything();
    program(&mut place, "docker-credential-fake", "echo 'GITHUB_TOKEN is not set' >&2; exit 1");
    let ran = place.run(&["plan", "--credential", "by-helper"]);
    ran.ends(1).complains("docker-credential-fake: GITHUB_TOKEN is not set\n");
    ran.complains("`docker-credential-fake` exited with 1; ").complains("GITHUB_TOKEN");
    ran.complains("MY_GHCR_TOKEN")
        .complains(" are withheld from it")
        .complains("under a name of its own: export MY_");
}

#[test]
fn a_credential_process_is_started_once_for_every_region_and_role() {
    let mut place = Place::with_one_stack(World::default());
    let role = "arn:aws:iam::123456789012:role/deploy";
    place.sandbox.state().aws.roles.insert(role.to_owned(), Role::default());
    let deploy =
        format!("[profile deploy]\nrole_arn = {role}\nsource_profile = base\nrole_session_name = ci\n");
    with_process(&mut place, &format!("{deploy}[profile base]\n"));
    place.set("AWS_PROFILE", "deploy");
    let stacks = format!(
        "main: {{ region: us-east-2 }}, dev: {{ region: eu-west-1 }}, own: {{ region: us-west-2, role: \"{role}\" }}"
    );
    place.write("regcred.yaml", &ONE_STACK.replace("main: { region: us-east-2 }", &stacks));
    let ran = place.run(&["sync", "--yes", "-v"]);
    ran.ends(0);
    assert_eq!(starts(&place, "ask-aws"), 1);
    assert_eq!(ran.stderr.matches("credential_process of profile base: enter the code\n").count(), 1);
    assert_eq!(place.sandbox.violations(), [""; 0]);
}

#[test]
fn a_credential_process_that_fails_is_started_once_and_told_with_what_is_withheld() {
    let mut place = Place::with_one_stack(World::default());
    with_process(&mut place, "[default]\n");
    program(&mut place, "ask-aws", "echo s3cret; echo 'no session' >&2; exit 4");
    let ran = place.run(&["plan", "-vv"]);
    let said = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("no AWS credentials: `credential_process of profile default` exited with 4; "),
        "{said}"
    );
    assert!(said.contains("GITHUB_TOKEN") && said.contains("withheld from it"), "{said}");
    assert_eq!(starts(&place, "ask-aws"), 1);
    assert_eq!(ran.stderr.matches("no session").count(), 1, "{}", ran.stderr);
    assert!(!said.contains("s3cret") && !ran.stderr.contains("s3cret") && !said.contains("no session"));
    program(&mut place, "ask-aws", "echo '{\"Version\": 2}'");
    let ran = place.run(&["plan"]);
    let said = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("prints a version other than 1"), "{said}");
}

/// A cluster alone.
fn cluster() -> Place {
    let mut place = Place::bare(World::default());
    let kubernetes = "kubernetes: [{ context: prod, namespaces: [default], service-accounts: [default] }]";
    place.write(
        "regcred.yaml",
        &format!("version: 1\ncredentials:\n  docker-hub:\n    to:\n      {kubernetes}\n"),
    );
    place.set("KUBECONFIG", "");
    place
}

#[test]
fn a_login_plugin_is_asked_again_only_when_what_it_gave_has_ended() {
    for (ends, once) in
        [(None, true), (Some("2999-01-01T00:00:00Z"), true), (Some("2020-01-01T00:00:00Z"), false)]
    {
        let mut place = cluster();
        with_plugin(&mut place, &format!("echo '{}'", exec_credential(CLUSTER_TOKEN, ends)), json!({}));
        place.run(&["sync", "--yes"]).ends(0);
        assert_eq!(starts(&place, "ask-cluster") == 1, once, "{ends:?}");
    }
}

#[test]
fn a_login_plugin_is_heard_and_its_words_are_shown_once() {
    let mut place = cluster();
    let words =
        "printf 'open https://example.com/device and enter \\033[1mABCD\\r\\nor\\tnot\\342\\200\\256\\n' >&2";
    with_plugin(&mut place, &format!("{words}; echo '{}'", exec_credential(CLUSTER_TOKEN, None)), json!({}));
    let ran = place.run(&["sync", "--yes"]);
    ran.ends(0).complains("ask-cluster: open https://example.com/device and enter ABCD\n");
    ran.complains("ask-cluster: or not\\u{202e}\n");
    assert_eq!(ran.stderr.matches("/device").count(), 1);
    let quiet = place.run(&["plan", "-q"]);
    assert!(!quiet.stderr.contains("/device"), "{}", quiet.stderr);
}

#[test]
fn a_login_plugin_that_is_not_there_is_named_with_its_install_hint() {
    let mut place = cluster();
    with_plugin(&mut place, "", json!({ "command": "no-such-plugin", "installHint": "brew install it\n" }));
    let ran = place.run(&["plan"]);
    let said = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("the program `no-such-plugin` is not on PATH"), "{said}");
    assert!(said.contains("brew install it"), "{said}");
}

#[test]
fn a_tokens_file_counts_before_the_token_beside_it_and_both_before_a_plugin() {
    let mut place = cluster();
    with_plugin(&mut place, "exit 1", json!({}));
    let exec = json!({ "apiVersion": "client.authentication.k8s.io/v1beta1", "command": "ask-cluster" });
    place.write("token", &format!("{CLUSTER_TOKEN}\n"));
    with_user(&mut place, json!({ "token": "wrong", "tokenFile": "token", "exec": exec }));
    place.run(&["plan"]).ends(0).says("1 to create");
    with_user(&mut place, json!({ "token": CLUSTER_TOKEN, "exec": exec }));
    place.run(&["plan"]).ends(0).says("1 to create");
    assert_eq!(starts(&place, "ask-cluster"), 0);
    with_user(&mut place, json!({ "token": "s3cret\n" }));
    place.run(&["plan"]).says("the token of context prod has a line break in it");
    with_user(&mut place, json!({ "tokenFile": "nowhere" }));
    place.run(&["plan"]).says("nowhere cannot be read");
}

#[test]
fn a_login_plugin_may_ask_whoever_sits_at_the_terminal() {
    let mut place = cluster();
    let given = exec_credential(CLUSTER_TOKEN, None);
    let asks = format!("#!/bin/sh\nprintf 'Code: ' >&2\nread code\n[ \"$code\" = 42 ] && echo '{given}'\n");
    with_plugin(&mut place, "", json!({ "interactiveMode": "IfAvailable" }));
    std::fs::write(place.repo().join("bin/ask-cluster"), asks).unwrap();
    let (code, shown) = on_a_terminal(&place, "plan", &[("ask-cluster: Code: \r\n", "42")]);
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("1 to create"), "{shown}");
    let (_, shown) = on_a_terminal(&place, "plan --no-input", &[]);
    assert!(shown.contains("exited with 1"), "{shown}");
}

#[test]
fn there_is_one_place_that_starts_programs() {
    let starters = with_code(|code| code.contains("Command::new("));
    assert!(matches!(&starters[..], [one] if one.ends_with("src/program/mod.rs")), "{starters:?}");
}

#[test]
fn an_interrupt_ends_a_program_with_all_that_it_has_started() {
    let mut place = Place::with_one_stack(World::default());
    place.write("regcred.yaml", &ONE_STACK.replace("    to:", "    from: { command: [endless] }\n    to:"));
    let alive = place.repo().join("alive");
    assert!(Command::new("mkfifo").arg(&alive).status().unwrap().success());
    // What it has started, too, holds the pipe open as long as it runs.
    let script = format!("exec 9>'{}'; tail -f /dev/null & echo ready >&2; wait", alive.display());
    program(&mut place, "endless", &script);
    for signal in SIGNALS {
        let (tell, ended) = mpsc::channel();
        let pipe = alive.clone();
        std::thread::spawn(move || {
            let mut rest = Vec::new();
            std::fs::File::open(pipe).unwrap().read_to_end(&mut rest).unwrap();
            let _ = tell.send(());
        });
        let mut run = place.command(&["plan"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(run.stderr.take().unwrap());
        assert!(stderr.lines().map_while(Result::ok).any(|line| line == "endless: ready"));
        send(signal, &run);
        assert_eq!(run.wait().unwrap().code(), Some(130), "{signal}");
        ended.recv_timeout(LIMIT).unwrap_or_else(|_| panic!("{signal}: something is still running"));
    }
}
