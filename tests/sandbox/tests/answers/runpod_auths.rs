//! RunPod: registry auths, keys, and refusals.

use regcred_sandbox::runpod::{Api, Key};
use regcred_sandbox::{Door, Fault, Kind, Service};
use serde_json::{Value, json};

use crate::client::{RunPod, TOKEN, send, start, start_with};

const OLD: &str = "docker-hub-acme-0123abcd";

fn new_auth() -> Value {
    json!({ "name": OLD, "username": "acme", "password": TOKEN })
}

#[test]
fn an_auth_is_made_listed_and_deleted_and_never_shows_what_it_holds() {
    let sandbox = start();
    let runpod = RunPod::new(&sandbox);
    let made = runpod.request("POST", "/v2/registries", &new_auth());
    assert_eq!((made.status, made.json().as_object().unwrap().len()), (201, 2));
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let expected = json!({ "id": id, "name": OLD });
    assert_eq!(runpod.get("/v2/registries").json(), json!({ "registries": [expected] }));
    assert_eq!(runpod.get(&format!("/v2/registries/{id}")).json(), expected);
    assert_eq!(sandbox.state().runpod.auth(&id).unwrap().password, TOKEN);
    let deleted = runpod.request("DELETE", &format!("/v2/registries/{id}"), &Value::Null);
    assert_eq!((deleted.status, deleted.body.len()), (204, 0));
    let again = runpod.request("DELETE", &format!("/v2/registries/{id}"), &Value::Null);
    assert_eq!((again.status, again.json()["detail"].as_str()), (404, Some("registry not found")));
    assert_eq!(sandbox.violations(), [""; 0]);
}

#[test]
fn an_auth_cannot_be_changed() {
    let sandbox = start();
    let answer = RunPod::new(&sandbox).request("PATCH", "/v2/registries/x", &json!({}));
    assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, DELETE")));
    assert_eq!(answer.json()["title"], "Method Not Allowed");
}

#[test]
fn a_body_that_does_not_fit_is_422_with_one_line_for_each_error() {
    let sandbox = start();
    let runpod = RunPod::new(&sandbox);
    let answer =
        runpod.request("POST", "/v2/registries", &json!({ "name": "", "username": 1, "host": "docker.io" }));
    assert_eq!(answer.status, 422);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    let expected = json!({
        "title": "Unprocessable Entity",
        "status": 422,
        "detail": "Request validation failed.",
        "errors": [
            "$: missing property 'password'",
            "$: additional properties 'host' not allowed",
            "$.name: minLength: got 0, want 1",
            "$.username: got number, want string",
        ],
    });
    assert_eq!(answer.json(), expected);
    assert_eq!(sandbox.violations().len(), 4);
}

#[test]
fn a_member_of_v1_is_named_and_nothing_is_changed() {
    let sandbox = start_with(|world| drop(world.runpod.add_template("web", "acme/web:1").id.clone()));
    let id = sandbox.state().runpod.template("web").unwrap().id.clone();
    let body = json!({ "containerRegistryAuthId": "x" });
    let answer = RunPod::new(&sandbox).request("PATCH", &format!("/v2/templates/{id}"), &body);
    assert_eq!(answer.status, 422);
    assert_eq!(answer.json()["errors"][0], "$: additional properties 'containerRegistryAuthId' not allowed");
}

#[test]
fn two_auths_may_have_one_name_unless_the_world_says_otherwise() {
    let sandbox = start();
    let runpod = RunPod::new(&sandbox);
    assert_eq!(runpod.request("POST", "/v2/registries", &new_auth()).status, 201);
    assert_eq!(runpod.request("POST", "/v2/registries", &new_auth()).status, 201);
    assert_eq!(sandbox.state().runpod.auths_named(OLD).len(), 2);
    sandbox.state().runpod.unique_names = true;
    assert_eq!(runpod.request("POST", "/v2/registries", &new_auth()).status, 400);
}

#[test]
fn deleting_an_auth_empties_templates_and_endpoints_without_a_word() {
    let sandbox = start_with(|world| {
        let old = world.runpod.add_auth(OLD, "acme", TOKEN);
        world.runpod.add_template("web", "acme/web:1").container.registry = Some(old.clone());
        world.runpod.add_endpoint("infer", "acme/infer:1").container.registry = Some(old);
    });
    let runpod = RunPod::new(&sandbox);
    let id = sandbox.state().runpod.auths[0].id.clone();
    assert_eq!(runpod.request("DELETE", &format!("/v2/registries/{id}"), &Value::Null).status, 204);
    assert_eq!(runpod.get("/v2/templates").json()["templates"][0]["registry"], Value::Null);
    assert_eq!(runpod.get("/v2/serverless").json()["endpoints"][0]["registry"], Value::Null);
    let state = sandbox.state();
    let (template, endpoint) = (&state.runpod.templates[0].id, &state.runpod.endpoints[0].id);
    let expected = [
        format!("after DELETE /v2/registries/{{id}}: template/{template}: no registry auth"),
        format!("after DELETE /v2/registries/{{id}}: endpoint/{endpoint}: no registry auth"),
    ];
    assert_eq!(state.runpod.outages, expected);
}

