//! What happens in a run, and what came of it.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::change::{Finding, Pull, PullLogin, Reason, Used};
use crate::execute::Event;
use crate::model::{Address, Problem};
use crate::plan::Plan;
use crate::redact;
use crate::report::{ExitStatus, Outcome, Report};
use crate::systems;
use crate::ui::{BAD, GOOD, HEAD, HINT, WARN, details, paragraph, styled, wrapped};
use crate::view::{Again, fold, told};

use super::{NOTHING, elsewhere, number};

/// How the result of a run is shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Said {
    /// Columns to wrap in, if there is a terminal.
    pub width: Option<usize>,
    /// Whether everything is listed one by one.
    pub all: bool,
}

/// One line for what happened; on a terminal that a report follows on without the reason of a failure, which that tells.
/// With `all` it says what a write gave, too.
#[must_use]
pub fn event(event: &Event, reported: bool, all: bool) -> Option<String> {
    match event {
        Event::Started(_) => None,
        Event::Waiting(address, words) => Some(format!("{} {address}: {words}", styled(WARN, "waiting"))),
        Event::Applied(address, receipt) => {
            let gave: Vec<String> = told(receipt).map(|(name, value)| format!("{name} {value}")).collect();
            let gave = match receipt.note() {
                _ if all && !gave.is_empty() => format!("  {}", gave.join(", ")),
                Some(note) => format!(": {}", redact::outside(note)),
                None => String::new(),
            };
            Some(format!("{}    {address}{gave}", styled(GOOD, "done")))
        }
        Event::Skipped(address, failure) => {
            Some(format!("{} {address}: {failure}; the run goes on without it", styled(WARN, "skipped")))
        }
        Event::Failed(address, _) if reported => Some(format!("{}  {address}", styled(BAD, "failed"))),
        Event::Failed(address, failure) => Some(format!("{}  {address}: {failure}", styled(BAD, "failed"))),
    }
}

/// One line per proof after the fact, and for each thing that was only looked at; those that are alike in one.
#[must_use]
pub fn findings(findings: &[Finding], again: &Again, said: Said) -> String {
    let kind = |finding: &Finding| {
        (
            finding.address.system(),
            finding.means,
            finding.state.clone(),
            finding.unread,
            finding.result.clone(),
        )
    };
    let line = |like: Vec<&Finding>| {
        let names: Vec<String> = like.iter().map(|finding| finding.address.to_string()).collect();
        let (finding, name) = (like[0], fold::named(&names));
        match (&finding.result, &finding.state) {
            (Ok(()), Some(state)) => format!("{}    {name}: {state}\n", styled(HEAD, "seen")),
            (Ok(()), None) => format!("{}  {name} {}\n", styled(GOOD, "proven"), finding.means),
            (Err(failure), _) => {
                let word = if finding.unread { "unproven" } else { "invalid" };
                let line = format!("{} {name}: {failure}\n", styled(BAD, word));
                line + &details(&again.problem(failure), 4, false, said.width)
            }
        }
    };
    fold::alike(findings, kind, said.all).into_iter().map(line).collect()
}

/// How each place pulls an image, and where that is not what the image's name means; places that are alike in one line.
#[must_use]
pub fn pulls(pulls: &[Pull], again: &Again, said: Said) -> String {
    let stored = |login: &PullLogin| (login.name.clone(), login.registry.clone(), login.username.clone());
    let kind = |pull: &Pull| {
        let logins: Vec<_> = pull.login.login().into_iter().chain(&pull.then).map(stored).collect();
        (pull.image.clone(), pull.login.word(), logins, pull.result.clone())
    };
    let line = |like: Vec<&Pull>| {
        let places: Vec<String> = like.iter().map(|pull| pull.place.clone()).collect();
        let Pull { image, login, then, result, .. } = like[0];
        let (style, word) = match (result, login) {
            (Err(_), _) => (BAD, "differs"),
            (Ok(()), Used::Refused) => (HEAD, "seen   "),
            (Ok(()), _) => (GOOD, "pulls  "),
        };
        let how = match login {
            Used::Ours(login) => format!("is pulled with our login, {login}"),
            Used::Other(login) => format!("is pulled with another login, {login}"),
            Used::None => "is pulled anonymously".to_owned(),
            Used::Refused => "is not pulled".to_owned(),
        };
        let then: String = then.iter().map(|login| format!(", then {login}")).collect();
        let mut text = format!("{} {}: {image} {how}{then}\n", styled(style, word), fold::named(&places));
        if let Err(failure) = result {
            let _ = writeln!(text, "  {failure}");
            text += &details(&again.problem(failure), 2, false, said.width);
        }
        text
    };
    fold::alike(pulls, kind, said.all).into_iter().map(line).collect()
}

