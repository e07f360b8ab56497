//! The routes, in the words of RunPod's OpenAPI description.

use http::Method;

use super::check::{self, Schema};
use super::{Outcome, Visit, auths, endpoints, health, pods, templates};
use crate::calls::Service;

type Handler = fn(&mut Visit<'_>) -> Outcome;

/// An endpoint.
pub(crate) struct Route {
    /// Method and path as documented.
    pub(crate) name: &'static str,
    /// What a key's permission is named here.
    pub(crate) needs: &'static str,
    /// What its body has to be, if it takes one.
    pub(crate) body: Option<&'static Schema>,
    pub(crate) handler: Handler,
}

impl Route {
    pub(crate) fn is_write(&self) -> bool {
        self.method() != "GET"
    }

    /// The job API has another host, and neither quota nor description in common.
    pub(crate) fn service(&self) -> Service {
        if self.needs == "jobs" { Service::RunPodJobs } else { Service::RunPod }
    }

    fn method(&self) -> &'static str {
        self.name.split_once(' ').map_or("", |(method, _)| method)
    }

    fn path(&self) -> &'static str {
        self.name.split_once(' ').map_or("", |(_, path)| path)
    }

    /// `{id}` of a path that fits; empty where the route has none.
    fn id(&self, segments: &[String]) -> Option<String> {
        let parts: Vec<&str> = self.path().split('/').filter(|part| !part.is_empty()).collect();
        let fits = |(part, segment): (&&str, &String)| *part == "{id}" || *part == segment;
        if parts.len() != segments.len() || !parts.iter().zip(segments).all(fits) {
            return None;
        }
        let position = parts.iter().position(|part| *part == "{id}");
        Some(position.and_then(|position| segments.get(position)).cloned().unwrap_or_default())
    }
}

const fn read(name: &'static str, needs: &'static str, handler: Handler) -> Route {
    Route { name, needs, body: None, handler }
}

const fn write(name: &'static str, needs: &'static str, body: &'static Schema, handler: Handler) -> Route {
    Route { name, needs, body: Some(body), handler }
}

static ROUTES: &[Route] = &[
    read("GET /v2/registries", "registries", auths::list),
    write("POST /v2/registries", "registries", &check::CREATE_REGISTRY, auths::create),
    read("GET /v2/registries/{id}", "registries", auths::get),
    read("DELETE /v2/registries/{id}", "registries", auths::delete),
    read("GET /v2/templates", "templates", templates::list),
    write("POST /v2/templates", "templates", &check::CREATE_TEMPLATE, templates::create),
    read("GET /v2/templates/{id}", "templates", templates::get),
    write("PATCH /v2/templates/{id}", "templates", &check::UPDATE_TEMPLATE, templates::update),
    read("GET /v2/serverless", "serverless", endpoints::list),
    read("GET /v2/serverless/{id}", "serverless", endpoints::get),
    write("PATCH /v2/serverless/{id}", "serverless", &check::UPDATE_ENDPOINT, endpoints::update),
    read("GET /v2/serverless/{id}/releases", "serverless", endpoints::releases),
    read("GET /v2/serverless/{id}/workers", "serverless", endpoints::workers),
    read("GET /v2/pods", "pods", pods::list),
    read("GET /v2/pods/{id}", "pods", pods::get),
    write("PATCH /v2/pods/{id}", "pods", &check::UPDATE_POD, pods::update),
    write("POST /v2/pods/{id}/action", "pods", &check::POD_ACTION, pods::act),
    // The job API: https://api.runpod.ai/v2/{id}/health, and /ping of https://{id}.api.runpod.ai.
    read("GET /v2/{id}/health", "jobs", health::queue),
    read("GET /load-balancer/{id}/ping", "jobs", health::ping),
];

/// What a method and path lead to.
pub(crate) enum Found {
    /// A route and its `{id}`.
    Route(&'static Route, String),
    /// The path is there with other methods.
    Methods(Vec<&'static str>),
    Nothing,
}

pub(crate) fn find(method: &Method, segments: &[String]) -> Found {
    let fitting: Vec<(&'static Route, String)> =
        ROUTES.iter().filter_map(|route| Some((route, route.id(segments)?))).collect();
    match fitting.iter().find(|(route, _)| route.method() == method.as_str()) {
        Some((route, id)) => Found::Route(route, id.clone()),
        None if fitting.is_empty() => Found::Nothing,
        None => Found::Methods(fitting.iter().map(|(route, _)| route.method()).collect()),
    }
}
