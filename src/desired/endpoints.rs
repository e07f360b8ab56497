//! At which addresses the systems are, from the environment's own names. Plain http goes only to
//! this machine, unless the file says that the target is self-hosted without TLS.

use super::Desired;
use crate::env::Env;
use crate::model::Problem;
use crate::registry::Endpoints;

const DAYTONA: &str = "https://app.daytona.io/api";
const GITHUB: &str = "https://api.github.com";
const RUNPOD: &str = "https://api.runpod.io";

/// The systems' addresses.
#[derive(Clone, Debug)]
pub struct Addresses {
    /// Daytona's API.
    pub daytona: String,
    /// GitHub's API.
    pub github: String,
    /// RunPod's control plane, without the version.
    pub runpod: String,
    /// Registries that are elsewhere than their names say.
    pub registries: Endpoints,
}

impl Default for Addresses {
    fn default() -> Self {
        Self {
            daytona: DAYTONA.to_owned(),
            github: GITHUB.to_owned(),
            runpod: RUNPOD.to_owned(),
            registries: Endpoints::default(),
        }
    }
}

impl Addresses {
    /// Reads `GITHUB_API_URL`, `REGCRED_REGISTRY_ENDPOINTS`, the AWS SDK's endpoint variables, and `DAYTONA_API_URL` and
    /// `RUNPOD_API_URL`, which are judged where something is declared in Daytona and RunPod.
    ///
    /// # Errors
    /// Addresses that are not valid, or plain http to another machine.
    pub(super) fn read(env: &Env, desired: &Desired) -> Result<Self, Vec<Problem>> {
        let insecure = desired.insecure;
        let daytona = env.filled("DAYTONA_API_URL").unwrap_or(DAYTONA).trim_end_matches('/').to_owned();
        let github = env.filled("GITHUB_API_URL").unwrap_or(GITHUB).trim_end_matches('/').to_owned();
        let runpod = runpod(env.filled("RUNPOD_API_URL").unwrap_or(RUNPOD));
        let mut problems = Vec::new();
        if !desired.daytona.is_empty() {
            problems.extend(fault("DAYTONA_API_URL", &daytona, insecure.daytona));
        }
        problems.extend(fault("GITHUB_API_URL", &github, insecure.github));
        let aws =
            env.iter().filter(|(name, value)| name.starts_with("AWS_ENDPOINT_URL") && !value.is_empty());
        problems.extend(aws.filter_map(|(name, value)| fault(name, value, insecure.aws)));
        if !desired.runpod.is_empty() {
            problems.extend(runpod_fault(&runpod, insecure.runpod));
        }
        let registries =
            match Endpoints::parse(env.filled("REGCRED_REGISTRY_ENDPOINTS").unwrap_or_default()) {
                Ok(registries) => registries,
                Err(errors) => {
                    let example = "REGCRED_REGISTRY_ENDPOINTS=docker.io=https://mirror.example.com";
                    problems.extend(errors.0.iter().map(|error| {
                        problem("REGCRED_REGISTRY_ENDPOINTS", &error.to_string()).hint(example)
                    }));
                    Endpoints::default()
                }
            };
        if problems.is_empty() { Ok(Self { daytona, github, runpod, registries }) } else { Err(problems) }
    }
}

/// The control plane of a URL that other programs are given for the APIs at the same host: `…/v2`, `…/graphql`.
fn runpod(url: &str) -> String {
    let url = url.trim_end_matches('/');
    let url = url.strip_suffix("/graphql").or_else(|| url.strip_suffix("/v2")).unwrap_or(url);
    url.to_owned()
}

/// What is wrong with RunPod's address. Only whoever uses RunPod is told: other programs read the variable, too.
fn runpod_fault(url: &str, insecure: bool) -> Option<Problem> {
    let name = "RUNPOD_API_URL";
    let host = reqwest::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
    let wrong = match host.as_deref() {
        Some("rest.runpod.io") => "is REST v1, which has retired",
        Some("api.runpod.ai") => "runs jobs, and has no templates or registry auths",
        _ => return fault(name, url, insecure),
    };
    let message = format!("{} {wrong}", host.unwrap_or_default());
    Some(problem(name, &message).hint(format!("export {name}={RUNPOD}, or unset it")))
}

fn problem(name: &str, message: &str) -> Problem {
    Problem::input(format!("{name}: {message}"))
}

fn fault(name: &str, value: &str, insecure: bool) -> Option<Problem> {
    let Ok(url) = reqwest::Url::parse(value) else {
        return Some(problem(name, "is not an address such as https://api.github.com"));
    };
    let fault = crate::net::check(&url, insecure).err()?;
    Some(problem(name, &fault.message).hints(fault.hints))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desired::Insecure;
    use crate::model::CredentialId;
    use crate::registry::Registry;
    use crate::targets::daytona;

    fn read(name: &str, value: &str, insecure: bool) -> Result<Addresses, Vec<Problem>> {
        let row = daytona::Desired {
            credential: CredentialId("docker-hub".to_owned()),
            registry: Registry::docker_hub(),
            name: "docker-hub".to_owned(),
        };
        let insecure = Insecure { aws: insecure, daytona: insecure, github: insecure, runpod: insecure };
        Addresses::read(
            &Env::from_iter([(name, value)]),
            &Desired { insecure, daytona: vec![row], ..Desired::default() },
        )
    }

    #[test]
    fn plain_http_goes_to_this_machine_only_unless_the_file_allows_it() {
        for name in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_ECR", "DAYTONA_API_URL", "GITHUB_API_URL"] {
            for url in [
                "http://127.0.0.1:1",
                "http://[::1]:1",
                "http://localhost:1/api/v3",
                "https://ghe.example.com/api/v3",
            ] {
                assert!(read(name, url, false).is_ok(), "{name}={url}");
            }
            for url in [
                "http://10.0.0.1",
                "http://127.0.0.1.example.com",
                "http://github.example.com",
                "ftp://x",
                "nonsense",
            ] {
                assert!(read(name, url, false).is_err(), "{name}={url}");
            }
            assert!(read(name, "http://github.example.com", true).is_ok());
        }
    }

    #[test]
    fn daytonas_address_is_looked_at_only_where_something_is_declared_there() {
        let env = Env::from_iter([("DAYTONA_API_URL", "http://daytona.example.com/api")]);
        assert!(Addresses::read(&env, &Desired::default()).is_ok());
        assert!(read("DAYTONA_API_URL", "http://daytona.example.com/api", false).is_err());
    }

    #[test]
    fn only_runpods_control_plane_is_taken_for_it() {
        let said = |url: &str, insecure: bool| {
            let env = Env::from_iter([("RUNPOD_API_URL", url)]);
            let addresses = Addresses::read(&env, &Desired::default()).unwrap();
            let fault = runpod_fault(&addresses.runpod, insecure).map(|problem| problem.message);
            (addresses.runpod, fault)
        };
        for url in ["https://api.runpod.io/v2/", "https://api.runpod.io/graphql", "https://api.runpod.io"] {
            assert_eq!(said(url, false), (RUNPOD.to_owned(), None), "{url}");
        }
        assert!(said("https://rest.runpod.io/v1", false).1.unwrap().contains("has retired"));
        assert!(said("https://api.runpod.ai/v2", false).1.unwrap().contains("runs jobs"));
        assert!(said("http://runpod.example.com", false).1.unwrap().contains("plain http"));
        assert_eq!(said("http://runpod.example.com", true).1, None);
    }
}
