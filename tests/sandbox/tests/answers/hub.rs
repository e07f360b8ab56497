//! hub.docker.com: logins, access tokens of accounts and organizations, limits, the audit log, locked accounts.

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use regcred_sandbox::registry::{Lockout, RetryHeader};
use regcred_sandbox::{Door, Sandbox, Service, World};
use serde_json::{Value, json};

use crate::client::{Answer, TOKEN, send, start_with};

const PASSWORD: &str = "correct horse battery";
const PERSONAL: &str = "/v2/access-tokens";
const ORGANIZATION: &str = "/v2/orgs/acme-org/access-tokens";

/// An account with a password and a token, and an organization that it owns.
fn arranged(world: &mut World) {
    world.registry.add_account("acme", PASSWORD);
    world.registry.add_account("acme-org", "dckr_oat_first").owners = vec!["acme".to_owned()];
}

/// A client of the API with the bearer token of a login.
struct Hub<'s> {
    sandbox: &'s Sandbox,
    bearer: String,
}

fn post(sandbox: &Sandbox, path: &str, body: &Value) -> Answer {
    let headers = [("content-type", "application/json")];
    send(&sandbox.url(Door::Registry), "POST", path, &headers, body.to_string().as_bytes()).unwrap()
}

fn login(sandbox: &Sandbox, identifier: &str, secret: &str) -> Answer {
    post(sandbox, "/v2/auth/token", &json!({ "identifier": identifier, "secret": secret }))
}

fn users_login(sandbox: &Sandbox, secret: &str) -> Answer {
    post(sandbox, "/v2/users/login", &json!({ "username": "acme", "password": secret }))
}

fn words(answer: &Answer) -> (u16, String) {
    let body = answer.json();
    let said = ["message", "detail", "details", "text"].iter().find_map(|name| body[name].as_str());
    (answer.status, said.unwrap_or_default().to_owned())
}

impl<'s> Hub<'s> {
    fn of(sandbox: &'s Sandbox, identifier: &str, secret: &str) -> Self {
        let answer = login(sandbox, identifier, secret).json();
        Self { sandbox, bearer: answer["access_token"].as_str().unwrap().to_owned() }
    }

    fn owner(sandbox: &'s Sandbox) -> Self {
        Self::of(sandbox, "acme", PASSWORD)
    }

    fn get(&self, path: &str) -> Answer {
        self.request("GET", path, &Value::Null)
    }

    fn request(&self, method: &str, path: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {}", self.bearer);
        let mut headers = vec![("authorization", bearer.as_str())];
        let text = if body.is_null() { String::new() } else { body.to_string() };
        if !text.is_empty() {
            headers.push(("content-type", "application/json"));
        }
        send(&self.sandbox.url(Door::Registry), method, path, &headers, text.as_bytes()).unwrap()
    }

    /// Makes a personal token: its value and id.
    fn make(&self, label: &str) -> (String, String) {
        let body = json!({ "token_label": label, "scopes": ["repo:read"] });
        let made = self.request("POST", PERSONAL, &body).json();
        (made["token"].as_str().unwrap().to_owned(), made["uuid"].as_str().unwrap().to_owned())
    }

    fn make_for_organization(&self, label: &str, path: &str) -> Answer {
        self.request("POST", ORGANIZATION, &organization_token(label, path, "scope-image-pull"))
    }
}

fn organization_token(label: &str, path: &str, scope: &str) -> Value {
    json!({ "label": label, "resources": [{ "type": "TYPE_REPO", "path": path, "scopes": [scope] }] })
}

/// The status of the token service's answer, and its words where it refuses.
fn docker_login(sandbox: &Sandbox, user: &str, secret: &str) -> (u16, String) {
    let answer = token_for(sandbox, user, secret);
    if answer.status == 200 { (200, String::new()) } else { words(&answer) }
}

fn token_for(sandbox: &Sandbox, user: &str, secret: &str) -> Answer {
    let basic = format!("Basic {}", STANDARD.encode(format!("{user}:{secret}")));
    let path = "/token?service=registry.docker.io&scope=repository:ratelimitpreview/test:pull";
    send(&sandbox.url(Door::Registry), "GET", path, &[("authorization", &basic)], b"").unwrap()
}

