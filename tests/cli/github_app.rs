//! A GitHub App as the login: its tokens do what is needed, where it is installed, and no more.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regcred_sandbox::World;
use regcred_sandbox::github::{App, Installation, TokenKind};

use crate::place::{Place, TOKEN, written};
use crate::rotate::owned;

pub(crate) const ID: &str = "123456";
pub(crate) const TOKENS: &str = "POST /app/installations/{installation_id}/access_tokens";
const FILE: &str = "version: 1
credentials:
  docker-hub:
    to:
      github:
        - repository: acme/api
        - { organization: acme, visibility: selected, repositories: [web] }
";

/// The App's key as GitHub gives it.
pub(crate) fn key() -> String {
    let der: Vec<u8> = include_str!("../fixtures/github-app/key.hex")
        .split_whitespace()
        .flat_map(|line| {
            (0..line.len()).step_by(2).map(|at| u8::from_str_radix(&line[at..at + 2], 16).unwrap())
        })
        .collect();
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = (0..text.len()).step_by(64).map(|at| &text[at..text.len().min(at + 64)]).collect();
    format!("-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----\n", lines.join("\n"))
}

fn permissions() -> BTreeMap<String, String> {
    let all = ["secrets", "actions_variables", "organization_secrets", "organization_actions_variables"];
    let mut all: BTreeMap<String, String> = all.map(|name| (name.to_owned(), "write".to_owned())).into();
    all.insert("metadata".to_owned(), "read".to_owned());
    // Which it does not need.
    all.insert("administration".to_owned(), "write".to_owned());
    all
}

/// An App that is installed at the organization.
pub(crate) fn app() -> App {
    let installation = Installation { id: 77, permissions: permissions(), ..Installation::default() };
    App {
        public_key: include_str!("../fixtures/github-app/public.b64").trim().to_owned(),
        installations: [("acme".to_owned(), installation)].into(),
        ..App::default()
    }
}

/// A place whose environment names the App, beside a token that may do nothing.
fn place(file: &str) -> Place {
    let mut world = World::default();
    world.github.apps.insert(ID.to_owned(), app());
    let mut place = Place::with_one_stack(world);
    place.write("regcred.yaml", file);
    place.set("GITHUB_APP_ID", ID);
    place.set("GITHUB_APP_PRIVATE_KEY", &key().replace('\n', "\\n"));
    place.set("GITHUB_TOKEN", "github_pat_that_is_not_sent");
    place
}

/// What the App's tokens may do, each once.
fn tokens(place: &Place) -> BTreeSet<(Vec<String>, String)> {
    let state = place.sandbox.state();
    let made = state.github.tokens.values().filter(|token| token.kind == TokenKind::App);
    made.map(|token| (token.sees.clone(), format!("{:?}", token.permissions))).collect()
}

#[test]
fn an_app_of_the_environment_reads_with_one_token_and_writes_with_another_and_neither_may_more() {
    let place = place(FILE);
    place.run(&["plan"]).ends(0);
    let read: Vec<_> = tokens(&place).into_iter().collect();
    let [(sees, may)] = read.as_slice() else { panic!("{read:?}") };
    assert_eq!(
        sees.iter().collect::<BTreeSet<_>>(),
        ["acme/api", "acme/web", "acme"].map(str::to_owned).iter().collect()
    );
    assert!(!may.contains("write") && may.contains("secrets"), "{may}");
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    ran.ends(0);
    assert_eq!(calls.iter().filter(|call| call.operation == TOKENS).count(), 2, "one to read, one to write");
    assert!(tokens(&place).iter().all(|(_, may)| !may.contains("administration")), "{:?}", tokens(&place));
    let state = place.sandbox.state();
    assert_eq!(state.github.repositories["acme/api"].actions.secrets["DOCKER_HUB_TOKEN"].value, TOKEN);
    assert_eq!(state.github.organizations["acme"].actions.secrets["DOCKER_HUB_TOKEN"].value, TOKEN);
    drop(state);
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    ran.ends(0).says("No changes");
    assert_eq!(written(&calls), [TOKENS], "one to read");
    assert_eq!(place.sandbox.violations(), [""; 0]);
}

#[test]
fn an_app_of_the_file_comes_first_and_its_key_may_be_read_by_its_owner_only() {
    let file = FILE
        .replace("github:\n", "github:\n        app: { id: 123456, key-file: app.pem }\n        places:\n")
        .replace("        - ", "          - ");
    let mut place = place(&file);
    place.set("GITHUB_APP_ID", "999");
    place.write("app.pem", &key());
    place.run(&["plan"]).says("others may read it (its mode is 0").says("chmod 600").says("app.pem");
    assert_eq!(place.sandbox.calls().iter().filter(|call| call.operation == TOKENS).count(), 0);
    owned(&place, "app.pem");
    place.run(&["sync", "--yes"]).ends(0);
    place.write("app.pem", "not a key");
    owned(&place, "app.pem");
    place.run(&["verify"]).says("is not a private key as GitHub gives it");
    std::fs::remove_file(place.repo().join("app.pem")).unwrap();
    place.run(&["verify"]).says("cannot be read");
}

