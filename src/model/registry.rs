//! The registry that a credential is for, in one canonical form.
//!
//! This is not how an image name is read ([`super::reference`]). People and systems write Docker Hub in at least five ways
//! when they name a credential's registry, and all of them mean Docker Hub; in an image name only `docker.io` and
//! `index.docker.io` do.

use std::fmt;
use std::str::FromStr;

use super::reference::{Reference, is_domain};

/// The canonical name of Docker Hub, and the host that image names of it have.
pub const DOCKER_HUB: &str = "docker.io";

/// What a credential of Docker Hub is filed under by Docker, the kubelet, RunPod and Daytona
/// (`getAuthConfigKey` in docker/cli).
pub const DOCKER_HUB_CONFIG_KEY: &str = "https://index.docker.io/v1/";

/// The host that serves Docker Hub's registry API.
const DOCKER_HUB_API: &str = "registry-1.docker.io";

/// Hosts that mean Docker Hub where a credential is named.
const DOCKER_HUB_NAMES: [&str; 4] =
    [DOCKER_HUB, "index.docker.io", DOCKER_HUB_API, "registry.hub.docker.com"];

/// What people write for Docker Hub that names no registry, or another one.
const DOCKER_HUB_MISTAKES: [&str; 6] =
    ["hub.docker.com", "www.docker.com", "docker.com", "docker-hub", "dockerhub", "docker"];

/// The registry that a credential is for: a host in lower case, and a port if one was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Registry(String);

/// Why a text does not name a registry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// Nothing was written.
    #[error("a registry is named by its host, and nothing is written")]
    Empty,
    /// A URL, but not of the web.
    #[error("registry `{host}`: the scheme `{scheme}` is neither `https` nor `http`")]
    Scheme {
        /// The scheme as written.
        scheme: String,
        /// What follows it, up to the first `/`.
        host: String,
    },
    /// `user@host`. What stands before the `@` may be a password and is not repeated.
    #[error("registry `{host}` has a user name or a password before its host")]
    UserInfo {
        /// What follows the `@`, up to the first `/`.
        host: String,
    },
    /// A path, which no credential is filed under.
    #[error("registry `{host}` has the path `{path}`: a credential is for a host")]
    Path {
        /// The host and port.
        host: String,
        /// The path as written.
        path: String,
    },
    /// Not a host name, address or port that image names can have.
    #[error("`{0}` is not a host, with or without a port")]
    Host(String),
    /// A name that an image name would not take for a host.
    #[error("`{0}` has neither a dot nor a port: in an image name it would be a namespace of Docker Hub")]
    NotAHost(String),
    /// A name that people write for Docker Hub and that is not its registry.
    #[error("`{0}` is not the name of Docker Hub's registry")]
    NotDockerHub(String),
}

impl RegistryError {
    /// What to write instead, where that can be said.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UserInfo { host } | Self::Path { host, .. } | Self::Scheme { host, .. }
                if is_domain(host) =>
            {
                Some(format!("write `registry: {}`", host.to_ascii_lowercase()))
            }
            Self::Empty | Self::NotDockerHub(_) => Some(format!("write `registry: {DOCKER_HUB}`")),
            Self::NotAHost(name) => {
                Some(format!("write its full host name, or a port: `registry: {name}:443`"))
            }
            Self::Scheme { .. } | Self::UserInfo { .. } | Self::Path { .. } | Self::Host(_) => None,
        }
    }
}

impl Registry {
    /// Reads what people and systems write for a credential's registry: a host or a URL of it.
    ///
    /// The scheme, upper case, a trailing `/` and the API's root (`/v1/`, `/v2/`) make no difference; the port does.
    ///
    /// # Errors
    /// [`RegistryError`] if no registry is named, or more than one (a path).
    pub fn parse(text: &str) -> Result<Self, RegistryError> {
        let (authority, path) = split_url(text.trim())?;
        if let Some((_, host)) = authority.rsplit_once('@') {
            return Err(RegistryError::UserInfo { host: host.to_owned() });
        }
        if !matches!(path.trim_end_matches('/'), "" | "/v1" | "/v2") {
            return Err(RegistryError::Path { host: authority.to_owned(), path: path.to_owned() });
        }
        check_host(authority)?;
        let host = authority.to_ascii_lowercase();
        let docker_hub = DOCKER_HUB_NAMES.contains(&host.as_str());
        Ok(Self(if docker_hub { DOCKER_HUB.to_owned() } else { host }))
    }

