//! What has to be true of the systems, looked at from outside.

use std::sync::{Arc, Mutex};

use regcred_sandbox::aws::Secret;
use regcred_sandbox::{Sandbox, World};
use serde_json::json;

use crate::kubernetes::HUB;
use crate::place::USER;

pub(crate) const ACCOUNT: &str = "123456789012";
pub(crate) const REGION: &str = "us-east-2";
pub(crate) const NAME: &str = "ecr-pullthroughcache/docker-hub";

/// The secret of the default account in a region.
pub(crate) fn secret<'w>(world: &'w World, region: &str) -> Option<&'w Secret> {
    world.aws.secret(ACCOUNT, region, NAME)
}

/// The place of one stack and one repository holds this token everywhere, and GitHub's record says so.
#[track_caller]
pub(crate) fn assert_holds(world: &World, token: &str) {
    assert_values(world, token);
    assert!(is_recorded(world));
}

/// Whether a marker vouches for GitHub's secrets.
pub(crate) fn is_recorded(world: &World) -> bool {
    let variables = &world.github.repositories["acme/api"].variables;
    variables.get("DOCKER_HUB_SYNC").is_some_and(|marker| marker.value.starts_with("v1 "))
}

/// The place of one stack and one repository holds this token everywhere.
#[track_caller]
pub(crate) fn assert_values(world: &World, token: &str) {
    let secret = secret(world, REGION).expect("there is a secret");
    let value: serde_json::Value = serde_json::from_str(secret.value().expect("it has a value")).unwrap();
    assert_eq!(value, json!({ "username": USER, "accessToken": token }));
    assert!(secret.policy.as_ref().is_some_and(|policy| policy.contains("Deny")), "{:?}", secret.policy);
    assert_eq!(secret.tags.get("managed-by").map(String::as_str), Some("regcred"));
    let rule = world.aws.rule(ACCOUNT, REGION, "main-docker-hub").expect("there is a rule");
    assert_eq!(rule.credential_arn.as_deref(), Some(secret.arn.as_str()));
    let repository = &world.github.repositories["acme/api"];
    assert_eq!(repository.actions.value("DOCKER_HUB_USERNAME"), Some(USER));
    assert_eq!(repository.actions.value("DOCKER_HUB_TOKEN"), Some(token));
}

/// The token that each place of the default world is found to hold.
pub(crate) fn values(world: &World) -> Vec<(String, Option<String>)> {
    let mut values = Vec::new();
    for secret in &world.aws.secrets {
        let value: Option<serde_json::Value> =
            secret.value().and_then(|text| serde_json::from_str(text).ok());
        values.push((
            secret.arn.clone(),
            value.and_then(|value| Some(value["accessToken"].as_str()?.to_owned())),
        ));
    }
    for (name, secret) in &world.github.repositories["acme/api"].actions.secrets {
        if name.ends_with("_TOKEN") {
            values.push((name.clone(), Some(secret.value.clone())));
        }
    }
    for row in &world.daytona.registries {
        values.push((row.id.clone(), Some(row.password.clone())));
    }
    for (namespace, found) in &world.kubernetes.clusters["prod"].namespaces {
        for name in found.secrets.keys() {
            let login = world.kubernetes.clusters["prod"].kubelet_login(namespace, name, HUB);
            values.push((name.clone(), login.map(|(_, token)| token)));
        }
    }
    for (name, auth) in users(world) {
        let auth = auth.and_then(|id| world.runpod.auth(id));
        values.push((name.to_owned(), auth.map(|auth| auth.password.clone())));
    }
    values
}

/// What uses a RunPod auth for Docker Hub.
fn users(world: &World) -> Vec<(&str, Option<&str>)> {
    let runpod = &world.runpod;
    let templates = runpod.templates.iter().map(|template| (&template.id, &template.container));
    let endpoints = runpod.endpoints.iter().map(|endpoint| (&endpoint.id, &endpoint.container));
    let pods = runpod.pods.iter().map(|pod| (&pod.id, &pod.container));
    let all = templates.chain(endpoints).chain(pods);
    let hub = all.filter(|(_, container)| !container.image.starts_with("ghcr.io/"));
    hub.map(|(id, container)| (id.as_str(), container.registry.as_deref())).collect()
}

