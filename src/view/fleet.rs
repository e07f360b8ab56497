//! The one report of a fleet: the rows and the words of a run, and which runs are not whole.

use std::fmt::Write;

use super::human::{self, Layout, Said, number};
use super::{Again, Shown, fold, markdown};
use crate::change::{Action, Reason};
use crate::fleet::{Fleet, Part};
use crate::model::Problem;
use crate::plan::Plan;
use crate::redact::markup::code;
use crate::report::{ExitStatus, Outcome};
use crate::ui::{BAD, WARN, details, paragraph, styled, wrapped};

/// What is shown of it.
#[must_use]
pub fn shown<'a>(fleet: &'a Fleet, plan: &'a Plan, again: &'a Again) -> Shown<'a> {
    let Fleet { credentials, known, proofs, lives, .. } = fleet;
    Shown { credentials, known, proofs, plan, lives, again }
}

/// For people: rows, failures by cause, totals, and last what is missing.
#[must_use]
pub fn people(fleet: &Fleet, again: &Again, layout: Layout, said: Said) -> String {
    let states = !fleet.is_run() && !fleet.is_planned();
    human::plan(&shown(fleet, &fleet.plan, again), Layout { states, ..layout })
        + &human::findings(&fleet.report.findings, again, said)
        + &early(fleet, again, said)
        + &totals(fleet, again, said)
        + &gaps(fleet, said)
}

fn totals(fleet: &Fleet, again: &Again, said: Said) -> String {
    let Fleet { plan, report, .. } = fleet;
    // Without rows there is nothing to count; why is said beside it.
    if plan.changes.is_empty() && fleet.status != ExitStatus::Done {
        return String::new();
    }
    match (fleet.is_planned(), fleet.is_run()) {
        (false, true) if plan.writes() => human::report(plan, report, again, said),
        (false, false) => human::verified(plan, report, again, said),
        _ => {
            let proven = fleet.proofs.values().all(Result::is_ok);
            wrapped(&(human::counted(plan, proven, fleet.cost) + "\n"), said.width)
        }
    }
}

/// The runs that ended before they had a plan, those with one cause together.
fn early(fleet: &Fleet, again: &Again, said: Said) -> String {
    let ended: Vec<(&Part, &Problem)> =
        fleet.parts.iter().flat_map(|part| part.errors.iter().map(move |problem| (part, problem))).collect();
    let line = |like: Vec<&(&Part, &Problem)>| {
        let names: Vec<String> = like.iter().map(|(part, _)| part.words()).collect();
        let (_, problem) = like[0];
        let head = styled(BAD, "ended");
        let text = format!("{} before there was a plan: {problem}", fold::named(&names));
        paragraph(&format!("{head} "), 6, &text, said.width)
            + &details(&again.problem(problem), 2, false, said.width)
    };
    fold::alike(&ended, |(_, problem)| *problem, said.all).into_iter().map(line).collect()
}

/// The runs that are not there, were cut off, or are there twice.
fn gaps(fleet: &Fleet, said: Said) -> String {
    let mut text = String::new();
    for part in &fleet.superseded {
        let words = format!("{} is there twice: the one that is named last counts", part.words());
        text += &paragraph(&format!("{} ", styled(WARN, "note:")), 6, &words, said.width);
    }
    for part in fleet.cut_off() {
        let begun = if part.rows.is_empty() { "before it printed a plan" } else { "before its last line" };
        let words = format!("{} was cut off {begun}, in {}", part.words(), part.file.display());
        text += &paragraph(&format!("{} ", styled(BAD, "cut off:")), 9, &words, said.width);
    }
    if let [first, ..] = fleet.missing.as_slice() {
        let numbers: Vec<String> = fleet.missing.iter().map(|shard| shard.index().to_string()).collect();
        let shards = if numbers.len() == 1 { "shard" } else { "shards" };
        let words = format!("{shards} {} of {}", numbers.join(", "), first.count());
        text += &paragraph(&format!("{} ", styled(BAD, "missing:")), 9, &words, said.width);
    }
    let whole = fleet.parts.iter().filter(|part| part.is_whole && part.errors.is_empty()).count();
    let of = fleet.parts.len() + fleet.missing.len();
    if whole < of {
        let of = number(of, "run");
        let _ = writeln!(text, "{} {whole} of {of} came to an end.", styled(BAD, "Not the whole fleet:"));
    }
    text
}

/// For a step summary: of plans the rows with their diagram and each digest, of runs what people are shown.
#[must_use]
pub fn summary(fleet: &Fleet, again: &Again, layout: Layout) -> String {
    let said = Said { width: None, all: false };
    if !fleet.is_planned() {
        let text = people(fleet, again, layout, said);
        let text = anstream::adapter::strip_str(&text).to_string();
        let ended = fleet.status as u8;
        return format!(
            "### regcred, {}\n\n{}\nEnded with {ended}.\n",
            number(fleet.parts.len(), "run"),
            fenced(&text)
        );
    }
    let mut text = markdown::body(
        &shown(fleet, &fleet.plan, again),
        &format!(", {}", number(fleet.parts.len(), "shard")),
    );
    text.push_str("\n| plan | rows to write | digest |\n|---|---|---|\n");
    for part in &fleet.parts {
        let writes = part.rows.iter().filter(|row| row.action.writes()).count();
        let _ = writeln!(text, "| {} | {writes} | {} |", code(&part.words()), code(&part.digest));
    }
    let gaps = gaps(fleet, said);
    if !gaps.is_empty() {
        let _ = writeln!(text, "\n{}", fenced(&anstream::adapter::strip_str(&gaps).to_string()));
    }
    text
}

/// A block that no line of the text ends.
fn fenced(text: &str) -> String {
    let fence = "`".repeat(3 + text.split(|c| c != '`').map(str::len).max().unwrap_or(0));
    format!("{fence}text\n{}\n{fence}\n", text.trim_end())
}

/// The rows as they are now, as far as the runs know: what they wrote is in place.
#[must_use]
pub fn present(fleet: &Fleet) -> Plan {
    let mut plan = fleet.plan.clone();
    for row in &mut plan.changes {
        let words = match fleet.report.outcomes.get(&row.address) {
            Some(Outcome::Applied | Outcome::Refreshed) if row.action == Action::Delete => {
                "was deleted".to_owned()
            }
            Some(Outcome::Applied | Outcome::Refreshed) => "was written".to_owned(),
            Some(Outcome::Failed(problem) | Outcome::Skipped(problem)) => {
                row.reason =
                    Reason::Told { words: format!("{}; {problem}", row.reason), hint: problem.advice() };
                continue;
            }
            _ => continue,
        };
        (row.action, row.reason) = (Action::Keep, Reason::Told { words, hint: None });
    }
    plan
}
