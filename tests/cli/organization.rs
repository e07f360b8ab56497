//! One secret for many repositories: an organization's.

use regcred_sandbox::World;
use regcred_sandbox::github::Visibility;

use crate::place::{Place, TOKEN, written};

const SELECTED: &str = "version: 1
credentials:
  docker-hub:
    to:
      github:
        - { organization: acme, visibility: selected, repositories: [api, Web] }
";

fn place(file: &str) -> Place {
    let mut world = World::default();
    world.github.add_organization("acme");
    world.github.add_repository("acme/web");
    let place = Place::bare(world);
    place.write("regcred.yaml", file);
    place
}

/// The ids of the repositories that see the token, and their visibility.
fn audience(place: &Place) -> (Option<Visibility>, Vec<String>) {
    let state = place.sandbox.state();
    let secret = &state.github.organizations["acme"].actions.secrets["DOCKER_HUB_TOKEN"];
    let named =
        state.github.repositories.iter().filter(|(_, repository)| secret.selected.contains(&repository.id));
    (secret.visibility, named.map(|(name, _)| name.clone()).collect())
}

#[test]
fn selected_repositories_get_the_organizations_secret_and_a_second_run_writes_nothing() {
    let place = place(SELECTED);
    place.sync();
    assert_eq!(
        audience(&place),
        (Some(Visibility::Selected), vec!["acme/api".to_owned(), "acme/web".to_owned()])
    );
    assert_eq!(
        place.sandbox.state().github.organizations["acme"].actions.secrets["DOCKER_HUB_TOKEN"].value,
        TOKEN
    );
    place.sync_again();
}

#[test]
fn a_new_token_keeps_the_list_of_repositories_which_github_empties_where_it_is_left_out() {
    let mut place = place(SELECTED);
    place.sync();
    place.change_token();
    place.sync();
    assert_eq!(audience(&place).1.len(), 2);
}

#[test]
fn a_repository_that_lost_sight_of_the_secret_gets_it_back() {
    let place = place(SELECTED);
    place.sync();
    let mut state = place.sandbox.state();
    let secrets = &mut state.github.organizations.get_mut("acme").unwrap().actions.secrets;
    secrets.get_mut("DOCKER_HUB_TOKEN").unwrap().selected.pop();
    drop(state);
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    ran.ends(0).says("to be seen by api, web");
    assert_eq!(written(&calls).len(), 3, "{calls:#?}");
    assert_eq!(audience(&place).1.len(), 2);
}

#[test]
fn a_visibility_that_was_widened_by_hand_is_narrowed_again() {
    let place =
        place(&SELECTED.replace("visibility: selected, repositories: [api, Web]", "visibility: private"));
    place.sync();
    let mut state = place.sandbox.state();
    let secrets = &mut state.github.organizations.get_mut("acme").unwrap().actions.secrets;
    secrets.get_mut("DOCKER_HUB_TOKEN").unwrap().visibility = Some(Visibility::All);
    drop(state);
    place.sync();
    assert_eq!(audience(&place).0, Some(Visibility::Private));
    place.sync_again();
}

#[test]
fn a_repository_that_does_not_exist_is_named_and_nothing_of_the_secret_is_written() {
    let place = place(&SELECTED.replace("Web", "wbe"));
    let (ran, _) = place.watch(&["sync", "--yes"]);
    assert_ne!(ran.code, 0);
    ran.complains("/repos/acme/wbe");
    assert!(place.sandbox.state().github.organizations["acme"].actions.secrets.is_empty());
}

#[test]
fn a_token_without_the_organizations_permission_is_told_which_one_it_needs() {
    let place = place(SELECTED);
    let token = place.sandbox.state().github.exported_token.clone();
    let mut state = place.sandbox.state();
    let limited = state.github.tokens[&token].clone().with("organization_secrets", "none");
    state.github.tokens.insert(token, limited);
    drop(state);
    let (ran, _) = place.watch(&["plan"]);
    ran.says("organization permissions");
}

#[test]
fn inside_a_workflow_of_the_organization_its_secrets_are_where_the_credential_comes_from() {
    let mut place = place(SELECTED);
    place.set("GITHUB_ACTIONS", "true");
    let (ran, calls) = place.watch(&["plan"]);
    ran.says("is left alone");
    assert_eq!(written(&calls), [""; 0]);
    assert!(calls.iter().all(|call| !call.path.contains("/orgs/")), "{calls:#?}");
}

#[test]
fn a_repository_that_was_renamed_still_sees_the_secret_and_its_new_name_is_told() {
    let place = place(SELECTED);
    place.sync();
    place.sandbox.state().github.rename_repository("acme/web", "acme/website");
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    ran.ends(0).says("No changes").says("github:acme/web was renamed to acme/website");
    assert_eq!(written(&calls), [""; 0]);
}
