//! Taking away what regcred made, and nothing else.

use proptest::prelude::*;
use regcred::change::{Action, Options, Purpose, ReasonKind};
use regcred::model::{CredentialId, Fingerprint};
use regcred::plan::Plan;
use regcred::systems::Observed;
use regcred::targets::aws::{Rule, RuleOwner};
use regcred::targets::kubernetes::{self, MANAGED_BY, docker_config};
use regcred::targets::runpod::Kind;

use crate::case::*;
use crate::daytona;
use crate::kubernetes::{DEFAULT, PULL};
use crate::properties::{worlds, writing};
use crate::runpod_case::{self, AUTH, EARLIER, INFER, OLD, OURS, THEIRS, TRAIN, WEB};
use crate::scenarios;

/// The same world, and the run takes away.
fn removing(mut case: Case) -> Case {
    case.options = Options { purpose: Purpose::Remove, ..Options::default() };
    case
}

fn allowed(mut case: Case) -> Case {
    case.options.allow_delete = true;
    case
}

/// Everything in place in AWS and GitHub.
fn in_place() -> Case {
    removing(Case::in_place())
}

fn rule(case: &mut Case) -> &mut Rule {
    case.rules().get_mut(PREFIX).unwrap()
}

fn second_rule(case: &mut Case, prefix: &str) {
    let rule = rule(case).clone();
    case.rules().insert(prefix.to_owned(), rule);
}

/// One namespace with all in place, or as this leaves it.
fn cluster(change: impl FnOnce(&mut kubernetes::Secret)) -> Case {
    let mut case = crate::kubernetes::in_place();
    let secrets = &mut case.observed.kubernetes.secrets;
    change(secrets.values_mut().next().unwrap().as_mut().unwrap().as_mut().unwrap());
    removing(case)
}

fn account(auths: &[(&str, &str)], registry: Option<&str>) -> Case {
    removing(runpod_case::account(auths, registry))
}

/// What was planned is done, and then nothing is left to do.
#[track_caller]
fn done(case: &Case) -> Case {
    let next = case.applied();
    assert_eq!(writing(&next.plan()), [""; 0]);
    next
}

#[test]
fn the_secret_goes_after_its_rules_and_the_record_after_what_it_records() {
    let plan = in_place().plan();
    let after = |address: &str| row(&plan, address).after.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(after(SECRET), [RULE]);
    assert_eq!(after(MARKER), [TOKEN, USERNAME]);
    let next = done(&in_place());
    assert!(next.observed.aws.secrets[&next.key()].as_ref().unwrap().as_ref().unwrap().deleted.is_some());
    assert!(next.observed.github.places.values().all(|found| found.secrets.as_ref().unwrap().is_empty()));
}

#[test]
fn a_sync_after_it_restores_the_secret_and_makes_the_rest_anew() {
    let mut next = done(&in_place());
    next.options = Options::default();
    let plan = next.plan();
    expect(&plan, SECRET, Action::Update, ReasonKind::PendingDeletion);
    expect(&plan, RULE, Action::Create, ReasonKind::Absent);
    expect(&plan, TOKEN, Action::Create, ReasonKind::Absent);
}

#[test]
fn no_value_is_needed_to_take_it_away() {
    let mut case = in_place();
    case.known.clear();
    assert_eq!(writing(&case.plan()), writing(&in_place().plan()));
}

#[test]
fn its_digest_is_another_than_that_of_a_sync() {
    assert_ne!(in_place().plan().digest(), Case::in_place().plan().digest());
}