    /// Docker Hub.
    pub fn docker_hub() -> Self {
        Self(DOCKER_HUB.to_owned())
    }

    /// The canonical name: the host that image names of this registry have.
    pub fn canonical(&self) -> &str {
        &self.0
    }

    /// Whether this is Docker Hub.
    pub fn is_docker_hub(&self) -> bool {
        self.0 == DOCKER_HUB
    }

    /// Whether Docker runs it, so that it takes Docker Hub's tokens: Docker Hub, and the hardened images at `dhi.io`.
    pub fn is_dockers(&self) -> bool {
        self.is_docker_hub() || self.0 == "dhi.io" || self.0.ends_with(".docker.io")
    }

    /// The host, with its port, that serves the registry's API.
    pub fn api_host(&self) -> &str {
        if self.is_docker_hub() { DOCKER_HUB_API } else { &self.0 }
    }

    /// The key of this registry in a Docker configuration's `auths`, and so in a Kubernetes pull secret.
    pub fn docker_config_key(&self) -> &str {
        if self.is_docker_hub() { DOCKER_HUB_CONFIG_KEY } else { &self.0 }
    }

    /// What ECR calls this registry as the upstream of a pull-through cache, and the upstream's URL; nothing for a
    /// registry that ECR cannot log in to (the `upstreamRegistry` values of `CreatePullThroughCacheRule` that take a
    /// `credentialArn`; of GitLab only the hosted one).
    pub fn ecr_upstream(&self) -> Option<(&'static str, String)> {
        let name = match self.canonical() {
            DOCKER_HUB => "docker-hub",
            "ghcr.io" => "github-container-registry",
            "registry.gitlab.com" => "gitlab-container-registry",
            "cgr.dev" => "chainguard",
            host if host.strip_suffix(".azurecr.io").is_some_and(|name| !name.is_empty()) => {
                "azure-container-registry"
            }
            _ => return None,
        };
        Some((name, self.api_host().to_owned()))
    }

    /// Whether a pull of this image presents this registry's credential.
    ///
    /// Hosts are compared as they are written, as Docker does: `GHCR.IO/x` and `ghcr.io:443/x` are pulled anonymously
    /// with a credential for `ghcr.io`.
    pub fn covers(&self, image: &Reference) -> bool {
        image.domain() == self.canonical()
    }
}

impl fmt::Display for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Registry {
    type Err = RegistryError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// The authority and the path of a URL of the web, or of a host written without a scheme.
fn split_url(text: &str) -> Result<(&str, &str), RegistryError> {
    let rest = match text.split_once("://") {
        Some((scheme, rest)) if is_web(scheme) => rest,
        Some((scheme, rest)) => {
            let host = rest.split('/').next().unwrap_or_default();
            let host = host.rsplit('@').next().unwrap_or_default();
            return Err(RegistryError::Scheme { scheme: scheme.to_owned(), host: host.to_owned() });
        }
        None => text,
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    Ok(rest.split_at(end))
}

fn is_web(scheme: &str) -> bool {
    ["https", "http"].iter().any(|web| web.eq_ignore_ascii_case(scheme))
}

fn check_host(authority: &str) -> Result<(), RegistryError> {
    let lower = authority.to_ascii_lowercase();
    if authority.is_empty() {
        Err(RegistryError::Empty)
    } else if DOCKER_HUB_MISTAKES.contains(&lower.as_str()) {
        Err(RegistryError::NotDockerHub(authority.to_owned()))
    } else if !is_domain(authority) || !port_is_possible(authority) {
        Err(RegistryError::Host(authority.to_owned()))
    } else if !lower.contains(['.', ':']) && lower != "localhost" {
        Err(RegistryError::NotAHost(authority.to_owned()))
    } else {
        Ok(())
    }
}

/// Whether the port, if there is one, is between 1 and 65535.
fn port_is_possible(authority: &str) -> bool {
    match authority.rsplit_once(':') {
        Some((_, port)) if !port.ends_with(']') => port.parse::<u16>().is_ok_and(|port| port > 0),
        Some(_) | None => true,
    }
}
