//! Other programs: started without a shell, with a limit of time. What they print may hold a secret: it
//! is wiped, and in no error.

use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use zeroize::Zeroizing;

/// Far above what any program prints that gives a credential or a stack's configuration.
const MAX_OUTPUT: usize = 4 * 1024 * 1024;

/// A program to run.
#[derive(Clone)]
pub(crate) struct Program {
    /// Its name or path, and its arguments.
    pub(crate) argv: Vec<String>,
    /// The folder that it runs in.
    pub(crate) dir: PathBuf,
    /// All that it gets of the environment.
    pub(crate) env: Vec<(String, String)>,
    /// What it reads from its standard input.
    pub(crate) input: String,
    /// How long it may take.
    pub(crate) patience: Duration,
}

/// What a program gave.
pub(crate) struct Output {
    /// The exit code; none if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Zeroizing<Vec<u8>>,
    pub(crate) stderr: Zeroizing<Vec<u8>>,
}

/// A program that gave nothing. No variant holds anything that it printed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProgramError {
    #[error("the program `{name}` is not on PATH")]
    Absent { name: String },
    #[error("`{name}` cannot be run: {source}")]
    NotRun { name: String, source: io::Error },
    #[error("`{name}` did not end within {} seconds", patience.as_secs())]
    TooSlow { name: String, patience: Duration },
    #[error("`{name}` printed more than {} MiB", MAX_OUTPUT / 1024 / 1024)]
    TooMuch { name: String },
}

impl Program {
    pub(crate) fn name(&self) -> String {
        self.argv.first().cloned().unwrap_or_default()
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// It cannot be started, takes too long (then it is ended), or prints too much.
    pub(crate) async fn run(&self) -> Result<Output, ProgramError> {
        let ran = tokio::time::timeout(self.patience, self.converse()).await;
        ran.map_err(|_| ProgramError::TooSlow { name: self.name(), patience: self.patience })?
    }

    async fn converse(&self) -> Result<Output, ProgramError> {
        let mut child = self.start()?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let tell = async {
            if let Some(mut pipe) = stdin {
                // A program that does not read its input says by its exit code what it thinks of it.
                let _ = pipe.write_all(self.input.as_bytes()).await;
            }
        };
        let ((), stdout, stderr) = tokio::join!(tell, whole(stdout), whole(stderr));
        let failed = |source| ProgramError::NotRun { name: self.name(), source };
        let (stdout, stderr) = (stdout.map_err(failed)?, stderr.map_err(failed)?);
        if stdout.len().max(stderr.len()) > MAX_OUTPUT {
            return Err(ProgramError::TooMuch { name: self.name() });
        }
        let code = child.wait().await.map_err(failed)?.code();
        Ok(Output { code, stdout, stderr })
    }

    fn start(&self) -> Result<Child, ProgramError> {
        let (name, arguments) = self.argv.split_first().map_or(("", &[][..]), |(n, rest)| (n.as_str(), rest));
        let mut command = Command::new(name);
        command
            .args(arguments)
            .env_clear()
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if !self.dir.as_os_str().is_empty() {
            command.current_dir(&self.dir);
        }
        command.spawn().map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => ProgramError::Absent { name: self.name() },
            _ => ProgramError::NotRun { name: self.name(), source },
        })
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
mod tests {
    use super::*;

    fn program(argv: &[&str]) -> Program {
        Program {
            argv: argv.iter().map(|word| (*word).to_owned()).collect(),
            dir: PathBuf::new(),
            env: vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())],
            input: String::new(),
            patience: Duration::from_secs(60),
        }
    }

    fn run(program: &Program) -> Result<Output, ProgramError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(program.run())
    }

    #[test]
    fn a_program_gets_its_input_and_only_the_environment_that_is_listed() {
        let echo = Program { input: "hello".to_owned(), ..program(&["cat"]) };
        assert_eq!(*run(&echo).expect("it runs").stdout, b"hello");
        let seen = run(&program(&["env"])).expect("it runs");
        assert_eq!(*seen.stdout, b"PATH=/usr/bin:/bin\n");
        let code = run(&program(&["sh", "-c", "exit 7"])).expect("it runs").code;
        assert_eq!(code, Some(7));
    }

    #[test]
    fn a_program_that_does_not_end_is_ended_and_named() {
        let endless = Program { patience: Duration::ZERO, ..program(&["tail", "-f", "/dev/null"]) };
        let error = run(&endless).err().expect("it takes too long");
        assert_eq!(error.to_string(), "`tail` did not end within 0 seconds");
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
    }
}
