//! The secret and its value.

use regcred::change::{Action, Known, Purpose, ReasonKind};
use regcred::model::{Fingerprint, TokenKind};
use regcred::plan::Plan;
use regcred::systems;
use regcred::targets::aws::{CURRENT, Container, Operation};

use crate::case::*;
use crate::scenarios;

/// What happens to the container of the secret, by the policy's row.
fn container(plan: &Plan) -> Container {
    match &row(plan, POLICY).operation {
        Some(systems::Operation::Aws(Operation::EnsurePolicy { container, .. })) => *container,
        other => panic!("{other:?}"),
    }
}

/// The version that the secret is marked with before its value is put.
fn marked(plan: &Plan) -> Option<String> {
    match &row(plan, SECRET).operation {
        Some(systems::Operation::Aws(Operation::MakeCurrent { rotated_from, .. })) => rotated_from.clone(),
        other => panic!("{other:?}"),
    }
}

/// The world after the earlier credential was rotated to ours, as a run for this purpose with this credential sees it.
fn rotated(purpose: Purpose, fingerprint: Fingerprint) -> Case {
    let mut case = Case::in_place();
    case.hold_another();
    case.options.purpose = Purpose::Rotate;
    let mut case = case.applied();
    case.options.purpose = purpose;
    case.known.insert(id(), Known { fingerprint, ..known(TokenKind::DockerPersonal) });
    case
}

