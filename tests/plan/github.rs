//! GitHub's secrets, which cannot be read back, and the marker beside them.

use regcred::change::{Action, ReasonKind};
use regcred::plan::Plan;
use regcred::systems;
use regcred::targets::github::{
    Audience, Desired, Finding, Names, Only, Operation, Pattern, Place, Search, Store,
};

use crate::case::*;
use crate::scenarios;
use regcred::model::Problem;

/// The names that the marker's operation vouches for.
fn vouched(plan: &Plan, address: &str) -> Vec<String> {
    match &row(plan, address).operation {
        Some(systems::Operation::Github(Operation::PutMarker { names, .. })) => names.clone(),
        other => panic!("{other:?}"),
    }
}

fn denied() -> Problem {
    unreadable("GET /repos/acme/api/actions/secrets: 403")
}

/// What is looked for at acme by this pattern.
fn pattern(name: &str) -> Desired {
    let repositories = vec![Pattern { out: false, name: name.to_owned() }];
    let mut wanted = place("api");
    wanted.place.repo = None;
    wanted.search = Some(Search { repositories, only: Only::default() });
    wanted
}

impl Case {
    /// It is looked for by this pattern alone, and these repositories of the organization are found.
    fn find(&mut self, name: &str, repositories: &[String]) {
        let places: Vec<Place> = repositories.iter().map(|repo| place(repo).place).collect();
        let github = &mut self.observed.github;
        github.places.extend(repositories.iter().map(|repo| (place(repo).key(), empty_place())));
        let (fit, of) = (places.len(), places.len());
        let found = Finding {
            places: places.into_iter().collect(),
            fit,
            of,
            of_organization: true,
            ..Finding::default()
        };
        self.desired.places.github.push(pattern(name));
        github.searches.insert(pattern(name).sought().unwrap(), Ok(found));
    }
}

