//! What kind of secret a credential has, known from its form and never from asking anybody.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{Registry, Secret};

/// The kind of a credential's secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, strum::EnumIter)]
pub enum TokenKind {
    /// Docker Hub: a personal access token (`dckr_pat_…`, or a UUID until 2021).
    DockerPersonal,
    /// Docker Hub: an organisation access token (`dckr_oat_…`); its user name is the organisation's.
    DockerOrganization,
    /// GitHub: a classic personal access token (`ghp_…`), the kind that GHCR asks for.
    GitHubClassic,
    /// GitHub: a fine-grained personal access token (`github_pat_…`).
    GitHubFineGrained,
    /// GitHub: a token of an app, or of a workflow run (`ghs_…`, `ghu_…`, `gho_…`); it lives for hours.
    GitHubApp,
    /// GitLab: a personal, group or project access token (`glpat-…`).
    GitLabPersonal,
    /// GitLab: a deploy token (`gldt-…`).
    GitLabDeploy,
    /// GitLab: a job's token (`glcbt-…`); it lives as long as the job.
    GitLabJob,
    /// Google Artifact Registry: a service account's key in JSON (user name `_json_key` or `_json_key_base64`).
    GoogleKey,
    /// Google Artifact Registry: an access token (user name `oauth2accesstoken`, or `_dcgcloud_token` as
    /// `gcloud auth configure-docker` writes it); it lives for an hour.
    GoogleAccess,
    /// Amazon ECR: the password of `aws ecr get-login-password` (user name `AWS`); it lives for 12 hours.
    EcrLogin,
    /// Any registry: a signed token that names its own end, within a day (RFC 7519: `exp`, `iat`), such as Azure's and
    /// Chainguard's.
    Signed,
    /// Quay: the token of a robot account (user name `namespace+robot`).
    QuayRobot,
    /// An identity or refresh token, which is exchanged at the token service (user name `<token>`, as Docker's
    /// credential helpers write it).
    Identity,
    /// A password, or a token of a kind that is not known.
    Unknown,
}

impl TokenKind {
    /// Whether it is a token that Docker Hub has made, and lists.
    #[must_use]
    pub fn is_docker_token(self) -> bool {
        matches!(self, Self::DockerPersonal | Self::DockerOrganization)
    }

    /// The kind of these words; one that is not known if there is none.
    #[must_use]
    pub fn named(words: &str) -> Self {
        use strum::IntoEnumIterator;
        Self::iter().find(|kind| kind.to_string() == words).unwrap_or(Self::Unknown)
    }

    /// Whether it is known to be a generated token, which nobody can guess: not a password that a person chose.
    pub fn is_access_token(self) -> bool {
        self != Self::Unknown
    }

    /// Whether it stops working within a day by itself, so that placing it anywhere makes little sense.
    pub fn is_short_lived(self) -> bool {
        matches!(self, Self::GitHubApp | Self::GitLabJob | Self::GoogleAccess | Self::EcrLogin | Self::Signed)
    }
}

impl fmt::Display for TokenKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DockerPersonal => "Docker personal access token",
            Self::DockerOrganization => "Docker organization access token",
            Self::GitHubClassic => "GitHub personal access token (classic)",
            Self::GitHubFineGrained => "GitHub fine-grained personal access token",
            Self::GitHubApp => "GitHub app or workflow token",
            Self::GitLabPersonal => "GitLab access token",
            Self::GitLabDeploy => "GitLab deploy token",
            Self::GitLabJob => "GitLab job token",
            Self::GoogleKey => "Google service account key",
            Self::GoogleAccess => "Google access token",
            Self::EcrLogin => "login of Amazon ECR",
            Self::Signed => "signed token that ends within a day",
            Self::QuayRobot => "Quay robot token",
            Self::Identity => "identity token",
            Self::Unknown => "password or unknown token",
        })
    }
}

/// The user name that says that the secret is an identity token (docker/docker-credential-helpers).
pub const IDENTITY_USER: &str = "<token>";

