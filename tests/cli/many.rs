//! Many rows that are alike: told once, and all of them where everything is wanted.

use regcred_sandbox::{Fault, Kind, Service, World};

use crate::place::{ONE_STACK, Place};

const PUT: &str = "PUT /repos/{owner}/{repo}/actions/secrets/{secret_name}";
const REPOSITORIES: usize = 6;

/// A place with several repositories, and one that has its secrets already.
fn many() -> Place {
    let mut world = World::default();
    let names: Vec<String> = (0..REPOSITORIES).map(|number| format!("acme/r{number}")).collect();
    for name in &names {
        world.github.add_repository(name);
    }
    let place = Place::with_one_stack(world);
    place.run(&["sync", "--yes", "--only", "github:"]).ends(0);
    let list: String = names.iter().map(|name| format!(", {{ repository: {name} }}")).collect();
    let one = "{ repository: acme/api }";
    place.write("regcred.yaml", &ONE_STACK.replace(one, &format!("{one}{list}")));
    place
}

#[test]
fn places_that_are_alike_are_told_once_and_one_that_is_not_by_itself() {
    let place = many();
    let plan = place.run(&["plan"]);
    plan.ends(0).says("github:acme/r0 and 5 more\n").says("Plan: 21 to create, 3 unchanged.");
    assert_eq!(plan.stdout.matches("actions/DOCKER_HUB_TOKEN").count(), 1, "{}", plan.stdout);
    let all = place.run(&["plan", "-v"]);
    for number in 0..REPOSITORIES {
        all.ends(0).says(&format!("github:acme/r{number}\n"));
    }
    all.says("github:acme/api\n");
    assert!(place.run(&["plan", "--json"]).ends(0).stdout.matches("acme/r5/actions/").count() > 1);
}

#[test]
fn one_cause_for_which_many_places_cannot_be_read_is_told_once() {
    let mut place = many();
    place.set("GITHUB_TOKEN", "ghp_no-longer-valid");
    for args in [&["plan"][..], &["verify"]] {
        let ran = place.run(args);
        ran.ends(5).says("github:acme/api and 6 more\n").says("GET /repos/…/actions/secrets");
        assert_eq!(ran.stdout.matches("hint:").count(), 1, "{}", ran.stdout);
        ran.complains("21 rows of github:acme/api and 6 more could not be read: GET /repos/…/");
        assert_eq!(ran.stderr.matches("error:").count(), 1, "{}", ran.stderr);
    }
    place.run(&["plan", "-v"]).ends(5).says("GET /repos/acme/r5/actions/secrets");
}

#[test]
fn one_cause_of_many_failures_is_told_once_with_one_hint() {
    let place = many();
    let words = "Resource not accessible by integration".to_owned();
    let forbidden = Kind::Say { status: 403, words };
    place.sandbox.fault(Fault::on(Service::GitHub, PUT, forbidden).forever());
    let ran = place.run(&["sync", "--yes", "--only", "github:"]);
    assert_eq!(ran.stdout.matches("hint:").count(), 1, "{}", ran.stdout);
    ran.says(&format!("and {} more: ", 2 * REPOSITORIES - 1)).says("what they need was not done");
}
