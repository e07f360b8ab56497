//! RunPod: how many requests a user may make.

use std::time::Duration;

use regcred_sandbox::runpod::{Key, Quota, unwaited};
use regcred_sandbox::{Sandbox, World};

use crate::client::{RunPod, start_with};

const LIST: &str = "/v2/registries";

/// Three requests in a minute that stands still.
fn three_a_minute(world: &mut World) {
    world.clock.fixed = Some(world.clock.now());
    world.runpod.quotas = Quota::published();
    world.runpod.quotas[0].requests = 3;
}

fn statuses(sandbox: &Sandbox, count: usize) -> Vec<u16> {
    (0..count).map(|_| RunPod::new(sandbox).get(LIST).status).collect()
}

#[test]
fn every_answer_tells_what_is_left_and_what_the_quotas_are() {
    let sandbox = start_with(three_a_minute);
    let answer = RunPod::new(&sandbox).get(LIST);
    let left = "\"minute\";r=2;t=60, \"hour\";r=2999;t=3600, \"day\";r=49999;t=86400";
    assert_eq!(answer.header("ratelimit"), Some(left));
    let policy = "\"minute\";q=3;w=60, \"hour\";q=3000;w=3600, \"day\";q=50000;w=86400";
    assert_eq!(answer.header("ratelimit-policy"), Some(policy));
    assert_eq!(RunPod::new(&sandbox).get("/v2/registries/none").header("ratelimit-policy"), Some(policy));
}

#[test]
fn one_too_many_is_429_until_the_window_ends() {
    let sandbox = start_with(three_a_minute);
    assert_eq!(statuses(&sandbox, 3), [200; 3]);
    sandbox.state().clock.advance(Duration::from_secs(48));
    let refused = RunPod::new(&sandbox).get(LIST);
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("12")));
    assert_eq!(refused.json()["detail"], "rate limit exceeded for the minute window");
    assert!(refused.header("ratelimit").unwrap().starts_with("\"minute\";r=0;t=12,"));
    sandbox.state().clock.advance(Duration::from_secs(12));
    assert_eq!(statuses(&sandbox, 4), [200, 200, 200, 429]);
}

#[test]
fn keys_of_one_user_share_a_quota_and_another_user_has_its_own() {
    let sandbox = start_with(|world| {
        three_a_minute(world);
        world.runpod.keys.insert("rpa_second".to_owned(), Key::full("user_acme"));
        world.runpod.keys.insert("rpa_other".to_owned(), Key::full("user_other"));
    });
    statuses(&sandbox, 3);
    let status = |key: &str| RunPod { key: key.to_owned(), ..RunPod::new(&sandbox) }.get(LIST).status;
    assert_eq!((status("rpa_second"), status("rpa_other")), (429, 200));
}

#[test]
fn the_longer_windows_count_too() {
    let sandbox = start_with(|world| {
        three_a_minute(world);
        world.runpod.quotas[1].requests = 4;
    });
    statuses(&sandbox, 3);
    sandbox.state().clock.advance(Duration::from_secs(60));
    assert_eq!(statuses(&sandbox, 1), [200]);
    let refused = RunPod::new(&sandbox).get(LIST);
    assert_eq!(refused.json()["detail"], "rate limit exceeded for the hour window");
    assert_eq!(refused.header("retry-after"), Some("3540"));
}

#[test]
fn a_shorter_minute_has_the_same_quotas_in_a_shorter_time() {
    let sandbox = start_with(|world| world.runpod.quotas = Quota::published_within(1000));
    let answer = RunPod::new(&sandbox).get(LIST);
    let policy = "\"minute\";q=60;w=1, \"hour\";q=3000;w=60, \"day\";q=50000;w=1440";
    assert_eq!(answer.header("ratelimit-policy"), Some(policy));
}

#[test]
fn an_exempt_caller_hears_of_no_quotas() {
    let sandbox = start_with(|world| world.runpod.quotas.clear());
    assert_eq!(RunPod::new(&sandbox).get(LIST).header("ratelimit"), None);
}

#[test]
fn a_request_that_comes_again_before_its_time_is_told() {
    let sandbox = start_with(three_a_minute);
    statuses(&sandbox, 5);
    let mut calls = sandbox.calls();
    let told = unwaited(&calls);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("GET /v2/registries came again after"), "{told:?}");
    calls[4].started = calls[3].ended.unwrap() + Duration::from_secs(60);
    assert!(unwaited(&calls).is_empty());
}