fn start() -> Sandbox {
    start_with(arranged)
}

const IN: (u16, &str) = (200, "");
const OUT: (u16, &str) = (401, "incorrect username or password");

fn is(seen: &(u16, String), expected: (u16, &str)) -> bool {
    (seen.0, seen.1.as_str()) == expected
}

#[test]
fn a_personal_token_is_made_with_a_password_shown_once_and_pulls_until_it_is_switched_off() {
    let sandbox = start();
    let hub = Hub::owner(&sandbox);
    let (token, id) = hub.make("regcred docker-hub 0123abcd");
    assert!(token.starts_with("dckr_pat_") && token.len() == 36, "{token}");
    assert!(is(&docker_login(&sandbox, "acme", &token), IN));
    let place = format!("{PERSONAL}/{id}");
    let shown = hub.get(&place).json();
    assert_eq!((&shown["token"], &shown["is_active"]), (&json!(""), &json!(true)));
    assert!(shown["last_used"].is_string(), "{shown}");

    let off = json!({ "is_active": false, "token_label": "regcred docker-hub 0123abcd retired 2026-11-29" });
    assert_eq!(hub.request("PATCH", &place, &off).json()["is_active"], false);
    assert!(is(&docker_login(&sandbox, "acme", &token), OUT));
    assert_eq!(hub.get(PERSONAL).json()["active_count"], 1);
    hub.request("PATCH", &place, &json!({ "is_active": true }));
    assert!(is(&docker_login(&sandbox, "acme", &token), IN));

    assert_eq!(hub.request("DELETE", &place, &Value::Null).status, 204);
    assert!(is(&docker_login(&sandbox, "acme", &token), OUT));
    assert_eq!([hub.get(&place).status, hub.request("DELETE", &place, &Value::Null).status], [404, 404]);
}

#[test]
fn a_token_ends_when_it_was_said_to_and_still_counts() {
    let sandbox = start_with(|world| {
        arranged(world);
        world.registry.accounts.get_mut("acme").unwrap().token_limit = 2;
    });
    let hub = Hub::owner(&sandbox);
    let end = (sandbox.state().clock.now() + Duration::from_secs(60)).to_rfc3339();
    let body = json!({ "token_label": "short", "scopes": ["repo:read"], "expires_at": end });
    let made = hub.request("POST", PERSONAL, &body).json();
    let token = made["token"].as_str().unwrap();
    assert!(is(&docker_login(&sandbox, "acme", token), IN));
    sandbox.state().clock.advance(Duration::from_secs(61));
    assert!(is(&docker_login(&sandbox, "acme", token), OUT));
    let one_more = hub.request("POST", PERSONAL, &json!({ "token_label": "x", "scopes": ["repo:read"] }));
    assert_eq!(words(&one_more), (400, "maximum number of access tokens reached".to_owned()));
    let late = json!({ "token_label": "x", "scopes": ["repo:read"], "expires_at": "2020-01-01T00:00:00Z" });
    assert_eq!(hub.request("POST", PERSONAL, &late).status, 400);
}

#[test]
fn a_login_that_a_token_made_may_not_see_or_make_tokens() {
    let sandbox = start();
    let personal = Hub::of(&sandbox, "acme", TOKEN);
    let expected = (403, "token issued from personal access token is not allowed".to_owned());
    assert_eq!(words(&personal.get(PERSONAL)), expected);
    assert_eq!(words(&personal.get(ORGANIZATION)), expected);
    let organization = Hub::of(&sandbox, "acme-org", "dckr_oat_first");
    let body = organization_token("x", "acme-org/*", "scope-image-pull");
    let answer = organization.request("POST", ORGANIZATION, &body);
    assert_eq!(
        words(&answer),
        (403, "token issued from organization access token is not allowed".to_owned())
    );
}

