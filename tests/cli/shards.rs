//! A fleet in shards: all of them at once, one killed in the middle, and the one report of what they printed.

use std::collections::BTreeSet;
use std::fs::File;
use std::process::{Child, Stdio};
use std::time::Duration;

use regcred_sandbox::aws::Role;
use regcred_sandbox::{Call, Moment, Service, World};
use serde_json::Value;

use crate::place::{Place, Ran, written};

const SHARDS: usize = 4;
const REPOSITORIES: usize = 12;
const ACCOUNTS: usize = 4;

fn role(number: usize) -> String {
    format!("arn:aws:iam::{:012}:role/regcred", 222_222_222_220 + number)
}

/// Repositories, accounts and an organization of Daytona.
fn fleet() -> Place {
    let mut world = World::default();
    for number in 0..REPOSITORIES {
        world.github.add_repository(&format!("acme/r{number}"));
    }
    for number in 0..ACCOUNTS {
        world.aws.roles.insert(role(number), Role::default());
    }
    let place = Place::with_one_stack(world);
    let stacks: Vec<String> = (0..ACCOUNTS)
        .map(|number| format!("s{number}: {{ region: us-east-2, role: \"{}\" }}", role(number)))
        .collect();
    let repositories: Vec<String> =
        (0..REPOSITORIES).map(|number| format!("{{ repository: acme/r{number} }}")).collect();
    let file = format!(
        "version: 1\ncredentials:\n  docker-hub:\n    to:\n      aws: {{ stacks: {{ {} }} }}\n      github: [{}]\n      \
         daytona: {{ name: docker-hub }}\n",
        stacks.join(", "),
        repositories.join(", ")
    );
    place.write("regcred.yaml", &file);
    place
}

/// Starts the sync of a shard as the pod of an indexed Job does, whose stream goes into a file.
fn start(place: &Place, index: usize, file: &str) -> Child {
    let stream = File::create(place.repo().join(file)).unwrap();
    let mut command = place.command(&["sync", "--yes", "--json"]);
    let index = (index - 1).to_string();
    command.env("REGCRED_SHARD", format!("auto/{SHARDS}")).env("JOB_COMPLETION_INDEX", index);
    command.stdout(stream).stderr(Stdio::null()).spawn().unwrap()
}

fn file(index: usize) -> String {
    format!("shard-{index}.jsonl")
}

fn report(place: &Place, flags: &[&str]) -> Ran {
    let files: Vec<String> = (1..=SHARDS).map(file).collect();
    let files = files.iter().map(String::as_str).filter(|file| place.repo().join(file).exists());
    let args: Vec<&str> = ["report"].into_iter().chain(flags.iter().copied()).chain(files).collect();
    place.run(&args)
}

/// The repositories and roles that requests were for.
fn sites(calls: &[Call]) -> BTreeSet<String> {
    let repository = |call: &&Call| call.service == Service::GitHub && call.path.starts_with("/repos/");
    let repositories = calls
        .iter()
        .filter(repository)
        .map(|call| call.path.split('/').take(4).collect::<Vec<_>>().join("/"));
    let roles = calls.iter().filter(|call| call.operation == "AssumeRole");
    let roles = roles.map(|call| String::from_utf8_lossy(&call.request_body).into_owned());
    repositories.chain(roles).collect()
}

