//! Other programs: one way to start them all. Each is started once in a run, with a limit of time, and by a
//! shell only where its owner starts it so (`credential_process`); it is heard: what it says to whoever started it is shown while it runs. What it gives may hold a secret: it is wiped, and
//! in no error. What it gets of the environment is said in `env.rs`.

mod core_dumps;
mod group;
mod interrupt;
mod stderr;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use zeroize::Zeroizing;

pub use core_dumps::forbid_core_dumps;
use group::Groups;
use interrupt::Interrupts;

use crate::once::Once;

/// Far above what any program prints that gives a credential or a stack's configuration.
const MAX_OUTPUT: usize = 4 * 1024 * 1024;
/// A person may have to be waited for: a fingerprint, a touch, a code for a browser.
const LIMIT: Duration = Duration::from_secs(60);

/// The programs of a run: what they gave, those that are running, and where their words are shown.
#[derive(Clone, Default)]
pub(crate) struct Programs(Arc<Inner>);

#[derive(Default)]
struct Inner {
    given: Once<Key, Result<Arc<Output>, ProgramError>>,
    groups: Arc<Groups>,
    interrupts: Arc<Interrupts>,
    terminal: OnceLock<Terminal>,
    /// Set once none may be started any more.
    refused: OnceLock<()>,
}

/// What is the same question, and has one answer in a run.
type Key = (Vec<String>, PathBuf, Vec<(String, String)>, String);

struct Terminal {
    show: Box<dyn Fn(&str) + Send + Sync>,
    /// Whether somebody may be asked.
    asks: bool,
}

/// A program to run.
#[derive(Clone)]
pub(crate) struct Program {
    argv: Vec<String>,
    /// What people call it, where that is not its name.
    called: Option<String>,
    dir: PathBuf,
    env: Vec<(String, String)>,
    /// The variables that are set and kept from it.
    withheld: Vec<String>,
    input: String,
    limit: Duration,
    is_quiet: bool,
    /// Whether it may ask a person itself.
    asks: bool,
    programs: Programs,
}

/// What a program gave.
pub(crate) struct Output {
    /// The exit code; none if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Zeroizing<Vec<u8>>,
    pub(crate) stderr: Zeroizing<Vec<u8>>,
}

/// A program that gave nothing. No variant holds anything that it printed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProgramError {
    #[error("the program `{name}` is not on PATH")]
    Absent { name: String },
    #[error("`{name}` is not started, because the repository is not trusted")]
    Untrusted { name: String },
    #[error("`{name}` cannot be run: {why}")]
    NotRun { name: String, why: String },
    #[error("`{name}` did not end within {} seconds, and was ended", limit.as_secs())]
    TooSlow { name: String, limit: Duration },
    #[error("`{name}` printed more than {} MiB", MAX_OUTPUT / 1024 / 1024)]
    TooMuch { name: String },
    #[error("`{name}` {}{}", Ended(*code), kept_from_it(withheld))]
    Failed { name: String, code: Option<i32>, withheld: Vec<String> },
}

/// How a program ended.
struct Ended(Option<i32>);

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(code) => write!(f, "exited with {code}"),
            None => f.write_str("was ended by a signal"),
        }
    }
}

fn kept_from_it(withheld: &[String]) -> String {
    match withheld {
        [] => String::new(),
        [one] => format!("; {one} is withheld from it"),
        [several @ .., last] => format!("; {} and {last} are withheld from it", several.join(", ")),
    }
}

/// Whether a time that a program gave has passed.
#[expect(
    clippy::disallowed_methods,
    reason = "it is by this machine's clock that programs say how long a login is good"
)]
pub(crate) fn has_passed(time: SystemTime) -> bool {
    time <= SystemTime::now()
}

impl ProgramError {
    /// Whether it was not started because the repository is not trusted.
    pub(crate) fn is_untrusted(&self) -> bool {
        matches!(self, Self::Untrusted { .. })
    }

    /// What to do about it, if what it was not given may be the reason.
    pub(crate) fn hint(&self) -> Option<String> {
        let Self::Failed { name, withheld, .. } = self else { return None };
        let first = withheld.first()?;
        Some(format!(
            "if {name} needs what is withheld, give it that under a name of its own: export MY_{first}=\"${first}\""
        ))
    }
}

