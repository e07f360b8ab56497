//! Where the new value comes from.

use chrono::TimeDelta;

use super::Asked;
use crate::cli::RotateArgs;
use crate::commands::owner::Owner;
use crate::commands::session::{Context, not_read};
use crate::desired::outline::Found;
use crate::error::Error;
use crate::model::{Class, Credential, Effect, Fingerprint, Login, Problem, Secret};
use crate::net::Http;
use crate::redact;
use crate::registry::hub::{Hub, Label, Token, Wanted};
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
    let (loaded, http) = (context.load()?, context.http()?);
    let (places, base) = (loaded.desired.places, &loaded.base);
    let clients = places.log_in(&Setting { env: context.env, http: &http, base }).await;
    let login = aws::previous(&clients.aws, &places.aws, &credential.id).await;
    let login = login.map_err(|problem| match problem.class {
        Class::Input => Error::Invalid(vec![problem]),
        _ => Error::Source(vec![problem]),
    })?;
    redact::teach_login(&login.username, login.token.expose());
    Ok(Source::given(login, "what AWS had before"))
}

/// Whether a run can do nothing of what it is asked without the account's tokens.
pub(super) fn needs_hub(args: &RotateArgs) -> bool {
    args.mint || !args.old.is_empty() || args.delete_after.is_some()
}

/// Logs in to Docker Hub with the account that may see and make tokens, if there is one, and lists them.
pub(super) async fn hub(
    asked: &Asked<'_>,
    http: &Http,
    context: &Context<'_>,
) -> Result<Option<(Hub, Vec<Token>)>, Error> {
    let mint = asked.rotation.mint.clone().unwrap_or_default();
    let is_told = asked.rotation.mint.is_some() && mint.login.command.is_some();
    if !needs_hub(asked.args) && !is_told {
        return Ok(None);
    }
    if !asked.credential.registry.is_docker_hub() {
        let message = format!(
            "regcred makes and switches off tokens at Docker Hub only, not at {}",
            asked.credential.registry
        );
        return Err(Error::invalid(message, Some("regcred rotate --from stdin".to_owned())));
    }
    let owner = Owner { mint: &mint, username: asked.username(), base: &asked.base };
    let hub = owner.log_in(http, context).await?;
    let tokens = listed(&hub).await?;
    Ok(Some((hub, tokens)))
}

/// Every token of the account or organization.
pub(super) async fn listed(hub: &Hub) -> Result<Vec<Token>, Error> {
    hub.tokens().await.map_err(|error| Error::Source(vec![error.into()]))
}

/// Makes a token, and writes its fingerprint into its label before anybody gets it: a run that goes on knows it by that.
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
    let login = source.value(&asked.credential, &asked.shared).await.map_err(Error::Begun)?;
    let known = sources::known(&asked.credential, &login).await.map_err(Error::Begun)?;
    let label = Label::of(&asked.credential.id, &known.fingerprint);
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
    let failed = |problems| not_read(vec![problems]);
    let login = source.value(credential, shared).await.map_err(failed)?;
    redact::teach_login(&login.username, login.token.expose());
    let known = sources::known(credential, &login).await.map_err(failed)?;
    Ok(Read { username: login.username, token: login.token, fingerprint: known.fingerprint })
}
