//! JSON, format 1: a contract (docs/reference/json.md). Types of its own, so that the program's inner types
//! can change without it.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::{Value, json};

use super::{Again, Shown, told};
use crate::change::{Access, Details, Finding, Life, Pull, PullLogin};
use crate::execute::Event;
use crate::fleet::{Fleet, Part};
use crate::model::{Address, CredentialId, Problem, Shard};
use crate::plan::{Change, Cost, Summary};
use crate::registry::{Accepted, LoginError};
use crate::report::{Outcome, Report};

/// The format's number. Fields are added within a format; readers ignore what they do not know.
pub use crate::fleet::FORMAT;

#[derive(Serialize)]
struct PlanDocument<'a> {
    format: u8,
    digest: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    shard: Option<Shard>,
    credentials: Vec<CredentialObject<'a>>,
    proof: BTreeMap<&'a str, ProofObject>,
    summary: Summary,
    cost: Cost,
    changes: Vec<ChangeObject<'a>>,
    notes: &'a [String],
}

#[derive(Serialize)]
struct CredentialObject<'a> {
    name: &'a str,
    registry: String,
    username: &'a str,
    fingerprint: Option<String>,
    source: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_use_since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

#[derive(Serialize)]
struct ProofObject {
    ok: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    refused: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    limit: Option<u64>,
    remaining: Option<u64>,
    window_s: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Serialize)]
struct ChangeObject<'a> {
    address: String,
    credentials: Vec<&'a str>,
    stacks: Vec<&'a str>,
    action: &'static str,
    reason: String,
    after: Vec<String>,
    #[serde(flatten)]
    details: &'a Details,
    #[serde(skip_serializing_if = "Option::is_none")]
    access: Option<&'a Access>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

impl<'a> ChangeObject<'a> {
    fn new(change: &'a Change, again: &Again) -> Self {
        let Change { address, identity: _, credentials, stacks, action, reason, .. } = change;
        let Change { after, details, access, operation: _, .. } = change;
        Self {
            address: address.to_string(),
            credentials: credentials.iter().map(|id| id.0.as_str()).collect(),
            stacks: stacks.iter().map(String::as_str).collect(),
            action: action.word(),
            reason: reason.to_string(),
            after: after.iter().map(Address::to_string).collect(),
            details,
            access: access.as_ref(),
            hint: change.hint().map(|hint| again.hint(&hint)),
        }
    }
}

/// `plan --json`: one document, with a line end.
#[must_use]
pub fn plan(shown: &Shown<'_>) -> String {
    let document = PlanDocument {
        format: FORMAT,
        digest: shown.plan.digest(),
        shard: shown.plan.shard,
        credentials: credentials(shown),
        proof: proofs(shown),
        summary: shown.plan.summary(),
        cost: shown.plan.cost(),
        changes: shown.plan.changes.iter().map(|change| ChangeObject::new(change, shown.again)).collect(),
        notes: &shown.plan.notes,
    };
    line(&document)
}

fn credentials<'a>(shown: &'a Shown<'_>) -> Vec<CredentialObject<'a>> {
    let time = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
    let object = |credential: &'a crate::model::Credential| {
        let Life { since, last_used, ends } = shown.lives.get(&credential.id).cloned().unwrap_or_default();
        CredentialObject {
            name: &credential.id.0,
            registry: credential.registry.to_string(),
            username: shown.username(&credential.id),
            fingerprint: shown.fingerprint(&credential.id).map(|fingerprint| fingerprint.to_string()),
            source: &credential.source,
            in_use_since: since.map(time),
            last_used_at: last_used.map(time),
            expires_at: ends.map(time),
        }
    };
    shown.credentials.iter().map(object).collect()
}

