//! Daytona's registry list: one row for a registry, whatever it was called before, and never a second one.

use std::process::Stdio;
use std::time::Duration;

use chrono::{DateTime, Utc};
use regcred_sandbox::daytona::Row;
use regcred_sandbox::{Call, Fault, Kind, Moment, Service, World};

use crate::leak::{clean_run, forms};
use crate::place::{OTHER_TOKEN, Place, TOKEN, USER, written};

pub(crate) const FILE: &str = "version: 1
credentials:
  docker-hub:
    to:
      daytona: { name: docker-hub }
";
pub(crate) const LIST: &str = "GET /docker-registry";
const KEY: &str = "GET /api-keys/current";
pub(crate) const POST: &str = "POST /docker-registry";
const PATCH: &str = "PATCH /docker-registry/{id}";
const DELETE: &str = "DELETE /docker-registry/{id}";

pub(crate) fn place_in(world: World) -> Place {
    let place = Place::bare(world);
    place.write("regcred.yaml", FILE);
    place
}

pub(crate) fn place() -> Place {
    place_in(World::default())
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
}

/// A world in which somebody made rows by hand: name, url and user, in this order.
pub(crate) fn by_hand(rows: &[(&str, &str, &str)]) -> World {
    let mut world = World::default();
    for (seconds, (name, url, username)) in (0..).zip(rows) {
        world.daytona.add_row(name, url, username, at(seconds));
    }
    world
}

pub(crate) fn rows(place: &Place) -> Vec<Row> {
    place.sandbox.state().daytona.registries.clone()
}

/// The requests to Daytona.
pub(crate) fn asked(calls: &[Call]) -> Vec<&str> {
    let daytona = calls.iter().filter(|call| call.service == Service::Daytona);
    daytona.map(|call| call.operation.as_str()).collect()
}

/// The only row for Docker Hub holds this token, under a name that records it.
#[track_caller]
pub(crate) fn assert_row(world: &World, token: &str) {
    let hub: Vec<&Row> = world.daytona.registries.iter().filter(|row| row.url == "docker.io").collect();
    let [row] = hub.as_slice() else { panic!("{} rows: {hub:#?}", hub.len()) };
    assert_eq!((row.username.as_str(), row.password.as_str()), (USER, token));
    let digits = row.name.strip_prefix("docker-hub-").unwrap_or_else(|| panic!("{}", row.name));
    assert!(digits.len() == 8 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()), "{}", row.name);
}

#[test]
fn a_row_is_made_with_four_requests_a_second_run_takes_two_reads_and_a_change_three() {
    let mut place = place();
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    ran.ends(0).says("daytona:registry/docker-hub by Daytona").says("1 proven by Daytona");
    ran.says("in the organization of the key `ci`").says("http://127.0.0.1:");
    assert_eq!(asked(&calls), [LIST, KEY, POST, LIST]);
    assert_eq!(place.sandbox.violations(), [""; 0]);
    assert_row(&place.sandbox.state(), TOKEN);
    assert_eq!(asked(&place.sync()), [LIST, KEY]);
    place.run(&["verify"]).ends(0).says("its name records this credential; the value cannot be read back");
    let before = rows(&place);
    place.change_token();
    assert_eq!(asked(&place.sync()), [LIST, KEY, PATCH]);
    assert_row(&place.sandbox.state(), OTHER_TOKEN);
    assert_eq!(rows(&place)[0].id, before[0].id);
    place.sync_again();
}

#[test]
fn docker_hub_is_sent_in_the_form_that_every_server_matches() {
    let place = place();
    let calls = place.sync();
    let post = calls.iter().find(|call| call.operation == POST).unwrap().request_json();
    assert_eq!(post["url"], "index.docker.io/v1/");
    assert_eq!(rows(&place)[0].url, "docker.io");
}

