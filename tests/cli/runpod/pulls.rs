//! `verify --image`: which template, endpoint and pod has the image, and with whose auth it pulls it.

use super::*;
use crate::place::Ran;

/// What is said of an image, as pairs of place and login, and which of them are not as they should be.
fn pulls(ran: &Ran) -> Vec<(String, String, bool)> {
    let lines =
        ran.lines().into_iter().filter(|line| line["image"].is_string() && line["type"] == "verify_complete");
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    lines.map(|line| (text(&line["place"]), text(&line["login"]), line["ok"] == true)).collect()
}

fn id(place: &Place, name: &str) -> String {
    let state = place.sandbox.state();
    let template = state.runpod.templates.iter().find(|template| template.name == name);
    template.map(|template| template.id.clone()).unwrap()
}

#[test]
fn everything_that_has_an_image_is_named_with_whose_auth_it_pulls_it() {
    let place = place(account());
    place.sync();
    let theirs = {
        let mut state = place.sandbox.state();
        let theirs = state.runpod.add_auth("by-hand", USER, TOKEN);
        state.runpod.add_template("theirs", "docker.io/acme/web:1").container.registry = Some(theirs.clone());
        state.runpod.add_template("bare", "index.docker.io/acme/web:1");
        state.runpod.add_template("gone", "acme/web:1").container.registry = Some("reg_gone".to_owned());
        state.runpod.add_template("later", "acme/web:2");
        theirs
    };
    let (ran, calls) = place.watch(&["verify", "--json", "--image", "acme/web:1"]);
    ran.ends(2);
    assert_eq!(written(&calls), [""; 0]);
    let mut told = pulls(&ran);
    let mut wanted: Vec<(String, String, bool)> = [
        ("web", "web, acme/web:1", "ours", true),
        ("theirs", "theirs, docker.io/acme/web:1", "other", false),
        ("bare", "bare, index.docker.io/acme/web:1", "none", false),
        ("gone", "gone, acme/web:1", "none", false),
    ]
    .map(|(name, known, login, ok)| {
        (format!("runpod:template/{} ({known})", id(&place, name)), login.to_owned(), ok)
    })
    .into();
    told.sort();
    wanted.sort();
    assert_eq!(told, wanted);
    let ran = place.run(&["verify", "--image", "acme/web:1"]);
    ran.ends(2).says("is pulled with our login, runpod:registry/docker-hub-acme `docker-hub-acme-");
    ran.says("is pulled with another login, runpod:registry/by-hand `by-hand`");
    ran.says("it is not the auth of docker-hub").says("its auth reg_gone is gone");
    ran.says("is pulled anonymously").says("it has no auth, though docker-hub is for it");
    ran.says("to point it at our auth: regcred sync");
    assert!(place.sandbox.state().runpod.auth(&theirs).is_some());
}

#[test]
fn what_no_credential_is_for_may_be_pulled_anonymously_but_not_with_our_auth() {
    let place = place(account());
    place.sync();
    place.run(&["verify", "--image", "ghcr.io/acme/other:1"]).ends(0).says("is pulled anonymously");
    let auth = place.sandbox.state().runpod.auths[0].id.clone();
    place.sandbox.state().runpod.templates[2].container.registry = Some(auth);
    let ran = place.run(&["verify", "--image", "ghcr.io/acme/other:1"]);
    ran.ends(2).says("the auth is of docker-hub, and for docker.io").says("in RunPod's console");
}

#[test]
fn an_image_that_nothing_has_is_not_pulled_and_that_is_no_difference() {
    let place = place(account());
    place.sync();
    let ran = place.run(&["verify", "--image", "acme/web:9"]);
    ran.ends(0).says("seen    runpod: acme/web:9 is not pulled").says("Done:");
    assert!(!ran.stdout.contains("pulled as named"), "{}", ran.stdout);
    let ran = place.run(&["verify", "--image", "Acme Web"]);
    ran.ends(2).says("not the name of an image").says("In place, and not pulled as named: ");
}

#[test]
fn what_nothing_chooses_is_told_where_to_be_named() {
    let place = place(account());
    place.write("regcred.yaml", &FILE.replace("endpoints: all, pods: all", "endpoints: [embed]"));
    place.sync();
    let ran = place.run(&["verify", "--image", "acme/infer:1"]);
    ran.ends(2).says("(infer, acme/infer:1): acme/infer:1 is pulled anonymously");
    ran.says("name it in regcred.yaml under `runpod: { endpoints: [] }`, then: regcred sync");
}

#[test]
fn a_scan_asks_runpod_nothing_and_says_how_to_ask_it() {
    let place = place(account());
    place.write(
        "compose.yaml",
        "services: { web: { image: \"acme/web:1\" }, own: { image: \"quay.io/x:1\" } }\n",
    );
    let (ran, calls) = place.watch(&["image", "--scan", "."]);
    ran.ends(0)
        .complains("With whose login RunPod really pulls one of them: regcred verify --image acme/web:1\n");
    assert_eq!(calls.len(), 0);
    place.sync();
    place.run(&["verify", "--image", "acme/web:1"]).ends(0).says("acme/web:1 is pulled with our login");
    let machine = place.run(&["image", "--scan", ".", "--json"]);
    assert_eq!(machine.lines().len(), 2);
    place.write("compose.yaml", "services: { own: { image: \"quay.io/x:1\" } }\n");
    assert!(!place.run(&["image", "--scan", "."]).stderr.contains("verify --image"));
}