/// What `verify` found, and what mends it.
#[must_use]
pub fn verified(plan: &Plan, report: &Report, again: &Again, said: Said) -> String {
    // What is left to others no sync mends, and of what could not be read nobody knows what a sync would do.
    let next = if report.differs() && plan.writes() && plan.summary().unread == 0 {
        format!("Next: {}\n", styled(HINT, again.command("sync")))
    } else {
        String::new()
    };
    let pulled_so = report.pulls.iter().all(|pull| pull.result.is_ok());
    if plan.is_elsewhere() {
        return wrapped(&format!("{}\n", elsewhere(plan)), said.width);
    }
    let head = match report.detailed_status() {
        _ if plan.changes.is_empty() => styled(WARN, NOTHING),
        ExitStatus::Done => styled(GOOD, "Done:"),
        ExitStatus::Differences if report.differs() => styled(WARN, "Not in place:"),
        ExitStatus::Differences if pulled_so => styled(WARN, "In place, and in use for too long:"),
        ExitStatus::Differences => styled(WARN, "In place, and not pulled as named:"),
        _ => styled(BAD, "Not all in place:"),
    };
    wrapped(&format!("{head}{}{}\n{next}", tally(report), part(plan)), said.width)
}

/// What came of a run, failures last, each with its next command. What failed alike is said once.
#[must_use]
pub fn report(plan: &Plan, report: &Report, again: &Again, said: Said) -> String {
    let undone: Vec<(&Address, &Outcome)> =
        report.outcomes.iter().filter(|(_, outcome)| failure(outcome).is_some()).collect();
    let mut text = String::new();
    let kind = |(address, outcome): &(&Address, &Outcome)| {
        let (word, why, problem) = failure(outcome)?;
        Some((word, without_names(&why, address), problem.map(|problem| problem.hints.clone())))
    };
    for like in fold::alike(&undone, kind, said.all) {
        let names: Vec<String> = like.iter().map(|(address, _)| address.to_string()).collect();
        let (_, outcome) = like[0];
        let Some((word, why, problem)) = failure(outcome) else { continue };
        // Each of several waits for another.
        let why = match outcome {
            Outcome::NotStarted(Some(before)) if names.len() == 1 => format!("{before} was not done"),
            _ => why,
        };
        let taken = textwrap::core::display_width(&word) + 1;
        text +=
            &paragraph(&format!("{word} "), taken, &format!("{}: {why}", fold::named(&names)), said.width);
        text += &problem
            .map(|problem| details(&again.problem(problem), 2, false, said.width))
            .unwrap_or_default();
    }
    text + &wrapped(&report_summary(plan, report, again), said.width)
}

/// What could not be read, one line for each cause, as the plan is not the whole plan then.
#[must_use]
pub fn unread(plan: &Plan) -> Vec<Problem> {
    let mut causes: BTreeMap<String, (Vec<String>, usize, &str)> = BTreeMap::new();
    for change in &plan.changes {
        if let Reason::Unreadable(problem) = &change.reason {
            let cause = without_names(&problem.message, &change.address);
            let (places, rows, _) = causes.entry(cause).or_insert((Vec::new(), 0, &problem.message));
            *rows += 1;
            let place = change.address.heading();
            if !places.contains(&place) {
                places.push(place);
            }
        }
    }
    let told = |(cause, (places, rows, words)): (String, (Vec<String>, usize, &str))| {
        let words = if places.len() == 1 { words } else { cause.as_str() };
        let (rows, places) = (number(rows, "row"), fold::named(&places));
        Problem::outside(format!("{rows} of {places} could not be read: {words}"))
    };
    causes.into_iter().map(told).collect()
}

/// Why, but for the names of the row that it happened to.
pub(crate) fn without_names(why: &str, address: &Address) -> String {
    let (place, item) = (address.place(), address.item());
    let item = item.rsplit('/').next().unwrap_or(&item);
    // That it is one region is worth a word; accounts are as many as places.
    let account = match address {
        Address::Aws { account: Some(account), .. } => account,
        _ => "",
    };
    let names = [place.as_str(), item, account].into_iter().filter(|name| !name.is_empty());
    names.fold(why.to_owned(), |why, name| why.replace(name, "…"))
}

