//! Who pulls with what, and whether that works: the invariant of every rotation.

use std::collections::BTreeSet;

use super::rollout::Worker;
use super::state::{Auth, Container, Endpoint, Login, RunPod};
use crate::registry::Registry;
use crate::world::World;

const DOCKER_HUB: &str = "docker.io";

/// Somebody who pulls an image, now or at the next start.
struct Puller<'w> {
    who: String,
    image: &'w str,
    auth: Option<&'w str>,
}

impl<'w> Puller<'w> {
    fn of(kind: &str, id: &str, container: &'w Container) -> Self {
        Self { who: format!("{kind}/{id}"), image: &container.image, auth: container.registry.as_deref() }
    }

    fn worker(endpoint: &Endpoint, worker: &'w Worker) -> Self {
        let who = format!("endpoint/{} worker/{}", endpoint.id, worker.id);
        Self { who, image: &worker.image, auth: worker.registry.as_deref() }
    }
}

impl RunPod {
    /// Own templates, endpoints, their workers and pods that have no working auth now. An image of another registry than
    /// Docker Hub needs none; a wrong one is reported anyway.
    #[must_use]
    pub fn unserved(&self, hub: &Registry) -> Vec<String> {
        let why = |puller: &Puller<'_>| {
            let why = self.why_not(puller, hub)?;
            let needs = puller.auth.is_some() || host(puller.image) == DOCKER_HUB;
            needs.then(|| format!("{}: {why}", puller.who))
        };
        self.pullers().iter().filter_map(why).collect()
    }

    fn pullers(&self) -> Vec<Puller<'_>> {
        let own = self.templates.iter().filter(|template| !template.foreign);
        let templates = own.map(|template| Puller::of("template", &template.id, &template.container));
        let endpoints = self.endpoints.iter().flat_map(|endpoint| {
            let itself = Puller::of("endpoint", &endpoint.id, &endpoint.container);
            std::iter::once(itself)
                .chain(endpoint.workers.iter().map(|worker| Puller::worker(endpoint, worker)))
        });
        let pods = self.pods.iter().map(|pod| Puller::of("pod", &pod.id, &pod.container));
        templates.chain(endpoints).chain(pods).collect()
    }

    fn why_not(&self, puller: &Puller<'_>, hub: &Registry) -> Option<String> {
        let host = host(puller.image);
        let Some(id) = puller.auth else {
            return Some("no registry auth".to_owned());
        };
        match self.auth(id) {
            None => Some(format!("registry auth {id} is gone")),
            Some(auth) if self.logs_in(auth, host, hub) => None,
            Some(auth) => Some(format!("registry auth {} does not log in to {host}", auth.name)),
        }
    }

    fn logs_in(&self, auth: &Auth, host: &str, hub: &Registry) -> bool {
        let here = |login: &Login| {
            (login.host.as_str(), &login.username, &login.password) == (host, &auth.username, &auth.password)
        };
        (host == DOCKER_HUB && hub.accepts(&auth.username, &auth.password)) || self.elsewhere.iter().any(here)
    }
}

/// The registry of an image: the first part if it looks like a host.
fn host(image: &str) -> &str {
    match image.split_once('/') {
        Some(("index.docker.io", _)) | None => DOCKER_HUB,
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => first,
        Some((first, _)) if first.chars().any(char::is_uppercase) => first,
        Some(_) => DOCKER_HUB,
    }
}

/// Everybody who has a working auth now.
pub(crate) fn working(world: &World) -> BTreeSet<String> {
    let (runpod, hub) = (&world.runpod, &world.registry);
    let pullers = runpod.pullers();
    pullers
        .into_iter()
        .filter(|puller| runpod.why_not(puller, hub).is_none())
        .map(|puller| puller.who)
        .collect()
}

/// Writes down who had a working auth before this operation and is still there without one.
pub(crate) fn record(world: &mut World, before: &BTreeSet<String>, operation: &str) {
    let (runpod, hub) = (&world.runpod, &world.registry);
    let lost: Vec<String> = runpod
        .pullers()
        .iter()
        .filter(|puller| before.contains(&puller.who))
        .filter_map(|puller| {
            let why = runpod.why_not(puller, hub)?;
            Some(format!("after {operation}: {}: {why}", puller.who))
        })
        .collect();
    world.runpod.outages.extend(lost);
}
