//! How many requests a run takes: over a distance, that is how long it takes.

use std::collections::BTreeMap;

use regcred_sandbox::{Call, World, writes};

use crate::place::Place;

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