#[test]
fn all_shards_at_once_write_the_fleet_and_one_that_is_killed_is_named_and_goes_on() {
    let place = fleet();
    // One shard is stopped in the middle of its writes, the others run whole meanwhile.
    let (whole, calls) = place.watch(&["plan", "--shard", "2/4"]);
    whole.ends(0).says("It is shard 2 of 4.");
    place.sandbox.clear_calls();
    let mut pause = place.sandbox.pause_at(calls.len() + 4, Moment::AfterEffect);
    let mut killed = start(&place, 2, &file(2));
    assert!(pause.wait(Duration::from_secs(60)), "shard 2 came to its writes");
    let others: Vec<Child> =
        (1..=SHARDS).filter(|index| *index != 2).map(|index| start(&place, index, &file(index))).collect();
    // Before it gives up what it waits for, however long the others take.
    killed.kill().unwrap();
    killed.wait().unwrap();
    drop(pause);
    for mut other in others {
        assert_eq!(other.wait().unwrap().code(), Some(0));
    }

    let ran = report(&place, &[]);
    ran.ends(1).says("cut off: shard 2 of 4 was cut off before its last line, in shard-2.jsonl");
    ran.says("may be done or not").says("Not the whole fleet: 3 of 4 runs came to an end.");
    let summary = report(&place, &["--markdown"]);
    summary.ends(1).says("### regcred, 4 runs\n").says("Ended with 1.");
    let merged = report(&place, &["--json"]);
    let last = merged.ends(1).lines().pop().unwrap();
    assert_eq!(last["runs"], serde_json::json!({ "count": 4, "missing": [], "cut_off": [2], "twice": [] }));

    assert_eq!(start(&place, 2, "again.jsonl").wait().unwrap().code(), Some(0));
    std::fs::remove_file(place.repo().join(file(4))).unwrap();
    let twice = report(&place, &["again.jsonl"]);
    twice.ends(1).says("missing: shard 4 of 4");
    assert_eq!(start(&place, 4, &file(4)).wait().unwrap().code(), Some(0));
    // What is named last counts.
    let ran = place.run(&[
        "report",
        "shard-1.jsonl",
        "shard-2.jsonl",
        "shard-3.jsonl",
        "shard-4.jsonl",
        "again.jsonl",
        "--html",
        "fleet.html",
    ]);
    ran.ends(0).says("note: shard 2 of 4 is there twice: the one that is named last counts").says("Done:");
    let page = std::fs::read_to_string(place.repo().join("fleet.html")).unwrap();
    let places = 3 * REPOSITORIES + 3 * ACCOUNTS + 1;
    assert!(
        page.contains(&format!("{places} places in all: <span class=\"good\">{places} in place</span>")),
        "{page}"
    );
    place.sync_again();
}

#[test]
fn each_shard_asks_its_own_sites_alone_and_together_they_ask_all() {
    let place = fleet();
    let (_, whole) = place.watch(&["plan"]);
    let (mut seen, mut rows) = (BTreeSet::new(), 0);
    for index in 1..=SHARDS {
        let (ran, calls) = place.watch(&["plan", "--json", "--shard", &format!("{index}/{SHARDS}")]);
        let plan = &ran.ends(0).lines()[0];
        assert_eq!(plan["shard"], format!("{index}/{SHARDS}"));
        rows += plan["changes"].as_array().unwrap().len();
        let own = sites(&calls);
        assert!(!own.is_empty() && own.len() <= 6, "{own:?}");
        assert!(own.iter().all(|site| seen.insert(site.clone())), "two shards ask {own:?}");
    }
    assert_eq!(seen, sites(&whole));
    assert_eq!(rows, 3 * REPOSITORIES + 3 * ACCOUNTS + 1);
}

#[test]
fn the_environment_says_which_shard_it_is_and_a_flag_comes_first() {
    let mut place = fleet();
    place.set("REGCRED_SHARD", "auto/4");
    let ran = place.run(&["plan"]);
    ran.ends(3).complains("auto/4 takes its number from JOB_COMPLETION_INDEX, which is not set");
    let stream = place.run(&["sync", "--json"]);
    assert_eq!(stream.ends(3).lines().last().unwrap()["exit"], 3);
    place.set("JOB_COMPLETION_INDEX", "1");
    let of_job = place.run(&["plan"]);
    of_job.ends(0).says("It is shard 2 of 4.").says("regcred sync --expect").says(" --shard 2/4\n");
    assert_eq!(of_job.stdout, place.run(&["plan", "--shard", "2/4"]).stdout);
    place.run(&["plan", "--shard", "3/4"]).ends(0).says("It is shard 3 of 4.");
    place.set("JOB_COMPLETION_INDEX", "4");
    place
        .run(&["plan"])
        .ends(3)
        .complains("JOB_COMPLETION_INDEX is `4`, and the shards of auto/4 are 0 to 3 there");
    // What has no parts is not asked.
    place.run(&["image", "alpine"]).ends(0);
    for (value, why) in
        [("5/4", "REGCRED_SHARD is `5/4`: the last of 4 is 4/4"), ("two", "expected I/N, such as 2/4")]
    {
        place.set("REGCRED_SHARD", value);
        place.run(&["verify"]).ends(3).complains(why);
    }
    place.set("REGCRED_SHARD", "");
    assert!(!place.run(&["plan"]).ends(0).stdout.contains("shard"));
}

