//! The world as a value: snapshots, and starting from one.

use regcred_sandbox::{Door, Sandbox, World};
use serde_json::json;

use crate::client::{Aws, GitHub, NAME, RunPod, send, start};

#[test]
fn a_snapshot_brings_everything_back() {
    let sandbox = start();
    let before = sandbox.snapshot();
    Aws::new(&sandbox).make_secret();
    assert_eq!(sandbox.state().aws.secrets.len(), 1);
    sandbox.restore(before);
    assert!(sandbox.state().aws.secrets.is_empty());
}

#[test]
fn a_world_goes_through_json_and_comes_back_whole() {
    let sandbox = start();
    Aws::new(&sandbox).make_secret();
    GitHub::new(&sandbox).put_secret("/repos/acme/api/actions/secrets", "TOKEN", "x", &json!({}));
    let text = serde_json::to_string(&sandbox.snapshot()).unwrap();
    let again = Sandbox::start(serde_json::from_str(&text).unwrap()).unwrap();
    assert_eq!(serde_json::to_string(&again.snapshot()).unwrap(), text);
    let described = Aws::new(&again).secrets("DescribeSecret", &json!({ "SecretId": NAME }));
    assert!(described.is_ok());
}

#[test]
fn a_world_may_be_written_in_a_few_words() {
    let world: World =
        serde_json::from_str(r#"{"registry":{"accounts":{"bob":{"credentials":[{"secret":"s"}]}}}}"#)
            .unwrap();
    assert!(world.registry.accepts("Bob", "s"));
    assert!(!world.aws.access_keys.is_empty());
}

#[test]
fn what_landed_where_can_be_read_on_every_address_and_is_not_logged() {
    let sandbox = start();
    GitHub::new(&sandbox).put_secret("/repos/acme/api/actions/secrets", "TOKEN", "opened", &json!({}));
    for door in [Door::Aws, Door::Daytona, Door::GitHub, Door::Kubernetes, Door::Registry, Door::RunPod] {
        let state = send(&sandbox.url(door), "GET", "/_sandbox/state", &[], b"").unwrap().json();
        assert_eq!(
            state["github"]["repositories"]["acme/api"]["actions"]["secrets"]["TOKEN"]["value"],
            "opened"
        );
    }
    let calls = send(&sandbox.url(Door::Aws), "GET", "/_sandbox/calls", &[], b"").unwrap().json();
    assert_eq!(calls.as_array().unwrap().len(), 2);
}

#[test]
fn a_script_can_replace_the_world_and_clear_the_log() {
    let sandbox = start();
    let url = sandbox.url(Door::Registry);
    let put = |body: &[u8]| send(&url, "PUT", "/_sandbox/state", &[], body).unwrap().status;
    assert_eq!(put(br#"{"registry":{"basic_only":true}}"#), 204);
    assert!(sandbox.state().registry.basic_only);
    assert_eq!(put(b"{"), 400);
    send(&url, "GET", "/v2/", &[], b"").unwrap();
    assert_eq!(send(&url, "DELETE", "/_sandbox/calls", &[], b"").unwrap().status, 204);
    assert!(sandbox.calls().is_empty());
}

#[test]
fn the_environment_names_every_address_and_leaves_the_region_to_the_project() {
    let sandbox = Sandbox::start(World::default()).unwrap();
    let env = sandbox.env();
    let names: Vec<&str> = env.keys().map(String::as_str).collect();
    let expected = [
        "AWS_ACCESS_KEY_ID",
        "AWS_EC2_METADATA_DISABLED",
        "AWS_ENDPOINT_URL",
        "AWS_SECRET_ACCESS_KEY",
        "DAYTONA_API_KEY",
        "DAYTONA_API_URL",
        "DOCKER_HUB_API_URL",
        "GITHUB_API_URL",
        "GITHUB_TOKEN",
        "REGCRED_REGISTRY_ENDPOINTS",
        "RUNPOD_API_KEY",
        "RUNPOD_API_URL",
    ];
    assert_eq!(names, expected);
}

#[test]
fn many_sandboxes_live_side_by_side_and_end_when_dropped() {
    let sandboxes: Vec<Sandbox> = (0..5).map(|_| start()).collect();
    let urls: Vec<String> = sandboxes.iter().map(|sandbox| sandbox.url(Door::Aws)).collect();
    drop(sandboxes);
    assert!(urls.iter().all(|url| send(url, "GET", "/_sandbox/state", &[], b"").is_err()));
}

#[test]
fn an_empty_world_knows_nobody() {
    let sandbox = Sandbox::start(World::empty()).unwrap();
    assert_eq!(GitHub::new(&sandbox).get("/user").status, 401);
    assert_eq!(RunPod { sandbox: &sandbox, key: "rpa_x".to_owned() }.get("/v2/pods").status, 401);
    assert!(!sandbox.env().contains_key("GITHUB_TOKEN"));
    assert!(!sandbox.env().contains_key("RUNPOD_API_KEY"));
}
