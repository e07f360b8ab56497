//! Many namespaces: found by their labels, listed in pages, deleted meanwhile.

use regcred_sandbox::kubernetes::{Deed, Meanwhile};

use super::{asked, assert_pulls, file, login, place, pull_secrets, sentence};
use crate::place::{OTHER_TOKEN, TOKEN, written};

const SELECTED: &str = "context: prod, selector: pull=yes, service-accounts: [default]";

/// A thousand and some: three pages.
fn crowd() -> crate::place::Place {
    place(&file(&[SELECTED]), |prod| {
        for number in 0..1001 {
            prod.add_namespace(&format!("team-{number:04}"), &[("pull", "yes")]);
        }
    })
}

#[test]
fn a_thousand_namespaces_are_read_in_nine_requests_and_written_in_two_each() {
    let place = crowd();
    let calls = place.sync();
    let requests = asked(&calls);
    let (writes, reads): (Vec<&String>, Vec<&String>) =
        requests.iter().partition(|request| !request.starts_with("GET"));
    assert_eq!(writes.len(), 2002);
    // Three pages of namespaces, secrets and accounts; the latter two, which nobody had before, read back in three pages.
    // And whether an interrupted run left copies of the secrets.
    let count = |path: &str| reads.iter().filter(|request| **request == &format!("GET {path}")).count();
    assert_eq!((count("namespaces"), count("secrets"), count("serviceaccounts")), (3, 1 + 1 + 3, 3 + 3));
    assert_eq!(reads.len(), 14);
    for number in [0, 499, 500, 1000] {
        assert_pulls(&place, &format!("team-{number:04}"), TOKEN);
        assert_eq!(pull_secrets(&place, &format!("team-{number:04}")), ["docker-hub"]);
    }
    assert_eq!(login(&place, "default"), None, "it has no such label");
    let again = place.sync();
    assert_eq!((written(&again).len(), asked(&again).len()), (0, 9));
}

#[test]
fn a_list_that_expires_half_way_is_begun_again() {
    let place = crowd();
    place.sandbox.state().kubernetes.cluster_mut("prod").expired_continues = 1;
    place.sync();
    assert_pulls(&place, "team-1000", TOKEN);
}

#[test]
fn nothing_is_asked_but_namespaces_secrets_and_service_accounts() {
    let place = place(
        &file(&[SELECTED, "context: prod, namespaces: [default]", "context: prod, runai: cluster"]),
        |prod| {
            prod.add_namespace("team-a", &[("pull", "yes")]);
        },
    );
    let known = |request: &String| {
        let path = request.split(' ').nth(1).unwrap_or_default();
        path.starts_with("namespaces") || path == "secrets" || path == "serviceaccounts"
    };
    for calls in [place.sync(), place.sync()] {
        let requests = asked(&calls);
        assert!(requests.len() >= 3 && requests.iter().all(known), "{requests:#?}");
        assert!(calls.iter().all(|call| !call.path.contains("openapi") && !call.path.contains("/apis")));
    }
}

#[test]
fn a_namespace_that_is_deleted_between_our_look_and_our_write_is_skipped_with_its_service_account() {
    for deed in [Deed::RemoveNamespace, Deed::TerminateNamespace] {
        let place = place(&file(&[SELECTED]), |prod| {
            prod.add_namespace("team-a", &[("pull", "yes")]);
            prod.add_namespace("team-b", &[("pull", "yes")]);
            let gone = Meanwhile::before(&["create"], "secrets", deed.clone()).in_namespace("team-a");
            prod.meanwhile.push(gone);
        });
        place
            .run(&["sync", "--yes"])
            .ends(0)
            .says("2 applied")
            .says("2 skipped")
            .complains("the namespace team-a");
        assert_pulls(&place, "team-b", TOKEN);
        place.sync_again();
    }
}

#[test]
fn a_namespace_that_goes_before_its_service_account_is_written_is_skipped() {
    let place = place(&file(&[SELECTED]), |prod| {
        prod.add_namespace("team-a", &[("pull", "yes")]);
        let gone = Meanwhile::before(&["patch"], "serviceaccounts", Deed::RemoveNamespace);
        prod.meanwhile.push(gone.in_namespace("team-a"));
    });
    place.run(&["sync", "--yes"]).ends(0).says("1 skipped");
}

