//! What holds in every world: the cross product of what can be wanted and what can be found.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::Config;
use regcred::change::{Action, Known, Operation as _, Options, Purpose, Reason};
use regcred::model::{Address, CredentialId, Registry, TokenKind};
use regcred::plan::Change;
use regcred::systems::Operation;
use regcred::systems::Operation::Github;
use regcred::targets::aws::policy::Guard;
use regcred::targets::aws::{self, CURRENT, RULE_LIMIT, Rule, RuleOwner, Secret, Stack};
use regcred::targets::github::Operation::PutMarker;
use regcred::targets::github::{self, Found, Marker, Names, Place, Store};
use regcred::targets::{daytona, runpod};

use crate::case::*;
use crate::kubernetes_properties::clusters;
use crate::runpod_worlds::accounts;

/// A second credential, of another registry.
fn second() -> CredentialId {
    CredentialId("ghcr".to_owned())
}

fn secret_state() -> impl Strategy<Value = Result<Option<Secret>, &'static str>> {
    let versions = select(vec![
        BTreeMap::new(),
        [version(ours(), CURRENT)].into(),
        [version(earlier(), CURRENT)].into(),
        [version(ours(), "AWSPREVIOUS"), version(earlier(), CURRENT)].into(),
        [version(ours(), "AWSPENDING")].into(),
    ]);
    let obstacle = select(vec!["", "", "", "", "key", "replica", "managed", "deleted"]);
    let rotated = select(vec![None, None, Some(ours()), Some(earlier())]);
    let there =
        (versions, obstacle, any::<bool>(), rotated).prop_map(|(versions, obstacle, ours, rotated)| {
            let named = |name: &str| (obstacle == name).then(|| name.to_owned());
            Secret {
                arn: foreign_arn(),
                kms_key: named("key"),
                versions,
                deleted: named("deleted"),
                primary_region: named("replica"),
                owning_service: named("managed"),
                ours,
                rotated_from: rotated.map(|old| old.version_id(NAME)),
                changed: "2026-11-29".to_owned(),
            }
        });
    prop_oneof![
        2 => Just(Ok(None)),
        8 => there.prop_map(|secret| Ok(Some(secret))),
        1 => Just(Err("secretsmanager:DescribeSecret: denied")),
    ]
}

fn policy_state() -> impl Strategy<Value = Result<Option<String>, &'static str>> {
    let identity = aws::Identity { account: ACCOUNT.to_owned(), arn: USER.to_owned() };
    let nobody = aws::Exempt { listed: None, allowed: false };
    let good = Guard::new(None, &nobody, &identity, None).unwrap().merged();
    let weak = good.replace("Deny", "Allow");
    let foreign = serde_json::json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "AWS": ["arn:aws:iam::123456789012:role/app", "AROAEXAMPLEEXAMPLE000"] },
        "Action": "secretsmanager:*", "Resource": "*",
    }] });
    let texts =
        vec![Ok(None), Ok(Some(good)), Ok(Some(weak)), Ok(Some(foreign.to_string())), Err("policy: denied")];
    select(texts)
}

fn rules_state() -> impl Strategy<Value = Result<BTreeMap<String, Rule>, &'static str>> {
    let rule = |url: &str, arn: Option<String>| Rule { upstream_url: url.to_owned(), credential_arn: arn };
    let ours = select(vec![
        None,
        Some(rule(HUB, Some(foreign_arn()))),
        Some(rule(HUB, Some("arn:aws:secretsmanager:us-east-2:1:secret:gone".to_owned()))),
        Some(rule(HUB, None)),
        Some(rule("ghcr.io", None)),
    ]);
    let crowd = select(vec![0_usize, 1, 47, 48, 49, 50]);
    let there = (ours, crowd).prop_map(move |(main, crowd)| {
        let mut rules: BTreeMap<String, Rule> =
            (0..crowd).map(|number| (format!("other-{number:02}"), rule("quay.io", None))).collect();
        // No account has ever more than the limit.
        if let Some(main) = main.filter(|_| crowd < RULE_LIMIT) {
            rules.insert(PREFIX.to_owned(), main);
        }
        rules
    });
    prop_oneof![9 => there.prop_map(Ok), 1 => Just(Err("ecr:DescribePullThroughCacheRules: denied"))]
}

