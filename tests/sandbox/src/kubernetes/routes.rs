//! The paths, as the server's OpenAPI description writes them, with the verbs that the rules name.

use std::collections::BTreeMap;

use http::Method;

use super::{Outcome, Visit, deletion, discovery, list, objects, patch};

type Handler = fn(&mut Visit<'_>) -> Outcome;

/// What kind of thing a path is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resource {
    Namespaces,
    Secrets,
    ServiceAccounts,
    /// Versions, health and access reviews: nothing that is stored.
    None,
}

impl Resource {
    /// As in a path and in a rule.
    pub(crate) fn plural(self) -> &'static str {
        match self {
            Self::Namespaces => "namespaces",
            Self::Secrets => "secrets",
            Self::ServiceAccounts => "serviceaccounts",
            Self::None => "",
        }
    }

    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Namespaces => "Namespace",
            Self::Secrets => "Secret",
            Self::ServiceAccounts => "ServiceAccount",
            Self::None => "",
        }
    }
}

/// An endpoint.
pub(crate) struct Route {
    /// Method and path as documented.
    pub(crate) name: &'static str,
    /// For the rules; empty where everybody may.
    pub(crate) verb: &'static str,
    pub(crate) resource: Resource,
    pub(crate) handler: Handler,
}

impl Route {
    /// An access review is a question, for all that it is a POST.
    pub(crate) fn is_write(&self) -> bool {
        matches!(self.verb, "create" | "update" | "patch" | "delete")
    }
}

const fn route(name: &'static str, verb: &'static str, resource: Resource, handler: Handler) -> Route {
    Route { name, verb, resource, handler }
}

use Resource::{Namespaces, None as Nothing, Secrets, ServiceAccounts};

static ROUTES: &[Route] = &[
    route("GET /version", "", Nothing, discovery::version),
    route("GET /livez", "", Nothing, discovery::healthy),
    route("GET /readyz", "", Nothing, discovery::healthy),
    route("GET /api", "", Nothing, discovery::versions),
    route("GET /apis", "", Nothing, discovery::groups),
    route("GET /api/v1", "", Nothing, discovery::resources),
    route("GET /apis/authorization.k8s.io/v1", "", Nothing, discovery::reviews),
    route("GET /apis/authentication.k8s.io/v1", "", Nothing, discovery::reviews),
    route("POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "", Nothing, discovery::may_i),
    route("POST /apis/authentication.k8s.io/v1/selfsubjectreviews", "", Nothing, discovery::who_am_i),
    route("GET /api/v1/namespaces", "list", Namespaces, list::list),
    route("GET /api/v1/namespaces/{name}", "get", Namespaces, objects::get),
    route("GET /api/v1/secrets", "list", Secrets, list::list),
    route("GET /api/v1/namespaces/{namespace}/secrets", "list", Secrets, list::list),
    route("POST /api/v1/namespaces/{namespace}/secrets", "create", Secrets, objects::create),
    route("GET /api/v1/namespaces/{namespace}/secrets/{name}", "get", Secrets, objects::get),
    route("PUT /api/v1/namespaces/{namespace}/secrets/{name}", "update", Secrets, objects::replace),
    route("PATCH /api/v1/namespaces/{namespace}/secrets/{name}", "patch", Secrets, patch::patch),
    route("DELETE /api/v1/namespaces/{namespace}/secrets/{name}", "delete", Secrets, deletion::delete),
    route("GET /api/v1/serviceaccounts", "list", ServiceAccounts, list::list),
    route("GET /api/v1/namespaces/{namespace}/serviceaccounts", "list", ServiceAccounts, list::list),
    route("POST /api/v1/namespaces/{namespace}/serviceaccounts", "create", ServiceAccounts, objects::create),
    route("GET /api/v1/namespaces/{namespace}/serviceaccounts/{name}", "get", ServiceAccounts, objects::get),
    route(
        "PUT /api/v1/namespaces/{namespace}/serviceaccounts/{name}",
        "update",
        ServiceAccounts,
        objects::replace,
    ),
    route(
        "PATCH /api/v1/namespaces/{namespace}/serviceaccounts/{name}",
        "patch",
        ServiceAccounts,
        patch::patch,
    ),
    route(
        "DELETE /api/v1/namespaces/{namespace}/serviceaccounts/{name}",
        "delete",
        ServiceAccounts,
        deletion::delete,
    ),
];

/// The endpoint for this method and path, and its parameters by name.
pub(crate) fn find(
    method: &Method,
    segments: &[String],
) -> Option<(&'static Route, BTreeMap<&'static str, String>)> {
    ROUTES.iter().find_map(|route| Some((route, params(route, method, segments)?)))
}

fn params(
    route: &'static Route,
    method: &Method,
    segments: &[String],
) -> Option<BTreeMap<&'static str, String>> {
    let (wanted, path) = route.name.split_once(' ')?;
    let parts: Vec<&'static str> = path.split('/').filter(|part| !part.is_empty()).collect();
    if wanted != method.as_str() || parts.len() != segments.len() {
        return None;
    }
    let mut params = BTreeMap::new();
    for (part, segment) in parts.into_iter().zip(segments) {
        match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            Some(name) => params.insert(name, segment.clone()),
            None if part == segment => None,
            None => return None,
        };
    }
    Some(params)
}
