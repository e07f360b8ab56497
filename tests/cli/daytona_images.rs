//! `verify --image`: with which row Daytona pulls, held to the sandbox's own reading of Daytona's rules.

use regcred_sandbox::daytona::pulls_with;
use regcred_sandbox::{Door, World};
use serde_json::Value;

use crate::daytona::{by_hand, place_in};
use crate::place::{Place, USER};

const GHCR_TOKEN: &str = "ghp_sandbox0123456789abcdefghijkl";
const FILE: &str = "version: 1
credentials:
  docker-hub:
    to: { daytona: { name: docker-hub } }
  ghcr:
    registry: ghcr.io
    from: { env: { username: DOCKER_HUB_USERNAME, token: GHCR_TOKEN } }
    to: { daytona: { name: ghcr } }
";

/// Image names: short, full, misspelt, of other registries, with ports, tags and digests.
const IMAGES: [&str; 30] = [
    "alpine:3",
    "alpine",
    "postgres:17.2",
    "acme/api:1",
    "library/alpine:3",
    "docker.io/alpine:3",
    "docker.io/library/alpine:3",
    "docker.io/acme/api:1",
    "index.docker.io/library/alpine:3",
    "registry-1.docker.io/library/alpine:3",
    "registry.hub.docker.com/library/alpine:3",
    "docker.io:443/library/alpine:3",
    "DOCKER.IO/library/alpine:3",
    "Alpine/x:1",
    "ghcr.io/acme/api:1",
    "ghcr.io/acme/api",
    "ghcr.io/acme-two/api:1",
    "ghcr.io:443/acme/api:1",
    "GHCR.IO/acme/api:1",
    "ghcr.io.example.com/acme/api:1",
    "ghcr.iox/acme/api:1",
    "quay.io/acme/api:1",
    "quay.io:8443/acme/api:1",
    "localhost/acme/api:1",
    "localhost:5000/acme/api:1",
    "127.0.0.1:5000/acme/api:1",
    "us-central1-docker.pkg.dev/proj/repo/api:1",
    "us-central1-docker.pkg.dev/proj/other/api:1",
    "alpine@sha256:0000000000000000000000000000000000000000000000000000000000000000",
    "alpine:3@sha256:0000000000000000000000000000000000000000000000000000000000000000",
];

/// Lists of rows by hand, in the table's order.
const TABLES: [&[(&str, &str, &str)]; 6] = [
    &[],
    &[("Hub", "docker.io", "bob")],
    &[("Team", "ghcr.io/acme", "carol"), ("All", "https://ghcr.io", "dave")],
    &[
        ("All", "https://ghcr.io", "dave"),
        ("Team", "ghcr.io/acme", "carol"),
        ("Hub team", "docker.io/acme", "bob"),
    ],
    &[
        ("Wrong", "https://ghcr.io/v2", "carol"),
        ("Hub page", "https://hub.docker.com", "bob"),
        ("Quay", "quay.io", "q"),
    ],
    &[
        ("One", "docker.io", "bob"),
        ("Two", "docker.io", "carol"),
        ("Google", "us-central1-docker.pkg.dev/proj/repo", "_json_key"),
        ("Local", "127.0.0.1:5000", "me"),
        ("Upper", "GHCR.IO", "up"),
    ],
];

fn place(world: World) -> Place {
    let mut place = place_in(world);
    place.write("regcred.yaml", FILE);
    let registry = place.sandbox.url(Door::Registry);
    place.set("REGCRED_REGISTRY_ENDPOINTS", &format!("docker.io={registry},ghcr.io={registry}"));
    place.set("GHCR_TOKEN", GHCR_TOKEN);
    place.sandbox.state().registry.add_account(USER, GHCR_TOKEN);
    place
}

/// What `verify --image` says of every image, by the image.
fn looked_up(place: &Place, images: &[&str]) -> Vec<Value> {
    let mut args = vec!["verify", "--json"];
    args.extend(images.iter().flat_map(|image| ["--image", image]));
    let lines = place.run(&args).lines();
    let found: Vec<Value> = lines.into_iter().filter(|line| line["image"].is_string()).collect();
    assert_eq!(found.len(), images.len());
    found
}

#[test]
fn every_image_is_said_to_be_pulled_with_the_row_that_daytona_takes() {
    let mut compared = 0;
    for table in TABLES {
        let place = place(by_hand(table));
        for synced in [false, true] {
            if synced {
                place.run(&["sync", "--yes"]);
            }
            let said = looked_up(&place, &IMAGES);
            let world = place.sandbox.snapshot();
            for (image, said) in IMAGES.iter().zip(&said) {
                let refused = said["login"] == "refused";
                let row = pulls_with(&world.daytona.registries, "acme", image).filter(|_| !refused);
                let at = format!("{image} with {:#?}", world.daytona.registries);
                assert_eq!(said["row"].as_str(), row.map(|row| row.name.as_str()), "{at}");
                assert_eq!(said["username"].as_str(), row.map(|row| row.username.as_str()), "{at}");
                compared += 1;
            }
        }
    }
    assert_eq!(compared, IMAGES.len() * TABLES.len() * 2);
}

