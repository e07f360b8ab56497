//! Daytona's registry list: one row for a registry, whatever it was called before, and never a second one.

use std::process::Stdio;
use std::time::Duration;

use chrono::{DateTime, Utc};
use regcred_sandbox::daytona::Row;
use regcred_sandbox::{Call, Door, Fault, Kind, Moment, Service, World};

use crate::leak::{clean_run, forms};
use crate::place::{OTHER_TOKEN, Place, TOKEN, USER, written};

const FILE: &str = "version: 1
credentials:
  docker-hub:
    to:
      daytona: { name: docker-hub }
";
const LIST: &str = "GET /docker-registry";
const KEY: &str = "GET /api-keys/current";
const POST: &str = "POST /docker-registry";
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

fn rows(place: &Place) -> Vec<Row> {
    place.sandbox.state().daytona.registries.clone()
}

/// The requests to Daytona.
fn asked(calls: &[Call]) -> Vec<&str> {
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
    place.run(&["verify"]).ends(0).says("recorded");
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
    place.run(&["plan"]).ends(0).says("servers before 0.171");
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
fn the_second_row_is_deleted_after_the_first_holds_the_credential() {
    let place = place_in(by_hand(&[("Old", "docker.io", "bob"), ("New", "docker.io", "carol")]));
    let (ran, calls) = place.watch(&["sync", "--yes", "--allow-delete"]);
    ran.ends(0);
    assert_eq!(written(&calls), [PATCH, DELETE]);
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
fn without_a_key_or_with_a_wrong_one_nothing_is_logged_in_to() {
    let mut place = place();
    place.set("DAYTONA_API_KEY", "dtn_wrong");
    place.run(&["sync", "--yes"]).ends(4).says("401: Invalid credentials").says("make a new key");
    place.unset("DAYTONA_API_KEY");
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    ran.ends(4).says("DAYTONA_API_KEY is not set").says("write:registries");
    assert_eq!(asked(&calls), [""; 0]);
}

#[test]
fn a_key_that_may_not_write_is_told_which_permission_it_needs() {
    let place = place();
    let key = place.sandbox.env()["DAYTONA_API_KEY"].clone();
    place.sandbox.state().daytona.keys.get_mut(&key).unwrap().permissions.clear();
    place.run(&["plan"]).ends(0);
    place.run(&["sync", "--yes"]).ends(1).says("403: Access denied").says("write:registries");
    assert!(rows(&place).is_empty());
}

#[test]
fn an_organization_in_the_environment_changes_nothing_and_that_is_said() {
    let mut place = place();
    place.set("DAYTONA_ORGANIZATION_ID", "6f1c0c0e-0000-4000-8000-000000000000");
    place.run(&["sync", "--yes"]).ends(0).says("DAYTONA_ORGANIZATION_ID changes nothing");
    assert!(
        place
            .sandbox
            .calls()
            .iter()
            .all(|call| !call.request_headers.contains_key("x-daytona-organization-id"))
    );
}

#[test]
fn the_main_job_neither_asks_daytona_nor_needs_its_key() {
    let mut place = Place::with_one_stack(World::default());
    place.unset("DAYTONA_API_KEY");
    place.set("DAYTONA_API_URL", "http://daytona.example.com/api");
    place.set("DAYTONA_ORGANIZATION_ID", "x");
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    ran.ends(0);
    assert_eq!(asked(&calls), [""; 0]);
    assert!(!ran.stdout.to_lowercase().contains("daytona"), "{}", ran.stdout);
}

#[test]
fn a_daytona_that_cannot_be_read_hides_nothing_else() {
    let place = Place::with_one_stack(World::default());
    place.edit("regcred.yaml", "    to:\n", "    to:\n      daytona: { name: docker-hub }\n");
    place.sandbox.set_reachable(Door::Daytona, false).unwrap();
    place.run(&["sync", "--yes"]).ends(5).says("no connection could be made").says("--wait");
    assert_eq!(place.sandbox.state().aws.rules.len(), 1);
    place.sandbox.set_reachable(Door::Daytona, true).unwrap();
    place.sync();
    assert_row(&place.sandbox.state(), TOKEN);
    place.sync_again();
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
fn an_api_that_is_still_starting_is_waited_for() {
    let place = place();
    place.sandbox.set_reachable(Door::Daytona, false).unwrap();
    let mut child = place.command(&["sync", "--yes", "--wait", "5m"]);
    let mut child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stderr.take().unwrap()));
    let waits = lines.by_ref().map_while(Result::ok).find(|line| line.contains("waiting for Daytona"));
    assert!(waits.is_some_and(|line| line.contains("no connection could be made")));
    place.sandbox.set_reachable(Door::Daytona, true).unwrap();
    lines.for_each(drop);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_row(&place.sandbox.state(), TOKEN);
}

#[test]
fn a_proxy_before_an_api_that_is_still_starting_is_waited_for() {
    let place = place();
    place.sandbox.fault(Fault::on(Service::Daytona, LIST, Kind::Status(502)).times(4));
    place.sandbox.fault(Fault::on(Service::Daytona, LIST, Kind::Status(503)).after(4).times(3));
    place.run(&["sync", "--yes", "--wait", "5m"]).ends(0).complains("waiting for Daytona");
    assert_row(&place.sandbox.state(), TOKEN);
}

#[test]
fn without_wait_or_after_it_what_does_not_start_is_told() {
    let place = place();
    place.sandbox.fault(Fault::on(Service::Daytona, LIST, Kind::Status(502)).forever());
    let told = |ran: &crate::place::Ran| {
        ran.says("502").says("sync --wait");
        assert!([1, 5].contains(&ran.code), "{}", ran.code);
    };
    told(&place.run(&["sync", "--yes"]));
    told(&place.run(&["sync", "--yes", "--wait", "1ms"]));
    place.run(&["sync", "--yes", "--wait", "soon"]).ends(3).complains("30s or 2m");
}

#[test]
fn a_wrong_key_is_not_waited_for() {
    let mut place = place();
    place.set("DAYTONA_API_KEY", "dtn_wrong");
    let (ran, calls) = place.watch(&["sync", "--yes", "--wait", "24h"]);
    ran.ends(4);
    assert_eq!(asked(&calls), [LIST]);
}

#[test]
fn a_limit_is_waited_for_as_long_as_the_server_says_unless_that_is_too_long() {
    let place = place();
    place.sandbox.fault(Fault::on(Service::Daytona, POST, Kind::Throttle { retry_after: Some(1) }));
    place.sync();
    assert_row(&place.sandbox.state(), TOKEN);
    place
        .sandbox
        .fault(Fault::on(Service::Daytona, LIST, Kind::Throttle { retry_after: Some(3600) }).forever());
    place.run(&["plan"]).says("429").says("run it again in a minute");
}

#[test]
fn a_password_instead_of_a_token_gives_the_row_no_fingerprint() {
    let mut world = World::default();
    world.registry.add_account(USER, "hunter2 is short");
    let mut place = place_in(world);
    place.set("DOCKER_HUB_TOKEN", "hunter2-is-short");
    place.sandbox.state().registry.add_account(USER, "hunter2-is-short");
    place.sync();
    assert_eq!(rows(&place)[0].name, "docker-hub");
    let (ran, calls) = place.watch(&["sync", "--yes", "-v"]);
    ran.ends(0).says("unknown: it cannot be read back");
    assert_eq!(written(&calls), [""; 0]);
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
        &["verify", "--image", "alpine:3", "-vvv"],
        &["sync", "--yes", "--rewrite", "--json", "-vvv"],
    ] {
        lines += clean_run(&place.run(args), &canaries, &args.join(" "));
    }
    assert_eq!(rows(&place)[0].password, canary);
    for kind in
        Kind::catalogue().into_iter().filter(|kind| !matches!(kind, Kind::TimeoutBefore | Kind::TimeoutAfter))
    {
        place.sandbox.fault(Fault::on(Service::Daytona, PATCH, kind.clone()).times(3));
        lines +=
            clean_run(&place.run(&["sync", "--yes", "--rewrite", "-vvv"]), &canaries, &format!("{kind:?}"));
        place.sandbox.clear_faults();
    }
    assert!(lines > 100, "only {lines} lines were looked at");
}

