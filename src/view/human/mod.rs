//! For people: legible without colour, the most important thing last.

mod report;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use super::{Again, Shown, fold, rounded};
use crate::change::{Access, Action, Known, Purpose, Reason};
use crate::model::{Address, AwsItem, Credential, Shard};
use crate::plan::{Change, Cost, Plan, Summary};
use crate::redact;
use crate::registry::{Accepted, LoginError};
use crate::ui::{BAD, GOOD, HEAD, HINT, WARN, paragraph, styled, wrapped};

pub(crate) use report::without_names;
pub use report::{Said, event, findings, pulls, report, unread, verified};

/// GitHub's points of a minute (REST documentation, "Rate limits for the REST API").
const POINTS: usize = 900;
/// What takes longer may not be done when a job of GitHub's own runners ends, after six hours, in seconds.
const HOURS: usize = 5 * 3600;

/// How a plan is laid out.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Columns to write into.
    pub width: usize,
    /// Whether rows that stay are shown.
    pub keeps: bool,
    /// Whether the causes of what could not be read are shown.
    pub causes: bool,
    /// Whether rows say what is the case, and not what would be done.
    pub states: bool,
}

/// The credentials, the rows in groups, and the notes.
#[must_use]
pub fn plan(shown: &Shown<'_>, layout: Layout) -> String {
    let mut text = String::new();
    // What is taken away needs no credential.
    for credential in shown.credentials.iter().filter(|_| shown.plan.purpose != Purpose::Remove) {
        text += &proof(shown, credential, layout.width);
    }
    text += &groups(shown, layout);
    for note in &shown.plan.notes {
        text += &paragraph(&format!("{} ", styled(WARN, "note:")), 6, note, Some(layout.width));
    }
    if !shown.plan.notes.is_empty() {
        text.push('\n');
    }
    text
}

fn proof(shown: &Shown<'_>, credential: &Credential, width: usize) -> String {
    let id = &credential.id;
    let (style, state) = match shown.proofs.get(id) {
        Some(Ok(login)) => {
            let style = if login.warning.is_some() { WARN } else { GOOD };
            (style, proven(login, shown.known.get(id)) + &shown.life(id))
        }
        Some(Err(error)) => (BAD, refused(error)),
        None if shown.known.contains_key(id) => {
            (WARN, "not proven yet: the token is made once you say yes".to_owned())
        }
        None => (WARN, "not asked yet".to_owned()),
    };
    let fingerprint = shown.fingerprint(id).map(|it| format!(", fingerprint {it}")).unwrap_or_default();
    let who =
        format!("{} at {} from {}{fingerprint}", shown.username(id), credential.registry, credential.source);
    let head = styled(HEAD, id);
    let mut text = beside(&head, id.0.chars().count(), &who, width);
    text += &paragraph(&format!("  {}  ", styled(style, "login")), 9, &state, Some(width));
    text.push('\n');
    text
}

fn proven(login: &Accepted, known: Option<&Known>) -> String {
    let quota = login.quota.as_ref();
    let pulls = match quota.map(|quota| (quota.limit, quota.remaining, quota.window_s)) {
        Some((Some(limit), Some(remaining), Some(window))) => {
            format!("; {remaining} of {limit} pulls left in {}", hours(window))
        }
        Some((_, Some(0), _)) => "; at its pull limit now".to_owned(),
        Some(_) => "; no pull limit is known".to_owned(),
        None => String::new(),
    };
    let kind = known.map(|known| format!(", {}", known.kind)).unwrap_or_default();
    let words = [&login.warning, &login.note].into_iter().flatten();
    let words: String = words.map(|words| format!("; {words}")).collect();
    format!("works{kind}{pulls}{words}")
}

fn hours(seconds: u64) -> String {
    if seconds.is_multiple_of(3600) { format!("{} h", seconds / 3600) } else { format!("{seconds} s") }
}

fn refused(error: &LoginError) -> String {
    if error.is_refusal() { format!("refused: {error}") } else { format!("not proven: {error}") }
}

/// The rows, under a heading per account and region or repository. Rows that could not be read for
/// the same reason say it once.
fn groups(shown: &Shown<'_>, layout: Layout) -> String {
    let visible = |change: &&Change| layout.keeps || change.is_news();
    let rows: Vec<&Change> = shown.plan.changes.iter().filter(visible).collect();
    let column =
        rows.iter().map(|change| split(&change.address).1.chars().count()).max().unwrap_or(0).min(48);
    let mut text = String::new();
    let places: Vec<&[&Change]> =
        rows.chunk_by(|one, other| split(&one.address).0 == split(&other.address).0).collect();
    for like in fold::alike(&places, |rows| told(rows), layout.causes) {
        let group = like[0];
        let names: Vec<String> = like.iter().map(|rows| split(&rows[0].address).0).collect();
        let _ = writeln!(text, "{}", styled(HEAD, fold::named(&names)));
        for same in group.chunk_by(|one, other| {
            matches!(one.action, Action::Unread | Action::Blocked) && one.reason == other.reason
        }) {
            text += &alike(same, column, layout, shown.again, names.len() > 1);
        }
        text.push('\n');
    }
    text
}

