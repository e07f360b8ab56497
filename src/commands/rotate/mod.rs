//! `regcred rotate`: prove the new token, plan, ask, store it where the old one came from, spread it, prove every place, wait
//! for whatever still uses the old one, and put that out of use. It can be ended at any moment: the next run reads what is
//! there, and goes on.

mod end;
mod fresh;
mod git;
mod hold;
mod prepare;

use std::collections::BTreeMap;
use std::path::PathBuf;

use tokio::sync::watch;

use super::session::{Context, Session};
use super::shard::whole;
use super::sync::{consent, interrupted, show_plan, show_report, write};
use crate::cli::RotateArgs;
use crate::desired::rotation::Rotation as Declared;
use crate::error::Error;
use crate::model::{Address, Credential, Problem};
use crate::registry::hub::{Hub, HubError};
use crate::report::{ExitStatus, Outcome, Report};
use crate::sources::{Keeper, Shared, Source};

use fresh::Read;
use prepare::{Fresh, Planned};

/// What is rotated, and how that was asked for.
struct Asked<'a> {
    args: &'a RotateArgs,
    credential: Credential,
    rotation: Declared,
    /// Where the old value comes from.
    home: Source,
    /// The old value, where it can be known.
    old: Option<Read>,
    shared: Shared,
    /// The folder of the configuration.
    base: PathBuf,
    /// Why it is not known which tokens are on, where somebody could have been asked.
    unseen: Option<String>,
}

impl Asked<'_> {
    /// The user of the old value.
    fn username(&self) -> Option<&str> {
        self.old.as_ref().map(|old| old.username.as_str())
    }

    /// Whose tokens are made: those of an organization log in under its name.
    fn owner(&self) -> String {
        let mint = self.rotation.mint.as_ref();
        let named = mint.and_then(|mint| mint.organization.clone().or_else(|| mint.login.username.clone()));
        named.or_else(|| self.username().map(str::to_owned)).unwrap_or_default()
    }
}

pub(super) async fn run(args: &RotateArgs, context: &Context<'_>) -> Result<ExitStatus, Error> {
    context.tell_stream(whole(context))?;
    let prepared = prepared(args, context).await;
    context.ui.idle();
    let (asked, hub, mut planned) = context.tell_stream(prepared)?;
    planned.session.prove_or_end(context)?;
    show_plan(context, &planned.session)?;
    if let Err(error) = consent(&args.approval, context, &planned.session) {
        planned.session.end_stream(context, error.status())?;
        return Err(error);
    }
    if planned.is_to_be_made {
        planned = context.tell_stream(prepare::made(&asked, hub.as_ref(), planned, context).await)?;
    }
    carry_out(&asked, hub.as_ref(), &planned, context).await
}

/// Reads and plans.
async fn prepared<'a>(
    args: &'a RotateArgs,
    context: &Context<'_>,
) -> Result<(Asked<'a>, Option<Hub>, Planned), Error> {
    let mut loaded = context.load()?;
    let credential = prepare::one(&loaded)?;
    let rotation = loaded.rotations.get(&credential.id).cloned().unwrap_or_default();
    let http = context.http()?;
    let shared = prepare::shared(&loaded, &http, context.env);
    let fresh = Fresh::chosen(args, &credential, context).await?;
    let home = prepare::home(&mut loaded, &credential, &fresh, context)?;
    let old = if home.is_handed() { None } else { Some(fresh::read(&home, &credential, &shared).await?) };
    let mut asked = Asked { args, credential, rotation, home, old, shared, base: loaded.base, unseen: None };
    let seen = match fresh::hub(&asked, &http, context).await {
        Err(Error::Source(problems)) if !fresh::needs_hub(args) => {
            asked.unseen = problems.first().map(|problem| problem.message.clone());
            None
        }
        seen => seen?,
    };
    let (hub, tokens) = seen.map_or((None, Vec::new()), |(hub, tokens)| (Some(hub), tokens));
    let planned = prepare::planned(&asked, fresh, hub.as_ref(), &tokens, context).await?;
    Ok((asked, hub, planned))
}

