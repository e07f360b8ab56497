//! The routes, in the words of GitHub's OpenAPI description, with the permissions that its documentation names.

use std::collections::BTreeMap;

use http::Method;

use super::{
    Outcome, Visit, apps, environments, lists, repositories, runs, secrets, selected, user, variables,
};

type Handler = fn(&mut Visit<'_>) -> Outcome;

/// An endpoint.
pub(crate) struct Route {
    /// Method and path as documented.
    pub(crate) name: &'static str,
    /// `permission=level`, all of them needed.
    pub(crate) needs: &'static [(&'static str, &'static str)],
    pub(crate) handler: Handler,
}

impl Route {
    /// For `X-Accepted-GitHub-Permissions`: a comma joins what is needed together.
    pub(crate) fn accepted(&self) -> String {
        let all: Vec<String> =
            self.needs.iter().map(|(permission, level)| format!("{permission}={level}")).collect();
        all.join(",")
    }

    pub(crate) fn is_write(&self) -> bool {
        !self.name.starts_with("GET ")
    }

    /// Whether an App asks it as itself, and not with a token.
    pub(crate) fn is_apps(&self) -> bool {
        self.path().starts_with("/app") || self.path().ends_with("/installation")
    }

    pub(crate) fn path(&self) -> &'static str {
        self.name.split_once(' ').map_or("", |(_, path)| path)
    }
}

const fn route(
    name: &'static str,
    needs: &'static [(&'static str, &'static str)],
    handler: Handler,
) -> Route {
    Route { name, needs, handler }
}

const METADATA: &[(&str, &str)] = &[("metadata", "read")];
const SECRETS_READ: &[(&str, &str)] = &[("secrets", "read")];
const SECRETS_WRITE: &[(&str, &str)] = &[("secrets", "write")];
const VARIABLES_READ: &[(&str, &str)] = &[("actions_variables", "read")];
const VARIABLES_WRITE: &[(&str, &str)] = &[("actions_variables", "write")];
const DEPENDABOT_READ: &[(&str, &str)] = &[("dependabot_secrets", "read")];
const DEPENDABOT_WRITE: &[(&str, &str)] = &[("dependabot_secrets", "write")];
const ENVIRONMENT_SECRETS_READ: &[(&str, &str)] = &[("secrets", "read"), ("environments", "read")];
const ENVIRONMENT_SECRETS_WRITE: &[(&str, &str)] = &[("secrets", "write"), ("environments", "write")];
const ENVIRONMENT_VARIABLES_READ: &[(&str, &str)] =
    &[("actions_variables", "read"), ("environments", "read")];
const ENVIRONMENT_VARIABLES_WRITE: &[(&str, &str)] =
    &[("actions_variables", "write"), ("environments", "write")];
const ORG_SECRETS_READ: &[(&str, &str)] = &[("organization_secrets", "read")];
const ORG_SECRETS_WRITE: &[(&str, &str)] = &[("organization_secrets", "write")];
const ORG_VARIABLES_READ: &[(&str, &str)] = &[("organization_actions_variables", "read")];
const ORG_VARIABLES_WRITE: &[(&str, &str)] = &[("organization_actions_variables", "write")];
const ORG_DEPENDABOT_READ: &[(&str, &str)] = &[("organization_dependabot_secrets", "read")];
const ORG_DEPENDABOT_WRITE: &[(&str, &str)] = &[("organization_dependabot_secrets", "write")];

