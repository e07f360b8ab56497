//! GitHub: workflow runs.

use regcred_sandbox::github::{Token, WorkflowRun};

use crate::client::{GitHub, start_with};

const LIST: &str = "/repos/acme/api/actions/runs";

#[test]
fn runs_are_listed_by_state_the_newest_first() {
    let sandbox = start_with(|world| {
        let now = world.clock.now();
        let run = |(id, status): (u64, &str)| WorkflowRun {
            id,
            status: status.to_owned(),
            created_at: now + chrono::TimeDelta::minutes(i64::try_from(id).unwrap()),
        };
        let runs = [(1, "queued"), (3, "queued"), (2, "queued"), (4, "completed")].map(run);
        world.github.repositories.get_mut("acme/api").unwrap().runs = runs.into();
    });
    let github = GitHub::new(&sandbox);
    let listed = github.get(&format!("{LIST}?status=queued&per_page=2&exclude_pull_requests=true")).json();
    assert_eq!(listed["total_count"], 3);
    let ids: Vec<Option<u64>> =
        listed["workflow_runs"].as_array().unwrap().iter().map(|run| run["id"].as_u64()).collect();
    assert_eq!(ids, [Some(3), Some(2)]);
    assert_eq!(github.get(LIST).json()["total_count"], 4);
    assert_eq!(github.get(&format!("{LIST}?status=running")).status, 422);
    assert_eq!(github.get(&format!("{LIST}?created=yesterday")).status, 422, "it is not kept here");
}

#[test]
fn runs_need_the_permission_to_read_actions() {
    let sandbox = start_with(|world| {
        world.github.tokens.insert("narrow".to_owned(), Token::full("octocat").with("actions", "none"));
    });
    let answer = GitHub { token: "narrow", ..GitHub::new(&sandbox) }.get(LIST);
    assert_eq!(answer.status, 403);
    assert_eq!(answer.header("x-accepted-github-permissions"), Some("actions=read"));
}
