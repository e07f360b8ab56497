//! RunPod: endpoints, rollouts and health.

use regcred_sandbox::runpod::Rollouts;
use regcred_sandbox::{Sandbox, Service, World};
use serde_json::{Value, json};

use crate::client::{RunPod, TOKEN, start_with};

/// An endpoint with two workers on the auth `old`, and an auth `new`.
fn endpoint(world: &mut World) {
    let runpod = &mut world.runpod;
    let old = runpod.add_auth("old", "acme", TOKEN);
    runpod.add_auth("new", "acme", TOKEN);
    let endpoint = runpod.add_endpoint("infer", "acme/infer:1");
    endpoint.container.registry = Some(old);
    endpoint.add_workers(2);
}

fn path(sandbox: &Sandbox, tail: &str) -> String {
    format!("/v2/serverless/{}{tail}", sandbox.state().runpod.endpoints[0].id)
}

fn auth(sandbox: &Sandbox, name: &str) -> String {
    sandbox.state().runpod.auths_named(name)[0].id.clone()
}

fn repoint(sandbox: &Sandbox) -> Value {
    let body = json!({ "registry": auth(sandbox, "new") });
    let answer = RunPod::new(sandbox).request("PATCH", &path(sandbox, ""), &body);
    assert_eq!(answer.status, 200);
    answer.json()
}

#[test]
fn a_changed_auth_is_a_release_that_workers_follow_one_by_one() {
    let sandbox = start_with(|world| {
        endpoint(world);
        world.runpod.rollouts = Rollouts::Reads(1);
    });
    let runpod = RunPod::new(&sandbox);
    repoint(&sandbox);
    let on_latest = || {
        let rollout = runpod.get(&path(&sandbox, "/releases")).json()["rollout"].clone();
        (rollout["inProgress"].as_bool().unwrap(), rollout["workersOnLatest"].as_u64().unwrap())
    };
    assert_eq!([on_latest(), on_latest(), on_latest()], [(true, 0), (true, 1), (false, 2)]);
    let releases = runpod.get(&path(&sandbox, "/releases")).json();
    assert_eq!(releases["endpointVersion"], 3);
    let diff = &releases["releases"][0]["diff"][0];
    assert_eq!(diff["field"], "template.containerRegistryAuthId");
    assert_eq!(diff["new"], auth(&sandbox, "new").as_str());
}

#[test]
fn a_held_rollout_goes_on_when_the_test_says_so() {
    let sandbox = start_with(|world| {
        endpoint(world);
        world.runpod.rollouts = Rollouts::Held;
    });
    let runpod = RunPod::new(&sandbox);
    repoint(&sandbox);
    let stale = || {
        let workers = runpod.get(&path(&sandbox, "/workers")).json();
        workers["workers"].as_array().unwrap().iter().filter(|worker| worker["isStale"] == true).count()
    };
    assert_eq!([stale(), stale()], [2, 2]);
    assert!(sandbox.state().runpod.advance_rollout("infer"));
    assert_eq!(stale(), 1);
    sandbox.state().runpod.finish_rollouts();
    assert_eq!(stale(), 0);
    assert!(!sandbox.state().runpod.advance_rollout("infer"));
}

#[test]
fn a_stale_worker_loses_its_auth_with_the_old_one_though_the_endpoint_has_the_new() {
    let sandbox = start_with(|world| {
        endpoint(world);
        world.runpod.rollouts = Rollouts::Held;
    });
    repoint(&sandbox);
    sandbox.state().runpod.advance_rollout("infer");
    let old = auth(&sandbox, "old");
    let answer = RunPod::new(&sandbox).request("DELETE", &format!("/v2/registries/{old}"), &Value::Null);
    assert_eq!(answer.status, 204);
    let state = sandbox.state();
    assert_eq!(state.runpod.endpoints[0].stale_workers(), 1);
    let [outage] = &state.runpod.outages[..] else { panic!("{:?}", state.runpod.outages) };
    assert!(outage.contains(" worker/") && outage.ends_with(&format!("registry auth {old} is gone")));
}

#[test]
fn a_change_that_changes_nothing_makes_no_release() {
    let sandbox = start_with(endpoint);
    repoint(&sandbox);
    repoint(&sandbox);
    let body = json!({ "workers": { "min": 1, "max": 2 } });
    let scaled = RunPod::new(&sandbox).request("PATCH", &path(&sandbox, ""), &body);
    assert_eq!(scaled.json()["workers"]["min"], 1);
    let state = sandbox.state();
    assert_eq!(state.runpod.endpoints[0].releases.len(), 1);
    assert_eq!(state.runpod.endpoints[0].stale_workers(), 0);
}

