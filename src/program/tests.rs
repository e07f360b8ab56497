use std::sync::Mutex;

use super::*;

fn program(argv: &[&str]) -> Program {
    let argv = argv.iter().map(|word| (*word).to_owned()).collect();
    let env = vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())];
    Program::new(argv, env, Vec::new(), &Programs::default())
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(work)
}

fn run(program: &Program) -> Result<Arc<Output>, ProgramError> {
    block_on(program.run())
}

#[test]
fn a_program_gets_its_input_and_only_the_environment_that_is_listed() {
    let echo = program(&["cat"]).reading("hello");
    assert_eq!(*run(&echo).expect("it runs").stdout, b"hello");
    let seen = run(&program(&["env"])).expect("it runs");
    assert_eq!(*seen.stdout, b"PATH=/usr/bin:/bin\n");
    let code = run(&program(&["sh", "-c", "exit 7"])).expect("it runs").code;
    assert_eq!(code, Some(7));
}

#[test]
fn a_program_that_does_not_end_is_ended_and_named() {
    let endless = program(&["tail", "-f", "/dev/null"]).for_at_most(Duration::ZERO);
    let error = run(&endless).err().expect("it takes too long");
    assert_eq!(error.to_string(), "`tail` did not end within 0 seconds, and was ended");
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let error = run(&program(&["no-such-program"])).err().expect("there is none");
    assert_eq!(error.to_string(), "the program `no-such-program` is not on PATH");
}

#[test]
fn a_program_that_prints_without_end_is_stopped() {
    let error = run(&program(&["yes"])).err().expect("it is too much");
    assert_eq!(error.to_string(), "`yes` printed more than 4 MiB");
    let error = run(&program(&["sh", "-c", "yes >&2"])).err().expect("it is too much");
    assert_eq!(error.to_string(), "`sh` printed more than 4 MiB");
}

#[test]
fn a_program_is_started_once_in_a_run_whatever_it_said() {
    let dir = tempfile::tempdir().expect("a folder");
    let count = program(&["sh", "-c", "echo . >> starts; exit 3"]).within(dir.path());
    block_on(async {
        let (one, other) = tokio::join!(count.run(), count.run());
        assert!(one.is_ok() && other.is_ok());
        assert_eq!(count.run().await.expect("it runs").code, Some(3));
        let starts = || std::fs::read_to_string(dir.path().join("starts")).expect("it was started");
        assert_eq!(starts(), ".\n");
        count.forget();
        count.run().await.expect("it runs");
        assert_eq!(starts(), ".\n.\n");
    });
}

#[test]
fn what_a_program_says_is_shown_while_it_runs() {
    let (tell, told) = std::sync::mpsc::channel();
    let programs = Programs::default();
    let dir = tempfile::tempdir().expect("a folder");
    let answer = dir.path().join("answer");
    // It goes on when what it says has been seen.
    let go_on = Mutex::new(Some(answer.clone()));
    programs.show(false, move |line| {
        tell.send(line.to_owned()).expect("somebody listens");
        if let Some(answer) = go_on.lock().expect("not poisoned").take() {
            std::fs::write(answer, "").expect("it can be written");
        }
    });
    let script = "echo 'enter CODE' >&2; until [ -e answer ]; do :; done; echo done >&2; exit 1";
    let argv = ["sh", "-c", script].map(str::to_owned).to_vec();
    let env = vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())];
    let asking = Program::new(argv, env, Vec::new(), &programs).within(dir.path()).called("login");
    run(&asking).expect("it runs");
    assert_eq!(told.try_iter().collect::<Vec<_>>(), ["login: enter CODE", "login: done"]);
    run(&asking.quiet().reading(".")).expect("it runs");
    assert_eq!(told.try_iter().count(), 0);
}

#[test]
fn a_program_that_fails_is_told_with_what_was_withheld_from_it() {
    let failed = |withheld: &[&str]| {
        let mut failing = program(&["sh", "-c", "exit 1"]).called("docker-credential-x");
        failing.withheld = withheld.iter().map(|name| (*name).to_owned()).collect();
        block_on(failing.succeed()).err().expect("it failed")
    };
    assert_eq!(failed(&[]).to_string(), "`docker-credential-x` exited with 1");
    assert_eq!(failed(&[]).hint(), None);
    let one = failed(&["GITHUB_TOKEN"]);
    assert_eq!(one.to_string(), "`docker-credential-x` exited with 1; GITHUB_TOKEN is withheld from it");
    assert!(one.hint().is_some_and(|hint| hint.ends_with("export MY_GITHUB_TOKEN=\"$GITHUB_TOKEN\"")));
    assert!(failed(&["A", "B", "C"]).to_string().ends_with("; A, B and C are withheld from it"));
}
