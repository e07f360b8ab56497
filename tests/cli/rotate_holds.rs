//! What keeps an old token on, and a new one from being made or deleted, where the run alone does not see it.

use std::time::Duration;

use regcred_sandbox::github::WorkflowRun;
use regcred_sandbox::{Call, Fault, Kind, Moment, Service};

use crate::place::{OTHER_TOKEN, Place, TOKEN, USER, written};
use crate::rotate::{MINT, OLD_LABEL, PASSWORD, accepts, flat, labels, owned, place, stored};
use crate::world::assert_holds;

const MINTED: &[&str] = &["rotate", "--mint", "--yes"];
const RENAME: &str = "PATCH /v2/access-tokens/{uuid}";
const OFF: &[&str] = &["--old", OLD_LABEL, "--allow-delete", "--yes"];

fn active(place: &Place, label: &str) -> bool {
    labels(place).iter().any(|(one, on)| one.starts_with(label) && *on)
}

/// The value that a person has made, in a file of its own.
fn with_new(place: &Place) {
    place.sandbox.state().registry.add_account(USER, OTHER_TOKEN);
    place.write("new", &format!("{USER}\n{OTHER_TOKEN}\n"));
    owned(place, "new");
}

/// A second credential in the file, of this source, for another repository.
fn with_another(place: &Place, source: &str) {
    let file = std::fs::read_to_string(place.repo().join("regcred.yaml")).unwrap();
    place.sandbox.state().github.add_repository("acme/web");
    let second = format!("  runtime:\n{source}    to: {{ github: [{{ repository: acme/web }}] }}\n");
    place.write("regcred.yaml", &(file + &second));
}

#[test]
fn another_credential_of_the_file_that_has_the_old_token_keeps_it_on_until_its_places_have_the_new_one() {
    let place = place(MINT);
    with_another(&place, "    from: { file: token }\n");
    place.sync();
    let rotate: Vec<&str> = [&["rotate", "--mint", "--credential", "docker-hub"], OFF].concat();
    let told = flat(&place.run(&rotate).ends(0).stdout);
    assert!(
        told.contains("stays on until runtime, another credential of this file, has the new token"),
        "{told}"
    );
    assert!(told.contains("and then: regcred sync --credential runtime"), "{told}");
    assert!(accepts(&place, TOKEN) && stored(&place) != TOKEN);
    place.run(&["sync", "--yes", "--credential", "runtime"]).ends(0);
    place.run(&[&["rotate", "--credential", "docker-hub"], OFF].concat()).ends(0);
    assert!(!accepts(&place, TOKEN));
    place.run(&["verify"]).ends(0);
}

#[test]
fn another_credential_of_the_account_with_a_token_of_its_own_keeps_nothing_on() {
    let place = place(MINT);
    with_another(&place, &format!("    from: {{ file: own }}\n{MINT}"));
    place.write("own", &format!("{USER}\n{TOKEN}\n"));
    owned(&place, "own");
    place.run(&["rotate", "--mint", "--credential", "runtime", "--yes"]).ends(0);
    place.run(&[&["rotate", "--mint", "--credential", "docker-hub"], OFF].concat()).ends(0);
    assert!(!accepts(&place, TOKEN));
    assert!(
        active(&place, "regcred runtime ") && active(&place, "regcred docker-hub "),
        "{:?}",
        labels(&place)
    );
    // What is made for one credential is not offered to the other as its old one.
    let told = flat(&place.run(&["rotate", "--credential", "docker-hub"]).ends(0).stdout);
    assert!(!told.contains("not made by regcred"), "{told}");
}

#[test]
fn a_place_that_loses_the_new_token_while_the_old_one_is_waited_for_keeps_it_on() {
    let place = place(MINT);
    let file = std::fs::read_to_string(place.repo().join("regcred.yaml")).unwrap();
    let file = file.replace("      aws: { stacks: { main: { region: us-east-2 } } }\n", "");
    place.write("regcred.yaml", &file);
    place.write("before", &format!("{USER}\n{TOKEN}\n"));
    owned(&place, "before");
    place.write("before.yaml", &file.replace("file: token", "file: before"));
    with_new(&place);
    let now = place.sandbox.state().clock.now();
    let run = WorkflowRun { id: 7, status: "queued".to_owned(), created_at: now - Duration::from_secs(600) };
    place.sandbox.state().github.repositories.get_mut("acme/api").unwrap().runs.push(run);
    let args = [&["rotate", "--from", "file=new", "--drain", "20s"], OFF].concat();
    let ran = std::thread::scope(|scope| {
        let rotating = scope.spawn(|| place.run(&args));
        let looks =
            || place.sandbox.calls().iter().filter(|call| call.operation.ends_with("/actions/runs")).count();
        while looks() == 0 && !rotating.is_finished() {
            std::thread::yield_now();
        }
        place.run(&["sync", "--yes", "--file", "before.yaml"]).ends(0);
        place.sandbox.state().github.repositories.get_mut("acme/api").unwrap().runs.clear();
        rotating.join().unwrap()
    });
    ran.ends(5).says("has lost the new token, so the old one stays on");
    assert!(accepts(&place, TOKEN));
    place.run(&[&["rotate"], OFF].concat()).ends(0);
    assert!(!accepts(&place, TOKEN));
    place.run(&["verify"]).ends(0);
}

