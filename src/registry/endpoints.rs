//! Where a registry's API is reached, if not at its own host: mirrors, and servers for tests.

use std::collections::BTreeMap;
use std::fmt;

use url::Url;

use crate::model::{Registry, RegistryError};
use crate::net::is_loopback;

/// The environment variable that names other endpoints. It is read where the environment is, not here.
pub const ENDPOINTS_VARIABLE: &str = "REGCRED_REGISTRY_ENDPOINTS";

/// Base URLs of registries' APIs. The default is `https://` and the registry's own host, and plain http for a registry
/// that is this machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Endpoints {
    bases: BTreeMap<Registry, Url>,
    /// The host that may issue tokens, where the configuration names one.
    token_service: Option<String>,
}

/// Everything that is wrong with a list of endpoints.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{ENDPOINTS_VARIABLE}: {}", listed(.0))]
pub struct EndpointsError(pub Vec<EndpointProblem>);

/// What is wrong with one entry of the list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointProblem {
    /// Not `registry=url`.
    #[error("entry {0} is not of the form `docker.io=https://mirror.example.com`")]
    Form(usize),
    /// The registry's name is wrong.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The URL is not that of a host.
    #[error("the endpoint of {0} is not an http or https URL of a host, without path, query and user name")]
    Url(Registry),
    /// Plain http to another machine.
    #[error("the endpoint of {0} is plain http, which only this machine may be reached by")]
    PlainHttp(Registry),
    /// A registry has two endpoints.
    #[error("{0} has two endpoints")]
    Twice(Registry),
}

impl Endpoints {
    /// Reads `docker.io=http://127.0.0.1:5000,ghcr.io=https://mirror.example.com`; empty entries are left out.
    ///
    /// # Errors
    /// [`EndpointsError`] with every entry that is wrong.
    pub fn parse(text: &str) -> Result<Self, EndpointsError> {
        let mut endpoints = BTreeMap::new();
        let mut problems = Vec::new();
        for (index, entry) in
            text.split(',').map(str::trim).enumerate().filter(|(_, entry)| !entry.is_empty())
        {
            match parse_entry(index + 1, entry) {
                Ok((registry, url)) => {
                    if endpoints.insert(registry.clone(), url).is_some() {
                        problems.push(EndpointProblem::Twice(registry));
                    }
                }
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() {
            Ok(Self { bases: endpoints, token_service: None })
        } else {
            Err(EndpointsError(problems))
        }
    }

    /// The same for one credential, whose tokens this host may issue.
    #[must_use]
    pub fn trusting(&self, token_service: Option<&str>) -> Self {
        Self { token_service: token_service.map(str::to_owned), ..self.clone() }
    }

    /// The host that may issue tokens, beside the registry's own.
    pub(super) fn token_service(&self) -> Option<&str> {
        self.token_service.as_deref()
    }

    /// The base URL of a registry's API, to which `v2/` is joined; nothing if its host is none that a URL can have.
    pub fn base(&self, registry: &Registry) -> Option<Url> {
        if let Some(url) = self.bases.get(registry) {
            return Some(url.clone());
        }
        let url = Url::parse(&format!("https://{}/", registry.api_host())).ok()?;
        // As Docker does: a registry of this machine has no certificate, and nobody is in between.
        if is_loopback(&url) {
            Url::parse(&format!("http://{}/", registry.api_host())).ok()
        } else {
            Some(url)
        }
    }
}

fn parse_entry(number: usize, entry: &str) -> Result<(Registry, Url), EndpointProblem> {
    let (name, address) = entry.split_once('=').ok_or(EndpointProblem::Form(number))?;
    let registry = Registry::parse(name)?;
    let Some(url) = Url::parse(address.trim()).ok().filter(is_base) else {
        return Err(EndpointProblem::Url(registry));
    };
    if crate::net::check(&url, false).is_err() {
        return Err(EndpointProblem::PlainHttp(registry));
    }
    Ok((registry, url))
}

fn is_base(url: &Url) -> bool {
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let anonymous = url.username().is_empty() && url.password().is_none();
    matches!(url.scheme(), "https" | "http") && url.has_host() && bare && anonymous
}

fn listed<T: fmt::Display>(problems: &[T]) -> String {
    problems.iter().map(T::to_string).collect::<Vec<_>>().join("; ")
}
