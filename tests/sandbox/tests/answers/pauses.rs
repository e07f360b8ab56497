//! Stopping a request half way, which is where a test kills the process under test.

use std::time::Duration;

use regcred_sandbox::{Door, Moment};
use serde_json::json;

use crate::client::{Aws, NAME, send, start};

const LIMIT: Duration = Duration::from_secs(20);

#[test]
fn a_request_paused_before_has_done_nothing_and_one_paused_after_has() {
    let sandbox = start();
    for (moment, made) in [(Moment::BeforeEffect, 0), (Moment::AfterEffect, 1)] {
        sandbox.clear_calls();
        sandbox.state().aws.secrets.clear();
        let mut pause = sandbox.pause_at(0, moment);
        std::thread::scope(|scope| {
            let request =
                scope.spawn(|| Aws::new(&sandbox).secrets("CreateSecret", &json!({ "Name": NAME })));
            assert!(pause.wait(LIMIT));
            assert!(!request.is_finished());
            assert_eq!(sandbox.state().aws.secrets.len(), made);
            pause.release();
            request.join().unwrap().unwrap();
        });
        assert_eq!(sandbox.state().aws.secrets.len(), 1);
    }
}

#[test]
fn a_dropped_pause_lets_the_request_go() {
    let sandbox = start();
    drop(sandbox.pause_at(0, Moment::BeforeEffect));
    assert_eq!(send(&sandbox.url(Door::Registry), "GET", "/v2/", &[], b"").unwrap().status, 401);
}

#[test]
fn other_requests_are_answered_while_one_is_paused() {
    let sandbox = start();
    let mut pause = sandbox.pause_at(0, Moment::AfterEffect);
    std::thread::scope(|scope| {
        scope.spawn(|| send(&sandbox.url(Door::Registry), "GET", "/v2/", &[], b""));
        assert!(pause.wait(LIMIT));
        Aws::new(&sandbox).make_secret();
        assert!(pause.is_reached());
        pause.release();
    });
}

#[test]
fn a_hook_sees_every_finished_call() {
    let sandbox = start();
    let (sender, receiver) = std::sync::mpsc::channel();
    sandbox.on_call(move |call| sender.send(call.operation.clone()).unwrap());
    Aws::new(&sandbox).make_secret();
    assert_eq!(receiver.recv().unwrap(), "CreateSecret");
}
