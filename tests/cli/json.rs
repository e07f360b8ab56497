//! What machines read.

use regcred_sandbox::World;
use serde_json::Value;

use crate::place::{Place, Ran, TOKEN};

const KINDS: [&str; 7] = [
    "version",
    "planned_change",
    "apply_start",
    "apply_complete",
    "apply_errored",
    "verify_complete",
    "summary",
];

fn one() -> Place {
    Place::with_one_stack(World::default())
}

/// The stream, after what holds of every stream: the first line, the last, and the kinds between.
#[track_caller]
fn stream(ran: &Ran) -> Vec<Value> {
    let lines = ran.lines();
    let kinds: Vec<&str> =
        lines.iter().map(|line| line["type"].as_str().expect("a line has a type")).collect();
    assert_eq!(kinds.first(), Some(&"version"));
    assert_eq!(lines[0]["format"], 1);
    assert_eq!(kinds.last(), Some(&"summary"));
    assert_eq!(kinds.iter().filter(|kind| **kind == "summary").count(), 1);
    assert!(kinds.iter().all(|kind| KINDS.contains(kind)), "{kinds:?}");
    assert_eq!(lines.last().unwrap()["exit"], ran.code);
    lines
}

fn of<'l>(lines: &'l [Value], kind: &str) -> Vec<&'l str> {
    lines.iter().filter(|line| line["type"] == kind).map(|line| line["address"].as_str().unwrap()).collect()
}

#[test]
fn a_plan_is_one_document_with_the_contracts_fields() {
    let ran = one().run(&["plan", "--json"]);
    let lines = ran.ends(0).lines();
    let [plan] = lines.as_slice() else { panic!("{} lines", lines.len()) };
    assert_eq!(plan["format"], 1);
    assert_eq!(plan["digest"].as_str().unwrap().len(), 64);
    let credential = &plan["credentials"][0];
    assert_eq!(credential["name"], "docker-hub");
    assert_eq!(credential["registry"], "docker.io");
    assert_eq!(credential["username"], "acme");
    assert_eq!(credential["fingerprint"].as_str().unwrap().len(), 8);
    assert_eq!(credential["source"], "env:DOCKER_HUB_TOKEN");
    assert_eq!(plan["proof"]["docker-hub"]["ok"], true);
    assert_eq!(plan["proof"]["docker-hub"]["limit"], 200);
    assert_eq!(plan["proof"]["docker-hub"]["remaining"], 200);
    assert_eq!(plan["proof"]["docker-hub"]["window_s"], 21_600);
    let summary: Vec<&String> = plan["summary"].as_object().unwrap().keys().collect();
    assert_eq!(summary.len(), 8);
    assert_eq!(plan["summary"]["create"], 6);
    assert!(plan["cost"]["requests"].is_u64() && plan["cost"]["seconds"].is_u64());
    let rule = &plan["changes"].as_array().unwrap()[2];
    assert_eq!(rule["address"], "aws:123456789012/us-east-2/cache-rule/main-docker-hub");
    assert_eq!(rule["credentials"], serde_json::json!(["docker-hub"]));
    assert_eq!(rule["stacks"], serde_json::json!(["main"]));
    assert_eq!(rule["action"], "create");
    assert_eq!(rule["reason"], "absent");
    assert_eq!(
        rule["after"],
        serde_json::json!(["aws:123456789012/us-east-2/secret/ecr-pullthroughcache/docker-hub"])
    );
    assert!(plan["notes"].is_array());
}

#[test]
fn a_plan_has_no_times_and_the_same_digest_each_time_it_is_made() {
    let place = one();
    let digest = || place.run(&["plan", "--json"]).lines()[0]["digest"].clone();
    let first = digest();
    place.sandbox.state().registry.accounts.get_mut("acme").unwrap().plan.remaining = 3;
    assert_eq!(first, digest());
}

#[test]
fn a_sync_tells_each_row_as_planned_started_and_complete() {
    let ran = one().run(&["sync", "--yes", "--json"]);
    let lines = stream(ran.ends(0));
    let planned = of(&lines, "planned_change");
    assert_eq!(planned.len(), 6);
    for address in planned {
        let at =
            |kind: &str| lines.iter().position(|line| line["type"] == kind && line["address"] == address);
        assert!(
            at("planned_change") < at("apply_start") && at("apply_start") < at("apply_complete"),
            "{address}"
        );
    }
    assert_eq!(of(&lines, "verify_complete"), ["aws:123456789012/us-east-2/cache-rule/main-docker-hub"]);
    let summary = lines.last().unwrap();
    assert_eq!((&summary["applied"], &summary["failed"]), (&Value::from(6), &Value::from(0)));
}

#[test]
fn a_sync_with_nothing_to_do_lists_what_is_kept() {
    let place = one();
    place.sync();
    let ran = place.run(&["sync", "--json"]);
    let lines = stream(ran.ends(0));
    assert!(of(&lines, "apply_start").is_empty());
    let kept = lines.iter().filter(|line| line["type"] == "planned_change" && line["action"] == "keep");
    assert_eq!(kept.count(), 6);
    assert_eq!(lines.last().unwrap()["unchanged"], 6);
}