scenarios! {
    fn rules_secret_and_record_go_and_the_policy_with_the_secret() -> Plan {
        let plan = in_place().plan();
        for address in [RULE, SECRET, TOKEN, USERNAME, MARKER] {
            expect(&plan, address, Action::Delete, ReasonKind::Made);
        }
        expect(&plan, POLICY, Action::Keep, ReasonKind::Shared);
        plan
    }

    fn what_is_not_there_is_as_it_should_be() -> Plan {
        let plan = removing(Case::empty()).plan();
        for address in [RULE, SECRET, POLICY, TOKEN, USERNAME] {
            expect(&plan, address, Action::Keep, ReasonKind::Absent);
        }
        plan
    }

    fn a_secret_that_goes_already_is_left_to_go() -> Plan {
        let mut case = in_place();
        case.secret().deleted = Some("2027-01-01".to_owned());
        case.rules().clear();
        let plan = case.plan();
        expect(&plan, SECRET, Action::Keep, ReasonKind::Leaving);
        plan
    }

    fn a_secret_without_regcreds_tag_stays_with_its_policy_and_the_rule_goes() -> Plan {
        let mut case = in_place();
        case.secret().ours = false;
        let plan = case.plan();
        expect(&plan, SECRET, Action::Keep, ReasonKind::Theirs);
        expect(&plan, POLICY, Action::Keep, ReasonKind::Shared);
        expect(&plan, RULE, Action::Delete, ReasonKind::Made);
        done(&case);
        expect(&allowed(case).plan(), SECRET, Action::Delete, ReasonKind::Made);
        plan
    }

    fn a_rule_of_other_people_that_reads_the_secret_keeps_it() -> Plan {
        let mut case = in_place();
        second_rule(&mut case, "theirs");
        let plan = case.plan();
        expect(&plan, SECRET, Action::Blocked, ReasonKind::InUse);
        assert_eq!(row(&plan, SECRET).reason.to_string(), "the cache rule theirs uses it");
        expect(&plan, RULE, Action::Delete, ReasonKind::Made);
        expect(&allowed(case).plan(), SECRET, Action::Blocked, ReasonKind::InUse);
        plan
    }

    fn a_rule_of_pulumis_stays_and_keeps_the_secret() -> Plan {
        let mut case = in_place();
        case.desired.places.aws[0].stacks[0].rules = RuleOwner::Pulumi;
        let plan = case.plan();
        expect(&plan, RULE, Action::Keep, ReasonKind::Shared);
        expect(&plan, SECRET, Action::Blocked, ReasonKind::InUse);
        plan
    }

    fn a_rule_that_reads_another_secret_stays() -> Plan {
        let mut case = in_place();
        rule(&mut case).credential_arn = Some("arn:aws:secretsmanager:us-east-2:1:secret:x".to_owned());
        let plan = case.plan();
        expect(&plan, RULE, Action::Keep, ReasonKind::Shared);
        expect(&plan, SECRET, Action::Delete, ReasonKind::Made);
        plan
    }

    fn a_stacks_own_run_takes_its_rule_and_leaves_the_secret_to_others() -> Plan {
        let mut case = in_place();
        case.options.stack_run = true;
        let plan = case.plan();
        expect(&plan, RULE, Action::Delete, ReasonKind::Made);
        expect(&plan, SECRET, Action::Keep, ReasonKind::Shared);
        plan
    }

    fn a_rule_that_only_leaves_out_keeps_the_secret() -> Plan {
        let mut case = in_place();
        case.options.only = vec![SECRET.to_owned()];
        let plan = case.plan();
        expect(&plan, SECRET, Action::Blocked, ReasonKind::Depends);
        plan
    }

    fn a_secret_of_github_that_no_record_vouches_for_stays() -> Plan {
        let mut case = in_place();
        case.found().marker = Ok(None);
        let plan = case.plan();
        expect(&plan, TOKEN, Action::Keep, ReasonKind::Theirs);
        expect(&allowed(case).plan(), TOKEN, Action::Delete, ReasonKind::Made);
        plan
    }

    fn a_secret_of_github_that_somebody_wrote_after_us_stays_and_our_record_goes() -> Plan {
        let mut case = in_place();
        let later = at(2_000_000);
        case.found().secrets.as_mut().unwrap().insert("DOCKER_HUB_TOKEN".to_owned(), later);
        let plan = case.plan();
        expect(&plan, TOKEN, Action::Keep, ReasonKind::Theirs);
        expect(&plan, USERNAME, Action::Delete, ReasonKind::Made);
        expect(&plan, MARKER, Action::Delete, ReasonKind::Made);
        done(&case);
        plan
    }

    fn what_the_record_names_beside_the_file_goes_too() -> Plan {
        let mut case = in_place();
        case.marker().names.insert("OLD_NAME".to_owned());
        case.found().secrets.as_mut().unwrap().insert("OLD_NAME".to_owned(), at(0));
        let plan = case.plan();
        expect(&plan, "github:acme/api/actions/OLD_NAME", Action::Delete, ReasonKind::Made);
        plan
    }

    fn a_record_that_cannot_be_read_leaves_its_secrets() -> Plan {
        let mut case = in_place();
        case.found().marker = Err(unreadable("500"));
        let plan = case.plan();
        for address in [TOKEN, USERNAME, MARKER] {
            expect(&plan, address, Action::Unread, ReasonKind::Unreadable);
        }
        plan
    }

    fn a_secret_with_our_label_goes_after_the_accounts_that_name_it() -> Plan {
        let case = cluster(|_| {});
        let plan = case.plan();
        expect(&plan, PULL, Action::Delete, ReasonKind::Made);
        expect(&plan, DEFAULT, Action::Update, ReasonKind::Made);
        assert_eq!(row(&plan, PULL).after.iter().map(ToString::to_string).collect::<Vec<_>>(), [DEFAULT]);
        done(&case);
        plan
    }

    fn of_a_secret_with_other_logins_ours_alone_is_taken_out_and_the_account_goes_on_naming_it() -> Plan {
        let case = cluster(|secret| secret.others = true);
        let plan = case.plan();
        expect(&plan, PULL, Action::Update, ReasonKind::Made);
        expect(&plan, DEFAULT, Action::Keep, ReasonKind::Shared);
        done(&case);
        plan
    }

    fn a_secret_without_our_label_stays_unless_that_is_allowed_and_then_loses_our_login_alone() -> Plan {
        let case = cluster(|secret| secret.labels.clear());
        let plan = case.plan();
        expect(&plan, PULL, Action::Keep, ReasonKind::Theirs);
        expect(&plan, DEFAULT, Action::Keep, ReasonKind::Shared);
        let case = allowed(case);
        expect(&case.plan(), PULL, Action::Update, ReasonKind::Made);
        done(&case);
        plan
    }

    fn an_immutable_secret_with_other_logins_is_blocked() -> Plan {
        let case = cluster(|secret| (secret.others, secret.immutable) = (true, true));
        let plan = case.plan();
        expect(&plan, PULL, Action::Blocked, ReasonKind::Immutable);
        plan
    }

    fn everything_on_our_auths_is_pointed_at_none_and_then_they_go() -> Plan {
        let mut case = account(&[OURS, EARLIER, THEIRS], Some(OURS.0));
        runpod_case::users(&mut case, Kind::Endpoint)[0].registry = Some(EARLIER.0.to_owned());
        let plan = case.plan();
        for address in [WEB, INFER, TRAIN] {
            expect(&plan, address, Action::Update, ReasonKind::Made);
        }
        for address in [AUTH, OLD] {
            expect(&plan, address, Action::Delete, ReasonKind::Made);
        }
        let next = done(&case);
        assert_eq!(next.observed.runpod.auths.unwrap().into_values().collect::<Vec<_>>(), [THEIRS.1]);
        plan
    }

    fn what_uses_an_auth_of_other_people_is_left_alone() -> Plan {
        let case = account(&[THEIRS], Some(THEIRS.0));
        let plan = case.plan();
        expect(&plan, AUTH, Action::Keep, ReasonKind::Absent);
        assert_eq!(plan.changes.len(), 1);
        plan
    }

    fn a_member_of_a_cluster_keeps_the_auth_that_it_uses() -> Plan {
        let mut case = account(&[OURS], Some(OURS.0));
        runpod_case::users(&mut case, Kind::Pod)[0].cluster = Some("c1".to_owned());
        let plan = case.plan();
        expect(&plan, TRAIN, Action::Blocked, ReasonKind::ClusterMember);
        expect(&plan, AUTH, Action::Blocked, ReasonKind::Depends);
        plan
    }

    fn while_a_list_cannot_be_read_no_auth_goes() -> Plan {
        let mut case = account(&[OURS], None);
        case.observed.runpod.users.insert(Kind::Pod, Err(unreadable("500")));
        let plan = case.plan();
        expect(&plan, AUTH, Action::Blocked, ReasonKind::Depends);
        plan
    }

    fn a_row_of_daytona_with_our_name_goes_and_one_without_stays() -> Plan {
        let ours = daytona::row("r1", "docker-hub-abababab", "docker.io");
        let theirs = daytona::row("r2", "docker-hub", "docker.io");
        let case = removing(daytona::case(vec![ours, theirs]));
        let plan = case.plan();
        expect(&plan, daytona::ROW, Action::Delete, ReasonKind::Made);
        expect(&plan, "daytona:registry/r2", Action::Keep, ReasonKind::Theirs);
        let next = done(&case);
        assert_eq!(next.observed.daytona.rows.unwrap().len(), 1);
        expect(&allowed(case).plan(), "daytona:registry/r2", Action::Delete, ReasonKind::Made);
        plan
    }
}

