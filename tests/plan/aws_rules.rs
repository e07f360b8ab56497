//! Pull-through cache rules.

use regcred::change::{Action, Input, ReasonKind};
use regcred::plan::Plan;
use regcred::systems;
use regcred::targets;
use regcred::targets::aws::{Operation, Rule, RuleOwner};

use crate::case::*;
use crate::scenarios;

fn arn_of(plan: &Plan, address: &str) -> Input {
    match &row(plan, address).operation {
        Some(systems::Operation::Aws(
            Operation::CreateRule { credential_arn, .. } | Operation::UpdateRule { credential_arn, .. },
        )) => credential_arn.clone(),
        other => panic!("{other:?}"),
    }
}

scenarios! {
    fn an_absent_rule_is_made_for_the_secret_that_is_there() -> Plan {
        let mut case = Case::in_place();
        let arn = case.secret().arn.clone();
        case.rules().clear();
        let plan = case.plan();
        expect(&plan, RULE, Action::Create, ReasonKind::Absent);
        assert_eq!(arn_of(&plan, RULE), Input::Known(arn));
        plan
    }

    fn a_rule_for_a_secret_that_is_yet_to_be_made_refers_to_its_row() -> Plan {
        let plan = Case::empty().plan();
        let Input::Ref { address, field } = arn_of(&plan, RULE) else { panic!("the ARN cannot be known") };
        assert_eq!((address.to_string().as_str(), field), (SECRET, "arn"));
        plan
    }

    fn a_rule_on_another_secret_is_pointed_at_ours() -> Plan {
        let mut case = Case::in_place();
        case.rules().get_mut(PREFIX).unwrap().credential_arn = Some("arn:aws:secretsmanager:us-east-2:1:secret:x".to_owned());
        let plan = case.plan();
        expect(&plan, RULE, Action::Update, ReasonKind::OtherSecret);
        plan
    }

    fn a_rule_without_a_credential_gets_ours() -> Plan {
        let mut case = Case::in_place();
        case.rules().get_mut(PREFIX).unwrap().credential_arn = None;
        let plan = case.plan();
        expect(&plan, RULE, Action::Update, ReasonKind::OtherSecret);
        plan
    }

    fn a_rule_that_reads_a_secret_deleted_since_is_pointed_at_the_new_one() -> Plan {
        let mut case = Case::in_place();
        let key = case.key();
        case.observed.aws.secrets.insert(key, Ok(None));
        case.set_policy(None);
        let plan = case.plan();
        expect(&plan, SECRET, Action::Create, ReasonKind::Absent);
        expect(&plan, RULE, Action::Update, ReasonKind::OtherSecret);
        assert!(matches!(arn_of(&plan, RULE), Input::Ref { .. }));
        plan
    }

    fn a_rule_for_another_upstream_is_blocked_and_nothing_else_is() -> Plan {
        let mut case = Case::empty();
        case.rules().insert(PREFIX.to_owned(), Rule { upstream_url: "ghcr.io".to_owned(), credential_arn: None });
        let plan = case.plan();
        expect(&plan, RULE, Action::Blocked, ReasonKind::OtherUpstream);
        expect(&plan, SECRET, Action::Create, ReasonKind::Absent);
        assert!(row(&plan, RULE).reason.to_string().contains("ghcr.io"));
        plan
    }

    fn an_upstream_is_compared_without_case() -> Plan {
        let mut case = Case::in_place();
        case.rules().get_mut(PREFIX).unwrap().upstream_url = HUB.to_uppercase();
        let plan = case.plan();
        expect(&plan, RULE, Action::Keep, ReasonKind::InSync);
        plan
    }

    fn a_stack_in_a_partition_without_caches_is_blocked_and_hides_no_other() -> Plan {
        let mut case = Case::empty();
        let mut china = stack("china", "cn-north-1");
        china.prefix = "china-docker-hub".to_owned();
        case.desired.places.aws[0].stacks.push(china);
        let plan = case.plan();
        expect(&plan, "aws:?/cn-north-1/cache-rule/china-docker-hub", Action::Blocked, ReasonKind::NoCaches);
        expect(&plan, RULE, Action::Create, ReasonKind::Absent);
        plan
    }

    fn a_fiftieth_rule_still_fits() -> Plan {
        let mut case = Case::empty();
        case.crowd(49);
        let plan = case.plan();
        expect(&plan, RULE, Action::Create, ReasonKind::Absent);
        assert!(plan.notes.iter().any(|note| note.contains("49 of 50")), "{:?}", plan.notes);
        plan
    }

    fn a_fifty_first_rule_is_blocked_with_the_number_of_those_that_are_there() -> Plan {
        let mut case = Case::empty();
        case.crowd(50);
        let plan = case.plan();
        expect(&plan, RULE, Action::Blocked, ReasonKind::RuleLimit);
        expect(&plan, SECRET, Action::Create, ReasonKind::Absent);
        assert!(row(&plan, RULE).reason.to_string().contains("50 of 50"));
        plan
    }

    fn of_two_new_rules_the_last_room_takes_one() -> Plan {
        let mut case = Case::empty();
        case.add_stack(stack("dev", REGION), ACCOUNT);
        case.crowd(49);
        let plan = case.plan();
        expect(&plan, "aws:123456789012/us-east-2/cache-rule/dev-docker-hub", Action::Create, ReasonKind::Absent);
        expect(&plan, RULE, Action::Blocked, ReasonKind::RuleLimit);
        plan
    }

    fn a_full_region_does_not_block_rules_that_exist() -> Plan {
        let mut case = Case::in_place();
        case.crowd(49);
        case.rules().get_mut(PREFIX).unwrap().credential_arn = None;
        let plan = case.plan();
        expect(&plan, RULE, Action::Update, ReasonKind::OtherSecret);
        plan
    }

    fn stacks_that_name_one_prefix_share_one_rule() -> Plan {
        let mut case = Case::empty();
        let other = regcred::targets::aws::Stack { prefix: PREFIX.to_owned(), ..stack("dev", REGION) };
        case.add_stack(other, ACCOUNT);
        let plan = case.plan();
        let rules = plan.changes.iter().filter(|change| change.address.to_string().contains("cache-rule"));
        assert_eq!(rules.count(), 1);
        let stacks: Vec<&str> = row(&plan, RULE).stacks.iter().map(String::as_str).collect();
        assert_eq!(stacks, ["dev", "main"]);
        plan
    }

    fn stacks_with_logins_of_their_own_in_one_account_share_its_secret() -> Plan {
        let mut case = Case::empty();
        let mut other = stack("dev", REGION);
        other.session.profile = Some("dev".to_owned());
        case.add_stack(other, ACCOUNT);
        let plan = case.plan();
        let secrets = plan.changes.iter().filter(|change| change.address.to_string() == SECRET);
        assert_eq!(secrets.count(), 1);
        assert_eq!(row(&plan, SECRET).stacks.len(), 2);
        plan
    }

    fn each_account_and_region_has_its_own_secret_and_rules() -> Plan {
        let mut case = Case::empty();
        case.add_stack(stack("dev", "us-west-2"), "222222222222");
        case.crowd(50);
        let plan = case.plan();
        expect(&plan, RULE, Action::Blocked, ReasonKind::RuleLimit);
        expect(&plan, "aws:222222222222/us-west-2/cache-rule/dev-docker-hub", Action::Create, ReasonKind::Absent);
        expect(&plan, "aws:222222222222/us-west-2/secret/ecr-pullthroughcache/docker-hub", Action::Create, ReasonKind::Absent);
        plan
    }

    fn an_absent_rule_of_pulumis_is_left_to_it() -> Plan {
        let mut case = Case::in_place();
        case.desired.places.aws[0].stacks[0].rules = RuleOwner::Pulumi;
        case.rules().clear();
        let plan = case.plan();
        expect(&plan, RULE, Action::Keep, ReasonKind::LeftToPulumi);
        plan
    }

    fn rules_that_cannot_be_read_are_unread_and_the_secret_goes_on() -> Plan {
        let mut case = Case::empty();
        case.observed.aws.rules.insert(session(REGION), Err(unreadable("ecr:DescribePullThroughCacheRules: denied")));
        let plan = case.plan();
        expect(&plan, RULE, Action::Unread, ReasonKind::Unreadable);
        expect(&plan, SECRET, Action::Create, ReasonKind::Absent);
        plan
    }

    fn a_new_value_in_the_secret_leaves_its_rules_as_they_are() -> Plan {
        let mut case = Case::in_place();
        case.hold_another();
        let plan = case.plan();
        expect(&plan, RULE, Action::Keep, ReasonKind::InSync);
        plan
    }
}
