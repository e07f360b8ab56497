//! Where the new value comes from, and the login that sees and makes tokens at Docker Hub.

use chrono::TimeDelta;

use super::Asked;
use crate::commands::session::{Context, not_read};
use crate::desired::outline::Found;
use crate::desired::rotation::Mint;
use crate::error::Error;
use crate::model::{Class, Credential, Effect, Fingerprint, Login, Problem, Secret};
use crate::net::Http;
use crate::redact;
use crate::registry::hub::{self, Hub, Label, Wanted, Whose};
use crate::sources::{self, Shared, Source, Spec};
use crate::targets::{Setting, aws};

/// The word for what AWS had before, where a source is named.
pub(super) const PREVIOUS: &str = "previous";
/// The page of an account's tokens.
pub(super) const TOKENS: &str = "https://app.docker.com/settings/personal-access-tokens";

/// The source that `--from` names.
pub(super) async fn named(
    words: &str,
    credential: &Credential,
    context: &Context<'_>,
) -> Result<Source, Error> {
    let invalid = |problem: Problem| {
        Error::Invalid(vec![Problem { message: format!("--from: {}", problem.message), ..problem }])
    };
    let from = Found::look(context.env, context.dir).await.source(words).map_err(invalid)?;
    let spec: Spec = from.spec().map_err(invalid)?;
    sources::locate(credential, &spec, context.env, context.dir, context.dir).map_err(Error::Invalid)
}

/// The value that AWS had before.
pub(super) async fn previous(credential: &Credential, context: &Context<'_>) -> Result<Source, Error> {
    let (places, http) = (context.load()?.desired.places, context.http()?);
    let clients = places.log_in(&Setting { env: context.env, http: &http }).await;
    let login = aws::previous(&clients.aws, &places.aws, &credential.id).await;
    let login = login.map_err(|problem| match problem.class {
        Class::Input => Error::Invalid(vec![problem]),
        _ => Error::Source(vec![problem]),
    })?;
    redact::teach_login(&login.username, login.token.expose());
    Ok(Source::given(login, "what AWS had before"))
}

/// Logs in to Docker Hub with the account that may see and make tokens, if there is one.
pub(super) async fn hub(asked: &Asked<'_>, http: &Http, context: &Context<'_>) -> Result<Option<Hub>, Error> {
    let needed = asked.args.mint || !asked.args.old.is_empty() || asked.args.delete_after.is_some();
    let mint = asked.rotation.mint.clone().unwrap_or_default();
    let is_told = asked.rotation.mint.is_some() && mint.login.command.is_some();
    if !needed && !is_told {
        return Ok(None);
    }
    if !asked.credential.registry.is_docker_hub() {
        let message = format!(
            "regcred makes and switches off tokens at Docker Hub only, not at {}",
            asked.credential.registry
        );
        return Err(Error::invalid(message, Some("regcred rotate --from stdin".to_owned())));
    }
    let login = owner(asked, &mint, context).await?;
    let base = hub::address(context.env).map_err(|problem| Error::Invalid(vec![problem]))?;
    let whose = mint.organization.clone().map_or(Whose::Account, Whose::Organization);
    let hub = Hub::log_in(http, &base, &login, whose).await;
    hub.map(Some).map_err(|error| Error::Source(vec![error.into()]))
}

/// The account and its password, which is kept for as long as the login takes.
async fn owner(asked: &Asked<'_>, mint: &Mint, context: &Context<'_>) -> Result<Login, Error> {
    let username = mint.login.username.clone().or_else(|| asked.username().map(str::to_owned));
    if let Some(run) = &mint.login.command {
        return printed(run, username.as_deref(), asked, context)
            .await
            .map_err(|problem| Error::Source(vec![problem]));
    }
    if !context.ui.can_ask() {
        let message =
            "Docker Hub makes and shows tokens to an account's password only, and nobody can be asked for it";
        return Err(Error::invalid(message, Some("write into regcred.yaml, at the credential: mint: { login: { command: [PROGRAM, ARGUMENT] } }".to_owned())));
    }
    let unread =
        |error: std::io::Error| Error::invalid(format!("the terminal cannot be read: {error}"), None);
    let username = match username {
        Some(username) => username,
        None => context.ui.ask("Account at Docker Hub:").map_err(unread)?,
    };
    let token = context
        .ui
        .ask_secret(&format!("Password of {username} at Docker Hub (not shown):"))
        .map_err(unread)?;
    redact::teach_login(&username, token.expose());
    Ok(Login { username, token })
}

