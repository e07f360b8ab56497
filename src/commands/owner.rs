//! The account that may see and make tokens at Docker Hub: its password is read, and used for nothing but that.

use std::path::Path;

use super::session::Context;
use crate::desired::rotation::Mint;
use crate::error::Error;
use crate::model::{Login, Problem, Secret};
use crate::net::Http;
use crate::redact;
use crate::registry::hub::{self, Hub, Whose};

/// Whose tokens are looked at, and how its account logs in.
pub(super) struct Owner<'a> {
    /// What the file says.
    pub(super) mint: &'a Mint,
    /// The credential's user, who is the account if the file names none.
    pub(super) username: Option<&'a str>,
    /// The folder of the configuration, in which its programs run.
    pub(super) base: &'a Path,
}

impl Owner<'_> {
    /// Logs in to Docker Hub.
    pub(super) async fn log_in(&self, http: &Http, context: &Context<'_>) -> Result<Hub, Error> {
        let login = self.login(context).await?;
        let base = hub::address(context.env).map_err(|problem| Error::Invalid(vec![problem]))?;
        let whose = self.mint.organization.clone().map_or(Whose::Account, Whose::Organization);
        let hub = Hub::log_in(http, &base, &login, whose).await;
        hub.map_err(|error| Error::Source(vec![error.into()]))
    }

    async fn login(&self, context: &Context<'_>) -> Result<Login, Error> {
        let username = self.mint.login.username.as_deref().or(self.username);
        match &self.mint.login.command {
            Some(run) => {
                let printed = self.printed(run, username, context).await;
                printed.map_err(|problem| Error::Source(vec![problem]))
            }
            None => typed(username, context),
        }
    }

    /// The account that a program prints: its password, or its name and its password, a line each. A password may have
    /// spaces.
    async fn printed(
        &self,
        run: &[String],
        username: Option<&str>,
        context: &Context<'_>,
    ) -> Result<Login, Problem> {
        let program = context.env.named_program(run.to_vec()).within(self.base);
        let name = program.name().to_owned();
        let wrong = |what: String| {
            Problem::outside(format!("the command of `mint`'s login, `{name}`, {what}"))
                .hint(format!("run it yourself: {name} …"))
        };
        let output =
            program.succeed().await.map_err(|error| wrong(format!("failed: {error}")).hints(error.hint()))?;
        let text = std::str::from_utf8(&output.stdout)
            .map_err(|_| wrong("gives bytes that are not text".to_owned()))?;
        let lines: Vec<&str> = text.lines().collect();
        let (username, password) = match (lines.as_slice(), username) {
            ([password], Some(username)) => (username, *password),
            ([username, password], _) => (*username, *password),
            _ => return Err(wrong("gives neither a password alone, with `username:` in the file, nor a user name and a password, a line each".to_owned())),
        };
        redact::teach_login(username, password);
        Ok(Login { username: username.to_owned(), token: Secret::new(password.to_owned()) })
    }
}

/// The account that whoever sits at the terminal types.
fn typed(username: Option<&str>, context: &Context<'_>) -> Result<Login, Error> {
    if !context.ui.can_ask() {
        let message =
            "Docker Hub makes and shows tokens to an account's password only, and nobody can be asked for it";
        return Err(Error::invalid(message, Some("write into regcred.yaml, at the credential: mint: { login: { command: [PROGRAM, ARGUMENT] } }".to_owned())));
    }
    let unread =
        |error: std::io::Error| Error::invalid(format!("the terminal cannot be read: {error}"), None);
    let username = match username {
        Some(username) => username.to_owned(),
        None => context.ui.ask("Account at Docker Hub:").map_err(unread)?,
    };
    let asked = format!("Password of {username} at Docker Hub (not shown):");
    let token = context.ui.ask_secret(&asked).map_err(unread)?;
    redact::teach_login(&username, token.expose());
    Ok(Login { username, token })
}
