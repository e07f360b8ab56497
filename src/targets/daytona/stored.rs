//! How Daytona stores a registry's url, and which of the stored forms any image name matches. As of its API server 0.190:
//!
//! ```text
//! sent                              stored               matched by images
//! docker.io, index.docker.io/v1/    docker.io            yes: any url that contains docker.io
//! ghcr.io, https://ghcr.io/         as sent, without /   yes: compared without the scheme
//! https://ghcr.io/v2/               https://ghcr.io/v2   never
//! localhost:5000, registry:5000     refused: no host with a dot
//! ```

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::model::registry::DOCKER_HUB;
use crate::model::{Registry, RegistryError};

/// What is sent for Docker Hub: newer servers store it as `docker.io`; older ones as it is, and match it so.
const HUB_SENT: &str = "index.docker.io/v1/";

/// The url to send for a registry.
#[must_use]
pub fn sent(registry: &Registry) -> &str {
    if registry.is_docker_hub() { HUB_SENT } else { registry.canonical() }
}

/// A stored url as it is compared with image names.
#[must_use]
pub fn bare(url: &str) -> &str {
    url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or(url)
}

/// The registry that a row's url means, in any spelling, those included that no image ever matches. Nothing for what is
/// no registry, or a part of one.
#[must_use]
pub fn meant(url: &str) -> Option<Registry> {
    match Registry::parse(url) {
        Ok(registry) => Some(registry),
        // People write hub.docker.com for it.
        Err(RegistryError::NotDockerHub(_)) => Some(Registry::docker_hub()),
        Err(_) => None,
    }
}

/// Whether images of the registry are pulled with a row that has this url.
#[must_use]
pub fn matches(url: &str, registry: &Registry) -> bool {
    bare(url) == registry.canonical() || registry.is_docker_hub() && is_of_old_server(url)
}

/// Whether it is Docker Hub in the form that servers before January 2026 keep and match, and newer ones do not.
#[must_use]
pub fn is_of_old_server(url: &str) -> bool {
    bare(url).trim_end_matches('/') == HUB_SENT.trim_end_matches('/')
}

/// Whether a row's url is for a part of the registry alone, such as `ghcr.io/acme`.
#[must_use]
pub fn is_part_of(url: &str, registry: &Registry) -> bool {
    let below = bare(url).strip_prefix(registry.canonical()).and_then(|rest| rest.strip_prefix('/'));
    below.is_some_and(|path| !path.is_empty()) && meant(url).is_none()
}

/// Why Daytona cannot hold a credential for the registry: what it would do with it, and what to write instead.
#[must_use]
pub fn fault(registry: &Registry) -> Option<(String, String)> {
    let host = registry.canonical();
    if !registry.is_docker_hub() && host.contains(DOCKER_HUB) {
        let message = format!("Daytona takes every url that contains docker.io for Docker Hub, `{host}` too");
        Some((message, "leave `daytona` out for it".to_owned()))
    } else if !is_url_host(host) {
        let message = format!("Daytona refuses `{host}`: it takes a host with a dot in it, or an address");
        Some((
            message,
            "give the registry a name such as registry.example.com, or leave `daytona` out".to_owned(),
        ))
    } else {
        None
    }
}

/// Whether Daytona takes a host for a url's: an address, or labels of letters, digits and hyphens with a dot between them,
/// the last one of letters.
fn is_url_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[') {
        return address.split(']').next().is_some_and(|address| address.parse::<Ipv6Addr>().is_ok());
    }
    let name = host.split(':').next().unwrap_or_default();
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    let top = |label: &str| {
        label.len() >= 2 && label.chars().all(|c| c.is_ascii_alphabetic()) || label.starts_with("xn--")
    };
    name.parse::<Ipv4Addr>().is_ok()
        || name.split('.').all(label) && name.rsplit_once('.').is_some_and(|(_, last)| top(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registry(text: &str) -> Registry {
        text.parse().unwrap()
    }

    #[test]
    fn docker_hub_is_sent_in_the_form_that_old_servers_match_and_new_ones_turn_into_theirs() {
        assert_eq!(sent(&registry("docker.io")), "index.docker.io/v1/");
        assert_eq!(sent(&registry("https://ghcr.io/")), "ghcr.io");
        for url in ["docker.io", "https://docker.io", "index.docker.io/v1", "https://index.docker.io/v1/"] {
            assert!(matches(url, &Registry::docker_hub()), "{url}");
        }
    }

    #[test]
    fn a_row_is_for_a_registry_in_any_spelling_but_only_some_spellings_are_ever_matched() {
        let ghcr = registry("ghcr.io");
        for (url, matched) in [
            ("ghcr.io", true),
            ("https://ghcr.io", true),
            ("https://ghcr.io/v2", false),
            ("GHCR.IO", false),
            ("ghcr.io/v1", false),
        ] {
            assert_eq!(meant(url), Some(ghcr.clone()), "{url}");
            assert_eq!(matches(url, &ghcr), matched, "{url}");
        }
        for url in ["https://hub.docker.com", "https://registry.hub.docker.com", "registry-1.docker.io"] {
            assert_eq!(meant(url), Some(Registry::docker_hub()), "{url}");
            assert!(!matches(url, &Registry::docker_hub()), "{url}");
        }
        assert_eq!(meant("ghcr.io/acme"), None);
        assert!(is_part_of("https://ghcr.io/acme", &ghcr));
        assert!(!is_part_of("https://ghcr.io/v2", &ghcr) && !is_part_of("ghcr.io.example.com/acme", &ghcr));
    }

    #[test]
    fn what_daytona_would_refuse_or_take_for_docker_hub_is_refused_with_the_reason() {
        for (text, reason) in [
            ("mydocker.io.example.com", "contains docker.io"),
            ("docker.io:443", "contains docker.io"),
            ("localhost:5000", "refuses `localhost:5000`"),
            ("registry:5000", "refuses"),
            ("10.0.0.300:5000", "refuses"),
            ("registry.example.com1", "refuses"),
        ] {
            let (message, hint) = fault(&registry(text)).unwrap_or_else(|| panic!("{text} is taken"));
            assert!(message.contains(reason) && !hint.is_empty(), "{text}: {message}");
        }
        for text in [
            "docker.io",
            "https://index.docker.io/v1/",
            "registry-1.docker.io",
            "ghcr.io",
            "https://ghcr.io/",
            // What is sent is the host alone.
            "https://ghcr.io/v2/",
            "ghcr.io:443",
            "127.0.0.1:5000",
            "[::1]:5000",
            "us-central1-docker.pkg.dev",
            "registry.xn--p1ai",
        ] {
            assert_eq!(fault(&registry(text)), None, "{text}");
        }
    }
}
