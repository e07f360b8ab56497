//! Shards: every row of the whole plan is in exactly one of them, as it is in the whole.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::Config;
use regcred::aws::Role;
use regcred::change::{Options, Reason};
use regcred::desired::Desired;
use regcred::desired::shard::{guard, keep, split};
use regcred::model::{Address, Shard};
use regcred::plan::{Change, Plan, plan};
use regcred::targets::github;

use crate::case::*;
use crate::properties::worlds;

/// What one shard wants of a case.
fn part(case: &Case, index: u16, count: u16) -> Desired {
    let mut desired = case.desired.clone();
    let all = keep(&mut desired, Shard::new(index, count).unwrap());
    guard(&mut desired, &all);
    desired
}

fn plan_of(case: &Case, desired: &Desired) -> Plan {
    plan(desired, &case.observed, &case.known, &case.options)
}

/// The plans of all shards of a case.
fn plans(case: &Case, count: u16) -> Vec<Plan> {
    (1..=count).map(|index| plan_of(case, &part(case, index, count))).collect()
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::default() })]

    #[test]
    fn every_row_is_in_exactly_one_shard_and_is_what_it_is_in_the_whole(
        case in worlds(), count in select(vec![1_u16, 2, 3, 4, 7, 16]),
    ) {
        let whole: BTreeMap<Address, Change> =
            case.plan().changes.into_iter().map(|row| (row.address.clone(), row)).collect();
        let mut seen = BTreeSet::new();
        // A rotation that was ended midway is seen in one account and not yet in another.
        let away = whole.values().any(|row| matches!(row.reason, Reason::RotatedAway(_)));
        for plan in plans(&case, count) {
            for row in plan.changes {
                prop_assert!(seen.insert(row.address.clone()), "{} is in two shards of {count}", row.address);
                prop_assert!(whole.contains_key(&row.address), "{}", row.address);
                if !away {
                    prop_assert_eq!(Some(&row), whole.get(&row.address));
                }
            }
        }
        prop_assert_eq!(seen.len(), whole.len());
    }

    #[test]
    fn the_order_of_what_is_declared_moves_nothing_to_another_shard(case in worlds(), count in 1_u16..6) {
        let mut other = case.clone();
        other.desired.places.aws.reverse();
        other.desired.places.aws.iter_mut().for_each(|place| place.stacks.reverse());
        other.desired.places.github.reverse();
        other.desired.places.kubernetes.reverse();
        other.desired.places.runpod.reverse();
        for (one, two) in plans(&case, count).iter().zip(plans(&other, count)) {
            prop_assert_eq!(one.digest(), two.digest());
        }
    }
}

/// A fleet: repositories, each with an environment, and accounts.
fn fleet(repositories: usize, accounts: usize) -> Case {
    let mut case = Case::empty();
    case.desired.places.github.clear();
    for number in 0..repositories {
        let plain = place(&format!("svc-{number}"));
        let production = github::Place {
            store: github::Store::Environment("production".to_owned()),
            ..plain.place.clone()
        };
        case.desired.places.github.push(github::Desired { place: production, ..plain.clone() });
        case.desired.places.github.push(plain);
    }
    case.desired.places.aws[0].stacks.clear();
    for number in 0..accounts {
        let mut stack = stack(&format!("s{number}"), REGION);
        stack.session.roles.push(Role::new(format!("arn:aws:iam::{:012}:role/regcred", number + 1)));
        case.desired.places.aws[0].stacks.push(stack);
    }
    case
}

#[test]
fn shards_are_even_by_cost_up_to_one_site() {
    let case = fleet(100, 20);
    let sites = case.desired.places.sites();
    let total: usize = sites.iter().map(|site| site.cost).sum();
    assert_eq!(total, 100 * 6 + 20 * 7);
    for count in [1_u16, 2, 4, 7, 16, 256] {
        let mut costs = vec![0; usize::from(count)];
        let shards = split(sites.clone(), count);
        sites.iter().for_each(|site| costs[usize::from(shards[&site.name]) - 1] += site.cost);
        let most = costs.iter().max().unwrap();
        assert!(*most <= total / usize::from(count) + 7, "{count}: {costs:?}");
    }
}

#[test]
fn a_repository_is_one_site_with_its_environments_whatever_the_case_of_its_name() {
    let mut case = fleet(3, 0);
    case.desired.places.github[1].place.owner = "ACME".to_owned();
    let sites: BTreeSet<String> = case.desired.places.sites().into_iter().map(|site| site.name).collect();
    assert_eq!(
        sites.into_iter().collect::<Vec<_>>(),
        ["github:acme/svc-0/", "github:acme/svc-1/", "github:acme/svc-2/"]
    );
}

#[test]
fn a_value_that_a_rotation_took_away_is_blocked_in_a_shard_without_a_place_in_aws_too() {
    let mut case = Case::empty();
    case.hold_another();
    case.secret().rotated_from = Some(ours().version_id(NAME));
    let (mut away, mut notes) = (0, Vec::new());
    for plan in plans(&case, 2) {
        away += plan.changes.iter().filter(|row| matches!(row.reason, Reason::RotatedAway(_))).count();
        let without_aws = plan.changes.iter().all(|row| row.address.system() != "aws");
        assert!(!without_aws || plan.changes.iter().all(|row| !row.action.writes()), "{:#?}", plan.changes);
        notes.extend(plan.notes);
    }
    assert!(away >= 3, "{away}");
    assert!(notes.iter().any(|note| note.contains("share its limits at GitHub")), "{notes:?}");

    let key = case.key();
    case.observed.aws.secrets.insert(key, Err(unreadable("secretsmanager:DescribeSecret: denied")));
    let notes: Vec<String> = plans(&case, 2).into_iter().flat_map(|plan| plan.notes).collect();
    assert!(
        notes.iter().any(|note| note.contains("took the value of docker-hub away is not known")),
        "{notes:?}"
    );
    let whole = plan(&case.desired, &case.observed, &case.known, &Options::default());
    assert!(!whole.notes.iter().any(|note| note.contains("is not known")), "{:?}", whole.notes);
}
