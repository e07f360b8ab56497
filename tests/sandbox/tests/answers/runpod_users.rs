//! RunPod: what points at registry auths, and who is left without one.

use regcred_sandbox::{Sandbox, World};
use serde_json::{Value, json};

use crate::client::{RunPod, TOKEN, start_with};

/// An old auth with everything pointing at it, and a new one.
fn rotation(world: &mut World) {
    let runpod = &mut world.runpod;
    let old = runpod.add_auth("old", "acme", TOKEN);
    runpod.add_auth("new", "acme", TOKEN);
    runpod.add_template("web", "acme/web:1").container.registry = Some(old.clone());
    runpod.add_endpoint("infer", "acme/infer:1").container.registry = Some(old.clone());
    runpod.add_pod("train", "acme/train:1").container.registry = Some(old);
}

fn id_of(sandbox: &Sandbox, auth: &str) -> String {
    sandbox.state().runpod.auths_named(auth)[0].id.clone()
}

#[test]
fn a_patch_changes_what_it_has_and_leaves_the_rest() {
    let sandbox = start_with(rotation);
    let runpod = RunPod::new(&sandbox);
    let new = id_of(&sandbox, "new");
    let before = runpod.get("/v2/templates").json()["templates"][0].clone();
    let path = format!("/v2/templates/{}", before["id"].as_str().unwrap());
    let after = runpod.request("PATCH", &path, &json!({ "registry": new })).json();
    let mut expected = before;
    expected["registry"] = json!(new);
    assert_eq!(after, expected);
    let cleared = runpod.request("PATCH", &path, &json!({ "registry": null })).json();
    assert_eq!(cleared["registry"], Value::Null);
    let unknown = runpod.request("PATCH", &path, &json!({ "registry": "nowhere" }));
    assert_eq!(unknown.status, 400);
}

#[test]
fn a_changed_template_reaches_nothing_that_was_made_from_it() {
    let sandbox = start_with(|world| {
        rotation(world);
        world.runpod.add_endpoint_from("web", "from-web");
        world.runpod.add_pod_from("web", "pod-from-web");
    });
    let (old, new) = (id_of(&sandbox, "old"), id_of(&sandbox, "new"));
    let template = sandbox.state().runpod.template("web").unwrap().id.clone();
    let answer = RunPod::new(&sandbox).request(
        "PATCH",
        &format!("/v2/templates/{template}"),
        &json!({ "registry": new }),
    );
    assert_eq!(answer.status, 200);
    let state = sandbox.state();
    assert_eq!(state.runpod.endpoint("from-web").unwrap().container.registry.as_deref(), Some(old.as_str()));
    let pod = state.runpod.pod("pod-from-web").unwrap();
    assert_eq!(pod.container.registry.as_deref(), Some(old.as_str()));
    assert_eq!(pod.template.as_deref(), Some(template.as_str()));
}

#[test]
fn somebody_elses_template_is_read_and_not_listed_or_changed() {
    let sandbox = start_with(|world| {
        world.runpod.add_template("theirs", "runpod/pytorch:1").foreign();
    });
    let runpod = RunPod::new(&sandbox);
    let path = format!("/v2/templates/{}", sandbox.state().runpod.templates[0].id);
    assert_eq!(runpod.get(&path).json()["public"], true);
    assert_eq!(runpod.get("/v2/templates").json(), json!({ "templates": [] }));
    let answer = runpod.request("PATCH", &path, &json!({ "args": "x" }));
    assert_eq!((answer.status, answer.json()["detail"].as_str()), (404, Some("template not found")));
}

#[test]
fn a_template_is_made_with_what_is_given_and_its_name_is_unique() {
    let sandbox = start_with(rotation);
    let runpod = RunPod::new(&sandbox);
    let body = json!({
        "name": "api", "image": "acme/api:1", "args": "--port 80", "disk": 40, "env": { "A": "b" },
        "registry": id_of(&sandbox, "old"), "serverless": true,
    });
    let made = runpod.request("POST", "/v2/templates", &body);
    assert_eq!(made.status, 201);
    for (name, value) in body.as_object().unwrap() {
        assert_eq!(&made.json()[name], value, "{name}");
    }
    assert_eq!(made.json()["category"], "NVIDIA");
    assert_eq!(runpod.request("POST", "/v2/templates", &body).status, 400);
    let taken = runpod.request(
        "PATCH",
        &format!("/v2/templates/{}", made.json()["id"].as_str().unwrap()),
        &json!({ "name": "web" }),
    );
    assert_eq!(taken.status, 400);
}

#[test]
fn a_templates_numbers_lists_and_choices_are_checked() {
    let sandbox = start_with(|_| {});
    let body = json!({
        "name": "api", "image": "acme/api:1", "disk": 0, "category": "TPU", "env": { "A": 1 }, "ports": [80],
        "allowedCudaVersions": ["12"], "mounts": { "persistent": { "size": 5 } }, "serverless": "yes",
    });
    let answer = RunPod::new(&sandbox).request("POST", "/v2/templates", &body).json();
    let expected = json!([
        "$.disk: minimum: got 0, want 1",
        "$.env.A: got number, want string",
        "$.ports[0]: got number, want string",
        "$.allowedCudaVersions[0]: '12' does not match pattern '^\\d+\\.\\d+$'",
        "$.category: value must be one of 'CPU', 'NVIDIA', 'AMD'",
        "$.mounts.persistent: missing property 'path'",
        "$.mounts.persistent.size: minimum: got 5, want 10",
        "$.serverless: got string, want boolean",
    ]);
    assert_eq!(answer["errors"], expected);
}

