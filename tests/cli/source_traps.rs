//! What has burned people with Docker Hub's credentials and with where they keep them, from end to end.

use regcred_sandbox::World;
use regcred_sandbox::registry::Plan;

use crate::place::{Place, TOKEN, USER};
use crate::world::assert_holds;

fn one() -> Place {
    Place::with_one_stack(World::default())
}

/// The account's plan at the registry.
fn set_plan(place: &Place, plan: Plan) {
    place.sandbox.state().registry.accounts.get_mut(USER).unwrap().plan = plan;
}

#[test]
fn a_valid_credential_at_its_limit_is_spread_and_the_limit_is_told() {
    let place = one();
    set_plan(&place, Plan { limit: Some(200), remaining: 0 });
    let ran = place.run(&["sync", "--yes"]);
    ran.ends(0).says("0 of 200 pulls left");
    assert_holds(&place.sandbox.state(), TOKEN);
}

#[test]
fn a_paid_account_without_limit_headers_is_a_good_credential() {
    let place = one();
    set_plan(&place, Plan::paid());
    place.run(&["sync", "--yes"]).ends(0).says("no pull limit is known");
    assert_holds(&place.sandbox.state(), TOKEN);
}

#[test]
fn an_organizations_token_is_a_token_like_any_other() {
    let mut place = one();
    let token = "dckr_oat_sandbox-0123456789abcdefghi";
    place.sandbox.state().registry.add_account("acme-org", token);
    place.set("DOCKER_HUB_USERNAME", "acme-org");
    place.set("DOCKER_HUB_TOKEN", token);
    place.run(&["sync", "--yes"]).ends(0);
    let world = place.sandbox.snapshot();
    let repository = &world.github.repositories["acme/api"];
    assert_eq!(repository.actions.value("DOCKER_HUB_USERNAME"), Some("acme-org"));
    assert!(repository.variables["DOCKER_HUB_SYNC"].value.contains("DOCKER_HUB_TOKEN"));
    place.sync_again();
}

#[test]
fn a_user_in_capitals_is_the_same_user_and_is_not_written_twice() {
    let mut place = one();
    place.set("DOCKER_HUB_USERNAME", "Acme");
    place.sync();
    place.sync_again();
    place.set("DOCKER_HUB_USERNAME", USER);
    place.sync_again();
    assert_holds(&place.sandbox.state(), TOKEN);
}

#[test]
fn a_pulumi_project_behind_a_link_is_read_like_any_other() {
    let place = Place::with_pulumi();
    std::fs::rename(place.repo().join("infra"), place.repo().join("elsewhere")).unwrap();
    std::os::unix::fs::symlink("elsewhere", place.repo().join("infra")).unwrap();
    place.run(&["plan"]).ends(0).says("Plan: 9 to create.");
}

#[test]
fn of_two_stacks_with_different_tokens_neither_is_taken_by_chance() {
    let place = Place::with_pulumi();
    let main = std::fs::read_to_string(place.repo().join("infra/Pulumi.main.yaml")).unwrap();
    place.write("infra/Pulumi.other.yaml", &main);
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    ran.ends(3).complains("several stacks hold the credential: main, other").complains("PULUMI_STACK");
    assert_eq!(calls.len(), 0);
}
