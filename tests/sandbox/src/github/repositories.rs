//! Repositories.

use serde_json::{Value, json};

use super::error::Refusal;
use super::state::Repository;
use super::{Outcome, Visit, user};
use crate::message::Reply;

/// The links that `minimal-repository` requires, by the end of their address.
const LINKS: &[(&str, &str)] = &[
    ("archive_url", "{archive_format}{/ref}"),
    ("assignees_url", "assignees{/user}"),
    ("blobs_url", "git/blobs{/sha}"),
    ("branches_url", "branches{/branch}"),
    ("collaborators_url", "collaborators{/collaborator}"),
    ("comments_url", "comments{/number}"),
    ("commits_url", "commits{/sha}"),
    ("compare_url", "compare/{base}...{head}"),
    ("contents_url", "contents/{+path}"),
    ("contributors_url", "contributors"),
    ("deployments_url", "deployments"),
    ("downloads_url", "downloads"),
    ("events_url", "events"),
    ("forks_url", "forks"),
    ("git_commits_url", "git/commits{/sha}"),
    ("git_refs_url", "git/refs{/sha}"),
    ("git_tags_url", "git/tags{/sha}"),
    ("hooks_url", "hooks"),
    ("issue_comment_url", "issues/comments{/number}"),
    ("issue_events_url", "issues/events{/number}"),
    ("issues_url", "issues{/number}"),
    ("keys_url", "keys{/key_id}"),
    ("labels_url", "labels{/name}"),
    ("languages_url", "languages"),
    ("merges_url", "merges"),
    ("milestones_url", "milestones{/number}"),
    ("notifications_url", "notifications{?since,all,participating}"),
    ("pulls_url", "pulls{/number}"),
    ("releases_url", "releases{/id}"),
    ("stargazers_url", "stargazers"),
    ("statuses_url", "statuses/{sha}"),
    ("subscribers_url", "subscribers"),
    ("subscription_url", "subscription"),
    ("tags_url", "tags"),
    ("teams_url", "teams"),
    ("trees_url", "git/trees{/sha}"),
];

pub(crate) fn get(visit: &mut Visit<'_>) -> Outcome {
    let (full_name, base) = (visit.full_name(), visit.base.clone());
    let token = visit.token();
    let is_org = visit.world.github.organizations.contains_key(visit.param("owner"));
    let repository = visit.world.github.repositories.get(&full_name).ok_or_else(Refusal::not_found)?;
    let writes = token.has("secrets", "write") || token.has("actions_variables", "write");
    Ok(Reply::json(200, &full(&full_name, repository, is_org, &base, writes)))
}

/// GitHub's `repository`, and `full-repository`.
pub(crate) fn full(full_name: &str, repository: &Repository, is_org: bool, base: &str, push: bool) -> Value {
    let mut body = minimal(full_name, repository, is_org, base);
    for (name, value) in details(full_name, push) {
        body[name] = value;
    }
    body
}

/// GitHub's `minimal-repository`.
pub(crate) fn minimal(full_name: &str, repository: &Repository, is_org: bool, base: &str) -> Value {
    let (owner, name) = full_name.split_once('/').unwrap_or(("", full_name));
    let url = format!("{base}/repos/{full_name}");
    let mut body = json!({
        "id": repository.id,
        "node_id": format!("R_{}", repository.id),
        "name": name,
        "full_name": full_name,
        "owner": user::simple(owner, 9_919, if is_org { "Organization" } else { "User" }, base),
        "private": repository.private,
        "html_url": format!("{base}/{full_name}"),
        "description": null,
        "fork": repository.fork,
        "url": url,
        "archived": repository.archived,
        "visibility": repository.visibility(),
        "topics": repository.topics,
    });
    for (member, end) in LINKS {
        body[*member] = format!("{url}/{end}").into();
    }
    body
}

/// What `full-repository` also requires.
fn details(full_name: &str, push: bool) -> Vec<(&'static str, Value)> {
    let at = Value::from("2011-01-26T19:01:12Z");
    let mut details = vec![
        ("clone_url", format!("https://github.com/{full_name}.git").into()),
        ("git_url", format!("git://github.com/{full_name}.git").into()),
        ("ssh_url", format!("git@github.com:{full_name}.git").into()),
        ("svn_url", format!("https://github.com/{full_name}").into()),
        ("default_branch", "main".into()),
        (
            "permissions",
            json!({ "admin": push, "maintain": push, "push": push, "triage": push, "pull": true }),
        ),
        ("created_at", at.clone()),
        ("updated_at", at.clone()),
        ("pushed_at", at),
    ];
    let absent = ["homepage", "language", "mirror_url", "license"];
    let off = ["disabled", "has_pages", "has_discussions"];
    let on = ["has_downloads", "has_issues", "has_projects", "has_wiki"];
    let counts = [
        "forks",
        "forks_count",
        "open_issues",
        "open_issues_count",
        "size",
        "stargazers_count",
        "watchers",
        "watchers_count",
        "network_count",
        "subscribers_count",
    ];
    details.extend(absent.map(|name| (name, Value::Null)));
    details.extend(off.map(|name| (name, false.into())));
    details.extend(on.map(|name| (name, true.into())));
    details.extend(counts.map(|name| (name, 0.into())));
    details
}
