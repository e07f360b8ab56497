//! The main job, end to end.

use regcred_sandbox::{Call, Service};

use crate::place::{OTHER_TOKEN, Place, TOKEN, written};
use crate::world::{assert_holds, secret};

fn position(calls: &[Call], operation: &str) -> usize {
    calls
        .iter()
        .position(|call| call.operation.contains(operation))
        .unwrap_or_else(|| panic!("no {operation}"))
}

/// Only the requests of one region, by the scope of their signatures.
fn in_region(calls: &[Call], region: &str) -> Vec<Call> {
    let signed =
        |call: &&Call| call.request_headers.get("authorization").is_some_and(|value| value.contains(region));
    calls.iter().filter(signed).cloned().collect()
}

#[test]
fn a_pulumi_projects_credential_reaches_every_stack_and_the_repository_and_a_second_run_writes_nothing() {
    let place = Place::with_pulumi();
    let calls = place.sync();
    assert_holds(&place.sandbox.state(), TOKEN);
    {
        let world = place.sandbox.state();
        assert_eq!(world.aws.secrets.len(), 2);
        let dev = world.aws.rule("123456789012", "us-west-2", "dev-docker-hub").unwrap();
        assert_eq!(dev.credential_arn.as_deref(), Some(secret(&world, "us-west-2").unwrap().arn.as_str()));
    }
    assert_eq!(calls.iter().filter(|call| call.operation == "ValidatePullThroughCacheRule").count(), 2);
    place.sync_again();
}

#[test]
fn a_plan_writes_nothing_and_says_what_sync_would_do() {
    let place = Place::new();
    let (ran, calls) = place.watch(&["plan"]);
    ran.ends(0).says("Plan: 9 to create.").says("login  works").says("regcred sync --expect ");
    assert_eq!(written(&calls), [""; 0]);
}

#[test]
fn a_place_that_is_in_sync_is_verified_without_a_write() {
    let place = Place::new();
    place.sync();
    let (ran, calls) = place.watch(&["verify"]);
    ran.ends(0).says("proven").says("2 proven by ECR");
    assert_eq!(written(&calls), [""; 0]);
}

#[test]
fn a_changed_token_is_a_new_version_and_is_written_to_github_and_recorded() {
    let mut place = Place::new();
    place.sync();
    let record =
        place.sandbox.state().github.repositories["acme/api"].variables["DOCKER_HUB_SYNC"].value.clone();
    place.change_token();
    let calls = place.sync();
    let mut operations = written(&calls);
    operations.sort_unstable();
    assert_eq!(
        operations,
        [
            "DELETE /repos/{owner}/{repo}/actions/variables/{name}",
            "POST /repos/{owner}/{repo}/actions/variables",
            "PUT /repos/{owner}/{repo}/actions/secrets/{secret_name}",
            "PUT /repos/{owner}/{repo}/actions/secrets/{secret_name}",
            "PutSecretValue",
            "PutSecretValue",
        ]
    );
    let world = place.sandbox.snapshot();
    assert_holds(&world, OTHER_TOKEN);
    assert_eq!(secret(&world, "us-east-2").unwrap().versions.len(), 2);
    assert_ne!(record, world.github.repositories["acme/api"].variables["DOCKER_HUB_SYNC"].value);
    place.sync_again();
}

#[test]
fn back_to_an_earlier_token_its_version_is_current_again_and_the_next_run_writes_nothing() {
    let mut place = Place::new();
    place.sync();
    place.change_token();
    place.sync();
    place.set("DOCKER_HUB_TOKEN", TOKEN);
    let calls = place.sync();
    assert!(written(&calls).contains(&"UpdateSecretVersionStage"), "{:?}", written(&calls));
    assert_holds(&place.sandbox.state(), TOKEN);
    assert_eq!(secret(&place.sandbox.state(), "us-east-2").unwrap().versions.len(), 2);
    place.sync_again();
}

#[test]
fn the_secret_is_made_without_a_value_and_closed_before_it_gets_one() {
    let place = Place::new();
    for region in ["us-east-2", "us-west-2"] {
        place.sandbox.restore(regcred_sandbox::World::default());
        let calls = in_region(&place.sync(), region);
        let create = position(&calls, "CreateSecret");
        let body = calls[create].request_json();
        assert!(body.get("SecretString").is_none() && body.get("SecretBinary").is_none(), "{body}");
        let (policy, value) = (position(&calls, "PutResourcePolicy"), position(&calls, "PutSecretValue"));
        let (rule, proof) =
            (position(&calls, "CreatePullThroughCacheRule"), position(&calls, "ValidatePull"));
        assert!(create < policy && policy < value && value < rule && rule < proof, "{:?}", written(&calls));
        for (earlier, later) in [(create, policy), (policy, value), (value, rule)] {
            assert!(calls[earlier].ended.unwrap() <= calls[later].started, "{region}");
        }
    }
}

#[test]
fn the_credential_has_logged_in_upstream_before_anything_is_written() {
    let place = Place::new();
    let calls = place.sync();
    let login = calls.iter().find(|call| call.service == Service::Token).unwrap();
    let first = calls.iter().filter(|call| call.is_write).map(|call| call.started).min().unwrap();
    assert_eq!(login.status, Some(200));
    assert!(login.ended.unwrap() <= first);
}

#[test]
fn the_record_is_written_after_the_secrets_that_it_vouches_for() {
    let place = Place::new();
    let calls = place.sync();
    let puts = calls.iter().filter(|call| call.operation.starts_with("PUT "));
    let last = puts.map(|call| call.ended.unwrap()).max().unwrap();
    let record = position(&calls, "POST /repos/{owner}/{repo}/actions/variables");
    assert!(last <= calls[record].started);
}

#[test]
fn what_somebody_changed_by_hand_in_github_is_written_again() {
    let place = Place::new();
    place.sync();
    {
        let mut world = place.sandbox.state();
        let later = world.clock.now() + std::time::Duration::from_secs(60);
        world.github.repositories.get_mut("acme/api").unwrap().actions.set(
            "DOCKER_HUB_TOKEN",
            "by hand",
            later,
        );
        world.clock.advance(std::time::Duration::from_secs(120));
    }
    place.run(&["plan"]).ends(0).says("changed outside");
    place.sync();
    assert_holds(&place.sandbox.state(), TOKEN);
    place.sync_again();
}

#[test]
fn a_weakened_policy_is_mended_and_a_half_made_secret_is_finished() {
    let place = Place::new();
    place.sync();
    {
        let mut world = place.sandbox.state();
        let east =
            world.aws.secret_mut("123456789012", "us-east-2", "ecr-pullthroughcache/docker-hub").unwrap();
        east.policy = east.policy.take().map(|policy| policy.replace("Deny", "Allow"));
        let west =
            world.aws.secret_mut("123456789012", "us-west-2", "ecr-pullthroughcache/docker-hub").unwrap();
        west.policy = None;
        west.versions.clear();
    }
    let calls = place.sync();
    assert_eq!(written(&calls).iter().filter(|operation| **operation == "PutResourcePolicy").count(), 2);
    assert_eq!(written(&calls).iter().filter(|operation| **operation == "PutSecretValue").count(), 1);
    place.sync_again();
}
