//! Names and words from outside are text: they move no cursor, turn no line around, give no command to the runner that
//! shows the log, and are no markup.

use regcred_sandbox::{Fault, Kind, Service, World};
use serde_json::json;

use crate::kubernetes::of_world;
use crate::place::{Place, Ran, TOKEN, USER};

/// Rewrites what stands above, commands a runner, and turns the line around.
const EVIL: &str = "::add-mask::x\u{1b}[1;1H\u{1b}[0J ##[error]y\u{202e}z\n::set-output name=digest::0000";
/// How its characters are shown.
const SHOWN: [&str; 2] = ["\\u{1b}[1;1H", "\\u{202e}z"];

/// Nothing of it acts, and it is seen what it is.
#[track_caller]
fn is_text(ran: &Ran) {
    for said in [&ran.stdout, &ran.stderr] {
        let acts = |c: char| (c.is_control() && c != '\n') || "\u{202e}\u{2028}".contains(c);
        assert!(!said.contains(acts), "{said:?}");
        assert!(!said.contains("##[error]"), "{said}");
        for line in said.lines() {
            assert!(!line.trim_start().starts_with("::"), "{line}");
        }
    }
    // A long text may be broken anywhere at a space.
    let said = format!("{}{}", ran.stdout, ran.stderr);
    for shown in SHOWN {
        assert!(said.contains(shown), "no {shown} in\n{said}");
    }
}

fn place(to: &str, arrange: impl FnOnce(&mut World)) -> Place {
    let mut world = World::default();
    arrange(&mut world);
    of_world(&format!("version: 1\ncredentials:\n  docker-hub:\n    to:\n      {to}\n"), world)
}

#[test]
fn the_name_of_an_auth_in_runpod_is_text() {
    let place = place("runpod: { name: docker-hub-acme, endpoints: all }", |world| {
        let auth = world.runpod.add_auth(EVIL, USER, TOKEN);
        world.runpod.add_endpoint("infer", "acme/infer:1").container.registry = Some(auth);
    });
    for args in [&["plan"][..], &["plan", "-vv"], &["sync", "--yes", "--allow-delete"]] {
        is_text(&place.run(args));
    }
}

#[test]
fn the_names_of_a_key_and_of_a_row_in_daytona_are_text() {
    let place = place("daytona: { name: docker-hub }", |world| {
        for key in world.daytona.keys.values_mut() {
            key.name = EVIL.to_owned();
        }
        let at = chrono::DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        world.daytona.add_row(EVIL, "docker.io", EVIL, at);
    });
    for args in [&["plan"][..], &["verify", "--image", "docker.io/library/alpine:3"]] {
        is_text(&place.run(args));
    }
}

#[test]
fn the_owner_of_a_secret_is_text_in_a_cluster_and_in_aws() {
    let cluster = place("kubernetes: [{ context: prod, namespaces: [default] }]", |world| {
        let secret = world.kubernetes.cluster_mut("prod").put_secret("default", "docker-hub", "Opaque", &[]);
        let owner =
            json!({ "apiVersion": "x/v1", "kind": EVIL, "name": EVIL, "uid": "1", "controller": true });
        secret["metadata"]["ownerReferences"] = json!([owner]);
    });
    let aws = Place::with_one_stack(World::default());
    aws.sync();
    aws.sandbox.state().aws.secrets[0].owning_service = Some(EVIL.to_owned());
    for place in [cluster, aws] {
        is_text(&place.run(&["plan"]));
    }
}

#[test]
fn the_words_of_every_system_are_text() {
    for (service, to) in [
        (Service::SecretsManager, "aws: { stacks: { main: { region: us-east-2 } } }"),
        (Service::GitHub, "github: [{ repository: acme/api }]"),
        (Service::Kubernetes, "kubernetes: [{ context: prod, namespaces: [default] }]"),
        (Service::RunPod, "runpod: { name: docker-hub-acme, endpoints: all }"),
        (Service::Daytona, "daytona: { name: docker-hub }"),
        (Service::Token, "github: [{ repository: acme/api }]"),
    ] {
        let place = place(to, |_| {});
        place
            .sandbox
            .fault(Fault::on_service(service, Kind::Say { status: 400, words: EVIL.to_owned() }).forever());
        is_text(&place.run(&["plan"]));
        let json = place.run(&["sync", "--yes", "--json"]);
        assert!(!json.lines().is_empty() && !json.stdout.contains("##["), "{}", json.stdout);
    }
}

#[test]
fn words_in_markdown_are_no_comment_no_mention_and_no_row() {
    let place = place("github: [{ repository: acme/api }]", |_| {});
    let words = "<!-- @acme/all | x | [link](https://evil.example) `code` <details>";
    let fault = Fault::on_service(Service::GitHub, Kind::Say { status: 400, words: words.to_owned() });
    place.sandbox.fault(fault.forever());
    let ran = place.run(&["plan", "--markdown"]);
    ran.says("&lt;").says("Digest `");
    for markup in ["<!--", "<details>", "@acme/all", "[link](", "://evil"] {
        assert!(!ran.stdout.contains(markup), "{markup}\n{}", ran.stdout);
    }
    let row = ran.stdout.lines().find(|line| line.contains("evil.example")).unwrap();
    assert_eq!(row.replace("\\|", "").matches('|').count(), 4, "{row}");
}

#[test]
fn the_name_of_a_scanned_file_is_text() {
    let place = Place::bare(World::default());
    place.write(&format!("{}/Dockerfile", EVIL.replace('/', "_")), "FROM alpine:3.20\nFROM No_Image:\n");
    let ran = place.run(&["image", "--scan", "."]);
    is_text(&ran);
    ran.says("alpine:3.20");
}

#[test]
fn a_name_in_the_file_that_is_not_seen_as_what_it_is_is_refused() {
    for (name, shown) in
        [("pr\\nod", "pr\\u{a}od"), ("pr\\u202Eod", "pr\\u{202e}od"), ("pr\\u200Bod", "pr\\u{200b}od")]
    {
        let to = format!("kubernetes: [{{ context: \"{name}\", namespaces: [default] }}]");
        let place = place(&to, |_| {});
        for args in [&["rbac"][..], &["plan"]] {
            let ran = place.run(args);
            ran.ends(3).complains("regcred.yaml:5:").complains("has an invisible character").complains(shown);
            assert_eq!(ran.stdout, "");
        }
    }
}

#[test]
fn a_context_that_looks_like_yaml_stays_in_its_comment() {
    let place = place("kubernetes: [{ context: \"prod # x: [\\\"y\\\"]\", namespaces: [default] }]", |_| {});
    let ran = place.run(&["rbac"]);
    ran.ends(0).says("# The smallest roles for `regcred sync` on prod # x: [\"y\"].");
    let manifests: Vec<&str> = ran.stdout.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(manifests.iter().all(|line| !line.contains("x:")), "{}", ran.stdout);
}