#[test]
fn a_namespace_that_is_being_deleted_is_skipped_and_said_to_be_by_every_command() {
    const SKIPPED: &str = "the namespace is being deleted";
    let named = "context: prod, namespaces: [team-a], service-accounts: [default]";
    for (item, in_place) in [(SELECTED, false), (SELECTED, true), (named, false), (named, true)] {
        let place = place(&file(&[item]), |prod| prod.add_namespace("team-a", &[("pull", "yes")]));
        if in_place {
            place.sync();
        }
        place.sandbox.state().kubernetes.cluster_mut("prod").terminate_namespace("team-a");
        for args in [&["plan"][..], &["sync", "--yes"], &["verify"]] {
            let (ran, calls) = place.watch(args);
            let said = sentence(ran.ends(0));
            assert!(said.contains(SKIPPED) && said.contains("2 skipped"), "{item} {args:?}: {said}");
            assert!(!said.contains("in place"), "{item} {args:?}: {said}");
            assert_eq!(written(&calls), [""; 0]);
            let ran = place.run(&[args, &["--json"]].concat());
            assert!(ran.stdout.contains(SKIPPED), "{item} {args:?}: {}", ran.stdout);
            if args[0] != "plan" {
                assert_eq!(ran.lines().last().unwrap()["skipped"], 2, "{item} {args:?}");
            }
        }
        place.run(&["verify", "--image", "alpine:3"]).ends(0).says("2 skipped");
    }
}

#[test]
fn a_namespace_that_is_named_and_does_not_exist_is_blocked_and_the_other_goes_on() {
    let place =
        place(&file(&["context: prod, namespaces: [default, nope], service-accounts: [default]"]), |_| {});
    let ran = place.run(&["sync", "--yes"]);
    ran.ends(5).says("the namespace does not exist").says("kubectl --context prod create namespace nope");
    assert_pulls(&place, "default", TOKEN);
}

#[test]
fn labels_that_no_namespace_has_are_told() {
    let place = place(&file(&["context: prod, selector: pull=no"]), |_| {});
    place.run(&["sync", "--yes"]).ends(0).says("no namespace has the labels `pull=no`");
}

#[test]
fn a_new_namespace_with_the_label_gets_the_secret_with_the_next_run() {
    let mut place = place(&file(&[SELECTED]), |prod| prod.add_namespace("team-a", &[("pull", "yes")]));
    place.sync();
    place.sandbox.state().kubernetes.cluster_mut("prod").add_namespace("team-b", &[("pull", "yes")]);
    assert_eq!(written(&place.sync()).len(), 2);
    assert_pulls(&place, "team-b", TOKEN);
    place.change_token();
    assert_eq!(written(&place.sync()).len(), 2, "the secrets, and no service account");
    assert_pulls(&place, "team-a", OTHER_TOKEN);
}

#[test]
fn only_one_namespace_is_written_where_only_one_is_selected() {
    let place = place(&file(&[SELECTED]), |prod| {
        prod.add_namespace("team-a", &[("pull", "yes")]);
        prod.add_namespace("team-b", &[("pull", "yes")]);
    });
    place.run(&["sync", "--yes", "--only", "kubernetes:prod/team-b/"]).ends(0);
    assert_eq!(login(&place, "team-a"), None);
    assert_pulls(&place, "team-b", TOKEN);
}

#[test]
fn a_stacks_own_run_leaves_clusters_alone() {
    let text = file(&[SELECTED])
        .replace("    to:\n", "    to:\n      aws: { stacks: { main: { region: us-east-2 } } }\n");
    let place = place(&text, |prod| prod.add_namespace("team-a", &[("pull", "yes")]));
    let (ran, calls) = place.watch(&["sync", "--yes", "--stack", "main"]);
    ran.ends(0);
    assert_eq!(asked(&calls), [""; 0]);
}