/// What the program says about a file, and its hints.
fn refused(file: &str, message: &str, hint: &str) {
    let place = Place::bare(World::default());
    place.write("regcred.yaml", file);
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    ran.ends(3).complains(message).complains(hint);
    assert_eq!(calls.len(), 0);
}

#[test]
fn registries_that_daytona_would_refuse_or_store_in_vain_are_refused_with_the_reason() {
    let file = |registry: &str| FILE.replace("    to:", &format!("    registry: {registry}\n    to:"));
    for (registry, message, hint) in [
        ("https://ghcr.io/v2/", "4:15: Daytona would store `https://ghcr.io/v2/`", "registry: ghcr.io"),
        ("localhost:5000", "Daytona refuses `localhost:5000`", "registry.example.com"),
        ("mydocker.io.example.com", "contains docker.io", "leave `daytona` out"),
        ("docker.io:443", "contains docker.io", "leave `daytona` out"),
    ] {
        refused(&file(registry).replace("version: 1\n", ""), &message.replace("4:15", "3:15"), hint);
    }
}

#[test]
fn names_and_rows_that_cannot_be_are_refused_all_at_once() {
    let row = |rest: &str| FILE.replace("{ name: docker-hub }", rest);
    refused(&row("{ name: \"see https://acme.com\" }"), "5:24: the name", "name: docker-hub");
    refused(&row("{ name: www.acme }"), "looks like a link", "name: docker-hub");
    refused(&row("{ nmae: hub }"), "5:18: unknown key `nmae` in `daytona`", "did you mean `name`?");
    refused(&row("[]"), "`daytona` is a list, not a map", "");
    let two = "credentials:
  one: { to: { daytona: { name: hub } } }
  two: { to: { daytona: { name: www.hub } } }
  three: { registry: ghcr.io, to: { daytona: { name: hub } } }
";
    refused(two, "has the row for docker.io in Daytona already", "leave one of them out");
    refused(two, "the row of credential `one` is called `hub`, too", "name: three");
    refused(two, "looks like a link", "name: two");
}

#[test]
fn plain_http_goes_to_this_machine_only_unless_the_file_says_insecure() {
    let mut place = place();
    place.set("DAYTONA_API_URL", "http://daytona.invalid:3000/api");
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    ran.ends(3).complains("DAYTONA_API_URL: plain http to daytona.invalid").complains("insecure: true");
    assert_eq!(calls.len(), 0);
    place.edit("regcred.yaml", "{ name: docker-hub }", "{ name: docker-hub, insecure: true }");
    place
        .run(&["plan"])
        .says("http://daytona.invalid:3000/api/docker-registry")
        .says("no connection could be made");
}

#[test]
fn an_address_without_api_is_told() {
    let mut place = place();
    let base = place.sandbox.env()["DAYTONA_API_URL"].replace("/api", "");
    place.set("DAYTONA_API_URL", &base);
    place.run(&["plan"]).says("404").says("DAYTONA_API_URL ends with /api");
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