/// One image in a synced list: whether it is pulled as its name means, and the hint.
fn judged(place: &Place, image: &str) -> (bool, String) {
    let said = looked_up(place, &[image]).remove(0);
    (said["ok"].as_bool().unwrap(), said["hint"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn where_daytona_differs_from_what_the_name_means_it_is_said_what_to_write() {
    let place = place(World::default());
    place.sync();
    for (image, ok, hint) in [
        ("docker.io/library/alpine:3", true, ""),
        ("docker.io/acme/api:1", true, ""),
        ("alpine:3", false, "write docker.io/library/alpine:3"),
        ("redis:7.0-alpine", false, "write docker.io/library/redis:7.0-alpine"),
        ("acme/api:1", false, "write docker.io/acme/api:1"),
        ("ghcr.io/acme/api:1", true, ""),
        ("quay.io/acme/api:1", true, ""),
        ("index.docker.io/library/alpine:3", false, "write docker.io/library/alpine:3"),
        ("index.docker.io/acme/api:1", false, "write docker.io/acme/api:1"),
        ("Alpine/x:1", false, "write docker.io/alpine/x:1"),
        ("docker.io:443/library/alpine:3", false, "write docker.io/library/alpine:3"),
        ("ghcr.io:443/acme/api:1", false, "write ghcr.io/acme/api:1"),
    ] {
        assert_eq!(judged(&place, image), (ok, hint.to_owned()), "{image}");
    }
    assert!(!judged(&place, "not//a/name").0);
    place.run(&["verify", "--image", "docker.io/library/alpine:3"]).ends(0);
    let index = place.run(&["verify", "--image", "index.docker.io/library/alpine:3"]);
    index.ends(2).says("write docker.io/library/alpine:3");
}

#[test]
fn an_image_without_a_host_is_looked_up_with_the_login_and_pulled_without_it_by_version() {
    let place = place(World::default());
    place.sync();
    for (version, words) in [
        (
            "0.190.0",
            "Daytona looks it up with our login, and pulls it anonymously or with an operator's login",
        ),
        (
            "0.0.0-dev",
            "Daytona looks it up with our login, and pulls it anonymously or with an operator's login",
        ),
        ("0.170.2", "Daytona looks it up, and pulls it anonymously or with an operator's login"),
    ] {
        place.sandbox.state().daytona.version = version.to_owned();
        let ran = place.run(&["verify", "--image", "acme/app:1"]);
        ran.ends(2).says("daytona: acme/app:1 is pulled anonymously").says(words);
        ran.says("write docker.io/acme/app:1").says("1 image pulled otherwise");
        let said = looked_up(&place, &["acme/app:1"]).remove(0);
        assert_eq!((&said["ok"], &said["login"]), (&false.into(), &"none".into()), "{said}");
        assert_eq!(said["instead"], "docker.io/acme/app:1");
    }
}

#[test]
fn an_operators_row_for_docker_hub_pulls_what_ours_does_not_and_verify_says_that_it_may() {
    let mut world = World::default();
    let row = world.daytona.add_row("Shared", "docker.io", "operator", chrono::DateTime::UNIX_EPOCH);
    (row.organization, row.registry_type) = (String::new(), "internal".to_owned());
    let place = place(world);
    place.sync();
    let with = |image: &str| {
        let state = place.sandbox.state();
        pulls_with(&state.daytona.registries, "acme", image).map(|row| row.username.clone())
    };
    assert_eq!(with("alpine:3").as_deref(), Some("operator"));
    assert_eq!(with("docker.io/library/alpine:3").as_deref(), Some(USER));
    place.run(&["verify", "--image", "alpine:3"]).ends(2).says("or with an operator's login");
    place.run(&["verify", "--image", "docker.io/library/alpine:3"]).ends(0).says("with our login");
}

#[test]
fn an_image_that_daytona_refuses_is_not_pulled_and_the_reason_is_told() {
    let place = place(World::default());
    place.sync();
    let digest = format!("docker.io/library/alpine:3@sha256:{}", "0".repeat(64));
    for (image, why, hint) in [
        ("alpine", "takes no image without a tag", "write the tag of a version"),
        ("docker.io/library/alpine", "takes no image without a tag", "write the tag of a version"),
        ("docker.io/library/alpine:latest", "refuses the tag `latest`", "write the tag of a version"),
        ("[::1]:5000/x:1", "letters, digits", ""),
        (digest.as_str(), "takes no image by its digest", "write docker.io/library/alpine:3"),
    ] {
        let said = looked_up(&place, &[image]).remove(0);
        assert_eq!((&said["login"], &said["ok"]), (&"refused".into(), &false.into()), "{said}");
        assert!(said["error"].as_str().unwrap().contains(why), "{said}");
        assert!(said["hint"].as_str().unwrap_or_default().contains(hint), "{said}");
    }
    place.run(&["verify", "--image", "alpine"]).ends(2).says("daytona: alpine is not pulled");
}

#[test]
fn a_scan_marks_the_dockerfiles_that_daytona_builds_without_any_login() {
    let place = place(World::default());
    place.write(
        "Dockerfile",
        "FROM alpine:3.20
COPY --from=ghcr.io/acme/tools:1 /a /b
",
    );
    place.write("full.Dockerfile", "FROM docker.io/library/alpine:3.20\nFROM redis:7\n");
    place.write("argument.Dockerfile", "ARG BASE=acme/app:1\nFROM $BASE\n");
    let ran = place.run(&["image", "--scan", "."]);
    ran.ends(0).says("Daytona builds it without any login").says("write FROM docker.io/library/alpine:3.20");
    ran.says("write FROM docker.io/acme/app:1").says("write a FROM with its registry");
    assert_eq!(ran.stdout.matches("Daytona builds it").count(), 3, "{}", ran.stdout);
    let lines = place.run(&["image", "--scan", ".", "--json"]).lines();
    assert_eq!(lines.iter().filter(|line| line["daytona"].is_string()).count(), 3);
    place.edit("regcred.yaml", "    to: { daytona: { name: docker-hub } }\n", "");
    place.edit("regcred.yaml", "    to: { daytona: { name: ghcr } }\n", "");
    assert!(!place.run(&["image", "--scan", "."]).stdout.contains("Daytona"));
}

#[test]
fn the_line_says_whose_login_it_is_and_has_no_password() {
    let place = place(World::default());
    place.sync();
    let redis = "docker.io/library/redis:7.0-alpine";
    let ran = place.run(&["verify", "--image", redis, "--image", "quay.io/acme/api:1"]);
    ran.ends(0).says(&format!(
        "daytona: {redis} is pulled with our login, user acme for docker.io of daytona:registry/"
    ));
    ran.says("daytona: quay.io/acme/api:1 is pulled anonymously").says("2 images pulled as named");
    assert!(!ran.stdout.contains("dckr_pat") && !ran.stdout.contains("ghp_"), "{}", ran.stdout);
}

#[test]
fn a_row_of_somebody_else_that_comes_first_is_named_with_its_user() {
    let place = place(by_hand(&[("Team", "docker.io", "bob"), ("Hub", "docker.io", "carol")]));
    place.run(&["sync", "--yes"]).ends(5);
    let said = looked_up(&place, &["docker.io/library/alpine:3"]).remove(0);
    assert_eq!(said["ok"], false);
    assert!(said["error"].as_str().unwrap().contains("`Hub` of user carol"), "{said}");
    assert!(said["hint"].as_str().unwrap().contains("--allow-delete"), "{said}");
    place.run(&["sync", "--yes", "--allow-delete"]).ends(0);
    assert!(judged(&place, "docker.io/library/alpine:3").0);
}

#[test]
fn before_the_first_sync_the_hint_is_to_sync() {
    let place = place(World::default());
    assert_eq!(judged(&place, "alpine:3"), (false, "regcred sync".to_owned()));
}

#[test]
fn a_row_that_an_old_server_left_behind_is_stored_anew_when_that_is_asked() {
    let mut world = World::default();
    world.daytona.keeps_urls = true;
    let place = place(world);
    place.sync();
    place.sandbox.state().daytona.keeps_urls = false;
    assert_eq!(judged(&place, "alpine:3"), (false, "regcred sync --rewrite".to_owned()));
    place.run(&["sync", "--yes", "--rewrite"]).ends(0);
    assert_eq!(judged(&place, "docker.io/library/alpine:3"), (true, String::new()));
    assert_eq!(judged(&place, "alpine:3"), (false, "write docker.io/library/alpine:3".to_owned()));
}

#[test]
fn where_nothing_is_declared_in_daytona_the_question_is_refused() {
    let place = Place::with_one_stack(World::default());
    let (ran, calls) = place.watch(&["verify", "--image", "alpine:3"]);
    ran.ends(3).complains("is declared, or selected").complains("regcred image");
    assert_eq!(calls.len(), 0, "nothing has to be asked to know that");
    let (ran, calls) = place.watch(&["verify", "--json", "--image", "alpine:3"]);
    ran.ends(3).says("\"type\":\"summary\"").says("is declared, or selected");
    assert_eq!(calls.len(), 0);
}

#[test]
fn a_registry_that_is_written_with_a_path_is_sent_as_its_host() {
    let place = place(World::default());
    place.edit("regcred.yaml", "registry: ghcr.io", "registry: https://ghcr.io/v2/");
    place.sync();
    let mut urls: Vec<String> =
        place.sandbox.state().daytona.registries.iter().map(|row| row.url.clone()).collect();
    urls.sort();
    assert_eq!(urls, ["docker.io", "ghcr.io"]);
    assert!(judged(&place, "ghcr.io/acme/api:1").0);
}