#[test]
fn a_pod_of_a_cluster_cannot_be_changed() {
    let sandbox = start_with(|world| {
        world.runpod.add_pod("member", "acme/train:1").cluster = Some("cluster_1".to_owned());
    });
    let path = format!("/v2/pods/{}", sandbox.state().runpod.pods[0].id);
    let runpod = RunPod::new(&sandbox);
    let answer = runpod.request("PATCH", &path, &json!({ "registry": null }));
    assert_eq!(answer.status, 409);
    assert_eq!(runpod.request("POST", &format!("{path}/action"), &json!({ "action": "stop" })).status, 409);
}

#[test]
fn a_running_pod_may_hold_its_former_auth_until_it_restarts() {
    let sandbox = start_with(|world| {
        rotation(world);
        world.runpod.pods_hold = true;
    });
    let runpod = RunPod::new(&sandbox);
    let (old, new) = (id_of(&sandbox, "old"), id_of(&sandbox, "new"));
    let pod = sandbox.state().runpod.pods[0].id.clone();
    let changed = runpod.request("PATCH", &format!("/v2/pods/{pod}"), &json!({ "registry": new }));
    assert_eq!(changed.json()["registry"], new.as_str());
    let delete = || runpod.request("DELETE", &format!("/v2/registries/{old}"), &Value::Null).status;
    assert_eq!(delete(), 400);
    let action = json!({ "action": "restart" });
    assert_eq!(runpod.request("POST", &format!("/v2/pods/{pod}/action"), &action).status, 200);
    assert_eq!(delete(), 204);
}

#[test]
fn a_pod_is_stopped_and_started_and_409_says_what_it_cannot() {
    let sandbox = start_with(rotation);
    let runpod = RunPod::new(&sandbox);
    let path = format!("/v2/pods/{}/action", sandbox.state().runpod.pods[0].id);
    let act = |action: &str| runpod.request("POST", &path, &json!({ "action": action }));
    assert_eq!(act("stop").json()["status"], "EXITED");
    assert_eq!(act("stop").status, 409);
    assert_eq!(act("start").json()["actions"], json!(["stop", "restart", "terminate"]));
    assert_eq!(act("terminate").status, 204);
    assert!(sandbox.state().runpod.pods.is_empty());
}

#[test]
fn a_rotation_that_repoints_first_leaves_nobody_without_an_auth() {
    let sandbox = start_with(rotation);
    let runpod = RunPod::new(&sandbox);
    let (old, new) = (id_of(&sandbox, "old"), id_of(&sandbox, "new"));
    let paths = {
        let state = sandbox.state();
        let (template, pod) = (&state.runpod.templates[0].id, &state.runpod.pods[0].id);
        let endpoint = &state.runpod.endpoints[0].id;
        [format!("/v2/templates/{template}"), format!("/v2/serverless/{endpoint}"), format!("/v2/pods/{pod}")]
    };
    for path in paths {
        assert_eq!(runpod.request("PATCH", &path, &json!({ "registry": new })).status, 200, "{path}");
    }
    assert_eq!(runpod.request("DELETE", &format!("/v2/registries/{old}"), &Value::Null).status, 204);
    let state = sandbox.state();
    assert_eq!(state.runpod.outages, [""; 0]);
    assert_eq!(state.runpod.unserved(&state.registry), [""; 0]);
}

#[test]
fn an_auth_works_if_it_logs_in_to_the_images_own_registry() {
    let sandbox = start_with(|world| {
        rotation(world);
        let runpod = &mut world.runpod;
        runpod.add_login("ghcr.io", "acme", "ghp_x");
        let other = runpod.add_auth("ghcr", "acme", "ghp_x");
        runpod.add_template("ghcr", "ghcr.io/acme/web:1").container.registry = Some(other);
        runpod.add_template("open", "quay.io/acme/web:1");
    });
    let new = id_of(&sandbox, "new");
    let before = sandbox.snapshot();
    assert_eq!(before.runpod.unserved(&before.registry), [""; 0]);
    let template = sandbox.state().runpod.template("ghcr").unwrap().id.clone();
    let path = format!("/v2/templates/{template}");
    RunPod::new(&sandbox).request("PATCH", &path, &json!({ "registry": new }));
    let wrong = format!("template/{template}: registry auth new does not log in to ghcr.io");
    assert_eq!(sandbox.state().runpod.outages, [format!("after PATCH /v2/templates/{{id}}: {wrong}")]);
    let state = sandbox.state();
    assert_eq!(state.runpod.unserved(&state.registry), [wrong]);
}

#[test]
fn a_revoked_token_leaves_everybody_unserved_and_is_nobodys_outage() {
    let sandbox = start_with(|world| {
        rotation(world);
        world.registry.revoke(TOKEN);
    });
    RunPod::new(&sandbox).get("/v2/templates");
    let state = sandbox.state();
    assert_eq!(state.runpod.unserved(&state.registry).len(), 3);
    assert!(state.runpod.outages.is_empty());
}
