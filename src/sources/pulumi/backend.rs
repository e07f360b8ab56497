//! Which Pulumi backend is in use, and whether there is a login to it (`pkg/workspace/creds.go`): the `pulumi`
//! program is asked nothing where there is none, because it may sign up for an account by itself then
//! (`pkg/backend/httpstate/backend.go`).

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::project::Project;
use crate::env::Env;
use crate::files;

/// The backend of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Backend {
    /// Pulumi Cloud, or a self-hosted one, with a login.
    Service,
    /// Files: on a disk, or in a bucket.
    Files {
        /// The scheme of its URL, such as `s3`.
        scheme: String,
    },
    /// None, or no login to it.
    None,
}

/// `credentials.json`. Pulumi can encrypt it: then it has none of these fields.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Credentials {
    current: String,
    access_tokens: BTreeMap<String, IgnoredAny>,
    accounts: BTreeMap<String, IgnoredAny>,
    #[serde(flatten)]
    others: BTreeMap<String, IgnoredAny>,
}

impl Backend {
    /// The backend of a project: of `PULUMI_BACKEND_URL`, the project, or the last `pulumi login`.
    #[must_use]
    pub fn of(project: &Project, env: &Env) -> Self {
        let credentials = Credentials::read(env);
        let current = Some(credentials.current.as_str()).filter(|url| !url.is_empty());
        let url = env.filled("PULUMI_BACKEND_URL").or(project.backend.as_deref()).or(current);
        let scheme = url.and_then(|url| Some(url.split_once("://")?.0));
        match scheme {
            Some(scheme) if !matches!(scheme, "http" | "https") => Self::Files { scheme: scheme.to_owned() },
            _ if env.filled("PULUMI_ACCESS_TOKEN").is_some() => Self::Service,
            _ if credentials.are_sealed() => Self::Service,
            _ if url.is_some_and(|url| credentials.know(url)) => Self::Service,
            _ => Self::None,
        }
    }
}

impl Credentials {
    fn read(env: &Env) -> Self {
        let dir = |name| env.filled(name).map(PathBuf::from);
        let home = || env.home().map(|home| home.join(".pulumi"));
        let dir = dir("PULUMI_CREDENTIALS_PATH").or_else(|| dir("PULUMI_HOME")).or_else(home);
        let text = dir.and_then(|dir| files::text(&dir.join("credentials.json")).ok());
        text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
    }

    fn know(&self, url: &str) -> bool {
        self.accounts.contains_key(url) || self.access_tokens.contains_key(url)
    }

    /// An encrypted file says that there was a login, not which.
    fn are_sealed(&self) -> bool {
        self.current.is_empty() && self.accounts.is_empty() && !self.others.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{folder, project};
    use super::*;

    fn backend(project_file: &str, credentials: &str, variables: &[(&str, &str)]) -> Backend {
        let (_dir, project) = project(&[("Pulumi.yaml", project_file)]);
        let home = folder(&[("credentials.json", credentials)]);
        let home = home.path().display().to_string();
        let variables = variables.iter().copied().chain([("PULUMI_HOME", home.as_str())]);
        Backend::of(&project, &Env::from_iter(variables))
    }

    #[test]
    fn a_backend_counts_only_with_a_login_to_it() {
        const CLOUD: &str = "https://api.pulumi.com";
        let known = r#"{"current": "https://api.pulumi.com", "accounts": {"https://api.pulumi.com": {"accessToken": "x"}}}"#;
        let plain = "name: infra\n";
        assert_eq!(backend(plain, "{}", &[]), Backend::None);
        assert_eq!(backend(plain, "", &[]), Backend::None);
        assert_eq!(backend(plain, known, &[]), Backend::Service);
        assert_eq!(backend(plain, "{}", &[("PULUMI_ACCESS_TOKEN", "x")]), Backend::Service);
        assert_eq!(backend(plain, "{}", &[("PULUMI_BACKEND_URL", CLOUD)]), Backend::None);
        assert_eq!(backend(plain, r#"{"envelope": {"alg": "x"}}"#, &[]), Backend::Service, "it is encrypted");
        let other = [("PULUMI_BACKEND_URL", "https://pulumi.example.com")];
        assert_eq!(backend(plain, known, &other), Backend::None, "the login is to another one");
    }

    #[test]
    fn files_need_no_login_of_pulumis() {
        let files = |scheme: &str| Backend::Files { scheme: scheme.to_owned() };
        let bucket = "name: infra\nbackend: {url: 's3://bucket?region=us-east-2'}\n";
        assert_eq!(backend(bucket, "{}", &[("PULUMI_ACCESS_TOKEN", "x")]), files("s3"));
        assert_eq!(backend(bucket, "{}", &[("PULUMI_BACKEND_URL", "file://~")]), files("file"));
        assert_eq!(backend("name: infra\n", r#"{"current": "gs://b"}"#, &[]), files("gs"));
    }
}
