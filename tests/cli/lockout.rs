//! An account that Docker Hub has locked after too many failed logins.

use regcred_sandbox::registry::Failures;
use regcred_sandbox::{Service, World};

use crate::place::{OTHER_TOKEN, Place, USER, written};

/// A place in sync with the first token, which has a new one since; meanwhile the account was locked.
fn locked(status: u16) -> Place {
    let mut place = Place::with_one_stack(World::default());
    place.sync();
    place.change_token();
    let mut state = place.sandbox.state();
    let last = state.clock.now();
    state.registry.lockout.status = status;
    state.registry.accounts.get_mut(USER).unwrap().failures = Failures { count: 10, last };
    drop(state);
    place
}

#[test]
fn a_locked_account_ends_every_run_with_1_after_one_login_and_nothing_is_written() {
    for status in [429, 401] {
        let place = locked(status);
        for args in [&["sync", "--yes"][..], &["plan"], &["verify"]] {
            let (ran, calls) = place.watch(args);
            ran.ends(1).complains(&format!(
                "docker.io has locked acme after too many failed logins (status {status})"
            ));
            ran.complains("nothing was written").complains("wait 15 minutes");
            assert!(!ran.stderr.contains("refused"), "{}", ran.stderr);
            let logins = calls.iter().filter(|call| call.service == Service::Token).count();
            assert_eq!((logins, written(&calls)), (1, vec![]), "{args:?}");
        }
    }
}

#[test]
fn who_probably_sends_the_dead_token_is_named_by_what_holds_another_value() {
    let place = locked(429);
    let ran = place.run(&["sync", "--yes"]);
    ran.complains("probably aws:123456789012/us-east-2/secret/ecr-pullthroughcache/docker-hub");
    ran.complains("github:acme/api/actions/DOCKER_HUB_TOKEN");
    assert!(!ran.stderr.contains(OTHER_TOKEN));
}

#[test]
fn a_locked_account_is_served_when_the_time_is_over() {
    let place = locked(429);
    let ago = std::time::Duration::from_secs(901);
    place.sandbox.state().registry.accounts.get_mut(USER).unwrap().failures.last -= ago;
    place.run(&["sync", "--yes"]).ends(0);
}
