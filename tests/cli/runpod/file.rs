//! What is wrong with `runpod` in the file: all at once, with places, and nothing is asked.

use super::*;

/// What is complained of: `line:column: message`, and the hints.
fn faults(runpod: &str) -> (Vec<String>, Vec<String>) {
    let place = Place::bare(World::default());
    place.write(
        "regcred.yaml",
        &format!("version: 1\ncredentials:\n  docker-hub:\n    to:\n      runpod:\n{runpod}"),
    );
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    ran.ends(3);
    assert_eq!(calls.len(), 0);
    let of = |head: &str| -> Vec<String> {
        ran.stderr.lines().filter_map(|line| line.trim().strip_prefix(head)).map(str::to_owned).collect()
    };
    (of("error: regcred.yaml:"), of("hint: "))
}

#[test]
fn every_fault_is_told_at_once_with_its_place_and_a_hint() {
    let (errors, hints) = faults(
        "        name: \"docker hub\"
        tempaltes: all
        endpoints: some
        pods: [a, {}]
        create:
          - { image: ghcr.io/acme/x:1, disk: 0 }
          - { name: w, image: Acme/x }
          - { name: v }
        insecure: maybe
",
    );
    let expected = [
        "6:15: `docker hub` is not a name for a registry auth",
        "7:9: unknown key `tempaltes`",
        "8:20: `endpoints` is neither `all` nor a list",
        "9:19: an item of `pods` is a map, not text",
        "11:13: an item of `create` has no name",
        "11:22: the image is on ghcr.io, and the credential for docker.io",
        "11:46: `disk: 0` is not a number of gigabytes",
        "12:31: the image is on Acme, and the credential for docker.io",
        "13:13: an item of `create` has no image",
        "14:19: `insecure` is `maybe`, not true or false",
    ];
    assert_eq!(errors.len(), expected.len(), "{errors:#?}");
    for (error, expected) in errors.iter().zip(expected) {
        assert!(error.starts_with(expected), "{errors:#?}");
    }
    for hint in ["did you mean `templates`?", "endpoints: all, or endpoints: [ID-OR-NAME]", "disk: 20"] {
        assert!(hints.iter().any(|line| line.contains(hint)), "{hints:#?}");
    }
}

#[test]
fn two_credentials_of_one_registry_may_not_choose_the_same_nor_share_a_name() {
    let place = Place::bare(World::default());
    place.write(
        "regcred.yaml",
        "version: 1
credentials:
  one: { to: { runpod: { name: hub, templates: all, endpoints: [a, b] } } }
  two: { to: { runpod: { name: hub, templates: [x], endpoints: [b], pods: all } } }
  ghcr: { registry: ghcr.io, to: { runpod: { templates: all } } }
",
    );
    let ran = place.run(&["plan"]);
    ran.ends(3).complains("4:32: the registry auth `hub` is of another credential already");
    ran.complains("4:48: credential `one` chooses the same templates");
    ran.complains("4:64: credential `one` chooses the same endpoints");
    assert!(!ran.stderr.contains("5:") && !ran.stderr.contains("same pods"), "{}", ran.stderr);
}

#[test]
fn two_templates_to_create_may_not_share_a_name() {
    let place = Place::bare(World::default());
    place.write(
        "regcred.yaml",
        "version: 1
credentials:
  one:
    to: { runpod: { create: [{ name: w, image: acme/w }, { name: w, image: acme/v }] } }
  two:
    registry: ghcr.io
    to: { runpod: { create: [{ name: w, image: ghcr.io/acme/w }, { name: v, image: ghcr.io/acme/v }] } }
",
    );
    let ran = place.run(&["plan"]);
    ran.ends(3).complains("4:66: `create` has a template `w` already");
    ran.complains("7:38: credential `one` creates a template `w` already");
    ran.complains("give each a name of its own");
    assert!(!ran.stderr.contains("`v`"), "{}", ran.stderr);
}

#[test]
fn an_address_that_is_not_the_control_planes_is_refused_before_the_key_goes_anywhere() {
    for (url, words) in [
        ("https://rest.runpod.io/v1", "is REST v1, which has retired"),
        ("https://api.runpod.ai/v2", "runs jobs"),
        ("http://runpod.example.com", "would show the credential to the network"),
    ] {
        let mut place = place(account());
        place.set("RUNPOD_API_URL", url);
        let (ran, calls) = place.watch(&["sync", "--yes"]);
        ran.ends(3).complains(words);
        assert_eq!(calls.len(), 0);
    }
}

#[test]
fn the_address_that_other_programs_are_given_for_v2_or_graphql_is_taken() {
    let mut place = place(account());
    let base = place.sandbox.env()["RUNPOD_API_URL"].clone();
    for end in ["/v2", "/graphql", "/"] {
        place.set("RUNPOD_API_URL", &format!("{base}{end}"));
        place.sync();
    }
    assert_settled(&place.sandbox.state(), TOKEN);
}
