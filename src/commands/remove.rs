//! `regcred remove`: plan what regcred made, ask, take it away, and look again.

use super::session::Context;
use super::session::Session;
use super::sync::carry_out;
use crate::change::{Action, Finding};
use crate::cli::RemoveArgs;
use crate::error::Error;
use crate::model::{Address, Problem};
use crate::plan::Change;
use crate::report::{ExitStatus, Outcome, Report};

pub(super) async fn run(args: &RemoveArgs, context: &Context<'_>) -> Result<ExitStatus, Error> {
    let session = context.session_of_removal(args.allow_delete).await?;
    carry_out(&args.approval, context, &session).await
}

/// Reads everything once more: what was taken away is not to be planned again. GitHub, whose lists may be old for a while,
/// has answered each deletion, and is not asked.
pub(super) async fn proven(context: &Context<'_>, session: &Session, report: &Report) -> Vec<Finding> {
    const STALE: &str = "github";
    let applied = |outcome: &Outcome| matches!(outcome, Outcome::Applied);
    let done = report.outcomes.iter().filter(|(_, outcome)| applied(outcome)).map(|(address, _)| address);
    let done: Vec<_> = done.filter(|address| address.system() != STALE).cloned().collect();
    if done.is_empty() {
        return Vec::new();
    }
    let again = session.planned_again(context).await;
    let look = |address: Address| {
        let left = again.changes.iter().find(|row| row.address == address && row.action.writes());
        let result = match left {
            Some(row) => {
                Err(Problem::outside(format!("is there again: {}", row.reason)).hint("regcred remove"))
            }
            None => Ok(()),
        };
        let deleted = |row: &&Change| row.address == address && row.action == Action::Delete;
        let state = if session.plan.changes.iter().any(|row| deleted(&row)) { "gone" } else { "changed" };
        Finding { state: Some(state.to_owned()), ..Finding::proof(address, "by reading again", result) }
    };
    done.into_iter().map(look).collect()
}
