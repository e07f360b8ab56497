//! Docker Hub: challenge, token, limits.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use regcred_sandbox::registry::{CredentialKind, Plan};
use regcred_sandbox::{Door, Sandbox};
use serde_json::json;

use crate::client::{Answer, TOKEN, send, start, start_with};

const PREVIEW: &str = "/v2/ratelimitpreview/test/manifests/latest";
const TOKEN_PATH: &str = "/token?service=registry.docker.io&scope=repository:ratelimitpreview/test:pull";

fn get(sandbox: &Sandbox, method: &str, path: &str, authorization: Option<&str>) -> Answer {
    let headers: Vec<(&str, &str)> =
        authorization.map(|value| ("authorization", value)).into_iter().collect();
    send(&sandbox.url(Door::Registry), method, path, &headers, b"").unwrap()
}

fn basic(user: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{secret}")))
}

fn bearer(sandbox: &Sandbox, login: Option<&str>) -> String {
    let login = login.map(|user| basic(user, TOKEN));
    let token = get(sandbox, "GET", TOKEN_PATH, login.as_deref()).json();
    format!("Bearer {}", token["token"].as_str().unwrap())
}

#[test]
fn the_registry_sends_a_stranger_to_its_token_service() {
    let sandbox = start();
    let answer = get(&sandbox, "GET", "/v2/", None);
    assert_eq!(answer.status, 401);
    let expected =
        format!("Bearer realm=\"{}/token\",service=\"registry.docker.io\"", sandbox.url(Door::Registry));
    assert_eq!(answer.header("www-authenticate"), Some(expected.as_str()));
}

#[test]
fn a_credential_gets_a_token_and_a_wrong_or_revoked_one_is_refused() {
    let sandbox = start();
    let answer = get(&sandbox, "GET", TOKEN_PATH, Some(&basic("acme", TOKEN)));
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["token"], answer.json()["access_token"]);
    let wrong = get(&sandbox, "GET", TOKEN_PATH, Some(&basic("acme", "wrong")));
    assert_eq!((wrong.status, wrong.json()), (401, json!({ "details": "incorrect username or password" })));
    sandbox.state().registry.revoke(TOKEN);
    assert_eq!(get(&sandbox, "GET", TOKEN_PATH, Some(&basic("acme", TOKEN))).status, 401);
}

#[test]
fn a_token_without_a_login_is_no_proof_of_anything() {
    let sandbox = start();
    assert_eq!(get(&sandbox, "GET", TOKEN_PATH, None).status, 200);
    let answer = get(&sandbox, "HEAD", PREVIEW, Some(&bearer(&sandbox, None)));
    assert_eq!(answer.header("ratelimit-limit"), Some("100;w=21600"));
    assert_eq!(answer.header("docker-ratelimit-source"), Some("192.0.2.1"));
}

#[test]
fn users_compare_without_case() {
    let sandbox = start();
    assert_eq!(get(&sandbox, "GET", TOKEN_PATH, Some(&basic("ACME", TOKEN))).status, 200);
}

#[test]
fn a_head_shows_the_limit_and_costs_nothing_and_a_get_costs_a_pull() {
    let sandbox = start();
    let token = bearer(&sandbox, Some("acme"));
    let remaining = |method: &str| {
        let answer = get(&sandbox, method, PREVIEW, Some(&token));
        assert_eq!((answer.status, answer.header("ratelimit-limit")), (200, Some("200;w=21600")));
        answer.header("ratelimit-remaining").unwrap().to_owned()
    };
    assert_eq!([remaining("HEAD"), remaining("HEAD")], ["200;w=21600", "200;w=21600"]);
    assert_eq!([remaining("GET"), remaining("HEAD")], ["199;w=21600", "199;w=21600"]);
}

#[test]
fn a_valid_credential_at_its_limit_still_gets_its_token_and_then_429() {
    let sandbox = start_with(|world| {
        world.registry.accounts.get_mut("acme").unwrap().plan = Plan { limit: Some(200), remaining: 0 }
    });
    let token = bearer(&sandbox, Some("acme"));
    assert_eq!(get(&sandbox, "HEAD", PREVIEW, Some(&token)).status, 429);
    let answer = get(&sandbox, "GET", PREVIEW, Some(&token));
    assert_eq!(answer.json()["errors"][0]["code"], "TOOMANYREQUESTS");
    assert_eq!(answer.header("ratelimit-remaining"), Some("0;w=21600"));
}