fn proofs<'a>(shown: &'a Shown<'_>) -> BTreeMap<&'a str, ProofObject> {
    let object = |id: &CredentialId, result: &Result<Accepted, LoginError>| match result {
        Ok(login) => {
            let quota = login.quota.unwrap_or_default();
            ProofObject {
                ok: true,
                refused: false,
                kind: shown.known.get(id).map(|known| known.kind.to_string()),
                limit: quota.limit,
                remaining: quota.remaining,
                window_s: quota.window_s,
                warning: login.warning.clone(),
                note: login.note.clone(),
                error: None,
            }
        }
        Err(error) => ProofObject {
            ok: false,
            refused: error.is_refusal(),
            kind: None,
            limit: None,
            remaining: None,
            window_s: None,
            warning: None,
            note: None,
            error: Some(error.to_string()),
        },
    };
    shown.proofs.iter().map(|(id, result)| (id.0.as_str(), object(id, result))).collect()
}

/// The first line of every stream.
#[must_use]
pub fn version(command: Option<&str>, shard: Option<Shard>) -> String {
    let mut object = json!({ "type": "version", "format": FORMAT, "tool": env!("CARGO_PKG_VERSION") });
    if let Some(command) = command {
        object["command"] = json!(command);
    }
    line(&of_shard(object, shard))
}

/// The same object, which says what part it is of, if it is one.
fn of_shard(mut object: Value, shard: Option<Shard>) -> Value {
    if let Some(shard) = shard {
        object["shard"] = json!(shard);
    }
    object
}

/// One line per row of the plan.
#[must_use]
pub fn planned(shown: &Shown<'_>) -> String {
    let planned = |change| typed("planned_change", &ChangeObject::new(change, shown.again));
    shown.plan.changes.iter().map(planned).collect()
}

/// One line for what happens while executing; waits are for people only.
#[must_use]
pub fn event(event: &Event, again: &Again) -> String {
    match event {
        Event::Started(address) => line(&json!({ "type": "apply_start", "address": address })),
        Event::Applied(address, receipt) => {
            let mut object = json!({ "type": "apply_complete", "address": address });
            let receipt: BTreeMap<&str, String> = told(receipt).collect();
            if !receipt.is_empty() {
                object["receipt"] = json!(receipt);
            }
            line(&object)
        }
        Event::Skipped(address, failure) => line(&json!({
            "type": "apply_complete", "address": address, "skipped": failure.message, "hint": again.problem(failure).advice(),
        })),
        Event::Failed(address, failure) => line(&json!({
            "type": "apply_errored", "address": address, "error": failure.message, "hint": again.problem(failure).advice(),
        })),
        Event::Waiting(..) => String::new(),
    }
}

/// One line per proof after the fact.
#[must_use]
pub fn findings(findings: &[Finding], again: &Again) -> String {
    let object = |finding: &Finding| {
        let Finding { address, means: _, result, state, unread } = finding;
        let failure = result.as_ref().err();
        let mut object = json!({
            "type": "verify_complete", "address": address, "ok": failure.is_none(),
            "error": failure.map(|failure| &failure.message), "hint": failure.and_then(|failure| again.problem(failure).advice()),
        });
        if *unread {
            object["unread"] = true.into();
        }
        if let Some(state) = state {
            object["state"] = Value::from(state.as_str());
        }
        line(&object)
    };
    findings.iter().map(object).collect()
}

/// One line per image that was asked about and place that pulls it, with the login that is used.
#[must_use]
pub fn pulls(pulls: &[Pull], again: &Again) -> String {
    let stored = |login: &PullLogin| {
        json!({
            "address": login.address, "registry": login.registry, "username": login.username, "row": login.name,
        })
    };
    let object = |Pull { image, place, login, then, result, instead }: &Pull| {
        let (used, failure) = (login.login(), result.as_ref().err());
        line(&json!({
            "type": "verify_complete", "address": used.map(|used| &used.address), "image": image,
            "place": place, "login": login.word(),
            "registry": used.map(|used| &used.registry), "username": used.map(|used| &used.username),
            "row": used.map(|used| &used.name), "then": then.iter().map(stored).collect::<Vec<_>>(),
            "ok": failure.is_none(), "error": failure.map(|failure| &failure.message), "instead": instead,
            "hint": failure.and_then(|failure| again.problem(failure).advice()),
        }))
    };
    pulls.iter().map(object).collect()
}

