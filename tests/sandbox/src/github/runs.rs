//! Workflow runs.

use std::cmp::Reverse;

use serde_json::{Value, json};

use super::error::Refusal;
use super::repositories::minimal;
use super::secrets::{Page, time};
use super::state::WorkflowRun;
use super::{Outcome, Visit};

/// What `status` may be: a run's status or its conclusion (GitHub's description of its API).
const STATUSES: &[&str] = &[
    "completed",
    "action_required",
    "cancelled",
    "failure",
    "neutral",
    "skipped",
    "stale",
    "success",
    "timed_out",
    "in_progress",
    "queued",
    "requested",
    "waiting",
    "pending",
];
/// Other parameters are documented, and not kept here.
const KNOWN: &[&str] = &["status", "per_page", "page", "exclude_pull_requests"];
/// With a filter no more are listed (documented).
const MOST: usize = 1000;

/// The newest first.
pub(crate) fn list(visit: &mut Visit<'_>) -> Outcome {
    if let Some(other) = visit.query.keys().find(|name| !KNOWN.contains(&name.as_str())) {
        return Err(Refusal::unprocessable(format!("the sandbox does not filter runs by {other}")));
    }
    let status = visit.query.get("status").cloned();
    if status.as_ref().is_some_and(|status| !STATUSES.contains(&status.as_str())) {
        return Err(Refusal::unprocessable("Validation Failed"));
    }
    let (page, name, base) = (Page::of(visit, 30, 100), visit.full_name(), visit.base.clone());
    let is_org = visit.world.github.organizations.contains_key(visit.param("owner"));
    let repository = visit.repository()?;
    let shown = minimal(&name, repository, is_org, &base);
    let wanted = |run: &&WorkflowRun| status.as_ref().is_none_or(|status| *status == run.status);
    let mut runs: Vec<&WorkflowRun> = repository.runs.iter().filter(wanted).collect();
    runs.sort_by_key(|run| Reverse((run.created_at, run.id)));
    runs.truncate(status.as_ref().map_or(usize::MAX, |_| MOST));
    let rows: Vec<Value> = runs.into_iter().map(|run| row(run, &name, &base, &shown)).collect();
    Ok(page.reply("workflow_runs", &rows))
}

/// GitHub's `workflow-run`.
fn row(run: &WorkflowRun, full_name: &str, base: &str, repository: &Value) -> Value {
    let WorkflowRun { id, status, created_at } = run;
    let url = format!("{base}/repos/{full_name}/actions/runs/{id}");
    let of = |end: &str| format!("{url}/{end}");
    json!({
        "id": id,
        "node_id": format!("WFR_{id}"),
        "head_branch": "main",
        "head_sha": "acb5820ced9479c074f688cc328bf03f341a511d",
        "path": ".github/workflows/build.yml",
        "run_number": id,
        "event": "push",
        "display_title": "build",
        "status": status,
        "conclusion": null,
        "workflow_id": 161_335,
        "url": url,
        "html_url": format!("https://github.com/{full_name}/actions/runs/{id}"),
        "pull_requests": [],
        "created_at": time(*created_at),
        "updated_at": time(*created_at),
        "jobs_url": of("jobs"),
        "logs_url": of("logs"),
        "check_suite_url": format!("{base}/repos/{full_name}/check-suites/{id}"),
        "artifacts_url": of("artifacts"),
        "cancel_url": of("cancel"),
        "rerun_url": of("rerun"),
        "workflow_url": format!("{base}/repos/{full_name}/actions/workflows/161335"),
        "head_commit": null,
        "repository": repository,
        "head_repository": repository,
    })
}
