//! How many requests a run takes: over a distance, that is how long it takes.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use regcred_sandbox::{Call, Moment, World, writes};

use crate::place::Place;

const LIMIT: Duration = Duration::from_secs(60);

/// How many requests each system got, and how many of them wrote.
fn counted(calls: &[Call]) -> (BTreeMap<String, usize>, usize) {
    let mut by_service = BTreeMap::new();
    for call in calls {
        *by_service.entry(call.service.to_string()).or_default() += 1;
    }
    (by_service, writes(calls).len())
}

fn of(figures: &[(&str, usize)], writes: usize) -> (BTreeMap<String, usize>, usize) {
    (figures.iter().map(|(service, count)| ((*service).to_owned(), *count)).collect(), writes)
}

#[test]
fn one_place_takes_19_requests_the_first_time_and_9_in_sync() {
    let mut place = Place::with_one_stack(World::default());
    let proof = [("registry", 2), ("token", 1), ("sts", 1)];
    let all = |own: &[(&'static str, usize)]| [&proof[..], own].concat();
    let cold = all(&[("secretsmanager", 5), ("ecr", 3), ("github", 7)]);
    assert_eq!(counted(&place.sync()), of(&cold, 7));
    let in_sync = all(&[("secretsmanager", 2), ("ecr", 1), ("github", 2)]);
    assert_eq!(counted(&place.sync()), of(&in_sync, 0));
    place.change_token();
    let changed = all(&[("secretsmanager", 3), ("ecr", 2), ("github", 7)]);
    assert_eq!(counted(&place.sync()), of(&changed, 5));
}

#[test]
fn each_further_repository_takes_7_requests_the_first_time_and_2_in_sync() {
    let mut world = World::default();
    for number in 0..20 {
        world.github.add_repository(&format!("acme/r{number:02}"));
    }
    let place = Place::bare(world);
    let file = |count: usize| {
        let items: Vec<String> =
            (0..count).map(|number| format!("{{ repository: acme/r{number:02} }}")).collect();
        place.write(
            "regcred.yaml",
            &format!(
                "version: 1\ncredentials:\n  docker-hub:\n    to:\n      github: [{}]\n",
                items.join(", ")
            ),
        );
    };
    let github = |calls: &[Call]| counted(calls).0.get("github").copied();
    file(1);
    assert_eq!(github(&place.sync()), Some(7));
    assert_eq!(github(&place.sync()), Some(2));
    file(20);
    assert_eq!(github(&place.sync()), Some(2 + 19 * 7));
    assert_eq!(github(&place.sync()), Some(20 * 2));
}

#[test]
fn a_repository_whose_key_is_long_in_coming_keeps_no_other_waiting() {
    let mut world = World::default();
    world.github.add_repository("acme/web");
    let place = Place::bare(world);
    let text = "version: 1\ncredentials:\n  docker-hub:\n    to:\n      \
                github: [{ repository: acme/api }, { repository: acme/web }]\n";
    place.write("regcred.yaml", text);
    let like = place.sandbox.snapshot();
    let calls = place.sync();
    let key = calls.iter().position(|call| call.operation.ends_with("/public-key")).unwrap();
    place.sandbox.restore(like);
    place.sandbox.clear_calls();
    let mut pause = place.sandbox.pause_at(key, Moment::BeforeEffect);
    let child = { place.command(&["sync", "--yes"]) }.stdout(Stdio::null()).spawn().unwrap();
    assert!(pause.wait(LIMIT));
    // The other one's key and its two secrets.
    assert!(place.sandbox.wait_for_arrivals(key + 4, LIMIT));
    pause.release();
    assert!(child.wait_with_output().unwrap().status.success());
}
