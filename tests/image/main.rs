//! What regcred says about image names, and about the files that have them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod corpus;
mod git;
mod kustomize;
mod rows;
mod scan;
mod yaml_forms;

use regcred::image::{Context, Stack};
use regcred::model::Registry;

/// A stack whose cache is for this registry.
fn stack(name: &str, region: &str, registry: &str) -> Stack {
    Stack {
        name: name.into(),
        account: None,
        region: region.into(),
        prefix: format!("{name}-docker-hub"),
        registry: Registry::parse(registry).unwrap(),
    }
}

/// Credentials for these registries, named after them.
fn credentials(registries: &[&str]) -> Vec<(String, Registry)> {
    registries.iter().map(|&name| (format!("to-{name}"), Registry::parse(name).unwrap())).collect()
}

/// Docker Hub and GHCR, and one stack.
fn context() -> Context {
    let stacks = vec![stack("main", "us-east-2", "docker.io")];
    Context { credentials: credentials(&["docker.io", "ghcr.io"]), stacks, ..Context::default() }
}