#[test]
fn a_paid_account_has_no_limit_headers() {
    let sandbox = start_with(|world| world.registry.accounts.get_mut("acme").unwrap().plan = Plan::paid());
    let answer = get(&sandbox, "HEAD", PREVIEW, Some(&bearer(&sandbox, Some("acme"))));
    assert_eq!((answer.status, answer.header("ratelimit-limit")), (200, None));
}

#[test]
fn a_manifest_without_a_token_is_a_challenge_with_its_scope() {
    let sandbox = start();
    let answer = get(&sandbox, "HEAD", PREVIEW, Some("Bearer nonsense"));
    assert_eq!(answer.status, 401);
    assert!(
        answer
            .header("www-authenticate")
            .unwrap()
            .ends_with("scope=\"repository:ratelimitpreview/test:pull\"")
    );
}

#[test]
fn a_token_is_good_for_its_scope_and_for_five_minutes() {
    let sandbox = start();
    let token = bearer(&sandbox, Some("acme"));
    let other = get(&sandbox, "HEAD", "/v2/library/alpine/manifests/latest", Some(&token));
    assert_eq!(other.status, 401);
    assert!(other.header("www-authenticate").unwrap().contains("error=\"insufficient_scope\""));
    assert_eq!(get(&sandbox, "HEAD", PREVIEW, Some(&token)).status, 200);
    sandbox.state().clock.advance(Duration::from_secs(301));
    assert_eq!(get(&sandbox, "HEAD", PREVIEW, Some(&token)).status, 401);
}

#[test]
fn a_login_that_cannot_be_read_is_not_taken_for_none() {
    let sandbox = start();
    for header in ["Basic !!!", "Bearer x", "Basic "] {
        assert_eq!(get(&sandbox, "GET", TOKEN_PATH, Some(header)).status, 401, "{header}");
    }
}

#[test]
fn a_registry_may_know_basic_only() {
    let sandbox = start_with(|world| world.registry.basic_only = true);
    let answer = get(&sandbox, "GET", "/v2/", None);
    assert_eq!(answer.header("www-authenticate"), Some("Basic realm=\"Registry\""));
    assert_eq!(get(&sandbox, "GET", "/v2/", Some(&basic("acme", TOKEN))).status, 200);
    assert_eq!(get(&sandbox, "GET", "/v2/", Some(&basic("acme", "wrong"))).status, 401);
}

#[test]
fn the_hub_logs_in_with_an_identifier_and_a_secret() {
    let sandbox = start();
    let login = |secret: &str| {
        let body = json!({ "identifier": "acme", "secret": secret }).to_string();
        send(&sandbox.url(Door::Registry), "POST", "/v2/auth/token", &[], body.as_bytes()).unwrap()
    };
    assert!(login(TOKEN).json()["access_token"].is_string());
    assert_eq!(login("wrong").status, 401);
    assert_eq!(sandbox.calls()[0].service.to_string(), "hub");
}

#[test]
fn a_credentials_kind_follows_from_its_prefix() {
    let sandbox = start();
    let mut state = sandbox.state();
    let account = state.registry.add_account("Acme-Org", "dckr_oat_x");
    assert_eq!(account.credentials[0].kind, CredentialKind::Oat);
    assert!(state.registry.accepts("acme-org", "dckr_oat_x"));
}

#[test]
fn a_closed_registry_refuses_connections_and_comes_back_on_the_same_port() {
    let sandbox = start();
    sandbox.set_reachable(Door::Registry, false).unwrap();
    let url = sandbox.url(Door::Registry);
    assert!(send(&url, "GET", "/v2/", &[], b"").is_err());
    sandbox.set_reachable(Door::Registry, true).unwrap();
    assert_eq!(send(&url, "GET", "/v2/", &[], b"").unwrap().status, 401);
}