#[test]
fn a_server_that_stores_the_url_as_it_is_sent_is_not_written_again_each_time() {
    let mut world = World::default();
    world.daytona.keeps_urls = true;
    let place = place_in(world);
    place.sync();
    assert_eq!(rows(&place)[0].url, "index.docker.io/v1");
    place.sync_again();
    place.run(&["plan"]).ends(0).says("servers before January 2026");
}

#[test]
fn a_row_made_by_hand_is_taken_over_and_the_plan_says_whose_it_was() {
    let mut world = by_hand(&[("Quay", "quay.io", "carol"), ("Our hub", "docker.io", "bob")]);
    world.daytona.registries[1].project = "library".to_owned();
    let place = place_in(world);
    place.run(&["plan"]).ends(0).says("takes over the row `Our hub` of user bob");
    let calls = place.sync();
    assert_eq!(written(&calls), [PATCH]);
    assert_row(&place.sandbox.state(), TOKEN);
    let rows = rows(&place);
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().any(|row| row.url == "docker.io" && row.project == "library"), "{rows:#?}");
    assert!(rows.iter().any(|row| row.name == "Quay" && row.password == "by hand"), "{rows:#?}");
    place.sync_again();
}

#[test]
fn a_row_that_somebody_renamed_is_taken_back_and_not_doubled() {
    let place = place();
    place.sync();
    place.sandbox.state().daytona.registries[0].name = "production".to_owned();
    let calls = place.sync();
    assert_eq!(written(&calls), [PATCH]);
    assert_row(&place.sandbox.state(), TOKEN);
    place.sync_again();
}

#[test]
fn another_name_in_the_file_renames_the_row() {
    let place = place();
    place.sync();
    place.edit("regcred.yaml", "name: docker-hub", "name: hub of acme");
    assert_eq!(written(&place.sync()), [PATCH]);
    assert!(rows(&place)[0].name.starts_with("hub of acme-"), "{}", rows(&place)[0].name);
    place.sync_again();
}

#[test]
fn without_a_name_the_row_is_called_as_the_credential() {
    let place = place();
    place.edit("regcred.yaml", "{ name: docker-hub }", "{}");
    place.sync();
    assert_row(&place.sandbox.state(), TOKEN);
}

#[test]
fn another_user_in_our_row_is_put_right() {
    let place = place();
    place.sync();
    place.sandbox.state().daytona.registries[0].username = "mallory".to_owned();
    place.run(&["plan"]).ends(0).says("changed outside");
    place.sync();
    assert_row(&place.sandbox.state(), TOKEN);
}

#[test]
fn a_second_row_is_shown_and_goes_only_when_that_is_allowed_and_the_first_is_right() {
    let place = place_in(by_hand(&[("Old", "docker.io", "bob"), ("New", "docker.io", "carol")]));
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    ran.ends(5).says("takes over the row `Old` of user bob");
    ran.says("a second row for the registry, `New` of user carol").says("--allow-delete");
    assert_eq!(written(&calls), [PATCH]);
    assert!(rows(&place).iter().any(|row| row.name == "New" && row.password == "by hand"));
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    ran.ends(5);
    assert_eq!(written(&calls), [""; 0], "the second run");
    let (ran, calls) = place.watch(&["sync", "--yes", "--allow-delete"]);
    ran.ends(0);
    assert_eq!(written(&calls), [DELETE]);
    assert_row(&place.sandbox.state(), TOKEN);
    place.sync_again();
}

#[test]
fn a_change_that_something_before_daytona_answered_is_not_taken_for_done_and_deletes_nothing() {
    let place = place_in(by_hand(&[("Old", "docker.io", "bob"), ("New", "docker.io", "carol")]));
    let body = "<title>Welcome</title>".to_owned();
    let page = Kind::Reply { status: 200, content_type: "text/html", body };
    place.sandbox.fault(Fault::on(Service::Daytona, PATCH, page).forever());
    let ran = place.run(&["sync", "--yes", "--allow-delete"]);
    ran.ends(5).says("a page came instead of JSON: Welcome");
    assert!(!ran.stdout.contains("1 applied"), "{}", ran.stdout);
    assert_eq!(rows(&place).len(), 2, "the row that still pulls is there");
}

