//! What cannot be read back and has no record is written at each sync, and is no difference.

use std::time::Duration;

use regcred_sandbox::github::Token;
use regcred_sandbox::{Fault, Kind, Service, World};

use crate::daytona;
use crate::place::{OTHER_TOKEN, Place, TOKEN, USER, written};
use crate::world::{ACCOUNT, NAME, REGION, assert_holds, assert_values, is_recorded};

const PASSWORD: &str = "correct-horse-battery";
pub(crate) const PUT_SECRET: &str = "PUT /repos/{owner}/{repo}/actions/secrets/{secret_name}";

fn one() -> Place {
    Place::with_one_stack(World::default())
}

/// A place whose credential is a password.
fn with_password() -> Place {
    let mut place = one();
    place.sandbox.state().registry.add_account(USER, PASSWORD);
    place.set("DOCKER_HUB_TOKEN", PASSWORD);
    place
}

#[test]
fn a_password_is_written_at_each_sync_and_is_no_difference() {
    let place = with_password();
    place.run(&["sync", "--yes"]).ends(0).says("not a recognized access token");
    let variables = place.sandbox.snapshot().github.repositories["acme/api"].variables.len();
    assert_eq!(variables, 0, "no fingerprint of it is published");
    let plan = place.run(&["plan", "--detailed-exitcode"]);
    plan.ends(0)
        .says("~ refresh")
        .says("cannot be read back; written at each sync")
        .says("3 in place, 2 refreshed at each sync");
    place.run(&["verify"]).ends(0).says("2 refreshed at each sync, as they cannot be read back");
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    ran.ends(0).says("Done: 3 in place, 2 refreshed.");
    assert_eq!(written(&calls), [PUT_SECRET; 2]);
    assert_values(&place.sandbox.snapshot(), PASSWORD);
}

#[test]
fn a_refresh_is_asked_for_and_machines_see_it_as_an_action_of_its_own() {
    let place = with_password();
    place.sync();
    let ran = place.run(&["plan", "--json"]);
    let plan = &ran.lines()[0];
    assert_eq!((&plan["summary"]["refresh"], &plan["summary"]["update"]), (&2.into(), &0.into()));
    let actions = plan["changes"].as_array().unwrap().iter().map(|row| row["action"].as_str().unwrap());
    assert_eq!(actions.filter(|action| *action == "refresh").count(), 2);
    let (ran, calls) = place.watch(&["sync"]);
    ran.ends(3);
    assert_eq!(written(&calls), [""; 0]);
    let digest = plan["digest"].as_str().unwrap();
    place.run(&["sync", "--expect", &digest[..12]]).ends(0).says("2 refreshed");
}

#[test]
fn a_run_that_was_killed_with_a_password_leaves_no_old_value_for_ever() {
    let mut place = with_password();
    place.sync();
    let other = "another-horse-battery";
    place.sandbox.state().registry.add_account(USER, other);
    place.set("DOCKER_HUB_TOKEN", other);
    // AWS is written, and GitHub is not.
    place.sandbox.fault(Fault::on(Service::GitHub, PUT_SECRET, Kind::Status(500)).forever());
    place.run(&["sync", "--yes"]).ends(5);
    place.sandbox.clear_faults();
    place.run(&["sync", "--yes"]).ends(0);
    assert_values(&place.sandbox.snapshot(), other);
}

#[test]
fn what_was_written_long_before_the_value_in_aws_is_a_difference() {
    let place = with_password();
    place.sync();
    place.sandbox.state().clock.advance(Duration::from_secs(3600));
    {
        let mut world = place.sandbox.state();
        let now = world.clock.now();
        let secret = world.aws.secret_mut(ACCOUNT, REGION, NAME).unwrap();
        secret.versions.iter_mut().for_each(|version| version.created = now);
    }
    let (ran, calls) = place.watch(&["plan", "--detailed-exitcode"]);
    ran.ends(2).says("before AWS had the current value");
    let asked = calls.iter().filter(|call| call.operation == "ListSecretVersionIds").count();
    assert_eq!(asked, 1);
    place.run(&["sync", "--yes"]).ends(0);
    place.run(&["verify"]).ends(0);
}

#[test]
fn aws_is_not_asked_for_its_versions_where_everything_has_a_record() {
    let place = one();
    place.sync();
    let (_, calls) = place.watch(&["plan"]);
    assert!(calls.iter().all(|call| call.operation != "ListSecretVersionIds"));
}

#[test]
fn without_the_right_to_list_versions_nothing_is_behind() {
    let place = with_password();
    place.sync();
    let denied = Fault::on(Service::SecretsManager, "ListSecretVersionIds", Kind::Status(403)).forever();
    place.sandbox.fault(denied);
    place.run(&["plan", "--detailed-exitcode"]).ends(0).says("2 refreshed at each sync");
}

