//! At which addresses the systems are, from the environment's own names. Plain http goes only to
//! this machine, unless the file says that the target is self-hosted without TLS.

use super::Insecure;
use crate::env::Env;
use crate::model::Problem;
use crate::registry::Endpoints;

const GITHUB: &str = "https://api.github.com";

/// The systems' addresses.
#[derive(Clone, Debug)]
pub struct Addresses {
    /// GitHub's API.
    pub github: String,
    /// Registries that are elsewhere than their names say.
    pub registries: Endpoints,
}

impl Default for Addresses {
    fn default() -> Self {
        Self { github: GITHUB.to_owned(), registries: Endpoints::default() }
    }
}

impl Addresses {
    /// Reads `GITHUB_API_URL`, `REGCRED_REGISTRY_ENDPOINTS` and the AWS SDK's endpoint variables.
    ///
    /// # Errors
    /// Addresses that are not valid, or plain http to another machine.
    pub(super) fn read(env: &Env, insecure: Insecure) -> Result<Self, Vec<Problem>> {
        let github = env.filled("GITHUB_API_URL").unwrap_or(GITHUB).trim_end_matches('/').to_owned();
        let mut problems = Vec::new();
        problems.extend(fault("GITHUB_API_URL", &github, insecure.github));
        let aws = env.iter().filter(|(name, value)| name.starts_with("AWS_ENDPOINT_URL") && !value.is_empty());
        problems.extend(aws.filter_map(|(name, value)| fault(name, value, insecure.aws)));
        let registries = match Endpoints::parse(env.filled("REGCRED_REGISTRY_ENDPOINTS").unwrap_or_default()) {
            Ok(registries) => registries,
            Err(errors) => {
                problems.extend(errors.0.iter().map(|error| Problem {
                    hint: Some("write REGISTRY=https://HOST, or http:// for this machine: docker.io=http://127.0.0.1:5000".to_owned()),
                    ..problem("REGCRED_REGISTRY_ENDPOINTS", &error.to_string())
                }));
                Endpoints::default()
            }
        };
        if problems.is_empty() { Ok(Self { github, registries }) } else { Err(problems) }
    }
}

fn problem(name: &str, message: &str) -> Problem {
    Problem { place: None, message: format!("{name}: {message}"), hint: None }
}

fn fault(name: &str, value: &str, insecure: bool) -> Option<Problem> {
    let Ok(url) = reqwest::Url::parse(value) else {
        return Some(problem(name, "is not an address such as https://api.github.com"));
    };
    let host = url.host_str().unwrap_or_default();
    match url.scheme() {
        "https" => None,
        "http" if insecure || is_loopback(host) => None,
        "http" => Some(Problem {
            hint: Some("use https, or say `insecure: true` at the target in regcred.yaml".to_owned()),
            ..problem(name, &format!("plain http to {host}, which is not this machine, would show the credential to the network"))
        }),
        other => Some(problem(name, &format!("has the scheme `{other}`, not https"))),
    }
}

/// Whether a host is this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || host.ends_with(".localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, value: &str, insecure: bool) -> Result<Addresses, Vec<Problem>> {
        Addresses::read(&Env::from_iter([(name, value)]), Insecure { aws: insecure, github: insecure })
    }

    #[test]
    fn plain_http_goes_to_this_machine_only_unless_the_file_allows_it() {
        for name in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_ECR", "GITHUB_API_URL"] {
            for url in ["http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1/api/v3", "https://ghe.example.com/api/v3"] {
                assert!(read(name, url, false).is_ok(), "{name}={url}");
            }
            for url in ["http://10.0.0.1", "http://127.0.0.1.example.com", "http://github.example.com", "ftp://x", "nonsense"] {
                assert!(read(name, url, false).is_err(), "{name}={url}");
            }
            assert!(read(name, "http://github.example.com", true).is_ok());
        }
    }
}
