//! The plan of a rotation: what is there, what is new, and what keeps the old token on.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;

use super::{Asked, fresh, hold};
use crate::aws::Way;
use crate::change::{Action, Known, Purpose, Reason};
use crate::cli::{Overrides, RotateArgs};
use crate::commands::session::{Context, Session};
use crate::desired::Loaded;
use crate::env::Env;
use crate::error::Error;
use crate::model::{Credential, CredentialId, Fingerprint, Problem, TokenKind};
use crate::net::Http;
use crate::plan::{Change, Plan};
use crate::registry::LoginError;
use crate::registry::hub::{Hub, Label, Token};
use crate::rotation::{Home, Rotation, Wish, recorded, rotation};
use crate::sources::{Shared, Source};

/// Where the new value comes from.
pub(super) enum Fresh {
    /// From this source.
    Given(Source),
    /// From where the old one comes from, which has the new one already.
    Present,
    /// It is made at Docker Hub.
    Made,
}

impl Fresh {
    /// What the command line says.
    pub(super) async fn chosen(
        args: &RotateArgs,
        credential: &Credential,
        context: &Context<'_>,
    ) -> Result<Self, Error> {
        match &args.from {
            _ if args.mint => Ok(Self::Made),
            None => Ok(Self::Present),
            Some(words) if words == fresh::PREVIOUS => {
                fresh::previous(credential, context).await.map(Self::Given)
            }
            Some(words) => Ok(Self::Given(fresh::named(words, credential, context).await?)),
        }
    }
}

/// A plan, with what it was made of.
pub(super) struct Planned {
    pub(super) session: Session,
    pub(super) rotation: Rotation,
    /// Whether the new token is still to be made.
    pub(super) is_to_be_made: bool,
    /// Whether this run has made it.
    pub(super) is_made: bool,
    /// The new token's id and its label once it is stored and in use, where it has another one.
    pub(super) unnamed: Option<(String, Label)>,
}

/// The one credential that is rotated.
pub(super) fn one(loaded: &Loaded) -> Result<Credential, Error> {
    let all = &loaded.desired.credentials;
    match all.as_slice() {
        [one] if loaded.sources.contains_key(&one.id) => Ok(one.clone()),
        [] | [_] => {
            Err(Error::invalid("nothing is declared that could be rotated", Some("regcred init".to_owned())))
        }
        several => {
            let names: Vec<&str> = several.iter().map(|credential| credential.id.0.as_str()).collect();
            let message = format!("{} are declared, and one is rotated at a time", names.join(" and "));
            Err(Error::invalid(message, Some(format!("regcred rotate --credential {}", names[0]))))
        }
    }
}

pub(super) fn shared(loaded: &Loaded, http: &Http, env: &Env) -> Shared {
    Shared::new(Way::new(http, env, loaded.desired.places.aws.iter().any(|place| place.insecure)))
}

/// Where the old value comes from. Standard input gives one value: it is the new one.
pub(super) fn home(
    loaded: &mut Loaded,
    credential: &Credential,
    fresh: &Fresh,
    context: &Context<'_>,
) -> Result<Source, Error> {
    if matches!(fresh, Fresh::Present) {
        context.ask(loaded)?;
    }
    let source = loaded.sources.get(&credential.id).cloned();
    source.ok_or_else(|| Error::invalid("the credential has no source", None))
}

/// Reads, proves and plans. A token that an earlier run has stored and not spread is not made again.
pub(super) async fn planned(
    asked: &Asked<'_>,
    fresh: Fresh,
    hub: Option<&Hub>,
    tokens: &[Token],
    context: &Context<'_>,
) -> Result<Planned, Error> {
    match fresh {
        Fresh::Given(source) => {
            let source = asked.username().into_iter().fold(source, |source, user| source.of_user(user));
            with(asked, Some(source), hub, tokens, context).await
        }
        Fresh::Present => with(asked, None, hub, tokens, context).await,
        Fresh::Made => {
            check_makeable(asked)?;
            if was_made(asked, tokens) {
                let planned = with(asked, None, hub, tokens, context).await?;
                if is_open(asked, &planned) {
                    context
                        .ui
                        .say("An earlier rotation has made and stored a token: this run goes on with it.");
                    return Ok(planned);
                }
            }
            to_be_made(asked, hub, tokens, context).await
        }
    }
}

/// Whether an earlier rotation to the token that the source gives has not ended: the token works, and a place has another
/// one, or may have it as its record is gone, or the token before it is still on.
fn is_open(asked: &Asked<'_>, planned: &Planned) -> bool {
    let proof = planned.session.proofs.get(&asked.credential.id);
    if proof.is_some_and(|proof| proof.as_ref().is_err_and(LoginError::is_refusal)) {
        return false;
    }
    let rows = &planned.rotation.plan.changes;
    let is_left = |row: &Change| {
        row.reason.is_other_value()
            || row.reason == Reason::Retires
            || (row.action == Action::Refresh && recorded(rows, row))
    };
    planned.unnamed.is_some() || rows.iter().any(|row| row.action.writes() && is_left(row))
}

