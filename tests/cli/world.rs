//! What has to be true of the systems, looked at from outside.

use std::sync::{Arc, Mutex};

use regcred_sandbox::aws::Secret;
use regcred_sandbox::{Sandbox, World};
use serde_json::json;

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
