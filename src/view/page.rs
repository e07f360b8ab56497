//! `--html FILE`: one page that says where a credential is and how that is known, what is wrong first. It needs no network and
//! no script; nothing but its own style and script may act in it.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};

use super::human::number;
use super::{Again, Shown};
use crate::change::{Action, Finding, Reason};
use crate::model::{Address, Credential};
use crate::plan::Change;
use crate::redact::markup::html;
use crate::registry::Quota;

const STYLE: &str = include_str!("page/style.css");
const SCRIPT: &str = include_str!("page/script.js");

/// How a place is, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Invalid,
    Blocked,
    Unread,
    Differs,
    Missing,
    Extra,
    Unknown,
    Skipped,
    InPlace,
}

impl State {
    fn of(change: &Change, proof: Option<&Finding>) -> Self {
        match change.action {
            _ if proof.is_some_and(|proof| proof.result.is_err()) => Self::Invalid,
            Action::Blocked => Self::Blocked,
            Action::Unread => Self::Unread,
            Action::Update | Action::Replace => Self::Differs,
            Action::Create => Self::Missing,
            Action::Delete => Self::Extra,
            Action::Refresh => Self::Unknown,
            Action::Keep if change.reason == Reason::Terminating => Self::Skipped,
            Action::Keep if change.reason.set_aside().is_some() => Self::Differs,
            Action::Keep => Self::InPlace,
        }
    }

    /// Its word, and the class of the style.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Invalid => ("does not work", "bad"),
            Self::Blocked => ("blocked", "bad"),
            Self::Unread => ("could not be read", "bad"),
            Self::Differs => ("differs", "warn"),
            Self::Missing => ("missing", "warn"),
            Self::Extra => ("extra", "warn"),
            Self::Unknown => ("cannot be read back", "unknown"),
            Self::Skipped => ("skipped", "unknown"),
            Self::InPlace => ("in place", "good"),
        }
    }
}

/// The page, with what was proven of the places, if they were.
#[must_use]
pub fn page(shown: &Shown<'_>, findings: &[Finding]) -> String {
    let proofs: BTreeMap<&Address, &Finding> =
        findings.iter().map(|finding| (&finding.address, finding)).collect();
    let mut rows: Vec<(State, &Change)> = shown
        .plan
        .changes
        .iter()
        .map(|change| (State::of(change, proofs.get(&change.address).copied()), change))
        .collect();
    rows.sort_by_key(|(state, change)| (*state, &change.address));
    let places: String = rows
        .iter()
        .map(|(state, change)| place(*state, change, proofs.get(&change.address).copied(), shown.again))
        .collect();
    let notes: String = shown.plan.notes.iter().map(|note| format!("<li>{}</li>\n", html(note))).collect();
    let notes = if notes.is_empty() { notes } else { format!("<h2>Notes</h2>\n<ul>\n{notes}</ul>\n") };
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n{}\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>regcred</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<h1>Where the credential is</h1>\n<p>{}</p>\n\
         <h2>Credentials</h2>\n<table>\n<thead><tr><th>Credential<th>Login<th>From</tr></thead>\n<tbody>\n{}</tbody>\n</table>\n\
         <h2>Places</h2>\n<table class=\"places\">\n<thead><tr><th>State<th>Place<th>How that is known<th>For</tr></thead>\n\
         <tbody class=\"places\">\n{places}</tbody>\n</table>\n{notes}<script>{SCRIPT}</script>\n</body>\n</html>\n",
        policy(),
        counts(&rows),
        shown.credentials.iter().map(|one| credential(shown, one)).collect::<String>(),
    )
}

/// Nothing may be loaded or sent, and nothing but the page's own style and script acts.
fn policy() -> String {
    let hash = |text: &str| STANDARD.encode(digest(&SHA256, text.as_bytes()));
    format!(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'\">\n",
        hash(STYLE),
        hash(SCRIPT)
    )
}

fn counts(rows: &[(State, &Change)]) -> String {
    let mut counts: BTreeMap<State, usize> = BTreeMap::new();
    rows.iter().for_each(|(state, _)| *counts.entry(*state).or_default() += 1);
    let count = |(state, count): (&State, &usize)| {
        let (word, class) = state.words();
        format!("<span class=\"{class}\">{count} {word}</span>")
    };
    let parts: Vec<String> = counts.iter().map(count).collect();
    format!("{} in all: {}", number(rows.len(), "place"), parts.join(", "))
}

fn credential(shown: &Shown<'_>, credential: &Credential) -> String {
    let id = &credential.id;
    let (class, mut login) = match shown.proofs.get(id) {
        Some(Ok(accepted)) => {
            let words = [&accepted.warning, &accepted.note].into_iter().flatten();
            let words: String = words.map(|words| format!("; {words}")).collect();
            let class = if accepted.warning.is_some() { "warn" } else { "good" };
            (class, format!("works{}{words}", quota(accepted.quota.as_ref())))
        }
        Some(Err(error)) => ("bad", error.to_string()),
        None => ("warn", "was not asked".to_owned()),
    };
    let known = shown.known.get(id);
    login += &shown.life(id);
    let kind = known.map(|known| format!(", {}", known.kind)).unwrap_or_default();
    let fingerprint = shown.fingerprint(id).map(|it| format!(", fingerprint {it}")).unwrap_or_default();
    let what = format!("{} at {}{kind}{fingerprint}", shown.username(id), credential.registry);
    format!(
        "<tr><td><b>{}</b><br>{}<td class=\"{class}\">{}<td><code>{}</code></tr>\n",
        html(&id.0),
        html(&what),
        html(&login),
        html(&credential.source)
    )
}

fn quota(quota: Option<&Quota>) -> String {
    match quota.map(|quota| (quota.limit, quota.remaining)) {
        Some((Some(limit), Some(remaining))) => format!("; {remaining} of {limit} pulls left"),
        _ => String::new(),
    }
}

fn place(state: State, change: &Change, proof: Option<&Finding>, again: &Again) -> String {
    let (word, class) = state.words();
    let access = change.access.as_ref().map(|access| format!("; {}", access.words()));
    let proven = proof.map(|proof| match (&proof.result, &proof.state) {
        (Err(failure), _) => format!("; {failure}"),
        (Ok(()), Some(state)) => format!("; {state}"),
        (Ok(()), None) => format!("; proven {}", proof.means),
    });
    let known = format!("{}{}{}", change.why(), access.unwrap_or_default(), proven.unwrap_or_default());
    let hint = change.hint().map(|hint| html(&again.hint(&hint)));
    let hint = hint.map(|hint| format!("<br><span class=\"soft\">{hint}</span>"));
    let names: Vec<&str> = change.credentials.iter().map(|id| id.0.as_str()).collect();
    let stacks: String = change.stacks.iter().map(|stack| format!(", stack {stack}")).collect();
    format!(
        "<tr data-state=\"{word}\"><td class=\"state {class}\">{word}<td class=\"place\">{}<td>{}{}<td>{}</tr>\n",
        html(&change.address.to_string()),
        html(&known),
        hint.unwrap_or_default(),
        html(&format!("{}{stacks}", names.join(", ")))
    )
}
