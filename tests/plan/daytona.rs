//! Daytona's registry list, in which a row's password cannot be read back and its name records the credential.

use regcred::change::{Action, ReasonKind};
use regcred::model::{Registry, TokenKind};
use regcred::plan::Plan;
use regcred::systems;
use regcred::targets::daytona::{self, ROW_LIMIT, Row};

use crate::case::*;
use crate::scenarios;

pub(crate) const ROW: &str = "daytona:registry/docker-hub";
const SECOND: &str = "daytona:registry/second";
/// The name that records the wanted credential.
const CURRENT: &str = "docker-hub-abababab";

pub(crate) fn wanted() -> daytona::Desired {
    daytona::Desired {
        credential: id(),
        registry: Registry::docker_hub(),
        name: "docker-hub".to_owned(),
        insecure: false,
    }
}

pub(crate) fn row(id: &str, name: &str, url: &str) -> Row {
    let (id, name, url) = (id.to_owned(), name.to_owned(), url.to_owned());
    Row { id, name, url, username: "acme".to_owned(), updated: at(0) }
}

/// One credential for Daytona alone, and these rows in its list.
pub(crate) fn case(rows: Vec<Row>) -> Case {
    let mut case = Case::empty();
    case.desired.places.aws.clear();
    case.desired.places.github.clear();
    case.desired.places.daytona.push(wanted());
    case.observed.daytona.api = "https://app.daytona.io/api".to_owned();
    case.observed.daytona.rows = Ok(rows);
    case
}

/// The id, name and url that a row's operation writes.
fn put(plan: &Plan, address: &str) -> (Option<String>, String, String) {
    match &crate::case::row(plan, address).operation {
        Some(systems::Operation::Daytona(daytona::Operation::PutRow { id, name, url, .. })) => {
            (id.clone(), name.clone(), url.clone())
        }
        other => panic!("{other:?}"),
    }
}

fn words(plan: &Plan, address: &str) -> String {
    crate::case::row(plan, address).reason.to_string()
}

