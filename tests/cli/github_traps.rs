//! What has burned users of GitHub's secrets, from end to end: the sandbox answers there as GitHub does.

use std::time::Duration;

use regcred_sandbox::github::{Repository, Token};
use regcred_sandbox::{Fault, Kind, Moment, Service, World};

use crate::ends::{LIMIT, start};
use crate::place::{OTHER_TOKEN, Place, TOKEN, USER, written};
use crate::world::{assert_holds, assert_values};

const PUT: &str = "PUT /repos/{owner}/{repo}/actions/secrets/{secret_name}";

fn one() -> Place {
    Place::with_one_stack(World::default())
}

fn repository(world: &mut World) -> &mut Repository {
    world.github.repositories.get_mut("acme/api").unwrap()
}

/// Another token for GitHub than the one that may do everything.
fn log_in_with(place: &Place, token: Token) {
    let mut world = place.sandbox.state();
    let exported = world.github.exported_token.clone();
    world.github.tokens.insert(exported, token);
}

#[test]
fn secrets_beyond_the_first_page_are_seen() {
    let place = one();
    {
        let mut world = place.sandbox.state();
        let now = world.clock.now();
        for number in 0..150 {
            repository(&mut world).actions.set(&format!("A_{number:03}"), "x", now);
        }
    }
    place.sync();
    let calls = place.sync();
    let lists = calls.iter().filter(|call| call.operation == "GET /repos/{owner}/{repo}/actions/secrets");
    assert_eq!(lists.count(), 2, "two pages of a hundred");
    assert_eq!(written(&calls), [""; 0]);
}

#[test]
fn the_record_is_found_among_more_variables_than_a_page_holds() {
    let place = one();
    {
        let mut world = place.sandbox.state();
        for number in 0..45 {
            repository(&mut world).variables.insert(format!("A_{number:03}"), Default::default());
        }
    }
    place.sync();
    place.sync_again();
    assert_holds(&place.sandbox.state(), TOKEN);
}

#[test]
fn a_public_key_that_went_stale_is_fetched_again_once() {
    let place = one();
    place.sandbox.state().github.rotate_key_after_next_read = true;
    let calls = place.sync();
    let stale = calls.iter().filter(|call| call.operation == PUT && call.status == Some(422)).count();
    let keys = calls.iter().filter(|call| call.operation.ends_with("/public-key")).count();
    assert!((1..=2).contains(&stale), "{stale} stale writes");
    assert!(keys >= 2, "{keys} keys were fetched");
    assert_holds(&place.sandbox.state(), TOKEN);
}

#[test]
fn a_renamed_repository_is_written_under_its_new_name_and_people_are_told() {
    let place = one();
    place.sandbox.state().github.rename_repository("acme/api", "acme/api-server");
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    ran.ends(0).says("was renamed to acme/api-server");
    let puts: Vec<_> = calls.iter().filter(|call| call.operation == PUT).collect();
    assert!(puts.iter().all(|call| call.path.contains("acme/api-server")), "written by its present name");
    let world = place.sandbox.snapshot();
    assert_eq!(world.github.repositories["acme/api-server"].actions.value("DOCKER_HUB_TOKEN"), Some(TOKEN));
    place.sync_again();
}

#[test]
fn a_repository_that_was_transferred_gets_nothing_whoever_approved_the_plan() {
    for before in [false, true] {
        let place = one();
        if before {
            place.sync();
        }
        let digest = place.run(&["plan", "--json"]).lines()[0]["digest"].as_str().unwrap().to_owned();
        place.sandbox.state().github.rename_repository("acme/api", "mallory/api");
        let (ran, calls) = place.watch(&["sync", "--expect", &digest]);
        ran.ends(3).says("mallory/api");
        assert!(!calls.iter().any(|call| call.is_write), "{calls:?}");
        place.run(&["sync", "--yes"]).ends(5).says("is now mallory/api, of another owner");
        let world = place.sandbox.snapshot();
        let held = world.github.repositories["mallory/api"].actions.value("DOCKER_HUB_TOKEN");
        assert_eq!(held, before.then_some(TOKEN));
    }
}

#[test]
fn a_repository_that_is_transferred_while_a_sync_runs_gets_nothing_under_its_new_owner() {
    let place = one();
    let only = ["--only", "github:"];
    let reads = place.watch(&[&["plan"], &only[..]].concat()).1.len();
    place.sandbox.clear_calls();
    // The public key is fetched, and then the secrets are written.
    let mut pause = place.sandbox.pause_at(reads, Moment::BeforeEffect);
    let run = start(&mut place.command(&[&["sync", "--yes"], &only[..]].concat()));
    assert!(pause.wait(LIMIT));
    place.sandbox.state().github.rename_repository("acme/api", "mallory/api");
    drop(pause);
    let output = run.wait_with_output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "nothing was written: {stdout}");
    assert!(stdout.contains("now has another name, and maybe another owner"), "{stdout}");
    let world = place.sandbox.snapshot();
    assert_eq!(world.github.repositories["mallory/api"].actions.value("DOCKER_HUB_TOKEN"), None);
}

#[test]
fn an_archived_repository_is_blocked_and_aws_goes_on() {
    let place = one();
    repository(&mut place.sandbox.state()).archived = true;
    place.run(&["sync", "--yes"]).ends(5).says("archived");
    assert_eq!(place.sandbox.state().aws.rules.len(), 1);
}