#[test]
fn a_change_that_is_answered_with_another_row_is_not_proven() {
    let place = place_in(by_hand(&[("Old", "docker.io", "bob")]));
    let id = rows(&place)[0].id.clone();
    let answer = |id: &str, name: &str, user: &str, url: &str| {
        format!(
            r#"{{"id":"{id}","name":"{name}","url":"{url}","username":"{user}","updatedAt":"2026-11-01T00:00:00Z"}}"#
        )
    };
    for (what, body) in
        [("id", answer("other", "x", USER, "docker.io")), ("name", answer(&id, "Old", USER, "docker.io"))]
    {
        let kind = Kind::Reply { status: 200, content_type: "application/json", body };
        place.sandbox.fault(Fault::on(Service::Daytona, PATCH, kind));
        place.run(&["sync", "--yes"]).ends(5).says(&format!("with another {what} than was sent"));
    }
    place.sync();
    assert_row(&place.sandbox.state(), TOKEN);
}

#[test]
fn a_second_row_stays_where_the_first_is_gone_at_the_moment_of_the_deletion() {
    let place = place_in(by_hand(&[("Old", "docker.io", "bob"), ("New", "docker.io", "carol")]));
    let mut pause = place.sandbox.pause_at(index_of_second_list(&place), Moment::BeforeEffect);
    place.sandbox.clear_calls();
    let child = place.command(&["sync", "--yes", "--allow-delete"]);
    let child = { child }.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    assert!(pause.wait(Duration::from_secs(60)));
    place.sandbox.state().daytona.registries.retain(|row| row.name == "New");
    pause.release();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("so it was not deleted"), "{said}");
    assert_eq!(rows(&place).len(), 1);
}

/// The place of the look before a deletion among the requests of a sync that deletes.
fn index_of_second_list(place: &Place) -> usize {
    let like = place_in(place.sandbox.snapshot());
    let (_, calls) = like.watch(&["sync", "--yes", "--allow-delete"]);
    calls.iter().rposition(|call| call.operation == LIST).unwrap()
}

#[test]
fn the_plan_says_which_row_is_used_once_ours_is_written_behind_the_others() {
    let place = place_in(by_hand(&[("Old", "docker.io", "bob"), ("New", "docker.io", "carol")]));
    let used = "`New` of user carol, and most likely the one that is used";
    place.run(&["plan"]).says(used);
    place.run(&["sync", "--yes"]).ends(5).says(used);
    let with =
        regcred_sandbox::daytona::pulls_with(&rows(&place), "acme", "docker.io/library/alpine:3").cloned();
    assert_eq!(with.map(|row| row.username), Some("carol".to_owned()));
    assert!(!place.run(&["plan", "--allow-delete"]).stdout.contains("most likely"));
}

#[test]
fn a_row_of_ours_that_somebody_gave_another_url_is_told_and_a_new_one_is_made() {
    let place = place();
    place.sync();
    place.sandbox.state().daytona.registries[0].url = "registry.example.com".to_owned();
    let ran = place.run(&["sync", "--yes"]);
    ran.ends(0)
        .says("has the name of one of ours and the url")
        .says("registry.example.com: somebody changed");
    assert_row(&place.sandbox.state(), TOKEN);
}

