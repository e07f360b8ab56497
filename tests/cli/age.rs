//! How long a value has been in use, and how long it may be: by the clocks of those who answer, never by this machine's.

use std::time::Duration;

use regcred_sandbox::{Fault, Kind, Service, World};
use serde_json::json;

use crate::place::{ONE_STACK, Place, Ran};
use crate::rotate;

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
    says(&ran, "longer than the 90 days that it may be: regcred rotate --from stdin");
    assert!(!ran.stdout.contains("regcred sync"), "no sync mends it: {}", ran.stdout);
    let within = |days: &str, words: &str| says(place.run(&["verify", "--max-age", days]).ends(0), words);
    within("92d", "rotate it within a week: regcred rotate --from stdin");
    within("120d", "rotate it within a month: regcred rotate --from stdin");
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
    says(&place.run(&["verify", "--only", "github:"]), "regcred rotate --from stdin --only github:");
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

/// A token that Docker Hub has made, which ends after so many days, in a file that tells who may see it.
fn made(days: u64, mint: &str) -> Place {
    let place = rotate::place(&rotate::MINT.replace("mint: {", "mint: { expires: 90d,"));
    place.run(&["rotate", "--mint", "--yes"]).ends(0);
    let file = std::fs::read_to_string(place.repo().join("regcred.yaml")).unwrap();
    place.write(
        "regcred.yaml",
        &file.replace(&rotate::MINT.replace("mint: {", "mint: { expires: 90d,"), mint),
    );
    place.sandbox.state().clock.advance(Duration::from_secs(days * DAY));
    place
}

#[test]
fn a_token_that_docker_hub_made_is_told_with_its_end_and_its_last_login_and_warned_of_before() {
    let mint = rotate::MINT.replace("mint: {", "mint: { expires: 90d,");
    let place = made(59, &mint);
    let shown = flat(place.run(&["plan"]).ends(0));
    assert!(
        shown.contains("; in use since 20")
            && shown.contains(", last used 20")
            && shown.contains(", ends 20"),
        "{shown}"
    );
    assert!(!shown.contains("regcred rotate"), "{shown}");
    for (days, words) in [
        (61, "rotate it within a month: regcred rotate --mint"),
        (84, "rotate it within a week: regcred rotate --mint"),
    ] {
        for command in ["plan", "verify"] {
            says(made(days, &mint).run(&[command]).ends(0), words);
        }
    }
    let lines = place.run(&["verify", "--json"]).ends(0).lines();
    let credential = &lines.last().unwrap()["credentials"][0];
    for time in ["in_use_since", "last_used_at", "expires_at"] {
        let time = credential[time].as_str().unwrap_or_else(|| panic!("{time} in {credential}"));
        assert!(chrono::DateTime::parse_from_rfc3339(time).is_ok(), "{time}");
    }
    says(place.run(&["plan", "--markdown"]).ends(0), ", ends 20");
    place.run(&["verify", "--html", "page.html"]).ends(0);
    assert!(std::fs::read_to_string(place.repo().join("page.html")).unwrap().contains(", ends 20"));
}

#[test]
fn docker_hub_is_asked_for_a_tokens_days_only_where_the_file_has_them_counted_and_the_run_works_without() {
    let asked = |calls: &[regcred_sandbox::Call]| {
        calls.iter().filter(|call| call.operation.contains("access-tokens")).count()
    };
    let place = made(1, rotate::MINT);
    assert_eq!(asked(&place.watch(&["plan"]).1), 0);
    assert_eq!(asked(&place.watch(&["verify", "--max-age", "90d"]).1), 1);
    let place = made(1, &rotate::MINT.replace("mint: {", "mint: { expires: 90d,"));
    assert_eq!(asked(&place.watch(&["plan"]).1), 1);
    place.write("password", "wrong\n");
    says(
        place.run(&["verify"]).ends(0),
        "when the token of docker-hub ends is not known: Docker Hub refused the login",
    );
    place.write(
        "regcred.yaml",
        &std::fs::read_to_string(place.repo().join("regcred.yaml"))
            .unwrap()
            .replace("[cat, password]", "[no-such-program]"),
    );
    says(
        place.run(&["plan"]).ends(0),
        "when the token of docker-hub ends is not known: the command of `mint`'s login",
    );
}
