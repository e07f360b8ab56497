//! Accounts.

use serde_json::{Value, json};

use super::error::Refusal;
use super::state::TokenKind;
use super::{Outcome, Visit};
use crate::message::Reply;

/// Who the token belongs to. An app's or workflow's token belongs to nobody (documented: 403).
pub(crate) fn get(visit: &mut Visit<'_>) -> Outcome {
    let token = visit.token();
    if token.kind != TokenKind::Pat {
        return Err(Refusal::new(403, "Resource not accessible by integration"));
    }
    let mut user = simple(&token.login, 583_231, "User", &visit.base);
    for (name, value) in profile() {
        user[name] = value;
    }
    Ok(Reply::json(200, &user))
}

/// Anybody: an organization is one of them (documented: "Get a user").
pub(crate) fn of_name(visit: &mut Visit<'_>) -> Outcome {
    let login = visit.param("username").to_owned();
    let github = &visit.world.github;
    let is_org = github.organizations.keys().any(|name| name.eq_ignore_ascii_case(&login));
    let owns =
        |name: &String| name.split_once('/').is_some_and(|(owner, _)| owner.eq_ignore_ascii_case(&login));
    let known = github.tokens.values().any(|token| token.login.eq_ignore_ascii_case(&login));
    if !(is_org || known || github.repositories.keys().any(owns)) {
        return Err(Refusal::not_found());
    }
    let mut user = simple(&login, 583_231, if is_org { "Organization" } else { "User" }, &visit.base);
    for (name, value) in profile() {
        user[name] = value;
    }
    Ok(Reply::json(200, &user))
}

/// GitHub's `simple-user`.
pub(crate) fn simple(login: &str, id: u64, kind: &str, base: &str) -> Value {
    let url = format!("{base}/users/{login}");
    let mut user = json!({
        "login": login,
        "id": id,
        "node_id": format!("MDQ6VXNlcg{id}"),
        "avatar_url": format!("{base}/avatars/{id}"),
        "gravatar_id": "",
        "url": url,
        "html_url": format!("{base}/{login}"),
        "type": kind,
        "site_admin": false,
    });
    let links = [
        ("followers_url", "followers"),
        ("following_url", "following{/other_user}"),
        ("gists_url", "gists{/gist_id}"),
        ("starred_url", "starred{/owner}{/repo}"),
        ("subscriptions_url", "subscriptions"),
        ("organizations_url", "orgs"),
        ("repos_url", "repos"),
        ("events_url", "events{/privacy}"),
        ("received_events_url", "received_events"),
    ];
    for (name, path) in links {
        user[name] = format!("{url}/{path}").into();
    }
    user
}

/// The members that `public-user` has beside those of `simple-user`.
fn profile() -> [(&'static str, Value); 14] {
    [
        ("name", Value::Null),
        ("company", Value::Null),
        ("blog", Value::from("")),
        ("location", Value::Null),
        ("email", Value::Null),
        ("hireable", Value::Null),
        ("bio", Value::Null),
        ("twitter_username", Value::Null),
        ("public_repos", 2.into()),
        ("public_gists", 0.into()),
        ("followers", 0.into()),
        ("following", 0.into()),
        ("created_at", "2008-01-14T04:33:35Z".into()),
        ("updated_at", "2008-01-14T04:33:35Z".into()),
    ]
}