impl Programs {
    /// Shows what programs say, each line with the program's name; `asks` is whether they may ask a person.
    pub(crate) fn show(&self, asks: bool, show: impl Fn(&str) + Send + Sync + 'static) {
        let _ = self.0.terminal.set(Terminal { show: Box::new(show), asks });
    }

    /// Starts none from now on.
    pub(crate) fn refuse(&self) {
        let _ = self.0.refused.set(());
    }

    /// Has whatever interrupts the run (Ctrl-C, SIGTERM, SIGHUP) end the programs first, and then the run with 130.
    pub(crate) fn listen(&self) {
        // Where it cannot be listened for, an interrupt ends the run as it ends any program.
        let _ = self.0.interrupts.listen(&self.0.groups);
    }

    /// Leaves the first interrupt to whoever writes to the systems, who finishes what is under way; it turns true then. The
    /// second one ends the run.
    pub(crate) fn leave_interrupts(&self) -> watch::Receiver<bool> {
        self.0.interrupts.leave()
    }

    /// Whether a program may ask a person.
    pub(crate) fn can_ask(&self) -> bool {
        self.0.terminal.get().is_some_and(|terminal| terminal.asks)
    }
}

impl Program {
    /// A program with this environment, from which these variables are kept.
    pub(crate) fn new(
        argv: Vec<String>,
        env: Vec<(String, String)>,
        withheld: Vec<String>,
        programs: &Programs,
    ) -> Self {
        let (dir, input, programs) = (PathBuf::new(), String::new(), programs.clone());
        Self {
            argv,
            called: None,
            dir,
            env,
            withheld,
            input,
            limit: LIMIT,
            is_quiet: false,
            asks: false,
            programs,
        }
    }

    /// The same program with other words, and the same environment.
    pub(crate) fn with_argv(self, argv: Vec<String>) -> Self {
        Self { argv, ..self }
    }

    /// The same under the name by which people know it.
    pub(crate) fn called(self, name: impl Into<String>) -> Self {
        Self { called: Some(name.into()), ..self }
    }

    /// The same in a folder.
    pub(crate) fn within(self, dir: &Path) -> Self {
        Self { dir: dir.to_owned(), ..self }
    }

    /// The same with more variables, which stand before what it had.
    pub(crate) fn with(mut self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        for (name, value) in variables {
            self.env.retain(|(other, _)| *other != name);
            self.withheld.retain(|other| *other != name);
            self.env.push((name, value));
        }
        self
    }

    /// The same with something to read.
    pub(crate) fn reading(self, input: impl Into<String>) -> Self {
        Self { input: input.into(), ..self }
    }

    /// The same with another limit of time.
    pub(crate) fn for_at_most(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// How long it may take.
    #[cfg(test)]
    pub(crate) fn limit(&self) -> Duration {
        self.limit
    }

    /// The same without a word: its failure is an answer.
    pub(crate) fn quiet(self) -> Self {
        Self { is_quiet: true, ..self }
    }

    /// The same with the terminal as its standard input.
    pub(crate) fn asking(self) -> Self {
        Self { asks: true, ..self }
    }

    /// Its name for people.
    pub(crate) fn name(&self) -> &str {
        self.called.as_deref().or(self.argv.first().map(String::as_str)).unwrap_or_default()
    }

    /// Whether there is such a program in the folders of its `PATH`.
    pub(crate) fn is_on_path(&self) -> bool {
        let Some(name) = self.argv.first() else { return false };
        let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
        let path = self.env.iter().find(|(name, _)| name == "PATH").map_or("", |(_, path)| path.as_str());
        std::env::split_paths(path).any(|folder| folder.join(&name).is_file())
    }

    /// The folder that it runs in.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Its name or path, and its arguments.
    pub(crate) fn argv(&self) -> &[String] {
        &self.argv
    }

    fn key(&self) -> Key {
        (self.argv.clone(), self.dir.clone(), self.env.clone(), self.input.clone())
    }

    /// What it gives, however it ends. It is run to its end, once in a run of regcred.
    ///
    /// # Errors
    /// It cannot be started, takes too long (then it is ended), or prints too much.
    pub(crate) async fn run(&self) -> Result<Arc<Output>, ProgramError> {
        self.programs.0.given.get(&self.key(), async { self.start_and_wait().await.map(Arc::new) }).await
    }

    /// What it gives if it ends well.
    ///
    /// # Errors
    /// As for [`Program::run`], or it says by its exit code that it failed.
    pub(crate) async fn succeed(&self) -> Result<Arc<Output>, ProgramError> {
        let output = self.run().await?;
        if output.code == Some(0) { Ok(output) } else { Err(self.failed(&output)) }
    }

    /// The error that it ended like this.
    pub(crate) fn failed(&self, output: &Output) -> ProgramError {
        let (name, withheld) = (self.name().to_owned(), self.withheld.clone());
        ProgramError::Failed { name, code: output.code, withheld }
    }

    /// Forgets what it gave: it is run again when it is asked next.
    pub(crate) fn forget(&self) {
        self.programs.0.given.forget(&self.key());
    }

    /// As [`Program::run`], for those who cannot wait without holding up everything else. Nothing if there is no thread
    /// for it.
    pub(crate) fn run_now(&self) -> Option<Result<Arc<Output>, ProgramError>> {
        std::thread::scope(|scope| {
            let run = || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
                Some(runtime.block_on(self.run()))
            };
            std::thread::Builder::new().spawn_scoped(scope, run).ok()?.join().ok()?
        })
    }