/// Whether the source gives a token that a rotation has made.
fn was_made(asked: &Asked<'_>, tokens: &[Token]) -> bool {
    let Some(old) = &asked.old else { return false };
    tokens.iter().any(|token| token.is_active && token.is_of(&asked.credential.id, &old.fingerprint))
}

/// What can be known to be wrong before a token is made.
fn check_makeable(asked: &Asked<'_>) -> Result<(), Error> {
    let Some(old) = &asked.old else {
        let message = "the new token would be stored nowhere: the source is standard input";
        return Err(Error::invalid(
            message,
            Some("give the credential a source in regcred.yaml, such as from: { file: … }".to_owned()),
        ));
    };
    if asked.rotation.store.is_none() {
        asked.home.storable().map_err(|problem| Error::Invalid(vec![problem]))?;
    }
    if !asked.owner().eq_ignore_ascii_case(&old.username) {
        return Err(other_user(asked, &asked.owner()));
    }
    if Label::of(&asked.credential.id, &old.fingerprint).fits() {
        Ok(())
    } else {
        Err(Error::invalid(
            format!("the name {} is too long for a label at Docker Hub", asked.credential.id),
            None,
        ))
    }
}

fn other_user(asked: &Asked<'_>, new: &str) -> Error {
    let old = asked.username().unwrap_or_default();
    let message = format!("the new token is of user {new}, and the source has user {old}");
    Error::invalid(
        message,
        Some("a rotation changes the token only: change the user name at the source first".to_owned()),
    )
}

/// The plan with a value that is there: of this source, or of the old one's.
async fn with(
    asked: &Asked<'_>,
    source: Option<Source>,
    hub: Option<&Hub>,
    tokens: &[Token],
    context: &Context<'_>,
) -> Result<Planned, Error> {
    let mut loaded = context.load()?;
    // What was typed for the old one is not asked for again.
    let source = source.unwrap_or_else(|| asked.home.clone());
    for credential in &mut loaded.desired.credentials {
        credential.source = source.words();
    }
    loaded.sources.insert(asked.credential.id.clone(), source);
    context.ask(&mut loaded)?;
    let session = session(asked, loaded, None, context).await?;
    let new = session.known(&asked.credential.id).map(|known| known.username.clone()).unwrap_or_default();
    if asked.username().is_some_and(|old| !old.eq_ignore_ascii_case(&new)) {
        return Err(other_user(asked, &new));
    }
    woven(asked, session, hub, tokens, false, context).await
}

/// The plan before the value is there: every place gets it.
async fn to_be_made(
    asked: &Asked<'_>,
    hub: Option<&Hub>,
    tokens: &[Token],
    context: &Context<'_>,
) -> Result<Planned, Error> {
    let mut loaded = context.load()?;
    for credential in &mut loaded.desired.credentials {
        credential.source = "Docker Hub, which is to make it".to_owned();
    }
    let organization = asked.rotation.mint.as_ref().is_some_and(|mint| mint.organization.is_some());
    let kind = if organization { TokenKind::DockerOrganization } else { TokenKind::DockerPersonal };
    let known = Known { username: asked.owner(), kind, ..Known::nothing() };
    let known = BTreeMap::from([(asked.credential.id.clone(), known)]);
    let session = session(asked, loaded, Some(known), context).await?;
    woven(asked, session, hub, tokens, true, context).await
}

/// Makes the token, and plans what was approved with it.
pub(super) async fn made(
    asked: &Asked<'_>,
    hub: Option<&Hub>,
    approved: Planned,
    context: &Context<'_>,
) -> Result<Planned, Error> {
    let Some(hub) = hub else { return Err(Error::invalid("there is no login to Docker Hub", None)) };
    context.ui.begin("Making a token at Docker Hub …");
    let source = fresh::minted(asked, hub).await;
    context.ui.idle();
    let source = source?;
    let begun = |error: Error| Error::Begun(error.problems());
    let tokens = fresh::listed(hub).await.map_err(begun)?;
    let mut planned = with(asked, Some(source), Some(hub), &tokens, context).await.map_err(begun)?;
    planned.session.check_proofs().map_err(begun)?;
    if is_within(&planned.rotation.plan, &approved.rotation.plan) {
        Ok(Planned { is_made: true, ..planned })
    } else {
        let message =
            "what is there has changed since the plan was approved; the token that was made is not used";
        Err(Error::Begun(vec![Problem::outside(message).hint("regcred rotate --mint")]))
    }
}

/// Whether everything that a plan writes was in the one that was approved.
fn is_within(plan: &Plan, approved: &Plan) -> bool {
    let of = |plan: &Plan| -> BTreeMap<_, _> {
        let rows = plan.changes.iter().filter(|row| row.action.writes());
        rows.map(|row| (row.address.clone(), row.action)).collect()
    };
    let approved = of(approved);
    of(plan).into_keys().all(|address| approved.contains_key(&address))
}