fn place_state(names: Names) -> impl Strategy<Value = Found> {
    let both = vec![names.username.clone(), names.token.clone()];
    let secrets = subsequence(both.clone(), 0..=2).prop_flat_map(|names| {
        let times = proptest::collection::vec(0_i64..20, names.len());
        times.prop_map(move |times| {
            names.iter().cloned().zip(times.into_iter().map(at)).collect::<BTreeMap<_, _>>()
        })
    });
    let marker = (select(vec![ours(), earlier()]), 0_i64..20, subsequence(both, 0..=2)).prop_map(
        |(fingerprint, time, names)| Marker {
            fingerprint,
            time: at(time),
            names: names.into_iter().collect(),
        },
    );
    let marker = prop_oneof![
        3 => Just(Ok(None)),
        6 => marker.prop_map(|marker| Ok(Some(marker))),
        1 => Just(Err("GET variables: 403")),
    ];
    let unread = prop::bool::weighted(0.1);
    (secrets, marker, any::<bool>(), unread).prop_map(|(secrets, marker, archived, unread)| Found {
        secrets: if unread { Err(unreadable("GET secrets: 404")) } else { Ok(secrets) },
        audiences: std::collections::BTreeMap::new(),
        marker: marker.map_err(unreadable),
        archived: archived && !unread,
        of_organization: false,
        environment_absent: false,
        renamed: BTreeMap::new(),
    })
}

/// A registry list: rows for Docker Hub and others, ours and not, in any spelling.
fn daytona_state() -> impl Strategy<Value = Result<Vec<daytona::Row>, &'static str>> {
    let names =
        vec!["docker-hub-abababab", "docker-hub-cdcdcdcd", "docker-hub", "Docker Hub", "docker-hub-x"];
    let urls = vec![
        "docker.io",
        "docker.io",
        "https://hub.docker.com",
        "index.docker.io/v1/",
        "ghcr.io",
        "docker.io/acme",
    ];
    let row = (select(names), select(urls), select(vec!["acme", "bob"]), 0_i64..5);
    let rows = proptest::collection::vec(row, 0..5).prop_map(|rows| {
        let row = |(number, (name, url, username, time)): (usize, (&str, &str, &str, i64))| daytona::Row {
            id: format!("row-{number}"),
            name: name.to_owned(),
            url: url.to_owned(),
            username: username.to_owned(),
            updated: at(time),
        };
        Ok(rows.into_iter().enumerate().map(row).collect())
    });
    prop_oneof![8 => rows, 1 => Just(Err("GET docker-registry: 503"))]
}

fn options() -> impl Strategy<Value = Options> {
    let only = vec![
        vec![],
        vec!["aws:".to_owned()],
        vec!["github:acme/api".to_owned()],
        vec![POLICY.to_owned()],
        vec![SECRET.to_owned(), "github:".to_owned()],
        vec!["kubernetes:".to_owned(), "runpod:template".to_owned()],
    ];
    let purposes = select(vec![Purpose::Sync, Purpose::Sync, Purpose::Rotate]);
    let old = select(vec![None, Some(earlier())]);
    (any::<[bool; 4]>(), select(only), purposes, old).prop_map(
        |([stack_run, rewrite, allow_delete, allow_replace], only, purpose, old)| Options {
            purpose,
            stack_run,
            only,
            rewrite,
            allow_delete,
            allow_replace,
            old,
        },
    )
}