#[test]
fn who_the_app_is_not_is_told_with_what_to_do() {
    let told = |arrange: &dyn Fn(&mut Place), words: &[&str]| {
        let mut place = place(FILE);
        arrange(&mut place);
        let ran = place.run(&["plan"]);
        for word in words {
            ran.says(word);
        }
        assert!(!ran.stdout.contains("github_pat") && !ran.stderr.contains("github_pat"));
    };
    told(
        &|place| place.set("GITHUB_APP_ID", "4"),
        &["GitHub knows no App with the id 4", "take the id from the App's page"],
    );
    told(&|place| place.set("GITHUB_APP_ID", "app 4"), &["is not the id of a GitHub App"]);
    told(
        &|place| place.unset("GITHUB_APP_PRIVATE_KEY"),
        &["neither GITHUB_APP_PRIVATE_KEY nor GITHUB_APP_PRIVATE_KEY_FILE is", "unset GITHUB_APP_ID"],
    );
    told(
        &|place| place.sandbox.state().github.apps.get_mut(ID).unwrap().public_key = String::new(),
        &["A JSON web token could not be decoded", "look at the App's id and its private key"],
    );
    told(
        &|place| place.sandbox.state().github.apps.get_mut(ID).unwrap().installations.clear(),
        &[
            "the GitHub App 123456 is not installed at acme",
            "https://github.com/apps/regcred-sandbox/installations/new",
        ],
    );
    let lacking = |place: &mut Place| {
        let mut state = place.sandbox.state();
        let installation = state.github.apps.get_mut(ID).unwrap().installations.get_mut("acme").unwrap();
        installation.permissions.remove("organization_secrets");
    };
    told(&lacking, &["give the GitHub App the organization permissions `secrets: write`"]);
}

#[test]
fn a_repository_that_the_app_does_not_see_is_told_and_keeps_none_of_the_others() {
    let place = place(&format!("{FILE}        - repository: acme/web\n"));
    let seen = Some(vec!["acme/api".to_owned()]);
    place.sandbox.state().github.apps.get_mut(ID).unwrap().installations.get_mut("acme").unwrap().sees = seen;
    place.run(&["sync", "--yes", "--only", "github:acme/"]).ends(5).says("let it see the repository");
    let state = place.sandbox.state();
    assert!(state.github.repositories["acme/api"].actions.secrets.contains_key("DOCKER_HUB_TOKEN"));
    assert!(state.github.repositories["acme/web"].actions.secrets.is_empty());
}

#[test]
fn a_repository_that_was_renamed_is_written_with_the_app_of_its_owner() {
    let place = place(FILE);
    place.sandbox.state().github.rename_repository("acme/api", "acme/api-server");
    place.run(&["sync", "--yes"]).ends(0).says("was renamed to acme/api-server");
    let state = place.sandbox.state();
    assert!(state.github.repositories["acme/api-server"].actions.secrets.contains_key("DOCKER_HUB_TOKEN"));
}

#[test]
fn a_token_that_ends_soon_is_made_again_and_a_clock_that_is_wrong_does_no_harm() {
    let place = place(FILE);
    place.sandbox.state().github.apps.get_mut(ID).unwrap().seconds = Some(200);
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    ran.ends(0);
    assert!(calls.iter().filter(|call| call.operation == TOKENS).count() > 4);
    place.sandbox.state().clock.advance(std::time::Duration::from_secs(86_400));
    place.run(&["sync", "--yes"]).ends(0).says("No changes");
}

#[test]
fn neither_the_key_nor_what_it_gives_is_in_any_output() {
    let place = place(FILE);
    for args in [&["plan", "-vv"][..], &["sync", "--yes", "--json"], &["verify", "-vv"]] {
        let ran = place.run(args);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(!said.contains("ghs_") && !said.contains("eyJ"), "{said}");
        assert!(key().lines().all(|line| line.contains("-----") || !said.contains(line)), "{said}");
    }
}

#[test]
fn what_is_wrong_with_an_app_in_the_file_is_told_by_line_with_what_to_write() {
    for (github, line, words) in [
        ("{ app: { id: 1 }, places: [] }", "regcred.yaml:5:", "`app` has no `key-file`"),
        ("{ app: { key-file: a }, places: [] }", "regcred.yaml:5:", "`app` has no `id`"),
        ("{ app: { id: 1, key-file: a } }", "regcred.yaml:5:", "`github` has no places"),
        (
            "{ app: { id: 1, key: a, key-file: a }, places: [] }",
            "regcred.yaml:5:",
            "did you mean `key-file`?",
        ),
        (
            "{ app: { id: 'a b', key-file: a }, places: [{ repository: a/b }] }",
            "regcred.yaml:5:",
            "`a b` is not the id of a GitHub App",
        ),
        ("{ repository: a/b }", "regcred.yaml:5:", "unknown key `repository` in `github`"),
    ] {
        let file = format!("version: 1\ncredentials:\n  docker-hub:\n    to:\n      github: {github}\n");
        place(&file).run(&["plan"]).ends(3).complains(line).complains(words);
    }
}