#[test]
fn a_shard_that_there_is_not_is_a_usage_error_and_a_rotation_has_none() {
    let mut place = fleet();
    for (shard, why) in [
        ("0/4", "shards count from 1: the first one is 1/4"),
        ("5/4", "the last of 4 is 4/4"),
        ("a/b", "expected I/N, such as 2/4, or auto/N"),
        ("1/257", "there are at most 256 shards"),
        ("", "expected I/N, such as 2/4, or auto/N"),
    ] {
        for command in ["plan", "sync", "verify", "remove"] {
            let (ran, calls) = place.watch(&[command, "--shard", shard]);
            ran.ends(3).complains(why);
            assert_eq!(calls.len(), 0);
        }
    }
    for command in ["init", "image"] {
        place.run(&[command, "--shard", "1/4"]).ends(3).complains("unexpected argument '--shard'");
    }
    let why = "a rotation has no parts, and this is to be shard 1 of 4";
    let (ran, calls) = place.watch(&["rotate", "--shard", "1/4"]);
    ran.ends(3).complains(why).complains("leave REGCRED_SHARD and --shard out");
    assert_eq!(calls.len(), 0);
    place.set("REGCRED_SHARD", "1/4");
    place.run(&["rotate"]).ends(3).complains(why);
}

#[test]
fn a_shard_with_nothing_in_it_is_done_at_once() {
    let place = fleet();
    for command in ["plan", "sync", "verify", "remove"] {
        let (ran, calls) = place.watch(&[command, "--shard", "100/200"]);
        ran.ends(0).says("No changes. Nothing of the configuration that is selected is in shard 100 of 200.");
        assert_eq!(calls.len(), 0, "{command}");
    }
    let last = place.run(&["sync", "--json", "--shard", "100/200"]).ends(0).lines().pop().unwrap();
    assert_eq!((&last["shard"], &last["exit"]), (&Value::from("100/200"), &Value::from(0)));
    place.run(&["plan", "--shard", "100/200", "--only", "github:acme/r1"]).ends(0).says("No changes.");
}

#[test]
fn what_is_done_in_shards_is_taken_away_and_verified_in_shards() {
    let place = fleet();
    place.sync();
    for index in 1..=SHARDS {
        let shard = format!("{index}/{SHARDS}");
        place.run(&["verify", "--shard", &shard]).ends(0).says(&format!("It is shard {index} of 4."));
        place.run(&["remove", "--yes", "--shard", &shard]).ends(0);
    }
    place.run(&["remove"]).ends(0).says("No changes. Nothing is left that regcred made.");
}

#[test]
fn a_shard_of_repositories_knows_of_a_rotation_by_one_request_to_aws() {
    let place = fleet();
    place.sync();
    let first = place.watch(&["plan", "--json", "--shard", "1/4"]).0.lines().remove(0);
    let rows = first["changes"].as_array().unwrap();
    assert!(
        rows.iter().any(|row| row["address"].as_str().unwrap().starts_with("aws:")),
        "each shard has an account"
    );
    // More shards than accounts: this one has repositories alone.
    let (ran, calls) = place.watch(&["plan", "--json", "--shard", "9/16"]);
    let plan = ran.ends(0).lines().remove(0);
    let rows = plan["changes"].as_array().unwrap();
    assert!(
        !rows.is_empty() && rows.iter().all(|row| row["address"].as_str().unwrap().starts_with("github:"))
    );
    let of_aws: Vec<&str> = calls
        .iter()
        .filter(|call| call.service == Service::SecretsManager)
        .map(|call| call.operation.as_str())
        .collect();
    assert_eq!(of_aws, ["DescribeSecret"]);
}

#[test]
fn plans_of_shards_are_one_report_with_each_digest() {
    let place = fleet();
    for index in 1..=SHARDS {
        let ran = place.run(&["plan", "--json", "--shard", &format!("{index}/{SHARDS}")]);
        place.write(&file(index), &ran.ends(0).stdout);
    }
    let digests: Vec<String> = (1..=SHARDS)
        .map(|index| std::fs::read_to_string(place.repo().join(file(index))).unwrap())
        .map(|text| serde_json::from_str::<Value>(&text).unwrap()["digest"].as_str().unwrap().to_owned())
        .collect();
    let markdown = report(&place, &["--markdown"]);
    markdown.ends(0).says("### regcred plan, 4 shards\n").says("49 to create").says("```mermaid");
    for digest in &digests {
        markdown.says(digest);
    }
    let text = report(&place, &[]);
    text.ends(0).says("Plan: 49 to create.").says("github:acme/r0 and 11 more\n").says("It takes ");
    assert_eq!(text.stdout.matches("share its limits at GitHub").count(), 1, "{}", text.stdout);
    // In any order, in one file, on standard input, and laid out by another program.
    let all: String = (1..=SHARDS)
        .rev()
        .map(|index| std::fs::read_to_string(place.repo().join(file(index))).unwrap())
        .collect();
    assert_eq!(place.run_reading(&["report", "-"], &all).ends(0).stdout, text.stdout);
    let pretty: String = all
        .lines()
        .map(|line| serde_json::to_string_pretty(&serde_json::from_str::<Value>(line).unwrap()).unwrap())
        .collect();
    assert_eq!(place.run_reading(&["report", "-"], &pretty).ends(0).stdout, text.stdout);
}

