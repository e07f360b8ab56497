//! RunPod from end to end: the sandbox answers there as its API description says, its traps included, and looks after each
//! request whether a template, endpoint, worker or pod has lost its working auth.

mod answers;
mod disasters;
mod example;
mod file;
mod pulls;
mod quota;
mod story;
mod traps;
mod verify;

use regcred_sandbox::runpod::RunPod;
use regcred_sandbox::{Call, Service, World};

use crate::place::{OTHER_TOKEN, Place, TOKEN, USER, written};

pub(crate) const FILE: &str = "\
version: 1
credentials:
  docker-hub:
    to:
      runpod: { name: docker-hub-acme, templates: all, endpoints: all, pods: all }
";

/// Two templates, two endpoints with workers and a pod on Docker Hub; a template and an endpoint elsewhere.
pub(crate) fn populate(runpod: &mut RunPod) {
    runpod.add_template("web", "acme/web:1");
    runpod.add_template("worker", "docker.io/acme/worker:1").serverless();
    runpod.add_template("other", "ghcr.io/acme/other:1");
    runpod.add_endpoint("infer", "acme/infer:1").add_workers(2);
    runpod.add_endpoint("embed", "acme/embed:1").add_workers(1);
    runpod.add_endpoint("elsewhere", "ghcr.io/acme/x:1");
    runpod.add_pod("train", "acme/train:1");
}

/// An account in which nothing has an auth yet.
fn account() -> World {
    let mut world = World::default();
    populate(&mut world.runpod);
    world
}

fn place(world: World) -> Place {
    let place = Place::bare(world);
    place.write("regcred.yaml", FILE);
    place
}

/// Everything points at regcred's auth of the first token; from now on the credential has another one.
fn rotating() -> Place {
    let mut place = place(account());
    place.sync();
    place.change_token();
    place
}

/// The requests to RunPod's control plane.
fn asked(calls: &[Call]) -> Vec<&Call> {
    calls.iter().filter(|call| call.service == Service::RunPod).collect()
}

/// Whether the auth with this id holds this token.
fn holds(world: &World, id: Option<&str>, token: &str) -> bool {
    let auth = id.and_then(|id| world.runpod.auth(id));
    auth.is_some_and(|auth| auth.username == USER && auth.password == token)
}

/// Everything on Docker Hub points at an auth with this token, nobody ever lost a working one, and what is elsewhere was
/// left alone.
#[track_caller]
fn assert_points(world: &World, token: &str) {
    let runpod = &world.runpod;
    let templates = runpod.templates.iter().map(|template| (&template.name, &template.container));
    let endpoints = runpod.endpoints.iter().map(|endpoint| (&endpoint.name, &endpoint.container));
    let pods = runpod.pods.iter().map(|pod| (&pod.name, &pod.container));
    for (name, container) in templates.chain(endpoints).chain(pods) {
        let auth = container.registry.as_deref();
        if container.image.starts_with("ghcr.io/") {
            assert_eq!(auth, None, "{name}");
        } else {
            assert!(holds(world, auth, token), "{name} points at {auth:?}: {:#?}", runpod.auths);
        }
    }
    assert_eq!(runpod.outages, [""; 0]);
}

/// The same, and there is no other auth.
#[track_caller]
fn assert_settled(world: &World, token: &str) {
    assert_points(world, token);
    let [auth] = world.runpod.auths.as_slice() else { panic!("{:#?}", world.runpod.auths) };
    let digits = auth.name.strip_prefix("docker-hub-acme-").expect("it has our name");
    assert!(digits.len() == 8 && digits.chars().all(|c| c.is_ascii_hexdigit()), "{digits}");
    assert_eq!(auth.password, token);
}
