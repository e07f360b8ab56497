//! A folder to run in, a sandbox to talk to, and an environment that nothing of this machine gets into.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use clap::Parser as _;
use regcred::cli::Cli;
use regcred_sandbox::{Call, Sandbox, World, writes};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const USER: &str = "acme";
pub(crate) const TOKEN: &str = "dckr_pat_sandbox-0123456789abcdefghi";
pub(crate) const OTHER_TOKEN: &str = "dckr_pat_sandbox-zyxwvutsrqponmlkjihg";
pub(crate) const PASSPHRASE: &str = "correct horse";

/// One stack and one repository.
pub(crate) const ONE_STACK: &str = "\
version: 1
credentials:
  docker-hub:
    to:
      aws: { stacks: { main: { region: us-east-2 } } }
      github: [{ repository: acme/api }]
";

/// Where a run happens.
pub(crate) struct Place {
    dir: TempDir,
    pub(crate) sandbox: Sandbox,
    env: BTreeMap<String, String>,
}

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Place {
    /// The example Pulumi project in `infra/`, the credential in the environment, the default world.
    pub(crate) fn new() -> Self {
        let place = Self::bare(World::default());
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pulumi/infra");
        for file in ["Pulumi.yaml", "Pulumi.main.yaml", "Pulumi.dev.yaml"] {
            place.write(&format!("infra/{file}"), &std::fs::read_to_string(example.join(file)).unwrap());
        }
        place
    }

    /// The same with the credential in Pulumi. Each run derives a key, which takes a second.
    pub(crate) fn with_pulumi() -> Self {
        let mut place = Self::new();
        place.unset("DOCKER_HUB_USERNAME");
        place.unset("DOCKER_HUB_TOKEN");
        place.set("PULUMI_CONFIG_PASSPHRASE", PASSPHRASE);
        place
    }

    /// A `regcred.yaml` for one stack and one repository, the credential in the environment.
    pub(crate) fn with_one_stack(world: World) -> Self {
        let place = Self::bare(world);
        place.write("regcred.yaml", ONE_STACK);
        place
    }

    /// No configuration of any kind.
    pub(crate) fn bare(world: World) -> Self {
        let dir = TempDir::new().unwrap();
        let sandbox = Sandbox::start(world).unwrap();
        let mut env = sandbox.env();
        let home = dir.path().join("home");
        std::fs::create_dir_all(&home).unwrap();
        std::fs::create_dir_all(dir.path().join("repo")).unwrap();
        let own = [
            ("HOME", home.display().to_string()),
            ("PULUMI_HOME", home.join("pulumi").display().to_string()),
            ("AWS_CONFIG_FILE", home.join("none").display().to_string()),
            ("AWS_SHARED_CREDENTIALS_FILE", home.join("none").display().to_string()),
            ("GIT_CEILING_DIRECTORIES", dir.path().display().to_string()),
            ("PATH", "/usr/bin:/bin".to_owned()),
            ("GITHUB_REPOSITORY", "acme/api".to_owned()),
            ("DOCKER_HUB_USERNAME", USER.to_owned()),
            ("DOCKER_HUB_TOKEN", TOKEN.to_owned()),
        ];
        env.extend(own.map(|(name, value)| (name.to_owned(), value)));
        Self { dir, sandbox, env }
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.env.insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.env.get(name).map(String::as_str)
    }

    /// The environment, for what is called without the program.
    pub(crate) fn environment(&self) -> regcred::env::Env {
        self.env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    pub(crate) fn unset(&mut self, name: &str) {
        self.env.remove(name);
    }

    /// The folder that the program runs in.
    pub(crate) fn repo(&self) -> PathBuf {
        self.dir.path().join("repo")
    }

    /// Writes a file in that folder.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let file = self.repo().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    /// Replaces a text in a file there; it has to be in it.
    pub(crate) fn edit(&self, path: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.repo().join(path)).unwrap();
        assert!(text.contains(from), "{path} has no {from}");
        self.write(path, &text.replace(from, to));
    }

    /// The program, ready to run.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_regcred"));
        command.args(args).current_dir(self.repo()).env_clear().envs(&self.env).stdin(Stdio::null());
        command
    }

    /// Runs it to its end. Every exit code that says that nothing was written is held to the requests, and every command
    /// that is printed to the grammar.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.ended(&mut self.command(args))
    }

    /// The same with another token.
    pub(crate) fn run_with(&self, args: &[&str], token: &str) -> Ran {
        self.ended(self.command(args).env("DOCKER_HUB_TOKEN", token))
    }

    fn ended(&self, command: &mut Command) -> Ran {
        let earlier = self.sandbox.calls().len();
        let ran = Ran::of(command.output().unwrap());
        ran.commands();
        ran.counts();
        self.assert_true(&ran, earlier);
        ran
    }

    /// An exit code that says that nothing was written is true of the requests after so many `earlier` ones.
    #[track_caller]
    pub(crate) fn assert_true(&self, ran: &Ran, earlier: usize) {
        if matches!(ran.code, 1 | 3 | 4) {
            let calls = self.sandbox.calls();
            let done = |call: &&Call| call.is_write && call.status.is_some_and(|status| status / 100 == 2);
            let done: Vec<&str> =
                calls.iter().skip(earlier).filter(done).map(|call| call.operation.as_str()).collect();
            assert_eq!(
                done, [""; 0],
                "{} says that nothing was written\n{}{}",
                ran.code, ran.stdout, ran.stderr
            );
        }
    }

    /// The same with something to read on standard input.
    pub(crate) fn run_reading(&self, args: &[&str], input: &str) -> Ran {
        let file = self.dir.path().join("input");
        std::fs::write(&file, input).unwrap();
        self.ended(self.command(args).stdin(std::fs::File::open(file).unwrap()))
    }

    /// Runs with only its own requests in the call log, and gives the requests, too.
    pub(crate) fn watch(&self, args: &[&str]) -> (Ran, Vec<Call>) {
        self.sandbox.clear_calls();
        let ran = self.run(args);
        (ran, self.sandbox.calls())
    }

    /// A full sync that is done.
    pub(crate) fn sync(&self) -> Vec<Call> {
        let (ran, calls) = self.watch(&["sync", "--yes"]);
        ran.ends(0);
        assert_eq!(self.sandbox.violations(), [""; 0]);
        calls
    }

    /// A full sync that is done and wrote nothing.
    pub(crate) fn sync_again(&self) {
        let calls = self.sync();
        assert_eq!(written(&calls), [""; 0], "the second run");
    }

    /// Other credentials from now on; the registry takes both.
    pub(crate) fn change_token(&mut self) {
        self.sandbox.state().registry.add_account(USER, OTHER_TOKEN);
        self.set("DOCKER_HUB_TOKEN", OTHER_TOKEN);
    }
}