/// Literal segments come before parameters, so that `public-key` is not taken for a secret's name.
static ROUTES: &[Route] = &[
    route("GET /user", &[], user::get),
    route("GET /user/repos", METADATA, lists::own),
    route("GET /users/{username}", METADATA, user::of_name),
    route("GET /users/{username}/repos", METADATA, lists::of_user),
    route("GET /orgs/{org}/repos", METADATA, lists::of_organization),
    route("GET /orgs/{org}/teams/{team_slug}/repos", &[("members", "read")], lists::of_team),
    route("GET /installation/repositories", METADATA, lists::of_installation),
    route("GET /app", &[], apps::get),
    route("GET /orgs/{org}/installation", &[], apps::installation),
    route("GET /users/{username}/installation", &[], apps::installation),
    route("POST /app/installations/{installation_id}/access_tokens", &[], apps::token),
    route("GET /repos/{owner}/{repo}", &[("metadata", "read")], repositories::get),
    route("GET /repos/{owner}/{repo}/actions/secrets", SECRETS_READ, secrets::list),
    route("GET /repos/{owner}/{repo}/actions/secrets/public-key", SECRETS_READ, secrets::public_key),
    route("GET /repos/{owner}/{repo}/actions/secrets/{secret_name}", SECRETS_READ, secrets::get),
    route("PUT /repos/{owner}/{repo}/actions/secrets/{secret_name}", SECRETS_WRITE, secrets::put),
    route("DELETE /repos/{owner}/{repo}/actions/secrets/{secret_name}", SECRETS_WRITE, secrets::delete),
    route("GET /repos/{owner}/{repo}/dependabot/secrets", DEPENDABOT_READ, secrets::list),
    route("GET /repos/{owner}/{repo}/dependabot/secrets/public-key", DEPENDABOT_READ, secrets::public_key),
    route("GET /repos/{owner}/{repo}/dependabot/secrets/{secret_name}", DEPENDABOT_READ, secrets::get),
    route("PUT /repos/{owner}/{repo}/dependabot/secrets/{secret_name}", DEPENDABOT_WRITE, secrets::put),
    route("DELETE /repos/{owner}/{repo}/dependabot/secrets/{secret_name}", DEPENDABOT_WRITE, secrets::delete),
    route("GET /repos/{owner}/{repo}/actions/variables", VARIABLES_READ, variables::list),
    route("POST /repos/{owner}/{repo}/actions/variables", VARIABLES_WRITE, variables::create),
    route("GET /repos/{owner}/{repo}/actions/variables/{name}", VARIABLES_READ, variables::get),
    route("PATCH /repos/{owner}/{repo}/actions/variables/{name}", VARIABLES_WRITE, variables::update),
    route("DELETE /repos/{owner}/{repo}/actions/variables/{name}", VARIABLES_WRITE, variables::delete),
    route("GET /repos/{owner}/{repo}/actions/runs", &[("actions", "read")], runs::list),
    route("GET /repos/{owner}/{repo}/environments", &[("actions", "read")], environments::list),
    route(
        "GET /repos/{owner}/{repo}/environments/{environment_name}",
        &[("actions", "read")],
        environments::get,
    ),
    route(
        "PUT /repos/{owner}/{repo}/environments/{environment_name}",
        &[("administration", "write")],
        environments::put,
    ),
    route(
        "GET /repos/{owner}/{repo}/environments/{environment_name}/secrets",
        ENVIRONMENT_SECRETS_READ,
        secrets::list,
    ),
    route(
        "GET /repos/{owner}/{repo}/environments/{environment_name}/secrets/public-key",
        ENVIRONMENT_SECRETS_READ,
        secrets::public_key,
    ),
    route(
        "GET /repos/{owner}/{repo}/environments/{environment_name}/secrets/{secret_name}",
        ENVIRONMENT_SECRETS_READ,
        secrets::get,
    ),
    route(
        "PUT /repos/{owner}/{repo}/environments/{environment_name}/secrets/{secret_name}",
        ENVIRONMENT_SECRETS_WRITE,
        secrets::put,
    ),
    route(
        "DELETE /repos/{owner}/{repo}/environments/{environment_name}/secrets/{secret_name}",
        ENVIRONMENT_SECRETS_WRITE,
        secrets::delete,
    ),
    route(
        "GET /repos/{owner}/{repo}/environments/{environment_name}/variables",
        ENVIRONMENT_VARIABLES_READ,
        variables::list,
    ),
    route(
        "POST /repos/{owner}/{repo}/environments/{environment_name}/variables",
        ENVIRONMENT_VARIABLES_WRITE,
        variables::create,
    ),
    route(
        "GET /repos/{owner}/{repo}/environments/{environment_name}/variables/{name}",
        ENVIRONMENT_VARIABLES_READ,
        variables::get,
    ),
    route(
        "PATCH /repos/{owner}/{repo}/environments/{environment_name}/variables/{name}",
        ENVIRONMENT_VARIABLES_WRITE,
        variables::update,
    ),
    route(
        "DELETE /repos/{owner}/{repo}/environments/{environment_name}/variables/{name}",
        ENVIRONMENT_VARIABLES_WRITE,
        variables::delete,
    ),
    route("GET /orgs/{org}/actions/secrets", ORG_SECRETS_READ, secrets::list),
    route("GET /orgs/{org}/actions/secrets/public-key", ORG_SECRETS_READ, secrets::public_key),
    route("GET /orgs/{org}/actions/secrets/{secret_name}", ORG_SECRETS_READ, secrets::get),
    route("PUT /orgs/{org}/actions/secrets/{secret_name}", ORG_SECRETS_WRITE, secrets::put),
    route("DELETE /orgs/{org}/actions/secrets/{secret_name}", ORG_SECRETS_WRITE, secrets::delete),
    route("GET /orgs/{org}/actions/secrets/{secret_name}/repositories", ORG_SECRETS_READ, selected::list),
    route("PUT /orgs/{org}/actions/secrets/{secret_name}/repositories", ORG_SECRETS_WRITE, selected::set),
    route(
        "PUT /orgs/{org}/actions/secrets/{secret_name}/repositories/{repository_id}",
        ORG_SECRETS_WRITE,
        selected::add,
    ),
    route(
        "DELETE /orgs/{org}/actions/secrets/{secret_name}/repositories/{repository_id}",
        ORG_SECRETS_WRITE,
        selected::remove,
    ),
    route("GET /orgs/{org}/dependabot/secrets", ORG_DEPENDABOT_READ, secrets::list),
    route("GET /orgs/{org}/dependabot/secrets/public-key", ORG_DEPENDABOT_READ, secrets::public_key),
    route("GET /orgs/{org}/dependabot/secrets/{secret_name}", ORG_DEPENDABOT_READ, secrets::get),
    route("PUT /orgs/{org}/dependabot/secrets/{secret_name}", ORG_DEPENDABOT_WRITE, secrets::put),
    route("DELETE /orgs/{org}/dependabot/secrets/{secret_name}", ORG_DEPENDABOT_WRITE, secrets::delete),
    route(
        "GET /orgs/{org}/dependabot/secrets/{secret_name}/repositories",
        ORG_DEPENDABOT_READ,
        selected::list,
    ),
    route(
        "PUT /orgs/{org}/dependabot/secrets/{secret_name}/repositories",
        ORG_DEPENDABOT_WRITE,
        selected::set,
    ),
    route(
        "PUT /orgs/{org}/dependabot/secrets/{secret_name}/repositories/{repository_id}",
        ORG_DEPENDABOT_WRITE,
        selected::add,
    ),
    route(
        "DELETE /orgs/{org}/dependabot/secrets/{secret_name}/repositories/{repository_id}",
        ORG_DEPENDABOT_WRITE,
        selected::remove,
    ),
    route("GET /orgs/{org}/actions/variables", ORG_VARIABLES_READ, variables::list),
    route("POST /orgs/{org}/actions/variables", ORG_VARIABLES_WRITE, variables::create),
    route("GET /orgs/{org}/actions/variables/{name}", ORG_VARIABLES_READ, variables::get),
    route("PATCH /orgs/{org}/actions/variables/{name}", ORG_VARIABLES_WRITE, variables::update),
    route("DELETE /orgs/{org}/actions/variables/{name}", ORG_VARIABLES_WRITE, variables::delete),
];