scenarios! {
    fn what_a_pattern_finds_is_planned_as_if_it_was_named_and_once() -> Plan {
        let mut case = Case::empty();
        case.find("*", &["api".to_owned(), "web".to_owned()]);
        case.find("w*", &["web".to_owned()]);
        let plan = case.plan();
        expect(&plan, TOKEN, Action::Create, ReasonKind::Absent);
        expect(&plan, "github:acme/web/actions/DOCKER_HUB_TOKEN", Action::Create, ReasonKind::Absent);
        expect(&plan, "github:acme/web/variables/DOCKER_HUB_SYNC", Action::Create, ReasonKind::RecordFollows);
        expect_still(&case.applied().plan());
        plan
    }

    fn a_list_that_cannot_be_read_is_one_unread_row() -> Plan {
        let mut case = Case::empty();
        case.desired.places.github = vec![pattern("*")];
        let why = unreadable("GET /orgs/acme/repos: 403");
        case.observed.github.searches.insert(pattern("*").sought().unwrap(), Err(why));
        let plan = case.plan();
        expect(&plan, "github:acme/?/actions/DOCKER_HUB_TOKEN", Action::Unread, ReasonKind::Unreadable);
        assert_eq!(plan.changes.iter().filter(|row| row.address.system() == "github").count(), 1);
        plan
    }

    fn a_repository_that_was_renamed_is_not_found_a_second_time_by_its_new_name() -> Plan {
        let mut case = Case::empty();
        case.found().renamed.insert("acme/api".to_owned(), "acme/api-server".to_owned());
        case.find("*", &["api-server".to_owned()]);
        let plan = case.plan();
        expect(&plan, TOKEN, Action::Create, ReasonKind::Absent);
        assert_eq!(plan.changes.iter().filter(|row| row.address.system() == "github").count(), 3);
        plan
    }

    fn from_five_repositories_of_an_organization_on_it_is_told_what_its_own_secret_would_save() -> Plan {
        let mut case = Case::empty();
        let names = |count: usize| (0..count).map(|number| format!("r{number:03}")).collect::<Vec<_>>();
        case.find("*", &names(3));
        let told = |plan: &Plan| plan.notes.iter().find(|note| note.contains("as a secret of the organization")).cloned();
        assert_eq!(told(&case.plan()), None, "api and three others are four");
        case.find("r*", &names(100));
        let note = told(&case.plan()).expect("it is told");
        assert!(note.starts_with("github:acme: docker-hub goes into 101 repositories with 303 writes"), "{note}");
        assert!(note.contains(" it is 3 and ") && note.contains(" less: - { organization: acme"), "{note}");
        assert_eq!(told(&case.applied().plan()), None, "nothing is written any more");
        case.plan()
    }

    fn absent_secrets_are_made_and_then_recorded() -> Plan {
        let plan = Case::empty().plan();
        expect(&plan, USERNAME, Action::Create, ReasonKind::Absent);
        expect(&plan, TOKEN, Action::Create, ReasonKind::Absent);
        expect(&plan, MARKER, Action::Create, ReasonKind::RecordFollows);
        assert_eq!(vouched(&plan, MARKER), ["DOCKER_HUB_TOKEN", "DOCKER_HUB_USERNAME"]);
        let after: Vec<String> = row(&plan, MARKER).after.iter().map(ToString::to_string).collect();
        assert_eq!(after, [TOKEN, USERNAME]);
        plan
    }

    fn one_secret_that_was_deleted_is_made_again_and_the_other_kept() -> Plan {
        let mut case = Case::in_place();
        case.found().secrets.as_mut().unwrap().remove("DOCKER_HUB_TOKEN");
        let plan = case.plan();
        expect(&plan, TOKEN, Action::Create, ReasonKind::Absent);
        expect(&plan, USERNAME, Action::Keep, ReasonKind::Recorded);
        expect(&plan, MARKER, Action::Update, ReasonKind::RecordFollows);
        plan
    }

    fn a_record_of_another_credential_means_both_secrets_are_written() -> Plan {
        let mut case = Case::in_place();
        case.marker().fingerprint = earlier();
        let plan = case.plan();
        expect(&plan, USERNAME, Action::Update, ReasonKind::Changed);
        expect(&plan, TOKEN, Action::Update, ReasonKind::Changed);
        expect(&plan, MARKER, Action::Update, ReasonKind::RecordFollows);
        plan
    }

    fn a_record_that_does_not_list_a_secret_means_that_it_is_written() -> Plan {
        let mut case = Case::in_place();
        case.marker().names.remove("DOCKER_HUB_TOKEN");
        let plan = case.plan();
        expect(&plan, TOKEN, Action::Update, ReasonKind::NotRecorded);
        expect(&plan, USERNAME, Action::Keep, ReasonKind::Recorded);
        plan
    }

    fn a_secret_written_after_our_record_was_changed_outside_and_is_written_again() -> Plan {
        let mut case = Case::in_place();
        let time = case.marker().time;
        let late = time + chrono::Duration::seconds(3);
        case.found().secrets.as_mut().unwrap().insert("DOCKER_HUB_TOKEN".to_owned(), late);
        let plan = case.plan();
        expect(&plan, TOKEN, Action::Update, ReasonKind::ChangedOutside);
        expect(&plan, USERNAME, Action::Keep, ReasonKind::Recorded);
        assert!(row(&plan, TOKEN).reason.to_string().contains(&late.format("%Y-%m-%d").to_string()));
        plan
    }

    fn two_seconds_between_github_and_our_record_are_no_drift() -> Plan {
        let mut case = Case::in_place();
        let time = case.marker().time + chrono::Duration::seconds(2);
        case.found().secrets.as_mut().unwrap().insert("DOCKER_HUB_TOKEN".to_owned(), time);
        let plan = case.plan();
        expect(&plan, TOKEN, Action::Keep, ReasonKind::Recorded);
        plan
    }

    fn without_a_record_secrets_are_written_once_more_and_recorded_then() -> Plan {
        let mut case = Case::in_place();
        case.found().marker = Ok(None);
        let plan = case.plan();
        expect_refreshed(&plan, &[TOKEN, USERNAME, MARKER]);
        expect(&plan, TOKEN, Action::Refresh, ReasonKind::Unknown);
        expect(&plan, MARKER, Action::Refresh, ReasonKind::RecordFollows);
        expect_still(&case.applied().plan());
        plan
    }

    fn what_was_written_ten_minutes_before_the_value_in_aws_is_behind_it() -> Plan {
        let mut case = Case::in_place();
        case.found().marker = Ok(None);
        let written = case.found().secrets.as_ref().unwrap()["DOCKER_HUB_TOKEN"];
        case.current_since(written + chrono::Duration::minutes(10));
        expect(&case.plan(), TOKEN, Action::Refresh, ReasonKind::Unknown);
        case.current_since(written + chrono::Duration::seconds(601));
        let plan = case.plan();
        expect(&plan, TOKEN, Action::Update, ReasonKind::Behind);
        expect(&plan, MARKER, Action::Create, ReasonKind::RecordFollows);
        plan
    }

    fn a_password_is_refreshed_whether_or_not_a_rewrite_is_asked() -> Plan {
        let mut case = Case::in_place();
        case.use_password();
        case.options.rewrite = true;
        let plan = case.plan();
        expect(&plan, TOKEN, Action::Refresh, ReasonKind::Unknown);
        plan
    }

    fn asked_to_rewrite_recorded_secrets_are_written_too() -> Plan {
        let mut case = Case::in_place();
        case.options.rewrite = true;
        let plan = case.plan();
        expect(&plan, TOKEN, Action::Update, ReasonKind::Rewrite);
        expect(&plan, SECRET, Action::Update, ReasonKind::Rewrite);
        plan
    }

    fn of_a_password_no_record_is_kept_and_people_are_told() -> Plan {
        let mut case = Case::empty();
        case.use_password();
        let plan = case.plan();
        expect(&plan, TOKEN, Action::Create, ReasonKind::Absent);
        assert!(plan.changes.iter().all(|change| change.address.to_string() != MARKER));
        assert!(plan.notes.iter().any(|note| note.contains("not a recognized access token")), "{:?}", plan.notes);
        expect_refreshed(&case.applied().plan(), &[TOKEN, USERNAME]);
        plan
    }

    fn a_record_that_is_there_says_nothing_about_a_password() -> Plan {
        let mut case = Case::in_place();
        case.use_password();
        let plan = case.plan();
        expect(&plan, TOKEN, Action::Refresh, ReasonKind::Unknown);
        plan
    }

    fn where_variables_are_refused_secrets_are_written_and_a_note_says_why_they_are_refreshed() -> Plan {
        let mut case = Case::empty();
        case.found().marker = Err(unreadable("GET variables: 403"));
        let plan = case.plan();
        expect(&plan, TOKEN, Action::Create, ReasonKind::Absent);
        assert!(plan.changes.iter().all(|change| change.address.to_string() != MARKER));
        assert!(plan.notes.iter().any(|note| note.contains("DOCKER_HUB_SYNC") && note.contains("403")), "{:?}", plan.notes);
        expect_refreshed(&case.applied().plan(), &[TOKEN, USERNAME]);
        plan
    }

    fn an_archived_repository_is_blocked_with_its_marker() -> Plan {
        let mut case = Case::empty();
        case.found().archived = true;
        let plan = case.plan();
        for address in [USERNAME, TOKEN, MARKER] {
            expect(&plan, address, Action::Blocked, ReasonKind::Archived);
        }
        expect(&plan, SECRET, Action::Create, ReasonKind::Absent);
        plan
    }

    fn an_archived_repository_that_is_in_place_is_kept() -> Plan {
        let mut case = Case::in_place();
        case.found().archived = true;
        let plan = case.plan();
        expect(&plan, TOKEN, Action::Keep, ReasonKind::Recorded);
        plan
    }

    fn a_repository_that_cannot_be_read_is_unread_with_its_marker() -> Plan {
        let mut case = Case::empty();
        case.found().secrets = Err(denied());
        case.found().marker = Err(denied());
        let plan = case.plan();
        for address in [USERNAME, TOKEN, MARKER] {
            expect(&plan, address, Action::Unread, ReasonKind::Unreadable);
        }
        expect(&plan, SECRET, Action::Create, ReasonKind::Absent);
        plan
    }

    fn an_environment_that_may_be_made_is_made_with_its_first_secret() -> Plan {
        let mut case = Case::empty();
        let mut staging = place("api");
        staging.place.store = Store::Environment("staging".to_owned());
        staging.create_environment = true;
        let found = regcred::targets::github::Found { environment_absent: true, ..empty_place() };
        case.observed.github.places.insert(staging.key(), found);
        case.desired.places.github.push(staging);
        let plan = case.plan();
        let token = "github:acme/api/environments/staging/DOCKER_HUB_TOKEN";
        expect(&plan, token, Action::Create, ReasonKind::Absent);
        let Some(systems::Operation::Github(Operation::PutSecret { create_environment, .. })) = &row(&plan, token).operation
        else {
            panic!("the token is not put");
        };
        assert!(create_environment);
        expect_still(&case.applied().plan());
        plan
    }

    fn dependabot_has_secrets_of_its_own_and_a_marker_among_the_repositorys_variables() -> Plan {
        let mut case = Case::in_place();
        let mut bot = place("api");
        bot.place = Place { store: Store::Dependabot, ..bot.place };
        bot.names = Names { marker: "DOCKER_HUB_SYNC_DEPENDABOT".to_owned(), ..bot.names };
        case.observed.github.places.insert(bot.key(), empty_place());
        case.desired.places.github.push(bot);
        let plan = case.plan();
        expect(&plan, "github:acme/api/dependabot/DOCKER_HUB_TOKEN", Action::Create, ReasonKind::Absent);
        expect(&plan, "github:acme/api/variables/DOCKER_HUB_SYNC_DEPENDABOT", Action::Create, ReasonKind::RecordFollows);
        expect(&plan, TOKEN, Action::Keep, ReasonKind::Recorded);
        plan
    }

    fn an_organizations_secret_that_others_than_declared_see_is_written_again() -> Plan {
        let mut case = Case::in_place();
        let mut all = place("api");
        all.place.repo = None;
        all.audience = Some(Audience::Private);
        let mut found = case.found().clone();
        found.audiences = ["DOCKER_HUB_USERNAME", "DOCKER_HUB_TOKEN"].map(|name| (name.to_owned(), Audience::All)).into();
        found.audiences.insert("DOCKER_HUB_USERNAME".to_owned(), Audience::Private);
        case.observed.github.places.insert(all.key(), found);
        case.desired.places.github.push(all);
        let plan = case.plan();
        expect(&plan, "github:acme/actions/DOCKER_HUB_TOKEN", Action::Update, ReasonKind::OtherAudience);
        expect(&plan, "github:acme/actions/DOCKER_HUB_USERNAME", Action::Keep, ReasonKind::Recorded);
        expect(&plan, "github:acme/variables/DOCKER_HUB_SYNC", Action::Update, ReasonKind::RecordFollows);
        expect(&plan, TOKEN, Action::Keep, ReasonKind::Recorded);
        expect_still(&case.applied().plan());
        plan
    }

    fn a_repository_of_another_owner_by_now_is_blocked_even_where_nothing_differs() -> Plan {
        for mut case in [Case::empty(), Case::in_place()] {
            case.found().renamed.insert("acme/api".to_owned(), "mallory/api".to_owned());
            for address in [USERNAME, TOKEN, MARKER] {
                expect(&case.plan(), address, Action::Blocked, ReasonKind::OtherOwner);
            }
        }
        let mut case = Case::empty();
        case.found().renamed.insert("acme/api".to_owned(), "ACME/api-server".to_owned());
        expect(&case.plan(), TOKEN, Action::Create, ReasonKind::Absent);
        case.found().renamed.insert("acme/api".to_owned(), "mallory/api".to_owned());
        case.plan()
    }

    fn a_repository_that_was_renamed_after_the_review_is_another_plan() -> Plan {
        let mut case = Case::empty();
        let before = case.plan().digest();
        case.found().renamed.insert("acme/api".to_owned(), "acme/api-server".to_owned());
        assert_ne!(case.plan().digest(), before);
        let operation = format!("{:?}", row(&case.plan(), TOKEN).operation);
        assert!(operation.contains("api-server"), "it is written by its present name: {operation}");
        case.plan()
    }

    fn one_repository_by_two_names_is_blocked_where_it_would_be_written() -> Plan {
        let mut case = Case::empty();
        case.desired.places.github.push(place("old-api"));
        let mut found = empty_place();
        found.renamed.insert("acme/old-api".to_owned(), "Acme/API".to_owned());
        case.observed.github.places.insert(place("old-api").key(), found);
        let plan = case.plan();
        expect(&plan, TOKEN, Action::Blocked, ReasonKind::OnePlace);
        let other = row(&plan, "github:acme/old-api/actions/DOCKER_HUB_TOKEN");
        assert_eq!(other.reason.to_string(), format!("is the same place as {TOKEN}"));
        plan
    }

    fn a_renamed_repository_goes_on_and_its_new_name_is_told() -> Plan {
        let mut case = Case::in_place();
        case.found().renamed.insert("acme/api".to_owned(), "acme/api-server".to_owned());
        let plan = case.plan();
        expect_still(&plan);
        assert!(plan.notes.iter().any(|note| note.contains("acme/api-server")), "{:?}", plan.notes);
        plan
    }
}
