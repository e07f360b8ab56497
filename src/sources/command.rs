//! A credential that another program prints: a password manager, a vault, `aws ecr get-login-password`.

use std::path::Path;
use std::time::Duration;

use super::text::{self, Names};
use super::{one, outside, unread};
use crate::env::Env;
use crate::model::{Login, Problem};
use crate::program::Program;

/// Password managers may wait for a fingerprint or a touch.
const PATIENCE: Duration = Duration::from_secs(60);
/// The user name of every token of ECR (ECR's API reference, `GetAuthorizationToken`).
const ECR_USER: &str = "AWS";

/// A program to ask.
#[derive(Clone)]
pub(super) struct Command {
    program: Program,
    username: Option<String>,
}

/// Prepares the program. It runs in the folder `base`, and gets every variable but the secrets of
/// regcred itself.
pub(super) fn locate(argv: &[String], username: Option<&str>, env: &Env, base: &Path) -> Command {
    let ecr = is_ecr(argv).then_some(ECR_USER);
    Command {
        username: username.or(ecr).map(str::to_owned),
        program: Program {
            argv: argv.to_owned(),
            dir: base.to_owned(),
            env: env.without_own_secrets(),
            input: String::new(),
            patience: PATIENCE,
        },
    }
}

/// `aws ecr get-login-password`.
fn is_ecr(argv: &[String]) -> bool {
    argv.iter().any(|word| word == "get-login-password")
}

impl Command {
    /// What people should know about what the program gives.
    pub(super) fn notes(&self) -> Vec<String> {
        let ecr = is_ecr(&self.program.argv);
        let note = "a token of ECR works for 12 hours: run regcred again before they are over, or use a credential that lasts";
        ecr.then(|| note.to_owned()).into_iter().collect()
    }

    pub(super) fn words(&self) -> String {
        let name = self.program.name();
        format!("command:{}", name.rsplit('/').next().unwrap_or(&name))
    }

    /// Runs the program and reads what it prints.
    pub(super) async fn read(&self) -> Result<Login, Vec<Problem>> {
        let name = self.program.name();
        let output = self.program.run().await.map_err(|error| {
            outside(unread(&format!("the credential's command: {error}"), "correct `command:`"))
        })?;
        if output.code != Some(0) {
            let code = output.code.map_or("a signal".to_owned(), |code| format!("code {code}"));
            let hint = format!("run it yourself: {name} …");
            let message = format!("the credential's command `{name}` ended with {code}");
            return Err(outside(unread(&message, &hint)));
        }
        let refused = |what: &str| {
            let hint = "print the user name and the token, a line each, or give `username:` beside `run:`";
            one(unread(&format!("the credential's command `{name}` {what}"), hint))
        };
        let text =
            std::str::from_utf8(&output.stdout).map_err(|_| refused("gives bytes that are no text"))?;
        text::read(text, &Names::default(), self.username.as_deref()).map_err(|what| refused(&what))
    }
}