#[test]
fn a_row_that_is_deleted_between_the_look_and_the_change_is_told_as_that() {
    let place = place_in(by_hand(&[("Old", "docker.io", "bob")]));
    let mut pause = place.sandbox.pause_at(index_of(&place, PATCH), Moment::BeforeEffect);
    place.sandbox.clear_calls();
    let child =
        place.command(&["sync", "--yes"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    assert!(pause.wait(Duration::from_secs(60)));
    place.sandbox.state().daytona.registries.clear();
    pause.release();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("somebody deleted the row meanwhile"), "{said}");
    assert!(!said.contains("DAYTONA_API_URL ends with"), "{said}");
}

#[test]
fn a_list_that_is_full_of_rows_that_it_does_not_show_is_told_with_the_reason() {
    let mut world = World::default();
    for number in 0..100 {
        world.daytona.add_row(&number.to_string(), "quay.io", "u", at(0)).registry_type = "backup".to_owned();
    }
    let ran = place_in(world).run(&["sync", "--yes"]);
    ran.says("maximum number of registries").says("that the list does not show");
}

#[test]
fn a_list_with_names_of_any_length_is_read() {
    let long = "n".repeat(40_000);
    let rows: Vec<(&str, &str, &str)> = (0..60).map(|_| (long.as_str(), "quay.io", "bob")).collect();
    let place = place_in(by_hand(&rows));
    place.sync();
    assert_row(&place.sandbox.state(), TOKEN);
}

#[test]
fn the_second_row_is_deleted_after_the_first_holds_the_credential() {
    let place = place_in(by_hand(&[("Old", "docker.io", "bob"), ("New", "docker.io", "carol")]));
    let (ran, calls) = place.watch(&["sync", "--yes", "--allow-delete"]);
    ran.ends(0);
    assert_eq!(written(&calls), [PATCH, DELETE]);
    assert_eq!(asked(&calls), [LIST, KEY, PATCH, LIST, DELETE]);
    let place = place_in(by_hand(&[("Old", "docker.io", "bob"), ("New", "docker.io", "carol")]));
    place.sandbox.fault(Fault::on(Service::Daytona, PATCH, Kind::Status(500)).forever());
    place.run(&["sync", "--yes", "--allow-delete"]).ends(5);
    assert_eq!(rows(&place).len(), 2, "what is not replaced is not deleted");
}

#[test]
fn a_row_that_another_run_makes_at_the_same_moment_is_told() {
    let place = place();
    let mut pause = place.sandbox.pause_at(index_of(&place, POST), Moment::BeforeEffect);
    place.sandbox.clear_calls();
    let child =
        place.command(&["sync", "--yes"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    assert!(pause.wait(Duration::from_secs(60)));
    place.sandbox.state().daytona.add_row("docker-hub", "docker.io", "acme", at(0));
    pause.release();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(said.contains("2 rows are for docker.io"), "{said}");
}

/// The place of an operation among the requests of a sync in a world like this one.
pub(crate) fn index_of(place: &Place, operation: &str) -> usize {
    let like = place_in(place.sandbox.snapshot());
    like.sync().iter().position(|call| call.operation == operation).unwrap()
}

#[test]
fn a_full_list_is_told_before_anything_is_sent() {
    let rows: Vec<(String, &str, &str)> = (0..100).map(|row| (format!("r{row}"), "quay.io", "bob")).collect();
    let rows: Vec<(&str, &str, &str)> =
        rows.iter().map(|(name, url, user)| (name.as_str(), *url, *user)).collect();
    let place = place_in(by_hand(&rows));
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    ran.says("the organization has 100 rows").says("dashboard");
    assert_ne!(ran.code, 0);
    assert_eq!(written(&calls), [""; 0]);
}

#[test]
fn a_stacks_own_run_leaves_daytona_alone() {
    let place = Place::with_one_stack(World::default());
    place.edit("regcred.yaml", "    to:\n", "    to:\n      daytona: { name: docker-hub }\n");
    let (ran, calls) = place.watch(&["sync", "--yes", "--stack", "main"]);
    ran.ends(0);
    assert_eq!(asked(&calls), [""; 0]);
}

#[test]
fn only_selects_the_row() {
    let place = Place::with_one_stack(World::default());
    place.edit("regcred.yaml", "    to:\n", "    to:\n      daytona: { name: docker-hub }\n");
    let (ran, calls) = place.watch(&["sync", "--yes", "--only", "daytona:"]);
    ran.ends(0);
    assert_eq!(written(&calls), [POST]);
}

#[test]
fn nothing_that_is_said_about_daytona_holds_a_secret() {
    let canary = "dckr_pat_c4nary\"\\&+/=%<>0123456789";
    let mut world = by_hand(&[("Old", "docker.io", "bob"), ("New", "docker.io", "carol")]);
    world.registry.add_account(USER, canary);
    let mut place = place_in(world);
    place.set("DOCKER_HUB_TOKEN", canary);
    let key = place.sandbox.env()["DAYTONA_API_KEY"].clone();
    let canaries: Vec<String> = [canary, &key].into_iter().flat_map(forms).collect();
    let mut lines = 0;
    for args in [
        &["plan", "-vvv"][..],
        &["sync", "--yes", "--allow-delete", "-vvv"],
        &["verify", "--image", "docker.io/library/alpine:3", "-vvv"],
        &["sync", "--yes", "--rewrite", "--json", "-vvv"],
    ] {
        lines += clean_run(&place.run(args), &canaries, &args.join(" "));
    }
    assert_eq!(rows(&place)[0].password, canary);
    let waits = |kind: &Kind| matches!(kind, Kind::TimeoutBefore | Kind::TimeoutAfter | Kind::SlowBody);
    for kind in Kind::catalogue().into_iter().filter(|kind| !waits(kind)) {
        place.sandbox.fault(Fault::on(Service::Daytona, PATCH, kind.clone()).times(3));
        lines +=
            clean_run(&place.run(&["sync", "--yes", "--rewrite", "-vvv"]), &canaries, &format!("{kind:?}"));
        place.sandbox.clear_faults();
    }
    assert!(lines > 100, "only {lines} lines were looked at");
}

#[test]
fn machines_read_rows_like_any_other() {
    let place = place();
    let ran = place.run(&["sync", "--yes", "--json"]);
    let lines = ran.ends(0).lines();
    let of = |kind: &str| lines.iter().find(|line| line["type"] == kind).unwrap();
    assert_eq!(of("apply_complete")["address"], "daytona:registry/docker-hub");
    assert_eq!(of("verify_complete")["address"], "daytona:registry/docker-hub");
    assert_eq!(of("verify_complete")["ok"], true);
    assert_eq!(of("planned_change")["action"], "create");
}

#[test]
fn the_rows_id_is_the_receipt_of_whatever_wrote_it() {
    let mut place = place();
    // Made, though the answer was lost; changed; taken over.
    place.sandbox.fault(Fault::on(Service::Daytona, POST, Kind::TimeoutAfter));
    let receipt = |place: &Place| {
        let lines = place.run(&["sync", "--yes", "--json"]).ends(0).lines();
        let written = lines.iter().find(|line| line["type"] == "apply_complete").unwrap();
        (written["receipt"]["id"].clone(), rows(place)[0].id.clone())
    };
    let (told, id) = receipt(&place);
    assert_eq!(told, id);
    place.change_token();
    assert_eq!(receipt(&place).0, id);
    let by_hand = place_in(by_hand(&[("Our hub", "docker.io", "bob")]));
    let (told, id) = receipt(&by_hand);
    assert_eq!(told, id);
    let person = place_in(World::default());
    let ran = person.run(&["sync", "--yes", "-v"]);
    ran.ends(0).complains(&format!("done    daytona:registry/docker-hub  id {}", rows(&person)[0].id));
    let gone = person.run(&["remove", "--yes", "--json"]);
    let gone = gone.lines().into_iter().find(|line| line["type"] == "apply_complete").unwrap();
    assert!(gone["receipt"].is_null(), "{gone}");
}