/// What is shown of a place's rows, apart from its name.
fn told<'a>(rows: &[&'a Change]) -> impl PartialEq + use<'a> {
    let row = |change: &&'a Change| {
        let cause = match &change.reason {
            Reason::Unreadable(problem) => Err((why(change, true), &problem.hints)),
            reason => Ok(reason),
        };
        // The statement names the account.
        let access = change.access.as_ref().map(Access::words);
        (split(&change.address).1, change.action, cause, access, &change.stacks)
    };
    rows.iter().map(row).collect::<Vec<_>>()
}

/// One row, or several that could not be read for one reason.
fn alike(rows: &[&Change], column: usize, layout: Layout, again: &Again, is_folded: bool) -> String {
    let width = layout.width;
    let mut text = String::new();
    if let [one] = rows {
        text += &row(one, column, layout, is_folded);
    } else {
        for change in rows {
            let known = change.details.to_string();
            let known = if known.is_empty() { known } else { format!("  {known}") };
            let _ = writeln!(text, "  {} {}{known}", sign(change, layout.states), split(&change.address).1);
        }
        let reason = if is_folded { why(rows[0], true) } else { rows[0].reason.to_string() };
        text += &paragraph("      ", 6, &reason, Some(width));
    }
    if let Some(access) = &rows[0].access {
        text += &guarded(access, layout);
    }
    if let (true, Reason::Unreadable(problem) | Reason::Untrusted(problem)) = (layout.causes, &rows[0].reason)
    {
        for cause in &problem.causes {
            text += &paragraph(&format!("      {} ", styled(HEAD, "caused by:")), 17, cause, Some(width));
        }
    }
    if let Some(hint) = rows[0].hint() {
        text += &paragraph(&format!("      {} ", styled(HINT, "hint:")), 12, &again.hint(&hint), Some(width));
    }
    text
}

/// Who may read what a row guards; with its statement if more is wanted.
fn guarded(access: &Access, layout: Layout) -> String {
    let mut text = paragraph("      ", 6, &access.words(), Some(layout.width));
    if layout.causes {
        let statement = serde_json::to_string_pretty(&access.statement).unwrap_or_default();
        for line in statement.lines() {
            let _ = writeln!(text, "      {}", redact::line(line));
        }
    }
    text
}

/// An address as heading and rest.
fn split(address: &Address) -> (String, String) {
    (address.heading(), address.item())
}

/// Why; what could not be read in several places, without their names.
fn why(change: &Change, is_folded: bool) -> String {
    match &change.reason {
        Reason::Unreadable(problem) if is_folded => without_names(&problem.message, &change.address),
        _ => change.why(),
    }
}

/// A row's sign and action, coloured.
fn sign(change: &Change, states: bool) -> String {
    if let (true, Some(state)) = (states, state(change)) {
        return styled(WARN, format_args!("! {state:<7}"));
    }
    let style = match change.action {
        Action::Create => GOOD,
        Action::Update | Action::Refresh | Action::Replace | Action::Unread => WARN,
        Action::Delete | Action::Blocked => BAD,
        Action::Keep => anstyle::Style::new(),
    };
    styled(style, format_args!("{} {:<7}", change.action.symbol(), change.action.word()))
}

/// What is the case where something would be done that the place needs.
fn state(change: &Change) -> Option<&'static str> {
    match change.action {
        Action::Keep if matches!(change.reason, Reason::LeftToManifest(_)) => Some("differs"),
        Action::Create => Some("missing"),
        Action::Update | Action::Replace => Some("differs"),
        Action::Delete => Some("extra"),
        Action::Refresh | Action::Keep | Action::Blocked | Action::Unread => None,
    }
}

fn row(change: &Change, column: usize, layout: Layout, is_folded: bool) -> String {
    let name = change.address.item();
    let mut reason = match change.reason {
        // Nothing is written in this run.
        Reason::RecordFollows if layout.states => match change.action {
            Action::Create => "absent".to_owned(),
            _ => "does not match the secrets".to_owned(),
        },
        _ => why(change, is_folded),
    };
    if matches!(&change.address, Address::Aws { item: AwsItem::CacheRule(_), .. })
        && !change.stacks.is_empty()
    {
        let stacks: Vec<&str> = change.stacks.iter().map(String::as_str).collect();
        let _ = write!(reason, " (for {})", stacks.join(", "));
    }
    let head = format!("  {} {name:<column$}", sign(change, layout.states));
    let taken = 12 + column.max(name.chars().count());
    beside(&head, taken, &reason, layout.width)
}

/// Text after a head that takes `taken` columns: beside it if there is room, else below it.
fn beside(head: &str, taken: usize, text: &str, width: usize) -> String {
    if taken + 2 + text.chars().count() <= width {
        return format!("{head}  {text}\n");
    }
    format!("{}\n{}", head.trim_end(), paragraph("      ", 6, text, Some(width)))
}