/// The words of a command, without the program's name. It is of the grammar.
#[track_caller]
pub(crate) fn parsed(command: &str) -> Vec<String> {
    let words = shlex::split(command).unwrap_or_else(|| panic!("no shell takes: {command}"));
    let parsed = Cli::try_parse_from(["regcred"].into_iter().chain(words.iter().map(String::as_str)));
    assert!(parsed.is_ok(), "printed, and no command: {words:?}: {}", parsed.unwrap_err());
    words
}

impl Ran {
    /// The commands of regcred that were printed to be run next, each at the end of its line. All are of the grammar.
    #[track_caller]
    pub(crate) fn commands(&self) -> Vec<Vec<String>> {
        let lines = self
            .stdout
            .lines()
            .chain(self.stderr.lines())
            .filter(|line| !line.starts_with(['{', '#']) && !line.contains("[OPTIONS]"));
        let printed = lines.filter_map(|line| line.trim_end_matches('`').rsplit_once("regcred "));
        let known = ["plan", "sync", "rotate", "remove", "verify", "init", "image", "rbac", "permissions"];
        let commands = printed.filter(|(before, command)| {
            before.ends_with([' ', '`']) && known.contains(&command.split(' ').next().unwrap())
        });
        // In a help, words stand behind its examples, which have a test of their own.
        let is_help = self.stdout.contains("Usage:");
        let commands = commands.filter(|(_, command)| !is_help && !command.contains('`'));
        commands.map(|(_, command)| parsed(command.split(" | ").next().unwrap())).collect()
    }

    /// One of something is not counted as several: "1 requests".
    #[track_caller]
    fn counts(&self) {
        let plural = |word: &str| {
            let word = word.trim_end_matches([',', '.', ';', ':', ')']);
            let is_a_verb = word == "differs";
            !is_a_verb
                && word.len() > 3
                && word.ends_with('s')
                && word.chars().all(|c| c.is_ascii_lowercase())
        };
        for line in self.stdout.lines().chain(self.stderr.lines()).filter(|line| !line.starts_with('{')) {
            let words: Vec<&str> = line.split(' ').collect();
            let one = |three: &[&str]| three[0] != "of" && three[1] == "1" && plural(three[2]);
            let wrong = words.windows(3).any(one);
            assert!(!wrong, "one is not several: {line}");
        }
    }

    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// It ended with this code.
    #[track_caller]
    pub(crate) fn ends(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "\n--- stdout\n{}\n--- stderr\n{}", self.stdout, self.stderr);
        self
    }

    /// stdout has this text.
    #[track_caller]
    pub(crate) fn says(&self, text: &str) -> &Self {
        assert!(self.stdout.contains(text), "no {text:?} in\n{}\n--- stderr\n{}", self.stdout, self.stderr);
        self
    }

    /// stderr has this text.
    #[track_caller]
    pub(crate) fn complains(&self, text: &str) -> &Self {
        assert!(self.stderr.contains(text), "no {text:?} in\n{}", self.stderr);
        self
    }

    /// stdout as JSON lines.
    #[track_caller]
    pub(crate) fn lines(&self) -> Vec<Value> {
        let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.stdout.lines().map(parse).collect()
    }
}

/// Says a figure where the harness does not swallow it, as it does with what a passing test prints.
pub(crate) fn tell(words: &str) {
    let _ = writeln!(std::io::stderr(), "{words}");
}

/// The operations that wrote, in order of arrival.
pub(crate) fn written(calls: &[Call]) -> Vec<&str> {
    writes(calls).into_iter().map(|call| call.operation.as_str()).collect()
}