#[test]
fn an_auth_that_a_pod_uses_is_kept_even_if_no_plain_list_shows_the_pod() {
    let sandbox = start_with(|world| {
        let old = world.runpod.add_auth(OLD, "acme", TOKEN);
        let pod = world.runpod.add_pod("member", "acme/train:1");
        (pod.container.registry, pod.cluster) = (Some(old), Some("cluster_1".to_owned()));
    });
    let runpod = RunPod::new(&sandbox);
    let id = sandbox.state().runpod.auths[0].id.clone();
    let answer = runpod.request("DELETE", &format!("/v2/registries/{id}"), &Value::Null);
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["detail"], "Registry credential is in use by a pod and cannot be deleted");
    assert_eq!(runpod.get("/v2/pods").json(), json!({ "pods": [] }));
    let all = runpod.get("/v2/pods?includeClusterPods=true").json();
    assert_eq!(all["pods"][0]["registry"], id.as_str());
    assert_eq!(sandbox.state().runpod.outages, [""; 0]);
}

#[test]
fn a_key_goes_in_the_header_and_nowhere_else() {
    let sandbox = start();
    let url = sandbox.url(Door::RunPod);
    let none = send(&url, "GET", "/v2/registries", &[], b"").unwrap();
    assert_eq!((none.status, none.json()["detail"].as_str()), (401, Some("missing bearer token")));
    assert_eq!(none.header("ratelimit"), None);
    let key = sandbox.env()["RUNPOD_API_KEY"].clone();
    let bare = send(&url, "GET", "/v2/registries", &[("authorization", &key)], b"").unwrap();
    assert_eq!(bare.status, 401);
    let query = send(&url, "GET", &format!("/v2/registries?api_key={key}"), &[], b"").unwrap();
    assert_eq!(query.status, 401);
    assert_eq!(sandbox.violations(), ["GET /v2/registries: the key is in the URL"]);
    let wrong = RunPod { key: "rpa_other".to_owned(), ..RunPod::new(&sandbox) }.get("/v2/registries");
    assert_eq!((wrong.status, wrong.json()["title"].as_str()), (401, Some("Unauthorized")));
}

#[test]
fn a_key_that_may_only_read_is_refused_with_403() {
    let sandbox = start_with(|world| {
        let key = Key::full("user_acme").with("registries", "read").with("pods", "none");
        world.runpod.keys.insert("rpa_reader".to_owned(), key);
    });
    let runpod = RunPod { key: "rpa_reader".to_owned(), ..RunPod::new(&sandbox) };
    assert_eq!(runpod.get("/v2/registries").status, 200);
    let answer = runpod.request("POST", "/v2/registries", &new_auth());
    assert_eq!((answer.status, answer.json()["detail"].as_str()), (403, Some("access denied")));
    assert_eq!(runpod.get("/v2/pods").status, 403);
    assert!(sandbox.state().runpod.auths.is_empty());
}

#[test]
fn the_older_apis_answer_in_shapes_of_their_own() {
    let sandbox = start_with(|world| world.runpod.speaks = Api::V1);
    let runpod = RunPod::new(&sandbox);
    assert_eq!(runpod.get("/v2/registries").json(), json!({ "error": "not found", "status": 404 }));
    sandbox.state().runpod.speaks = Api::GraphQl;
    let answer = runpod.get("/v2/registries");
    assert_eq!((answer.status, answer.json()["data"].is_null()), (200, true));
    assert_eq!(answer.json()["errors"][0]["extensions"]["code"], "INTERNAL_SERVER_ERROR");
}

#[test]
fn faults_are_problems_too() {
    let sandbox = start();
    let runpod = RunPod::new(&sandbox);
    sandbox.fault(Fault::on_service(Service::RunPod, Kind::Throttle { retry_after: Some(7) }));
    let answer = runpod.get("/v2/registries");
    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("7")));
    assert_eq!(answer.json()["detail"], "rate limit exceeded for the minute window");
    sandbox.fault(Fault::on(Service::RunPod, "DELETE /v2/registries/{id}", Kind::Status(500)));
    let answer = runpod.request("DELETE", "/v2/registries/x", &Value::Null);
    assert_eq!((answer.status, answer.json()["status"].as_u64()), (500, Some(500)));
    sandbox.fault(Fault::on(Service::RunPod, "POST /v2/registries", Kind::ResetAfter));
    assert!(runpod.try_request("POST", "/v2/registries", &new_auth()).is_err());
    assert_eq!(sandbox.state().runpod.auths.len(), 1);
}

#[test]
fn reads_may_show_for_a_while_what_was_before_a_write() {
    let sandbox = start_with(|world| {
        world.runpod.stale_reads = 1;
        world.runpod.add_template("web", "acme/web:1");
    });
    let runpod = RunPod::new(&sandbox);
    let names = || runpod.get("/v2/registries").json()["registries"].as_array().unwrap().len();
    let id = runpod.request("POST", "/v2/registries", &new_auth()).json()["id"].clone();
    assert_eq!([names(), names()], [0, 1]);
    let path = format!("/v2/templates/{}", sandbox.state().runpod.templates[0].id);
    let answer = runpod.request("PATCH", &path, &json!({ "registry": id }));
    assert_eq!(answer.json()["registry"], id);
    let seen = || runpod.get("/v2/templates").json()["templates"][0]["registry"].clone();
    assert_eq!([seen(), seen()], [Value::Null, id.clone()]);
    runpod.request("DELETE", &format!("/v2/registries/{}", id.as_str().unwrap()), &Value::Null);
    assert_eq!([names(), names()], [1, 0]);
}

#[test]
fn an_auth_may_come_in_an_envelope_and_with_members_of_tomorrow() {
    let sandbox = start_with(|world| {
        (world.runpod.wraps_registries, world.runpod.adds_members) = (true, true);
    });
    let answer = RunPod::new(&sandbox).request("POST", "/v2/registries", &new_auth()).json();
    assert_eq!(answer["data"]["registry"]["name"], OLD);
    assert!(answer["data"]["registry"]["sandboxFuture"].is_string());
}