/// Stacks of two credentials in two regions, some sharing a prefix, a region or an account by another login.
fn stacks() -> Vec<Stack> {
    let mut other_login = stack("ops", REGION);
    other_login.session.profile = Some("ops".to_owned());
    let shared = Stack { prefix: PREFIX.to_owned(), ..stack("blue", REGION) };
    let left = Stack { rules: RuleOwner::Pulumi, ..stack("left", REGION) };
    vec![stack("main", REGION), stack("dev", "us-west-2"), other_login, shared, left]
}

prop_compose! {
    /// Any world, with everything that can be wanted of it in all five systems.
    pub(crate) fn worlds()(
        states in proptest::collection::vec((secret_state(), policy_state(), rules_state()), 2),
        places in (place_state(Names::of(&id())), place_state(Names::of(&id())), place_state(Names::of(&second()))),
        chosen in subsequence(stacks(), 1..=5),
        locked_out in prop::bool::weighted(0.1),
        kind in select(vec![TokenKind::DockerPersonal, TokenKind::Unknown]),
        listed in proptest::option::of(Just(vec!["arn:aws:iam::123456789012:role/app".to_owned()])),
        with_second in any::<bool>(),
        options in options(),
        rows in daytona_state(),
        cluster in clusters(),
        account in accounts(),
    ) -> Case {
        let mut case = Case::empty();
        case.options = options;
        case.known.insert(id(), known(kind));
        case.desired.places.aws[0].stacks.clear();
        case.desired.places.aws[0].readers = listed;
        for stack in chosen {
            case.add_stack(stack, ACCOUNT);
        }
        if with_second {
            add_second(&mut case);
        }
        let sessions: Vec<_> = case.observed.aws.identities.keys().cloned().collect();
        for session in sessions {
            // What two logins see of one region is the same.
            let (secret, policy, rules) = &states[usize::from(session.region != REGION)];
            let key = (session.clone(), NAME.to_owned());
            case.observed.aws.secrets.insert(key.clone(), secret.clone().map_err(unreadable));
            let absent = matches!(secret, Ok(None));
            let policy = if absent { Ok(None) } else { policy.clone().map_err(unreadable) };
            case.observed.aws.policies.insert(key, policy);
            case.observed.aws.rules.insert(session.clone(), rules.clone().map_err(unreadable));
            if locked_out && session.region != REGION {
                let reason = unreadable("ExpiredToken").login(true);
                case.observed.aws.identities.insert(session, Err(reason));
            }
        }
        // They know the same credentials, and may know a second one.
        case.known = cluster.known.into_iter().chain(account.known).chain(case.known).collect();
        (case.desired.places.kubernetes, case.observed.kubernetes) = (cluster.desired.places.kubernetes, cluster.observed.kubernetes);
        (case.desired.places.runpod, case.observed.runpod) = (account.desired.places.runpod, account.observed.runpod);
        case.desired.places.daytona.push(crate::daytona::wanted());
        case.observed.daytona.rows = rows.map_err(unreadable);
        case.desired.places.github.push(place("web"));
        case.observed.github.places.insert(place("api").key(), places.0);
        case.observed.github.places.insert(place("web").key(), places.1);
        if with_second {
            let place = Place { owner: "acme".to_owned(), repo: Some("ghcr".to_owned()), store: Store::Dependabot };
            let names = Names::of(&second());
            let desired = github::Desired { credential: second(), place, names, create_environment: false, audience: None, search: None, app: None, insecure: false };
            case.observed.github.places.insert(desired.key(), places.2);
            case.desired.places.github.push(desired);
        }
        case
    }
}

/// A credential for another registry, in the same region.
fn add_second(case: &mut Case) {
    let known = Known {
        username: "acme".to_owned(),
        fingerprint: earlier(),
        kind: TokenKind::GitHubClassic,
        current_since: None,
    };
    case.known.insert(second(), known);
    let name = "ecr-pullthroughcache/ghcr";
    let stack = Stack { prefix: "main-ghcr".to_owned(), ..stack("main", REGION) };
    let key = (stack.session.clone(), name.to_owned());
    case.add_stack(stack.clone(), ACCOUNT);
    case.desired.places.aws[0].stacks.pop();
    case.observed.aws.secrets.insert(key.clone(), Ok(None));
    case.observed.aws.policies.insert(key, Ok(None));
    case.desired.places.aws.push(aws::Desired {
        credential: second(),
        registry: "ghcr.io".parse::<Registry>().unwrap(),
        secret: name.to_owned(),
        provisioners: None,
        tags: BTreeMap::new(),
        readers: None,
        stacks: vec![stack],
        insecure: false,
    });
}