#[test]
fn a_password_does_not_do_with_a_second_factor_or_single_sign_on_and_a_token_does() {
    let sandbox = start();
    sandbox.state().registry.accounts.get_mut("acme").unwrap().second_factor = Some("123456".to_owned());
    let first = users_login(&sandbox, PASSWORD);
    assert_eq!(words(&first), (401, "Require secondary authentication on MFA enabled account".to_owned()));
    assert_eq!(login(&sandbox, "acme", PASSWORD).status, 401);
    assert_eq!(login(&sandbox, "acme", TOKEN).status, 200);
    let step = first.json()["login_2fa_token"].clone();
    let second =
        |code: &str| post(&sandbox, "/v2/users/2fa-login", &json!({ "login_2fa_token": step, "code": code }));
    assert_eq!(second("654321").status, 401);
    let bearer = second("123456").json()["token"].as_str().unwrap().to_owned();
    assert_eq!(Hub { sandbox: &sandbox, bearer }.get(PERSONAL).status, 200);

    let mut state = sandbox.state();
    let account = state.registry.accounts.get_mut("acme").unwrap();
    (account.second_factor, account.sso) = (None, true);
    drop(state);
    assert_eq!(
        [login(&sandbox, "acme", PASSWORD).status, users_login(&sandbox, PASSWORD).status],
        [401, 401]
    );
    assert_eq!(login(&sandbox, "acme", TOKEN).status, 200);
    assert!(sandbox.violations().is_empty(), "{:?}", sandbox.violations());
}

#[test]
fn an_organizations_tokens_are_its_owners_and_log_in_as_the_organization() {
    let sandbox = start();
    sandbox.state().registry.add_account("guest", "another password");
    let hub = Hub::owner(&sandbox);
    let made = hub.make_for_organization("caches", "*/*/public").json();
    let token = made["token"].as_str().unwrap();
    assert!(token.starts_with("dckr_oat_"));
    assert!(is(&docker_login(&sandbox, "acme-org", token), IN));
    assert!(is(&docker_login(&sandbox, "acme", token), OUT));
    let guest = Hub::of(&sandbox, "guest", "another password");
    assert_eq!(
        [guest.get(ORGANIZATION).status, guest.get("/v2/orgs/nobody/access-tokens").status],
        [403, 404]
    );

    let place = format!("{ORGANIZATION}/{}", made["id"].as_str().unwrap());
    let off = hub.request("PATCH", &place, &json!({ "is_active": false })).json();
    assert_eq!((&off["is_active"], &off["resources"]), (&json!(false), &made["resources"]));
    assert!(is(&docker_login(&sandbox, "acme-org", token), OUT));
    assert_eq!(hub.request("DELETE", &place, &Value::Null).status, 204);
    assert_eq!(hub.get(ORGANIZATION).json()["total"], 1);
}

#[test]
fn an_organizations_token_pulls_public_images_only_if_it_names_them() {
    let sandbox = start();
    let hub = Hub::owner(&sandbox);
    let pulls = |path: &str| {
        let made = hub.make_for_organization("x", path).json();
        let bearer = token_for(&sandbox, "acme-org", made["token"].as_str().unwrap()).json();
        let bearer = format!("Bearer {}", bearer["token"].as_str().unwrap());
        let path = "/v2/ratelimitpreview/test/manifests/latest";
        let answer =
            send(&sandbox.url(Door::Registry), "HEAD", path, &[("authorization", &bearer)], b"").unwrap();
        let why = answer.header("www-authenticate").unwrap_or_default();
        (answer.status, why.contains("error=\"insufficient_scope\""))
    };
    assert_eq!(pulls("*/*/public"), (200, false));
    assert_eq!(pulls("acme-org/*"), (401, true));
    for (path, scope) in
        [("acme-org/*", "repo-pull"), ("other/*", "scope-image-pull"), ("*", "scope-image-pull")]
    {
        let answer = hub.request("POST", ORGANIZATION, &organization_token("x", path, scope));
        assert_eq!(words(&answer), (400, "invalid resource".to_owned()), "{path} {scope}");
    }
}

