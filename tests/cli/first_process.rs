//! A run that is the first process of a container: the kernel gives it no signal that it does not listen for, and whatever
//! its programs leave behind is its own child.
//!
//! Where nobody may make a PID namespace, as in many containers, this prints `NOT RUN`.
#![cfg(target_os = "linux")]

use std::fs::read_to_string;
use std::process::{Child, Command, Stdio};

use regcred_sandbox::{Moment, World};

use crate::ends::{LIMIT, SIGNALS, send_to, start};
use crate::place::{ONE_STACK, Place, TOKEN, tell, written};
use crate::sources::program;
use crate::world::assert_holds;

/// With the rights of root, or in a user namespace.
const WAYS: [&[&str]; 2] =
    [&["--pid", "--fork", "--mount-proc"], &["-Ur", "--pid", "--fork", "--mount-proc"]];

/// How a process becomes the first one here.
fn way() -> Option<&'static [&'static str]> {
    let works = |way: &&&[&str]| {
        let tried = Command::new("unshare")
            .args(**way)
            .arg("true")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        tried.is_ok_and(|status| status.success())
    };
    let way = WAYS.iter().find(works).copied();
    if way.is_none() {
        tell("NOT RUN: regcred as the first process: unshare --pid is not there, or not allowed");
    }
    way
}

/// The program, to be started as the first process.
fn first(way: &[&str], place: &Place, args: &[&str]) -> Command {
    let direct = place.command(args);
    let mut command = Command::new("unshare");
    command.args(way).arg("--").arg(direct.get_program()).args(direct.get_args());
    command.env_clear().current_dir(place.repo()).stdin(Stdio::null());
    command.envs(direct.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command
}

/// The first process, as it is known outside.
fn id(unshare: &Child) -> u32 {
    let id = unshare.id();
    let children = read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
    let id = children.trim().parse().unwrap();
    let status = read_to_string(format!("/proc/{id}/status")).unwrap();
    let ids = status.lines().find(|line| line.starts_with("NSpid:")).unwrap();
    assert!(ids.ends_with("\t1"), "{ids}");
    id
}

/// The children of a process that have ended and that it has not asked for.
fn zombies(id: u32) -> Vec<String> {
    let tasks = std::fs::read_dir(format!("/proc/{id}/task")).unwrap();
    let lists = tasks.map(|task| read_to_string(task.unwrap().path().join("children")).unwrap_or_default());
    let children: String = lists.collect();
    let status = |child: &str| read_to_string(format!("/proc/{child}/status")).ok();
    children.split_whitespace().filter_map(status).filter(|status| status.contains("State:\tZ")).collect()
}

#[test]
fn as_the_first_process_whatever_writes_nothing_is_ended_by_a_signal() {
    let Some(way) = way() else { return };
    for args in [&["plan"][..], &["verify"], &["sync", "--yes"]] {
        for signal in SIGNALS {
            let place = Place::with_one_stack(World::default());
            let mut pause = place.sandbox.pause_at(0, Moment::BeforeEffect);
            let run = start(&mut first(way, &place, args));
            assert!(pause.wait(LIMIT));
            send_to(signal, id(&run));
            assert_eq!(run.wait_with_output().unwrap().status.code(), Some(130), "{args:?} {signal}");
            assert_eq!(written(&place.sandbox.calls()), [""; 0], "{args:?} {signal}");
        }
    }
}

#[test]
fn as_the_first_process_a_sync_finishes_and_reports_what_it_was_writing() {
    let Some(way) = way() else { return };
    for signal in SIGNALS {
        let place = Place::with_one_stack(World::default());
        let last = place.sync().len() - 1;
        let place = Place::with_one_stack(World::default());
        let mut pause = place.sandbox.pause_at(last, Moment::BeforeEffect);
        let run = start(&mut first(way, &place, &["sync", "--yes"]));
        assert!(pause.wait(LIMIT));
        send_to(signal, id(&run));
        let output = run.wait_with_output().unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(130), "{signal}: {stdout}");
        assert!(stdout.contains("Interrupted: ") && stdout.contains(" applied"), "{signal}: {stdout}");
        assert_holds(&place.sandbox.state(), TOKEN);
    }
}

/// The credential comes from a program that leaves a process behind, which has ended before the program has.
#[test]
fn as_the_first_process_a_run_keeps_no_zombie_of_what_its_programs_left_behind() {
    let Some(way) = way() else { return };
    let mut place = Place::with_one_stack(World::default());
    let from = "    from: { command: { run: [leaves], username: acme } }\n    to:";
    place.write("regcred.yaml", &ONE_STACK.replace("    to:", from));
    // Where regcred is not the first process, whoever is may have asked for it at once.
    let left = "(true & echo $! >left); at=/proc/$(cat left); \
                until grep -qs '^State:.Z' $at/status || ! [ -e $at ]; do :; done";
    program(&mut place, "leaves", &format!("{left}\necho {TOKEN}"));
    let last = place.watch(&["plan"]).1.len();
    place.sandbox.clear_calls();
    let mut pause = place.sandbox.pause_at(last, Moment::BeforeEffect);
    let run = start(&mut first(way, &place, &["sync", "--yes"]));
    assert!(pause.wait(LIMIT), "it wrote nothing");
    assert_eq!(zombies(id(&run)), [""; 0]);
    pause.release();
    assert_eq!(run.wait_with_output().unwrap().status.code(), Some(0));
    assert_holds(&place.sandbox.state(), TOKEN);
}
