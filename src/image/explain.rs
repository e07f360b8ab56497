//! Which credential a pull presents, and why it presents none.

use crate::model::registry::DOCKER_HUB;
use crate::model::{Reference, Registry};

/// Hosts that people take for Docker Hub, and that no image name is folded from.
const NOT_DOCKER_HUB: [&str; 4] =
    [DOCKER_HUB, "registry-1.docker.io", "registry.hub.docker.com", "hub.docker.com"];

/// How an image is pulled with a list of credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pull<'a> {
    /// With this credential.
    With(&'a str),
    /// Without any.
    Anonymous {
        /// Why no credential is for it.
        why: String,
        /// The name of the same image that one of the credentials is for.
        instead: Option<String>,
    },
}

/// The credential of the list that a pull of the image presents: the first one for its registry.
pub fn explain<'a>(image: &Reference, credentials: &'a [(String, Registry)]) -> Pull<'a> {
    let holder = |image: &Reference| credentials.iter().find(|(_, registry)| registry.covers(image));
    if let Some((id, _)) = holder(image) {
        return Pull::With(id);
    }
    let spelling = misspelt(image, credentials);
    let instead =
        spelling.as_ref().and_then(|(_, name)| respelt(image, name)).filter(|other| holder(other).is_some());
    let why = spelling.map_or_else(|| missing(image), |(why, _)| why);
    Pull::Anonymous { why, instead: instead.map(|other| other.familiar()) }
}

fn missing(image: &Reference) -> String {
    if image.domain().is_empty() {
        let first = image.path().split('/').next().unwrap_or_default();
        return format!("`{first}` is not a valid host, so the name means no registry");
    }
    format!("no credential for {}", image.domain())
}

/// How the registry's host is written so that it is another one than was meant, and the name without that mistake.
fn misspelt(image: &Reference, credentials: &[(String, Registry)]) -> Option<(String, String)> {
    let domain = image.domain();
    let lower = domain.to_ascii_lowercase();
    let host = lower.strip_suffix(":443").unwrap_or(&lower);
    let known = |name: &str| credentials.iter().any(|(_, registry)| registry.canonical() == name);
    if domain == DOCKER_HUB || domain.is_empty() {
        None
    } else if NOT_DOCKER_HUB.contains(&host) || host == "index.docker.io" {
        let why = format!("`{domain}` is not Docker Hub in an image name");
        Some((why, format!("{DOCKER_HUB}/{}", image.path())))
    } else if !domain.contains(['.', ':']) && lower != domain {
        let why = format!("an upper-case first part is read as a host: `{domain}`");
        Some((why, format!("{lower}/{}", image.path())))
    } else if lower != domain {
        let why = format!("a host is compared as it is written: `{domain}` is not `{lower}`");
        Some((why, format!("{lower}/{}", image.path())))
    } else if host != domain && known(host) {
        let why = format!("a port makes it another host: `{domain}` is not `{host}`");
        Some((why, format!("{host}/{}", image.path())))
    } else {
        let with_port = format!("{domain}:443");
        let why = format!("a port makes it another host: `{domain}` is not `{with_port}`");
        known(&with_port).then(|| (why, format!("{with_port}/{}", image.path())))
    }
}

/// The image's tag and digest at another name.
fn respelt(image: &Reference, name: &str) -> Option<Reference> {
    let version = &image.to_string()[image.name().len()..];
    Reference::parse(&format!("{name}{version}")).ok()
}
