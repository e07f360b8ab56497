//! GitHub: secrets of repositories and environments.

use std::time::Duration;

use chrono::{TimeZone, Utc};
use regcred_sandbox::World;
use serde_json::{Value, json};

use crate::client::{GitHub, seal, start, start_with};

const LIST: &str = "/repos/acme/api/actions/secrets";
const DEPENDABOT: &str = "/repos/acme/api/dependabot/secrets";
const ENVIRONMENT: &str = "/repos/acme/api/environments/eu%2Fprod%20x/secrets";

fn with_environment(world: &mut World) {
    let repository = world.github.repositories.get_mut("acme/api").unwrap();
    repository.environments.insert("eu/prod x".to_owned(), regcred_sandbox::github::Environment::default());
}

#[test]
fn a_secret_is_created_with_201_and_updated_with_204_and_opened_to_its_plaintext() {
    let sandbox = start();
    let github = GitHub::new(&sandbox);
    assert_eq!(github.put_secret(LIST, "DOCKER_HUB_TOKEN", "one", &json!({})).status, 201);
    let again = github.put_secret(LIST, "docker_hub_token", "zwei \u{1f511}", &json!({}));
    assert_eq!((again.status, again.body.len()), (204, 0));
    let state = sandbox.state();
    let store = &state.github.repositories["acme/api"].actions;
    assert_eq!(store.secrets.len(), 1);
    assert_eq!(store.value("DOCKER_HUB_TOKEN"), Some("zwei \u{1f511}"));
}

#[test]
fn a_secret_is_never_read_back() {
    let sandbox = start();
    let github = GitHub::new(&sandbox);
    github.put_secret(LIST, "TOKEN", "canary", &json!({}));
    let row = github.get(&format!("{LIST}/TOKEN")).json();
    let names: Vec<&String> = row.as_object().unwrap().keys().collect();
    assert_eq!(names, ["created_at", "name", "updated_at"]);
}

#[test]
fn each_scope_has_its_own_key_and_takes_no_box_of_another() {
    let sandbox = start_with(with_environment);
    let github = GitHub::new(&sandbox);
    let lists = [
        LIST,
        DEPENDABOT,
        ENVIRONMENT,
        "/repos/acme/web/actions/secrets",
        "/orgs/acme/actions/secrets",
        "/orgs/acme/dependabot/secrets",
    ];
    let mut keys: Vec<Value> =
        lists.iter().map(|list| github.get(&format!("{list}/public-key")).json()).collect();
    let body = github.sealed(LIST, "x", &json!({}));
    for list in &lists[1..4] {
        assert_eq!(github.request("PUT", &format!("{list}/TOKEN"), &body).status, 422, "{list}");
    }
    keys.sort_by_key(|key| key["key_id"].as_str().unwrap().to_owned());
    keys.dedup();
    assert_eq!(keys.len(), lists.len());
}

