//! How long a value has been in use, and how long it may be: by the clocks of those who answer, never by this machine's.

use std::time::Duration;

use regcred_sandbox::{Fault, Kind, Service, World};
use serde_json::json;

use crate::place::{ONE_STACK, Place, Ran};

const DAY: u64 = 86_400;
const GITHUB: &str = "version: 1\ncredentials:\n  docker-hub:\n    from: env\n    to:\n      github: [{ repository: acme/api }]\n";
const RUNPOD: &str =
    "version: 1\ncredentials:\n  docker-hub:\n    from: env\n    to:\n      runpod: { name: hub }\n";

/// A place that was synced so many days ago, with what this file says since then.
fn synced(file: &str, days: u64) -> Place {
    let place = Place::with_one_stack(World::default());
    place.write("regcred.yaml", file);
    place.sync();
    place.sandbox.state().clock.advance(Duration::from_secs(days * DAY + 3600));
    place
}

/// What a run prints, on one line: notes are as wide as the terminal.
fn flat(ran: &Ran) -> String {
    ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn says(ran: &Ran, words: &str) {
    assert!(flat(ran).contains(words), "no {words} in {}", flat(ran));
}

fn with_max_age(file: &str, days: &str) -> String {
    file.replace("    to:", &format!("    max-age: {days}\n    to:"))
}

#[test]
fn a_value_that_is_older_than_it_may_be_ends_verify_with_2_and_says_what_to_do() {
    let place = synced(ONE_STACK, 91);
    place.run(&["verify"]).ends(0);
    let ran = place.run(&["verify", "--max-age", "90d"]);
    ran.ends(2).says("In place, and in use for too long: ");
    says(&ran, "note: docker-hub has been in use since 20");
    says(&ran, "longer than the 90 days that it may be: regcred rotate ");
    assert!(!ran.stdout.contains("regcred sync"), "no sync mends it: {}", ran.stdout);
    let within = |days: &str, words: &str| says(place.run(&["verify", "--max-age", days]).ends(0), words);
    within("92d", "rotate it within a week: regcred rotate ");
    within("120d", "rotate it within a month: regcred rotate ");
    assert!(!place.run(&["verify", "--max-age", "365d"]).ends(0).stdout.contains("regcred rotate"));
    place.run(&["verify", "--max-age", "90"]).ends(3).complains("a number of days, such as 90d");
}

#[test]
fn the_file_says_how_old_a_value_may_become_and_a_plan_notes_it_without_being_another_plan() {
    let place = synced(ONE_STACK, 91);
    let digest = |place: &Place| place.run(&["plan", "--json"]).ends(0).lines()[0]["digest"].clone();
    let before = digest(&place);
    place.write("regcred.yaml", &with_max_age(ONE_STACK, "90d"));
    let note = "longer than the 90 days that it may be: regcred rotate";
    for args in [&["plan"][..], &["plan", "--detailed-exitcode"], &["plan", "--markdown"]] {
        says(place.run(args).ends(0), note);
    }
    assert_eq!(digest(&place), before, "an age is no change");
    says(place.run(&["verify"]).ends(2), note);
    place.run(&["verify", "--max-age", "365d"]).ends(0);
    place.run(&["sync", "--yes"]).ends(0);
    says(&place.run(&["verify", "--only", "github:"]), "regcred rotate --only github:");
}

#[test]
fn aws_says_since_when_also_where_the_same_value_was_put_anew_and_is_asked_only_for_an_age() {
    let place = synced(ONE_STACK, 91);
    place.run(&["sync", "--yes", "--rewrite"]).ends(0);
    let (ran, calls) = place.watch(&["verify", "--max-age", "90d"]);
    ran.ends(2);
    let asked = |calls: &[regcred_sandbox::Call]| {
        calls.iter().filter(|call| call.operation == "ListSecretVersionIds").count()
    };
    assert_eq!(asked(&calls), 1);
    assert_eq!(asked(&place.watch(&["verify"]).1), 0);
}

#[test]
fn a_new_value_is_not_as_old_as_the_one_that_aws_still_has() {
    let mut place = synced(ONE_STACK, 91);
    place.change_token();
    let ran = place.run(&["verify", "--max-age", "90d"]);
    ran.ends(2).says("regcred sync");
    says(&ran, "how old the value of docker-hub is, is not known");
    assert!(!ran.stdout.contains("regcred rotate"), "{}", ran.stdout);
    place.run(&["sync", "--yes"]).ends(0);
    place.run(&["verify", "--max-age", "90d"]).ends(0);
}

#[test]
fn without_aws_githubs_record_says_since_when_and_without_a_record_nobody_does() {
    let place = synced(GITHUB, 91);
    says(place.run(&["verify", "--max-age", "90d"]).ends(2), "longer than the 90 days that it may be");
    let place = synced(&with_max_age(RUNPOD, "30d"), 91);
    for command in ["plan", "verify"] {
        let words =
            "how old the value of docker-hub is, is not known: neither AWS nor a record in GitHub says";
        says(place.run(&[command]).ends(0), words);
    }
    let place = synced(ONE_STACK, 91);
    let denied = Fault::on(Service::SecretsManager, "ListSecretVersionIds", Kind::Status(403)).forever();
    place.sandbox.fault(denied);
    says(place.run(&["verify", "--max-age", "90d"]).ends(2), "longer than the 90 days that it may be");
}

#[test]
fn machines_are_told_since_when_a_value_is_in_use_and_which_is_in_use_for_too_long() {
    let place = synced(ONE_STACK, 91);
    let last = |args: &[&str]| place.run(args).lines().pop().expect("a last line");
    let over = last(&["verify", "--json", "--max-age", "90d"]);
    assert_eq!((&over["overdue"], &over["exit"]), (&json!(["docker-hub"]), &json!(2)));
    let since = over["credentials"][0]["in_use_since"].as_str().expect("a time");
    assert!(chrono::DateTime::parse_from_rfc3339(since).is_ok(), "{since}");
    let good = last(&["verify", "--json", "--max-age", "365d"]);
    assert_eq!((good["overdue"].is_null(), &good["credentials"][0]["in_use_since"]), (true, &json!(since)));
    let plain = last(&["verify", "--json"]);
    assert!(plain["credentials"][0]["in_use_since"].is_null(), "nobody asked");
}
