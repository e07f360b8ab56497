//! The secret and its value.

use regcred::change::{Action, ReasonKind};
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
}
