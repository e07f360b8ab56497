//! GitHub: lists of repositories, and who sees what in them.

use regcred_sandbox::github::Token;
use serde_json::Value;

use crate::client::{Answer, GitHub, start};

fn names(answer: &Answer) -> Vec<String> {
    let body = answer.json();
    let rows = body.as_array().or_else(|| body["repositories"].as_array()).cloned().unwrap_or_default();
    rows.iter().filter_map(|row| row["full_name"].as_str().map(str::to_owned)).collect()
}

#[test]
fn an_organizations_repositories_are_a_bare_list_that_goes_on_by_its_link() {
    let sandbox = start();
    let mut state = sandbox.state();
    let repository = state.github.repositories.get_mut("acme/api").unwrap();
    (repository.fork, repository.archived, repository.internal) = (true, true, true);
    repository.topics = vec!["docker".to_owned()];
    drop(state);
    let github = GitHub::new(&sandbox);
    let first = github.get("/orgs/acme/repos?type=all&per_page=1");
    assert_eq!(names(&first), ["acme/api"]);
    assert!(first.header("link").is_some_and(|link| link.contains("rel=\"next\"")), "{:?}", first.headers);
    let row = first.json()[0].clone();
    let told = ["fork", "archived", "private", "visibility", "topics"].map(|name| row[name].clone());
    assert_eq!(Value::from(told.to_vec()).to_string(), r#"[true,true,true,"internal",["docker"]]"#);
    assert_eq!(row["owner"]["type"], "Organization");
    let last = github.get("/orgs/acme/repos?type=all&per_page=1&page=2");
    assert_eq!((names(&last), last.header("link")), (vec!["acme/web".to_owned()], None));
    assert_eq!(github.get("/orgs/octocat/repos").status, 404, "a user is not an organization");
}

#[test]
fn a_users_list_has_the_public_ones_and_ones_own_has_the_private_ones_too() {
    let sandbox = start();
    for (name, private) in [("octocat/a", true), ("octocat/b", false)] {
        sandbox.state().github.add_repository(name).private = private;
    }
    let github = GitHub::new(&sandbox);
    assert_eq!(names(&github.get("/users/octocat/repos?type=owner")), ["octocat/b"]);
    assert_eq!(names(&github.get("/user/repos?affiliation=owner")), ["octocat/a", "octocat/b"]);
    let kinds =
        ["acme", "octocat"].map(|login| github.get(&format!("/users/{login}")).json()["type"].clone());
    assert_eq!(kinds, ["Organization", "User"]);
    assert_eq!(github.get("/users/nobody").status, 404);
    assert_eq!(github.get("/installation/repositories").status, 403, "only with a token of an App");
}

#[test]
fn a_teams_repositories_need_a_permission_of_the_organization() {
    let sandbox = start();
    let mut state = sandbox.state();
    let teams = &mut state.github.organizations.get_mut("acme").unwrap().teams;
    teams.insert("platform".to_owned(), vec!["acme/web".to_owned()]);
    drop(state);
    let github = GitHub::new(&sandbox);
    assert_eq!(names(&github.get("/orgs/acme/teams/platform/repos")), ["acme/web"]);
    assert_eq!(github.get("/orgs/acme/teams/nobody/repos").status, 404);
    let mut state = sandbox.state();
    let exported = state.github.exported_token.clone();
    state.github.tokens.insert(exported, Token::full("octocat").with("members", "none"));
    drop(state);
    assert_eq!(github.get("/orgs/acme/teams/platform/repos").status, 403);
}
