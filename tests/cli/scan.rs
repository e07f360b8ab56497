//! `regcred image --scan` in a pipeline: what it ends with, and in which form it says what it found.

use regcred_sandbox::World;
use serde_json::Value;

use crate::place::Place;

const FOUND: &str = "FROM alpine:3\nFROM quay.io/acme/x\nFROM $BASE\n";

/// A folder with a credential for Docker Hub and this Dockerfile.
fn place(dockerfile: &str) -> Place {
    let place = Place::with_one_stack(World::default());
    place.write("src/Dockerfile", dockerfile);
    place
}

#[test]
fn a_pipeline_can_be_ended_by_what_is_pulled_anonymously_or_is_not_known() {
    for (dockerfile, flags, code) in [
        ("FROM alpine:3", "--fail-on=anonymous,unknown", 0),
        ("FROM quay.io/acme/x", "", 0),
        ("FROM quay.io/acme/x", "--fail-on=unknown", 0),
        ("FROM quay.io/acme/x", "--fail-on=anonymous", 2),
        ("FROM $BASE", "--fail-on=anonymous", 0),
        ("FROM $BASE", "--fail-on=anonymous,unknown", 2),
        ("FROM quay.io/acme/x\nFROM Ubuntu", "--fail-on=anonymous", 3),
        ("FROM {{ base }}\nFROM %%BASE%%\nFROM <%= base %>", "", 0),
        ("FROM alpine:3", "--fail-on=nothing", 3),
    ] {
        let arguments = ["image", "--scan", "src", flags].map(str::to_owned);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).filter(|it| !it.is_empty()).collect();
        place(dockerfile).run(&arguments).ends(code);
    }
    place("").run(&["image", "quay.io/acme/x", "--fail-on", "anonymous"]).ends(2);
    place("").run(&["image", "alpine", "--fail-on", "anonymous"]).ends(0);
}

#[test]
fn a_scan_that_read_nothing_fails_and_says_so() {
    let place = place("");
    place.write("empty/README.md", "FROM prose");
    place.run(&["image", "--scan", "empty"]).ends(1).complains("no file was read");
    place.run(&["image", "--scan", "empty/README.md"]).ends(1).complains("no file was read");
    place.write("here/a.yaml", "a: b");
    place.run(&["image", "--scan", "here"]).ends(0);
}

#[test]
fn an_env_file_takes_the_place_of_the_one_beside_the_compose_file() {
    let place = place("");
    place.write(
        "app/compose.yaml",
        "services: { a: { image: \"${REGISTRY:-docker.io}/acme/a:${TAG:-1}\" } }\n",
    );
    place.write("app/.env", "REGISTRY=ghcr.io\n");
    place.write("prod.env", "TAG=2\n");
    let image = |arguments: &[&str]| {
        let ran = place.run(&[&["image", "--scan", "app", "--json"], arguments].concat());
        serde_json::from_str::<Value>(&ran.stdout).unwrap()["input"].as_str().unwrap().to_owned()
    };
    assert_eq!(image(&[]), "ghcr.io/acme/a:1");
    assert_eq!(image(&["--env-file", "prod.env"]), "docker.io/acme/a:2");
    assert_eq!(image(&["--env-file", "app/.env", "--env-file", "prod.env"]), "ghcr.io/acme/a:2");
    let ran = place.run(&["image", "--scan", "app", "--env-file", "none.env"]);
    ran.ends(3).complains("no such file or folder: none.env");
}

#[test]
fn pipes_devices_and_links_in_a_circle_are_not_waited_for() {
    let place = place("FROM alpine:3\n");
    let at = |name: &str| place.repo().join(name);
    for name in ["Containerfile", "pipe/.env"] {
        std::fs::create_dir_all(at(name).parent().unwrap()).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(at(name)).status().unwrap().success());
    }
    place.write("pipe/compose.yaml", "services: { a: { image: \"nginx:${TAG:-1}\" } }\n");
    place.write("device/compose.yaml", "services: { a: { image: \"redis:${TAG:-7}\" } }\n");
    for (name, to) in [
        ("device/.env", "/dev/zero"),
        ("device.Dockerfile", "/dev/zero"),
        ("circle", "."),
        ("Dockerfile.one", "Dockerfile.two"),
        ("Dockerfile.two", "Dockerfile.one"),
    ] {
        std::os::unix::fs::symlink(to, at(name)).unwrap();
    }
    let ran = place.run(&["image", "--scan", "."]);
    ran.ends(0).says("alpine:3").says("nginx:${TAG:-1}").says("redis:${TAG:-7}");
    let open = "`.env`, whose variables are not known then: it";
    ran.complains(&format!("pipe/compose.yaml was not read: {open} is a named pipe, not a file"));
    ran.complains(&format!(
        "device/compose.yaml was not read: {open} links to a file outside what is scanned"
    ));
    assert_eq!(ran.stdout.matches(" alpine:3 with").count(), 1, "each file is read once: {}", ran.stdout);
}