async fn session(
    asked: &Asked<'_>,
    loaded: Loaded,
    known: Option<BTreeMap<CredentialId, Known>>,
    context: &Context<'_>,
) -> Result<Session, Error> {
    let overrides = Overrides { allow_delete: asked.args.allow_delete, ..Overrides::default() };
    let mut options = context.options(overrides);
    options.purpose = Purpose::Rotate;
    options.old = asked.old.as_ref().map(|old| old.fingerprint);
    context.session_of(loaded, options, Duration::ZERO, known).await
}

/// Adds to the session's plan what a rotation does beside it.
async fn woven(
    asked: &Asked<'_>,
    mut session: Session,
    hub: Option<&Hub>,
    tokens: &[Token],
    is_to_be_made: bool,
    context: &Context<'_>,
) -> Result<Planned, Error> {
    let (args, id) = (asked.args, &asked.credential.id);
    let new = session.known(id).map(|known| known.fingerprint).filter(|_| !is_to_be_made);
    let after = |days: u16| Some((hub?.now()? - TimeDelta::days(days.into())).date_naive());
    let is_token = session.known(id).is_some_and(|known| known.kind.is_docker_token());
    let wish = Wish {
        credential: id.clone(),
        source: asked.home.words(),
        new,
        present: asked.old.as_ref().map(|old| old.fingerprint),
        is_token,
        old: args.old.clone(),
        delete_until: args.delete_after.and_then(after),
        keep_old: args.keep_old,
        allow_delete: args.allow_delete,
        accept_unknown: args.accept_unknown,
    };
    let home = where_it_stays(asked, new);
    let hold = match hold::here(asked, &home, &session.plan, context).await {
        None if hub.is_some() => hold::others(asked, &session, new, tokens, context).await?,
        hold => hold,
    };
    let plan = std::mem::take(&mut session.plan);
    let mut rotation = rotation(plan, &wish, &home, tokens, hold).map_err(Error::Source)?;
    rotation.plan.notes.extend(notes(asked, hub));
    rotation.plan.notes.extend(copies(asked, new, context).await);
    rotation.plan.notes.iter_mut().for_each(|note| *note = context.again.hint(note));
    session.plan = rotation.plan.clone();
    let mut unnamed = None;
    if let Some((new, token)) =
        new.and_then(|new| Some((new, tokens.iter().find(|token| token.is_of(id, &new))?)))
    {
        let label = Label::of(id, &new).stored();
        if !token.is_active {
            session.refused_as_off(id, &token.label);
        } else if token.label != label.to_string() {
            unnamed = Some((token.id.clone(), label));
        }
    }
    Ok(Planned { session, rotation, is_to_be_made, is_made: false, unnamed })
}

fn where_it_stays(asked: &Asked<'_>, new: Option<Fingerprint>) -> Home {
    match &asked.old {
        None => Home::Handed,
        Some(old) if new == Some(old.fingerprint) => Home::Settled,
        Some(_) if asked.rotation.store.is_some() => Home::Takes,
        Some(_) => match asked.home.storable() {
            Ok(()) => Home::Takes,
            Err(problem) => Home::ByHand(problem),
        },
    }
}

/// The other stacks that hold the old value: a deploy of theirs would still use it.
async fn copies(asked: &Asked<'_>, new: Option<Fingerprint>, context: &Context<'_>) -> Vec<String> {
    // Once the source gives the new one, nothing tells which value is the old one.
    let Some(old) = asked.old.as_ref().filter(|old| new != Some(old.fingerprint)) else { return Vec::new() };
    let beside = asked.home.beside(context.env, context.dir);
    let reading = beside.iter().map(async |source| {
        let value = fresh::read(source, &asked.credential, &asked.shared).await.ok()?;
        (value.fingerprint == old.fingerprint).then(|| source.words())
    });
    let holding = futures::future::join_all(reading).await;
    let told = |words| {
        format!("{words} holds the token that goes out of use, too: change it there by hand, or take it out")
    };
    holding.into_iter().flatten().map(told).collect()
}

/// What people should know of the old token.
fn notes(asked: &Asked<'_>, hub: Option<&Hub>) -> Vec<String> {
    let mut notes = Vec::new();
    if hub.is_none() {
        let why = asked.unseen.as_ref().map_or_else(
            || " without an account's password (`mint: { login: … }` in regcred.yaml)".to_owned(),
            |why| format!(" ({why})"),
        );
        notes.push(format!(
            "which tokens are on at Docker Hub is not known{why}: switch the old one off by hand, at {}, once a run has ended with everything in place",
            fresh::TOKENS
        ));
    } else if asked.args.keep_old {
        notes.push("the old token stays on, as asked; it is safe to switch it off once a run has ended with everything in place: regcred rotate".to_owned());
    }
    notes.push(
        "whatever pulls with the old token and is not declared here (other files, laptops) is not seen"
            .to_owned(),
    );
    notes
}