/// The last line of every stream.
#[must_use]
pub fn summary(shown: &Shown<'_>, report: &Report, status: u8) -> String {
    let mut summary = counts(shown, report, status);
    summary["digest"] = json!(shown.plan.digest());
    if !report.overdue.is_empty() {
        summary["overdue"] = json!(report.overdue.iter().map(|id| &id.0).collect::<Vec<_>>());
    }
    line(&of_shard(summary, shown.plan.shard))
}

/// What came of all rows.
fn counts(shown: &Shown<'_>, report: &Report, status: u8) -> Value {
    let count = |matching: fn(&Outcome) -> bool| report.count(matching);
    json!({
        "type": "summary",
        "summary": shown.plan.summary(),
        "credentials": credentials(shown),
        "proof": proofs(shown),
        "applied": count(|outcome| matches!(outcome, Outcome::Applied)),
        "refreshed": count(|outcome| matches!(outcome, Outcome::Refreshed)),
        "unchanged": count(|outcome| matches!(outcome, Outcome::Unchanged)),
        "unknown": count(|outcome| matches!(outcome, Outcome::Unknown)),
        "differs": count(|outcome| matches!(outcome, Outcome::Differs)),
        "skipped": count(|outcome| matches!(outcome, Outcome::Skipped(_))),
        "failed": count(|outcome| matches!(outcome, Outcome::Failed(_))),
        "not_started": count(|outcome| matches!(outcome, Outcome::NotStarted(_))),
        "blocked": count(|outcome| matches!(outcome, Outcome::Blocked)),
        "unread": count(|outcome| matches!(outcome, Outcome::Unread { .. })),
        "invalid": report.findings.iter().filter(|finding| finding.result.is_err() && !finding.unread).count(),
        "notes": shown.plan.notes,
        "exit": status,
    })
}

/// A fleet's runs as one stream: their rows and what happened as they were printed, and a summary of all.
#[must_use]
pub fn fleet(fleet: &Fleet, shown: &Shown<'_>) -> String {
    let first = json!({ "type": "version", "format": FORMAT, "tool": env!("CARGO_PKG_VERSION"), "command": "report" });
    let lines = fleet.parts.iter().flat_map(|part| &part.lines).map(line);
    let errors = fleet.parts.iter().flat_map(|part| {
        part.errors.iter().map(move |problem| {
        json!({ "message": problem.message, "hint": problem.advice(), "shard": part.shard })
    })
    });
    let mut summary = counts(shown, &fleet.report, fleet.status as u8);
    summary["errors"] = errors.collect();
    summary["runs"] = json!({
        "count": fleet.parts.len(),
        "missing": fleet.missing.iter().map(|shard| shard.index()).collect::<Vec<_>>(),
        "cut_off": numbers(fleet.cut_off()),
        "twice": numbers(fleet.superseded.iter()),
    });
    line(&first) + &lines.collect::<String>() + &line(&summary)
}

/// The numbers of the shards among these.
fn numbers<'a>(parts: impl Iterator<Item = &'a Part>) -> Vec<u16> {
    parts.filter_map(|part| Some(part.shard?.index())).collect()
}

/// The whole stream of a run that ended before it had a plan.
#[must_use]
pub fn ended(problems: &[Problem], status: u8, shard: Option<Shard>) -> String {
    let error = |problem: &Problem| {
        let place = problem.place.as_ref().map(ToString::to_string);
        json!({ "message": problem.message, "place": place, "hint": problem.advice() })
    };
    let errors: Vec<Value> = problems.iter().map(error).collect();
    let summary = json!({ "type": "summary", "errors": errors, "exit": status });
    version(None, shard) + &line(&of_shard(summary, shard))
}

fn typed(kind: &str, object: &impl Serialize) -> String {
    let mut value = serde_json::to_value(object).unwrap_or_default();
    value["type"] = Value::from(kind);
    line(&value)
}

/// Plain data cannot fail to serialize.
fn line(object: &impl Serialize) -> String {
    serde_json::to_string(object).unwrap_or_default() + "\n"
}
