//! Putting a new token where the old one came from, so that the source gives the new one from then on. Only a rotation does
//! that; a sync never writes to its source.

mod respell;

use std::path::Path;

use super::pulumi;
use super::{Kind, Shared, Source, off_thread, one, outside, unread};
use crate::env::Env;
use crate::model::{Problem, Secret};
use crate::program::{Program, ProgramError};

pub(super) use respell::respelled;

impl Source {
    /// Whether a new token can be put where this one comes from.
    ///
    /// # Errors
    /// It cannot, with what to change by hand.
    pub fn storable(&self) -> Result<(), Problem> {
        let by_hand = |what: &str, hint: &str| {
            let message = format!("the new token cannot be stored where the old one is: {what}");
            Err(unread(&message, hint))
        };
        match &self.kind {
            Kind::Env(_) => by_hand(
                "it comes from the environment",
                "set the variable to the new one wherever it is set, before anything else",
            ),
            Kind::Stdin { .. } | Kind::Typed(_) => {
                by_hand("it comes from standard input", "keep the new one where you keep the old one")
            }
            Kind::Docker(_) => by_hand("it is docker's own login", "docker login, with the new token"),
            Kind::Command(_) => by_hand(
                "it comes from a program",
                "say which program takes a new one: store: { command: [PROGRAM, ARGUMENT] }",
            ),
            Kind::PulumiProgram(question) => question.storable(),
            Kind::File(_) | Kind::Pulumi { .. } if self.file().is_some_and(Path::is_symlink) => by_hand(
                "it is a link, through which nothing is written",
                "name the file itself in regcred.yaml",
            ),
            Kind::File(_) | Kind::AwsSecret(_) | Kind::Pulumi { .. } => Ok(()),
        }
    }

    /// Puts a new token there; `old` is the one that the source gives now. Nothing but the token changes.
    ///
    /// # Errors
    /// What [`Source::storable`] refuses; the place has changed since it was read, or cannot be written.
    pub async fn store(&self, old: &Secret, token: &Secret, shared: &Shared) -> Result<(), Vec<Problem>> {
        self.storable().map_err(one)?;
        match &self.kind {
            Kind::File(file) => {
                let (file, old, token) = (file.clone(), old.clone(), token.clone());
                off_thread(move || file.store(&old, &token)).await?.map_err(one)
            }
            Kind::AwsSecret(secret) => secret.store(old, token, shared.aws()).await,
            Kind::Pulumi { located, passphrase } => {
                let key = shared.key(located.lock(), passphrase.as_ref()).await?;
                let (located, token) = (located.clone(), token.clone());
                off_thread(move || pulumi::store(&located, &key, &token)).await?.map_err(one)
            }
            Kind::PulumiProgram(question) => question.store(token).await.map_err(outside),
            Kind::Env(_) | Kind::Stdin { .. } | Kind::Typed(_) | Kind::Docker(_) | Kind::Command(_) => Ok(()),
        }
    }
}

/// A program that takes a new token on its standard input: the client of a vault or of a password manager.
#[derive(Clone)]
pub struct Keeper(Program);

impl Keeper {
    /// The program and its arguments. It gets no secret of the run but the token.
    #[must_use]
    pub fn new(run: &[String], env: &Env, base: &std::path::Path) -> Self {
        Self(env.named_program(run.to_vec()).within(base))
    }

    /// Hands the token to the program.
    ///
    /// # Errors
    /// It cannot be started, takes too long, or ends with another code than 0.
    pub async fn store(&self, token: &Secret) -> Result<(), Problem> {
        put(&self.0, token).await.map_err(|what| {
            let name = self.0.name();
            let hint = format!("try {name} by hand, with a line on its standard input");
            Problem::outside(format!("{name} did not take the new token: {what}")).hint(hint)
        })
    }
}

/// Runs a program that reads a token. What is wrong with it is said without its words, which may repeat the token.
pub(super) async fn put(program: &Program, token: &Secret) -> Result<(), String> {
    let program = program.clone().reading(token.expose());
    let ran = program.run().await;
    // Else the token would be kept for as long as the run lasts.
    program.forget();
    match ran.map_err(|error: ProgramError| error.to_string())?.code {
        Some(0) => Ok(()),
        Some(code) => Err(format!("it ended with code {code}")),
        None => Err("it was ended by a signal".to_owned()),
    }
}