#[test]
fn a_token_without_variables_writes_the_secrets_at_each_sync_and_says_why() {
    let place = one();
    {
        let mut world = place.sandbox.state();
        let exported = world.github.exported_token.clone();
        world.github.tokens.insert(exported, Token::full("acme").with("actions_variables", "none"));
    }
    place.run(&["sync", "--yes"]).ends(0).says("no record is kept in github:acme/api");
    let world = place.sandbox.snapshot();
    assert_values(&world, TOKEN);
    assert!(!is_recorded(&world));
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    ran.ends(0).says("2 refreshed");
    assert_eq!(written(&calls), [PUT_SECRET; 2]);
    place.run(&["verify"]).ends(0);
}

#[test]
fn a_server_without_variables_is_told_once_and_its_secrets_are_written_at_each_sync() {
    let place = one();
    place.sandbox.state().github.server = Some("3.7.2".to_owned());
    place.run(&["sync", "--yes"]).ends(0).says("GitHub Enterprise Server 3.7.2 has no variables");
    place.run(&["verify"]).ends(0).says("2 refreshed at each sync, as they cannot be read back");
    place.run(&["sync", "--yes"]).ends(0).says("2 refreshed");
}

#[test]
fn secrets_made_by_hand_are_written_once_and_recorded_then() {
    let place = one();
    place.sync();
    {
        let mut world = place.sandbox.state();
        let now = world.clock.now();
        let repository = world.github.repositories.get_mut("acme/api").unwrap();
        repository.variables.clear();
        repository.actions.set("DOCKER_HUB_USERNAME", USER, now);
        repository.actions.set("DOCKER_HUB_TOKEN", "by hand", now);
    }
    place.run(&["plan", "--detailed-exitcode"]).ends(0).says("3 refreshed at each sync");
    place.run(&["sync", "--yes"]).ends(0).says("3 refreshed");
    assert_holds(&place.sandbox.state(), TOKEN);
    place.sync_again();
}

#[test]
fn a_password_in_daytonas_list_is_written_at_each_sync() {
    let mut world = World::default();
    world.registry.add_account(USER, PASSWORD);
    let mut place = daytona::place_in(world);
    place.set("DOCKER_HUB_TOKEN", PASSWORD);
    place.sync();
    assert_eq!(daytona::rows(&place)[0].name, "docker-hub");
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    ran.ends(0).says("1 refreshed");
    assert_eq!(written(&calls), ["PATCH /docker-registry/{id}"]);
    place.run(&["verify"]).ends(0);
}

#[test]
fn two_credentials_of_one_repository_are_each_recorded_after_a_run_that_was_cut_off() {
    let mut world = World::default();
    world.registry.add_account("other", OTHER_TOKEN);
    let mut place = Place::bare(world);
    place.set("OTHER_USERNAME", "other");
    place.set("OTHER_TOKEN", OTHER_TOKEN);
    place.write(
        "regcred.yaml",
        "version: 1
credentials:
  docker-hub:
    to: { github: [{ repository: acme/api }] }
  other:
    from: { env: { username: OTHER_USERNAME, token: OTHER_TOKEN } }
    to: { github: [{ repository: acme/api }] }
",
    );
    let put = Fault::on(Service::GitHub, PUT_SECRET, Kind::Status(500)).after(2).forever();
    place.sandbox.fault(put);
    place.run(&["sync", "--yes"]).ends(5);
    place.sandbox.clear_faults();
    place.run(&["sync", "--yes"]).ends(0);
    place.run(&["verify"]).ends(0).says("6 in place");
    place.sync_again();
}

const RECORD: &str = "GET /repos/{owner}/{repo}/actions/variables/{name}";

#[test]
fn a_record_that_cannot_be_read_for_now_hides_no_difference() {
    for status in [500, 401] {
        let mut place = one();
        place.sync();
        place.change_token();
        place.sandbox.fault(Fault::on(Service::GitHub, RECORD, Kind::Status(status)).forever());
        for command in [&["plan", "--detailed-exitcode"][..], &["verify"], &["sync", "--yes"]] {
            place.run(command).ends(5);
        }
        place.sandbox.clear_faults();
        place.run(&["sync", "--yes"]).ends(0);
        assert_holds(&place.sandbox.state(), OTHER_TOKEN);
    }
}

#[test]
fn a_wrong_record_that_cannot_be_replaced_is_no_success() {
    let mut place = one();
    place.sync();
    place.change_token();
    {
        let mut world = place.sandbox.state();
        let exported = world.github.exported_token.clone();
        world.github.tokens.insert(exported, Token::full("acme").with("actions_variables", "read"));
    }
    place.run(&["sync", "--yes"]).ends(5).says("delete the variable DOCKER_HUB_SYNC");
}
