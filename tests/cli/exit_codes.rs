//! The exit codes of the contract, each with what leads to it.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use regcred_sandbox::github::Token;
use regcred_sandbox::{Door, Fault, Kind, Moment, Service, World};

use crate::ends::{SIGNALS, send, start, stopping};
use crate::place::{Place, TOKEN, written};
use crate::strike::in_parallel;

/// Long enough that only a broken test waits for it.
const LIMIT: Duration = Duration::from_secs(60);

fn one() -> Place {
    Place::with_one_stack(World::default())
}

#[test]
fn code_0_is_done_and_nothing_to_do() {
    let place = one();
    place.run(&["sync", "--yes"]).ends(0).says("Done:");
    place.run(&["sync", "--yes"]).ends(0).says("No changes.");
    place.run(&["plan", "--detailed-exitcode"]).ends(0);
    place.run(&["verify"]).ends(0);
}

#[test]
fn code_0_is_a_plan_with_differences_if_nobody_asked_for_details() {
    one().run(&["plan"]).ends(0);
}

#[test]
fn code_0_is_help_and_version() {
    let place = Place::bare(World::default());
    place.run(&["--version"]).ends(0).says("regcred 0.");
    place.run(&["sync", "--help"]).ends(0).says("--expect");
    assert_eq!(place.sandbox.calls().len(), 0);
}

#[test]
fn code_1_is_a_registry_that_cannot_be_reached_and_nothing_is_written() {
    let place = one();
    place.sandbox.set_reachable(Door::Registry, false).unwrap();
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    ran.ends(1).complains("cannot be reached").complains("nothing was written");
    assert_eq!(written(&calls), [""; 0]);
}

#[test]
fn code_1_is_a_run_of_which_nothing_could_be_done() {
    let place = one();
    place.sandbox.state().github.repositories.get_mut("acme/api").unwrap().archived = true;
    let (ran, calls) = place.watch(&["sync", "--yes", "--only", "github:"]);
    ran.ends(1);
    assert_eq!(written(&calls), [""; 0]);
}

#[test]
fn code_2_is_differences_where_details_were_asked_for() {
    let place = one();
    place.run(&["plan", "--detailed-exitcode"]).ends(2);
    place.run(&["plan", "--detailed-exitcode", "--json"]).ends(2);
}

#[test]
fn code_2_is_what_verify_finds_different() {
    let place = one();
    let (ran, calls) = place.watch(&["verify"]);
    ran.ends(2);
    assert_eq!(written(&calls), [""; 0]);
}

#[test]
fn code_3_is_a_usage_error_which_is_not_claps_own_2() {
    one().run(&["plan", "--no-such-flag"]).ends(3);
}

#[test]
fn code_3_is_a_configuration_that_cannot_be_right() {
    let place = one();
    place.write("regcred.yaml", "version: 2\ncredentials: {}\n");
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    ran.ends(3).complains("regcred.yaml:1:10");
    assert_eq!(calls.len(), 0);
}

#[test]
fn code_4_is_a_refused_credential_and_nothing_is_written() {
    let place = one();
    place.sandbox.state().registry.revoke(TOKEN);
    for args in [&["sync", "--yes"][..], &["plan"], &["verify"]] {
        let (ran, calls) = place.watch(args);
        ran.ends(4).complains("refused the credential").complains("personal-access-tokens");
        assert_eq!(written(&calls), [""; 0]);
    }
}

#[test]
fn code_4_is_no_login_to_any_place() {
    let mut place = one();
    place.set("AWS_SECRET_ACCESS_KEY", "wrong");
    place.set("GITHUB_TOKEN", "github_pat_wrong");
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    ran.ends(4);
    assert_eq!(written(&calls), [""; 0]);
}

#[test]
fn code_5_is_one_place_that_failed_while_another_went_on() {
    let mut place = one();
    place.set("GITHUB_TOKEN", "github_pat_wrong");
    place.run(&["sync", "--yes"]).ends(5).says("unread");
    assert_eq!(place.sandbox.state().aws.rules.len(), 1);
}

#[test]
fn code_5_is_no_aws_login_while_github_went_on() {
    let mut place = one();
    place.unset("AWS_ACCESS_KEY_ID");
    place.unset("AWS_SECRET_ACCESS_KEY");
    place.run(&["sync", "--yes"]).ends(5).says("aws sso login");
    let world = place.sandbox.state();
    assert_eq!(world.github.repositories["acme/api"].actions.value("DOCKER_HUB_TOKEN"), Some(TOKEN));
}

#[test]
fn code_5_is_a_repository_that_the_token_does_not_see() {
    let place = one();
    place.sandbox.state().github.repositories.remove("acme/api");
    place.run(&["sync", "--yes"]).ends(5).says("404").says("may lack access");
}

#[test]
fn code_5_is_a_403_and_it_is_not_taken_for_absent() {
    let place = one();
    place.sync();
    let key = place.sandbox.state().aws.exported_key.clone();
    let denied = vec!["secretsmanager:DescribeSecret".to_owned()];
    place.sandbox.state().aws.access_keys.get_mut(&key).unwrap().denied = denied;
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    ran.ends(5).says("unread").says("allow secretsmanager:DescribeSecret");
    assert_eq!(written(&calls), [""; 0]);
}

