//! Two hundred templates and a hundred endpoints under RunPod's published quota of 60 requests a minute; the sandbox's
//! minute lasts a second.

use super::*;
use crate::place::tell;
use regcred_sandbox::runpod::{Key, Quota, unwaited};
use regcred_sandbox::{Fault, Kind};

fn many(quotas: Vec<Quota>) -> Place {
    let mut world = World::default();
    for number in 0..200 {
        world.runpod.add_template(&format!("template-{number}"), "acme/web:1");
    }
    for number in 0..100 {
        world.runpod.add_endpoint(&format!("endpoint-{number}"), "acme/infer:1").add_workers(1);
    }
    world.runpod.quotas = quotas;
    place(world)
}

/// How many requests there were, and how many of them were refused for their pace; each of these was waited for.
fn paced(calls: &[Call]) -> (usize, usize) {
    assert_eq!(unwaited(calls), [""; 0]);
    let calls = asked(calls);
    (calls.len(), calls.iter().filter(|call| call.status == Some(429)).count())
}

#[test]
fn three_hundred_users_under_the_published_quota_are_written_without_a_refusal_and_read_with_four_requests() {
    let mut place = many(Quota::published_within(1000));
    place.run(&["plan"]).ends(0).says("It takes 301 requests, about 5 min");
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    ran.ends(0).complains("It takes 301 requests, about 5 min");
    let cold = paced(&calls);
    assert_settled(&place.sandbox.state(), TOKEN);
    // Another run cannot know what this one used of a window that has not ended.
    place.sandbox.state().runpod.windows.clear();
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    ran.ends(0);
    let repeated = paced(&calls);
    assert_eq!(written(&calls), [""; 0]);
    place.change_token();
    place.sandbox.state().runpod.windows.clear();
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    ran.ends(0).complains("It takes 408 requests, about 6 min");
    let rotated = paced(&calls);
    assert_settled(&place.sandbox.state(), OTHER_TOKEN);
    tell(&format!(
        "runpod: requests and refusals: cold {cold:?}, repeated {repeated:?}, rotated {rotated:?}"
    ));
    assert_eq!([cold, repeated, rotated], [(305, 0), (4, 0), (412, 0)]);
}

#[test]
fn a_quota_that_somebody_else_uses_too_is_waited_for_and_everything_gets_done() {
    let mut quotas = Quota::published_within(1000);
    quotas[0].requests = 20;
    let mut world = account();
    world.runpod.quotas = quotas;
    let place = place(world);
    // Somebody else has used the window up between the four reads and the first write, which no answer has told yet.
    let used_up = Fault::on_service(Service::RunPod, Kind::Throttle { retry_after: Some(1) });
    place.sandbox.fault(used_up.after(4));
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    ran.ends(0).complains("RunPod's quota is used up; it goes on in 1 s");
    assert_eq!(paced(&calls).1, 1, "nothing is asked again before its time");
    assert_settled(&place.sandbox.state(), TOKEN);
}

#[test]
fn an_hours_quota_that_is_used_up_is_told_with_the_time_and_not_waited_for() {
    let mut quotas = Quota::published();
    quotas[1].requests = 8;
    let mut world = account();
    world.runpod.quotas = quotas;
    let place = place(world);
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    ran.ends(5).says("RunPod's quota is used up, open again in").says("run it again in 60 minutes");
    assert_eq!(unwaited(&calls), [""; 0]);
    assert_eq!(place.sandbox.state().runpod.outages, [""; 0]);
    place.sandbox.state().runpod.quotas = Quota::generous();
    place.sync();
    assert_settled(&place.sandbox.state(), TOKEN);
}

#[test]
fn an_exempt_caller_has_no_quota_and_nobody_waits() {
    let place = many(Vec::new());
    place.sandbox.state().runpod.keys.insert("rpa_exempt".to_owned(), Key::full("user_exempt"));
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    ran.ends(0);
    assert!(!ran.stderr.contains("quota"), "{}", ran.stderr);
    assert_eq!(paced(&calls), (305, 0));
}
