//! How a run was asked for: a stack's own (`--stack`), and a part of the plan (`--only`).

use regcred::change::{Action, Known, ReasonKind};
use regcred::desired::Refused;
use regcred::model::{CredentialId, Problem, TokenKind};
use regcred::plan::Plan;
use regcred::targets::aws::{self, CURRENT};

use crate::case::*;
use crate::scenarios;

/// A case as `--stack main` sees it.
fn stack_run(mut case: Case) -> Case {
    case.options.stack_run = true;
    case.desired.places.github.clear();
    case
}

/// Another credential for the same secret, in a stack of its own, by another profile for the same account.
fn two_by_two_logins(mut case: Case) -> Case {
    let other = CredentialId("other".to_owned());
    let known = Known { fingerprint: earlier(), ..known(TokenKind::DockerPersonal) };
    case.known.insert(other.clone(), known);
    let mut dev = stack("dev", REGION);
    dev.session.profile = Some("dev".to_owned());
    case.add_stack(dev.clone(), ACCOUNT);
    case.desired.places.aws[0].stacks.pop();
    let first = case.desired.places.aws[0].clone();
    case.desired.places.aws.push(aws::Desired { credential: other, stacks: vec![dev], ..first });
    case
}

fn only(mut case: Case, prefixes: &[&str]) -> Plan {
    case.options.only = prefixes.iter().map(|prefix| (*prefix).to_owned()).collect();
    case.plan()
}

scenarios! {
    fn what_a_repository_that_is_not_trusted_decides_is_blocked_in_every_place() -> Plan {
        let mut case = Case::in_place();
        let why = Problem::outside("it would be started").hint("have it reviewed").untrusted(true);
        case.desired.refuse(&id(), why);
        case.known.clear();
        let plan = case.plan();
        for address in [USERNAME, TOKEN, MARKER] {
            expect(&plan, address, Action::Blocked, ReasonKind::Untrusted);
            assert_eq!(row(&plan, address).reason.hint().as_deref(), Some("have it reviewed"));
        }
        // Nobody was asked which account it is.
        for address in [POLICY, SECRET, RULE] {
            expect(&plan, &address.replace(ACCOUNT, "?"), Action::Blocked, ReasonKind::Untrusted);
        }
        assert_eq!(plan.changes.len(), 6);
        plan
    }

    fn of_two_rows_of_one_address_the_refused_one_stays() -> Plan {
        let mut case = Case::in_place();
        let refused = case.desired.places.clone();
        let why = Problem::outside("it would be started").untrusted(true);
        case.desired.refused.push(Refused { places: refused, why });
        let plan = case.plan();
        expect(&plan, TOKEN, Action::Blocked, ReasonKind::Untrusted);
        assert!(!plan.writes());
        plan
    }

    fn a_stacks_own_run_makes_what_is_missing() -> Plan {
        let plan = stack_run(Case::empty()).plan();
        for address in [POLICY, SECRET, RULE] {
            expect(&plan, address, Action::Create, ReasonKind::Absent);
        }
        plan
    }

    fn a_stacks_own_run_leaves_what_is_equal() -> Plan {
        let plan = stack_run(Case::in_place()).plan();
        expect_still(&plan);
        plan
    }

    fn a_stacks_own_run_never_changes_the_shared_value() -> Plan {
        let mut case = Case::in_place();
        case.hold_another();
        let plan = stack_run(case).plan();
        expect(&plan, SECRET, Action::Blocked, ReasonKind::OtherCredential);
        assert!(row(&plan, SECRET).reason.hint().unwrap().contains("without --stack"));
        plan
    }

    fn a_stacks_own_run_leaves_its_new_rule_too_where_the_value_is_another() -> Plan {
        let mut case = Case::in_place();
        case.hold_another();
        case.rules().clear();
        let plan = stack_run(case).plan();
        expect(&plan, RULE, Action::Blocked, ReasonKind::Depends);
        plan
    }

    fn a_stacks_own_run_fills_a_secret_without_a_value() -> Plan {
        let mut case = Case::in_place();
        case.secret().versions.clear();
        let plan = stack_run(case).plan();
        expect(&plan, SECRET, Action::Update, ReasonKind::NoValue);
        plan
    }

    fn a_stacks_own_run_restores_a_secret_that_holds_our_value() -> Plan {
        let mut case = Case::in_place();
        case.secret().deleted = Some("2027-02-01".to_owned());
        let plan = stack_run(case).plan();
        expect(&plan, SECRET, Action::Update, ReasonKind::PendingDeletion);
        plan
    }

    fn a_stacks_own_run_does_not_revive_a_deleted_secret_with_another_value() -> Plan {
        let mut case = Case::in_place();
        case.secret().deleted = Some("2027-02-01".to_owned());
        case.secret().versions = [version(earlier(), CURRENT)].into();
        let plan = stack_run(case).plan();
        expect(&plan, SECRET, Action::Blocked, ReasonKind::OtherCredential);
        expect(&plan, POLICY, Action::Blocked, ReasonKind::OtherCredential);
        plan
    }

    fn two_credentials_that_meet_in_one_secret_by_two_logins_are_blocked_by_name() -> Plan {
        let mut case = two_by_two_logins(Case::empty());
        let plan = case.plan();
        expect(&plan, SECRET, Action::Blocked, ReasonKind::OnePlace);
        let words = row(&plan, SECRET).reason.to_string();
        assert!(words.contains("docker-hub and other"), "{words}");
        expect(&plan, RULE, Action::Blocked, ReasonKind::Depends);
        let turned = Case { desired: { case.desired.places.aws.reverse(); case.desired.clone() }, ..case };
        assert_eq!(turned.plan(), plan);
        let mut in_place = two_by_two_logins(Case::in_place());
        for secret in in_place.observed.aws.secrets.values_mut() {
            secret.as_mut().unwrap().get_or_insert_default().versions = [version(ours(), CURRENT)].into();
        }
        expect(&in_place.plan(), SECRET, Action::Blocked, ReasonKind::OnePlace);
        plan
    }

    fn one_prefix_for_the_rules_of_two_secrets_is_blocked_by_name() -> Plan {
        let mut case = two_by_two_logins(Case::empty());
        let other = &mut case.desired.places.aws[1];
        other.secret = "ecr-pullthroughcache/other".to_owned();
        other.stacks[0].prefix = "main-docker-hub".to_owned();
        let plan = case.plan();
        expect(&plan, RULE, Action::Blocked, ReasonKind::OnePlace);
        let words = row(&plan, RULE).reason.to_string();
        assert!(words.contains("docker-hub and other"), "{words}");
        plan
    }

    fn only_keeps_the_rows_whose_address_starts_so_and_counts_the_others() -> Plan {
        let plan = only(Case::empty(), &["github:acme/api"]);
        assert_eq!(plan.changes.len(), 3);
        assert_eq!(plan.left_out, 3);
        expect(&plan, TOKEN, Action::Create, ReasonKind::Absent);
        plan
    }

    fn only_takes_several_prefixes() -> Plan {
        let plan = only(Case::empty(), &[POLICY, USERNAME, TOKEN]);
        let addresses: Vec<String> = plan.changes.iter().map(|row| row.address.to_string()).collect();
        assert_eq!(addresses, [POLICY, TOKEN, USERNAME, MARKER], "and the record of the two secrets");
        plan
    }

    fn only_one_secret_is_recorded_without_vouching_for_the_other_and_is_not_written_again() -> Plan {
        let mut case = Case::in_place();
        case.marker().fingerprint = earlier();
        case.options.only = vec![TOKEN.to_owned()];
        let plan = case.plan();
        expect(&plan, TOKEN, Action::Update, ReasonKind::Changed);
        expect(&plan, MARKER, Action::Update, ReasonKind::RecordFollows);
        let mut next = case.applied();
        expect_still(&next.plan());
        next.options.only.clear();
        expect(&next.plan(), USERNAME, Action::Update, ReasonKind::NotRecorded);
        expect(&next.plan(), TOKEN, Action::Keep, ReasonKind::Recorded);
        plan
    }

    fn a_row_whose_prerequisite_only_leaves_out_is_blocked() -> Plan {
        let plan = only(Case::empty(), &["aws:123456789012/us-east-2/cache-rule/"]);
        expect(&plan, RULE, Action::Blocked, ReasonKind::Depends);
        assert!(row(&plan, RULE).reason.to_string().contains(SECRET));
        plan
    }

    fn a_row_whose_prerequisite_is_in_place_may_be_done_alone() -> Plan {
        let mut case = Case::in_place();
        case.rules().clear();
        let plan = only(case, &["aws:123456789012/us-east-2/cache-rule/"]);
        expect(&plan, RULE, Action::Create, ReasonKind::Absent);
        plan
    }

    fn a_marker_is_not_written_without_the_secrets_that_it_records() -> Plan {
        let plan = only(Case::empty(), &[MARKER]);
        expect(&plan, MARKER, Action::Blocked, ReasonKind::Depends);
        plan
    }
}