#[test]
fn lists_come_in_pages_of_ten_the_newest_first() {
    let sandbox = start();
    sandbox.state().registry.accounts.get_mut("acme").unwrap().token_limit = 100;
    let hub = Hub::owner(&sandbox);
    (0..11).for_each(|number| drop(hub.make(&format!("token {number}"))));
    let first = hub.get(PERSONAL).json();
    assert_eq!((&first["count"], &first["previous"]), (&json!(12), &Value::Null));
    assert_eq!(first["results"].as_array().unwrap().len(), 10);
    assert_eq!(first["results"][0]["token_label"], "token 10");
    assert!(first["next"].as_str().unwrap().ends_with("/v2/access-tokens?page=2&page_size=10"));
    let second = hub.get("/v2/access-tokens?page=2&page_size=10").json();
    assert_eq!((second["results"].as_array().unwrap().len(), &second["next"]), (2, &Value::Null));
    assert_eq!(hub.get("/v2/access-tokens?page=x").status, 400);
}

#[test]
fn more_requests_than_a_minute_takes_are_told_when_to_come_again_in_either_form() {
    let sandbox = start();
    let hub = Hub::owner(&sandbox);
    assert_eq!(hub.get(PERSONAL).header("x-ratelimit-remaining"), Some("178"));
    sandbox.state().registry.hub.rate.limit = 2;
    let limited = hub.get(PERSONAL);
    assert_eq!(words(&limited), (429, "Rate limit exceeded".to_owned()));
    let wait: u64 = limited.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=61).contains(&wait), "{wait}");
    sandbox.state().registry.hub.rate.retry = RetryHeader::UnixTime;
    let limited = hub.get(PERSONAL);
    let at: i64 = limited.header("x-retry-after").unwrap().parse().unwrap();
    assert!(limited.header("retry-after").is_none() && at > sandbox.state().clock.now().timestamp());
    sandbox.state().clock.advance(Duration::from_secs(wait));
    assert_eq!(hub.get(PERSONAL).status, 200);
}

#[test]
fn a_dead_token_that_is_sent_again_and_again_locks_the_account_for_the_right_one_too() {
    for status in [429, 401] {
        let sandbox = start_with(|world| {
            arranged(world);
            world.registry.lockout = Lockout { after: 3, seconds: 900, status };
        });
        let locked = (status, "too many failed login attempts for username or IP address");
        let sent = |secret: &str| docker_login(&sandbox, "acme", secret);
        assert!([sent("dead"), sent("dead")].iter().all(|seen| is(seen, OUT)));
        assert!(is(&sent(TOKEN), IN), "two failures are not three");
        assert!([sent("dead"), sent("dead"), sent("dead")].iter().all(|seen| is(seen, OUT)));
        assert!(is(&sent(TOKEN), locked), "{status}");
        assert_eq!(login(&sandbox, "acme", TOKEN).status, status);
        assert!(words(&login(&sandbox, "acme", TOKEN)).1.starts_with("Too many failed login attempts"));
        sandbox.state().clock.advance(Duration::from_secs(600));
        assert!(is(&sent("dead"), locked), "each try makes it longer");
        sandbox.state().clock.advance(Duration::from_secs(600));
        assert!(is(&sent(TOKEN), locked));
        sandbox.state().clock.advance(Duration::from_secs(300));
        assert!(is(&sent(TOKEN), IN));
    }
}