/// Recognises a credential's secret. A token of another registry's kind is [`TokenKind::Unknown`] here: it is not one
/// that this registry has made.
pub fn token_kind(registry: &Registry, username: &str, secret: &Secret) -> TokenKind {
    let host = registry.canonical();
    let value = secret.expose();
    if username == IDENTITY_USER {
        return TokenKind::Identity;
    }
    match host {
        _ if ends_within_a_day(value) => TokenKind::Signed,
        "docker.io" => docker(value),
        "ghcr.io" => github(value),
        "quay.io" if is_robot(username) => TokenKind::QuayRobot,
        _ if host == "gcr.io" || host.ends_with(".gcr.io") || host.ends_with(".pkg.dev") => {
            google(username, value)
        }
        _ if username == "AWS" && is_ecr(host) => TokenKind::EcrLogin,
        // GitLab's registry has its own host name in each installation; its prefixes are its own everywhere.
        _ if username == "gitlab-ci-token" => TokenKind::GitLabJob,
        _ => gitlab(value),
    }
}

/// `ACCOUNT.dkr.ecr.REGION.SUFFIX`, and the newer `ACCOUNT.dkr-ecr.REGION.on.aws`; the public gallery as well.
fn is_ecr(host: &str) -> bool {
    host == "public.ecr.aws"
        || host.contains(".dkr.ecr.")
        || host.contains(".dkr.ecr-fips.")
        || host.contains(".dkr-ecr")
}

/// Whether a value is a JSON Web Token that is good for a day at most.
fn ends_within_a_day(value: &str) -> bool {
    #[derive(serde::Deserialize)]
    struct Claims {
        iat: u64,
        exp: u64,
    }
    const DAY: u64 = 86_400;
    let mut parts = value.split('.');
    let (Some(_), Some(claims), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let claims = URL_SAFE_NO_PAD.decode(claims).ok();
    let claims = claims.and_then(|bytes| serde_json::from_slice::<Claims>(&bytes).ok());
    claims.is_some_and(|Claims { iat, exp }| exp.saturating_sub(iat) <= DAY)
}

fn docker(value: &str) -> TokenKind {
    match () {
        () if follows(value, "dckr_pat_") => TokenKind::DockerPersonal,
        () if follows(value, "dckr_oat_") => TokenKind::DockerOrganization,
        () if is_uuid(value) => TokenKind::DockerPersonal,
        () => TokenKind::Unknown,
    }
}

fn github(value: &str) -> TokenKind {
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| follows(value, prefix));
    match () {
        () if starts(&["ghp_"]) => TokenKind::GitHubClassic,
        () if starts(&["github_pat_"]) => TokenKind::GitHubFineGrained,
        () if starts(&["ghs_", "ghu_", "gho_"]) => TokenKind::GitHubApp,
        () => TokenKind::Unknown,
    }
}

fn gitlab(value: &str) -> TokenKind {
    match () {
        () if follows(value, "glpat-") => TokenKind::GitLabPersonal,
        () if follows(value, "gldt-") => TokenKind::GitLabDeploy,
        () if follows(value, "glcbt-") => TokenKind::GitLabJob,
        () => TokenKind::Unknown,
    }
}

fn google(username: &str, value: &str) -> TokenKind {
    match username {
        "_json_key" if value.trim_start().starts_with('{') => TokenKind::GoogleKey,
        "_json_key_base64" => TokenKind::GoogleKey,
        "oauth2accesstoken" | "_dcgcloud_token" => TokenKind::GoogleAccess,
        _ => TokenKind::Unknown,
    }
}

/// Whether a value is this prefix and enough behind it that nobody can guess it.
fn follows(value: &str, prefix: &str) -> bool {
    const ENOUGH: usize = 16;
    value
        .strip_prefix(prefix)
        .is_some_and(|rest| rest.len() >= ENOUGH && rest.bytes().all(|b| b.is_ascii_graphic()))
}

fn is_uuid(value: &str) -> bool {
    let is_group = |(group, length): (&str, usize)| {
        group.len() == length && group.bytes().all(|b| b.is_ascii_hexdigit())
    };
    value.len() == 36 && value.split('-').zip([8, 4, 4, 4, 12]).all(is_group) && value.split('-').count() == 5
}

fn is_robot(username: &str) -> bool {
    username.split_once('+').is_some_and(|(namespace, robot)| !namespace.is_empty() && !robot.is_empty())
}
