//! No rule without a scenario.

use std::collections::BTreeSet;

use regcred::change::{Action, ReasonKind};
use regcred::plan::Plan;
use strum::IntoEnumIterator;

use crate::{
    aws_policy, aws_readers, aws_rules, aws_secret, daytona, github, kubernetes, rotate, runpod, runs, undo,
};

fn plans() -> Vec<Plan> {
    let all = [
        aws_policy::ALL,
        aws_readers::ALL,
        aws_rules::ALL,
        aws_secret::ALL,
        daytona::ALL,
        github::ALL,
        kubernetes::ALL,
        rotate::ALL,
        runpod::ALL,
        runs::ALL,
        undo::ALL,
    ];
    all.into_iter().flatten().map(|scenario| scenario()).collect()
}

#[test]
fn every_system_occurs_in_a_scenario() {
    let plans = plans();
    let seen: BTreeSet<&str> =
        plans.iter().flat_map(|plan| &plan.changes).map(|change| change.address.system()).collect();
    // A rotation's own.
    let beside = ["hub", "source"];
    assert_eq!(seen, regcred::systems::NAMES.iter().copied().chain(beside).collect());
}

#[test]
fn every_action_occurs_in_a_scenario() {
    let seen: BTreeSet<Action> =
        plans().iter().flat_map(|plan| &plan.changes).map(|change| change.action).collect();
    let unseen: Vec<Action> = Action::iter().filter(|action| !seen.contains(action)).collect();
    assert_eq!(unseen, []);
}

#[test]
fn every_reason_occurs_in_a_scenario() {
    let plans = plans();
    let seen: BTreeSet<ReasonKind> =
        plans.iter().flat_map(|plan| &plan.changes).map(|change| ReasonKind::from(&change.reason)).collect();
    // What another run printed is no rule.
    let rules = ReasonKind::iter().filter(|kind| *kind != ReasonKind::Told);
    let unseen: Vec<ReasonKind> = rules.filter(|kind| !seen.contains(kind)).collect();
    assert_eq!(unseen, []);
}

#[test]
fn in_every_scenario_what_is_blocked_or_unread_carries_no_operation_and_what_is_shown_has_words() {
    for change in plans().iter().flat_map(|plan| &plan.changes) {
        // Those of a rotation are carried out around what is in a system.
        assert_eq!(
            change.operation.is_some(),
            change.action.writes() && change.address.is_in_a_system(),
            "{}",
            change.address
        );
        assert!(!change.reason.to_string().is_empty(), "{}", change.address);
        assert!(!change.credentials.is_empty(), "{}", change.address);
    }
}