#[test]
fn a_failure_is_a_line_with_its_cause_and_the_summary_counts_it() {
    let place = one();
    let key = place.sandbox.state().aws.exported_key.clone();
    let denied = vec!["ecr:CreatePullThroughCacheRule".to_owned()];
    place.sandbox.state().aws.access_keys.get_mut(&key).unwrap().denied = denied;
    let ran = place.run(&["sync", "--yes", "--json"]);
    let lines = stream(ran.ends(5));
    let failed = lines.iter().find(|line| line["type"] == "apply_errored").unwrap();
    assert!(failed["error"].as_str().unwrap().contains("AccessDenied"), "{failed}");
    assert!(failed["hint"].as_str().unwrap().contains("ecr:CreatePullThroughCacheRule"), "{failed}");
    assert_eq!(lines.last().unwrap()["failed"], 1);
    assert_eq!(lines.last().unwrap()["applied"], 5);
}

#[test]
fn verify_is_a_stream_with_its_findings() {
    let place = one();
    let lines = stream(place.run(&["verify", "--json"]).ends(2));
    assert!(of(&lines, "verify_complete").is_empty());
    place.sync();
    let lines = stream(place.run(&["verify", "--json"]).ends(0));
    let found = lines.iter().find(|line| line["type"] == "verify_complete").unwrap();
    assert_eq!(found["ok"], true);
}

#[test]
fn a_stream_without_an_approval_ends_with_its_summary_too() {
    let ran = one().run(&["sync", "--json"]);
    let lines = stream(ran.ends(3));
    assert_eq!(of(&lines, "planned_change").len(), 6);
    assert_eq!(lines.last().unwrap()["differs"], 6);
}

#[test]
fn a_stream_without_a_plan_ends_with_what_is_wrong() {
    let place = one();
    place.edit("regcred.yaml", "us-east-2", "us-esat-2");
    for args in [&["sync", "--yes", "--json"][..], &["verify", "--json"]] {
        let ran = place.run(args);
        let lines = stream(ran.ends(3).complains("us-esat-2"));
        assert_eq!(lines.len(), 2);
        let error = &lines[1]["errors"][0];
        assert!(error["message"].as_str().unwrap().contains("`us-esat-2` is not a region"), "{error}");
        assert!(error["place"].as_str().unwrap().starts_with("regcred.yaml:"), "{error}");
        assert!(error["hint"].as_str().unwrap().contains("us-east-2"), "{error}");
    }
    assert_eq!(place.run(&["plan", "--json"]).ends(3).stdout, "");
}

#[test]
fn a_refused_credential_is_in_the_document_and_in_the_stream() {
    let place = one();
    place.sandbox.state().registry.revoke(TOKEN);
    let ran = place.run(&["plan", "--json"]);
    assert_eq!(ran.ends(4).lines()[0]["proof"]["docker-hub"]["ok"], false);
    let ran = place.run(&["sync", "--yes", "--json"]);
    let lines = stream(ran.ends(4));
    assert_eq!(lines.last().unwrap()["proof"]["docker-hub"]["ok"], false);
}

#[test]
fn markdown_has_the_diagram_the_table_and_the_digest() {
    let ran = one().run(&["plan", "--markdown"]);
    ran.ends(0).says("```mermaid").says("| create |").says("regcred sync --expect ");
}

#[test]
fn one_run_prints_the_document_and_writes_the_markdown_of_the_same_plan() {
    let place = one();
    let (ran, calls) = place.watch(&["plan", "--json", "--markdown=plan.md"]);
    let document = ran.ends(0).lines().remove(0);
    let markdown = std::fs::read_to_string(place.repo().join("plan.md")).unwrap();
    assert!(markdown.contains(document["digest"].as_str().unwrap()), "{markdown}");
    let logins = calls.iter().filter(|call| call.operation == "GetCallerIdentity");
    assert_eq!(logins.count(), 1);
    place.run(&["plan", "--json", "--markdown"]).ends(3).complains("--markdown=plan.md");
    place
        .run(&["plan", "--markdown=nowhere/plan.md"])
        .ends(3)
        .complains("nowhere/plan.md: cannot be written");
}

#[test]
fn what_a_write_gave_is_its_receipt_so_that_other_programs_can_name_it() {
    let lines = stream(one().run(&["sync", "--yes", "--json"]).ends(0));
    let receipt = |kind: &str, field: &str| {
        let is = |line: &&Value| {
            line["type"] == "apply_complete" && line["address"].as_str().unwrap().contains(kind)
        };
        lines.iter().find(is).unwrap()["receipt"][field].as_str().unwrap_or_default().to_owned()
    };
    let arn = receipt("/secret/", "arn");
    assert!(arn.starts_with("arn:aws:secretsmanager:us-east-2:"), "{arn}");
    assert_eq!(receipt("/cache-rule/", "credential_arn"), arn);
    assert!(!lines.iter().any(|line| line.to_string().contains(TOKEN)));
}
