//! The program: everything is in the library.

use std::process::ExitCode;

use regcred::env::Env;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    regcred::forbid_core_dumps();
    // In a folder that is gone nothing is found, which is reported.
    let dir = std::env::current_dir().unwrap_or_default();
    regcred::run(std::env::args_os(), &Env::of_process(), &dir).await.into()
}
