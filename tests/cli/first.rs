//! What a newcomer sees first: README's screen, and the file that each target's page begins with.

use std::path::{Path, PathBuf};

use regcred_sandbox::World;

use crate::place::Place;

/// A file of the project.
pub(crate) fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A page of the documentation.
fn page(path: &str) -> String {
    std::fs::read_to_string(file(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The blocks of a page that begin with this line.
fn blocks<'p>(page: &'p str, fence: &str) -> Vec<&'p str> {
    let fence = format!("{fence}\n");
    page.split(&fence).skip(1).filter_map(|rest| rest.split_once("```")).map(|(block, _)| block).collect()
}

/// Everything on Docker Hub that a first file can point at.
fn world() -> World {
    let mut world = World::default();
    world.kubernetes.add_cluster("research").add_namespace("runai", &[]);
    crate::runpod::populate(&mut world.runpod);
    world
}

/// Plans with a file from the documentation; the rows are of this system.
#[track_caller]
fn plans(file: &str, system: &str) {
    let mut place = Place::bare(world());
    let kubeconfig = place.repo().join("kubeconfig");
    place.sandbox.write_kubeconfig(&kubeconfig).unwrap();
    place.set("KUBECONFIG", &kubeconfig.display().to_string());
    place.write("regcred.yaml", file);
    let ran = place.run(&["plan"]);
    ran.ends(0)
        .says("+ create")
        .says(&format!("{system}:"))
        .says("To make exactly these changes: regcred sync");
    place.sync();
    place.run(&["plan", "--detailed-exitcode"]).ends(0);
}

/// The page of each target.
const PAGES: [(&str, &str); 5] = [
    ("aws", "docs/aws.md"),
    ("daytona", "docs/daytona.md"),
    ("github", "docs/github.md"),
    ("kubernetes", "docs/kubernetes-and-runai.md"),
    ("runpod", "docs/runpod.md"),
];

#[test]
fn every_targets_page_begins_with_a_file_of_six_lines_that_plans_and_syncs() {
    assert_eq!(PAGES.map(|(system, _)| system), regcred::systems::NAMES);
    for (system, path) in PAGES {
        let page = page(path);
        let file = blocks(&page, "```yaml")[0];
        assert!(page.lines().nth(2) == Some("```yaml"), "{path} begins with it");
        assert!(file.lines().count() <= 6, "{path}: {file}");
        plans(file, system);
    }
}

#[test]
fn the_first_file_for_run_ai_plans_and_syncs() {
    plans(blocks(&page("docs/kubernetes-and-runai.md"), "```yaml")[1], "kubernetes");
}

/// With `REGCRED_TEST_WRITE` set, README shows it from now on.
#[test]
#[allow(clippy::disallowed_methods, reason = "a person says that the page is to be written")]
fn readme_shows_the_plan_as_it_is() {
    let place = Place::with_pulumi();
    let screen = format!("$ regcred plan\n{}", place.run(&["plan"]).ends(0).stdout);
    let readme = page("README.md");
    let shown = blocks(&readme, "<!-- screen: plan -->\n```console")[0];
    if std::env::var_os("REGCRED_TEST_WRITE").is_some() {
        std::fs::write(file("README.md"), readme.replace(shown, &screen)).unwrap();
    } else {
        assert_eq!(shown, screen, "README: REGCRED_TEST_WRITE=1 cargo test --test cli first::readme");
    }
}
