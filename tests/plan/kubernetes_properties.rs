//! What holds in every cluster: the cross product of what can be found in it.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::Config;
use regcred::change::{Action, Reason};
use regcred::model::Fingerprint;
use regcred::targets::kubernetes::{Account, Desired, KIND, MANAGED_BY, Namespace, Scope, Secret, State};

use crate::case::*;
use crate::kubernetes::{HUB_KEY, add_ghcr, at, case_of, named, wanted};

fn login() -> impl Strategy<Value = Option<Fingerprint>> {
    select(vec![None, Some(ours()), Some(earlier())])
}

fn broken(key: &str) -> (String, String) {
    (key.to_owned(), format!("the entry `{key}` is not an object"))
}

fn any_secret() -> impl Strategy<Value = Option<Secret>> {
    let keys = [HUB_KEY, "docker.io", "index.docker.io", "ghcr.io"].map(str::to_owned).to_vec();
    let logins = subsequence(keys, 0..=4).prop_flat_map(|keys| {
        proptest::collection::vec(login(), keys.len())
            .prop_map(move |values| keys.iter().cloned().zip(values).collect::<BTreeMap<_, _>>())
    });
    let there = (logins, select(vec![KIND, KIND, KIND, "Opaque"]), any::<[bool; 7]>());
    let there =
        there.prop_map(|(logins, kind, [immutable, damaged, labelled, ours, others, kept, copied])| Secret {
            kind: kind.to_owned(),
            immutable,
            owner: None,
            kept: kept.then(|| "it has the finalizer example.com/keep".to_owned()),
            copy: copied.then(|| "docker-hub.before-replace".to_owned()),
            logins,
            damage: damaged.then(|| broken("quay.io")).into_iter().collect(),
            unreadable: None,
            others: damaged || others,
            foreign: BTreeMap::new(),
            labels: [(labelled, ("run.ai/resource", "password")), (ours, MANAGED_BY)]
                .into_iter()
                .filter(|(there, _)| *there)
                .map(|(_, (name, value))| (name.to_owned(), value.to_owned()))
                .collect(),
        });
    let unreadable = Secret {
        kind: KIND.to_owned(),
        unreadable: Some("its configuration is not a JSON object".to_owned()),
        ..Secret::default()
    };
    proptest::option::of(proptest::prop_oneof![9 => there, 1 => proptest::strategy::Just(unreadable)])
}

prop_compose! {
    pub(crate) fn clusters()(
        secrets in proptest::collection::vec(any_secret(), 3),
        accounts in proptest::collection::vec(proptest::option::of(subsequence(vec!["theirs".to_owned(), "docker-hub".to_owned()], 0..=2)), 3),
        states in proptest::collection::vec(select(vec![State::There, State::There, State::There, State::Terminating, State::Absent]), 3),
        attach in any::<bool>(),
        copies in subsequence(vec![0, 1, 2], 0..=3),
        allow_replace in any::<bool>(),
        with_ghcr in any::<bool>(),
        runai in any::<bool>(),
    ) -> Case {
        let names = ["team-a", "team-b", "team-c"];
        let found: Vec<(&str, Namespace)> =
            names.iter().zip(&states).map(|(name, state)| (*name, Namespace { named: !runai, state: *state })).collect();
        let scope = if runai { Scope::RunaiAll } else { named(&names) };
        let mut case = case_of(Desired { attach, ..wanted(scope) }, &found);
        case.options.allow_replace = allow_replace;
        if with_ghcr {
            add_ghcr(&mut case);
        }
        let absent = copies.into_iter().filter(|index| secrets[*index].is_none());
        case.observed.kubernetes.copies = absent.map(|index| at(names[index], "docker-hub")).collect();
        for (index, name) in names.iter().enumerate() {
            let observed = &mut case.observed.kubernetes;
            observed.secrets.insert(at(name, "docker-hub"), Ok(secrets[index].clone()));
            let account = accounts[index].clone().map(|secrets| Account { secrets, version: "1".to_owned(), writer: None });
            observed.accounts.insert(at(name, "default"), Ok(account));
        }
        case
    }
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::default() })]

    #[test]
    fn a_second_run_writes_nothing_in_any_cluster(case in clusters()) {
        let next = case.applied().plan();
        prop_assert!(!next.writes(), "{:#?}", next.changes);
    }

    #[test]
    fn nothing_is_replaced_unless_the_run_was_told_to(mut case in clusters()) {
        case.options.allow_replace = false;
        let plan = case.plan();
        prop_assert!(plan.changes.iter().all(|change| change.action != Action::Replace));
    }

    #[test]
    fn no_pull_secret_of_a_service_account_goes_and_none_comes_twice(case in clusters()) {
        let after = case.applied();
        for (at, before) in &case.observed.kubernetes.accounts {
            let (Ok(before), Ok(after)) = (before, &after.observed.kubernetes.accounts[at]) else { continue };
            let before = before.clone().unwrap_or_default().secrets;
            let after = after.clone().unwrap_or_default().secrets;
            prop_assert_eq!(&after[..before.len()], &before[..]);
            prop_assert!(after.iter().filter(|name| *name == "docker-hub").count() <= 1);
        }
    }

    #[test]
    fn the_order_of_the_items_does_not_change_the_plan_of_a_cluster(case in clusters()) {
        let mut other = case.clone();
        other.desired.places.kubernetes.reverse();
        prop_assert_eq!(case.plan().digest(), other.plan().digest());
    }

    #[test]
    fn what_blocks_or_is_left_alone_carries_no_operation(case in clusters()) {
        for change in case.plan().changes {
            prop_assert_eq!(change.operation.is_some(), change.action.writes(), "{:?}", change);
            prop_assert!(!matches!(change.reason, Reason::Terminating) || change.action == Action::Keep);
        }
    }
}