scenarios! {
    fn what_is_in_place_is_left_alone() -> Plan {
        let plan = Case::in_place().plan();
        expect_still(&plan);
        for address in [POLICY, SECRET, RULE] {
            expect(&plan, address, Action::Keep, ReasonKind::InSync);
        }
        for address in [USERNAME, TOKEN] {
            expect(&plan, address, Action::Keep, ReasonKind::Recorded);
        }
        expect(&plan, MARKER, Action::Keep, ReasonKind::InSync);
        plan
    }

    fn an_absent_secret_is_made_with_its_policy_before_its_value() -> Plan {
        let plan = Case::empty().plan();
        for address in [POLICY, SECRET, RULE] {
            expect(&plan, address, Action::Create, ReasonKind::Absent);
        }
        assert_eq!(container(&plan), Container::Create);
        let after = |address| row(&plan, address).after.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(after(POLICY), [""; 0]);
        assert_eq!(after(SECRET), [POLICY]);
        assert_eq!(after(RULE), [SECRET]);
        plan
    }

    fn a_secret_without_a_value_gets_one() -> Plan {
        let mut case = Case::in_place();
        case.secret().versions.clear();
        let plan = case.plan();
        expect(&plan, SECRET, Action::Update, ReasonKind::NoValue);
        expect(&plan, POLICY, Action::Keep, ReasonKind::InSync);
        expect(&plan, RULE, Action::Keep, ReasonKind::InSync);
        plan
    }

    fn a_secret_that_was_made_half_way_gets_policy_and_value() -> Plan {
        let mut case = Case::empty();
        case.secret().ours = true;
        let plan = case.plan();
        expect(&plan, POLICY, Action::Create, ReasonKind::Unrestricted);
        expect(&plan, SECRET, Action::Update, ReasonKind::NoValue);
        assert_eq!(container(&plan), Container::Exists);
        plan
    }

    fn another_value_is_replaced_by_ours() -> Plan {
        let mut case = Case::in_place();
        case.hold_another();
        let plan = case.plan();
        expect(&plan, SECRET, Action::Update, ReasonKind::ValueDiffers);
        expect(&plan, POLICY, Action::Keep, ReasonKind::InSync);
        plan
    }

    fn back_to_an_earlier_credential_its_old_version_is_made_current_again() -> Plan {
        let mut case = Case::in_place();
        case.secret().versions = [version(ours(), "AWSPREVIOUS"), version(earlier(), CURRENT)].into();
        let plan = case.plan();
        expect(&plan, SECRET, Action::Update, ReasonKind::ValueDiffers);
        let Some(systems::Operation::Aws(Operation::MakeCurrent { version, .. })) = &row(&plan, SECRET).operation else {
            panic!("the value is not made current");
        };
        assert_eq!(*version, ours().version_id(NAME));
        assert!(!case.applied().plan().writes());
        plan
    }

    fn asked_to_rewrite_a_value_is_put_under_another_id_that_is_ours_as_well() -> Plan {
        let mut case = Case::in_place();
        case.options.rewrite = true;
        let plan = case.plan();
        expect(&plan, SECRET, Action::Update, ReasonKind::Rewrite);
        let Some(systems::Operation::Aws(Operation::MakeCurrent { version, .. })) = &row(&plan, SECRET).operation else {
            panic!("the value is not put");
        };
        assert_ne!(*version, ours().version_id(NAME));
        assert!(ours().is_version(NAME, version));
        let mut next = case.applied();
        next.options.rewrite = false;
        assert!(!next.plan().writes());
        plan
    }

    fn a_stacks_own_run_rewrites_no_value_that_others_share() -> Plan {
        let mut case = Case::in_place();
        case.options.rewrite = true;
        case.options.stack_run = true;
        let plan = case.plan();
        expect(&plan, SECRET, Action::Keep, ReasonKind::InSync);
        plan
    }

    fn a_secret_whose_current_stage_was_moved_away_gets_it_back() -> Plan {
        let mut case = Case::in_place();
        case.secret().versions = [version(ours(), "AWSPENDING")].into();
        let plan = case.plan();
        expect(&plan, SECRET, Action::Update, ReasonKind::NoValue);
        plan
    }

    fn a_secret_pending_deletion_is_restored_before_anything_else() -> Plan {
        let mut case = Case::in_place();
        case.secret().deleted = Some("2027-02-01".to_owned());
        let plan = case.plan();
        expect(&plan, POLICY, Action::Update, ReasonKind::PendingDeletion);
        expect(&plan, SECRET, Action::Update, ReasonKind::PendingDeletion);
        assert_eq!(container(&plan), Container::Restore);
        assert!(row(&plan, SECRET).reason.to_string().contains("2027-02-01"));
        plan
    }

    fn a_secret_under_a_customer_managed_key_is_blocked_with_its_policy_and_new_rules() -> Plan {
        let mut case = Case::empty();
        case.secret().kms_key = Some("arn:aws:kms:us-east-2:123456789012:key/1".to_owned());
        let plan = case.plan();
        expect(&plan, SECRET, Action::Blocked, ReasonKind::CustomerKey);
        expect(&plan, POLICY, Action::Blocked, ReasonKind::CustomerKey);
        expect(&plan, RULE, Action::Blocked, ReasonKind::Depends);
        expect(&plan, TOKEN, Action::Create, ReasonKind::Absent);
        plan
    }

    fn a_replica_is_blocked_and_its_primary_region_named() -> Plan {
        let mut case = Case::in_place();
        case.secret().primary_region = Some("eu-west-1".to_owned());
        let plan = case.plan();
        expect(&plan, SECRET, Action::Blocked, ReasonKind::Replica);
        expect(&plan, POLICY, Action::Blocked, ReasonKind::Replica);
        assert!(row(&plan, SECRET).reason.to_string().contains("eu-west-1"));
        plan
    }

    fn a_primary_that_has_replicas_is_no_replica() -> Plan {
        let mut case = Case::in_place();
        case.secret().primary_region = Some(REGION.to_owned());
        let plan = case.plan();
        expect_still(&plan);
        expect(&plan, SECRET, Action::Keep, ReasonKind::InSync);
        plan
    }

    fn a_secret_that_another_service_owns_is_blocked() -> Plan {
        let mut case = Case::in_place();
        case.hold_another();
        case.secret().owning_service = Some("rds".to_owned());
        let plan = case.plan();
        expect(&plan, SECRET, Action::Blocked, ReasonKind::ManagedBy);
        expect(&plan, POLICY, Action::Blocked, ReasonKind::ManagedBy);
        plan
    }

    fn a_secret_that_cannot_be_read_is_unread_and_what_needs_it_is_blocked() -> Plan {
        let mut case = Case::empty();
        let key = case.key();
        case.observed.aws.secrets.insert(key, Err(unreadable("secretsmanager:DescribeSecret: denied")));
        let plan = case.plan();
        expect(&plan, SECRET, Action::Unread, ReasonKind::Unreadable);
        expect(&plan, POLICY, Action::Unread, ReasonKind::Unreadable);
        expect(&plan, RULE, Action::Blocked, ReasonKind::Depends);
        expect(&plan, TOKEN, Action::Create, ReasonKind::Absent);
        plan
    }

    fn a_value_is_not_put_under_a_policy_that_cannot_be_read() -> Plan {
        let mut case = Case::in_place();
        case.hold_another();
        let key = case.key();
        case.observed.aws.policies.insert(key, Err(unreadable("secretsmanager:GetResourcePolicy: denied")));
        let plan = case.plan();
        expect(&plan, POLICY, Action::Unread, ReasonKind::Unreadable);
        expect(&plan, SECRET, Action::Blocked, ReasonKind::Depends);
        plan
    }

    fn a_failed_login_leaves_its_rows_unread_under_an_unknown_account() -> Plan {
        let mut case = Case::empty();
        let reason = unreadable("sts:GetCallerIdentity: ExpiredToken").login(true);
        case.observed.aws.identities.insert(session(REGION), Err(reason));
        let plan = case.plan();
        expect(&plan, "aws:?/us-east-2/secret/ecr-pullthroughcache/docker-hub", Action::Unread, ReasonKind::Unreadable);
        expect(&plan, "aws:?/us-east-2/policy/ecr-pullthroughcache/docker-hub", Action::Unread, ReasonKind::Unreadable);
        expect(&plan, "aws:?/us-east-2/cache-rule/main-docker-hub", Action::Unread, ReasonKind::Unreadable);
        expect(&plan, TOKEN, Action::Create, ReasonKind::Absent);
        plan
    }

    fn a_login_for_an_account_that_is_not_allowed_writes_nothing_there() -> Plan {
        let mut case = Case::empty();
        case.desired.places.aws[0].stacks[0].accounts = ["222222222222".to_owned()].into();
        let plan = case.plan();
        for address in [POLICY, SECRET, RULE] {
            expect(&plan, address, Action::Blocked, ReasonKind::WrongAccount);
        }
        expect(&plan, TOKEN, Action::Create, ReasonKind::Absent);
        plan
    }

    fn a_stack_whose_provider_goes_elsewhere_is_blocked_and_nothing_is_read_for_it() -> Plan {
        let mut case = Case::empty();
        case.desired.places.aws[0].stacks[0].untouched = Some("stack main has `aws:endpoints`".to_owned());
        case.observed.aws = Default::default();
        let plan = case.plan();
        for item in ["secret/ecr-pullthroughcache/docker-hub", "policy/ecr-pullthroughcache/docker-hub", "cache-rule/main-docker-hub"] {
            expect(&plan, &format!("aws:?/us-east-2/{item}"), Action::Blocked, ReasonKind::OtherProvider);
        }
        plan
    }

    fn a_login_for_an_account_that_is_forbidden_writes_nothing_there() -> Plan {
        let mut case = Case::empty();
        case.desired.places.aws[0].stacks[0].forbidden = [ACCOUNT.to_owned()].into();
        let plan = case.plan();
        expect(&plan, SECRET, Action::Blocked, ReasonKind::WrongAccount);
        plan
    }

    fn a_login_for_an_allowed_account_goes_on() -> Plan {
        let mut case = Case::empty();
        case.desired.places.aws[0].stacks[0].accounts = ["222222222222".to_owned(), ACCOUNT.to_owned()].into();
        let plan = case.plan();
        expect(&plan, SECRET, Action::Create, ReasonKind::Absent);
        plan
    }

    fn a_rotation_marks_the_secret_with_the_version_of_the_old_value() -> Plan {
        let mut case = Case::in_place();
        case.hold_another();
        assert_eq!(marked(&case.plan()), None);
        case.options.purpose = Purpose::Rotate;
        assert_eq!(marked(&case.plan()), Some(earlier().version_id(NAME)));
        let oldest = Fingerprint::parse(&"ef".repeat(32)).unwrap();
        case.options.old = Some(oldest);
        let plan = case.plan();
        assert_eq!(marked(&plan), Some(oldest.version_id(NAME)));
        let requests = plan.cost().requests;
        case.options.purpose = Purpose::Sync;
        assert_eq!(requests, case.plan().cost().requests + 1);
        plan
    }

    fn a_rotation_into_an_empty_place_marks_only_what_it_knows() -> Plan {
        let mut case = Case::empty();
        case.options.purpose = Purpose::Rotate;
        assert_eq!(marked(&case.plan()), None);
        case.options.old = Some(ours());
        assert_eq!(marked(&case.plan()), None);
        case.options.old = Some(earlier());
        let plan = case.plan();
        assert_eq!(marked(&plan), Some(earlier().version_id(NAME)));
        plan
    }

    fn a_value_that_was_rotated_away_is_put_nowhere_by_a_sync_not_even_with_rewrite() -> Plan {
        for rewrite in [false, true] {
            let mut case = rotated(Purpose::Sync, earlier());
            case.options.rewrite = rewrite;
            let plan = case.plan();
            for address in [SECRET, USERNAME, TOKEN, MARKER] {
                expect(&plan, address, Action::Blocked, ReasonKind::RotatedAway);
                assert_eq!(row(&plan, address).reason.to_string(), "rotated away on 2026-11-29");
            }
            assert!(row(&plan, SECRET).reason.hint().unwrap().ends_with("regcred rotate --from previous"));
            assert!(!plan.writes());
        }
        expect_still(&rotated(Purpose::Sync, ours()).plan());
        rotated(Purpose::Sync, earlier()).plan()
    }

    fn a_credential_of_a_third_value_is_not_taken_for_the_one_that_was_rotated_away() -> Plan {
        let plan = rotated(Purpose::Sync, Fingerprint::parse(&"ef".repeat(32)).unwrap()).plan();
        expect(&plan, SECRET, Action::Update, ReasonKind::ValueDiffers);
        expect(&plan, TOKEN, Action::Update, ReasonKind::Changed);
        plan
    }

    fn a_rotation_takes_back_what_was_rotated_away_and_marks_the_other_one() -> Plan {
        let case = rotated(Purpose::Rotate, earlier());
        let plan = case.plan();
        expect(&plan, SECRET, Action::Update, ReasonKind::ValueDiffers);
        assert_eq!(marked(&plan), Some(ours().version_id(NAME)));
        let mut back = case.applied();
        back.options.purpose = Purpose::Sync;
        expect_still(&back.plan());
        back.known.insert(id(), known(TokenKind::DockerPersonal));
        expect(&back.plan(), SECRET, Action::Blocked, ReasonKind::RotatedAway);
        plan
    }

    fn a_rotation_that_was_stopped_before_the_new_value_was_current_blocks_nothing() -> Plan {
        let mut case = Case::in_place();
        case.secret().rotated_from = Some(ours().version_id(NAME));
        let plan = case.plan();
        expect_still(&plan);
        plan
    }

    fn what_was_rotated_away_in_one_region_is_put_in_none() -> Plan {
        let mut case = rotated(Purpose::Sync, earlier());
        case.add_stack(stack("dev", "us-west-2"), ACCOUNT);
        let plan = case.plan();
        for item in ["policy/ecr-pullthroughcache/docker-hub", "secret/ecr-pullthroughcache/docker-hub", "cache-rule/dev-docker-hub"] {
            expect(&plan, &format!("aws:{ACCOUNT}/us-west-2/{item}"), Action::Blocked, ReasonKind::RotatedAway);
        }
        plan
    }

    fn a_stacks_own_run_says_of_what_was_rotated_away_that_it_holds_another() -> Plan {
        let mut case = rotated(Purpose::Sync, earlier());
        case.options.stack_run = true;
        let plan = case.plan();
        expect(&plan, SECRET, Action::Blocked, ReasonKind::OtherCredential);
        plan
    }

    fn a_rotation_without_a_place_in_aws_says_that_nothing_remembers_it() -> Plan {
        let mut case = Case::empty();
        let said = |plan: &Plan| plan.notes.iter().any(|note| note.contains("a sync with it puts it back"));
        case.options.purpose = Purpose::Rotate;
        assert!(!said(&case.plan()));
        case.desired.places.aws.clear();
        let plan = case.plan();
        assert!(said(&plan), "{:?}", plan.notes);
        case.options.purpose = Purpose::Sync;
        assert!(!said(&case.plan()));
        plan
    }
}