/// Everything in the world that nothing marks as regcred's, as it is.
fn foreign(observed: &Observed, case: &Case) -> String {
    let Observed { aws, daytona, github, kubernetes, runpod } = observed;
    let mut all: Vec<String> = Vec::new();
    let arns: Vec<&String> = aws.secrets.values().flatten().flatten().map(|secret| &secret.arn).collect();
    for secret in aws.secrets.values().flatten().flatten().filter(|secret| !secret.ours) {
        all.push(format!("{secret:?}"));
    }
    for rule in aws.rules.values().flatten().flat_map(|rules| rules.iter()) {
        let ours = rule.1.credential_arn.as_ref().is_some_and(|arn| arns.contains(&arn));
        all.extend((!ours).then(|| format!("{rule:?}")));
    }
    all.push(format!("{:?}", aws.policies));
    let name = &case.desired.places.daytona[0].name;
    let rows = daytona.rows.iter().flatten().filter(|row| !Fingerprint::ends(&row.name, name));
    all.extend(rows.map(|row| format!("{row:?}")));
    for found in github.places.values() {
        let marker = found.marker.as_ref().ok().and_then(Option::as_ref);
        for (name, time) in found.secrets.iter().flatten() {
            let ours = marker.is_some_and(|marker| marker.names.contains(name) && marker.covers(*time));
            all.extend((!ours).then(|| format!("{name} {time}")));
        }
    }
    let wanted: Vec<_> = case.desired.places.kubernetes.iter().map(|place| &place.registry).collect();
    for (at, secret) in &kubernetes.secrets {
        let Ok(Some(secret)) = secret else { continue };
        let labelled = secret.labels.get(MANAGED_BY.0).is_some_and(|maker| maker == MANAGED_BY.1);
        let logins = secret.logins.iter().filter(|(key, _)| {
            !labelled || docker_config::registry(key).is_none_or(|registry| !wanted.contains(&&registry))
        });
        all.extend(logins.map(|login| format!("{at:?} {login:?}")));
        all.extend((!labelled || secret.others).then(|| format!("{at:?} {:?}", secret.labels)));
    }
    for (at, account) in &kubernetes.accounts {
        let Ok(Some(account)) = account else { continue };
        let declared: Vec<&String> =
            case.desired.places.kubernetes.iter().map(|place| &place.secret).collect();
        let names = account.secrets.iter().filter(|name| !declared.contains(name));
        all.extend(names.map(|name| format!("{at:?} names {name}")));
    }
    let made = |auth: &str| case.desired.places.runpod.iter().any(|place| place.made(auth));
    let auths = runpod.auths.as_ref().ok();
    let ours = |id: &String| auths.and_then(|auths| auths.get(id)).is_some_and(|name| made(name));
    all.extend(auths.into_iter().flatten().filter(|(_, name)| !made(name)).map(|auth| format!("{auth:?}")));
    let users = runpod.each().filter(|(_, user)| user.registry.as_ref().is_some_and(|auth| !ours(auth)));
    all.extend(users.map(|user| format!("{user:?}")));
    all.join("\n")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_world_holds_a_second_run_takes_nothing_more_and_what_is_foreign_stays(case in worlds(), synced in any::<bool>()) {
        let case = removing(if synced { case.applied() } else { case });
        let next = case.applied();
        prop_assert_eq!(writing(&next.plan()), [""; 0], "after {:#?}", writing(&case.plan()));
        prop_assert_eq!(foreign(&next.observed, &case), foreign(&case.observed, &case), "after {:#?}", writing(&case.plan()));
    }

    #[test]
    fn it_writes_no_value_and_makes_nothing(case in worlds()) {
        for change in removing(case).plan().changes.iter().filter(|change| change.action.writes()) {
            prop_assert!(matches!(change.action, Action::Delete | Action::Update), "{}", change.address);
            prop_assert!(!change.carries_value(), "{}", change.address);
        }
    }
}

/// A credential that is named nowhere else.
#[test]
fn a_credential_that_is_selected_leaves_those_of_others() {
    let mut case = in_place();
    case.desired.places.keep_credential(&CredentialId("other".to_owned()).0);
    assert_eq!(case.plan().changes, []);
}
