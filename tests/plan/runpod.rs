//! RunPod's auths, which can be neither changed nor read back, and what points at them.

use regcred::change::{Action, Input, Known, ReasonKind};
use regcred::model::{CredentialId, TokenKind};
use regcred::plan::Plan;
use regcred::targets::runpod::{Choice, Desired, Kind, Operation, User};

use crate::case::*;
use crate::runpod_case::*;
use crate::scenarios;

scenarios! {
    fn an_account_without_an_auth_gets_one_and_then_everything_points_at_it() -> Plan {
        let case = account(&[], None);
        let plan = case.plan();
        expect(&plan, AUTH, Action::Create, ReasonKind::Absent);
        for (address, kind, id) in
            [(WEB, Kind::Template, "tpl_web"), (INFER, Kind::Endpoint, "ep_infer"), (TRAIN, Kind::Pod, "pod_train")]
        {
            expect(&plan, address, Action::Update, ReasonKind::Anonymous);
            assert_eq!(after(&plan, address), [AUTH]);
            let auth = Input::Ref { address: AUTH.parse().unwrap(), field: "id" };
            assert_eq!(operation(&plan, address), Operation::Point { kind, id: id.to_owned(), auth });
        }
        let name = "hub-abababab".to_owned();
        assert_eq!(operation(&plan, AUTH), Operation::CreateAuth { name, credential: id() });
        expect_still(&case.applied().plan());
        plan
    }

    fn an_auth_that_is_named_after_the_credential_is_kept_as_recorded() -> Plan {
        let plan = account(&[OURS], Some("reg_new")).plan();
        expect_still(&plan);
        expect(&plan, AUTH, Action::Keep, ReasonKind::Named);
        for address in [WEB, INFER, TRAIN] {
            expect(&plan, address, Action::Keep, ReasonKind::InSync);
        }
        plan
    }

    fn a_new_credential_is_a_new_auth_and_the_earlier_one_goes_after_everything_has_left_it() -> Plan {
        let case = account(&[EARLIER], Some("reg_old"));
        let plan = case.plan();
        expect(&plan, AUTH, Action::Replace, ReasonKind::Changed);
        for address in [WEB, INFER, TRAIN] {
            expect(&plan, address, Action::Update, ReasonKind::EarlierAuth);
        }
        expect(&plan, OLD, Action::Delete, ReasonKind::Superseded);
        assert_eq!(after(&plan, OLD), [AUTH, WEB, INFER, TRAIN]);
        expect_still(&case.applied().plan());
        assert!(!has(&case.applied().plan(), OLD));
        plan
    }

    fn what_uses_an_earlier_auth_follows_though_nothing_chooses_it() -> Plan {
        let mut case = account(&[EARLIER], Some("reg_old"));
        choose(&mut case, Choice::default(), Choice::default(), Choice::default());
        let untold = User { image: None, ..user("ep_untold", "", Some("reg_old")) };
        users(&mut case, Kind::Endpoint).push(untold);
        let plan = case.plan();
        for address in [WEB, INFER, TRAIN, "runpod:endpoint/ep_untold"] {
            expect(&plan, address, Action::Update, ReasonKind::EarlierAuth);
        }
        expect_still(&case.applied().plan());
        plan
    }

    fn what_uses_an_earlier_auth_with_an_image_that_the_present_one_does_not_cover_stays_on_it_and_keeps_it() -> Plan {
        let mut case = account(&[EARLIER], Some("reg_old"));
        users(&mut case, Kind::Template).push(user("tpl_ghcr", "ghcr.io/acme/x:1", Some("reg_old")));
        let plan = case.plan();
        for address in [WEB, INFER, TRAIN] {
            expect(&plan, address, Action::Update, ReasonKind::EarlierAuth);
        }
        let stays = "runpod:template/tpl_ghcr";
        expect(&plan, stays, Action::Keep, ReasonKind::LeftAlone);
        assert!(row(&plan, stays).reason.to_string().contains("its image is on ghcr.io, with the earlier auth"));
        expect(&plan, OLD, Action::Keep, ReasonKind::LeftAlone);
        assert_eq!(row(&plan, OLD).operation, None);
        expect_still(&case.applied().plan());
        plan
    }

    fn back_to_a_credential_whose_auth_is_still_there_everything_points_at_that_one() -> Plan {
        let case = account(&[OURS, EARLIER], Some("reg_old"));
        let plan = case.plan();
        expect(&plan, AUTH, Action::Keep, ReasonKind::Named);
        expect(&plan, WEB, Action::Update, ReasonKind::EarlierAuth);
        let auth = Input::Known("reg_new".to_owned());
        assert_eq!(operation(&plan, WEB), Operation::Point { kind: Kind::Template, id: "tpl_web".to_owned(), auth });
        expect(&plan, OLD, Action::Delete, ReasonKind::Superseded);
        plan
    }

    fn two_generations_that_killed_runs_left_go_together_with_one_look_before() -> Plan {
        let case = account(&[OURS, EARLIER, ("reg_older", "hub-12ef12ef")], Some("reg_older"));
        let plan = case.plan();
        expect(&plan, OLD, Action::Delete, ReasonKind::Superseded);
        expect(&plan, "runpod:registry/hub/reg_older", Action::Delete, ReasonKind::Superseded);
        // Three to point at it; three lists and one endpoint's releases; two deletions, each with three lists after it.
        assert_eq!(plan.cost().requests, 3 + 4 + 2 * 4);
        expect_still(&case.applied().plan());
        plan
    }

    fn of_two_auths_of_one_name_that_runs_at_once_made_every_later_run_keeps_the_same() -> Plan {
        let case = account(&[OURS, ("reg_also", "hub-abababab")], Some("reg_new"));
        let plan = case.plan();
        expect(&plan, AUTH, Action::Keep, ReasonKind::Named);
        expect(&plan, WEB, Action::Update, ReasonKind::EarlierAuth);
        expect(&plan, "runpod:registry/hub/reg_new", Action::Delete, ReasonKind::Superseded);
        expect_still(&case.applied().plan());
        plan
    }

    fn what_lost_its_auth_because_somebody_deleted_it_is_pointed_at_the_present_one() -> Plan {
        let mut case = account(&[OURS], None);
        users(&mut case, Kind::Pod)[0].registry = Some("reg_gone".to_owned());
        let plan = case.plan();
        expect(&plan, WEB, Action::Update, ReasonKind::Anonymous);
        expect(&plan, TRAIN, Action::Update, ReasonKind::OtherAuth);
        assert!(row(&plan, TRAIN).reason.to_string().contains("that is gone"));
        plan
    }

    fn another_auth_is_left_for_ours_and_not_deleted_without_being_told_to() -> Plan {
        let mut case = account(&[OURS, THEIRS], Some("reg_hand"));
        let plan = case.plan();
        expect(&plan, WEB, Action::Update, ReasonKind::OtherAuth);
        expect(&plan, "runpod:registry/hub/reg_hand", Action::Keep, ReasonKind::NotOurs);
        assert!(row(&plan, "runpod:registry/hub/reg_hand").reason.hint().unwrap().contains("--allow-delete"));
        case.options.allow_delete = true;
        let plan = case.plan();
        expect(&plan, "runpod:registry/hub/reg_hand", Action::Delete, ReasonKind::NotOurs);
        assert_eq!(after(&plan, "runpod:registry/hub/reg_hand"), [AUTH, WEB, INFER, TRAIN]);
        expect_still(&case.applied().plan());
        case.plan()
    }

    fn another_auth_that_something_goes_on_using_is_no_matter_of_regcreds_even_if_it_may_delete() -> Plan {
        let mut case = account(&[OURS, THEIRS], Some("reg_hand"));
        case.options.allow_delete = true;
        users(&mut case, Kind::Template).push(user("tpl_ghcr", "ghcr.io/acme/x:1", Some("reg_hand")));
        let plan = case.plan();
        expect(&plan, WEB, Action::Update, ReasonKind::OtherAuth);
        assert!(!has(&plan, "runpod:registry/hub/reg_hand"));
        plan
    }

    fn an_auth_that_this_run_takes_nothing_away_from_is_not_deleted_even_if_it_may_and_has_the_files_name() -> Plan {
        let mut case = account(&[OURS, ("reg_named", "hub")], Some("reg_new"));
        case.options.allow_delete = true;
        let plan = case.plan();
        expect_still(&plan);
        assert!(!has(&plan, "runpod:registry/hub/reg_named"));
        plan
    }

    fn an_auth_of_another_credential_of_the_file_is_not_deleted_though_this_run_leaves_that_one_out() -> Plan {
        let mut case = account(&[OURS, ("reg_ghcr", "ghcr-12ef12ef")], Some("reg_ghcr"));
        case.options.allow_delete = true;
        expect(&case.plan(), "runpod:registry/hub/reg_ghcr", Action::Delete, ReasonKind::NotOurs);
        case.desired.places.runpod[0].others = ["ghcr".to_owned()].into();
        let plan = case.plan();
        expect(&plan, WEB, Action::Update, ReasonKind::OtherAuth);
        assert!(!has(&plan, "runpod:registry/hub/reg_ghcr"));
        plan
    }

    fn an_auth_that_somebody_named_after_a_day_is_not_taken_for_ours() -> Plan {
        let mut case = account(&[OURS, ("reg_day", "hub-20260801")], Some("reg_day"));
        choose(&mut case, Choice::default(), Choice::default(), Choice::default());
        let plan = case.plan();
        expect_still(&plan);
        assert_eq!(plan.changes.len(), 1);
        plan
    }

    fn images_of_other_registries_are_left_alone_and_that_is_said() -> Plan {
        let mut case = account(&[OURS], Some("reg_new"));
        let others = [
            user("tpl_ghcr", "ghcr.io/acme/x:1", None),
            user("tpl_port", "docker.io:443/acme/x", None),
            user("tpl_bad", "Acme Web", None),
            User { image: None, ..user("tpl_none", "", None) },
            user("tpl_index", "index.docker.io/acme/x", None),
        ];
        users(&mut case, Kind::Template).extend(others);
        let plan = case.plan();
        for (id, words) in [
            ("tpl_ghcr", "its image is on ghcr.io"),
            ("tpl_port", "its image is on docker.io:443"),
            ("tpl_bad", "not a name that can be pulled"),
            ("tpl_none", "no image"),
        ] {
            let address = format!("runpod:template/{id}");
            expect(&plan, &address, Action::Keep, ReasonKind::LeftAlone);
            assert!(row(&plan, &address).reason.to_string().contains(words), "{}", row(&plan, &address).reason);
        }
        expect(&plan, "runpod:template/tpl_index", Action::Update, ReasonKind::Anonymous);
        assert!(plan.notes.iter().any(|note| note.contains("4 of the chosen are left alone")), "{:?}", plan.notes);
        plan
    }

    fn a_public_template_is_left_alone_unless_it_is_named() -> Plan {
        let mut case = account(&[OURS], Some("reg_new"));
        let template = &mut users(&mut case, Kind::Template)[0];
        (template.public, template.registry) = (true, None);
        let plan = case.plan();
        expect(&plan, WEB, Action::Keep, ReasonKind::LeftAlone);
        choose(&mut case, named(&["web"]), Choice::All, Choice::All);
        expect(&case.plan(), WEB, Action::Update, ReasonKind::Anonymous);
        plan
    }

    fn what_is_named_is_found_by_id_or_name_and_a_slip_is_blocked_without_stopping_the_rest() -> Plan {
        let mut case = account(&[], None);
        choose(&mut case, named(&["web", "wbe"]), named(&["ep_infer"]), named(&[]));
        let plan = case.plan();
        expect(&plan, WEB, Action::Update, ReasonKind::Anonymous);
        expect(&plan, INFER, Action::Update, ReasonKind::Anonymous);
        expect(&plan, "runpod:template/wbe", Action::Blocked, ReasonKind::NotFound);
        assert!(!has(&plan, TRAIN), "nothing chooses it");
        plan
    }

    fn what_nothing_chooses_and_pulls_anonymously_is_named() -> Plan {
        let mut case = account(&[OURS], None);
        choose(&mut case, named(&["web"]), Choice::default(), Choice::default());
        let more = [user("tpl_more", "postgres:17", None), user("tpl_ghcr", "ghcr.io/a/b", None)];
        users(&mut case, Kind::Template).extend(more);
        let plan = case.plan();
        let note = plan.notes.iter().find(|note| note.contains("pulled anonymously")).expect("a note");
        assert!(note.contains("runpod:template/tpl_more (more, postgres:17)") && note.contains(INFER), "{note}");
        assert!(!note.contains("tpl_web") && !note.contains("tpl_ghcr") && !note.contains(TRAIN), "{note}");
        plan
    }

    fn a_pod_of_a_cluster_keeps_the_earlier_auth_and_so_the_auth_stays() -> Plan {
        let mut case = account(&[EARLIER], Some("reg_old"));
        users(&mut case, Kind::Pod)[0].cluster = Some("cluster_1".to_owned());
        let plan = case.plan();
        expect(&plan, TRAIN, Action::Blocked, ReasonKind::ClusterMember);
        expect(&plan, OLD, Action::Blocked, ReasonKind::Depends);
        expect(&plan, WEB, Action::Update, ReasonKind::EarlierAuth);
        plan
    }

    fn a_pod_of_a_cluster_that_never_used_an_auth_of_ours_is_left_alone() -> Plan {
        let mut case = account(&[OURS], None);
        users(&mut case, Kind::Pod)[0].cluster = Some("cluster_1".to_owned());
        let plan = case.plan();
        expect(&plan, TRAIN, Action::Keep, ReasonKind::LeftAlone);
        choose(&mut case, Choice::All, Choice::All, named(&["train"]));
        expect(&case.plan(), TRAIN, Action::Blocked, ReasonKind::ClusterMember);
        plan
    }

    fn a_template_of_the_file_is_made_and_then_only_pointed() -> Plan {
        let mut case = account(&[], None);
        case.desired.places.runpod[0].create = vec![worker()];
        let plan = case.plan();
        expect(&plan, "runpod:template/worker", Action::Create, ReasonKind::Absent);
        assert_eq!(after(&plan, "runpod:template/worker"), [AUTH]);
        let next = case.applied();
        expect_still(&next.plan());
        expect(&next.plan(), "runpod:template/made-worker", Action::Keep, ReasonKind::InSync);
        plan
    }

    fn a_template_of_the_file_that_is_there_is_pointed_and_its_other_image_told() -> Plan {
        let mut case = account(&[OURS], Some("reg_new"));
        choose(&mut case, Choice::default(), Choice::default(), Choice::default());
        case.desired.places.runpod[0].create = vec![worker()];
        users(&mut case, Kind::Template).push(user("tpl_worker", "acme/worker:0", None));
        let plan = case.plan();
        expect(&plan, "runpod:template/tpl_worker", Action::Update, ReasonKind::Anonymous);
        assert!(plan.notes.iter().any(|note| note.contains("acme/worker:0, not acme/worker:1")), "{:?}", plan.notes);
        expect_still(&case.applied().plan());
        plan
    }

    fn an_account_that_cannot_be_read_is_one_unread_row() -> Plan {
        let mut case = account(&[], None);
        case.observed.runpod.auths = Err(unreadable("GET /v2/registries: 401").login(true));
        let plan = case.plan();
        expect(&plan, AUTH, Action::Unread, ReasonKind::Unreadable);
        assert_eq!(plan.changes.len(), 1);
        plan
    }

    fn a_list_that_cannot_be_read_keeps_the_earlier_auth_and_hides_no_other_list() -> Plan {
        let mut case = account(&[EARLIER], Some("reg_old"));
        case.observed.runpod.users.insert(Kind::Pod, Err(unreadable("GET /v2/pods: 403")));
        choose(&mut case, Choice::All, Choice::All, Choice::default());
        let plan = case.plan();
        expect(&plan, "runpod:pod/*", Action::Unread, ReasonKind::Unreadable);
        expect(&plan, OLD, Action::Blocked, ReasonKind::Depends);
        expect(&plan, WEB, Action::Update, ReasonKind::EarlierAuth);
        plan
    }

    fn a_list_that_cannot_be_read_does_not_matter_where_nothing_of_it_is_chosen_or_left_behind() -> Plan {
        let mut case = account(&[OURS], Some("reg_new"));
        case.observed.runpod.users.insert(Kind::Pod, Err(unreadable("GET /v2/pods: 403")));
        choose(&mut case, Choice::All, Choice::All, Choice::default());
        let plan = case.plan();
        assert!(!has(&plan, "runpod:pod/*"));
        plan
    }

    fn only_a_template_is_blocked_where_its_auth_is_left_out_and_not_there() -> Plan {
        let mut case = account(&[EARLIER], Some("reg_old"));
        case.options.only = vec!["runpod:template/".to_owned()];
        let plan = case.plan();
        expect(&plan, WEB, Action::Blocked, ReasonKind::Depends);
        case.options.only = vec!["runpod:registry/".to_owned()];
        expect(&case.plan(), OLD, Action::Blocked, ReasonKind::Depends);
        plan
    }

    fn one_template_that_a_credential_names_by_id_and_another_by_name_is_blocked() -> Plan {
        let mut case = account(&[], None);
        let other = CredentialId("other".to_owned());
        case.known.insert(other.clone(), known(TokenKind::DockerPersonal));
        choose(&mut case, named(&["tpl_web"]), Choice::default(), Choice::default());
        let templates = named(&[users(&mut case, Kind::Template)[0].name.as_str()]);
        let (endpoints, pods) = (Choice::default(), Choice::default());
        let more = Desired { credential: other, name: "more".to_owned(), templates, endpoints, pods, ..desired() };
        case.desired.places.runpod.push(more);
        let plan = case.plan();
        expect(&plan, WEB, Action::Blocked, ReasonKind::OnePlace);
        let words = row(&plan, WEB).reason.to_string();
        assert!(words.contains("docker-hub and other"), "{words}");
        plan
    }

    fn two_credentials_take_each_the_images_of_its_own_registry() -> Plan {
        let mut case = account(&[], None);
        let ghcr = CredentialId("ghcr".to_owned());
        case.known.insert(ghcr.clone(), Known { fingerprint: earlier(), kind: TokenKind::GitHubClassic, username: "acme".to_owned(), current_since: None });
        let registry = "ghcr.io".parse().unwrap();
        case.desired.places.runpod.push(Desired { credential: ghcr.clone(), registry, name: "ghcr".to_owned(), ..desired() });
        users(&mut case, Kind::Template).push(user("tpl_ghcr", "ghcr.io/acme/x:1", None));
        let plan = case.plan();
        expect(&plan, "runpod:template/tpl_ghcr", Action::Update, ReasonKind::Anonymous);
        assert_eq!(after(&plan, "runpod:template/tpl_ghcr"), ["runpod:registry/ghcr"]);
        assert_eq!(after(&plan, WEB), [AUTH]);
        assert!(row(&plan, "runpod:template/tpl_ghcr").credentials.contains(&ghcr));
        expect_still(&case.applied().plan());
        plan
    }
}

#[test]
fn a_plan_for_many_says_how_long_runpods_quota_makes_it_take() {
    let mut case = account(&[EARLIER], None);
    let many = |head: &str, count: usize| -> Vec<User> {
        (0..count).map(|n| user(&format!("{head}_{n}"), "acme/x:1", Some("reg_old"))).collect()
    };
    *users(&mut case, Kind::Template) = many("tpl", 200);
    *users(&mut case, Kind::Endpoint) = many("ep", 100);
    users(&mut case, Kind::Pod).clear();
    let cost = case.plan().cost();
    // One auth, 300 to point at it; three lists and 100 releases; the deletion and three lists.
    assert_eq!(cost.requests, 1 + 300 + 103 + 4);
    assert_eq!(cost.seconds, 360, "six minutes of 60 requests, after what the first one has left");
}