/// The route of a request with its parameters. `/repositories/{id}/…`, the address that a renamed repository redirects
/// to, has the same routes with one parameter instead of two.
pub(crate) fn find(
    method: &Method,
    segments: &[String],
) -> Option<(&'static Route, BTreeMap<&'static str, String>)> {
    ROUTES.iter().find_map(|route| {
        let (wanted, path) = route.name.split_once(' ')?;
        if wanted != method.as_str() {
            return None;
        }
        let params = parameters(path, segments).or_else(|| {
            let by_id = path.strip_prefix("/repos/{owner}/{repo}")?;
            parameters_of("/repositories/{repository_id}", by_id, segments)
        })?;
        Some((route, params))
    })
}

fn parameters(path: &'static str, segments: &[String]) -> Option<BTreeMap<&'static str, String>> {
    parameters_of("", path, segments)
}

fn parameters_of(
    head: &'static str,
    tail: &'static str,
    segments: &[String],
) -> Option<BTreeMap<&'static str, String>> {
    let parts = head.split('/').chain(tail.split('/')).filter(|part| !part.is_empty());
    let parts: Vec<&'static str> = parts.collect();
    if parts.len() != segments.len() {
        return None;
    }
    let mut params = BTreeMap::new();
    for (part, segment) in parts.into_iter().zip(segments) {
        match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            Some(name) => drop(params.insert(name, segment.clone())),
            None if part == segment => {}
            None => return None,
        }
    }
    Some(params)
}