#[test]
fn failures_of_several_runs_are_told_by_their_cause_and_the_worst_code_is_that_of_all() {
    let place = fleet();
    let words = "Resource not accessible by integration".to_owned();
    let fault = regcred_sandbox::Fault::on(
        Service::GitHub,
        "PUT /repos/{owner}/{repo}/actions/secrets/{secret_name}",
        regcred_sandbox::Kind::Say { status: 403, words },
    );
    place.sandbox.fault(fault.forever());
    let mut codes = BTreeSet::new();
    for index in 1..=SHARDS {
        codes.insert(start(&place, index, &file(index)).wait().unwrap().code());
    }
    assert!(codes.contains(&Some(5)), "{codes:?}");
    let ran = report(&place, &[]);
    ran.ends(5)
        .says(&format!("and {} more: ", 2 * REPOSITORIES - 1))
        .says("what they need was not done")
        .says("Not all done:");
    assert_eq!(ran.stdout.matches("hint:").count(), 1, "{}", ran.stdout);
    let merged = report(&place, &["--json"]);
    let last = merged.ends(5).lines().pop().unwrap();
    assert_eq!(
        (&last["failed"], &last["not_started"]),
        (&Value::from(2 * REPOSITORIES), &Value::from(REPOSITORIES))
    );
    // What was merged is a stream like any other.
    place.write("merged.jsonl", &merged.stdout);
    let again = place.run(&["report", "--json", "merged.jsonl"]);
    let again = again.ends(5).lines().pop().unwrap();
    assert_eq!((&again["failed"], &again["applied"]), (&last["failed"], &last["applied"]));
}

#[test]
fn runs_that_ended_early_say_why_and_what_regcred_did_not_print_is_refused() {
    let place = fleet();
    let broken = place.run(&["sync", "--json", "--stack", "nobody", "--shard", "1/2"]);
    place.write("one.jsonl", &broken.ends(3).stdout);
    let ran = place.run(&["report", "one.jsonl"]);
    ran.ends(3)
        .says("ended shard 1 of 2 before there was a plan: there is no stack `nobody`")
        .says("missing: shard 2 of 2");
    place.write("rest.jsonl", &place.run(&["sync", "--json", "--yes", "--shard", "2/2"]).ends(0).stdout);
    let ran = place.run(&["report", "one.jsonl", "rest.jsonl"]);
    assert_eq!(ran.ends(3).stdout.lines().last(), Some("Not the whole fleet: 1 of 2 runs came to an end."));
    place.write("other.jsonl", "{\"format\":1,\"shard\":\"1/3\",\"changes\":[]}\n");
    place
        .run(&["report", "one.jsonl", "other.jsonl"])
        .ends(3)
        .complains("shards of different fleets: of 2 and of 3");
    place.write("log.txt", "+ regcred sync\n");
    place.write("nothing.jsonl", "");
    let refused = place.run(&["report", "log.txt", "absent.jsonl", "one.jsonl"]);
    refused
        .ends(3)
        .complains("log.txt:1: not a line of JSON that regcred prints")
        .complains("regcred sync --json");
    refused.complains("absent.jsonl: cannot be read: ");
    place
        .run(&["report", "nothing.jsonl"])
        .ends(1)
        .says("nothing.jsonl was cut off before it printed a plan");
    place.run(&["report"]).ends(3).complains("<FILE>...");
    place.run(&["report", "--json", "--markdown", "one.jsonl"]).ends(3).complains("both print a document");
}

#[test]
fn a_run_without_shards_is_reported_as_it_was_told() {
    let place = fleet();
    place.sync();
    let plain = place.run(&["verify"]);
    place.write("verify.jsonl", &place.run(&["verify", "--json"]).ends(0).stdout);
    let ran = place.run(&["report", "verify.jsonl"]);
    let last = |ran: &Ran| ran.stdout.lines().last().unwrap().to_owned();
    assert_eq!(last(ran.ends(0)), last(&plain));
    assert_eq!(written(&place.watch(&["report", "verify.jsonl"]).1), [""; 0]);
}