#[test]
fn a_permission_that_is_missing_is_named_as_github_names_it() {
    let place = one();
    log_in_with(&place, Token::full("acme").with("secrets", "none"));
    let ran = place.run(&["sync", "--yes"]);
    ran.ends(5).says("may lack access").says("GitHub accepts: secrets=");
}

#[test]
fn a_token_that_may_only_read_variables_writes_the_secrets_and_ends_well() {
    let place = one();
    log_in_with(&place, Token::full("acme").with("actions_variables", "read"));
    place.run(&["sync", "--yes"]).ends(0);
    assert_values(&place.sandbox.state(), TOKEN);
}

#[test]
fn a_secret_that_somebody_deleted_is_written_again() {
    let place = one();
    place.sync();
    repository(&mut place.sandbox.state()).actions.secrets.remove("DOCKER_HUB_TOKEN");
    let calls = place.sync();
    let [forget, record] = [
        "DELETE /repos/{owner}/{repo}/actions/variables/{name}",
        "POST /repos/{owner}/{repo}/actions/variables",
    ];
    assert_eq!(written(&calls), [forget, PUT, record]);
    assert_holds(&place.sandbox.state(), TOKEN);
    place.sync_again();
}

#[test]
fn secrets_that_another_run_wrote_after_our_record_are_written_again() {
    let place = one();
    place.sync();
    {
        let mut world = place.sandbox.state();
        let later = world.clock.now() + Duration::from_secs(30);
        repository(&mut world).actions.set("DOCKER_HUB_TOKEN", "of another run", later);
        repository(&mut world).actions.set("DOCKER_HUB_USERNAME", "another", later);
        world.clock.advance(Duration::from_secs(60));
    }
    place.run(&["plan"]).ends(0).says("changed outside");
    place.sync();
    assert_holds(&place.sandbox.state(), TOKEN);
    place.sync_again();
}

#[test]
fn a_limit_that_lasts_longer_than_a_run_may_wait_is_told_with_the_time() {
    let place = one();
    let limit = Kind::Throttle { retry_after: Some(3600) };
    place.sandbox.fault(Fault::on(Service::GitHub, PUT, limit).forever());
    let ran = place.run(&["sync", "--yes"]);
    ran.ends(5).says("rate limit reached").says("run it again in 60 minutes");
    place.sandbox.clear_faults();
    place.sync();
    assert_holds(&place.sandbox.state(), TOKEN);
}

#[test]
fn a_limit_with_a_time_is_waited_for() {
    let place = one();
    place.sandbox.fault(Fault::on(Service::GitHub, PUT, Kind::Throttle { retry_after: Some(1) }));
    place.sync();
    assert_holds(&place.sandbox.state(), TOKEN);
}

#[test]
fn github_enterprise_server_is_spoken_to_under_its_own_path() {
    let mut place = one();
    let base = place.sandbox.env()["GITHUB_API_URL"].clone();
    place.set("GITHUB_API_URL", &format!("{base}/api/v3"));
    let calls = place.sync();
    let github: Vec<_> = calls.iter().filter(|call| call.service == Service::GitHub).collect();
    assert!(github.len() > 5 && github.iter().all(|call| call.path.starts_with("/api/v3/repos/")));
    assert_holds(&place.sandbox.state(), TOKEN);
    place.sync_again();
}

#[test]
fn a_credential_that_came_from_these_very_secrets_is_not_written_back() {
    let mut place = one();
    place.set("GITHUB_ACTIONS", "true");
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    ran.ends(0).says("github:acme/api is left alone");
    assert!(calls.iter().all(|call| call.service != Service::GitHub || !call.is_write));
    assert_eq!(place.sandbox.state().aws.rules.len(), 1);
}

#[test]
fn a_read_right_after_a_write_may_be_old_and_the_next_run_still_writes_nothing() {
    let place = one();
    place.sandbox.state().github.stale_reads = 1;
    place.run(&["sync", "--yes"]).ends(0);
    place.run(&["plan"]).ends(0);
    place.run(&["sync", "--yes"]).ends(0);
    assert_holds(&place.sandbox.state(), TOKEN);
}

#[test]
fn two_credentials_in_one_repository_have_each_a_record_of_their_own() {
    let mut place = one();
    place.write(
        "regcred.yaml",
        "version: 1\ncredentials:\n  \
         first: { from: { env: { username: DOCKER_HUB_USERNAME, token: DOCKER_HUB_TOKEN } }, to: { github: [{ repository: acme/api }] } }\n  \
         second: { from: { env: { username: DOCKER_HUB_USERNAME, token: SECOND_TOKEN } }, to: { github: [{ repository: acme/api }] } }\n",
    );
    place.sandbox.state().registry.add_account(USER, OTHER_TOKEN);
    place.set("SECOND_TOKEN", OTHER_TOKEN);
    place.sync();
    let world = place.sandbox.snapshot();
    let repository = &world.github.repositories["acme/api"];
    assert_eq!(repository.actions.value("FIRST_TOKEN"), Some(TOKEN));
    assert_eq!(repository.actions.value("SECOND_TOKEN"), Some(OTHER_TOKEN));
    assert_ne!(repository.variables["FIRST_SYNC"].value, repository.variables["SECOND_SYNC"].value);
    place.sync_again();
}
