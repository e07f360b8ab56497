//! Which folder and which file a run works on.

use std::os::unix::fs::PermissionsExt;

use regcred_sandbox::World;

use crate::place::{ONE_STACK, Place, Ran};

/// A repository with a configuration at its root, and a folder `app/api` in it.
fn repository() -> Place {
    let place = Place::with_one_stack(World::default());
    place.write(".git/HEAD", "ref: refs/heads/main\n");
    place.write("app/api/main.rs", "");
    place
}

fn run_in(place: &Place, folder: &str, args: &[&str]) -> Ran {
    Ran::of(place.command(args).current_dir(place.repo().join(folder)).output().unwrap())
}

#[test]
fn the_configuration_of_a_folder_above_is_found_and_named() {
    let place = repository();
    let plan = run_in(&place, "app/api", &["plan"]);
    plan.ends(0).says("the configuration is ../../regcred.yaml (a folder above)").says("main-docker-hub");
    assert!(!plan.stdout.contains("--file"), "the next command finds it again\n{}", plan.stdout);
    assert!(!place.run(&["plan"]).stdout.contains("the configuration is"), "one in the folder needs no word");
    place.write("app/regcred.yaml", &ONE_STACK.replace("main:", "near:"));
    run_in(&place, "app/api", &["plan"]).ends(0).says("near-docker-hub");
    run_in(&place, "app/api", &["image", "alpine"]).ends(0).says("near-docker-hub");
}

#[test]
fn no_folder_above_the_repository_or_the_home_folder_is_looked_at() {
    let place = Place::bare(World::default());
    std::fs::write(place.repo().parent().unwrap().join("regcred.yaml"), ONE_STACK).unwrap();
    place.write("app/.git", "gitdir: elsewhere\n");
    run_in(&place, "app", &["plan"]).ends(3).complains("no regcred.yaml");
    // In neither, only the folder itself counts.
    std::fs::remove_file(place.repo().join("app/.git")).unwrap();
    run_in(&place, "app", &["plan"]).ends(3).complains("no regcred.yaml");
    let mut place = Place::with_one_stack(World::default());
    place.write("app/x", "");
    run_in(&place, "app", &["plan"]).ends(3);
    place.set("HOME", &place.repo().display().to_string());
    run_in(&place, "app", &["plan"]).ends(0).says("../regcred.yaml");
}

#[test]
fn a_configuration_above_that_everybody_may_write_is_refused() {
    let place = repository();
    let file = place.repo().join("regcred.yaml");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o666)).unwrap();
    run_in(&place, "app", &["plan"])
        .ends(3)
        .complains("../regcred.yaml: is the nearest regcred.yaml, and everybody may write to it")
        .complains("chmod o-w ../regcred.yaml");
    run_in(&place, "app", &["plan", "--file", "../regcred.yaml"]).ends(0);
    place.run(&["plan"]).ends(0);
}

#[test]
fn the_variable_names_a_configuration_and_the_flag_goes_before_it() {
    let mut place = repository();
    place.write("other.yaml", &ONE_STACK.replace("main:", "other:"));
    place.set("REGCRED_FILE", "other.yaml");
    place
        .run(&["plan"])
        .ends(0)
        .says("other-docker-hub")
        .says("the configuration is other.yaml (REGCRED_FILE)");
    place.run(&["plan", "--file", "regcred.yaml"]).ends(0).says("main-docker-hub");
    place.set("REGCRED_FILE", "nowhere.yaml");
    place.run(&["plan"]).ends(3).complains("nowhere.yaml").complains("regcred init --file nowhere.yaml");
    place.set("REGCRED_FILE", "");
    place.run(&["plan"]).ends(0).says("main-docker-hub");
}

#[test]
fn a_run_works_as_if_started_in_the_folder_that_is_named() {
    let place = repository();
    place.write("away/x", "");
    let plan = run_in(&place, "away", &["plan", "-C", "../app/.."]);
    plan.ends(0).says("main-docker-hub").says("-C ../app/..");
    run_in(&place, "away", &["-C", "..", "sync", "--yes", "--file", "regcred.yaml"]).ends(0);
    run_in(&place, "away", &["verify", "-C", ".."]).ends(0);
    place.write("Dockerfile", "FROM alpine\n");
    run_in(&place, "away", &["image", "-C", "..", "--scan", "Dockerfile"]).ends(0).says("alpine");
    run_in(&place, "away", &["plan", "-C", "nowhere"])
        .ends(3)
        .complains("-C: nowhere cannot be entered: No such file");
}
