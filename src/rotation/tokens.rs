//! Which tokens are old. Docker Hub shows no value, so a token is known by its label, or somebody names it.

use std::collections::BTreeSet;

use super::{Step, Wish};
use crate::change::{Action, Details, Reason};
use crate::model::{Address, HubItem, Problem};
use crate::plan::Change;
use crate::redact;
use crate::registry::hub::{Label, Token, called, retired_on};

/// The row of a token, with what is done for it if it is done.
pub(super) type Judged = (Change, Option<Step>);

/// The rows of the tokens with which something happens.
pub(super) fn judged(tokens: &[Token], wish: &Wish) -> Result<Vec<Judged>, Vec<Problem>> {
    let named = named(tokens, wish)?;
    Ok(tokens.iter().filter_map(|token| row(token, named.contains(token.id.as_str()), wish)).collect())
}

/// The tokens that people named, by their ids.
fn named<'t>(tokens: &'t [Token], wish: &Wish) -> Result<BTreeSet<&'t str>, Vec<Problem>> {
    let (mut ids, mut problems) = (BTreeSet::new(), Vec::new());
    for name in &wish.old {
        let meant: Vec<&Token> =
            tokens.iter().filter(|token| token.id == *name || called(&token.label) == name).collect();
        match meant.as_slice() {
            [token] if is_new(token, wish) || is_only(token, tokens, wish) => problems.push(
                Problem::outside(format!("--old {name} is the new token"))
                    .hint("name the one that is to go out of use"),
            ),
            [token] => {
                ids.insert(token.id.as_str());
            }
            [] => problems.push(unknown(name, tokens)),
            several => {
                let ids: Vec<String> = several.iter().map(|token| redact::outside(&token.id)).collect();
                let message = format!("{} tokens at Docker Hub are called `{name}`", several.len());
                problems.push(
                    Problem::outside(message)
                        .hint(format!("name one by its id: --old {}", ids.join(" or --old "))),
                );
            }
        }
    }
    if problems.is_empty() { Ok(ids) } else { Err(problems) }
}

/// What people should know of tokens that are on, where labels alone do not say enough.
pub(super) fn notes(tokens: &[Token], wish: &Wish) -> Vec<String> {
    if wish.keep_old || !wish.old.is_empty() {
        return Vec::new();
    }
    let on = tokens.iter().filter(|token| token.is_active && !is_new(token, wish));
    let (ours, others): (Vec<&Token>, Vec<&Token>) = on.partition(|token| ours(token, wish).is_some());
    // What regcred made for another credential is not this one's to put out of use.
    let others: Vec<&Token> =
        others.into_iter().filter(|token| Label::read(&token.label).is_none()).collect();
    let strange: Vec<&Token> = ours.iter().copied().filter(|token| is_strange(token, wish)).collect();
    let gone = || {
        format!(
            "{} goes out of use by its label, and is not what {} gives now: if another configuration has it, give its credential a name of its own, and leave the token on: regcred rotate --keep-old",
            names(&strange),
            redact::outside(&wish.source),
        )
    };
    let left = || {
        format!(
            "on at Docker Hub, and not made by regcred: {}. Whichever of them held the old value goes out of use by: regcred rotate --old LABEL --allow-delete",
            names(&others)
        )
    };
    let is_left = ours.is_empty() && !others.iter().all(|token| is_only(token, tokens, wish));
    let gone = (!strange.is_empty()).then(gone);
    gone.into_iter().chain(is_left.then(left)).collect()
}

/// When somebody logged in last with a token that goes out of use.
pub(super) fn last_use(step: &Step) -> Option<String> {
    let Step::Retire(token) = step else { return None };
    let last = token.last_used?.format("%Y-%m-%d %H:%M UTC");
    Some(format!("the last login with {} was at {last}", names(&[token])))
}

/// Whether the source still gives another value than this token of ours, which is not the new one.
fn is_strange(token: &Token, wish: &Wish) -> bool {
    let present = wish.present.filter(|present| Some(*present) != wish.new);
    let label = ours(token, wish).filter(|label| label.is_stored);
    label.zip(present).is_some_and(|(label, present)| !label.is_of(&wish.credential, &present))
}

/// As people call them: by their labels, and by their ids where they have none.
fn names(tokens: &[&Token]) -> String {
    let name = |token: &&Token| if token.label.is_empty() { token.id.clone() } else { token.label.clone() };
    let names: Vec<String> =
        tokens.iter().map(|token| format!("`{}`", redact::outside(&name(token)))).collect();
    names.join(", ")
}

fn unknown(name: &str, tokens: &[Token]) -> Problem {
    let on: Vec<&Token> = tokens.iter().filter(|token| token.is_active).collect();
    let hint =
        if on.is_empty() { "it has none that is on".to_owned() } else { format!("on are {}", names(&on)) };
    Problem::outside(format!("Docker Hub has no token `{name}` of this account")).hint(hint)
}

fn ours(token: &Token, wish: &Wish) -> Option<Label> {
    Label::read(&token.label).filter(|label| label.credential == wish.credential)
}

/// Whether the label says that a run ended before it stored the value: no source gives it.
fn is_lost(label: &Label, wish: &Wish) -> bool {
    !label.is_stored && !wish.present.is_some_and(|present| label.is_of(&wish.credential, &present))
}

/// Whether the label says that it is the new value.
fn is_new(token: &Token, wish: &Wish) -> bool {
    wish.new.is_some_and(|new| token.is_of(&wish.credential, &new))
}

/// Whether it is the only token that is on, and so the new value.
fn is_only(token: &Token, tokens: &[Token], wish: &Wish) -> bool {
    let others = tokens.iter().filter(|other| other.is_active && other.id != token.id);
    wish.new.is_some() && wish.is_token && token.is_active && others.count() == 0
}

fn row(token: &Token, is_named: bool, wish: &Wish) -> Option<Judged> {
    let ours = ours(token, wish);
    let day = retired_on(&token.label);
    let (action, reason, step) = match day {
        _ if is_new(token, wish) => return None,
        Some(day) if !token.is_active => {
            let over = wish.delete_until.is_some_and(|until| day <= until);
            over.then(|| {
                (Action::Delete, Reason::OutOfUse(day.to_string()), Some(Step::Delete(token.clone())))
            })?
        }
        _ if !token.is_active => return None,
        _ if ours.as_ref().is_some_and(|label| is_lost(label, wish)) => {
            (Action::Delete, Reason::Lost, Some(Step::Delete(token.clone())))
        }
        _ if wish.keep_old => return None,
        _ if ours.is_some() || (is_named && wish.allow_delete) => {
            (Action::Update, Reason::Retires, Some(Step::Retire(token.clone())))
        }
        _ if is_named => (Action::Blocked, Reason::ForeignToken(redact::outside(&token.label)), None),
        _ => return None,
    };
    let address = Address::Hub { item: HubItem::Token(token.id.clone()) };
    let row = Change::new(address, [wish.credential.clone()].into(), action, reason);
    Some((
        Change {
            details: Details { name: Some(redact::outside(&token.label)), ..Details::default() },
            ..row
        },
        step,
    ))
}
