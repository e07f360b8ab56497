//! Where the GitHub token comes from.

use std::time::Duration;

use url::Url;

use super::Token;
use crate::change::Read;
use crate::env::Env;
use crate::model::{Problem, Secret};
use crate::net::header;

/// `gh` answers from its own store; it never needs longer.
const LIMIT: Duration = Duration::from_secs(5);
const GITHUB: &str = "github.com";
/// The variables for github.com and its tenants `*.ghe.com`, and those for a server of one's own, as `gh` has them: what is
/// meant for one is never sent to another.
const OF_GITHUB: &[&str] = &["GITHUB_TOKEN", "GH_TOKEN"];
const OF_A_SERVER: &[&str] = &["GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"];
/// What `gh` needs to find its own store.
const GH_NEEDS: &[&str] = &["GH_CONFIG_DIR"];

impl Token {
    /// The token of the variables for the host of `GITHUB_API_URL`, else of `gh auth token` for that host.
    ///
    /// # Errors
    /// There is none anywhere, or it cannot be one.
    pub async fn find(env: &Env) -> Read<Self> {
        let host = Host::of(env.filled("GITHUB_API_URL"));
        for source in host.variables() {
            if let Some(value) = env.filled(source).map(str::trim).filter(|value| !value.is_empty()) {
                return Self::checked(value, source);
            }
        }
        match of_gh(env, &host.name).await {
            Some(value) => Self::checked(&value, "gh auth token"),
            None => Err(host.nothing()),
        }
    }

    /// A token goes into a header, which a line break or a colour code would break.
    fn checked(value: &str, source: &'static str) -> Read<Self> {
        match header::fault(value) {
            None => Ok(Self { value: Secret::new(value.to_owned()), source }),
            Some(flaw) => {
                let hint = match source {
                    "gh auth token" => "look at what it prints: gh auth token".to_owned(),
                    variable => format!("export {variable} again without it"),
                };
                Err(Problem::outside(format!("the token of {source} {flaw}")).hint(hint).login(true))
            }
        }
    }
}

/// Where the token is for.
struct Host {
    name: String,
    /// A sandbox, or a way into a server: either kind of token is meant for it.
    is_here: bool,
}

impl Host {
    fn of(api: Option<&str>) -> Self {
        let url = api.and_then(|api| Url::parse(api).ok());
        let name = url.as_ref().and_then(Url::host_str).unwrap_or(GITHUB).to_lowercase();
        let of_github = |name: &str| name == GITHUB || name.ends_with(".ghe.com");
        let name = match name.strip_prefix("api.") {
            Some(rest) if of_github(rest) => rest.to_owned(),
            _ => name,
        };
        Self { name, is_here: url.is_some_and(|url| crate::net::is_loopback(&url)) }
    }

    fn variables(&self) -> Vec<&'static str> {
        match (self.name == GITHUB || self.name.ends_with(".ghe.com"), self.is_here) {
            (true, _) => OF_GITHUB.to_vec(),
            (false, true) => [OF_A_SERVER, OF_GITHUB].concat(),
            (false, false) => OF_A_SERVER.to_vec(),
        }
    }

    fn nothing(&self) -> Problem {
        let variables = self.variables();
        let (name, first) = (&self.name, variables[0]);
        let at = if name == GITHUB { String::new() } else { format!(" --hostname {name}") };
        let message = format!(
            "no GitHub token for {name}: gh is not logged in there, and none of these is set: {}",
            variables.join(", ")
        );
        Problem::outside(message).hint(format!("gh auth login{at}, or export {first}")).login(true)
    }
}

async fn of_gh(env: &Env, host: &str) -> Option<String> {
    let gh = env.known_program(&["gh", "auth", "token", "--hostname", host], GH_NEEDS);
    let output = gh.quiet().for_at_most(LIMIT).succeed().await.ok()?;
    let token = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (!token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_for_the_host_that_it_was_made_for() {
        for (api, host, variables) in [
            (None, "github.com", OF_GITHUB),
            (Some("https://api.github.com"), "github.com", OF_GITHUB),
            (Some("https://api.acme.ghe.com"), "acme.ghe.com", OF_GITHUB),
            (Some("https://ghe.example.com/api/v3"), "ghe.example.com", OF_A_SERVER),
            (Some("https://api.github.com.example.com"), "api.github.com.example.com", OF_A_SERVER),
            (Some("https://api.notghe.com"), "api.notghe.com", OF_A_SERVER),
        ] {
            let found = Host::of(api);
            assert_eq!((found.name.as_str(), found.variables().as_slice()), (host, variables), "{api:?}");
        }
    }
}