async fn carry_out(
    asked: &Asked<'_>,
    hub: Option<&Hub>,
    planned: &Planned,
    context: &Context<'_>,
) -> Result<ExitStatus, Error> {
    let Planned { session, rotation, .. } = planned;
    let stop = context.env.programs().leave_interrupts();
    let before = session.http.writes();
    let outcomes = store_and_spread(asked, hub, planned, context, stop.clone()).await;
    let mut report = Report::new(&rotation.plan, outcomes);
    let ended = tokio::select! {
        biased;
        () = interrupted(stop) => None,
        ended = end::end(asked, hub, planned, &report, context) => Some(ended),
    };
    match ended {
        Some(ended) => {
            report.findings = ended.findings;
            report.outcomes.extend(ended.outcomes);
        }
        None => {
            report.interrupted = true;
            report
                .outcomes
                .extend(rotation.ends().map(|(address, _)| (address.clone(), Outcome::NotStarted(None))));
        }
    }
    report.wrote = planned.is_made || session.http.writes() > before;
    context.ui.idle();
    show_report(context, session, &report).map_err(|error| error.after(report.wrote))?;
    Ok(report.status())
}

/// Puts the new value where the old one came from, and then everywhere.
async fn store_and_spread(
    asked: &Asked<'_>,
    hub: Option<&Hub>,
    planned: &Planned,
    context: &Context<'_>,
    stop: watch::Receiver<bool>,
) -> BTreeMap<Address, Outcome> {
    let Planned { session, rotation, .. } = planned;
    let spread = rotation.spread();
    let left = |outcome: Outcome| {
        let rows = spread.changes.iter().filter(|row| row.action.writes());
        rows.map(move |row| (row.address.clone(), outcome.clone()))
    };
    let Some(address) = rotation.stored() else {
        return match name(hub, planned, context).await {
            Ok(()) => write(context, session, &spread, stop).await,
            Err(gone) => left(Outcome::Failed(gone)).collect(),
        };
    };
    let keep = async {
        store(asked, session, context).await?;
        name(hub, planned, context).await
    };
    let stored = end::step(context, address, keep).await;
    if !matches!(stored, Outcome::Applied) {
        return left(Outcome::NotStarted(Some(address.clone()))).chain([(address.clone(), stored)]).collect();
    }
    let mut outcomes = write(context, session, &spread, stop).await;
    outcomes.insert(address.clone(), stored);
    outcomes
}

/// Has the label of a token of ours say that it is stored and in use. The run works without it: the next one does it. Only
/// where the token is gone, as another rotation has taken it for one that nobody has, it is put nowhere.
async fn name(hub: Option<&Hub>, planned: &Planned, context: &Context<'_>) -> Result<(), Problem> {
    let (Some(hub), Some((id, label))) = (hub, &planned.unnamed) else { return Ok(()) };
    match hub.rename(id, label).await {
        Ok(()) => {}
        Err(HubError::Absent { .. }) => {
            let message = format!("another run has deleted the new token, `{label}`, so it is put nowhere");
            return Err(Problem::outside(message).hint("to make another one: regcred rotate --mint"));
        }
        Err(error) => context.ui.warn(&format!(
            "the label of the new token, which is to be `{label}`, stays as it is until the next rotation: {error}"
        )),
    }
    Ok(())
}

async fn store(asked: &Asked<'_>, session: &Session, context: &Context<'_>) -> Result<(), Problem> {
    let new = session.vault.get(&asked.credential.id);
    let (Some(new), Some(old)) = (new, &asked.old) else {
        return Err(Problem::outside("there is nothing to store"));
    };
    if let Some(run) = &asked.rotation.store {
        return Keeper::new(run, context.env, &asked.base).store(&new.token).await;
    }
    let stored = asked.home.store(&old.token, &new.token, &asked.shared).await;
    stored.map_err(|problems| {
        let mut problems = problems.into_iter();
        problems.next().unwrap_or_else(|| Problem::outside("the source cannot be written"))
    })
}