/// Of a row that was not done: the word for it, why, and what there is to do.
fn failure(outcome: &Outcome) -> Option<(String, String, Option<&Problem>)> {
    match outcome {
        Outcome::NotStarted(before) => {
            let why = if before.is_some() { "what they need was not done" } else { "interrupted" };
            Some((styled(WARN, "not started"), why.to_owned(), None))
        }
        Outcome::Failed(failure) => Some((styled(BAD, "failed"), failure.to_string(), Some(failure))),
        Outcome::Skipped(failure) => Some((styled(WARN, "skipped"), failure.to_string(), Some(failure))),
        _ => None,
    }
}

fn report_summary(plan: &Plan, report: &Report, again: &Again) -> String {
    let good = matches!(report.status(), ExitStatus::Done);
    let head = match report.status() {
        _ if plan.changes.is_empty() => styled(WARN, NOTHING),
        ExitStatus::Done => styled(GOOD, "Done:"),
        ExitStatus::Interrupted => styled(BAD, "Interrupted:"),
        _ => styled(BAD, "Not all done:"),
    };
    let next = if good {
        String::new()
    } else {
        let next = styled(HINT, again.same(plan.purpose.command()));
        format!("\nWhat is done stays done. To continue: {next}")
    };
    format!("{head}{}{}{next}\n", tally(report), part(plan))
}

/// Which part it is, behind what came of it.
fn part(plan: &Plan) -> String {
    plan.shard.map(|shard| format!(" It is {}.", shard.words())).unwrap_or_default()
}

/// How many of what, behind a head; nothing where there is nothing to count.
fn tally(report: &Report) -> String {
    let count = |matching: fn(&Outcome) -> bool| report.count(matching);
    let found = |system: &str, good: bool| {
        let is = |finding: &&Finding| {
            let told = finding.state.is_none() && !finding.unread;
            finding.address.system() == system && finding.result.is_ok() == good && told
        };
        report.findings.iter().filter(is).count()
    };
    let seen =
        report.findings.iter().filter(|finding| finding.result.is_ok() && finding.state.is_some()).count();
    let unread = report.findings.iter().filter(|finding| finding.unread).count();
    let told = |pull: &&Pull| !(pull.result.is_ok() && pull.login == Used::Refused);
    let pulled =
        |good: bool| report.pulls.iter().filter(told).filter(|pull| pull.result.is_ok() == good).count();
    let differ = count(|outcome| matches!(outcome, Outcome::Differs));
    let named = [
        (count(|outcome| matches!(outcome, Outcome::Applied)), "applied"),
        (differ, if differ == 1 { "differs" } else { "differ" }),
        (count(|outcome| matches!(outcome, Outcome::Unchanged)), "in place"),
        (count(|outcome| matches!(outcome, Outcome::Refreshed)), "refreshed"),
        (
            count(|outcome| matches!(outcome, Outcome::Unknown)),
            "refreshed at each sync, as they cannot be read back",
        ),
        (count(|outcome| matches!(outcome, Outcome::Blocked)), "blocked"),
        (count(|outcome| matches!(outcome, Outcome::Unread { .. })), "could not be read"),
        (count(|outcome| matches!(outcome, Outcome::Skipped(_))), "skipped"),
        (count(|outcome| matches!(outcome, Outcome::Failed(_))), "failed"),
        (count(|outcome| matches!(outcome, Outcome::NotStarted(_))), "not started"),
    ];
    let proofs = systems::PROVEN.iter();
    let proofs =
        proofs.flat_map(|(system, (good, bad))| [(found(system, true), *good), (found(system, false), *bad)]);
    let images = |good| if pulled(good) == 1 { "image" } else { "images" };
    let (named_so, otherwise) =
        (format!("{} pulled as named", images(true)), format!("{} pulled otherwise", images(false)));
    let unproven = "could not be looked at again";
    let others = [
        (unread, unproven),
        (seen, "seen"),
        (pulled(true), named_so.as_str()),
        (pulled(false), otherwise.as_str()),
    ];
    let parts: Vec<String> = named
        .into_iter()
        .chain(merged(proofs))
        .chain(others)
        .filter(|(count, _)| *count > 0)
        .map(|(count, words)| format!("{count} {words}"))
        .collect();
    if parts.is_empty() { String::new() } else { format!(" {}.", parts.join(", ")) }
}

/// Counts under one name are one count.
fn merged(counts: impl Iterator<Item = (usize, &'static str)>) -> Vec<(usize, &'static str)> {
    let mut all: Vec<(usize, &str)> = Vec::new();
    for (count, name) in counts {
        match all.iter_mut().find(|(_, known)| *known == name) {
            Some((sum, _)) => *sum += count,
            None => all.push((count, name)),
        }
    }
    all
}
