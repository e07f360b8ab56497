//! Logging in to Daytona: its key, its address, an API that is still starting, and what is refused before any request.

use std::process::Stdio;

use regcred_sandbox::{Door, Fault, Kind, Service, World};

use crate::daytona::{FILE, LIST, POST, asked, assert_row, by_hand, place, rows};
use crate::place::{Place, TOKEN};

#[test]
fn without_a_key_or_with_a_wrong_one_nothing_is_logged_in_to() {
    let mut place = place();
    place.set("DAYTONA_API_KEY", "dtn_wrong");
    place.run(&["sync", "--yes"]).ends(4).says("401: Invalid credentials").says("make a new key");
    place.run(&["plan"]).ends(4).complains("1 row of daytona could not be read: ");
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
    place.run(&["plan"]).ends(0).says("the key `ci` does not have the permission write:registries");
    place.run(&["sync", "--yes"]).ends(1).says("403: Access denied").says("write:registries");
    assert!(rows(&place).is_empty());
}

#[test]
fn a_key_that_may_not_delete_or_ends_soon_is_told_before_anything_is_written() {
    let place =
        crate::daytona::place_in(by_hand(&[("Old", "docker.io", "bob"), ("New", "docker.io", "carol")]));
    let key = place.sandbox.env()["DAYTONA_API_KEY"].clone();
    let change = |days: i64| {
        let mut state = place.sandbox.state();
        let now = state.clock.now();
        let held = state.daytona.keys.get_mut(&key).unwrap();
        held.permissions = vec!["write:registries".to_owned()];
        held.expires_at = Some(now + chrono::TimeDelta::days(days));
    };
    change(3);
    let ran = place.run(&["plan"]);
    ran.says("the key `ci` does not have the permission delete:registries").says("the key `ci` expires at ");
    assert!(!ran.stdout.contains("write:registries:"), "{}", ran.stdout);
    change(300);
    assert!(!place.run(&["plan"]).stdout.contains("expires at"));
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
fn an_api_that_is_still_starting_is_waited_for() {
    let place = place();
    place.sandbox.set_reachable(Door::Daytona, false).unwrap();
    let mut child = place.command(&["sync", "--yes", "--wait", "5m"]);
    let mut child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stderr.take().unwrap()));
    let waits = lines.by_ref().map_while(Result::ok).find(|line| line.contains("Daytona is still starting"));
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
    place
        .run(&["sync", "--yes", "--wait", "5m"])
        .ends(0)
        .complains("Daytona is still starting, waiting, up to 300 s");
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

/// What the program says about a file, and its hints.
fn refused(file: &str, message: &str, hint: &str) {
    let place = Place::bare(World::default());
    place.write("regcred.yaml", file);
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    ran.ends(3).complains(message).complains(hint);
    assert_eq!(calls.len(), 0);
}

#[test]
fn registries_that_daytona_would_refuse_or_take_for_docker_hub_are_refused_with_the_reason() {
    let file = |registry: &str| FILE.replace("    to:", &format!("    registry: {registry}\n    to:"));
    for (registry, message, hint) in [
        ("localhost:5000", "Daytona refuses `localhost:5000`", "registry.example.com"),
        ("mydocker.io.example.com", "contains docker.io", "leave `daytona` out"),
        ("docker.io:443", "contains docker.io", "leave `daytona` out"),
    ] {
        refused(&file(registry).replace("version: 1\n", ""), message, hint);
    }
}

#[test]
fn names_and_rows_that_cannot_be_are_refused_all_at_once() {
    let row = |rest: &str| FILE.replace("{ name: docker-hub }", rest);
    refused(&row("{ name: \"see https://acme.com\" }"), "5:24: the name", "name: docker-hub");
    refused(&row("{ name: www.acme }"), "looks like a link", "name: docker-hub");
    refused(&row("{ nmae: hub }"), "5:18: unknown key `nmae` in `daytona`", "did you mean `name`?");
    refused(
        &row("[]"),
        "`daytona` is a list, not a map",
        "`daytona` takes: name, insecure; without them: {}",
    );
    let two = "credentials:
  one: { to: { daytona: { name: hub } } }
  two: { to: { daytona: { name: www.hub } } }
  three: { registry: ghcr.io, to: { daytona: { name: hub } } }
";
    refused(two, "has the row for docker.io in Daytona already", "leave one of them out");
    refused(two, "credential `one` also calls its row `hub`", "name: three");
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
fn an_address_that_is_none_is_refused_with_what_to_export() {
    let mut place = place();
    place.set("DAYTONA_API_URL", "https://daytona example/api");
    let ran = place.run(&["plan"]);
    ran.ends(3).complains("DAYTONA_API_URL: is not the address of a server");
    ran.complains("export DAYTONA_API_URL=https://HOST, or unset it");
}

#[test]
fn an_address_without_a_scheme_or_a_path_is_completed() {
    let mut place = place();
    let whole = place.sandbox.env()["DAYTONA_API_URL"].clone();
    let base = whole.strip_suffix("/api").unwrap();
    let host = base.strip_prefix("http://").unwrap();
    for address in [base.to_owned(), format!("{base}/"), host.to_owned(), format!("{host}/api/")] {
        place.set("DAYTONA_API_URL", &address);
        place.run(&["plan"]).ends(0).says(&format!("daytona: {whole}, in the organization"));
    }
    // Another machine is spoken to with TLS.
    place.set("DAYTONA_API_URL", "daytona.invalid");
    place.run(&["plan"]).says("https://daytona.invalid/api/docker-registry");
}

#[test]
fn an_address_with_another_path_is_told() {
    let mut place = place();
    let base = place.sandbox.env()["DAYTONA_API_URL"].replace("/api", "/dashboard");
    place.set("DAYTONA_API_URL", &base);
    place.run(&["plan"]).says("a page came instead of JSON").says("DAYTONA_API_URL ends with /api");
}

#[test]
fn a_server_that_does_not_speak_tls_is_not_taken_for_one_that_is_starting() {
    let mut place = place();
    let tls = place.sandbox.env()["DAYTONA_API_URL"].replace("http://", "https://");
    place.set("DAYTONA_API_URL", &tls);
    let ran = place.run(&["plan", "--wait", "10m"]);
    assert!(!ran.stderr.contains("still starting") && !ran.stdout.contains("--wait"), "{}", ran.stdout);
}

#[test]
fn a_proof_that_was_not_answered_is_unproven_and_not_invalid() {
    let place = place();
    let limit = Kind::Throttle { retry_after: Some(3600) };
    place.sandbox.fault(Fault::on(Service::Daytona, LIST, limit).after(1).forever());
    let ran = place.run(&["sync", "--yes"]);
    ran.ends(5).says("unproven daytona:registry/docker-hub: ").says("1 could not be looked at again");
    assert!(!ran.stdout.contains("invalid"), "{}", ran.stdout);
    place.sandbox.clear_faults();
    place.run(&["verify"]).ends(0);
}
