//! GitHub: tokens, names and limits.

use regcred_sandbox::Door;
use regcred_sandbox::github::{Token, TokenKind};
use serde_json::{Value, json};

use crate::client::{GitHub, send, start, start_with};

const LIST: &str = "/repos/acme/api/actions/secrets";

#[test]
fn a_bad_token_is_401_and_no_user_agent_is_403() {
    let sandbox = start();
    let answer = GitHub { token: "nonsense", ..GitHub::new(&sandbox) }.get("/user");
    assert_eq!((answer.status, answer.message().as_str()), (401, "Bad credentials"));
    let headers = [("authorization", "token github_pat_sandbox0123456789")];
    assert_eq!(send(&sandbox.url(Door::GitHub), "GET", "/user", &headers, b"").unwrap().status, 403);
}

#[test]
fn what_a_token_may_not_see_is_404_and_the_header_names_the_permission() {
    let sandbox = start_with(|world| {
        let token = Token { sees: vec!["acme/web".to_owned()], ..Token::full("octocat") };
        world.github.tokens.insert("narrow".to_owned(), token);
    });
    let answer = GitHub { token: "narrow", ..GitHub::new(&sandbox) }.get(LIST);
    assert_eq!((answer.status, answer.message().as_str()), (404, "Not Found"));
    assert_eq!(answer.header("x-accepted-github-permissions"), Some("secrets=read"));
}

#[test]
fn what_a_token_sees_and_may_not_do_is_403_and_the_header_names_the_permission() {
    let sandbox = start_with(|world| {
        world.github.tokens.insert("reader".to_owned(), Token::full("octocat").with("secrets", "read"));
        world.github.tokens.insert(
            "app".to_owned(),
            Token { kind: TokenKind::App, ..Token::full("app").with("secrets", "none") },
        );
    });
    let reader = GitHub { token: "reader", ..GitHub::new(&sandbox) };
    assert_eq!(reader.get(LIST).status, 200);
    let answer = reader.put_secret(LIST, "TOKEN", "x", &json!({}));
    assert_eq!(
        (answer.status, answer.message().as_str()),
        (403, "Resource not accessible by personal access token")
    );
    assert_eq!(answer.header("x-accepted-github-permissions"), Some("secrets=write"));
    let answer = GitHub { token: "app", ..GitHub::new(&sandbox) }.get(LIST);
    assert_eq!(answer.message(), "Resource not accessible by integration");
}

#[test]
fn an_environments_secrets_need_two_permissions() {
    let sandbox = start_with(|world| {
        world.github.tokens.insert("secrets".to_owned(), Token::full("octocat").with("environments", "none"));
    });
    let answer =
        GitHub { token: "secrets", ..GitHub::new(&sandbox) }.get("/repos/acme/api/environments/x/secrets");
    assert_eq!(answer.status, 403);
    assert_eq!(answer.header("x-accepted-github-permissions"), Some("secrets=read,environments=read"));
}

#[test]
fn a_workflows_own_token_never_reaches_secrets() {
    let sandbox = start_with(|world| {
        world
            .github
            .tokens
            .insert("ghs_workflow".to_owned(), Token::actions("acme/api").with("secrets", "write"));
    });
    let github = GitHub { token: "ghs_workflow", ..GitHub::new(&sandbox) };
    assert_eq!(github.get("/repos/acme/api").status, 200);
    let answer = github.get(LIST);
    assert_eq!((answer.status, answer.message().as_str()), (403, "Resource not accessible by integration"));
    assert_eq!(github.get("/user").status, 403);
}

#[test]
fn a_renamed_repository_redirects_reads_with_301_and_writes_with_307() {
    let sandbox = start_with(|world| world.github.rename_repository("acme/api", "acme/core"));
    let github = GitHub::new(&sandbox);
    let id = sandbox.state().github.repositories["acme/core"].id;
    let read = github.get(&format!("{LIST}/public-key"));
    assert_eq!((read.status, read.message().as_str()), (301, "Moved Permanently"));
    let lasting = format!("/repositories/{id}/actions/secrets");
    assert_eq!(
        read.header("location"),
        Some(format!("{}{lasting}/public-key", sandbox.url(Door::GitHub)).as_str())
    );
    let body = github.sealed(&lasting, "x", &json!({}));
    let write = github.request("PUT", &format!("{LIST}/TOKEN"), &body);
    assert_eq!((write.status, write.message().as_str()), (307, "Temporary Redirect"));
    assert_eq!(github.request("PUT", &format!("{lasting}/TOKEN"), &body).status, 201);
    assert_eq!(github.get(&format!("/repositories/{id}")).json()["full_name"], "acme/core");
}

#[test]
fn the_lasting_address_has_the_same_key_as_the_name() {
    let sandbox = start();
    let github = GitHub::new(&sandbox);
    let id = sandbox.state().github.repositories["acme/api"].id;
    let by_id = github.get(&format!("/repositories/{id}/actions/secrets/public-key")).json();
    assert_eq!(by_id, github.get("/repos/ACME/Api/actions/secrets/public-key").json());
}

#[test]
fn an_archived_repository_is_read_only() {
    let sandbox = start_with(|world| world.github.repositories.get_mut("acme/api").unwrap().archived = true);
    let github = GitHub::new(&sandbox);
    assert_eq!(github.get("/repos/acme/api").json()["archived"], true);
    let answer = github.put_secret(LIST, "TOKEN", "x", &json!({}));
    assert_eq!((answer.status, answer.message().as_str()), (403, "Repository was archived so is read-only."));
}

#[test]
fn every_path_is_also_under_api_v3() {
    let sandbox = start();
    let github = GitHub::new(&sandbox);
    let repository = github.get("/api/v3/repos/acme/api").json();
    assert!(repository["url"].as_str().unwrap().ends_with("/api/v3/repos/acme/api"));
    assert_eq!(
        github.put_secret("/api/v3/repos/acme/api/actions/secrets", "TOKEN", "x", &json!({})).status,
        201
    );
    assert_eq!(sandbox.calls()[2].operation, "PUT /repos/{owner}/{repo}/actions/secrets/{secret_name}");
}

#[test]
fn the_primary_limit_counts_down_and_then_refuses() {
    let sandbox = start_with(|world| world.github.rate_limit = 2);
    let github = GitHub::new(&sandbox);
    assert_eq!(github.get("/user").header("x-ratelimit-remaining"), Some("1"));
    assert_eq!(github.get("/user").header("x-ratelimit-remaining"), Some("0"));
    let refused = github.get("/user");
    assert_eq!(refused.status, 403);
    assert!(refused.message().starts_with("API rate limit exceeded"));
    assert!(refused.header("x-ratelimit-reset").is_some());
}

#[test]
fn what_has_no_route_is_404() {
    let sandbox = start();
    assert_eq!(GitHub::new(&sandbox).request("POST", "/nowhere", &Value::Null).status, 404);
}