/// What the plan comes to, and the next command, if there is one.
#[must_use]
pub fn plan_summary(shown: &Shown<'_>, width: Option<usize>) -> String {
    let mut text = plan_counts(shown.plan, shown.proofs.values().all(Result::is_ok));
    if let Some(command) = shown.next() {
        let _ = writeln!(text, "Digest: {}", shown.plan.digest());
        let _ = writeln!(text, "To make exactly these changes: {}", styled(HINT, command));
    }
    wrapped(&text, width)
}

/// What the plan comes to, before somebody is asked; whether every credential is proven.
#[must_use]
pub fn plan_counts(plan: &Plan, proven: bool) -> String {
    counted(plan, proven, Some(plan.cost())) + "\n"
}

/// The same for what it costs, if that is known.
#[must_use]
pub fn counted(plan: &Plan, proven: bool, cost: Option<Cost>) -> String {
    let summary = plan.summary();
    let mut text = counts(summary, plan, proven);
    if let Some(shard) = plan.shard.filter(|_| !plan.is_elsewhere()) {
        let _ = write!(text, " It is {}.", shard.words());
    }
    if plan.left_out > 0 {
        let _ = write!(text, " --only left out {}.", number(plan.left_out, "row"));
    }
    if let Some(cost) = cost.filter(|_| plan.writes()) {
        let _ = write!(text, " {}", self::cost(cost));
    }
    if plan.writes() && summary.refresh > 0 {
        let _ = write!(text, " Refreshing takes {} at each sync.", number(summary.refresh, "write"));
    }
    text
}

/// What carrying out the plan takes, and what a long run has to know.
#[must_use]
pub fn cost(cost: Cost) -> String {
    let Cost { requests, points, seconds } = cost;
    let time = rounded(Duration::from_secs(seconds as u64));
    let mut text = format!("It takes {}, about {time}.", number(requests, "request"));
    if points > POINTS {
        let _ = write!(text, " To GitHub they are {points} points, of which it takes {POINTS} a minute.");
    }
    if seconds > HOURS {
        text += " A job on a hosted runner of GitHub ends after 6 h: what is done by then stays, and the next run goes on with the rest.";
    }
    text
}

/// `1 request`, `2 requests`
#[must_use]
pub fn number(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// What is said where no place fits a pattern or a selector, and there is no row.
const NOTHING: &str = "Nothing that is declared was found.";

/// What is said where nothing of the configuration is in this shard.
fn elsewhere(plan: &Plan) -> String {
    let shard = plan.shard.map(Shard::words).unwrap_or_default();
    format!("No changes. Nothing of the configuration that is selected is in {shard}.")
}

fn counts(summary: Summary, plan: &Plan, proven: bool) -> String {
    let Summary { create, update, refresh, replace, delete, keep, blocked, unread } = summary;
    let mut aside: BTreeMap<&str, usize> = BTreeMap::new();
    for words in plan.changes.iter().filter_map(|change| change.reason.set_aside()) {
        *aside.entry(words).or_default() += 1;
    }
    let keep = keep.saturating_sub(aside.values().sum());
    let named = [
        (create, "to create"),
        (update, "to update"),
        (refresh, "to refresh"),
        (replace, "to replace"),
        (delete, "to delete"),
        (keep, "unchanged"),
        (blocked, "blocked"),
        (unread, "could not be read"),
    ];
    let changes = create + update + replace + delete + blocked + unread;
    match (changes, refresh) {
        (0, 0) if plan.is_elsewhere() => return elsewhere(plan),
        (0, 0) if plan.changes.is_empty() && plan.purpose != Purpose::Remove => {
            return format!("No changes. {NOTHING}");
        }
        _ if !aside.is_empty() || !proven => {}
        (0, 0) if plan.purpose == Purpose::Remove => {
            return "No changes. Nothing is left that regcred made.".to_owned();
        }
        (0, 0) => return format!("No changes. Everything declared is in place ({keep} unchanged)."),
        (0, refresh) => {
            return format!(
                "No differences: {keep} in place, {refresh} refreshed at each sync, as they cannot be read back."
            );
        }
        _ => {}
    }
    let named = named.into_iter().chain(aside.into_iter().map(|(words, count)| (count, words)));
    let parts: Vec<String> =
        named.filter(|(count, _)| *count > 0).map(|(count, words)| format!("{count} {words}")).collect();
    // A difference that somebody else mends.
    let differs = plan.changes.iter().any(|change| matches!(change.reason, Reason::LeftToManifest(_)));
    let head = match blocked + unread {
        0 if changes + refresh == 0 && differs => styled(WARN, "Nothing to write:"),
        0 if changes + refresh == 0 => "No changes:".to_owned(),
        0 => "Plan:".to_owned(),
        _ => styled(WARN, "Plan:"),
    };
    format!("{head} {}.", parts.join(", "))
}
