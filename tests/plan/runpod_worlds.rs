//! What holds in every account of RunPod: the cross product of what can be wanted and what can be found.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::Config;
use regcred::change::{Action, Known};
use regcred::model::{Address, CredentialId, RunpodItem, TokenKind};
use regcred::plan::Plan;
use regcred::systems;
use regcred::targets::runpod::{Choice, Desired, Kind, NewTemplate, Operation, User};

use crate::case::*;
use crate::runpod_case::{desired, user};

/// Auths by id: the present one, twice; earlier ones; those of other people; another credential's.
const AUTHS: [(&str, &str); 8] = [
    ("reg_a", "hub-abababab"),
    ("reg_b", "hub-abababab"),
    ("reg_c", "hub-cdcdcdcd"),
    ("reg_d", "hub-00ff00ff"),
    ("reg_e", "by-hand"),
    ("reg_f", "hub"),
    ("reg_g", "hub-20260801"),
    ("reg_h", "ghcr-12ef12ef"),
];
const IMAGES: [&str; 4] = ["acme/x:1", "ghcr.io/acme/x:1", "docker.io/library/y", "No Image"];

fn choice(head: &'static str) -> impl Strategy<Value = Choice> {
    let names: Vec<String> = (0..3).map(|n| format!("{head}_{n}")).chain(["nope".to_owned()]).collect();
    prop_oneof![
        2 => Just(Choice::All),
        1 => Just(Choice::default()),
        2 => subsequence(names, 0..=4).prop_map(|names| Choice::Named(names.into_iter().collect())),
    ]
}

fn some(head: &'static str) -> impl Strategy<Value = Vec<User>> {
    let auths: Vec<Option<&str>> =
        AUTHS.iter().map(|(id, _)| Some(*id)).chain([None, None, Some("reg_gone")]).collect();
    let one = (select(IMAGES.to_vec()), select(auths), prop::bool::weighted(0.1), prop::bool::weighted(0.1));
    proptest::collection::vec(one, 0..5).prop_map(move |users| {
        let made = users.into_iter().enumerate().map(|(n, (image, registry, public, cluster))| User {
            public: public && head == "tpl",
            cluster: (cluster && head == "pod").then(|| "cluster_1".to_owned()),
            ..user(&format!("{head}_{n}"), image, registry)
        });
        made.collect()
    })
}

/// A template to make, which may be there already.
fn create() -> impl Strategy<Value = Vec<NewTemplate>> {
    let template = |name: &str| NewTemplate {
        name: name.to_owned(),
        image: "acme/x:1".to_owned(),
        args: None,
        disk: None,
        env: BTreeMap::new(),
        serverless: false,
    };
    subsequence(vec![template("worker"), template("0")], 0..=2)
}

prop_compose! {
    pub(crate) fn accounts()(
        auths in subsequence(AUTHS.to_vec(), 0..=8),
        users in (some("tpl"), some("ep"), some("pod")),
        choices in (choice("tpl"), choice("ep"), choice("pod")),
        create in create(),
        unread in prop::option::weighted(0.1, select(Kind::ALL.to_vec())),
        second in any::<bool>(),
        allow_delete in any::<bool>(),
        only in select(vec![vec![], vec![], vec!["runpod:template".to_owned()], vec!["runpod:registry/hub".to_owned()]]),
    ) -> Case {
        let mut case = Case::empty();
        (case.desired.places.aws, case.desired.places.github) = (Vec::new(), Vec::new());
        let (templates, endpoints, pods) = choices;
        case.desired.places.runpod = vec![Desired { templates, endpoints, pods, create, ..desired() }];
        if second {
            let ghcr = CredentialId("ghcr".to_owned());
            case.known.insert(ghcr.clone(), Known { fingerprint: earlier(), kind: TokenKind::GitHubClassic, username: "acme".to_owned(), current_since: None });
            let registry = "ghcr.io".parse().unwrap();
            case.desired.places.runpod.push(Desired { credential: ghcr, registry, name: "ghcr".to_owned(), ..desired() });
        }
        case.observed.runpod.auths = Ok(auths.iter().map(|(id, name)| ((*id).to_owned(), (*name).to_owned())).collect());
        // An auth that is gone is no auth of the account: what uses it is dangling.
        let users = [(Kind::Template, users.0), (Kind::Endpoint, users.1), (Kind::Pod, users.2)];
        case.observed.runpod.users = users.map(|(kind, users)| (kind, Ok(users))).into();
        if let Some(kind) = unread {
            case.observed.runpod.users.insert(kind, Err(unreadable("403")));
        }
        (case.options.allow_delete, case.options.only) = (allow_delete, only);
        case
    }
}

/// The ids of the auths that a plan deletes.
fn retired(plan: &Plan) -> Vec<String> {
    let operation = |operation: &systems::Operation| match operation {
        systems::Operation::Runpod(Operation::Retire { auth, .. }) => Some(auth.clone()),
        _ => None,
    };
    plan.changes.iter().filter_map(|change| change.operation.as_ref().and_then(operation)).collect()
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::default() })]

    // The model refuses to delete what is used, to point at what is not there, and to change a pod of a cluster.
    #[test]
    fn a_second_run_writes_nothing(case in accounts()) {
        let next = case.applied().plan();
        let writing: Vec<String> = next.changes.iter().filter(|change| change.action.writes()).map(|change| format!("{} {}", change.address, change.reason)).collect();
        prop_assert!(!next.writes(), "{:#?}", writing);
    }

    #[test]
    fn the_order_of_what_is_wanted_and_found_does_not_change_the_plan(case in accounts()) {
        let mut other = case.clone();
        other.desired.places.runpod.reverse();
        for users in other.observed.runpod.users.values_mut().flatten() {
            users.reverse();
        }
        prop_assert_eq!(case.plan(), other.plan());
    }

    #[test]
    fn only_what_regcred_made_is_deleted_unless_it_is_told_to(mut case in accounts()) {
        case.options.allow_delete = false;
        for id in retired(&case.plan()) {
            let name = case.observed.runpod.auths.as_ref().unwrap()[&id].clone();
            let ours = case.desired.places.runpod.iter().any(|desired| desired.made(&name));
            prop_assert!(ours, "{}", name);
        }
    }

    #[test]
    fn nothing_that_had_an_auth_has_none_or_one_that_is_gone_afterwards(case in accounts()) {
        let next = case.applied();
        let auths = next.observed.runpod.auths.as_ref().unwrap();
        for (kind, before) in case.observed.runpod.each() {
            let had = before.registry.as_ref().is_some_and(|id| case.observed.runpod.auths.as_ref().unwrap().contains_key(id));
            let now = next.observed.runpod.each().find(|(other, user)| *other == kind && user.id == before.id).unwrap().1;
            prop_assert!(!had || now.registry.as_ref().is_some_and(|id| auths.contains_key(id)), "{:?} {}", kind, before.id);
        }
    }

    #[test]
    fn after_a_full_run_everything_chosen_on_the_registry_uses_the_present_auth(mut case in accounts()) {
        case.options.only.clear();
        let next = case.applied();
        let rows = next.plan();
        for change in &rows.changes {
            let user = matches!(&change.address, Address::Runpod { item: RunpodItem::Template(_) | RunpodItem::Endpoint(_) | RunpodItem::Pod(_) });
            let settled = matches!(change.action, Action::Keep | Action::Blocked | Action::Unread);
            prop_assert!(!user || settled, "{} {}", change.address, change.reason);
        }
    }
}