#[test]
fn a_link_out_of_what_is_scanned_gives_no_variables_and_that_is_said() {
    let place = place("FROM alpine:3\n");
    place.write("outside/.env", "REGISTRY=secret.example.com\n");
    place.write(
        "app/compose.yaml",
        "services: { a: { image: \"${REGISTRY:-docker.io}/acme/a:1\", env_file: .env } }\n",
    );
    place.write("app/own.env", "REGISTRY=ghcr.io\n");
    let link = place.repo().join("app/.env");
    let run = |to: &str, args: &[&str]| {
        let _ = std::fs::remove_file(&link);
        std::os::unix::fs::symlink(to, &link).unwrap();
        place.run(&[&["image", "--scan"][..], args].concat())
    };
    for paths in [&["app"][..], &["app/compose.yaml"]] {
        let ran = run("../outside/.env", paths);
        assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("secret.example.com"), "{}", ran.stdout);
        // Nor is the default told, which the link's file may have changed.
        assert!(!ran.stdout.contains("docker.io"), "{}", ran.stdout);
        ran.ends(0).complains(
            "app/compose.yaml was not read: `.env`, whose variables are not known then: it links to a file",
        );
        ran.complains("`${REGISTRY:-docker.io}/acme/a:1` depends on a value that is not in the file");
        run("../outside/.env", &[paths, &["--fail-on", "unknown"]].concat()).ends(2);
    }
    run("own.env", &["app"]).ends(0).says("ghcr.io/acme/a:1");
    // Where the folder is scanned that both are in, and where a person names the file, it is read.
    run("../outside/.env", &["."]).ends(0).says("secret.example.com/acme/a:1");
    run("../outside/.env", &["app", "--env-file", "app/.env"]).ends(0).says("secret.example.com/acme/a:1");
}

#[test]
fn a_broken_configuration_is_not_taken_for_none() {
    let file = Place::bare(World::default());
    file.write("regcred.yaml", "version: 1\ncredentials: [\n");
    file.run(&["image", "alpine"]).ends(3).complains("regcred.yaml");
    let project = Place::with_pulumi();
    project.write("infra/Pulumi.main.yaml", "config: [\n");
    project.write("src/Dockerfile", "FROM alpine");
    project.run(&["image", "alpine"]).ends(3).complains("Pulumi.main.yaml");
    project.run(&["image", "--scan", "src"]).ends(3).complains("Pulumi.main.yaml");
    let half = {
        let mut place = Place::bare(World::default());
        place.unset("DOCKER_HUB_TOKEN");
        place
    };
    half.run(&["image", "alpine"]).ends(3).complains("DOCKER_HUB_TOKEN");
    let other = Place::with_pulumi();
    for stack in ["main", "dev"] {
        other.write(&format!("infra/Pulumi.{stack}.yaml"), "config: { aws:region: us-east-2 }\n");
    }
    let ran = other.run(&["image", "alpine"]);
    assert!(
        ran.stdout.contains("anonymously: no credential for docker.io"),
        "a project without any: {ran:?}"
    );
    assert_eq!(ran.code, 0);
}

#[test]
fn sarif_has_a_result_for_each_image_to_look_at_at_its_place() {
    let place = place("");
    place.write("a b/Dockerfile", FOUND);
    let ran = place.run(&["image", "--scan", "a b", "--format", "sarif"]);
    let log: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&log["version"], ran.code), (&Value::from("2.1.0"), 0));
    let run = &log["runs"][0];
    let rules: Vec<&Value> =
        run["tool"]["driver"]["rules"].as_array().unwrap().iter().map(|rule| &rule["id"]).collect();
    let shown: Vec<String> = run["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| {
            assert!(rules.contains(&&result["ruleId"]), "{result}");
            let place = &result["locations"][0]["physicalLocation"];
            let uri = place["artifactLocation"]["uri"].as_str().unwrap();
            let text = result["message"]["text"].as_str().unwrap();
            format!(
                "{} {uri}:{}:{} {text}",
                result["level"], place["region"]["startLine"], place["region"]["startColumn"]
            )
        })
        .collect();
    let expected = [
        "\"warning\" a%20b/Dockerfile:2:6 quay.io/acme/x is pulled anonymously: no credential for quay.io",
        "\"note\" a%20b/Dockerfile:3:1 not read: `${BASE}` depends on a value that is not in the file",
    ];
    assert_eq!(shown, expected);
}

#[test]
fn annotations_are_workflow_commands_and_nothing_in_a_file_is_one() {
    let place = place("");
    place.write("a,b:c%/Dockerfile", FOUND);
    place.write("x/compose.yaml", "services:\n  a: { image: \"quay.io/a:${X}%0A::stop-commands::x\" }\n  b: { image: \"A\\n::error::x\" }\n");
    let ran = place.run(&["image", "--scan", "a,b:c%", "x", "--format", "github"]);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    let start = "::warning title=The image is pulled without a credential,file=a%2Cb%3Ac%25/Dockerfile,line=2,col=6::";
    assert_eq!(lines[0], format!("{start}quay.io/acme/x is pulled anonymously: no credential for quay.io"));
    assert!(lines.iter().any(|line| line.starts_with("::notice ") && line.contains("`${BASE}` depends")));
    assert!(ran.stdout.contains("${X}%250A::stop-commands"), "{}", ran.stdout);
    let commands = ["::warning ", "::error ", "::notice "];
    assert!(lines.iter().all(|line| commands.iter().any(|command| line.starts_with(command))), "{lines:#?}");
    assert_eq!(lines.len(), 4);
}

#[test]
fn two_formats_are_not_both_printed() {
    place("FROM x").run(&["image", "--scan", "src", "--json", "--format", "sarif"]).ends(3);
    place("FROM x").run(&["image", "x", "--format", "sarif"]).ends(3);
    let json = place("FROM x").run(&["image", "--scan", "src", "--json"]).stdout;
    assert_eq!(place("FROM x").run(&["image", "--scan", "src", "--format", "json"]).stdout, json);
}