#[test]
fn the_audit_log_tells_an_owner_what_was_done_to_an_organizations_tokens() {
    let sandbox = start();
    let hub = Hub::owner(&sandbox);
    let made = hub.make_for_organization("caches", "*/*/public").json();
    hub.request("DELETE", &format!("{ORGANIZATION}/{}", made["id"].as_str().unwrap()), &Value::Null);
    let logs = hub.get("/v2/auditlogs/acme-org").json()["logs"].clone();
    let actions: Vec<&str> =
        logs.as_array().unwrap().iter().map(|log| log["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["org.access_token.delete", "org.access_token.create"]);
    let created = hub.get("/v2/auditlogs/acme-org?action=org.access_token.create&actor=acme").json();
    assert_eq!(created["logs"][0]["data"]["token_label"], "caches");
    assert_eq!(hub.get("/v2/auditlogs/acme-org?from=2099-01-01T00:00:00Z").json()["logs"], json!([]));
    assert_eq!(hub.get("/v2/auditlogs/somebody").status, 403);
}

/// Asks each call in such a way that each of its answers comes, but those that a minute's limit gives.
fn ask_everything(sandbox: &Sandbox) {
    let hub = Hub::owner(sandbox);
    let nobody = Hub { sandbox, bearer: "none".to_owned() };
    let token = Hub::of(sandbox, "acme", TOKEN);
    let personal = format!("{PERSONAL}/{}", hub.make("x").1);
    let made = hub.make_for_organization("x", "*/*/public").json();
    let organization = format!("{ORGANIZATION}/{}", made["id"].as_str().unwrap());
    let label = json!({ "token_label": "", "label": "" });
    for client in [&hub, &nobody, &token] {
        for path in [PERSONAL, ORGANIZATION, "/v2/orgs/nobody/access-tokens"] {
            client.get(path);
            client.get(&format!("{path}?page=0"));
            client.request("POST", path, &label);
        }
        for path in [&personal, &organization, &format!("{PERSONAL}/none"), &format!("{ORGANIZATION}/none")] {
            client.get(path);
            client.request("PATCH", path, &label);
            client.request("PATCH", path, &json!({ "is_active": true }));
        }
        let accounts = ["acme-org", "somebody"].map(|account| format!("/v2/auditlogs/{account}"));
        for path in accounts.iter().flat_map(|path| [path.clone(), format!("{path}/actions")]) {
            client.get(&path);
            client.get(&format!("{path}?page=0"));
        }
    }
    for client in [&nobody, &token, &hub, &hub] {
        client.request("DELETE", &personal, &Value::Null);
        client.request("DELETE", &organization, &Value::Null);
    }
    let second = || sandbox.state().registry.accounts.get_mut("acme").unwrap().second_factor.take();
    users_login(sandbox, PASSWORD);
    sandbox.state().registry.accounts.get_mut("acme").unwrap().second_factor = Some("1".to_owned());
    let step = users_login(sandbox, PASSWORD).json()["login_2fa_token"].clone();
    for code in ["1", "2"] {
        post(sandbox, "/v2/users/2fa-login", &json!({ "login_2fa_token": step, "code": code }));
    }
    login(sandbox, "acme", "wrong");
    second();
}

#[test]
fn every_call_and_answer_of_the_description_occurs_and_is_as_described() {
    let sandbox = start();
    sandbox.state().registry.hub.rate.limit = 1000;
    ask_everything(&sandbox);
    sandbox.state().registry.hub.rate.limit = 0;
    let asked: BTreeSet<(String, String)> =
        sandbox.calls().iter().map(|call| (call.method.clone(), call.path.clone())).collect();
    for (method, path) in asked {
        send(&sandbox.url(Door::Registry), &method, &path, &[("content-type", "application/json")], b"{}")
            .unwrap();
    }
    let file: Value = serde_json::from_str(include_str!("../../src/registry/hub/calls.json")).unwrap();
    let calls = file["calls"].as_object().unwrap().iter();
    let described: BTreeSet<String> = calls
        .flat_map(|(name, call)| {
            call["answers"].as_object().unwrap().keys().map(move |status| format!("{name} {status}"))
        })
        .collect();
    let calls = sandbox.calls();
    let hub = calls.iter().filter(|call| call.service == Service::Hub);
    let seen: BTreeSet<String> =
        hub.clone().map(|call| format!("{} {}", call.operation, call.status.unwrap())).collect();
    assert_eq!(described.difference(&seen).collect::<Vec<_>>(), Vec::<&String>::new());
    let wrong: Vec<&String> =
        hub.flat_map(|call| &call.violations).filter(|text| text.starts_with("answer")).collect();
    assert_eq!(wrong, Vec::<&String>::new());
}

#[test]
fn what_the_description_does_not_know_in_a_request_is_told() {
    let sandbox = start();
    let hub = Hub::owner(&sandbox);
    let body = json!({ "token_label": "x", "scopes": ["repo:pull"], "expires": "never" });
    hub.request("POST", "/v2/access-tokens?all=true", &body);
    let told = sandbox.violations().join("\n");
    for expected in
        ["'expires' failed to satisfy constraint: unknown member", "enum value set", "unknown parameter all"]
    {
        assert!(told.contains(expected), "{told}");
    }
}
