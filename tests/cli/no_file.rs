//! What stands where a file is looked for and has no end, or is none: a pipe, a socket, a device, a folder, a link to nowhere.

use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use regcred_sandbox::World;

use crate::kubernetes::{ONE, of_world};
use crate::place::{ONE_STACK, Place};
use crate::source::with_code;

/// Puts something that is no file at a path, and says what it is to be called.
fn put(path: &Path, what: &str) -> &'static str {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let _ = std::fs::remove_file(path);
    match what {
        "pipe" => {
            assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
            "it is a named pipe, not a file"
        }
        "socket" => {
            drop(UnixListener::bind(path).unwrap());
            "it is a socket, not a file"
        }
        "device" => {
            symlink("/dev/zero", path).unwrap();
            "it is a device, not a file"
        }
        "folder" => {
            std::fs::create_dir(path).unwrap();
            "it is a folder, not a file"
        }
        other => panic!("{other}"),
    }
}

const KINDS: [&str; 4] = ["pipe", "socket", "device", "folder"];

/// Each kind of no file at a path in the folder of the run ends a plan with this code, in words.
#[track_caller]
fn refused(place: impl Fn() -> Place, path: &str, code: i32) {
    for kind in KINDS {
        let place = place();
        let words = put(&place.repo().join(path), kind);
        let ran = place.run(&["plan"]);
        let said = format!("{} {}", ran.stdout, ran.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(ran.code, code, "{path}, {kind}: {said}");
        assert!(said.contains(words), "{path}, {kind}: {said}");
    }
}

#[test]
fn a_configuration_that_is_no_file_is_refused_and_neither_waited_for_nor_passed_over() {
    refused(|| Place::bare(World::default()), "regcred.yaml", 3);
    let place = Place::new();
    symlink("nowhere", place.repo().join("regcred.yaml")).unwrap();
    place.run(&["plan"]).ends(3).complains("regcred.yaml").complains("cannot be read");
    let place = Place::new();
    put(&place.repo().join("regcred.yml"), "pipe");
    place.run(&["plan"]).ends(3).complains("mv regcred.yml regcred.yaml");
}

#[test]
fn files_of_pulumi_that_are_none_are_refused() {
    let named = || {
        let place = Place::new();
        let from = "    from: { pulumi: { project: infra, stack: main } }\n    to:";
        place.write("regcred.yaml", &ONE_STACK.replace("    to:", from));
        place
    };
    // A folder of that name is no stack's file to Pulumi.
    for kind in ["pipe", "socket", "device"] {
        let place = named();
        let words = put(&place.repo().join("infra/Pulumi.main.yaml"), kind);
        place.run(&["plan"]).ends(3).complains(words);
        let place = named();
        let words = put(&place.repo().join("infra/Pulumi.yaml"), kind);
        place.run(&["plan"]).ends(3).complains(words);
    }
}

#[test]
fn a_docker_configuration_that_is_no_file_is_refused() {
    let by_docker = || {
        let mut place = Place::with_one_stack(World::default());
        place.edit("regcred.yaml", "    to:", "    from: docker-config\n    to:");
        let folder = place.repo().join("docker").display().to_string();
        place.set("DOCKER_CONFIG", &folder);
        place
    };
    refused(by_docker, "docker/config.json", 3);
}

#[test]
fn a_file_of_a_credential_that_is_none_is_refused() {
    let by_file = |name: &str| {
        let place = Place::with_one_stack(World::default());
        place.edit("regcred.yaml", "    to:", &format!("    from: {{ file: {name} }}\n    to:"));
        place
    };
    for name in ["token", ".env"] {
        let place = by_file(name);
        let path = place.repo().join(name);
        let words = put(&path, "pipe");
        assert!(Command::new("chmod").arg("600").arg(&path).status().unwrap().success());
        place.run(&["plan"]).ends(3).complains(words);
    }
}

#[test]
fn a_kubeconfig_that_is_no_file_is_told_and_so_is_a_file_that_it_names() {
    refused(|| of_world(ONE, World::default()), "kubeconfig", 4);
    for key in ["tokenFile", "client-certificate"] {
        let place = of_world(ONE, with_cluster());
        let path = place.repo().join("kubeconfig");
        let mut config: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        config["users"][0]["user"] = serde_json::json!({ key: "pipe", "client-key": "pipe" });
        std::fs::write(&path, config.to_string()).unwrap();
        put(&place.repo().join("pipe"), "pipe");
        let ran = place.run(&["plan"]);
        let said = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(ran.code == 4 && said.contains("it is a named pipe, not a file"), "{key}: {said}");
    }
}

fn with_cluster() -> World {
    let mut world = World::default();
    let _ = world.kubernetes.cluster_mut("prod");
    world
}

#[test]
fn shared_files_of_aws_that_are_none_are_told() {
    for variable in ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"] {
        let mut place = Place::with_one_stack(World::default());
        let path = place.repo().join("pipe");
        let words = put(&path, "pipe");
        place.set(variable, &path.display().to_string());
        let ran = place.run(&["plan"]);
        let said = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(ran.code == 5 && said.contains(words), "{variable}: {said}{}", ran.stderr);
    }
}

#[test]
fn what_a_shell_hands_over_by_a_pipe_is_read() {
    let place = Place::bare(World::default());
    place.write("file", ONE_STACK);
    let program = env!("CARGO_BIN_EXE_regcred");
    let run = place.command(&[]);
    let mut bash = Command::new("bash");
    bash.arg("-c").arg(format!("'{program}' plan --file <(cat file)")).current_dir(place.repo()).env_clear();
    bash.envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = bash.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn there_is_one_place_that_opens_files() {
    // What only the system writes is no file of somebody else's.
    const ALLOWED: [&str; 2] = ["src/files.rs", "src/program/interrupt.rs"];
    const WAYS: [&str; 3] = ["fs::read(", "fs::read_to_string(", "File::open("];
    let mut openers = with_code(|code| WAYS.iter().any(|way| code.contains(way)));
    openers
        .retain(|path| !path.ends_with("tests.rs") && !ALLOWED.iter().any(|allowed| path.ends_with(allowed)));
    assert!(openers.is_empty(), "{openers:?}");
}