#[test]
fn code_5_is_a_validation_that_fails_after_the_write() {
    let place = one();
    place.sandbox.state().aws.validation_failure = Some("The upstream said no.".to_owned());
    place.run(&["sync", "--yes"]).ends(5).says("The upstream said no.").says("1 invalid at ECR");
    assert_eq!(place.sandbox.state().aws.rules.len(), 1);
}

#[test]
fn code_5_is_a_container_that_was_made_and_not_filled() {
    let place = one();
    let key = place.sandbox.state().aws.exported_key.clone();
    let denied = vec!["secretsmanager:PutResourcePolicy".to_owned()];
    place.sandbox.state().aws.access_keys.get_mut(&key).unwrap().denied = denied;
    let ran = place.run(&["sync", "--yes", "--only", "aws:"]);
    assert_eq!(place.sandbox.state().aws.secrets.len(), 1, "something was written");
    ran.ends(5).says("failed").says("not started");
}

#[test]
fn code_5_is_an_environment_that_was_made_and_a_secret_of_it_that_was_refused() {
    let place = one();
    place.write(
        "regcred.yaml",
        "version: 1
credentials:
  docker-hub:
    from: { env: {} }
    to:
      github: [{ repository: acme/api, environment: production, create-environment: true }]
",
    );
    let put = "PUT /repos/{owner}/{repo}/environments/{environment_name}/secrets/{secret_name}";
    place.sandbox.fault(Fault::on(Service::GitHub, put, Kind::Status(403)).forever());
    let ran = place.run(&["sync", "--yes"]);
    let made = place.sandbox.state().github.repositories["acme/api"].environments.contains_key("production");
    assert!(made, "something was written");
    ran.ends(5);
}

/// The disk of stdout is full from any byte on: a limit of 8 KiB for its file, of which a part is used already.
#[test]
fn code_5_is_a_report_that_cannot_be_printed_after_something_was_written_and_1_if_nothing_was() {
    let used: Vec<usize> = (0..8192).step_by(200).collect();
    let codes = Mutex::new(BTreeSet::new());
    in_parallel(&used, |used| {
        let place = one();
        let report = place.repo().join("report");
        std::fs::write(&report, "#".repeat(*used)).unwrap();
        let regcred = place.command(&["sync", "--yes", "--json"]);
        let mut limited = Command::new("bash");
        limited.args(["-c", r#"trap '' XFSZ; ulimit -f 8; report=$1; shift; exec "$@" >>"$report""#, "bash"]);
        limited.arg(&report).arg(regcred.get_program()).args(regcred.get_args());
        let variables = regcred.get_envs().filter_map(|(name, value)| Some((name, value?)));
        let output = limited.env_clear().envs(variables).current_dir(place.repo()).output().unwrap();
        let (code, said) = (output.status.code(), String::from_utf8(output.stderr).unwrap());
        let wrote = !written(&place.sandbox.calls()).is_empty();
        let text = std::fs::read_to_string(&report).unwrap();
        let told = text.ends_with('\n') && text.lines().last().unwrap().contains(r#""type":"summary""#);
        assert_eq!(
            code,
            Some(if !wrote {
                1
            } else if told {
                0
            } else {
                5
            }),
            "{used}: {said}"
        );
        assert!(told || said.contains(if wrote { "places were written" } else { "nothing was written" }));
        codes.lock().unwrap().insert(code);
    });
    assert_eq!(*codes.lock().unwrap(), [Some(0), Some(1), Some(5)].into());
}

#[test]
fn code_5_is_a_workflows_own_token_which_cannot_write_secrets() {
    let mut place = one();
    place.sandbox.state().github.tokens.insert("ghs_workflow".to_owned(), Token::actions("acme/api"));
    place.set("GITHUB_TOKEN", "ghs_workflow");
    place.run(&["sync", "--yes"]).ends(5).says("GitHub App");
}

#[test]
fn code_130_is_an_interrupt_after_which_nothing_more_is_started() {
    for signal in SIGNALS {
        let place = one();
        let reads = place.watch(&["plan", "--only", "aws:"]).1.len();
        place.sandbox.clear_calls();
        let mut pause = place.sandbox.pause_at(reads, Moment::BeforeEffect);
        let mut child = start(&mut place.command(&["sync", "--yes", "--only", "aws:"]));
        assert!(pause.wait(LIMIT));
        send(signal, &child);
        stopping(&mut child);
        pause.release();
        let output = child.wait_with_output().unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(130), "{signal}: {stdout}");
        assert!(stdout.contains("interrupted") && stdout.contains("not started"), "{signal}: {stdout}");
        let world = place.sandbox.snapshot();
        assert!(world.aws.rules.is_empty(), "nothing more was started");
        assert!(world.aws.secrets.iter().all(|secret| secret.value().is_none()));
        place.sync();
        place.sync_again();
    }
}