    async fn start_and_wait(&self) -> Result<Output, ProgramError> {
        let ran = tokio::time::timeout(self.limit, self.converse()).await;
        ran.map_err(|_| ProgramError::TooSlow { name: self.name().to_owned(), limit: self.limit })?
    }

    async fn converse(&self) -> Result<Output, ProgramError> {
        let mut child = self.start()?;
        let guard = self.programs.0.groups.guard(child.id(), self.is_apart());
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let tell = async {
            if let Some(mut pipe) = stdin {
                // A program that does not read its input says by its exit code what it thinks of it.
                let _ = pipe.write_all(self.input.as_bytes()).await;
            }
        };
        let hear = async {
            match stderr {
                Some(stream) => stderr::follow(stream, stderr::SILENCE, |line| self.show(line)).await,
                None => Ok(Zeroizing::default()),
            }
        };
        let ((), stdout, stderr) = tokio::join!(tell, whole(stdout), hear);
        let (stdout, stderr) = (stdout.map_err(|e| self.not_run(&e))?, stderr.map_err(|e| self.not_run(&e))?);
        if stdout.len().max(stderr.len()) > MAX_OUTPUT {
            return Err(ProgramError::TooMuch { name: self.name().to_owned() });
        }
        let code = child.wait().await.map_err(|error| self.not_run(&error))?.code();
        guard.ended();
        Ok(Output { code, stdout, stderr })
    }

    fn not_run(&self, error: &io::Error) -> ProgramError {
        let name = self.name().to_owned();
        match error.kind() {
            io::ErrorKind::NotFound => ProgramError::Absent { name },
            _ => ProgramError::NotRun { name, why: error.to_string() },
        }
    }

    fn show(&self, line: &str) {
        if let Some(terminal) = self.programs.0.terminal.get().filter(|_| !self.is_quiet) {
            let file = || Path::new(self.name()).file_name().and_then(std::ffi::OsStr::to_str);
            let name = self.called.as_deref().or_else(file).unwrap_or_default();
            (terminal.show)(&format!("{name}: {line}"));
        }
    }

    /// Programs that regcred knows start nothing that outlives them.
    fn is_apart(&self) -> bool {
        !self.is_quiet && !self.asks && group::apart()
    }

    fn start(&self) -> Result<Child, ProgramError> {
        if self.programs.0.refused.get().is_some() {
            return Err(ProgramError::Untrusted { name: self.name().to_owned() });
        }
        let (name, arguments) = self.argv.split_first().map_or(("", &[][..]), |(n, rest)| (n.as_str(), rest));
        let mut command = Command::new(name);
        command
            .args(arguments)
            .env_clear()
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(if self.asks { Stdio::inherit() } else { Stdio::piped() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        #[cfg(unix)]
        if self.is_apart() {
            command.process_group(0);
        }
        if !self.dir.as_os_str().is_empty() {
            command.current_dir(&self.dir);
        }
        command.spawn().map_err(|error| self.not_run(&error))
    }
}

/// All of a stream, up to one byte more than is taken.
async fn whole(stream: Option<impl AsyncRead + Unpin>) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    if let Some(stream) = stream {
        stream.take(MAX_OUTPUT as u64 + 1).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