scenarios! {
    fn a_row_that_is_absent_is_made_under_a_name_that_records_the_credential() -> Plan {
        let case = case(vec![row("1", "Quay", "quay.io")]);
        let plan = case.plan();
        expect(&plan, ROW, Action::Create, ReasonKind::Absent);
        assert_eq!(put(&plan, ROW), (None, CURRENT.to_owned(), "index.docker.io/v1/".to_owned()));
        expect_still(&case.applied().plan());
        plan
    }

    fn a_row_whose_name_records_the_credential_stays() -> Plan {
        let plan = case(vec![row("1", CURRENT, "docker.io")]).plan();
        expect(&plan, ROW, Action::Keep, ReasonKind::Named);
        assert!(plan.notes.iter().any(|note| note.contains("app.daytona.io")), "{:?}", plan.notes);
        plan
    }

    fn a_row_that_records_another_credential_is_changed_in_place() -> Plan {
        let case = case(vec![row("1", "docker-hub-cdcdcdcd", "docker.io")]);
        let plan = case.plan();
        expect(&plan, ROW, Action::Update, ReasonKind::Changed);
        assert_eq!(put(&plan, ROW).0.as_deref(), Some("1"));
        expect_still(&case.applied().plan());
        plan
    }

    fn a_row_made_by_hand_or_renamed_is_taken_over_and_it_is_said_whose_it_was() -> Plan {
        for name in ["Docker Hub", "docker-hub", "docker-hub-abababa", "docker-hub-ABABABAB", "x-docker-hub-abababab"] {
            let mut case = case(vec![row("1", name, "docker.io")]);
            case.observed.daytona.rows.as_mut().unwrap()[0].username = "bob".to_owned();
            let plan = case.plan();
            expect(&plan, ROW, Action::Update, ReasonKind::TakenOver);
            let said = words(&plan, ROW);
            assert!(said.contains(&format!("`{name}` of user bob")), "{said}");
            expect_still(&case.applied().plan());
        }
        case(vec![row("1", "Docker Hub", "docker.io")]).plan()
    }

    fn another_user_in_our_row_was_changed_outside() -> Plan {
        let mut case = case(vec![row("1", CURRENT, "docker.io")]);
        case.observed.daytona.rows.as_mut().unwrap()[0].username = "bob".to_owned();
        let plan = case.plan();
        expect(&plan, ROW, Action::Update, ReasonKind::ChangedOutside);
        expect_still(&case.applied().plan());
        plan
    }

    fn a_row_that_no_image_matches_is_put_right_if_it_is_the_only_one() -> Plan {
        let case = case(vec![row("1", "Docker Hub", "https://hub.docker.com")]);
        let plan = case.plan();
        expect(&plan, ROW, Action::Update, ReasonKind::NeverMatches);
        expect_still(&case.applied().plan());
        plan
    }

    fn a_row_that_no_image_matches_is_a_note_beside_one_that_they_do() -> Plan {
        let rows = vec![row("1", "Docker Hub", "https://hub.docker.com"), row("2", CURRENT, "docker.io")];
        let plan = case(rows).plan();
        expect_still(&plan);
        assert_eq!(plan.changes.len(), 1);
        assert!(plan.notes.iter().any(|note| note.contains("`Docker Hub`") && note.contains("matches")), "{:?}", plan.notes);
        plan
    }

    fn a_row_for_a_part_of_the_registry_is_left_alone_and_told() -> Plan {
        let rows = vec![row("1", "Team", "docker.io/team"), row("2", CURRENT, "docker.io")];
        let plan = case(rows).plan();
        expect_still(&plan);
        assert!(plan.notes.iter().any(|note| note.contains("docker.io/team")), "{:?}", plan.notes);
        plan
    }

    fn a_row_as_servers_before_0_171_store_it_stays_and_that_is_told() -> Plan {
        let plan = case(vec![row("1", CURRENT, "index.docker.io/v1/")]).plan();
        expect(&plan, ROW, Action::Keep, ReasonKind::Named);
        assert!(plan.notes.iter().any(|note| note.contains("--rewrite")), "{:?}", plan.notes);
        plan
    }

    fn a_second_row_of_somebody_else_is_shown_and_left_alone() -> Plan {
        let case = case(vec![row("second", "By hand", "docker.io"), row("1", CURRENT, "docker.io")]);
        let plan = case.plan();
        expect(&plan, ROW, Action::Keep, ReasonKind::Named);
        expect(&plan, SECOND, Action::Blocked, ReasonKind::SecondRow);
        assert!(words(&plan, SECOND).contains("`By hand` of user acme"));
        plan
    }

    fn of_two_rows_by_hand_the_one_written_first_is_kept_and_stays_the_one() -> Plan {
        let mut case = case(vec![row("second", "New", "docker.io"), row("1", "Old", "docker.io")]);
        case.observed.daytona.rows.as_mut().unwrap()[0].updated = at(5);
        let plan = case.plan();
        expect(&plan, ROW, Action::Update, ReasonKind::TakenOver);
        assert_eq!(put(&plan, ROW).0.as_deref(), Some("1"));
        expect(&plan, SECOND, Action::Blocked, ReasonKind::SecondRow);
        let next = case.applied().plan();
        expect(&next, ROW, Action::Keep, ReasonKind::Named);
        expect(&next, SECOND, Action::Blocked, ReasonKind::SecondRow);
        plan
    }

    fn a_row_in_the_form_of_newer_servers_is_kept_before_one_in_the_old_form() -> Plan {
        let mut case = case(vec![row("second", "Old form", "index.docker.io/v1/"), row("1", "New form", "docker.io")]);
        case.observed.daytona.rows.as_mut().unwrap()[1].updated = at(5);
        let plan = case.plan();
        assert_eq!(put(&plan, ROW).0.as_deref(), Some("1"));
        expect(&plan, SECOND, Action::Blocked, ReasonKind::SecondRow);
        expect(&case.applied().plan(), ROW, Action::Keep, ReasonKind::Named);
        plan
    }

    fn a_second_row_goes_only_when_that_is_allowed_and_after_the_first_is_right() -> Plan {
        let rows = vec![row("second", "By hand", "docker.io"), row("1", "docker-hub-cdcdcdcd", "docker.io")];
        let mut case = case(rows);
        case.options.allow_delete = true;
        let plan = case.plan();
        expect(&plan, SECOND, Action::Delete, ReasonKind::SecondRow);
        let after: Vec<String> = crate::case::row(&plan, SECOND).after.iter().map(ToString::to_string).collect();
        assert_eq!(after, [ROW]);
        let next = case.applied().plan();
        assert_eq!(next.changes.len(), 1);
        expect_still(&next);
        plan
    }

    fn a_second_row_of_ours_is_kept_right_since_it_may_be_the_one_that_is_used() -> Plan {
        let rows = vec![row("second", "docker-hub-cdcdcdcd", "docker.io"), row("1", CURRENT, "docker.io")];
        let mut case = case(rows);
        case.observed.daytona.rows.as_mut().unwrap()[0].updated = at(5);
        let plan = case.plan();
        expect(&plan, ROW, Action::Keep, ReasonKind::Named);
        expect(&plan, SECOND, Action::Update, ReasonKind::Changed);
        let next = case.applied().plan();
        expect(&next, SECOND, Action::Keep, ReasonKind::SecondRow);
        expect_still(&next);
        plan
    }

    fn a_list_that_is_full_takes_no_new_row_but_changes_of_one() -> Plan {
        let crowd: Vec<Row> = (0..ROW_LIMIT).map(|number| row(&number.to_string(), "Other", "quay.io")).collect();
        let mut full = case(crowd);
        let plan = full.plan();
        expect(&plan, ROW, Action::Blocked, ReasonKind::RowLimit);
        full.observed.daytona.rows.as_mut().unwrap()[7] = row("7", "docker-hub-cdcdcdcd", "docker.io");
        expect(&full.plan(), ROW, Action::Update, ReasonKind::Changed);
        plan
    }

    fn of_a_password_no_fingerprint_is_published_and_the_row_is_written_at_each_sync() -> Plan {
        let mut case = case(Vec::new());
        case.use_password();
        assert_eq!(put(&case.plan(), ROW).1, "docker-hub");
        let next = case.applied().plan();
        expect(&next, ROW, Action::Refresh, ReasonKind::Unknown);
        let mut token = case.applied();
        token.known.insert(id(), known(TokenKind::DockerPersonal));
        expect(&token.plan(), ROW, Action::Update, ReasonKind::TakenOver);
        next
    }

    fn a_password_that_was_written_before_the_value_in_aws_is_behind_it() -> Plan {
        let mut case = case(vec![row("1", "docker-hub", "docker.io")]);
        case.use_password();
        let written = case.observed.daytona.rows.as_ref().unwrap()[0].updated;
        case.current_since(written + chrono::Duration::minutes(10));
        expect(&case.plan(), ROW, Action::Refresh, ReasonKind::Unknown);
        case.current_since(written + chrono::Duration::minutes(11));
        let plan = case.plan();
        expect(&plan, ROW, Action::Update, ReasonKind::Behind);
        plan
    }

    fn a_recorded_row_is_written_again_when_that_is_asked() -> Plan {
        let mut case = case(vec![row("1", CURRENT, "docker.io")]);
        case.options.rewrite = true;
        let plan = case.plan();
        expect(&plan, ROW, Action::Update, ReasonKind::Rewrite);
        plan
    }

    fn a_list_that_cannot_be_read_is_unread_and_hides_nothing_else() -> Plan {
        let mut case = Case::in_place();
        case.desired.places.daytona.push(wanted());
        case.observed.daytona.rows = Err(unreadable("GET docker-registry: 503"));
        let plan = case.plan();
        expect(&plan, ROW, Action::Unread, ReasonKind::Unreadable);
        expect(&plan, TOKEN, Action::Keep, ReasonKind::Recorded);
        assert!(plan.notes.iter().all(|note| !note.contains("daytona")), "{:?}", plan.notes);
        plan
    }

    fn a_credential_for_another_registry_is_sent_under_its_host() -> Plan {
        let mut case = case(vec![row("1", "By hand", "https://ghcr.io/v2")]);
        case.desired.places.daytona[0].registry = "ghcr.io".parse().unwrap();
        let plan = case.plan();
        expect(&plan, ROW, Action::Update, ReasonKind::NeverMatches);
        assert_eq!(put(&plan, ROW).2, "ghcr.io");
        expect_still(&case.applied().plan());
        plan
    }
}