#[test]
fn a_new_token_that_another_run_has_deleted_is_put_nowhere() {
    let place = place(MINT);
    let gone = Fault::on(Service::Hub, RENAME, Kind::Status(404)).after(1);
    place.sandbox.fault(gone);
    let (ran, calls) = place.watch(MINTED);
    ran.ends(5).says("another run has deleted the new token").says("regcred rotate --mint");
    assert!(written(&calls).iter().all(|call| call.contains("access-tokens")), "{:?}", written(&calls));
    place.sandbox.clear_faults();
    place.run(MINTED).ends(0);
    assert_holds(&place.sandbox.state(), &stored(&place));
}

#[test]
fn a_token_that_seems_to_be_nobodys_is_not_deleted_by_a_run_that_does_not_look_everywhere() {
    let place = place(MINT);
    place.sandbox.fault(Fault::on(Service::Hub, RENAME, Kind::Status(500)).after(1).forever());
    place.run(MINTED).ends(0).complains("stays as it is until the next rotation");
    place.sandbox.clear_faults();
    let new = stored(&place);
    // An old checkout: its source gives the value before.
    place.write("token", &format!("{USER}\n{TOKEN}\n"));
    place.run(&["rotate", "--only", "github:", "--yes"]);
    assert!(accepts(&place, &new));
}

#[test]
fn a_token_is_made_though_a_place_was_added_or_something_is_to_be_deleted() {
    let place = place(MINT);
    place.run(MINTED).ends(0);
    let first = stored(&place);
    place.sandbox.state().github.add_repository("acme/web");
    place.edit(
        "regcred.yaml",
        "{ repository: acme/api }",
        "{ repository: acme/api }, { repository: acme/web }",
    );
    place.run(MINTED).ends(0);
    let second = stored(&place);
    assert!(second != first && !accepts(&place, &first) && accepts(&place, &second));
    place.sandbox.state().clock.advance(Duration::from_secs(40 * 86_400));
    place.run(&[MINTED, &["--delete-after", "30d"]].concat()).ends(0);
    assert!(stored(&place) != second);
    let off: Vec<_> = labels(&place).into_iter().filter(|(_, on)| !on).collect();
    assert_eq!(off.len(), 1, "the first is deleted, the second is off: {off:?}");
}

#[test]
fn a_token_that_has_ended_is_not_gone_on_with() {
    let place = place(&MINT.replace("mint: {", "mint: { expires: 30d,"));
    place.run(MINTED).ends(0);
    let first = stored(&place);
    place.sandbox.state().clock.advance(Duration::from_secs(31 * 86_400));
    place.sandbox.state().github.add_repository("acme/web");
    place.edit(
        "regcred.yaml",
        "{ repository: acme/api }",
        "{ repository: acme/api }, { repository: acme/web }",
    );
    place.run(MINTED).ends(0);
    assert!(stored(&place) != first);
    assert_holds(&place.sandbox.state(), &stored(&place));
}

#[test]
fn a_login_that_ends_in_the_middle_of_a_run_is_made_again() {
    let place = place(MINT);
    place.sandbox.fault(Fault::on(Service::Hub, "GET /v2/access-tokens", Kind::Status(401)).after(1));
    place.run(MINTED).ends(0);
    assert_holds(&place.sandbox.state(), &stored(&place));
}

#[test]
fn a_token_is_handed_in_where_the_account_lets_nobody_list_its_tokens() {
    let place = place(MINT);
    with_new(&place);
    place.sandbox.state().registry.accounts.get_mut(USER).unwrap().second_factor = Some("123456".to_owned());
    let told = flat(&place.run(&["rotate", "--from", "file=new", "--yes"]).ends(0).stdout);
    assert!(
        told.contains(
            "which tokens are on at Docker Hub is not known (Docker Hub asks this account for a second factor"
        ),
        "{told}"
    );
    assert!(told.contains("switch the old one off by hand"), "{told}");
    assert_holds(&place.sandbox.state(), OTHER_TOKEN);
    let args = ["rotate", "--yes", "--old", OLD_LABEL, "--allow-delete"];
    place.run(&args).ends(1).complains("second factor");
}

