//! The registries that a repository may name which is not trusted: whoever runs them gets the credential, and nobody else
//! can be one of them.

use crate::model::Registry;

/// Each of them issues its own tokens, on its own site.
const HOSTS: [&str; 8] =
    ["docker.io", "ghcr.io", "registry.gitlab.com", "quay.io", "cgr.dev", "gcr.io", "us.gcr.io", "eu.gcr.io"];
/// Domains below which the one who runs them serves every registry: a customer names it, and does not run it.
const BELOW: [&str; 2] = [".azurecr.io", "-docker.pkg.dev"];

/// Whether a registry is run by one of those whom everybody knows.
#[must_use]
pub fn is_public(registry: &Registry) -> bool {
    let host = registry.canonical();
    let name = BELOW.iter().find_map(|end| host.strip_suffix(end));
    HOSTS.contains(&host) || name.is_some_and(|name| !name.is_empty() && !name.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_can_make_a_registry_that_counts_as_one_that_everybody_knows() {
        let is_public = |host: &str| is_public(&Registry::parse(host).expect("a registry"));
        for known in ["docker.io", "index.docker.io", "ghcr.io", "acme.azurecr.io", "us-west1-docker.pkg.dev"]
        {
            assert!(is_public(known), "{known}");
        }
        for other in [
            "127.0.0.1:5000",
            "localhost",
            "registry.acme.com",
            "ghcr.io:8443",
            "docker.io.example.com",
            "evilghcr.io",
            "x.ghcr.io",
            "a.b.azurecr.io",
            "ec2-1-2-3-4.compute.amazonaws.com",
            "pkg.dev.example.com",
            "x.pkg.dev",
        ] {
            assert!(!is_public(other), "{other}");
        }
    }
}