pub(crate) fn writing(plan: &regcred::plan::Plan) -> Vec<String> {
    let rows = plan.changes.iter().filter(|change| change.action.writes());
    rows.map(|change| format!("{} {}: {}", change.action.word(), change.address, change.reason)).collect()
}

/// A row that another of the same full plan waits for will be there: it is kept, or written before.
fn arrives(rows: &BTreeMap<&Address, &Change>, address: &Address) -> bool {
    rows.get(address).is_none_or(|row| row.action.writes() || row.action == Action::Keep)
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::default() })]

    #[test]
    fn a_second_run_writes_nothing_but_what_nobody_can_know(case in worlds()) {
        // A run that is told to writes what is recorded each time.
        let mut next = case.applied();
        next.options.rewrite = false;
        let plan = next.plan();
        let unrecorded = next.observed.github.places.values().any(|found| found.marker.is_err());
        for change in plan.changes.iter().filter(|change| change.action.writes()) {
            let known = &next.known[change.credentials.first().unwrap()];
            let unknown = change.action == Action::Refresh && (unrecorded || !known.kind.is_access_token());
            prop_assert!(unknown, "{:#?} after {:#?}", writing(&plan), writing(&case.plan()));
        }
    }

    #[test]
    fn the_order_of_what_is_wanted_does_not_change_the_plan_or_its_digest(case in worlds(), turn in 0_usize..5) {
        let mut other = case.clone();
        other.desired.places.aws.reverse();
        let places = other.desired.places.github.len();
        other.desired.places.github.rotate_left(turn % places);
        for place in &mut other.desired.places.aws {
            let count = place.stacks.len();
            place.stacks.rotate_left(turn % count);
            place.stacks.reverse();
        }
        let (one, two) = (case.plan(), other.plan());
        prop_assert_eq!(one.digest(), two.digest());
        prop_assert_eq!(one, two);
    }

    #[test]
    fn nothing_is_replaced_and_only_earlier_auths_of_ours_are_deleted_unless_the_run_is_told_to(mut case in worlds()) {
        (case.options.allow_delete, case.options.allow_replace) = (false, false);
        let plan = case.plan();
        for change in plan.changes.iter().filter(|change| matches!(change.action, Action::Delete | Action::Replace)) {
            match &change.operation {
                // Another auth is made beside the one that it stands for.
                Some(Operation::Runpod(runpod::Operation::CreateAuth { .. })) => {}
                Some(Operation::Runpod(runpod::Operation::Retire { auth, .. })) => {
                    let name = &case.observed.runpod.auths.as_ref().unwrap()[auth];
                    prop_assert!(case.desired.places.runpod.iter().any(|desired| desired.made(name)), "{name} is not ours");
                }
                other => prop_assert!(false, "{}: {other:?}", change.address),
            }
        }
    }

    #[test]
    fn with_rewrite_nothing_is_kept_for_its_record_and_what_is_in_sync_is_left_alone(mut case in worlds()) {
        case.options.rewrite = true;
        for change in case.plan().changes {
            prop_assert!(change.action != Action::Keep || change.reason != Reason::Recorded, "{}", change.address);
            prop_assert!(!change.action.writes() || change.reason != Reason::InSync, "{}", change.address);
        }
    }

    #[test]
    fn what_is_blocked_unread_or_kept_carries_no_operation_and_what_writes_carries_one(case in worlds()) {
        for change in case.plan().changes {
            prop_assert_eq!(change.operation.is_some(), change.action.writes(), "{:?}", change);
        }
    }

    #[test]
    fn every_row_is_written_after_what_it_depends_on(case in worlds()) {
        let mut full = case.clone();
        full.options.only.clear();
        let full = full.plan();
        let rows: BTreeMap<&Address, &Change> = full.changes.iter().map(|change| (&change.address, change)).collect();
        let mut done = BTreeSet::new();
        let plan = case.plan();
        let mut waiting: Vec<&Change> = plan.changes.iter().filter(|change| change.action.writes()).collect();
        let planned: BTreeSet<&Address> = waiting.iter().map(|change| &change.address).collect();
        for change in &waiting {
            for before in &change.after {
                prop_assert!(arrives(&rows, before), "{} waits for {before}", change.address);
            }
        }
        while !waiting.is_empty() {
            let ready = |change: &&Change| change.after.iter().all(|address| !planned.contains(address) || done.contains(address));
            let (now, later): (Vec<_>, Vec<_>) = waiting.into_iter().partition(ready);
            prop_assert!(!now.is_empty(), "rows wait for each other: {later:?}");
            done.extend(now.iter().map(|change| &change.address));
            waiting = later;
        }
    }

    #[test]
    fn rows_are_sorted_and_none_occurs_twice(case in worlds()) {
        let plan = case.plan();
        let addresses: Vec<&Address> = plan.changes.iter().map(|change| &change.address).collect();
        prop_assert!(addresses.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn a_row_gets_the_values_of_its_own_credentials_and_no_others(case in worlds()) {
        for change in case.plan().changes {
            let values = change.operation.as_ref().map(Operation::values).unwrap_or_default();
            prop_assert!(values.iter().all(|id| change.credentials.contains(*id)), "{}", change.address);
        }
    }

    #[test]
    fn a_stacks_own_run_never_writes_over_another_credential(mut case in worlds()) {
        case.options.stack_run = true;
        for change in case.plan().changes.iter().filter(|change| change.carries_value()) {
            prop_assert!(!matches!(change.reason, Reason::ValueDiffers), "{}", change.address);
        }
    }

    #[test]
    fn what_was_rotated_away_is_put_nowhere_and_nothing_is_made_ready_for_it(mut case in worlds()) {
        case.options.purpose = Purpose::Sync;
        let key = (case.desired.places.aws[0].stacks[0].session.clone(), NAME.to_owned());
        let rotated_from = Some(ours().version_id(NAME));
        let versions = [version(ours(), "AWSPREVIOUS"), version(earlier(), CURRENT)].into();
        let secret = Secret { arn: foreign_arn(), versions, rotated_from, ..Secret::default() };
        case.observed.aws.secrets.insert(key, Ok(Some(secret)));
        for change in case.plan().changes.iter().filter(|change| change.credentials.contains(&id())) {
            prop_assert!(!change.action.writes(), "{}: {}", change.address, change.reason);
        }
    }

    #[test]
    fn only_leaves_rows_out_and_never_adds_or_widens_one(case in worlds()) {
        let mut full = case.clone();
        full.options.only.clear();
        let (part, full) = (case.plan(), full.plan());
        prop_assert_eq!(part.changes.len() + part.left_out, full.changes.len());
        for change in part.changes.iter().filter(|change| change.action.writes()) {
            let whole = full.changes.iter().find(|other| other.address == change.address).unwrap();
            match (&whole.operation, &change.operation) {
                // A record vouches for what this run writes, which may be less.
                (Some(Github(PutMarker { names: all, written: every, .. })), Some(Github(PutMarker { names, written, .. }))) => {
                    prop_assert!(names.iter().all(|name| all.contains(name)), "{}", change.address);
                    prop_assert!(written.iter().all(|row| every.contains(row)), "{}", change.address);
                }
                (whole, part) => prop_assert_eq!(whole, part, "{}", change.address),
            }
        }
    }
}