#[test]
fn the_only_token_that_is_on_is_the_new_one_and_never_switched_off() {
    let place = place(MINT);
    let told = flat(&place.run(&["rotate"]).ends(0).stdout);
    assert!(!told.contains("not made by regcred"), "{told}");
    let (ran, calls) = place.watch(&[&["rotate"], OFF].concat());
    ran.ends(1).complains("is the new token");
    assert_eq!(written(&calls), [""; 0]);
    assert!(accepts(&place, TOKEN) && !ran.stdout.contains(PASSWORD));
}

#[test]
fn a_file_of_which_git_says_nothing_keeps_the_old_token_on() {
    let place = place(MINT);
    with_new(&place);
    place.write(".git", "gitdir: /nowhere\n");
    let told = flat(&place.run(&[&["rotate", "--from", "file=new"], OFF].concat()).ends(0).stdout);
    assert!(told.contains("stays on until git says whether token is committed"), "{told}");
    assert!(told.contains("git status token") && accepts(&place, TOKEN), "{told}");
}

#[test]
fn a_source_through_a_link_is_changed_by_hand_and_no_token_is_made_for_it() {
    let place = place(MINT);
    let link = place.repo().join("token");
    std::fs::rename(&link, place.repo().join("real")).unwrap();
    std::os::unix::fs::symlink("real", &link).unwrap();
    let (ran, calls) = place.watch(MINTED);
    ran.ends(3).complains("it is a link").complains("name the file itself in regcred.yaml");
    assert_eq!(written(&calls), [""; 0]);
}

#[test]
fn a_new_token_that_another_run_has_switched_off_meanwhile_is_not_said_to_be_in_place() {
    let proofs = |calls: &[Call]| calls.iter().filter(|call| call.operation == "GET /token").count();
    let rotated = |fault: Option<usize>| {
        let place = place(MINT);
        with_new(&place);
        place.sandbox.clear_calls();
        if let Some(after) = fault {
            place.sandbox.fault(Fault::on(Service::Token, "GET /token", Kind::Status(401)).after(after));
        }
        let (ran, calls) = place.watch(&[&["rotate", "--from", "file=new"], OFF].concat());
        (place, ran, calls)
    };
    let (place, ran, calls) = rotated(None);
    ran.ends(0);
    assert!(!accepts(&place, TOKEN));
    // One before, one once all is written, and one once the old one is off.
    assert_eq!(proofs(&calls), 3);
    let (place, ran, _) = rotated(Some(1));
    ran.ends(5).says("the new token worked and does not any more").says("regcred rotate --mint");
    assert!(accepts(&place, TOKEN), "the old one stays on");
}

#[test]
fn a_token_that_is_in_use_by_now_is_not_deleted_though_it_was_nobodys_when_the_run_began() {
    let twice = || {
        let place = place(MINT);
        place.run(MINTED).ends(0);
        place.run(MINTED).ends(0);
        let mut state = place.sandbox.state();
        let credentials = &mut state.registry.accounts.get_mut(USER).unwrap().credentials;
        let off = credentials.iter_mut().find(|one| one.token.inactive).unwrap();
        off.token.label =
            off.token.label.split(" retired").next().unwrap().to_owned() + " retired 2026-01-01";
        drop(state);
        place
    };
    let args = ["rotate", "--yes", "--delete-after", "30d"];
    let place = twice();
    let (_, calls) = place.watch(&args);
    let [.., listed, deleted] = calls.as_slice() else { panic!("{calls:?}") };
    assert_eq!(listed.operation, "GET /v2/access-tokens");
    assert_eq!(deleted.operation, "DELETE /v2/access-tokens/{uuid}");

    let place = twice();
    place.sandbox.clear_calls();
    let mut pause = place.sandbox.pause_at(calls.len() - 2, Moment::BeforeEffect);
    let ran = std::thread::scope(|scope| {
        let running = scope.spawn(|| place.run(&args));
        assert!(pause.wait(Duration::from_secs(60)));
        let mut state = place.sandbox.state();
        let credentials = &mut state.registry.accounts.get_mut(USER).unwrap().credentials;
        credentials.iter_mut().filter(|one| one.token.inactive).for_each(|one| one.token.inactive = false);
        drop(state);
        pause.release();
        running.join().unwrap()
    });
    ran.ends(5).says("meanwhile another run has use for it, so it stays");
    assert!(active(&place, "regcred docker-hub "));
}
