//! How a run ends that somebody or something else ends: signals, a crash, and output that nobody takes.

use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use regcred_sandbox::{Moment, World};

use crate::place::{Place, TOKEN, written};
use crate::sources::program;
use crate::world::assert_holds;

/// Long enough that only a broken test waits for it.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// What means: end.
pub(crate) const SIGNALS: [&str; 3] = ["INT", "TERM", "HUP"];

/// A run whose output is kept.
pub(crate) fn start(command: &mut Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Sends a signal to a run.
pub(crate) fn send(signal: &str, run: &Child) {
    send_to(signal, run.id());
}

/// Sends a signal to a process.
pub(crate) fn send_to(signal: &str, id: u32) {
    let kill = format!("kill -{signal} {id}");
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
}

/// Waits until a run has said that it stops.
pub(crate) fn stopping(run: &mut Child) {
    let mut words = std::io::BufReader::new(run.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("Stopping: ") {
        line.clear();
        assert!(std::io::BufRead::read_line(&mut words, &mut line).unwrap() > 0, "it ended without a word");
    }
}

fn one() -> Place {
    Place::with_one_stack(World::default())
}

/// The program, started by a shell that does this first.
fn after(place: &Place, script: &str, args: &[&str]) -> Command {
    let direct = place.command(args);
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg(format!("{script}; exec \"$0\" \"$@\""))
        .arg(direct.get_program())
        .args(direct.get_args());
    command.env_clear().current_dir(place.repo()).stdin(Stdio::null());
    command.envs(direct.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command
}

#[test]
fn whatever_a_run_does_that_writes_nothing_a_signal_ends_it_at_once() {
    for args in [&["plan"][..], &["verify"], &["sync", "--yes"], &["sync", "--yes", "--json"]] {
        for signal in SIGNALS {
            let place = one();
            let mut pause = place.sandbox.pause_at(0, Moment::BeforeEffect);
            let run = start(&mut place.command(args));
            assert!(pause.wait(LIMIT));
            send(signal, &run);
            let output = run.wait_with_output().unwrap();
            assert_eq!(output.status.code(), Some(130), "{args:?} {signal}");
            assert_eq!(written(&place.sandbox.calls()), [""; 0], "{args:?} {signal}");
        }
    }
}

#[test]
fn a_scan_is_ended_by_a_signal_and_so_is_the_program_that_it_waits_for() {
    for signal in SIGNALS {
        let mut place = one();
        // A repository, as far as is looked at before git is asked.
        place.write(".git/HEAD", "ref: refs/heads/main\n");
        place.write("Dockerfile", "FROM alpine:3\n");
        let pipe = place.repo().join("ready");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        // It says where it is, and then does not end.
        program(
            &mut place,
            "git",
            &format!("exec 9>'{}'; echo $$ >&9; exec tail -f /dev/null", pipe.display()),
        );
        let run = start(&mut place.command(&["image", "--scan", "."]));
        let mut ready = std::io::BufReader::new(File::open(&pipe).unwrap());
        let mut line = String::new();
        std::io::BufRead::read_line(&mut ready, &mut line).unwrap();
        send(signal, &run);
        assert_eq!(run.wait_with_output().unwrap().status.code(), Some(130), "{signal}");
        // The pipe is at its end as soon as nobody has it open.
        assert_eq!(std::io::Read::read_to_end(&mut ready, &mut Vec::new()).unwrap(), 0, "{signal}");
    }
}

#[test]
fn an_interrupt_while_the_places_are_proven_ends_with_the_report_of_what_was_written() {
    for signal in SIGNALS {
        let last = one().sync().len() - 1;
        let place = one();
        let mut pause = place.sandbox.pause_at(last, Moment::BeforeEffect);
        let run = start(&mut place.command(&["sync", "--yes"]));
        assert!(pause.wait(LIMIT));
        send(signal, &run);
        let output = run.wait_with_output().unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(130), "{signal}: {stdout}");
        assert!(stdout.contains("Interrupted: ") && stdout.contains(" applied"), "{signal}: {stdout}");
        assert_holds(&place.sandbox.state(), TOKEN);
    }
}

/// A sync that waits with its first write.
fn writing(place: &Place) -> (Child, regcred_sandbox::Pause) {
    let reads = place.watch(&["plan"]).1.len();
    place.sandbox.clear_calls();
    let mut pause = place.sandbox.pause_at(reads, Moment::BeforeEffect);
    let run = start(&mut place.command(&["sync", "--yes"]));
    assert!(pause.wait(LIMIT));
    (run, pause)
}

#[test]
fn a_second_interrupt_or_sigterm_ends_a_run_in_the_middle_of_a_write() {
    for signal in ["INT", "TERM"] {
        let place = one();
        let (mut run, pause) = writing(&place);
        while run.try_wait().unwrap().is_none() {
            send(signal, &run);
        }
        assert_eq!(run.wait().unwrap().code(), Some(130), "{signal}");
        pause.release();
        place.sync();
        place.sync_again();
    }
}

#[test]
fn a_terminal_that_closes_hangs_up_more_than_once_and_the_write_is_finished() {
    let place = one();
    let (mut run, pause) = writing(&place);
    for _ in 0..10 {
        send("HUP", &run);
    }
    stopping(&mut run);
    pause.release();
    let output = run.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.contains("not started"), "{stdout}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_signal_that_whoever_started_the_run_ignores_is_ignored() {
    let place = one();
    let mut pause = place.sandbox.pause_at(0, Moment::BeforeEffect);
    let run = start(&mut after(&place, "trap '' HUP INT", &["sync", "--yes"]));
    assert!(pause.wait(LIMIT));
    send("HUP", &run);
    send("INT", &run);
    pause.release();
    assert_eq!(run.wait_with_output().unwrap().status.code(), Some(0));
    assert_holds(&place.sandbox.state(), TOKEN);
}

#[cfg(target_os = "linux")]
#[test]
fn a_run_that_crashes_leaves_no_core_dump() {
    for signal in ["ABRT", "QUIT"] {
        let place = one();
        let mut pause = place.sandbox.pause_at(0, Moment::BeforeEffect);
        let run = start(&mut after(&place, "ulimit -S -c $(ulimit -H -c)", &["plan"]));
        assert!(pause.wait(LIMIT));
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", run.id())).unwrap();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
        send(signal, &run);
        let ended = run.wait_with_output().unwrap().status;
        assert!(ended.signal().is_some(), "{signal}: {ended}");
        assert!(!ended.core_dumped(), "{signal}");
        let files = std::fs::read_dir(place.repo()).unwrap();
        let files: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
        assert_eq!(files, ["regcred.yaml"], "{signal}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_run_whose_limit_is_raised_again_leaves_no_core_dump_either() {
    let place = one();
    let mut pause = place.sandbox.pause_at(0, Moment::BeforeEffect);
    let run = start(&mut place.command(&["plan"]));
    assert!(pause.wait(LIMIT));
    let raise = format!("prlimit --pid {} --core=unlimited", run.id());
    let raised = Command::new("sh").args(["-c", &raise]).stderr(Stdio::null()).status().unwrap();
    send("ABRT", &run);
    assert!(!run.wait_with_output().unwrap().status.core_dumped(), "raised: {raised}");
}

/// Where a stream of a run goes that nobody reads.
#[derive(Clone, Copy, Debug)]
enum Lost {
    /// A pipe that nobody reads from any more.
    Pipe,
    /// A disk that is full.
    Full,
}

impl Lost {
    fn stream(self) -> Stdio {
        match self {
            Self::Full => File::options().write(true).open("/dev/full").unwrap().into(),
            Self::Pipe => std::io::pipe().unwrap().1.into(),
        }
    }
}

const LOUD: [&[&str]; 4] = [&["-v"], &["-vv"], &["-vvv"], &["--json", "-vvv"]];

#[cfg(target_os = "linux")]
#[test]
fn a_sync_whose_words_nobody_takes_writes_everything_and_says_so_by_its_code() {
    for lost in [Lost::Pipe, Lost::Full] {
        for loud in LOUD {
            let place = one();
            let args = [&["sync", "--yes"], loud].concat();
            let run = place.command(&args).stdout(Stdio::null()).stderr(lost.stream()).status().unwrap();
            assert_eq!(run.code(), Some(0), "{lost:?} {loud:?}");
            assert_holds(&place.sandbox.state(), TOKEN);
        }
    }
}

#[test]
fn a_sync_without_a_standard_error_writes_everything() {
    for script in ["exec 2>&-", "exec 1>&- 2>&-", "exec 0<&- 1>&- 2>&-"] {
        let place = one();
        let run = after(&place, script, &["sync", "--yes", "-vv"]).stdout(Stdio::null()).status().unwrap();
        assert_eq!(run.code(), Some(0), "{script}");
        assert_holds(&place.sandbox.state(), TOKEN);
    }
}

/// Everything that a run can say without a place to write to.
const WORDS: [&[&str]; 9] = [
    &["plan", "-vv"],
    &["plan", "--markdown"],
    &["verify", "--json", "-vvv"],
    &["image", "alpine:3", "-vv"],
    &["schema"],
    &["completions", "bash"],
    &["--help"],
    &["plan", "--no-such-flag"],
    &["plan", "--only", "nowhere:"],
];

#[cfg(target_os = "linux")]
#[test]
fn no_command_panics_whichever_of_its_streams_is_lost() {
    for args in WORDS {
        for lost in [Lost::Pipe, Lost::Full] {
            for (stdout, stderr) in [(true, false), (false, true), (true, true)] {
                let place = one();
                let stream = |is_lost| if is_lost { lost.stream() } else { Stdio::piped() };
                let mut command = place.command(args);
                let run = command.stdout(stream(stdout)).stderr(stream(stderr)).spawn().unwrap();
                let output = run.wait_with_output().unwrap();
                let code = output.status.code();
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                // A panic ends with 101, or with a signal.
                assert!(code.is_some_and(|code| code <= 5), "{args:?} {lost:?} {output:?}");
                assert!(!said.contains("panicked"), "{args:?} {lost:?}: {said}");
            }
        }
    }
}
