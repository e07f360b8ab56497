//! GitHub: an organization's secrets and who gets them.

use regcred_sandbox::github::Visibility;
use serde_json::{Value, json};

use crate::client::{GitHub, start};

const LIST: &str = "/orgs/acme/actions/secrets";

#[test]
fn visibility_is_required() {
    let sandbox = start();
    let github = GitHub::new(&sandbox);
    let answer = github.put_secret(LIST, "TOKEN", "x", &json!({}));
    assert_eq!(answer.status, 422);
    assert!(answer.message().contains("visibility"));
    assert_eq!(github.put_secret(LIST, "TOKEN", "x", &json!({ "visibility": "private" })).status, 201);
    assert_eq!(github.get(&format!("{LIST}/TOKEN")).json()["visibility"], "private");
}

#[test]
fn an_update_that_leaves_the_selected_repositories_out_clears_them() {
    let sandbox = start();
    let github = GitHub::new(&sandbox);
    let id = sandbox.state().github.repositories["acme/api"].id;
    let selected = json!({ "visibility": "selected", "selected_repository_ids": [id] });
    github.put_secret(LIST, "TOKEN", "x", &selected);
    let count = || github.get(&format!("{LIST}/TOKEN/repositories")).json()["total_count"].as_u64().unwrap();
    assert_eq!(count(), 1);
    github.put_secret(LIST, "TOKEN", "y", &json!({ "visibility": "selected" }));
    assert_eq!(count(), 0);
}

#[test]
fn selected_repositories_change_without_the_value_and_only_when_visibility_is_selected() {
    let sandbox = start();
    let github = GitHub::new(&sandbox);
    let (api, web) = {
        let state = sandbox.state();
        (state.github.repositories["acme/api"].id, state.github.repositories["acme/web"].id)
    };
    github.put_secret(LIST, "TOKEN", "x", &json!({ "visibility": "all" }));
    let put = |path: &str, body: &Value| github.request("PUT", &format!("{LIST}/TOKEN/{path}"), body).status;
    assert_eq!(put(&format!("repositories/{api}"), &Value::Null), 409);
    github.put_secret(LIST, "TOKEN", "x", &json!({ "visibility": "selected" }));
    assert_eq!(put("repositories", &json!({ "selected_repository_ids": [api] })), 204);
    assert_eq!(put(&format!("repositories/{web}"), &Value::Null), 204);
    assert_eq!(
        github.request("DELETE", &format!("{LIST}/TOKEN/repositories/{api}"), &Value::Null).status,
        204
    );
    let state = sandbox.state();
    let secret = &state.github.organizations["acme"].actions.secrets["TOKEN"];
    assert_eq!(
        (secret.visibility, secret.selected.as_slice(), secret.value.as_str()),
        (Some(Visibility::Selected), [web].as_slice(), "x")
    );
}

#[test]
fn dependabot_takes_repository_ids_as_text_too() {
    let sandbox = start();
    let github = GitHub::new(&sandbox);
    let id = sandbox.state().github.repositories["acme/web"].id;
    let more = json!({ "visibility": "selected", "selected_repository_ids": [id.to_string()] });
    assert_eq!(github.put_secret("/orgs/acme/dependabot/secrets", "TOKEN", "x", &more).status, 201);
    assert_eq!(sandbox.state().github.organizations["acme"].dependabot.secrets["TOKEN"].selected, [id]);
}