#[test]
fn a_box_that_does_not_open_is_refused() {
    let sandbox = start();
    let github = GitHub::new(&sandbox);
    let key = github.get(&format!("{LIST}/public-key")).json();
    let stranger = seal("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "x");
    for sealed in [stranger.as_str(), "cGxhaW4gdGV4dA=="] {
        let body = json!({ "encrypted_value": sealed, "key_id": key["key_id"] });
        let answer = github.request("PUT", &format!("{LIST}/TOKEN"), &body);
        assert_eq!(answer.status, 422);
        assert!(answer.message().contains("improperly encrypted secret"));
    }
    assert!(sandbox.state().github.repositories["acme/api"].actions.secrets.is_empty());
}

#[test]
fn base64_without_padding_and_missing_members_are_refused_as_the_schema_says() {
    let sandbox = start();
    let github = GitHub::new(&sandbox);
    let cases = [
        (json!({ "encrypted_value": "YQ", "key_id": "1" }), "YQ does not match /^(?:"),
        (json!({ "encrypted_value": "YQ==" }), "\"key_id\" wasn't supplied."),
        (json!({ "key_id": "1" }), "\"encrypted_value\" wasn't supplied."),
    ];
    for (body, text) in cases {
        let answer = github.request("PUT", &format!("{LIST}/TOKEN"), &body);
        assert_eq!(answer.status, 422);
        assert!(answer.message().contains(text), "{}", answer.message());
    }
}

#[test]
fn a_key_that_is_replaced_after_it_was_handed_out_makes_the_put_stale_once() {
    let sandbox = start_with(|world| world.github.rotate_key_after_next_read = true);
    let github = GitHub::new(&sandbox);
    assert_eq!(github.put_secret(LIST, "TOKEN", "x", &json!({})).status, 422);
    assert_eq!(github.put_secret(LIST, "TOKEN", "x", &json!({})).status, 201);
}

#[test]
fn a_good_box_under_another_keys_id_is_refused() {
    let sandbox = start();
    let github = GitHub::new(&sandbox);
    let body = github.sealed(LIST, "x", &json!({ "key_id": "568250167242549743" }));
    assert_eq!(github.request("PUT", &format!("{LIST}/TOKEN"), &body).status, 422);
}

#[test]
fn names_are_letters_digits_and_underscores_and_not_githubs() {
    let sandbox = start();
    let github = GitHub::new(&sandbox);
    for name in ["1TOKEN", "GITHUB_TOKEN", "github_x", "A-B", "A%20B"] {
        assert_eq!(github.put_secret(LIST, name, "x", &json!({})).status, 422, "{name}");
    }
}

#[test]
fn lists_come_in_pages_of_thirty_and_at_most_a_hundred() {
    let at = Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap();
    let sandbox = start_with(|world| {
        let store = &mut world.github.repositories.get_mut("acme/api").unwrap().actions;
        (0..130).for_each(|number| store.set(&format!("S{number:03}"), "x", at));
    });
    let github = GitHub::new(&sandbox);
    let rows = |query: &str| {
        let answer = github.get(&format!("{LIST}{query}"));
        (answer.json()["total_count"].as_u64().unwrap(), answer.json()["secrets"].as_array().unwrap().len())
    };
    assert_eq!(rows(""), (130, 30));
    assert_eq!(rows("?per_page=500"), (130, 100));
    assert_eq!(rows("?per_page=100&page=2"), (130, 30));
    assert_eq!(rows("?per_page=100&page=3"), (130, 0));
    let first = github.get(&format!("{LIST}?per_page=100"));
    assert!(first.header("link").unwrap().contains("rel=\"next\""));
}

#[test]
fn times_are_whole_seconds_of_the_worlds_clock_and_the_date_header_agrees() {
    let sandbox =
        start_with(|world| world.clock.fixed = Some(Utc.with_ymd_and_hms(2026, 3, 4, 5, 6, 7).unwrap()));
    let github = GitHub::new(&sandbox);
    let put = github.put_secret(LIST, "TOKEN", "x", &json!({}));
    assert_eq!(put.header("date"), Some("Wed, 04 Mar 2026 05:06:07 GMT"));
    sandbox.state().clock.advance(Duration::from_secs(90));
    github.put_secret(LIST, "TOKEN", "y", &json!({}));
    let row = github.get(&format!("{LIST}/TOKEN")).json();
    assert_eq!(row["created_at"], "2026-03-04T05:06:07Z");
    assert_eq!(row["updated_at"], "2026-03-04T05:07:37Z");
}

#[test]
fn reads_right_after_a_write_may_show_what_was_before() {
    let sandbox = start_with(|world| {
        world.clock.fixed = Some(Utc.with_ymd_and_hms(2026, 3, 4, 5, 6, 7).unwrap());
        world.github.stale_reads = 2;
    });
    let github = GitHub::new(&sandbox);
    let read = || github.get(&format!("{LIST}/TOKEN"));
    github.put_secret(LIST, "TOKEN", "x", &json!({}));
    assert_eq!([read().status, read().status, read().status], [404, 404, 200]);
    sandbox.state().clock.advance(Duration::from_secs(60));
    github.put_secret(LIST, "TOKEN", "y", &json!({}));
    let shown: Vec<Value> = (0..3).map(|_| read().json()["updated_at"].clone()).collect();
    assert_eq!(shown, ["2026-03-04T05:06:07Z", "2026-03-04T05:06:07Z", "2026-03-04T05:07:07Z"]);
}

#[test]
fn an_environment_is_found_by_its_encoded_name_and_has_to_exist() {
    let sandbox = start_with(with_environment);
    let github = GitHub::new(&sandbox);
    assert_eq!(github.put_secret(ENVIRONMENT, "TOKEN", "x", &json!({})).status, 201);
    let state = sandbox.state();
    assert_eq!(
        state.github.repositories["acme/api"].environments["eu/prod x"].secrets.value("TOKEN"),
        Some("x")
    );
    drop(state);
    assert_eq!(github.get("/repos/acme/api/environments/staging/secrets").status, 404);
    let made = github.request("PUT", "/repos/acme/api/environments/staging", &Value::Null);
    assert_eq!((made.status, made.json()["name"].as_str()), (200, Some("staging")));
    assert_eq!(github.get("/repos/acme/api/environments/staging/secrets").status, 200);
    assert_eq!(github.get("/repos/acme/api/environments").json()["total_count"], 2);
}

#[test]
fn dependabot_and_actions_do_not_see_each_others_secrets() {
    let sandbox = start();
    let github = GitHub::new(&sandbox);
    github.put_secret(DEPENDABOT, "TOKEN", "x", &json!({}));
    assert_eq!(github.get(&format!("{LIST}/TOKEN")).status, 404);
    assert_eq!(github.get(&format!("{DEPENDABOT}/TOKEN")).status, 200);
    assert_eq!(github.request("DELETE", &format!("{DEPENDABOT}/TOKEN"), &Value::Null).status, 204);
    assert_eq!(github.request("DELETE", &format!("{DEPENDABOT}/TOKEN"), &Value::Null).status, 404);
}