/// The account that a program prints: its password, or its name and its password, a line each. A password may have spaces.
async fn printed(
    run: &[String],
    username: Option<&str>,
    asked: &Asked<'_>,
    context: &Context<'_>,
) -> Result<Login, Problem> {
    let program = context.env.named_program(run.to_vec()).within(&asked.base);
    let name = program.name().to_owned();
    let wrong = |what: String| {
        Problem::outside(format!("the command of `mint`'s login, `{name}`, {what}"))
            .hint(format!("run it yourself: {name} …"))
    };
    let output =
        program.succeed().await.map_err(|error| wrong(format!("failed: {error}")).hints(error.hint()))?;
    let text =
        std::str::from_utf8(&output.stdout).map_err(|_| wrong("gives bytes that are not text".to_owned()))?;
    let lines: Vec<&str> = text.lines().collect();
    let (username, password) = match (lines.as_slice(), username) {
        ([password], Some(username)) => (username, *password),
        ([username, password], _) => (*username, *password),
        _ => return Err(wrong("gives neither a password alone, with `username:` in the file, nor a user name and a password, a line each".to_owned())),
    };
    redact::teach_login(username, password);
    Ok(Login { username: username.to_owned(), token: Secret::new(password.to_owned()) })
}

/// Makes a token, and writes its fingerprint into its label before anybody gets it: one that is lost is known by that.
pub(super) async fn minted(asked: &Asked<'_>, hub: &Hub) -> Result<Source, Error> {
    let mint = asked.rotation.mint.clone().unwrap_or_default();
    let label = Label::new(&asked.credential.id);
    let expires_at = hub.now().zip(mint.expires).map(|(now, days)| now + TimeDelta::days(days.into()));
    if mint.expires.is_some() && expires_at.is_none() {
        let message = "Docker Hub's answers have no date, so when the token is to end is not known";
        return Err(Error::Source(vec![Problem::outside(message)]));
    }
    let made = hub.mint(&Wanted { label: &label, pulls: &mint.pulls, expires_at }).await;
    let made = made.map_err(Problem::from).map_err(|problem| match problem.effect {
        Effect::Written => Error::Begun(vec![problem]),
        _ => Error::Source(vec![problem]),
    })?;
    let login = Login { username: asked.owner(), token: made.token };
    redact::teach_login(&login.username, login.token.expose());
    let source = Source::given(login, "Docker Hub, made now");
    let value = source.value(&asked.credential, &asked.shared).await.map_err(Error::Begun)?;
    let label = Label::of(&asked.credential.id, &value.known.fingerprint);
    hub.rename(&made.id, &label).await.map_err(|error| Error::Begun(vec![error.into()]))?;
    Ok(source)
}

/// A value that is read, with its fingerprint; the token alone is kept.
pub(super) struct Read {
    pub(super) username: String,
    pub(super) token: Secret,
    pub(super) fingerprint: Fingerprint,
}

/// What a source gives now.
pub(super) async fn read(source: &Source, credential: &Credential, shared: &Shared) -> Result<Read, Error> {
    let value = source.value(credential, shared).await.map_err(|problems| not_read(vec![problems]))?;
    redact::teach_login(&value.login.username, value.login.token.expose());
    let (username, token) = (value.login.username, value.login.token);
    Ok(Read { username, token, fingerprint: value.known.fingerprint })
}
