//! A rotation: a new token everywhere, and the old one out of use once nothing needs it.

use std::os::unix::fs::PermissionsExt as _;

use regcred_sandbox::World;

use crate::place::{OTHER_TOKEN, Place, TOKEN, USER, written};
use crate::world::{assert_holds, assert_values};

pub(crate) const PASSWORD: &str = "open sesame-1234";
/// Of the token that a person made, and of the one that is handed in.
pub(crate) const OLD_LABEL: &str = "by hand";

/// One stack and one repository in sync, with the token in a file, an account that has a password, and a program that prints it.
fn place(mint: &str) -> Place {
    let mut place = Place::bare(World::default());
    place.unset("DOCKER_HUB_USERNAME");
    place.unset("DOCKER_HUB_TOKEN");
    place.write("token", &format!("{USER}\n{TOKEN}\n"));
    owned(&place, "token");
    place.write("password", &format!("{PASSWORD}\n"));
    let places = "to:\n      aws: { stacks: { main: { region: us-east-2 } } }\n      github: [{ repository: acme/api }]\n";
    place.write(
        "regcred.yaml",
        &format!("version: 1\ncredentials:\n  docker-hub:\n    from: {{ file: token }}\n{mint}    {places}"),
    );
    {
        let mut state = place.sandbox.state();
        state.registry.add_account(USER, PASSWORD);
        let account = state.registry.accounts.get_mut(USER).unwrap();
        let old = account.credentials.iter_mut().find(|credential| credential.secret == TOKEN).unwrap();
        old.token.label = OLD_LABEL.to_owned();
    }
    place.sync();
    place
}

pub(crate) const MINT: &str = "    mint: { login: { command: [cat, password], username: acme } }\n";

pub(crate) fn owned(place: &Place, file: &str) {
    let path = place.repo().join(file);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// The same with a second token that a person has made.
fn with_another(place: &Place) -> String {
    place.sandbox.state().registry.add_account(USER, OTHER_TOKEN);
    format!("{USER}\n{OTHER_TOKEN}\n")
}

pub(crate) fn stored(place: &Place) -> String {
    std::fs::read_to_string(place.repo().join("token")).unwrap().lines().nth(1).unwrap().to_owned()
}

pub(crate) fn accepts(place: &Place, token: &str) -> bool {
    place.sandbox.state().registry.accepts(USER, token)
}

/// Every token's label, and whether it is on.
pub(crate) fn labels(place: &Place) -> Vec<(String, bool)> {
    let state = place.sandbox.state();
    let tokens = state.registry.accounts[USER].credentials.iter().filter(|one| one.secret != PASSWORD);
    tokens.map(|one| (one.token.label.clone(), !one.token.inactive && !one.revoked)).collect()
}

/// A text in one line, however it was wrapped.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_token_that_is_handed_in_is_stored_and_spread_and_the_old_one_stays_on_where_nobody_may_switch_it_off() {
    let place = place("");
    let handed = with_another(&place);
    let ran = place.run_reading(&["rotate", "--from", "stdin", "--yes"], &handed);
    ran.ends(0).says("docker-hub");
    assert!(flat(&ran.stdout).contains("switch the old one off by hand, at https://app.docker.com"));
    assert_holds(&place.sandbox.state(), OTHER_TOKEN);
    assert_eq!(stored(&place), OTHER_TOKEN);
    assert!(accepts(&place, TOKEN), "it is not regcred's to switch off");
    assert!(!format!("{}{}", ran.stdout, ran.stderr).contains(OTHER_TOKEN));
    place.sync_again();
    // The token alone is enough, as the user is known.
    let ran = place.run_reading(&["rotate", "--from", "stdin", "--yes"], &format!("{OTHER_TOKEN}\n"));
    ran.ends(0).says("No changes");
}

#[test]
fn an_old_token_that_is_named_goes_out_of_use_last_and_only_if_that_is_allowed() {
    let place = place(MINT);
    let handed = with_another(&place);
    let args = ["rotate", "--from", "stdin", "--yes", "--old", OLD_LABEL];
    let ran = place.run_reading(&args, &handed);
    ran.ends(5).says("was not made by regcred").says("regcred rotate --allow-delete");
    assert_holds(&place.sandbox.state(), OTHER_TOKEN);
    assert!(accepts(&place, TOKEN));
    let args = ["rotate", "--yes", "--old", OLD_LABEL, "--allow-delete"];
    let (ran, calls) = place.watch(&args);
    ran.ends(0);
    assert_eq!(written(&calls), ["PATCH /v2/access-tokens/{uuid}"]);
    assert!(!accepts(&place, TOKEN) && accepts(&place, OTHER_TOKEN));
    assert!(labels(&place).iter().any(|(label, on)| label.starts_with("by hand retired 20") && !on));
}

#[test]
fn a_token_is_made_stored_spread_and_at_the_next_rotation_out_of_use() {
    let place = place(MINT);
    let ran = place.run(&["rotate", "--mint", "--yes"]);
    ran.ends(0);
    let first = stored(&place);
    assert!(first.starts_with("dckr_pat_") && first != TOKEN);
    assert_holds(&place.sandbox.state(), &first);
    assert!(accepts(&place, TOKEN), "nobody named it");
    let made = |(label, on): &(String, bool)| label.starts_with("regcred docker-hub ") && *on;
    assert_eq!(labels(&place).iter().filter(|label| made(label)).count(), 1);

    place.run(&["rotate", "--mint", "--yes"]).ends(0);
    let second = stored(&place);
    assert_holds(&place.sandbox.state(), &second);
    assert!(second != first && accepts(&place, &second) && !accepts(&place, &first));
    assert_eq!(labels(&place).iter().filter(|label| made(label)).count(), 1, "{:?}", labels(&place));
    assert_eq!(place.sandbox.violations(), [""; 0]);
}

#[test]
fn nothing_is_made_before_a_yes_and_no_secret_is_in_any_output() {
    let place = place(MINT);
    let (ran, calls) = place.watch(&["rotate", "--mint"]);
    ran.ends(3).complains("regcred rotate --expect");
    assert_eq!(written(&calls), [""; 0]);
    let digest = ran.stderr.split("--expect ").nth(1).unwrap()[..12].to_owned();
    let ran = place.run(&["rotate", "--mint", "--expect", &digest, "--json"]);
    ran.ends(0);
    let said = format!("{}{}", ran.stdout, ran.stderr);
    assert!(!said.contains(PASSWORD) && !said.contains(&stored(&place)));
    assert!(
        ran.lines()
            .iter()
            .any(|line| line["type"] == "apply_complete" && line["address"] == "source:docker-hub")
    );
}

#[test]
fn a_token_that_the_registry_refuses_is_stored_nowhere() {
    let place = place(MINT);
    let ran = place.run_reading(&["rotate", "--from", "stdin", "--yes"], &format!("{USER}\n{OTHER_TOKEN}\n"));
    ran.ends(4);
    assert_eq!(stored(&place), TOKEN);
    assert_values(&place.sandbox.state(), TOKEN);
}

#[test]
fn a_token_of_another_user_is_refused() {
    let place = place("");
    place.sandbox.state().registry.add_account("zoe", OTHER_TOKEN);
    let ran = place.run_reading(&["rotate", "--from", "stdin", "--yes"], &format!("zoe\n{OTHER_TOKEN}\n"));
    ran.ends(3).complains("the new token is of user zoe, and the source has user acme");
}
