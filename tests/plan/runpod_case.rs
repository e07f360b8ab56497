//! Small builders for RunPod: one account with one of each, and what a plan does with them.

use std::collections::{BTreeMap, BTreeSet};

use regcred::model::Registry;
use regcred::plan::Plan;
use regcred::systems;
use regcred::targets;
use regcred::targets::runpod::{Choice, Desired, Kind, NewTemplate, Operation, User};

use crate::case::*;

pub(crate) const AUTH: &str = "runpod:registry/hub";
pub(crate) const WEB: &str = "runpod:template/tpl_web";
pub(crate) const INFER: &str = "runpod:endpoint/ep_infer";
pub(crate) const TRAIN: &str = "runpod:pod/pod_train";
pub(crate) const OLD: &str = "runpod:registry/hub/reg_old";
/// The auth of the wanted credential, of an earlier one, and one by hand.
pub(crate) const OURS: (&str, &str) = ("reg_new", "hub-abababab");
pub(crate) const EARLIER: (&str, &str) = ("reg_old", "hub-cdcdcdcd");
pub(crate) const THEIRS: (&str, &str) = ("reg_hand", "docker-hub-by-hand");

pub(crate) fn desired() -> Desired {
    Desired {
        credential: id(),
        registry: Registry::docker_hub(),
        name: "hub".to_owned(),
        others: BTreeSet::new(),
        templates: Choice::All,
        endpoints: Choice::All,
        pods: Choice::All,
        create: Vec::new(),
        insecure: false,
    }
}

pub(crate) fn user(id: &str, image: &str, registry: Option<&str>) -> User {
    let name = id.split_once('_').map_or(id, |(_, name)| name);
    User {
        id: id.to_owned(),
        name: name.to_owned(),
        image: Some(image.to_owned()),
        registry: registry.map(str::to_owned),
        ..User::default()
    }
}

/// One of each kind on Docker Hub, all of them on this auth; these auths are there.
pub(crate) fn account(auths: &[(&str, &str)], registry: Option<&str>) -> Case {
    let mut case = Case::empty();
    case.desired.places.aws.clear();
    case.desired.places.github.clear();
    case.desired.places.runpod = vec![desired()];
    let pair = |(id, name): &(&str, &str)| ((*id).to_owned(), (*name).to_owned());
    case.observed.runpod.auths = Ok(auths.iter().map(pair).collect());
    case.observed.runpod.users = BTreeMap::from([
        (Kind::Template, Ok(vec![user("tpl_web", "acme/web:1", registry)])),
        (Kind::Endpoint, Ok(vec![user("ep_infer", "acme/infer:1", registry)])),
        (Kind::Pod, Ok(vec![user("pod_train", "acme/train:1", registry)])),
    ]);
    case
}

/// What is there of a kind.
pub(crate) fn users(case: &mut Case, kind: Kind) -> &mut Vec<User> {
    case.observed.runpod.users.get_mut(&kind).unwrap().as_mut().unwrap()
}

pub(crate) fn choose(case: &mut Case, templates: Choice, endpoints: Choice, pods: Choice) {
    let place = &mut case.desired.places.runpod[0];
    (place.templates, place.endpoints, place.pods) = (templates, endpoints, pods);
}

pub(crate) fn named(names: &[&str]) -> Choice {
    Choice::Named(names.iter().map(|name| (*name).to_owned()).collect())
}

pub(crate) fn worker() -> NewTemplate {
    NewTemplate {
        name: "worker".to_owned(),
        image: "acme/worker:1".to_owned(),
        args: Some("python -u handler.py".to_owned()),
        disk: Some(10),
        env: BTreeMap::from([("WORK_DIR".to_owned(), "/tmp".to_owned())]),
        serverless: true,
    }
}

pub(crate) fn operation(plan: &Plan, address: &str) -> Operation {
    match &row(plan, address).operation {
        Some(systems::Operation::Runpod(operation)) => operation.clone(),
        other => panic!("{address}: {other:?}"),
    }
}

pub(crate) fn after(plan: &Plan, address: &str) -> Vec<String> {
    row(plan, address).after.iter().map(ToString::to_string).collect()
}

pub(crate) fn has(plan: &Plan, address: &str) -> bool {
    plan.changes.iter().any(|change| change.address.to_string() == address)
}
