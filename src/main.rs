//! The program: everything is in the library.

use std::process::ExitCode;

use regcred::env::Env;
use regcred::report::ExitStatus;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    regcred::forbid_core_dumps();
    let Ok(dir) = std::env::current_dir() else { return ExitStatus::Failed.into() };
    regcred::run(std::env::args_os(), &Env::of_process(), &dir).await.into()
}
