//! What keeps the old token on although every place that is looked at has the new one.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Asked, fresh, git};
use crate::change::{Action, Known};
use crate::commands::session::{Context, Session};
use crate::desired::{self, Loaded, Request};
use crate::error::Error;
use crate::model::{Credential, CredentialId, Fingerprint, Problem};
use crate::plan::{Change, Plan};
use crate::registry::hub::Token;
use crate::rotation::{Hold, Home, recorded};

/// Something about this run and its source.
pub(super) async fn here(asked: &Asked<'_>, home: &Home, plan: &Plan, context: &Context<'_>) -> Option<Hold> {
    let until = |message: String, hint: String| {
        Some(Hold {
            until: Problem::outside(message).hint(hint),
            is_alone: is_alone(context),
            is_part: false,
        })
    };
    if plan.left_out > 0 || !context.common.stack.is_empty() {
        let again = "a run without --only and --stack has looked at every place".to_owned();
        let hold = until(again, "leave --only and --stack out".to_owned());
        return hold.map(|hold| Hold { is_part: true, ..hold });
    }
    if let Home::ByHand(problem) = home {
        return until(
            format!("{} gives the new token", asked.home.words()),
            problem.advice().unwrap_or_default(),
        );
    }
    let file = asked.home.file()?;
    let is_written = matches!(home, Home::Takes) && asked.rotation.store.is_none();
    let shown = file.strip_prefix(context.dir).unwrap_or(file).display().to_string();
    let name = shlex::try_quote(&shown).unwrap_or("FILE".into());
    match git::state(file, context.env).await {
        git::State::Outside => None,
        git::State::Committed if !is_written => None,
        git::State::Committed | git::State::Changed => until(
            format!("{shown} is committed with the new token"),
            format!("git commit {name}, bring it to wherever it is deployed from, and then: regcred rotate"),
        ),
        git::State::Unknown => until(
            format!("git says whether {shown} is committed with the new token"),
            format!("see what git says: git status {name}"),
        ),
    }
}

/// Another credential of the file that has the old token, or may have it, until all its places have the new one.
pub(super) async fn others(
    asked: &Asked<'_>,
    session: &Session,
    new: Option<Fingerprint>,
    tokens: &[Token],
    context: &Context<'_>,
) -> Result<Option<Hold>, Error> {
    if context.common.credential.is_none() {
        return Ok(None);
    }
    let all = load(None, context)?;
    let known = session.known(&asked.credential.id).filter(|_| new.is_some());
    let others = all.desired.credentials.iter().filter(|other| other.id != asked.credential.id);
    for other in others.filter(|other| other.registry == asked.credential.registry) {
        if may_have_it(asked, other, &all, new, tokens).await
            && !has_new(other, known, asked, context).await?
        {
            let id = &other.id;
            let message = format!("{id}, another credential of this file, has the new token in every place");
            let hint =
                format!("have its source give the new token, and then: regcred sync --credential {id}");
            let until = Problem::outside(message).hint(hint);
            return Ok(Some(Hold { until, is_alone: is_alone(context), is_part: true }));
        }
    }
    Ok(None)
}

/// Whether nobody is there who could do something about it.
fn is_alone(context: &Context<'_>) -> bool {
    context.env.get("GITHUB_ACTIONS") == Some("true")
}

fn load(credential: Option<&CredentialId>, context: &Context<'_>) -> Result<Loaded, Error> {
    let request = Request { credential: credential.map(|id| id.0.clone()), ..context.request()? };
    desired::load(&request, context.env, context.dir).map_err(Error::Invalid)
}

/// Whether another credential gives the old value, or one of which nobody can say that it is not the old one.
async fn may_have_it(
    asked: &Asked<'_>,
    other: &Credential,
    all: &Loaded,
    new: Option<Fingerprint>,
    tokens: &[Token],
) -> bool {
    let Some(source) = all.sources.get(&other.id) else { return false };
    if source.words() == asked.home.words() {
        return true;
    }
    let Ok(value) = fresh::read(source, other, &asked.shared).await else { return true };
    let is_listed_for =
        |credential: &CredentialId| tokens.iter().any(|token| token.is_of(credential, &value.fingerprint));
    let is_known_value = asked.old.as_ref().map(|old| old.fingerprint) == Some(value.fingerprint)
        || new == Some(value.fingerprint)
        || is_listed_for(&asked.credential.id);
    let is_of_the_account =
        asked.username().is_none_or(|username| username.eq_ignore_ascii_case(&value.username));
    let may_be_named = !asked.args.old.is_empty() && !asked.args.accept_unknown;
    is_known_value || (may_be_named && is_of_the_account && !is_listed_for(&other.id))
}

/// Whether every place of another credential has the new value.
async fn has_new(
    other: &Credential,
    known: Option<&Known>,
    asked: &Asked<'_>,
    context: &Context<'_>,
) -> Result<bool, Error> {
    let Some(known) = known else { return Ok(false) };
    let known = BTreeMap::from([(other.id.clone(), Known { current_since: None, ..known.clone() })]);
    let loaded = load(Some(&other.id), context)?;
    let options = context.options(crate::cli::Overrides::default());
    let session = context.session_of(loaded, options, Duration::ZERO, Some(known)).await?;
    let rows = &session.plan.changes;
    let is_known = |row: &Change| asked.args.accept_unknown || recorded(rows, row);
    Ok(rows.iter().all(|row| match row.action {
        Action::Keep => true,
        Action::Refresh => is_known(row),
        _ => false,
    }))
}