#[test]
fn a_credential_whose_value_was_not_read_has_no_rows() {
    let mut case = Case::empty();
    case.known.clear();
    assert_eq!(case.plan().changes, []);
}

#[test]
fn the_digest_changes_with_the_credential_the_rows_and_how_they_are_done_and_with_nothing_else() {
    let digest = |change: &dyn Fn(&mut Case)| {
        let mut case = Case::in_place();
        case.rules().clear();
        change(&mut case);
        case.plan().digest()
    };
    let first = digest(&|_| ());
    assert_eq!(first.len(), 64);
    assert_eq!(first, digest(&|case| case.desired.notes.push("a note".to_owned())), "notes");
    assert_eq!(first, digest(&|case| case.crowd(3)), "how many rules there are");
    assert_eq!(
        first,
        digest(&|case| case.desired.places.aws[0].stacks[0].session.profile = None),
        "how one logs in"
    );
    type Differing<'a> = (&'a str, &'a dyn Fn(&mut Case));
    let differing: [Differing<'_>; 4] = [
        ("the fingerprint", &|case| case.known.get_mut(&id()).unwrap().fingerprint = earlier()),
        ("a row", &|case| case.hold_another()),
        ("the secret of a rule", &|case| case.secret().arn.push('x')),
        ("who may read", &|case| case.desired.places.aws[0].readers = Some(vec![format!("{USER}2")])),
    ];
    for (what, change) in differing {
        assert_ne!(first, digest(change), "{what}");
    }
}

#[test]
fn a_changed_time_of_drift_does_not_change_the_digest() {
    let late = |seconds| {
        let mut case = Case::in_place();
        let time = case.marker().time + chrono::Duration::seconds(seconds);
        case.found().secrets.as_mut().unwrap().insert("DOCKER_HUB_TOKEN".to_owned(), time);
        case.plan().digest()
    };
    assert_eq!(late(10), late(20));
}
