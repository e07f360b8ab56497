//! A credential that another program prints: a password manager, a vault, `aws ecr get-login-password`.

use std::path::Path;

use super::text::{self, Names};
use super::{not_given, one, unread};
use crate::env::Env;
use crate::model::{Login, Problem};
use crate::program::{Program, ProgramError};

/// The user name of every token of ECR (ECR's API reference, `GetAuthorizationToken`).
const ECR_USER: &str = "AWS";

/// A program to ask.
#[derive(Clone)]
pub(super) struct Command {
    program: Program,
    username: Option<String>,
}

/// Prepares the program. It runs in the folder `base`.
pub(super) fn locate(argv: &[String], username: Option<&str>, env: &Env, base: &Path) -> Command {
    let ecr = is_ecr(argv).then_some(ECR_USER);
    Command {
        username: username.or(ecr).map(str::to_owned),
        program: env.named_program(argv.to_owned()).within(base),
    }
}

/// `aws ecr get-login-password`.
fn is_ecr(argv: &[String]) -> bool {
    argv.iter().any(|word| word == "get-login-password")
}

impl Command {
    /// What people should know about what the program gives.
    pub(super) fn notes(&self) -> Vec<String> {
        let ecr = is_ecr(self.program.argv());
        let note = "a token of ECR works for 12 hours: run regcred again before they are over, or use a credential that lasts";
        ecr.then(|| note.to_owned()).into_iter().collect()
    }

    pub(super) fn words(&self) -> String {
        let name = self.program.name();
        format!("command:{}", name.rsplit('/').next().unwrap_or(name))
    }

    /// Runs the program and reads what it prints.
    pub(super) async fn read(&self) -> Result<Login, Vec<Problem>> {
        let name = self.program.name();
        let output = self.program.succeed().await;
        let output = output.map_err(|error| {
            let hint = match error {
                ProgramError::Failed { .. } => format!("run it yourself: {name} …"),
                _ => "correct `command:`".to_owned(),
            };
            not_given("the credential's command", &error, &hint)
        })?;
        let refused = |what: &str| {
            let hint = "print the user name and the token, a line each, or give `username:` with `run:`";
            one(unread(&format!("the credential's command `{name}` {what}"), hint))
        };
        let text =
            std::str::from_utf8(&output.stdout).map_err(|_| refused("gives bytes that are not text"))?;
        text::read(text, &Names::default(), self.username.as_deref()).map_err(|what| refused(&what))
    }
}