/// Whether what is at an address is as a run with this token would leave it.
pub(crate) fn holds(world: &World, address: &str, token: &str) -> bool {
    let last = address.rsplit('/').next().unwrap_or_default();
    let found = values(world);
    let held = |of: &dyn Fn(&str) -> bool| {
        found.iter().any(|(name, value)| of(name) && value.as_deref() == Some(token))
    };
    match address.split(['/', ':']).collect::<Vec<_>>()[..] {
        ["aws", _, _, "secret", ..] => held(&|name| name.starts_with("arn:")),
        ["github", .., "actions", "DOCKER_HUB_TOKEN"] => held(&|name| name == "DOCKER_HUB_TOKEN"),
        ["kubernetes", .., "secret", _] => held(&|name| name == last),
        // The place is one of the rows for its registry; further ones are told by their ids.
        ["daytona", _, "docker-hub"] => held(&|_| true),
        ["daytona", ..] => held(&|name| name == last),
        ["runpod", "registry", _] => world.runpod.auths.iter().any(|auth| auth.password == token),
        ["runpod", "template" | "endpoint" | "pod", id]
            if users(world).iter().any(|(user, _)| *user == id) =>
        {
            held(&|name| name == id)
        }
        // No value is in it.
        _ => true,
    }
}

/// Nothing is there that nobody points at, and nobody was ever without.
#[track_caller]
pub(crate) fn assert_left_alone(world: &World, token: &str, at: &str) {
    let auths: Vec<&str> = world.runpod.auths.iter().map(|auth| auth.password.as_str()).collect();
    assert!(auths.iter().all(|password| *password == token) && auths.len() <= 1, "{auths:?}\n{at}");
    assert_eq!(world.runpod.outages, [""; 0], "{at}");
    assert!(world.aws.secrets.len() <= 1 && world.aws.rules.len() <= 1, "{at}");
    let names: Vec<&String> = world.kubernetes.clusters["prod"]
        .namespaces
        .values()
        .flat_map(|space| space.secrets.keys())
        .collect();
    assert!(names.len() <= 1, "{names:?}\n{at}");
}

/// What would leave somebody without a working credential.
pub(crate) fn broken(world: &World, before: Option<&World>) -> Vec<String> {
    let mut broken = Vec::new();
    for rule in &world.aws.rules {
        let reads =
            |secret: &&Secret| Some(&secret.arn) == rule.credential_arn.as_ref() && secret.deleted.is_none();
        match world.aws.secrets.iter().find(reads) {
            Some(secret) if secret.value().is_some() && secret.policy.is_some() => {}
            _ => broken.push(format!(
                "rule {} reads a secret that is not there, has no value or no policy",
                rule.prefix
            )),
        }
    }
    for secret in &world.aws.secrets {
        if secret.value().is_some() && secret.policy.is_none() {
            broken.push(format!("{} has a value that everybody can read", secret.name));
        }
    }
    for earlier in before.map(|world| &world.aws.secrets[..]).unwrap_or_default() {
        let now = world.aws.secrets.iter().find(|secret| secret.arn == earlier.arn);
        if earlier.value().is_some() && now.is_none_or(|secret| secret.value().is_none()) {
            broken.push(format!("{} had a current value and has none", earlier.name));
        }
    }
    for (name, earlier) in before.map(|world| world.github.repositories.iter()).into_iter().flatten() {
        let now = &world.github.repositories[name].actions;
        if let Some(gone) = earlier.actions.secrets.keys().find(|secret| now.value(secret).is_none()) {
            broken.push(format!("{name} lost {gone}"));
        }
    }
    broken
}

/// What was broken at any instant, in words.
pub(crate) type Seen = Arc<Mutex<Vec<String>>>;

/// Looks at the world after every request of the sandbox; what was broken at any of those instants.
pub(crate) fn watch(sandbox: &Sandbox) -> Seen {
    watch_for(sandbox, None, broken)
}

/// The same for what `fault` finds in a world, given the one before: at first `before`.
pub(crate) fn watch_for(
    sandbox: &Sandbox,
    before: Option<World>,
    fault: impl Fn(&World, Option<&World>) -> Vec<String> + Send + Sync + 'static,
) -> Seen {
    let found = Seen::default();
    let (copy, seen, look) = (found.clone(), Mutex::new(before), sandbox.watcher());
    sandbox.on_call(move |call| {
        let (world, mut seen) = (look(), seen.lock().unwrap());
        let words = fault(&world, seen.as_ref())
            .into_iter()
            .map(|words| format!("after {}: {words}", call.operation));
        copy.lock().unwrap().extend(words);
        *seen = Some(world);
    });
    found
}
