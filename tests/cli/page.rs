//! The page that `--html` writes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use regcred_sandbox::World;
use ring::digest::{SHA256, digest};

use crate::place::{Place, TOKEN};

fn page(place: &Place, args: &[&str], code: i32) -> String {
    place.run(&[args, &["--html", "page.html"]].concat()).ends(code);
    std::fs::read_to_string(place.repo().join("page.html")).unwrap()
}

/// What stands between these marks.
fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    text.split(from).nth(1).and_then(|rest| rest.split(to).next()).unwrap()
}

#[test]
fn the_page_says_of_every_place_how_it_is_and_how_that_is_known_the_worst_first() {
    let place = Place::with_one_stack(World::default());
    let before = page(&place, &["plan"], 0);
    assert!(before.contains("<span class=\"warn\">6 missing</span>"), "{before}");
    place.sync();
    let done = page(&place, &["verify"], 0);
    for words in [
        "6 places in all: <span class=\"good\">6 in place</span>",
        "proven by ECR",
        "main-docker-hub",
        "fingerprint",
        "200 of 200 pulls left",
        "stack main",
    ] {
        assert!(done.contains(words), "{words}\n{done}");
    }
    place
        .sandbox
        .state()
        .github
        .repositories
        .get_mut("acme/api")
        .unwrap()
        .actions
        .secrets
        .remove("DOCKER_HUB_TOKEN");
    let differs = page(&place, &["verify"], 2);
    let states: Vec<&str> =
        differs.split("data-state=\"").skip(1).map(|row| row.split('"').next().unwrap()).collect();
    assert_eq!(states, ["differs", "missing", "in place", "in place", "in place", "in place"]);
    assert!(!differs.contains(TOKEN));
}

#[test]
fn nothing_but_the_pages_own_style_and_script_can_act_and_nothing_is_loaded() {
    let place = Place::with_one_stack(World::default());
    let text = page(&place, &["plan"], 0);
    let policy = between(&text, "Content-Security-Policy\" content=\"", "\"");
    let hash = |text: &str| STANDARD.encode(digest(&SHA256, text.as_bytes()));
    let style = hash(between(&text, "<style>", "</style>"));
    let script = hash(between(&text, "<script>", "</script>"));
    assert_eq!(
        policy,
        format!(
            "default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; base-uri 'none'; form-action 'none'"
        )
    );
    for way_out in ["src=", "href=", "url(", "http:", "https:", "@import", "fetch(", "innerHTML"] {
        assert!(!text.contains(way_out), "{way_out}");
    }
}

#[test]
fn a_name_from_outside_is_text_in_the_page() {
    let place = Place::with_one_stack(World::default());
    place.edit("regcred.yaml", "main: {", "\"<img src=x onerror=alert(1)>\\\"'&\": { prefix: a-b,");
    let text = page(&place, &["plan"], 0);
    assert!(text.contains("&#60;img src=x onerror=alert(1)&#62;&#34;&#39;&#38;"), "{text}");
    assert!(!text.contains("<img"), "{text}");
}

#[test]
fn a_page_that_cannot_be_written_is_told_and_one_that_was_there_stays_whole() {
    let place = Place::with_one_stack(World::default());
    place
        .run(&["plan", "--html", "nowhere/page.html"])
        .ends(3)
        .complains("nowhere/page.html: cannot be written");
    place.write("page.html", "old");
    page(&place, &["plan"], 0);
    let names: Vec<_> =
        std::fs::read_dir(place.repo()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "nothing is left beside it: {names:?}");
}