#[test]
fn an_endpoint_without_versions_cannot_tell_that_a_worker_has_the_old_auth() {
    let sandbox = start_with(|world| {
        endpoint(world);
        world.runpod.endpoints[0].legacy = true;
        world.runpod.rollouts = Rollouts::Held;
    });
    let runpod = RunPod::new(&sandbox);
    repoint(&sandbox);
    let releases = runpod.get(&path(&sandbox, "/releases")).json();
    assert_eq!(
        (&releases["endpointVersion"], &releases["rollout"]["inProgress"]),
        (&json!(1), &json!(false))
    );
    let workers = runpod.get(&path(&sandbox, "/workers")).json();
    assert_eq!(workers["workers"][0]["isStale"], false);
    assert_eq!(sandbox.state().runpod.endpoints[0].stale_workers(), 2);
}

#[test]
fn an_endpoint_has_no_template_and_may_have_no_member_registry() {
    let sandbox = start_with(|world| drop(world.runpod.add_endpoint("bare", "acme/infer:1").id.clone()));
    let runpod = RunPod::new(&sandbox);
    let row = runpod.get(&path(&sandbox, "")).json();
    assert_eq!((row.get("registry"), row.get("templateId")), (Some(&Value::Null), None));
    sandbox.state().runpod.omits_nulls = true;
    let rows = runpod.get("/v2/serverless").json();
    assert_eq!(rows["endpoints"][0].get("registry"), None);
}

#[test]
fn a_template_is_applied_once_under_what_the_body_says_itself() {
    let sandbox = start_with(|world| {
        endpoint(world);
        let template = world.runpod.add_template("web", "acme/web:2").serverless();
        template.container.args = "--from-template".to_owned();
        world.runpod.add_template("for-pods", "acme/web:3");
    });
    let template = |name: &str| sandbox.state().runpod.template(name).unwrap().id.clone();
    let runpod = RunPod::new(&sandbox);
    let body = json!({ "templateId": template("web"), "args": "--own", "env": { "OWN": "1" } });
    let row = runpod.request("PATCH", &path(&sandbox, ""), &body).json();
    assert_eq!((&row["image"], &row["args"]), (&json!("acme/web:2"), &json!("--own")));
    assert_eq!(row["env"], json!({ "MODEL_NAME": "sdxl", "OWN": "1" }));
    assert_eq!(row["registry"], Value::Null);
    let patch = |body: &Value| runpod.request("PATCH", &path(&sandbox, ""), body).status;
    assert_eq!(patch(&json!({ "templateId": template("for-pods") })), 422);
    assert_eq!(patch(&json!({ "templateId": "nowhere" })), 404);
}

#[test]
fn workers_are_counted_by_status() {
    let sandbox = start_with(|world| {
        endpoint(world);
        world.runpod.endpoints[0].workers[1].status = "INITIALIZING".to_owned();
    });
    let summary = RunPod::new(&sandbox).get(&path(&sandbox, "/workers")).json()["summary"].clone();
    let expected =
        json!({ "running": 0, "idle": 1, "initializing": 1, "throttled": 0, "unhealthy": 0, "total": 2 });
    assert_eq!(summary, expected);
}

#[test]
fn health_is_at_the_url_that_the_endpoint_names() {
    let sandbox = start_with(|world| {
        endpoint(world);
        world.runpod.add_endpoint("direct", "acme/infer:1").load_balanced();
    });
    let runpod = RunPod::new(&sandbox);
    let rows = runpod.get("/v2/serverless").json();
    let health = |index: usize| {
        let url = rows["endpoints"][index]["requestUrls"]["health"].as_str().unwrap().to_owned();
        runpod.get(url.strip_prefix(&runpod.url()).unwrap())
    };
    assert_eq!(health(0).json()["workers"]["idle"], 2);
    assert_eq!(health(1).status, 502);
    sandbox.state().runpod.endpoints[1].add_workers(1);
    assert_eq!(health(1).status, 200);
    assert_eq!(sandbox.calls()[1].service, Service::RunPodJobs);
    assert_eq!(sandbox.calls()[1].operation, "GET /v2/{id}/health");
}
